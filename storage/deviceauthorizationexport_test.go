package storage

import (
	"context"

	"github.com/lanyard-id/lanyard"
)

// LabelOf is what the device of a grant calls itself.
func LabelOf(ctx context.Context, s Scope, id lanyard.GrantID) (string, error) {
	var label string
	err := s.find(ctx, &label, `SELECT label FROM grants WHERE tenant_id = ? AND id = ?`, string(s.tenant), string(id))
	return label, err
}
