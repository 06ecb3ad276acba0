package adminapi

import (
	"context"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// organizations are the operations on organizations and on what is in them.
func (a *API) organizations() {
	m := a.management
	list(a, operation{Path: "/organizations", ID: "listOrganizations", Summary: "List organizations", Permission: lanyard.MayReadOrganizations},
		management.OrganizationColumns, func(ctx context.Context, c call, q management.Query) (management.List[management.Organization], error) {
			return m.ListOrganizations(ctx, c.Administrator, q)
		})
	create(a, operation{Path: "/organizations", ID: "createOrganization", Summary: "Add an organization", Permission: lanyard.MayManageOrganizations},
		func(ctx context.Context, c call, n management.NewOrganization) (management.Organization, error) {
			return m.CreateOrganization(ctx, c.Administrator, n)
		})
	get(a, operation{Path: "/organizations/{organization}", ID: "getOrganization", Summary: "Show an organization", Permission: lanyard.MayReadOrganizations, InOrganization: lanyard.MayReadMembers},
		func(ctx context.Context, c call) (management.Organization, error) {
			return m.Organization(ctx, c.Administrator, c.organization())
		})
	change(a, operation{Path: "/organizations/{organization}", ID: "updateOrganization", Summary: "Change an organization", Permission: lanyard.MayManageOrganizations, InOrganization: lanyard.MayUpdateOrganization},
		func(ctx context.Context, c call, change management.Change[management.Organization]) (management.Organization, error) {
			return m.ChangeOrganization(ctx, c.Administrator, c.organization(), change)
		})
	remove(a, operation{Path: "/organizations/{organization}", ID: "deleteOrganization", Summary: "Delete an organization", Permission: lanyard.MayManageOrganizations, InOrganization: lanyard.MayDeleteOrganization},
		func(ctx context.Context, c call, when management.Condition[management.Organization]) error {
			return m.RemoveOrganization(ctx, c.Administrator, c.organization(), when)
		})
	a.members()
	a.joinRequests()
	a.organizationRoles()
	a.invitations()
	a.domains()
	a.organizationConnections()
}
