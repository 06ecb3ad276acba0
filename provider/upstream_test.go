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

// TestNewPersonSignsUpOverEachKind: the account is there, the tokens say how, and the
// first refresh works; the second time it is the same account.
func TestNewPersonSignsUpOverEachKind(t *testing.T) {
	underSky(t, []lanyard.ConnectionID{atGoogle, atMicrosoft, atCompany, atTelegram}, func(t *testing.T, s *sky) {
		for id, shape := range map[lanyard.ConnectionID]upstream.Shape{
			atGoogle: upstream.Google, atMicrosoft: upstream.Microsoft, atCompany: upstream.Generic, atTelegram: upstream.Telegram,
		} {
			person := upstream.Ada(shape)
			person.DomainOwner = true
			if person.Email != "" {
				person.Email = string(id) + "@new.test"
			}
			s.upstream[id].SignIn(person)
			web, subject := s.Client("web"), ""
			for turn := range 2 {
				b := s.Browser()
				page := s.signIn(b, "web", one("scope", "openid email profile offline_access"), id)
				if page.Away == nil {
					t.Fatalf("%s, turn %d: %s\n%s", id, turn, page, page.Body)
				}
				tokens := web.Exchange(page.Away.Query().Get("code"), nil)
				claims := idp.Claims(t, tokens.Text("id_token"))
				if claims["idp"] != string(id) || claims["acr"] != "1" || len(texts(claims["amr"])) != 1 || texts(claims["amr"])[0] != "fed" {
					t.Errorf("%s: the ID token says %v", id, claims)
				}
				if turn == 1 && claims["sub"] != subject {
					t.Errorf("%s: another account the second time", id)
				}
				subject, _ = claims["sub"].(string)
				info := web.Userinfo(tokens.Text("access_token")).Body
				if email, _ := info["email"].(string); email != person.Email || (person.Email != "") != (info["email_verified"] == true) {
					t.Errorf("%s: userinfo says %v", id, info)
				}
				again := web.Call("/oauth/token", one("grant_type", "refresh_token", "refresh_token", tokens.Text("refresh_token")))
				if again.Status != http.StatusOK || idp.Claims(t, again.Text("id_token"))["idp"] != string(id) {
					t.Errorf("%s: the first refresh is %d %s", id, again.Status, again.Raw)
				}
			}
		}
	})
}

// TestAddressAloneOpensNothing (ATTACKS.md 151, 152): a Microsoft tenant that says the
// address of somebody here, and a Google address that is not proved.
func TestAddressAloneOpensNothing(t *testing.T) {
	overSQLite(t, []lanyard.ConnectionID{atMicrosoft, atGoogle}, func(t *testing.T, s *sky) {
		for id, shape := range map[lanyard.ConnectionID]upstream.Shape{atMicrosoft: upstream.Microsoft, atGoogle: upstream.Google} {
			attacker := upstream.Ada(shape)
			attacker.Email, attacker.Username, attacker.EmailVerified = ada, ada, false
			s.upstream[id].SignIn(attacker)
			page := s.signIn(s.Browser(), "web", nil, id)
			if page.URL.Path != "/signup" || strings.Contains(page.Body, "already") {
				t.Errorf("%s: it leads to %s\n%s", id, page, page.Body)
			}
			if len(s.identities(ada)) != 0 {
				t.Errorf("%s: the identity was linked", id)
			}
		}
	})
}

// TestVerifiedAddressIsLinkedAfterProof of the account, in the same browser: not
// before, not by somebody else, once.
func TestVerifiedAddressIsLinkedAfterProof(t *testing.T) {
	underSky(t, []lanyard.ConnectionID{atGoogle}, func(t *testing.T, s *sky) {
		b := s.Browser()
		page := s.signIn(b, "web", nil, atGoogle)
		if !page.Has("login-submit") || len(s.identities(ada)) != 0 {
			t.Fatalf("it leads to %s\n%s", page, page.Body)
		}
		page = b.Press(page, "login-submit", one("password", adaPassword))
		if !page.Has("link-allow") || len(s.identities(ada)) != 0 {
			t.Fatalf("after the proof: %s\n%s", page, page.Body)
		}
		allow := b.Form(page, "link-allow")
		page = b.Press(page, "link-allow", nil)
		wantAway(t, page, "")
		if got := s.identities(ada); len(got) != 1 || got[0].Subject != upstream.Ada(upstream.Google).Subject {
			t.Fatalf("linked are %v", got)
		}
		if again := b.Post(allow.Action, allow.Values); again.Status == http.StatusOK && again.Has("link-allow") {
			t.Errorf("a second time: %s", again)
		}
		other := s.signIn(s.Browser(), "web", nil, atGoogle)
		wantAway(t, other, "")
		if got := idp.Claims(t, s.Client("web").Exchange(other.Away.Query().Get("code"), nil).Text("id_token"))["sub"]; got != "ada-subject" {
			t.Errorf("signed in is %v", got)
		}
	})
}

// TestPreRegisteredAccountIsLost (ATTACKS.md 155): whoever registered the address
// without ever proving it has nothing left once its owner arrives.
func TestPreRegisteredAccountIsLost(t *testing.T) {
	underSky(t, []lanyard.ConnectionID{atGoogle}, func(t *testing.T, s *sky) {
		person := upstream.Ada(upstream.Google)
		person.Email = "bob@example.test" // bob's address is not proved
		s.upstream[atGoogle].SignIn(person)
		web, attacker := s.Client("web"), s.Browser()
		away := attacker.SignIn(web.Authorize(one("scope", "openid offline_access")), "bob@example.test", "difference-engine-1822")
		before := web.Exchange(away.Away.Query().Get("code"), nil)

		page := s.signIn(s.Browser(), "web", one("scope", "openid email"), atGoogle)
		wantAway(t, page, "")
		tokens := web.Exchange(page.Away.Query().Get("code"), nil)
		if sub := idp.Claims(t, tokens.Text("id_token"))["sub"]; sub == "bob-subject" || sub == nil {
			t.Errorf("the owner of the address is %v", sub)
		}
		if again := attacker.Get(web.Authorize(one("prompt", "none"))); again.Away == nil || again.Away.Query().Get("error") != "login_required" {
			t.Errorf("the session of the one before leads to %s %v", again, again.Away)
		}
		if a := web.Refresh(before.Text("refresh_token"), nil); a.Text("error") != "invalid_grant" {
			t.Errorf("the refresh token of the one before gives %d %s", a.Status, a.Raw)
		}
		if page := s.Browser().SignIn(web.Authorize(nil), "bob@example.test", "difference-engine-1822"); page.Away != nil {
			t.Errorf("the password of the one before leads to %v", page.Away)
		}
	})
}

// TestUpstreamsThatMustNotBeBelieved (ATTACKS.md 158, 160, 161, 164): nobody is signed in, nobody
// gets an account, and the page says that it did not work.
func TestUpstreamsThatMustNotBeBelieved(t *testing.T) {
	overSQLite(t, []lanyard.ConnectionID{atGoogle}, func(t *testing.T, s *sky) {
		for n, fault := range []upstream.Fault{
			upstream.WrongAudience, upstream.NoAuthorizedParty, upstream.WrongAuthorizedParty, upstream.WrongIssuer, upstream.WrongNonce,
			upstream.NoNonce, upstream.AlgNone, upstream.AlgHS256, upstream.WrongSignature, upstream.Expired, upstream.Future, upstream.WrongHash,
			upstream.NoIDToken, upstream.DuplicateClaim, upstream.AccessDenied, upstream.OtherError, upstream.WrongIss,
		} {
			s.upstream[atGoogle].Break(fault)
			b := s.Browser()
			page := s.signIn(b, "web", nil, atGoogle)
			if page.Away != nil || page.URL.Path != "/login" || !page.Has("provider-google") || page.URL.Query().Get("code") != "" {
				t.Errorf("%s: it leads to %s", fault, page)
			}
			if again := b.Get(s.Client("web").Authorize(one("prompt", "none"))); again.Away == nil || again.Away.Query().Get("error") != "login_required" {
				t.Errorf("%s: signed in", fault)
			}
			if log := s.Log.String(); strings.Count(log, `"cause":"upstream`) != n+1 || strings.Contains(log, "code=") || strings.Contains(log, "state=") {
				t.Errorf("%s: the log does not say why, or too much: %s", fault, s.Log.Tail())
			}
			s.upstream[atGoogle].Mend()
			if page = s.over(b, page, atGoogle); !page.Has("login-submit") { // ada has an account
				t.Errorf("after %s: %s", fault, page)
			}
		}
	})
}

// TestAnswersBelongToTheirSignIn (ATTACKS.md 157, 158): another state, another connection,
// another browser, a second time, too late: 400, and nothing is linked or signed in.
func TestAnswersBelongToTheirSignIn(t *testing.T) {
	underSky(t, []lanyard.ConnectionID{atGoogle, atCompany}, func(t *testing.T, s *sky) {
		person := upstream.Ada(upstream.Google)
		person.Email = "new@example.test"
		s.upstream[atGoogle].SignIn(person)
		web := s.Client("web")
		begin := func(b *idp.Browser) string {
			return s.away(b, b.Press(b.Get(web.Authorize(nil)), "provider-google", nil))
		}
		refused := func(what string, b *idp.Browser, callback string) {
			t.Helper()
			if page := b.Get(callback); page.Status != http.StatusBadRequest || page.Away != nil {
				t.Errorf("%s: %s", what, page)
			}
		}
		b := s.Browser()
		callback := begin(b)
		refused("in another browser", s.Browser(), callback)
		refused("at another connection", b, strings.Replace(callback, "/google/", "/company/", 1))
		refused("at a connection that is not there", b, strings.Replace(callback, "/google/", "/nowhere/", 1))
		refused("with another state", b, callback+"x")
		refused("with two states", b, callback+"&state=x")
		refused("without a state", b, s.Issuer+"/federation/google/callback?code=abc")
		callback = begin(b)
		wantAway(t, b.Get(callback), "")
		refused("a second time", b, callback)
		late := s.Browser()
		callback = begin(late)
		s.Clock.Advance(11 * time.Minute)
		refused("too late", late, callback)
	})
}

// TestSwitchedOffMeansOff (ATTACKS.md 163), between the start and the answer as well.
func TestSwitchedOffMeansOff(t *testing.T) {
	underSky(t, []lanyard.ConnectionID{atGoogle}, func(t *testing.T, s *sky) {
		person := upstream.Ada(upstream.Google)
		person.Email = "known@example.test"
		s.upstream[atGoogle].SignIn(person)
		web := s.Client("web")
		wantAway(t, s.signIn(s.Browser(), "web", nil, atGoogle), "")
		for what, change := range map[string]func(c *lanyard.Connection){
			"disabled":   func(c *lanyard.Connection) { c.Enabled = false },
			"no sign-in": func(c *lanyard.Connection) { c.SignIn = false },
		} {
			b := s.Browser()
			callback := s.away(b, b.Press(b.Get(web.Authorize(nil)), "provider-google", nil))
			s.connect(atGoogle, change)
			if page := b.Get(callback); page.Away != nil || page.URL.Path != "/login" {
				t.Errorf("%s: the answer leads to %s", what, page)
			}
			if page := s.Browser().Get(web.Authorize(nil)); page.Has("provider-google") {
				t.Errorf("%s: it is offered", what)
			}
			s.connect(atGoogle, nil)
		}
		stranger := person
		stranger.Subject, stranger.Email = "998877665544332211001", "stranger@example.test"
		s.upstream[atGoogle].SignIn(stranger)
		s.connect(atGoogle, func(c *lanyard.Connection) { c.SignUp = false })
		if page := s.signIn(s.Browser(), "web", nil, atGoogle); page.Away != nil || page.URL.Path != "/login" {
			t.Errorf("without sign-up a stranger gets to %s", page)
		}
		stranger.Email = ada
		s.upstream[atGoogle].SignIn(stranger)
		s.connect(atGoogle, func(c *lanyard.Connection) { c.Linking = false })
		if page := s.signIn(s.Browser(), "web", nil, atGoogle); page.Away != nil || page.Has("login-submit") {
			t.Errorf("without linking the address of somebody leads to %s", page)
		}
		s.connect(atGoogle, nil)
		s.upstream[atGoogle].SignIn(person)
		u := userOf(t, s.IDP, person.Email)
		u.Disabled = true
		if err := s.Scope().UpdateUser(t.Context(), u); err != nil {
			t.Fatal(err)
		}
		if page := s.signIn(s.Browser(), "web", nil, atGoogle); page.Away != nil {
			t.Errorf("somebody who is turned off gets to %v", page.Away)
		}
	})
}

// TestUpstreamDown (ATTACKS.md 167): a clear page, and every other way still works.
func TestUpstreamDown(t *testing.T) {
	overSQLite(t, []lanyard.ConnectionID{atGoogle}, func(t *testing.T, s *sky) {
		s.upstream[atGoogle].Down()
		b := s.Browser()
		page := b.Press(b.Get(s.Client("web").Authorize(nil)), "provider-google", nil)
		if page.Status != http.StatusServiceUnavailable || !page.Has("way-usual") {
			t.Fatalf("it leads to %s\n%s", page, page.Body)
		}
		wantAway(t, b.Walk(b.Press(page, "way-usual", nil), ada, adaPassword), "")
	})
}
