package storage

import (
	"context"
	"time"
)

// Ceremony is a WebAuthn ceremony that was begun: the challenge and what else the end has to know.
type Ceremony struct {
	// Holder is the request or session that began it.
	Holder    string
	Purpose   string
	Data      string
	ExpiresAt time.Time
}

// PutCeremony begins a ceremony; an earlier one of the same holder and purpose is void.
func (s Scope) PutCeremony(ctx context.Context, c Ceremony) error {
	_, err := s.change(ctx, `INSERT INTO ceremonies (tenant_id, holder, purpose, data, expires_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (tenant_id, holder, purpose) DO UPDATE SET data = EXCLUDED.data, expires_at = EXCLUDED.expires_at`,
		string(s.tenant), c.Holder, c.Purpose, c.Data, micros(c.ExpiresAt))
	return err
}

// SpendCeremony takes a live ceremony out, once, and returns its data; none is lanyard.ErrNotFound.
func (s Scope) SpendCeremony(ctx context.Context, holder, purpose string, now time.Time) (string, error) {
	var data string
	err := s.changeReturning(ctx, &data, `DELETE FROM ceremonies WHERE tenant_id = ? AND holder = ? AND purpose = ? AND expires_at > ? RETURNING data`,
		string(s.tenant), holder, purpose, micros(now))
	return data, err
}
