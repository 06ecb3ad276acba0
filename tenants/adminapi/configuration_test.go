package adminapi_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

func TestRolesAreManaged(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, p *idp.IDP) {
		api := p.Administrator("admin")
		api.Must("POST", "/roles", `{"name":"auditor","permissions":["tenant:events:read","lamps:read","lamps:read"]}`)
		if got := api.Must("PATCH", "/roles/auditor", `{"permissions":["tenant:read"]}`); fmt.Sprint(got.Body["permissions"]) != "[tenant:read]" {
			t.Error(got.Raw)
		}
		api.Must("POST", "/clients", `{"client_id":"watcher","type":"machine","roles":["auditor"]}`)
		if got := api.Do("DELETE", "/roles/auditor", nil); got.Text("code") != "role_in_use" {
			t.Error(got.Raw)
		}
		api.Must("DELETE", "/clients/watcher", nil)
		api.Must("DELETE", "/roles/auditor", nil)
		for call, want := range map[string]int{
			`POST {"name":"auditor","permissions":["a b"]}`: 400, `POST {"name":"Not a role","permissions":[]}`: 400, `POST {"name":"tenant-admin","permissions":[]}`: 409,
			`POST {"name":"boss","permissions":["instance:manage"]}`: 403,
		} {
			method, body, _ := strings.Cut(call, " ")
			if got := api.Do(method, "/roles", body); got.Status != want {
				t.Errorf("%s: %d %s", call, got.Status, got.Raw)
			}
		}
		if got := api.Do("GET", "/roles/never", nil); got.Status != http.StatusNotFound {
			t.Error(got.Raw)
		}
	})
}

func TestSettingsObeyTheRulesOfFiles(t *testing.T) {
	t.Parallel()
	p := idp.Start(t, idp.Options{})
	p.Administration()
	api := p.Administrator("admin")
	got := api.Must("PATCH", "/settings", `{"name":"Lamps","policy":{"session_idle":"30m","event_retention":"720h"},"branding":{"accent":"#0a5fd8"},"mail":{"from_name":"Lamps"}}`)
	policy, _ := got.Body["policy"].(map[string]any)
	if got.Text("name") != "Lamps" || policy["session_idle"] != "30m0s" || policy["default_resource"] != "https://api.example.test/" {
		t.Error(got.Raw)
	}
	for body, want := range map[string]int{
		`{"policy":{"session_idle":"1s"}}`: 400, `{"policy":{"event_retention":"1h"}}`: 400, `{"policy":{"sign_up":"maybe"}}`: 400, `{"branding":{"accent":"red"}}`: 400,
		`{"mail":{"reply_to":"nobody"}}`: 400, `{"mail":{"language":"x y"}}`: 400, `{"name":""}`: 400, `{"policy":{"default_roles":["never"]}}`: 400,
		`{"policy":{"default_resource":"https://never.example.test"}}`: 400, `{"redirect_hosts":["old.example.test"]}`: 403, `{"slug":"other"}`: 200, `{"nope":1}`: 422,
		`{"policy":{"session_idle":"eternal"}}`: 422,
	} {
		if got := api.Do("PATCH", "/settings", body); got.Status != want || (want == 200 && got.Text("slug") != "default") {
			t.Errorf("%s: %d, not %d: %s", body, got.Status, want, got.Raw)
		}
	}
	there := p.Administrator("operator").Of("acme")
	there.Must("PATCH", "/settings", `{"redirect_hosts":["old.example.test"]}`)
	if got := p.Administrator("operator").Do("PATCH", "/settings", `{"redirect_hosts":["old.example.test"]}`); got.Status != http.StatusConflict {
		t.Error(got.Raw)
	}
}

// TestKeysAreRotatedAndRevoked: a token of a key that is revoked is worth nothing, and there is always one that signs.
func TestKeysAreRotatedAndRevoked(t *testing.T) {
	t.Parallel()
	p := idp.Start(t, idp.Options{})
	p.Administration()
	p.Keeper.Generate = nil // those of the pool come again
	api := p.Administrator("admin")
	active := func() []map[string]any {
		return items(api.Must("GET", "/keys?state=active&algorithm=ES256", nil))
	}
	first := active()[0]["id"].(string)
	p.Clock.Advance(time.Minute)
	together(func(int) { api.Do("POST", "/keys/rotate", `{"algorithm":"ES256"}`) })
	if now := active(); len(now) != 1 || now[0]["id"] == first {
		t.Fatal(now)
	}
	if got := api.Do("POST", "/keys/rotate", `{"algorithm":"ES256"}`); got.Status != http.StatusConflict || got.Text("code") != "key_unpublished" {
		t.Error(got.Raw)
	}
	api.Must("POST", "/keys/rotate", map[string]any{"algorithm": "ES256", "force": true})
	if raw := api.Must("GET", "/keys?limit=200", nil).Raw; strings.Contains(raw, `"d":`) || strings.Contains(raw, "HS256") || !strings.Contains(raw, first) {
		t.Error(raw)
	}
	files := *p.Client("machine")
	issued := files.Call("/oauth/token", url.Values{"grant_type": {"client_credentials"}, "resource": {"https://files.example.test"}, "scope": {"files"}})
	second := active()[0]["id"].(string)
	resource := machine(p, "https://files.example.test", "resource-secret-0123456789-012345678")
	introspect := func() bool {
		got := resource.Call("/oauth/introspect", url.Values{"token": {issued.Text("access_token")}})
		on, _ := got.Body["active"].(bool)
		return on
	}
	if !introspect() {
		t.Fatal("the token is not good", issued.Raw)
	}
	after := api.Must("POST", "/keys/"+second+"/revoke", nil)
	if now := active(); len(now) != 1 || now[0]["id"] != after.Text("id") || after.Text("id") == second {
		t.Error(now, after.Raw)
	}
	if introspect() {
		t.Error("a token of a revoked key is good")
	}
	if jwks, err := p.Get("/oauth/jwks"); err != nil || strings.Contains(jwks.Raw, second) {
		t.Error(jwks.Raw, err)
	}
	if next := items(api.Must("GET", "/keys?state=next&algorithm=ES256", nil)); len(next) != 1 {
		t.Error(next)
	}
	for path, want := range map[string]int{"/keys/never/revoke": 404, "/keys/" + second + "/revoke": 404} {
		if got := api.Do("POST", path, nil); got.Status != want {
			t.Errorf("%s: %s", path, got.Raw)
		}
	}
	if got := p.Administrator("reader").Do("POST", "/keys/rotate", `{"algorithm":"ES256"}`); got.Status != http.StatusForbidden {
		t.Error(got.Raw)
	}
}

func TestConnectionsNeverShowTheirSecrets(t *testing.T) {
	t.Parallel()
	p := idp.Start(t, idp.Options{})
	p.Administration()
	api := p.Administrator("admin")
	made := api.Must("POST", "/connections", `{"id":"work","kind":"oidc","name":"Work","issuer":"https://work.example.test","client_id":"us","client_secret":"very-secret-of-work"}`)
	stored := func() string {
		c, err := p.Scope().Connection(t.Context(), "work")
		if err != nil {
			t.Fatal(err)
		}
		plain, err := p.Sealer.Open(c.SecretPlace(), c.SealedSecret)
		if err != nil {
			t.Fatal(err)
		}
		return string(plain)
	}
	if made.Text("callback_url") != p.Issuer+"/federation/work/callback" || made.Body["enabled"] != true || stored() != "very-secret-of-work" {
		t.Error(made.Raw)
	}
	changed := api.Must("PATCH", "/connections/work", `{"name":"Works","enabled":false}`)
	if changed.Text("name") != "Works" || changed.Body["enabled"] != false || stored() != "very-secret-of-work" {
		t.Error(changed.Raw)
	}
	api.Must("PATCH", "/connections/work", `{"client_secret":"another-secret-of-work"}`)
	if stored() != "another-secret-of-work" {
		t.Error("the secret is the old one")
	}
	for _, elsewhere := range []string{`{"issuer":"https://evil.example.test"}`, `{"issuer":null}`} { // no secret goes along
		if got := api.Do("PATCH", "/connections/work", elsewhere); got.Status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", elsewhere, got.Status, got.Raw)
		}
	}
	for _, raw := range []string{made.Raw, changed.Raw, api.Must("GET", "/connections", nil).Raw, api.Must("GET", "/connections/work", nil).Raw} {
		if strings.Contains(raw, "secret-of-work") {
			t.Error(raw)
		}
	}
	for body, want := range map[string]int{
		`{"id":"work","kind":"oidc","name":"Other","issuer":"https://work.example.test","client_id":"us","client_secret":"x"}`:  409,
		`{"kind":"oidc","name":"works","issuer":"https://work.example.test","client_id":"us","client_secret":"x"}`:              409,
		`{"kind":"oidc","name":"Other","issuer":"https://work.example.test","client_id":"us"}`:                                  400,
		`{"kind":"oidc","name":"Other","issuer":"https://127.0.0.1","client_id":"us","client_secret":"x"}`:                      400,
		`{"kind":"oidc","name":"Other","issuer":"https://work.example.test","client_id":"us","private_key":"x"}`:                400,
		`{"kind":"oidc","name":"Other","issuer":"https://work.example.test","client_id":"us","client_secret":"x","sealed":"x"}`: 422,
	} {
		if got := api.Do("POST", "/connections", body); got.Status != want {
			t.Errorf("%s: %d, not %d: %s", body, got.Status, want, got.Raw)
		}
	}
	api.Must("DELETE", "/connections/work", nil)
	issuer := api.Must("POST", "/trusted-issuers", `{"issuer":"https://ci.example.test","jwks_uri":"https://ci.example.test/jwks"}`)
	api.Must("PATCH", "/trusted-issuers/"+issuer.Text("id"), `{"algorithms":["ES256"]}`)
	if got := api.Do("PATCH", "/trusted-issuers/"+issuer.Text("id"), `{"algorithms":["HS256"]}`); got.Status != http.StatusBadRequest {
		t.Error(got.Raw)
	}
	api.Must("DELETE", "/trusted-issuers/"+issuer.Text("id"), nil)
}

func TestEventsAreFilteredAndExported(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, p *idp.IDP) {
		at := p.Clock.Now().Add(time.Minute)
		for n := range 1003 {
			fact := lanyard.Event{Type: lanyard.EventUserUpdated, At: at, UserID: "usr_x", Actor: "=cmd()", Detail: map[string]string{"n": fmt.Sprint(n)}}
			if n%2 == 0 {
				fact.Type, fact.ClientID = lanyard.EventClientUpdated, "web"
			}
			if err := p.Scope().InsertEvent(t.Context(), fact); err != nil {
				t.Fatal(err)
			}
		}
		api := p.Administrator("admin")
		since := url.QueryEscape(at.Format(time.RFC3339))
		page := api.Must("GET", "/events?limit=200&type=user.*&user=usr_x&since="+since, nil)
		next := api.Must("GET", "/events?limit=200&type=user.*&user=usr_x&since="+since+"&cursor="+page.Text("next"), nil)
		if len(items(page)) != 200 || len(items(next)) != 200 || items(page)[0]["id"].(string) < items(next)[0]["id"].(string) {
			t.Error(len(items(page)), len(items(next)))
		}
		if got := items(api.Must("GET", "/events?limit=1&client=web&type=client.updated&actor=%3Dcmd()", nil)); len(got) != 1 {
			t.Error(got)
		}
		for _, query := range []string{"since=yesterday", "search=x", "detail=x", "cursor=" + page.Text("next")} {
			if got := api.Do("GET", "/events?"+query, nil); got.Status != http.StatusBadRequest {
				t.Errorf("%s: %s", query, got.Raw)
			}
		}
		text := api.Must("GET", "/events/export?format=csv&user=usr_x", nil)
		rows, err := csv.NewReader(strings.NewReader(text.Raw)).ReadAll()
		if err != nil || len(rows) != 1004 || rows[1][3] != "'=cmd()" || rows[1][9] != `{"n":"0"}` {
			t.Error(err, len(rows))
		}
		lines := api.Must("GET", "/events/export?format=jsonl&type=user.*&user=usr_x", nil)
		if n := strings.Count(lines.Raw, "\n"); n != 501 || lines.Header.Get("Content-Type") != "application/jsonl" {
			t.Error(n, lines.Header)
		}
		for _, query := range []string{"format=xml", "since=x", "limit=5"} {
			if got := api.Do("GET", "/events/export?"+query, nil); got.Status != http.StatusBadRequest || got.Text("code") != "bad_input" {
				t.Errorf("%s: %d %s", query, got.Status, got.Raw)
			}
		}
		if got := p.Administrator("nobody").Do("GET", "/events/export", nil); got.Status != http.StatusForbidden {
			t.Error(got.Raw)
		}
	})
}

func TestRefusalIsFoundByItsRequest(t *testing.T) {
	t.Parallel()
	p := idp.Start(t, idp.Options{})
	p.Administration()
	refused, err := p.Get("/oauth/authorize?client_id=web&response_type=code&redirect_uri=https://evil.example.test/")
	if err != nil {
		t.Fatal(err)
	}
	api := p.Administrator("admin")
	list := items(api.Must("GET", "/clients/web/refusals", nil))
	if len(list) != 1 || list[0]["code"] != "bad_redirect_uri" || list[0]["client_id"] != "web" {
		t.Fatal(list, refused.Status)
	}
	trace := api.Must("GET", "/refusals/"+list[0]["request_id"].(string), nil)
	if !strings.Contains(trace.Raw, "evil.example.test") {
		t.Error(trace.Raw)
	}
	if got := p.Administrator("operator").Of("acme").Do("GET", "/refusals/"+list[0]["request_id"].(string), nil); got.Status != http.StatusNotFound {
		t.Error(got.Raw)
	}
}

func TestWebhooksAreManaged(t *testing.T) {
	t.Parallel()
	hook := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(hook.Close)
	p := idp.Start(t, idp.Options{Upstreams: []string{strings.TrimPrefix(hook.URL, "http://")}})
	p.Administration()
	api := p.Administrator("admin")
	made := api.Must("POST", "/webhooks", `{"url":"`+hook.URL+`/x","types":["user.*","client.created"]}`)
	id := made.Text("id")
	if !strings.HasPrefix(made.Text("secret"), "whsec_") || strings.Contains(api.Must("GET", "/webhooks/"+id, nil).Raw, "whsec_") || strings.Contains(api.Must("GET", "/webhooks", nil).Raw, "secret") {
		t.Error(made.Raw)
	}
	for body, want := range map[string]int{
		`{"url":"http://public.example.test/"}`: 400, `{"url":"https://127.0.0.1/"}`: 400, `{"url":"https://localhost/"}`: 400, `{"url":"ftp://x.example.test"}`: 400, `{"url":""}`: 400,
		`{"url":"https://x.example.test","types":["user.never"]}`: 400, `{"url":"https://x.example.test","types":["*"]}`: 400,
	} {
		if got := api.Do("POST", "/webhooks", body); got.Status != want {
			t.Errorf("%s: %d %s", body, got.Status, got.Raw)
		}
	}
	rotated := api.Must("POST", "/webhooks/"+id+"/rotate", `{}`)
	if rotated.Text("secret") == made.Text("secret") || rotated.Text("previous_until") == "" {
		t.Error(rotated.Raw)
	}
	test := api.Must("POST", "/webhooks/"+id+"/test", nil)
	list := items(api.Must("GET", "/webhooks/"+id+"/deliveries", nil))
	if len(list) != 1 || list[0]["state"] != "queued" || list[0]["id"] != test.Text("delivery") || list[0]["type"] != "webhook.tested" {
		t.Error(list, test.Raw)
	}
	other := api.Must("POST", "/webhooks", `{"url":"https://x.example.test"}`)
	for path, want := range map[string]int{
		"/webhooks/" + other.Text("id") + "/deliveries/" + test.Text("delivery") + "/replay": 404, "/webhooks/" + id + "/deliveries/never/replay": 404,
		"/webhooks/" + id + "/deliveries/" + test.Text("delivery") + "/replay": 202, "/webhooks/never/test": 404, "/webhooks/never/rotate": 404,
	} {
		var body any
		if strings.HasSuffix(path, "rotate") {
			body = `{}`
		}
		if got := api.Do("POST", path, body); got.Status != want {
			t.Errorf("%s: %d %s", path, got.Status, got.Raw)
		}
	}
	api.Must("PATCH", "/webhooks/"+id, `{"disabled":true}`)
	if got := api.Do("POST", "/webhooks/"+id+"/test", nil); got.Status != http.StatusConflict {
		t.Error(got.Raw)
	}
	if list := items(api.Must("GET", "/webhooks/"+id+"/deliveries?state=failed", nil)); len(list) != 1 || list[0]["error"] != "disabled" {
		t.Error(list)
	}
	api.Must("DELETE", "/webhooks/"+id, nil)
	if got := api.Do("GET", "/webhooks/"+id+"/deliveries", nil); got.Status != http.StatusNotFound {
		t.Error(got.Raw)
	}
}

func TestMailTemplatesAreManaged(t *testing.T) {
	t.Parallel()
	p := idp.Start(t, idp.Options{})
	p.Administration()
	api := p.Administrator("admin")
	if got := items(api.Must("GET", "/mail-templates?limit=200", nil)); len(got) < 20 || !strings.Contains(fmt.Sprint(got[0]["variables"]), "Tenant") {
		t.Error(got)
	}
	api.Must("PUT", "/mail-templates/code/de", `{"subject":"{{.Code}} ist der Code","text":"Dein Code ist {{.Code}}."}`)
	got := api.Must("POST", "/mail-templates/code/de/preview", `{}`)
	if got.Text("subject") != "482 913 ist der Code" || !strings.Contains(got.Text("html"), "Dein Code ist") {
		t.Error(got.Raw)
	}
	if draft := api.Must("POST", "/mail-templates/code/de/preview", `{"subject":"Draft","text":"{{.Code}}"}`); draft.Text("subject") != "Draft" {
		t.Error(draft.Raw)
	}
	for call, want := range map[string]int{
		`PUT /mail-templates/code/de {"subject":"x","text":"no code"}`:               400,
		`PUT /mail-templates/code/de {"subject":"x","text":"{{range .X}}{{end}}"}`:   400,
		`PUT /mail-templates/never/de {"subject":"x","text":"x"}`:                    404,
		`PUT /mail-templates/code/not_a_language {"subject":"x","text":"{{.Code}}"}`: 404,
		`GET /mail-templates/code/en `:                                               404,
		`POST /mail-templates/test `:                                                 409,
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
	if settings := api.Must("PATCH", "/settings", `{"mail":{"from_name":"Us"}}`); settings.Status != http.StatusOK {
		t.Error(settings.Raw)
	}
	api.Must("GET", "/mail-templates/code/de", nil)
	api.Must("DELETE", "/mail-templates/code/de", nil)
	if got := api.Do("GET", "/mail-templates/code/de", nil); got.Status != http.StatusNotFound {
		t.Error(got.Raw)
	}
}
