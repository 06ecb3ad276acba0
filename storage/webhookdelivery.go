package storage

import (
	"context"
	"slices"
	"time"

	"github.com/lanyard-id/lanyard"
)

// DeliveryWebhook is the kind of delivery that is a webhook's message.
const DeliveryWebhook = "webhook"

// keepWebhookDelivery is how long a message is tried.
const keepWebhookDelivery = 3 * 24 * time.Hour

// TenantsToTell lists tenants with facts that no webhook was told of.
func (s *Store) TenantsToTell(ctx context.Context, limit int) ([]lanyard.TenantID, error) {
	var ids []string
	err := s.runner().list(ctx, &ids, `SELECT DISTINCT tenant_id FROM events WHERE pending LIMIT ?`, limit)
	out := make([]lanyard.TenantID, 0, len(ids))
	for _, id := range ids {
		out = append(out, lanyard.TenantID(id))
	}
	return out, err
}

// TakePending takes facts that no webhook was told of, oldest first. Of several that take at
// once, each fact goes to one. It belongs into the transaction that queues the messages.
func (s Scope) TakePending(ctx context.Context, limit int) ([]lanyard.Event, error) {
	var ids []string
	if err := s.changeListing(ctx, &ids, `UPDATE events SET pending = FALSE WHERE tenant_id = ? AND pending
		AND id IN (SELECT e.id FROM events e WHERE e.tenant_id = ? AND e.pending ORDER BY e.id LIMIT ?) RETURNING id`,
		string(s.tenant), string(s.tenant), limit); err != nil {
		return nil, err
	}
	slices.Sort(ids)
	out := make([]lanyard.Event, 0, len(ids))
	for _, id := range ids {
		e, err := s.Event(ctx, lanyard.EventID(id))
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// QueuePending makes messages of at most limit facts that wait, for the webhooks that want
// them as they are now, and tells how many facts it took. It belongs into a transaction.
func (s Scope) QueuePending(ctx context.Context, limit int, now time.Time) (int, error) {
	facts, err := s.TakePending(ctx, limit)
	if err != nil || len(facts) == 0 {
		return 0, err
	}
	webhooks, err := s.Webhooks(ctx)
	if err != nil {
		return 0, err
	}
	for _, fact := range facts {
		for _, w := range webhooks {
			if !w.Wants(fact.Type) || fact.Type == lanyard.EventWebhookTested { // whoever tested it queued that
				continue
			}
			if err := s.QueueWebhook(ctx, lanyard.NewDeliveryID(), w.ID, fact, now, now.Add(w.LeftAlone(now))); err != nil {
				return 0, err
			}
		}
	}
	return len(facts), nil
}

// Event finds a fact.
func (s Scope) Event(ctx context.Context, id lanyard.EventID) (lanyard.Event, error) {
	all, err := s.eventsBy(ctx, `id = ?`, string(id))
	if err == nil && len(all) == 0 {
		err = lanyard.ErrNotFound
	}
	if err != nil {
		return lanyard.Event{}, err
	}
	return all[0], nil
}

// QueueWebhook queues the message about a fact for a webhook. Unlike mails they are never
// dropped: they hold nothing, and end by themselves after three days. It is sent at due.
func (s Scope) QueueWebhook(ctx context.Context, id lanyard.DeliveryID, webhook lanyard.WebhookID, e lanyard.Event, now, due time.Time) error {
	_, err := s.change(ctx, `INSERT INTO deliveries (tenant_id, id, event_id, kind, recipient, subject, state, due_at, expires_at, created_at, webhook_id)
		VALUES (?, ?, ?, ?, '', ?, 'queued', ?, ?, ?, ?)`,
		string(s.tenant), string(id), string(e.ID), DeliveryWebhook, string(e.Type), micros(due), micros(now.Add(keepWebhookDelivery)), micros(now), string(webhook))
	return err
}

// WebhookTry is what came of a try.
type WebhookTry struct {
	ID lanyard.DeliveryID
	// Try is the number of the claim.
	Try int
	// State is what it is from now on: queued is due again at Due.
	State string
	Due   time.Time
	// Response is the status of the answer, 0 without one; Error says why there is none.
	Response int
	Error    string
	At       time.Time
}

// RecordWebhookTry notes what came of a try. It is lanyard.ErrConflict if somebody else has
// claimed or ended it since; what was sent counts even then, unless it is over.
func (s Scope) RecordWebhookTry(ctx context.Context, t WebhookTry) error {
	return s.must(ctx, `UPDATE deliveries SET state = ?, due_at = CASE WHEN expires_at < ? THEN expires_at ELSE ? END, response = ?, error = ?, tried_at = ?
		WHERE tenant_id = ? AND id = ? AND state = 'queued' AND (tries = ? OR ? = 'sent')`,
		t.State, micros(t.Due), micros(t.Due), t.Response, t.Error, micros(t.At), string(s.tenant), string(t.ID), t.Try, t.State)
}

// HoldBackWebhook has everything that waits for a webhook wait until a moment, so that one
// that does not answer is asked once in that time.
func (s Scope) HoldBackWebhook(ctx context.Context, id lanyard.WebhookID, until time.Time) error {
	_, err := s.change(ctx, `UPDATE deliveries SET due_at = CASE WHEN expires_at < ? THEN expires_at ELSE ? END
		WHERE tenant_id = ? AND webhook_id <> '' AND webhook_id = ? AND state = 'queued' AND due_at < ?`,
		micros(until), micros(until), string(s.tenant), string(id), micros(until))
	return err
}

// ReplayWebhook queues a message of a webhook again. None is lanyard.ErrNotFound, one that waits
// already is due at once.
func (s Scope) ReplayWebhook(ctx context.Context, webhook lanyard.WebhookID, id lanyard.DeliveryID, now time.Time) error {
	var queued string
	return s.changeReturning(ctx, &queued, `UPDATE deliveries SET state = 'queued', tries = 0, due_at = ?, expires_at = ?, error = '', response = 0
		WHERE tenant_id = ? AND webhook_id <> '' AND webhook_id = ? AND id = ? RETURNING id`,
		micros(now), micros(now.Add(keepWebhookDelivery)), string(s.tenant), string(webhook), string(id))
}

// WebhookDelivery is a message to a webhook and what came of it.
type WebhookDelivery struct {
	ID        lanyard.DeliveryID
	EventID   lanyard.EventID
	Type      lanyard.EventType
	State     string
	Tries     int
	Response  int
	Error     string
	CreatedAt time.Time
	// TriedAt is the last try, DueAt the next one of what waits.
	TriedAt time.Time
	DueAt   time.Time
}

// WebhookDeliveries lists the messages to a webhook in the order in which they were
// queued, those in a state, empty for all.
func (s Scope) WebhookDeliveries(ctx context.Context, webhook lanyard.WebhookID, state string, w Window) ([]WebhookDelivery, error) {
	args := []any{string(s.tenant), string(webhook)}
	where := ""
	if state != "" {
		where, args = ` AND state = ?`, append(args, state)
	}
	after, more, tail := w.order("id", "id")
	var rows []struct {
		ID        string
		EventID   string
		Subject   string
		State     string
		Tries     int
		Response  int
		Error     string
		CreatedAt int64
		TriedAt   int64
		DueAt     int64
	}
	err := s.list(ctx, &rows, `SELECT id, event_id, subject, state, tries, response, error, created_at, tried_at, due_at FROM deliveries
		WHERE tenant_id = ? AND webhook_id <> '' AND webhook_id = ?`+where+after+tail, append(append(args, more...), w.Limit)...)
	out := make([]WebhookDelivery, 0, len(rows))
	for _, r := range rows {
		out = append(out, WebhookDelivery{
			ID: lanyard.DeliveryID(r.ID), EventID: lanyard.EventID(r.EventID), Type: lanyard.EventType(r.Subject), State: r.State, Tries: r.Tries,
			Response: r.Response, Error: r.Error, CreatedAt: timeOf(r.CreatedAt), TriedAt: timeOf(r.TriedAt), DueAt: timeOf(r.DueAt),
		})
	}
	return out, err
}
