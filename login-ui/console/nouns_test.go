package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

// What the forms of each noun do, on one provider.
func TestFormsDoWhatTheySay(t *testing.T) {
	p := start(t)
	b, _ := signIn(t, p, "admin", "/console")
	for name, does := range map[string]func(*testing.T, *idp.IDP, *idp.Browser){
		"an application is registered and its secret shown once": applicationIsRegisteredAndItsSecretShownOnce,
		"redirect URIs are checked while they are typed":         redirectURIsAreCheckedWhileTheyAreTyped,
		"what was typed stays with its mistake":                  whatWasTypedStaysWithItsMistake,
		"a conflict shows theirs and yours":                      conflictShowsTheirsAndYours,
		"a user is turned off and on":                            userIsTurnedOffAndOn,
		"an organization gets members and invitations":           organizationGetsMembersAndInvitations,
		"settings are changed in parts":                          settingsAreChangedInParts,
		"keys rotate":                                            keysRotate,
		"events are exported":                                    eventsAreExported,
		"a refused request is explained":                         refusedRequestIsExplained,
		"a mail gets a text of its own":                          mailGetsItsOwnText,
		"somebody is invited to sign up":                         somebodyIsInvited,
		"a connection is off until it was tried":                 connectionIsOffUntilTried,
		"a webhook shows its secret once":                        webhookShowsItsSecretOnce,
		"hostile names stay text":                                hostileNamesStayText,
	} {
		t.Run(name, func(t *testing.T) { does(t, p, b) })
	}
}

func applicationIsRegisteredAndItsSecretShownOnce(t *testing.T, p *idp.IDP, b *idp.Browser) {
	t.Helper()
	page := b.Get("/console/new/application?kind=web")
	page = send(t, b, page, "/console/new/application", url.Values{"client_name": {"Shop"}, "client_id": {"shop"}, "redirect_uris": {"https://shop.example/cb\r\n"}})
	secret := page.Text("#secret")
	if page.Status != http.StatusOK || len(secret) < 32 {
		t.Fatalf("%s\n%s", page, page.Body)
	}
	api := p.Administrator("admin")
	if made := api.Must("GET", "/clients/shop", nil); made.Text("client_name") != "Shop" || made.Text("type") != "web" || !strings.Contains(made.Raw, `"claims_in_id_token":true`) {
		t.Errorf("%s", made.Raw)
	}
	page = b.Get("/console/application?id=shop")
	if page.Status != http.StatusOK || strings.Contains(page.Body, secret) {
		t.Errorf("%s", page)
	}
	page = send(t, b, page, "/console/application/secret?", url.Values{"overlap": {"24h"}})
	if second := page.Text("#secret"); len(second) < 32 || second == secret {
		t.Errorf("%s", page)
	}
	page = send(t, b, b.Get("/console/application?id=shop"), "/console/application/disable", nil)
	if page.Text("#notice") == "" || !strings.Contains(api.Must("GET", "/clients/shop", nil).Raw, `"disabled":true`) {
		t.Errorf("%s", page)
	}
	page = send(t, b, b.Get("/console/application/remove?id=shop"), "/console/application/remove", url.Values{"name": {"Shop"}})
	if page.Text("#problem") == "" {
		t.Errorf("another name is taken: %s", page)
	}
	send(t, b, page, "/console/application/remove", url.Values{"name": {"shop"}})
	if answer := api.Do("GET", "/clients/shop", nil); answer.Status != http.StatusNotFound {
		t.Errorf("%d", answer.Status)
	}
}

func redirectURIsAreCheckedWhileTheyAreTyped(t *testing.T, p *idp.IDP, b *idp.Browser) {
	t.Helper()
	page := b.Post("/console/application/check?kind=web", url.Values{"redirect_uris": {"http://shop.example/cb"}})
	if page.Status != http.StatusOK || !strings.Contains(page.Body, "https") || strings.Contains(page.Body, "<html lang") {
		t.Errorf("%s %s", page, page.Body)
	}
}

func whatWasTypedStaysWithItsMistake(t *testing.T, p *idp.IDP, b *idp.Browser) {
	t.Helper()
	page := b.Get("/console/new/user")
	page = send(t, b, page, "/console/new/user", url.Values{"name": {"Charles <b>"}, "email": {"nobody"}, "password": {"a-password-of-some-length"}})
	if page.Text("#problem") == "" || !strings.HasPrefix(page.Text("title"), "Error: ") || !strings.Contains(page.Body, `value="Charles &lt;b&gt;"`) || strings.Contains(page.Body, "a-password-of-some-length") {
		t.Errorf("%s\n%s", page, page.Body)
	}
	page = send(t, b, page, "/console/new/user", url.Values{"name": {"Charles"}, "email": {"charles@example.test"}, "password": {"a-password-of-some-length"}})
	if page.Text("h1") != "Charles" || page.Text("#notice") != "Created." {
		t.Errorf("%s", page)
	}
}

// Two people change the same thing: the second sees both versions and decides.
func conflictShowsTheirsAndYours(t *testing.T, p *idp.IDP, b *idp.Browser) {
	t.Helper()
	api := p.Administrator("admin")
	id := api.Must("POST", "/users", map[string]any{"username": "carol", "name": "Carol"}).Text("id")
	page := b.Get("/console/user/edit?id=" + id)
	api.Must("PATCH", "/users/"+id, map[string]any{"name": "Caroline", "locale": "de"})
	page = send(t, b, page, "/console/user/edit", url.Values{"name": {"Karoline"}})
	if page.Status != http.StatusConflict || !strings.Contains(page.Body, "Caroline") || !strings.Contains(page.Body, "Karoline") {
		t.Fatalf("%s\n%s", page, page.Body)
	}
	if now := api.Must("GET", "/users/"+id, nil); now.Text("name") != "Caroline" {
		t.Errorf("%s", now.Raw)
	}
	page = send(t, b, page, "/console/user/edit", nil)
	if now := api.Must("GET", "/users/"+id, nil); now.Text("name") != "Karoline" || page.Text("h1") != "Karoline" {
		t.Errorf("%s %s", page, now.Raw)
	}
}

func userIsTurnedOffAndOn(t *testing.T, p *idp.IDP, b *idp.Browser) {
	t.Helper()
	api := p.Administrator("admin")
	id := api.Must("POST", "/users", map[string]any{"username": "dora"}).Text("id")
	page := b.Get("/console/user?id=" + id)
	page = send(t, b, page, "/console/user/disable", nil)
	if !strings.Contains(api.Must("GET", "/users/"+id, nil).Raw, `"disabled":true`) {
		t.Errorf("%s", page)
	}
	send(t, b, page, "/console/user/enable", nil)
	if !strings.Contains(api.Must("GET", "/users/"+id, nil).Raw, `"disabled":false`) {
		t.Errorf("%s", page)
	}
}

func organizationGetsMembersAndInvitations(t *testing.T, p *idp.IDP, b *idp.Browser) {
	t.Helper()
	page := b.Get("/console/new/organization")
	page = send(t, b, page, "/console/new/organization", url.Values{"name": {"Babbage"}, "owner": {"ada@example.test"}, "seats": {"many"}})
	if page.Text("#problem") == "" {
		t.Errorf("%s", page)
	}
	page = send(t, b, page, "/console/new/organization", url.Values{"name": {"Babbage"}, "owner": {"ada@example.test"}, "seats": {"5"}})
	if page.Text("h1") != "Babbage" || !strings.Contains(page.Body, "Ada Lovelace") {
		t.Fatalf("%s\n%s", page, page.Body)
	}
	address := page.URL.RequestURI()
	page = send(t, b, page, "/console/organization/member/add", url.Values{"user": {"bob@example.test"}, "roles": {"admin"}})
	if !strings.Contains(page.Body, "bob@example.test") {
		t.Errorf("%s", page)
	}
	invite := b.Get(strings.Replace(address, "/console/organization", "/console/organization/invite", 1))
	page = send(t, b, invite, "/console/organization/invite", url.Values{"email": {""}, "max_uses": {"3"}, "roles": {"member"}})
	if !strings.HasPrefix(page.Text("#secret"), p.Issuer+"/invite/") {
		t.Errorf("%s\n%s", page, page.Body)
	}
	page = send(t, b, b.Get(address), "/console/organization/suspend", nil)
	if !strings.Contains(page.Body, "Suspended") {
		t.Errorf("%s", page)
	}
}

func settingsAreChangedInParts(t *testing.T, p *idp.IDP, b *idp.Browser) {
	t.Helper()
	api := p.Administrator("admin")
	before := api.Must("GET", "/settings", nil)
	page := b.Get("/console/settings/sessions")
	page = send(t, b, page, "/console/settings/sessions", url.Values{"session_lifetime": {"soon"}})
	if page.Text("#problem") == "" {
		t.Errorf("%s", page)
	}
	send(t, b, page, "/console/settings/sessions", url.Values{"session_lifetime": {"12h"}})
	after := api.Must("GET", "/settings", nil)
	if !strings.Contains(after.Raw, `"session_lifetime":"12h0m0s"`) || !strings.Contains(after.Raw, "https://api.example.test/") || !strings.Contains(before.Raw, "https://api.example.test/") {
		t.Errorf("%s", after.Raw)
	}
	preview := b.Post("/console/settings/branding/preview", url.Values{"accent": {"#ffff00"}})
	if !strings.Contains(preview.Body, "<svg") || !strings.Contains(preview.Body, "to 1") {
		t.Errorf("%s", preview.Body)
	}
}

func keysRotate(t *testing.T, p *idp.IDP, b *idp.Browser) {
	t.Helper()
	rotate := func(more ...string) *idp.Page {
		form := url.Values{"algorithm": {"ES256"}}
		for _, name := range more {
			form.Set(name, "1")
		}
		return send(t, b, b.Get("/console/key/rotate"), "/console/key/rotate", form)
	}
	p.Clock.Advance(time.Second)
	if page := rotate(); page.URL.Path != "/console/keys" || page.Text("#notice") == "" {
		t.Errorf("%s", page)
	}
	if page := rotate(); page.Status != http.StatusConflict || !strings.Contains(page.Text("#problem"), "can sign from") {
		t.Errorf("at once: %s %s", page, page.Text("#problem"))
	}
	if page := rotate("force"); page.URL.Path != "/console/keys" || page.Text("#notice") == "" {
		t.Errorf("by force: %s", page)
	}
}

func eventsAreExported(t *testing.T, p *idp.IDP, b *idp.Browser) {
	t.Helper()
	page := b.Get("/console/events?type=user.signed_in")
	if page.Status != http.StatusOK || !strings.Contains(page.Body, "user.signed_in") {
		t.Errorf("%s", page)
	}
	for format, mark := range map[string]string{"csv": "id,type,at,", "jsonl": `{"id":`} {
		file := b.Get("/console/events/export?type=user.signed_in&format=" + format)
		if file.Status != http.StatusOK || !strings.HasPrefix(file.Body, mark) || !strings.Contains(file.Header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%s: %s %.80s", format, file, file.Body)
		}
	}
}

func refusedRequestIsExplained(t *testing.T, p *idp.IDP, b *idp.Browser) {
	t.Helper()
	refused := p.Browser().Get("/oauth/authorize?client_id=web&redirect_uri=https://evil.example/&response_type=code")
	id := refused.Header.Get("X-Request-Id")
	page := b.Get("/console/trace?id=" + id)
	if !strings.Contains(page.Body, "bad_redirect_uri") || !strings.Contains(page.Body, "https://evil.example/") {
		t.Errorf("%s\n%s", page, page.Body)
	}
	if page := b.Get("/console/application?id=web"); !strings.Contains(page.Body, id) {
		t.Errorf("%s", page)
	}
}

// What is done to another tenant is done there, and pages stay there.
func TestOperatorAdministersAnotherTenant(t *testing.T) {
	p := start(t)
	b, page := signIn(t, p, "operator", "/console/tenants/acme/new/user")
	if page.Status != http.StatusOK || !strings.Contains(page.Body, `href="/console/tenants/acme/users"`) {
		t.Fatalf("%s\n%s", page, page.Body)
	}
	page = send(t, b, page, "/console/tenants/acme/new/user", url.Values{"name": {"Only There"}, "username": {"only-there"}})
	if page.Text("h1") != "Only There" || !strings.HasPrefix(page.URL.Path, "/console/tenants/acme/") {
		t.Errorf("%s\n%s", page, page.Body)
	}
	if here := b.Get("/console/users?search=only-there"); strings.Contains(here.Body, "Only There") {
		t.Errorf("%s", here)
	}
	if page := b.Get("/console/tenants/nowhere/users"); page.Status != http.StatusNotFound {
		t.Errorf("%s", page)
	}
	for _, tenant := range []string{"acme", "nowhere"} {
		if _, page := signIn(t, p, "admin", "/console/tenants/"+tenant+"/users"); page.Status != http.StatusForbidden {
			t.Errorf("%s: %s", tenant, page)
		}
	}
}

func hostileNamesStayText(t *testing.T, p *idp.IDP, b *idp.Browser) {
	t.Helper()
	api := p.Administrator("admin")
	evil := `"><script>alert(1)</script>{{.}}`
	id := api.Must("POST", "/users", map[string]any{"username": "mallory", "name": evil}).Text("id")
	api.Must("POST", "/clients", map[string]any{"client_id": "evil", "client_name": evil, "type": "web", "redirect_uris": []string{"https://app.example.test/cb?x=%3Cscript%3E"}})
	for _, path := range []string{"/console/users", "/console/user?id=" + id, "/console/user/remove?id=" + id, "/console/applications", "/console/application?id=evil", "/console/users?search=" + url.QueryEscape(evil), "/console/user?done=" + url.QueryEscape(evil)} {
		if page := b.Get(path); strings.Contains(page.Body, "<script>alert") {
			t.Errorf("%s: %s", path, page)
		}
	}
}

func mailGetsItsOwnText(t *testing.T, p *idp.IDP, b *idp.Browser) {
	t.Helper()
	page := b.Get("/console/message/edit?id=reset&item=en")
	preview := b.Post("/console/message/preview?id=reset&item=en", url.Values{"subject": {"Back in to {{.Tenant}}"}, "text": {"Go to {{.Link}}"}})
	if preview.Status != http.StatusOK || !strings.Contains(preview.Body, "Back in to Test") {
		t.Errorf("%s %s", preview, preview.Body)
	}
	page = send(t, b, page, "/console/message/edit", url.Values{"subject": {"Back in"}, "text": {"Go to {{.Nowhere}}"}})
	if page.Text("#problem") == "" {
		t.Errorf("%s", page)
	}
	page = send(t, b, page, "/console/message/edit", url.Values{"subject": {"Back in to {{.Tenant}}"}, "text": {"Go to {{.Link}}"}})
	if !strings.Contains(page.Body, "Back in to Test") {
		t.Errorf("%s %s", page, page.Body)
	}
	if own := p.Administrator("admin").Must("GET", "/mail-templates/reset/en", nil); own.Text("text") != "Go to {{.Link}}" {
		t.Errorf("%s", own.Raw)
	}
	send(t, b, page, "/console/message/remove", nil)
}

func somebodyIsInvited(t *testing.T, p *idp.IDP, b *idp.Browser) {
	t.Helper()
	page := send(t, b, b.Get("/console/new/invitation"), "/console/new/invitation", url.Values{"max_uses": {"2"}})
	if !strings.HasPrefix(page.Text("#secret"), p.Issuer+"/invite/") {
		t.Errorf("%s\n%s", page, page.Body)
	}
	if page = send(t, b, b.Get("/console/invitations"), "/console/invitation/revoke", nil); !strings.Contains(page.Body, "Revoked") {
		t.Errorf("%s", page)
	}
}

func connectionIsOffUntilTried(t *testing.T, _ *idp.IDP, b *idp.Browser) {
	t.Helper()
	page := send(t, b, b.Get("/console/new/connection?kind=google"), "/console/new/connection", url.Values{"client_id": {"us"}, "client_secret": {"a-secret-of-the-upstream"}})
	if page.Text("h1") != "Google" || strings.Contains(page.Body, "a-secret-of-the-upstream") {
		t.Fatalf("%s\n%s", page, page.Body)
	}
	page = send(t, b, page, "/console/connection/enable", nil)
	if page.Status != http.StatusConflict || page.Text("#problem") != "A test sign-in comes first." {
		t.Errorf("%s %s", page, page.Text("#problem"))
	}
}

func webhookShowsItsSecretOnce(t *testing.T, _ *idp.IDP, b *idp.Browser) {
	t.Helper()
	page := send(t, b, b.Get("/console/new/webhook"), "/console/new/webhook", url.Values{"url": {"https://hooks.example.test/in"}, "types": {"user.*"}, "on": {"1"}})
	secret := page.Text("#secret")
	if len(secret) < 20 {
		t.Fatalf("%s\n%s", page, page.Body)
	}
	page = b.Get("/console/webhooks")
	if !strings.Contains(page.Body, "https://hooks.example.test/in") || strings.Contains(page.Body, secret) {
		t.Errorf("%s", page)
	}
}
