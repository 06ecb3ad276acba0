package storage

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/lanyard-id/lanyard"
)

// connectionColumns reads a connection; the table is c.
const connectionColumns = `c.id AS connection_id, c.organization_id AS connection_organization_id, c.document AS connection_document,
	c.sealed_secret AS connection_sealed_secret, c.sealed_bot_token AS connection_sealed_bot_token, c.tested_as AS connection_tested_as,
	c.created_at AS connection_created_at`

type connectionRow struct {
	ConnectionID             string
	ConnectionOrganizationID string
	ConnectionDocument       string
	ConnectionSealedSecret   []byte
	ConnectionSealedBotToken []byte
	ConnectionTestedAs       string
	ConnectionCreatedAt      int64
}

func (r connectionRow) connection(tenant lanyard.TenantID) (lanyard.Connection, error) {
	var c lanyard.Connection
	if err := json.Unmarshal([]byte(r.ConnectionDocument), &c); err != nil {
		return lanyard.Connection{}, fmt.Errorf("reading connection %s: %w", r.ConnectionID, err)
	}
	c.ID, c.TenantID, c.OrganizationID = lanyard.ConnectionID(r.ConnectionID), tenant, lanyard.OrganizationID(r.ConnectionOrganizationID)
	c.SealedSecret, c.SealedBotToken = r.ConnectionSealedSecret, r.ConnectionSealedBotToken
	c.TestedAs, c.CreatedAt = r.ConnectionTestedAs, timeOf(r.ConnectionCreatedAt)
	return c, nil
}

// TenantConnections lists the connections of the tenant itself in the order of their buttons.
func (s Scope) TenantConnections(ctx context.Context) ([]lanyard.Connection, error) {
	return s.connections(ctx, `WHERE c.tenant_id = ? AND c.organization_id IS NULL`, string(s.tenant))
}

// OrganizationConnections lists the connections of an organization in the order of their buttons.
func (s Scope) OrganizationConnections(ctx context.Context, organization lanyard.OrganizationID) ([]lanyard.Connection, error) {
	return s.connections(ctx, `WHERE c.tenant_id = ? AND c.organization_id = ?`, string(s.tenant), string(organization))
}

// DomainConnections lists the connections by which people with addresses in a domain
// sign in: those of the open organization that verified it, and that are offered.
func (s Scope) DomainConnections(ctx context.Context, domain string) ([]lanyard.Connection, error) {
	return s.connections(ctx, `JOIN organization_domains d ON d.tenant_id = c.tenant_id AND d.organization_id = c.organization_id
		JOIN organizations o ON o.tenant_id = c.tenant_id AND o.id = c.organization_id
		WHERE c.tenant_id = ? AND d.domain = ? AND d.verified_at IS NOT NULL AND c.enabled AND c.signs_in
		AND NOT o.suspended AND o.delete_at IS NULL AND NOT o.erased`, string(s.tenant), domain)
}

func (s Scope) connections(ctx context.Context, where string, args ...any) ([]lanyard.Connection, error) {
	var rows []connectionRow
	if err := s.list(ctx, &rows, `SELECT `+connectionColumns+` FROM connections c `+where, args...); err != nil {
		return nil, err
	}
	out := make([]lanyard.Connection, 0, len(rows))
	for _, row := range rows {
		c, err := row.connection(s.tenant)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b lanyard.Connection) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

// Connection finds a connection, whoever owns it.
func (s Scope) Connection(ctx context.Context, id lanyard.ConnectionID) (lanyard.Connection, error) {
	var row connectionRow
	if err := s.find(ctx, &row, `SELECT `+connectionColumns+` FROM connections c WHERE c.tenant_id = ? AND c.id = ?`, string(s.tenant), string(id)); err != nil {
		return lanyard.Connection{}, err
	}
	return row.connection(s.tenant)
}

// PutConnection adds a connection, or changes the one with its id. One that has
// another owner or is of another kind is lanyard.ErrConflict: identities would mean
// somebody else. The note of the last test stays.
func (s Scope) PutConnection(ctx context.Context, c lanyard.Connection) error {
	return s.must(ctx, `INSERT INTO connections (tenant_id, id, organization_id, kind, name, document, sealed_secret, sealed_bot_token,
		enabled, signs_in, signs_up, links, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (tenant_id, id) DO UPDATE SET name = EXCLUDED.name, document = EXCLUDED.document, sealed_secret = EXCLUDED.sealed_secret,
			sealed_bot_token = EXCLUDED.sealed_bot_token, enabled = EXCLUDED.enabled, signs_in = EXCLUDED.signs_in,
			signs_up = EXCLUDED.signs_up, links = EXCLUDED.links
		WHERE connections.kind = EXCLUDED.kind AND COALESCE(connections.organization_id, '') = COALESCE(EXCLUDED.organization_id, '')`,
		string(s.tenant), string(c.ID), orNull(string(c.OrganizationID)), string(c.Kind), c.Name, document(c), c.SealedSecret, c.SealedBotToken,
		c.Enabled, c.SignIn, c.SignUp, c.Linking, micros(c.CreatedAt))
}

// NoteConnectionTest notes the fingerprint with which a test sign-in went well; none is lanyard.ErrNotFound.
func (s Scope) NoteConnectionTest(ctx context.Context, id lanyard.ConnectionID, fingerprint string) error {
	var noted string
	return s.changeReturning(ctx, &noted, `UPDATE connections SET tested_as = ? WHERE tenant_id = ? AND id = ? RETURNING id`,
		fingerprint, string(s.tenant), string(id))
}

// RemoveConnection deletes a connection with its identities and ends what was signed
// in by it. None is lanyard.ErrNotFound; when somebody links an identity of it at this
// moment, it is lanyard.ErrConflict, and nothing happens.
func (s Scope) RemoveConnection(ctx context.Context, id lanyard.ConnectionID, at time.Time) error {
	return s.InTx(ctx, func(tx Scope) error {
		var held string
		if err := tx.changeReturning(ctx, &held, `UPDATE connections SET enabled = FALSE WHERE tenant_id = ? AND id = ? RETURNING id`,
			string(s.tenant), string(id)); err != nil {
			return err
		}
		// Whoever uses an identity now is waited for here, and the session found below.
		for _, statement := range []string{
			`DELETE FROM identities WHERE tenant_id = ? AND connection_id = ?`,
			`DELETE FROM federation_attempts WHERE tenant_id = ? AND connection_id = ?`,
		} {
			if _, err := tx.change(ctx, statement, string(s.tenant), string(id)); err != nil {
				return err
			}
		}
		if err := tx.endConnection(ctx, id, at); err != nil {
			return err
		}
		return tx.must(ctx, `DELETE FROM connections WHERE tenant_id = ? AND id = ?`, string(s.tenant), string(id))
	})
}

// endConnection ends the sessions and grants that a connection proved.
func (s Scope) endConnection(ctx context.Context, id lanyard.ConnectionID, at time.Time) error {
	if _, err := s.change(ctx, `UPDATE sessions SET ended_at = ? WHERE tenant_id = ? AND connection_id = ? AND ended_at IS NULL`,
		micros(at), string(s.tenant), string(id)); err != nil {
		return err
	}
	_, err := s.change(ctx, `UPDATE grants SET revoked_at = ?, revoke_reason = ? WHERE tenant_id = ? AND connection_id = ? AND revoked_at IS NULL`,
		micros(at), lanyard.RevokedCredentials, string(s.tenant), string(id))
	return err
}
