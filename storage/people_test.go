package storage_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/storage"
)

// challengeOf is a challenge of the user of a house; its secrets are everybody's.
func challengeOf(h *house) storage.Challenge {
	return storage.Challenge{
		ID: "chg_same", Holder: "req_same", Purpose: "reset", UserID: h.user.ID, Address: "ada@example.test", MAC: hash("mac"),
		LinkHash: hash("link"), Sealed: []byte("sealed"), CreatedAt: now, ExpiresAt: now.Add(10 * time.Minute),
	}
}

// peopleCases are the calls of a stranger on what was sent to the victim.
func peopleCases(t *testing.T, s stranger) (calls, own cases) {
	ctx, victim := t.Context(), s.victim
	ok(t, first(victim.PutChallenge(ctx, challengeOf(victim), 0)))
	// untouched looks at the victim's challenge after a call.
	untouched := func(err error) error {
		got, missing := victim.ChallengeByLink(ctx, hash("link"))
		if diff := cmp.Diff(challengeOf(victim), got); missing != nil || diff != "" {
			return fmt.Errorf("the challenge of the victim: %w\n%s", missing, diff)
		}
		return err
	}
	return cases{
			"DeleteOneTimeTokens": func() error { return untouched(s.DeleteOneTimeTokens(ctx, victim.user.ID)) },
			"ChallengeOf":         func() error { return first(s.ChallengeOf(ctx, "req_same", "reset")) },
			"TryChallenge":        func() error { return untouched(first(s.TryChallenge(ctx, "req_same", "reset"))) },
			"SpendChallenge":      func() error { return untouched(first(s.SpendChallenge(ctx, "chg_same", hash("mac"), now))) },
			"ChallengeByLink":     func() error { return first(s.ChallengeByLink(ctx, hash("link"))) },
			"SpendLink":           func() error { return untouched(first(s.SpendLink(ctx, hash("link"), "reset", now))) },
			"VerifyEmail":         func() error { return touched(s.VerifyEmail(ctx, victim.user.ID, "ada@example.test", false)) },
			"WipeUnproved":        func() error { return touched(s.WipeUnproved(ctx, "ada@example.test", now)) },
		}, cases{
			"PutChallenge": func() error { // under names that no other case uses
				c := challengeOf(victim)
				c.Holder, c.LinkHash = "req_own", hash("own link")
				return untouched(first(s.PutChallenge(ctx, c, time.Minute)))
			},
		}
}

func TestChallengeIsWhatWasPut(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "acme")
		want := challengeOf(h)
		ok(t, first(h.PutChallenge(ctx, want, time.Minute)))
		got, err := h.ChallengeByLink(ctx, hash("link"))
		ok(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		got, err = h.SpendChallenge(ctx, want.ID, want.MAC, now)
		ok(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("spent: %s", diff)
		}
	})
}

// TestNewChallengeReplacesTheHoldersLastOne after a pause, and only that of the same purpose.
func TestNewChallengeReplacesTheHoldersLastOne(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "acme")
		old := challengeOf(h)
		ok(t, first(h.PutChallenge(ctx, old, time.Minute)))
		ok(t, first(h.TryChallenge(ctx, old.Holder, old.Purpose)))
		next := old
		next.ID, next.LinkHash, next.MAC = "chg_next", hash("next link"), hash("next mac")
		next.CreatedAt = now.Add(time.Minute - time.Second)
		wait, err := h.PutChallenge(ctx, next, time.Minute)
		ok(t, err)
		if wait != time.Second {
			t.Errorf("a second too early: wait %v", wait)
		}
		ok(t, first(h.ChallengeByLink(ctx, hash("link"))))
		next.CreatedAt = now.Add(time.Minute)
		wait, err = h.PutChallenge(ctx, next, time.Minute)
		ok(t, err)
		got, err := h.ChallengeByLink(ctx, hash("next link"))
		ok(t, err)
		if diff := cmp.Diff(next, got); diff != "" || wait != 0 {
			t.Errorf("after the pause: wait %v\n%s", wait, diff)
		}
		wantErr(t, first(h.ChallengeByLink(ctx, hash("link"))), lanyard.ErrNotFound)
		wantErr(t, first(h.SpendChallenge(ctx, old.ID, old.MAC, now)), lanyard.ErrNotFound)
		other := old
		other.ID, other.Purpose = "chg_other", "verify"
		ok(t, first(h.PutChallenge(ctx, other, time.Minute)))
		ok(t, first(h.ChallengeByLink(ctx, hash("next link"))))
	})
}

func TestChallengeIsSpentUnderItsConditions(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "acme")
		c := challengeOf(h)
		ok(t, first(h.PutChallenge(ctx, c, 0)))
		for name, spend := range map[string]func() error{
			"another code":           func() error { return first(h.SpendChallenge(ctx, c.ID, hash("other"), now)) },
			"another challenge":      func() error { return first(h.SpendChallenge(ctx, "chg_x", c.MAC, now)) },
			"expired":                func() error { return first(h.SpendChallenge(ctx, c.ID, c.MAC, c.ExpiresAt)) },
			"link for something":     func() error { return first(h.SpendLink(ctx, c.LinkHash, "verify", now)) },
			"another link":           func() error { return first(h.SpendLink(ctx, hash("x"), c.Purpose, now)) },
			"link expired":           func() error { return first(h.SpendLink(ctx, c.LinkHash, c.Purpose, c.ExpiresAt)) },
			"try for something else": func() error { return first(h.TryChallenge(ctx, c.Holder, "verify")) },
			"try somewhere else":     func() error { return first(h.TryChallenge(ctx, "req_x", c.Purpose)) },
		} {
			if err := spend(); !errors.Is(err, lanyard.ErrNotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for want := range storage.ChallengeTries + 3 {
			got, err := h.TryChallenge(ctx, c.Holder, c.Purpose)
			ok(t, err)
			if got.Failures != min(want+1, storage.ChallengeTries+1) {
				t.Errorf("try %d counts as %d", want+1, got.Failures)
			}
		}
		ok(t, first(h.SpendLink(ctx, c.LinkHash, c.Purpose, c.ExpiresAt.Add(-time.Microsecond))))
	})
}

// TestLinkDiesWithTheAddressItWasSentTo is ATTACKS.md 172 and 133.
func TestLinkDiesWithTheAddressItWasSentTo(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "acme")
		c := challengeOf(h)
		ok(t, first(h.PutChallenge(ctx, c, 0)))
		ok(t, h.SetPrimaryEmail(ctx, h.user.ID, "other@example.test", true, now))
		wantErr(t, first(h.SpendLink(ctx, c.LinkHash, c.Purpose, now)), lanyard.ErrNotFound)
		ok(t, first(h.ChallengeByLink(ctx, c.LinkHash))) // what failed was undone
		ok(t, h.SetPrimaryEmail(ctx, h.user.ID, "ada@example.test", false, now))
		ok(t, first(h.SpendLink(ctx, c.LinkHash, c.Purpose, now)))
		if user, err := h.User(ctx, h.user.ID); err != nil || !user.Profile.EmailVerified {
			t.Errorf("the mailbox was not proved: %v", err)
		}
	})
}

func TestOnlyAnUnprovedHolderIsWiped(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "acme")
		equip(t, h)
		wiped, err := h.WipeUnproved(ctx, "ada@example.test", now)
		ok(t, err)
		if wiped != "" {
			t.Errorf("who proved the address is wiped: %s", wiped)
		}
		off := h.user
		off.Disabled = true
		ok(t, h.UpdateUser(ctx, off))
		ok(t, h.SetPrimaryEmail(ctx, h.user.ID, "ada@example.test", false, now))
		if wiped, err := h.WipeUnproved(ctx, "ada@example.test", now); err != nil || wiped != "" {
			t.Errorf("somebody who was turned off is wiped: %s, %v", wiped, err)
		}
		ok(t, h.UpdateUser(ctx, h.user))
		if wiped, err := h.WipeUnproved(ctx, "other@example.test", now); err != nil || wiped != "" {
			t.Errorf("for an address that nobody has, %s is wiped, %v", wiped, err)
		}
		wiped, err = h.WipeUnproved(ctx, "ada@example.test", now)
		ok(t, err)
		if wiped != h.user.ID {
			t.Fatalf("wiped %q", wiped)
		}
		factors, err := h.Factors(ctx, h.user.ID, hash("cookie"), now)
		ok(t, err)
		want := lanyard.Factors{UserID: h.user.ID, Revision: 1, EmailVerified: true}
		if diff := cmp.Diff(want, factors); diff != "" {
			t.Errorf("what is left (-want +got):\n%s", diff)
		}
		session, err := h.Session(ctx, h.session)
		ok(t, err)
		standing, err := h.Standing(ctx, h.grant.ID)
		ok(t, err)
		if session.EndedAt.IsZero() || standing.Grant.RevokedAt.IsZero() {
			t.Error("session or grant live on")
		}
		wantErr(t, first(h.UserByEmail(ctx, "ada@example.test")), lanyard.ErrNotFound)
	})
}

// TestChallengeIsSpentOnce by code and by link.
func TestChallengeIsSpentOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "acme")
		c := challengeOf(h)
		for name, spend := range map[string]func() error{
			"code": func() error { return first(h.SpendChallenge(ctx, c.ID, c.MAC, now)) },
			"link": func() error { return first(h.SpendLink(ctx, c.LinkHash, c.Purpose, now)) },
		} {
			for range testkit.Rounds(5, 500) {
				ok(t, first(h.PutChallenge(ctx, c, 0)))
				var won atomic.Int32
				var group sync.WaitGroup
				for range 32 {
					group.Go(func() {
						if err := spend(); err == nil {
							won.Add(1)
						} else if !errors.Is(err, lanyard.ErrNotFound) {
							t.Errorf("%s: %v", name, err)
						}
					})
				}
				group.Wait()
				if won.Load() != 1 {
					t.Fatalf("%s: %d winners", name, won.Load())
				}
			}
		}
	})
}

// TestTriesOfACodeAreCountedExactly, however many come at once.
func TestTriesOfACodeAreCountedExactly(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "acme")
		c := challengeOf(h)
		for range testkit.Rounds(5, 500) {
			ok(t, first(h.PutChallenge(ctx, c, 0)))
			var counted atomic.Int32
			var group sync.WaitGroup
			for range 32 {
				group.Go(func() {
					got, err := h.TryChallenge(ctx, c.Holder, c.Purpose)
					if err != nil {
						t.Error(err)
					} else if got.Failures <= storage.ChallengeTries {
						counted.Add(1)
					}
				})
			}
			group.Wait()
			if counted.Load() != storage.ChallengeTries {
				t.Fatalf("%d tries counted", counted.Load())
			}
		}
	})
}
