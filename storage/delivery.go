package storage

import (
	"context"
	"time"

	"github.com/lanyard-id/lanyard"
)

// DeliveryMail is the kind of delivery that is a mail.
const DeliveryMail = "mail"

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
}

// InsertDelivery queues a delivery. It belongs into the transaction of its event.
func (s Scope) InsertDelivery(ctx context.Context, d NewDelivery) error {
	_, err := s.change(ctx, `INSERT INTO deliveries (tenant_id, id, event_id, kind, recipient, subject, sealed, state, due_at, expires_at, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, 'queued', ?, ?, ?)`,
		string(s.tenant), string(d.ID), string(d.EventID), d.Kind, d.Recipient, d.Subject, d.Sealed, micros(d.DueAt), micros(d.ExpiresAt), micros(d.DueAt))
	return err
}

// Delivery is something that leaves the product because of an event: a mail, a webhook, a logout notice.
type Delivery struct {
	ID        string
	Kind      string
	Recipient string
	Subject   string
	State     string
	CreatedAt time.Time
}

// Deliveries lists the newest deliveries, newest first, without their sealed content.
func (s Scope) Deliveries(ctx context.Context, limit int) ([]Delivery, error) {
	var rows []struct {
		ID        string
		Kind      string
		Recipient string
		Subject   string
		State     string
		CreatedAt int64
	}
	err := s.list(ctx, &rows, `SELECT id, kind, recipient, subject, state, created_at FROM deliveries WHERE tenant_id = ? ORDER BY id DESC LIMIT ?`,
		string(s.tenant), limit)
	out := make([]Delivery, 0, len(rows))
	for _, r := range rows {
		out = append(out, Delivery{ID: r.ID, Kind: r.Kind, Recipient: r.Recipient, Subject: r.Subject, State: r.State, CreatedAt: timeOf(r.CreatedAt)})
	}
	return out, err
}
