package adminapi

import (
	"context"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// organizationRoles are the operations on roles that organizations make.
func (a *API) organizationRoles() {
	m := a.management
	list(a, operation{Path: "/organizations/{organization}/roles", ID: "listOrganizationRoles", Summary: "List the roles of an organization", Permission: lanyard.MayReadOrganizations, InOrganization: lanyard.MayReadMembers},
		management.OrganizationRoleColumns, func(ctx context.Context, c call, q management.Query) (management.List[management.OrganizationRole], error) {
			return m.OrganizationRoles(ctx, c.Administrator, c.organization(), q)
		})
	create(a, operation{Path: "/organizations/{organization}/roles", ID: "createOrganizationRole", Summary: "Add a role", Permission: lanyard.MayManageOrganizations, InOrganization: lanyard.MayManageRoles},
		func(ctx context.Context, c call, n management.OrganizationRole) (management.OrganizationRole, error) {
			return m.CreateOrganizationRole(ctx, c.Administrator, c.organization(), n)
		})
	get(a, operation{Path: "/organizations/{organization}/roles/{role}", ID: "getOrganizationRole", Summary: "Show a role", Permission: lanyard.MayReadOrganizations, InOrganization: lanyard.MayReadMembers},
		func(ctx context.Context, c call) (management.OrganizationRole, error) {
			return m.OrganizationRole(ctx, c.Administrator, c.organization(), c.in("role"))
		})
	change(a, operation{Path: "/organizations/{organization}/roles/{role}", ID: "updateOrganizationRole", Summary: "Change a role", Permission: lanyard.MayManageOrganizations, InOrganization: lanyard.MayManageRoles},
		func(ctx context.Context, c call, change management.Change[management.OrganizationRole]) (management.OrganizationRole, error) {
			return m.ChangeOrganizationRole(ctx, c.Administrator, c.organization(), c.in("role"), change)
		})
	remove(a, operation{Path: "/organizations/{organization}/roles/{role}", ID: "deleteOrganizationRole", Summary: "Remove a role", Permission: lanyard.MayManageOrganizations, InOrganization: lanyard.MayManageRoles},
		func(ctx context.Context, c call, when management.Condition[management.OrganizationRole]) error {
			return m.RemoveOrganizationRole(ctx, c.Administrator, c.organization(), c.in("role"), when)
		})
}
