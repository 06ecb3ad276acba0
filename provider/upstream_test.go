package provider_test

import (
	"net/http"
	"strings"
	"testing"

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
	underSky(t, []lanyard.ConnectionID{atMicrosoft, atGoogle}, func(t *testing.T, s *sky) {
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
