package provider_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
	"github.com/lanyard-id/lanyard/internal/testkit/upstream"
)

// adaAt is ada as the connection of an organization asserts her.
func adaAt(id lanyard.ConnectionID) upstream.Person {
	p := upstream.Ada(upstream.Generic)
	p.Subject, p.Email = "ada-at-"+string(id), ada
	return p
}

// linkAda has ada link the connection of an organization, with her password.
func (s *sky) linkAda(id lanyard.ConnectionID, slug string) {
	s.t.Helper()
	u := userOf(s.t, s.IDP, ada)
	err := s.Scope().LinkIdentity(s.t.Context(), lanyard.LinkedIdentity{
		Identity: lanyard.Identity{ConnectionID: id, Issuer: s.upstream[id].Issuer, Subject: "ada-at-" + string(id)},
		UserID:   u.ID, CreatedAt: s.Clock.Now(), UsedAt: s.Clock.Now(),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.upstream[id].SignIn(adaAt(id))
}

// TestOrganizationsProviderOpensThatOrganizationOnly: beta's provider asserts the owner
// of acme, and there is no token for acme, none outside of organizations, no account page.
func TestOrganizationsProviderOpensThatOrganizationOnly(t *testing.T) {
	underSky(t, []lanyard.ConnectionID{betaSSO, acmeSSO}, func(t *testing.T, s *sky) {
		s.linkAda(betaSSO, "beta")
		web, choose, b := s.Client("web"), s.Client("choose"), s.Browser()
		page := s.signIn(b, "web", one("organization", "beta", "scope", "openid offline_access organizations", "resource", apiResource), betaSSO)
		wantAway(t, page, "")
		tokens := web.Exchange(page.Away.Query().Get("code"), nil)
		for _, token := range []string{"id_token", "access_token"} {
			claims := idp.Claims(t, tokens.Text(token))
			if claims["org_slug"] != "beta" || claims["idp"] != string(betaSSO) {
				t.Errorf("the %s says %v", token, about(claims))
			}
		}
		if again := web.Refresh(tokens.Text("refresh_token"), nil); again.Status != http.StatusOK {
			t.Errorf("the first refresh is %d %s", again.Status, again.Raw)
		}
		for what, url := range map[string]string{
			"another organization":  web.Authorize(one("organization", "acme")),
			"its scope":             web.Authorize(one("scope", "openid organization:acme")),
			"no organization":       web.Authorize(nil),
			"a hint":                web.Authorize(one("login_hint", ada)),
			"silent, another":       web.Authorize(one("organization", "acme", "prompt", "none")),
			"silent, none":          web.Authorize(one("prompt", "none")),
			"silent, by hint":       web.Authorize(one("prompt", "none", "id_token_hint", tokens.Text("id_token"))),
			"the account":           "/account",
			"a page of the account": "/account/security",
			"linked accounts":       "/account/linked",
			"data":                  "/account/data",
			"devices":               "/device?user_code=BCDF-GHJK",
			"pages of another":      "/org/acme",
		} {
			page := b.Get(url)
			if page.Away != nil && page.Away.Query().Get("code") != "" {
				t.Errorf("%s: a code", what)
			}
			if page.Away == nil && !strings.HasPrefix(page.URL.Path, "/login") {
				t.Errorf("%s: %s", what, page)
			}
		}
		page = b.Get(choose.Authorize(nil))
		wantAway(t, page, "")
		if claims := idp.Claims(t, choose.Exchange(page.Away.Query().Get("code"), nil).Text("id_token")); claims["org_slug"] != "beta" {
			t.Errorf("where one is needed it is %v", about(claims))
		}
		page = b.Get(choose.Authorize(one("prompt", "select_account")))
		if page.Has("choose") || strings.Contains(page.Body, "Acme") || strings.Contains(page.Body, "Gamma") {
			t.Errorf("it is told where else she is: %s", page)
		}
	})
}

// TestPersonalSessionStandsBesideTheOrganizations: both live in one browser, each opens
// what it may, and neither raises the other.
func TestPersonalSessionStandsBesideTheOrganizations(t *testing.T) {
	underSky(t, []lanyard.ConnectionID{betaSSO}, func(t *testing.T, s *sky) {
		s.linkAda(betaSSO, "beta")
		s.connect(betaSSO, func(c *lanyard.Connection) { c.TrustedForMFA = true })
		person := adaAt(betaSSO)
		person.AMR = []string{"mfa"}
		s.upstream[betaSSO].SignIn(person)
		web, b := s.Client("web"), s.Browser()
		wantAway(t, b.SignIn(web.Authorize(nil), ada, adaPassword), "")
		page := b.Get(web.Authorize(one("organization", "beta", "prompt", "login")))
		page = s.over(b, page, betaSSO)
		wantAway(t, page, "")
		in := idp.Claims(t, web.Exchange(page.Away.Query().Get("code"), nil).Text("id_token"))
		if in["org_slug"] != "beta" || in["acr"] != "2" || in["idp"] != string(betaSSO) {
			t.Errorf("in beta: %v", in)
		}
		page = b.Get(web.Authorize(one("organization", "acme")))
		wantAway(t, page, "")
		out := idp.Claims(t, web.Exchange(page.Away.Query().Get("code"), nil).Text("id_token"))
		if out["org_slug"] != "acme" || out["acr"] != "1" || out["idp"] != nil || out["sid"] == in["sid"] {
			t.Errorf("in acme: %v", out)
		}
	})
}

// TestOrganizationInsistsOnItsConnection: a password opens it no more, tokens neither;
// owners with a second factor break the glass, and that is recorded.
func TestOrganizationInsistsOnItsConnection(t *testing.T) {
	underSky(t, []lanyard.ConnectionID{acmeSSO}, func(t *testing.T, s *sky) {
		web, b := s.Client("web"), s.Browser()
		page := b.SignIn(web.Authorize(one("organization", "acme", "scope", "openid offline_access")), "bob", "difference-engine-1822")
		wantAway(t, page, "")
		before := web.Exchange(page.Away.Query().Get("code"), nil)
		s.insist("acme")
		if a := web.Refresh(before.Text("refresh_token"), nil); a.Text("error") != "invalid_grant" {
			t.Errorf("what was signed in by password goes on: %d %s", a.Status, a.Raw)
		}
		if page := b.Get(web.Authorize(one("organization", "acme"))); page.URL.Path != "/login/connection" {
			t.Errorf("signed in by password: %s", page)
		}
		if page := b.Get(web.Authorize(nil)); page.Away == nil {
			t.Errorf("outside of the organization: %s", page)
		}
		fresh := s.Browser()
		page = fresh.Get(web.Authorize(one("organization", "acme")))
		if page.URL.Path != "/login/connection" || page.Header.Get("Refresh") == "" {
			t.Fatalf("nobody: %s", page)
		}
		person := upstream.Ada(upstream.Generic)
		person.Subject, person.Email = "new-at-acme", "newcomer@acme.test"
		s.upstream[acmeSSO].SignIn(person)
		if page := s.back(fresh, s.away(fresh, page)); page.Away != nil {
			t.Errorf("without just-in-time creation a stranger gets to %v", page.Away)
		}
		s.connect(acmeSSO, func(c *lanyard.Connection) {
			c.JustInTime, c.DefaultRoles = true, []string{"auditor", "owner", "nothing"}
		})
		fresh = s.Browser()
		page = s.signIn(fresh, "web", one("organization", "acme", "scope", "openid email offline_access"), acmeSSO)
		wantAway(t, page, "")
		tokens := web.Exchange(page.Away.Query().Get("code"), nil)
		if a := web.Refresh(tokens.Text("refresh_token"), nil); a.Status != http.StatusOK {
			t.Errorf("the first refresh is %d %s", a.Status, a.Raw)
		}
		claims := idp.Claims(t, tokens.Text("id_token"))
		if claims["org_slug"] != "acme" || !slices.Equal(texts(claims["roles"]), []string{"auditor"}) {
			t.Errorf("the new member has %v", about(claims))
		}
		if u := userOf(t, s.IDP, "newcomer@acme.test"); !u.Profile.EmailVerified {
			t.Error("an address in a domain of the organization is not proved")
		}
	})
}

// insist makes an organization take its own connection only.
func (s *sky) insist(slug string) {
	s.t.Helper()
	o, err := s.Scope().OrganizationBySlug(s.t.Context(), slug)
	if err != nil {
		s.t.Fatal(err)
	}
	o.Policy.OwnConnectionOnly = true
	if err := s.Scope().UpdateOrganization(s.t.Context(), o); err != nil {
		s.t.Fatal(err)
	}
}

// TestOrganizationsProviderProvesItsOwnDomainsOnly: the address of somebody elsewhere is
// neither believed nor linked, and told to nobody.
func TestOrganizationsProviderProvesItsOwnDomainsOnly(t *testing.T) {
	overSQLite(t, []lanyard.ConnectionID{acmeSSO}, func(t *testing.T, s *sky) {
		s.connect(acmeSSO, func(c *lanyard.Connection) { c.JustInTime = true })
		s.Apply("version: 1\ntenants:\n  - slug: default\n    organizations: [{slug: acme, domains: [{domain: unproved.test}]}]")
		for n, address := range []string{ada, "mallory@notacme.test", "mallory@unproved.test", "mallory@sub.acme.test"} {
			person := upstream.Ada(upstream.Generic)
			person.Subject, person.Email = fmt.Sprint("mallory-", n), address
			s.upstream[acmeSSO].SignIn(person)
			page := s.signIn(s.Browser(), "web", one("organization", "acme"), acmeSSO)
			if page.URL.Path != "/signup" || len(s.identities(address)) != 0 {
				t.Errorf("%s leads to %s with %v", address, page, s.identities(address))
			}
		}
	})
}

// TestHomeRealmDiscovery: an address in a domain of an organization leads to that
// organization's connection, where the application is for organizations.
func TestHomeRealmDiscovery(t *testing.T) {
	overSQLite(t, []lanyard.ConnectionID{acmeSSO, betaSSO}, func(t *testing.T, s *sky) {
		s.connect(acmeSSO, func(c *lanyard.Connection) { c.JustInTime = true })
		person := upstream.Ada(upstream.Generic)
		person.Subject, person.Email = "carol-at-acme", "carol@acme.test"
		s.upstream[acmeSSO].SignIn(person)
		choose, b := s.Client("choose"), s.Browser()
		page := b.Press(b.Get(choose.Authorize(nil)), "login-continue", one("username", "Carol@ACME.test"))
		page = s.back(b, s.away(b, page))
		wantAway(t, page, "")
		if claims := idp.Claims(t, choose.Exchange(page.Away.Query().Get("code"), nil).Text("id_token")); claims["org_slug"] != "acme" {
			t.Errorf("it is for %v", about(claims))
		}
		for what, url := range map[string]string{
			"an application without organizations": s.Client("web").Authorize(nil),
			"another organization":                 s.Client("web").Authorize(one("organization", "beta")),
		} {
			b := s.Browser()
			if page := b.Press(b.Get(url), "login-continue", one("username", "carol@acme.test")); !page.Has("login-submit") {
				t.Errorf("%s: %s", what, page)
			}
		}
		b = s.Browser()
		page = b.Press(b.Get(choose.Authorize(nil)), "login-continue", one("username", "carol@acme.test"))
		if page = b.Press(page, "way-usual", nil); !page.Has("login-submit") {
			t.Errorf("another way: %s", page)
		}
	})
}

// TestOwnerBreaksTheGlass: with a second factor, on the way that the page of a broken
// connection offers, and on the record. Nobody else does.
func TestOwnerBreaksTheGlass(t *testing.T) {
	underSky(t, []lanyard.ConnectionID{acmeSSO}, func(t *testing.T, s *sky) {
		p := withApp(t, s.IDP)
		s.insist("acme")
		s.upstream[acmeSSO].Down()
		web := s.Client("web")
		begin := func(b *idp.Browser) *idp.Page {
			t.Helper()
			page := b.Get(web.Authorize(one("organization", "acme")))
			if page.Status != http.StatusServiceUnavailable || !page.Has("way-owner") {
				t.Fatalf("the connection is down: %s\n%s", page, page.Body)
			}
			return b.Press(page, "way-owner", nil)
		}
		b := s.Browser()
		page := p.signIn(b, begin(b))
		claims := tokensOf(t, web, b.Press(page, "code-submit", one("code", p.code())))
		if claims["org_slug"] != "acme" || claims["acr"] != "2" {
			t.Errorf("the owner gets %v", claims)
		}
		if !happened(t, s.IDP, "acme", lanyard.EventGlassBroken) {
			t.Error("it is not on record")
		}
		b = s.Browser()
		page = b.Walk(begin(b), "bob", "difference-engine-1822")
		if page.Away != nil || page.URL.Path != "/login/connection" {
			t.Errorf("a member gets to %s", page)
		}
	})
}

// happened tells whether an event of an organization is on record.
func happened(t *testing.T, i *idp.IDP, slug string, kind lanyard.EventType) bool {
	t.Helper()
	o, err := i.Scope().OrganizationBySlug(t.Context(), slug)
	if err != nil {
		t.Fatal(err)
	}
	all, err := i.Scope().OrganizationEvents(t.Context(), o.ID, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(all, func(e lanyard.Event) bool { return e.Type == kind })
}

// TestConfinedSessionStaysInItsPlace: it stands back behind the person's own, is in no
// chooser elsewhere, sets up no second factor, and accepts nothing for the person.
func TestConfinedSessionStaysInItsPlace(t *testing.T) {
	overSQLite(t, []lanyard.ConnectionID{betaSSO}, func(t *testing.T, s *sky) {
		s.linkAda(betaSSO, "beta")
		web, choose, b := s.Client("web"), s.Client("choose"), s.Browser()
		wantAway(t, s.signIn(b, "web", one("organization", "beta"), betaSSO), "")
		if page := b.Get(web.Authorize(one("prompt", "select_account"))); !page.Has("login-continue") {
			t.Errorf("the chooser of another place is %s", page)
		}
		page := b.Get(web.Authorize(one("organization", "beta", "acr_values", "2")))
		if page.Away == nil || page.Away.Query().Get("error") != "unmet_authentication_requirements" {
			t.Errorf("a second factor is set up on %s", page)
		}
		policy(s.IDP, "sign_up: open", "second_factor: required")
		page = s.signIn(s.Browser(), "web", one("organization", "beta"), betaSSO)
		if page.Away == nil || page.Away.Query().Get("error") != "unmet_authentication_requirements" {
			t.Errorf("without the second factor that the tenant requires: %s %v", page, page.Away)
		}
		policy(s.IDP, "sign_up: open", "second_factor: optional")

		org, err := s.Scope().OrganizationBySlug(t.Context(), "beta")
		must(t, err)
		org.Policy.SecondFactor = lanyard.SecondFactorRequired
		must(t, s.Scope().UpdateOrganization(t.Context(), org))
		if page := b.Get("/org/beta"); page.Status != http.StatusForbidden { // and no circle of redirects
			t.Errorf("pages that need a second factor that nobody can ask for: %s", page)
		}
		org.Policy.SecondFactor = ""
		must(t, s.Scope().UpdateOrganization(t.Context(), org))

		both := s.Browser()
		wantAway(t, both.SignIn(web.Authorize(nil), ada, adaPassword), "")
		s.Clock.Advance(time.Second)
		wantAway(t, s.over(both, both.Get(web.Authorize(one("organization", "beta", "prompt", "login"))), betaSSO), "")
		if page := both.Get(choose.Authorize(nil)); page.URL.Path != "/login/organization" || !strings.Contains(page.Body, "Acme") {
			t.Errorf("beside her own session the organization is chosen for her: %s %v", page, page.Away)
		}
	})
}

// TestConfinedSessionAcceptsNothingElsewhere: who is no member any more is told so, and
// what waits for the person in other places is neither shown nor taken.
func TestConfinedSessionAcceptsNothingElsewhere(t *testing.T) {
	underSky(t, []lanyard.ConnectionID{betaSSO}, func(t *testing.T, s *sky) {
		s.Apply("version: 1\ntenants:\n  - slug: default\n    organizations: [{slug: delta, name: Delta, invitations: [{email: " + ada + ", roles: [admin]}],\n" +
			"      domains: [{domain: example.test, verified: true, joining: request}]}]")
		s.linkAda(betaSSO, "beta")
		b := s.Browser()
		wantAway(t, s.signIn(b, "web", one("organization", "beta"), betaSSO), "")
		s.leave("beta", ada)
		page := b.Get(s.Client("web").Authorize(one("organization", "beta")))
		if page.URL.Path != "/login/not-member" || strings.Contains(page.Body, "Delta") {
			t.Fatalf("it leads to %s\n%s", page, page.Body)
		}
		form := b.Form(page, "organization-cancel")
		for _, i := range s.invitations("delta") {
			form.Values.Set("invitation", string(i.ID))
			b.Post("/login/organization/accept", form.Values)
		}
		if rolesIn(t, s.IDP, ada, "delta") != nil {
			t.Error("the invitation to another organization was accepted")
		}
	})
}

// leave takes a user out of an organization.
func (s *sky) leave(slug, address string) {
	s.t.Helper()
	o, err := s.Scope().OrganizationBySlug(s.t.Context(), slug)
	if err == nil {
		err = s.Scope().DeleteMembership(s.t.Context(), o.ID, userOf(s.t, s.IDP, address).ID, s.Clock.Now())
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *sky) invitations(slug string) []lanyard.Invitation {
	s.t.Helper()
	o, err := s.Scope().OrganizationBySlug(s.t.Context(), slug)
	if err != nil {
		s.t.Fatal(err)
	}
	all, err := s.Scope().Invitations(s.t.Context(), o.ID, "", 10)
	if err != nil || len(all) == 0 {
		s.t.Fatal("no invitations", err)
	}
	return all
}

// TestConfinedSessionStaysConfined when a second factor is added to it, and joins
// nothing by the way.
func TestConfinedSessionStaysConfined(t *testing.T) {
	underSky(t, []lanyard.ConnectionID{betaSSO}, func(t *testing.T, s *sky) {
		s.Apply("version: 1\ntenants:\n  - slug: default\n    organizations: [{slug: delta, name: Delta, domains: [{domain: example.test, verified: true, joining: automatic}]}]")
		s.linkAda(betaSSO, "beta")
		web, b := s.Client("web"), s.Browser()
		wantAway(t, s.signIn(b, "web", one("organization", "beta"), betaSSO), "")
		if rolesIn(t, s.IDP, ada, "delta") != nil {
			t.Error("beta's provider made her a member of delta")
		}
		p := withApp(t, s.IDP)
		b = s.Browser()
		remembered := b.Press(s.signIn(b, "web", one("organization", "beta"), betaSSO), "code-submit", one("code", p.code(), "remember", "1"))
		wantAway(t, remembered, "")
		again := s.over(b, b.Get(web.Authorize(one("organization", "beta", "prompt", "login"))), betaSSO)
		if claims := tokensOf(t, web, again); claims["acr"] != "1" {
			t.Fatalf("on a remembered browser: %v", claims)
		}
		s.Clock.Advance(time.Minute)
		claims := tokensOf(t, web, b.Press(b.Get(web.Authorize(one("organization", "beta", "acr_values", "2"))), "code-submit", one("code", p.code())))
		if claims["acr"] != "2" || claims["idp"] != string(betaSSO) || claims["org_slug"] != "beta" {
			t.Errorf("with a second factor: %v", claims)
		}
		for what, url := range map[string]string{"no organization": web.Authorize(nil), "another": web.Authorize(one("organization", "acme"))} {
			if page := b.Get(url); page.Away != nil {
				t.Errorf("%s: it opens by a second factor", what)
			}
		}
	})
}

// TestOrganizationChoosesItsMethods: one that takes passwords only takes no Google, and a
// connection that is off is offered to nobody.
func TestOrganizationChoosesItsMethods(t *testing.T) {
	overSQLite(t, []lanyard.ConnectionID{atGoogle, acmeSSO}, func(t *testing.T, s *sky) {
		web, google := s.Client("web"), s.Browser()
		u := userOf(t, s.IDP, ada)
		must(t, s.Scope().LinkIdentity(t.Context(), lanyard.LinkedIdentity{
			Identity: lanyard.Identity{ConnectionID: atGoogle, Issuer: s.upstream[atGoogle].Issuer, Subject: upstream.Ada(upstream.Google).Subject},
			UserID:   u.ID, CreatedAt: s.Clock.Now(), UsedAt: s.Clock.Now(),
		}))
		wantAway(t, s.signIn(google, "web", one("organization", "acme"), atGoogle), "")
		for _, methods := range [][]lanyard.Method{{lanyard.MethodPassword}, {lanyard.MethodFederated}} {
			o, err := s.Scope().OrganizationBySlug(t.Context(), "acme")
			must(t, err)
			o.Policy.Methods = methods
			must(t, s.Scope().UpdateOrganization(t.Context(), o))
			takes := methods[0] == lanyard.MethodFederated
			if page := s.Browser().Get(web.Authorize(one("organization", "acme"))); page.Has("provider-google") != takes || !page.Has("provider-acme-sso") {
				t.Errorf("%v offers %s", methods, page.Body)
			}
			if page := google.Get(web.Authorize(one("organization", "acme"))); (page.Away != nil) != takes {
				t.Errorf("%v: signed in at Google: %s", methods, page)
			}
		}
		s.connect(acmeSSO, func(c *lanyard.Connection) { c.Enabled = false })
		if page := s.Browser().Get(web.Authorize(one("organization", "acme"))); page.Has("provider-acme-sso") {
			t.Error("a connection that is off is offered")
		}
	})
}

// TestMemberLinksTheCompanysSignIn: with the password that no longer opens the
// organization, once; from then on the company's sign-in does, and that alone is what
// its session is.
func TestMemberLinksTheCompanysSignIn(t *testing.T) {
	underSky(t, []lanyard.ConnectionID{acmeSSO}, func(t *testing.T, s *sky) {
		s.Apply("version: 1\ntenants:\n  - slug: default\n    users: [{email: carol@acme.test, email_verified: true, password: tower-of-small-lamps-1}]\n" +
			"    organizations: [{slug: acme, members: [{user: carol@acme.test, roles: [auditor]}]}]")
		s.insist("acme")
		person := upstream.Ada(upstream.Generic)
		person.Subject, person.Email = "carol", "carol@acme.test"
		s.upstream[acmeSSO].SignIn(person)
		web, b := s.Client("web"), s.Browser()
		page := s.signIn(b, "web", one("organization", "acme"), acmeSSO)
		page = b.Press(page, "login-submit", one("password", "tower-of-small-lamps-1"))
		claims := tokensOf(t, web, b.Press(page, "link-allow", nil))
		if claims["org_slug"] != "acme" || claims["idp"] != string(acmeSSO) {
			t.Errorf("after linking: %v", claims)
		}
		sid, _ := claims["sid"].(string)
		session, err := s.Scope().Session(t.Context(), lanyard.SessionID(sid))
		if err != nil || session.ConfinedTo == "" || session.ConnectionID != acmeSSO {
			t.Errorf("the session is %+v %v", session, err)
		}
		fresh := s.Browser()
		wantAway(t, s.signIn(fresh, "web", one("organization", "acme"), acmeSSO), "")
		if page := fresh.Get(web.Authorize(nil)); page.Away != nil {
			t.Error("it opens more than the organization")
		}
	})
}

// TestLinkIsForWhoHasTheAddress: who signs in as somebody else on the way links nothing.
func TestLinkIsForWhoHasTheAddress(t *testing.T) {
	underSky(t, []lanyard.ConnectionID{atGoogle}, func(t *testing.T, s *sky) {
		web, b := s.Client("web"), s.Browser()
		wantAway(t, b.SignIn(web.Authorize(nil), "bob", "difference-engine-1822"), "")
		page := s.over(b, b.ChooseAnother(b.Get(web.Authorize(one("prompt", "select_account")))), atGoogle)
		if !page.Has("login-submit") || strings.Contains(page.Body, "bob@") {
			t.Fatalf("ada's address leads to %s\n%s", page, page.Body)
		}
		if page = b.Press(page, "login-change", nil); !page.Has("login-continue") {
			t.Fatalf("another name: %s", page)
		}
		if page = b.Walk(page, "bob", "difference-engine-1822"); page.Has("link-allow") || len(s.identities("bob@example.test"))+len(s.identities(ada)) != 0 {
			t.Errorf("bob is asked about ada's: %s", page)
		}
	})
}
