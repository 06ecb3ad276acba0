package adminapi_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/tenants/adminapi"
	"github.com/lanyard-id/lanyard/tenants/manifest"
)

var parameters = regexp.MustCompile(`\{([a-z_]+)\}`)

// fill puts values into a path; everything else is one that never was.
func fill(path string, values map[string]string) string {
	return parameters.ReplaceAllStringFunc(path, func(p string) string {
		if value, known := values[strings.Trim(p, "{}")]; known {
			return url.PathEscape(value)
		}
		return "never"
	})
}

// body is one that an operation can read, whatever it does with it.
func body(e adminapi.Entry) any {
	if e.Method == http.MethodGet || e.Method == http.MethodDelete {
		return nil
	}
	return "{}"
}

// The route table, the document and the matrix of permissions say the same.
func TestRoutesDocumentAndMatrixAgree(t *testing.T) {
	t.Parallel()
	p := idp.Start(t, idp.Options{})
	var document struct {
		Paths map[string]map[string]struct {
			ID           string `json:"operationId"`
			Permission   string `json:"x-permission"`
			Organization string `json:"x-organization-permission"`
		}
	}
	if err := json.Unmarshal(p.Handler.API.OpenAPI(), &document); err != nil {
		t.Fatal(err)
	}
	routes := map[string]web.Route{}
	for _, r := range p.Handler.API.Routes() {
		routes[r.Method+" "+r.Path] = r
	}
	matrix := p.Handler.API.Matrix()
	if len(matrix) < 80 {
		t.Fatalf("there are %d operations", len(matrix))
	}
	ids := map[string]bool{}
	for _, e := range matrix {
		route := e.Method + " " + lanyard.PathManagement + strings.NewReplacer("{", ":", "}", "").Replace(e.Path)
		r, known := routes[route]
		if !known || r.Access != web.Bearer || r.CORS != web.CORSNone {
			t.Errorf("%s has no route, or an open one", route)
		}
		delete(routes, route)
		written := document.Paths[e.Path][strings.ToLower(e.Method)]
		if written.ID != e.ID || written.Permission != e.Permission || written.Organization != e.InOrganization || ids[e.ID] {
			t.Errorf("%s %s: the document says %+v", e.Method, e.Path, written)
		}
		ids[e.ID] = true
		if e.Method != http.MethodGet && !strings.HasSuffix(e.Permission, ":manage") {
			t.Errorf("%s changes something with %s", e.ID, e.Permission)
		}
	}
	delete(routes, "GET "+lanyard.PathManagement+"/openapi.json")
	if len(routes) > 0 {
		t.Errorf("routes without an entry: %v", routes)
	}
}

// Every operation by everybody who may not call it.
func TestDoorIsShut(t *testing.T) {
	t.Parallel()
	p := idp.Start(t, idp.Options{})
	p.Administration()
	p.Apply(ownAdministration)
	profile := p.Client("web").Tokens(nil).Text("access_token")
	machine := func(id, secret string, more url.Values) *idp.API {
		c := p.Client(id)
		c.Secret = secret
		form := url.Values{"grant_type": {"client_credentials"}, "resource": {lanyard.ManagementName}, "scope": {"manage"}}
		for name, values := range more {
			form[name] = values
		}
		return p.API(c.Call("/oauth/token", form).Text("access_token"))
	}
	reading := machine("operator", "operator-secret-0123456789-0123456789", url.Values{"scope": {"manage:read"}})
	desk := machine("desk", "desk-secret-0123456789-0123456789-0123", url.Values{"organization": {"lamps"}})
	callers := map[string]*idp.API{
		"nobody": p.Administrator("nobody"), "reader": p.Administrator("reader"), "admin": p.Administrator("admin"), "a token for userinfo": p.API(profile),
		"no token": p.API(""), "an invented token": p.API("at_" + strings.Repeat("A", 43)), "a token that only reads": reading, "a machine in an organization": desk,
	}
	elsewhere := p.Administrator("operator")
	elsewhere.Base = p.Issuer + "/t/acme/api/v1"
	callers["a token of another tenant"] = elsewhere
	for _, e := range p.Handler.API.Matrix() {
		for name, api := range callers {
			want := http.StatusForbidden
			switch name {
			case "no token", "an invented token", "a token of another tenant":
				want = http.StatusUnauthorized
			case "reader":
				if e.Method == http.MethodGet && e.Permission != lanyard.MayManageInstance {
					continue
				}
			case "admin":
				if e.Permission != lanyard.MayManageInstance {
					continue
				}
			case "a token that only reads":
				if e.Method == http.MethodGet {
					continue
				}
			case "a machine in an organization":
				if e.InOrganization != "" {
					want = http.StatusNotFound // of an organization that is not its own
				}
			}
			got := api.Do(e.Method, fill(e.Path, nil), body(e))
			challenged := got.Header.Get("WWW-Authenticate") != ""
			if got.Status != want || got.Header.Get("Content-Type") != "application/problem+json" || challenged != (want == http.StatusUnauthorized || got.Text("code") == "insufficient_scope") {
				t.Errorf("%s by %s: %d %s", e.ID, name, got.Status, got.Raw)
			}
		}
	}
}

// foreignThings makes one of everything in another tenant, and gives the ids by the
// names of the parameters.
func foreignThings(api *idp.API) map[string]string {
	user := api.Must("POST", "/users", `{"email":"foreign@example.test","email_verified":true}`).Text("id")
	org := api.Must("POST", "/organizations", `{"name":"Foreign","slug":"foreign","owner":"`+user+`"}`).Text("id")
	client := api.Must("POST", "/clients", `{"client_id":"foreign","type":"machine"}`)
	secrets := api.Must("GET", "/clients/foreign/secrets", nil).Body["items"].([]any)
	api.Must("POST", "/roles", `{"name":"foreign","permissions":["a:b"]}`)
	keysOf := api.Must("GET", "/keys", nil).Body["items"].([]any)
	invitation := api.Must("POST", "/invitations", `{}`)
	return map[string]string{
		"user": user, "organization": org, "client": client.Text("client_id"), "secret": secrets[0].(map[string]any)["id"].(string), "role": "foreign",
		"resource": api.Must("POST", "/resources", `{"identifier":"https://foreign.example.test"}`).Text("id"), "key": keysOf[0].(map[string]any)["id"].(string),
		"invitation": invitation.Text("id"), "connection": "foreign-up", "email": "foreign@example.test", "tenant": "foreign",
	}
}

// withoutID is an answer without what differs each time.
func withoutID(a idp.Answer) string {
	return regexp.MustCompile(`"request_id":"[^"]*"`).ReplaceAllString(a.Raw, "")
}

// Foreign, deleted and invented look alike, and nothing changes.
func TestForeignIsNeverThere(t *testing.T) {
	t.Parallel()
	p := idp.Start(t, idp.Options{})
	p.Administration()
	p.Apply(ownAdministration)
	p.Apply(connections)
	foreign := foreignThings(p.Administrator("operator").Of("acme"))
	api := p.Administrator("operator")
	mine := map[string]string{"user": userNamed(t, api, "bob@example.test"), "organization": "lamps", "client": "web"}
	before := []string{exported(t, p, "default"), exported(t, p, "acme")}
	tried := 0
	for _, e := range p.Handler.API.Matrix() {
		names := parameters.FindAllStringSubmatch(e.Path, -1)
		for at := range names { // each parameter in turn, those before it are ours
			values, invented := map[string]string{}, map[string]string{}
			for i, name := range names {
				values[name[1]], invented[name[1]] = mine[name[1]], mine[name[1]]
				if i == at {
					values[name[1]], invented[name[1]] = foreign[name[1]], "never-"+name[1]
				}
				if values[name[1]] == "" {
					values[name[1]] = "never"
				}
				if invented[name[1]] == "" {
					invented[name[1]] = "never"
				}
			}
			if foreign[names[at][1]] == "" || (e.Method == http.MethodPut && at == 0) {
				continue
			}
			tried++
			got, never := api.Do(e.Method, fill(e.Path, values), body(e)), api.Do(e.Method, fill(e.Path, invented), body(e))
			if got.Status/100 == 2 || got.Status != never.Status || withoutID(got) != withoutID(never) || !slices.Equal(headerNames(got), headerNames(never)) {
				t.Errorf("%s with the %s of another tenant: %d %s\nnever there: %d %s", e.ID, names[at][1], got.Status, got.Raw, never.Status, never.Raw)
			}
			if got.Status != http.StatusNotFound && body(e) == nil {
				t.Errorf("%s: %d %s", e.ID, got.Status, got.Raw)
			}
		}
	}
	if tried < 60 {
		t.Errorf("only %d were tried", tried)
	}
	if after := []string{exported(t, p, "default"), exported(t, p, "acme")}; !slices.Equal(before, after) {
		t.Error("something changed")
	}
}

func headerNames(a idp.Answer) []string {
	var out []string
	for name := range a.Header {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// exported is everything of a tenant that a file says.
func exported(t *testing.T, p *idp.IDP, slug string) string {
	t.Helper()
	tenant, err := manifest.Export(context.Background(), p.ScopeOf(slug), p.Sealer, manifest.ByEnvironment, p.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	text, err := manifest.File{Version: 1, Tenants: []manifest.Tenant{tenant}}.Write()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A child is found under its own parent alone.
func TestChildBelongsToItsParent(t *testing.T) {
	t.Parallel()
	p := idp.Start(t, idp.Options{})
	p.Administration()
	p.Apply(ownAdministration)
	api := p.Administrator("admin")
	ada, bob := userNamed(t, api, "ada@example.test"), userNamed(t, api, "bob@example.test")
	api.Must("POST", "/users/"+ada+"/emails", `{"address":"ada@work.test","verified":true}`)
	invitation := api.Must("POST", "/organizations/lamps/invitations", `{"roles":["member"]}`).Text("id")
	api.Must("POST", "/organizations/lamps/domains", `{"name":"lamps.test"}`)
	p.Apply(connections)
	const connection = "lamps-up"
	secret := api.Must("POST", "/clients/web/secrets", `{}`).Text("id")
	for _, path := range []string{
		"/users/" + bob + "/emails/ada@work.test", "/organizations/other/members/" + bob, "/organizations/other/roles/desk", "/organizations/other/invitations/" + invitation,
		"/organizations/other/domains/lamps.test", "/organizations/other/connections/" + connection, "/clients/third/secrets/" + secret, "/connections/" + connection,
		"/invitations/" + invitation, "/roles/desk",
	} {
		for _, method := range []string{http.MethodGet, http.MethodDelete, http.MethodPatch} {
			got := api.Do(method, path, map[string]any{"GET": nil, "DELETE": nil, "PATCH": "{}"}[method])
			if got.Status != http.StatusNotFound && got.Status != http.StatusMethodNotAllowed {
				t.Errorf("%s %s: %d %s", method, path, got.Status, got.Raw)
			}
		}
	}
	if got := api.Do("GET", "/organizations/lamps/connections/"+connection, nil); got.Status != http.StatusOK {
		t.Error("it is gone", got.Raw)
	}
}

// Whatever is taken away is gone with the next request.
func TestPowersEndAtOnce(t *testing.T) {
	t.Parallel()
	p := idp.Start(t, idp.Options{})
	p.Administration()
	operator := p.Administrator("operator")
	admin := p.Administrator("admin")
	admin.Must("GET", "/users", nil)
	operator.Must("PATCH", "/roles/tenant-admin", `{"permissions":["tenant:read"]}`)
	if got := admin.Do("POST", "/roles", `{"name":"x"}`); got.Status != http.StatusForbidden {
		t.Error("the role was made smaller:", got.Status)
	}
	operator.Must("PATCH", "/clients/admin", `{"roles":null}`)
	if got := admin.Do("GET", "/users", nil); got.Status != http.StatusForbidden {
		t.Error("the role was taken:", got.Status)
	}
	reader := p.Administrator("reader")
	operator.Must("PATCH", "/clients/reader", `{"disabled":true}`)
	if got := reader.Do("GET", "/users", nil); got.Status != http.StatusUnauthorized {
		t.Error("the client is off:", got.Status)
	}
	p.Clock.Advance(11 * time.Minute)
	if got := operator.Do("GET", "/users", nil); got.Status != http.StatusUnauthorized {
		t.Error("the token is too old:", got.Status)
	}
}

// What a client that was not registered for it asks, it does not get.
func TestManagementHasToBeNamed(t *testing.T) {
	t.Parallel()
	p := idp.Start(t, idp.Options{})
	p.Administration()
	for _, resource := range []string{lanyard.ManagementName, p.Issuer + lanyard.PathManagement} {
		got := p.Client("machine").Call("/oauth/token", url.Values{"grant_type": {"client_credentials"}, "resource": {resource}, "scope": {"manage"}})
		if got.Text("error") != "invalid_target" {
			t.Errorf("%s: %s", resource, got.Raw)
		}
	}
	if page := p.Browser().Get(p.Client("web").Authorize(url.Values{"resource": {lanyard.ManagementName}})); page.Away == nil || page.Away.Query().Get("error") != "invalid_target" {
		t.Errorf("a web client: %s", page.Away)
	}
}

// connections are one of an organization, and one of another tenant.
const connections = `
version: 1
tenants:
  - slug: default
    organizations:
      - {slug: lamps, connections: [{id: lamps-up, kind: oidc, name: Up, issuer: "https://up.example.test", client_id: x, client_secret: up-secret-0123456789}]}
  - slug: acme
    connections: [{id: foreign-up, kind: oidc, name: Up, issuer: "https://up.example.test", client_id: x, client_secret: up-secret-0123456789}]
`
