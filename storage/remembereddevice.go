package storage

import (
	"context"
	"time"

	"github.com/lanyard-id/lanyard"
)

// RememberDevice notes that a user needs no second factor on a browser until a
// moment, or until the user's credentials change. A user or browser that is not
// there is lanyard.ErrConflict.
func (s Scope) RememberDevice(ctx context.Context, user lanyard.UserID, browser lanyard.BrowserID, until, now time.Time) error {
	return s.must(ctx, `INSERT INTO remembered_devices (tenant_id, user_id, browser_id, revision, created_at, expires_at)
		SELECT u.tenant_id, u.id, ?, u.revision, ?, ? FROM users u WHERE u.tenant_id = ? AND u.id = ?
		ON CONFLICT (tenant_id, user_id, browser_id) DO UPDATE SET revision = EXCLUDED.revision, created_at = EXCLUDED.created_at, expires_at = EXCLUDED.expires_at`,
		string(browser), micros(now), micros(until), string(s.tenant), string(user))
}

// ForgetDevices forgets every browser of a user and tells how many were still remembered.
func (s Scope) ForgetDevices(ctx context.Context, user lanyard.UserID, now time.Time) (int64, error) {
	var forgotten int64
	err := s.InTx(ctx, func(tx Scope) error {
		_, err := tx.change(ctx, `DELETE FROM remembered_devices WHERE tenant_id = ? AND user_id = ? AND (expires_at <= ?
			OR revision <> (SELECT u.revision FROM users u WHERE u.tenant_id = remembered_devices.tenant_id AND u.id = remembered_devices.user_id))`,
			string(s.tenant), string(user), micros(now))
		if err != nil {
			return err
		}
		forgotten, err = tx.change(ctx, `DELETE FROM remembered_devices WHERE tenant_id = ? AND user_id = ?`, string(s.tenant), string(user))
		return err
	})
	return forgotten, err
}
