package provider_test

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

const (
	apiResource = "https://api.example.test/"
)

// town gives the default tenant three organizations: ada owns acme, administers
// beta and is a member of gamma; bob is a member of acme alone.
const town = `
version: 1
tenants:
  - slug: default
    roles:
      - {name: owner, permissions: ["orders:read", "orders:write"]}
      - {name: auditor, permissions: ["orders:read", "files:read"]}
      - {name: staff, permissions: ["anything"]}
    resources:
      - {identifier: "https://api.example.test/", name: Example API, scopes: [read, write], permissions: ["orders:read", "orders:write", "bills:read"]}
      - {identifier: "https://files.example.test", name: Files, scopes: [files], signing_alg: ES256, permissions: ["files:read"]}
      - {identifier: "urn:example:ledger", name: Ledger, scopes: [ledger], token_format: opaque, permissions: ["orders:read"]}
    clients:
      - {client_id: choose, client_secret: choose-secret-0123456789-0123456789-01, redirect_uris: [https://choose.example.test/cb], first_party: true, require_organization: true}
      - {client_id: machine, client_secret: machine-secret-0123456789-0123456789, grant_types: [client_credentials], scope: read files,
         organizations: [{organization: acme, roles: [auditor]}]}
    organizations:
      - {slug: acme, name: Acme, plan: pro, seats: 25, members: [{user: ada@example.test, roles: [owner]}, {user: bob, roles: [member, auditor, clerk]}],
         roles: [{name: clerk, permissions: ["bills:read"]}]}
      - {slug: beta, name: Beta, members: [{user: ada@example.test, roles: [admin]}]}
      - {slug: gamma, name: Gamma, members: [{user: ada@example.test, roles: [member]}]}
`

// withTown starts a provider with the town in it.
func withTown(t *testing.T, test func(t *testing.T, i *idp.IDP)) {
	t.Helper()
	onBothDatabases(t, func(t *testing.T, i *idp.IDP) {
		i.Apply(town)
		test(t, i)
	})
}

// about are the claims about an organization and roles in a set of claims.
func about(claims map[string]any) map[string]any {
	out := maps.Clone(claims)
	maps.DeleteFunc(out, func(name string, _ any) bool {
		return !slices.Contains([]string{"org_id", "org_slug", "org_name", "org_plan", "roles", "tenant_roles", "permissions", "organizations"}, name)
	})
	return out
}

func texts(v any) []string {
	var out []string
	list, _ := v.([]any)
	for _, one := range list {
		s, _ := one.(string)
		out = append(out, s)
	}
	return out
}

// wantOrganization fails unless the claims are about the organization, with exactly these roles and permissions.
func wantOrganization(t *testing.T, i *idp.IDP, claims map[string]any, slug string, roles, permissions []string) {
	t.Helper()
	o, err := i.Scope().OrganizationBySlug(t.Context(), slug)
	if err != nil {
		t.Fatal(err)
	}
	if claims["org_id"] != string(o.ID) || claims["org_slug"] != slug || claims["org_name"] != o.Name {
		t.Errorf("the claims are about %v", about(claims))
	}
	if !slices.Equal(texts(claims["roles"]), roles) || !slices.Equal(texts(claims["permissions"]), permissions) {
		t.Errorf("roles %v, permissions %v, want %v and %v", claims["roles"], claims["permissions"], roles, permissions)
	}
}

// introspect asks as the client.
func introspect(c *idp.Client, token string) map[string]any {
	return c.Call("/oauth/introspect", one("token", token)).Body
}

// TestTokensAreAboutOneOrganization: ID token, access token, userinfo and introspection
// speak of the one that was asked for, permissions stand where they belong.
func TestTokensAreAboutOneOrganization(t *testing.T) {
	withTown(t, func(t *testing.T, i *idp.IDP) {
		web := i.Client("web")
		for name, c := range map[string]struct {
			ask                url.Values
			slug               string
			roles, permissions []string
		}{
			"by parameter":  {one("organization", "acme"), "acme", []string{"owner"}, []string{"orders:read", "orders:write"}},
			"by scope":      {one("scope", "openid organization:acme read"), "acme", []string{"owner"}, []string{"orders:read", "orders:write"}},
			"another":       {one("organization", "beta"), "beta", []string{"admin"}, nil},
			"by both alike": {one("organization", "gamma", "scope", "openid organization:gamma"), "gamma", []string{"member"}, nil},
		} {
			c.ask.Set("resource", apiResource)
			tokens := web.Tokens(c.ask)
			wantOrganization(t, i, idp.Claims(t, tokens.Text("id_token")), c.slug, c.roles, nil)
			wantOrganization(t, i, idp.Claims(t, tokens.Text("access_token")), c.slug, c.roles, c.permissions)
			wantOrganization(t, i, introspect(web, tokens.Text("access_token")), c.slug, c.roles, c.permissions)
			opaque := web.Tokens(url.Values{"organization": {c.slug}})
			wantOrganization(t, i, web.Userinfo(opaque.Text("access_token")).Body, c.slug, c.roles, nil)
			wantOrganization(t, i, introspect(web, opaque.Text("access_token")), c.slug, c.roles, nil)
			if t.Failed() {
				t.Fatal(name)
			}
		}
		o, _ := i.Scope().OrganizationBySlug(t.Context(), "beta")
		wantOrganization(t, i, idp.Claims(t, web.Tokens(one("organization", string(o.ID))).Text("id_token")), "beta", []string{"admin"}, nil)
		if got := about(idp.Claims(t, web.Tokens(nil).Text("id_token"))); len(got) != 0 {
			t.Errorf("without an organization the token says %v", got)
		}
	})
}

// TestPermissionsAreThoseOfTheResource, by the tenant's roles and the organization's own.
func TestPermissionsAreThoseOfTheResource(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	i.Apply(town)
	web := i.Client("web")
	for resource, want := range map[string][]string{apiResource: {"bills:read", "orders:read"}, "https://files.example.test": {"files:read"}} {
		code := web.Code(i.Browser(), "bob", bobPassword, one("organization", "acme", "resource", resource))
		wantOrganization(t, i, idp.Claims(t, web.Exchange(code, nil).Text("access_token")), "acme", []string{"member", "auditor", "clerk"}, want)
	}
	code := web.Code(i.Browser(), "bob", bobPassword, one("organization", "acme", "resource", "urn:example:ledger"))
	wantOrganization(t, i, introspect(web, web.Exchange(code, nil).Text("access_token")), "acme", []string{"member", "auditor", "clerk"}, []string{"orders:read"})
	plan := idp.Claims(t, web.Tokens(one("organization", "acme")).Text("id_token"))["org_plan"]
	if p, _ := plan.(map[string]any); p["name"] != "pro" || p["seats"] != 25.0 {
		t.Errorf("org_plan is %v", plan)
	}
}

// TestOrganizationsScopeListsThemInUserinfoAlone, without the closed ones.
func TestOrganizationsScopeListsThemInUserinfoAlone(t *testing.T) {
	withTown(t, func(t *testing.T, i *idp.IDP) {
		web := i.Client("web")
		tokens := web.Tokens(one("scope", "openid organizations"))
		if got := about(idp.Claims(t, tokens.Text("id_token"))); len(got) != 0 {
			t.Errorf("the ID token says %v", got)
		}
		slugs := func() string {
			var out []string
			list, _ := web.Userinfo(tokens.Text("access_token")).Body["organizations"].([]any)
			for _, o := range list {
				entry, _ := o.(map[string]any)
				slug, _ := entry["slug"].(string)
				out = append(out, slug+"/"+strings.Join(texts(entry["roles"]), "+"))
			}
			return strings.Join(out, " ")
		}
		if got := slugs(); got != "acme/owner beta/admin gamma/member" {
			t.Errorf("the list is %q", got)
		}
		o, _ := i.Scope().OrganizationBySlug(t.Context(), "beta")
		if err := i.Scope().ScheduleOrganizationDeletion(t.Context(), o.ID, i.Clock.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if got := slugs(); got != "acme/owner gamma/member" {
			t.Errorf("with one closed the list is %q", got)
		}
	})
}

// TestRolesScopeTellsTheRolesInTheTenant, apart from those in an organization.
func TestRolesScopeTellsTheRolesInTheTenant(t *testing.T) {
	withTown(t, func(t *testing.T, i *idp.IDP) {
		web := i.Client("web")
		user, err := i.Scope().UserByEmail(t.Context(), ada)
		if err != nil {
			t.Fatal(err)
		}
		if err := i.Scope().GrantUserRole(t.Context(), user.ID, "staff", i.Clock.Now()); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			ask           url.Values
			roles, tenant string
		}{
			{one("scope", "openid"), "", ""},
			{one("scope", "openid roles"), "staff", "staff"},
			{one("scope", "openid roles", "organization", "beta"), "admin", "staff"},
			{one("scope", "openid", "organization", "beta"), "admin", ""},
		} {
			tokens := web.Tokens(c.ask)
			for where, claims := range map[string]map[string]any{
				"ID token": idp.Claims(t, tokens.Text("id_token")), "userinfo": web.Userinfo(tokens.Text("access_token")).Body,
				"introspection": introspect(web, tokens.Text("access_token")),
			} {
				if roles, tenant := strings.Join(texts(claims["roles"]), " "), strings.Join(texts(claims["tenant_roles"]), " "); roles != c.roles || tenant != c.tenant {
					t.Errorf("%v: %s: roles %q, tenant_roles %q", c.ask, where, roles, tenant)
				}
			}
		}
	})
}

// TestForeignOrganizationsLookAlike: one that the person is not in, a closed one, and
// one that was never there (ATTACKS.md 199).
func TestForeignOrganizationsLookAlike(t *testing.T) {
	withTown(t, func(t *testing.T, i *idp.IDP) {
		web, b := i.Client("web"), i.Browser()
		wantAway(t, b.SignIn(web.Authorize(nil), "bob", bobPassword), "")
		gamma, _ := i.Scope().OrganizationBySlug(t.Context(), "gamma")
		if err := i.Scope().ScheduleOrganizationDeletion(t.Context(), gamma.ID, i.Clock.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, slug := range []string{"beta", "gamma", "never"} {
			page := b.Get(web.Authorize(one("organization", slug)))
			if page.Status != 200 || page.URL.Path != "/login/not-member" {
				t.Fatalf("%s leads to %s", slug, page)
			}
			seen[strings.ReplaceAll(neutral(page, "bob@example.test"), slug, "SLUG")] = true
			wantAway(t, b.Get(web.Authorize(one("organization", slug, "prompt", "none"))), "access_denied")
		}
		if len(seen) != 1 {
			t.Errorf("%d different pages", len(seen))
		}
		denied := b.Press(b.Get(web.Authorize(one("organization", "beta"))), "organization-cancel", nil)
		wantAway(t, denied, "access_denied")
		for _, bad := range []string{"ACME", "a_b", "../acme", "org", "a b"} {
			want := "invalid_request"
			if bad == "org" {
				want = ""
			}
			p := b.Get(web.Authorize(one("organization", bad)))
			if want != "" {
				wantAway(t, p, want)
			}
		}
		wantAway(t, b.Get(web.Authorize(one("organization", "acme", "scope", "openid organization:beta"))), "invalid_request")
		wantAway(t, b.Get(web.Authorize(one("scope", "openid organization:acme organization:beta"))), "invalid_scope")
	})
}

// TestMachineHasRolesInAnOrganization, that go with the place it has there.
func TestMachineHasRolesInAnOrganization(t *testing.T) {
	withTown(t, func(t *testing.T, i *idp.IDP) {
		machine := i.Client("machine")
		ask := func(more ...string) idp.Answer {
			return machine.Call("/oauth/token", one(append([]string{"grant_type", "client_credentials", "resource", apiResource}, more...)...))
		}
		byName, byScope := ask("organization", "acme"), ask("scope", "read organization:acme")
		for _, answer := range []idp.Answer{byName, byScope} {
			wantOrganization(t, i, idp.Claims(t, answer.Text("access_token")), "acme", []string{"auditor"}, []string{"orders:read"})
			wantOrganization(t, i, introspect(machine, answer.Text("access_token")), "acme", []string{"auditor"}, []string{"orders:read"})
		}
		if got := about(idp.Claims(t, ask().Text("access_token"))); len(got) != 0 {
			t.Errorf("without an organization the token says %v", got)
		}
		opaque := machine.Call("/oauth/token", one("grant_type", "client_credentials", "resource", "urn:example:ledger", "organization", "acme", "scope", ""))
		for _, slug := range []string{"beta", "never"} {
			wantError(t, ask("organization", slug), http.StatusBadRequest, "invalid_target")
		}
		wantError(t, ask("organization", "acme", "scope", "organization:beta"), http.StatusBadRequest, "invalid_request")
		o, _ := i.Scope().OrganizationBySlug(t.Context(), "acme")
		if err := i.Scope().PutMachineRoles(t.Context(), "machine", o.ID, nil, i.Clock.Now()); err != nil {
			t.Fatal(err)
		}
		for _, answer := range []idp.Answer{byName, opaque} {
			if token := answer.Text("access_token"); token != "" && introspect(machine, token)["active"] != false {
				t.Error("the token of a machine that was taken out still counts")
			}
		}
	})
}

// TestRefreshReadsTheMembershipAnew: a role that was taken away is gone in the next
// token, a member who was removed gets nothing, anywhere, at once (S7).
func TestRefreshReadsTheMembershipAnew(t *testing.T) {
	withTown(t, func(t *testing.T, i *idp.IDP) {
		web, scope := i.Client("web"), i.Scope()
		o, _ := scope.OrganizationBySlug(t.Context(), "acme")
		bob, _ := scope.UserByUsername(t.Context(), "bob")
		b := i.Browser()
		code := web.Code(b, "bob", bobPassword, one("organization", "acme", "resource", apiResource, "scope", "openid offline_access read"))
		tokens := web.Exchange(code, nil)
		elsewhere := web.Exchange(b.Get(web.Authorize(one("scope", "openid offline_access"))).Away.Query().Get("code"), nil)
		late := b.Get(web.Authorize(one("organization", "acme"))).Away.Query().Get("code")

		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(scope.PutMembership(t.Context(), lanyard.Membership{OrganizationID: o.ID, UserID: bob.ID, Roles: []string{"member"}, CreatedAt: i.Clock.Now()}))
		next := web.Refresh(tokens.Text("refresh_token"), nil)
		wantOrganization(t, i, idp.Claims(t, next.Text("access_token")), "acme", []string{"member"}, nil)
		wantOrganization(t, i, introspect(web, tokens.Text("access_token")), "acme", []string{"member"}, nil)

		must(scope.DeleteMembership(t.Context(), o.ID, bob.ID, i.Clock.Now()))
		wantError(t, web.Refresh(next.Text("refresh_token"), nil), http.StatusBadRequest, "invalid_grant")
		wantError(t, web.Exchange(late, nil), http.StatusBadRequest, "invalid_grant")
		if introspect(web, next.Text("access_token"))["active"] != false {
			t.Error("the access token still counts")
		}
		if got := web.Refresh(elsewhere.Text("refresh_token"), nil); got.Status != http.StatusOK {
			t.Errorf("the grant outside of the organization: %s", got.Raw)
		}
		// Whoever comes back gets nothing of what was before.
		must(scope.PutMembership(t.Context(), lanyard.Membership{OrganizationID: o.ID, UserID: bob.ID, Roles: []string{"member"}, CreatedAt: i.Clock.Now()}))
		wantError(t, web.Refresh(next.Text("refresh_token"), nil), http.StatusBadRequest, "invalid_grant")
	})
}

// TestClosedOrganizationHasNoTokens: suspended ones come back as they were.
func TestClosedOrganizationHasNoTokens(t *testing.T) {
	withTown(t, func(t *testing.T, i *idp.IDP) {
		web, scope := i.Client("web"), i.Scope()
		tokens := web.Tokens(one("organization", "acme", "scope", "openid offline_access"))
		o, _ := scope.OrganizationBySlug(t.Context(), "acme")
		o.Suspended = true
		if err := scope.UpdateOrganization(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		wantError(t, web.Refresh(tokens.Text("refresh_token"), nil), http.StatusBadRequest, "invalid_grant")
		if got := web.Userinfo(tokens.Text("access_token")); got.Status != http.StatusUnauthorized {
			t.Errorf("userinfo of a suspended organization: %d", got.Status)
		}
		o.Suspended = false
		if err := scope.UpdateOrganization(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if got := web.Refresh(tokens.Text("refresh_token"), nil); got.Status != http.StatusOK {
			t.Errorf("after it was opened again: %s", got.Raw)
		}
	})
}

// TestPickerIsShownWhereItHasTo: none, one and three organizations, two clients, a
// remembered choice, a switch.
func TestPickerIsShownWhereItHasTo(t *testing.T) {
	withTown(t, func(t *testing.T, i *idp.IDP) {
		choose := i.Client("choose")
		slugOf := func(page *idp.Page) any {
			t.Helper()
			wantAway(t, page, "")
			return idp.Claims(t, choose.Exchange(page.Away.Query().Get("code"), nil).Text("id_token"))["org_slug"]
		}
		if got := slugOf(i.Browser().SignIn(choose.Authorize(nil), "bob", bobPassword)); got != "acme" {
			t.Errorf("the only organization is %v", got)
		}
		none := i.Browser().SignIn(choose.Authorize(nil), "nomail", "no-mail-address-needed")
		if none.URL.Path != "/login/organization" || none.Has("organization-continue") {
			t.Errorf("somebody in no organization is shown %s", none)
		}
		b := i.Browser()
		page := b.SignIn(choose.Authorize(nil), ada, adaPassword)
		if page.URL.Path != "/login/organization" {
			t.Fatalf("somebody in three is shown %s", page)
		}
		for _, foreign := range []string{"", "org_00000000000000000000000000", "nonsense", "acme\x00"} {
			if p := b.Press(page, "organization-continue", one("organization", foreign)); p.Away != nil {
				t.Errorf("%q was taken", foreign)
			}
		}
		facts, err := i.Scope().Events(t.Context(), 50)
		if err != nil || slices.ContainsFunc(facts, func(e lanyard.Event) bool { return e.Type == lanyard.EventOrganizationChosen }) {
			t.Errorf("a foreign choice left something behind: %v", err)
		}
		beta, _ := i.Scope().OrganizationBySlug(t.Context(), "beta")
		if got := slugOf(b.Press(page, "organization-continue", one("organization", string(beta.ID)))); got != "beta" {
			t.Errorf("chose beta, got %v", got)
		}
		if got := slugOf(b.Get(choose.Authorize(nil))); got != "beta" {
			t.Errorf("the choice did not last: %v", got)
		}
		page = b.Get(choose.Authorize(one("prompt", "select_account")))
		page = b.ChooseAccount(page, "Ada Lovelace")
		gamma, _ := i.Scope().OrganizationBySlug(t.Context(), "gamma")
		if got := slugOf(b.Press(page, "organization-continue", one("organization", string(gamma.ID), "remember", "on"))); got != "gamma" {
			t.Errorf("switched to gamma, got %v", got)
		}
		if got := slugOf(b.Get(choose.Authorize(one("organization", "acme")))); got != "acme" {
			t.Errorf("named acme, got %v", got)
		}
		if got := slugOf(i.Browser().SignIn(choose.Authorize(nil), ada, adaPassword)); got != "gamma" {
			t.Errorf("the remembered choice on another browser is %v", got)
		}
		if err := i.Scope().DeleteMembership(t.Context(), gamma.ID, userOf(t, i, ada).ID, i.Clock.Now()); err != nil {
			t.Fatal(err)
		}
		if p := b.Get(choose.Authorize(nil)); p.URL.Path != "/login/organization" {
			t.Errorf("after the removal: %s", p)
		}
		wantAway(t, b.Get(choose.Authorize(one("prompt", "none"))), "interaction_required")
	})
}

func userOf(t *testing.T, i *idp.IDP, address string) lanyard.User {
	t.Helper()
	u, err := i.Scope().UserByEmail(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// TestPolicyOfTheOrganizationIsMet: what it asks for beyond the session is asked, no more.
func TestPolicyOfTheOrganizationIsMet(t *testing.T) {
	withTown(t, func(t *testing.T, i *idp.IDP) {
		p, web, b := withApp(t, i), i.Client("web"), i.Browser()
		demand(t, i, "beta", lanyard.OrganizationPolicy{SecondFactor: lanyard.SecondFactorRequired, SessionLifetime: lanyard.Duration(2 * time.Hour)})
		// A remembered browser: the password is enough elsewhere.
		page := p.signIn(b, b.Get(web.Authorize(nil)))
		page = b.Press(page, "code-submit", one("code", p.code(), "remember", "on"))
		wantAway(t, page, "")
		i.Clock.Advance(time.Minute)
		b.Press(b.Get("/oauth/logout"), "logout-confirm", nil)
		single := tokensOf(t, web, p.signIn(b, b.Get(web.Authorize(one("organization", "acme")))))
		if single["acr"] != "1" {
			t.Fatalf("a remembered browser reached %v", single["acr"])
		}
		page = b.Get(web.Authorize(one("organization", "beta")))
		if !page.Has("code-submit") {
			t.Fatalf("switching to beta asks for %s", page)
		}
		wantAway(t, b.Get(web.Authorize(one("organization", "beta", "prompt", "none"))), "login_required")
		i.Clock.Advance(time.Minute)
		code := b.Press(page, "code-submit", one("code", p.code())).Away.Query().Get("code")
		tokens := web.Exchange(code, nil)
		if got := idp.Claims(t, tokens.Text("id_token")); got["acr"] != "2" || got["org_slug"] != "beta" || got["sid"] != single["sid"] {
			t.Errorf("beta got %v", got)
		}
		if tokensOf(t, web, b.Get(web.Authorize(one("organization", "acme"))))["org_slug"] != "acme" {
			t.Error("switching back asks for something")
		}
		i.Clock.Advance(2 * time.Hour)
		wantError(t, web.Refresh(tokens.Text("refresh_token"), nil), http.StatusBadRequest, "invalid_grant")
		if page := b.Get(web.Authorize(one("organization", "beta"))); !page.Has("login-submit") {
			t.Errorf("after the session limit: %s", page)
		}
	})
}

// TestUnusedTokensOfAnOrganizationEnd by its limit, sooner than the client's.
func TestUnusedTokensOfAnOrganizationEnd(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	i.Apply(town)
	demand(t, i, "beta", lanyard.OrganizationPolicy{SessionIdle: lanyard.Duration(time.Hour)})
	web := i.Client("web")
	tokens := web.Tokens(one("organization", "beta", "scope", "openid offline_access"))
	for range 2 {
		i.Clock.Advance(59 * time.Minute)
		tokens = web.Refresh(tokens.Text("refresh_token"), nil)
	}
	i.Clock.Advance(time.Hour)
	wantError(t, web.Refresh(tokens.Text("refresh_token"), nil), http.StatusBadRequest, "invalid_grant")
}

// TestUnusedSessionIsProvedAgainForItsOrganization, also when it was used for something
// else since: by the organization's pages and for its tokens.
func TestUnusedSessionIsProvedAgainForItsOrganization(t *testing.T) {
	withTown(t, func(t *testing.T, i *idp.IDP) {
		demand(t, i, "beta", lanyard.OrganizationPolicy{SessionIdle: lanyard.Duration(time.Hour)})
		web, b := i.Client("web"), i.Browser()
		wantAway(t, b.SignIn(web.Authorize(nil), ada, adaPassword), "")
		asks := func(page *idp.Page) bool { return page.Away == nil && page.Has("login-submit") }
		shows := func(path string) bool {
			page := b.Get(path)
			return !asks(page) && page.Status == http.StatusOK && page.URL.Path == path
		}
		for range 3 { // a little while at a time is fine, however long it takes
			i.Clock.Advance(59 * time.Minute)
			if !shows("/account") {
				t.Fatal("the account asks again")
			}
		}
		if !shows("/org/beta/members") {
			t.Fatal("it asks again although the session was in use all the time")
		}
		wantAway(t, b.Get(web.Authorize(one("organization", "beta"))), "")
		for _, elsewhere := range []string{"/account", "/org/acme/members", web.Authorize(one("organization", "acme"))} {
			i.Clock.Advance(2 * time.Hour)
			if asks(b.Get(elsewhere)) {
				t.Fatalf("%s asks again", elsewhere)
			}
			i.Clock.Advance(time.Minute)
			wantAway(t, b.Get(web.Authorize(one("organization", "beta", "prompt", "none"))), "login_required")
			if page := b.Get(web.Authorize(one("organization", "beta"))); !asks(page) {
				t.Errorf("after %s its tokens come by %s", elsewhere, page)
			}
			page := b.Get("/org/beta/members")
			if !asks(page) {
				t.Fatalf("after %s its page is %s", elsewhere, page)
			}
			b.Press(page, "login-submit", one("password", adaPassword))
			if !shows("/org/beta/members") {
				t.Fatal("it asks again after the proof")
			}
			wantAway(t, b.Get(web.Authorize(one("organization", "beta"))), "")
		}
	})
}

// demand sets the policy of an organization.
func demand(t *testing.T, i *idp.IDP, slug string, p lanyard.OrganizationPolicy) {
	t.Helper()
	o, err := i.Scope().OrganizationBySlug(t.Context(), slug)
	if err != nil {
		t.Fatal(err)
	}
	o.Policy = p
	if err := i.Scope().UpdateOrganization(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}

// TestRemovalWinsAgainstRedemptionsInFlight (S7): what was redeemed while the member was
// removed is dead, also after they come back.
func TestRemovalWinsAgainstRedemptionsInFlight(t *testing.T) {
	withTown(t, func(t *testing.T, i *idp.IDP) {
		web, scope, b := i.Client("web"), i.Scope(), i.Browser()
		o, _ := scope.OrganizationBySlug(t.Context(), "acme")
		user := userOf(t, i, bob)
		wantAway(t, b.SignIn(web.Authorize(nil), bob, bobPassword), "")
		for round := range testkit.Rounds(10, 200) {
			codes := make([]string, 16)
			for at := range codes {
				codes[at] = b.Get(web.Authorize(one("organization", "acme"))).Away.Query().Get("code")
			}
			tokens, start := make([]string, len(codes)), make(chan struct{})
			var group sync.WaitGroup
			for at := range codes {
				group.Go(func() {
					<-start
					tokens[at] = web.Exchange(codes[at], nil).Text("refresh_token")
				})
			}
			group.Go(func() {
				<-start
				if err := scope.DeleteMembership(t.Context(), o.ID, user.ID, i.Clock.Now()); err != nil {
					t.Error(err)
				}
			})
			close(start)
			group.Wait()
			if err := scope.PutMembership(t.Context(), lanyard.Membership{OrganizationID: o.ID, UserID: user.ID, Roles: []string{"member"}, CreatedAt: i.Clock.Now()}); err != nil {
				t.Fatal(err)
			}
			for _, token := range tokens {
				if token != "" && web.Refresh(token, nil).Status == http.StatusOK {
					t.Fatalf("round %d: a grant outlived the removal", round)
				}
			}
		}
	})
}
