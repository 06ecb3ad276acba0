package storage

import (
	"context"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
)

// joinedColumns reads an organization with the place that somebody has in it: a
// membership m, and the roles that the organization made itself, one to a line.
const joinedColumns = organizationColumns + `, m.organization_id AS member_organization_id, m.user_id AS member_user_id, m.roles AS member_roles, m.created_at AS member_created_at,
	(SELECT string_agg(ro.name || ' ' || ro.permissions, '
') FROM roles ro WHERE ro.tenant_id = o.tenant_id AND ro.organization_id = o.id) AS own_roles`

type joinedRow struct {
	organizationRow
	MemberOrganizationID string
	MemberUserID         string
	MemberRoles          string
	MemberCreatedAt      int64
	OwnRoles             string
}

func (r joinedRow) joined(tenant lanyard.TenantID) (lanyard.Joined, error) {
	o, err := r.organization(tenant)
	return lanyard.Joined{
		Organization: o,
		Membership: lanyard.Membership{
			OrganizationID: lanyard.OrganizationID(r.MemberOrganizationID), UserID: lanyard.UserID(r.MemberUserID),
			Roles: strings.Fields(r.MemberRoles), CreatedAt: timeOf(r.MemberCreatedAt),
		},
		OwnRoles: rolesOf(r.OwnRoles, o.ID),
	}, err
}

// rolesOf reads roles, one to a line: the name, then the permissions.
func rolesOf(text string, organization lanyard.OrganizationID) []lanyard.Role {
	var out []lanyard.Role
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) > 0 {
			out = append(out, lanyard.Role{OrganizationID: organization, Name: words[0], Permissions: words[1:]})
		}
	}
	return out
}

// Joined finds a user's place in an organization that is named by slug or id. An
// organization that is unknown or erased, and one that the user is no member of, are
// both lanyard.ErrNotFound.
func (s Scope) Joined(ctx context.Context, user lanyard.UserID, organization string) (lanyard.Joined, error) {
	column := `o.slug`
	if lanyard.IsOrganizationID(organization) {
		column = `o.id`
	}
	var row joinedRow
	err := s.find(ctx, &row, `SELECT `+joinedColumns+` FROM organizations o
		JOIN memberships m ON m.tenant_id = o.tenant_id AND m.organization_id = o.id
		WHERE o.tenant_id = ? AND `+column+` = ? AND m.user_id = ? AND NOT o.erased`, string(s.tenant), organization, string(user))
	if err != nil {
		return lanyard.Joined{}, err
	}
	return row.joined(s.tenant)
}

// AllJoined lists the organizations of a user by name, closed ones too, at most limit.
func (s Scope) AllJoined(ctx context.Context, user lanyard.UserID, limit int) ([]lanyard.Joined, error) {
	var rows []joinedRow
	if err := s.list(ctx, &rows, `SELECT `+joinedColumns+` FROM memberships m
		JOIN organizations o ON o.tenant_id = m.tenant_id AND o.id = m.organization_id
		WHERE m.tenant_id = ? AND m.user_id = ? AND NOT o.erased ORDER BY o.name, o.id LIMIT ?`, string(s.tenant), string(user), limit); err != nil {
		return nil, err
	}
	out := make([]lanyard.Joined, 0, len(rows))
	for _, row := range rows {
		j, err := row.joined(s.tenant)
		if err != nil {
			return nil, err
		}
		out = append(out, j)
	}
	return out, nil
}

type membershipRow struct {
	OrganizationID string
	UserID         string
	Roles          string
	CreatedAt      int64
}

// Memberships lists all members of an organization.
func (s Scope) Memberships(ctx context.Context, id lanyard.OrganizationID) ([]lanyard.Membership, error) {
	var rows []membershipRow
	err := s.list(ctx, &rows, `SELECT organization_id, user_id, roles, created_at FROM memberships
		WHERE tenant_id = ? AND organization_id = ? ORDER BY user_id`, string(s.tenant), string(id))
	out := make([]lanyard.Membership, 0, len(rows))
	for _, row := range rows {
		out = append(out, row.membership())
	}
	return out, err
}

func (r membershipRow) membership() lanyard.Membership {
	return lanyard.Membership{
		OrganizationID: lanyard.OrganizationID(r.OrganizationID), UserID: lanyard.UserID(r.UserID),
		Roles: strings.Fields(r.Roles), CreatedAt: timeOf(r.CreatedAt),
	}
}

// Membership finds one member of an organization.
func (s Scope) Membership(ctx context.Context, id lanyard.OrganizationID, user lanyard.UserID) (lanyard.Membership, error) {
	var row membershipRow
	err := s.find(ctx, &row, `SELECT organization_id, user_id, roles, created_at FROM memberships
		WHERE tenant_id = ? AND organization_id = ? AND user_id = ?`, string(s.tenant), string(id), string(user))
	return row.membership(), err
}

// MemberQuery asks for a page of the members of an organization.
type MemberQuery struct {
	Organization lanyard.OrganizationID
	// Search is part of a name, username or address; empty for everybody.
	Search string
	// After is the last user of the page before; empty for the first page.
	After lanyard.UserID
	Limit int
}

// Members lists people of an organization by the id of the user.
func (s Scope) Members(ctx context.Context, q MemberQuery) ([]lanyard.Member, error) {
	where, args := ``, []any{string(s.tenant), string(q.Organization), string(q.After)}
	if q.Search != "" {
		like := likePattern(q.Search)
		where = ` AND (u.name_key LIKE ? ESCAPE '\' OR u.username_key LIKE ? ESCAPE '\' OR e.address_key LIKE ? ESCAPE '\')`
		args = append(args, like, like, like)
	}
	var rows []struct {
		userRow
		MemberRoles     string
		MemberCreatedAt int64
	}
	err := s.list(ctx, &rows, `SELECT m.roles AS member_roles, m.created_at AS member_created_at, `+userColumns+`
		FROM memberships m JOIN users u ON u.tenant_id = m.tenant_id AND u.id = m.user_id`+joinPrimaryEmail+`
		WHERE m.tenant_id = ? AND m.organization_id = ? AND m.user_id > ?`+where+` ORDER BY m.user_id LIMIT ?`, append(args, q.Limit)...)
	if err != nil {
		return nil, err
	}
	out := make([]lanyard.Member, 0, len(rows))
	for _, row := range rows {
		user, err := row.user(s.tenant)
		if err != nil {
			return nil, err
		}
		out = append(out, lanyard.Member{User: user, Membership: lanyard.Membership{
			OrganizationID: q.Organization, UserID: user.ID, Roles: strings.Fields(row.MemberRoles), CreatedAt: timeOf(row.MemberCreatedAt),
		}})
	}
	return out, nil
}

var likeEscapes = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// likePattern finds a text anywhere, in lower case.
func likePattern(text string) string { return `%` + likeEscapes.Replace(strings.ToLower(text)) + `%` }

// CountMembers tells how many members an organization has, counting no further than limit.
func (s Scope) CountMembers(ctx context.Context, id lanyard.OrganizationID, limit int64) (int64, error) {
	var n int64
	err := s.find(ctx, &n, `SELECT count(*) FROM (SELECT 1 AS one FROM memberships WHERE tenant_id = ? AND organization_id = ? LIMIT ?) AS counted`,
		string(s.tenant), string(id), limit)
	return n, err
}

// CountOwners tells how many owners an organization has.
func (s Scope) CountOwners(ctx context.Context, id lanyard.OrganizationID) (int64, error) {
	var n int64
	err := s.find(ctx, &n, `SELECT count(*) FROM memberships WHERE tenant_id = ? AND organization_id = ? AND (' ' || roles || ' ') LIKE '% owner %'`,
		string(s.tenant), string(id))
	return n, err
}

// InsertMembership makes a user a member; one who is already is lanyard.ErrConflict.
func (s Scope) InsertMembership(ctx context.Context, m lanyard.Membership) error {
	return s.must(ctx, `INSERT INTO memberships (tenant_id, organization_id, user_id, roles, created_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (tenant_id, organization_id, user_id) DO NOTHING`,
		string(s.tenant), string(m.OrganizationID), string(m.UserID), strings.Join(m.Roles, " "), micros(m.CreatedAt))
}

// PutMembership makes a user a member of an organization with exactly these roles.
func (s Scope) PutMembership(ctx context.Context, m lanyard.Membership) error {
	_, err := s.change(ctx, `INSERT INTO memberships (tenant_id, organization_id, user_id, roles, created_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (tenant_id, organization_id, user_id) DO UPDATE SET roles = EXCLUDED.roles`,
		string(s.tenant), string(m.OrganizationID), string(m.UserID), strings.Join(m.Roles, " "), micros(m.CreatedAt))
	return err
}

// HoldMembership locks a membership of an open organization until the end of the
// transaction, so that its removal waits; lanyard.ErrNotFound if there is none.
func (s Scope) HoldMembership(ctx context.Context, id lanyard.OrganizationID, user lanyard.UserID) error {
	var held string
	return s.changeReturning(ctx, &held, `UPDATE memberships SET roles = roles WHERE tenant_id = ? AND organization_id = ? AND user_id = ?
		AND EXISTS (SELECT 1 FROM organizations o WHERE o.tenant_id = memberships.tenant_id AND o.id = memberships.organization_id
			AND NOT o.suspended AND o.delete_at IS NULL) RETURNING user_id`, string(s.tenant), string(id), string(user))
}

// DeleteMembership takes a user out of an organization and ends the grants made in
// it; lanyard.ErrNotFound if there is no such member.
func (s Scope) DeleteMembership(ctx context.Context, id lanyard.OrganizationID, user lanyard.UserID, at time.Time) error {
	return s.InTx(ctx, func(tx Scope) error {
		n, err := tx.change(ctx, `DELETE FROM memberships WHERE tenant_id = ? AND organization_id = ? AND user_id = ?`, string(s.tenant), string(id), string(user))
		if err != nil {
			return err
		}
		if n == 0 {
			return lanyard.ErrNotFound
		}
		_, err = tx.change(ctx, `UPDATE grants SET revoked_at = ?, revoke_reason = ? WHERE tenant_id = ? AND organization_id = ? AND user_id = ? AND revoked_at IS NULL`,
			micros(at), lanyard.RevokedMembership, string(s.tenant), string(id), string(user))
		return err
	})
}

// ChooseOrganization notes the organization that a person wants to work in on this
// session and, with always, on every new one.
func (s Scope) ChooseOrganization(ctx context.Context, session lanyard.SessionID, user lanyard.UserID, id lanyard.OrganizationID, always bool) error {
	return s.InTx(ctx, func(tx Scope) error {
		if err := tx.must(ctx, `UPDATE sessions SET organization_id = ? WHERE tenant_id = ? AND id = ? AND user_id = ?`,
			string(id), string(s.tenant), string(session), string(user)); err != nil || !always {
			return err
		}
		return tx.must(ctx, `UPDATE users SET organization_id = ? WHERE tenant_id = ? AND id = ?`, string(id), string(s.tenant), string(user))
	})
}
