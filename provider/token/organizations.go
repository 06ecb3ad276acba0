package token

import (
	"context"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants"
)

// maxOrganizations bounds the list of the scope organizations.
const maxOrganizations = 100

// OrganizationEntry is one organization in the list of the scope organizations.
type OrganizationEntry struct {
	ID    lanyard.OrganizationID `json:"id"`
	Name  string                 `json:"name"`
	Slug  string                 `json:"slug"`
	Roles []string               `json:"roles"`
}

// Organizations lists the open organizations of a grant's user by name, the first
// hundred of them, for userinfo alone: all, or the one whose connection proved the sign-in.
func (i *Issuer) Organizations(ctx context.Context, live *tenants.Live, grant lanyard.Grant) ([]OrganizationEntry, error) {
	joined, err := live.Scope.AllJoined(ctx, grant.UserID, maxOrganizations)
	out := []OrganizationEntry{}
	for _, j := range joined {
		if o := j.Organization; o.Open() && (!grant.Confined || o.ID == grant.OrganizationID) {
			out = append(out, OrganizationEntry{ID: o.ID, Name: o.Name, Slug: o.Slug, Roles: j.Membership.Roles})
		}
	}
	return out, err
}
