package storage

import (
	"context"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
)

// PutRole adds or replaces a role of the tenant, or of one organization.
func (s Scope) PutRole(ctx context.Context, organization lanyard.OrganizationID, name string, permissions []string, at time.Time) error {
	_, err := s.change(ctx, `INSERT INTO roles (tenant_id, organization_id, name, permissions, created_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (tenant_id, organization_id, name) DO UPDATE SET permissions = EXCLUDED.permissions`,
		string(s.tenant), string(organization), name, strings.Join(permissions, " "), micros(at))
	return err
}

// RolePermissions reads what a role of the tenant (organization empty) or of an organization may do.
func (s Scope) RolePermissions(ctx context.Context, organization lanyard.OrganizationID, name string) ([]string, error) {
	var permissions string
	err := s.find(ctx, &permissions, `SELECT permissions FROM roles WHERE tenant_id = ? AND organization_id = ? AND name = ?`,
		string(s.tenant), string(organization), name)
	return strings.Fields(permissions), err
}

// Roles lists the roles of the tenant (organization empty) or those that an organization made itself, by name.
func (s Scope) Roles(ctx context.Context, organization lanyard.OrganizationID) ([]lanyard.Role, error) {
	var rows []struct{ Name, Permissions string }
	err := s.list(ctx, &rows, `SELECT name, permissions FROM roles WHERE tenant_id = ? AND organization_id = ? ORDER BY name`, string(s.tenant), string(organization))
	out := make([]lanyard.Role, 0, len(rows))
	for _, row := range rows {
		out = append(out, lanyard.Role{OrganizationID: organization, Name: row.Name, Permissions: strings.Fields(row.Permissions)})
	}
	return out, err
}

// DeleteRole removes a role; lanyard.ErrNotFound if there is none. Who has it loses what it allowed.
func (s Scope) DeleteRole(ctx context.Context, organization lanyard.OrganizationID, name string) error {
	n, err := s.change(ctx, `DELETE FROM roles WHERE tenant_id = ? AND organization_id = ? AND name = ?`, string(s.tenant), string(organization), name)
	if err == nil && n == 0 {
		err = lanyard.ErrNotFound
	}
	return err
}

// RoleHolders tells how many members, machines and live invitations of an organization
// have a role, counting no further than limit each.
func (s Scope) RoleHolders(ctx context.Context, organization lanyard.OrganizationID, name string, now time.Time, limit int) (int64, error) {
	like := `% ` + likeEscapes.Replace(name) + ` %`
	var n int64
	err := s.find(ctx, &n, `SELECT (SELECT count(*) FROM (SELECT 1 AS one FROM memberships WHERE tenant_id = ? AND organization_id = ?
			AND (' ' || roles || ' ') LIKE ? ESCAPE '\' LIMIT ?) AS members)
		+ (SELECT count(*) FROM (SELECT 1 AS one FROM client_roles WHERE tenant_id = ? AND organization_id = ?
			AND (' ' || roles || ' ') LIKE ? ESCAPE '\' LIMIT ?) AS machines)
		+ (SELECT count(*) FROM (SELECT 1 AS one FROM invitations WHERE tenant_id = ? AND organization_id = ?
			AND (' ' || roles || ' ') LIKE ? ESCAPE '\' AND revoked_at IS NULL AND uses < max_uses AND expires_at > ? LIMIT ?) AS invited)`,
		string(s.tenant), string(organization), like, limit, string(s.tenant), string(organization), like, limit,
		string(s.tenant), string(organization), like, micros(now), limit)
	return n, err
}

// MachineRoles finds the place of a machine client in an organization that is named by
// slug or id; unknown, closed, and without a place are all lanyard.ErrNotFound. The
// membership names no user.
func (s Scope) MachineRoles(ctx context.Context, client lanyard.ClientID, organization string) (lanyard.Joined, error) {
	column := `o.slug`
	if lanyard.IsOrganizationID(organization) {
		column = `o.id`
	}
	var row joinedRow
	err := s.find(ctx, &row, `SELECT `+strings.ReplaceAll(joinedColumns, `m.user_id AS member_user_id`, `'' AS member_user_id`)+` FROM organizations o
		JOIN client_roles m ON m.tenant_id = o.tenant_id AND m.organization_id = o.id
		WHERE o.tenant_id = ? AND `+column+` = ? AND m.client_id = ? AND NOT o.erased AND NOT o.suspended AND o.delete_at IS NULL`,
		string(s.tenant), organization, string(client))
	if err != nil {
		return lanyard.Joined{}, err
	}
	return row.joined(s.tenant)
}

// PutMachineRoles gives a client exactly these roles in an organization; none takes it out.
func (s Scope) PutMachineRoles(ctx context.Context, client lanyard.ClientID, organization lanyard.OrganizationID, roles []string, at time.Time) error {
	if len(roles) == 0 {
		_, err := s.change(ctx, `DELETE FROM client_roles WHERE tenant_id = ? AND organization_id = ? AND client_id = ?`,
			string(s.tenant), string(organization), string(client))
		return err
	}
	_, err := s.change(ctx, `INSERT INTO client_roles (tenant_id, client_id, organization_id, roles, created_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (tenant_id, organization_id, client_id) DO UPDATE SET roles = EXCLUDED.roles`,
		string(s.tenant), string(client), string(organization), strings.Join(roles, " "), micros(at))
	return err
}

// MachinePlace is where a machine client has roles.
type MachinePlace struct {
	OrganizationID lanyard.OrganizationID
	Slug           string
	Name           string
	Roles          []string
}

// MachinePlaces lists the organizations in which a client has roles, by id. Those that are erased are not there.
func (s Scope) MachinePlaces(ctx context.Context, client lanyard.ClientID, w Window) ([]MachinePlace, error) {
	after, more, tail := w.order("r.organization_id", "r.organization_id")
	var rows []struct{ OrganizationID, Slug, Name, Roles string }
	err := s.list(ctx, &rows, `SELECT r.organization_id, o.slug, o.name, r.roles FROM client_roles r
		JOIN organizations o ON o.tenant_id = r.tenant_id AND o.id = r.organization_id
		WHERE r.tenant_id = ? AND r.client_id = ? AND NOT o.erased`+after+tail, append(append([]any{string(s.tenant), string(client)}, more...), w.Limit)...)
	out := make([]MachinePlace, 0, len(rows))
	for _, row := range rows {
		out = append(out, MachinePlace{OrganizationID: lanyard.OrganizationID(row.OrganizationID), Slug: row.Slug, Name: row.Name, Roles: strings.Fields(row.Roles)})
	}
	return out, err
}

// TenantRoleHeld tells whether a person, a member, a machine in an organization or a
// live invitation has a role of the tenant.
func (s Scope) TenantRoleHeld(ctx context.Context, name string, now time.Time) (bool, error) {
	tenant, like := string(s.tenant), `% `+likeEscapes.Replace(name)+` %`
	var n int64
	err := s.find(ctx, &n, `SELECT (SELECT count(*) FROM (SELECT 1 AS one FROM user_roles WHERE tenant_id = ? AND role = ? LIMIT 1) AS people)
		+ (SELECT count(*) FROM (SELECT 1 AS one FROM memberships WHERE tenant_id = ? AND (' ' || roles || ' ') LIKE ? ESCAPE '\' LIMIT 1) AS members)
		+ (SELECT count(*) FROM (SELECT 1 AS one FROM client_roles WHERE tenant_id = ? AND (' ' || roles || ' ') LIKE ? ESCAPE '\' LIMIT 1) AS machines)
		+ (SELECT count(*) FROM (SELECT 1 AS one FROM invitations WHERE tenant_id = ? AND (' ' || roles || ' ') LIKE ? ESCAPE '\'
			AND revoked_at IS NULL AND uses < max_uses AND expires_at > ? LIMIT 1) AS invited)`,
		tenant, name, tenant, like, tenant, like, tenant, like, micros(now))
	return n > 0, err
}
