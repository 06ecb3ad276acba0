package storage

import (
	"context"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
)

// Credentials are what a password sign-in needs to know of a user.
type Credentials struct {
	User lanyard.User
	// PasswordHash is empty for a user without a password.
	PasswordHash string
}

// CredentialsByName finds a user by canonical sign-in name, address or username.
func (s Scope) CredentialsByName(ctx context.Context, name string) (Credentials, error) {
	where, args := `u.username_key = ?`, []any{name}
	if strings.Contains(name, "@") {
		where = `u.id = (SELECT user_id FROM emails WHERE tenant_id = ? AND address_key = ? AND signs_in)`
		args = []any{string(s.tenant), name}
	}
	var row struct {
		userRow
		PasswordHash string
	}
	err := s.find(ctx, &row, `SELECT `+userColumns+`, p.hash AS password_hash FROM users u`+joinPrimaryEmail+
		`LEFT JOIN passwords p ON p.tenant_id = u.tenant_id AND p.user_id = u.id WHERE u.tenant_id = ? AND `+where,
		append([]any{string(s.tenant)}, args...)...)
	if err != nil {
		return Credentials{}, err
	}
	user, err := row.user(s.tenant)
	return Credentials{User: user, PasswordHash: row.PasswordHash}, err
}

// PasswordHash reads the hash of a user's password; none is lanyard.ErrNotFound.
func (s Scope) PasswordHash(ctx context.Context, id lanyard.UserID) (string, error) {
	var hash string
	err := s.find(ctx, &hash, `SELECT hash FROM passwords WHERE tenant_id = ? AND user_id = ?`, string(s.tenant), string(id))
	return hash, err
}

// Password is what is stored of a user's password.
type Password struct {
	Hash string
	// MustChange asks for another one at the next sign-in.
	MustChange bool
	// Short says that it is too short to stand alone, without a second factor.
	Short bool
}

// SetPassword replaces a user's password.
func (s Scope) SetPassword(ctx context.Context, id lanyard.UserID, p Password, at time.Time) error {
	_, err := s.change(ctx, `INSERT INTO passwords (tenant_id, user_id, hash, must_change, short, changed_at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (tenant_id, user_id) DO UPDATE SET hash = EXCLUDED.hash, must_change = EXCLUDED.must_change,
			short = EXCLUDED.short, changed_at = EXCLUDED.changed_at`,
		string(s.tenant), string(id), p.Hash, p.MustChange, p.Short, micros(at))
	return err
}

// Rehash replaces a hash by another one of the same password; a hash that was changed meanwhile stays.
func (s Scope) Rehash(ctx context.Context, id lanyard.UserID, from, to string) error {
	_, err := s.change(ctx, `UPDATE passwords SET hash = ? WHERE tenant_id = ? AND user_id = ? AND hash = ?`,
		to, string(s.tenant), string(id), from)
	return err
}
