package storage_test

import (
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// furnisher makes tenants that differ in nothing but their name.
func furnisher(t *testing.T, store *storage.Store) func() *house {
	n := 0
	return func() *house {
		n++
		return furnish(t, store, fmt.Sprintf("house-%d", n))
	}
}

// refused runs a statement that spends something after each of the changes: it has
// to be refused then, and to pass without any.
func refused(t *testing.T, fresh func() *house, spend func(h *house, at time.Time) (bool, error), ends map[string]func(h *house) time.Time) {
	t.Helper()
	if won, err := spend(fresh(), now); !won || err != nil {
		t.Errorf("what lives was refused: %v %v", won, err)
	}
	for name, end := range ends {
		h := fresh()
		if won, err := spend(h, end(h)); won || err != nil {
			t.Errorf("%s: passed %v, %v", name, won, err)
		}
	}
}

func changed[T any](t *testing.T) func(T, error) {
	return func(_ T, err error) {
		t.Helper()
		ok(t, err)
	}
}

// TestCodeIsSpentWhileEverythingLives: the statement that spends it looks at code, session and user.
func TestCodeIsSpentWhileEverythingLives(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx := t.Context()
		spend := func(h *house, at time.Time) (bool, error) { return h.SpendCode(ctx, hash("code"), "gra_new", at) }
		refused(t, furnisher(t, store), spend, map[string]func(h *house) time.Time{
			"used":          func(h *house) time.Time { changed[bool](t)(h.SpendCode(ctx, hash("code"), "gra_one", now)); return now },
			"at its end":    func(*house) time.Time { return now.Add(time.Minute) },
			"session ended": func(h *house) time.Time { changed[bool](t)(h.EndSession(ctx, h.session, now)); return now },
			"session expired": func(h *house) time.Time {
				changed[lanyard.SessionID](t)(h.StartSession(ctx, h.browser, storage.Proof{User: h.user.ID, At: now, ExpiresAt: now.Add(time.Second)}))
				return now.Add(time.Second)
			},
			"user turned off": func(h *house) time.Time { u := h.user; u.Disabled = true; ok(t, h.UpdateUser(ctx, u)); return now },
			"burned": func(h *house) time.Time {
				for range storage.MaxCodeFailures {
					changed[int](t)(h.CountCodeFailure(ctx, hash("code")))
				}
				return now
			},
		})
		h := furnish(t, store, "almost-burned")
		for range storage.MaxCodeFailures - 1 {
			changed[int](t)(h.CountCodeFailure(ctx, hash("code")))
		}
		if won, err := spend(h, now); !won || err != nil {
			t.Errorf("one failure less than burns it: %v %v", won, err)
		}
	})
}

// TestRequestMovesWhileItIsOpen: no progress, code or close after its code or its end.
func TestRequestMovesWhileItIsOpen(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx := t.Context()
		open := func(h *house) lanyard.AuthRequest {
			r := h.request
			r.ID, r.Code = "req_open", &lanyard.Code{Hash: hash("another code"), IssuedAt: now, ExpiresAt: now.Add(time.Minute)}
			return r
		}
		coded := func(h *house) time.Time { ok(t, h.IssueCode(ctx, open(h), now)); return now }
		late := func(*house) time.Time { return now.Add(time.Hour) }
		fresh := furnisher(t, store)
		refused(t, fresh, func(h *house, at time.Time) (bool, error) {
			return won(h.UpdateAuthRequest(ctx, open(h), at), lanyard.ErrConflict)
		}, map[string]func(*house) time.Time{"progress with a code": coded, "progress at its end": late})
		refused(t, fresh, func(h *house, at time.Time) (bool, error) {
			r := open(h)
			r.Code.Hash = hash("a third code")
			return won(h.IssueCode(ctx, r, at), lanyard.ErrConflict)
		}, map[string]func(*house) time.Time{"a second code": coded, "a code at its end": late})
		refused(t, fresh, func(h *house, _ time.Time) (bool, error) {
			return won(h.CloseAuthRequest(ctx, "req_open"), lanyard.ErrConflict)
		}, map[string]func(*house) time.Time{"closing with a code": coded, "closing twice": func(h *house) time.Time { ok(t, h.CloseAuthRequest(ctx, "req_open")); return now }})
	})
}

// offline adds a grant that survives its session.
func offline(t *testing.T, h *house) {
	t.Helper()
	g := h.grant
	g.ID, g.Offline = "gra_offline", true
	ok(t, h.InsertGrant(t.Context(), g))
}

// TestFamilyMovesWhileEverythingLives: rotation and retry look at token, family, grant, user and session.
func TestFamilyMovesWhileEverythingLives(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx := t.Context()
		ends := map[string]func(h *house) time.Time{
			"revoked":         func(h *house) time.Time { changed[bool](t)(h.RevokeGrant(ctx, h.grant.ID, "x", now)); return now },
			"user turned off": func(h *house) time.Time { u := h.user; u.Disabled = true; ok(t, h.UpdateUser(ctx, u)); return now },
			"session ended":   func(h *house) time.Time { changed[bool](t)(h.EndSession(ctx, h.session, now)); return now },
			"session expired": func(h *house) time.Time {
				changed[lanyard.SessionID](t)(h.StartSession(ctx, h.browser, storage.Proof{User: h.user.ID, At: now, ExpiresAt: now.Add(time.Second)}))
				return now.Add(time.Second)
			},
		}
		fresh := furnisher(t, store)
		rotate := func(h *house, at time.Time) (bool, error) {
			r := rotation()
			r.At = at
			return h.Rotate(ctx, r)
		}
		refused(t, fresh, rotate, ends)
		retry := func(h *house, at time.Time) (bool, error) {
			r := rotation()
			r.At = at
			return h.ConfirmRetry(ctx, r, now.Add(-time.Second))
		}
		rotated := func() *house { h := fresh(); changed[bool](t)(h.Rotate(ctx, rotation())); return h }
		refused(t, rotated, retry, ends)

		for name, change := range map[string]func(g *lanyard.Grant){
			"grant at its end": func(g *lanyard.Grant) { g.ExpiresAt = now },
			"family idle":      func(g *lanyard.Grant) { g.Refresh.IdleUntil = now },
			"no family":        func(g *lanyard.Grant) { g.Refresh = nil },
			"another token":    func(g *lanyard.Grant) { g.Refresh.Current = hash("another") },
		} {
			h := fresh()
			g := h.grant
			family := *g.Refresh
			g.ID, g.Refresh, g.Offline = "gra_other", &family, true
			change(&g)
			ok(t, h.InsertGrant(ctx, g))
			r := rotation()
			r.Grant = g.ID
			if won, err := h.Rotate(ctx, r); won || err != nil {
				t.Errorf("%s: rotated %v %v", name, won, err)
			}
		}
		for name, change := range map[string]func(r *storage.Rotation){
			"another parent": func(r *storage.Rotation) { r.Presented = hash("another") }, "another successor": func(r *storage.Rotation) { r.Successor = hash("another") },
		} {
			h, r := rotated(), rotation()
			change(&r)
			if won, err := h.ConfirmRetry(ctx, r, now.Add(-time.Second)); won || err != nil {
				t.Errorf("a retry with %s: %v %v", name, won, err)
			}
		}
		h := fresh()
		offline(t, h)
		changed[bool](t)(h.EndSession(ctx, h.session, now))
		r := rotation()
		r.Grant = "gra_offline"
		if won, err := h.Rotate(ctx, r); !won || err != nil {
			t.Errorf("an offline grant ended with its session: %v %v", won, err)
		}
	})
}

// TestEndingTouchesOnlyWhatLives and only what it names; the first reason stays.
func TestEndingTouchesOnlyWhatLives(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		other, err := h.StartSession(ctx, second(t, h), storage.Proof{User: h.user.ID, At: now, ExpiresAt: now.Add(time.Hour)})
		ok(t, err)
		third := lanyard.Client{ID: "third", RedirectURIs: []string{"https://third.example.test/cb"}, CreatedAt: now}
		third.Normalize()
		ok(t, h.PutClient(ctx, third))
		for id, change := range map[lanyard.GrantID]func(*lanyard.Grant){
			"gra_third": func(g *lanyard.Grant) { g.ClientID = "third" }, "gra_kept": func(g *lanyard.Grant) { g.SessionID = other },
		} {
			g := h.grant
			g.ID = id
			change(&g)
			ok(t, h.InsertGrant(ctx, g))
		}
		for _, c := range []struct {
			name string
			end  func() (int64, error)
			want int64
		}{
			{"what a client has", func() (int64, error) { return h.RevokeClientGrants(ctx, h.user.ID, "third", "first", now) }, 1},
			{"again", func() (int64, error) { return h.RevokeClientGrants(ctx, h.user.ID, "third", "again", now) }, 0},
			{"all but those of a session", func() (int64, error) { return h.RevokeUserGrants(ctx, h.user.ID, other, "second", now) }, 1},
			{"again", func() (int64, error) { return h.RevokeUserGrants(ctx, h.user.ID, other, "again", now) }, 0},
			{"all sessions but one", func() (int64, error) { return h.EndUserSessions(ctx, h.user.ID, other, now) }, 1},
			{"again", func() (int64, error) { return h.EndUserSessions(ctx, h.user.ID, other, now.Add(time.Second)) }, 0},
		} {
			if n, err := c.end(); err != nil || n != c.want {
				t.Errorf("%s: %d ended, want %d (%v)", c.name, n, c.want, err)
			}
		}
		for id, reason := range map[lanyard.GrantID]string{"gra_third": "first", "gra_same": "second", "gra_kept": ""} {
			if s, err := h.Standing(ctx, id); err != nil || s.Grant.RevokeReason != reason {
				t.Errorf("%s was ended because of %q, want %q (%v)", id, s.Grant.RevokeReason, reason, err)
			}
		}
		if s, err := h.Session(ctx, other); err != nil || !s.Live(now) {
			t.Errorf("the session that was left out ended: %v", err)
		}
		for _, want := range []bool{true, false} {
			if got, err := h.RevokeAccessToken(ctx, hash("access"), "web", now); err != nil || got != want {
				t.Errorf("revoking an access token: %v %v, want %v", got, err, want)
			}
		}
	})
}

func second(t *testing.T, h *house) lanyard.BrowserID {
	t.Helper()
	id, err := h.PutBrowser(t.Context(), hash("no such"), hash("second cookie"), lanyard.Browser{ID: "bro_second", SeenAt: now})
	ok(t, err)
	return id
}

// TestTokensAreOnlyForTheirOwner and their purpose, in time.
func TestTokensAreOnlyForTheirOwner(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		if got, err := h.RevokeAccessToken(ctx, hash("access"), "third", now); got || err != nil {
			t.Errorf("another client revoked an access token: %v %v", got, err)
		}
		for name, c := range map[string]struct {
			purpose string
			at      time.Time
		}{"another purpose": {"reset", now}, "at its end": {"setup", now.Add(time.Hour)}} {
			if lives, err := h.OneTimeTokenLives(ctx, hash("once"), c.purpose, c.at); lives || err != nil {
				t.Errorf("%s: lives %v %v", name, lives, err)
			}
			_, err := h.SpendOneTimeToken(ctx, hash("once"), c.purpose, c.at)
			wantErr(t, err, lanyard.ErrNotFound)
		}
		ok(t, h.InsertOneTimeToken(ctx, storage.OneTimeToken{Hash: hash("newer"), Purpose: "setup", UserID: "home", CreatedAt: now, ExpiresAt: now.Add(time.Hour)}, true))
		_, err := h.SpendOneTimeToken(ctx, hash("once"), "setup", now)
		wantErr(t, err, lanyard.ErrNotFound)
		ok(t, h.InsertOneTimeToken(ctx, storage.OneTimeToken{Hash: hash("beside"), Purpose: "setup", UserID: "home", CreatedAt: now, ExpiresAt: now.Add(time.Hour)}, false))
		user, err := h.SpendOneTimeToken(ctx, hash("newer"), "setup", now)
		if err != nil || user != "home" {
			t.Errorf("the newer one: %q %v", user, err)
		}
		mark := lanyard.AccessToken{Hash: hash("jti"), ClientID: "web", ExpiresAt: now.Add(time.Hour)}
		ok(t, h.RevokeJWT(ctx, mark, now))
		ok(t, h.RevokeJWT(ctx, mark, now)) // twice is fine
		if revoked, err := h.JWTRevoked(ctx, hash("jti")); !revoked || err != nil {
			t.Errorf("a revoked JWT: %v %v", revoked, err)
		}
		_, err = h.JWTStanding(ctx, h.grant.ID, hash("jti"))
		wantErr(t, err, lanyard.ErrNotFound)
		_, err = h.JWTStanding(ctx, h.grant.ID, hash("another jti"))
		ok(t, err)
		wantErr(t, h.SetSigningKeyState(ctx, "key", lanyard.KeyNext, lanyard.KeyRetired, now, now), lanyard.ErrConflict)
		ok(t, h.Rehash(ctx, h.user.ID, "not this one", "x"))
		if got, err := h.PasswordHash(ctx, h.user.ID); err != nil || got != "hash of home" {
			t.Errorf("a password that was changed meanwhile became %q (%v)", got, err)
		}
	})
}

// TestAddressSignsInWhileItIsPrimary: the one before does not any more.
func TestAddressSignsInWhileItIsPrimary(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		ok(t, h.SetPrimaryEmail(ctx, h.user.ID, "new@example.test", true, now))
		_, err := h.UserByEmail(ctx, "ada@example.test")
		wantErr(t, err, lanyard.ErrNotFound)
		_, err = h.CredentialsByName(ctx, "ada@example.test")
		wantErr(t, err, lanyard.ErrNotFound)
		c, err := h.CredentialsByName(ctx, "new@example.test")
		if err != nil || c.User.ID != h.user.ID || c.PasswordHash != "hash of home" {
			t.Errorf("%+v %v", c, err)
		}
	})
}

// TestBrowserShowsLiveSessionsOfItsOwn, so many at most, and knows only who signed in on it.
func TestBrowserShowsLiveSessionsOfItsOwn(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		for n := range 20 {
			u := lanyard.User{ID: lanyard.UserID(fmt.Sprintf("usr_%d", n)), Subject: fmt.Sprint(n), CreatedAt: now, UpdatedAt: now}
			ok(t, h.InsertUser(ctx, u))
			changed[lanyard.SessionID](t)(h.StartSession(ctx, h.browser, storage.Proof{User: u.ID, At: now.Add(-time.Minute), ExpiresAt: now.Add(time.Hour)}))
		}
		_, accounts, err := h.Accounts(ctx, hash("cookie"), "web")
		if err != nil || len(accounts) != 16 || accounts[0].User.ID != h.user.ID {
			t.Errorf("%d accounts (%v)", len(accounts), err)
		}
		changed[bool](t)(h.EndSession(ctx, h.session, now))
		_, accounts, err = h.Accounts(ctx, hash("cookie"), "web")
		ok(t, err)
		for _, a := range accounts {
			if a.Session.ID == h.session {
				t.Error("a session that ended is shown")
			}
		}
		if knows, err := h.BrowserKnows(ctx, hash("cookie"), "usr_nobody"); knows || err != nil {
			t.Errorf("the browser knows a stranger: %v %v", knows, err)
		}
		if knows, err := h.BrowserKnows(ctx, hash("cookie"), h.user.ID); !knows || err != nil {
			t.Errorf("the browser forgot who signed in: %v %v", knows, err)
		}
		again, err := h.StartSession(ctx, h.browser, storage.Proof{User: "usr_1", At: now.Add(2 * time.Hour), ExpiresAt: now.Add(3 * time.Hour)})
		ok(t, err)
		old := 0
		for _, a := range accounts {
			if a.User.ID == "usr_1" && a.Session.ID == again {
				old++
			}
		}
		if old != 0 {
			t.Error("an expired session came back to life")
		}
	})
}

// TestBlockedKeyWaits: nothing is counted while it does, and a refund never goes below nothing.
func TestBlockedKeyWaits(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		ok(t, h.RefundAttempt(ctx, "key"))
		for range rule.Free {
			changed[time.Duration](t)(h.ReserveAttempt(ctx, "key", rule, now))
		}
		for range 3 {
			if wait, err := h.ReserveAttempt(ctx, "key", rule, now); err != nil || wait < time.Second {
				t.Errorf("%s %v", wait, err)
			}
		}
		for range 10 * rule.Free {
			ok(t, h.RefundAttempt(ctx, "key"))
		}
		passed := 0
		for range 10 * rule.Free {
			if wait, err := h.ReserveAttempt(ctx, "key", rule, now); err == nil && wait == 0 {
				passed++
			}
		}
		if passed != rule.Free {
			t.Errorf("%d attempts passed after many refunds, %d are free", passed, rule.Free)
		}
	})
}

// TestAbortedTransactionIsTriedAgain: PostgreSQL ends one of two transactions that
// lock each other out (40P01), or that could not have run one after the other (40001).
func TestAbortedTransactionIsTriedAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		for _, code := range []string{"40001", "40P01"} {
			tries := 0
			err := h.InTx(ctx, func(tx storage.Scope) error {
				tries++
				ok(t, tx.SetPassword(ctx, h.user.ID, storage.Password{Hash: fmt.Sprint(code, tries)}, now))
				if tries < 3 {
					return &pgconn.PgError{Code: code}
				}
				return nil
			})
			if got, _ := h.PasswordHash(ctx, h.user.ID); err != nil || tries != 3 || got != code+"3" {
				t.Errorf("%s: %d tries left %q (%v)", code, tries, got, err)
			}
			tries = 0
			err = h.InTx(ctx, func(storage.Scope) error { tries++; return &pgconn.PgError{Code: code} })
			if !errors.Is(err, lanyard.ErrUnavailable) || tries < 2 || tries > 20 {
				t.Errorf("%s for ever: %d tries, %v", code, tries, err)
			}
		}
		tries := 0
		err := h.InTx(ctx, func(storage.Scope) error { tries++; return lanyard.ErrConflict })
		if !errors.Is(err, lanyard.ErrConflict) || tries != 1 {
			t.Errorf("a refusal was tried %d times: %v", tries, err)
		}
	})
}

// TestCrossedLocksBothCommit: two units that take two rows in opposite order; the
// database ends one, and the retry heals it.
func TestCrossedLocksBothCommit(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		if store.IsSQLite() {
			return // one writer at a time: nothing can cross
		}
		ctx, h := t.Context(), furnish(t, store, "home")
		met := make(chan struct{}, 2)
		unit := func(first, then string) error {
			tried := false
			return h.InTx(ctx, func(tx storage.Scope) error {
				if err := tx.PutRole(ctx, "", first, nil, now); err != nil {
					return err
				}
				if !tried {
					tried = true
					meet(met)
				}
				return tx.PutRole(ctx, "", then, nil, now)
			})
		}
		ok(t, h.PutRole(ctx, "", "a", nil, now))
		ok(t, h.PutRole(ctx, "", "b", nil, now))
		other := make(chan error)
		go func() { other <- unit("a", "b") }()
		ok(t, unit("b", "a"))
		ok(t, <-other)
	})
}

// meet waits until two have come.
func meet(met chan struct{}) {
	met <- struct{}{}
	for len(met) < cap(met) {
		runtime.Gosched()
	}
}
