package storage

import (
	"context"
	"time"

	"github.com/lanyard-id/lanyard"
)

// ScheduleDeletion notes when a user is to be erased; the zero time takes it back.
func (s Scope) ScheduleDeletion(ctx context.Context, user lanyard.UserID, at time.Time) error {
	return s.must(ctx, `UPDATE users SET delete_at = ? WHERE tenant_id = ? AND id = ?`, maybeMicros(at), string(s.tenant), string(user))
}

// SoleOwnerships names the organizations that a user is the only owner of. A personal
// one without other members is not among them: it goes with its user.
func (s Scope) SoleOwnerships(ctx context.Context, user lanyard.UserID) ([]string, error) {
	var names []string
	err := s.list(ctx, &names, `SELECT o.name FROM memberships m JOIN organizations o ON o.tenant_id = m.tenant_id AND o.id = m.organization_id
		WHERE m.tenant_id = ? AND m.user_id = ? AND o.delete_at IS NULL
		AND (NOT o.personal OR EXISTS (SELECT 1 FROM memberships y WHERE y.tenant_id = m.tenant_id AND y.organization_id = m.organization_id AND y.user_id <> m.user_id))
		AND (' ' || m.roles || ' ') LIKE '% owner %'
		AND NOT EXISTS (SELECT 1 FROM memberships x WHERE x.tenant_id = m.tenant_id AND x.organization_id = m.organization_id
			AND x.user_id <> m.user_id AND (' ' || x.roles || ' ') LIKE '% owner %') ORDER BY o.name`, string(s.tenant), string(user))
	return names, err
}

// erasures are the rows of a user, children first. Events keep the id, which is never used again.
var erasures = []string{
	`DELETE FROM access_tokens WHERE tenant_id = ? AND grant_id IN (SELECT id FROM grants g WHERE g.tenant_id = access_tokens.tenant_id AND g.user_id = ?)`,
	`DELETE FROM auth_requests WHERE tenant_id = ? AND session_id IN (SELECT id FROM sessions s WHERE s.tenant_id = auth_requests.tenant_id AND s.user_id = ?)`,
	`DELETE FROM grants WHERE tenant_id = ? AND user_id = ?`,
	`DELETE FROM consents WHERE tenant_id = ? AND user_id = ?`,
	`DELETE FROM sessions WHERE tenant_id = ? AND user_id = ?`,
	`DELETE FROM remembered_devices WHERE tenant_id = ? AND user_id = ?`,
	`DELETE FROM one_time_tokens WHERE tenant_id = ? AND user_id = ?`,
	`DELETE FROM challenges WHERE tenant_id = ? AND user_id = ?`,
	`DELETE FROM totp WHERE tenant_id = ? AND user_id = ?`,
	`DELETE FROM recovery_codes WHERE tenant_id = ? AND user_id = ?`,
	`DELETE FROM passkeys WHERE tenant_id = ? AND user_id = ?`,
	`DELETE FROM identities WHERE tenant_id = ? AND user_id = ?`,
	`DELETE FROM memberships WHERE tenant_id = ? AND user_id = ?`,
	`DELETE FROM invitation_uses WHERE tenant_id = ? AND user_id = ?`,
	`DELETE FROM join_requests WHERE tenant_id = ? AND user_id = ?`,
	`DELETE FROM user_roles WHERE tenant_id = ? AND user_id = ?`,
	`DELETE FROM passwords WHERE tenant_id = ? AND user_id = ?`,
	`DELETE FROM emails WHERE tenant_id = ? AND user_id = ?`,
}

// EraseUser deletes a user whose time has come with everything of theirs, in the
// caller's transaction. It is lanyard.ErrConflict when the deletion was taken back
// or done by somebody else.
func (s Scope) EraseUser(ctx context.Context, user lanyard.UserID, now time.Time) error {
	return s.InTx(ctx, func(tx Scope) error {
		// The user's row is held first: whoever signs in meanwhile waits, and finds nobody.
		if err := tx.must(ctx, `UPDATE users SET disabled = TRUE WHERE tenant_id = ? AND id = ? AND delete_at <= ?`,
			string(s.tenant), string(user), micros(now)); err != nil {
			return err
		}
		if _, err := tx.change(ctx, `UPDATE organizations SET delete_at = ? WHERE tenant_id = ? AND personal AND delete_at IS NULL
			AND id IN (SELECT organization_id FROM memberships m WHERE m.tenant_id = organizations.tenant_id AND m.user_id = ?)
			AND NOT EXISTS (SELECT 1 FROM memberships x WHERE x.tenant_id = organizations.tenant_id AND x.organization_id = organizations.id AND x.user_id <> ?)`,
			micros(now), string(s.tenant), string(user), string(user)); err != nil {
			return err
		}
		for _, statement := range erasures {
			if _, err := tx.change(ctx, statement, string(s.tenant), string(user)); err != nil {
				return err
			}
		}
		return tx.must(ctx, `DELETE FROM users WHERE tenant_id = ? AND id = ?`, string(s.tenant), string(user))
	})
}

// DueErasure is a user whose deletion is due.
type DueErasure struct {
	TenantID lanyard.TenantID
	UserID   lanyard.UserID
}

// DueErasures lists users of all tenants whose deletion is due, at most limit.
func (s *Store) DueErasures(ctx context.Context, now time.Time, limit int) ([]DueErasure, error) {
	var rows []struct{ TenantID, ID string }
	err := s.runner().list(ctx, &rows, `SELECT tenant_id, id FROM users WHERE delete_at <= ? ORDER BY delete_at LIMIT ?`, micros(now), limit)
	out := make([]DueErasure, 0, len(rows))
	for _, row := range rows {
		out = append(out, DueErasure{lanyard.TenantID(row.TenantID), lanyard.UserID(row.ID)})
	}
	return out, err
}
