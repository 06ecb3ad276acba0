package adminapi_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

// A webhook is told all that happens, so nobody makes one who may not read that.
func TestWebhookIsNoWayToEvents(t *testing.T) {
	t.Parallel()
	p := idp.Start(t, idp.Options{})
	p.Administration()
	p.Apply(`
version: 1
tenants:
  - slug: default
    roles: [{name: hooks, permissions: ["tenant:webhooks:manage"]}]
    clients: [{client_id: hooks, type: machine, client_secret: hooks-secret-0123456789-0123456789-01, roles: [hooks], resources: ["urn:lanyard:management"]}]
`)
	c := p.Client("hooks")
	c.Secret = "hooks-secret-0123456789-0123456789-01"
	token := c.Call("/oauth/token", url.Values{"grant_type": {"client_credentials"}, "resource": {lanyard.ManagementName}, "scope": {"manage"}})
	hooks, admin := p.API(token.Text("access_token")), p.Administrator("admin")
	id := admin.Must("POST", "/webhooks", `{"url":"https://hooks.example.test/x","types":["user.created"]}`).Text("id")
	for path, method := range map[string]string{"/webhooks": "POST", "/webhooks/" + id: "PATCH"} {
		if got := hooks.Do(method, path, `{"url":"https://evil.example.test/x"}`); got.Status != http.StatusForbidden {
			t.Errorf("%s %s: %d %s", method, path, got.Status, got.Raw)
		}
	}
	hooks.Must("GET", "/webhooks/"+id, nil)
}
