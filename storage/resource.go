package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/lanyard-id/lanyard"
)

type documentRow struct {
	ID       string
	Document string
}

// Resources lists the tenant's resources by identifier.
func (s Scope) Resources(ctx context.Context) ([]lanyard.Resource, error) {
	var rows []documentRow
	if err := s.list(ctx, &rows, `SELECT id, document FROM resources WHERE tenant_id = ? ORDER BY identifier_key`, string(s.tenant)); err != nil {
		return nil, err
	}
	out := make([]lanyard.Resource, 0, len(rows))
	for _, row := range rows {
		r := lanyard.Resource{ID: lanyard.ResourceID(row.ID)}
		if err := json.Unmarshal([]byte(row.Document), &r); err != nil {
			return nil, fmt.Errorf("reading resource %s: %w", row.ID, err)
		}
		out = append(out, r)
	}
	return out, nil
}

// PutResource adds a resource or replaces the one with the same identifier, which keeps its id.
func (s Scope) PutResource(ctx context.Context, r lanyard.Resource, at time.Time) error {
	key, err := lanyard.ResourceKey(r.Identifier)
	if err != nil {
		return err
	}
	_, err = s.change(ctx, `INSERT INTO resources (tenant_id, id, identifier_key, document, created_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (tenant_id, identifier_key) DO UPDATE SET document = EXCLUDED.document`,
		string(s.tenant), string(r.ID), key, document(r), micros(at))
	return err
}

// DeleteResource removes a resource; one that is not there is lanyard.ErrConflict.
func (s Scope) DeleteResource(ctx context.Context, id lanyard.ResourceID) error {
	return s.must(ctx, `DELETE FROM resources WHERE tenant_id = ? AND id = ?`, string(s.tenant), string(id))
}
