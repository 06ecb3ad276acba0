package storage

import (
	"context"
	"time"
)

// ClaimIdempotencyKey takes a key for a request; false if it was taken before. Whoever
// comes at the same time waits for the end of the caller's transaction.
func (s Scope) ClaimIdempotencyKey(ctx context.Context, actor, key string, now time.Time) (bool, error) {
	n, err := s.change(ctx, `INSERT INTO idempotency_keys (tenant_id, actor, key, sealed, created_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (tenant_id, actor, key) DO NOTHING`, string(s.tenant), actor, key, []byte{}, micros(now))
	return n > 0, err
}

// KeepIdempotentAnswer stores the answer for a key that was claimed, sealed.
func (s Scope) KeepIdempotentAnswer(ctx context.Context, actor, key string, sealed []byte) error {
	return s.must(ctx, `UPDATE idempotency_keys SET sealed = ? WHERE tenant_id = ? AND actor = ? AND key = ?`, sealed, string(s.tenant), actor, key)
}

// IdempotentAnswer finds what was answered for a key; empty while that is not known.
func (s Scope) IdempotentAnswer(ctx context.Context, actor, key string) ([]byte, error) {
	var out struct{ Sealed []byte }
	err := s.find(ctx, &out, `SELECT sealed FROM idempotency_keys WHERE tenant_id = ? AND actor = ? AND key = ?`, string(s.tenant), actor, key)
	return out.Sealed, err
}

// ReleaseIdempotencyKey gives back a key for which nothing was done; one that has an answer stays.
func (s Scope) ReleaseIdempotencyKey(ctx context.Context, actor, key string, sealed []byte) error {
	_, err := s.change(ctx, `DELETE FROM idempotency_keys WHERE tenant_id = ? AND actor = ? AND key = ? AND sealed = ?`, string(s.tenant), actor, key, sealed)
	return err
}
