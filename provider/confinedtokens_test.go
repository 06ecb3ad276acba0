package provider_test

import (
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
	"github.com/lanyard-id/lanyard/internal/testkit/upstream"
)

// company adds carol@acme.test, a member of acme with a password, whom acme's provider
// knows, to a sky in which acme insists on that provider.
func (s *sky) company() {
	s.t.Helper()
	s.Apply("version: 1\ntenants:\n  - slug: default\n    users: [{email: carol@acme.test, email_verified: true, password: " + carolPassword + "}]\n" +
		"    organizations: [{slug: acme, members: [{user: carol@acme.test, roles: [auditor]}]}]")
	s.insist("acme")
	person := upstream.Ada(upstream.Generic)
	person.Subject, person.Email = "carol", "carol@acme.test"
	s.upstream[acmeSSO].SignIn(person)
}

const carolPassword = "tower-of-small-lamps-1"

// TestConfinedTokensTellNothingOfOtherPlaces: neither roles in the tenant nor the other
// organizations, at first and after a refresh.
func TestConfinedTokensTellNothingOfOtherPlaces(t *testing.T) {
	underSky(t, []lanyard.ConnectionID{betaSSO}, func(t *testing.T, s *sky) {
		s.linkAda(betaSSO, "beta")
		must(t, s.Scope().GrantUserRole(t.Context(), userOf(t, s.IDP, ada).ID, "staff", s.Clock.Now()))
		web := s.Client("web")
		page := s.signIn(s.Browser(), "web", one("organization", "beta", "scope", "openid offline_access roles organizations"), betaSSO)
		wantAway(t, page, "")
		first := web.Exchange(page.Away.Query().Get("code"), nil)
		for what, tokens := range map[string]idp.Answer{"at first": first, "after a refresh": web.Refresh(first.Text("refresh_token"), nil)} {
			info := web.Userinfo(tokens.Text("access_token"))
			claims := idp.Claims(t, tokens.Text("id_token"))
			if !strings.Contains(info.Raw, "Beta") || strings.Contains(info.Raw, "Acme") || strings.Contains(info.Raw, "staff") || claims["tenant_roles"] != nil {
				t.Errorf("%s: %s, ID token %v", what, info.Raw, about(claims))
			}
			if seen := introspect(web, tokens.Text("access_token")); seen["tenant_roles"] != nil {
				t.Errorf("%s: introspection says %v", what, about(seen))
			}
		}
	})
}

// TestConfinedConsentIsNotThePersons: what an organization's word agreed to is asked again
// when the person signs in themselves.
func TestConfinedConsentIsNotThePersons(t *testing.T) {
	overSQLite(t, []lanyard.ConnectionID{betaSSO}, func(t *testing.T, s *sky) {
		s.linkAda(betaSSO, "beta")
		third, hers, theirs := s.Client("third"), s.Browser(), s.Browser()
		wantAway(t, theirs.Press(s.signIn(theirs, "third", one("organization", "beta"), betaSSO), "consent-allow", nil), "")
		page := hers.Press(hers.Get(third.Authorize(nil)), "login-continue", one("username", ada))
		if page = hers.Press(page, "login-submit", one("password", adaPassword)); !page.Has("consent-allow") {
			t.Errorf("her own sign-in is not asked: %s %v", page, page.Away)
		}
	})
}

// TestOwnerIsNotAskedForMoreThanTheCompany: beside an own session, the one that the
// organization insists on counts.
func TestOwnerIsNotAskedForMoreThanTheCompany(t *testing.T) {
	overSQLite(t, []lanyard.ConnectionID{acmeSSO}, func(t *testing.T, s *sky) {
		s.linkAda(acmeSSO, "acme")
		s.insist("acme")
		web, b := s.Client("web"), s.Browser()
		wantAway(t, b.SignIn(web.Authorize(nil), ada, adaPassword), "")
		s.Clock.Advance(time.Hour)
		wantAway(t, s.over(b, b.Get(web.Authorize(one("organization", "acme", "prompt", "login"))), acmeSSO), "")
		if claims := tokensOf(t, web, b.Get(web.Authorize(one("organization", "acme")))); claims["idp"] != string(acmeSSO) {
			t.Errorf("then: %v", claims)
		}
	})
}

// TestAnotherSessionIsNoFreshProof: a young session of one kind does not make an old one young.
func TestAnotherSessionIsNoFreshProof(t *testing.T) {
	overSQLite(t, []lanyard.ConnectionID{acmeSSO}, func(t *testing.T, s *sky) {
		s.company()
		web, b := s.Client("web"), s.Browser()
		page := s.signIn(b, "web", one("organization", "acme"), acmeSSO)
		page = b.Press(page, "login-submit", one("password", carolPassword))
		wantAway(t, b.Press(page, "link-allow", nil), "")
		s.Clock.Advance(2 * time.Hour)
		s.upstream[acmeSSO].Break(upstream.AccessDenied)
		page = b.Get(web.Authorize(one("organization", "acme", "max_age", "60")))
		page = b.Press(s.back(b, s.away(b, page)), "way-owner", nil)
		if page = b.Walk(page, "carol@acme.test", carolPassword); page.Away != nil {
			t.Errorf("a password in place of the company's sign-in: %v", page.Away)
		}
	})
}

// TestMemberWhoIsSignedInLinksTheCompany without signing out first.
func TestMemberWhoIsSignedInLinksTheCompany(t *testing.T) {
	underSky(t, []lanyard.ConnectionID{acmeSSO}, func(t *testing.T, s *sky) {
		s.company()
		web, b := s.Client("web"), s.Browser()
		wantAway(t, b.SignIn(web.Authorize(nil), "carol@acme.test", carolPassword), "")
		page := b.Get(web.Authorize(one("organization", "acme")))
		if page = s.back(b, s.away(b, page)); !page.Has("link-allow") {
			t.Fatalf("it leads to %s", page)
		}
		s.connect(acmeSSO, func(c *lanyard.Connection) { c.SignIn = false })
		if page := b.Press(page, "link-allow", nil); page.Away != nil || len(s.identities("carol@acme.test")) != 0 {
			t.Errorf("at a connection that was switched off meanwhile: %s %v", page, page.Away)
		}
	})
}

// TestLinkIsForWhoAskedForIt, not for whoever signs in on the way.
func TestLinkIsForWhoAskedForIt(t *testing.T) {
	overSQLite(t, []lanyard.ConnectionID{atTelegram}, func(t *testing.T, s *sky) {
		b := atAccount(t, s.IDP, ada, adaPassword)
		s.Clock.Advance(11 * time.Minute)
		page := b.Press(b.Press(b.Get("/account/linked"), "link-telegram", nil), "login-change", nil)
		if page = b.Walk(page, "bob", "difference-engine-1822"); page.Header.Get("Refresh") != "" {
			t.Errorf("bob is led to Telegram: %s", page)
		}
	})
}

// TestAnotherNameLeadsElsewhere than to the company whose address was typed first.
func TestAnotherNameLeadsElsewhere(t *testing.T) {
	overSQLite(t, []lanyard.ConnectionID{acmeSSO}, func(t *testing.T, s *sky) {
		s.insist("acme")
		s.upstream[acmeSSO].Down()
		b := s.Browser()
		page := b.Press(b.Get(s.Client("choose").Authorize(nil)), "login-continue", one("username", "wrong@acme.test"))
		if page = b.Press(b.Press(page, "way-owner", nil), "login-change", nil); !page.Has("login-continue") {
			t.Errorf("there is no way back: %s", page)
		}
	})
}

// TestRefusedInvitationIsStillThere for the next try in the same sign-in.
func TestRefusedInvitationIsStillThere(t *testing.T) {
	underSky(t, []lanyard.ConnectionID{atGoogle}, func(t *testing.T, s *sky) {
		s.Apply(gate)
		person := upstream.Ada(upstream.Google)
		person.Subject, person.Email = "109876543210987654321", "someone@elsewhere.test"
		s.upstream[atGoogle].SignIn(person)
		b := s.Browser()
		page := s.over(b, b.Press(b.Get("/invite/"+domainCode), "invite-sign-up", nil), atGoogle)
		person.Subject, person.Email = "109876543210987654322", "someone@corp.example.test"
		s.upstream[atGoogle].SignIn(person)
		s.over(b, page, atGoogle)
		if rolesIn(t, s.IDP, "someone@corp.example.test", "acme") == nil {
			t.Error("the right address does not join")
		}
	})
}
