package provider_test

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/authenticator"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants"
)

// TestNothingUsedComesBackWithACopy hands out one of everything, copies the database, and
// uses or revokes all of it. The copy as it is takes each of them again, which shows what
// there is to lose; after the restoration it takes none, and people sign in anew with all
// their ways (ATTACKS.md 287, S4).
func TestNothingUsedComesBackWithACopy(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		comesBack(t, idp.Start(t, idp.Options{}), func(i *idp.IDP) string {
			path := filepath.Join(t.TempDir(), "copy.db")
			if err := i.Store.Backup(t.Context(), path); err != nil {
				t.Fatal(err)
			}
			return "sqlite:" + path
		})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		database := testkit.FastPostgres(t)
		comesBack(t, idp.Start(t, idp.Options{Database: database}), func(*idp.IDP) string {
			to := testkit.Postgres(t)
			testkit.CopyPostgres(t, database, to)
			return to
		})
	})
}

func comesBack(t *testing.T, i *idp.IDP, backup func(*idp.IDP) string) {
	t.Helper()
	i.Apply(town)
	i.Apply(gadgets)
	i.Apply(gate)
	policy(i, "sign_up: open")
	i.Administration()
	l := handsOutEverything(t, i)
	asItIs, restored := i.Over(backup(i)), i.Over(backup(i))
	for name, taken := range l.tries() {
		if !taken(i) {
			t.Errorf("%s was not taken where it was handed out", name)
		}
	}
	for name, taken := range l.tries() {
		if !taken(asItIs) {
			t.Errorf("%s is not taken by the copy: there is nothing to see", name)
		}
	}
	r := tenants.Restoration{Store: restored.Store, Keeper: restored.Keeper}
	done, err := r.Do(t.Context(), i.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	for name, taken := range l.tries() {
		if taken(restored) {
			t.Errorf("%s is taken after the restoration", name)
		}
	}
	at := slices.IndexFunc(done, func(d tenants.RestoredTenant) bool { return d.Slug == lanyard.DefaultTenant })
	for _, what := range []string{
		"sessions", "grants", "access_tokens", "sign_ins", "device_codes", "one_time_tokens", "challenges", "invitations",
		"recovery_codes", "remembered_devices", "apps", "mails", "idempotency_keys", "ceremonies",
	} {
		if done[at].Ended[what] == 0 {
			t.Errorf("no %s ended: %v", what, done)
		}
	}
	l.signInAnew(restored)
	l.losesItsKeys(restored, r)
}

// legacy is what was handed out before the copy was made.
type legacy struct {
	t                                                *testing.T
	app, key                                         *person
	shop                                             *idp.Client
	session, remembered, open, signUp                *idp.Browser
	openPage, signUpPage                             *idp.Page
	rotated, revoked, opaque, jwt, machine, code     string
	reset, mailCode, recovery, appCode, setup, idTok string
	device                                           idp.Answer
}

func handsOutEverything(t *testing.T, i *idp.IDP) *legacy {
	t.Helper()
	web := i.Client("web")
	l := &legacy{t: t, shop: web, app: withApp(t, i), key: newPerson(t, i, "bob@example.test", "difference-engine-1822")}
	l.recovery = l.app.codes[0]
	l.key.key = authenticator.New(i.Issuer)
	b := i.Browser()
	wantAway(t, l.key.enrolKey(b, l.key.signIn(b, b.Get(web.Authorize(one("acr_values", "phr"))))), "")

	l.remembered = i.Browser()
	page := l.app.signIn(l.remembered, l.remembered.Get(web.Authorize(nil)))
	wantAway(t, l.remembered.Press(page, "code-submit", one("code", l.app.code(), "remember", "1")), "")
	i.Clock.Advance(time.Minute)

	const name, password = "nomail", "no-mail-address-needed"
	l.session = i.Browser()
	tokens := web.Exchange(web.Code(l.session, name, password, one("scope", "openid offline_access")), nil)
	l.rotated, l.opaque, l.idTok = tokens.Text("refresh_token"), tokens.Text("access_token"), tokens.Text("id_token")
	l.revoked = web.Exchange(web.Code(i.Browser(), name, password, one("scope", "openid offline_access")), nil).Text("refresh_token")
	l.jwt = web.Exchange(web.Code(i.Browser(), name, password, one("scope", "files", "resource", "https://files.example.test")), nil).Text("access_token")
	l.code = web.Code(i.Browser(), name, password, nil)
	api := i.Administrator("admin")
	l.machine = api.Token
	api.With("Idempotency-Key", "one").Must(http.MethodPost, "/webhooks", `{"url":"https://hooks.example.test/in"}`)
	l.device = ask(t, i.Client("cli"), one("scope", "openid"))
	l.open = i.Browser()
	l.openPage = l.open.Press(l.open.Get(web.Authorize(nil)), "login-continue", one("username", name))

	b = i.Browser()
	page = b.Press(b.Get(web.Authorize(nil)), "login-continue", one("username", ada))
	b.Press(b.Press(page, "way-forgot", nil), "forgot-submit", one("username", ada))
	l.reset = strings.TrimPrefix(i.Letter(ada, lanyard.MailReset).Link, i.Issuer)
	l.signUp = i.Browser()
	l.signUpPage = l.signUp.Press(l.signUp.Get(web.Authorize(one("prompt", "create"))), "signup-submit", signUpForm("late@example.test"))
	l.mailCode = i.Letter("late@example.test", lanyard.MailSignUp).Code
	b = i.Browser() // the mail to this one waits
	b.Press(b.Get(web.Authorize(one("prompt", "create"))), "signup-submit", signUpForm("later@example.test"))
	b = i.Browser()
	b.Post("/login/passkey/options?request="+b.FormByID(b.Get(web.Authorize(nil)), "passkey").Values.Get("request"), nil)
	secret := lanyard.NewSecret()
	l.setup = secret.Reveal()
	now := i.Clock.Now()
	token := storage.OneTimeToken{Hash: secret.Hash(), Purpose: tenants.SetupPurpose, CreatedAt: now, ExpiresAt: now.Add(15 * time.Minute)}
	if err := i.Scope().InsertOneTimeToken(t.Context(), token, true); err != nil {
		t.Fatal(err)
	}
	l.appCode = l.app.code()
	return l
}

// as is the same browser in front of another server.
func as(b *idp.Browser, i *idp.IDP) *idp.Browser {
	out := i.Browser()
	for _, c := range b.Cookies() {
		out.SetCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	return out
}

// tries are all the ways to use what was handed out; each tells whether it was taken.
func (l *legacy) tries() map[string]func(i *idp.IDP) bool {
	went := func(p *idp.Page) bool { return p.Away != nil && p.Away.Query().Get("code") != "" }
	web := func(i *idp.IDP) *idp.Client { return i.Client("web") }
	return map[string]func(i *idp.IDP) bool{
		"a session":       func(i *idp.IDP) bool { return went(as(l.session, i).Get(web(i).Authorize(one("prompt", "none")))) },
		"a refresh token": func(i *idp.IDP) bool { return web(i).Refresh(l.rotated, nil).Status == http.StatusOK },
		"a revoked refresh token": func(i *idp.IDP) bool {
			taken := web(i).Call("/oauth/introspect", one("token", l.revoked)).Body["active"] == true
			web(i).Call("/oauth/revoke", one("token", l.revoked))
			return taken
		},
		"an opaque access token": func(i *idp.IDP) bool { return web(i).Userinfo(l.opaque).Status == http.StatusOK },
		"a JWT where it is asked about": func(i *idp.IDP) bool {
			return i.Client("https://files.example.test").Call("/oauth/introspect", one("token", l.jwt)).Body["active"] == true
		},
		"a machine's token": func(i *idp.IDP) bool { return i.API(l.machine).Do("GET", "/keys", nil).Status == http.StatusOK },
		"a code":            func(i *idp.IDP) bool { return web(i).Exchange(l.code, nil).Status == http.StatusOK },
		"a device code":     func(i *idp.IDP) bool { return poll(i.Client("cli"), l.device).Text("error") == "authorization_pending" },
		"an open sign-in": func(i *idp.IDP) bool {
			return went(as(l.open, i).Press(l.openPage, "login-submit", one("password", "no-mail-address-needed")))
		},
		"a reset link": func(i *idp.IDP) bool { return i.Browser().Get(l.reset).Has("reset-submit") },
		"a code by mail": func(i *idp.IDP) bool {
			return went(as(l.signUp, i).Press(l.signUpPage, "code-submit", one("code", l.mailCode)))
		},
		"an invitation": func(i *idp.IDP) bool { return i.Browser().Get("/invite/" + onceCode).Has("invite-sign-in") },
		"a set-up link": func(i *idp.IDP) bool { return i.Browser().Get("/setup?token=" + l.setup).Has("setup-submit") },
		"a remembered device": func(i *idp.IDP) bool {
			b := as(l.remembered, i)
			return went(l.app.signIn(b, b.Get(web(i).Authorize(one("prompt", "login")))))
		},
		"a code of an app": func(i *idp.IDP) bool {
			b := i.Browser()
			return went(b.Press(l.app.signIn(b, b.Get(web(i).Authorize(nil))), "code-submit", one("code", l.appCode)))
		},
		"a recovery code": func(i *idp.IDP) bool {
			b := i.Browser()
			page := l.app.signIn(b, b.Get(web(i).Authorize(nil)))
			if !page.Has("way-recovery_code") {
				return false
			}
			return went(b.Press(b.Press(page, "way-recovery_code", nil), "code-submit", one("code", l.recovery)))
		},
	}
}

// signInAnew goes through every way that people have: password, app, passkey.
func (l *legacy) signInAnew(i *idp.IDP) {
	t := l.t
	t.Helper()
	i.Clock.Advance(30 * time.Minute) // what was tried is forgiven
	web := i.Client("web")
	if a := web.Exchange(web.Code(i.Browser(), "nomail", "no-mail-address-needed", nil), nil); a.Status != http.StatusOK {
		t.Errorf("by password: %s", a.Raw)
	}
	b := i.Browser()
	tokensOf(t, web, b.Press(l.app.signIn(b, b.Get(web.Authorize(nil))), "code-submit", one("code", l.app.code())))
	b = i.Browser()
	l.key.i = i
	tokensOf(t, web, l.key.useKey(b, b.Get(web.Authorize(nil)), "passkey"))
}

// losesItsKeys takes the signing keys away: what they signed is worth nothing, and there are new ones.
func (l *legacy) losesItsKeys(i *idp.IDP, r tenants.Restoration) {
	t := l.t
	t.Helper()
	hint := func() int {
		return i.Browser().Get("/oauth/logout?" + one("id_token_hint", l.idTok).Encode()).Status
	}
	if status := hint(); status != http.StatusOK {
		t.Errorf("with the keys of the copy a hint is answered with %d", status)
	}
	before, err := i.Scope().SigningKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r.RotateKeys = true
	i.Keeper.Generate = nil // those of the pool come again
	if _, err := r.Do(t.Context(), i.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	if status := hint(); status != http.StatusBadRequest {
		t.Errorf("without them it is answered with %d", status)
	}
	after, err := i.Scope().SigningKeys(t.Context())
	if err != nil || len(after) != len(before) {
		t.Fatalf("%d keys became %d, %v", len(before), len(after), err)
	}
	for _, old := range before {
		for _, k := range after {
			if k.ID == old.ID && k.Algorithm != lanyard.AlgMAC {
				t.Errorf("the key %s is still there", k.ID)
			}
		}
	}
	web := i.Client("web")
	if a := web.Exchange(web.Code(i.Browser(), "nomail", "no-mail-address-needed", nil), nil); a.Status != http.StatusOK {
		t.Errorf("with new keys: %s", a.Raw)
	}
}
