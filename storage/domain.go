package storage

import (
	"context"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
)

type domainRow struct {
	OrganizationID string
	Domain         string
	Token          string
	Joining        string
	VerifiedAt     int64
	CreatedAt      int64
}

func (r domainRow) domain() lanyard.Domain {
	return lanyard.Domain{
		OrganizationID: lanyard.OrganizationID(r.OrganizationID), Name: r.Domain, Token: r.Token, Joining: lanyard.Joining(r.Joining),
		VerifiedAt: timeOf(r.VerifiedAt), CreatedAt: timeOf(r.CreatedAt),
	}
}

// Domains lists the domains of an organization by name.
func (s Scope) Domains(ctx context.Context, organization lanyard.OrganizationID) ([]lanyard.Domain, error) {
	return s.domains(ctx, `d.organization_id = ? ORDER BY d.domain`, string(organization))
}

// JoinableDomains lists the verified domains, of open organizations, that the
// addresses (canonical) are in and that let people in by themselves.
func (s Scope) JoinableDomains(ctx context.Context, addresses []string) ([]lanyard.Domain, error) {
	if len(addresses) == 0 {
		return nil, nil
	}
	args := []any{}
	for _, a := range addresses {
		args = append(args, lanyard.EmailDomain(a))
	}
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(args)), ", ")
	return s.domains(ctx, `d.domain IN (`+marks+`) AND d.verified_at IS NOT NULL AND d.joining <> 'off'
		AND EXISTS (SELECT 1 FROM organizations o WHERE o.tenant_id = d.tenant_id AND o.id = d.organization_id AND NOT o.suspended AND o.delete_at IS NULL)
		ORDER BY d.domain`, args...)
}

func (s Scope) domains(ctx context.Context, where string, args ...any) ([]lanyard.Domain, error) {
	var rows []domainRow
	err := s.list(ctx, &rows, `SELECT d.organization_id, d.domain, d.token, d.joining, d.verified_at, d.created_at
		FROM organization_domains d WHERE d.tenant_id = ? AND `+where, append([]any{string(s.tenant)}, args...)...)
	out := make([]lanyard.Domain, 0, len(rows))
	for _, row := range rows {
		out = append(out, row.domain())
	}
	return out, err
}

// InsertDomain adds a claim to a domain; one that the organization has already is lanyard.ErrConflict.
func (s Scope) InsertDomain(ctx context.Context, d lanyard.Domain) error {
	return s.must(ctx, `INSERT INTO organization_domains (tenant_id, organization_id, domain, token, joining, verified_at, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant_id, organization_id, domain) DO NOTHING`,
		string(s.tenant), string(d.OrganizationID), d.Name, d.Token, string(d.Joining), maybeMicros(d.VerifiedAt), micros(d.CreatedAt))
}

// VerifyDomain notes that the claim was proved. A domain that another organization
// has proved is lanyard.ErrConflict; no such claim lanyard.ErrNotFound.
func (s Scope) VerifyDomain(ctx context.Context, organization lanyard.OrganizationID, name string, at time.Time) error {
	n, err := s.change(ctx, `UPDATE organization_domains SET verified_at = ? WHERE tenant_id = ? AND organization_id = ? AND domain = ?`,
		micros(at), string(s.tenant), string(organization), name)
	if err == nil && n == 0 {
		err = lanyard.ErrNotFound
	}
	return err
}

// SetJoining says what a domain does; no such claim is lanyard.ErrNotFound.
func (s Scope) SetJoining(ctx context.Context, organization lanyard.OrganizationID, name string, joining lanyard.Joining) error {
	n, err := s.change(ctx, `UPDATE organization_domains SET joining = ? WHERE tenant_id = ? AND organization_id = ? AND domain = ?`,
		string(joining), string(s.tenant), string(organization), name)
	if err == nil && n == 0 {
		err = lanyard.ErrNotFound
	}
	return err
}

// DeleteDomain gives a claim up; none is lanyard.ErrNotFound.
func (s Scope) DeleteDomain(ctx context.Context, organization lanyard.OrganizationID, name string) error {
	n, err := s.change(ctx, `DELETE FROM organization_domains WHERE tenant_id = ? AND organization_id = ? AND domain = ?`,
		string(s.tenant), string(organization), name)
	if err == nil && n == 0 {
		err = lanyard.ErrNotFound
	}
	return err
}
