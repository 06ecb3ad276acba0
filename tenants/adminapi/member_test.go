package adminapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

// Every operation by every role of an organization: in their own one what the role allows,
// in another one, in that of another tenant and in one that never was the same nothing.
func TestMembersReachTheirOwnOrganizationAlone(t *testing.T) {
	t.Parallel()
	p := idp.Start(t, idp.Options{})
	p.Administration()
	p.Apply(ownAdministration)
	p.Apply(`
version: 1
tenants:
  - slug: default
    users: [{username: clara, password: clerk-of-the-lamps-1815}, {username: adam, password: admin-of-the-lamps-1815}]
    organizations: [{slug: lamps, members: [{user: clara, roles: [desk]}, {user: adam, roles: [admin]}]}]
  - {slug: acme, organizations: [{slug: foreign, name: Foreign}]}
`)
	foreign, err := p.ScopeOf("acme").OrganizationBySlug(t.Context(), "foreign")
	if err != nil {
		t.Fatal(err)
	}
	desk := []lanyard.Role{{Name: "desk", Permissions: []string{"members:read", "members:manage", "invitations:manage"}}}
	for _, who := range []struct{ name, password, role string }{
		{"ada@example.test", "notes-on-the-engine-1842", lanyard.RoleOwner}, {"adam", "admin-of-the-lamps-1815", lanyard.RoleAdmin},
		{"clara", "clerk-of-the-lamps-1815", "desk"}, {"bob@example.test", "difference-engine-1822", lanyard.RoleMember},
	} {
		manager := p.Client("manager")
		manager.Secret, manager.Redirect = "manager-secret-0123456789-0123456789-", "https://manager.example.test/cb"
		code := manager.Code(p.Browser(), who.name, who.password, url.Values{"scope": {"openid manage"}, "resource": {lanyard.ManagementName}, "organization": {"lamps"}})
		api := p.API(manager.Exchange(code, nil).Text("access_token"))
		powers := lanyard.PowersOf([]string{who.role}, nil, desk)
		for _, e := range p.Handler.API.Matrix() {
			if e.ID == "deleteOrganization" || e.ID == "updateOrganization" {
				continue // would change what the others are tried on; their door is that of the rest
			}
			own := api.Do(e.Method, fill(e.Path, map[string]string{"organization": "lamps"}), body(e))
			switch may := e.InOrganization != "" && powers.May(e.InOrganization); {
			case !may && own.Status != http.StatusForbidden:
				t.Errorf("%s by %s: %d %s", e.ID, who.role, own.Status, own.Raw)
			case may && (own.Status == http.StatusForbidden || own.Status == http.StatusUnauthorized || own.Status/100 == 5):
				t.Errorf("%s by %s is refused: %d %s", e.ID, who.role, own.Status, own.Raw)
			case may && e.Method == http.MethodGet && !strings.Contains(strings.ReplaceAll(e.Path, "{organization}", ""), "{") && own.Status != http.StatusOK:
				t.Errorf("%s by %s: %d %s", e.ID, who.role, own.Status, own.Raw)
			}
			if e.InOrganization == "" {
				continue
			}
			never := api.Do(e.Method, fill(e.Path, map[string]string{"organization": "never"}), body(e))
			for _, name := range []string{"other", "foreign", string(foreign.ID)} {
				got := api.Do(e.Method, fill(e.Path, map[string]string{"organization": name}), body(e))
				if got.Status != http.StatusNotFound || withoutID(got) != withoutID(never) {
					t.Errorf("%s by %s in %s: %d %s", e.ID, who.role, name, got.Status, got.Raw)
				}
			}
		}
	}
}
