package provider_test

import (
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
	"github.com/lanyard-id/lanyard/internal/testkit/upstream"
)

// lets tells whether somebody new gets in over a connection.
func (s *sky) lets(id lanyard.ConnectionID, person upstream.Person) bool {
	s.t.Helper()
	s.upstream[id].SignIn(person)
	page := s.signIn(s.Browser(), "web", nil, id)
	if page.Away == nil && page.URL.Path != "/login" {
		s.t.Fatalf("%s leads to %s\n%s", id, page, page.Body)
	}
	return page.Away != nil
}

// TestHostedDomainIsWhatGoogleSays (ATTACKS.md 154), not how the address ends.
func TestHostedDomainIsWhatGoogleSays(t *testing.T) {
	overSQLite(t, []lanyard.ConnectionID{atGoogle}, func(t *testing.T, s *sky) {
		s.connect(atGoogle, func(c *lanyard.Connection) { c.HostedDomain = "corp.test" })
		person := upstream.Ada(upstream.Google)
		person.Email = "ada@corp.test"
		for _, c := range []struct {
			hd   string
			lets bool
		}{{"", false}, {"notcorp.test", false}, {"CORP.test.evil.test", false}, {"corp.test", true}} {
			if person.HostedDomain = c.hd; s.lets(atGoogle, person) != c.lets {
				t.Errorf("hd %q: %v", c.hd, !c.lets)
			}
		}
	})
}

// TestMicrosoftTenantsAreLetInOneByOne (ATTACKS.md 161): by the tenant of the token, which
// is that of its issuer, and by the lists of the connection.
func TestMicrosoftTenantsAreLetInOneByOne(t *testing.T) {
	overSQLite(t, []lanyard.ConnectionID{atMicrosoft}, func(t *testing.T, s *sky) {
		const other = "99999999-8888-4777-8666-555555555555"
		person := upstream.Ada(upstream.Microsoft)
		person.Email, person.DomainOwner = "ada@corp.test", true
		forged := person
		forged.Extra = map[string]any{"tid": other}
		if s.lets(atMicrosoft, forged) {
			t.Error("a tenant that is not the issuer's")
		}
		for what, c := range map[string]struct {
			change func(c *lanyard.Connection)
			lets   bool
		}{
			"refused":     {func(c *lanyard.Connection) { c.RefusedTenants = []string{person.Tenant} }, false},
			"not allowed": {func(c *lanyard.Connection) { c.AllowedTenants = []string{other} }, false},
			"allowed":     {func(c *lanyard.Connection) { c.AllowedTenants = []string{other, person.Tenant} }, true},
		} {
			s.connect(atMicrosoft, c.change)
			if s.lets(atMicrosoft, person) != c.lets {
				t.Errorf("%s: %v", what, !c.lets)
			}
		}
	})
}

// TestIdentityIsOfTheIDToken (ATTACKS.md 164): userinfo about somebody else ends the sign-in.
func TestIdentityIsOfTheIDToken(t *testing.T) {
	overSQLite(t, []lanyard.ConnectionID{atCompany}, func(t *testing.T, s *sky) {
		s.connect(atCompany, func(c *lanyard.Connection) { c.UserInfo = true })
		person := upstream.Ada(upstream.Generic)
		person.Email = "ada@corp.test"
		s.upstream[atCompany].Break(upstream.OtherSubject)
		if s.lets(atCompany, person) {
			t.Error("somebody else's userinfo is believed")
		}
		s.upstream[atCompany].Mend()
		if !s.lets(atCompany, person) {
			t.Error("it does not recover")
		}
	})
}

// TestKeysOfUpstreams (ATTACKS.md 166): no redirect is followed, no huge answer read, unknown
// keys are looked for once a minute, and the keys that are known serve through an outage.
func TestKeysOfUpstreams(t *testing.T) {
	overSQLite(t, []lanyard.ConnectionID{atCompany}, func(t *testing.T, s *sky) {
		p := s.upstream[atCompany]
		person := upstream.Ada(upstream.Generic)
		person.Email = "ada@corp.test"
		for _, fault := range []upstream.Fault{upstream.RedirectLoopback, upstream.Huge, upstream.NotJSON, upstream.ServerError} {
			p.Break(fault, upstream.PathJWKS)
			if s.lets(atCompany, person) {
				t.Errorf("%s: somebody got in", fault)
			}
			p.Mend()
			s.Clock.Advance(time.Minute)
		}
		if !s.lets(atCompany, person) {
			t.Fatal("it does not recover")
		}
		p.Break(upstream.UnknownKey)
		before := p.Hits(upstream.PathJWKS)
		for range 5 {
			if s.lets(atCompany, person) {
				t.Error("a key that nobody publishes")
			}
		}
		if n := p.Hits(upstream.PathJWKS) - before; n > 1 {
			t.Errorf("%d fetches for unknown keys within a minute", n)
		}
		p.Mend()
		s.Clock.Advance(time.Hour)
		p.Break(upstream.ServerError, upstream.PathJWKS, upstream.PathDiscovery)
		if !s.lets(atCompany, person) {
			t.Error("the keys that are known do not serve through an outage")
		}
	})
}

// TestAddressThatMovesUpstreamMovesNothing (ATTACKS.md 169) here.
func TestAddressThatMovesUpstreamMovesNothing(t *testing.T) {
	underSky(t, []lanyard.ConnectionID{atGoogle}, func(t *testing.T, s *sky) {
		person := upstream.Ada(upstream.Google)
		person.Email = "first@new.test"
		s.upstream[atGoogle].SignIn(person)
		web := s.Client("web")
		before := tokensOf(t, web, s.signIn(s.Browser(), "web", one("scope", "openid email"), atGoogle))
		person.Email = ada
		s.upstream[atGoogle].SignIn(person)
		page := s.signIn(s.Browser(), "web", one("scope", "openid email"), atGoogle)
		wantAway(t, page, "")
		tokens := web.Exchange(page.Away.Query().Get("code"), nil)
		if sub := idp.Claims(t, tokens.Text("id_token"))["sub"]; sub != before["sub"] || sub == "ada-subject" {
			t.Errorf("it signs in %v", sub)
		}
		if email := web.Userinfo(tokens.Text("access_token")).Body["email"]; email != "first@new.test" {
			t.Errorf("the address is %v now", email)
		}
	})
}
