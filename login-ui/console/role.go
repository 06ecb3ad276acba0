package console

import (
	"slices"
	"strings"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// roles are the pages of the tenant's roles.
func (c *Console) roles() {
	const (
		area = "/roles"
		read = lanyard.MayReadSettings
		do   = lanyard.MayManageSettings
	)
	c.page(screen{path: area, area: area, permission: read, show: c.roleList})
	c.editor(deed{path: "/new/role", area: area, permission: do, from: newRole, do: c.createRole})
	c.page(screen{path: "/role", area: area, permission: read, show: c.role})
	c.editor(deed{path: "/role/edit", area: area, permission: do, from: c.editRole, do: c.changeRole})
	c.removal(removal{
		path: "/role/remove", area: area, permission: do, verb: "Remove",
		subject: func(x *visit) (string, []string, link, error) {
			r, err := c.Management.Role(x.ctx(), x.Administrator, x.id())
			return r.Name, []string{"A role that somebody has can not be removed: take it from them first."}, link{"Roles", x.at(area)}, err
		},
		do: func(x *visit) (outcome, error) {
			if err := c.Management.RemoveRole(x.ctx(), x.Administrator, x.id(), nil); err != nil {
				return outcome{}, err
			}
			return x.done("removed", area)
		},
	})
}

// permissionWords say what our own permissions allow.
var permissionWords = map[string]string{
	lanyard.MayManageInstance: "Everything, in every tenant", lanyard.MayManageTenant: "Everything in this tenant", lanyard.MayReadTenant: "See everything in this tenant",
	lanyard.MayReadUsers: "See people", lanyard.MayManageUsers: "Change people", lanyard.MayReadClients: "See applications", lanyard.MayManageClients: "Change applications",
	lanyard.MayReadOrganizations: "See organizations", lanyard.MayManageOrganizations: "Change organizations", lanyard.MayReadSettings: "See settings, roles and resources",
	lanyard.MayManageSettings: "Change settings, roles and resources", lanyard.MayReadTrust: "See connections and trusted issuers", lanyard.MayManageTrust: "Change connections and trusted issuers",
	lanyard.MayReadKeys: "See signing keys", lanyard.MayManageKeys: "Rotate and revoke signing keys", lanyard.MayReadEvents: "See what happened", lanyard.MayReadWebhooks: "See webhooks",
	lanyard.MayManageWebhooks:     "Change webhooks",
	lanyard.MayUpdateOrganization: "Change name and branding of the organization", lanyard.MayDeleteOrganization: "Delete the organization", lanyard.MayReadMembers: "See members and invitations",
	lanyard.MayManageMembers: "Change members", lanyard.MayManageInvitations: "Invite people", lanyard.MayManageRoles: "Change the organization's roles", lanyard.MayManageDomains: "Change domains",
	lanyard.MayManageConnections: "Set up the company sign-in", lanyard.MayManagePolicy: "Change the organization's policy", lanyard.MayReadActivity: "See the organization's activity",
}

func (c *Console) roleList(x *visit) (*view, error) {
	add := link{"Add a role", x.at("/new/role")}
	t, err := listOf(x, listing[management.Role]{
		path: "/roles", columns: management.RoleColumns, search: "Search by name", heads: []string{"Name", "Permissions"}, deed: c.Management.Roles,
		row: func(r management.Role) []cell {
			return []cell{to(r.Name, x.at("/role", "id", r.Name)), named(r.Permissions, "none")}
		},
		empty: empty{"A role is a named set of permissions. Give it to people in the tenant, or to members of organizations.", x.onlyFor(lanyard.MayManageSettings, add)},
	})
	if err != nil {
		return nil, err
	}
	v := &view{Title: "Roles", Lead: "Roles of the tenant, for its administrators and for all organizations.", Actions: x.whoMay(lanyard.MayManageSettings, add), Copy: []command{{CLI: "lanyard role list", Method: "GET", Path: "/roles"}}}
	return v.add(t), nil
}

// roleFields offers all permissions that there are: ours, those of organizations, those of resources.
func roleFields(x *visit, r management.Role) []field {
	tenant := lanyard.AdministrationPermissions
	if x.Live.Tenant.Slug != lanyard.DefaultTenant {
		tenant = slices.DeleteFunc(slices.Clone(tenant), func(p string) bool { return p == lanyard.MayManageInstance })
	}
	fields := []field{
		several("permissions", "In the tenant", r.Permissions, worded(tenant)...),
		several("permissions", "In an organization", r.Permissions, worded(lanyard.OwnPermissions)...),
	}
	known := append(slices.Clone(tenant), lanyard.OwnPermissions...)
	for _, resource := range x.Live.Resources() {
		var own []option
		for _, s := range resource.Catalogue() {
			if !resource.Management && !slices.Contains(known, s.Name) {
				own, known = append(own, option{s.Name, s.Name, s.Description}), append(known, s.Name)
			}
		}
		if len(own) > 0 {
			fields = append(fields, several("permissions", "At "+resource.Identifier, r.Permissions, own...))
		}
	}
	others := slices.DeleteFunc(slices.Clone(r.Permissions), func(p string) bool { return slices.Contains(known, p) })
	for i := range fields {
		fields[i].Prefix = string(rune('a' + i))
	}
	return append(fields, area("others", "Others", others, "Permissions that no resource names, one on each line."))
}

func worded(permissions []string) []option {
	var out []option
	for _, p := range permissions {
		out = append(out, option{p, permissionWords[p], p})
	}
	return out
}

func (x *visit) readRole(r management.Role) (management.Role, error) {
	r.Permissions = slices.Concat(x.form["permissions"], x.lines("others"))
	return r, nil
}

func newRole(x *visit) (*view, error) {
	fields := append([]field{required(input("name", "Name", "", "Lower-case letters, digits and _ : . - such as billing-manager. It can not be changed later."))}, roleFields(x, management.Role{})...)
	v := &view{Title: "Add a role", Crumbs: []link{{"Roles", x.at("/roles")}}, Copy: []command{{
		CLI: "lanyard role create name=support permissions=tenant:users:read", Method: "POST", Path: "/roles", Body: `{"name":"support","permissions":["tenant:users:read"]}`,
	}}}
	return v.add(form{Action: x.at("/new/role"), Submit: "Add", Fields: fields, Cancel: x.at("/roles")}), nil
}

func (c *Console) createRole(x *visit) (outcome, error) {
	r, _ := x.readRole(management.Role{Name: x.field("name")})
	if _, err := c.Management.CreateRole(x.ctx(), x.Administrator, r); err != nil {
		return outcome{}, err
	}
	return x.done("created", "/role", "id", r.Name)
}

func (c *Console) role(x *visit) (*view, error) {
	r, err := c.Management.Role(x.ctx(), x.Administrator, x.id())
	if err != nil {
		return nil, err
	}
	v := &view{Title: r.Name, Crumbs: []link{{"Roles", x.at("/roles")}}, Copy: []command{{CLI: "lanyard role get " + r.Name, Method: "GET", Path: "/roles/" + r.Name}}}
	v.Actions = x.whoMay(lanyard.MayManageSettings, link{"Change", x.at("/role/edit", "id", r.Name)}, link{"Remove", x.at("/role/remove", "id", r.Name)})
	if x.may(lanyard.MayReadUsers) {
		v.Actions = append(v.Actions, link{"Who has it", x.at("/users", "role", r.Name)})
	}
	powers := lanyard.TenantPowersOf([]string{r.Name}, []lanyard.Role{{Name: r.Name, Permissions: r.Permissions}}, x.Live.Tenant.Slug == lanyard.DefaultTenant)
	given := table{Title: "Permissions", Columns: []string{"Permission", "Allows"}, Empty: empty{Text: "It allows nothing."}}
	for _, p := range r.Permissions {
		given.Rows = append(given.Rows, []cell{code(p), or(permissionWords[p], "what the resource says")})
	}
	v.add(given)
	return v.add(c.rolePreview(x, r, powers)), nil
}

// rolePreview is what somebody who has the role gets.
func (c *Console) rolePreview(x *visit, r management.Role, powers lanyard.Powers) facts {
	f := facts{Title: "What it gives"}
	f.put("In the tenant", named(powers.List(), "nothing"))
	inOrganization := lanyard.PowersOf([]string{r.Name}, x.Live.Roles, nil)
	f.put("In an organization", named(slices.DeleteFunc(slices.Clone(lanyard.OwnPermissions), func(p string) bool { return !inOrganization.May(p) }), "nothing"))
	for _, resource := range x.Live.Resources() {
		if at := inOrganization.At(resource); len(at) > 0 && !resource.Management {
			f.put("In tokens for "+resource.Identifier, code("permissions: "+strings.Join(at, " ")))
		}
	}
	return f
}

func (c *Console) editRole(x *visit) (*view, error) {
	r, err := c.Management.Role(x.ctx(), x.Administrator, x.id())
	if err != nil {
		return nil, err
	}
	v := &view{Title: "Change " + r.Name, Crumbs: []link{{"Roles", x.at("/roles")}, {r.Name, x.at("/role", "id", r.Name)}}, Copy: []command{{
		CLI: "lanyard role update " + r.Name + " permissions=tenant:users:read", Method: "PATCH", Path: "/roles/" + r.Name, Body: `{"permissions":["tenant:users:read"]}`,
	}}}
	f, err := versioned(form{Action: x.at("/role/edit", "id", r.Name), Submit: "Save", Fields: roleFields(x, r), Cancel: x.at("/role", "id", r.Name)}, r)
	return v.add(f), err
}

func (c *Console) changeRole(x *visit) (outcome, error) {
	if _, err := c.Management.ChangeRole(x.ctx(), x.Administrator, x.id(), changed(x, x.readRole)); err != nil {
		return outcome{}, err
	}
	return x.done("saved", "/role", "id", x.id())
}
