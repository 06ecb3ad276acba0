package adminapi

import (
	"context"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// tenants are the operations on tenants, for administrators of the instance in the default tenant.
func (a *API) tenants() {
	m := a.management
	list(a, operation{Path: "/tenants", ID: "listTenants", Summary: "List tenants", Permission: lanyard.MayManageInstance},
		management.TenantColumns, func(ctx context.Context, c call, q management.Query) (management.List[management.Tenant], error) {
			return m.Tenants(ctx, c.Administrator, q)
		})
	create(a, operation{Path: "/tenants", ID: "createTenant", Summary: "Add a tenant", Permission: lanyard.MayManageInstance, Apart: true},
		func(ctx context.Context, c call, n management.NewTenant) (management.Tenant, error) {
			return m.CreateTenant(ctx, c.Administrator, n)
		})
	get(a, operation{Path: "/tenants/{tenant}", ID: "getTenant", Summary: "Show a tenant", Permission: lanyard.MayManageInstance},
		func(ctx context.Context, c call) (management.Tenant, error) {
			return m.Tenant(ctx, c.Administrator, c.in("tenant"))
		})
	change(a, operation{Path: "/tenants/{tenant}", ID: "updateTenant", Summary: "Change, suspend or resume a tenant", Permission: lanyard.MayManageInstance},
		func(ctx context.Context, c call, change management.Change[management.Tenant]) (management.Tenant, error) {
			return m.ChangeTenant(ctx, c.Administrator, c.in("tenant"), change)
		})
}
