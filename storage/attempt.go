package storage

import (
	"context"
	"errors"
	"time"

	"github.com/lanyard-id/lanyard"
)

// AttemptRule says how many attempts are free and how the delay grows after them.
type AttemptRule struct {
	// Free attempts pass without delay.
	Free int
	// Delay follows the first attempt that is not free; it doubles with each one more, up to Longest.
	Delay   time.Duration
	Longest time.Duration
	// Memory is how long after the last attempt the count is forgotten.
	Memory time.Duration
}

// ReserveAttempt counts an attempt before it is verified, in one statement. It
// returns zero, or how long the key has to wait; then nothing was counted.
func (s Scope) ReserveAttempt(ctx context.Context, key string, rule AttemptRule, now time.Time) (time.Duration, error) {
	// failures after this attempt decide the delay: 0 while free, Delay * 2^(n - Free - 1) afterwards.
	const doublings = 20
	var reserved int64
	err := s.changeReturning(ctx, &reserved, `INSERT INTO attempts (tenant_id, key, failures, blocked_until, expires_at) VALUES (?, ?, 1, 0, ?)
		ON CONFLICT (tenant_id, key) DO UPDATE SET
			failures = CASE WHEN attempts.expires_at <= ? THEN 1 ELSE attempts.failures + 1 END,
			blocked_until = CASE WHEN attempts.expires_at <= ? OR attempts.failures + 1 < ? THEN 0
				WHEN attempts.failures + 1 - ? > ? THEN ?
				WHEN ? * (CAST(1 AS BIGINT) << CAST(attempts.failures + 1 - ? AS INTEGER)) > ? THEN ?
				ELSE ? + ? * (CAST(1 AS BIGINT) << CAST(attempts.failures + 1 - ? AS INTEGER)) END,
			expires_at = EXCLUDED.expires_at
		WHERE attempts.blocked_until <= ? RETURNING failures`,
		string(s.tenant), key, micros(now.Add(rule.Memory)),
		micros(now),
		micros(now), rule.Free,
		rule.Free, doublings, micros(now.Add(rule.Longest)),
		rule.Delay.Microseconds(), rule.Free, rule.Longest.Microseconds(), micros(now.Add(rule.Longest)),
		micros(now), rule.Delay.Microseconds(), rule.Free,
		micros(now))
	if err == nil {
		return 0, nil
	}
	if !errors.Is(err, lanyard.ErrNotFound) {
		return 0, err
	}
	return s.attemptWait(ctx, key, now)
}

func (s Scope) attemptWait(ctx context.Context, key string, now time.Time) (time.Duration, error) {
	var until int64
	err := s.find(ctx, &until, `SELECT blocked_until FROM attempts WHERE tenant_id = ? AND key = ?`, string(s.tenant), key)
	if err != nil && !errors.Is(err, lanyard.ErrNotFound) {
		return 0, err
	}
	return max(timeOf(until).Sub(now), time.Second), nil
}

// ClearAttempts forgets the attempts of a key after a success.
func (s Scope) ClearAttempts(ctx context.Context, key string) error {
	_, err := s.change(ctx, `DELETE FROM attempts WHERE tenant_id = ? AND key = ?`, string(s.tenant), key)
	return err
}

// RefundAttempt takes one attempt of a key back that turned out to be right.
func (s Scope) RefundAttempt(ctx context.Context, key string) error {
	_, err := s.change(ctx, `UPDATE attempts SET failures = failures - 1, blocked_until = 0 WHERE tenant_id = ? AND key = ? AND failures > 0`,
		string(s.tenant), key)
	return err
}
