package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/clock"
	"github.com/lanyard-id/lanyard/internal/fetch"
	"github.com/lanyard-id/lanyard/storage"
)

// Teller tells webhooks what happened, by the rules of Standard Webhooks. Any number of
// replicas may run one: a fact is queued by one of them, in the transaction that takes it,
// and what one has claimed the others do not see.
//
// A message is sent at least once, each time with the id of the fact as its webhook-id.
type Teller struct {
	Store   *storage.Store
	Sealer  lanyard.Sealer
	Fetcher *fetch.Client
	Clock   clock.Clock
	Log     *slog.Logger
	// Every is how often the queue is looked at; default one second.
	Every time.Duration
	// Parallel is how many messages are sent at once; default 8.
	Parallel int
	// Observe is told how each try ended: sent, postponed, failed or error; nil is fine.
	Observe func(result string)
	// Tracer makes a span of each try; nil for none.
	Tracer trace.Tracer
}

const (
	// factsAtOnce are queued in one transaction, tenantsAtOnce in one turn.
	factsAtOnce      = 200
	tenantsAtOnce    = 100
	parallelWebhooks = 8
	// patience is how long a webhook may fail before it is disabled.
	patience = 5 * 24 * time.Hour
	// finalTry is how close to its end a message is not tried again.
	finalTry = time.Minute
)

// webhookDelays are the waits after each try; the last one repeats until the message expires.
var webhookDelays = []time.Duration{
	5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 12 * time.Hour,
}

// Run tells until ctx ends. It returns when nothing is being sent any more.
func (d *Teller) Run(ctx context.Context) {
	every := d.Every
	if every <= 0 {
		every = defaultEvery
	}
	timer := d.Clock.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C():
			for d.Turn(context.WithoutCancel(ctx)) && ctx.Err() == nil { // what is claimed is sent, also at the end
			}
			timer.Reset(every)
		}
	}
}

// Turn queues the facts that wait and sends what is due, once. It tells whether there may be more.
func (d *Teller) Turn(ctx context.Context) bool {
	more, err := d.queue(ctx)
	if err != nil {
		d.observe(resultError)
		d.Log.ErrorContext(ctx, "facts can not be queued for webhooks", "error", err)
	}
	parallel := d.Parallel
	if parallel <= 0 {
		parallel = parallelWebhooks
	}
	due, err := d.Store.DueDeliveries(ctx, storage.DeliveryWebhook, d.Clock.Now(), claimFor, parallel)
	if err != nil {
		d.observe(resultError)
		d.Log.ErrorContext(ctx, "the queue of webhooks can not be read", "error", err)
		return false
	}
	var group sync.WaitGroup
	for _, one := range due {
		group.Go(func() { d.deliver(ctx, one) })
	}
	group.Wait()
	return more || len(due) == parallel
}

// queue makes messages of the facts that wait.
func (d *Teller) queue(ctx context.Context) (bool, error) {
	tenants, err := d.Store.TenantsToTell(ctx, tenantsAtOnce)
	more := len(tenants) == tenantsAtOnce
	for _, id := range tenants {
		taken := 0
		failed := d.Store.Tenant(id).InTx(ctx, func(tx storage.Scope) error {
			var err error
			taken, err = tx.QueuePending(ctx, factsAtOnce, d.Clock.Now())
			return err
		})
		more = more || (failed == nil && taken == factsAtOnce)
		err = errors.Join(err, failed)
	}
	return more, err
}

// answer is what came back: a status, or why there is none.
type answer struct {
	status int
	reason string
}

func (a answer) good() bool { return a.status/100 == 2 }

// deliver sends one message and records what came of it.
func (d *Teller) deliver(ctx context.Context, due storage.DueDelivery) {
	log := d.Log.With("delivery", string(due.ID), "tenant", string(due.TenantID), "webhook", string(due.WebhookID), "try", due.Try)
	ctx, end := begin(ctx, d.Tracer, "webhook", tryAttributes(due)...)
	defer func() { end(nil) }() // the span of the request inside tells how it went
	got, err := d.guarded(ctx, due)
	if err != nil {
		log.ErrorContext(ctx, "a webhook was not told", "error", err)
		got = answer{reason: "internal"}
	}
	result, err := d.record(ctx, due, got)
	if err != nil && !errors.Is(err, lanyard.ErrConflict) { // a conflict: somebody else ended it
		result = resultError
		log.ErrorContext(ctx, "what came of a webhook is not recorded; it may be told again", "error", err)
	}
	d.observe(result)
}

// guarded turns a panic into a failure that is tried again.
func (d *Teller) guarded(ctx context.Context, due storage.DueDelivery) (got answer, err error) { //nolint:nonamedreturns // a panic is caught
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return d.send(ctx, due)
}

// send reads, signs and sends one message.
func (d *Teller) send(ctx context.Context, due storage.DueDelivery) (answer, error) {
	scope := d.Store.Tenant(due.TenantID)
	w, err := scope.Webhook(ctx, due.WebhookID)
	if errors.Is(err, lanyard.ErrNotFound) || (err == nil && w.Disabled) {
		return answer{reason: "disabled"}, nil
	}
	if err != nil {
		return answer{}, fmt.Errorf("read the webhook: %w", err)
	}
	fact, err := scope.Event(ctx, due.EventID)
	if err != nil {
		return answer{}, fmt.Errorf("read the fact: %w", err)
	}
	body, err := json.Marshal(messageOf(fact))
	if err != nil {
		return answer{}, err
	}
	now := d.Clock.Now()
	header, err := d.headers(w, fact, now, body)
	if err != nil {
		return answer{}, err
	}
	got, err := d.Fetcher.Do(ctx, fetch.Request{Method: http.MethodPost, URL: w.URL, Header: header, Body: body})
	if err != nil {
		return answer{reason: "unreachable"}, nil //nolint:nilerr // one word for all causes; the fetcher logs them
	}
	return answer{status: got.Status}, nil
}

// message is the body: what happened, in ids.
type message struct {
	Type      lanyard.EventType `json:"type"`
	Timestamp time.Time         `json:"timestamp"`
	Data      messageData       `json:"data"`
}

type messageData struct {
	ID             lanyard.EventID        `json:"id"`
	Actor          string                 `json:"actor"`
	UserID         lanyard.UserID         `json:"user_id,omitempty"`
	ClientID       lanyard.ClientID       `json:"client_id,omitempty"`
	SessionID      lanyard.SessionID      `json:"session_id,omitempty"`
	GrantID        lanyard.GrantID        `json:"grant_id,omitempty"`
	OrganizationID lanyard.OrganizationID `json:"organization_id,omitempty"`
	Detail         map[string]string      `json:"detail,omitempty"`
}

func messageOf(e lanyard.Event) message {
	return message{Type: e.Type, Timestamp: e.At, Data: messageData{
		ID: e.ID, Actor: e.Actor, UserID: e.UserID, ClientID: e.ClientID, SessionID: e.SessionID, GrantID: e.GrantID,
		OrganizationID: e.OrganizationID, Detail: e.Detail,
	}}
}

// headers signs a message, with the secret before too while that is good.
func (d *Teller) headers(w lanyard.Webhook, fact lanyard.Event, now time.Time, body []byte) (http.Header, error) {
	signatures := ""
	for _, previous := range []bool{false, true} {
		sealed := w.Sealed
		if previous {
			if sealed = w.SealedPrevious; len(sealed) == 0 || !now.Before(w.PreviousUntil) {
				continue
			}
			signatures += " "
		}
		plain, err := d.Sealer.Open(w.SecretPlace(previous), sealed)
		if err != nil {
			return nil, fmt.Errorf("open the signing secret: %w", err)
		}
		signature, err := lanyard.SignWebhook(lanyard.SecretOf(string(plain)), string(fact.ID), now, body)
		if err != nil {
			return nil, err
		}
		signatures += signature
	}
	return http.Header{
		"Content-Type": {"application/json"}, "Webhook-Id": {string(fact.ID)}, "Webhook-Timestamp": {strconv.FormatInt(now.Unix(), 10)},
		"Webhook-Signature": {signatures},
	}, nil
}

// record notes what came of a try, for the message and for its webhook, in one transaction.
func (d *Teller) record(ctx context.Context, due storage.DueDelivery, got answer) (string, error) {
	now := d.Clock.Now()
	try := storage.WebhookTry{ID: due.ID, Try: due.Try, State: storage.DeliverySent, Due: now, Response: got.status, Error: got.reason, At: now}
	delay := webhookDelays[min(max(due.Try, 1), len(webhookDelays))-1]
	result := resultSent
	switch {
	case got.good():
	case got.reason == "disabled", got.status == http.StatusGone, now.Add(finalTry).After(due.ExpiresAt):
		try.State, result = storage.DeliveryFailed, resultFailed
	default:
		try.State, try.Due, result = storage.DeliveryQueued, now.Add(delay), resultPostponed
	}
	return result, d.Store.Tenant(due.TenantID).InTx(ctx, func(tx storage.Scope) error {
		if err := tx.RecordWebhookTry(ctx, try); err != nil {
			return err
		}
		if got.good() {
			return tx.NoteWebhookSuccess(ctx, due.WebhookID, now, claimFor)
		}
		if got.reason == "disabled" {
			return nil
		}
		return d.failed(ctx, tx, due.WebhookID, got, now, now.Add(delay))
	})
}

// failed notes a failure of a webhook: everything waits for the next try, and one that is
// gone, or fails for days, is disabled.
func (d *Teller) failed(ctx context.Context, tx storage.Scope, id lanyard.WebhookID, got answer, now, next time.Time) error {
	since, err := tx.NoteWebhookFailure(ctx, id, now)
	if errors.Is(err, lanyard.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	over := got.status == http.StatusGone || now.Sub(since) >= patience
	if !over {
		if wait := now.Add(lanyard.Webhook{FailingSince: since}.LeftAlone(now)); next.Before(wait) {
			next = wait
		}
		return tx.HoldBackWebhook(ctx, id, next)
	}
	w, err := tx.Webhook(ctx, id)
	if err != nil || w.Disabled {
		return err
	}
	reason := "failing"
	if got.status == http.StatusGone {
		reason = "gone"
	}
	w.Disabled, w.UpdatedAt = true, now
	if err := tx.PutWebhook(ctx, w); err != nil {
		return err
	}
	return tx.InsertEvent(ctx, lanyard.Event{Type: lanyard.EventWebhookUpdated, At: now, Detail: map[string]string{"webhook": string(id), "disabled": reason}})
}

func (d *Teller) observe(result string) {
	if d.Observe != nil {
		d.Observe(result)
	}
}
