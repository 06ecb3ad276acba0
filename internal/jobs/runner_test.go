package jobs_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/clock"
	"github.com/lanyard-id/lanyard/internal/jobs"
	"github.com/lanyard-id/lanyard/keys"
	"github.com/lanyard-id/lanyard/storage"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func openStore(t *testing.T) *storage.Store {
	t.Helper()
	store, err := storage.Open(t.Context(), storage.Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "test.db"), Ephemeral: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return store
}

// replica is one process with a runner.
type replica struct {
	stop context.CancelFunc
	done chan struct{}
}

// finished is told of each run that ended, by whichever replica.
type finished chan struct{}

func newFinished() finished { return make(finished, 100) }

func (f finished) observe(string, error, time.Duration) {
	if f != nil {
		f <- struct{}{}
	}
}

func startReplica(t *testing.T, leases jobs.Leases, c *clock.Manual, f finished, job jobs.Job) *replica {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &replica{stop: cancel, done: make(chan struct{})}
	runner := &jobs.Runner{Leases: leases, Clock: c, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Holder: string(lanyard.NewEventID()), Observe: f.observe}
	go func() {
		defer close(r.done)
		runner.Run(ctx, job)
	}()
	t.Cleanup(r.end)
	return r
}

func (r *replica) end() {
	r.stop()
	<-r.done
}

// settle waits until the runners wait for the clock.
func settle(t *testing.T, c *clock.Manual, waiters int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := c.AwaitWaiters(ctx, waiters); err != nil {
		t.Fatalf("waiting for %d waiters, there are %d: %v", waiters, c.Waiters(), err)
	}
}

func counting(every time.Duration) (jobs.Job, *atomic.Int32) {
	var runs atomic.Int32
	return jobs.Job{Name: "count", Every: every, Run: func(context.Context, time.Time) error {
		runs.Add(1)
		return nil
	}}, &runs
}

func TestJobRunsAtOnceAndThenOncePerPeriod(t *testing.T) {
	c := clock.NewManual(start)
	job, runs := counting(time.Hour)
	f := newFinished()
	startReplica(t, openStore(t), c, f, job)
	for want := int32(1); want <= 3; want++ {
		<-f
		settle(t, c, 1)
		if runs.Load() != want {
			t.Fatalf("%d runs, want %d", runs.Load(), want)
		}
		c.Advance(59 * time.Minute)
		if runs.Load() != want {
			t.Fatal("ran before its time")
		}
		c.Advance(time.Minute)
	}
}

func TestOneReplicaRunsAJobInAPeriod(t *testing.T) {
	c := clock.NewManual(start)
	store := openStore(t)
	job, runs := counting(time.Hour)
	f := newFinished()
	for range 3 {
		startReplica(t, store, c, f, job)
	}
	for want := int32(1); want <= 4; want++ {
		<-f
		settle(t, c, 3)
		if runs.Load() != want {
			t.Fatalf("%d runs, want %d", runs.Load(), want)
		}
		c.Advance(time.Hour)
	}
}

func TestReplicaThatStartsLaterWaitsForItsTurn(t *testing.T) {
	c := clock.NewManual(start)
	store := openStore(t)
	job, runs := counting(time.Hour)
	f := newFinished()
	startReplica(t, store, c, f, job)
	<-f
	settle(t, c, 1)
	c.Advance(59 * time.Minute)
	startReplica(t, store, c, f, job)
	settle(t, c, 2)
	if runs.Load() != 1 {
		t.Errorf("%d runs in one period", runs.Load())
	}
}

func TestAnotherReplicaTakesOverAfterADeath(t *testing.T) {
	c := clock.NewManual(start)
	store := openStore(t)
	// A process that died holds the lease and will never give it back.
	if ours, err := store.AcquireLease(t.Context(), "job:count", "dead", start, start.Add(time.Minute)); err != nil || !ours {
		t.Fatal(ours, err)
	}
	job, runs := counting(time.Minute)
	f := newFinished()
	startReplica(t, store, c, f, job)
	settle(t, c, 1)
	if runs.Load() != 0 {
		t.Fatal("ran under a foreign lease")
	}
	c.Advance(time.Minute)
	<-f
	if runs.Load() != 1 {
		t.Errorf("%d runs after the lease expired", runs.Load())
	}
}

func TestShutdownGivesTheLeaseBack(t *testing.T) {
	c := clock.NewManual(start)
	store := openStore(t)
	job, runs := counting(time.Hour)
	f := newFinished()
	first := startReplica(t, store, c, f, job)
	<-f
	first.end()
	startReplica(t, store, c, f, job)
	<-f
	if runs.Load() != 2 {
		t.Errorf("%d runs, want one by each replica", runs.Load())
	}
}

func TestLongRunKeepsItsLease(t *testing.T) {
	c := clock.NewManual(start)
	store := openStore(t)
	renewed := &announcing{Leases: store, asked: make(chan bool, 100)}
	var runs atomic.Int32
	finish, running := make(chan struct{}), make(chan struct{}, 2)
	job := jobs.Job{Name: "long", Every: time.Minute, Run: func(context.Context, time.Time) error {
		runs.Add(1)
		running <- struct{}{}
		<-finish
		return nil
	}}
	startReplica(t, renewed, c, nil, job)
	defer close(finish)
	<-running
	<-renewed.asked // the lease of the run itself
	startReplica(t, store, c, nil, job)
	settle(t, c, 2) // the renewal of a, the timer of b
	for range 30 {
		c.Advance(20 * time.Second)
		if ours := <-renewed.asked; !ours {
			t.Fatal("the lease went to another replica")
		}
		settle(t, c, 2)
	}
	if runs.Load() != 1 {
		t.Errorf("%d runs at once", runs.Load())
	}
}

// announcing tells of every answer to a replica that asked for a lease.
type announcing struct {
	jobs.Leases
	asked chan bool
}

func (a *announcing) AcquireLease(ctx context.Context, name, holder string, now, until time.Time) (bool, error) {
	ours, err := a.Leases.AcquireLease(ctx, name, holder, now, until)
	a.asked <- ours
	return ours, err
}

// lostLeases gives a lease once and then says that somebody else has it.
type lostLeases struct{ taken atomic.Bool }

func (l *lostLeases) AcquireLease(context.Context, string, string, time.Time, time.Time) (bool, error) {
	return !l.taken.Swap(true), nil
}

func (l *lostLeases) ReleaseLease(context.Context, string, string) error { return nil }

func TestRunEndsWhenItsLeaseIsLost(t *testing.T) {
	c := clock.NewManual(start)
	ended := make(chan error, 1)
	job := jobs.Job{Name: "long", Every: time.Minute, Run: func(ctx context.Context, _ time.Time) error {
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return nil
	}}
	startReplica(t, &lostLeases{}, c, nil, job)
	settle(t, c, 1)
	c.Advance(20 * time.Second)
	if err := <-ended; err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("the cause is %v", err)
	}
}

func TestFailureAndPanicAreTriedAgainSoon(t *testing.T) {
	c := clock.NewManual(start)
	var runs atomic.Int32
	job := jobs.Job{Name: "bad", Every: time.Hour, Run: func(context.Context, time.Time) error {
		if runs.Add(1) == 1 {
			return errors.New("no luck")
		}
		panic("worse")
	}}
	f := newFinished()
	startReplica(t, openStore(t), c, f, job)
	for want := int32(1); want <= 3; want++ {
		<-f
		settle(t, c, 1)
		if runs.Load() != want {
			t.Fatalf("%d runs, want %d", runs.Load(), want)
		}
		c.Advance(time.Minute)
	}
}

func TestOutageOfTheDatabaseDoesNotEndTheRunner(t *testing.T) {
	c := clock.NewManual(start)
	store := openStore(t)
	job, runs := counting(time.Minute)
	broken := &switchable{Leases: store}
	broken.broken.Store(true)
	f := newFinished()
	startReplica(t, broken, c, f, job)
	<-f
	settle(t, c, 1)
	broken.broken.Store(false)
	c.Advance(time.Minute)
	<-f
	if runs.Load() != 1 {
		t.Errorf("%d runs after the outage", runs.Load())
	}
}

type switchable struct {
	jobs.Leases
	broken atomic.Bool
}

func (s *switchable) AcquireLease(ctx context.Context, name, holder string, now, until time.Time) (bool, error) {
	if s.broken.Load() {
		return false, lanyard.ErrUnavailable
	}
	return s.Leases.AcquireLease(ctx, name, holder, now, until)
}

func TestKeysOfAllTenantsAreMadeAndRotated(t *testing.T) {
	store := openStore(t)
	for _, id := range []lanyard.TenantID{"ten_a", "ten_b"} {
		if err := store.InsertTenant(t.Context(), lanyard.Tenant{ID: id, Slug: string(id[4:]), CreatedAt: start}); err != nil {
			t.Fatal(err)
		}
	}
	master, err := keys.NewMaster([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	rotate := jobs.RotateKeys(store, &keys.Keeper{Sealer: master})
	run := func(at time.Time) {
		t.Helper()
		if err := rotate.Run(t.Context(), at); err != nil {
			t.Fatal(err)
		}
	}
	run(start)
	before := active(t, store)
	run(start.Add(lanyard.Policy{}.KeyRotation()))
	after := active(t, store)
	for tenant, kid := range before {
		if kid == "" || after[tenant] == kid {
			t.Errorf("%s: the key %q was not rotated", tenant, kid)
		}
	}
}

func active(t *testing.T, store *storage.Store) map[lanyard.TenantID]lanyard.KeyID {
	t.Helper()
	out := map[lanyard.TenantID]lanyard.KeyID{"ten_a": "", "ten_b": ""}
	for id := range out {
		stored, err := store.Tenant(id).SigningKeys(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range stored {
			if key.Algorithm == lanyard.AlgES256 && key.State == lanyard.KeyActive {
				out[id] = key.ID
			}
		}
	}
	return out
}

func TestCleanUpRemovesWhatHasExpired(t *testing.T) {
	store := openStore(t)
	if err := store.InsertTenant(t.Context(), lanyard.Tenant{ID: "ten_a", Slug: "a", CreatedAt: start}); err != nil {
		t.Fatal(err)
	}
	scope := store.Tenant("ten_a")
	if _, err := scope.SpendOnce(t.Context(), []byte("jti"), start.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if err := jobs.CleanUp(store).Run(t.Context(), start.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if fresh, err := scope.SpendOnce(t.Context(), []byte("jti"), start.Add(2*time.Hour)); err != nil || !fresh {
		t.Errorf("the expired row is still there: %v", err)
	}
}
