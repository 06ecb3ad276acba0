package adminapi

import (
	"context"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// roles are the operations on the roles of the tenant.
func (a *API) roles() {
	m := a.management
	list(a, operation{Path: "/roles", ID: "listRoles", Summary: "List the roles of the tenant", Permission: lanyard.MayReadSettings},
		management.RoleColumns, func(ctx context.Context, c call, q management.Query) (management.List[management.Role], error) {
			return m.Roles(ctx, c.Administrator, q)
		})
	create(a, operation{Path: "/roles", ID: "createRole", Summary: "Add a role", Permission: lanyard.MayManageSettings},
		func(ctx context.Context, c call, r management.Role) (management.Role, error) {
			return m.CreateRole(ctx, c.Administrator, r)
		})
	get(a, operation{Path: "/roles/{role}", ID: "getRole", Summary: "Show a role", Permission: lanyard.MayReadSettings},
		func(ctx context.Context, c call) (management.Role, error) {
			return m.Role(ctx, c.Administrator, c.in("role"))
		})
	change(a, operation{Path: "/roles/{role}", ID: "updateRole", Summary: "Change what a role allows", Permission: lanyard.MayManageSettings},
		func(ctx context.Context, c call, change management.Change[management.Role]) (management.Role, error) {
			return m.ChangeRole(ctx, c.Administrator, c.in("role"), change)
		})
	remove(a, operation{Path: "/roles/{role}", ID: "deleteRole", Summary: "Remove a role that nobody has", Permission: lanyard.MayManageSettings},
		func(ctx context.Context, c call, when management.Condition[management.Role]) error {
			return m.RemoveRole(ctx, c.Administrator, c.in("role"), when)
		})
}
