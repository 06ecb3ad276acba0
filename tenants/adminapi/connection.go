package adminapi

import (
	"context"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// connections are the operations on upstream connections of the tenant.
func (a *API) connections() {
	m := a.management
	id := func(c call) lanyard.ConnectionID { return lanyard.ConnectionID(c.in("connection")) }
	list(a, operation{Path: "/connections", ID: "listConnections", Summary: "List upstream connections of the tenant", Permission: lanyard.MayReadTrust},
		management.ConnectionColumns, func(ctx context.Context, c call, q management.Query) (management.List[management.Connection], error) {
			return m.Connections(ctx, c.Administrator, q)
		})
	create(a, operation{Path: "/connections", ID: "createConnection", Summary: "Add a connection", Permission: lanyard.MayManageTrust},
		func(ctx context.Context, c call, thing management.Connection) (management.Connection, error) {
			return m.CreateConnection(ctx, c.Administrator, thing)
		})
	get(a, operation{Path: "/connections/{connection}", ID: "getConnection", Summary: "Show a connection", Permission: lanyard.MayReadTrust},
		func(ctx context.Context, c call) (management.Connection, error) {
			return m.Connection(ctx, c.Administrator, id(c))
		})
	change(a, operation{Path: "/connections/{connection}", ID: "updateConnection", Summary: "Change a connection", Permission: lanyard.MayManageTrust},
		func(ctx context.Context, c call, change management.Change[management.Connection]) (management.Connection, error) {
			return m.ChangeConnection(ctx, c.Administrator, id(c), change)
		})
	remove(a, operation{Path: "/connections/{connection}", ID: "deleteConnection", Summary: "Remove a connection", Permission: lanyard.MayManageTrust},
		func(ctx context.Context, c call, when management.Condition[management.Connection]) error {
			return m.RemoveConnection(ctx, c.Administrator, id(c), when)
		})
}
