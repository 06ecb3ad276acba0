package storage

import (
	"context"
	"time"

	"github.com/lanyard-id/lanyard"
)

// StoredSecret is a secret of a client as lists show it: without even its hash.
type StoredSecret struct {
	ID        string
	CreatedAt time.Time
	// ExpiresAt is zero for one without an end.
	ExpiresAt time.Time
}

// Good tells whether the secret authenticates at a moment.
func (s StoredSecret) Good(now time.Time) bool {
	return s.ExpiresAt.IsZero() || now.Before(s.ExpiresAt)
}

// StoredSecrets lists the secrets of a client, oldest first.
func (s Scope) StoredSecrets(ctx context.Context, client lanyard.ClientID) ([]StoredSecret, error) {
	var rows []struct {
		ID        string
		CreatedAt int64
		ExpiresAt int64
	}
	err := s.list(ctx, &rows, `SELECT id, created_at, expires_at FROM client_secrets WHERE tenant_id = ? AND client_id = ? ORDER BY created_at, id`,
		string(s.tenant), string(client))
	out := make([]StoredSecret, 0, len(rows))
	for _, row := range rows {
		out = append(out, StoredSecret{ID: row.ID, CreatedAt: timeOf(row.CreatedAt), ExpiresAt: timeOf(row.ExpiresAt)})
	}
	return out, err
}

// AddClientSecret adds a secret to those of a client; one that it has is lanyard.ErrConflict.
func (s Scope) AddClientSecret(ctx context.Context, client lanyard.ClientID, id string, secret lanyard.ClientSecret, at time.Time) error {
	_, err := s.change(ctx, `INSERT INTO client_secrets (tenant_id, client_id, id, hash, expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?)`,
		string(s.tenant), string(client), id, secret.Hash, maybeMicros(secret.ExpiresAt), micros(at))
	return err
}

// EndClientSecret has a secret of a client end at a moment; none is lanyard.ErrNotFound.
func (s Scope) EndClientSecret(ctx context.Context, client lanyard.ClientID, id string, at time.Time) error {
	var ended string
	return s.changeReturning(ctx, &ended, `UPDATE client_secrets SET expires_at = ? WHERE tenant_id = ? AND client_id = ? AND id = ? RETURNING id`,
		micros(at), string(s.tenant), string(client), id)
}

// DeleteClientSecret removes a secret of a client; none is lanyard.ErrNotFound.
func (s Scope) DeleteClientSecret(ctx context.Context, client lanyard.ClientID, id string) error {
	var gone string
	return s.changeReturning(ctx, &gone, `DELETE FROM client_secrets WHERE tenant_id = ? AND client_id = ? AND id = ? RETURNING id`,
		string(s.tenant), string(client), id)
}
