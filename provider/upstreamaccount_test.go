package provider_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
	"github.com/lanyard-id/lanyard/internal/testkit/upstream"
)

// TestAccountElsewhereIsLinkedAndUnlinked on the account pages: after a fresh proof, at
// the upstream, not if it is somebody's already, and never as the last way in.
func TestAccountElsewhereIsLinkedAndUnlinked(t *testing.T) {
	underSky(t, []lanyard.ConnectionID{atGoogle, atTelegram}, func(t *testing.T, s *sky) {
		b := atAccount(t, s.IDP, ada, adaPassword)
		page := b.Press(b.Get("/account/linked"), "link-telegram", nil)
		page = s.back(b, s.away(b, page))
		if page.URL.Path != "/account/linked" || !page.Has("unlink-0") || len(s.identities(ada)) != 1 {
			t.Fatalf("linking leads to %s with %v\n%s", page, s.identities(ada), page.Body)
		}
		if s.Letter(ada, lanyard.MailIdentityLinked).To != ada {
			t.Error("she is not told")
		}
		other := s.signIn(s.Browser(), "web", nil, atTelegram)
		if sub := idp.Claims(t, s.Client("web").Exchange(other.Away.Query().Get("code"), nil).Text("id_token"))["sub"]; sub != "ada-subject" {
			t.Errorf("it signs in %v", sub)
		}
		bob := atAccount(t, s.IDP, "bob", "difference-engine-1822")
		taken := s.back(bob, s.away(bob, bob.Press(bob.Get("/account/linked"), "link-telegram", nil)))
		if taken.URL.Path != "/account/linked" || taken.URL.Query().Get("refused") != "identity_taken" || taken.Has("unlink-0") {
			t.Errorf("somebody else's leads to %s", taken)
		}
		s.Clock.Advance(11 * time.Minute)
		if page := b.Press(b.Get("/account/linked"), "unlink-0", nil); !page.Has("login-submit") || len(s.identities(ada)) != 1 {
			t.Fatalf("without a fresh proof unlinking leads to %s", page)
		} else if page = b.Press(page, "login-submit", one("password", adaPassword)); page.URL.Path != "/account/linked" {
			t.Fatalf("after it: %s", page)
		} else if page = b.Press(page, "unlink-0", nil); page.Has("unlink-0") || len(s.identities(ada)) != 0 {
			t.Errorf("unlinking leads to %s with %v", page, s.identities(ada))
		}
	})
}

// TestOnlyWayInStays (ATTACKS.md 170): somebody from Telegram alone unlinks nothing, adds an
// address later, and proves who they are again at Telegram.
func TestOnlyWayInStays(t *testing.T) {
	overSQLite(t, []lanyard.ConnectionID{atTelegram}, func(t *testing.T, s *sky) {
		b := s.Browser()
		wantAway(t, s.signIn(b, "web", nil, atTelegram), "")
		page := b.Get("/account/linked")
		if page = b.Press(page, "unlink-0", nil); page.Status != http.StatusConflict || !page.Has("unlink-0") {
			t.Errorf("the only way in: %s", page)
		}
		s.Clock.Advance(11 * time.Minute)
		page = b.Press(b.Get("/account/linked"), "unlink-0", nil)
		if page.Has("login-submit") && !page.Has("provider-telegram") {
			t.Fatalf("they are asked for a password only: %s\n%s", page, page.Body)
		}
		page = s.over(b, page, atTelegram)
		if page.URL.Path != "/account/linked" {
			t.Errorf("a fresh proof at Telegram leads to %s", page)
		}
	})
}

// TestSomebodyElseProvesNothing: who has to prove again who they are does so as themselves.
func TestSomebodyElseProvesNothing(t *testing.T) {
	overSQLite(t, []lanyard.ConnectionID{atCompany}, func(t *testing.T, s *sky) {
		person := upstream.Ada(upstream.Generic)
		person.Email = "first@new.test"
		s.upstream[atCompany].SignIn(person)
		web, b := s.Client("web"), s.Browser()
		wantAway(t, s.signIn(b, "web", nil, atCompany), "")
		second := person
		second.Subject, second.Email = "somebody-else", "second@new.test"
		s.upstream[atCompany].SignIn(second)
		page := s.over(b, b.Get(web.Authorize(one("prompt", "login"))), atCompany)
		if page.Away != nil {
			t.Errorf("a stranger's account leads to %v", page.Away)
		}
		wantAway(t, s.signIn(s.Browser(), "web", nil, atCompany), "") // the other one has an account from now on
		if page = s.over(b, b.Get(web.Authorize(one("prompt", "login"))), atCompany); page.Away != nil {
			t.Errorf("another person leads to %v", page.Away)
		}
		person.AuthTime = s.Clock.Now().Add(-time.Hour)
		s.upstream[atCompany].SignIn(person)
		if page = s.over(b, b.Get(web.Authorize(one("prompt", "login"))), atCompany); page.Away != nil {
			t.Error("an upstream that did not ask again is a fresh proof")
		}
		if page = s.signIn(s.Browser(), "web", one("max_age", "60"), atCompany); page.Away != nil {
			t.Error("nor is it where the client wants a young one")
		}
		person.AuthTime = s.Clock.Now()
		s.upstream[atCompany].SignIn(person)
		wantAway(t, s.over(b, b.Get(web.Authorize(one("prompt", "login"))), atCompany), "")
	})
}

// TestSecondFactorIsAskedAfterUpstream unless the connection is believed for it.
func TestSecondFactorIsAskedAfterUpstream(t *testing.T) {
	underSky(t, []lanyard.ConnectionID{atCompany}, func(t *testing.T, s *sky) {
		p := withApp(t, s.IDP)
		u := userOf(t, s.IDP, ada)
		person := upstream.Ada(upstream.Generic)
		person.AMR = []string{"pwd", "mfa"}
		s.upstream[atCompany].SignIn(person)
		if err := s.Scope().LinkIdentity(t.Context(), lanyard.LinkedIdentity{
			Identity: lanyard.Identity{ConnectionID: atCompany, Issuer: s.upstream[atCompany].Issuer, Subject: person.Subject}, UserID: u.ID,
			CreatedAt: s.Clock.Now(), UsedAt: s.Clock.Now(),
		}); err != nil {
			t.Fatal(err)
		}
		web, b := s.Client("web"), s.Browser()
		page := s.signIn(b, "web", nil, atCompany)
		if page.Away != nil || !page.Has("code-submit") {
			t.Fatalf("it leads to %s", page)
		}
		s.Clock.Advance(time.Minute)
		claims := tokensOf(t, web, b.Press(page, "code-submit", one("code", p.code())))
		wantProof(t, s.IDP, claims, "2", s.Clock.Now(), "fed", "otp", "mfa")
		if claims["idp"] != string(atCompany) {
			t.Errorf("idp is %v", claims["idp"])
		}
		s.connect(atCompany, func(c *lanyard.Connection) { c.TrustedForMFA = true })
		claims = tokensOf(t, web, s.signIn(s.Browser(), "web", nil, atCompany))
		wantProof(t, s.IDP, claims, "2", s.Clock.Now(), "fed", "mfa")
	})
}

// TestUnprovedAddressIsProvedByCode: then the account is made, with the identity and
// without a password; where the address has an account its owner is told, and nobody else.
func TestUnprovedAddressIsProvedByCode(t *testing.T) {
	underSky(t, []lanyard.ConnectionID{atMicrosoft}, func(t *testing.T, s *sky) {
		person := upstream.Ada(upstream.Microsoft)
		person.Email, person.Username = "carol@corp.test", "carol@corp.test"
		s.upstream[atMicrosoft].SignIn(person)
		web, b := s.Client("web"), s.Browser()
		page := s.signIn(b, "web", nil, atMicrosoft)
		if page.URL.Path != "/signup" || strings.Contains(page.Body, `type="password"`) || !strings.Contains(page.Body, "carol@corp.test") {
			t.Fatalf("it leads to %s\n%s", page, page.Body)
		}
		page = b.Press(page, "signup-submit", nil)
		code := s.Letter("carol@corp.test", lanyard.MailSignUp).Code
		page = b.Press(page, "code-submit", one("code", code))
		wantAway(t, page, "")
		if info := web.Userinfo(web.Exchange(page.Away.Query().Get("code"), nil).Text("access_token")); info.Status != http.StatusOK {
			t.Errorf("userinfo is %d", info.Status)
		}
		if u := userOf(t, s.IDP, "carol@corp.test"); !u.Profile.EmailVerified || len(s.identities("carol@corp.test")) != 1 {
			t.Errorf("the account is %+v with %v", u.Profile, s.identities("carol@corp.test"))
		}
		wantAway(t, s.signIn(s.Browser(), "web", nil, atMicrosoft), "")

		person.Object, person.Email = "aaaaaaaa-bbbb-4ccc-8ddd-ffffffffffff", ada
		s.upstream[atMicrosoft].SignIn(person)
		b = s.Browser()
		taken := b.Press(s.signIn(b, "web", nil, atMicrosoft), "signup-submit", nil)
		if !taken.Has("code-submit") || s.Letter(ada, lanyard.MailSignUpExists).To != ada {
			t.Errorf("an address that is taken looks like %s", taken)
		}

		person.Object, person.Email = "aaaaaaaa-bbbb-4ccc-8ddd-000000000000", "late@corp.test"
		s.upstream[atMicrosoft].SignIn(person)
		b = s.Browser()
		page = s.signIn(b, "web", nil, atMicrosoft)
		s.connect(atMicrosoft, func(c *lanyard.Connection) { c.SignUp = false })
		if page = b.Press(page, "signup-submit", nil); page.Has("code-submit") {
			t.Errorf("sign-up that was switched off meanwhile goes on: %s", page)
		}
	})
}

// TestInvitationIsHonouredOverUpstreams, and enforced: invite-only is invite-only there too.
func TestInvitationIsHonouredOverUpstreams(t *testing.T) {
	underSky(t, []lanyard.ConnectionID{atGoogle}, func(t *testing.T, s *sky) {
		s.Apply(gate)
		person := upstream.Ada(upstream.Google)
		person.Email = newAddress
		s.upstream[atGoogle].SignIn(person)
		if page := s.signIn(s.Browser(), "web", nil, atGoogle); page.Away != nil || page.URL.Path != "/login" {
			t.Fatalf("without an invitation: %s", page)
		}
		b := s.Browser()
		page := b.Press(b.Get(invitationTo(t, s.IDP, newAddress)), "invite-sign-up", nil)
		page = s.over(b, page, atGoogle)
		if page.Away == nil || !strings.HasPrefix(page.Away.String(), "https://app.example.test/start?") {
			t.Fatalf("with one: %s\n%s", page, page.Body)
		}
		if got := rolesIn(t, s.IDP, newAddress, "acme"); len(got) != 1 || got[0] != "admin" {
			t.Errorf("the new member has %v", got)
		}
		unproved := person
		unproved.Subject, unproved.Email, unproved.EmailVerified = "109876543210987654399", "dora@new.test", false
		s.Apply("version: 1\ntenants:\n  - slug: default\n    organizations: [{slug: acme, invitations: [{email: dora@new.test, roles: [auditor]}]}]")
		s.upstream[atGoogle].SignIn(unproved)
		b = s.Browser()
		page = s.over(b, b.Press(b.Get(invitationTo(t, s.IDP, "dora@new.test")), "invite-sign-up", nil), atGoogle)
		b.Press(page, "signup-submit", one("name", "Dora, as she says"))
		if u := userOf(t, s.IDP, "dora@new.test"); u.Profile.Name != "Dora, as she says" || !u.Profile.EmailVerified || rolesIn(t, s.IDP, "dora@new.test", "acme") == nil {
			t.Errorf("invited by a mail that proves the address: %+v", u.Profile)
		}
		other := person
		other.Subject, other.Email = "109876543210987654321", "someone@elsewhere.test"
		s.upstream[atGoogle].SignIn(other)
		b = s.Browser()
		page = s.over(b, b.Press(b.Get("/invite/"+domainCode), "invite-sign-up", nil), atGoogle)
		if page.Away != nil || page.Status >= http.StatusInternalServerError || rolesIn(t, s.IDP, "someone@elsewhere.test", "acme") != nil {
			t.Errorf("an invitation for another domain: %s", page)
		}
		other.EmailVerified = false
		s.upstream[atGoogle].SignIn(other)
		b = s.Browser()
		page = s.over(b, b.Press(b.Get("/invite/"+domainCode), "invite-sign-up", nil), atGoogle)
		if page = b.Press(page, "signup-submit", nil); page.Status != http.StatusForbidden || page.Has("code-submit") {
			t.Errorf("nor by a code to it: %s", page)
		}
	})
}

// TestOnlyOfferedConnectionsAreLinked: not one that is off, not for linking, or an organization's.
func TestOnlyOfferedConnectionsAreLinked(t *testing.T) {
	overSQLite(t, []lanyard.ConnectionID{atGoogle, atCompany, acmeSSO}, func(t *testing.T, s *sky) {
		b := atAccount(t, s.IDP, ada, adaPassword)
		form := b.Form(b.Get("/account/linked"), "link-google")
		s.connect(atGoogle, func(c *lanyard.Connection) { c.Linking = false })
		s.connect(atCompany, func(c *lanyard.Connection) { c.Enabled = false })
		for _, id := range []lanyard.ConnectionID{atGoogle, atCompany, acmeSSO, "nowhere"} {
			form.Values.Set("connection", string(id))
			if page := b.Post(form.Action, form.Values); page.Header.Get("Refresh") != "" {
				t.Errorf("%s: it leads to %s", id, page)
			}
		}
	})
}

// TestLinkingNeedsEverything that the person has, and freshly.
func TestLinkingNeedsEverything(t *testing.T) {
	overSQLite(t, []lanyard.ConnectionID{atGoogle}, func(t *testing.T, s *sky) {
		p, b := withApp(t, s.IDP), s.Browser()
		page := p.signIn(b, b.Get(s.Client("web").Authorize(nil)))
		wantAway(t, b.Press(page, "code-submit", one("code", p.code())), "")
		s.Clock.Advance(11 * time.Minute)
		page = b.Press(b.Get("/account/linked"), "link-google", nil)
		if !page.Has("login-submit") || page.Header.Get("Refresh") != "" {
			t.Fatalf("without a fresh proof: %s", page)
		}
		if page = b.Press(page, "login-submit", one("password", adaPassword)); !page.Has("code-submit") {
			t.Fatalf("without the second factor: %s", page)
		}
		page = s.back(b, s.away(b, b.Press(page, "code-submit", one("code", p.code()))))
		if page.URL.Path != "/account/linked" || len(s.identities(ada)) != 1 {
			t.Errorf("after both: %s with %v", page, s.identities(ada))
		}
	})
}

// TestSwitchedOffBeforeTheSecondFactor: what the upstream proved counts no more.
func TestSwitchedOffBeforeTheSecondFactor(t *testing.T) {
	underSky(t, []lanyard.ConnectionID{atGoogle}, func(t *testing.T, s *sky) {
		p, b := withApp(t, s.IDP), s.Browser()
		must(t, s.Scope().LinkIdentity(t.Context(), lanyard.LinkedIdentity{
			Identity: lanyard.Identity{ConnectionID: atGoogle, Issuer: s.upstream[atGoogle].Issuer, Subject: upstream.Ada(upstream.Google).Subject},
			UserID:   userOf(t, s.IDP, ada).ID, CreatedAt: s.Clock.Now(), UsedAt: s.Clock.Now(),
		}))
		page := s.signIn(b, "web", nil, atGoogle)
		s.connect(atGoogle, func(c *lanyard.Connection) { c.Enabled = false })
		if page = b.Press(page, "code-submit", one("code", p.code())); page.Away != nil {
			t.Errorf("signed in: %v", page.Away)
		}
		if page = b.Get(s.Client("web").Authorize(one("prompt", "none"))); page.Away.Query().Get("error") != "login_required" {
			t.Errorf("a session began: %v", page.Away)
		}
	})
}

// TestSomebodyFromTelegramCompletesTheAccount with an address and a password, and can leave Telegram then.
func TestSomebodyFromTelegramCompletesTheAccount(t *testing.T) {
	underSky(t, []lanyard.ConnectionID{atTelegram}, func(t *testing.T, s *sky) {
		const address, password = "ada.at.last@example.test", "tower-of-small-lamps-1"
		web, b := s.Client("web"), s.Browser()
		first := tokensOf(t, web, s.signIn(b, "web", nil, atTelegram))
		page := b.Press(b.Get("/account/emails"), "email-add", one("email", address))
		page = b.Press(page, "code-submit", one("code", s.Letter(address, lanyard.MailVerify).Code))
		if page.Has("email-primary-0") {
			b.Press(page, "email-primary-0", nil)
		}
		page = b.Get("/account/security/password")
		page = b.Press(page, "password-submit", one("password", password))
		if page.Has("problem") {
			t.Fatalf("the password: %s\n%s", page, page.Body)
		}
		second := tokensOf(t, web, s.Browser().SignIn(web.Authorize(nil), address, password))
		if first["sub"] != second["sub"] {
			t.Errorf("signed in are %v and %v", first["sub"], second["sub"])
		}
		if page = b.Press(b.Get("/account/linked"), "unlink-0", nil); page.Has("unlink-0") {
			t.Errorf("Telegram is no longer the only way in: %s", page)
		}
	})
}
