package adminapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

func TestTenantsAreManaged(t *testing.T) {
	t.Parallel()
	for _, o := range databases(t) {
		tenantsAreManaged(t, o)
	}
}

func tenantsAreManaged(t *testing.T, o idp.Options) {
	t.Helper()
	p := idp.Start(t, o)
	p.Administration()
	operator := p.Administrator("operator")
	made := operator.With("Idempotency-Key", "one").Must("POST", "/tenants", `{"slug":"lamps","name":"Lamps"}`)
	if again := operator.With("Idempotency-Key", "one").Must("POST", "/tenants", `{"slug":"lamps","name":"Lamps"}`); again.Raw != made.Raw {
		t.Error(again.Raw)
	}
	if made.Text("issuer") != p.Issuer+"/t/lamps" {
		t.Error(made.Raw)
	}
	if keys, err := p.Get("/t/lamps/oauth/jwks"); err != nil || !strings.Contains(keys.Raw, `"kid"`) {
		t.Error(keys.Raw, err)
	}
	operator.Of("lamps").Must("POST", "/users", `{"username":"first"}`)
	for _, name := range []string{"lamps", made.Text("id")} {
		if got := operator.Must("GET", "/tenants/"+name, nil); got.Raw != made.Raw {
			t.Error(got.Raw)
		}
	}
	changed := operator.Must("PATCH", "/tenants/lamps", `{"name":"Lights","host":"lights.example.test","suspended":true}`)
	if changed.Text("name") != "Lights" || changed.Text("issuer") == made.Text("issuer") || changed.Body["suspended"] != true {
		t.Error(changed.Raw)
	}
	if got := operator.Must("PATCH", "/tenants/lamps", `{"suspended":false,"host":null}`); got.Raw != strings.Replace(made.Raw, "Lamps", "Lights", 1) {
		t.Error(got.Raw)
	}
	for body, want := range map[string]int{
		`{"slug":"lamps"}`: 409, `{"slug":"A"}`: 400, `{"slug":"x","host":"not a host"}`: 400, `{}`: 422,
	} {
		if got := operator.Do("POST", "/tenants", body); got.Status != want {
			t.Errorf("%s: %d %s", body, got.Status, got.Raw)
		}
	}
	for tenant, body := range map[string]string{"default": `{"suspended":true}`, "lamps": `{"slug":"other"}`} {
		if got := operator.Do("PATCH", "/tenants/"+tenant, body); got.Status != http.StatusBadRequest {
			t.Error(got.Status, got.Raw)
		}
	}
	for path, want := range map[string]int{"/tenants/never": 404, "/tenants/acme/tenants": 404, "/tenants?search=light": 200} {
		if got := operator.Do("GET", path, nil); got.Status != want {
			t.Error(path, got.Status, got.Raw)
		}
	}
	for _, who := range []string{"admin", "reader", "nobody"} {
		if got := p.Administrator(who).Do("GET", "/tenants", nil); got.Status != http.StatusForbidden {
			t.Error(who, got.Status, got.Raw)
		}
	}
	pages(t, operator, "/tenants?limit=1", "/tenants?limit=1&sort=-created")
}
