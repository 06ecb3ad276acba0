package provider_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit/authenticator"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

// policy changes the policy of the default tenant.
func policy(i *idp.IDP, lines ...string) {
	i.Apply("version: 1\ntenants:\n  - slug: default\n    policy:\n      default_resource: https://api.example.test/\n      " + strings.Join(lines, "\n      ") + "\n")
}

// person is somebody with an authenticator app, a passkey, or both.
type person struct {
	t        *testing.T
	i        *idp.IDP
	name     string
	password string
	secret   string
	key      *authenticator.Authenticator
	codes    []string
}

func newPerson(t *testing.T, i *idp.IDP, name, password string) *person {
	return &person{t: t, i: i, name: name, password: password}
}

// code is what the app shows now.
func (p *person) code() string {
	p.t.Helper()
	code, err := totp.GenerateCode(p.secret, p.i.Clock.Now())
	if err != nil {
		p.t.Fatal(err)
	}
	return code
}

// signIn goes on from a page with name and password, up to what follows them.
func (p *person) signIn(b *idp.Browser, page *idp.Page) *idp.Page {
	p.t.Helper()
	if page.Has("login-continue") {
		page = b.Press(page, "login-continue", one("username", p.name))
	}
	return b.Press(page, "login-submit", one("password", p.password))
}

// enrolApp sets up an authenticator app on the page that asks for it.
func (p *person) enrolApp(b *idp.Browser, page *idp.Page) *idp.Page {
	p.t.Helper()
	p.secret = strings.ReplaceAll(page.Text("#totp-secret"), " ", "")
	page = b.Press(page, "code-submit", one("code", p.code()))
	p.codes = page.Texts("#codes li")
	if len(p.codes) != 10 {
		p.t.Fatalf("%s shows %d recovery codes:\n%s", page, len(p.codes), page.Body)
	}
	return b.Press(page, "codes-saved", nil)
}

// withApp is ada with an authenticator app, set up because a client asked for two factors.
func withApp(t *testing.T, i *idp.IDP) *person {
	t.Helper()
	p, b := newPerson(t, i, ada, adaPassword), i.Browser()
	page := p.signIn(b, b.Get(i.Client("web").Authorize(one("acr_values", "2"))))
	wantAway(t, p.enrolApp(b, page), "")
	i.Clock.Advance(time.Minute)
	return p
}

// tokensOf are the claims of the ID token that a page's answer leads to.
func tokensOf(t *testing.T, web *idp.Client, page *idp.Page) map[string]any {
	t.Helper()
	wantAway(t, page, "")
	answer := web.Exchange(page.Away.Query().Get("code"), nil)
	if answer.Status != 200 {
		t.Fatalf("the code is worth nothing: %s", answer.Raw)
	}
	return idp.Claims(t, answer.Text("id_token"))
}

// wantProof compares what the token says about the sign-in with what happened, and
// sid with the session that there is.
func wantProof(t *testing.T, i *idp.IDP, claims map[string]any, acr string, at time.Time, amr ...string) {
	t.Helper()
	var got []string
	for _, v := range claims["amr"].([]any) {
		got = append(got, fmt.Sprint(v))
	}
	if claims["acr"] != acr || !slices.Equal(got, amr) {
		t.Errorf("acr %v amr %v, want %s %v", claims["acr"], got, acr, amr)
	}
	if claims["auth_time"] != float64(at.Unix()) {
		t.Errorf("auth_time %v, want %d", claims["auth_time"], at.Unix())
	}
	sid, _ := claims["sid"].(string)
	session, err := i.Scope().Session(t.Context(), lanyard.SessionID(sid))
	if err != nil {
		t.Fatalf("the session of the token: %v", err)
	}
	if session.ACR != acr || !slices.Equal(session.AMR, amr) || session.AuthTime.Unix() != at.Unix() || !session.EndedAt.IsZero() {
		t.Errorf("the session says %s %v %v", session.ACR, session.AMR, session.AuthTime)
	}
}

// TestTokensSayHowSomebodySignedIn: acr, amr, auth_time and sid are exactly what happened.
func TestTokensSayHowSomebodySignedIn(t *testing.T) {
	onBothDatabases(t, func(t *testing.T, i *idp.IDP) {
		web := i.Client("web")
		t.Run("password", func(t *testing.T) {
			p, b := newPerson(t, i, "bob@example.test", "difference-engine-1822"), i.Browser()
			page := p.signIn(b, b.Get(web.Authorize(nil)))
			wantProof(t, i, tokensOf(t, web, page), "1", i.Clock.Now(), "pwd")
		})
		var p *person
		t.Run("app set up at the sign-in", func(t *testing.T) {
			p = newPerson(t, i, ada, adaPassword)
			b := i.Browser()
			page := p.enrolApp(b, p.signIn(b, b.Get(web.Authorize(one("acr_values", "2")))))
			wantProof(t, i, tokensOf(t, web, page), "2", i.Clock.Now(), "pwd", "otp", "mfa")
		})
		i.Clock.Advance(time.Minute)
		t.Run("password and app", func(t *testing.T) {
			b := i.Browser()
			page := p.signIn(b, b.Get(web.Authorize(nil)))
			i.Clock.Advance(20 * time.Second)
			page = b.Press(page, "code-submit", one("code", p.code()))
			wantProof(t, i, tokensOf(t, web, page), "2", i.Clock.Now(), "pwd", "otp", "mfa")
			i.Clock.Advance(time.Hour)
			silent := tokensOf(t, web, b.Get(web.Authorize(one("prompt", "none"))))
			wantProof(t, i, silent, "2", i.Clock.Now().Add(-time.Hour), "pwd", "otp", "mfa")
		})
		t.Run("recovery code", func(t *testing.T) {
			b := i.Browser()
			page := b.Press(p.signIn(b, b.Get(web.Authorize(nil))), "way-recovery_code", nil)
			page = b.Press(page, "code-submit", one("code", strings.ToLower(p.codes[0])))
			wantProof(t, i, tokensOf(t, web, page), "2", i.Clock.Now(), "pwd", "recovery", "mfa")
			if letter := i.Letter(ada, lanyard.MailRecoveryUsed); letter.At.IsZero() {
				t.Error("the mail does not say when")
			}
		})
		t.Run("remembered browser, then step-up", func(t *testing.T) {
			i.Clock.Advance(time.Minute)
			b := i.Browser()
			page := p.signIn(b, b.Get(web.Authorize(nil)))
			page = b.Press(page, "code-submit", one("code", p.code(), "remember", "1"))
			first := tokensOf(t, web, page)
			i.Clock.Advance(time.Minute)
			again := tokensOf(t, web, p.signIn(b, b.Get(web.Authorize(one("prompt", "login")))))
			wantProof(t, i, again, "1", i.Clock.Now(), "pwd")
			if again["sid"] != first["sid"] {
				t.Error("the same person on the same browser has another sid")
			}
			i.Clock.Advance(time.Minute)
			up := b.Get(web.Authorize(one("acr_values", "2")))
			if !up.Has("code-submit") || up.Has("login-submit") {
				t.Fatalf("the step-up asks for %s", up)
			}
			claims := tokensOf(t, web, b.Press(up, "code-submit", one("code", p.code())))
			wantProof(t, i, claims, "2", i.Clock.Now(), "pwd", "otp", "mfa")
			if claims["sid"] != first["sid"] {
				t.Error("the step-up made another session")
			}
		})
	})
}

// TestPasskeySignsIn: as first factor with its user verified it is phr.
func TestPasskeySignsIn(t *testing.T) {
	onBothDatabases(t, func(t *testing.T, i *idp.IDP) {
		web, b := i.Client("web"), i.Browser()
		p := newPerson(t, i, ada, adaPassword)
		p.key = authenticator.New(i.Issuer)
		page := p.signIn(b, b.Get(web.Authorize(one("acr_values", "phr"))))
		page = p.enrolKey(b, page)
		wantProof(t, i, tokensOf(t, web, page), "phr", i.Clock.Now(), "pwd", "pop", "user", "mfa")

		i.Clock.Advance(time.Minute)
		other := i.Browser()
		page = p.useKey(other, other.Get(web.Authorize(nil)), "passkey")
		wantProof(t, i, tokensOf(t, web, page), "phr", i.Clock.Now(), "pop", "user", "mfa")

		i.Clock.Advance(time.Minute)
		third := i.Browser()
		p.key.NoUV = true
		page = p.useKey(third, p.signIn(third, third.Get(web.Authorize(nil))), "passkey")
		wantProof(t, i, tokensOf(t, web, page), "2", i.Clock.Now(), "pwd", "pop", "mfa")

		fourth := i.Browser()
		page = p.useKey(fourth, fourth.Get(web.Authorize(nil)), "passkey")
		if page.Away != nil {
			t.Error("a key whose user was not verified signs in alone")
		}
	})
}

// enrolKey registers the passkey on the page that asks for a second factor.
func (p *person) enrolKey(b *idp.Browser, page *idp.Page) *idp.Page {
	p.t.Helper()
	form := b.FormByID(page, "passkey")
	options := b.Post("/login/enrol/passkey/options?request="+form.Values.Get("request"), nil)
	response, err := p.key.Create([]byte(options.Body))
	if err != nil {
		p.t.Fatalf("%v: %s", err, options.Body)
	}
	form.Values.Set("credential", string(response))
	page = b.Post(form.Action, form.Values)
	p.codes = page.Texts("#codes li")
	return b.Press(page, "codes-saved", nil)
}

// useKey proves by passkey on a page that takes one.
func (p *person) useKey(b *idp.Browser, page *idp.Page, id string) *idp.Page {
	p.t.Helper()
	form := b.FormByID(page, id)
	options := b.Post("/login/passkey/options?request="+form.Values.Get("request"), nil)
	response, err := p.key.Get([]byte(options.Body))
	if err != nil {
		p.t.Fatalf("%v: %s", err, options.Body)
	}
	form.Values.Set("credential", string(response))
	return b.Post(form.Action, form.Values)
}

// TestFactorIsNeverSkipped is ATTACKS.md 140: a password alone opens nothing of
// somebody who has a second factor.
func TestFactorIsNeverSkipped(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	p, web := withApp(t, i), i.Client("web")
	b := i.Browser()
	page := p.signIn(b, b.Get(web.Authorize(nil)))
	if !page.Has("code-submit") {
		t.Fatalf("the password leads to %s", page)
	}
	request := page.URL.Query().Get("request")
	for _, path := range []string{"/oauth/resume", "/login/consent", "/login/enrol", "/login/codes", "/login/password", "/login"} {
		if got := b.Get(path + "?request=" + request); got.Away != nil || !got.Has("code-submit") {
			t.Errorf("%s leads to %s", path, got)
		}
	}
	wantAway(t, b.Get(web.Authorize(one("prompt", "none"))), "login_required")
	if account := b.Get("/account"); !account.Has("login-continue") && !account.Has("code-submit") {
		t.Errorf("the account pages show %s", account)
	}
	form := b.Form(page, "code-submit")
	for name, code := range map[string]string{"empty": "", "wrong": "000000", "long": strings.Repeat("1", 2000), "letters": "abcdef"} {
		form.Values.Set("code", code)
		if got := b.Post(form.Action, form.Values); got.Away != nil || !got.Has("code-submit") {
			t.Errorf("a code that is %s leads to %s", name, got)
		}
	}
	other := i.Browser()
	form.Values.Set("code", p.code())
	if got := other.Post(form.Action, form.Values); got.Away != nil {
		t.Error("another browser finished the sign-in")
	}
}

// TestPendingProofDies is ATTACKS.md 146: turned off, or changed, while the second
// factor is asked for.
func TestPendingProofDies(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, i *idp.IDP){
		"turned off and on again": func(t *testing.T, i *idp.IDP) {
			user, err := i.Scope().UserByEmail(t.Context(), ada)
			if err != nil {
				t.Fatal(err)
			}
			user.Disabled = true
			must(t, i.Scope().UpdateUser(t.Context(), user))
		},
		"password changed": func(_ *testing.T, i *idp.IDP) {
			i.Apply("version: 1\ntenants:\n  - slug: default\n    users:\n      - {email: ada@example.test, password: another-engine-for-1843}\n")
		},
	} {
		t.Run(name, func(t *testing.T) {
			i := idp.Start(t, idp.Options{})
			p, web, b := withApp(t, i), i.Client("web"), i.Browser()
			page := p.signIn(b, b.Get(web.Authorize(nil)))
			form := b.Form(page, "code-submit")
			end(t, i)
			form.Values.Set("code", p.code())
			if got := b.Post(form.Action, form.Values); got.Away != nil || got.Has("code-submit") {
				t.Errorf("the code leads to %s", got)
			}
			user, err := i.Scope().UserByEmail(t.Context(), ada)
			if err != nil {
				t.Fatal(err)
			}
			user.Disabled = false
			must(t, i.Scope().UpdateUser(t.Context(), user))
			if got := b.Get(page.URL.String()); !got.Has("login-continue") {
				t.Errorf("waiting revived it: %s", got)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestCodeOfAnAppWorksOnce is ATTACKS.md 136 and 137 through the pages.
func TestCodeOfAnAppWorksOnce(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	p, web := withApp(t, i), i.Client("web")
	code := p.code()
	b := i.Browser()
	wantAway(t, b.Press(p.signIn(b, b.Get(web.Authorize(nil))), "code-submit", one("code", code)), "")
	for _, spelled := range []string{code, " " + code, code[:3] + " " + code[3:], "+" + code, wide(code)} {
		b := i.Browser()
		if got := b.Press(p.signIn(b, b.Get(web.Authorize(nil))), "code-submit", one("code", spelled)); got.Away != nil {
			t.Errorf("%q was taken again", spelled)
		}
	}
	i.Clock.Advance(30 * time.Second)
	b = i.Browser()
	wantAway(t, b.Press(p.signIn(b, b.Get(web.Authorize(nil))), "code-submit", one("code", wide(p.code()))), "")
}

// wide are the digits in their full-width form.
func wide(code string) string {
	return strings.Map(func(r rune) rune { return r - '0' + '０' }, code)
}

// TestWrongCodesAreCountedByThemselves is ATTACKS.md 139: a right password in
// between resets nothing, and neither another session nor another address helps.
func TestWrongCodesAreCountedByThemselves(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	p, web := withApp(t, i), i.Client("web")
	limited := 0
	for range 20 {
		b := i.Browser()
		page := b.Press(p.signIn(b, b.Get(web.Authorize(nil))), "code-submit", one("code", "000000"))
		if page.Status == 429 {
			limited++
		}
	}
	if limited == 0 {
		t.Error("twenty wrong codes were looked at")
	}
	b := i.Browser()
	if page := b.Press(p.signIn(b, b.Get(web.Authorize(nil))), "code-submit", one("code", p.code())); page.Away != nil {
		t.Error("the right code passed while it was limited")
	}
}

// TestFactorComesBeforeConsent: nobody agrees to anything who has not proved enough.
func TestFactorComesBeforeConsent(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	p, b := withApp(t, i), i.Browser()
	page := p.signIn(b, b.Get(i.Client("third").Authorize(nil)))
	if page.Has("consent-allow") || !page.Has("code-submit") {
		t.Fatalf("the password leads to %s", page)
	}
	page = b.Press(page, "code-submit", one("code", p.code()))
	if !page.Has("consent-allow") {
		t.Fatalf("the code leads to %s", page)
	}
	wantAway(t, b.Press(page, "consent-allow", url.Values{}), "")
}
