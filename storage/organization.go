package storage

import (
	"context"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
)

type organizationRow struct {
	ID        string
	Slug      string
	Name      string
	CreatedAt int64
}

// OrganizationBySlug finds an organization by its name in URLs.
func (s Scope) OrganizationBySlug(ctx context.Context, slug string) (lanyard.Organization, error) {
	var row organizationRow
	if err := s.find(ctx, &row, `SELECT id, slug, name, created_at FROM organizations WHERE tenant_id = ? AND slug = ?`, string(s.tenant), slug); err != nil {
		return lanyard.Organization{}, err
	}
	return lanyard.Organization{
		ID: lanyard.OrganizationID(row.ID), TenantID: s.tenant, Slug: row.Slug, Name: row.Name, CreatedAt: timeOf(row.CreatedAt),
	}, nil
}

// PutOrganization adds an organization or renames the one with the same slug, which keeps its id.
func (s Scope) PutOrganization(ctx context.Context, o lanyard.Organization) error {
	_, err := s.change(ctx, `INSERT INTO organizations (tenant_id, id, slug, name, created_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (tenant_id, slug) DO UPDATE SET name = EXCLUDED.name`,
		string(s.tenant), string(o.ID), o.Slug, o.Name, micros(o.CreatedAt))
	return err
}

type membershipRow struct {
	OrganizationID string
	UserID         string
	Roles          string
	CreatedAt      int64
}

// Memberships lists the members of an organization.
func (s Scope) Memberships(ctx context.Context, id lanyard.OrganizationID) ([]lanyard.Membership, error) {
	var rows []membershipRow
	err := s.list(ctx, &rows, `SELECT organization_id, user_id, roles, created_at FROM memberships
		WHERE tenant_id = ? AND organization_id = ? ORDER BY user_id`, string(s.tenant), string(id))
	out := make([]lanyard.Membership, 0, len(rows))
	for _, row := range rows {
		out = append(out, lanyard.Membership{
			OrganizationID: lanyard.OrganizationID(row.OrganizationID), UserID: lanyard.UserID(row.UserID),
			Roles: strings.Fields(row.Roles), CreatedAt: timeOf(row.CreatedAt),
		})
	}
	return out, err
}

// PutMembership makes a user a member of an organization with exactly these roles.
func (s Scope) PutMembership(ctx context.Context, m lanyard.Membership) error {
	_, err := s.change(ctx, `INSERT INTO memberships (tenant_id, organization_id, user_id, roles, created_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (tenant_id, organization_id, user_id) DO UPDATE SET roles = EXCLUDED.roles`,
		string(s.tenant), string(m.OrganizationID), string(m.UserID), strings.Join(m.Roles, " "), micros(m.CreatedAt))
	return err
}

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
