package management

import (
	"context"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// OrganizationConnection is an organization's own upstream provider. It is switched on after
// a test sign-in.
type OrganizationConnection struct {
	lanyard.Connection
	ID             lanyard.ConnectionID   `json:"id" readOnly:"true"`
	OrganizationID lanyard.OrganizationID `json:"organization_id,omitempty" readOnly:"true"`
	// Secret is the client secret or, for private_key_jwt, the private key as a JWK; it is never shown.
	Secret string `json:"client_secret,omitempty" writeOnly:"true"`
	// Tested tells whether somebody signed in with it as it is.
	Tested bool `json:"tested" readOnly:"true"`
}

// OrganizationConnectionColumns are those of OrganizationConnections.
var OrganizationConnectionColumns = Columns{Sorts: []string{"name"}}

func organizationConnectionOf(c lanyard.Connection) OrganizationConnection {
	return OrganizationConnection{Connection: c, ID: c.ID, OrganizationID: c.OrganizationID, Tested: c.TestedAs == c.Fingerprint()}
}

// OrganizationConnections lists an organization's own connections.
func (m *Management) OrganizationConnections(ctx context.Context, a Administrator, organization string, q Query) (List[OrganizationConnection], error) {
	seat, err := m.reading(ctx, a, organization, lanyard.MayManageConnections)
	if err != nil {
		return List[OrganizationConnection]{}, err
	}
	all, err := m.Organizations.Connections(ctx, seat)
	if err != nil {
		return List[OrganizationConnection]{}, err
	}
	return pageOfAll(a, &q, "connections "+string(seat.Organization.ID), OrganizationConnectionColumns, all, few[lanyard.Connection, OrganizationConnection]{
		key: func(c lanyard.Connection, _ string) string { return c.Name }, id: func(c lanyard.Connection) string { return string(c.ID) },
		words: func(c lanyard.Connection) []string { return []string{c.Name} }, as: organizationConnectionOf,
	})
}

// OrganizationConnection is one of an organization's own connections.
func (m *Management) OrganizationConnection(ctx context.Context, a Administrator, organization string, id lanyard.ConnectionID) (OrganizationConnection, error) {
	seat, err := m.reading(ctx, a, organization, lanyard.MayManageConnections)
	if err != nil {
		return OrganizationConnection{}, err
	}
	found, err := m.Organizations.Connection(ctx, seat, id)
	return organizationConnectionOf(found), err
}

// CreateOrganizationConnection adds a connection, switched off. The upstream is asked for its documents.
func (m *Management) CreateOrganizationConnection(ctx context.Context, a Administrator, organization string, c OrganizationConnection) (OrganizationConnection, error) {
	seat, err := m.writing(ctx, a, organization)
	if err != nil {
		return OrganizationConnection{}, err
	}
	made, err := m.Organizations.AddConnection(ctx, seat, c.Connection, lanyard.SecretOf(c.Secret), a.Now)
	return organizationConnectionOf(made), err
}

// ChangeOrganizationConnection changes a connection, or switches it on or off: one that was
// not tested as it is stays off (lanyard.ErrUntested). What else changes is written before that.
func (m *Management) ChangeOrganizationConnection(
	ctx context.Context, a Administrator, organization string, id lanyard.ConnectionID, change Change[OrganizationConnection],
) (OrganizationConnection, error) {
	seat, err := m.writing(ctx, a, organization)
	if err != nil {
		return OrganizationConnection{}, err
	}
	found, err := m.Organizations.Connection(ctx, seat, id)
	if err != nil {
		return OrganizationConnection{}, err
	}
	after, err := change(organizationConnectionOf(found))
	if err != nil {
		return OrganizationConnection{}, err
	}
	if err := m.writeConnection(ctx, a, seat, found, after); err != nil {
		return OrganizationConnection{}, err
	}
	found, err = m.Organizations.Connection(ctx, seat, id)
	return organizationConnectionOf(found), err
}

// writeConnection stores what is different. A change at the same time is lanyard.ErrConflict there.
func (m *Management) writeConnection(ctx context.Context, a Administrator, seat organizations.Seat, before lanyard.Connection, after OrganizationConnection) error {
	wanted := after.Connection
	wanted.ID = before.ID
	if wanted.Kind != before.Kind {
		return lanyard.ErrBadInput.Saying("the kind of a connection never changes")
	}
	written, err := m.Organizations.ChangeConnection(ctx, seat, wanted, lanyard.SecretOf(after.Secret), a.Now)
	switch {
	case err != nil || after.Enabled == before.Enabled:
		return err
	case after.Enabled:
		return m.Organizations.EnableConnection(ctx, seat, written.ID, a.Now)
	}
	return m.Organizations.DisableConnection(ctx, seat, written.ID, a.Now)
}

// RemoveOrganizationConnection takes a connection away, with everything that was signed in to by it.
func (m *Management) RemoveOrganizationConnection(
	ctx context.Context, a Administrator, organization string, id lanyard.ConnectionID, when Condition[OrganizationConnection],
) error {
	return m.inOrganization(ctx, a, organization, func(_ Administrator, _ storage.Scope, seat organizations.Seat) error {
		found, err := m.Organizations.Connection(ctx, seat, id)
		if err != nil {
			return err
		}
		if err := when.met(organizationConnectionOf(found)); err != nil {
			return err
		}
		return m.Organizations.RemoveConnection(ctx, seat, id, found.Name, a.Now)
	})
}
