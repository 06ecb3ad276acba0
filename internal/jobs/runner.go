package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/lanyard-id/lanyard/internal/clock"
)

// Job is work that is done once in a period, by one replica.
type Job struct {
	Name  string
	Every time.Duration
	Run   func(ctx context.Context, now time.Time) error
}

// Leases are the rows by which replicas agree on who runs a job.
type Leases interface {
	AcquireLease(ctx context.Context, name, holder string, now, until time.Time) (bool, error)
	ReleaseLease(ctx context.Context, name, holder string) error
}

// Runner runs jobs until it is told to stop.
type Runner struct {
	Leases Leases
	Clock  clock.Clock
	Log    *slog.Logger
	// Holder names this process among the replicas.
	Holder string
	// Observe is told how each run ended; nil is fine.
	Observe func(job string, err error, took time.Duration)
	// Held is told whether this process holds the lease of a job; nil is fine.
	Held func(job string, held bool)
	// Tracer makes a span of each run; nil for none.
	Tracer trace.Tracer
}

const (
	// leaseFor is how long the lease of a run lives without being renewed: so soon
	// another replica takes over from one that died in the middle. It is also how often
	// the others look.
	leaseFor = time.Minute
	// renewEvery is how often a lease is renewed during a run. Two renewals may fail,
	// and clocks may differ by as much, before anybody else takes over.
	renewEvery = leaseFor / 3
	// retryAfter is how soon a run that failed is tried again, by whoever comes first.
	retryAfter = time.Minute
	// releaseIn bounds the giving back of leases at shutdown.
	releaseIn = 3 * time.Second
)

// errLeaseLost ends a run whose lease went to another replica, or may have.
var errLeaseLost = errors.New("the lease was lost")

// Run runs the jobs until ctx ends. It returns when all of them have stopped and
// their leases were given back.
func (r *Runner) Run(ctx context.Context, jobs ...Job) {
	var group sync.WaitGroup
	for _, job := range jobs {
		group.Go(func() { r.loop(ctx, job) })
	}
	group.Wait()
}

func (r *Runner) loop(ctx context.Context, job Job) {
	defer r.release(ctx, job)
	timer := r.Clock.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C():
			timer.Reset(r.turn(ctx, job))
		}
	}
}

// turn runs the job if it is ours to run, and tells how long to wait for the next turn.
// Whoever has run it keeps the lease until the period is over; the others look again
// at least once in leaseFor, so that a death is noticed.
func (r *Runner) turn(ctx context.Context, job Job) time.Duration {
	began := r.Clock.Now()
	ours, err := r.hold(ctx, job, began, began.Add(leaseFor))
	if err == nil && !ours {
		return min(job.Every, leaseFor)
	}
	if err == nil {
		err = r.leased(ctx, job, began)
	}
	if ctx.Err() != nil {
		return job.Every
	}
	if err == nil {
		err = r.keep(ctx, job, began.Add(job.Every))
	}
	if r.Observe != nil {
		r.Observe(job.Name, err, r.Clock.Now().Sub(began))
	}
	if err != nil {
		r.Log.ErrorContext(ctx, "a job failed", "job", job.Name, "error", err)
		return r.postpone(ctx, job, err)
	}
	return max(0, job.Every-r.Clock.Now().Sub(began))
}

// hold takes or renews the lease.
func (r *Runner) hold(ctx context.Context, job Job, now, until time.Time) (bool, error) {
	ours, err := r.Leases.AcquireLease(ctx, leaseName(job), r.Holder, now, until)
	if err == nil && r.Held != nil {
		r.Held(job.Name, ours)
	}
	return ours, err
}

// keep holds the lease until the period is over. Whoever lost it before they were done
// may not have been alone, and is told.
func (r *Runner) keep(ctx context.Context, job Job, until time.Time) error {
	ours, err := r.hold(ctx, job, r.Clock.Now(), until)
	if err == nil && !ours {
		return errLeaseLost
	}
	return err
}

// postpone holds the lease of a run that failed until it may be tried again, by whoever
// comes first then, and tells how long that is.
func (r *Runner) postpone(ctx context.Context, job Job, failed error) time.Duration {
	wait := min(job.Every, retryAfter)
	if errors.Is(failed, errLeaseLost) {
		return wait
	}
	now := r.Clock.Now()
	if _, err := r.hold(ctx, job, now, now.Add(wait)); err != nil {
		r.Log.WarnContext(ctx, "a lease was not shortened; it will expire", "job", job.Name, "error", err)
	}
	return wait
}

// leased runs the job while a second goroutine renews its lease; when the lease
// is lost, the run is told to end.
func (r *Runner) leased(ctx context.Context, job Job, began time.Time) error {
	ctx, end := begin(ctx, r.Tracer, "job "+job.Name)
	ctx, cancel := context.WithCancelCause(ctx)
	var renewer sync.WaitGroup
	ticker := r.Clock.NewTicker(renewEvery)
	renewer.Go(func() {
		defer ticker.Stop()
		r.renew(ctx, job, began.Add(leaseFor), ticker, cancel)
	})
	err := guarded(ctx, job, began)
	if cause := context.Cause(ctx); errors.Is(cause, errLeaseLost) {
		err = errors.Join(cause, err)
	}
	cancel(nil)
	renewer.Wait()
	end(err)
	return err
}

// renew keeps the lease that ends at until alive. It gives the run up when somebody
// else has the lease, and when it can not be renewed before it ends: somebody may have it then.
func (r *Runner) renew(ctx context.Context, job Job, until time.Time, ticker clock.Ticker, cancel context.CancelCauseFunc) {
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C():
			ours, err := r.hold(ctx, job, now, now.Add(leaseFor))
			switch {
			case err == nil && ours:
				until = now.Add(leaseFor)
			case err == nil || !now.Before(until):
				cancel(errLeaseLost)
				return
			}
		}
	}
}

// guarded turns a panic of a job into its failure.
func guarded(ctx context.Context, job Job, now time.Time) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return job.Run(ctx, now)
}

func (r *Runner) release(ctx context.Context, job Job) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseIn)
	defer cancel()
	if err := r.Leases.ReleaseLease(ctx, leaseName(job), r.Holder); err != nil {
		r.Log.WarnContext(ctx, "a lease was not given back; it will expire", "job", job.Name, "error", err)
		return
	}
	if r.Held != nil {
		r.Held(job.Name, false)
	}
}

func leaseName(job Job) string { return "job:" + job.Name }
