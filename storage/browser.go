package storage

import (
	"context"
	"errors"

	"github.com/lanyard-id/lanyard"
)

// PutBrowser adds the browser, or gives the one whose cookie has the old hash a
// new secret; the old cookie is dead afterwards. It returns the browser's id.
func (s Scope) PutBrowser(ctx context.Context, oldHash, newHash []byte, b lanyard.Browser) (lanyard.BrowserID, error) {
	var id string
	err := s.changeReturning(ctx, &id, `UPDATE browsers SET secret_hash = ?, user_agent = ?, address = ?, seen_at = ?, connection_id = ?
		WHERE tenant_id = ? AND secret_hash = ? RETURNING id`,
		newHash, b.UserAgent, b.Address, micros(b.SeenAt), string(b.ConnectionID), string(s.tenant), oldHash)
	if err == nil || !errors.Is(err, lanyard.ErrNotFound) {
		return lanyard.BrowserID(id), err
	}
	_, err = s.change(ctx, `INSERT INTO browsers (tenant_id, id, secret_hash, user_agent, address, created_at, seen_at, connection_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		string(s.tenant), string(b.ID), newHash, b.UserAgent, b.Address, micros(b.SeenAt), micros(b.SeenAt), string(b.ConnectionID))
	return b.ID, err
}

// UseSession makes one of a browser's sessions the one that the account pages are about.
func (s Scope) UseSession(ctx context.Context, browser lanyard.BrowserID, session lanyard.SessionID) error {
	_, err := s.change(ctx, `UPDATE browsers SET session_id = ? WHERE tenant_id = ? AND id = ?
		AND EXISTS (SELECT 1 FROM sessions s WHERE s.tenant_id = browsers.tenant_id AND s.browser_id = browsers.id AND s.id = ?)`,
		string(session), string(s.tenant), string(browser), string(session))
	return err
}

// BrowserKnows tells whether a user ever signed in on the browser with the cookie hash.
func (s Scope) BrowserKnows(ctx context.Context, browserHash []byte, user lanyard.UserID) (bool, error) {
	var n int64
	err := s.find(ctx, &n, `SELECT count(*) FROM browsers b JOIN sessions s ON s.tenant_id = b.tenant_id AND s.browser_id = b.id
		WHERE b.tenant_id = ? AND b.secret_hash = ? AND s.user_id = ?`, string(s.tenant), browserHash, string(user))
	return n > 0, err
}
