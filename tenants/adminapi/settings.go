package adminapi

import (
	"context"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// settings are the operations on what the tenant is.
func (a *API) settings() {
	m := a.management
	get(a, operation{Path: "/settings", ID: "getSettings", Summary: "Show the settings of the tenant", Permission: lanyard.MayReadSettings},
		func(ctx context.Context, c call) (management.Settings, error) {
			return m.Settings(ctx, c.Administrator)
		})
	change(a, operation{Path: "/settings", ID: "updateSettings", Summary: "Change the settings of the tenant", Permission: lanyard.MayManageSettings},
		func(ctx context.Context, c call, change management.Change[management.Settings]) (management.Settings, error) {
			return m.ChangeSettings(ctx, c.Administrator, change)
		})
}
