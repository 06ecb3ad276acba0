package storage

import (
	"context"
	"time"

	"github.com/lanyard-id/lanyard"
)

// TOTP is the seed of a user's code generator (RFC 6238). It is active once it was confirmed.
type TOTP struct {
	UserID lanyard.UserID
	ID     string
	Sealed []byte
	// Holder is the request or session that offered the seed, until it is confirmed.
	Holder string
	// LastStep is the last time step whose code was accepted.
	LastStep    int64
	ConfirmedAt time.Time
	CreatedAt   time.Time
}

// OfferTOTP stores an unconfirmed seed in place of one that another holder was
// offered, or that was offered before a moment. A confirmed one, and the same
// holder's, stay: lanyard.ErrConflict.
func (s Scope) OfferTOTP(ctx context.Context, t TOTP, before time.Time) error {
	return s.must(ctx, `INSERT INTO totp (tenant_id, user_id, id, sealed, holder, last_step, created_at) VALUES (?, ?, ?, ?, ?, 0, ?)
		ON CONFLICT (tenant_id, user_id) DO UPDATE SET id = EXCLUDED.id, sealed = EXCLUDED.sealed, holder = EXCLUDED.holder,
			last_step = 0, created_at = EXCLUDED.created_at
		WHERE totp.confirmed_at IS NULL AND (totp.holder <> EXCLUDED.holder OR totp.created_at <= ?)`,
		string(s.tenant), string(t.UserID), t.ID, t.Sealed, t.Holder, micros(t.CreatedAt), micros(before))
}

// TOTP reads a user's seed, confirmed or not; none is lanyard.ErrNotFound.
func (s Scope) TOTP(ctx context.Context, user lanyard.UserID) (TOTP, error) {
	var row struct {
		ID          string
		Sealed      []byte
		Holder      string
		LastStep    int64
		ConfirmedAt int64
		CreatedAt   int64
	}
	err := s.find(ctx, &row, `SELECT id, sealed, holder, last_step, confirmed_at, created_at FROM totp WHERE tenant_id = ? AND user_id = ?`,
		string(s.tenant), string(user))
	if err != nil {
		return TOTP{}, err
	}
	return TOTP{
		UserID: user, ID: row.ID, Sealed: row.Sealed, Holder: row.Holder, LastStep: row.LastStep,
		ConfirmedAt: timeOf(row.ConfirmedAt), CreatedAt: timeOf(row.CreatedAt),
	}, nil
}

// ConfirmTOTP makes a seed active that its holder was offered after a moment, with
// the step whose code confirmed it; lanyard.ErrConflict otherwise.
func (s Scope) ConfirmTOTP(ctx context.Context, t TOTP, after, now time.Time) error {
	return s.must(ctx, `UPDATE totp SET confirmed_at = ?, last_step = ?, holder = ''
		WHERE tenant_id = ? AND user_id = ? AND id = ? AND holder = ? AND confirmed_at IS NULL AND created_at > ?`,
		micros(now), t.LastStep, string(s.tenant), string(t.UserID), t.ID, t.Holder, micros(after))
}

// SpendTOTP accepts the code of a step of a confirmed seed, once: it and all codes
// before it are lanyard.ErrNotFound afterwards.
func (s Scope) SpendTOTP(ctx context.Context, user lanyard.UserID, id string, step int64) error {
	var spent int64
	return s.changeReturning(ctx, &spent, `UPDATE totp SET last_step = ? WHERE tenant_id = ? AND user_id = ? AND id = ? AND last_step < ? AND confirmed_at IS NOT NULL RETURNING last_step`,
		step, string(s.tenant), string(user), id, step)
}

// DeleteTOTP removes a user's seed; false if there was no confirmed one.
func (s Scope) DeleteTOTP(ctx context.Context, user lanyard.UserID) (bool, error) {
	n, err := s.change(ctx, `DELETE FROM totp WHERE tenant_id = ? AND user_id = ? AND confirmed_at IS NOT NULL`, string(s.tenant), string(user))
	return n > 0, err
}
