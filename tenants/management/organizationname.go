package management

import (
	"context"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// organizationNamed finds an organization by id or slug; lanyard.ErrNotFound if there is none.
func organizationNamed(ctx context.Context, scope storage.Scope, name string) (lanyard.Organization, error) {
	if lanyard.IsOrganizationID(name) {
		found, err := scope.Organization(ctx, lanyard.OrganizationID(name))
		return found, gone(err)
	}
	if !lanyard.ValidSlug(name) {
		return lanyard.Organization{}, lanyard.ErrNotFound
	}
	found, err := scope.OrganizationBySlug(ctx, name)
	return found, gone(err)
}
