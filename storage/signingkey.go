package storage

import (
	"context"
	"time"

	"github.com/lanyard-id/lanyard"
)

const signingKeyColumns = `tenant_id, id, algorithm, state, public, sealed, created_at, activated_at, retired_at, expires_at`

type signingKeyRow struct {
	TenantID    string
	ID          string
	Algorithm   string
	State       string
	Public      []byte
	Sealed      []byte
	CreatedAt   int64
	ActivatedAt int64
	RetiredAt   int64
	ExpiresAt   int64
}

func (r signingKeyRow) key() lanyard.SigningKey {
	return lanyard.SigningKey{
		ID: lanyard.KeyID(r.ID), TenantID: lanyard.TenantID(r.TenantID), Algorithm: r.Algorithm,
		State: lanyard.KeyState(r.State), Public: r.Public, Sealed: r.Sealed,
		CreatedAt: timeOf(r.CreatedAt), ActivatedAt: timeOf(r.ActivatedAt),
		RetiredAt: timeOf(r.RetiredAt), ExpiresAt: timeOf(r.ExpiresAt),
	}
}

// SigningKeys lists the tenant's keys, oldest first.
func (s Scope) SigningKeys(ctx context.Context) ([]lanyard.SigningKey, error) {
	var rows []signingKeyRow
	err := s.list(ctx, &rows, `SELECT `+signingKeyColumns+` FROM signing_keys WHERE tenant_id = ? ORDER BY created_at, id`, string(s.tenant))
	out := make([]lanyard.SigningKey, 0, len(rows))
	for _, row := range rows {
		out = append(out, row.key())
	}
	return out, err
}

// InsertSigningKey adds a key. A second active or next key of one algorithm is lanyard.ErrConflict.
func (s Scope) InsertSigningKey(ctx context.Context, k lanyard.SigningKey) error {
	public := k.Public
	if public == nil {
		public = []byte{}
	}
	_, err := s.change(ctx, `INSERT INTO signing_keys (`+signingKeyColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		string(s.tenant), string(k.ID), k.Algorithm, string(k.State), public, k.Sealed,
		micros(k.CreatedAt), maybeMicros(k.ActivatedAt), maybeMicros(k.RetiredAt), maybeMicros(k.ExpiresAt))
	return err
}

// SetSigningKeyState moves a key from one state to another at a moment; expires is
// when a retired key may go, zero otherwise. A key in another state is lanyard.ErrConflict.
func (s Scope) SetSigningKeyState(ctx context.Context, id lanyard.KeyID, from, to lanyard.KeyState, at, expires time.Time) error {
	column := "activated_at"
	if to == lanyard.KeyRetired {
		column = "retired_at"
	}
	return s.must(ctx, `UPDATE signing_keys SET state = ?, `+column+` = ?, expires_at = ? WHERE tenant_id = ? AND id = ? AND state = ?`,
		string(to), micros(at), maybeMicros(expires), string(s.tenant), string(id), string(from))
}

// DeleteSigningKey removes a key for good.
func (s Scope) DeleteSigningKey(ctx context.Context, id lanyard.KeyID) error {
	return s.must(ctx, `DELETE FROM signing_keys WHERE tenant_id = ? AND id = ?`, string(s.tenant), string(id))
}

// OldestSigningKeys tells for each algorithm since when the active key of some tenant has
// been signing that has done so longest, for metrics: a schedule that stands still
// anywhere is seen there.
func (s *Store) OldestSigningKeys(ctx context.Context) (map[string]time.Time, error) {
	var rows []struct {
		Algorithm string
		Oldest    int64
	}
	err := s.runner().list(ctx, &rows, `SELECT algorithm, min(activated_at) AS oldest FROM signing_keys
		WHERE state = ? AND activated_at IS NOT NULL GROUP BY algorithm`, string(lanyard.KeyActive))
	out := map[string]time.Time{}
	for _, r := range rows {
		out[r.Algorithm] = timeOf(r.Oldest)
	}
	return out, err
}
