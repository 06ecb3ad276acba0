package storage

import (
	"context"
	"time"

	"github.com/lanyard-id/lanyard"
)

const identityColumns = `i.connection_id, i.issuer, i.subject, i.user_id, i.label, i.created_at, i.used_at`

type identityRow struct {
	ConnectionID string
	Issuer       string
	Subject      string
	UserID       string
	Label        string
	CreatedAt    int64
	UsedAt       int64
}

func (r identityRow) identity() lanyard.LinkedIdentity {
	return lanyard.LinkedIdentity{
		Identity: lanyard.Identity{ConnectionID: lanyard.ConnectionID(r.ConnectionID), Issuer: r.Issuer, Subject: r.Subject},
		UserID:   lanyard.UserID(r.UserID), Label: r.Label, CreatedAt: timeOf(r.CreatedAt), UsedAt: timeOf(r.UsedAt),
	}
}

// IdentityOwner finds whom an identity signs in; nobody is lanyard.ErrNotFound.
// Whether its connection is on is for UseIdentity.
func (s Scope) IdentityOwner(ctx context.Context, i lanyard.Identity) (lanyard.LinkedIdentity, error) {
	var row identityRow
	err := s.find(ctx, &row, `SELECT `+identityColumns+` FROM identities i WHERE i.tenant_id = ? AND i.connection_id = ? AND i.issuer = ? AND i.subject = ?`,
		string(s.tenant), string(i.ConnectionID), i.Issuer, i.Subject)
	if err != nil {
		return lanyard.LinkedIdentity{}, err
	}
	return row.identity(), nil
}

// Identities lists the identities of a user, oldest first.
func (s Scope) Identities(ctx context.Context, user lanyard.UserID) ([]lanyard.LinkedIdentity, error) {
	var rows []identityRow
	err := s.list(ctx, &rows, `SELECT `+identityColumns+` FROM identities i WHERE i.tenant_id = ? AND i.user_id = ?
		ORDER BY i.created_at, i.connection_id, i.issuer, i.subject`, string(s.tenant), string(user))
	out := make([]lanyard.LinkedIdentity, 0, len(rows))
	for _, row := range rows {
		out = append(out, row.identity())
	}
	return out, err
}

// PersonalIdentities counts the identities by which a user can sign in at this moment
// without an organization: those at connections of the tenant that are offered.
func (s Scope) PersonalIdentities(ctx context.Context, user lanyard.UserID) (int, error) {
	var n int64
	err := s.find(ctx, &n, `SELECT count(*) FROM identities i JOIN connections c ON c.tenant_id = i.tenant_id AND c.id = i.connection_id
		WHERE i.tenant_id = ? AND i.user_id = ? AND c.organization_id IS NULL AND c.enabled AND c.signs_in`, string(s.tenant), string(user))
	return int(n), err
}

// linked tells whether a connection signs a user in at this moment.
func (s Scope) linked(ctx context.Context, user lanyard.UserID, connection lanyard.ConnectionID) (bool, error) {
	var n int64
	err := s.find(ctx, &n, `SELECT count(*) FROM identities i JOIN connections c ON c.tenant_id = i.tenant_id AND c.id = i.connection_id
		WHERE i.tenant_id = ? AND i.user_id = ? AND i.connection_id = ? AND c.enabled AND c.signs_in`, string(s.tenant), string(user), string(connection))
	return n > 0, err
}

// LinkIdentity makes an identity sign a user in. One that signs somebody in already is
// lanyard.ErrConflict, a connection that is gone or off lanyard.ErrNotFound.
func (s Scope) LinkIdentity(ctx context.Context, l lanyard.LinkedIdentity) error {
	n, err := s.change(ctx, `INSERT INTO identities (tenant_id, connection_id, issuer, subject, user_id, label, created_at, used_at)
		SELECT c.tenant_id, c.id, ?, ?, ?, ?, ?, ? FROM connections c WHERE c.tenant_id = ? AND c.id = ? AND c.enabled`,
		l.Issuer, l.Subject, string(l.UserID), l.Label, micros(l.CreatedAt), micros(l.UsedAt), string(s.tenant), string(l.ConnectionID))
	if err == nil && n == 0 {
		err = lanyard.ErrNotFound
	}
	return err
}

// UseIdentity notes that an identity signs its user in, if it is still theirs and its
// connection is on and signs people in at this moment; lanyard.ErrNotFound otherwise.
func (s Scope) UseIdentity(ctx context.Context, i lanyard.Identity, user lanyard.UserID, at time.Time) error {
	var used int64
	return s.changeReturning(ctx, &used, `UPDATE identities SET used_at = ?
		WHERE tenant_id = ? AND connection_id = ? AND issuer = ? AND subject = ? AND user_id = ?
		AND EXISTS (SELECT 1 FROM connections c WHERE c.tenant_id = identities.tenant_id AND c.id = identities.connection_id AND c.enabled AND c.signs_in)
		RETURNING used_at`, micros(at), string(s.tenant), string(i.ConnectionID), i.Issuer, i.Subject, string(user))
}

// UnlinkIdentity takes an identity from its user; somebody else's, and none, is lanyard.ErrNotFound.
func (s Scope) UnlinkIdentity(ctx context.Context, user lanyard.UserID, i lanyard.Identity) error {
	var unlinked string
	return s.changeReturning(ctx, &unlinked, `DELETE FROM identities
		WHERE tenant_id = ? AND connection_id = ? AND issuer = ? AND subject = ? AND user_id = ? RETURNING user_id`,
		string(s.tenant), string(i.ConnectionID), i.Issuer, i.Subject, string(user))
}

// EndConnectionSessions ends what a user signed in to by a connection, except one
// session (empty for none) with its grants, and tells how many sessions.
func (s Scope) EndConnectionSessions(ctx context.Context, user lanyard.UserID, c lanyard.ConnectionID, except lanyard.SessionID, at time.Time) (int64, error) {
	var ended int64
	err := s.InTx(ctx, func(tx Scope) error {
		var err error
		if ended, err = tx.change(ctx, `UPDATE sessions SET ended_at = ? WHERE tenant_id = ? AND user_id = ? AND connection_id = ? AND id <> ? AND ended_at IS NULL`,
			micros(at), string(s.tenant), string(user), string(c), string(except)); err != nil {
			return err
		}
		_, err = tx.change(ctx, `UPDATE grants SET revoked_at = ?, revoke_reason = ?
			WHERE tenant_id = ? AND user_id = ? AND connection_id = ? AND (session_id IS NULL OR session_id <> ?) AND revoked_at IS NULL`,
			micros(at), lanyard.RevokedCredentials, string(s.tenant), string(user), string(c), string(except))
		return err
	})
	return ended, err
}
