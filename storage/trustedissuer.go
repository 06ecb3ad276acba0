package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/lanyard-id/lanyard"
)

// TrustedIssuers lists the issuers that the tenant trusts.
func (s Scope) TrustedIssuers(ctx context.Context) ([]lanyard.TrustedIssuer, error) {
	var rows []documentRow
	if err := s.list(ctx, &rows, `SELECT issuer AS id, document FROM trusted_issuers WHERE tenant_id = ? ORDER BY issuer`, string(s.tenant)); err != nil {
		return nil, err
	}
	out := make([]lanyard.TrustedIssuer, 0, len(rows))
	for _, row := range rows {
		var t lanyard.TrustedIssuer
		if err := json.Unmarshal([]byte(row.Document), &t); err != nil {
			return nil, fmt.Errorf("reading trusted issuer %s: %w", row.ID, err)
		}
		out = append(out, t)
	}
	return out, nil
}

// PutTrustedIssuer adds or replaces a trusted issuer.
func (s Scope) PutTrustedIssuer(ctx context.Context, t lanyard.TrustedIssuer, at time.Time) error {
	_, err := s.change(ctx, `INSERT INTO trusted_issuers (tenant_id, issuer, document, created_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (tenant_id, issuer) DO UPDATE SET document = EXCLUDED.document`,
		string(s.tenant), t.Issuer, document(t), micros(at))
	return err
}

// DeleteTrustedIssuer removes a trusted issuer; none is lanyard.ErrNotFound.
func (s Scope) DeleteTrustedIssuer(ctx context.Context, issuer string) error {
	var gone string
	return s.changeReturning(ctx, &gone, `DELETE FROM trusted_issuers WHERE tenant_id = ? AND issuer = ? RETURNING issuer`, string(s.tenant), issuer)
}
