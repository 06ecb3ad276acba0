package organizations

import "context"

// maxCounted is how far members are counted for people to see.
const maxCounted = 10_000

// SeatsUsed tells how many members the organization has, or 10,000 where there are more.
func (o *Organizations) SeatsUsed(ctx context.Context, s Seat) (int64, error) {
	return s.Tenancy.Scope.CountMembers(ctx, s.Organization.ID, maxCounted)
}
