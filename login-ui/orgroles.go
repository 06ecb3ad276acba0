package loginui

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/tenants/accounts"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// roleDeeds are about the roles of an organization.
type roleDeeds interface {
	Roles(ctx context.Context, s organizations.Seat) (tenant, own []lanyard.Role, err error)
	PutRole(ctx context.Context, s organizations.Seat, r lanyard.Role, now time.Time) error
	DeleteRole(ctx context.Context, s organizations.Seat, name string, now time.Time) error
	Catalogue(t accounts.Tenancy) []lanyard.ResourceScope
}

const (
	roleParam        = "role"
	permissionPrefix = "permission."
)

// orgRolesView is the page of the roles.
type orgRolesView struct {
	*orgPage
	Given []orgRole // built in and the tenant's, which the organization can not change
	Own   []orgRole
	// Name is the role in the form; Editing says that it is there already.
	Name        string
	Editing     bool
	Permissions []permissionBox
}

type orgRole struct {
	Name, Text string
	// Permissions are in words, in one line.
	Permissions string
	// Edit leads to the form with the role in it; empty if the person may not give it.
	Edit string
}

// permissionBox is a permission that a role may have.
type permissionBox struct {
	Field, ID, Name, Text string
	Checked               bool
}

func (p *Pages) orgRolesScreen() orgScreen {
	return orgScreen{path: orgRoles, area: orgRoles, heading: "org.roles.heading", template: "orgroles.html", view: p.viewOrgRoles}
}

func (p *Pages) orgRoleForms() []orgForm {
	at := p.orgRolesScreen()
	return []orgForm{
		{path: orgRoles, at: at, do: p.putRole, explain: either(wrongFields, among(
			mistake{lanyard.ErrBadInput, "name", "org.roles.bad", nil},
			mistake{lanyard.ErrNotAllowed, "", "org.roles.too_mighty", nil},
		))},
		{path: orgRoles + "/remove", at: at, do: p.deleteRole, explain: among(mistake{lanyard.ErrRoleInUse, "", "org.roles.in_use", nil})},
	}
}

func (p *Pages) putRole(c *gin.Context, d desk, f posted) (web.Handler, error) {
	role := lanyard.Role{OrganizationID: d.seat.Organization.ID, Name: strings.TrimSpace(f.value("name"))}
	if !lanyard.ValidRoleName(role.Name) {
		return nil, wrongField{mistake{field: "name", key: "org.roles.bad_name"}}
	}
	for name := range f.values {
		if permission, found := strings.CutPrefix(name, permissionPrefix); found {
			role.Permissions = append(role.Permissions, permission)
		}
	}
	slices.Sort(role.Permissions)
	return d.done(orgRoles, "role_saved"), p.Organizations.PutRole(c.Request.Context(), d.seat, role, p.Clock.Now())
}

func (p *Pages) deleteRole(c *gin.Context, d desk, f posted) (web.Handler, error) {
	name := f.value("name")
	if !lanyard.ValidRoleName(name) {
		return nil, lanyard.ErrNotFound
	}
	return d.done(orgRoles, "role_removed"), p.Organizations.DeleteRole(c.Request.Context(), d.seat, name, p.Clock.Now())
}

func (p *Pages) viewOrgRoles(c *gin.Context, v *orgPage) (any, error) {
	tenant, own, err := p.Organizations.Roles(c.Request.Context(), v.seat)
	if err != nil {
		return nil, err
	}
	out := orgRolesView{orgPage: v}
	catalogue := p.Organizations.Catalogue(v.seat.Tenancy)
	for _, r := range givenRoles(tenant, catalogue) {
		entry, err := v.role(r, catalogue)
		if err != nil {
			return nil, err
		}
		out.Given = append(out.Given, entry)
	}
	for _, r := range own {
		entry, err := v.role(r, catalogue)
		if err != nil {
			return nil, err
		}
		if v.mayGive(r.Name) {
			entry.Edit = v.with(orgRoles, url.Values{roleParam: {r.Name}})
		}
		out.Own = append(out.Own, entry)
	}
	return out, out.form(c, own, catalogue)
}

// givenRoles are the built-in roles and those of the tenant, with what they allow here.
func givenRoles(tenant []lanyard.Role, catalogue []lanyard.ResourceScope) []lanyard.Role {
	var out []lanyard.Role
	names := slices.Clone(lanyard.BuiltInRoles)
	for _, r := range tenant {
		if !slices.Contains(names, r.Name) {
			names = append(names, r.Name)
		}
	}
	for _, name := range names {
		powers := lanyard.PowersOf([]string{name}, tenant, nil)
		role := lanyard.Role{Name: name}
		for _, known := range catalogue {
			if powers.May(known.Name) {
				role.Permissions = append(role.Permissions, known.Name)
			}
		}
		out = append(out, role)
	}
	return out
}

func (v *orgPage) role(r lanyard.Role, catalogue []lanyard.ResourceScope) (orgRole, error) {
	out := orgRole{Name: r.Name}
	var words []string
	for _, permission := range r.Permissions {
		text, err := v.permission(permission, catalogue)
		if err != nil {
			return out, err
		}
		words = append(words, text)
	}
	out.Permissions = strings.Join(words, " · ")
	var err error
	out.Text, err = v.roleName(r.Name)
	return out, err
}

// permission puts a permission into words: our own in the person's language, those of
// a resource as it describes them.
func (f *frame) permission(name string, catalogue []lanyard.ResourceScope) (string, error) {
	if slices.Contains(lanyard.OwnPermissions, name) {
		return f.T("permission." + name)
	}
	i := slices.IndexFunc(catalogue, func(s lanyard.ResourceScope) bool { return s.Name == name })
	if i >= 0 && plain(catalogue[i].Description) != "" {
		return plain(catalogue[i].Description), nil
	}
	return plain(name), nil
}

// form fills the form with what was typed, or with the role that the address names.
func (v *orgRolesView) form(c *gin.Context, own []lanyard.Role, catalogue []lanyard.ResourceScope) error {
	wanted := c.Query(roleParam)
	has := func(string) bool { return false }
	if i := slices.IndexFunc(own, func(r lanyard.Role) bool { return r.Name == wanted && v.mayGive(r.Name) }); i >= 0 {
		v.Name, v.Editing = wanted, true
		has = func(permission string) bool { return slices.Contains(own[i].Permissions, permission) }
	}
	if v.Problem != nil && c.FullPath() == orgRoute+orgRoles {
		v.Name = typed(c, "name", "")
		v.Editing = slices.ContainsFunc(own, func(r lanyard.Role) bool { return r.Name == v.Name })
		has = func(permission string) bool { return c.Request.PostForm.Has(permissionPrefix + permission) }
	}
	for n, known := range catalogue {
		text, err := v.permission(known.Name, catalogue)
		if err != nil {
			return err
		}
		v.Permissions = append(v.Permissions, permissionBox{
			Field: permissionPrefix + known.Name, ID: "permission-" + strconv.Itoa(n), Name: plain(known.Name), Text: text, Checked: has(known.Name),
		})
	}
	return nil
}
