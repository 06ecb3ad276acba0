package manifest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// Organization is a customer inside a tenant. Its natural key is the slug. Members that
// it leaves out stay as they are.
type Organization struct {
	// ID, Code and Personal count when it is made: tokens name it by its id.
	ID       lanyard.OrganizationID      `json:"id"`
	Slug     string                      `json:"slug"`
	Name     string                      `json:"name"`
	Plan     *string                     `json:"plan"`
	TrialEnd *Moment                     `json:"trial_end"`
	Seats    *int64                      `json:"seats"`
	Language *string                     `json:"language"`
	Branding *lanyard.Branding           `json:"branding"`
	Policy   *lanyard.OrganizationPolicy `json:"policy"`
	Code     string                      `json:"code"`
	Personal bool                        `json:"personal"`
	// Logo and LogoDark are the files of branding's URLs, as PNG in base64.
	Logo     string `json:"logo"`
	LogoDark string `json:"logo_dark"`
	// Suspended closes it until the file says that it is not.
	Suspended   *bool        `json:"suspended"`
	Members     []Member     `json:"members"`
	Roles       []Role       `json:"roles"`
	Invitations []Invitation `json:"invitations"`
	Domains     []Domain     `json:"domains"`
	// Connections are upstream providers of its own.
	Connections []Connection `json:"connections"`
}

// Member is a user of an organization, named by e-mail address, username or sub.
type Member struct {
	User  string   `json:"user"`
	Roles []string `json:"roles"`
}

func (o *Organization) check(c checker, path string, seen map[string]bool) {
	if !lanyard.ValidSlug(o.Slug) {
		c.complain(path+".slug", "slug is 1 to 63 of a-z, 0-9 and -, and does not begin or end with -")
	}
	c.unique(seen, path+".slug", "organization", o.Slug)
	if o.ID != "" && !organizationID.MatchString(string(o.ID)) {
		c.complain(path+".id", "id is org_ and 26 letters and digits")
	}
	if o.Code != "" && !displayCode.MatchString(o.Code) {
		c.complain(path+".code", "code is 8 capital letters and digits")
	}
	for name, logo := range map[string]string{"logo": o.Logo, "logo_dark": o.LogoDark} {
		if _, err := organizations.StoredLogo(logo); err != nil {
			c.complain(path+"."+name, "%s", safe(err))
		}
	}
	o.checkSettings(c, path)
	o.checkDomains(c, path)
	checkInvitations(c, path, o.Invitations, false)
	roles := map[string]bool{}
	for i := range o.Roles {
		o.Roles[i].check(c, fmt.Sprintf("%s.roles[%d]", path, i), roles)
		if slices.Contains(lanyard.BuiltInRoles, o.Roles[i].Name) {
			c.complain(fmt.Sprintf("%s.roles[%d].name", path, i), "%s is built in", o.Roles[i].Name)
		}
	}
	o.checkMembers(c, path)
}

var (
	organizationID = regexp.MustCompile(`^org_[0-9a-hjkmnp-tv-z]{26}$`)
	displayCode    = regexp.MustCompile(`^[0-9A-Z]{8}$`)
)

// checkSettings complains about what an organization can not be.
func (o *Organization) checkSettings(c checker, path string) {
	if o.Name != "" {
		if _, err := organizations.CheckName(o.Name); err != nil {
			c.complain(path+".name", "%s", safe(err))
		}
	}
	if o.Plan != nil && (len(*o.Plan) > maxPlan || strings.ContainsFunc(*o.Plan, unicode.IsControl)) {
		c.complain(path+".plan", "a plan is at most %d bytes in one line", maxPlan)
	}
	if o.Seats != nil && *o.Seats < 0 {
		c.complain(path+".seats", "seats is the most members, and 0 for any number")
	}
	if o.Language != nil && *o.Language != "" {
		checkLanguage(c, path+".language", *o.Language)
	}
	if b := o.Branding; b != nil {
		if _, err := lanyard.ReadableAccent(b.Accent); err != nil {
			c.complain(path+".branding.accent", "%s", safe(err))
		}
		for name, logo := range map[string]string{"logo_url": b.LogoURL, "logo_dark_url": b.LogoDarkURL} {
			if logo != "" && !lanyard.ValidLogoPath(logo) {
				c.complain(path+".branding."+name, "%s is the path of a file of our own origin", name)
			}
		}
	}
	if o.Policy != nil {
		if err := organizations.CheckPolicy(*o.Policy, lanyard.Policy{EmailCode: true}, true); err != nil {
			c.complain(path+".policy", "%s", safe(err))
		}
	}
}

// maxPlan is the longest name of a plan, in bytes.
const maxPlan = 100

func (o *Organization) checkMembers(c checker, path string) {
	seen := map[string]bool{}
	for i, m := range o.Members {
		at := fmt.Sprintf("%s.members[%d]", path, i)
		if m.User == "" {
			c.complain(at, "a member needs user: an e-mail address, a username or a sub")
		}
		c.unique(seen, at+".user", "member", m.User)
	}
}

func (r *run) putOrganization(ctx context.Context, o *Organization) error {
	stored, err := r.scope.OrganizationBySlug(ctx, o.Slug)
	exists := err == nil
	if exists {
		stored, err = r.scope.LockOrganization(ctx, stored.ID)
	}
	switch {
	case !exists && errors.Is(err, lanyard.ErrNotFound):
		stored = lanyard.Organization{
			ID: cmp.Or(o.ID, lanyard.NewOrganizationID()), TenantID: r.scope.TenantID(), Slug: o.Slug, Name: o.Slug,
			Code: cmp.Or(o.Code, organizations.NewCode()), Personal: o.Personal, CreatedAt: r.now,
		}
	case err != nil:
		return err
	}
	if err := r.checkPolicy(ctx, o); err != nil {
		return err
	}
	after := o.onto(stored)
	changed := !exists || !reflect.DeepEqual(after, stored)
	r.summary.count(exists, changed)
	if changed {
		if err := r.writeOrganization(ctx, stored, after, exists); err != nil {
			return err
		}
	}
	if err := r.putLogos(ctx, o, after.ID); err != nil {
		return err
	}
	if err := r.putParts(ctx, o, after.ID); err != nil {
		return err
	}
	return r.checkConnected(ctx, after)
}

// checkPolicy insists that the tenant offers what the organization's policy demands.
func (r *run) checkPolicy(ctx context.Context, o *Organization) error {
	if o.Policy == nil {
		return nil
	}
	t, err := r.scope.Tenant(ctx)
	if err != nil {
		return err
	}
	return organizations.CheckPolicy(*o.Policy, t.Policy, true) // checkConnected follows the connections
}

// onto lays what the file says over what there is.
func (o *Organization) onto(out lanyard.Organization) lanyard.Organization {
	if name, err := organizations.CheckName(o.Name); err == nil {
		out.Name = name
	}
	out.Plan, out.Seats, out.Language = chosenOr(o.Plan, out.Plan), chosenOr(o.Seats, out.Seats), chosenOr(o.Language, out.Language)
	out.Policy, out.Suspended = chosenOr(o.Policy, out.Policy), chosenOr(o.Suspended, out.Suspended)
	if o.TrialEnd != nil {
		out.TrialEnd = o.TrialEnd.Time
	}
	if b := o.Branding; b != nil {
		if accent, err := lanyard.ReadableAccent(b.Accent); err == nil && accent != "" {
			out.Branding.Accent = accent
		}
		if b.LogoURL != "" {
			out.Branding.LogoURL = b.LogoURL
		}
		if b.LogoDarkURL != "" {
			out.Branding.LogoDarkURL = b.LogoDarkURL
		}
	}
	return out
}

func chosenOr[T any](given *T, fallback T) T {
	if given == nil {
		return fallback
	}
	return *given
}

// writeOrganization stores an organization, and records what is different.
func (r *run) writeOrganization(ctx context.Context, stored, after lanyard.Organization, exists bool) error {
	put, fact, before := r.scope.UpdateOrganization, lanyard.EventOrganizationUpdated, stored
	if !exists {
		put, fact, before = r.scope.InsertOrganization, lanyard.EventOrganizationCreated, lanyard.Organization{}
	}
	err := put(ctx, after)
	if !exists && errors.Is(err, lanyard.ErrConflict) {
		return lanyard.ErrSlugTaken
	}
	if err != nil {
		return err
	}
	if detail := organizations.Differences(before, after); len(detail) > 0 {
		if err := r.recordIn(ctx, after.ID, fact, detail); err != nil {
			return err
		}
	}
	switch {
	case after.Suspended == before.Suspended:
		return nil
	case after.Suspended:
		return r.recordIn(ctx, after.ID, lanyard.EventOrganizationSuspended, nil)
	}
	return r.recordIn(ctx, after.ID, lanyard.EventOrganizationResumed, nil)
}

// putLogos stores the files of the logos.
func (r *run) putLogos(ctx context.Context, o *Organization, id lanyard.OrganizationID) error {
	for _, logo := range []struct {
		text string
		dark bool
	}{{o.Logo, false}, {o.LogoDark, true}} {
		content, err := organizations.StoredLogo(logo.text)
		if err == nil && len(content) > 0 {
			err = r.scope.PutOrganizationLogo(ctx, id, logo.dark, content)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// putParts writes what is in an organization, in the order in which the parts name each other.
func (r *run) putParts(ctx context.Context, o *Organization, id lanyard.OrganizationID) error {
	if err := r.organizationRoles(ctx, id, o.Roles); err != nil {
		return err
	}
	if err := r.putConnections(ctx, id, o.Connections); err != nil {
		return err
	}
	members, err := r.scope.Memberships(ctx, id)
	if err != nil {
		return err
	}
	for _, m := range o.Members {
		if err := r.putMember(ctx, id, m, members); err != nil {
			return fmt.Errorf("member %s: %w", m.User, err)
		}
	}
	domains, err := r.scope.Domains(ctx, id)
	if err != nil {
		return err
	}
	for _, d := range o.Domains {
		if err := r.putDomain(ctx, id, d, domains); err != nil {
			return fmt.Errorf("domain %s: %w", d.Domain, err)
		}
	}
	return r.putInvitations(ctx, id, o.Invitations)
}

func (r *run) putMember(ctx context.Context, id lanyard.OrganizationID, m Member, stored []lanyard.Membership) error {
	user, err := r.memberUser(ctx, m.User)
	if err != nil {
		return err
	}
	roles := m.Roles
	if len(roles) == 0 {
		roles = []string{lanyard.RoleMember}
	}
	for _, role := range roles {
		if err := r.organizationRole(ctx, id, role); err != nil {
			return err
		}
	}
	at := slices.IndexFunc(stored, func(s lanyard.Membership) bool { return s.UserID == user.ID })
	changed := at < 0 || !slices.Equal(stored[at].Roles, roles)
	r.summary.count(at >= 0, changed)
	if !changed {
		return nil
	}
	if err := r.scope.PutMembership(ctx, lanyard.Membership{OrganizationID: id, UserID: user.ID, Roles: roles, CreatedAt: r.now}); err != nil {
		return err
	}
	fact := lanyard.Event{Type: lanyard.EventMemberUpdated, UserID: user.ID, OrganizationID: id}
	if at < 0 {
		fact.Type, fact.Detail = lanyard.EventMemberAdded, organizations.RolesDetail(nil, roles)
	} else {
		fact.Detail = organizations.RolesDetail(stored[at].Roles, roles)
	}
	return r.record(ctx, fact)
}

// memberUser finds the person that a member entry names.
func (r *run) memberUser(ctx context.Context, name string) (lanyard.User, error) {
	find := r.scope.UserByUsername
	if strings.Contains(name, "@") {
		find = r.scope.UserByEmail
	}
	user, err := find(ctx, name)
	if errors.Is(err, lanyard.ErrNotFound) {
		user, err = r.scope.UserBySubject(ctx, name)
	}
	if errors.Is(err, lanyard.ErrNotFound) {
		return lanyard.User{}, lanyard.ErrBadInput.Saying("there is no such user in the tenant")
	}
	return user, err
}

// organizationRole insists that a role is built in, or defined in the organization or the tenant.
func (r *run) organizationRole(ctx context.Context, id lanyard.OrganizationID, role string) error {
	if slices.Contains(lanyard.BuiltInRoles, role) {
		return nil
	}
	_, err := r.scope.RolePermissions(ctx, id, role)
	if errors.Is(err, lanyard.ErrNotFound) {
		_, err = r.scope.RolePermissions(ctx, "", role)
	}
	if errors.Is(err, lanyard.ErrNotFound) {
		return lanyard.ErrBadInput.Saying("the role " + role + " is not defined in the organization or the tenant")
	}
	return err
}

// recordIn records a fact of an organization.
func (r *run) recordIn(ctx context.Context, id lanyard.OrganizationID, fact lanyard.EventType, detail map[string]string) error {
	return r.record(ctx, lanyard.Event{Type: fact, OrganizationID: id, Detail: detail})
}
