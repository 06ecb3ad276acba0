package provider_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

const (
	newAddress  = "grace@example.test"
	newPassword = "walnut harbour quilt"
)

func signUpForm(address string) url.Values {
	return one("email", address, "name", "Grace Hopper", "password", newPassword)
}

// TestSignUpIsFollowedByTokens: a new member has an account, a session and tokens after two pages.
func TestSignUpIsFollowedByTokens(t *testing.T) {
	onBothDatabases(t, func(t *testing.T, i *idp.IDP) {
		policy(i, "sign_up: open")
		web, b := i.Client("web"), i.Browser()
		page := b.Press(b.Get(web.Authorize(one("prompt", "create", "scope", "openid email offline_access"))), "signup-submit", signUpForm(newAddress))
		if _, err := i.Scope().UserByEmail(t.Context(), newAddress); err == nil {
			t.Fatal("the account is there before its address is proved")
		}
		page = b.Press(page, "code-submit", one("code", "000000"))
		if page.Away != nil {
			t.Fatal("a guess opened it")
		}
		page = b.Press(page, "code-submit", one("code", i.Letter(newAddress, lanyard.MailSignUp).Code))
		wantAway(t, page, "")
		answer := web.Exchange(page.Away.Query().Get("code"), nil)
		wantProof(t, i, idp.Claims(t, answer.Text("id_token")), "1", i.Clock.Now(), "pwd")
		if refreshed := web.Refresh(answer.Text("refresh_token"), nil); refreshed.Status != 200 {
			t.Errorf("the first refresh: %s", refreshed.Raw)
		}
		info := web.Userinfo(answer.Text("access_token"))
		if info.Text("email") != newAddress || info.Body["email_verified"] != true {
			t.Errorf("userinfo: %s", info.Raw)
		}
		wantAway(t, i.Browser().SignIn(web.Authorize(nil), newAddress, newPassword), "")
	})
}

// TestSignUpLooksTheSame for an address that is free and one that is taken (ATTACKS.md 115).
func TestSignUpLooksTheSame(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	policy(i, "sign_up: open")
	web := i.Client("web")
	shown := map[string]string{}
	for _, address := range []string{newAddress, ada} {
		b := i.Browser()
		page := b.Press(b.Get(web.Authorize(one("prompt", "create"))), "signup-submit", signUpForm(address))
		wrong := b.Press(page, "code-submit", one("code", "000000"))
		shown[address] = page.URL.Path + neutral(page, address) + neutral(wrong, address)
	}
	if shown[newAddress] != shown[ada] {
		t.Errorf("the pages differ:\n%s\n%s", shown[newAddress], shown[ada])
	}
	i.Letter(ada, lanyard.MailSignUpExists)
	if got := len(i.Letters()); got != 2 {
		t.Errorf("%d mails", got)
	}
}

// neutral is a page without what is different in every sign-in.
func neutral(p *idp.Page, address string) string {
	body := strings.ReplaceAll(p.Body, address, "ADDRESS")
	if request := p.URL.Query().Get("request"); request != "" {
		body = strings.ReplaceAll(body, request, "REQUEST")
	}
	for _, before := range []string{`name="token" value="`, `id="request-id">`} {
		if _, rest, found := strings.Cut(body, before); found {
			value := rest[:strings.IndexAny(rest, `"<`)]
			body = strings.ReplaceAll(body, value, "VALUE")
		}
	}
	return body
}

// TestSignUpIsClosed is ATTACKS.md 127: no page, no post, no row.
func TestSignUpIsClosed(t *testing.T) {
	for _, word := range []string{"closed", "invite"} {
		i := idp.Start(t, idp.Options{})
		policy(i, "sign_up: open")
		web, b := i.Client("web"), i.Browser()
		page := b.Get(web.Authorize(one("prompt", "create")))
		form := b.Form(page, "signup-submit")
		policy(i, "sign_up: "+word)
		for name, values := range signUpForm(newAddress) {
			form.Values[name] = values
		}
		if got := b.Post(form.Action, form.Values); got.Away != nil || got.Has("code-submit") {
			t.Errorf("%s: the form leads to %s", word, got)
		}
		if got := b.Get(web.Authorize(one("prompt", "create"))); got.Has("signup-submit") {
			t.Errorf("%s: the page has a form", word)
		}
		if len(i.Letters()) != 0 {
			t.Errorf("%s: somebody got mail", word)
		}
	}
}

// TestForgottenPasswordIsReset: the link proves the mailbox and nothing else.
func TestForgottenPasswordIsReset(t *testing.T) {
	onBothDatabases(t, func(t *testing.T, i *idp.IDP) {
		p, web := withApp(t, i), i.Client("web")
		elsewhere := i.Browser()
		page := elsewhere.Press(p.signIn(elsewhere, elsewhere.Get(web.Authorize(one("scope", "openid offline_access")))), "code-submit", one("code", p.code()))
		wantAway(t, page, "")
		tokens := web.Exchange(page.Away.Query().Get("code"), nil)
		i.Clock.Advance(time.Minute)

		b := i.Browser()
		page = b.Press(b.Get(web.Authorize(nil)), "login-continue", one("username", ada))
		page = b.Press(page, "way-forgot", nil)
		b.Press(page, "forgot-submit", one("username", ada))
		link := i.Letter(ada, lanyard.MailReset).Link
		reset := b.Get(link)
		b.Get(link) // a scanner opens it, too
		short := b.Press(reset, "reset-submit", one("password", "short"))
		if short.Status != 200 || !short.Has("reset-submit") {
			t.Fatalf("a short password leads to %s", short)
		}
		p.password = "different quilted lantern"
		done := b.Press(short, "reset-submit", one("password", p.password))
		if done.Status != 200 || done.Has("reset-submit") {
			t.Fatalf("the reset leads to %s", done)
		}
		wantAway(t, b.Get(web.Authorize(one("prompt", "none"))), "login_required")
		if used := b.Get(link); used.Has("reset-submit") || used.Status != 404 {
			t.Errorf("the link opens %s again", used)
		}
		if refreshed := web.Refresh(tokens.Text("refresh_token"), nil); refreshed.Text("error") != "invalid_grant" {
			t.Errorf("a family from before: %s", refreshed.Raw)
		}
		wantAway(t, elsewhere.Get(web.Authorize(one("prompt", "none"))), "login_required")
		i.Letter(ada, lanyard.MailPasswordChanged)

		page = b.Get("/oauth/resume?request=" + mustQuery(t, link, "request"))
		page = p.signIn(b, page)
		page = b.Press(page, "code-submit", one("code", p.code()))
		wantProof(t, i, tokensOf(t, web, page), "2", i.Clock.Now(), "pwd", "otp", "mfa")
	})
}

func mustQuery(t *testing.T, link, name string) string {
	t.Helper()
	u, err := url.Parse(link)
	must(t, err)
	return u.Query().Get(name)
}

// TestResetLooksTheSame is ATTACKS.md 115 and 175.
func TestResetLooksTheSame(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	web := i.Client("web")
	shown := map[string]string{}
	for _, name := range []string{ada, "nobody@example.test", "eve@example.test", "nomail"} {
		b := i.Browser()
		page := b.Press(b.Get(web.Authorize(nil)), "login-continue", one("username", name))
		page = b.Press(page, "way-forgot", nil)
		page = b.Press(page, "forgot-submit", one("username", name))
		shown[name] = neutral(page, name)
	}
	for name, body := range shown {
		if body != shown[ada] {
			t.Errorf("%s sees\n%s\ninstead of\n%s", name, body, shown[ada])
		}
	}
	if got := len(i.Letters()); got != 1 {
		t.Errorf("%d mails, want the one to ada", got)
	}
}

// TestCodeByMailSignsIn: one factor, and only where the tenant allows it.
func TestCodeByMailSignsIn(t *testing.T) {
	onBothDatabases(t, func(t *testing.T, i *idp.IDP) {
		web, b := i.Client("web"), i.Browser()
		page := b.Press(b.Get(web.Authorize(nil)), "login-continue", one("username", ada))
		if page.Has("way-email_code") {
			t.Fatal("a code by mail is offered although it is off")
		}
		policy(i, "email_code: true")
		b = i.Browser()
		page = b.Press(b.Get(web.Authorize(nil)), "login-continue", one("username", strings.ToUpper(ada)))
		page = b.Press(page, "way-email_code", nil)
		code := i.Letter(ada, lanyard.MailCode).Code
		page = b.Press(b.Press(page, "way-usual", nil), "way-email_code", nil) // and back: the code still works
		if len(i.Letters()) != 1 {
			t.Errorf("%d mails within a minute", len(i.Letters()))
		}
		page = b.Press(page, "code-submit", one("code", code[:3]+" "+code[3:]))
		wantProof(t, i, tokensOf(t, web, page), "1", i.Clock.Now(), "email")
	})
}

// TestPasswordThatMustBeReplaced stands between the proof and the session.
func TestPasswordThatMustBeReplaced(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	web, b := i.Client("web"), i.Browser()
	user, err := i.Scope().UserByEmail(t.Context(), bob)
	must(t, err)
	must(t, i.Scope().DemandNewPassword(t.Context(), user.ID))
	p := newPerson(t, i, bob, bobPassword)
	page := p.signIn(b, b.Get(web.Authorize(nil)))
	wantAway(t, b.Get(web.Authorize(one("prompt", "none"))), "login_required")
	for _, bad := range []string{"", "short", bobPassword, "passwordpassword"} {
		if page = b.Press(page, "login-submit", one("password", bad)); page.Away != nil || !page.Has("login-submit") {
			t.Fatalf("%q leads to %s", bad, page)
		}
	}
	page = b.Press(page, "login-submit", one("password", newPassword))
	wantProof(t, i, tokensOf(t, web, page), "1", i.Clock.Now(), "pwd")
	wantAway(t, i.Browser().SignIn(web.Authorize(nil), bob, newPassword), "")
}

// TestAddressIsProvedBeforeTheSignInEnds where the tenant requires it.
func TestAddressIsProvedBeforeTheSignInEnds(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	policy(i, "email_verification: required")
	web, b := i.Client("web"), i.Browser()
	p := newPerson(t, i, bob, bobPassword)
	page := p.signIn(b, b.Get(web.Authorize(nil)))
	wantAway(t, b.Get(web.Authorize(one("prompt", "none"))), "login_required")
	page = b.Press(page, "code-submit", one("code", i.Letter(bob, lanyard.MailVerify).Code))
	wantProof(t, i, tokensOf(t, web, page), "1", i.Clock.Now(), "pwd")
	user, err := i.Scope().UserByEmail(t.Context(), bob)
	must(t, err)
	if !user.Profile.EmailVerified {
		t.Error("the address is not marked as proved")
	}
	wantAway(t, i.Browser().SignIn(web.Authorize(nil), "nomail", "no-mail-address-needed"), "")
}
