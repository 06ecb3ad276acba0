package adminapi_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

// onBothDatabases runs a behaviour over a provider on each database.
func onBothDatabases(t *testing.T, behaviour func(t *testing.T, p *idp.IDP)) {
	t.Helper()
	for name, database := range map[string]func() string{"sqlite": func() string { return "" }, "postgres": func() string { return testkit.FastPostgres(t) }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := idp.Start(t, idp.Options{Database: database()})
			p.Administration()
			behaviour(t, p)
		})
	}
}

// machine is a client that the tests made.
func machine(p *idp.IDP, id, secret string) *idp.Client {
	c := *p.Client("machine")
	c.ID, c.Secret = id, secret
	return &c
}

// token asks for a token as a machine client with a secret.
func token(p *idp.IDP, t *testing.T, id, secret string) idp.Answer {
	t.Helper()
	return machine(p, id, secret).Call("/oauth/token", url.Values{"grant_type": {"client_credentials"}})
}

func items(a idp.Answer) []map[string]any {
	list, _ := a.Body["items"].([]any)
	out := make([]map[string]any, 0, len(list))
	for _, item := range list {
		m, _ := item.(map[string]any)
		out = append(out, m)
	}
	return out
}

func TestClientsAreManaged(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, p *idp.IDP) {
		api := p.Administrator("admin")
		made := api.Must("POST", "/clients", `{"client_name":"Reports","redirect_uris":["https://reports.example.test/cb"]}`)
		id := made.Text("client_id")
		if made.Status != http.StatusCreated || !strings.HasPrefix(id, "cli_") || len(made.Text("client_secret")) < 32 || made.Body["require_pkce"] != true || made.Text("type") != "web" {
			t.Fatal(made.Raw)
		}
		read := api.Must("GET", "/clients/"+id, nil)
		if strings.Contains(read.Raw, "client_secret\"") || strings.Contains(read.Raw, made.Text("client_secret")) {
			t.Error(read.Raw)
		}
		changed := api.With("If-Match", read.Header.Get("ETag")).Must("PATCH", "/clients/"+id, `{"client_name":"Figures","require_pkce":false}`)
		if changed.Text("client_name") != "Figures" || changed.Body["require_pkce"] != false {
			t.Error(changed.Raw)
		}
		if got := api.With("If-Match", read.Header.Get("ETag")).Do("PATCH", "/clients/"+id, `{"client_name":"x"}`); got.Status != http.StatusPreconditionFailed {
			t.Error(got.Raw)
		}
		for body, want := range map[string]int{
			`{"redirect_uris":["https://a.example.test/cb"],"client_id":"` + id + `"}`:                                          409,
			`{"redirect_uris":["http://a.example.test/cb"]}`:                                                                    400,
			`{"redirect_uris":["https://a.example.test/cb"],"client_id":"lanyard-console"}`:                                     400,
			`{"redirect_uris":["https://a.example.test/cb"],"client_id":"usr_me"}`:                                              400,
			`{"redirect_uris":["https://a.example.test/cb"],"client_secret":"short"}`:                                           400,
			`{"type":"spa","redirect_uris":["https://a.example.test/cb"],"client_secret":"0123456789012345678901234567890123"}`: 400,
			`{"type":"spa","redirect_uris":["https://a.example.test/cb"],"require_pkce":false}`:                                 400,
			`{"redirect_uris":["https://a.example.test/cb"],"resources":["https://never.example.test"]}`:                        400,
			`{"type":"machine","roles":["never"]}`:                                                                              400,
			`{"redirect_uris":["https://a.example.test/cb"],"roles":["tenant-reader"]}`:                                         400,
			`{"redirect_uris":["https://a.example.test/cb"],"hash":"x"}`:                                                        422,
		} {
			if got := api.Do("POST", "/clients", body); got.Status != want {
				t.Errorf("%s: %d, not %d: %s", body, got.Status, want, got.Raw)
			}
		}
		for body, want := range map[string]int{
			`{"client_id":"other"}`: 400, `{"client_secret":"0123456789012345678901234567890123"}`: 400, `{"type":"machine"}`: 400, `{"redirect_uris":null}`: 400,
			`{"id_token_signed_response_alg":"EdDSA"}`: 200, `{"default_max_age":"x"}`: 422,
		} {
			if got := api.Do("PATCH", "/clients/"+id, body); got.Status != want {
				t.Errorf("%s: %d, not %d: %s", body, got.Status, want, got.Raw)
			}
		}
		if got := api.Must("DELETE", "/clients/"+id, nil); got.Status != http.StatusNoContent {
			t.Error(got.Raw)
		}
		for _, path := range []string{id, "never", "lanyard-console", "a%00b"} {
			if got := api.Do("GET", "/clients/"+path, nil); got.Status != http.StatusNotFound && !strings.Contains(path, "%") || got.Status < 400 {
				t.Errorf("%s: %s", path, got.Raw)
			}
		}
	})
}

func TestClientsAreListed(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, p *idp.IDP) {
		api := p.Administrator("admin")
		for n := range 5 {
			api.Must("POST", "/clients", fmt.Sprintf(`{"client_id":"list-%d","client_name":"100%% Käse_%d","type":"machine","disabled":%v}`, n, n, n%2 == 0))
		}
		seen := map[string]bool{}
		for _, sort := range []string{"id", "-id", "created", "-created"} {
			got, cursor := []string{}, ""
			for {
				page := api.Must("GET", "/clients?limit=2&search=LIST-&sort="+sort+"&cursor="+cursor, nil)
				for _, c := range items(page) {
					got = append(got, c["client_id"].(string))
				}
				if cursor = page.Text("next"); cursor == "" {
					break
				}
			}
			if len(got) != 5 || (sort == "-id" && got[0] != "list-4") || (sort == "id" && got[0] != "list-0") {
				t.Error(sort, got)
			}
			seen[got[0]] = true
		}
		for query, want := range map[string]int{
			"type=machine&search=list-": 5, "disabled=true&search=list-": 3, "disabled=false&search=list": 2, "search=100%25": 5, "search=K%C3%84SE_3": 1, "search=%25": 5, "search=_": 5,
			"type=spa&search=list": 0,
		} {
			if got := items(api.Must("GET", "/clients?"+query, nil)); len(got) != want {
				t.Errorf("%s: %d, not %d", query, len(got), want)
			}
		}
		if all := api.Must("GET", "/clients?limit=200", nil); strings.Contains(all.Raw, "lanyard-console") {
			t.Error("the client of the console is listed")
		}
		for _, query := range []string{"disabled=maybe", "sort=document", "hash=x", "limit=0", "cursor=x"} {
			if got := api.Do("GET", "/clients?"+query, nil); got.Status != http.StatusBadRequest {
				t.Errorf("%s: %s", query, got.Raw)
			}
		}
	})
}

// TestSecretsOfAClientOverlap: the older one ends when it is said, two are good at most, the last one stays.
func TestSecretsOfAClientOverlap(t *testing.T) {
	t.Parallel()
	p := idp.Start(t, idp.Options{})
	p.Administration()
	api := p.Administrator("admin")
	first := api.Must("POST", "/clients", `{"client_id":"robot","type":"machine"}`).Text("client_secret")
	list := items(api.Must("GET", "/clients/robot/secrets", nil))
	if len(list) != 1 {
		t.Fatal(list)
	}
	if got := api.Do("DELETE", "/clients/robot/secrets/"+list[0]["id"].(string), nil); got.Text("code") != "last_secret" {
		t.Error(got.Raw)
	}
	second := api.Must("POST", "/clients/robot/secrets", `{"overlap":"1h"}`)
	third := api.Do("POST", "/clients/robot/secrets", `{}`)
	if third.Status != http.StatusConflict {
		t.Error(third.Raw)
	}
	for name, secret := range map[string]string{"first": first, "second": second.Text("client_secret")} {
		if got := token(p, t, "robot", secret); got.Status != http.StatusOK {
			t.Error(name, got.Raw)
		}
	}
	p.Clock.Advance(61 * 60 * 1e9)
	api = p.Administrator("admin")
	if got := token(p, t, "robot", first); got.Status == http.StatusOK {
		t.Error("the first secret is good after its end")
	}
	if got := api.Do("DELETE", "/clients/robot/secrets/"+second.Text("id"), nil); got.Text("code") != "last_secret" {
		t.Error(got.Raw)
	}
	given := api.Must("POST", "/clients/robot/secrets", `{"client_secret":"0123456789012345678901234567890123","overlap":"0s"}`)
	if got := token(p, t, "robot", second.Text("client_secret")); got.Status == http.StatusOK {
		t.Error("the second secret is good after its end")
	}
	if got := token(p, t, "robot", "0123456789012345678901234567890123"); got.Status != http.StatusOK {
		t.Error(got.Raw)
	}
	if raw := api.Must("GET", "/clients/robot/secrets", nil).Raw; strings.Contains(raw, "01234567890") || strings.Contains(raw, "hash") {
		t.Error(raw)
	}
	for path, want := range map[string]int{
		"/clients/never/secrets/" + given.Text("id"): 404, "/clients/admin/secrets/" + given.Text("id"): 404, "/clients/robot/secrets/never": 404,
	} {
		if got := api.Do("DELETE", path, nil); got.Status != want {
			t.Errorf("%s: %s", path, got.Raw)
		}
	}
}

func TestClientNeverHasThreeSecretsOrNone(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, p *idp.IDP) {
		api := p.Administrator("admin")
		for round := range 3 {
			id := fmt.Sprintf("robot-%d", round)
			api.Must("POST", "/clients", `{"client_id":"`+id+`","type":"machine"}`)
			together(func(int) { api.Do("POST", "/clients/"+id+"/secrets", `{}`) })
			list := items(api.Must("GET", "/clients/"+id+"/secrets", nil))
			if len(list) != 2 {
				t.Errorf("%d secrets", len(list))
			}
			together(func(n int) { api.Do("DELETE", "/clients/"+id+"/secrets/"+list[n%len(list)]["id"].(string), nil) })
			if left := items(api.Must("GET", "/clients/"+id+"/secrets", nil)); len(left) != 1 {
				t.Errorf("%d secrets are left", len(left))
			}
		}
	})
}

// together does something 32 times at once.
func together(do func(n int)) {
	var group sync.WaitGroup
	for n := range 32 {
		group.Go(func() { do(n) })
	}
	group.Wait()
}

// TestNobodyMakesAClientMightierThanThemselves: what it is given, what it has, and its secrets.
func TestNobodyMakesAClientMightierThanThemselves(t *testing.T) {
	t.Parallel()
	p := idp.Start(t, idp.Options{})
	p.Administration()
	p.Apply(`
version: 1
tenants:
  - slug: default
    roles: [{name: registrar, permissions: ["tenant:clients:manage", "tenant:settings:manage"]}]
    clients: [{client_id: registrar, type: machine, client_secret: registrar-secret-0123456789-0123456789, roles: [registrar], resources: ["urn:lanyard:management"]}]
`)
	granted := machine(p, "registrar", "registrar-secret-0123456789-0123456789").Call("/oauth/token", url.Values{
		"grant_type": {"client_credentials"}, "resource": {"urn:lanyard:management"}, "scope": {"manage"},
	})
	api := p.API(granted.Text("access_token"))
	api.Must("POST", "/clients", `{"client_id":"plain","type":"machine"}`)
	admin := p.Administrator("admin")
	passing := admin.Must("POST", "/resources", `{"identifier":"https://passing.example.test"}`).Text("id")
	admin.Must("POST", "/clients", `{"client_id":"desk","type":"web","redirect_uris":["https://desk.example.test/cb"],"resources":["https://passing.example.test","urn:lanyard:management"]}`)
	admin.Must("DELETE", "/resources/"+passing, nil) // what a client names and is not there any more opens nothing
	for call, want := range map[string]int{
		`POST /clients/desk/secrets {}`: 403, `PATCH /clients/desk {"client_name":"x"}`: 403, `DELETE /clients/desk `: 403,
		`POST /clients {"type":"machine","roles":["tenant-admin"]}`:               403,
		`POST /clients {"type":"machine","resources":["urn:lanyard:management"]}`: 403,
		`POST /clients {"type":"machine","default_resource":"ISSUER/api/v1"}`:     403,
		`PATCH /clients/plain {"roles":["tenant-admin"]}`:                         403,
		`PATCH /clients/plain {"roles":["registrar"]}`:                            200,
		`PATCH /clients/plain {"resources":["urn:lanyard:management"]}`:           403,
		`PATCH /clients/admin {"client_name":"x"}`:                                403,
		`PATCH /clients/manager {"redirect_uris":["https://evil.example.test/"]}`: 403,
		`POST /clients/admin/secrets {}`:                                          403,
		`POST /clients/manager/secrets {}`:                                        403,
		`DELETE /clients/reader `:                                                 403,
		`PUT /clients/plain/organizations/acme {"roles":["admin"]}`:               403,
		`PATCH /roles/tenant-reader {"permissions":["tenant:manage"]}`:            403,
		`PATCH /roles/registrar {"permissions":["tenant:manage"]}`:                403,
		`POST /roles {"name":"boss","permissions":["instance:manage"]}`:           403,
		`POST /roles {"name":"hand","permissions":["members:manage"]}`:            403,
		`DELETE /roles/tenant-admin `:                                             403,
		`PATCH /settings {"policy":{"default_roles":["tenant-admin"]}}`:           403,
		`PATCH /settings {"redirect_hosts":["x.example.test"]}`:                   403,
		`GET /keys `: 403, `GET /refusals/x `: 403,
	} {
		parts := strings.SplitN(strings.ReplaceAll(call, "ISSUER", p.Issuer), " ", 3)
		var body any
		if parts[2] != "" {
			body = parts[2]
		}
		if got := api.Do(parts[0], parts[1], body); got.Status != want {
			t.Errorf("%s: %d %s", call, got.Status, got.Raw)
		}
	}
}

func TestDisabledAndRemovedClientsLoseTheirTokens(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, p *idp.IDP) {
		api := p.Administrator("admin")
		reader := p.Administrator("reader")
		reader.Must("GET", "/clients", nil)
		api.Must("PATCH", "/clients/reader", `{"disabled":true}`)
		if got := reader.Do("GET", "/clients", nil); got.Status != http.StatusUnauthorized {
			t.Error(got.Raw)
		}
		api.Must("PATCH", "/clients/reader", `{"disabled":false}`)
		if got := reader.Do("GET", "/clients", nil); got.Status != http.StatusUnauthorized {
			t.Error("a token came back with its client", got.Raw)
		}
		again := p.Administrator("reader")
		api.Must("DELETE", "/clients/reader", nil)
		if got := again.Do("GET", "/clients", nil); got.Status != http.StatusUnauthorized {
			t.Error(got.Raw)
		}
		api.Must("POST", "/clients", `{"client_id":"reader","type":"machine","roles":["tenant-reader"],"resources":["urn:lanyard:management"]}`)
		if got := again.Do("GET", "/clients", nil); got.Status != http.StatusUnauthorized {
			t.Error("a token came back with another client of the name", got.Raw)
		}
	})
}

const acme = `
version: 1
tenants:
  - slug: default
    organizations: [{slug: acme, name: Acme}]
`

func TestMachinesGetPlacesInOrganizations(t *testing.T) {
	t.Parallel()
	p := idp.Start(t, idp.Options{})
	p.Administration()
	api := p.Administrator("admin")
	p.Apply(acme)
	api.Must("POST", "/clients", `{"client_id":"robot","type":"machine"}`)
	put := api.Must("PUT", "/clients/robot/organizations/acme", `{"roles":["member","admin","member"]}`)
	list := items(api.Must("GET", "/clients/robot/organizations", nil))
	if len(list) != 1 || list[0]["organization_id"] != put.Text("organization_id") || list[0]["slug"] != "acme" || fmt.Sprint(list[0]["roles"]) != "[admin member]" {
		t.Error(list, put.Raw)
	}
	for call, want := range map[string]int{
		"PUT /clients/robot/organizations/never {\"roles\":[\"member\"]}":  404,
		"PUT /clients/never/organizations/acme {\"roles\":[\"member\"]}":   404,
		"PUT /clients/manager/organizations/acme {\"roles\":[\"member\"]}": 400,
		"PUT /clients/robot/organizations/acme {\"roles\":[]}":             400,
		"PUT /clients/robot/organizations/acme {\"roles\":[\"never\"]}":    400,
		"DELETE /clients/reader/organizations/acme ":                       404,
		"GET /clients/never/organizations ":                                404,
	} {
		parts := strings.SplitN(call, " ", 3)
		var body any
		if parts[2] != "" {
			body = parts[2]
		}
		if got := api.Do(parts[0], parts[1], body); got.Status != want {
			t.Errorf("%s: %d %s", call, got.Status, got.Raw)
		}
	}
	api.Must("DELETE", "/clients/robot/organizations/"+put.Text("organization_id"), nil)
	if left := items(api.Must("GET", "/clients/robot/organizations", nil)); len(left) != 0 {
		t.Error(left)
	}
}

func TestRegistrationsAreLinted(t *testing.T) {
	t.Parallel()
	p := idp.Start(t, idp.Options{})
	p.Administration()
	got := p.Administrator("admin").Must("POST", "/clients/check", `{"redirect_uris":["http://a.example.test/cb","https://b.example.test/*","https://b.example.test/#x",
		"http://localhost:3000/cb","https://c.example.test/x","https://c.example.test/x/"]}`)
	codes := map[string]bool{}
	warnings, _ := got.Body["warnings"].([]any)
	for _, w := range warnings {
		m, _ := w.(map[string]any)
		codes[fmt.Sprint(m["code"])] = true
	}
	for _, want := range []string{"http", "wildcard", "fragment", "localhost", "trailing_slash", "mixed_hosts", "not_acceptable"} {
		if !codes[want] {
			t.Errorf("no warning of %s: %s", want, got.Raw)
		}
	}
	if got.Text("refused") == "" {
		t.Error(got.Raw)
	}
	clean := p.Administrator("admin").Must("POST", "/clients/check", `{"redirect_uris":["https://a.example.test/cb"]}`)
	if clean.Text("refused") != "" || fmt.Sprint(clean.Body["warnings"]) != "[]" {
		t.Error(clean.Raw)
	}
}

// TestMachineIsNobodysSubject: the sub of a machine's tokens is its client_id, and no person's.
func TestMachineIsNobodysSubject(t *testing.T) {
	t.Parallel()
	p := idp.Start(t, idp.Options{})
	p.Administration()
	api := p.Administrator("admin")
	if got := api.Do("POST", "/users", `{"sub":"operator","username":"mallory"}`); got.Status != http.StatusConflict {
		t.Error(got.Status, got.Raw)
	}
	api.Must("POST", "/users", `{"sub":"chosen","username":"mallory"}`)
	if got := api.Do("POST", "/clients", `{"client_id":"chosen","type":"machine"}`); got.Status != http.StatusConflict {
		t.Error(got.Status, got.Raw)
	}
}
