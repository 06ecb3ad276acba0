package adminapi_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
	"github.com/lanyard-id/lanyard/internal/testkit/upstream"
)

func TestOrganizationsAreManaged(t *testing.T) {
	t.Parallel()
	for _, o := range databases(t) {
		organizationsAreManaged(t, o)
	}
}

func organizationsAreManaged(t *testing.T, o idp.Options) {
	t.Helper()
	p := idp.Start(t, o)
	p.Administration()
	api := p.Administrator("admin")
	ada := userNamed(t, api, "ada@example.test")
	made := api.Must("POST", "/organizations", `{"name":"Lamps & Co","plan":"team","seats":2,"trial_end":"2027-01-01T00:00:00Z","owner":"`+ada+`"}`)
	if made.Text("slug") != "lamps-co" || made.Text("plan") != "team" || made.Text("trial_end") == "" || made.Text("code") == "" {
		t.Error(made.Raw)
	}
	id := made.Text("id")
	for _, name := range []string{id, "lamps-co"} {
		if got := api.Must("GET", "/organizations/"+name, nil); got.Raw != made.Raw {
			t.Error(got.Raw)
		}
	}
	changed := api.With("If-Match", made.Header.Get("ETag")).Must("PATCH", "/organizations/lamps-co",
		`{"name":"Lamps","language":"de","seats":3,"plan":null,"policy":{"second_factor":"required"},"branding":{"accent":"#0a5fd8"},"suspended":true}`)
	if changed.Text("name") != "Lamps" || changed.Text("plan") != "" || changed.Body["suspended"] != true || !strings.Contains(changed.Raw, `"required"`) {
		t.Error(changed.Raw)
	}
	if got := api.With("If-Match", made.Header.Get("ETag")).Do("PATCH", "/organizations/lamps-co", `{"name":"X"}`); got.Status != http.StatusPreconditionFailed {
		t.Error(got.Status, got.Raw)
	}
	for body, want := range map[string]int{
		`{"slug":"other"}`: 400, `{"name":""}`: 400, `{"seats":-1}`: 400, `{"seats":"many"}`: 422, `{"language":"??"}`: 400, `{"delete_at":"2030-01-01T00:00:00Z"}`: 400,
		`{"policy":{"own_connection_only":true}}`: 409, `{"branding":{"logo_url":"/x.png"}}`: 400, `{"policy":{"second_factor":"never"}}`: 400,
	} {
		if got := api.Do("PATCH", "/organizations/"+id, body); got.Status != want {
			t.Errorf("%s: %d %s", body, got.Status, got.Raw)
		}
	}
	for body, want := range map[string]int{
		`{"name":"Lamps","slug":"lamps-co"}`: 409, `{"name":""}`: 400, `{"slug":"x"}`: 422, `{"name":"X","slug":"A b"}`: 400, `{"name":"X","owner":"usr_never"}`: 400,
	} {
		if got := api.Do("POST", "/organizations", body); got.Status != want {
			t.Errorf("%s: %d %s", body, got.Status, got.Raw)
		}
	}
	api.Must("PATCH", "/organizations/"+id, `{"suspended":false,"policy":null}`)
	api.Must("POST", "/organizations", `{"name":"Lamps & Co"}`) // the slug is taken, so it gets another one
	for query, want := range map[string]int{"search=lamps": 2, "search=LAMPS-CO": 2, "suspended=true": 0, "suspended=false": 2, "plan=team": 0} {
		if got := api.Must("GET", "/organizations?"+query, nil); len(got.Body["items"].([]any)) != want {
			t.Errorf("%s: %s", query, got.Raw)
		}
	}
	pages(t, api, "/organizations?limit=1", "/organizations?limit=1&sort=-slug", "/organizations?limit=1&sort=name")
	api.Must("DELETE", "/organizations/"+id, nil)
	if got := api.Must("GET", "/organizations/"+id, nil); got.Text("delete_at") == "" {
		t.Error(got.Raw)
	}
	if got := api.Must("PATCH", "/organizations/"+id, `{"delete_at":null}`); got.Text("delete_at") != "" {
		t.Error(got.Raw)
	}
}

func TestMembersAreManaged(t *testing.T) {
	t.Parallel()
	p := idp.Start(t, idp.Options{})
	p.Administration()
	api := p.Administrator("admin")
	ada, bob := userNamed(t, api, "ada@example.test"), userNamed(t, api, "bob@example.test")
	base := "/organizations/" + api.Must("POST", "/organizations", `{"name":"Lamps","slug":"lamps","seats":2,"owner":"`+ada+`"}`).Text("id")
	member := api.Must("POST", base+"/members", `{"user_id":"`+bob+`","roles":["admin"]}`)
	if member.Text("email") != "bob@example.test" {
		t.Error(member.Raw)
	}
	for body, want := range map[string]string{
		`{"user_id":"` + bob + `","roles":[]}`: "already_member", `{"user_id":"usr_never","roles":[]}`: "bad_input", `{"user_id":"` + bob + `","roles":["nope"]}`: "bad_input",
	} {
		if got := api.Do("POST", base+"/members", body); got.Text("code") != want {
			t.Errorf("%s: %s", body, got.Raw)
		}
	}
	if got := api.Do("PATCH", base+"/members/"+ada, `{"roles":["member"]}`); got.Text("code") != "last_owner" {
		t.Error(got.Raw)
	}
	api.Must("POST", base+"/roles", `{"name":"clerk","permissions":["members:read"]}`)
	if got := api.Must("PATCH", base+"/members/"+bob, `{"roles":["clerk"]}`); !strings.Contains(got.Raw, `["clerk"]`) {
		t.Error(got.Raw)
	}
	if got := api.Do("DELETE", base+"/roles/clerk", nil); got.Text("code") != "role_in_use" {
		t.Error(got.Raw)
	}
	if got := api.Must("PATCH", base+"/roles/clerk", `{"permissions":["members:read","activity:read"]}`); !strings.Contains(got.Raw, "activity:read") {
		t.Error(got.Raw)
	}
	if got := api.Must("GET", base+"/members?search=bob", nil); len(got.Body["items"].([]any)) != 1 {
		t.Error(got.Raw)
	}
	if got := api.Must("GET", "/users?organization=lamps", nil); len(got.Body["items"].([]any)) != 2 {
		t.Error(got.Raw)
	}
	if got := api.Do("DELETE", "/users/"+ada, nil); got.Text("code") != "conflict" {
		t.Error("the only owner was erased", got.Raw)
	}
	api.Must("DELETE", base+"/members/"+bob, nil)
	api.Must("DELETE", base+"/roles/clerk", nil)
	for _, path := range []string{"/members/" + bob, "/members/usr_never", "/roles/clerk", "/domains/x.example", "/invitations/inv_never", "/connections/con_never"} {
		if got := api.Do("GET", base+path, nil); got.Status != http.StatusNotFound {
			t.Error(path, got.Status, got.Raw)
		}
	}
}

func TestInvitationsAndDomainsAreManaged(t *testing.T) {
	t.Parallel()
	p := idp.Start(t, idp.Options{})
	p.Administration()
	api := p.Administrator("admin")
	base := "/organizations/" + api.Must("POST", "/organizations", `{"name":"Lamps","slug":"lamps"}`).Text("slug")
	for _, at := range []string{base, ""} {
		code := api.Must("POST", at+"/invitations", `{"max_uses":3}`)
		if code.Text("code") == "" || code.Text("link") != p.Issuer+"/invite/"+code.Text("code") {
			t.Error(code.Raw)
		}
		if got := api.Must("GET", at+"/invitations/"+code.Text("id"), nil); strings.Contains(got.Raw, code.Text("code")) {
			t.Error(got.Raw)
		}
		bound := api.Must("POST", at+"/invitations", `{"email":"grace@example.test"}`)
		if letter := p.Letter("grace@example.test", lanyard.MailInvitation); bound.Text("code") != "" || letter.Link == "" {
			t.Error(bound.Raw)
		}
		api.Must("POST", at+"/invitations/"+bound.Text("id")+"/resend", `{}`)
		if got := api.Do("POST", at+"/invitations/"+code.Text("id")+"/resend", `{}`); got.Status != http.StatusBadRequest {
			t.Error(got.Raw)
		}
		api.Must("DELETE", at+"/invitations/"+code.Text("id"), nil)
		if got := api.Do("DELETE", at+"/invitations/"+code.Text("id"), nil); got.Status != http.StatusNotFound {
			t.Error(got.Status, got.Raw)
		}
		if got := api.Must("GET", at+"/invitations", nil); len(got.Body["items"].([]any)) != 2 {
			t.Error(got.Raw)
		}
		for body, want := range map[string]int{`{"email":"nobody"}`: 400, `{"roles":["nope"]}`: at400(at), `{"expires_at":"2020-01-01T00:00:00Z"}`: 400, `{"client_id":"never"}`: 400} {
			if got := api.Do("POST", at+"/invitations", body); got.Status != want {
				t.Errorf("%s%s: %d %s", at, body, got.Status, got.Raw)
			}
		}
	}
	domain := api.Must("POST", base+"/domains", `{"name":"Lamps.example"}`)
	if domain.Text("name") != "lamps.example" || domain.Text("record_name") != "_lanyard.lamps.example" {
		t.Error(domain.Raw)
	}
	if got := api.Do("POST", base+"/domains/lamps.example/verify", `{}`); got.Text("code") != "domain_unproved" {
		t.Error(got.Raw)
	}
	p.Zone.Set(domain.Text("record_name"), domain.Text("record_value"))
	if got := api.Must("POST", base+"/domains/lamps.example/verify", `{}`); got.Text("verified_at") == "" {
		t.Error(got.Raw)
	}
	if got := api.Must("PATCH", base+"/domains/lamps.example", `{"joining":"automatic"}`); got.Text("joining") != "automatic" {
		t.Error(got.Raw)
	}
	api.Must("DELETE", base+"/domains/lamps.example", nil)
}

// at400 is the status for roles: an invitation to sign up does not know the member.
func at400(at string) int {
	if at == "" {
		return http.StatusUnprocessableEntity
	}
	return http.StatusBadRequest
}

const ownAdministration = `
version: 1
tenants:
  - slug: default
    organizations:
      - slug: lamps
        name: Lamps
        members: [{user: ada@example.test, roles: [owner]}, {user: bob@example.test, roles: [member]}]
        roles: [{name: desk, permissions: ["members:read", "members:manage", "invitations:manage"]}]
      - {slug: other, name: Other, members: [{user: ada@example.test, roles: [owner]}]}
    clients:
      - {client_id: desk, type: machine, client_secret: desk-secret-0123456789-0123456789-0123, resources: ["urn:lanyard:management"], organizations: [{organization: lamps, roles: [desk]}]}
`

func TestMachineHasThePowersOfItsRolesInTheOrganization(t *testing.T) {
	t.Parallel()
	p := idp.Start(t, idp.Options{})
	p.Administration()
	p.Apply(ownAdministration)
	c := p.Client("desk")
	c.Secret = "desk-secret-0123456789-0123456789-0123"
	token := c.Call("/oauth/token", url.Values{"grant_type": {"client_credentials"}, "resource": {"urn:lanyard:management"}, "scope": {"manage"}, "organization": {"lamps"}})
	desk, admin := p.API(token.Text("access_token")), p.Administrator("admin")
	bob := userNamed(t, admin, "bob@example.test")
	ada := userNamed(t, admin, "ada@example.test")
	for _, s := range []struct {
		method, path, body string
		want               int
	}{
		{"GET", "/organizations/lamps", ``, 200}, {"GET", "/organizations/lamps/members", ``, 200}, {"GET", "/organizations/other", ``, 404},
		{"GET", "/organizations/never", ``, 404}, {"GET", "/organizations", ``, 403}, {"GET", "/users", ``, 403}, {"PATCH", "/organizations/lamps", `{"name":"X"}`, 403},
		{"PATCH", "/organizations/lamps/members/" + bob, `{"roles":["desk"]}`, 200}, {"PATCH", "/organizations/lamps/members/" + bob, `{"roles":["admin"]}`, 403},
		{"DELETE", "/organizations/lamps/members/" + ada, ``, 403}, {"POST", "/organizations/lamps/members", `{"user_id":"` + ada + `","roles":[]}`, 403},
		{"POST", "/organizations/lamps/invitations", `{"roles":["owner"]}`, 403}, {"POST", "/organizations/lamps/invitations", `{"roles":["desk"]}`, 201},
		{"POST", "/organizations/lamps/roles", `{"name":"x","permissions":[]}`, 403}, {"DELETE", "/organizations/lamps", ``, 403},
	} {
		if got := desk.Do(s.method, s.path, s.body); got.Status != s.want {
			t.Errorf("%s %s %s: %d %s", s.method, s.path, s.body, got.Status, got.Raw)
		}
	}
	admin.Must("PATCH", "/organizations/lamps", `{"suspended":true}`)
	if got := desk.Do("GET", "/organizations/lamps/members", nil); got.Status/100 != 4 {
		t.Error(got.Status, got.Raw)
	}
}

func TestOwnersManageTheirOrganizationAlone(t *testing.T) {
	t.Parallel()
	p := idp.Start(t, idp.Options{})
	p.Administration()
	p.Apply(ownAdministration)
	manager := p.Client("manager")
	manager.Secret, manager.Redirect = "manager-secret-0123456789-0123456789-", "https://manager.example.test/cb"
	token := manager.Tokens(url.Values{"scope": {"openid manage"}, "resource": {"urn:lanyard:management"}, "organization": {"lamps"}})
	if token.Text("access_token") == "" {
		t.Fatal(token.Raw)
	}
	ada, admin := p.API(token.Text("access_token")), p.Administrator("admin")
	bob := userNamed(t, admin, "bob@example.test")
	for _, s := range []struct {
		method, path, body string
		want               int
	}{
		{"GET", "/organizations/lamps", ``, 200}, {"GET", "/organizations/other", ``, 404}, {"GET", "/users", ``, 403}, {"GET", "/tenants", ``, 403},
		{"PATCH", "/organizations/lamps", `{"name":"Lights","policy":{"session_lifetime":"8h"}}`, 200},
		{"PATCH", "/organizations/lamps", `{"seats":1000}`, 403}, {"PATCH", "/organizations/lamps", `{"plan":"gold"}`, 403}, {"PATCH", "/organizations/lamps", `{"suspended":true}`, 403},
		{"PATCH", "/organizations/lamps/members/" + bob, `{"roles":["owner"]}`, 200}, {"POST", "/organizations/lamps/members", `{"user_id":"` + bob + `","roles":[]}`, 403},
		{"POST", "/organizations/lamps/invitations", `{"email":"new@example.test"}`, 201}, {"DELETE", "/organizations/other", ``, 404},
		{"POST", "/organizations/lamps/roles", `{"name":"x","permissions":["members:read"]}`, 201}, {"POST", "/organizations/lamps/domains", `{"name":"lamps.example"}`, 201},
	} {
		if got := ada.Do(s.method, s.path, s.body); got.Status != s.want {
			t.Errorf("%s %s %s: %d %s", s.method, s.path, s.body, got.Status, got.Raw)
		}
	}
	p.Clock.Advance(11 * time.Minute)
	token = manager.Refresh(token.Text("refresh_token"), nil)
	ada, admin = p.API(token.Text("access_token")), p.Administrator("admin")
	for body, want := range map[string]int{`{"name":"Lamps again"}`: 200, `{"policy":{"methods":["password"]}}`: 403} {
		if got := ada.Do("PATCH", "/organizations/lamps", body); got.Status != want {
			t.Error(body, got.Status, got.Raw)
		}
	}
	if got := ada.Do("DELETE", "/organizations/lamps", nil); got.Text("code") != "insufficient_user_authentication" {
		t.Error(got.Raw)
	}
	admin.Must("PATCH", "/organizations/lamps/members/"+userNamed(t, admin, "ada@example.test"), `{"roles":["member"]}`)
	if got := ada.Do("PATCH", "/organizations/lamps", `{"name":"X"}`); got.Status != http.StatusForbidden {
		t.Error(got.Status, got.Raw)
	}
	admin.Must("DELETE", "/organizations/lamps", nil)
	if got := ada.Do("GET", "/organizations/lamps", nil); got.Status/100 != 4 {
		t.Error(got.Status, got.Raw)
	}
}

func TestJoinRequestsAreAnswered(t *testing.T) {
	t.Parallel()
	p := idp.Start(t, idp.Options{})
	p.Administration()
	api := p.Administrator("admin")
	ada, bob := userNamed(t, api, "ada@example.test"), userNamed(t, api, "bob@example.test")
	made := api.Must("POST", "/organizations", `{"name":"Lamps","slug":"lamps"}`)
	for _, user := range []string{ada, bob} {
		if _, err := p.Scope().InsertJoinRequest(t.Context(), lanyard.OrganizationID(made.Text("id")), lanyard.UserID(user), p.Clock.Now()); err != nil {
			t.Fatal(err)
		}
	}
	base := "/organizations/lamps/join-requests"
	if got := api.Must("GET", base, nil); len(got.Body["items"].([]any)) != 2 {
		t.Error(got.Raw)
	}
	api.Must("POST", base+"/"+ada, `{"admit":true,"roles":["admin"]}`)
	api.Must("POST", base+"/"+bob, `{"admit":false}`)
	for user, want := range map[string]int{ada: 200, bob: 404} {
		if got := api.Do("GET", "/organizations/lamps/members/"+user, nil); got.Status != want {
			t.Error(got.Status, got.Raw)
		}
		if got := api.Do("POST", base+"/"+user, `{"admit":true}`); got.Status != http.StatusNotFound {
			t.Error(got.Status, got.Raw)
		}
	}
}

func TestOwnConnectionsAreManaged(t *testing.T) {
	t.Parallel()
	company := upstream.Start(t, upstream.Options{Shape: upstream.Generic})
	p := idp.Start(t, idp.Options{Upstreams: []string{company.Peer}})
	p.Administration()
	api := p.Administrator("admin")
	base := "/organizations/" + api.Must("POST", "/organizations", `{"name":"Lamps","slug":"lamps"}`).Text("slug") + "/connections"
	made := api.Must("POST", base, `{"kind":"oidc","name":"Company","issuer":"`+company.Issuer+`","client_id":"our-client","client_secret":"very-secret-text","sign_in":true,"enabled":true}`)
	path := base + "/" + made.Text("id")
	if made.Body["enabled"] != false || made.Body["tested"] != false || strings.Contains(made.Raw, "very-secret") {
		t.Error(made.Raw)
	}
	changed := api.With("If-Match", made.Header.Get("ETag")).Must("PATCH", path, `{"name":"The company","client_secret":"another-secret-text"}`)
	if changed.Text("name") != "The company" || strings.Contains(changed.Raw, "another-secret") {
		t.Error(changed.Raw)
	}
	for body, want := range map[string]string{
		`{"enabled":true}`: "connection_untested", `{"kind":"google"}`: "bad_input", `{"default_roles":["owner"]}`: "bad_input", `{"client_id":""}`: "bad_input",
	} {
		if got := api.Do("PATCH", path, body); got.Text("code") != want {
			t.Errorf("%s: %d %s", body, got.Status, got.Raw)
		}
	}
	if got := api.Must("GET", path, nil); got.Text("name") != "The company" || got.Body["enabled"] != false {
		t.Error(got.Raw)
	}
	if got := api.Do("GET", "/organizations/"+api.Must("POST", "/organizations", `{"name":"Other"}`).Text("slug")+"/connections/"+made.Text("id"), nil); got.Status != http.StatusNotFound {
		t.Error(got.Status, got.Raw)
	}
	api.Must("DELETE", path, nil)
	if got := api.Must("GET", base, nil); len(got.Body["items"].([]any)) != 0 {
		t.Error(got.Raw)
	}
}

// TestUpstreamIsAskedOutsideOfTransactions: while it thinks, everybody else goes on writing.
func TestUpstreamIsAskedOutsideOfTransactions(t *testing.T) {
	t.Parallel()
	asked := make(chan bool, 1)
	written := make(chan error, 1)
	company := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		select {
		case asked <- true:
			select {
			case err := <-written:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(3 * time.Second):
				t.Error("nothing can be written while an upstream is asked")
			}
		default:
		}
		w.WriteHeader(http.StatusNotFound)
	}))
	t.Cleanup(company.Close)
	p := idp.Start(t, idp.Options{Upstreams: []string{company.Listener.Addr().String()}})
	p.Administration()
	api := p.Administrator("admin")
	api.Must("POST", "/organizations", `{"name":"Lamps","slug":"lamps"}`)
	go func() {
		<-asked
		written <- p.Scope().InsertEvent(context.Background(), lanyard.Event{Type: lanyard.EventTenantUpdated, At: p.Clock.Now()})
	}()
	got := api.With("Idempotency-Key", "one").Do("POST", "/organizations/lamps/connections",
		`{"kind":"oidc","name":"Company","issuer":"`+company.URL+`","client_id":"us","client_secret":"secret"}`)
	if !strings.HasPrefix(got.Text("code"), "upstream_") {
		t.Error(got.Status, got.Raw)
	}
}

// TestChangesOfAnOrganizationAreNotLost: of many who change what they saw, one does.
func TestChangesOfAnOrganizationAreNotLost(t *testing.T) {
	t.Parallel()
	for _, o := range databases(t) {
		p := idp.Start(t, o)
		p.Administration()
		api := p.Administrator("admin")
		seen := api.With("If-Match", api.Must("POST", "/organizations", `{"name":"Lamps","slug":"lamps"}`).Header.Get("ETag"))
		answers := make(chan idp.Answer, 16)
		for i := range cap(answers) {
			go func() {
				answers <- seen.Do("PATCH", "/organizations/lamps", `{"name":"Lamps `+strconv.Itoa(i)+`"}`)
			}()
		}
		won := 0
		for range cap(answers) {
			switch got := <-answers; got.Status {
			case http.StatusOK:
				won++
			case http.StatusPreconditionFailed:
			default:
				t.Error(got.Status, got.Raw)
			}
		}
		if won != 1 {
			t.Errorf("%d of them changed it", won)
		}
	}
}
