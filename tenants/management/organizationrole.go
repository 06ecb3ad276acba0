package management

import (
	"context"
	"slices"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// OrganizationRole is a role that an organization made.
type OrganizationRole struct {
	Name        string   `json:"name"`
	Permissions []string `json:"permissions" nullable:"false"`
}

// OrganizationRoleColumns are those of OrganizationRoles.
var OrganizationRoleColumns = Columns{Sorts: []string{"name"}}

func organizationRoleOf(r lanyard.Role) OrganizationRole {
	out := OrganizationRole{Name: r.Name, Permissions: r.Permissions}
	if out.Permissions == nil {
		out.Permissions = []string{}
	}
	return out
}

// OrganizationRoles lists the roles that an organization made. Those of the tenant, and the
// built-in owner, admin and member, can be given there too.
func (m *Management) OrganizationRoles(ctx context.Context, a Administrator, organization string, q Query) (List[OrganizationRole], error) {
	seat, err := m.reading(ctx, a, organization, lanyard.MayReadMembers)
	if err != nil {
		return List[OrganizationRole]{}, err
	}
	_, own, err := m.Organizations.Roles(ctx, seat)
	if err != nil {
		return List[OrganizationRole]{}, err
	}
	name := func(r lanyard.Role) string { return r.Name }
	return pageOfAll(a, &q, "roles "+string(seat.Organization.ID), OrganizationRoleColumns, own, few[lanyard.Role, OrganizationRole]{
		key: func(r lanyard.Role, _ string) string { return r.Name }, id: name, words: func(r lanyard.Role) []string { return []string{r.Name} }, as: organizationRoleOf,
	})
}

func ownRole(own []lanyard.Role, name string) (OrganizationRole, error) {
	i := slices.IndexFunc(own, func(r lanyard.Role) bool { return r.Name == name })
	if i < 0 {
		return OrganizationRole{}, lanyard.ErrNotFound
	}
	return organizationRoleOf(own[i]), nil
}

// OrganizationRole is one of the roles that an organization made.
func (m *Management) OrganizationRole(ctx context.Context, a Administrator, organization, name string) (OrganizationRole, error) {
	seat, err := m.reading(ctx, a, organization, lanyard.MayReadMembers)
	if err != nil {
		return OrganizationRole{}, err
	}
	return ownRole(seat.OwnRoles, name)
}

// CreateOrganizationRole adds a role to an organization; a name that there is is lanyard.ErrConflict.
func (m *Management) CreateOrganizationRole(ctx context.Context, a Administrator, organization string, r OrganizationRole) (OrganizationRole, error) {
	err := m.inOrganization(ctx, a, organization, func(_ Administrator, _ storage.Scope, seat organizations.Seat) error {
		if _, err := ownRole(seat.OwnRoles, r.Name); err == nil && seat.May(lanyard.MayManageRoles) {
			return lanyard.ErrConflict.Saying("there is a role of this name")
		}
		return m.Organizations.PutRole(ctx, seat, lanyard.Role{Name: r.Name, Permissions: r.Permissions}, a.Now)
	})
	return organizationRoleOf(lanyard.Role{Name: r.Name, Permissions: r.Permissions}), err
}

// ChangeOrganizationRole changes what a role of an organization allows.
func (m *Management) ChangeOrganizationRole(ctx context.Context, a Administrator, organization, name string, change Change[OrganizationRole]) (OrganizationRole, error) {
	var after OrganizationRole
	err := m.inOrganization(ctx, a, organization, func(_ Administrator, _ storage.Scope, seat organizations.Seat) error {
		before, err := ownRole(seat.OwnRoles, name)
		if err != nil {
			return err
		}
		if after, err = change(before); err != nil {
			return err
		}
		if after.Name != before.Name {
			return lanyard.ErrBadInput.Saying("the name of a role never changes")
		}
		return m.Organizations.PutRole(ctx, seat, lanyard.Role{Name: name, Permissions: after.Permissions}, a.Now)
	})
	return after, err
}

// RemoveOrganizationRole takes a role away; one that somebody has is lanyard.ErrRoleInUse.
func (m *Management) RemoveOrganizationRole(ctx context.Context, a Administrator, organization, name string, when Condition[OrganizationRole]) error {
	return m.inOrganization(ctx, a, organization, func(_ Administrator, _ storage.Scope, seat organizations.Seat) error {
		before, err := ownRole(seat.OwnRoles, name)
		if err != nil {
			return err
		}
		if err := when.met(before); err != nil {
			return err
		}
		return m.Organizations.DeleteRole(ctx, seat, name, a.Now)
	})
}
