package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/lanyard-id/lanyard/internal/testkit"
)

// arena is two applications that need an organization. Each shows for which one it was signed in to.
type arena struct {
	*httptest.Server
	server *testkit.DevServer

	mu      sync.Mutex
	refresh map[string]string
}

const arenaSecret = "the-arena-has-a-secret-of-forty-characters"

func openArena(t *testing.T) *arena {
	t.Helper()
	a := &arena{refresh: map[string]string{}}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "<!doctype html><title>arena</title><h1 id=app>%s</h1>", url.PathEscape(a.arrival(r)))
	}))
	t.Cleanup(a.Close)
	file := filepath.Join(t.TempDir(), "arena.yaml")
	text := fmt.Sprintf(`version: 1
tenants:
  - slug: default
    name: Test
    policy: {sign_up: invite}
    users:
      - {email: ada@example.test, email_verified: true, name: Ada, password: notes-on-the-engine-1842}
      - {email: bob@example.test, email_verified: true, name: Bob, password: difference-engine-1822}
      - {email: carl@example.test, email_verified: true, name: Carl, password: nobody-takes-him-in-1777}
    clients:
      - {client_id: a, client_name: Ledger, client_secret: %[2]s, redirect_uris: ["%[1]s/a"], first_party: true, require_organization: true, client_uri: "%[1]s/home"}
      - {client_id: b, client_name: Board, client_secret: %[2]s, redirect_uris: ["%[1]s/b"], first_party: true, require_organization: true}
    organizations:
      - {slug: acme, name: Acme, members: [{user: ada@example.test, roles: [owner]}, {user: bob@example.test, roles: [member]}]}
      - {slug: beta, name: Beta, members: [{user: ada@example.test, roles: [admin]}]}
      - {slug: gamma, name: Gamma, members: [{user: ada@example.test, roles: [member]}]}
`, a.URL, arenaSecret)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	a.server = testkit.Dev(t, "--seed", file)
	return a
}

// ask is the address that begins a sign-in to one of the applications.
func (a *arena) ask(client string, pairs ...string) string {
	query := url.Values{
		"client_id": {client}, "redirect_uri": {a.URL + "/" + client}, "response_type": {"code"}, "scope": {"openid offline_access"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"}, "state": {"s"},
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		query.Set(pairs[i], pairs[i+1])
	}
	return a.server.Issuer + "/oauth/authorize?" + query.Encode()
}

// arrival redeems the code of a request and tells for what it was.
func (a *arena) arrival(r *http.Request) string {
	client := strings.Trim(r.URL.Path, "/")
	if code := r.FormValue("code"); code != "" {
		return a.token(client, url.Values{
			"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {a.URL + "/" + client},
			"code_verifier": {"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"},
		})
	}
	return client + r.FormValue("error")
}

// again refreshes the last token of an application.
func (a *arena) again(client string) string {
	a.mu.Lock()
	token := a.refresh[client]
	a.mu.Unlock()
	return a.token(client, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

func (a *arena) token(client string, form url.Values) string {
	form.Set("client_id", client)
	form.Set("client_secret", arenaSecret)
	answer, err := http.PostForm(a.server.Issuer+"/oauth/token", form) //nolint:noctx // a test
	if err != nil {
		return err.Error()
	}
	defer func() { _ = answer.Body.Close() }()
	var body struct {
		Error   string `json:"error"`
		ID      string `json:"id_token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil || body.Error != "" {
		return body.Error
	}
	a.mu.Lock()
	a.refresh[client] = body.Refresh
	a.mu.Unlock()
	var claims struct {
		Slug  string   `json:"org_slug"`
		Roles []string `json:"roles"`
	}
	payload, _ := base64.RawURLEncoding.DecodeString(strings.Split(body.ID, ".")[1])
	if err := json.Unmarshal(payload, &claims); err != nil {
		return err.Error()
	}
	return claims.Slug + "-" + strings.Join(claims.Roles, "-")
}

// person is somebody of the arena's seed.
func (a *arena) person(n int) testkit.DevUser { return a.server.Users[n] }

// pressText presses the button whose words begin so.
func (b browser) pressText(text string) {
	b.t.Helper()
	b.do("mark the page", chromedp.Evaluate(`window.old = true`, nil))
	b.do("press "+text, chromedp.Evaluate(fmt.Sprintf(
		`[...document.querySelectorAll("button, a.button")].find(e => e.textContent.trim().startsWith(%q)).click()`, text), nil))
	b.comesTo("the page after "+text, `!window.old && document.readyState === "complete"`)
}

// choose picks an organization by its name.
func (b browser) choose(name string) {
	b.t.Helper()
	b.do("choose "+name, chromedp.Evaluate(fmt.Sprintf(`[...document.querySelectorAll("label")].find(e => e.textContent.includes(%q)).click()`, name), nil))
	b.press("organization-continue")
}

func (b browser) wants(what, want string) {
	b.t.Helper()
	if got := b.arrived(); got != want {
		b.t.Errorf("%s: the application was told %q, want %q", what, got, want)
	}
}

// TestOrganizationsInARealBrowser: people in none, one and three organizations at two
// applications, a switch, and a removal in the middle of a session.
func TestOrganizationsInARealBrowser(t *testing.T) {
	a := openArena(t)
	ada, bob, carl := openBrowser(t), openBrowser(t), openBrowser(t)

	carl.open(a.ask("a"))
	carl.signIn(a.person(2))
	carl.comesTo("the page of those in none", `document.body.textContent.includes("isn't a member of an organization yet")`)
	carl.press("organization-cancel")
	carl.wants("nobody's member gives up", "aaccess_denied")

	bob.open(a.ask("a"))
	bob.signIn(a.person(1))
	bob.wants("the only organization", "acme-member")
	bob.open(a.ask("b"))
	bob.wants("the only organization, at the other application", "acme-member")
	bob.open(a.ask("b", "organization", "beta"))
	bob.reads("You aren't a member of beta")
	bob.press("organization-cancel")
	bob.wants("not a member", "baccess_denied")

	ada.open(a.ask("a"))
	ada.signIn(a.person(0))
	ada.reads("Choose an organization for Ledger")
	ada.choose("Beta")
	ada.wants("the choice", "beta-admin")
	ada.open(a.ask("b"))
	ada.wants("the choice at the second application", "beta-admin")
	ada.open(a.server.Issuer + "/account/organizations")
	ada.pressText("Switch to it: Gamma")
	ada.open(a.ask("b"))
	ada.wants("after the switch", "gamma-member")
	ada.open(a.ask("a", "organization", "acme"))
	ada.wants("named by the application", "acme-owner")

	if got := a.again("b"); got != "gamma-member" {
		t.Errorf("a refresh tells %q", got)
	}
	bob.open(a.ask("a"))
	ada.open(a.server.Issuer + "/org/acme/members?q=bob")
	ada.do("open the member", chromedp.Evaluate(`document.querySelector("details").open = true`, nil))
	ada.pressText("Remove")
	bob.open(a.ask("a"))
	bob.comesTo("the page of those in none", `document.body.textContent.includes("isn't a member of an organization yet")`)
	if got := a.again("a"); got != "invalid_grant" {
		t.Errorf("the removed member refreshes to %q", got)
	}
	bob.open(a.server.Issuer + "/org/acme")
	bob.reads("This page doesn't exist")
}

// TestInvitationInARealBrowser: invited on the page, joined by a new person in two
// pages, refused to the wrong one, accepted by a signed-in one.
func TestInvitationInARealBrowser(t *testing.T) {
	a := openArena(t)
	ada, bob, fresh := openBrowser(t), openBrowser(t), openBrowser(t)
	const address = "dora@example.test"
	ada.open(a.server.Issuer + "/org/acme/invitations")
	ada.signIn(a.person(0))
	ada.fill("#mail-email", address)
	ada.do("name the application", chromedp.Evaluate(`document.getElementById("mail-client").value = "a"`, nil))
	ada.press("invite-send")
	mail := waitsFor(t, a.server, address, "invitation")

	bob.open(mail.Link)
	bob.reads("Join Acme")
	bob.open(a.server.Issuer + "/account")
	bob.signIn(a.person(1))
	bob.reads("Your account")
	bob.open(mail.Link)
	if text := bob.sees("main"); strings.Contains(text, address) || strings.Contains(text, "Join as") {
		t.Errorf("the wrong person reads %q", text)
	}

	fresh.open(mail.Link)
	fresh.press("invite-sign-up")
	fresh.fill("#email", address)
	fresh.fill("#name", "Dora")
	fresh.fill("#password", "walnut harbour quilt")
	fresh.press("signup-submit")
	fresh.wants("the new member lands", "home")
	fresh.open(a.ask("a"))
	fresh.wants("and signs in", "acme-member")

	ada.open(a.server.Issuer + "/org/beta/invitations")
	ada.do("open the form", chromedp.Evaluate(`document.querySelectorAll("details").forEach(d => d.open = true)`, nil))
	ada.press("invite-link")
	var link string
	ada.do("copy the link", chromedp.Value("#made", &link, chromedp.ByID))
	fresh.open(link)
	fresh.reads("Join Beta")
	fresh.press("invite-accept")
	fresh.reads("Your organizations")
	fresh.open(a.ask("b", "organization", "beta"))
	fresh.wants("the second organization", "beta-member")
}
