package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
)

type clientRow struct {
	ID        string
	Document  string
	CreatedAt int64
}

func (r clientRow) client() (*lanyard.Client, error) {
	c := &lanyard.Client{CreatedAt: timeOf(r.CreatedAt)}
	if err := json.Unmarshal([]byte(r.Document), c); err != nil {
		return nil, fmt.Errorf("reading client %s: %w", r.ID, err)
	}
	c.ID = lanyard.ClientID(r.ID)
	return c, nil
}

type clientSecretRow struct {
	Hash      []byte
	ExpiresAt int64
}

// Client finds a client with its secrets.
func (s Scope) Client(ctx context.Context, id lanyard.ClientID) (*lanyard.Client, error) {
	var row clientRow
	if err := s.find(ctx, &row, `SELECT id, document, created_at FROM clients WHERE tenant_id = ? AND id = ?`, string(s.tenant), string(id)); err != nil {
		return nil, err
	}
	c, err := row.client()
	if err != nil {
		return nil, err
	}
	var secrets []clientSecretRow
	if err := s.list(ctx, &secrets, `SELECT hash, expires_at FROM client_secrets WHERE tenant_id = ? AND client_id = ? ORDER BY created_at`,
		string(s.tenant), string(id)); err != nil {
		return nil, err
	}
	for _, secret := range secrets {
		c.Secrets = append(c.Secrets, lanyard.ClientSecret{Hash: secret.Hash, ExpiresAt: timeOf(secret.ExpiresAt)})
	}
	return c, nil
}

// Clients lists the clients of the tenant by id, without their secrets.
func (s Scope) Clients(ctx context.Context) ([]*lanyard.Client, error) {
	var rows []clientRow
	if err := s.list(ctx, &rows, `SELECT id, document, created_at FROM clients WHERE tenant_id = ? ORDER BY id`, string(s.tenant)); err != nil {
		return nil, err
	}
	out := make([]*lanyard.Client, 0, len(rows))
	for _, row := range rows {
		c, err := row.client()
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// PutClient adds or replaces a client, not its secrets.
func (s Scope) PutClient(ctx context.Context, c lanyard.Client) error {
	_, err := s.change(ctx, `INSERT INTO clients (tenant_id, id, document, type, disabled, words, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (tenant_id, id) DO UPDATE SET document = EXCLUDED.document, type = EXCLUDED.type, disabled = EXCLUDED.disabled, words = EXCLUDED.words`,
		string(s.tenant), string(c.ID), document(c), string(c.Type), c.Disabled, strings.ToLower(string(c.ID)+" "+c.Name), micros(c.CreatedAt))
	return err
}

// SetClientSecrets replaces the secrets of a client.
func (s Scope) SetClientSecrets(ctx context.Context, id lanyard.ClientID, secrets []lanyard.ClientSecret, at time.Time) error {
	return s.InTx(ctx, func(tx Scope) error {
		if _, err := tx.change(ctx, `DELETE FROM client_secrets WHERE tenant_id = ? AND client_id = ?`, string(s.tenant), string(id)); err != nil {
			return err
		}
		for _, secret := range secrets {
			if err := tx.AddClientSecret(ctx, id, lanyard.NewClientSecretID(), secret, at); err != nil {
				return err
			}
		}
		return nil
	})
}
