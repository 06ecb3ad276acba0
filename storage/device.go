package storage

import (
	"context"
	"time"

	"github.com/lanyard-id/lanyard"
)

// browserColumns reads a browser; the table is b.
const browserColumns = `b.id AS browser_id, b.user_agent AS browser_user_agent, b.address AS browser_address, b.created_at AS browser_created_at, b.seen_at AS browser_seen_at`

type deviceRow struct {
	sessionRow
	BrowserID        string
	BrowserUserAgent string
	BrowserAddress   string
	BrowserCreatedAt int64
	BrowserSeenAt    int64
	Remembered       int64
}

// Devices lists the sessions of a user that count, the one used last first, with
// their browsers, and whether those are remembered.
func (s Scope) Devices(ctx context.Context, user lanyard.UserID, now time.Time) ([]lanyard.Device, error) {
	var rows []deviceRow
	err := s.list(ctx, &rows, `SELECT `+sessionColumns+`, `+browserColumns+`,
		(SELECT count(*) FROM remembered_devices d JOIN users u ON u.tenant_id = d.tenant_id AND u.id = d.user_id
			WHERE d.tenant_id = s.tenant_id AND d.user_id = s.user_id AND d.browser_id = s.browser_id AND d.expires_at > ? AND d.revision = u.revision) AS remembered
		FROM sessions s JOIN browsers b ON b.tenant_id = s.tenant_id AND b.id = s.browser_id
		WHERE s.tenant_id = ? AND s.user_id = ? AND s.ended_at IS NULL AND s.expires_at > ? AND (s.idle_until IS NULL OR s.idle_until > ?)
		ORDER BY s.used_at DESC, s.id DESC LIMIT ?`,
		micros(now), string(s.tenant), string(user), micros(now), micros(now), maxDevices)
	out := make([]lanyard.Device, 0, len(rows))
	for _, row := range rows {
		out = append(out, lanyard.Device{
			Session: row.session(s.tenant), Remembered: row.Remembered > 0,
			Browser: lanyard.Browser{
				ID: lanyard.BrowserID(row.BrowserID), TenantID: s.tenant, UserAgent: row.BrowserUserAgent, Address: row.BrowserAddress,
				CreatedAt: timeOf(row.BrowserCreatedAt), SeenAt: timeOf(row.BrowserSeenAt),
			},
		})
	}
	return out, err
}

// maxDevices bounds the sessions that one list shows.
const maxDevices = 200

// EndUserSession ends a session of the user; false if it was ended before or is not theirs.
func (s Scope) EndUserSession(ctx context.Context, user lanyard.UserID, id lanyard.SessionID, at time.Time) (bool, error) {
	n, err := s.change(ctx, `UPDATE sessions SET ended_at = ? WHERE tenant_id = ? AND user_id = ? AND id = ? AND ended_at IS NULL`,
		micros(at), string(s.tenant), string(user), string(id))
	return n > 0, err
}

// RevokeSessionGrants ends the grants that were made in a session, offline ones
// too, and tells how many there were.
func (s Scope) RevokeSessionGrants(ctx context.Context, user lanyard.UserID, id lanyard.SessionID, reason string, at time.Time) (int64, error) {
	return s.change(ctx, `UPDATE grants SET revoked_at = ?, revoke_reason = ? WHERE tenant_id = ? AND user_id = ? AND session_id = ? AND revoked_at IS NULL`,
		micros(at), reason, string(s.tenant), string(user), string(id))
}

// CurrentSession is the session that a browser's account pages are about; empty if none was chosen.
func (s Scope) CurrentSession(ctx context.Context, browserHash []byte) (lanyard.SessionID, error) {
	var id string
	err := s.find(ctx, &id, `SELECT session_id FROM browsers WHERE tenant_id = ? AND secret_hash = ?`, string(s.tenant), browserHash)
	return lanyard.SessionID(id), err
}
