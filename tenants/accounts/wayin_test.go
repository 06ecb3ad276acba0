package accounts

import (
	"testing"

	"github.com/lanyard-id/lanyard"
)

// TestIdentityIsAWayInBesidesAPasskey, if it is at a connection of the tenant that is on.
func TestIdentityIsAWayInBesidesAPasskey(t *testing.T) {
	atHome(t, func(t *testing.T, h *home) {
		ctx := t.Context()
		carl := lanyard.User{ID: lanyard.NewUserID(), Subject: "carl", Username: "carl", UpdatedAt: factorNow, CreatedAt: factorNow}
		ok(t, h.t.Scope.InsertUser(ctx, carl))
		h.actor = stepUp(h.signIn(t, carl, "carl's cookie"), factorNow)
		key := h.havePasskey(t)
		acme := lanyard.Organization{ID: lanyard.NewOrganizationID(), Slug: "acme", Code: "acme", Name: "Acme", CreatedAt: factorNow}
		ok(t, h.t.Scope.InsertOrganization(ctx, acme))
		google := lanyard.Connection{ID: "google", Kind: lanyard.ConnectionGoogle, Name: "Google", UpstreamClientID: "us", Enabled: true, SignIn: true, CreatedAt: factorNow}
		own := google
		own.ID, own.OrganizationID = "acme", acme.ID
		for _, c := range []lanyard.Connection{google, own} {
			ok(t, h.t.Scope.PutConnection(ctx, c))
			ok(t, h.t.Scope.LinkIdentity(ctx, lanyard.LinkedIdentity{
				Identity: lanyard.Identity{ConnectionID: c.ID, Issuer: "https://up.example.test", Subject: "1"}, UserID: carl.ID, CreatedAt: factorNow, UsedAt: factorNow,
			}))
		}
		google.Enabled = false
		ok(t, h.t.Scope.PutConnection(ctx, google))
		wants(t, "an organization's, and one that is off", h.RemovePasskey(ctx, h.t, h.actor, key, factorNow), lanyard.ErrLastWayIn)
		google.Enabled = true
		ok(t, h.t.Scope.PutConnection(ctx, google))
		ok(t, h.RemovePasskey(ctx, h.t, h.actor, key, factorNow))
	})
}
