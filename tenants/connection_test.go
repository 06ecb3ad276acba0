package tenants_test

import (
	"testing"

	"github.com/lanyard-id/lanyard"
)

// TestSnapshotHasTheTenantsConnections in the order of their buttons, and no organization's.
func TestSnapshotHasTheTenantsConnections(t *testing.T) {
	onBoth(t, func(i installation) {
		ctx, d, scope := i.Context(), i.directory(), i.live.Scope
		acme := lanyard.Organization{ID: lanyard.NewOrganizationID(), Slug: "acme", Code: "acme", Name: "Acme", CreatedAt: i.clock.Now()}
		i.must(scope.InsertOrganization(ctx, acme))
		for n, id := range []lanyard.ConnectionID{"late", "early", "acme"} {
			c := lanyard.Connection{ID: id, Kind: lanyard.ConnectionGoogle, Name: string(id), UpstreamClientID: "us", Order: int64(-n), CreatedAt: i.clock.Now()}
			if id == "acme" {
				c.OrganizationID = acme.ID
			}
			i.must(scope.PutConnection(ctx, c))
		}
		i.must(scope.BumpRevision(ctx))
		live, err := d.Current(ctx, i.live.Tenant.ID)
		i.must(err)
		if all := live.Connections; len(all) != 2 || all[0].ID != "early" || all[1].ID != "late" || all[0].TenantID != i.live.Tenant.ID {
			i.Errorf("connections: %+v", all)
		}
	})
}
