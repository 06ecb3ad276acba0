package storage_test

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/storage"
)

// letter is a delivery of an hour's life that is due now.
func letter(id string) storage.NewDelivery {
	return storage.NewDelivery{
		ID: lanyard.DeliveryID(id), Kind: storage.DeliveryMail, Recipient: "ada@example.test", Subject: "code", Sealed: []byte("sealed " + id), DueAt: now, ExpiresAt: now.Add(time.Hour),
	}
}

// queue adds a delivery together with its event, which is about a user.
func queue(t *testing.T, s storage.Scope, d storage.NewDelivery) {
	t.Helper()
	d.EventID = lanyard.NewEventID()
	ok(t, s.InsertEvent(t.Context(), lanyard.Event{ID: d.EventID, Type: lanyard.EventMailQueued, At: now, UserID: "usr_same"}))
	ok(t, s.InsertDelivery(t.Context(), d))
}

// claim takes what is due and gives the ids.
func claim(t *testing.T, store *storage.Store, at time.Time, limit int) []string {
	t.Helper()
	due, err := store.DueDeliveries(t.Context(), storage.DeliveryMail, at, time.Minute, limit)
	ok(t, err)
	var out []string
	for _, d := range due {
		out = append(out, string(d.ID))
	}
	return out
}

// states are the deliveries of a tenant by id: state, tries, and whether the content is gone.
func states(t *testing.T, s storage.Scope) map[string]string {
	t.Helper()
	all, err := s.Deliveries(t.Context(), 1000)
	ok(t, err)
	out := map[string]string{}
	for _, d := range all {
		out[d.ID] = fmt.Sprintf("%s %d", d.State, d.Tries)
		if d.Wiped {
			out[d.ID] += " wiped"
		}
	}
	return out
}

func want(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// deliveryCases are the calls of a stranger on the mails of the victim, which wait with one claim.
func deliveryCases(t *testing.T, s stranger) (calls, own cases) {
	queue(t, s.victim.Scope, letter("dlv_same"))
	before := states(t, s.victim.Scope)
	same := func(call func() error) func() error {
		return func() error {
			err := call()
			want(t, "the victim's deliveries", states(t, s.victim.Scope), before)
			return err
		}
	}
	return cases{
			"FinishDelivery": same(func() error { return s.FinishDelivery(t.Context(), "dlv_same") }),
			"PostponeDelivery": same(func() error {
				return s.PostponeDelivery(t.Context(), "dlv_same", 0, now.Add(time.Minute))
			}),
			"FailDelivery": same(func() error { return s.FailDelivery(t.Context(), "dlv_same", 0) }),
		}, cases{
			"InsertDelivery": func() error {
				d := letter("dlv_same")
				d.EventID = lanyard.NewEventID()
				ok(t, s.InsertEvent(t.Context(), lanyard.Event{ID: d.EventID, At: now}))
				return s.InsertDelivery(t.Context(), d)
			},
		}
}

func TestDeliveryIsClaimedForALease(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		h := furnish(t, store, "home")
		queue(t, h.Scope, letter("dlv_1"))
		due, err := store.DueDeliveries(t.Context(), storage.DeliveryMail, now, time.Minute, 10)
		ok(t, err)
		if len(due) != 1 || due[0].EventID == "" {
			t.Fatalf("claimed %v", due)
		}
		want(t, "claimed", due, []storage.DueDelivery{{
			TenantID: h.TenantID(), ID: "dlv_1", Recipient: "ada@example.test", Subject: "code", Sealed: []byte("sealed dlv_1"), Try: 1,
			CreatedAt: now, ExpiresAt: now.Add(time.Hour), UserID: "usr_same", EventID: due[0].EventID,
		}})
		want(t, "before the lease ends", claim(t, store, now.Add(time.Minute-time.Microsecond), 10), []string(nil))
		want(t, "after it", claim(t, store, now.Add(time.Minute), 10), []string{"dlv_1"})
		want(t, "states", states(t, h.Scope), map[string]string{"dlv_1": "queued 2"})
	})
}

func TestOldestDeliveriesComeFirst(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		first, second := furnish(t, store, "first"), furnish(t, store, "second")
		for i, h := range []*house{second, first, second, first} {
			d := letter(fmt.Sprintf("dlv_%d", 9-i))
			d.DueAt = now.Add(time.Duration(i) * time.Second)
			queue(t, h.Scope, d)
		}
		late := letter("dlv_late")
		late.DueAt = now.Add(time.Minute)
		queue(t, first.Scope, late)
		other := letter("dlv_other")
		other.Kind = "webhook"
		queue(t, first.Scope, other)
		at := now.Add(5 * time.Second)
		want(t, "the two oldest", claim(t, store, at, 2), []string{"dlv_9", "dlv_8"})
		want(t, "the rest", claim(t, store, at, 10), []string{"dlv_7", "dlv_6"})
		waiting, err := store.DeliveryQueues(t.Context())
		ok(t, err)
		want(t, "waiting", waiting, map[string]storage.Queue{storage.DeliveryMail: {Length: 5, Oldest: now}, storage.DeliveryWebhook: {Length: 1, Oldest: now}})
	})
}

func TestExpiredDeliveryIsEndedAndNotGivenOut(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		h := furnish(t, store, "home")
		for _, id := range []string{"dlv_due", "dlv_claimed"} {
			queue(t, h.Scope, letter(id))
			if id == "dlv_due" {
				continue
			}
			// A claim that reaches beyond the expiry is not disturbed: somebody is sending.
			want(t, "claimed", claim(t, store, now, 1), []string{"dlv_due"})
		}
		queue(t, h.Scope, func() storage.NewDelivery { d := letter("dlv_soon"); d.ExpiresAt = now.Add(time.Second); return d }())
		want(t, "with a limit of zero", claim(t, store, now.Add(time.Second), 0), []string(nil))
		want(t, "states", states(t, h.Scope), map[string]string{"dlv_due": "queued 1", "dlv_claimed": "queued 0", "dlv_soon": "expired 0 wiped"})
		want(t, "at the expiry", claim(t, store, now.Add(time.Hour), 10), []string(nil))
		want(t, "states", states(t, h.Scope), map[string]string{"dlv_due": "expired 1 wiped", "dlv_claimed": "expired 0 wiped", "dlv_soon": "expired 0 wiped"})
	})
}

// TestDeliveryThatIsBeingSentDoesNotExpire: whoever sends when the mail expires finishes it.
func TestDeliveryThatIsBeingSentDoesNotExpire(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		h := furnish(t, store, "home")
		queue(t, h.Scope, letter("dlv_1"))
		claim(t, store, now.Add(time.Hour-time.Second), 1)
		queue(t, h.Scope, letter("dlv_2")) // which ends, while the first one is left alone
		claim(t, store, now.Add(time.Hour), 1)
		want(t, "states", states(t, h.Scope), map[string]string{"dlv_1": "queued 1", "dlv_2": "expired 0 wiped"})
		ok(t, h.FinishDelivery(t.Context(), "dlv_1"))
		want(t, "states", states(t, h.Scope), map[string]string{"dlv_1": "sent 1 wiped", "dlv_2": "expired 0 wiped"})
	})
}

func TestDeliveriesOfASuspendedTenantWait(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		h, other := furnish(t, store, "home"), furnish(t, store, "other")
		queue(t, h.Scope, letter("dlv_home"))
		queue(t, other.Scope, letter("dlv_other"))
		tenant, err := h.Tenant(t.Context())
		ok(t, err)
		tenant.Suspended = true
		ok(t, h.UpdateTenant(t.Context(), tenant))
		want(t, "while it is suspended", claim(t, store, now, 10), []string{"dlv_other"})
		tenant.Suspended = false
		ok(t, h.UpdateTenant(t.Context(), tenant))
		want(t, "afterwards", claim(t, store, now, 10), []string{"dlv_home"})
	})
}

func TestOverIsOver(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		ends := map[string]func(lanyard.DeliveryID) error{
			"sent":    func(id lanyard.DeliveryID) error { return h.FinishDelivery(ctx, id) },
			"failed":  func(id lanyard.DeliveryID) error { return h.FailDelivery(ctx, id, 1) },
			"expired": func(lanyard.DeliveryID) error { claim(t, store, now.Add(time.Hour), 0); return nil },
		}
		for _, name := range slices.Sorted(maps.Keys(ends)) { // failed or sent, before expired ends what is left
			id := lanyard.DeliveryID("dlv_" + name)
			queue(t, h.Scope, letter(string(id)))
			want(t, "claimed", claim(t, store, now, 1), []string{string(id)})
			ok(t, ends[name](id))
			over := name + " 1 wiped"
			want(t, name, states(t, h.Scope)[string(id)], over)
			wantErr(t, h.FinishDelivery(ctx, id), lanyard.ErrConflict)
			wantErr(t, h.FailDelivery(ctx, id, 1), lanyard.ErrConflict)
			wantErr(t, h.PostponeDelivery(ctx, id, 1, now), lanyard.ErrConflict)
			want(t, name, states(t, h.Scope)[string(id)], over)
			want(t, "claimed again", claim(t, store, now.Add(30*time.Minute), 10), []string(nil))
		}
	})
}

// TestClaimOfAnotherIsNotUndone: whoever stalled beyond its lease neither postpones
// nor fails what somebody else has claimed since; but what it sent is sent.
func TestClaimOfAnotherIsNotUndone(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		queue(t, h.Scope, letter("dlv_1"))
		claim(t, store, now, 1)
		claim(t, store, now.Add(time.Minute), 1)
		wantErr(t, h.PostponeDelivery(ctx, "dlv_1", 1, now), lanyard.ErrConflict)
		wantErr(t, h.FailDelivery(ctx, "dlv_1", 1), lanyard.ErrConflict)
		ok(t, h.FinishDelivery(ctx, "dlv_1"))
		want(t, "states", states(t, h.Scope), map[string]string{"dlv_1": "sent 2 wiped"})
	})
}

func TestPostponedDeliveryIsDueAtItsExpiryAtTheLatest(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "home")
		queue(t, h.Scope, letter("dlv_1"))
		claim(t, store, now, 1)
		ok(t, h.PostponeDelivery(ctx, "dlv_1", 1, now.Add(10*time.Minute)))
		want(t, "too soon", claim(t, store, now.Add(10*time.Minute-time.Microsecond), 1), []string(nil))
		want(t, "in time", claim(t, store, now.Add(10*time.Minute), 1), []string{"dlv_1"})
		ok(t, h.PostponeDelivery(ctx, "dlv_1", 2, now.Add(10*time.Hour)))
		claim(t, store, now.Add(time.Hour), 0)
		want(t, "states", states(t, h.Scope), map[string]string{"dlv_1": "expired 2 wiped"})
	})
}

func TestVoidDeliveryIsNeverSent(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		h := furnish(t, store, "home")
		d := letter("dlv_void")
		d.Void = true
		queue(t, h.Scope, d)
		want(t, "claimed", claim(t, store, now, 10), []string(nil))
		want(t, "states", states(t, h.Scope), map[string]string{"dlv_void": "void 0 wiped"})
	})
}

// TestFullQueueDropsAndRefusesNothing: a request never fails because mails can not leave.
func TestFullQueueDropsAndRefusesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h, other := t.Context(), furnish(t, store, "home"), furnish(t, store, "other")
		event := lanyard.NewEventID()
		ok(t, h.InsertEvent(ctx, lanyard.Event{ID: event, At: now}))
		ok(t, storage.FillQueue(ctx, h.Scope, string(event), 10_000, now.UnixMicro()))
		queue(t, h.Scope, letter("dlv_dropped"))
		queue(t, other.Scope, letter("dlv_other"))
		want(t, "dropped", states(t, h.Scope)["dlv_dropped"], "dropped 0 wiped")
		want(t, "another tenant", states(t, other.Scope)["dlv_other"], "queued 0")
		claim(t, store, now, 1)
		ok(t, h.FinishDelivery(ctx, "dlv_1"))
		queue(t, h.Scope, letter("dlv_room"))
		want(t, "when there is room again", states(t, h.Scope)["dlv_room"], "queued 0")
	})
}

// TestDeliveryIsClaimedOnce against 32 replicas that look at once.
func TestDeliveryIsClaimedOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		h := furnish(t, store, "home")
		for round := range testkit.Rounds(10, 500) {
			const mails = 20
			for i := range mails {
				queue(t, h.Scope, letter(fmt.Sprintf("dlv_%d_%d", round, i)))
			}
			var mu sync.Mutex
			claims := map[lanyard.DeliveryID]int{}
			var group sync.WaitGroup
			for range 32 {
				group.Go(func() {
					due, err := store.DueDeliveries(t.Context(), storage.DeliveryMail, now, time.Minute, 4)
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					defer mu.Unlock()
					for _, d := range due {
						claims[d.ID]++
					}
				})
			}
			group.Wait()
			for _, id := range claim(t, store, now, mails) { // those for which all looked at the same ones
				claims[lanyard.DeliveryID(id)]++
			}
			for id, n := range claims {
				if n != 1 {
					t.Errorf("%s was claimed %d times", id, n)
				}
				ok(t, h.FinishDelivery(t.Context(), id))
			}
			if len(claims) != mails {
				t.Errorf("%d of %d were claimed", len(claims), mails)
			}
		}
	})
}

func TestDeliveriesAreDeletedAWeekAfterTheyAreOver(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		h := furnish(t, store, "home")
		for _, id := range []string{"dlv_sent", "dlv_waits"} {
			queue(t, h.Scope, letter(id))
		}
		ok(t, h.FinishDelivery(t.Context(), "dlv_sent"))
		week := now.Add(time.Hour + 7*24*time.Hour)
		for _, c := range []struct {
			at   time.Time
			want map[string]string
		}{
			{week.Add(-time.Microsecond), map[string]string{"dlv_sent": "sent 0 wiped", "dlv_waits": "queued 0"}},
			{week, map[string]string{"dlv_waits": "queued 0"}},
		} {
			_, err := store.CleanUp(t.Context(), c.at)
			ok(t, err)
			want(t, c.at.String(), states(t, h.Scope), c.want)
		}
	})
}
