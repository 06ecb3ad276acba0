package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/lanyard-id/lanyard"
)

const tenantColumns = `tenant_id, slug, host, name, redirect_hosts, suspended, policy, branding, mail, revision, created_at`

type tenantRow struct {
	TenantID      string
	Slug          string
	Host          string
	Name          string
	RedirectHosts string
	Suspended     bool
	Policy        string
	Branding      string
	Mail          string
	Revision      int64
	CreatedAt     int64
}

func (r tenantRow) tenant() (lanyard.Tenant, error) {
	t := lanyard.Tenant{
		ID: lanyard.TenantID(r.TenantID), Slug: r.Slug, Host: r.Host, Name: r.Name,
		RedirectHosts: strings.Fields(r.RedirectHosts), Suspended: r.Suspended,
		Revision: r.Revision, CreatedAt: timeOf(r.CreatedAt),
	}
	if err := json.Unmarshal([]byte(r.Policy), &t.Policy); err != nil {
		return lanyard.Tenant{}, fmt.Errorf("reading the policy of tenant %s: %w", r.Slug, err)
	}
	if err := json.Unmarshal([]byte(r.Branding), &t.Branding); err != nil {
		return lanyard.Tenant{}, fmt.Errorf("reading the branding of tenant %s: %w", r.Slug, err)
	}
	if err := json.Unmarshal([]byte(r.Mail), &t.Mail); err != nil {
		return lanyard.Tenant{}, fmt.Errorf("reading the mail settings of tenant %s: %w", r.Slug, err)
	}
	return t, nil
}

// InsertTenant adds a tenant; a slug or host in use is lanyard.ErrConflict.
func (s *Store) InsertTenant(ctx context.Context, t lanyard.Tenant) error {
	return s.Tenant(t.ID).InsertTenant(ctx, t)
}

// InsertTenant adds the scope's own tenant; a slug or host in use is lanyard.ErrConflict.
func (s Scope) InsertTenant(ctx context.Context, t lanyard.Tenant) error {
	_, err := s.change(ctx, `INSERT INTO tenants (`+tenantColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?)`,
		string(s.tenant), t.Slug, orNull(t.Host), t.Name, strings.Join(t.RedirectHosts, " "), t.Suspended,
		document(t.Policy), document(t.Branding), document(t.Mail), micros(t.CreatedAt))
	return err
}

// UpdateTenant changes name, hosts, state, policy, branding and mail settings.
func (s Scope) UpdateTenant(ctx context.Context, t lanyard.Tenant) error {
	return s.must(ctx, `UPDATE tenants SET host = ?, name = ?, redirect_hosts = ?, suspended = ?, policy = ?, branding = ?, mail = ?,
		revision = revision + 1 WHERE tenant_id = ?`,
		orNull(t.Host), t.Name, strings.Join(t.RedirectHosts, " "), t.Suspended, document(t.Policy), document(t.Branding), document(t.Mail), string(s.tenant))
}

// BumpRevision makes every snapshot of the tenant's configuration stale.
func (s Scope) BumpRevision(ctx context.Context) error {
	return s.must(ctx, `UPDATE tenants SET revision = revision + 1 WHERE tenant_id = ?`, string(s.tenant))
}

// Revision reads the tenant's revision.
func (s Scope) Revision(ctx context.Context) (int64, error) {
	var revision int64
	err := s.find(ctx, &revision, `SELECT revision FROM tenants WHERE tenant_id = ?`, string(s.tenant))
	return revision, err
}

// Tenant reads the scope's own tenant.
func (s Scope) Tenant(ctx context.Context) (lanyard.Tenant, error) {
	return s.tenantBy(ctx, `tenant_id = ?`, string(s.tenant))
}

// TenantBySlug finds a tenant by its name in URLs.
func (s *Store) TenantBySlug(ctx context.Context, slug string) (lanyard.Tenant, error) {
	return s.runner().tenantBy(ctx, `slug = ?`, slug)
}

// TenantByHost finds the tenant that answers on a host, its own or a redirecting one.
func (s *Store) TenantByHost(ctx context.Context, host string) (lanyard.Tenant, error) {
	if host == "" || strings.ContainsAny(host, " %_\\") {
		return lanyard.Tenant{}, lanyard.ErrNotFound
	}
	return s.runner().tenantBy(ctx, `host = ? OR (' ' || redirect_hosts || ' ') LIKE ?`, host, "% "+host+" %")
}

// Tenants lists all tenants by slug.
func (s *Store) Tenants(ctx context.Context) ([]lanyard.Tenant, error) {
	var rows []tenantRow
	if err := s.runner().list(ctx, &rows, `SELECT `+tenantColumns+` FROM tenants ORDER BY slug`); err != nil {
		return nil, err
	}
	out := make([]lanyard.Tenant, 0, len(rows))
	for _, row := range rows {
		t, err := row.tenant()
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

func (r runner) tenantBy(ctx context.Context, where string, args ...any) (lanyard.Tenant, error) {
	var row tenantRow
	if err := r.find(ctx, &row, `SELECT `+tenantColumns+` FROM tenants WHERE `+where+` LIMIT 1`, args...); err != nil {
		return lanyard.Tenant{}, err
	}
	return row.tenant()
}

// document is a value as stored JSON. Only values that marshal are stored, so a failure is a broken invariant.
func document(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("storage: %T does not marshal: %v", v, err))
	}
	return string(b)
}
