package lanyard

import (
	"regexp"
	"slices"
)

// Built-in roles of an organization.
const (
	RoleOwner  = "owner"
	RoleAdmin  = "admin"
	RoleMember = "member"
)

// BuiltInRoles are in every organization, the mightiest first.
var BuiltInRoles = []string{RoleOwner, RoleAdmin, RoleMember}

// Role is a named set of permissions: of the tenant, for all its organizations, or of one organization.
type Role struct {
	OrganizationID OrganizationID
	Name           string
	Permissions    []string
}

// What a role may do with its own organization. These names belong to the product:
// no resource may have a permission of the same name.
const (
	// MayUpdateOrganization changes name, language and branding.
	MayUpdateOrganization = "organization:update"
	// MayDeleteOrganization deletes it and keeps it after all.
	MayDeleteOrganization = "organization:delete"
	// MayReadMembers lists people and invitations, MayManageMembers changes roles and removes people.
	MayReadMembers       = "members:read"
	MayManageMembers     = "members:manage"
	MayManageInvitations = "invitations:manage"
	MayManageRoles       = "roles:manage"
	MayManageDomains     = "domains:manage"
	// MayManageConnections sets the organization's own upstreams up; switching one on needs MayManagePolicy too.
	MayManageConnections = "connections:manage"
	MayManagePolicy      = "policy:manage"
	MayReadActivity      = "activity:read"
)

// OwnPermissions are the permissions that the product itself looks at.
var OwnPermissions = []string{
	MayUpdateOrganization, MayDeleteOrganization, MayReadMembers, MayManageMembers, MayManageInvitations,
	MayManageRoles, MayManageDomains, MayManageConnections, MayManagePolicy, MayReadActivity,
}

var (
	permissionPattern = regexp.MustCompile(`^[a-z][a-z0-9_.-]{0,62}(:[a-z0-9][a-z0-9_.-]{0,62}){1,3}$`)
	roleNamePattern   = regexp.MustCompile(`^[a-z0-9][a-z0-9_:.-]{0,63}$`)
)

// ValidPermission tells whether s is a permission: noun:verb in lower case.
func ValidPermission(s string) bool { return permissionPattern.MatchString(s) }

// ValidRoleName tells whether s may name a role: 1 to 64 of a-z, 0-9 and _ : . -, so that it stands in lists without quotes.
func ValidRoleName(s string) bool { return roleNamePattern.MatchString(s) }

// Powers are what somebody may do in one organization. The zero value may do nothing.
type Powers struct {
	roles       []string
	permissions map[string]bool
}

// PowersOf resolves roles. A name is looked up among the tenant's roles first, so
// that an organization can not change what a role of the tenant means. Owners may do
// everything of OwnPermissions, admins everything but delete the organization; what
// they may do at the tenant's resources is what the tenant's roles of these names say.
func PowersOf(roles []string, tenant, own []Role) Powers {
	p := Powers{roles: roles, permissions: map[string]bool{}}
	for _, name := range roles {
		for _, permission := range permissionsOf(name, tenant, own) {
			p.permissions[permission] = true
		}
	}
	return p
}

func permissionsOf(name string, tenant, own []Role) []string {
	out := builtInPermissions(name)
	named := func(r Role) bool { return r.Name == name }
	if i := slices.IndexFunc(tenant, named); i >= 0 {
		return append(out, tenant[i].Permissions...)
	}
	if i := slices.IndexFunc(own, named); i >= 0 && !slices.Contains(BuiltInRoles, name) {
		return own[i].Permissions
	}
	return out
}

func builtInPermissions(name string) []string {
	switch name {
	case RoleOwner:
		return slices.Clone(OwnPermissions)
	case RoleAdmin:
		return slices.DeleteFunc(slices.Clone(OwnPermissions), func(p string) bool { return p == MayDeleteOrganization })
	}
	return nil
}

// May tells whether the permission is among them.
func (p Powers) May(permission string) bool { return p.permissions[permission] }

// MayGive tells whether somebody with these powers may give a role, take it away, or
// act on a member who has it: owners any; admins any that may not delete the
// organization; everybody else those that may do nothing that they may not do themselves.
func (p Powers) MayGive(role string, tenant, own []Role) bool {
	switch {
	case slices.Contains(p.roles, RoleOwner):
		return true
	case role == RoleOwner:
		return false
	case slices.Contains(p.roles, RoleAdmin):
		return !slices.Contains(permissionsOf(role, tenant, own), MayDeleteOrganization)
	case role == RoleAdmin:
		return false
	}
	return !slices.ContainsFunc(permissionsOf(role, tenant, own), func(permission string) bool { return !p.May(permission) })
}

// At are the permissions that a resource knows, sorted: those that tokens for it carry.
func (p Powers) At(resources ...*Resource) []string {
	var out []string
	for _, r := range resources {
		for _, known := range r.Catalogue() {
			if p.May(known.Name) && !slices.Contains(out, known.Name) {
				out = append(out, known.Name)
			}
		}
	}
	slices.Sort(out)
	return out
}
