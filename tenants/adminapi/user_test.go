package adminapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

func TestUsersAreManaged(t *testing.T) {
	t.Parallel()
	for _, o := range databases(t) {
		usersAreManaged(t, o)
	}
}

// databases are the two, for tests of new SQL.
func databases(t *testing.T) []idp.Options {
	t.Helper()
	return []idp.Options{{}, {Database: testkit.FastPostgres(t)}}
}

func usersAreManaged(t *testing.T, o idp.Options) {
	t.Helper()
	p := idp.Start(t, o)
	p.Administration()
	api := p.Administrator("admin")
	made := api.Must("POST", "/users", `{"name":"Grace Hopper","email":"grace@example.test","email_verified":true,"username":"grace",
		"password":"a navy of nanoseconds 1952","must_change_password":true,"attributes":{},"roles":[]}`)
	id := made.Text("id")
	if made.Text("sub") != id || made.Text("email") != "grace@example.test" || strings.Contains(made.Raw, "navy") || made.Body["email_verified"] != true {
		t.Error(made.Raw)
	}
	read := api.Must("GET", "/users/"+id, nil)
	if read.Raw != made.Raw {
		t.Error(read.Raw, made.Raw)
	}
	changed := api.With("If-Match", read.Header.Get("ETag")).Must("PATCH", "/users/"+id, `{"given_name":"Grace","email":"hopper@example.test"}`)
	if changed.Text("given_name") != "Grace" || changed.Text("email") != "hopper@example.test" || changed.Text("name") != "Grace Hopper" {
		t.Error(changed.Raw)
	}
	for body, want := range map[string]int{
		`{"sub":"other"}`: 400, `{"email":null}`: 400, `{"email":"nobody"}`: 400, `{"username":"a b"}`: 400, `{"roles":["nope"]}`: 400,
		`{"attributes":{"shoe":"41"}}`: 400, `{"birthdate":"yesterday"}`: 400, `{"disabled":"yes"}`: 422, `{"password":"x"}`: 422, `{"Name":"x"}`: 422,
	} {
		if got := api.Do("PATCH", "/users/"+id, body); got.Status != want {
			t.Errorf("%s: %d %s", body, got.Status, got.Raw)
		}
	}
	for body, want := range map[string]int{
		`{}`: 400, `{"email":"Hopper@example.test"}`: 409, `{"username":"GRACE"}`: 409, `{"sub":"` + id + `"}`: 409, `{"username":"x","password":"short"}`: 400,
		`{"username":"x","must_change_password":true}`: 400, `{"sub":"x","password":"a long enough phrase 77"}`: 400, `{"username":"x","email_verified":true}`: 400,
	} {
		if got := api.Do("POST", "/users", body); got.Status != want {
			t.Errorf("%s: %d %s", body, got.Status, got.Raw)
		}
	}
	for query, want := range map[string]int{
		"search=HOPP": 1, "email=hopper@example.test": 1, "email=grace@example.test": 1, "email=nobody": 0, "disabled=true": 1, "role=tenant-admin": 0,
		"organization=nowhere": 0, "search=%25": 0,
	} {
		if got := api.Must("GET", "/users?"+query, nil); len(got.Body["items"].([]any)) != want {
			t.Errorf("%s: %s", query, got.Raw)
		}
	}
	pages(t, api, "/users?limit=1", "/users?limit=1&sort=name", "/users?limit=1&sort=-name", "/users?limit=2&sort=-created")
	api.Must("DELETE", "/users/"+id, nil)
	for _, path := range []string{id, "usr_never", "usr_" + strings.Repeat("0", 26)} {
		if got := api.Do("GET", "/users/"+path, nil); got.Status != http.StatusNotFound || got.Text("code") != "not_found" {
			t.Error(path, got.Status, got.Raw)
		}
	}
}

// pages walks each list to its end: nothing comes twice, and it is all.
func pages(t *testing.T, api *idp.API, paths ...string) {
	t.Helper()
	for _, path := range paths {
		whole, _, _ := strings.Cut(path, "?")
		all := api.Must("GET", whole+"?limit=200", nil).Body["items"].([]any)
		seen := map[string]bool{}
		for next := path; ; {
			page := api.Must("GET", next, nil)
			for _, item := range page.Body["items"].([]any) {
				id := item.(map[string]any)["id"].(string)
				if seen[id] {
					t.Fatalf("%s: %s comes twice", path, id)
				}
				seen[id] = true
			}
			if page.Text("next") == "" {
				break
			}
			next = path + "&cursor=" + url.QueryEscape(page.Text("next"))
		}
		if len(seen) != len(all) {
			t.Errorf("%s: %d of %d", path, len(seen), len(all))
		}
	}
}

func TestUserThatIsTurnedOffIsOutAtOnce(t *testing.T) {
	t.Parallel()
	p := idp.Start(t, idp.Options{})
	p.Administration()
	api := p.Administrator("admin")
	web := p.Client("web")
	tokens := web.Tokens(url.Values{"scope": {"openid offline_access email"}})
	id := userNamed(t, api, "ada@example.test")
	if got := web.Userinfo(tokens.Text("access_token")); got.Status != http.StatusOK {
		t.Fatal(got.Raw)
	}
	if sessions := api.Must("GET", "/users/"+id+"/sessions", nil); len(sessions.Body["items"].([]any)) != 1 {
		t.Error(sessions.Raw)
	}
	if grants := api.Must("GET", "/users/"+id+"/grants", nil); len(grants.Body["items"].([]any)) != 1 {
		t.Error(grants.Raw)
	}
	api.Must("PATCH", "/users/"+id, `{"disabled":true}`)
	if got := web.Userinfo(tokens.Text("access_token")); got.Status != http.StatusUnauthorized {
		t.Error(got.Status, got.Raw)
	}
	if got := web.Refresh(tokens.Text("refresh_token"), nil); got.Text("error") != "invalid_grant" {
		t.Error(got.Raw)
	}
	api.Must("PATCH", "/users/"+id, `{"disabled":false}`)
	if got := web.Refresh(tokens.Text("refresh_token"), nil); got.Text("error") != "invalid_grant" {
		t.Error("what ended came back", got.Raw)
	}
}

func userNamed(t *testing.T, api *idp.API, email string) string {
	t.Helper()
	found := api.Must("GET", "/users?email="+url.QueryEscape(email), nil)
	items := found.Body["items"].([]any)
	if len(items) != 1 {
		t.Fatal(found.Raw)
	}
	return items[0].(map[string]any)["id"].(string)
}

func TestNobodyActsAboveThemselves(t *testing.T) {
	t.Parallel()
	p := idp.Start(t, idp.Options{})
	p.Administration()
	admin, operator := p.Administrator("admin"), p.Administrator("operator")
	boss := operator.Must("POST", "/users", `{"username":"boss","roles":["instance-admin"]}`).Text("id")
	for _, c := range []struct{ method, path, body string }{
		{"PATCH", "/users/" + boss, `{"name":"x"}`}, {"DELETE", "/users/" + boss, ``}, {"POST", "/users/" + boss + "/password", `{"password":"correct horse battery 9"}`},
		{"POST", "/users/" + boss + "/emails", `{"address":"a@example.test","verified":true,"primary":true}`}, {"DELETE", "/users/" + boss + "/sessions", ``},
		{"POST", "/users", `{"username":"other","roles":["instance-admin"]}`},
	} {
		if got := admin.Do(c.method, c.path, c.body); got.Status != http.StatusForbidden || got.Text("code") != "not_allowed" {
			t.Errorf("%s %s: %d %s", c.method, c.path, got.Status, got.Raw)
		}
	}
	user := admin.Must("POST", "/users", `{"username":"clerk","roles":["tenant-admin"]}`).Text("id")
	if got := admin.Do("PATCH", "/users/"+user, `{"roles":["instance-admin"]}`); got.Status != http.StatusForbidden {
		t.Error(got.Status, got.Raw)
	}
	if got := admin.Must("PATCH", "/users/"+user, `{"roles":["tenant-reader"]}`); got.Status != http.StatusOK {
		t.Error(got.Raw)
	}
}

func TestLastAdministratorStays(t *testing.T) {
	t.Parallel()
	for _, o := range databases(t) {
		lastAdministratorStays(t, o)
	}
}

func lastAdministratorStays(t *testing.T, o idp.Options) {
	t.Helper()
	p := idp.Start(t, o)
	p.Administration()
	operator := p.Administrator("operator")
	first := operator.Must("POST", "/users", `{"username":"first","roles":["instance-admin"]}`).Text("id")
	for method, body := range map[string]string{"PATCH": `{"disabled":true}`, "DELETE": ``} {
		if got := operator.Do(method, "/users/"+first, body); got.Text("code") != "last_administrator" {
			t.Error(method, got.Status, got.Raw)
		}
	}
	if got := operator.Do("PATCH", "/users/"+first, `{"roles":[]}`); got.Text("code") != "last_administrator" {
		t.Error(got.Status, got.Raw)
	}
	second := operator.Must("POST", "/users", `{"username":"second","roles":["instance-admin"]}`).Text("id")
	for range testkit.Rounds(3, 10) {
		operator.Must("PATCH", "/users/"+first, `{"roles":["instance-admin"]}`)
		operator.Must("PATCH", "/users/"+second, `{"roles":["instance-admin"]}`)
		var lost sync.Map
		var all sync.WaitGroup
		for i := range 32 {
			all.Go(func() {
				who := []string{first, second}[i%2]
				if got := operator.Do("PATCH", "/users/"+who, `{"roles":[]}`); got.Status == http.StatusOK {
					lost.Store(who, true)
				} else if got.Text("code") != "last_administrator" {
					t.Error(got.Status, got.Raw)
				}
			})
		}
		all.Wait()
		_, one := lost.Load(first)
		_, other := lost.Load(second)
		if one == other {
			t.Fatalf("the first lost it: %v, the second: %v", one, other)
		}
	}
}

func TestUsersWaysIn(t *testing.T) {
	t.Parallel()
	p := idp.Start(t, idp.Options{})
	p.Administration()
	api := p.Administrator("admin")
	id := userNamed(t, api, "ada@example.test")
	path := "/users/" + id
	authenticators := api.Must("GET", path+"/authenticators", nil)
	if !strings.Contains(authenticators.Raw, `"type":"password"`) || strings.Contains(authenticators.Raw, "hash") {
		t.Error(authenticators.Raw)
	}
	if got := api.Do("POST", path+"/password", `{"password":"short"}`); got.Text("code") != "short_password" {
		t.Error(got.Raw)
	}
	api.Must("POST", path+"/password", `{"password":"quite another long phrase 8","must_change_password":true}`)
	if got := p.Letter("ada@example.test", lanyard.MailPasswordChanged); got.To == "" {
		t.Error("nobody told the user")
	}
	api.Must("DELETE", path+"/authenticators/password", nil)
	if got := api.Do("DELETE", path+"/authenticators/password", nil); got.Status != http.StatusNotFound {
		t.Error(got.Status, got.Raw)
	}
	added := api.Must("POST", path+"/emails", `{"address":"ada@other.example.test","verified":true}`)
	if added.Body["verified"] != true || added.Body["primary"] != false || strings.Contains(added.Text("id"), "ada") {
		t.Error(added.Raw)
	}
	api.Must("POST", "/users", `{"username":"grace","email":"grace@example.test","email_verified":true}`)
	for _, body := range []string{`{"address":"Grace@example.test","verified":true}`, `{"address":"grace@example.test"}`, `{"address":"grace@example.test","primary":true}`} {
		if got := api.Do("POST", path+"/emails", body); got.Status != http.StatusConflict {
			t.Errorf("somebody else's address, %s: %d %s", body, got.Status, got.Raw)
		}
	}
	second := path + "/emails/" + added.Text("id")
	api.Must("PATCH", second, `{"primary":true}`)
	if got := api.Must("GET", path, nil); got.Text("email") != "ada@other.example.test" {
		t.Error(got.Raw)
	}
	for method, body := range map[string]string{"DELETE": ``, "PATCH": `{"primary":false}`} {
		if got := api.Do(method, second, body); got.Status/100 != 4 {
			t.Error(method, got.Status, got.Raw)
		}
	}
	if got := api.Must("PATCH", second, `{"verified":false}`); got.Body["verified"] != false {
		t.Error(got.Raw)
	}
	old := api.Must("GET", path+"/emails", nil)
	for _, item := range old.Body["items"].([]any) {
		if e := item.(map[string]any); e["primary"] == false {
			api.Must("DELETE", path+"/emails/"+e["id"].(string), nil)
		}
	}
	if got := api.Must("GET", path+"/emails", nil); len(got.Body["items"].([]any)) != 1 {
		t.Error(got.Raw)
	}
	for _, list := range []string{"identities", "consents", "sessions", "grants"} {
		if got := api.Must("GET", path+"/"+list, nil); len(got.Body["items"].([]any)) != 0 {
			t.Error(got.Raw)
		}
		if got := api.Do("GET", "/users/usr_never/"+list, nil); got.Status != http.StatusNotFound {
			t.Error(list, got.Status)
		}
	}
}
