package storage

import (
	"context"
	"fmt"
	"time"
)

// totpStep is how long a code of an authenticator app is shown (RFC 6238 §4.1); a code is
// taken one step early.
const totpStep = 30 * time.Second

// ending is one statement by which Restored ends what there is of a kind in a tenant.
type ending struct {
	// what is counted under this name.
	what      string
	statement string
	// args are those before the tenant.
	args func(now time.Time) []any
}

func noArgs(time.Time) []any { return nil }

func once(now time.Time) []any { return []any{micros(now)} }

func twice(now time.Time) []any { return []any{micros(now), micros(now)} }

// endings are what a copy of the database must not bring back to life: whatever was handed
// out, and may have been used, replaced or revoked after the copy was made. Deleted is what
// nobody needs any more, the rest is ended in the way in which it ends by itself.
var endings = []ending{
	{"sessions", `UPDATE sessions SET ended_at = ? WHERE ended_at IS NULL AND tenant_id = ?`, once},
	{"grants", `UPDATE grants SET revoked_at = ?, revoke_reason = 'restored' WHERE revoked_at IS NULL AND tenant_id = ?`, once},
	{"access_tokens", `UPDATE access_tokens SET revoked_at = ? WHERE revoked_at IS NULL AND tenant_id = ?`, once},
	{"sign_ins", `UPDATE auth_requests SET code_hash = NULL, binding_hash = ?, expires_at = CASE WHEN expires_at > ? THEN ? ELSE expires_at END
		WHERE tenant_id = ?`, func(now time.Time) []any { return append([]any{[]byte{}}, twice(now)...) }},
	{"device_codes", `DELETE FROM device_codes WHERE tenant_id = ?`, noArgs},
	{"federation_attempts", `DELETE FROM federation_attempts WHERE tenant_id = ?`, noArgs},
	{"one_time_tokens", `DELETE FROM one_time_tokens WHERE tenant_id = ?`, noArgs},
	{"challenges", `DELETE FROM challenges WHERE tenant_id = ?`, noArgs},
	{"ceremonies", `DELETE FROM ceremonies WHERE tenant_id = ?`, noArgs},
	{"invitations", `UPDATE invitations SET revoked_at = ? WHERE revoked_at IS NULL AND uses < max_uses AND expires_at > ? AND tenant_id = ?`, twice},
	{"recovery_codes", `DELETE FROM recovery_codes WHERE tenant_id = ?`, noArgs},
	{"remembered_devices", `DELETE FROM remembered_devices WHERE tenant_id = ?`, noArgs},
	{"unfinished_apps", `DELETE FROM totp WHERE confirmed_at IS NULL AND tenant_id = ?`, noArgs},
	{"apps", `UPDATE totp SET last_step = ? WHERE last_step < ? AND tenant_id = ?`, func(now time.Time) []any {
		last := now.Unix()/int64(totpStep/time.Second) + 1
		return []any{last, last}
	}},
	{"mails", `UPDATE deliveries SET state = 'expired', sealed = NULL WHERE state = 'queued' AND kind = 'mail' AND tenant_id = ?`, noArgs},
	{"idempotency_keys", `DELETE FROM idempotency_keys WHERE tenant_id = ?`, noArgs},
}

// EndEverything ends all that a tenant handed out and that is accepted once, or until it is
// revoked: sessions, grants and their tokens, codes, links, invitations, codes of apps up to
// now. It counts them by kind; nothing of a kind is left out. It belongs into a transaction.
func (s Scope) EndEverything(ctx context.Context, now time.Time) (map[string]int64, error) {
	counts := map[string]int64{}
	for _, e := range endings {
		n, err := s.change(ctx, e.statement, append(e.args(now), string(s.tenant))...)
		if err != nil {
			return nil, fmt.Errorf("ending %s: %w", e.what, err)
		}
		if n > 0 {
			counts[e.what] = n
		}
	}
	return counts, s.leapRevision(ctx, now)
}

// leapRevision gives the tenant a revision that no server has seen, not even one that saw
// what the database had before it was restored.
func (s Scope) leapRevision(ctx context.Context, now time.Time) error {
	return s.must(ctx, `UPDATE tenants SET revision = CASE WHEN revision < ? THEN ? ELSE revision + 1 END WHERE tenant_id = ?`,
		micros(now), micros(now), string(s.tenant))
}
