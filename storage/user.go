package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
)

// userColumns reads a user with the primary address; the tables are u and e.
const userColumns = `u.id AS user_id, u.subject AS user_subject, u.username AS user_username, u.disabled AS user_disabled,
	u.profile AS user_profile, u.updated_at AS user_updated_at, u.created_at AS user_created_at,
	u.revision AS user_revision, u.delete_at AS user_delete_at, e.address AS user_email, e.verified AS user_email_verified`

const joinPrimaryEmail = ` LEFT JOIN emails e ON e.tenant_id = u.tenant_id AND e.user_id = u.id AND e.is_primary `

type userRow struct {
	UserID            string
	UserSubject       string
	UserUsername      string
	UserDisabled      bool
	UserProfile       string
	UserUpdatedAt     int64
	UserCreatedAt     int64
	UserRevision      int64
	UserDeleteAt      int64
	UserEmail         string
	UserEmailVerified bool
}

func (r userRow) user(tenant lanyard.TenantID) (lanyard.User, error) {
	u := lanyard.User{
		ID: lanyard.UserID(r.UserID), TenantID: tenant, Subject: r.UserSubject, Username: r.UserUsername,
		Disabled: r.UserDisabled, UpdatedAt: timeOf(r.UserUpdatedAt), CreatedAt: timeOf(r.UserCreatedAt),
		Revision: r.UserRevision, DeleteAt: timeOf(r.UserDeleteAt),
	}
	if r.UserProfile != "" {
		if err := json.Unmarshal([]byte(r.UserProfile), &u.Profile); err != nil {
			return lanyard.User{}, fmt.Errorf("reading the profile of %s: %w", r.UserID, err)
		}
	}
	u.Profile.Email, u.Profile.EmailVerified = r.UserEmail, r.UserEmailVerified
	return u, nil
}

// storedProfile leaves the address out: it has a row of its own.
func storedProfile(p lanyard.Profile) string {
	p.Email, p.EmailVerified = "", false
	return document(p)
}

// nameKey is the name as it is searched.
func nameKey(p lanyard.Profile) string { return strings.ToLower(p.Name) }

// InsertUser adds a user without addresses. A subject or username in use is lanyard.ErrConflict.
func (s Scope) InsertUser(ctx context.Context, u lanyard.User) error {
	key, err := usernameKey(u.Username)
	if err != nil {
		return err
	}
	_, err = s.change(ctx, `INSERT INTO users (tenant_id, id, subject, username, username_key, disabled, profile, name_key, updated_at, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		string(s.tenant), string(u.ID), u.Subject, orNull(u.Username), orNull(key), u.Disabled,
		storedProfile(u.Profile), nameKey(u.Profile), micros(u.UpdatedAt), micros(u.CreatedAt))
	return err
}

// UpdateProfile changes the profile of a user, not the addresses.
func (s Scope) UpdateProfile(ctx context.Context, id lanyard.UserID, p lanyard.Profile, at time.Time) error {
	return s.must(ctx, `UPDATE users SET profile = ?, name_key = ?, updated_at = ? WHERE tenant_id = ? AND id = ?`,
		storedProfile(p), nameKey(p), micros(at), string(s.tenant), string(id))
}

// UpdateUser changes username, state and profile, not the addresses.
func (s Scope) UpdateUser(ctx context.Context, u lanyard.User) error {
	key, err := usernameKey(u.Username)
	if err != nil {
		return err
	}
	return s.must(ctx, `UPDATE users SET username = ?, username_key = ?, disabled = ?, profile = ?, name_key = ?, updated_at = ? WHERE tenant_id = ? AND id = ?`,
		orNull(u.Username), orNull(key), u.Disabled, storedProfile(u.Profile), nameKey(u.Profile), micros(u.UpdatedAt), string(s.tenant), string(u.ID))
}

func usernameKey(username string) (string, error) {
	if username == "" {
		return "", nil
	}
	return lanyard.CanonicalUsername(username)
}

// User finds a user by id.
func (s Scope) User(ctx context.Context, id lanyard.UserID) (lanyard.User, error) {
	return s.userBy(ctx, `u.id = ?`, string(id))
}

// UserBySubject finds a user by the sub of tokens.
func (s Scope) UserBySubject(ctx context.Context, subject string) (lanyard.User, error) {
	return s.userBy(ctx, `u.subject = ?`, subject)
}

// UserByUsername finds a user by username, in any spelling of it.
func (s Scope) UserByUsername(ctx context.Context, username string) (lanyard.User, error) {
	key, err := lanyard.CanonicalUsername(username)
	if err != nil {
		return lanyard.User{}, lanyard.ErrNotFound
	}
	return s.userBy(ctx, `u.username_key = ?`, key)
}

// UserByEmail finds the user who signs in with an address, in any spelling of it.
func (s Scope) UserByEmail(ctx context.Context, address string) (lanyard.User, error) {
	key, err := lanyard.CanonicalEmail(address)
	if err != nil {
		return lanyard.User{}, lanyard.ErrNotFound
	}
	return s.userBy(ctx, `u.id = (SELECT user_id FROM emails WHERE tenant_id = ? AND address_key = ? AND signs_in)`, string(s.tenant), key)
}

func (s Scope) userBy(ctx context.Context, where string, args ...any) (lanyard.User, error) {
	var row userRow
	err := s.find(ctx, &row, `SELECT `+userColumns+` FROM users u`+joinPrimaryEmail+`WHERE u.tenant_id = ? AND `+where,
		append([]any{string(s.tenant)}, args...)...)
	if err != nil {
		return lanyard.User{}, err
	}
	return row.user(s.tenant)
}

// Users finds those of the ids that there are, in no order.
func (s Scope) Users(ctx context.Context, ids []lanyard.UserID) ([]lanyard.User, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	args := []any{string(s.tenant)}
	for _, id := range ids {
		args = append(args, string(id))
	}
	var rows []userRow
	if err := s.list(ctx, &rows, `SELECT `+userColumns+` FROM users u`+joinPrimaryEmail+`WHERE u.tenant_id = ? AND u.id IN (?`+
		strings.Repeat(", ?", len(ids)-1)+`)`, args...); err != nil {
		return nil, err
	}
	out := make([]lanyard.User, 0, len(rows))
	for _, row := range rows {
		user, err := row.user(s.tenant)
		if err != nil {
			return nil, err
		}
		out = append(out, user)
	}
	return out, nil
}

// SetPrimaryEmail makes an address the user's only primary one and lets the
// user sign in with it. An address that signs somebody else in is lanyard.ErrConflict.
func (s Scope) SetPrimaryEmail(ctx context.Context, id lanyard.UserID, address string, verified bool, at time.Time) error {
	key, err := lanyard.CanonicalEmail(address)
	if err != nil {
		return err
	}
	return s.InTx(ctx, func(tx Scope) error {
		if _, err := tx.change(ctx, `UPDATE emails SET is_primary = FALSE, signs_in = FALSE WHERE tenant_id = ? AND user_id = ? AND address_key <> ? AND is_primary`,
			string(s.tenant), string(id), key); err != nil {
			return err
		}
		_, err := tx.change(ctx, `INSERT INTO emails (tenant_id, user_id, address_key, address, verified, is_primary, signs_in, created_at)
			VALUES (?, ?, ?, ?, ?, TRUE, TRUE, ?) ON CONFLICT (tenant_id, user_id, address_key)
			DO UPDATE SET address = EXCLUDED.address, verified = EXCLUDED.verified, is_primary = TRUE, signs_in = TRUE`,
			string(s.tenant), string(id), key, address, verified, micros(at))
		return err
	})
}

// HoldUser makes sure that a user who proved something still stands as they did: not
// turned off, and no credential changed since the revision. It locks the row until
// the end of the transaction, so that a change waits and then sees what was made of
// the proof; lanyard.ErrConflict otherwise.
func (s Scope) HoldUser(ctx context.Context, id lanyard.UserID, revision int64) error {
	return s.must(ctx, `UPDATE users SET revision = revision WHERE tenant_id = ? AND id = ? AND revision = ? AND NOT disabled`,
		string(s.tenant), string(id), revision)
}

// BumpUserRevision counts a change of the user's credentials and returns the new count.
func (s Scope) BumpUserRevision(ctx context.Context, id lanyard.UserID) (int64, error) {
	var revision int64
	err := s.changeReturning(ctx, &revision, `UPDATE users SET revision = revision + 1 WHERE tenant_id = ? AND id = ? RETURNING revision`,
		string(s.tenant), string(id))
	return revision, err
}

// GrantUserRole gives a user a role of the tenant; having it already is fine.
func (s Scope) GrantUserRole(ctx context.Context, id lanyard.UserID, role string, at time.Time) error {
	_, err := s.change(ctx, `INSERT INTO user_roles (tenant_id, user_id, role, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		string(s.tenant), string(id), role, micros(at))
	return err
}

// UserRoles lists the roles of a user in the tenant.
func (s Scope) UserRoles(ctx context.Context, id lanyard.UserID) ([]string, error) {
	var out []string
	err := s.list(ctx, &out, `SELECT role FROM user_roles WHERE tenant_id = ? AND user_id = ? ORDER BY role`, string(s.tenant), string(id))
	return out, err
}

// DemandNewPassword has the user replace the password at the next sign-in; a user without one has nothing to replace.
func (s Scope) DemandNewPassword(ctx context.Context, id lanyard.UserID) error {
	_, err := s.change(ctx, `UPDATE passwords SET must_change = TRUE WHERE tenant_id = ? AND user_id = ?`, string(s.tenant), string(id))
	return err
}
