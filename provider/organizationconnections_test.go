package provider_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
	"github.com/lanyard-id/lanyard/internal/testkit/upstream"
)

// TestOwnerSetsTheOrganizationsSignInUp: adds it, tests it, switches it on, insists on
// it; and a colleague comes in by the link.
func TestOwnerSetsTheOrganizationsSignInUp(t *testing.T) {
	underSky(t, []lanyard.ConnectionID{acmeSSO}, func(t *testing.T, s *sky) {
		must(t, s.Scope().RemoveConnection(t.Context(), acmeSSO, s.Clock.Now()))
		p, there, owner := withApp(t, s.IDP), s.upstream[acmeSSO], s.Browser()
		page := p.signIn(owner, owner.Get("/org/acme/connections/edit"))
		page = owner.Press(owner.Press(page, "code-submit", one("code", p.code())), "connection-save",
			one("name", "Acme ID", "issuer", there.Issuer+"/elsewhere", "client_id", "our-client", "secret", "our-secret"))
		if !strings.Contains(page.Text("#problem"), "Check the address") {
			t.Fatalf("an address where nothing is published: %s", page)
		}
		page = owner.Press(page, "connection-save", one("issuer", there.Issuer, "secret", "our-secret", "just_in_time", "1", "role.member", "1"))
		if page.URL.Query().Get("connection") == "" || page.Has("connection-enable") {
			t.Fatalf("it is added: %s\n%s", page, page.Body)
		}
		at := page.URL.RequestURI()
		tries := func() *idp.Page {
			return s.back(owner, s.away(owner, owner.Press(owner.Get(at), "connection-test", nil)))
		}
		there.Break(upstream.WrongNonce)
		if page := tries(); !strings.Contains(page.Text("#problem"), "can't be used") || page.URL.Query().Get("refused") != "upstream_wrong" || page.Has("connection-enable") {
			t.Errorf("a test in vain leads to %s", page)
		}
		there.Mend()
		person := upstream.Ada(upstream.Generic)
		person.Subject, person.Email = "carol-at-acme", "carol@acme.test"
		there.SignIn(person)
		if page := tries(); page.Status != http.StatusOK || !page.Has("tested-back") {
			t.Fatalf("the test ends at %s", page)
		}
		if page = owner.Press(owner.Get(at), "connection-enable", nil); !page.Has("connection-disable") {
			t.Fatalf("it is switched on: %s", page)
		}
		if page := owner.Press(owner.Get("/org/acme/policy"), "policy-save", one("own_connection_only", "1")); page.URL.Query().Get("done") != "policy_saved" {
			t.Fatalf("the owner insists on it: %s %s", page, page.Text("#problem"))
		}
		if page := owner.Press(owner.Get(at), "connection-disable", nil); page.Text("#problem") == "" || !page.Has("connection-disable") {
			t.Errorf("what is insisted on is switched off: %s", page)
		}
		carol := s.Browser()
		page = s.back(carol, s.away(carol, carol.Get("/org/acme")))
		if page.URL.Path != "/org/acme" || page.Status != http.StatusOK || page.Has("account-add") {
			t.Errorf("by the link carol comes to %s\n%s", page, page.Body)
		}
		if roles := rolesIn(t, s.IDP, "carol@acme.test", "acme"); len(roles) != 1 || roles[0] != lanyard.RoleMember {
			t.Errorf("carol has %v", roles)
		}
		if page := carol.Get("/org/acme/connections"); page.Status != http.StatusForbidden {
			t.Errorf("a member sees %s", page)
		}
	})
}
