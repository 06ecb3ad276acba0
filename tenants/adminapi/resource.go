package adminapi

import (
	"context"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// resources are the operations on resources.
func (a *API) resources() {
	m := a.management
	id := func(c call) lanyard.ResourceID { return lanyard.ResourceID(c.in("resource")) }
	list(a, operation{Path: "/resources", ID: "listResources", Summary: "List resources", Permission: lanyard.MayReadSettings},
		management.ResourceColumns, func(ctx context.Context, c call, q management.Query) (management.List[management.Resource], error) {
			return m.Resources(ctx, c.Administrator, q)
		})
	create(a, operation{Path: "/resources", ID: "createResource", Summary: "Add a resource", Permission: lanyard.MayManageSettings},
		func(ctx context.Context, c call, r management.Resource) (management.Resource, error) {
			return m.CreateResource(ctx, c.Administrator, r)
		})
	get(a, operation{Path: "/resources/{resource}", ID: "getResource", Summary: "Show a resource", Permission: lanyard.MayReadSettings},
		func(ctx context.Context, c call) (management.Resource, error) {
			return m.Resource(ctx, c.Administrator, id(c))
		})
	change(a, operation{Path: "/resources/{resource}", ID: "updateResource", Summary: "Change a resource", Permission: lanyard.MayManageSettings},
		func(ctx context.Context, c call, change management.Change[management.Resource]) (management.Resource, error) {
			return m.ChangeResource(ctx, c.Administrator, id(c), change)
		})
	remove(a, operation{Path: "/resources/{resource}", ID: "deleteResource", Summary: "Remove a resource", Permission: lanyard.MayManageSettings},
		func(ctx context.Context, c call, when management.Condition[management.Resource]) error {
			return m.RemoveResource(ctx, c.Administrator, id(c), when)
		})
}
