package storage_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// connectionOf is a connection of the tenant that is on.
func connectionOf(h *house, id lanyard.ConnectionID) lanyard.Connection {
	return lanyard.Connection{
		ID: id, TenantID: h.TenantID(), Kind: lanyard.ConnectionOIDC, Name: "It's \"" + string(id) + "\" ?", Issuer: "https://up.example.test/" + string(id),
		UpstreamClientID: "us", SealedSecret: []byte{0, 1, 255}, Scopes: lanyard.Scopes{"openid"}, Enabled: true, SignIn: true, SignUp: true, Linking: true,
		ClaimMapping: map[string]string{"name": "displayName"}, Order: 7, CreatedAt: now,
	}
}

// owned is the connection of the house's organization.
func owned(h *house, id lanyard.ConnectionID) lanyard.Connection {
	c := connectionOf(h, id)
	c.OrganizationID = h.org.ID
	return c
}

// identityOf is an identity of the house's user.
func identityOf(h *house, c lanyard.ConnectionID, subject string) lanyard.LinkedIdentity {
	return lanyard.LinkedIdentity{
		Identity: lanyard.Identity{ConnectionID: c, Issuer: "https://up.example.test", Subject: subject}, UserID: h.user.ID,
		Label: "ada@up.example.test", CreatedAt: now, UsedAt: now,
	}
}

// connectionCases are the calls of a stranger on the victim's connections, identities and attempts.
func connectionCases(t *testing.T, s stranger) (calls, own cases) {
	ctx, victim := t.Context(), s.victim
	ok(t, victim.PutConnection(ctx, connectionOf(victim, "google")))
	ok(t, victim.PutConnection(ctx, owned(victim, "acme")))
	linked, attempt := identityOf(victim, "google", "1"), attemptOf("one")
	ok(t, victim.LinkIdentity(ctx, linked))
	ok(t, victim.PutFederationAttempt(ctx, attempt))
	signedIn, err := victim.StartSession(ctx, victim.browser, storage.Proof{User: victim.user.ID, At: now, ExpiresAt: now.Add(time.Hour), Connection: "google", ConfinedTo: "org_x"})
	ok(t, err)
	seen := func() []any {
		t.Helper()
		tenants, err := victim.TenantConnections(ctx)
		ok(t, err)
		owned, err := victim.DomainConnections(ctx, "example.test")
		ok(t, err)
		if len(owned) != 1 {
			t.Fatal("the domain of the victim leads nowhere")
		}
		all, err := victim.Identities(ctx, victim.user.ID)
		ok(t, err)
		request, err := victim.FederationAttemptRequest(ctx, attempt.StateHash)
		ok(t, err)
		session, err := victim.Session(ctx, signedIn)
		ok(t, err)
		return []any{tenants, owned, all, request, session}
	}
	before := seen()
	untouched := func(err error) error {
		if diff := cmp.Diff(before, seen()); diff != "" {
			return errors.New("what the victim has changed:\n" + diff)
		}
		return err
	}
	return cases{
			"TenantConnections":       func() error { all, err := s.TenantConnections(ctx); return touched(len(all), err) },
			"OrganizationConnections": func() error { all, err := s.OrganizationConnections(ctx, victim.org.ID); return touched(len(all), err) },
			"DomainConnections":       func() error { all, err := s.DomainConnections(ctx, "example.test"); return touched(len(all), err) },
			"Connection":              func() error { return first(s.Connection(ctx, "google")) },
			"NoteConnectionTest":      func() error { return untouched(s.NoteConnectionTest(ctx, "google", "x")) },
			"RemoveConnection":        func() error { return untouched(s.RemoveConnection(ctx, "google", now)) },
			"IdentityOwner":           func() error { return first(s.IdentityOwner(ctx, linked.Identity)) },
			"Identities":              func() error { all, err := s.Identities(ctx, victim.user.ID); return touched(len(all), err) },
			"PersonalIdentities":      func() error { return touched(s.PersonalIdentities(ctx, victim.user.ID)) },
			"LinkIdentity":            func() error { return untouched(s.LinkIdentity(ctx, identityOf(victim, "google", "2"))) },
			"UseIdentity": func() error {
				return untouched(s.UseIdentity(ctx, linked.Identity, victim.user.ID, now.Add(time.Hour)))
			},
			"UnlinkIdentity": func() error { return untouched(s.UnlinkIdentity(ctx, victim.user.ID, linked.Identity)) },
			"EndConnectionSessions": func() error {
				return untouched(touched(s.EndConnectionSessions(ctx, victim.user.ID, "google", "", now)))
			},
			"FederationAttemptRequest": func() error { return first(s.FederationAttemptRequest(ctx, attempt.StateHash)) },
			"SpendFederationAttempt": func() error {
				return untouched(first(s.SpendFederationAttempt(ctx, attempt.StateHash, attempt.ConnectionID, attempt.RequestID, now)))
			},
			"PutFederationAttempt": func() error { // the connection is not the stranger's
				return untouched(s.PutFederationAttempt(ctx, storage.FederationAttempt{RequestID: "req_x", StateHash: hash("x"), ConnectionID: "acme", Sealed: hash("x"), ExpiresAt: now}))
			},
		}, cases{
			"PutConnection": func() error {
				c := connectionOf(victim, "google")
				c.Kind = lanyard.ConnectionGoogle
				return untouched(s.PutConnection(ctx, c))
			},
		}
}

func TestConnectionComesBack(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		google, acme := connectionOf(h, "google"), owned(h, "acme")
		early, late := connectionOf(h, "early"), connectionOf(h, "late")
		early.Order, late.Name = 1, "zzz"
		for _, c := range []lanyard.Connection{late, google, acme, early} {
			ok(t, h.PutConnection(ctx, c))
		}
		tenants, err := h.TenantConnections(ctx)
		ok(t, err)
		of, err := h.OrganizationConnections(ctx, h.org.ID)
		ok(t, err)
		if diff := cmp.Diff([][]lanyard.Connection{{early, google, late}, {acme}}, [][]lanyard.Connection{tenants, of}); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		ok(t, h.NoteConnectionTest(ctx, "google", "tested"))
		changed := google
		changed.Name, changed.Enabled, changed.SealedSecret, changed.SealedBotToken, changed.CreatedAt = "Other", false, nil, []byte("bot"), now.Add(time.Hour)
		ok(t, h.PutConnection(ctx, changed))
		changed.TestedAs, changed.CreatedAt = "tested", now
		got, err := h.Connection(ctx, "google")
		ok(t, err)
		if diff := cmp.Diff(changed, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		wantErr(t, first(h.Connection(ctx, "none")), lanyard.ErrNotFound)
		wantErr(t, h.NoteConnectionTest(ctx, "none", "x"), lanyard.ErrNotFound)
	})
}

// TestConnectionKeepsItsOwnerAndKind, for its identities would be somebody else's.
func TestConnectionKeepsItsOwnerAndKind(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		ok(t, h.PutConnection(ctx, connectionOf(h, "google")))
		ok(t, h.PutConnection(ctx, owned(h, "acme")))
		other := h.org
		other.ID, other.Slug, other.Code = "org_other", "other", "other"
		ok(t, h.InsertOrganization(ctx, other))
		kind, taken, given, foreign, nobodys := connectionOf(h, "google"), owned(h, "google"), connectionOf(h, "acme"), owned(h, "acme"), owned(h, "new")
		kind.Kind, foreign.OrganizationID, nobodys.OrganizationID = lanyard.ConnectionGoogle, other.ID, "org_none"
		for name, c := range map[string]lanyard.Connection{
			"another kind": kind, "an organization's": taken, "the tenant's": given, "another organization's": foreign, "nobody's": nobodys,
		} {
			if err := h.PutConnection(ctx, c); !errors.Is(err, lanyard.ErrConflict) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// TestDomainLeadsToItsOrganizationsConnections while it is verified, the organization open and the connection offered.
func TestDomainLeadsToItsOrganizationsConnections(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		acme := owned(h, "acme")
		ok(t, h.PutConnection(ctx, acme))
		ok(t, h.PutConnection(ctx, connectionOf(h, "google")))
		ok(t, h.InsertDomain(ctx, lanyard.Domain{OrganizationID: h.org.ID, Name: "acme.example", CreatedAt: now}))
		leads := func(domain string, want int) {
			t.Helper()
			all, err := h.DomainConnections(ctx, domain)
			ok(t, err)
			if len(all) != want {
				t.Errorf("%s leads to %d connections, want %d", domain, len(all), want)
			}
		}
		leads("acme.example", 0)
		ok(t, h.VerifyDomain(ctx, h.org.ID, "acme.example", now))
		leads("acme.example", 1)
		leads("sub.acme.example", 0)
		for _, off := range []func(*lanyard.Connection){
			func(c *lanyard.Connection) { c.Enabled = false }, func(c *lanyard.Connection) { c.SignIn = false },
		} {
			c := acme
			off(&c)
			ok(t, h.PutConnection(ctx, c))
			leads("acme.example", 0)
		}
		ok(t, h.PutConnection(ctx, acme))
		closed := h.org
		closed.Suspended = true
		ok(t, h.UpdateOrganization(ctx, closed))
		leads("acme.example", 0)
		ok(t, h.UpdateOrganization(ctx, h.org))
		leads("acme.example", 1)
		ok(t, h.ScheduleOrganizationDeletion(ctx, h.org.ID, now.Add(time.Hour)))
		leads("acme.example", 0)
	})
}

// signedInBy makes a session and an offline grant of it that a connection proved.
func signedInBy(t *testing.T, h *house, c lanyard.ConnectionID, confined lanyard.OrganizationID) (lanyard.SessionID, lanyard.GrantID) {
	t.Helper()
	ctx := t.Context()
	session, err := h.StartSession(ctx, h.browser, storage.Proof{User: h.user.ID, At: now, ExpiresAt: now.Add(time.Hour), Connection: c, ConfinedTo: confined})
	ok(t, err)
	g := h.grant
	g.ID, g.SessionID, g.ConnectionID, g.Offline, g.OrganizationID, g.Confined = lanyard.NewGrantID(), session, c, true, confined, confined != ""
	ok(t, h.InsertGrant(ctx, g))
	return session, g.ID
}

// live tells whether a session and a grant count.
func live(t *testing.T, h *house, session lanyard.SessionID, grant lanyard.GrantID) [2]bool {
	t.Helper()
	s, err := h.Session(t.Context(), session)
	ok(t, err)
	g, err := h.Standing(t.Context(), grant)
	ok(t, err)
	return [2]bool{s.Live(now), g.Grant.RevokedAt.IsZero()}
}

// TestRemovedConnectionTakesWhatItSignedIn with it, and nothing else.
func TestRemovedConnectionTakesWhatItSignedIn(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		for _, id := range []lanyard.ConnectionID{"google", "other"} {
			ok(t, h.PutConnection(ctx, connectionOf(h, id)))
			ok(t, h.LinkIdentity(ctx, identityOf(h, id, "1")))
		}
		ok(t, h.PutConnection(ctx, owned(h, "acme")))
		ok(t, h.PutFederationAttempt(ctx, attemptOf("one")))
		session, grant := signedInBy(t, h, "google", "")
		kept, offline := signedInBy(t, h, "acme", h.org.ID)
		ok(t, h.RemoveConnection(ctx, "google", now))
		if got := live(t, h, session, grant); got != [2]bool{} {
			t.Errorf("session and grant of the connection live: %v", got)
		}
		if got := live(t, h, kept, offline); got != [2]bool{true, true} {
			t.Errorf("session and grant of another connection live: %v", got)
		}
		all, err := h.Identities(ctx, h.user.ID)
		ok(t, err)
		if len(all) != 1 || all[0].ConnectionID != "other" {
			t.Errorf("identities: %+v", all)
		}
		wantErr(t, first(h.FederationAttemptRequest(ctx, attemptOf("one").StateHash)), lanyard.ErrNotFound)
		wantErr(t, first(h.Connection(ctx, "google")), lanyard.ErrNotFound)
		wantErr(t, h.RemoveConnection(ctx, "google", now), lanyard.ErrNotFound)
	})
}

// TestErasedOrganizationTakesItsConnections with identities, attempts, sessions and grants.
func TestErasedOrganizationTakesItsConnections(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		ok(t, h.PutConnection(ctx, connectionOf(h, "google")))
		ok(t, h.PutConnection(ctx, owned(h, "acme")))
		ok(t, h.LinkIdentity(ctx, identityOf(h, "google", "1")))
		ok(t, h.LinkIdentity(ctx, identityOf(h, "acme", "1")))
		attempt := attemptOf("one")
		attempt.ConnectionID = "acme"
		ok(t, h.PutFederationAttempt(ctx, attempt))
		session, grant := signedInBy(t, h, "acme", h.org.ID)
		ok(t, h.ScheduleOrganizationDeletion(ctx, h.org.ID, now))
		ok(t, h.EraseOrganization(ctx, h.org.ID, now))
		if got := live(t, h, session, grant); got != [2]bool{} {
			t.Errorf("session and grant of the organization's connection live: %v", got)
		}
		all, err := h.Identities(ctx, h.user.ID)
		ok(t, err)
		if len(all) != 1 || all[0].ConnectionID != "google" {
			t.Errorf("identities: %+v", all)
		}
		wantErr(t, first(h.Connection(ctx, "acme")), lanyard.ErrNotFound)
		ok(t, first(h.Connection(ctx, "google")))
	})
}
