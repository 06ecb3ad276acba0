package mail

import (
	"context"
	"slices"
	"sync"

	"github.com/lanyard-id/lanyard"
)

// maxCaptured bounds the mails that an outbox keeps.
const maxCaptured = 1000

// Outbox keeps mails instead of sending them, for development and tests.
type Outbox struct {
	mu      sync.Mutex
	mails   []Message // oldest first
	changed chan struct{}
	closed  bool
}

// NewOutbox makes an empty outbox.
func NewOutbox() *Outbox { return &Outbox{changed: make(chan struct{})} }

// Send implements Sender. A mail that was sent before is kept once.
func (o *Outbox) Send(_ context.Context, m Message) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if slices.ContainsFunc(o.mails, func(old Message) bool { return old.Tenant == m.Tenant && old.ID == m.ID }) {
		return nil
	}
	o.mails = append(o.mails, m)
	o.mails = slices.Delete(o.mails, 0, max(0, len(o.mails)-maxCaptured))
	close(o.changed)
	o.changed = make(chan struct{})
	return nil
}

// Close ends all waits, now and later.
func (o *Outbox) Close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.closed {
		o.closed = true
		close(o.changed)
		o.changed = make(chan struct{})
	}
}

// Search says which mails of an outbox are meant.
type Search struct {
	Tenant lanyard.TenantID
	// To is an address in any spelling; empty for all.
	To string
	// After is the id of a mail; only those that came later are meant. Empty, or the
	// id of a mail that is not there, for all.
	After lanyard.DeliveryID
}

// Find lists the mails that are meant, newest first.
func (o *Outbox) Find(s Search) []Message {
	found, _, _ := o.find(s)
	return found
}

// Wait lists the mails that are meant as soon as there is one. It gives none when
// ctx ends before.
func (o *Outbox) Wait(ctx context.Context, s Search) []Message {
	for {
		found, changed, closed := o.find(s)
		if len(found) > 0 || closed {
			return found
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

func (o *Outbox) find(s Search) ([]Message, <-chan struct{}, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var found []Message
	wanted := canonical(s.To)
	for _, m := range slices.Backward(o.mails) {
		if m.Tenant != s.Tenant {
			continue
		}
		if s.After != "" && m.ID == s.After {
			break
		}
		if s.To == "" || canonical(m.To) == wanted {
			found = append(found, m)
		}
	}
	return found, o.changed, o.closed
}

// canonical is the form in which addresses are compared; what is none is only like itself.
func canonical(address string) string {
	if c, err := lanyard.CanonicalEmail(address); err == nil {
		return c
	}
	return address
}
