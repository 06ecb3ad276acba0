package management

import (
	"context"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// seat is the caller's place in an organization, named by id or slug: that of an owner for
// whoever has the permission in the tenant, else that of their own roles in the organization
// of their token. Every other organization is lanyard.ErrNotFound.
func (m *Management) seat(ctx context.Context, a Administrator, permission, organization string) (organizations.Seat, error) {
	t := a.Live.Tenancy()
	if a.Powers.May(permission) {
		person := a.Person
		if a.Live.Tenant.ID != a.Home.Tenant.ID {
			person = accounts.Actor{} // nobody of another tenant has a place here
		}
		seat, err := m.Organizations.Attend(ctx, t, person, organizations.Office{
			Actor: a.Actor(), Still: func(ctx context.Context, tx storage.Scope) error { return a.still(ctx, tx, permission) },
		}, organization)
		return seat, gone(err)
	}
	own := a.Joined.Organization
	if own.ID == "" || a.Live.Tenant.ID != a.Home.Tenant.ID || (organization != string(own.ID) && organization != own.Slug) {
		return organizations.Seat{}, lanyard.ErrNotFound
	}
	if a.Person.User.ID != "" {
		seat, err := m.Organizations.Enter(ctx, t, a.Person, own.Slug, a.Now)
		return seat, gone(err)
	}
	seat, err := m.Organizations.Attend(ctx, t, accounts.Actor{}, organizations.Office{
		Actor: a.Actor(), Still: func(context.Context, storage.Scope) error { return nil }, Roles: a.machineRoles,
	}, string(own.ID))
	return seat, gone(err)
}

// machineRoles are the roles of the calling machine in an organization; lanyard.ErrNotFound without any.
func (a Administrator) machineRoles(ctx context.Context, scope storage.Scope, organization lanyard.OrganizationID) ([]string, error) {
	joined, err := scope.MachineRoles(ctx, a.Client, string(organization))
	return joined.Membership.Roles, err
}

// mayIn is lanyard.ErrNotAllowed unless a seat may do what the permission of organizations names.
func mayIn(s organizations.Seat, err error, permission string) error {
	if err == nil && !s.May(permission) {
		err = lanyard.ErrNotAllowed
	}
	return err
}

// inOrganization does something in an organization in one transaction that holds it, at a seat in it.
// Callers that only read are refused.
func (m *Management) inOrganization(
	ctx context.Context, a Administrator, organization string, do func(within Administrator, tx storage.Scope, seat organizations.Seat) error,
) error {
	if a.ReadOnly {
		return lanyard.ErrNotAllowed
	}
	return a.Scope().InTx(ctx, func(tx storage.Scope) error {
		within := a.in(tx)
		seat, err := m.seat(ctx, within, lanyard.MayManageOrganizations, organization)
		if err != nil {
			return err
		}
		if _, err := tx.LockOrganization(ctx, seat.Organization.ID); err != nil {
			return gone(err)
		}
		if seat, err = m.seat(ctx, within, lanyard.MayManageOrganizations, organization); err != nil { // as it is now that nobody else changes it
			return err
		}
		return do(within, tx, seat)
	})
}

// writing is the seat of somebody who changes something outside of a transaction, since
// somebody else's server is asked first.
func (m *Management) writing(ctx context.Context, a Administrator, organization string) (organizations.Seat, error) {
	if a.ReadOnly {
		return organizations.Seat{}, lanyard.ErrNotAllowed
	}
	return m.seat(ctx, a, lanyard.MayManageOrganizations, organization)
}

// reading is the seat of somebody who only looks.
func (m *Management) reading(ctx context.Context, a Administrator, organization, permission string) (organizations.Seat, error) {
	seat, err := m.seat(ctx, a, lanyard.MayReadOrganizations, organization)
	return seat, mayIn(seat, err, permission)
}
