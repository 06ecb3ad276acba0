package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

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
}

const (
	// leaseFor is how long a lease lives at least, and how soon another replica
	// takes over from one that died in the middle of a long run.
	leaseFor = time.Minute
	// renewEvery is how often a lease is renewed during a run.
	renewEvery = leaseFor / 3
	// retryAfter is how soon a run that failed is tried again.
	retryAfter = time.Minute
	// releaseIn bounds the giving back of leases at shutdown.
	releaseIn = 3 * time.Second
)

// errLeaseLost ends a run whose lease went to another replica.
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
func (r *Runner) turn(ctx context.Context, job Job) time.Duration {
	began := r.Clock.Now()
	ours, err := r.Leases.AcquireLease(ctx, leaseName(job), r.Holder, began, began.Add(max(job.Every, leaseFor)))
	if err == nil && !ours {
		return job.Every
	}
	if err == nil {
		err = r.leased(ctx, job, began)
	}
	if ctx.Err() != nil {
		return job.Every
	}
	if r.Observe != nil {
		r.Observe(job.Name, err, r.Clock.Now().Sub(began))
	}
	if err != nil {
		r.Log.ErrorContext(ctx, "a job failed", "job", job.Name, "error", err)
		return min(job.Every, retryAfter)
	}
	return max(0, job.Every-r.Clock.Now().Sub(began))
}

// leased runs the job while a second goroutine renews its lease; when the lease
// is lost, the run is told to end.
func (r *Runner) leased(ctx context.Context, job Job, began time.Time) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var renewer sync.WaitGroup
	defer renewer.Wait()
	defer cancel(nil)
	ticker := r.Clock.NewTicker(renewEvery)
	renewer.Go(func() {
		defer ticker.Stop()
		r.renew(ctx, job, began.Add(job.Every), ticker, cancel)
	})
	err := guarded(ctx, job, began)
	if cause := context.Cause(ctx); errors.Is(cause, errLeaseLost) {
		return errors.Join(cause, err)
	}
	return err
}

func (r *Runner) renew(ctx context.Context, job Job, until time.Time, ticker clock.Ticker, cancel context.CancelCauseFunc) {
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C():
			end := now.Add(leaseFor)
			if end.Before(until) {
				end = until
			}
			ours, err := r.Leases.AcquireLease(ctx, leaseName(job), r.Holder, now, end)
			if err == nil && !ours {
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
	}
}

func leaseName(job Job) string { return "job:" + job.Name }
