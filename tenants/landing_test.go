package tenants_test

import (
	"testing"

	"github.com/lanyard-id/lanyard"
)

// TestInvitationLandsWhereAnApplicationBegins, else on our own pages.
func TestInvitationLandsWhereAnApplicationBegins(t *testing.T) {
	onBoth(t, func(i installation) {
		ctx, d := i.Context(), i.directory()
		for _, c := range []lanyard.Client{
			{ID: "started", InitiateLoginURI: "https://app.example.test/start"}, {ID: "visited", URI: "https://app.example.test"},
			{ID: "nowhere"}, {ID: "off", URI: "https://app.example.test", Disabled: true},
		} {
			c.RedirectURIs, c.CreatedAt = []string{"https://app.example.test/cb"}, i.clock.Now()
			i.must(i.live.Scope.PutClient(ctx, c))
		}
		live, err := d.Current(ctx, i.live.Tenant.ID)
		i.must(err)
		for named, want := range map[lanyard.ClientID]lanyard.ClientID{"started": "started", "visited": "visited", "": "", "nowhere": "", "off": "", "gone": ""} {
			got, err := live.Landing(ctx, lanyard.Invitation{OrganizationID: "org_1", ClientID: named})
			if err != nil || (got == nil) != (want == "") || (got != nil && got.ID != want) {
				i.Errorf("%q leads to %+v: %v", named, got, err)
			}
		}
		i.must(i.store.Close())
		if got, err := live.Landing(ctx, lanyard.Invitation{ClientID: "unseen"}); err == nil {
			i.Errorf("an outage leads to %+v", got)
		}
	})
}
