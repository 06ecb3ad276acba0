package adminapi

import (
	"context"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// organizationConnections are the operations on organizations' own upstream providers.
func (a *API) organizationConnections() {
	m := a.management
	list(a, operation{Path: "/organizations/{organization}/connections", ID: "listOrganizationConnections", Summary: "List own connections", Permission: lanyard.MayReadOrganizations, InOrganization: lanyard.MayManageConnections},
		management.OrganizationConnectionColumns, func(ctx context.Context, c call, q management.Query) (management.List[management.OrganizationConnection], error) {
			return m.OrganizationConnections(ctx, c.Administrator, c.organization(), q)
		})
	create(a, operation{Path: "/organizations/{organization}/connections", ID: "createOrganizationConnection", Summary: "Add a connection", Permission: lanyard.MayManageOrganizations, InOrganization: lanyard.MayManageConnections, Apart: true},
		func(ctx context.Context, c call, n management.OrganizationConnection) (management.OrganizationConnection, error) {
			return m.CreateOrganizationConnection(ctx, c.Administrator, c.organization(), n)
		})
	get(a, operation{Path: "/organizations/{organization}/connections/{connection}", ID: "getOrganizationConnection", Summary: "Show a connection", Permission: lanyard.MayReadOrganizations, InOrganization: lanyard.MayManageConnections},
		func(ctx context.Context, c call) (management.OrganizationConnection, error) {
			return m.OrganizationConnection(ctx, c.Administrator, c.organization(), lanyard.ConnectionID(c.in("connection")))
		})
	change(a, operation{Path: "/organizations/{organization}/connections/{connection}", ID: "updateOrganizationConnection", Summary: "Change a connection", Permission: lanyard.MayManageOrganizations, InOrganization: lanyard.MayManageConnections},
		func(ctx context.Context, c call, change management.Change[management.OrganizationConnection]) (management.OrganizationConnection, error) {
			return m.ChangeOrganizationConnection(ctx, c.Administrator, c.organization(), lanyard.ConnectionID(c.in("connection")), change)
		})
	remove(a, operation{Path: "/organizations/{organization}/connections/{connection}", ID: "deleteOrganizationConnection", Summary: "Remove a connection", Permission: lanyard.MayManageOrganizations, InOrganization: lanyard.MayManageConnections},
		func(ctx context.Context, c call, when management.Condition[management.OrganizationConnection]) error {
			return m.RemoveOrganizationConnection(ctx, c.Administrator, c.organization(), lanyard.ConnectionID(c.in("connection")), when)
		})
}
