package storage

import (
	"context"
	"time"
)

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
