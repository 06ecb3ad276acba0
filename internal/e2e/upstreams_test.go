package e2e

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/lanyard-id/lanyard/internal/testkit"
)

// upstreamSecret is our client secret at the upstreams here.
const upstreamSecret = "downstream-secret-of-forty-characters-01"

// below is a development server with the connection "up" to a provider on this
// machine, and the address at which its client shop, a real relying party, listens.
type below struct {
	server *testkit.DevServer
	base   string
}

// under starts it; more are further members of the connection.
func under(t *testing.T, port int, issuer, more string) below {
	t.Helper()
	upstream, err := url.Parse(issuer)
	if err != nil {
		t.Fatal(err)
	}
	base := fmt.Sprintf("http://localhost:%d", testkit.FreePort(t))
	seed := writeSeed(t, base)
	text, err := os.ReadFile(seed)
	if err != nil {
		t.Fatal(err)
	}
	text = fmt.Appendf(text, "    connections:\n      - {id: up, kind: oidc, name: Up, issuer: %q, client_id: downstream, client_secret: %s%s}\n", issuer, upstreamSecret, more)
	if err := os.WriteFile(seed, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return below{testkit.Dev(t, "--listen", fmt.Sprintf("127.0.0.1:%d", port), "--seed", seed, "--allow-outbound", upstream.Host), base}
}

// callback is where an upstream sends browsers back to a server on the port.
func callback(port int) string {
	return fmt.Sprintf("http://localhost:%d/federation/up/callback", port)
}

// signIn goes from the relying party over the upstream and back, refreshes for the
// first time, and gives what userinfo says of the person. there is what the browser does at
// the upstream, agreed whether the person has agreed to the relying party before.
func (s below) signIn(b browser, there func(), agreed bool) map[string]any {
	b.t.Helper()
	relyingParty := startOpenIDClient(b.t, s.server, app{client: s.server.Client(b.t, "shop")})
	b.open(next(b.t, relyingParty, "authorize").URL)
	b.click("provider-up")
	there()
	if !agreed {
		b.agrees("Shop")
	}
	if got := b.sees("#app"); got != "/callback" {
		b.t.Errorf("the person came back to %q", got)
	}
	tokens := next(b.t, relyingParty, "tokens")
	subject := checkSignedIn(b.t, tokens, "GET")
	if tokens.Claims["idp"] != "up" || tokens.Claims["acr"] != "1" {
		b.t.Errorf("the ID token says %v", tokens.Claims)
	}
	userinfo := next(b.t, relyingParty, "userinfo").Claims
	if userinfo["sub"] != subject {
		b.t.Errorf("userinfo says %v", userinfo)
	}
	checkRefreshed(b.t, next(b.t, relyingParty, "refresh"), subject)
	if answer := next(b.t, relyingParty, "introspect").Answer; answer["active"] != true || answer["sub"] != subject {
		b.t.Errorf("introspection says %v", answer)
	}
	next(b.t, relyingParty, "revoked")
	finish(b.t, relyingParty)
	return userinfo
}

// agrees lets an application have what it asks for.
func (b browser) agrees(application string) {
	b.t.Helper()
	b.comesTo("the question of "+application, fmt.Sprintf(`document.querySelector("h1")?.textContent === %q && document.readyState === "complete"`, application+" asks for access"))
	b.press("consent-allow")
}

// elsewhereNow waits until the browser is at the upstream.
func (b browser) elsewhereNow(issuer string) {
	b.t.Helper()
	b.comesTo("the upstream", fmt.Sprintf(`location.href.startsWith(%q) && document.readyState === "complete"`, issuer+"/"))
}

// TestLanyardSignsInOverAnotherLanyard, which is a provider like any other to it: whoever
// signs in there has an account here, the same each time. The two have different
// hosts, since cookies know no ports.
func TestLanyardSignsInOverAnotherLanyard(t *testing.T) {
	testkit.Need(t, "node")
	here, port := testkit.FreePort(t), testkit.FreePort(t)
	issuer := fmt.Sprintf("http://127.0.0.1:%d", port)
	seed := filepath.Join(t.TempDir(), "above.yaml")
	text := fmt.Sprintf(`version: 1
tenants:
  - slug: default
    name: Above
    users:
      - {email: hedy@above.test, email_verified: true, name: Hedy Lamarr, password: frequency-hopping-1942}
    clients:
      - {client_id: downstream, client_name: Below, client_secret: %s, redirect_uris: [%q]}
`, upstreamSecret, callback(here))
	if err := os.WriteFile(seed, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	above := testkit.Dev(t, "--listen", fmt.Sprintf("127.0.0.1:%d", port), "--issuer", issuer, "--seed", seed)
	s, b := under(t, here, above.Issuer, ", userinfo: true"), openBrowser(t)

	first := s.signIn(b, func() {
		b.elsewhereNow(issuer)
		b.signIn(testkit.DevUser{Username: "hedy@above.test", Password: "frequency-hopping-1942"})
		b.agrees("Below")
	}, false)
	if first["name"] != "Hedy Lamarr" {
		t.Errorf("the first time userinfo says %v", first)
	}
	b.do("end the session below", chromedp.Navigate(s.server.Issuer+"/account"))
	b.do("open the menu", chromedp.Click(".menu summary", chromedp.ByQuery))
	b.press("account-sign-out")
	if again := s.signIn(b, func() {}, true); again["sub"] != first["sub"] {
		t.Errorf("the second time the person is %v, not %v", again["sub"], first["sub"])
	}
}

// TestLanyardSignsInOverOIDCProvider: somebody else's provider, with its own pages.
func TestLanyardSignsInOverOIDCProvider(t *testing.T) {
	testkit.Need(t, "node")
	here, port := testkit.FreePort(t), testkit.FreePort(t)
	upstream := testkit.Node(t, "oidc-provider.mjs", []string{"--port", fmt.Sprint(port), "--redirect-uri", callback(here)}, "CLIENT_SECRET="+upstreamSecret)
	var said struct{ Issuer string }
	upstream.Next(t, &said)
	issuer := said.Issuer
	s, b := under(t, here, issuer, ", userinfo: true"), openBrowser(t)
	there := func() {
		b.elsewhereNow(issuer)
		b.fill("input[name=login]", "hedy")
		b.fill("input[name=password]", "any will do")
		b.submit("login")
		b.submit("consent")
	}
	first := s.signIn(b, there, false)
	if first["name"] != "Madam hedy" || strings.Contains(fmt.Sprint(first["sub"]), "hedy") {
		t.Errorf("the first time userinfo says %v", first)
	}
	b.forget()
	if again := s.signIn(b, there, true); again["sub"] != first["sub"] {
		t.Errorf("the second time the person is %v, not %v", again["sub"], first["sub"])
	}
}

// submit presses the button of a form of oidc-provider.
func (b browser) submit(prompt string) {
	b.t.Helper()
	b.comesTo("the form "+prompt, fmt.Sprintf(`document.querySelector("input[name=prompt]")?.value === %q && document.readyState === "complete"`, prompt))
	b.do("submit it", chromedp.Click("button[type=submit]", chromedp.ByQuery))
}
