package storage_test

import (
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// TestCleanUpKeepsTheAudit: only what strangers did about nobody's account goes.
func TestCleanUpKeepsTheAudit(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		count := func() int64 {
			n, err := store.CountRows(ctx, "events")
			ok(t, err)
			return n
		}
		kept := count()
		for _, e := range []lanyard.Event{
			{Type: lanyard.EventSignInFailed, UserID: h.user.ID}, {Type: lanyard.EventMailQueued, UserID: h.user.ID}, {Type: lanyard.EventKeyCreated},
		} {
			e.At = now
			ok(t, h.InsertEvent(ctx, e))
			kept++
		}
		ok(t, h.InsertEvent(ctx, lanyard.Event{Type: lanyard.EventSignInFailed, At: now}))
		ok(t, h.InsertEvent(ctx, lanyard.Event{ID: "evt_mail", Type: lanyard.EventMailQueued, At: now}))
		ok(t, h.InsertDelivery(ctx, storage.NewDelivery{ID: "dlv_1", EventID: "evt_mail", Kind: storage.DeliveryMail, DueAt: now, ExpiresAt: now.Add(365 * 24 * time.Hour)}))
		ok(t, first(store.CleanUp(ctx, now.Add(30*24*time.Hour-time.Second))))
		if got := count(); got != kept+2 {
			t.Errorf("%d events before their time, want %d", got, kept+2)
		}
		ok(t, first(store.CleanUp(ctx, now.Add(30*24*time.Hour))))
		if got := count(); got != kept+1 {
			t.Errorf("%d events are left, want %d: that of a waiting mail stays", got, kept+1)
		}
	})
}

// TestCleanUpForgetsBrowsersThatNobodyUses for as long as a cookie lives.
func TestCleanUpForgetsBrowsersThatNobodyUses(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		browsers := func() int64 {
			n, err := store.CountRows(ctx, "browsers")
			ok(t, err)
			return n
		}
		held, err := h.PutBrowser(ctx, nil, hash("held"), lanyard.Browser{ID: "bro_held", SeenAt: now})
		ok(t, err)
		ok(t, first(h.StartSession(ctx, held, storage.Proof{User: h.user.ID, At: now, ExpiresAt: now.Add(1000 * 24 * time.Hour)})))
		ok(t, first(store.CleanUp(ctx, now.Add(400*24*time.Hour-time.Second))))
		if n := browsers(); n != 2 {
			t.Errorf("%d browsers before their time", n)
		}
		ok(t, first(store.CleanUp(ctx, now.Add(400*24*time.Hour))))
		if n := browsers(); n != 1 {
			t.Errorf("%d browsers are left: the one with a session stays", n)
		}
	})
}
