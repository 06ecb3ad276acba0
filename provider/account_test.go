package provider_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit/authenticator"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

// atAccount signs somebody in to the account pages.
func atAccount(t *testing.T, i *idp.IDP, name, password string) *idp.Browser {
	t.Helper()
	b := i.Browser()
	page := newPerson(t, i, name, password).signIn(b, b.Get("/account"))
	if page.URL.Path != "/account" || page.Status != 200 {
		t.Fatalf("the sign-in leads to %s", page)
	}
	return b
}

// TestAccountPagesNeedTheirPerson: every page leads to a sign-in, and from there back.
func TestAccountPagesNeedTheirPerson(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	for _, path := range []string{"/account", "/account/profile", "/account/emails", "/account/security", "/account/security/totp", "/account/devices", "/account/activity", "/account/data"} {
		b := i.Browser()
		page := b.Get(path)
		if !page.Has("login-continue") {
			t.Fatalf("%s shows a stranger %s", path, page)
		}
		if page = newPerson(t, i, ada, adaPassword).signIn(b, page); page.URL.Path != path || page.Status != 200 {
			t.Errorf("%s: the sign-in leads to %s", path, page)
		}
	}
	page := i.Browser().Get("/.well-known/change-password")
	if !page.Has("login-continue") {
		t.Errorf("/.well-known/change-password leads to %s", page)
	}
}

// TestRiskyChangesNeedAFreshProof is ATTACKS.md 133, 143 and 149: after ten minutes the
// person proves again, with everything they have, and then repeats the step.
func TestRiskyChangesNeedAFreshProof(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	b := atAccount(t, i, ada, adaPassword)
	emails, data := b.Get("/account/emails"), b.Get("/account/data")
	i.Clock.Advance(10 * time.Minute)
	for name, page := range map[string]*idp.Page{
		"an address": b.Press(emails, "email-add", one("email", "countess@example.test")),
		"the export": b.Press(data, "export-submit", nil),
		"deletion":   b.Press(data, "delete-submit", one("username", ada)),
		"an app":     b.Get("/account/security/totp"),
	} {
		if !page.Has("login-submit") {
			t.Errorf("%s asks for no proof: %s", name, page)
		}
	}
	if len(i.Letters()) != 0 {
		t.Errorf("something was done: %d mails", len(i.Letters()))
	}
	page := b.Press(b.Get("/account/security/totp"), "login-submit", one("password", adaPassword))
	if !page.Has("totp-secret") {
		t.Fatalf("the proof leads to %s", page)
	}
}

// TestAppIsAddedUsedAndRemoved on the account pages; each change ends what was signed in elsewhere and is told by mail.
func TestAppIsAddedUsedAndRemoved(t *testing.T) {
	onBothDatabases(t, func(t *testing.T, i *idp.IDP) {
		web, elsewhere := i.Client("web"), i.Browser()
		tokens := web.Exchange(web.Code(elsewhere, ada, adaPassword, one("scope", "openid offline_access")), nil)
		b := atAccount(t, i, ada, adaPassword)
		p := newPerson(t, i, ada, adaPassword)
		page := b.Get("/account/security/totp")
		p.secret = strings.ReplaceAll(page.Text("#totp-secret"), " ", "")
		page = b.Press(page, "code-submit", one("code", "000000"))
		if again := strings.ReplaceAll(page.Text("#totp-secret"), " ", ""); again != p.secret {
			t.Fatal("a wrong code changes the secret")
		}
		page = b.Press(page, "code-submit", one("code", p.code()))
		if codes := page.Texts("#codes li"); len(codes) != 10 {
			t.Fatalf("%d recovery codes on %s", len(codes), page)
		}
		i.Letter(ada, lanyard.MailFactorAdded)
		if a := web.Refresh(tokens.Text("refresh_token"), nil); a.Text("error") != "invalid_grant" {
			t.Errorf("a family from before: %s", a.Raw)
		}
		wantAway(t, elsewhere.Get(web.Authorize(one("prompt", "none"))), "login_required")
		wantAway(t, b.Get(web.Authorize(one("prompt", "none"))), "")

		i.Clock.Advance(time.Minute)
		other := i.Browser()
		page = other.Press(p.signIn(other, other.Get(web.Authorize(nil))), "code-submit", one("code", p.code()))
		wantAway(t, page, "")

		i.Clock.Advance(time.Minute)
		page = b.Press(b.Get("/account/security"), "totp-remove", nil) // proved with the password alone
		if !page.Has("code-submit") {
			t.Fatalf("removing the app asks for no second factor: %s", page)
		}
		page = b.Press(page, "code-submit", one("code", p.code()))
		b.Press(page, "totp-remove", nil)
		i.Letter(ada, lanyard.MailFactorRemoved)
		wantAway(t, i.Browser().SignIn(web.Authorize(nil), ada, adaPassword), "")
	})
}

// TestPasskeyIsAddedUsedAndRemoved on the account pages.
func TestPasskeyIsAddedUsedAndRemoved(t *testing.T) {
	onBothDatabases(t, func(t *testing.T, i *idp.IDP) {
		web, b := i.Client("web"), atAccount(t, i, ada, adaPassword)
		p := newPerson(t, i, ada, adaPassword)
		p.key = authenticator.New(i.Issuer)
		form := b.FormByID(b.Get("/account/security/passkeys"), "passkey-form")
		response, err := p.key.Create([]byte(b.Post("/account/security/passkeys/options", url.Values{}).Body))
		must(t, err)
		form.Values.Set("credential", string(response))
		form.Values.Set("name", "<b>My key</b>")
		page := b.Post(form.Action, form.Values)
		if codes := page.Texts("#codes li"); len(codes) != 10 || strings.Contains(page.Body, "<b>My key") {
			t.Fatalf("%d recovery codes on %s", len(codes), page)
		}
		if again := b.Post(form.Action, form.Values); len(again.Texts("#codes li")) != 0 {
			t.Error("the answer of the authenticator was taken twice")
		}
		i.Letter(ada, lanyard.MailFactorAdded)

		other := i.Browser()
		page = p.useKey(other, other.Get(web.Authorize(nil)), "passkey")
		wantProof(t, i, tokensOf(t, web, page), "phr", i.Clock.Now(), "pop", "user", "mfa")

		mine := other.Get("/account/security")
		removal := other.Get(attributeOf(t, mine, "passkey-remove-0"))
		other.Press(removal, "passkey-remove", nil)
		i.Letter(ada, lanyard.MailFactorRemoved)
		third := i.Browser()
		if page = p.useKey(third, third.Get(web.Authorize(nil)), "passkey"); page.Away != nil {
			t.Error("a removed passkey signs in")
		}
	})
}

// attributeOf is where the link with the id leads.
func attributeOf(t *testing.T, p *idp.Page, id string) string {
	t.Helper()
	_, rest, found := strings.Cut(p.Body, `id="`+id+`" href="`)
	link, _, closed := strings.Cut(rest, `"`)
	if !found || !closed {
		t.Fatalf("%s has no link %s", p, id)
	}
	return strings.ReplaceAll(link, "&amp;", "&")
}

// TestPasswordIsChanged is ATTACKS.md 98.
func TestPasswordIsChanged(t *testing.T) {
	onBothDatabases(t, func(t *testing.T, i *idp.IDP) {
		web, elsewhere := i.Client("web"), i.Browser()
		tokens := web.Exchange(web.Code(elsewhere, ada, adaPassword, one("scope", "openid offline_access")), nil)
		b := atAccount(t, i, ada, adaPassword)
		page := b.Get("/account/security/password")
		for name, values := range map[string]url.Values{
			"a wrong current one": one("current", "not the right password", "password", newPassword),
			"a short one":         one("current", adaPassword, "password", "short"),
			"the same":            one("current", adaPassword, "password", adaPassword),
		} {
			if got := b.Press(page, "password-submit", values); !got.Has("password-submit") || !got.Has("problem") {
				t.Errorf("%s leads to %s", name, got)
			}
		}
		b.Press(page, "password-submit", one("current", adaPassword, "password", newPassword))
		i.Letter(ada, lanyard.MailPasswordChanged)
		if a := web.Refresh(tokens.Text("refresh_token"), nil); a.Text("error") != "invalid_grant" {
			t.Errorf("a family from before: %s", a.Raw)
		}
		wantAway(t, elsewhere.Get(web.Authorize(one("prompt", "none"))), "login_required")
		wantAway(t, b.Get(web.Authorize(one("prompt", "none"))), "")
		wantAway(t, i.Browser().SignIn(web.Authorize(nil), ada, newPassword), "")
		if page := i.Browser().SignIn(web.Authorize(nil), ada, adaPassword); page.Away != nil {
			t.Error("the old password signs in")
		}
	})
}

// TestAccountFormsRefuseForgery is ATTACKS.md 97, 100 and 128: other origins, other
// people's things, fields that nobody asked for.
func TestAccountFormsRefuseForgery(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	b, victim := atAccount(t, i, ada, adaPassword), atAccount(t, i, bob, bobPassword)
	bobs := devicesOf(t, i, bob)
	for name, header := range map[string]http.Header{
		"a foreign origin": {"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"cross-site"}},
		"no origin":        {"Origin": {"null"}, "Sec-Fetch-Site": {"cross-site"}},
	} {
		if page := b.PostFrom("/account/devices/all", url.Values{}, header); page.Status != http.StatusForbidden {
			t.Errorf("%s is answered %s", name, page)
		}
	}
	foreign := b.Post("/account/devices/end", one("session", string(bobs[0])))
	unknown := b.Post("/account/devices/end", one("session", "ses_00000000000000000000000000"))
	if foreign.Status != unknown.Status || neutral(foreign, string(bobs[0])) != neutral(unknown, "ses_00000000000000000000000000") {
		t.Errorf("another person's session: %s, none: %s", foreign, unknown)
	}
	if page := victim.Get("/account"); page.URL.Path != "/account" {
		t.Error("the victim was signed out")
	}
	form := b.Form(b.Get("/account/profile"), "profile-submit")
	for _, name := range []string{"email_verified", "is_admin", "tenant_id", "roles", "sub"} {
		values := url.Values{}
		for field, list := range form.Values {
			values[field] = list
		}
		values.Set(name, "true")
		if page := b.Post(form.Action, values); page.Status != http.StatusBadRequest {
			t.Errorf("the field %s was accepted: %s", name, page)
		}
	}
	user, err := i.Scope().UserByEmail(t.Context(), bob)
	must(t, err)
	if user.Profile.EmailVerified {
		t.Error("somebody's address was marked as proved")
	}
}

func devicesOf(t *testing.T, i *idp.IDP, email string) []lanyard.SessionID {
	t.Helper()
	user, err := i.Scope().UserByEmail(t.Context(), email)
	must(t, err)
	devices, err := i.Scope().Devices(t.Context(), user.ID, i.Clock.Now())
	must(t, err)
	var out []lanyard.SessionID
	for _, d := range devices {
		out = append(out, d.Session.ID)
	}
	return out
}

// TestOtherDevicesAreSignedOut with the number that ended, refresh families too.
func TestOtherDevicesAreSignedOut(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	web := i.Client("web")
	var families []string
	for range 3 {
		families = append(families, web.Exchange(web.Code(i.Browser(), ada, adaPassword, one("scope", "openid offline_access")), nil).Text("refresh_token"))
	}
	b := atAccount(t, i, ada, adaPassword)
	page := b.Press(b.Get("/account/devices"), "devices-end-others", nil)
	if !strings.Contains(page.Body, "3") || len(devicesOf(t, i, ada)) != 1 {
		t.Errorf("%d devices are left on %s", len(devicesOf(t, i, ada)), page)
	}
	for _, family := range families {
		if a := web.Refresh(family, nil); a.Text("error") != "invalid_grant" {
			t.Errorf("a family goes on: %s", a.Raw)
		}
	}
	wantAway(t, b.Get(web.Authorize(one("prompt", "none"))), "")
}

// TestDataIsTakenAlongAndDeleted: the export is a file without secrets; a deletion
// waits, can be undone, and then nothing is left to sign in to.
func TestDataIsTakenAlongAndDeleted(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	b := atAccount(t, i, bob, bobPassword)
	export := b.Press(b.Get("/account/data"), "export-submit", nil)
	var data map[string]any
	if err := json.Unmarshal([]byte(export.Body), &data); err != nil || data["sub"] != "bob-subject" {
		t.Fatalf("the export is %q (%v)", export.Body, err)
	}
	if disposition := export.Header.Get("Content-Disposition"); !strings.HasPrefix(disposition, "attachment") || strings.Contains(export.Body, "$argon2id$") {
		t.Errorf("the export is sent as %q", disposition)
	}
	if page := b.Press(b.Get("/account/data"), "delete-submit", one("username", "somebody else")); !page.Has("problem") {
		t.Errorf("a wrong name deletes: %s", page)
	}
	b.Press(b.Get("/account/data"), "delete-submit", one("username", bob))
	i.Letter(bob, lanyard.MailDeletionAsked)
	if page := b.Get("/account/data"); !page.Has("delete-undo") {
		t.Fatalf("the deletion can not be undone: %s", page)
	}
	b.Press(b.Get("/account/data"), "delete-undo", nil)
	i.Letter(bob, lanyard.MailDeletionUndone)
}

// TestAddressIsChangedOnTheAccountPage: add, prove, make primary, remove.
func TestAddressIsChangedOnTheAccountPage(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	const fresh = "countess@example.test"
	b, web := atAccount(t, i, ada, adaPassword), i.Client("web")
	page := b.Press(b.Get("/account/emails"), "email-add", one("email", fresh))
	page = b.Press(page, "code-submit", one("code", "000000"))
	if !page.Has("problem") {
		t.Errorf("a guess leads to %s", page)
	}
	page = b.Press(page, "code-submit", one("code", i.Letter(fresh, lanyard.MailVerify).Code))
	b.Press(page, "email-primary-1", nil)
	i.Letter(ada, lanyard.MailEmailChanged)
	i.Letter(fresh, lanyard.MailEmailChanged)
	page = i.Browser().SignIn(web.Authorize(one("scope", "openid email")), fresh, adaPassword)
	wantAway(t, page, "")
	info := web.Userinfo(web.Exchange(page.Away.Query().Get("code"), nil).Text("access_token"))
	if info.Text("email") != fresh || info.Body["email_verified"] != true {
		t.Errorf("userinfo: %s", info.Raw)
	}
}

// TestTwoAccountsOfOneBrowserAreToldApart: the pages are about the one that was chosen.
func TestTwoAccountsOfOneBrowserAreToldApart(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	b, web := atAccount(t, i, ada, adaPassword), i.Client("web")
	page := b.ChooseAnother(b.Get(web.Authorize(one("prompt", "select_account"))))
	wantAway(t, b.Walk(page, bob, bobPassword), "")
	for _, want := range []string{ada, bob, ada} {
		b.Post("/account/switch", one("session", string(devicesOf(t, i, want)[0])))
		if page := b.Get("/account"); !strings.Contains(page.Text("main"), want) {
			t.Errorf("the page is about %s, want %s", page.Text("main"), want)
		}
	}
}

// TestCodesOfAnAppAreBoundToTheirUser is ATTACKS.md 148 through the front door: a code
// of one person's app is worth nothing for another's.
func TestCodesOfAnAppAreBoundToTheirUser(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	p := withApp(t, i)
	q, b := newPerson(t, i, bob, bobPassword), i.Browser()
	page := q.signIn(b, b.Get(i.Client("web").Authorize(one("acr_values", "2"))))
	q.enrolApp(b, page)
	i.Clock.Advance(time.Minute)
	other := i.Browser()
	code, err := totp.GenerateCode(p.secret, i.Clock.Now())
	must(t, err)
	if got := other.Press(q.signIn(other, other.Get(i.Client("web").Authorize(nil))), "code-submit", one("code", code)); got.Away != nil {
		t.Error("another person's code was taken")
	}
}
