package provider_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
	"github.com/lanyard-id/lanyard/keys"
)

// register changes the stored registration of a client, past the checks that a new one goes through.
func register(t *testing.T, i *idp.IDP, id string, change func(*lanyard.Client)) {
	t.Helper()
	c, err := i.Scope().Client(t.Context(), lanyard.ClientID(id))
	if err != nil {
		t.Fatal(err)
	}
	change(c)
	if err := i.Scope().PutClient(t.Context(), *c); err != nil {
		t.Fatal(err)
	}
	if err := i.Scope().BumpRevision(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// signed makes a token with the keys of the default tenant.
func signed(t *testing.T, i *idp.IDP, typ string, claims map[string]any) string {
	t.Helper()
	stored, err := i.Scope().SigningKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keys.NewRing(i.Scope().TenantID(), stored, i.Sealer)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	text, err := ring.Sign(lanyard.AlgRS256, typ, payload)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestAuthorizationKeepsToTheRegistration: what a client was not registered for it does not get.
func TestAuthorizationKeepsToTheRegistration(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	register(t, i, "post", func(c *lanyard.Client) { c.GrantTypes = []string{lanyard.GrantClientCredentials} })
	wantAway(t, i.Browser().Get(i.Client("post").Authorize(nil)), "unauthorized_client")

	register(t, i, "spa", func(c *lanyard.Client) { c.RequirePKCE = false }) // as an old row may say
	wantAway(t, i.Browser().Get(i.Client("spa").Authorize(one("code_challenge", "", "code_challenge_method", ""))), "invalid_request")

	web := i.Client("web")
	register(t, i, "web", func(c *lanyard.Client) { c.Scope = "openid email read" })
	tokens := web.Tokens(one("scope", "openid email phone offline_access teleport"))
	if tokens.Text("scope") != "openid email" {
		t.Errorf("beyond the ceiling of the client: %q", tokens.Text("scope"))
	}
	if a := web.Refresh(tokens.Text("refresh_token"), one("scope", "openid phone")); a.Text("error") != "invalid_scope" {
		t.Errorf("a refresh beyond the ceiling: %s", a.Raw)
	}
	if a := i.Client("norefresh").Tokens(one("scope", "openid offline_access")); a.Text("scope") != "openid" {
		t.Errorf("offline access without refresh tokens: %q", a.Text("scope"))
	}
	register(t, i, "web", func(c *lanyard.Client) { c.DefaultACRValues = []string{lanyard.ACRDouble} })
	b := i.Browser()
	wantAway(t, b.Press(b.SignIn(web.Authorize(nil), ada, adaPassword), "enrol-skip", nil), "unmet_authentication_requirements")
}

// TestFlowEndsWithTheRegistration: what changes while a person signs in is obeyed
// when the answer is due (ATTACKS.md 1 and 41).
func TestFlowEndsWithTheRegistration(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*lanyard.Client)
		word   string
	}{
		"turned off":                 {func(c *lanyard.Client) { c.Disabled = true }, ""},
		"redirect URI taken away":    {func(c *lanyard.Client) { c.RedirectURIs = []string{"https://app.example.test/new"} }, "redirect_uri"},
		"redirect URI made a script": {func(c *lanyard.Client) { c.RedirectURIs = []string{"javascript:alert(1)"} }, "redirect_uri"},
	} {
		t.Run(name, func(t *testing.T) {
			i := idp.Start(t, idp.Options{})
			b, web := i.Browser(), i.Client("web")
			resume := web.BeforeResume(b)
			register(t, i, "web", c.change)
			wantLocal(t, b.Get(resume), c.word)
		})
	}
}

// TestScriptInAnOldRowIsNeverFollowed is ATTACKS.md 7: registered long ago, refused today.
func TestScriptInAnOldRowIsNeverFollowed(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	b, web := i.Browser(), i.Client("web")
	hint := web.Exchange(web.Code(b, ada, adaPassword, nil), nil).Text("id_token")
	const script = "JaVaScRiPt:alert(1)"
	register(t, i, "web", func(c *lanyard.Client) {
		c.RedirectURIs, c.PostLogoutRedirectURIs = append(c.RedirectURIs, script), []string{script}
	})
	wantLocal(t, b.Get(web.Authorize(one("redirect_uri", script))), "redirect_uri")
	wantLocal(t, b.Get("/oauth/logout?"+one("id_token_hint", hint, "post_logout_redirect_uri", script).Encode()), "post_logout_redirect_uri")
	wantAway(t, b.Get(web.Authorize(one("prompt", "none"))), "") // still signed in
}

// TestPublicClientHasNoSecret: it is known by its id alone, and what looks like another method is refused.
func TestPublicClientHasNoSecret(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	spa := i.Client("spa")
	live := spa.Tokens(nil).Text("refresh_token")
	call := func(path string, form url.Values, user string) idp.Answer {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, i.Issuer+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if user != "" {
			r.SetBasicAuth(user, "")
		}
		answer, _ := i.Do(r)
		return idp.ReadAnswer(t, answer)
	}
	form := one("grant_type", "refresh_token", "refresh_token", live)
	for name, a := range map[string]idp.Answer{
		"a secret":         call("/oauth/token", with(with(form, "client_id", "spa"), "client_secret", "x"), ""),
		"basic":            call("/oauth/token", form, "spa"),
		"an assertion":     call("/oauth/token", with(with(form, "client_id", "spa"), "client_assertion", "x"), ""),
		"a type of one":    call("/oauth/token", with(with(form, "client_id", "spa"), "client_assertion_type", "x"), ""),
		"NUL in the id":    call("/oauth/token", form, "spa%00"),
		"no id":            call("/oauth/token", form, ""),
		"basic without id": call("/oauth/token", form, "%20"),
	} {
		t.Run(name, func(t *testing.T) { wantError(t, a, http.StatusUnauthorized, "invalid_client") })
	}
	both := with(with(form, "client_id", "spa"), "client_assertion", "x")
	wantError(t, call("/oauth/token", with(both, "client_secret", "x"), ""), http.StatusBadRequest, "invalid_request")
	register(t, i, "spa", func(c *lanyard.Client) { c.Disabled = true })
	wantError(t, spa.Refresh(live, nil), http.StatusUnauthorized, "invalid_client")
	register(t, i, "spa", func(c *lanyard.Client) { c.Disabled = false })
	if a := spa.Refresh(live, nil); a.Status != http.StatusOK {
		t.Errorf("a refused try cost the token: %s", a.Raw)
	}
}

// TestParametersWithoutAValueAreLeftOut is RFC 6749 §3.2, and what an endpoint does not know it ignores.
func TestParametersWithoutAValueAreLeftOut(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	machine := i.Client("machine")
	form := one("grant_type", "client_credentials", "client_assertion", "", "client_secret", "", "resource", "", "scope", "")
	if a := machine.Call("/oauth/token", form); a.Status != http.StatusOK {
		t.Errorf("empty parameters: %d %s", a.Status, a.Raw)
	}
	for _, path := range []string{"/oauth/introspect", "/oauth/revoke"} {
		if a := machine.Call(path, one("token", "x", "grant_type", "password")); a.Status != http.StatusOK {
			t.Errorf("%s with a grant type: %d %s", path, a.Status, a.Raw)
		}
		wantError(t, machine.Call(path, one("token", "")), http.StatusBadRequest, "invalid_request")
		wantError(t, machine.Call(path, one("token", "x", "client_secret", machine.Secret)), http.StatusBadRequest, "invalid_request")
	}
}

// TestWhatIsKeptOfARequestIsBounded: long lists and hints are cut, a long nonce is refused.
func TestWhatIsKeptOfARequestIsBounded(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	b, web := i.Browser(), i.Client("web")
	wantAway(t, b.Get(web.Authorize(one("nonce", strings.Repeat("n", 4097)))), "invalid_request")
	page := b.Get(web.Authorize(one("login_hint", strings.Repeat("h", 1000), "acr_values", strings.Repeat("1 ", 100), "ui_locales", strings.Repeat("de ", 100))))
	kept, err := i.Scope().AuthRequest(t.Context(), lanyard.AuthRequestID(page.URL.Query().Get("request")))
	if err != nil {
		t.Fatal(err)
	}
	if p := kept.Params; len(p.LoginHint) != 254 || len(p.ACRValues) != 16 || len(p.UILocales) != 16 {
		t.Errorf("kept a hint of %d, %d levels and %d languages", len(p.LoginHint), len(p.ACRValues), len(p.UILocales))
	}
	third := i.Client("third")
	page = b.Get(third.Authorize(one("scope", "openid teleport")))
	kept, err = i.Scope().AuthRequest(t.Context(), lanyard.AuthRequestID(page.URL.Query().Get("request")))
	if err != nil || kept.Params.Scopes.String() != "openid" {
		t.Errorf("a scope that nobody knows is kept: %q (%v)", kept.Params.Scopes, err)
	}
	web.Code(b, ada, adaPassword, nil)
	wantAway(t, b.Get(web.Authorize(one("prompt", "none", "max_age", "9223372036854775807"))), "")
	wantAway(t, b.Get(web.Authorize(one("prompt", "none", "max_age", "9223372036854775808"))), "invalid_request")
}

// TestTraceFloodIsBounded: strangers make the server write so many traces a second.
func TestTraceFloodIsBounded(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	b, web := i.Browser(), i.Client("web")
	for range 50 {
		wantLocal(t, b.Get(web.Authorize(one("redirect_uri", "https://evil.example/cb"))), "redirect_uri")
	}
	if n, err := i.Store.CountRows(t.Context(), "refusals"); err != nil || n == 0 || n > 20 {
		t.Errorf("50 refusals left %d traces (%v)", n, err)
	}
	i.Clock.Advance(time.Second)
	page := b.Get(web.Authorize(one("redirect_uri", "https://evil.example/cb")))
	if _, err := i.Scope().Refusal(t.Context(), page.Header.Get("X-Request-Id")); err != nil {
		t.Errorf("a second later: %v", err)
	}
}

// TestOwnSignatureIsNotEnough: a token that our keys signed counts only for this
// issuer and with a subject. A tenant that moved to another host has such ones.
func TestOwnSignatureIsNotEnough(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	b, web := i.Browser(), i.Client("web")
	tokens := web.Exchange(web.Code(b, ada, adaPassword, one("scope", "openid read", "resource", "https://api.example.test/")), nil)
	changed := func(token, typ, name string, value any) string {
		claims := idp.Claims(t, token)
		claims[name] = value
		return signed(t, i, typ, claims)
	}
	id, access := tokens.Text("id_token"), tokens.Text("access_token")
	if page := b.Get(web.Authorize(one("prompt", "none", "id_token_hint", changed(id, keys.TypeIDToken, "x", "y")))); page.Away == nil || page.Away.Query().Get("code") == "" {
		t.Fatalf("a hint signed by the test: %s, away %v", page, page.Away)
	}
	for name, hint := range map[string]string{
		"another issuer": changed(id, keys.TypeIDToken, "iss", "https://old.example.test"), "no subject": changed(id, keys.TypeIDToken, "sub", ""),
		"access token": changed(id, keys.TypeAccessToken, "x", "y"), "logout token": changed(id, "logout+jwt", "x", "y"),
	} {
		wantAway(t, b.Get(web.Authorize(one("id_token_hint", hint))), "invalid_request")
		if page := b.Get("/oauth/logout?" + one("id_token_hint", hint).Encode()); page.Status != http.StatusBadRequest {
			t.Errorf("logout took a hint with %s: %s", name, page)
		}
	}
	introspect := func(token string) bool {
		return web.Call("/oauth/introspect", one("token", token)).Body["active"] == true
	}
	if !introspect(changed(access, keys.TypeAccessToken, "x", "y")) {
		t.Fatal("an access token signed by the test is inactive")
	}
	grant, _, _ := strings.Cut(idp.Claims(t, access)["jti"].(string), ".")
	for name, token := range map[string]string{
		"another issuer": changed(access, keys.TypeAccessToken, "iss", "https://old.example.test"),
		"another client": changed(access, keys.TypeAccessToken, "client_id", "third"),
		"an ID token":    changed(access, keys.TypeIDToken, "x", "y"),
		"no grant":       changed(access, keys.TypeAccessToken, "jti", "gra_unknown.x"),
		"an odd jti":     changed(access, keys.TypeAccessToken, "jti", grant),
		"its end":        changed(access, keys.TypeAccessToken, "exp", i.Clock.Now().Unix()),
	} {
		if introspect(token) || i.Client("third").Call("/oauth/introspect", one("token", token)).Body["active"] != false {
			t.Errorf("a token with %s is active", name)
		}
	}
}

// TestUserinfoNeedsScopeAndAudience: each of them alone opens nothing.
func TestUserinfoNeedsScopeAndAudience(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	web := i.Client("web")
	tokens := web.Tokens(one("scope", "openid read", "resource", "https://api.example.test/"))
	grant, _, _ := strings.Cut(idp.Claims(t, tokens.Text("access_token"))["jti"].(string), ".")
	for name, c := range map[string]struct {
		scope, audience string
		want            int
	}{
		"both": {"openid", i.Issuer, 200}, "audience alone": {"email", i.Issuer, 403}, "scope alone": {"openid", "https://api.example.test/", 403},
		"another tenant's": {"openid", i.Issuer + "/t/acme", 403},
	} {
		token := "at_" + strings.ReplaceAll(name, " ", "-")
		err := i.Scope().InsertAccessToken(t.Context(), lanyard.AccessToken{
			Hash: lanyard.SecretOf(token).Hash(), GrantID: lanyard.GrantID(grant), ClientID: "web", Scopes: lanyard.Scopes{c.scope},
			Audience: []string{c.audience}, CreatedAt: i.Clock.Now(), ExpiresAt: i.Clock.Now().Add(time.Minute),
		})
		if err != nil {
			t.Fatal(err)
		}
		if a := web.Userinfo(token); a.Status != c.want {
			t.Errorf("%s: %d %s", name, a.Status, a.Raw)
		}
	}
	register(t, i, "web", func(c *lanyard.Client) { c.Disabled = true })
	if a := web.Userinfo("at_both"); a.Status != http.StatusUnauthorized {
		t.Errorf("the token of a client that was turned off: %d", a.Status)
	}
}
