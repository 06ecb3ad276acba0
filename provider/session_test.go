package provider_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

// TestRequestIsBoundToItsBrowser is ATTACKS.md 13: an id in a URL alone opens nothing.
func TestRequestIsBoundToItsBrowser(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	web, attacker, victim := i.Client("web"), i.Browser(), i.Browser()
	login := attacker.Get(web.Authorize(nil))
	page := victim.Get(login.URL.String())
	if page.Status != http.StatusBadRequest || page.Has("login-continue") {
		t.Errorf("the victim is shown %s", page)
	}
	form := attacker.Form(login, "login-continue")
	form.Values.Set("username", ada)
	page = victim.Post(login.URL.Path, form.Values)
	if page.Status != http.StatusBadRequest {
		t.Errorf("the victim's form answered %s", page)
	}
	resume := web.BeforeResume(victim)
	page = attacker.Get(resume)
	if page.Away != nil || page.Status != http.StatusBadRequest {
		t.Errorf("the attacker got %s, away %v", page, page.Away)
	}
	wantAway(t, victim.Get(resume), "")
}

// TestRequestIsAnsweredOnce is ATTACKS.md 14.
func TestRequestIsAnsweredOnce(t *testing.T) {
	onBothDatabases(t, func(t *testing.T, i *idp.IDP) {
		web := i.Client("web")
		for range testkit.Rounds(5, 50) {
			b := i.Browser()
			resume := web.BeforeResume(b)
			var mu sync.Mutex
			answered, stale := 0, 0
			var group sync.WaitGroup
			for range 16 {
				group.Go(func() {
					r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, resume, nil)
					if err != nil {
						return
					}
					for _, c := range b.Cookies() {
						r.AddCookie(c)
					}
					answer, _ := i.Do(r)
					mu.Lock()
					defer mu.Unlock()
					switch answer.StatusCode {
					case http.StatusFound:
						answered++
					case http.StatusBadRequest:
						stale++
					}
				})
			}
			group.Wait()
			if answered != 1 || stale != 15 {
				t.Fatalf("%d answers and %d refusals", answered, stale)
			}
		}
	})
}

// TestStaleRequestOffersAWayBack is ATTACKS.md 34.
func TestStaleRequestOffersAWayBack(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	web, b := i.Client("web"), i.Browser()
	login := b.Get(web.Authorize(nil))
	form := b.Form(login, "login-continue")
	form.Values.Set("username", ada)
	i.Clock.Advance(31 * time.Minute)
	for _, page := range []*idp.Page{b.Get(login.URL.String()), b.Post(login.URL.String(), form.Values), b.Get("/oauth/resume?" + login.URL.RawQuery)} {
		if page.Away != nil || page.Status != http.StatusBadRequest || page.Has("login-continue") {
			t.Errorf("a stale request shows %s", page)
		}
	}
}

// TestSignInRotatesTheCookie is ATTACKS.md 92: a fixed cookie is worth nothing, and sid stays for the same person.
func TestSignInRotatesTheCookie(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	web, b := i.Client("web"), i.Browser()
	first := idp.Claims(t, web.Exchange(web.Code(b, ada, adaPassword, nil), nil).Text("id_token"))
	old := browserCookie(t, b)
	second := idp.Claims(t, web.Exchange(web.Code(b, ada, adaPassword, one("prompt", "login")), nil).Text("id_token"))
	if browserCookie(t, b).Value == old.Value {
		t.Error("the cookie stayed")
	}
	if first["sid"] != second["sid"] {
		t.Error("the sid changed for the same person")
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, web.Authorize(one("prompt", "none")), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.AddCookie(old)
	answer, _ := i.Do(r)
	if location := answer.Header.Get("Location"); !contains(location, "login_required") {
		t.Errorf("the old cookie still opens a session: %s", location)
	}
	fixed := i.Browser()
	fixed.SetCookie(&http.Cookie{Name: old.Name, Value: strings.Repeat("A", 43), Path: "/"})
	web.Code(fixed, ada, adaPassword, nil)
	if browserCookie(t, fixed).Value == strings.Repeat("A", 43) {
		t.Error("a fixed cookie was kept")
	}
}

func browserCookie(t *testing.T, b *idp.Browser) *http.Cookie {
	t.Helper()
	for _, c := range b.Cookies() {
		if contains(c.Name, "lanyard-browser") {
			return c
		}
	}
	t.Fatal("no browser cookie")
	return nil
}

// TestSeveralAccountsAreChosenFrom covers the account chooser.
func TestSeveralAccountsAreChosenFrom(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	web, b := i.Client("web"), i.Browser()
	web.Code(b, ada, adaPassword, nil)
	page := b.Get(web.Authorize(one("prompt", "select_account")))
	if contains(page.Body, "login-continue") || !contains(page.Body, "Ada Lovelace") {
		t.Fatalf("select_account shows %s", page)
	}
	page = b.Walk(b.ChooseAnother(page), bob, bobPassword)
	wantAway(t, page, "")
	wantAway(t, b.Get(web.Authorize(one("prompt", "none"))), "account_selection_required")
	wantAway(t, b.Get(web.Authorize(one("prompt", "none", "login_hint", bob))), "")
	page = b.Get(web.Authorize(nil))
	page = b.ChooseAccount(page, "Bob")
	wantAway(t, page, "")
	claims := idp.Claims(t, web.Exchange(page.Away.Query().Get("code"), nil).Text("id_token"))
	if claims["sub"] != "bob-subject" {
		t.Errorf("chose Bob and got %v", claims["sub"])
	}
	i.Clock.Advance(25 * time.Hour)
	page = b.Get(web.Authorize(one("prompt", "select_account")))
	page = b.ChooseAccount(page, "Bob")
	if !page.Has("login-submit") {
		t.Errorf("an expired session was accepted: %s", page)
	}
}

// TestConsentIsAskedAndRemembered covers third parties; ATTACKS.md 31 and 32.
func TestConsentIsAskedAndRemembered(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	third, b := i.Client("third"), i.Browser()
	signedIn := func(more url.Values) *idp.Page {
		t.Helper()
		page := b.Get(third.Authorize(more))
		if page.Has("login-continue") {
			page = b.Press(page, "login-continue", one("username", ada))
			page = b.Press(page, "login-submit", one("password", adaPassword))
		}
		return page
	}
	page := signedIn(nil)
	if !page.Has("consent-allow") || !page.Has("consent-deny") || !contains(page.Body, "third.example.test") {
		t.Fatalf("no consent is asked: %s\n%s", page, page.Body)
	}
	wantAway(t, b.Get(third.Authorize(one("prompt", "none"))), "consent_required")
	wantAway(t, b.Press(page, "consent-deny", nil), "access_denied")
	forged := b.Form(signedIn(nil), "consent-allow")
	for name, form := range map[string]url.Values{
		"no token": without(forged.Values, "token"), "foreign token": with(forged.Values, "token", strings.Repeat("A", 43)),
	} {
		form.Set(forged.Buttons["consent-allow"][0], forged.Buttons["consent-allow"][1])
		if p := b.Post(forged.Action, form); p.Status != http.StatusForbidden {
			t.Errorf("31: %s: %s", name, p)
		}
	}
	form := with(forged.Values, forged.Buttons["consent-allow"][0], forged.Buttons["consent-allow"][1])
	for name, header := range map[string]http.Header{
		"cross-site": {"Sec-Fetch-Site": {"cross-site"}}, "foreign origin": {"Origin": {"https://evil.example"}}, "null origin": {"Origin": {"null"}},
	} {
		if p := b.PostFrom(forged.Action, form, header); p.Status != http.StatusForbidden {
			t.Errorf("31: %s: %s", name, p)
		}
	}
	if n, err := i.Store.CountRows(t.Context(), "consents"); err != nil || n != 0 {
		t.Errorf("%d consents were stored (%v)", n, err)
	}
	withScope := with(form, "scope", "openid email address phone")
	p := b.Post(forged.Action, withScope)
	wantAway(t, p, "")
	if tokens := third.Exchange(p.Away.Query().Get("code"), nil); tokens.Text("scope") != "openid" {
		t.Errorf("the form widened the scope to %q", tokens.Text("scope"))
	}
	wantAway(t, b.Get(third.Authorize(one("prompt", "none"))), "")
	wantAway(t, b.Get(third.Authorize(nil)), "")
	if page := b.Get(third.Authorize(one("scope", "openid email"))); !page.Has("consent-allow") {
		t.Errorf("32: a new scope was not asked for: %s", page)
	}
	if page := b.Get(third.Authorize(one("prompt", "consent"))); !page.Has("consent-allow") {
		t.Errorf("prompt=consent was not honoured: %s", page)
	}
	web := i.Client("web")
	if page := b.Get(web.Authorize(one("prompt", "consent"))); !page.Has("consent-allow") {
		t.Errorf("prompt=consent was not honoured for a first party: %s", page)
	}
}

func with(v url.Values, name, value string) url.Values {
	out := without(v, name)
	out.Set(name, value)
	return out
}

func without(v url.Values, name string) url.Values {
	out := url.Values{}
	for n, values := range v {
		if n != name {
			out[n] = values
		}
	}
	return out
}

// TestImpostorOnTheDeviceIsNotSilent is RFC 8252 §8.6: a public client on a
// loopback or custom-scheme redirect never gets a code without the person.
func TestImpostorOnTheDeviceIsNotSilent(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	native, b := i.Client("native"), i.Browser()
	native.Code(b, ada, adaPassword, nil)
	for _, uri := range []string{"http://127.0.0.1:50000/cb", "com.example.app:/cb"} {
		if page := b.Get(native.Authorize(one("redirect_uri", uri))); !page.Has("consent-allow") {
			t.Errorf("%s: %s, away %v", uri, page, page.Away)
		}
		wantAway(t, b.Get(native.Authorize(one("redirect_uri", uri, "prompt", "none"))), "consent_required")
	}
	for _, uri := range []string{"http://127.0.0.1:50000/other", "http://localhost:50000/cb", "http://127.0.0.1.evil.example/cb", "http://127.0.0.1:5@evil.example/cb", "https://127.0.0.1/cb", "http://[::1]/cb", "com.example.app:/other"} {
		wantLocal(t, b.Get(native.Authorize(one("redirect_uri", uri))), "redirect_uri")
	}
	wantAway(t, b.Get(i.Client("spa").Authorize(nil)), "")
}

// TestWrongPasswordsLookAlike is ATTACKS.md 113, 116, 118 and 119.
func TestWrongPasswordsLookAlike(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	web := i.Client("web")
	shown := map[string]string{}
	for name, try := range map[string][2]string{
		"unknown": {"nobody@example.test", "wrong-password"}, "wrong": {"bob@example.test", "wrong-password"},
		"disabled": {"eve@example.test", "wrong-password"}, "other tenant's password": {"ada@example.test", "another-tenants-ada"},
		"no address": {"nomail", "wrong-password"}, "syntax": {`"e@x"@y`, "wrong-password"},
	} {
		b := i.Browser()
		page := b.Press(b.Get(web.Authorize(nil)), "login-continue", one("username", try[0]))
		page = b.Press(page, "login-submit", one("password", try[1]))
		if page.Away != nil || !page.Has("login-submit") {
			t.Fatalf("%s: %s", name, page)
		}
		body := page.Body
		for _, own := range []string{page.Header.Get("X-Request-Id"), page.URL.Query().Get("request"), b.Form(page, "login-submit").Values.Get("request"), b.Form(page, "login-submit").Values.Get("token")} {
			if own != "" {
				body = strings.ReplaceAll(body, own, "")
			}
		}
		shown[name] = strings.ReplaceAll(strings.ReplaceAll(body, try[0], ""), "&#34;e@x&#34;@y", "")
	}
	for name, body := range shown {
		if body != shown["wrong"] {
			t.Errorf("113: %s can be told from a wrong password:\n%s\n---\n%s", name, body, shown["wrong"])
		}
	}
}

// TestPasswordsAreThrottled is ATTACKS.md 116, 118, 119: one counter per account, whatever is typed.
func TestPasswordsAreThrottled(t *testing.T) {
	onBothDatabases(t, func(t *testing.T, i *idp.IDP) {
		web := i.Client("web")
		known := i.Browser()
		web.Code(known, ada, adaPassword, nil)
		try := func(b *idp.Browser, name, password string) *idp.Page {
			page := b.Get(web.Authorize(one("prompt", "login", "login_hint", "")))
			if page.Has("login-continue") {
				page = b.Press(page, "login-continue", one("username", name))
			}
			return b.Press(page, "login-submit", one("password", password))
		}
		limited := 0
		for n, name := range []string{"ada", "ada@example.test", "ADA@EXAMPLE.TEST", "Ada", " ada ", "ａｄａ", "ada", "ada@example.test", "Ada", "aDa@Example.Test", "ada"} {
			page := try(i.Browser(), name, "wrong-password")
			if page.Status == http.StatusTooManyRequests {
				limited++
				if page.Header.Get("Retry-After") == "" {
					t.Error("no Retry-After")
				}
			} else if n >= 8 {
				t.Errorf("attempt %d as %q was evaluated", n+1, name)
			}
		}
		if limited == 0 {
			t.Fatal("nothing was throttled")
		}
		if page := try(i.Browser(), ada, adaPassword); page.Status != http.StatusTooManyRequests {
			t.Errorf("the limit let a stranger's right password through: %s", page)
		}
		if page := try(known, ada, adaPassword); page.Away == nil {
			t.Errorf("the owner's known browser is locked out: %s", page)
		}
		i.Clock.Advance(16 * time.Minute)
		if page := try(i.Browser(), ada, adaPassword); page.Away == nil {
			t.Errorf("the delay never ends: %s", page)
		}
	})
}

// TestManyRightPasswordsAtOnceAllPass: counting before verifying does not turn a busy owner away.
func TestManyRightPasswordsAtOnceAllPass(t *testing.T) {
	onBothDatabases(t, func(t *testing.T, i *idp.IDP) {
		web := i.Client("web")
		var group sync.WaitGroup
		for range 4 {
			for range 24 {
				group.Go(func() {
					if page := i.Browser().SignIn(web.Authorize(nil), ada, adaPassword); page.Away == nil {
						t.Errorf("a right password was refused: %s", page)
					}
				})
			}
			group.Wait()
		}
	})
}

// TestForwardedAddressDoesNotEscapeTheLimit is ATTACKS.md 118.
func TestForwardedAddressDoesNotEscapeTheLimit(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	web := i.Client("web")
	limited := false
	for n := range 12 {
		b := i.Browser()
		page := b.Press(b.Get(web.Authorize(nil)), "login-continue", one("username", bob))
		f := b.Form(page, "login-submit")
		f.Values.Set("password", "wrong-password")
		page = b.PostFrom(f.Action, f.Values, http.Header{"X-Forwarded-For": {"203.0.113." + string(rune('0'+n%10))}, "Sec-Fetch-Site": {"same-origin"}})
		limited = limited || page.Status == http.StatusTooManyRequests
	}
	if !limited {
		t.Error("a made-up address escapes the limit")
	}
}

// TestPasswordIsBounded is ATTACKS.md 91 and 122.
func TestPasswordIsBounded(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	web, b := i.Client("web"), i.Browser()
	page := b.Press(b.Get(web.Authorize(nil)), "login-continue", one("username", ada))
	f := b.Form(page, "login-submit")
	f.Values.Set("password", strings.Repeat("x", 1025))
	if p := b.Post(f.Action, f.Values); p.Status != http.StatusBadRequest {
		t.Errorf("1025 bytes answered %s", p)
	}
	f.Values.Set("password", strings.Repeat("x", 128<<10))
	if p := b.Post(f.Action, f.Values); p.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("128 KiB answered %s", p)
	}
	f.Values.Set("password", adaPassword+strings.Repeat("x", 80))
	if p := b.Post(f.Action, f.Values); p.Away != nil {
		t.Error("a longer password was accepted")
	}
	if n := events(t, i, lanyard.EventUserSignedIn); n != 0 {
		t.Errorf("%d sign-ins", n)
	}
}

// TestDisabledAccountIsToldAfterProof: only the right password learns it.
func TestDisabledAccountIsToldAfterProof(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	web, b := i.Client("web"), i.Browser()
	page := b.SignIn(web.Authorize(nil), "eve@example.test", "evil-engine-for-testing")
	if page.Away != nil || !contains(page.Body, "turned off") {
		t.Errorf("a disabled account is shown %s", page)
	}
}

// TestProofBecomesTheSessionBeforeAnythingElse: what is asked after the sign-in does not
// take the place of a fresh proof.
func TestProofBecomesTheSessionBeforeAnythingElse(t *testing.T) {
	withTown(t, func(t *testing.T, i *idp.IDP) {
		choose, b := i.Client("choose"), i.Browser()
		wantAway(t, b.SignIn(i.Client("web").Authorize(nil), ada, adaPassword), "")
		i.Clock.Advance(2 * time.Hour)
		page := b.Press(b.Get(choose.Authorize(one("prompt", "login"))), "login-submit", one("password", adaPassword))
		beta, err := i.Scope().OrganizationBySlug(t.Context(), "beta")
		must(t, err)
		claims := tokensOf(t, choose, b.Press(page, "organization-continue", one("organization", string(beta.ID))))
		if claims["auth_time"] != float64(i.Clock.Now().Unix()) {
			t.Errorf("prompt=login gives a token of %v at %d", claims["auth_time"], i.Clock.Now().Unix())
		}
	})
}

// TestSignInGoesOnWhenNothingIsNeededAnyMore: the policy became milder meanwhile.
func TestSignInGoesOnWhenNothingIsNeededAnyMore(t *testing.T) {
	onBothDatabases(t, func(t *testing.T, i *idp.IDP) {
		policy(i, "second_factor: required")
		web, b := i.Client("web"), i.Browser()
		page := b.SignIn(web.Authorize(nil), ada, adaPassword)
		policy(i, "second_factor: optional")
		page = b.Get("/oauth/resume?request=" + page.URL.Query().Get("request"))
		tokensOf(t, web, page)
		wantAway(t, b.Get(web.Authorize(one("prompt", "none"))), "")
	})
}
