package storage

import (
	"context"
	"strings"
	"time"
)

// Holder is whoever has a secret, in a tenant.
type Holder struct {
	// Tenant is the slug of the tenant.
	Tenant string
	// Name is the id of a client, or the sign-in name of a user.
	Name string
	// PasswordHash is that of a user.
	PasswordHash string
}

// ClientsWithSecret lists the clients of all tenants that one of the hashes authenticates at
// a moment, whatever they are called.
func (s *Store) ClientsWithSecret(ctx context.Context, hashes [][]byte, now time.Time) ([]Holder, error) {
	if len(hashes) == 0 {
		return nil, nil
	}
	args := []any{micros(now)}
	for _, hash := range hashes {
		args = append(args, hash)
	}
	var out []Holder
	err := s.runner().list(ctx, &out, `SELECT t.slug AS tenant, c.client_id AS name, '' AS password_hash FROM client_secrets c JOIN tenants t ON t.tenant_id = c.tenant_id
		WHERE (c.expires_at IS NULL OR c.expires_at > ?) AND c.hash IN (?`+strings.Repeat(", ?", len(hashes)-1)+`) ORDER BY t.slug, c.client_id`, args...)
	return out, err
}

// PasswordsOf lists the passwords of the users of all tenants with a canonical sign-in name,
// an address or a username.
func (s *Store) PasswordsOf(ctx context.Context, name string) ([]Holder, error) {
	by := `JOIN users u ON u.tenant_id = t.tenant_id AND u.username_key = ?`
	if strings.Contains(name, "@") {
		by = `JOIN emails e ON e.tenant_id = t.tenant_id AND e.address_key = ? AND e.signs_in JOIN users u ON u.tenant_id = e.tenant_id AND u.id = e.user_id`
	}
	var out []Holder
	err := s.runner().list(ctx, &out, `SELECT t.slug AS tenant, p.hash AS password_hash FROM tenants t `+by+`
		JOIN passwords p ON p.tenant_id = u.tenant_id AND p.user_id = u.id ORDER BY t.slug`, name)
	for at := range out {
		out[at].Name = name
	}
	return out, err
}
