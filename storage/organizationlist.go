package storage

import (
	"context"

	"github.com/lanyard-id/lanyard"
)

// OrganizationQuery asks for a part of the tenant's organizations. Empty conditions do not count.
type OrganizationQuery struct {
	// Search is part of a name or a slug; letters outside of ASCII in the case they have.
	Search    string
	Plan      string
	Suspended *bool
	Window
}

// OrganizationList lists organizations by when they were made ("created"), by "slug" or by "name".
func (s Scope) OrganizationList(ctx context.Context, q OrganizationQuery) ([]lanyard.Organization, error) {
	column := "o.id"
	if q.Sort == "slug" || q.Sort == "name" {
		column = "o." + q.Sort
	}
	where, args := ``, []any{string(s.tenant)}
	if q.Search != "" {
		where += ` AND (lower(o.name) LIKE ? ESCAPE '\' OR o.slug LIKE ? ESCAPE '\')`
		args = append(args, likeParts(q.Search), likeParts(q.Search))
	}
	if q.Plan != "" {
		where += ` AND o.plan = ?`
		args = append(args, q.Plan)
	}
	if q.Suspended != nil && *q.Suspended {
		where += ` AND o.suspended`
	} else if q.Suspended != nil {
		where += ` AND NOT o.suspended`
	}
	after, more, tail := q.order(column, "o.id")
	var rows []organizationRow
	if err := s.list(ctx, &rows, `SELECT `+organizationColumns+` FROM organizations o WHERE o.tenant_id = ? AND NOT o.erased`+where+after+tail,
		append(append(args, more...), q.Limit)...); err != nil {
		return nil, err
	}
	return organizations(rows, s.tenant)
}

// SlugTaken tells whether a slug is, or was, an organization's.
func (s Scope) SlugTaken(ctx context.Context, slug string) (bool, error) {
	var n int64
	err := s.find(ctx, &n, `SELECT count(*) FROM organizations WHERE tenant_id = ? AND slug = ?`, string(s.tenant), slug)
	return n > 0, err
}
