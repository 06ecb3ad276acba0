package storage_test

import (
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/storage"
)

// TestSessionKeepsItsLongestGap until it is proved again, whatever comes after it.
func TestSessionKeepsItsLongestGap(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		wantGap := func(want time.Duration) {
			t.Helper()
			s, err := h.Session(ctx, h.session)
			ok(t, err)
			_, accounts, err := h.Accounts(ctx, hash("cookie"), "")
			ok(t, err)
			if s.Gap != want || len(accounts) != 1 || accounts[0].Session.Gap != want {
				t.Errorf("the gap is %v, on its browser %+v, want %v", s.Gap, accounts, want)
			}
		}
		wantGap(0)
		at := now
		for _, c := range []struct{ later, want time.Duration }{
			{10 * time.Minute, 10 * time.Minute}, {30 * time.Minute, 30 * time.Minute}, {time.Minute, 30 * time.Minute},
			{-time.Second, 30 * time.Minute}, {31 * time.Minute, 31 * time.Minute},
		} {
			at = at.Add(c.later)
			ok(t, h.TouchSession(ctx, h.session, at, time.Time{}))
			wantGap(c.want)
		}
		again, err := h.StartSession(ctx, h.browser, storage.Proof{User: h.user.ID, At: now.Add(time.Minute), ExpiresAt: at.Add(time.Hour)})
		if err != nil || again != h.session {
			t.Fatal(again, err)
		}
		wantGap(0)
		ok(t, h.TouchSession(ctx, h.session, now.Add(3*time.Minute), time.Time{}))
		wantGap(2 * time.Minute)
	})
}
