package federation_test

import (
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
	"github.com/lanyard-id/lanyard/provider/federation"
)

// A real provider that nobody made for this: Lanyard itself, over HTTP.
func TestAnotherLanyardIsAnUpstream(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	for _, id := range []string{"web", "claims", "special:id"} {
		client := i.Client(id)
		c := lanyard.Connection{
			ID: lanyard.NewConnectionID(), TenantID: "ten_1", Kind: lanyard.ConnectionOIDC, Name: "Lanyard", Issuer: i.Issuer,
			UpstreamClientID: client.ID, UserInfo: true, TrustedForMFA: true,
		}
		c.SealedSecret = sealed(t, c.SecretPlace(), client.Secret)
		u := newUpstreams(t, i.Clock, strings.TrimPrefix(i.Issuer, "http://"))
		a := federation.NewAttempt(c, client.Redirect)
		age := int64(60)
		a.MaxAge = &age
		target, err := u.Start(t.Context(), c, a)
		if err != nil {
			t.Fatal(err)
		}
		page := i.Browser().SignIn(target, "ada@example.test", "notes-on-the-engine-1842")
		if page.Away == nil || !page.Away.Query().Has("iss") {
			t.Fatalf("%s: the browser ends at %v", id, page.URL)
		}
		got, err := u.Finish(t.Context(), c, a, page.Away.Query())
		if err != nil {
			t.Fatal(err)
		}
		want := lanyard.Identity{ConnectionID: c.ID, Issuer: i.Issuer, Subject: "ada-subject"}
		if got.Identity != want || got.Email != "ada@example.test" || !got.EmailVerified || got.ACR != lanyard.ACRSingle || got.AuthTime.IsZero() {
			t.Errorf("%s: got %+v", id, got)
		}
	}
}
