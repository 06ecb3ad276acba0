package storage

import (
	"context"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
)

// UserQuery asks for a part of the tenant's users. Empty conditions do not count.
type UserQuery struct {
	// Search is part of a name, a username or an address, in any case.
	Search string
	// Email is one of the addresses, in its canonical form.
	Email string
	// Role is one of the roles in the tenant.
	Role         string
	Organization lanyard.OrganizationID
	Disabled     *bool
	Window
}

// UserList lists users by when they were made ("created") or by name ("name", in lower case, then id).
func (s Scope) UserList(ctx context.Context, q UserQuery) ([]lanyard.User, error) {
	column := "u.id"
	if q.Sort == "name" {
		column = "u.name_key"
	}
	few, err := s.searched(ctx, q.Search)
	if err != nil || (few != nil && len(few) == 0) {
		return nil, err
	}
	where, args := q.where(s, few)
	after, more, tail := q.order(column, "u.id")
	args = append(append(append([]any{string(s.tenant)}, args...), more...), q.Limit)
	var rows []userRow
	if err := s.list(ctx, &rows, `SELECT `+userColumns+` FROM users u`+joinPrimaryEmail+`WHERE u.tenant_id = ?`+where+after+tail, args...); err != nil {
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

// rare is from how many users on a search is not looked up beforehand.
const rare = 1000

// searched finds the users that a search is about in the indexes alone, if they are few: then
// no page has to look at every row for them. It is nil for no search, and for one that is about
// many, whose rows are met soon enough.
func (s Scope) searched(ctx context.Context, search string) ([]any, error) {
	if search == "" {
		return nil, nil
	}
	like := likeParts(search)
	var ids []string
	err := s.list(ctx, &ids, `SELECT id FROM (SELECT id FROM users WHERE tenant_id = ? AND name_key LIKE ? ESCAPE '\'
		UNION ALL SELECT id FROM users WHERE tenant_id = ? AND username_key IS NOT NULL AND username_key LIKE ? ESCAPE '\'
		UNION ALL SELECT user_id AS id FROM emails WHERE tenant_id = ? AND address_key LIKE ? ESCAPE '\') AS matched LIMIT ?`,
		string(s.tenant), like, string(s.tenant), like, string(s.tenant), like, rare)
	if err != nil || len(ids) == rare {
		return nil, err
	}
	out := make([]any, 0, rare)
	for _, id := range ids {
		out = append(out, id)
	}
	return out, nil
}

// where is the conditions; few are the only users that the search is about, nil for any.
func (q UserQuery) where(s Scope, few []any) (string, []any) {
	var where strings.Builder
	var args []any
	add := func(condition string, more ...any) {
		where.WriteString(" AND " + condition)
		args = append(args, more...)
	}
	switch like := likeParts(q.Search); {
	case q.Search == "":
	case few != nil:
		for len(few) < rare { // one statement for any number
			few = append(few, few[0])
		}
		add(`u.id IN (?`+strings.Repeat(`, ?`, rare-1)+`)`, few...)
	default:
		add(`(u.name_key LIKE ? ESCAPE '\' OR u.username_key LIKE ? ESCAPE '\'
			OR EXISTS (SELECT 1 FROM emails x WHERE x.tenant_id = u.tenant_id AND x.user_id = u.id AND x.address_key LIKE ? ESCAPE '\'))`, like, like, like)
	}
	if q.Email != "" {
		add(`u.id IN (SELECT user_id FROM emails WHERE tenant_id = ? AND address_key = ?)`, string(s.tenant), q.Email)
	}
	if q.Role != "" {
		add(`u.id IN (SELECT user_id FROM user_roles WHERE tenant_id = ? AND role = ?)`, string(s.tenant), q.Role)
	}
	if q.Organization != "" {
		add(`u.id IN (SELECT user_id FROM memberships WHERE tenant_id = ? AND organization_id = ?)`, string(s.tenant), string(q.Organization))
	}
	switch {
	case q.Disabled != nil && *q.Disabled:
		add(`u.disabled`)
	case q.Disabled != nil:
		add(`NOT u.disabled`)
	}
	return where.String(), args
}

// RolesOf are the roles in the tenant of those of the users that have some.
func (s Scope) RolesOf(ctx context.Context, users []lanyard.UserID) (map[lanyard.UserID][]string, error) {
	out := map[lanyard.UserID][]string{}
	if len(users) == 0 {
		return out, nil
	}
	args := []any{string(s.tenant)}
	for _, id := range users {
		args = append(args, string(id))
	}
	var rows []struct{ UserID, Role string }
	err := s.list(ctx, &rows, `SELECT user_id, role FROM user_roles WHERE tenant_id = ? AND user_id IN (?`+strings.Repeat(`, ?`, len(users)-1)+`) ORDER BY role`, args...)
	for _, row := range rows {
		out[lanyard.UserID(row.UserID)] = append(out[lanyard.UserID(row.UserID)], row.Role)
	}
	return out, err
}

// LockUser holds a user's row until the end of the transaction; nobody is lanyard.ErrNotFound.
func (s Scope) LockUser(ctx context.Context, id lanyard.UserID) error {
	var held string
	return s.changeReturning(ctx, &held, `UPDATE users SET revision = revision WHERE tenant_id = ? AND id = ? RETURNING id`, string(s.tenant), string(id))
}

// LockTenant holds the tenant's row until the end of the transaction.
func (s Scope) LockTenant(ctx context.Context) error {
	return s.must(ctx, `UPDATE tenants SET slug = slug WHERE tenant_id = ?`, string(s.tenant))
}

// OthersWithRole tells whether somebody else than the user has one of the roles in the
// tenant, and is neither turned off nor about to be erased.
func (s Scope) OthersWithRole(ctx context.Context, user lanyard.UserID, roles []string) (bool, error) {
	if len(roles) == 0 {
		return false, nil
	}
	args := []any{string(s.tenant), string(user)}
	for _, role := range roles {
		args = append(args, role)
	}
	var n int64
	err := s.find(ctx, &n, `SELECT count(*) FROM user_roles r JOIN users u ON u.tenant_id = r.tenant_id AND u.id = r.user_id
		WHERE r.tenant_id = ? AND r.user_id <> ? AND NOT u.disabled AND u.delete_at IS NULL AND r.role IN (?`+strings.Repeat(`, ?`, len(roles)-1)+`)`, args...)
	return n > 0, err
}

// TakeUserRole takes a role of the tenant from a user; not having it is fine.
func (s Scope) TakeUserRole(ctx context.Context, id lanyard.UserID, role string) error {
	_, err := s.change(ctx, `DELETE FROM user_roles WHERE tenant_id = ? AND user_id = ? AND role = ?`, string(s.tenant), string(id), role)
	return err
}

// DeletePassword takes a user's password away; none is lanyard.ErrNotFound.
func (s Scope) DeletePassword(ctx context.Context, id lanyard.UserID) error {
	var gone string
	return s.changeReturning(ctx, &gone, `DELETE FROM passwords WHERE tenant_id = ? AND user_id = ? RETURNING user_id`, string(s.tenant), string(id))
}

// PasswordChanged is when a user's password was set, and whether it has to be replaced; none is lanyard.ErrNotFound.
func (s Scope) PasswordChanged(ctx context.Context, id lanyard.UserID) (time.Time, bool, error) {
	var row struct {
		ChangedAt  int64
		MustChange bool
	}
	err := s.find(ctx, &row, `SELECT changed_at, must_change FROM passwords WHERE tenant_id = ? AND user_id = ?`, string(s.tenant), string(id))
	return timeOf(row.ChangedAt), row.MustChange, err
}

// RecoveryCodesLeft is how many codes a user has, and since when; none is lanyard.ErrNotFound.
func (s Scope) RecoveryCodesLeft(ctx context.Context, id lanyard.UserID) (int64, time.Time, error) {
	var row struct{ Remaining, Made int64 }
	err := s.find(ctx, &row, `SELECT count(*) AS remaining, COALESCE(min(created_at), 0) AS made FROM recovery_codes WHERE tenant_id = ? AND user_id = ?`,
		string(s.tenant), string(id))
	if err == nil && row.Remaining == 0 {
		err = lanyard.ErrNotFound
	}
	return row.Remaining, timeOf(row.Made), err
}

// SetEmailVerified says whether an address of a user was proved; none is lanyard.ErrNotFound.
func (s Scope) SetEmailVerified(ctx context.Context, user lanyard.UserID, address string, verified bool) error {
	key, err := lanyard.CanonicalEmail(address)
	if err != nil {
		return err
	}
	var found string
	return s.changeReturning(ctx, &found, `UPDATE emails SET verified = ? WHERE tenant_id = ? AND user_id = ? AND address_key = ? RETURNING user_id`,
		verified, string(s.tenant), string(user), key)
}

// UserGrants lists the grants of a user that are neither revoked nor expired, by id.
func (s Scope) UserGrants(ctx context.Context, user lanyard.UserID, now time.Time, w Window) ([]lanyard.Grant, error) {
	after, more, tail := w.order("g.id", "g.id")
	args := append(append([]any{string(s.tenant), string(user), micros(now)}, more...), w.Limit)
	var rows []grantRow
	if err := s.list(ctx, &rows, `SELECT `+grantColumns+` FROM grants g
		WHERE g.tenant_id = ? AND g.user_id = ? AND g.revoked_at IS NULL AND g.expires_at > ?`+after+tail, args...); err != nil {
		return nil, err
	}
	out := make([]lanyard.Grant, 0, len(rows))
	for _, row := range rows {
		grant, err := row.grant(s.tenant)
		if err != nil {
			return nil, err
		}
		out = append(out, grant)
	}
	return out, nil
}

// RevokeUserGrant ends a grant of the user and says whose client had it; one that was ended
// before, or is not theirs, is lanyard.ErrNotFound.
func (s Scope) RevokeUserGrant(ctx context.Context, user lanyard.UserID, id lanyard.GrantID, reason string, at time.Time) (lanyard.ClientID, error) {
	var client string
	err := s.changeReturning(ctx, &client, `UPDATE grants SET revoked_at = ?, revoke_reason = ?
		WHERE tenant_id = ? AND user_id = ? AND id = ? AND revoked_at IS NULL RETURNING client_id`, micros(at), reason, string(s.tenant), string(user), string(id))
	return lanyard.ClientID(client), err
}
