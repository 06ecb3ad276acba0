package storage

import (
	"context"
	"errors"
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

// wipes are the rows by which a user signs in; the user, and what belongs to them, stays.
var wipes = []string{"passwords", "totp", "recovery_codes", "passkeys", "identities", "remembered_devices", "one_time_tokens", "challenges"}

// WipeUnproved takes everything that signs in from whoever holds an address that
// they never proved, since its owner has come: the address, password, factors,
// sessions and grants. It returns who that was, empty if there is nobody. Somebody
// who proved the address, or was turned off with it, keeps it.
func (s Scope) WipeUnproved(ctx context.Context, addressKey string, now time.Time) (lanyard.UserID, error) {
	var id string
	err := s.InTx(ctx, func(tx Scope) error {
		err := tx.changeReturning(ctx, &id, `UPDATE users SET revision = revision + 1 WHERE tenant_id = ? AND NOT disabled
			AND id = (SELECT user_id FROM emails WHERE tenant_id = ? AND address_key = ? AND signs_in AND NOT verified) RETURNING id`,
			string(s.tenant), string(s.tenant), addressKey)
		if errors.Is(err, lanyard.ErrNotFound) {
			id = ""
			return nil
		}
		if err != nil {
			return err
		}
		// The row of the user is held now; a proof that came in between counts.
		n, err := tx.change(ctx, `DELETE FROM emails WHERE tenant_id = ? AND user_id = ? AND address_key = ? AND NOT verified`, string(s.tenant), id, addressKey)
		if err == nil && n == 0 {
			err = lanyard.ErrConflict
		}
		if err != nil {
			return err
		}
		return tx.wipe(ctx, lanyard.UserID(id), now)
	})
	return lanyard.UserID(id), err
}

func (s Scope) wipe(ctx context.Context, id lanyard.UserID, now time.Time) error {
	for _, table := range wipes {
		if _, err := s.change(ctx, `DELETE FROM `+table+` WHERE tenant_id = ? AND user_id = ?`, string(s.tenant), string(id)); err != nil {
			return err
		}
	}
	if _, err := s.EndUserSessions(ctx, id, "", now); err != nil {
		return err
	}
	_, err := s.RevokeUserGrants(ctx, id, "", lanyard.RevokedCredentials, now)
	return err
}
