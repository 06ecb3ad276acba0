package storage_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/storage"
)

func TestIdentityComesBack(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		ok(t, h.PutConnection(ctx, connectionOf(h, "google")))
		want, later := identityOf(h, "google", "1"), identityOf(h, "google", "0")
		later.CreatedAt = now.Add(time.Second)
		ok(t, h.LinkIdentity(ctx, later))
		ok(t, h.LinkIdentity(ctx, want))
		got, err := h.IdentityOwner(ctx, want.Identity)
		ok(t, err)
		all, err := h.Identities(ctx, h.user.ID)
		ok(t, err)
		if diff := cmp.Diff([]lanyard.LinkedIdentity{want, want, later}, append([]lanyard.LinkedIdentity{got}, all...)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for _, other := range []lanyard.Identity{
			{ConnectionID: "other", Issuer: want.Issuer, Subject: "1"}, {ConnectionID: "google", Issuer: "https://x", Subject: "1"},
			{ConnectionID: "google", Issuer: want.Issuer, Subject: "2"},
		} {
			wantErr(t, first(h.IdentityOwner(ctx, other)), lanyard.ErrNotFound)
			wantErr(t, h.UnlinkIdentity(ctx, h.user.ID, other), lanyard.ErrNotFound)
			wantErr(t, h.UseIdentity(ctx, other, h.user.ID, now), lanyard.ErrNotFound)
		}
		wantErr(t, h.UnlinkIdentity(ctx, "usr_other", want.Identity), lanyard.ErrNotFound)
		ok(t, h.UnlinkIdentity(ctx, h.user.ID, want.Identity))
		wantErr(t, h.UnlinkIdentity(ctx, h.user.ID, want.Identity), lanyard.ErrNotFound)
	})
}

// TestIdentityIsUsedByItsUserAlone, and over a connection that signs people in.
func TestIdentityIsUsedByItsUserAlone(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		c := connectionOf(h, "google")
		ok(t, h.PutConnection(ctx, c))
		l := identityOf(h, "google", "1")
		ok(t, h.LinkIdentity(ctx, l))
		wantErr(t, h.LinkIdentity(ctx, l), lanyard.ErrConflict)
		used := now.Add(time.Hour)
		ok(t, h.UseIdentity(ctx, l.Identity, h.user.ID, used))
		wantErr(t, h.UseIdentity(ctx, l.Identity, "usr_other", now), lanyard.ErrNotFound)
		for _, off := range []func(*lanyard.Connection){
			func(c *lanyard.Connection) { c.Enabled = false }, func(c *lanyard.Connection) { c.SignIn = false },
		} {
			changed := c
			off(&changed)
			ok(t, h.PutConnection(ctx, changed))
			wantErr(t, h.UseIdentity(ctx, l.Identity, h.user.ID, now), lanyard.ErrNotFound)
		}
		got, err := h.IdentityOwner(ctx, l.Identity)
		ok(t, err)
		if !got.UsedAt.Equal(used) {
			t.Errorf("used at %v", got.UsedAt)
		}
		c.Enabled = false
		ok(t, h.PutConnection(ctx, c))
		wantErr(t, h.LinkIdentity(ctx, identityOf(h, "google", "2")), lanyard.ErrNotFound)
		wantErr(t, h.LinkIdentity(ctx, identityOf(h, "none", "2")), lanyard.ErrNotFound)
		stranger := identityOf(h, "google", "2")
		stranger.UserID = "usr_none"
		c.Enabled = true
		ok(t, h.PutConnection(ctx, c))
		wantErr(t, h.LinkIdentity(ctx, stranger), lanyard.ErrConflict)
	})
}

// TestPersonalIdentitiesAreTheTenantsOwn and offered.
func TestPersonalIdentitiesAreTheTenantsOwn(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		off, silent := connectionOf(h, "off"), connectionOf(h, "silent")
		for _, c := range []lanyard.Connection{connectionOf(h, "google"), owned(h, "acme"), off, silent} {
			ok(t, h.PutConnection(ctx, c))
			ok(t, h.LinkIdentity(ctx, identityOf(h, c.ID, "1")))
		}
		off.Enabled, silent.SignIn = false, false
		ok(t, h.PutConnection(ctx, off))
		ok(t, h.PutConnection(ctx, silent))
		if n, err := h.PersonalIdentities(ctx, h.user.ID); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	})
}

// TestConnectionsSessionsOfAUserEnd, except one; those that were proved otherwise go on.
func TestConnectionsSessionsOfAUserEnd(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		session, grant := signedInBy(t, h, "google", "org_a")
		kept, offline := signedInBy(t, h, "google", "org_b")
		other, others := signedInBy(t, h, "acme", "org_c")
		ended, err := h.EndConnectionSessions(ctx, h.user.ID, "google", kept, now)
		if err != nil || ended != 1 {
			t.Errorf("%d ended, %v", ended, err)
		}
		got := [][2]bool{live(t, h, session, grant), live(t, h, kept, offline), live(t, h, other, others), live(t, h, h.session, h.grant.ID)}
		if diff := cmp.Diff([][2]bool{{}, {true, true}, {true, true}, {true, true}}, got); diff != "" {
			t.Errorf("live (-want +got):\n%s", diff)
		}
	})
}

// TestIdentitiesGoWithTheirUser: erased, or wiped because the address was somebody else's.
func TestIdentitiesGoWithTheirUser(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		for slug, end := range map[string]func(h *house) error{
			"erased": func(h *house) error {
				ok(t, h.ScheduleDeletion(t.Context(), h.user.ID, now))
				return h.EraseUser(t.Context(), h.user.ID, now)
			},
			"wiped": func(h *house) error {
				ok(t, h.SetPrimaryEmail(t.Context(), h.user.ID, "ada@example.test", false, now))
				wiped, err := h.WipeUnproved(t.Context(), "ada@example.test", now)
				if wiped != h.user.ID {
					t.Errorf("%q was wiped", wiped)
				}
				return err
			},
		} {
			h := furnish(t, store, slug)
			ok(t, h.PutConnection(t.Context(), connectionOf(h, "google")))
			l := identityOf(h, "google", "1")
			ok(t, h.LinkIdentity(t.Context(), l))
			ok(t, end(h))
			wantErr(t, first(h.IdentityOwner(t.Context(), l.Identity)), lanyard.ErrNotFound)
		}
	})
}

// TestRemovedConnectionLeavesNobodySignedIn, not even those who sign in at this moment.
func TestRemovedConnectionLeavesNobodySignedIn(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		var browsers []lanyard.BrowserID
		for n := range 8 {
			b, err := h.PutBrowser(ctx, nil, hash(fmt.Sprint("cookie", n)), lanyard.Browser{ID: lanyard.NewBrowserID(), SeenAt: now})
			ok(t, err)
			browsers = append(browsers, b)
		}
		for range testkit.Rounds(10, 300) {
			ok(t, h.PutConnection(ctx, connectionOf(h, "google")))
			l := identityOf(h, "google", "1")
			ok(t, h.LinkIdentity(ctx, l))
			started := make(chan lanyard.SessionID, len(browsers))
			var group sync.WaitGroup
			for _, b := range browsers {
				group.Go(func() {
					var id lanyard.SessionID
					err := h.InTx(ctx, func(tx storage.Scope) error {
						if err := tx.UseIdentity(ctx, l.Identity, h.user.ID, now); err != nil {
							return err
						}
						var err error
						id, err = tx.StartSession(ctx, b, storage.Proof{User: h.user.ID, At: now, ExpiresAt: now.Add(time.Hour), Connection: "google"})
						return err
					})
					switch {
					case err == nil:
						started <- id
					case lanyard.KindOf(err) != lanyard.NotFound:
						t.Errorf("signing in: %v", err)
					}
				})
			}
			ok(t, h.RemoveConnection(ctx, "google", now))
			group.Wait()
			close(started)
			for id := range started {
				if s, err := h.Session(ctx, id); err != nil || s.Live(now) {
					t.Fatalf("session %s lives, %v", id, err)
				}
			}
		}
	})
}
