package jobs_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/clock"
	"github.com/lanyard-id/lanyard/internal/jobs"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/storage"
)

// leaseFor is how long the lease of a run lives, and renewEvery how often it is renewed.
const (
	leaseFor   = time.Minute
	renewEvery = 20 * time.Second
)

// onEachStore runs a test on both databases.
func onEachStore(t *testing.T, test func(t *testing.T, store *storage.Store)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, openStore(t)) })
	t.Run("postgres", func(t *testing.T) {
		store, err := storage.Open(t.Context(), storage.Config{URL: testkit.FastPostgres(t)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		if err := store.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		test(t, store)
	})
}

func TestThreeRunnersRunAJobOncePerPeriod(t *testing.T) {
	onEachStore(t, func(t *testing.T, store *storage.Store) {
		c := clock.NewManual(start)
		job, runs := counting(10 * time.Minute)
		f := newFinished()
		for range 3 {
			startReplica(t, store, c, f, job)
		}
		for want := int32(1); want <= 4; want++ {
			<-f
			for range 10 {
				settle(t, c, 3)
				if runs.Load() != want {
					t.Fatalf("%d runs in %d periods", runs.Load(), want)
				}
				c.Advance(time.Minute)
			}
		}
	})
}

// stuck is a job that runs until it is let go, and tells how its context ended.
type stuck struct {
	begun chan struct{}
	free  chan struct{}
	ended chan error
	// deaf does not look at its context.
	deaf bool
}

func newStuck() *stuck {
	return &stuck{begun: make(chan struct{}, 10), free: make(chan struct{}), ended: make(chan error, 10)}
}

func (s *stuck) job() jobs.Job {
	return jobs.Job{Name: "count", Every: time.Hour, Run: func(ctx context.Context, _ time.Time) error {
		s.begun <- struct{}{}
		told := ctx.Done()
		if s.deaf {
			told = nil
		}
		select {
		case <-s.free:
		case <-told:
		}
		s.ended <- context.Cause(ctx)
		return nil
	}}
}

// TestAnotherReplicaTakesOverWithinALease: the holder dies in the middle of an hourly
// job and gives nothing back. Its clock stands still: it does nothing any more.
func TestAnotherReplicaTakesOverWithinALease(t *testing.T) {
	onEachStore(t, func(t *testing.T, store *storage.Store) {
		s := newStuck()
		startReplica(t, store, clock.NewManual(start), nil, s.job())
		defer close(s.free)
		<-s.begun
		c := clock.NewManual(start.Add(time.Second))
		job, runs := counting(time.Hour)
		f := newFinished()
		startReplica(t, store, c, f, job)
		settle(t, c, 1)
		if runs.Load() != 0 {
			t.Fatal("it ran under a foreign lease")
		}
		c.Advance(leaseFor)
		select {
		case <-f:
		case <-time.After(10 * time.Second):
			t.Fatalf("nobody took over within %v", leaseFor)
		}
		settle(t, c, 1)
		if runs.Load() != 1 {
			t.Errorf("%d runs", runs.Load())
		}
	})
}

// TestHolderThatStallsIsTold: it slept beyond its lease, another replica ran, and the
// first finds out as soon as it wakes, or at the latest when it is done.
func TestHolderThatStallsIsTold(t *testing.T) {
	for name, deaf := range map[string]bool{"while it runs": false, "when it is done": true} {
		t.Run(name, func(t *testing.T) {
			onEachStore(t, func(t *testing.T, store *storage.Store) {
				s := newStuck()
				s.deaf = deaf
				stalled := clock.NewManual(start)
				told := make(chan error, 10)
				observed(t, store, stalled, s.job(), told)
				<-s.begun
				c := clock.NewManual(start.Add(leaseFor))
				job, runs := counting(time.Hour)
				f := newFinished()
				startReplica(t, store, c, f, job)
				<-f
				if deaf {
					close(s.free)
				} else {
					settle(t, stalled, 1)
					stalled.Advance(renewEvery)
					if cause := <-s.ended; cause == nil || errors.Is(cause, context.Canceled) {
						t.Errorf("the run ended with %v", cause)
					}
				}
				if err := <-told; err == nil {
					t.Error("the first was not told")
				}
				settle(t, c, 1)
				c.Advance(30 * time.Minute)
				settle(t, c, 1)
				if runs.Load() != 1 {
					t.Errorf("the second ran %d times: the first took its lease", runs.Load())
				}
			})
		})
	}
}

// observed is a replica whose runs are told with their errors.
func observed(t *testing.T, leases jobs.Leases, c *clock.Manual, job jobs.Job, told chan error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	runner := &jobs.Runner{
		Leases: leases, Clock: c, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Holder: string(lanyard.NewEventID()),
		Observe: func(_ string, err error, _ time.Duration) { told <- err },
	}
	go func() {
		defer close(done)
		runner.Run(ctx, job)
	}()
	t.Cleanup(func() { cancel(); <-done })
}

// TestFailureIsTriedAgainByWhoeverComesFirst: also by another replica, when the one that failed dies.
func TestFailureIsTriedAgainByWhoeverComesFirst(t *testing.T) {
	onEachStore(t, func(t *testing.T, store *storage.Store) {
		told := make(chan error, 10)
		dead := clock.NewManual(start)
		observed(t, store, dead, jobs.Job{Name: "count", Every: time.Hour, Run: func(context.Context, time.Time) error { return errors.New("no luck") }}, told)
		if err := <-told; err == nil {
			t.Fatal("it did not fail")
		}
		settle(t, dead, 1)
		c := clock.NewManual(start)
		job, runs := counting(time.Hour)
		f := newFinished()
		startReplica(t, store, c, f, job)
		settle(t, c, 1)
		if runs.Load() != 0 {
			t.Error("it was tried again at once")
		}
		c.Advance(leaseFor)
		<-f
	})
}

// TestClocksMayDifferByAFewSeconds: a replica whose clock is ahead does not take a run
// that is going on, nor run once more in the period.
func TestClocksMayDifferByAFewSeconds(t *testing.T) {
	onEachStore(t, func(t *testing.T, store *storage.Store) {
		const ahead = 15 * time.Second
		s := newStuck()
		renewed := &announcing{Leases: store, asked: make(chan bool, 100)}
		slow, fast := clock.NewManual(start), clock.NewManual(start.Add(ahead))
		told := make(chan error, 10)
		observed(t, renewed, slow, s.job(), told)
		<-s.begun
		<-renewed.asked
		job, runs := counting(time.Hour)
		startReplica(t, store, fast, newFinished(), job)
		for range 10 {
			settle(t, fast, 1)
			settle(t, slow, 1)
			fast.Advance(renewEvery)
			settle(t, fast, 1)
			slow.Advance(renewEvery)
			if ours := <-renewed.asked; !ours {
				t.Fatal("the lease went to the clock that is ahead")
			}
		}
		close(s.free)
		if err := <-told; err != nil {
			t.Fatal(err)
		}
		settle(t, slow, 1)
		fast.Set(slow.Now().Add(ahead))
		for range 50 { // the hour is over for the one in 56 minutes
			fast.Advance(time.Minute)
			settle(t, fast, 1)
		}
		if runs.Load() != 0 {
			t.Errorf("%d further runs in the period", runs.Load())
		}
	})
}

// TestLeaseOfAWrongClockEnds: whoever was years ahead for a moment, and died, does not keep
// a job from everybody for years.
func TestLeaseOfAWrongClockEnds(t *testing.T) {
	onEachStore(t, func(t *testing.T, store *storage.Store) {
		for ahead, want := range map[time.Duration]bool{time.Hour: false, 10 * 365 * 24 * time.Hour: true} {
			wrong, name := start.Add(ahead), "job:"+ahead.String()
			if ours, err := store.AcquireLease(t.Context(), name, "dead", wrong, wrong.Add(time.Hour)); err != nil || !ours {
				t.Fatal(ours, err)
			}
			if ours, err := store.AcquireLease(t.Context(), name, "alive", start, start.Add(leaseFor)); err != nil || ours != want {
				t.Errorf("%v ahead: taken over %v, %v", ahead, ours, err)
			}
		}
	})
}

// TestRunEndsWhenItsLeaseCanNotBeRenewed: behind an outage somebody else may have it.
func TestRunEndsWhenItsLeaseCanNotBeRenewed(t *testing.T) {
	c := clock.NewManual(start)
	s := newStuck()
	broken := &switchable{Leases: openStore(t)}
	asked := &announcing{Leases: broken, asked: make(chan bool, 10)}
	startReplica(t, asked, c, nil, s.job())
	<-s.begun
	<-asked.asked
	broken.broken.Store(true)
	settle(t, c, 1)
	for range 2 {
		c.Advance(renewEvery)
		<-asked.asked
	}
	select {
	case cause := <-s.ended:
		t.Fatal("it gave up before the lease was over", cause)
	default:
	}
	c.Advance(renewEvery)
	if cause := <-s.ended; cause == nil || errors.Is(cause, context.Canceled) {
		t.Errorf("the run ended with %v", cause)
	}
}

func TestLeaseIsHeldUntilItIsGivenBack(t *testing.T) {
	var held atomic.Int32
	ctx, cancel := context.WithCancel(t.Context())
	c := clock.NewManual(start)
	job, _ := counting(time.Hour)
	f := newFinished()
	runner := &jobs.Runner{Leases: openStore(t), Clock: c, Log: slog.New(slog.DiscardHandler), Holder: "h", Observe: f.observe, Held: func(_ string, is bool) {
		if held.Store(0); is {
			held.Store(1)
		}
	}}
	done := make(chan struct{})
	go func() { defer close(done); runner.Run(ctx, job) }()
	<-f
	if held.Load() != 1 {
		t.Error("whoever ran it does not hold it")
	}
	cancel()
	<-done
	if held.Load() != 0 {
		t.Error("it is still held after it was given back")
	}
}
