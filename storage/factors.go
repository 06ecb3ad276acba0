package storage

import (
	"context"
	"time"

	"github.com/lanyard-id/lanyard"
)

// Factors reads what a user can prove who they are with, on the browser with the
// cookie hash, in one statement; nobody is lanyard.ErrNotFound.
func (s Scope) Factors(ctx context.Context, user lanyard.UserID, browserHash []byte, now time.Time) (lanyard.Factors, error) {
	var row struct {
		Revision      int64
		Disabled      bool
		DeleteAt      int64
		Passwords     int64
		MustChange    bool
		Short         bool
		Totps         int64
		Passkeys      int64
		RecoveryCodes int64
		Remembered    int64
		Unproved      int64
	}
	err := s.find(ctx, &row, `SELECT u.revision, u.disabled, u.delete_at, p.must_change, p.short,
		(SELECT count(*) FROM passwords q WHERE q.tenant_id = u.tenant_id AND q.user_id = u.id) AS passwords,
		(SELECT count(*) FROM totp t WHERE t.tenant_id = u.tenant_id AND t.user_id = u.id AND t.confirmed_at IS NOT NULL) AS totps,
		(SELECT count(*) FROM passkeys k WHERE k.tenant_id = u.tenant_id AND k.user_id = u.id) AS passkeys,
		(SELECT count(*) FROM recovery_codes c WHERE c.tenant_id = u.tenant_id AND c.user_id = u.id) AS recovery_codes,
		(SELECT count(*) FROM emails e WHERE e.tenant_id = u.tenant_id AND e.user_id = u.id AND e.is_primary AND NOT e.verified) AS unproved,
		(SELECT count(*) FROM browsers b JOIN remembered_devices d ON d.tenant_id = b.tenant_id AND d.browser_id = b.id
			WHERE b.tenant_id = u.tenant_id AND b.secret_hash = ? AND d.user_id = u.id AND d.revision = u.revision AND d.expires_at > ?) AS remembered
		FROM users u LEFT JOIN passwords p ON p.tenant_id = u.tenant_id AND p.user_id = u.id
		WHERE u.tenant_id = ? AND u.id = ?`,
		browserHash, micros(now), string(s.tenant), string(user))
	if err != nil {
		return lanyard.Factors{}, err
	}
	return lanyard.Factors{
		UserID: user, Revision: row.Revision, Disabled: row.Disabled, Password: row.Passwords > 0, MustChange: row.MustChange, ShortPassword: row.Short,
		TOTP: row.Totps > 0, Passkeys: int(row.Passkeys), RecoveryCodes: int(row.RecoveryCodes), Remembered: row.Remembered > 0,
		EmailVerified: row.Unproved == 0, DeleteAt: timeOf(row.DeleteAt),
	}, nil
}

// DropSecondFactor does what follows when the last second factor is gone: the codes
// that stood in for it go, and a password that is too short alone has to be replaced.
func (s Scope) DropSecondFactor(ctx context.Context, user lanyard.UserID) error {
	return s.InTx(ctx, func(tx Scope) error {
		if _, err := tx.change(ctx, `DELETE FROM recovery_codes WHERE tenant_id = ? AND user_id = ?`, string(s.tenant), string(user)); err != nil {
			return err
		}
		_, err := tx.change(ctx, `UPDATE passwords SET must_change = TRUE WHERE tenant_id = ? AND user_id = ? AND short`, string(s.tenant), string(user))
		return err
	})
}
