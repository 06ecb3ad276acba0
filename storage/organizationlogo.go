package storage

import (
	"context"

	"github.com/lanyard-id/lanyard"
)

// PutOrganizationLogo stores the logo of an organization, as PNG; the one before is gone.
func (s Scope) PutOrganizationLogo(ctx context.Context, id lanyard.OrganizationID, dark bool, content []byte) error {
	_, err := s.change(ctx, `INSERT INTO organization_logos (tenant_id, organization_id, dark, content) VALUES (?, ?, ?, ?)
		ON CONFLICT (tenant_id, organization_id, dark) DO UPDATE SET content = EXCLUDED.content`,
		string(s.tenant), string(id), dark, content)
	return err
}

// OrganizationLogo reads the logo of an open organization.
func (s Scope) OrganizationLogo(ctx context.Context, id lanyard.OrganizationID, dark bool) ([]byte, error) {
	var row struct{ Content []byte }
	err := s.find(ctx, &row, `SELECT l.content FROM organization_logos l
		JOIN organizations o ON o.tenant_id = l.tenant_id AND o.id = l.organization_id
		WHERE l.tenant_id = ? AND l.organization_id = ? AND l.dark = ? AND NOT o.suspended AND o.delete_at IS NULL AND NOT o.erased`,
		string(s.tenant), string(id), dark)
	return row.Content, err
}

// DeleteOrganizationLogo removes a logo; none is fine.
func (s Scope) DeleteOrganizationLogo(ctx context.Context, id lanyard.OrganizationID, dark bool) error {
	_, err := s.change(ctx, `DELETE FROM organization_logos WHERE tenant_id = ? AND organization_id = ? AND dark = ?`, string(s.tenant), string(id), dark)
	return err
}
