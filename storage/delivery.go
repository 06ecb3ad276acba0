package storage

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/lanyard-id/lanyard"
)

// DeliveryMail is the kind of delivery that is a mail.
const DeliveryMail = "mail"

// The states of a delivery. All but the first are final, and the content is gone.
const (
	DeliveryQueued = "queued"
	DeliverySent   = "sent"
	// DeliveryFailed was refused for good, DeliveryExpired was not sent in time.
	DeliveryFailed  = "failed"
	DeliveryExpired = "expired"
	// DeliveryVoid was never meant to be sent, DeliveryDropped found the queue full.
	DeliveryVoid    = "void"
	DeliveryDropped = "dropped"
)

// maxQueued bounds the deliveries of a kind that wait in a tenant. What comes then is not
// refused, for nobody's request may depend on it, but dropped.
const maxQueued = 10_000

// NewDelivery is something that is to leave the product because of an event.
type NewDelivery struct {
	ID        lanyard.DeliveryID
	EventID   lanyard.EventID
	Kind      string
	Recipient string
	// Subject says what it is about, in one word.
	Subject string
	// Sealed is the content; it is wiped when it was delivered or has expired.
	Sealed    []byte
	DueAt     time.Time
	ExpiresAt time.Time
	// Void is a delivery that is recorded and never sent, such as the answer to a
	// stranger who asks for an account that is not there. Its content is not kept.
	Void bool
}

// InsertDelivery queues a delivery. It belongs into the transaction of its event.
func (s Scope) InsertDelivery(ctx context.Context, d NewDelivery) error {
	var waiting int
	err := s.find(ctx, &waiting, `SELECT count(*) FROM (SELECT 1 FROM deliveries WHERE tenant_id = ? AND state = 'queued' AND kind = ? LIMIT ?) AS waiting`,
		string(s.tenant), d.Kind, maxQueued)
	if err != nil {
		return err
	}
	state, sealed := DeliveryQueued, any(d.Sealed)
	switch {
	case d.Void:
		state, sealed = DeliveryVoid, nil
	case waiting >= maxQueued:
		state, sealed = DeliveryDropped, nil
	}
	_, err = s.change(ctx, `INSERT INTO deliveries (tenant_id, id, event_id, kind, recipient, subject, sealed, state, due_at, expires_at, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		string(s.tenant), string(d.ID), string(d.EventID), d.Kind, d.Recipient, d.Subject, sealed, state, micros(d.DueAt), micros(d.ExpiresAt), micros(d.DueAt))
	return err
}

// Delivery is something that leaves the product because of an event: a mail, a webhook, a logout notice.
type Delivery struct {
	ID        string
	Kind      string
	Recipient string
	Subject   string
	State     string
	Tries     int
	CreatedAt time.Time
	// Wiped says that the content is gone.
	Wiped bool
}

// Deliveries lists the newest deliveries, newest first, without their sealed content.
func (s Scope) Deliveries(ctx context.Context, limit int) ([]Delivery, error) {
	var rows []struct {
		ID        string
		Kind      string
		Recipient string
		Subject   string
		State     string
		Tries     int
		CreatedAt int64
		Wiped     bool
	}
	err := s.list(ctx, &rows, `SELECT id, kind, recipient, subject, state, tries, created_at, sealed IS NULL AS wiped FROM deliveries
		WHERE tenant_id = ? ORDER BY id DESC LIMIT ?`, string(s.tenant), limit)
	out := make([]Delivery, 0, len(rows))
	for _, r := range rows {
		out = append(out, Delivery{
			ID: r.ID, Kind: r.Kind, Recipient: r.Recipient, Subject: r.Subject, State: r.State, Tries: r.Tries, CreatedAt: timeOf(r.CreatedAt), Wiped: r.Wiped,
		})
	}
	return out, err
}

// DueDelivery is a delivery that was claimed: nobody else sees it before its lease ends.
type DueDelivery struct {
	TenantID  lanyard.TenantID
	ID        lanyard.DeliveryID
	Recipient string
	Subject   string
	Sealed    []byte
	// Try counts the claims, this one included. It fences off whoever claimed before.
	Try       int
	CreatedAt time.Time
	ExpiresAt time.Time
	// UserID is the user that the delivery's event is about, empty for a stranger.
	UserID lanyard.UserID
	// EventID is that event, WebhookID the webhook that is told of it, empty for a mail.
	EventID   lanyard.EventID
	WebhookID lanyard.WebhookID
}

type dueRow struct {
	TenantID  string
	ID        string
	Recipient string
	Subject   string
	Sealed    []byte
	Tries     int
	CreatedAt int64
	ExpiresAt int64
	UserID    string
	EventID   string
	WebhookID string
}

// DueDeliveries claims deliveries of a kind over all tenants, those that wait
// longest first, and gives them oldest first. A claim is a lease: if the delivery
// is neither finished, postponed nor failed, it is due again when that ends. What
// has expired is not given out but ended; a limit of zero does only that. The
// deliveries of a suspended tenant wait.
func (s *Store) DueDeliveries(ctx context.Context, kind string, now time.Time, lease time.Duration, limit int) ([]DueDelivery, error) {
	var one int
	err := s.runner().find(ctx, &one, `SELECT 1 FROM deliveries WHERE state = 'queued' AND due_at <= ? AND kind = ? LIMIT 1`, micros(now), kind)
	if errors.Is(err, lanyard.ErrNotFound) { // as nearly always, and then nothing is written
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if _, err := s.runner().change(ctx, `UPDATE deliveries SET state = 'expired', sealed = NULL
		WHERE state = 'queued' AND due_at <= ? AND expires_at <= ? AND kind = ?`, micros(now), micros(now), kind); err != nil || limit < 1 {
		return nil, err
	}
	var rows []dueRow
	err = s.runner().changeListing(ctx, &rows, `UPDATE deliveries SET tries = tries + 1, due_at = ?
		WHERE state = 'queued' AND due_at <= ? AND expires_at > ? AND (tenant_id, id) IN (
			SELECT d.tenant_id, d.id FROM deliveries d WHERE d.state = 'queued' AND d.due_at <= ? AND d.kind = ?
			AND NOT EXISTS (SELECT 1 FROM tenants t WHERE t.tenant_id = d.tenant_id AND t.suspended) ORDER BY d.due_at LIMIT ?)
		RETURNING tenant_id, id, recipient, subject, sealed, tries, created_at, expires_at, event_id, webhook_id,
			(SELECT e.user_id FROM events e WHERE e.tenant_id = deliveries.tenant_id AND e.id = deliveries.event_id) AS user_id`,
		micros(now.Add(lease)), micros(now), micros(now), micros(now), kind, limit)
	if err != nil {
		return nil, err
	}
	out := make([]DueDelivery, 0, len(rows))
	for _, r := range rows {
		out = append(out, DueDelivery{
			TenantID: lanyard.TenantID(r.TenantID), ID: lanyard.DeliveryID(r.ID), Recipient: r.Recipient, Subject: r.Subject, Sealed: r.Sealed,
			Try: r.Tries, CreatedAt: timeOf(r.CreatedAt), ExpiresAt: timeOf(r.ExpiresAt), UserID: lanyard.UserID(r.UserID),
			EventID: lanyard.EventID(r.EventID), WebhookID: lanyard.WebhookID(r.WebhookID),
		})
	}
	slices.SortFunc(out, func(a, b DueDelivery) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

// changeListing runs a writing statement and scans all rows that it returns.
func (r runner) changeListing(ctx context.Context, dest any, query string, args ...any) error {
	err := r.run(ctx, query, args, func(ctx context.Context) error { return r.write.all(ctx, dest, query, args) })
	if errors.Is(err, lanyard.ErrNotFound) {
		return nil
	}
	return err
}

// FinishDelivery records that a delivery was sent, and wipes its content. Whoever
// sent it says so, even after the lease; one that is over already is lanyard.ErrConflict.
func (s Scope) FinishDelivery(ctx context.Context, id lanyard.DeliveryID) error {
	return s.must(ctx, `UPDATE deliveries SET state = 'sent', sealed = NULL WHERE tenant_id = ? AND id = ? AND state = 'queued'`, string(s.tenant), string(id))
}

// PostponeDelivery makes a delivery due again, at its expiry at the latest. It is
// lanyard.ErrConflict if somebody else has claimed or ended it since this try.
func (s Scope) PostponeDelivery(ctx context.Context, id lanyard.DeliveryID, try int, due time.Time) error {
	return s.must(ctx, `UPDATE deliveries SET due_at = CASE WHEN expires_at < ? THEN expires_at ELSE ? END
		WHERE tenant_id = ? AND id = ? AND state = 'queued' AND tries = ?`, micros(due), micros(due), string(s.tenant), string(id), try)
}

// FailDelivery gives a delivery up, and wipes its content. It belongs into the
// transaction of the event about it. It is lanyard.ErrConflict if somebody else
// has claimed or ended it since this try.
func (s Scope) FailDelivery(ctx context.Context, id lanyard.DeliveryID, try int) error {
	return s.must(ctx, `UPDATE deliveries SET state = 'failed', sealed = NULL WHERE tenant_id = ? AND id = ? AND state = 'queued' AND tries = ?`,
		string(s.tenant), string(id), try)
}

// Queue is what waits to be delivered.
type Queue struct {
	Length int
	// Oldest is when the delivery was queued that waits longest; zero if none waits.
	Oldest time.Time
}

// DeliveryQueues tells what waits over all tenants, by kind, for metrics. A kind of which
// nothing waits is left out.
func (s *Store) DeliveryQueues(ctx context.Context) (map[string]Queue, error) {
	var rows []struct {
		Kind   string
		Length int
		Oldest int64
	}
	err := s.runner().list(ctx, &rows, `SELECT kind, count(*) AS length, min(created_at) AS oldest FROM deliveries WHERE state = 'queued' GROUP BY kind`)
	out := map[string]Queue{}
	for _, r := range rows {
		out[r.Kind] = Queue{Length: r.Length, Oldest: timeOf(r.Oldest)}
	}
	return out, err
}
