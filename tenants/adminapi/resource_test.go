package adminapi_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

func TestResourcesAreManaged(t *testing.T) {
	t.Parallel()
	p := idp.Start(t, idp.Options{})
	p.Administration()
	api := p.Administrator("admin")
	made := api.Must("POST", "/resources", `{"identifier":"https://lamps.example.test","scopes":[{"name":"light"}]}`)
	id := made.Text("id")
	if made.Status != http.StatusCreated || id == "" || made.Header.Get("ETag") == "" {
		t.Fatalf("%d %s %v", made.Status, made.Raw, made.Header)
	}
	read := api.Must("GET", "/resources/"+id, nil)
	if read.Raw != made.Raw || read.Header.Get("ETag") != made.Header.Get("ETag") {
		t.Errorf("read %s, made %s", read.Raw, made.Raw)
	}
	changed := api.With("If-Match", read.Header.Get("ETag")).Must("PATCH", "/resources/"+id, `{"name":"Lamps","token_format":"opaque"}`)
	if changed.Text("name") != "Lamps" || changed.Text("identifier") != "https://lamps.example.test" {
		t.Error(changed.Raw)
	}
	stale := api.With("If-Match", read.Header.Get("ETag")).Do("PATCH", "/resources/"+id, `{"name":"Other"}`)
	if stale.Status != http.StatusPreconditionFailed || stale.Text("code") != "changed_meanwhile" {
		t.Error(stale.Status, stale.Raw)
	}
	if cleared := api.Must("PATCH", "/resources/"+id, `{"name":null}`); cleared.Text("name") != "" {
		t.Error(cleared.Raw)
	}
	for body, want := range map[string]int{
		`{"Identifier":"https://x.example.test"}`:                                       422,
		`{"identifier":"https://x.example.test","nope":1}`:                              422,
		`{"identifier":"https://x.example.test","identifier":"https://y.example.test"}`: 400,
		`{"identifier":"https://x.example.test","name":"\ud800"}`:                       400,
		`{"identifier":"https://lamps.example.test"}`:                                   409,
		`{"identifier":"not a uri"}`:                                                    400,
		`{"identifier":"` + p.Issuer + `/api/v1"}`:                                      409,
		`{"identifier":"https://x.example.test","scopes":[{"name":"tenant:manage"}]}`:   400,
		`[]`: 400, `{`: 400, ``: 400, `{"identifier":7}`: 422, `{"id":"res_mine","identifier":"https://x.example.test","token_format":"paper"}`: 400,
	} {
		if got := api.Do("POST", "/resources", body); got.Status != want || got.Header.Get("Content-Type") != "application/problem+json" || got.Text("request_id") == "" {
			t.Errorf("%s: %d, not %d: %s", body, got.Status, want, got.Raw)
		}
	}
	list := api.Must("GET", "/resources?limit=2", nil)
	next := api.Must("GET", "/resources?limit=2&cursor="+list.Text("next"), nil)
	if len(list.Body["items"].([]any)) != 2 || len(next.Body["items"].([]any)) != 2 || next.Text("next") != "" {
		t.Error(list.Raw, next.Raw)
	}
	if got := api.Must("DELETE", "/resources/"+id, nil); got.Status != http.StatusNoContent {
		t.Error(got.Status, got.Raw)
	}
	if got := api.Do("DELETE", "/resources/"+id, nil); got.Status != http.StatusNotFound {
		t.Error(got.Status, got.Raw)
	}
}

func TestCreationHappensOnceForItsKey(t *testing.T) {
	t.Parallel()
	p := idp.Start(t, idp.Options{})
	p.Administration()
	api := p.Administrator("admin").With("Idempotency-Key", "one")
	first := api.Must("POST", "/resources", `{"identifier":"https://lamps.example.test"}`)
	second := api.Must("POST", "/resources", `{"identifier":"https://lamps.example.test"}`)
	if first.Raw != second.Raw || second.Status != http.StatusCreated {
		t.Error(first.Raw, second.Raw)
	}
	if other := api.Do("POST", "/resources", `{"identifier":"https://other.example.test"}`); other.Text("code") != "idempotency_key_reused" {
		t.Error(other.Raw)
	}
}

// Callers of one name in two tenants have keys of their own: what was shown once is not shown to the other.
func TestKeysAreTheCallersOwn(t *testing.T) {
	t.Parallel()
	p := idp.Start(t, idp.Options{})
	p.Administration()
	instance := p.Administrator("operator").Of("acme")
	instance.Must("POST", "/roles", `{"name":"boss","permissions":["tenant:manage"]}`)
	instance.Must("POST", "/clients", `{"client_id":"operator","type":"machine","roles":["boss"],"resources":["urn:lanyard:management"],"client_secret":"namesake-secret-0123456789-0123456789"}`)
	shop := `{"client_id":"shop","type":"machine"}`
	first := instance.With("Idempotency-Key", "one").Must("POST", "/clients", shop)
	c := machine(p, "operator", "namesake-secret-0123456789-0123456789")
	c.Issuer = p.Issuer + "/t/acme"
	namesake := p.API(c.Call("/oauth/token", url.Values{"grant_type": {"client_credentials"}, "resource": {lanyard.ManagementName}, "scope": {"manage"}}).Text("access_token"))
	namesake.Base = c.Issuer + lanyard.PathManagement
	if got := namesake.With("Idempotency-Key", "one").Do("POST", "/clients", shop); got.Status != http.StatusConflict || first.Text("client_secret") == "" {
		t.Error(got.Status, got.Raw)
	}
}

// Thirty-two callers with one key make one thing, and a creation that failed leaves the key free.
func TestCreationIsRaced(t *testing.T) {
	t.Parallel()
	for _, o := range databases(t) {
		p := idp.Start(t, o)
		p.Administration()
		api := p.Administrator("operator")
		for path, body := range map[string]string{"/resources": `{"identifier":"https://lamps.example.test"}`, "/tenants": `{"slug":"raced","name":"Raced"}`} {
			raced := api.With("Idempotency-Key", "race "+path)
			answers := make(chan idp.Answer, 32)
			for range 32 {
				go func() { answers <- raced.Do("POST", path, body) }()
			}
			made := map[string]bool{}
			for range 32 {
				got := <-answers
				if got.Status == http.StatusCreated {
					made[got.Raw] = true
				} else if got.Status != http.StatusConflict {
					t.Errorf("%s: %d %s", path, got.Status, got.Raw)
				}
			}
			if len(made) != 1 {
				t.Errorf("%s: %d different answers: %v", path, len(made), made)
			}
		}
		failing := api.With("Idempotency-Key", "fails")
		if got := failing.Do("POST", "/tenants", `{"slug":"raced","name":"Again"}`); got.Status != http.StatusConflict {
			t.Error(got.Raw)
		}
		if got := failing.Do("POST", "/tenants", `{"slug":"other","name":"Other"}`); got.Status != http.StatusCreated {
			t.Error("the key of a creation that failed is taken:", got.Raw)
		}
	}
}

func TestOtherTenantsAreForTheInstance(t *testing.T) {
	t.Parallel()
	p := idp.Start(t, idp.Options{})
	p.Administration()
	made := p.Administrator("operator").Of("acme").Must("POST", "/resources", `{"identifier":"https://lamps.example.test"}`)
	if got := p.Administrator("operator").Do("GET", "/resources/"+made.Text("id"), nil); got.Status != http.StatusNotFound {
		t.Error(got.Raw)
	}
	for _, c := range []struct {
		who, tenant string
		want        int
	}{{"admin", "acme", 403}, {"admin", "never", 403}, {"operator", "never", 404}, {"nobody", "acme", 403}, {"reader", "acme", 403}, {"operator", "default", 200}} {
		if got := p.Administrator(c.who).Of(c.tenant).Do("GET", "/resources", nil); got.Status != c.want {
			t.Errorf("%s at %s: %d %s", c.who, c.tenant, got.Status, got.Raw)
		}
	}
	for _, slug := range []string{"acme", "default"} {
		facts, err := p.ScopeOf(slug).Events(t.Context(), 20)
		found := 0
		for _, f := range facts {
			if f.Type == "resource.updated" && f.Actor == "operator@default" {
				found++
			}
		}
		if err != nil || found != 1 {
			t.Errorf("%s has %d events of it: %v", slug, found, err)
		}
	}
}
