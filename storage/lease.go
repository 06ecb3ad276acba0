package storage

import (
	"context"
	"errors"
	"time"

	"github.com/lanyard-id/lanyard"
)

// longestLease is longer than any lease is taken for. One that ends later was taken by a
// clock that was wrong, and would outlive its holder by as much.
const longestLease = 24 * time.Hour

// AcquireLease takes or renews a lease until a moment; false if another holder has it.
func (s *Store) AcquireLease(ctx context.Context, name, holder string, now, until time.Time) (bool, error) {
	var got string
	err := s.runner().changeReturning(ctx, &got, `INSERT INTO leases (tenant_id, name, holder, expires_at) VALUES ('', ?, ?, ?)
		ON CONFLICT (tenant_id, name) DO UPDATE SET holder = EXCLUDED.holder, expires_at = EXCLUDED.expires_at
		WHERE leases.holder = EXCLUDED.holder OR leases.expires_at <= ? OR leases.expires_at > ? RETURNING holder`,
		name, holder, micros(until), micros(now), micros(now.Add(longestLease)))
	if errors.Is(err, lanyard.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// ReleaseLease gives a lease back; one that is not held is fine.
func (s *Store) ReleaseLease(ctx context.Context, name, holder string) error {
	_, err := s.runner().change(ctx, `DELETE FROM leases WHERE tenant_id = '' AND name = ? AND holder = ?`, name, holder)
	return err
}
