package storage_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/schema"
	"github.com/lanyard-id/lanyard/storage"
)

func TestMain(m *testing.M) { testkit.Main(m, schema.Newest) }

var now = time.Date(2026, 11, 20, 12, 0, 0, 123456000, time.UTC)

// onBoth runs a behaviour on both databases.
func onBoth(t *testing.T, behaviour func(t *testing.T, store *storage.Store)) {
	t.Helper()
	for _, c := range []struct {
		name string
		url  func() string
	}{
		{"sqlite", func() string { return "sqlite:" + filepath.Join(t.TempDir(), "lanyard.db") }},
		{"postgres", func() string { return testkit.FastPostgres(t) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			store, err := storage.Open(t.Context(), storage.Config{URL: c.url(), Ephemeral: true})
			ok(t, err)
			t.Cleanup(func() { _ = store.Close() })
			ok(t, store.Migrate(t.Context()))
			behaviour(t, store)
		})
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}

// house is a tenant with one of everything.
type house struct {
	storage.Scope
	user    lanyard.User
	client  lanyard.Client
	browser lanyard.BrowserID
	session lanyard.SessionID
	request lanyard.AuthRequest
	grant   lanyard.Grant
	org     lanyard.Organization
	key     lanyard.SigningKey
}

func hash(s string) []byte { return lanyard.SecretOf(s).Hash() }

// furnish makes a tenant whose secrets are the same as those of every other one.
func furnish(t *testing.T, store *storage.Store, slug string) *house {
	t.Helper()
	ctx, id := t.Context(), lanyard.NewTenantID()
	h := &house{Scope: store.Tenant(id)}
	ok(t, store.InsertTenant(ctx, lanyard.Tenant{ID: id, Slug: slug, Name: slug, Host: slug + ".example.test", RedirectHosts: []string{"old-" + slug + ".example.test"}, CreatedAt: now}))
	h.user = lanyard.User{
		ID: "usr_same", TenantID: id, Subject: "subject", Username: "Ada", UpdatedAt: now, CreatedAt: now,
		Profile: lanyard.Profile{Name: slug, Email: "Ada@Example.test", EmailVerified: true, Address: &lanyard.Address{Country: "UK"}},
	}
	ok(t, h.InsertUser(ctx, h.user))
	ok(t, h.SetPrimaryEmail(ctx, h.user.ID, h.user.Profile.Email, true, now))
	ok(t, h.SetPassword(ctx, h.user.ID, storage.Password{Hash: "hash of " + slug}, now))
	h.client = lanyard.Client{ID: "web", Name: slug, RedirectURIs: []string{"https://app.example.test/cb"}, CreatedAt: now}
	h.client.Normalize()
	ok(t, h.PutClient(ctx, h.client))
	ok(t, h.SetClientSecrets(ctx, "web", []lanyard.ClientSecret{{Hash: hash(slug)}}, now))
	ok(t, h.PutResource(ctx, lanyard.Resource{ID: lanyard.NewResourceID(), Identifier: "https://api.example.test", Name: slug}, now))
	ok(t, h.PutTrustedIssuer(ctx, lanyard.TrustedIssuer{Issuer: "https://upstream.example.test", Purposes: []string{slug}}, now))
	h.key = lanyard.SigningKey{ID: "key", TenantID: id, Algorithm: lanyard.AlgRS256, State: lanyard.KeyActive, Public: []byte("p"), Sealed: []byte(slug), CreatedAt: now, ActivatedAt: now}
	ok(t, h.InsertSigningKey(ctx, h.key))
	var err error
	h.browser, err = h.PutBrowser(ctx, hash("none"), hash("cookie"), lanyard.Browser{ID: "bro_same", UserAgent: "ua", Address: "192.0.2.1", SeenAt: now})
	ok(t, err)
	h.session, err = h.StartSession(ctx, h.browser, storage.Proof{User: h.user.ID, At: now, ACR: "1", AMR: []string{"pwd"}, ExpiresAt: now.Add(time.Hour)})
	ok(t, err)
	h.request = lanyard.AuthRequest{
		ID: "req_same", TenantID: id, ClientID: "web", SessionID: h.session, BindingHash: hash("binding"), CreatedAt: now, ExpiresAt: now.Add(time.Hour),
		Params: lanyard.AuthParams{RedirectURI: "https://app.example.test/cb", Scopes: lanyard.Scopes{"openid"}, State: "it's \\ \"quoted\" ? {0}"},
		Code:   &lanyard.Code{Hash: hash("code"), IssuedAt: now, ExpiresAt: now.Add(time.Minute)},
	}
	ok(t, h.InsertAuthRequest(ctx, h.request))
	open := h.request
	open.ID, open.Code = "req_open", nil
	ok(t, h.InsertAuthRequest(ctx, open))
	h.grant = lanyard.Grant{
		ID: "gra_same", TenantID: id, ClientID: "web", UserID: h.user.ID, SessionID: h.session, Scopes: lanyard.Scopes{"openid", "email"},
		Resources: []string{"https://api.example.test"}, Claims: lanyard.ClaimsRequest{Userinfo: []string{"name"}}, ACR: "1", AMR: []string{"pwd"},
		AuthTime: now, CreatedAt: now, ExpiresAt: now.Add(time.Hour),
		Refresh: &lanyard.RefreshFamily{Sequence: 1, KeyID: "mac", Current: hash("refresh"), IdleUntil: now.Add(time.Hour)},
	}
	ok(t, h.InsertGrant(ctx, h.grant))
	ok(t, h.InsertAccessToken(ctx, lanyard.AccessToken{Hash: hash("access"), GrantID: h.grant.ID, ClientID: "web", Scopes: lanyard.Scopes{"openid"}, Audience: []string{slug}, CreatedAt: now, ExpiresAt: now.Add(time.Hour)}))
	ok(t, h.PutConsent(ctx, lanyard.Consent{UserID: h.user.ID, ClientID: "web", Scopes: lanyard.Scopes{slug}, GrantedAt: now}))
	ok(t, h.InsertOneTimeToken(ctx, storage.OneTimeToken{Hash: hash("once"), Purpose: "setup", UserID: lanyard.UserID(slug), CreatedAt: now, ExpiresAt: now.Add(time.Hour)}, true))
	h.org = lanyard.Organization{ID: "org_same", TenantID: id, Slug: "acme", Name: slug, CreatedAt: now}
	ok(t, h.InsertOrganization(ctx, h.org))
	ok(t, h.PutMembership(ctx, lanyard.Membership{OrganizationID: h.org.ID, UserID: h.user.ID, Roles: []string{"owner"}, CreatedAt: now}))
	ok(t, h.PutRole(ctx, "", "auditor", []string{slug + ":read"}, now))
	ok(t, h.GrantUserRole(ctx, h.user.ID, slug, now))
	ok(t, h.InsertEvent(ctx, lanyard.Event{Type: lanyard.EventUserCreated, At: now, Detail: map[string]string{"in": slug}}))
	ok(t, h.InsertRefusal(ctx, storage.Refusal{RequestID: "AAAA-BBBB", At: now, Code: slug, Detail: map[string]string{"a": "b"}}))
	return h
}

// stranger is a tenant that has nothing, and the victim whose names it knows.
type stranger struct {
	storage.Scope
	victim *house
}

// cases are calls of a stranger by the method's name: those in calls must find
// nothing, those in own add rows whose names may be those of the victim.
type cases map[string]func() error

// touched tells whether a changing method did something.
func touched(n any, err error) error {
	if err != nil {
		return err
	}
	if !reflect.ValueOf(n).IsZero() {
		return fmt.Errorf("it changed something: %v", n)
	}
	return nil
}

func first(_ any, err error) error { return err }

// TestSecondTenantSeesNothing calls every method of Scope from a tenant that has
// nothing, with the ids and secrets of another one, and finds that one unchanged.
func TestSecondTenantSeesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx := t.Context()
		victim := furnish(t, store, "victim")
		id := lanyard.NewTenantID()
		ok(t, store.InsertTenant(ctx, lanyard.Tenant{ID: id, Slug: "stranger", Name: "stranger", CreatedAt: now}))
		s := store.Tenant(id)
		// touched tells whether a changing method did something.
		calls := cases{
			"SigningKeys":         func() error { all, err := s.SigningKeys(ctx); return touched(len(all), err) },
			"Tenant":              func() error { got, err := s.Tenant(ctx); return touched(got.Slug != "stranger", err) },
			"Revision":            func() error { got, err := s.Revision(ctx); return touched(got > 1, err) },
			"Client":              func() error { return first(s.Client(ctx, "web")) },
			"Clients":             func() error { all, err := s.Clients(ctx); return touched(len(all), err) },
			"Resources":           func() error { all, err := s.Resources(ctx); return touched(len(all), err) },
			"TrustedIssuers":      func() error { all, err := s.TrustedIssuers(ctx); return touched(len(all), err) },
			"User":                func() error { return first(s.User(ctx, victim.user.ID)) },
			"UserBySubject":       func() error { return first(s.UserBySubject(ctx, "subject")) },
			"UserByUsername":      func() error { return first(s.UserByUsername(ctx, "ada")) },
			"UserByEmail":         func() error { return first(s.UserByEmail(ctx, "ada@example.test")) },
			"CredentialsByName":   func() error { return first(s.CredentialsByName(ctx, "ada@example.test")) },
			"PasswordHash":        func() error { return first(s.PasswordHash(ctx, victim.user.ID)) },
			"UserRoles":           func() error { all, err := s.UserRoles(ctx, victim.user.ID); return touched(len(all), err) },
			"Accounts":            func() error { _, _, err := s.Accounts(ctx, hash("cookie"), "web"); return err },
			"Session":             func() error { return first(s.Session(ctx, victim.session)) },
			"EndSession":          func() error { return touched(s.EndSession(ctx, victim.session, now)) },
			"EndUserSessions":     func() error { return touched(s.EndUserSessions(ctx, victim.user.ID, "", now)) },
			"BrowserKnows":        func() error { return touched(s.BrowserKnows(ctx, hash("cookie"), victim.user.ID)) },
			"AuthRequest":         func() error { return first(s.AuthRequest(ctx, "req_open")) },
			"UpdateAuthRequest":   func() error { return s.UpdateAuthRequest(ctx, lanyard.AuthRequest{ID: "req_open", Denied: true}, now) },
			"CloseAuthRequest":    func() error { return s.CloseAuthRequest(ctx, "req_open") },
			"IssueCode":           func() error { r := victim.request; r.ID = "req_open"; return s.IssueCode(ctx, r, now) },
			"ByCode":              func() error { return first(s.ByCode(ctx, hash("code"))) },
			"SpendCode":           func() error { return touched(s.SpendCode(ctx, hash("code"), "gra_x", now)) },
			"CountCodeFailure":    func() error { return first(s.CountCodeFailure(ctx, hash("code"))) },
			"Standing":            func() error { return first(s.Standing(ctx, victim.grant.ID)) },
			"JWTStanding":         func() error { return first(s.JWTStanding(ctx, victim.grant.ID, hash("x"))) },
			"Rotate":              func() error { return touched(s.Rotate(ctx, rotation())) },
			"ConfirmRetry":        func() error { return touched(s.ConfirmRetry(ctx, rotation(), now)) },
			"RevokeGrant":         func() error { return touched(s.RevokeGrant(ctx, victim.grant.ID, "x", now)) },
			"RevokeUserGrants":    func() error { return touched(s.RevokeUserGrants(ctx, victim.user.ID, "", "x", now)) },
			"RevokeClientGrants":  func() error { return touched(s.RevokeClientGrants(ctx, victim.user.ID, "web", "x", now)) },
			"AccessToken":         func() error { return first(s.AccessToken(ctx, hash("access"))) },
			"RevokeAccessToken":   func() error { return touched(s.RevokeAccessToken(ctx, hash("access"), "web", now)) },
			"JWTRevoked":          func() error { return touched(s.JWTRevoked(ctx, hash("access"))) },
			"DeleteConsent":       func() error { return touched(s.DeleteConsent(ctx, victim.user.ID, "web")) },
			"SpendOneTimeToken":   func() error { return first(s.SpendOneTimeToken(ctx, hash("once"), "setup", now)) },
			"OneTimeTokenLives":   func() error { return touched(s.OneTimeTokenLives(ctx, hash("once"), "setup", now)) },
			"OrganizationBySlug":  func() error { return first(s.OrganizationBySlug(ctx, "acme")) },
			"Memberships":         func() error { all, err := s.Memberships(ctx, victim.org.ID); return touched(len(all), err) },
			"RolePermissions":     func() error { return first(s.RolePermissions(ctx, "", "auditor")) },
			"Events":              func() error { all, err := s.Events(ctx, 10); return touched(len(all), err) },
			"Refusal":             func() error { return first(s.Refusal(ctx, "AAAA-BBBB")) },
			"Deliveries":          func() error { all, err := s.Deliveries(ctx, 10); return touched(len(all), err) },
			"SetSigningKeyState":  func() error { return s.SetSigningKeyState(ctx, "key", lanyard.KeyActive, lanyard.KeyRetired, now, now) },
			"DeleteSigningKey":    func() error { return s.DeleteSigningKey(ctx, "key") },
			"BumpUserRevision":    func() error { return first(s.BumpUserRevision(ctx, victim.user.ID)) },
			"UseSession":          func() error { return s.UseSession(ctx, victim.browser, victim.session) },
			"UpdateProfile":       func() error { return s.UpdateProfile(ctx, victim.user.ID, lanyard.Profile{Name: "x"}, now) },
			"DemandNewPassword":   func() error { return s.DemandNewPassword(ctx, victim.user.ID) },
			"Emails":              func() error { all, err := s.Emails(ctx, victim.user.ID); return touched(len(all), err) },
			"AddEmail":            func() error { return s.AddEmail(ctx, victim.user.ID, "x@example.test", now) },
			"PromoteEmail":        func() error { return s.PromoteEmail(ctx, victim.user.ID, "ada@example.test") },
			"RemoveEmail":         func() error { return s.RemoveEmail(ctx, victim.user.ID, "ada@example.test") },
			"Devices":             func() error { all, err := s.Devices(ctx, victim.user.ID, now); return touched(len(all), err) },
			"EndUserSession":      func() error { return touched(s.EndUserSession(ctx, victim.user.ID, victim.session, now)) },
			"RevokeSessionGrants": func() error { return touched(s.RevokeSessionGrants(ctx, victim.user.ID, victim.session, "x", now)) },
			"CurrentSession":      func() error { return first(s.CurrentSession(ctx, hash("cookie"))) },
			"ScheduleDeletion":    func() error { return s.ScheduleDeletion(ctx, victim.user.ID, now) },
			"SoleOwnerships":      func() error { all, err := s.SoleOwnerships(ctx, victim.user.ID); return touched(len(all), err) },
			"EraseUser":           func() error { return s.EraseUser(ctx, victim.user.ID, now.Add(time.Hour)) },
			"UserEvents":          func() error { all, err := s.UserEvents(ctx, victim.user.ID, "", 10); return touched(len(all), err) },
			"Consents":            func() error { all, err := s.Consents(ctx, victim.user.ID); return touched(len(all), err) },
			"HoldUser":            func() error { return s.HoldUser(ctx, victim.user.ID, 0) },
			"TouchSession":        func() error { return s.TouchSession(ctx, victim.session, now.Add(time.Hour), now) },
			"UpdateUser":          func() error { return s.UpdateUser(ctx, victim.user) },
			"Rehash":              func() error { return s.Rehash(ctx, victim.user.ID, "hash of victim", "x") },
			"ClearAttempts":       func() error { return s.ClearAttempts(ctx, "key") },
			"RefundAttempt":       func() error { return s.RefundAttempt(ctx, "key") },
			"SetPrimaryEmail":     func() error { return s.SetPrimaryEmail(ctx, victim.user.ID, "x@example.test", true, now) },
			"SetPassword":         func() error { return s.SetPassword(ctx, victim.user.ID, storage.Password{Hash: "x"}, now) },
			"GrantUserRole":       func() error { return s.GrantUserRole(ctx, victim.user.ID, "x", now) },
			"SetClientSecrets":    func() error { return s.SetClientSecrets(ctx, "web", []lanyard.ClientSecret{{Hash: hash("x")}}, now) },
			"StartSession": func() error {
				return first(s.StartSession(ctx, victim.browser, storage.Proof{User: victim.user.ID, At: now, ExpiresAt: now}))
			},
			"InsertAuthRequest": func() error { r := victim.request; r.ID = "req_new"; return s.InsertAuthRequest(ctx, r) },
			"InsertGrant":       func() error { g := victim.grant; g.ID = "gra_new"; return s.InsertGrant(ctx, g) },
			"InsertAccessToken": func() error {
				return s.InsertAccessToken(ctx, lanyard.AccessToken{Hash: hash("x"), GrantID: victim.grant.ID, ClientID: "web"})
			},
			"RevokeJWT": func() error { return s.RevokeJWT(ctx, lanyard.AccessToken{Hash: hash("x"), ClientID: "web"}, now) },
			"PutConsent": func() error {
				return s.PutConsent(ctx, lanyard.Consent{UserID: victim.user.ID, ClientID: "web", GrantedAt: now})
			},
			"PutMembership": func() error {
				return s.PutMembership(ctx, lanyard.Membership{OrganizationID: victim.org.ID, UserID: victim.user.ID, CreatedAt: now})
			},
		}
		// These add rows of the stranger's own, whose names may be those of the victim.
		own := cases{
			"InsertTenant": func() error { return nil }, // done above
			"InsertUser":   func() error { return s.InsertUser(ctx, victim.user) },
			"PutClient":    func() error { return s.PutClient(ctx, lanyard.Client{ID: "web", CreatedAt: now}) },
			"PutResource": func() error {
				return s.PutResource(ctx, lanyard.Resource{ID: "res_x", Identifier: "https://api.example.test"}, now)
			},
			"PutTrustedIssuer": func() error {
				return s.PutTrustedIssuer(ctx, lanyard.TrustedIssuer{Issuer: "https://upstream.example.test"}, now)
			},
			"InsertSigningKey": func() error { return s.InsertSigningKey(ctx, victim.key) },
			"PutBrowser": func() error {
				return first(s.PutBrowser(ctx, hash("cookie"), hash("cookie2"), lanyard.Browser{ID: "bro_x", SeenAt: now}))
			},
			"InsertOrganization": func() error { return s.InsertOrganization(ctx, victim.org) },
			"PutRole":            func() error { return s.PutRole(ctx, "", "auditor", nil, now) },
			"InsertEvent":        func() error { return s.InsertEvent(ctx, lanyard.Event{At: now}) },
			"InsertRefusal":      func() error { return s.InsertRefusal(ctx, storage.Refusal{RequestID: "AAAA-BBBB", At: now}) },
			"InsertOneTimeToken": func() error {
				return s.InsertOneTimeToken(ctx, storage.OneTimeToken{Hash: hash("once"), Purpose: "setup", CreatedAt: now, ExpiresAt: now}, true)
			},
			"SpendOnce":      func() error { return first(s.SpendOnce(ctx, hash("jti"), now)) },
			"ReserveAttempt": func() error { return first(s.ReserveAttempt(ctx, "key", rule, now)) },
			"UpdateTenant":   func() error { return s.UpdateTenant(ctx, lanyard.Tenant{Name: "stranger"}) },
			"BumpRevision":   func() error { return s.BumpRevision(ctx) },
		}
		for _, more := range []func(*testing.T, stranger) (calls, own cases){configurationCases, factorCases, peopleCases, deliveryCases, organizationCases, invitationCases, deviceAuthorizationCases, connectionCases, managementCases, administrationCases, sealedCases} {
			moreCalls, moreOwn := more(t, stranger{s, victim})
			maps.Copy(calls, moreCalls)
			maps.Copy(own, moreOwn)
		}
		plain := map[string]bool{"InTx": true, "TenantID": true}
		kind := reflect.TypeFor[storage.Scope]()
		for at := range kind.NumMethod() {
			name := kind.Method(at).Name
			if calls[name] == nil && own[name] == nil && !plain[name] {
				t.Errorf("Scope.%s has no case for a second tenant", name)
			}
		}
		before := snapshot(t, victim)
		for name, call := range calls {
			err := call()
			if err != nil && lanyard.KindOf(err) != lanyard.NotFound && lanyard.KindOf(err) != lanyard.Conflict {
				t.Errorf("%s: %v", name, err)
			}
		}
		for name, call := range own {
			if err := call(); err != nil {
				t.Errorf("%s: the names of another tenant are taken: %v", name, err)
			}
		}
		if diff := cmp.Diff(before, snapshot(t, victim), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("the victim changed (-before +after):\n%s", diff)
		}
	})
}

func rotation() storage.Rotation {
	return storage.Rotation{Grant: "gra_same", Presented: hash("refresh"), Successor: hash("next"), KeyID: "mac", At: now, IdleUntil: now.Add(time.Hour)}
}

var rule = storage.AttemptRule{Free: 3, Delay: time.Second, Longest: time.Minute, Memory: time.Hour}

// snapshot reads everything back.
func snapshot(t *testing.T, h *house) map[string]any {
	t.Helper()
	ctx := t.Context()
	out := map[string]any{}
	keep := func(name string, v any, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = v
	}
	user, err := h.UserByEmail(ctx, "ADA@example.test")
	keep("user", user, err)
	client, err := h.Client(ctx, "web")
	keep("client", client, err)
	tenant, err := h.Tenant(ctx)
	keep("tenant", tenant, err)
	resources, err := h.Resources(ctx)
	keep("resources", resources, err)
	issuers, err := h.TrustedIssuers(ctx)
	keep("issuers", issuers, err)
	stored, err := h.SigningKeys(ctx)
	keep("keys", stored, err)
	_, accounts, err := h.Accounts(ctx, hash("cookie"), "web")
	keep("accounts", accounts, err)
	code, err := h.ByCode(ctx, hash("code"))
	keep("code", code, err)
	open, err := h.AuthRequest(ctx, "req_open")
	keep("request", open, err)
	token, err := h.AccessToken(ctx, hash("access"))
	keep("token", token, err)
	standing, err := h.Standing(ctx, h.grant.ID)
	keep("standing", standing, err)
	members, err := h.Memberships(ctx, h.org.ID)
	keep("members", members, err)
	permissions, err := h.RolePermissions(ctx, "", "auditor")
	keep("permissions", permissions, err)
	roles, err := h.UserRoles(ctx, h.user.ID)
	keep("roles", roles, err)
	hashOf, err := h.PasswordHash(ctx, h.user.ID)
	keep("password", hashOf, err)
	lives, err := h.OneTimeTokenLives(ctx, hash("once"), "setup", now)
	keep("once", lives, err)
	refusal, err := h.Refusal(ctx, "AAAA-BBBB")
	keep("refusal", refusal, err)
	events, err := h.Events(ctx, 10)
	keep("events", events, err)
	org, err := h.OrganizationBySlug(ctx, "acme")
	keep("organization", org, err)
	return out
}

// TestWhatIsStoredComesBack reads rows back as they were written, times in UTC to the microsecond.
func TestWhatIsStoredComesBack(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		h := furnish(t, store, "home")
		got := snapshot(t, h)
		if diff := cmp.Diff(h.user, got["user"]); diff != "" {
			t.Errorf("user (-want +got):\n%s", diff)
		}
		standing, _ := got["standing"].(lanyard.Standing)
		if diff := cmp.Diff(h.grant, standing.Grant, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("grant (-want +got):\n%s", diff)
		}
		code, _ := got["code"].(storage.CodeStanding)
		if diff := cmp.Diff(h.request, code.Request, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("request (-want +got):\n%s", diff)
		}
		client, _ := got["client"].(*lanyard.Client)
		h.client.Secrets = []lanyard.ClientSecret{{Hash: hash("home")}}
		if diff := cmp.Diff(h.client, *client); diff != "" {
			t.Errorf("client (-want +got):\n%s", diff)
		}
		for name, found := range map[string]func() (lanyard.Tenant, error){
			"slug": func() (lanyard.Tenant, error) { return store.TenantBySlug(t.Context(), "home") },
			"host": func() (lanyard.Tenant, error) { return store.TenantByHost(t.Context(), "home.example.test") },
			"old":  func() (lanyard.Tenant, error) { return store.TenantByHost(t.Context(), "old-home.example.test") },
		} {
			if tenant, err := found(); err != nil || tenant.Slug != "home" {
				t.Errorf("by %s: %v %v", name, tenant.Slug, err)
			}
		}
		for _, host := range []string{"", " ", "%", "example.test", "home.example.tes_", "home.example.test old-home.example.test"} {
			if _, err := store.TenantByHost(t.Context(), host); !errors.Is(err, lanyard.ErrNotFound) {
				t.Errorf("host %q: %v", host, err)
			}
		}
	})
}

// TestConstraintsGuardInvariants reads the violations.
func TestConstraintsGuardInvariants(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		other := h.user
		other.ID, other.Username = "usr_other", "other"
		wantErr(t, h.InsertUser(ctx, other), lanyard.ErrConflict)
		other.Subject = "another"
		ok(t, h.InsertUser(ctx, other))
		wantErr(t, h.SetPrimaryEmail(ctx, other.ID, "ADA@example.test", true, now), lanyard.ErrConflict)
		other.Username = "ADA"
		wantErr(t, h.UpdateUser(ctx, other), lanyard.ErrConflict)
		second := h.key
		second.ID = "second"
		wantErr(t, h.InsertSigningKey(ctx, second), lanyard.ErrConflict)
		g := h.grant
		g.ID, g.ClientID = "gra_x", "nobody"
		wantErr(t, h.InsertGrant(ctx, g), lanyard.ErrConflict)
		wantErr(t, h.InsertUser(ctx, lanyard.User{ID: "usr_nul", Subject: "a\x00b", CreatedAt: now}), lanyard.ErrBadInput)
		wantErr(t, h.InsertUser(ctx, lanyard.User{ID: "usr_utf", Subject: "\xff", CreatedAt: now}), lanyard.ErrBadInput)
	})
}

// TestAFailedUnitLeavesNothing: nothing of a transaction that failed stays, and nothing runs in it afterwards.
func TestAFailedUnitLeavesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		err := h.InTx(ctx, func(tx storage.Scope) error {
			ok(t, tx.SetPassword(ctx, h.user.ID, storage.Password{Hash: "changed"}, now))
			wantErr(t, tx.InsertSigningKey(ctx, h.key), lanyard.ErrConflict)
			wantErr(t, tx.SetPassword(ctx, h.user.ID, storage.Password{Hash: "changed again"}, now), lanyard.ErrUnavailable)
			return nil
		})
		if err == nil {
			t.Error("the transaction committed after a failure")
		}
		if got, err := h.PasswordHash(ctx, h.user.ID); err != nil || got != "hash of home" {
			t.Errorf("%q %v", got, err)
		}
	})
}

// TestOneTimeThingsAreSpentOnce races every statement that spends (ONCE).
func TestOneTimeThingsAreSpentOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		for round := range testkit.Rounds(5, 100) {
			h := furnish(t, store, fmt.Sprintf("home-%d", round))
			ctx := t.Context()
			open := h.request
			open.ID = "req_open"
			for name, spend := range map[string]func(n int) (bool, error){
				"code": func(n int) (bool, error) { return h.SpendCode(ctx, hash("code"), lanyard.GrantID(fmt.Sprint(n)), now) },
				"one-time token": func(int) (bool, error) {
					_, err := h.SpendOneTimeToken(ctx, hash("once"), "setup", now)
					return won(err, lanyard.ErrNotFound)
				},
				"issue a code": func(n int) (bool, error) {
					r := open
					r.Code = &lanyard.Code{Hash: hash(fmt.Sprint(n)), IssuedAt: now, ExpiresAt: now}
					return won(h.IssueCode(ctx, r, now), lanyard.ErrConflict)
				},
				"rotation": func(int) (bool, error) { return h.Rotate(ctx, rotation()) },
				"replay":   func(int) (bool, error) { return h.SpendOnce(ctx, hash("jti"), now) },
				"session":  func(int) (bool, error) { return h.EndSession(ctx, h.session, now) },
				"grant":    func(int) (bool, error) { return h.RevokeGrant(ctx, h.grant.ID, "x", now) },
			} {
				if name == "session" || name == "grant" {
					continue // they end what the others need; raced below
				}
				if n := race(t, spend); n != 1 {
					t.Errorf("%s was spent %d times", name, n)
				}
			}
			if n := race(t, func(int) (bool, error) { return h.RevokeGrant(ctx, h.grant.ID, "x", now) }); n != 1 {
				t.Errorf("a grant was revoked %d times", n)
			}
			if n := race(t, func(int) (bool, error) { return h.EndSession(ctx, h.session, now) }); n != 1 {
				t.Errorf("a session was ended %d times", n)
			}
		}
	})
}

func won(err, lost error) (bool, error) {
	if errors.Is(err, lost) {
		return false, nil
	}
	return err == nil, err
}

func race(t *testing.T, spend func(n int) (bool, error)) int {
	t.Helper()
	var mu sync.Mutex
	winners := 0
	var group sync.WaitGroup
	for n := range 32 {
		group.Go(func() {
			won, err := spend(n)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if won {
				winners++
			}
		})
	}
	group.Wait()
	return winners
}

// TestRotationNeedsALiveGrant: the compare-and-swap itself looks at grant, user and session.
func TestRotationNeedsALiveGrant(t *testing.T) {
	ends := map[string]func(ctx context.Context, h *house) error{
		"revoked": func(ctx context.Context, h *house) error {
			_, err := h.RevokeGrant(ctx, h.grant.ID, "x", now)
			return err
		},
		"user's grants": func(ctx context.Context, h *house) error {
			_, err := h.RevokeUserGrants(ctx, h.user.ID, "", "x", now)
			return err
		},
		"client's": func(ctx context.Context, h *house) error {
			_, err := h.RevokeClientGrants(ctx, h.user.ID, "web", "x", now)
			return err
		},
		"session": func(ctx context.Context, h *house) error { _, err := h.EndSession(ctx, h.session, now); return err },
		"all sessions": func(ctx context.Context, h *house) error {
			_, err := h.EndUserSessions(ctx, h.user.ID, "", now)
			return err
		},
		"user turned off": func(ctx context.Context, h *house) error { u := h.user; u.Disabled = true; return h.UpdateUser(ctx, u) },
	}
	onBoth(t, func(t *testing.T, store *storage.Store) {
		for name, end := range ends {
			h := furnish(t, store, strings.ReplaceAll(strings.ReplaceAll(name, " ", "-"), "'", ""))
			ok(t, end(t.Context(), h))
			if won, err := h.Rotate(t.Context(), rotation()); won || err != nil {
				t.Errorf("%s: rotated %v, %v", name, won, err)
			}
		}
		h := furnish(t, store, "late")
		r := rotation()
		r.At = now.Add(2 * time.Hour)
		if won, _ := h.Rotate(t.Context(), r); won {
			t.Error("an expired grant was rotated")
		}
		if won, err := h.Rotate(t.Context(), rotation()); !won || err != nil {
			t.Errorf("a live grant: %v %v", won, err)
		}
		if won, err := h.ConfirmRetry(t.Context(), rotation(), now.Add(-time.Second)); !won || err != nil {
			t.Errorf("its retry: %v %v", won, err)
		}
		if won, _ := h.ConfirmRetry(t.Context(), rotation(), now); won {
			t.Error("a retry outside the window")
		}
	})
}

// TestAttemptsAreReservedBeforeTheyCount: parallel attempts pass only as far as they are free.
func TestAttemptsAreReservedBeforeTheyCount(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		passed := race(t, func(int) (bool, error) {
			wait, err := h.ReserveAttempt(ctx, "key", rule, now)
			return wait == 0, err
		})
		if passed != rule.Free {
			t.Errorf("%d of 32 parallel attempts passed, %d are free", passed, rule.Free)
		}
		at := now
		var waits []time.Duration
		for range 8 {
			wait, err := h.ReserveAttempt(ctx, "key", rule, at)
			ok(t, err)
			waits = append(waits, wait)
			at = at.Add(wait)
			if again, err := h.ReserveAttempt(ctx, "key", rule, at); err != nil || again != 0 {
				t.Fatalf("after waiting %s: %s %v", wait, again, err)
			}
		}
		want := []time.Duration{1 * time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 32 * time.Second, time.Minute, time.Minute}
		if diff := cmp.Diff(want, waits); diff != "" {
			t.Errorf("delays (-want +got):\n%s", diff)
		}
		at = at.Add(2 * time.Hour)
		for range rule.Free {
			if wait, err := h.ReserveAttempt(ctx, "key", rule, at); err != nil || wait != 0 {
				t.Errorf("after the memory ended: %s %v", wait, err)
			}
		}
		ok(t, h.ClearAttempts(ctx, "key"))
		if wait, err := h.ReserveAttempt(ctx, "key", rule, at); err != nil || wait != 0 {
			t.Errorf("after clearing: %s %v", wait, err)
		}
	})
}

// TestCleanUpTakesOnlyWhatIsOver deletes in batches and never a live row.
func TestCleanUpTakesOnlyWhatIsOver(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		before := snapshot(t, h)
		for n := range 1200 {
			_, err := h.SpendOnce(ctx, hash(fmt.Sprint(n)), now)
			ok(t, err)
		}
		n, err := store.CleanUp(ctx, now.Add(time.Second))
		ok(t, err)
		if n != 1200 {
			t.Errorf("%d rows went", n)
		}
		if diff := cmp.Diff(before, snapshot(t, h), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("live rows changed:\n%s", diff)
		}
		_, err = store.CleanUp(ctx, now.Add(60*24*time.Hour))
		ok(t, err)
		for _, table := range []string{"auth_requests", "grants", "access_tokens", "sessions", "refusals"} {
			if n, err := store.CountRows(ctx, table); err != nil || n != 0 {
				t.Errorf("%d rows of %s are left (%v)", n, table, err)
			}
		}
	})
}

// TestLeaseHasOneHolder, renewed by it and taken over when it has ended.
func TestLeaseHasOneHolder(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx := t.Context()
		if n := race(t, func(n int) (bool, error) {
			return store.AcquireLease(ctx, "job", fmt.Sprint(n), now, now.Add(time.Minute))
		}); n != 1 {
			t.Errorf("%d holders", n)
		}
		ok(t, func() error { _, err := store.AcquireLease(ctx, "two", "a", now, now.Add(time.Minute)); return err }())
		for _, c := range []struct {
			holder string
			at     time.Time
			want   bool
		}{{"b", now, false}, {"a", now, true}, {"b", now.Add(time.Minute), true}, {"a", now.Add(time.Minute), false}} {
			if got, err := store.AcquireLease(ctx, "two", c.holder, c.at, c.at.Add(time.Minute)); err != nil || got != c.want {
				t.Errorf("%s at %s: %v %v", c.holder, c.at, got, err)
			}
		}
		ok(t, store.ReleaseLease(ctx, "two", "b"))
		if got, err := store.AcquireLease(ctx, "two", "a", now, now.Add(time.Minute)); err != nil || !got {
			t.Errorf("after release: %v %v", got, err)
		}
	})
}

// TestMigrateTogether: ten processes on an empty database end with one schema.
func TestMigrateTogether(t *testing.T) {
	for name, url := range map[string]string{"sqlite": "sqlite:" + filepath.Join(t.TempDir(), "lanyard.db"), "postgres": testkit.Postgres(t)} {
		t.Run(name, func(t *testing.T) {
			var group sync.WaitGroup
			for range 10 {
				group.Go(func() {
					store, err := storage.Open(t.Context(), storage.Config{URL: url})
					if err != nil {
						t.Error(err)
						return
					}
					defer func() { _ = store.Close() }()
					if err := store.Migrate(t.Context()); err != nil {
						t.Error(err)
					}
					if status, err := store.MigrationStatus(t.Context()); err != nil || !status.Current() {
						t.Errorf("%+v %v", status, err)
					}
				})
			}
			group.Wait()
		})
	}
}

// TestSecondServerOnOneFileIsRefused, while a command may open it.
func TestSecondServerOnOneFileIsRefused(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "lanyard.db")
	first, err := storage.Open(t.Context(), storage.Config{URL: url, Exclusive: true})
	ok(t, err)
	if _, err := storage.Open(t.Context(), storage.Config{URL: url, Exclusive: true}); !errors.Is(err, lanyard.ErrConflict) {
		t.Errorf("a second server: %v", err)
	}
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(strings.TrimPrefix(url, "sqlite:"), link); err != nil {
		t.Fatal(err)
	}
	if _, err := storage.Open(t.Context(), storage.Config{URL: "sqlite:" + link, Exclusive: true}); !errors.Is(err, lanyard.ErrConflict) {
		t.Errorf("under another name: got %v", err)
	}
	command, err := storage.Open(t.Context(), storage.Config{URL: url})
	ok(t, err)
	ok(t, command.Close())
	ok(t, first.Close())
	again, err := storage.Open(t.Context(), storage.Config{URL: url, Exclusive: true})
	ok(t, err)
	ok(t, again.Close())
}

// TestNewFileIsOnlyOurs: nobody else on the machine reads the database or its journal.
func TestNewFileIsOnlyOurs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lanyard.db")
	store, err := storage.Open(t.Context(), storage.Config{URL: "sqlite:" + path})
	ok(t, err)
	defer func() { ok(t, store.Close()) }()
	ok(t, store.Migrate(t.Context()))
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		ok(t, err)
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o", name, mode)
		}
	}
}

// TestOutageLooksLikeOne: a closed database and a full disk are lanyard.ErrUnavailable.
func TestOutageLooksLikeOne(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		h := furnish(t, store, "home")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := h.User(ctx, h.user.ID)
		wantErr(t, err, lanyard.ErrUnavailable)
		ok(t, store.Close())
		_, err = h.User(t.Context(), h.user.ID)
		wantErr(t, err, lanyard.ErrUnavailable)
		wantErr(t, h.InTx(t.Context(), func(storage.Scope) error { return nil }), lanyard.ErrUnavailable)
		if _, err := storage.Open(t.Context(), storage.Config{URL: "postgres://secret-user:secret-password@[::1"}); err == nil || bytes.Contains([]byte(err.Error()), []byte("secret-password")) {
			t.Errorf("a broken URL: %v", err)
		}
	})
}
