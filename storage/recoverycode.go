package storage

import (
	"context"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
)

// ReplaceRecoveryCodes stores the keyed hashes of a user's codes; the old set is void.
func (s Scope) ReplaceRecoveryCodes(ctx context.Context, user lanyard.UserID, macs [][]byte, now time.Time) error {
	return s.InTx(ctx, func(tx Scope) error {
		if _, err := tx.change(ctx, `DELETE FROM recovery_codes WHERE tenant_id = ? AND user_id = ?`, string(s.tenant), string(user)); err != nil {
			return err
		}
		if len(macs) == 0 {
			return nil
		}
		var args []any
		for _, mac := range macs {
			args = append(args, string(s.tenant), string(user), mac, micros(now))
		}
		_, err := tx.change(ctx, `INSERT INTO recovery_codes (tenant_id, user_id, mac, created_at) VALUES (?, ?, ?, ?)`+
			strings.Repeat(`, (?, ?, ?, ?)`, len(macs)-1), args...)
		return err
	})
}

// RecoveryCodes lists the keyed hashes of the codes that a user has left.
func (s Scope) RecoveryCodes(ctx context.Context, user lanyard.UserID) ([][]byte, error) {
	var rows []struct{ Mac []byte }
	if err := s.list(ctx, &rows, `SELECT mac FROM recovery_codes WHERE tenant_id = ? AND user_id = ?`, string(s.tenant), string(user)); err != nil {
		return nil, err
	}
	out := make([][]byte, len(rows))
	for i, row := range rows {
		out[i] = row.Mac
	}
	return out, nil
}

// SpendRecoveryCode takes a code out, once; none is lanyard.ErrNotFound.
func (s Scope) SpendRecoveryCode(ctx context.Context, user lanyard.UserID, mac []byte) error {
	var at int64
	return s.changeReturning(ctx, &at, `DELETE FROM recovery_codes WHERE tenant_id = ? AND user_id = ? AND mac = ? RETURNING created_at`,
		string(s.tenant), string(user), mac)
}
