package provider_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

// TestRelyingPartyInitiatedLogout is PROTOCOL.md L-1 to L-8, ATTACKS.md 220 and 221.
func TestRelyingPartyInitiatedLogout(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	web := i.Client("web")
	const bye = "https://app.example.test/bye"
	start := func() (*idp.Browser, string) {
		b := i.Browser()
		return b, web.Exchange(web.Code(b, ada, adaPassword, nil), nil).Text("id_token")
	}
	out := func(b *idp.Browser, q url.Values) *idp.Page { return b.Get("/oauth/logout?" + q.Encode()) }
	signedIn := func(b *idp.Browser) bool {
		return b.Get(web.Authorize(one("prompt", "none"))).Away.Query().Get("error") == ""
	}
	state := strings.Repeat("s", 128)
	t.Run("L-2", func(t *testing.T) {
		b, hint := start()
		page := out(b, one("id_token_hint", hint, "post_logout_redirect_uri", bye, "state", state))
		if page.Away == nil || page.Away.String() != bye+"?state="+state {
			t.Errorf("sent to %v", page.Away)
		}
		if signedIn(b) {
			t.Error("still signed in")
		}
	})
	t.Run("L-3", func(t *testing.T) {
		b, hint := start()
		page := out(b, one("id_token_hint", hint, "post_logout_redirect_uri", bye))
		if page.Away == nil || page.Away.String() != bye || signedIn(b) {
			t.Errorf("sent to %v", page.Away)
		}
	})
	t.Run("by POST from the relying party", func(t *testing.T) {
		b, hint := start()
		page := b.PostFrom("/oauth/logout", one("id_token_hint", hint, "post_logout_redirect_uri", bye, "state", state), http.Header{"Sec-Fetch-Site": {"cross-site"}})
		if page.Away == nil || page.Away.String() != bye+"?state="+state || signedIn(b) {
			t.Errorf("sent to %v", page.Away)
		}
	})
	t.Run("expired hint of a retired key", func(t *testing.T) {
		b, hint := start()
		i.Clock.Advance(2 * 3600 * 1e9)
		page := out(b, one("id_token_hint", hint, "post_logout_redirect_uri", bye))
		if page.Away == nil {
			t.Errorf("refused: %s", page)
		}
	})
	forged := func(hint, header string) string {
		parts := strings.Split(hint, ".")
		return header + "." + parts[1] + "."
	}
	b, hint := start()
	third := i.Client("third")
	other := third.Exchange(third.Code(i.Browser(), bob, bobPassword, nil), nil).Text("id_token")
	acme := web.At(i.Issuer + "/t/acme")
	foreign := acme.Exchange(acme.Code(i.Browser(), ada, "another-tenants-ada", nil), nil).Text("id_token")
	for name, q := range map[string]url.Values{
		"L-4 not registered":       one("id_token_hint", hint, "post_logout_redirect_uri", "https://evil.example/"),
		"L-4 with a query":         one("id_token_hint", hint, "post_logout_redirect_uri", bye+"?foo=bar"),
		"220 prefix":               one("id_token_hint", hint, "post_logout_redirect_uri", bye+".evil.example"),
		"220 encoded":              one("id_token_hint", hint, "post_logout_redirect_uri", "https%3A%2F%2Fapp.example.test%2Fbye"),
		"220 user":                 one("id_token_hint", hint, "post_logout_redirect_uri", "https://app.example.test@evil.example/bye"),
		"220 of another client":    one("id_token_hint", other, "post_logout_redirect_uri", bye),
		"L-5 alg none":             one("id_token_hint", forged(hint, "eyJhbGciOiJub25lIn0"), "post_logout_redirect_uri", bye),
		"L-6 garbage signature":    one("id_token_hint", hint[:len(hint)-8]+"AAAAAAAA", "post_logout_redirect_uri", bye),
		"L-7 no hint":              one("post_logout_redirect_uri", bye),
		"L-7 no hint, client_id":   one("post_logout_redirect_uri", bye, "client_id", "web"),
		"221 another tenant":       one("id_token_hint", foreign, "post_logout_redirect_uri", bye),
		"221 unknown client_id":    one("id_token_hint", hint, "client_id", "nobody"),
		"221 another client_id":    one("id_token_hint", hint, "client_id", "third"),
		"221 access token as hint": one("id_token_hint", web.Tokens(one("scope", "read")).Text("access_token"), "post_logout_redirect_uri", bye),
		"repeated":                 {"id_token_hint": {hint}, "post_logout_redirect_uri": {bye, "https://evil.example/"}},
	} {
		page := out(b, q)
		if page.Away != nil || page.Status != http.StatusBadRequest {
			t.Errorf("%s: %s, away %v", name, page, page.Away)
		}
		if !signedIn(b) {
			t.Fatalf("%s signed the person out", name)
		}
	}
	for name, q := range map[string]url.Values{"L-8 nothing": {}, "L-8 only state": one("state", "x")} {
		b, _ := start()
		page := out(b, q)
		if !page.Has("logout-confirm") || !signedIn(b) {
			t.Fatalf("%s: %s", name, page)
		}
		forgedForm := b.Form(page, "logout-confirm").Values
		if p := b.PostFrom("/oauth/logout", with(forgedForm, "confirm", "forged"), http.Header{"Sec-Fetch-Site": {"cross-site"}}); p.Status != http.StatusForbidden || !signedIn(b) {
			t.Errorf("%s: a forged confirmation answered %s", name, p)
		}
		page = b.Press(page, "logout-confirm", nil)
		if page.Away != nil || page.Status != http.StatusOK || signedIn(b) {
			t.Errorf("%s: %s", name, page)
		}
	}
	t.Run("L-8 hint alone", func(t *testing.T) {
		b, hint := start()
		page := out(b, one("id_token_hint", hint))
		if page.Away != nil || page.Status != http.StatusOK || signedIn(b) {
			t.Errorf("%s", page)
		}
	})
	t.Run("hint of another person asks first", func(t *testing.T) {
		b, _ := start()
		page := out(b, one("id_token_hint", web.Exchange(web.Code(i.Browser(), bob, bobPassword, nil), nil).Text("id_token"), "post_logout_redirect_uri", bye))
		if !page.Has("logout-confirm") || !signedIn(b) {
			t.Fatalf("%s", page)
		}
		page = b.Press(page, "logout-confirm", nil)
		if page.Away == nil || page.Away.String() != bye || signedIn(b) {
			t.Errorf("%s, away %v", page, page.Away)
		}
	})
	t.Run("signed out already", func(t *testing.T) {
		page := out(i.Browser(), one("id_token_hint", hint, "post_logout_redirect_uri", bye, "state", "x"))
		if page.Away == nil || page.Away.String() != bye+"?state=x" {
			t.Errorf("%s, away %v", page, page.Away)
		}
	})
}
