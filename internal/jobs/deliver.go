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

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/clock"
	"github.com/lanyard-id/lanyard/internal/mail"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// Deliverer sends the mails that wait. Any number of replicas may run one: what
// one has claimed the others do not see.
//
// A mail is sent at least once. It is sent again, as the same mail to whoever
// receives it, only when nobody learned that the server took it: the process died
// before it was recorded, or the connection broke before the answer.
type Deliverer struct {
	Store    *storage.Store
	Sealer   lanyard.Sealer
	Composer *mail.Composer
	// Sender carries the mails; without one they wait until they expire.
	Sender mail.Sender
	Clock  clock.Clock
	Log    *slog.Logger
	// Issuer is the issuer of a tenant, without a trailing slash.
	Issuer func(lanyard.Tenant) string
	// Every is how often the queue is looked at; default one second.
	Every time.Duration
	// Parallel is how many mails are sent at once; default 4.
	Parallel int
	// Observe is told how each try ended: sent, postponed, failed or error; nil is fine.
	Observe func(result string)
	// Tracer makes a span of each try; nil for none.
	Tracer trace.Tracer
}

const (
	defaultEvery    = time.Second
	defaultParallel = 4
	// claimFor is how long a mail stays with whoever claimed it, and how soon it is
	// sent again after a death. It is longer than any attempt.
	claimFor = 45 * time.Second
)

// How a try can end.
const (
	resultSent      = "sent"
	resultPostponed = "postponed"
	resultFailed    = "failed"
	resultError     = "error"
)

// delays are the waits after each try; the last one repeats until the mail expires.
var delays = []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour}

// delayAfter is how long a mail waits after a try that failed; the first is 1.
func delayAfter(try int) time.Duration { return delays[min(max(try, 1), len(delays))-1] }

// Run sends until ctx ends. It returns when nothing is being sent any more.
func (d *Deliverer) Run(ctx context.Context) {
	var group sync.WaitGroup
	defer group.Wait()
	every, parallel := d.Every, d.Parallel
	if every <= 0 {
		every = defaultEvery
	}
	if parallel <= 0 {
		parallel = defaultParallel
	}
	done := make(chan struct{}, parallel)
	running, more := 0, false // more says that there was more than could be claimed
	timer := d.Clock.NewTimer(0)
	defer timer.Stop()
	for {
		ticked := false
		select {
		case <-ctx.Done():
			return
		case <-timer.C():
			ticked = true
		case <-done:
			running--
		}
		if ticked || more {
			claimed := d.claim(context.WithoutCancel(ctx), parallel-running) // what is claimed is sent, also at the end
			more = len(claimed) == parallel-running
			running += len(claimed)
			for _, due := range claimed {
				group.Go(func() {
					d.deliver(context.WithoutCancel(ctx), due)
					done <- struct{}{}
				})
			}
		}
		if ticked {
			timer.Reset(every)
		}
	}
}

// claim takes as many mails as can be sent now, and ends those that have expired.
func (d *Deliverer) claim(ctx context.Context, free int) []storage.DueDelivery {
	if d.Sender == nil {
		free = 0
	}
	due, err := d.Store.DueDeliveries(ctx, storage.DeliveryMail, d.Clock.Now(), claimFor, free)
	if err != nil {
		d.observe(resultError)
		d.Log.ErrorContext(ctx, "the queue of mails can not be read", "error", err)
	}
	return due
}

// deliver sends one mail and records what came of it.
func (d *Deliverer) deliver(ctx context.Context, due storage.DueDelivery) {
	ctx, end := begin(ctx, d.Tracer, "mail", tryAttributes(due)...)
	err := d.guarded(ctx, due)
	defer func() { end(err) }()
	result, record := resultSent, func() error { return d.Store.Tenant(due.TenantID).FinishDelivery(ctx, due.ID) }
	refused, final := errors.AsType[*mail.RefusedError](err)
	switch {
	case final:
		result, record = resultFailed, func() error { return d.fail(ctx, due, refused.Code) }
	case err != nil:
		result, record = resultPostponed, func() error { return d.postpone(ctx, due) }
	}
	log := d.Log.With("delivery", string(due.ID), "tenant", string(due.TenantID), "kind", due.Subject, "try", due.Try)
	if err != nil {
		log.WarnContext(ctx, "a mail was not sent", "result", result, "error", err)
	}
	if err := record(); err != nil && !errors.Is(err, lanyard.ErrConflict) { // a conflict: somebody else ended it
		result = resultError
		log.ErrorContext(ctx, "what came of a mail is not recorded; it may be sent again", "error", err)
	}
	d.observe(result)
}

// guarded turns a panic into a failure that is tried again.
func (d *Deliverer) guarded(ctx context.Context, due storage.DueDelivery) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return d.send(ctx, due)
}

// send opens, writes and sends one mail.
func (d *Deliverer) send(ctx context.Context, due storage.DueDelivery) error {
	plain, err := d.Sealer.Open(accounts.MailPlace(due.TenantID, due.ID), due.Sealed)
	if err != nil {
		return fmt.Errorf("open the letter: %w", err)
	}
	letter, err := mail.Unmarshal(plain)
	if err != nil {
		return &mail.RefusedError{Cause: err}
	}
	tenant, err := d.Store.Tenant(due.TenantID).Tenant(ctx)
	if err != nil {
		return fmt.Errorf("read the tenant: %w", err)
	}
	message, err := d.Composer.Compose(letter, mail.Envelope{ID: due.ID, Tenant: tenant, Issuer: d.Issuer(tenant), Date: due.CreatedAt})
	if err != nil {
		return err
	}
	if !d.Clock.Now().Before(due.ExpiresAt) {
		return errors.New("it expired while it waited for its turn")
	}
	return d.Sender.Send(ctx, message)
}

func (d *Deliverer) postpone(ctx context.Context, due storage.DueDelivery) error {
	return d.Store.Tenant(due.TenantID).PostponeDelivery(ctx, due.ID, due.Try, d.Clock.Now().Add(delayAfter(due.Try)))
}

// fail gives a mail up, and records that.
func (d *Deliverer) fail(ctx context.Context, due storage.DueDelivery, code int) error {
	return d.Store.Tenant(due.TenantID).InTx(ctx, func(tx storage.Scope) error {
		if err := tx.FailDelivery(ctx, due.ID, due.Try); err != nil {
			return err
		}
		detail := map[string]string{"kind": due.Subject, "delivery": string(due.ID)}
		if code > 0 {
			detail["smtp"] = fmt.Sprint(code)
		}
		return tx.InsertEvent(ctx, lanyard.Event{Type: lanyard.EventMailFailed, At: d.Clock.Now(), UserID: due.UserID, Detail: detail})
	})
}

func (d *Deliverer) observe(result string) {
	if d.Observe != nil {
		d.Observe(result)
	}
}
