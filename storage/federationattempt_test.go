package storage_test

import (
	"bytes"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/storage"
)

func attemptOf(name string) storage.FederationAttempt {
	return storage.FederationAttempt{
		RequestID: lanyard.AuthRequestID("req_" + name), StateHash: hash("state " + name), ConnectionID: "google",
		Sealed: []byte("sealed " + name), ExpiresAt: now.Add(10 * time.Minute),
	}
}

// TestFederationAttemptIsSpentOnce, by its own request and connection and in its time.
func TestFederationAttemptIsSpentOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h, a := t.Context(), furnish(t, store, "home"), attemptOf("one")
		ok(t, h.PutConnection(ctx, connectionOf(h, "google")))
		ok(t, h.PutFederationAttempt(ctx, a))
		request, err := h.FederationAttemptRequest(ctx, a.StateHash)
		if request != a.RequestID || err != nil {
			t.Errorf("%q, %v", request, err)
		}
		wantErr(t, first(h.SpendFederationAttempt(ctx, hash("x"), a.ConnectionID, a.RequestID, now)), lanyard.ErrNotFound)
		wantErr(t, first(h.SpendFederationAttempt(ctx, a.StateHash, "other", a.RequestID, now)), lanyard.ErrNotFound)
		wantErr(t, first(h.SpendFederationAttempt(ctx, a.StateHash, a.ConnectionID, "req_other", now)), lanyard.ErrNotFound)
		wantErr(t, first(h.SpendFederationAttempt(ctx, a.StateHash, a.ConnectionID, a.RequestID, a.ExpiresAt)), lanyard.ErrNotFound)
		sealed, err := h.SpendFederationAttempt(ctx, a.StateHash, a.ConnectionID, a.RequestID, a.ExpiresAt.Add(-time.Microsecond))
		if !bytes.Equal(sealed, a.Sealed) || err != nil {
			t.Errorf("%q, %v", sealed, err)
		}
		wantErr(t, first(h.SpendFederationAttempt(ctx, a.StateHash, a.ConnectionID, a.RequestID, now)), lanyard.ErrNotFound)
	})
}

// TestNewestFederationAttemptOfARequestCounts, and clean-up takes what has expired.
func TestNewestFederationAttemptOfARequestCounts(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h, old, a := t.Context(), furnish(t, store, "home"), attemptOf("one"), attemptOf("two")
		ok(t, h.PutConnection(ctx, connectionOf(h, "google")))
		a.RequestID = old.RequestID
		ok(t, h.PutFederationAttempt(ctx, old))
		ok(t, h.PutFederationAttempt(ctx, a))
		wantErr(t, first(h.FederationAttemptRequest(ctx, old.StateHash)), lanyard.ErrNotFound)
		wantErr(t, first(h.SpendFederationAttempt(ctx, old.StateHash, old.ConnectionID, old.RequestID, now)), lanyard.ErrNotFound)
		taken := attemptOf("three")
		taken.StateHash = a.StateHash
		wantErr(t, h.PutFederationAttempt(ctx, taken), lanyard.ErrConflict)
		ok(t, first(store.CleanUp(ctx, a.ExpiresAt.Add(-time.Microsecond))))
		ok(t, first(h.FederationAttemptRequest(ctx, a.StateHash)))
		ok(t, first(store.CleanUp(ctx, a.ExpiresAt)))
		wantErr(t, first(h.FederationAttemptRequest(ctx, a.StateHash)), lanyard.ErrNotFound)
	})
}

// TestOneOfManyCallbacksSpendsTheAttempt: 32 at a time, one gets what was sealed.
func TestOneOfManyCallbacksSpendsTheAttempt(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h, a := t.Context(), furnish(t, store, "home"), attemptOf("one")
		ok(t, h.PutConnection(ctx, connectionOf(h, "google")))
		for range testkit.Rounds(10, 500) {
			ok(t, h.PutFederationAttempt(ctx, a))
			var won atomic.Int64
			var group sync.WaitGroup
			for range 32 {
				group.Go(func() {
					sealed, err := h.SpendFederationAttempt(ctx, a.StateHash, a.ConnectionID, a.RequestID, now)
					switch {
					case err == nil && bytes.Equal(sealed, a.Sealed):
						won.Add(1)
					case lanyard.KindOf(err) != lanyard.NotFound:
						t.Errorf("%q, %v", sealed, err)
					}
				})
			}
			group.Wait()
			if won.Load() != 1 {
				t.Fatalf("%d won", won.Load())
			}
		}
	})
}
