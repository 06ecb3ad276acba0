package organizations

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

const (
	// maxRoles bounds the roles that one organization makes, maxPermissions those of
	// one role: they are read with every token.
	maxRoles       = 50
	maxPermissions = 100
)

// mayListRoles are the permissions whose work needs the list of roles.
var mayListRoles = []string{lanyard.MayReadMembers, lanyard.MayManageMembers, lanyard.MayManageInvitations, lanyard.MayManageRoles}

// Roles lists the tenant's roles and those that the organization made itself, by name.
// The built-in ones are lanyard.BuiltInRoles. It is for whoever reads or manages
// members, invitations or roles.
func (o *Organizations) Roles(ctx context.Context, s Seat) (tenant, own []lanyard.Role, err error) {
	if !slices.ContainsFunc(mayListRoles, s.May) {
		return nil, nil, lanyard.ErrNotAllowed
	}
	own, err = s.Tenancy.Scope.Roles(ctx, s.Organization.ID)
	return s.Tenancy.Roles, own, err
}

// Catalogue is what a role of an organization can allow: the product's own permissions
// and those that the tenant's resources know.
func (o *Organizations) Catalogue(t accounts.Tenancy) []lanyard.ResourceScope {
	return Catalogue(t.Resources)
}

// Catalogue is what a role of an organization can allow, where the tenant has these resources.
func Catalogue(resources []*lanyard.Resource) []lanyard.ResourceScope {
	var out []lanyard.ResourceScope
	for _, permission := range lanyard.OwnPermissions {
		out = append(out, lanyard.ResourceScope{Name: permission})
	}
	for _, r := range resources {
		for _, permission := range r.Catalogue() {
			if !knows(out, permission.Name) {
				out = append(out, permission)
			}
		}
	}
	return out
}

func knows(catalogue []lanyard.ResourceScope, permission string) bool {
	return slices.ContainsFunc(catalogue, func(known lanyard.ResourceScope) bool { return known.Name == permission })
}

// CheckRole tells what is wrong with a role of an organization, where the tenant has
// these roles and a catalogue.
func CheckRole(r lanyard.Role, tenant []lanyard.Role, catalogue []lanyard.ResourceScope) error {
	switch {
	case !lanyard.ValidRoleName(r.Name):
		return lanyard.ErrBadInput.Saying("the name of a role is 1 to 64 of a-z, 0-9 and _ : . -")
	case slices.Contains(lanyard.BuiltInRoles, r.Name):
		return lanyard.ErrBadInput.Saying(r.Name + " is built in")
	case slices.ContainsFunc(tenant, func(t lanyard.Role) bool { return t.Name == r.Name }):
		return lanyard.ErrBadInput.Saying("the tenant has a role with the name " + r.Name)
	case len(r.Permissions) > maxPermissions:
		return lanyard.ErrBadInput.Saying("a role has at most 100 permissions")
	}
	for _, permission := range r.Permissions {
		if !knows(catalogue, permission) {
			return lanyard.ErrBadInput.Saying("there is no permission " + permission)
		}
	}
	return nil
}

// PutRole adds a role to the organization, or changes what it allows. It needs
// roles:manage and the right to give the role, as it is and as it will be: so nobody
// makes a role that may do more than they may give.
func (o *Organizations) PutRole(ctx context.Context, s Seat, r lanyard.Role, now time.Time) error {
	r.OrganizationID, r.Permissions = s.Organization.ID, unique(r.Permissions)
	return o.inside(ctx, s, lanyard.MayManageRoles, func(tx storage.Scope, s Seat) error {
		if err := CheckRole(r, s.Tenancy.Roles, Catalogue(s.Tenancy.Resources)); err != nil {
			return err
		}
		if !s.mayGiveAll([]string{r.Name}) || !s.Powers.MayGive(r.Name, s.Tenancy.Roles, []lanyard.Role{r}) {
			return lanyard.ErrNotAllowed
		}
		before, exists := s.ownRole(r.Name)
		switch {
		case exists && slices.Equal(before, r.Permissions):
			return nil
		case !exists && len(s.OwnRoles) >= maxRoles:
			return lanyard.ErrBadInput.Saying("an organization has at most 50 roles of its own")
		}
		if err := tx.PutRole(ctx, r.OrganizationID, r.Name, r.Permissions, now); err != nil {
			return err
		}
		return tx.InsertEvent(ctx, s.event(lanyard.EventRoleUpdated, now, roleDetail(r.Name, before, r.Permissions)))
	})
}

// DeleteRole removes a role that the organization made. It needs roles:manage and the
// right to give the role; one that somebody has, or is invited with, is lanyard.ErrRoleInUse.
func (o *Organizations) DeleteRole(ctx context.Context, s Seat, name string, now time.Time) error {
	return o.inside(ctx, s, lanyard.MayManageRoles, func(tx storage.Scope, s Seat) error {
		before, exists := s.ownRole(name)
		switch {
		case !exists:
			return lanyard.ErrNotFound
		case !s.mayGiveAll([]string{name}):
			return lanyard.ErrNotAllowed
		}
		if n, err := tx.RoleHolders(ctx, s.Organization.ID, name, now, 1); err != nil {
			return err
		} else if n > 0 {
			return lanyard.ErrRoleInUse
		}
		if err := tx.DeleteRole(ctx, s.Organization.ID, name); err != nil {
			return err
		}
		return tx.InsertEvent(ctx, s.event(lanyard.EventRoleRemoved, now, roleDetail(name, before, nil)))
	})
}

// ownRole is what a role of the organization itself allows; false if there is none.
func (s Seat) ownRole(name string) ([]string, bool) {
	at := slices.IndexFunc(s.OwnRoles, func(own lanyard.Role) bool { return own.Name == name })
	if at < 0 {
		return nil, false
	}
	return s.OwnRoles[at].Permissions, true
}

// roleDetail is what an event says of a change of a role.
func roleDetail(name string, before, after []string) map[string]string {
	out := map[string]string{"role": name}
	if len(before) > 0 {
		out["permissions_before"] = strings.Join(before, " ")
	}
	if len(after) > 0 {
		out["permissions_after"] = strings.Join(after, " ")
	}
	return out
}
