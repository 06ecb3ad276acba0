package storage

import (
	"context"
	"strings"

	"github.com/lanyard-id/lanyard"
)

// ExportedUser is a user with what of their credentials can be taken elsewhere.
type ExportedUser struct {
	lanyard.User
	// PasswordHash is empty for a user without a password.
	PasswordHash string
	MustChange   bool
	Short        bool
	// Roles are those in the tenant, by name.
	Roles []string
	// Others are the addresses besides the primary one, oldest first.
	Others []lanyard.Email
}

// ExportUsers lists users by subject, after one of them (empty for the first), with all
// that a file says of them.
func (s Scope) ExportUsers(ctx context.Context, after string, limit int) ([]ExportedUser, error) {
	var rows []struct {
		userRow
		Hash       string
		MustChange bool
		Short      bool
		Roles      string
	}
	err := s.list(ctx, &rows, `SELECT `+userColumns+`, p.hash AS hash, COALESCE(p.must_change, FALSE) AS must_change, COALESCE(p.short, FALSE) AS short
		FROM users u`+joinPrimaryEmail+`LEFT JOIN passwords p ON p.tenant_id = u.tenant_id AND p.user_id = u.id
		WHERE u.tenant_id = ? AND u.subject > ? ORDER BY u.subject LIMIT ?`, string(s.tenant), after, limit)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	out := make([]ExportedUser, 0, len(rows))
	at := map[string]int{}
	for _, row := range rows {
		user, err := row.user(s.tenant)
		if err != nil {
			return nil, err
		}
		at[row.UserID] = len(out)
		out = append(out, ExportedUser{User: user, PasswordHash: row.Hash, MustChange: row.MustChange, Short: row.Short})
	}
	if err := s.exportRoles(ctx, out, at); err != nil {
		return nil, err
	}
	return out, s.exportEmails(ctx, out, at)
}

// within is the condition that a user is one of those, with its arguments.
func (s Scope) within(at map[string]int) (string, []any) {
	args := []any{string(s.tenant)}
	for id := range at {
		args = append(args, id)
	}
	return ` WHERE tenant_id = ? AND user_id IN (?` + strings.Repeat(`, ?`, len(at)-1) + `)`, args
}

func (s Scope) exportRoles(ctx context.Context, users []ExportedUser, at map[string]int) error {
	var rows []struct{ UserID, Role string }
	where, args := s.within(at)
	err := s.list(ctx, &rows, `SELECT user_id, role FROM user_roles`+where+` ORDER BY user_id, role`, args...)
	for _, row := range rows {
		u := &users[at[row.UserID]]
		u.Roles = append(u.Roles, row.Role)
	}
	return err
}

func (s Scope) exportEmails(ctx context.Context, users []ExportedUser, at map[string]int) error {
	var rows []struct {
		UserID   string
		Address  string
		Verified bool
	}
	where, args := s.within(at)
	err := s.list(ctx, &rows, `SELECT user_id, address, verified FROM emails`+where+` AND NOT is_primary ORDER BY user_id, created_at, address_key`, args...)
	for _, row := range rows {
		u := &users[at[row.UserID]]
		u.Others = append(u.Others, lanyard.Email{Address: row.Address, Verified: row.Verified})
	}
	return err
}

// ExportedPlace is where a machine client has roles.
type ExportedPlace struct {
	ClientID     lanyard.ClientID
	Organization string
	Roles        []string
}

// ExportPlaces lists where machine clients have roles, by client and slug.
func (s Scope) ExportPlaces(ctx context.Context) ([]ExportedPlace, error) {
	var rows []struct{ ClientID, Slug, Roles string }
	err := s.list(ctx, &rows, `SELECT r.client_id, o.slug, r.roles FROM client_roles r
		JOIN organizations o ON o.tenant_id = r.tenant_id AND o.id = r.organization_id
		WHERE r.tenant_id = ? AND NOT o.erased ORDER BY r.client_id, o.slug`, string(s.tenant))
	out := make([]ExportedPlace, 0, len(rows))
	for _, row := range rows {
		out = append(out, ExportedPlace{lanyard.ClientID(row.ClientID), row.Slug, strings.Fields(row.Roles)})
	}
	return out, err
}

// ExportIdentities lists the identities of users after a user id, by user and connection.
func (s Scope) ExportIdentities(ctx context.Context) (map[lanyard.UserID][]lanyard.LinkedIdentity, error) {
	var rows []struct {
		UserID       string
		ConnectionID string
		Issuer       string
		Subject      string
		Label        string
	}
	err := s.list(ctx, &rows, `SELECT user_id, connection_id, issuer, subject, label FROM identities WHERE tenant_id = ?
		ORDER BY user_id, connection_id, issuer, subject`, string(s.tenant))
	out := map[lanyard.UserID][]lanyard.LinkedIdentity{}
	for _, row := range rows {
		id := lanyard.UserID(row.UserID)
		out[id] = append(out[id], lanyard.LinkedIdentity{
			Identity: lanyard.Identity{ConnectionID: lanyard.ConnectionID(row.ConnectionID), Issuer: row.Issuer, Subject: row.Subject}, UserID: id, Label: row.Label,
		})
	}
	return out, err
}

// ExportLogo reads the logo of an organization, of a suspended one too; none is lanyard.ErrNotFound.
func (s Scope) ExportLogo(ctx context.Context, id lanyard.OrganizationID, dark bool) ([]byte, error) {
	var row struct{ Content []byte }
	err := s.find(ctx, &row, `SELECT content FROM organization_logos WHERE tenant_id = ? AND organization_id = ? AND dark = ?`, string(s.tenant), string(id), dark)
	return row.Content, err
}

// MarkEmailVerified notes that an address of a user was proved elsewhere. One that is not there is lanyard.ErrConflict.
func (s Scope) MarkEmailVerified(ctx context.Context, user lanyard.UserID, address string) error {
	key, err := lanyard.CanonicalEmail(address)
	if err != nil {
		return err
	}
	return s.must(ctx, `UPDATE emails SET verified = TRUE WHERE tenant_id = ? AND user_id = ? AND address_key = ?`, string(s.tenant), string(user), key)
}

// ImportIdentity is LinkIdentity at a connection that may be off. One that is not there is lanyard.ErrNotFound.
func (s Scope) ImportIdentity(ctx context.Context, l lanyard.LinkedIdentity) error {
	n, err := s.change(ctx, `INSERT INTO identities (tenant_id, connection_id, issuer, subject, user_id, label, created_at, used_at)
		SELECT c.tenant_id, c.id, ?, ?, ?, ?, ?, ? FROM connections c WHERE c.tenant_id = ? AND c.id = ?`,
		l.Issuer, l.Subject, string(l.UserID), l.Label, micros(l.CreatedAt), micros(l.UsedAt), string(s.tenant), string(l.ConnectionID))
	if err == nil && n == 0 {
		err = lanyard.ErrNotFound
	}
	return err
}
