package management

import (
	"context"
	"errors"
	"slices"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// ClientPlace is what a machine client may do in an organization.
type ClientPlace struct {
	OrganizationID lanyard.OrganizationID `json:"organization_id" readOnly:"true"`
	Slug           string                 `json:"slug,omitempty" readOnly:"true"`
	Name           string                 `json:"name,omitempty" readOnly:"true"`
	Roles          []string               `json:"roles" nullable:"false"`
}

// ClientPlaceColumns are those of ClientPlaces.
var ClientPlaceColumns = Columns{Sorts: []string{"organization"}}

// ClientPlaces lists the organizations in which a client has roles.
func (m *Management) ClientPlaces(ctx context.Context, a Administrator, id lanyard.ClientID, q Query) (List[ClientPlace], error) {
	if err := a.Need(lanyard.MayReadClients); err != nil {
		return List[ClientPlace]{}, err
	}
	if _, err := clientIn(ctx, a.Scope(), id); err != nil {
		return List[ClientPlace]{}, err
	}
	if q.Search != "" {
		return List[ClientPlace]{}, lanyard.ErrBadInput.Saying("this list can not be searched")
	}
	list := "places of " + string(id)
	w, err := q.window(a, list, ClientPlaceColumns)
	if err != nil {
		return List[ClientPlace]{}, err
	}
	rows, err := a.Scope().MachinePlaces(ctx, id, w)
	if err != nil {
		return List[ClientPlace]{}, err
	}
	return pageOf(a, &q, list, rows, func(p storage.MachinePlace) storage.Position { return storage.Position{ID: string(p.OrganizationID)} },
		func(p storage.MachinePlace) ClientPlace {
			return ClientPlace{OrganizationID: p.OrganizationID, Slug: p.Slug, Name: p.Name, Roles: p.Roles}
		})
}

// PutClientPlace gives a machine client exactly these roles in an organization, that is
// named by id or slug. It needs the management of organizations too.
func (m *Management) PutClientPlace(ctx context.Context, a Administrator, id lanyard.ClientID, organization string, p ClientPlace) (ClientPlace, error) {
	if len(p.Roles) == 0 {
		return ClientPlace{}, lanyard.ErrBadInput.Saying("a machine has at least one role")
	}
	roles := slices.Clone(p.Roles)
	slices.Sort(roles)
	roles = slices.Compact(roles)
	var out ClientPlace
	err := m.placing(ctx, a, id, organization, func(tx storage.Scope, c *lanyard.Client, o lanyard.Organization) error {
		if c.Type != lanyard.ClientMachine {
			return lanyard.ErrBadInput.Saying("only a machine client has roles in organizations; people have their own")
		}
		for _, role := range roles {
			if err := organizationRole(ctx, tx, o.ID, role); err != nil {
				return err
			}
		}
		out = ClientPlace{OrganizationID: o.ID, Slug: o.Slug, Name: o.Name, Roles: roles}
		return m.setPlace(ctx, tx, a, id, o.ID, roles)
	})
	return out, err
}

// RemoveClientPlace takes a machine client out of an organization.
func (m *Management) RemoveClientPlace(ctx context.Context, a Administrator, id lanyard.ClientID, organization string) error {
	return m.placing(ctx, a, id, organization, func(tx storage.Scope, _ *lanyard.Client, o lanyard.Organization) error {
		if _, err := tx.MachineRoles(ctx, id, string(o.ID)); err != nil {
			return err
		}
		return m.setPlace(ctx, tx, a, id, o.ID, nil)
	})
}

// placing finds both ends of a place, for a caller who may change it.
func (m *Management) placing(ctx context.Context, a Administrator, id lanyard.ClientID, organization string, do func(storage.Scope, *lanyard.Client, lanyard.Organization) error) error {
	if err := a.Need(lanyard.MayManageOrganizations); err != nil {
		return err
	}
	return m.change(ctx, a, lanyard.MayManageClients, true, func(tx storage.Scope) error {
		if err := a.still(ctx, tx, lanyard.MayManageOrganizations); err != nil {
			return err
		}
		c, err := clientIn(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := a.mayHold(ctx, tx, c); err != nil {
			return err
		}
		o, err := openOrganization(ctx, tx, organization)
		if err != nil {
			return err
		}
		return do(tx, c, o)
	})
}

// openOrganization holds an organization that is named by id or slug; one that is closed is not there.
func openOrganization(ctx context.Context, tx storage.Scope, name string) (lanyard.Organization, error) {
	find := tx.OrganizationBySlug
	if lanyard.IsOrganizationID(name) {
		find = func(ctx context.Context, id string) (lanyard.Organization, error) {
			return tx.Organization(ctx, lanyard.OrganizationID(id))
		}
	}
	o, err := find(ctx, name)
	if err != nil {
		return o, gone(err)
	}
	if o, err = tx.HoldOrganization(ctx, o.ID); err == nil && !o.Open() {
		err = lanyard.ErrNotFound
	}
	return o, err
}

func organizationRole(ctx context.Context, tx storage.Scope, id lanyard.OrganizationID, role string) error {
	if slices.Contains(lanyard.BuiltInRoles, role) {
		return nil
	}
	_, err := tx.RolePermissions(ctx, id, role)
	if errors.Is(err, lanyard.ErrNotFound) {
		_, err = tx.RolePermissions(ctx, "", role)
	}
	if err != nil && lanyard.KindOf(err) != lanyard.Unavailable && lanyard.KindOf(err) != lanyard.Internal {
		return lanyard.ErrBadInput.Saying("there is no role of one of these names in the organization or the tenant")
	}
	return err
}

func (m *Management) setPlace(ctx context.Context, tx storage.Scope, a Administrator, id lanyard.ClientID, organization lanyard.OrganizationID, roles []string) error {
	before, err := tx.MachineRoles(ctx, id, string(organization))
	if err != nil && !errors.Is(err, lanyard.ErrNotFound) {
		return err
	}
	if err := tx.PutMachineRoles(ctx, id, organization, roles, a.Now); err != nil {
		return err
	}
	return m.record(ctx, tx, a, lanyard.Event{
		Type: lanyard.EventClientRolesUpdated, ClientID: id, OrganizationID: organization, Detail: organizations.RolesDetail(before.Membership.Roles, roles),
	})
}
