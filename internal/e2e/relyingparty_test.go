package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/internal/testkit"
)

// step is one line of openid-client.mjs.
type step struct {
	Event  string         `json:"event"`
	URL    string         `json:"url"`
	Claims map[string]any `json:"claims"`

	// of "tokens"
	Method       string `json:"method"`
	Scope        string `json:"scope"`
	TokenType    string `json:"token_type"`
	RefreshToken bool   `json:"refresh_token"`

	// of "refresh"
	Rotated        bool `json:"rotated"`
	NewAccessToken bool `json:"new_access_token"`

	Answer map[string]any `json:"answer"` // of "introspect"

	// of "signed-out"
	Path         string `json:"path"`
	StateMatches bool   `json:"state_matches"`

	// of "after": the errors of both
	Refresh  string `json:"refresh"`
	Userinfo string `json:"userinfo"`
}

func next(t *testing.T, relyingParty *testkit.Process, event string) step {
	t.Helper()
	var s step
	relyingParty.Next(t, &s)
	if s.Event != event {
		t.Fatalf("the relying party is at %q, want %q", s.Event, event)
	}
	return s
}

// app is a client of the seed and how openid-client is to behave as it.
type app struct {
	client testkit.DevClient
	args   []string
}

func startOpenIDClient(t *testing.T, server *testkit.DevServer, a app) *testkit.Process {
	t.Helper()
	args := append([]string{
		"--issuer", server.Issuer,
		"--client-id", a.client.ID,
		"--redirect-uri", a.client.RedirectURIs[0]}, a.args...)
	return testkit.Node(t, "openid-client.mjs", args, "CLIENT_SECRET="+a.client.Secret)
}

// The whole life of a session at a client that somebody else wrote: sign-in with
// consent, tokens, userinfo, refresh, introspection, sign-out at the provider.
// What works afterwards is what the person has agreed to.
func TestOpenIDClientSignsInAndOut(t *testing.T) {
	for name, c := range map[string]struct {
		scope, refresh, userinfo string
	}{
		"tokens end with the session":      {"openid profile email", "invalid_grant", "invalid_token"},
		"offline access survives sign-out": {"openid profile email offline_access", accepted, accepted},
	} {
		t.Run(name, func(t *testing.T) {
			after := signInAndOut(t, c.scope)
			if after.Refresh != c.refresh || after.Userinfo != c.userinfo {
				t.Errorf("afterwards the refresh says %q and userinfo %q", after.Refresh, after.Userinfo)
			}
		})
	}
}

// What openid-client.mjs says when a step that may fail did not.
const accepted = "nothing: it was accepted"

func signInAndOut(t *testing.T, scope string) step {
	testkit.Need(t, "node")
	base := fmt.Sprintf("http://localhost:%d", testkit.FreePort(t))
	server := testkit.Dev(t, "--seed", writeSeed(t, base))
	relyingParty := startOpenIDClient(t, server, app{
		client: server.Client(t, "shop"),
		args:   []string{"--scope", scope, "--post-logout-redirect-uri", base + "/signed-out"},
	})
	person := openBrowser(t)

	person.open(next(t, relyingParty, "authorize").URL)
	person.signIn(server.Users[0])
	person.click("consent-allow")
	if got := person.sees("#app"); got != "/callback" {
		t.Errorf("the person came back to %q", got)
	}

	tokens := next(t, relyingParty, "tokens")
	subject := checkSignedIn(t, tokens, "GET")
	if tokens.Scope != scope {
		t.Errorf("the granted scope is %q, want %q", tokens.Scope, scope)
	}
	userinfo := next(t, relyingParty, "userinfo").Claims
	want := map[string]any{"sub": subject, "email": "grace@example.test", "email_verified": true,
		"name": "Grace Hopper", "given_name": "Grace", "family_name": "Hopper", "updated_at": userinfo["updated_at"]}
	if diff := cmp.Diff(want, userinfo); diff != "" {
		t.Errorf("userinfo (-want +got):\n%s", diff)
	}
	checkRefreshed(t, next(t, relyingParty, "refresh"), subject)
	if answer := next(t, relyingParty, "introspect").Answer; answer["active"] != true || answer["client_id"] != "shop" || answer["sub"] != subject {
		t.Errorf("introspection says %v", answer)
	}

	// The ID token tells whose session ends, so nobody is asked.
	person.open(next(t, relyingParty, "logout").URL)
	if got := person.sees("#app"); got != "/signed-out" {
		t.Errorf("the person came back to %q", got)
	}
	if s := next(t, relyingParty, "signed-out"); s.Path != "/signed-out" || !s.StateMatches {
		t.Errorf("the sign-out came back as %+v", s)
	}
	after := finish(t, relyingParty)
	if got := person.askAgain(server, base+"/callback"); got != "login" {
		t.Errorf("after the sign-out the provider shows %q", got)
	}
	return after
}

// The built-in first-party client needs no consent; here the answer comes by
// form_post, the secret in the body, and the tokens are handed back at the end.
func TestOpenIDClientRevokes(t *testing.T) {
	testkit.Need(t, "node")
	redirect := fmt.Sprintf("http://127.0.0.1:%d/callback", testkit.FreePort(t))
	server := testkit.Dev(t, "--redirect", redirect)
	web := server.Client(t, "web")
	if !slices.Contains(web.RedirectURIs, redirect) {
		t.Fatalf("--redirect was not taken: %v", web.RedirectURIs)
	}
	web.RedirectURIs = []string{redirect}
	relyingParty := startOpenIDClient(t, server, app{
		client: web,
		args:   []string{"--auth", "post", "--response-mode", "form_post"},
	})
	person := openBrowser(t)

	person.open(next(t, relyingParty, "authorize").URL)
	person.signIn(server.Users[0])
	if got := person.sees("#app"); got != "/callback" {
		t.Errorf("the person came back to %q", got)
	}
	tokens := next(t, relyingParty, "tokens")
	subject := checkSignedIn(t, tokens, "POST")
	if tokens.Claims["email"] != "ada@example.test" {
		t.Errorf("the ID token of a client with claims_in_id_token has the claims %v", tokens.Claims)
	}
	if got := next(t, relyingParty, "userinfo").Claims["email"]; got != "ada@example.test" {
		t.Errorf("userinfo has the address %v", got)
	}
	checkRefreshed(t, next(t, relyingParty, "refresh"), subject)
	next(t, relyingParty, "introspect")
	next(t, relyingParty, "revoked")
	if after := finish(t, relyingParty); after.Refresh != "invalid_grant" || after.Userinfo != "invalid_token" {
		t.Errorf("afterwards the refresh says %q and userinfo %q", after.Refresh, after.Userinfo)
	}
}

func checkSignedIn(t *testing.T, s step, method string) (subject string) {
	t.Helper()
	if s.Method != method || !strings.EqualFold(s.TokenType, "Bearer") || !s.RefreshToken {
		t.Errorf("the sign-in ended as %+v", s)
	}
	for _, claim := range []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash"} {
		if s.Claims[claim] == nil {
			t.Errorf("the ID token has no %s", claim)
		}
	}
	subject, _ = s.Claims["sub"].(string)
	return subject
}

func checkRefreshed(t *testing.T, s step, subject string) {
	t.Helper()
	if !s.Rotated || !s.NewAccessToken {
		t.Errorf("the refresh ended as %+v", s)
	}
	if s.Claims != nil && s.Claims["sub"] != subject {
		t.Errorf("after the refresh the subject is %v", s.Claims["sub"])
	}
}

// finish reads the last step and waits for the end.
func finish(t *testing.T, relyingParty *testkit.Process) step {
	t.Helper()
	after := next(t, relyingParty, "after")
	if code := relyingParty.Wait(t); code != 0 {
		t.Errorf("the relying party ended with %d", code)
	}
	return after
}

// askAgain sends the browser to sign in once more and tells what it is shown:
// "login" for the form, or the address it was sent to.
func (b browser) askAgain(server *testkit.DevServer, redirect string) string {
	b.t.Helper()
	query := url.Values{
		"client_id": {"shop"}, "redirect_uri": {redirect}, "response_type": {"code"}, "scope": {"openid"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}
	b.open(server.Issuer + "/oauth/authorize?" + query.Encode())
	var form bool
	b.do("look for the form", chromedp.Evaluate(`document.querySelector('input[name="username"]') !== null`, &form))
	if form {
		return "login"
	}
	return b.address()
}

// writeSeed writes a seed file with one person and two clients of third parties,
// one with a secret and one without, at the given address.
func writeSeed(t *testing.T, base string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "seed.yaml")
	text := fmt.Sprintf(`version: 1
tenants:
  - slug: default
    name: Test
    policy: {sign_up: open, email_code: true}
    users:
      - email: grace@example.test
        email_verified: true
        name: Grace Hopper
        given_name: Grace
        family_name: Hopper
        password: nanoseconds-of-wire-1906
    clients:
      - client_id: shop
        client_name: Shop
        type: web
        client_secret: the-shop-has-a-secret-of-forty-characters
        redirect_uris: [%[1]s/callback]
        post_logout_redirect_uris: [%[1]s/signed-out]
      - client_id: page
        client_name: Page
        type: spa
        token_endpoint_auth_method: none
        redirect_uris: [%[1]s/callback]
        post_logout_redirect_uris: [%[1]s/signed-out]
`, base)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// waitFor returns when an address answers 200.
func waitFor(t *testing.T, address string) {
	t.Helper()
	for range 600 {
		answer, err := http.Get(address)
		if err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s does not answer", address)
}
