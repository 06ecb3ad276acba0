package storage

import (
	"context"
	"time"
)

// IdempotentAnswer is what was answered to a request with an idempotency key.
type IdempotentAnswer struct {
	// Request is a hash of the request.
	Request []byte
	Sealed  []byte
}

// ClaimIdempotencyKey takes a key for a request; false if it was taken before. Whoever
// comes at the same time waits for the end of the caller's transaction.
func (s Scope) ClaimIdempotencyKey(ctx context.Context, actor, key string, request []byte, now time.Time) (bool, error) {
	n, err := s.change(ctx, `INSERT INTO idempotency_keys (tenant_id, actor, key, request, sealed, created_at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (tenant_id, actor, key) DO NOTHING`, string(s.tenant), actor, key, request, []byte{}, micros(now))
	return n > 0, err
}

// KeepIdempotentAnswer stores the answer for a key that was claimed.
func (s Scope) KeepIdempotentAnswer(ctx context.Context, actor, key string, sealed []byte) error {
	return s.must(ctx, `UPDATE idempotency_keys SET sealed = ? WHERE tenant_id = ? AND actor = ? AND key = ?`, sealed, string(s.tenant), actor, key)
}

// IdempotentAnswer finds what was answered for a key.
func (s Scope) IdempotentAnswer(ctx context.Context, actor, key string) (IdempotentAnswer, error) {
	var out IdempotentAnswer
	err := s.find(ctx, &out, `SELECT request, sealed FROM idempotency_keys WHERE tenant_id = ? AND actor = ? AND key = ?`, string(s.tenant), actor, key)
	return out, err
}
