package provider_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

func contains(s, word string) bool { return strings.Contains(s, word) }

// rows counts the authorization requests of the default tenant that exist.
func requests(t *testing.T, i *idp.IDP) int64 {
	t.Helper()
	n, err := i.Store.CountRows(t.Context(), "auth_requests")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestUnregisteredRedirectIsNeverFollowed is ATTACKS.md 1, 2 and 8, PROTOCOL.md B-27.
func TestUnregisteredRedirectIsNeverFollowed(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	b, web := i.Browser(), i.Client("web")
	for _, uri := range []string{
		"https://evil.example/cb", "https://app.example.test.evil.tld/cb", "https://app.example.test@evil.tld/cb",
		"https://a@b@evil.tld/cb", `https://app.example.test\@evil.tld/cb`, "https://app.example.test:443/cb", "https://app.example.test/cb/",
		"https://app.example.test/cb?x=1", "https://app.example.test/cb#f", "https://app.example.test/CB", "https://app.example.test/cb/../x",
		"https://app.example.test/cb/..;/x", "https://app.example.test/cb%2f", "https://app.example.test/cb%2F", "HTTPS://app.example.test/cb",
		"https://APP.example.test/cb", "https://app.example.test/cb ", " https://app.example.test/cb", "https://app.exаmple.test/cb",
		"https://app.example.test/cb/extra", "https://app.example.test/c", "https://app.example.test//cb", "https:/app.example.test/cb",
		"//app.example.test/cb", "/cb", "http://app.example.test/cb", "javascript:alert(1)", "https://app.example.test/%63b",
		"https://app.example.test./cb", "https://user:pw@app.example.test/cb", "https://app.example.test/cb?", "https://app.example.test/cb\t",
		"https://app.example.test/cb2", "https://app.example.test/cb2?dummy=lorem&x=1", "https://third.example.test/cb",
		"https://app.example.test/cb%00", "data:text/html,x", "http://127.0.0.1/cb",
	} {
		page := b.Get(web.Authorize(one("redirect_uri", uri)))
		wantLocal(t, page, "redirect_uri")
		if t.Failed() {
			t.Fatalf("redirect_uri %q", uri)
		}
	}
	wantLocal(t, b.Get(web.Authorize(one("redirect_uri", ""))), "redirect_uri")
	if n := requests(t, i); n != 0 {
		t.Errorf("%d authorization requests were stored", n)
	}
}

// TestUnknownClientGetsTheSamePage is ATTACKS.md 199 at this endpoint.
func TestUnknownClientGetsTheSamePage(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	b, web := i.Browser(), i.Client("web")
	var bodies []string
	for _, id := range []string{"nobody", "off", "usr_0", strings.Repeat("x", 5000), "a'; DROP TABLE clients;--", "third\x00"} {
		page := b.Get(web.Authorize(one("client_id", id, "redirect_uri", "https://off.example.test/cb")))
		if id == "third\x00" {
			if page.Status != http.StatusBadRequest {
				t.Errorf("a NUL answered %d", page.Status)
			}
			continue
		}
		wantLocal(t, page, "client_id")
		bodies = append(bodies, strings.ReplaceAll(page.Body, page.Header.Get("X-Request-Id"), ""))
	}
	for _, body := range bodies[1:] {
		if body != bodies[0] {
			t.Error("an unknown client can be told from a disabled one")
		}
	}
	wantLocal(t, b.Get(web.Authorize(one("client_id", ""))), "client_id")
}

// TestRepeatedParametersAreRefused is ATTACKS.md 4 and 5.
func TestRepeatedParametersAreRefused(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	b, web := i.Browser(), i.Client("web")
	for _, name := range []string{"redirect_uri", "client_id", "scope", "state", "nonce", "response_type", "code_challenge", "prompt"} {
		for _, values := range [][]string{{"x", web.Request(nil).Get(name)}, {web.Request(nil).Get(name), "x"}} {
			q := web.Request(nil)
			q[name] = values
			page := b.Get("/oauth/authorize?" + q.Encode())
			if page.Status != http.StatusBadRequest || page.Away != nil {
				t.Errorf("%s twice: %s, away %v", name, page, page.Away)
			}
		}
	}
	page := b.PostFrom("/oauth/authorize?client_id=web", i.Client("third").Request(nil), nil)
	if page.Status != http.StatusBadRequest || page.Away != nil {
		t.Errorf("query and body disagree: %s", page)
	}
	if n := requests(t, i); n != 0 {
		t.Errorf("%d authorization requests were stored", n)
	}
}

// TestErrorsGoBackToTheClient covers PROTOCOL.md C-5, C-7, B-2, B-29 to B-31 and
// ATTACKS.md 10, 11, 16, 17, 20, 25, 26.
func TestErrorsGoBackToTheClient(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	b := i.Browser()
	longState := strings.Repeat("s", 128)
	for _, c := range []struct {
		name, client, want string
		more               url.Values
	}{
		{"B-2 no response_type", "web", "invalid_request", one("response_type", "")},
		{"implicit", "web", "unsupported_response_type", one("response_type", "token")},
		{"hybrid", "web", "unsupported_response_type", one("response_type", "code id_token")},
		{"10 no PKCE, confidential", "web", "invalid_request", one("code_challenge", "", "code_challenge_method", "")},
		{"10 no PKCE, public", "spa", "invalid_request", one("code_challenge", "", "code_challenge_method", "")},
		{"11 plain", "web", "invalid_request", one("code_challenge_method", "plain")},
		{"11 no method", "web", "invalid_request", one("code_challenge_method", "")},
		{"11 s256", "web", "invalid_request", one("code_challenge_method", "s256")},
		{"11 S512", "web", "invalid_request", one("code_challenge_method", "S512")},
		{"11 short challenge", "web", "invalid_request", one("code_challenge", "short")},
		{"11 method alone", "nopkce", "invalid_request", one("code_challenge", "")},
		{"16 web_message", "web", "invalid_request", one("response_mode", "web_message")},
		{"16 fragment", "web", "invalid_request", one("response_mode", "fragment")},
		{"B-30 request", "web", "request_not_supported", one("request", "eyJhbGciOiJub25lIn0.e30.")},
		{"B-29 request_uri", "web", "request_uri_not_supported", one("request_uri", "http://169.254.169.254/")},
		{"registration", "web", "registration_not_supported", one("registration", "{}")},
		{"scope", "web", "invalid_scope", one("scope", "openid \x01")},
		{"prompt", "web", "invalid_request", one("prompt", "maybe")},
		{"20 none login", "web", "invalid_request", one("prompt", "none login")},
		{"B-16 none", "web", "login_required", one("prompt", "none")},
		{"max_age", "web", "invalid_request", one("max_age", "-1")},
		{"max_age text", "web", "invalid_request", one("max_age", "soon")},
		{"claims", "web", "invalid_request", one("claims", "{")},
		{"hint", "web", "invalid_request", one("id_token_hint", "eyJhbGciOiJub25lIn0.e30.")},
		{"resource fragment", "web", "invalid_target", one("resource", "https://api.example.test/#x")},
		{"resource relative", "web", "invalid_target", one("resource", "api")},
		{"resource unknown", "web", "invalid_target", one("resource", "https://unknown.example.test/")},
		{"long state", "web", "invalid_request", one("state", strings.Repeat("s", 5000))},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !c.more.Has("state") {
				c.more.Set("state", longState)
			}
			page := b.Get(i.Client(c.client).Authorize(c.more))
			wantAway(t, page, c.want)
			q := page.Away.Query()
			if state := q.Get("state"); len(c.more.Get("state")) < 4096 && state != c.more.Get("state") {
				t.Errorf("C-7: state is %q", state)
			}
			if q.Get("iss") != i.Issuer {
				t.Errorf("17: iss is %q", q.Get("iss"))
			}
			for name := range q {
				if !contains("error error_description error_uri state session_state iss", name) {
					t.Errorf("C-7: the answer carries %s", name)
				}
			}
			for _, r := range q.Get("error_description") {
				if r < 0x20 || r > 0x7e || r == '"' || r == '\\' {
					t.Errorf("error_description has %q", r)
				}
			}
			if got := page.Away.Scheme + "://" + page.Away.Host + page.Away.Path; got != i.Client(c.client).Redirect {
				t.Errorf("C-4: delivered to %s", got)
			}
		})
	}
	if n := requests(t, i); n != 0 {
		t.Errorf("%d authorization requests were stored", n)
	}
}

// TestHarmlessParametersChangeNothing is PROTOCOL.md B-6, B-14, B-20, B-22, B-23, B-24, B-32 and B-34.
func TestHarmlessParametersChangeNothing(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	for _, c := range []struct {
		name, client string
		more         url.Values
	}{
		{"B-6 no nonce, no PKCE", "nopkce", one("nonce", "", "code_challenge", "", "code_challenge_method", "")},
		{"B-14 display page", "web", one("display", "page")},
		{"B-14 display popup", "web", one("display", "popup")},
		{"B-20 unknown parameter", "web", one("extra", "foobar")},
		{"B-22 login_hint", "web", one("login_hint", "buffy@localhost")},
		{"B-23 ui_locales", "web", one("ui_locales", "se", "claims_locales", "se")},
		{"B-24 acr_values", "web", one("acr_values", "1 2")},
		{"B-32 claims", "web", one("claims", `{"userinfo":{"name":{"essential":true}}}`)},
		{"unknown scope", "web", one("scope", "openid teleport")},
		{"query of the redirect URI", "web", one("redirect_uri", "https://app.example.test/cb2?dummy=lorem")},
		{"no state", "web", one("state", "")},
		{"max_age", "web", one("max_age", "15000")},
		{"empty values", "web", one("ui_locales", " ")},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := i.Client(c.client)
			page := i.Browser().SignIn(client.Authorize(c.more), ada, adaPassword)
			wantAway(t, page, "")
			q := page.Away.Query()
			if q.Get("code") == "" || q.Get("iss") != i.Issuer || q.Get("state") != client.Request(c.more).Get("state") {
				t.Fatalf("the client got %s", page.Away)
			}
			if c.name == "query of the redirect URI" && q.Get("dummy") != "lorem" {
				t.Errorf("C-4: the query of the redirect URI is lost: %s", page.Away)
			}
			exchange := url.Values{}
			if c.more.Has("redirect_uri") {
				exchange.Set("redirect_uri", c.more.Get("redirect_uri"))
			}
			if c.more.Has("code_challenge") {
				exchange["code_verifier"] = nil
			}
			tokens := client.Exchange(q.Get("code"), exchange)
			claims := idp.Claims(t, tokens.Text("id_token"))
			if want, asked := client.Request(c.more).Get("nonce"), claims["nonce"]; (want == "") != (asked == nil) || (want != "" && asked != want) {
				t.Errorf("C-10: nonce is %v, sent %q", asked, want)
			}
			if claims["acr"] != "1" {
				t.Errorf("B-24: acr is %v", claims["acr"])
			}
			info := client.Userinfo(tokens.Text("access_token"))
			if _, named := info.Body["name"]; named != contains(c.more.Get("claims"), "name") {
				t.Errorf("B-32: userinfo says %s", info.Raw)
			}
			if claims["name"] != nil {
				t.Error("B-32: the name leaks into the ID token")
			}
		})
	}
}

// TestSessionsAnswerSilently is PROTOCOL.md B-15 to B-19 and B-21, ATTACKS.md 22 and 23.
func TestSessionsAnswerSilently(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	b, web := i.Browser(), i.Client("web")
	first := idp.Claims(t, web.Exchange(web.Code(b, ada, adaPassword, one("max_age", "15000")), nil).Text("id_token"))
	again := func(more url.Values) map[string]any {
		t.Helper()
		page := b.Get(web.Authorize(more))
		wantAway(t, page, "")
		tokens := web.Exchange(page.Away.Query().Get("code"), nil)
		if tokens.Status != http.StatusOK {
			t.Fatal(tokens.Raw)
		}
		return idp.Claims(t, tokens.Text("id_token"))
	}
	i.Clock.Advance(5 * time.Second)
	for name, more := range map[string]url.Values{
		"B-17": one("prompt", "none"), "B-19": one("max_age", "10000"),
		"B-21": one("prompt", "none", "id_token_hint", web.Exchange(web.Code(b, ada, adaPassword, nil), nil).Text("id_token")),
		"hint": one("login_hint", ada),
	} {
		claims := again(more)
		if claims["sub"] != first["sub"] || claims["auth_time"] != first["auth_time"] || claims["sid"] != first["sid"] {
			t.Errorf("%s: %v, at first %v", name, claims, first)
		}
	}
	for name, more := range map[string]url.Values{"B-15": one("prompt", "login"), "B-18": one("max_age", "1"), "max_age 0": one("max_age", "0")} {
		i.Clock.Advance(3 * time.Second)
		page := b.Get(web.Authorize(more))
		if !page.Has("login-submit") {
			t.Fatalf("%s shows %s", name, page)
		}
		page = b.Walk(page, ada, adaPassword)
		wantAway(t, page, "")
		claims := idp.Claims(t, web.Exchange(page.Away.Query().Get("code"), nil).Text("id_token"))
		if claims["auth_time"].(float64) <= first["auth_time"].(float64) || claims["sid"] != first["sid"] {
			t.Errorf("%s: %v, at first %v", name, claims, first)
		}
		first = claims
	}
	t.Run("22 level", func(t *testing.T) {
		for _, more := range []url.Values{one("acr_values", "2"), one("claims", `{"id_token":{"acr":{"essential":true,"value":"phr"}}}`)} {
			wantAway(t, b.Press(b.Get(web.Authorize(more)), "enrol-skip", nil), "unmet_authentication_requirements")
			more.Set("prompt", "none")
			wantAway(t, b.Get(web.Authorize(more)), "interaction_required")
		}
	})
	t.Run("23 another person's hint", func(t *testing.T) {
		hint := web.Exchange(web.Code(i.Browser(), bob, bobPassword, nil), nil).Text("id_token")
		wantAway(t, b.Get(web.Authorize(one("prompt", "none", "id_token_hint", hint))), "login_required")
		wantAway(t, b.Get(web.Authorize(one("prompt", "none", "claims", `{"id_token":{"sub":{"value":"bob-subject"}}}`))), "login_required")
		page := b.SignIn(web.Authorize(one("id_token_hint", hint)), ada, adaPassword)
		wantAway(t, page, "login_required")
	})
}

// TestAuthorizationByPost is PROTOCOL.md B-28: a form does what a GET does, even without the cookies.
func TestAuthorizationByPost(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	b, web := i.Browser(), i.Client("web")
	page := b.PostFrom("/oauth/authorize", web.Request(nil), http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://app.example.test"}})
	page = b.Walk(page, ada, adaPassword)
	wantAway(t, page, "")
	if tokens := web.Exchange(page.Away.Query().Get("code"), nil); tokens.Status != http.StatusOK {
		t.Error(tokens.Raw)
	}
	wantAway(t, b.PostFrom("/oauth/authorize", web.Request(one("prompt", "none")), nil), "")
	wantAway(t, i.Browser().PostFrom("/oauth/authorize", web.Request(one("prompt", "none")), nil), "login_required")
}

// TestFormPost is PROTOCOL.md P-1 to P-3 and ATTACKS.md 19.
func TestFormPost(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	b, web := i.Browser(), i.Client("web")
	nasty := `"><script>alert(1)</script>`
	check := func(page *idp.Page, want string) url.Values {
		t.Helper()
		if page.Away != nil || page.Status != http.StatusOK {
			t.Fatalf("the answer is %s, away %v", page, page.Away)
		}
		f := b.Form(page, "form-post-submit")
		if f.Action != web.Redirect || !strings.EqualFold(f.Method, "post") {
			t.Errorf("the form goes to %s by %s", f.Action, f.Method)
		}
		if !f.Values.Has(want) || f.Values.Get("state") != nasty || f.Values.Get("iss") != i.Issuer {
			t.Errorf("the form carries %v", f.Values)
		}
		if contains(page.Body, "<script>alert") || contains(page.Body, "onload=") {
			t.Error("the page has script of its own, or of the state")
		}
		csp := page.Header.Get("Content-Security-Policy")
		if !contains(csp, "frame-ancestors 'none'") || !contains(csp, "form-action https://app.example.test") || contains(csp, "unsafe") {
			t.Errorf("Content-Security-Policy: %s", csp)
		}
		if !contains(page.Header.Get("Cache-Control"), "no-store") {
			t.Error("the page may be stored")
		}
		return f.Values
	}
	mode := one("response_mode", "form_post", "state", nasty)
	values := check(b.SignIn(web.Authorize(mode), ada, adaPassword), "code")
	if tokens := web.Exchange(values.Get("code"), nil); tokens.Status != http.StatusOK {
		t.Error(tokens.Raw)
	}
	mode.Set("prompt", "none")
	if v := check(i.Browser().Get(web.Authorize(mode)), "error"); v.Get("error") != "login_required" {
		t.Errorf("P-2: %v", v)
	}
	mode.Set("response_type", "")
	if v := check(b.Get(web.Authorize(mode)), "error"); v.Get("error") != "invalid_request" {
		t.Errorf("P-2: %v", v)
	}
}

// TestRefusalsLeaveATrace finds the refusal of a request by its id.
func TestRefusalsLeaveATrace(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	page := i.Browser().Get(i.Client("web").Authorize(one("redirect_uri", "https://evil.example/cb")))
	trace, err := i.Scope().Refusal(t.Context(), page.Header.Get("X-Request-Id"))
	if err != nil {
		t.Fatal(err)
	}
	if trace.Code != "bad_redirect_uri" || trace.Detail["redirect_uri"] != "https://evil.example/cb" || !contains(trace.Detail["registered"], "app.example.test/cb") {
		t.Errorf("the trace says %+v", trace)
	}
	if contains(page.Body, "evil.example") || contains(page.Body, "app.example.test") {
		t.Error("a stranger is told what was expected")
	}
	if !contains(i.Log.String(), page.Header.Get("X-Request-Id")) {
		t.Error("the log does not know the request id")
	}
}
