package storage

import (
	"context"
	"time"

	"github.com/lanyard-id/lanyard"
)

// Emails lists the addresses of a user, the primary one first.
func (s Scope) Emails(ctx context.Context, user lanyard.UserID) ([]lanyard.Email, error) {
	var rows []struct {
		Address   string
		Verified  bool
		IsPrimary bool
		CreatedAt int64
	}
	err := s.list(ctx, &rows, `SELECT address, verified, is_primary, created_at FROM emails WHERE tenant_id = ? AND user_id = ?
		ORDER BY is_primary DESC, created_at, address_key`, string(s.tenant), string(user))
	out := make([]lanyard.Email, 0, len(rows))
	for _, row := range rows {
		out = append(out, lanyard.Email{Address: row.Address, Verified: row.Verified, Primary: row.IsPrimary, CreatedAt: timeOf(row.CreatedAt)})
	}
	return out, err
}

// AddEmail notes a further address of a user; it reserves nothing and signs nobody
// in. One that the user has already is lanyard.ErrConflict.
func (s Scope) AddEmail(ctx context.Context, user lanyard.UserID, address string, at time.Time) error {
	key, err := lanyard.CanonicalEmail(address)
	if err != nil {
		return err
	}
	_, err = s.change(ctx, `INSERT INTO emails (tenant_id, user_id, address_key, address, created_at) VALUES (?, ?, ?, ?, ?)`,
		string(s.tenant), string(user), key, address, micros(at))
	return err
}

// PromoteEmail makes a verified address of the user the primary one. An address
// that is not there or not verified is lanyard.ErrNotFound, one that signs somebody
// else in lanyard.ErrConflict.
func (s Scope) PromoteEmail(ctx context.Context, user lanyard.UserID, address string) error {
	key, err := lanyard.CanonicalEmail(address)
	if err != nil {
		return err
	}
	return s.InTx(ctx, func(tx Scope) error {
		if _, err := tx.change(ctx, `UPDATE emails SET is_primary = FALSE, signs_in = FALSE WHERE tenant_id = ? AND user_id = ? AND is_primary`,
			string(s.tenant), string(user)); err != nil {
			return err
		}
		n, err := tx.change(ctx, `UPDATE emails SET is_primary = TRUE, signs_in = TRUE WHERE tenant_id = ? AND user_id = ? AND address_key = ? AND verified`,
			string(s.tenant), string(user), key)
		if err == nil && n == 0 {
			return lanyard.ErrNotFound
		}
		return err
	})
}

// RemoveEmail forgets an address that is not the primary one; none is lanyard.ErrNotFound.
func (s Scope) RemoveEmail(ctx context.Context, user lanyard.UserID, address string) error {
	key, err := lanyard.CanonicalEmail(address)
	if err != nil {
		return err
	}
	n, err := s.change(ctx, `DELETE FROM emails WHERE tenant_id = ? AND user_id = ? AND address_key = ? AND NOT is_primary`,
		string(s.tenant), string(user), key)
	if err == nil && n == 0 {
		return lanyard.ErrNotFound
	}
	return err
}
