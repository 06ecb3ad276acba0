package management

import (
	"context"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// Webhook is an endpoint of somebody else that is told what happens (Standard Webhooks).
type Webhook struct {
	ID          lanyard.WebhookID `json:"id" readOnly:"true"`
	URL         string            `json:"url"`
	Description string            `json:"description,omitempty"`
	// Types are facts like user.created, or user.* for all of a noun; empty for all.
	Types    []string `json:"types,omitempty"`
	Disabled bool     `json:"disabled,omitempty"`
	// PreviousUntil is how long the secret before signs too.
	PreviousUntil time.Time `json:"previous_until,omitzero" readOnly:"true"`
	// FailingSince is the first failure since the last success.
	FailingSince time.Time `json:"failing_since,omitzero" readOnly:"true"`
	CreatedAt    time.Time `json:"created_at" readOnly:"true"`
}

// SignedWebhook is a webhook with the signing secret that was made for it: it is shown once.
type SignedWebhook struct {
	Webhook
	Secret string `json:"secret" readOnly:"true"`
}

// WebhookColumns are those of Webhooks.
var WebhookColumns = Columns{Sorts: []string{"created", "url"}, Filters: []string{"disabled"}}

const (
	maxWebhooks           = 50
	maxWebhookURL         = 2048
	maxWebhookDescription = 300
	// secretOverlap is how long the secret before signs when nothing else is said, maxSecretOverlap the longest time.
	secretOverlap    = 24 * time.Hour
	maxSecretOverlap = 30 * 24 * time.Hour
)

func webhookOf(w lanyard.Webhook) Webhook {
	return Webhook{
		ID: w.ID, URL: w.URL, Description: w.Description, Types: w.Types, Disabled: w.Disabled, PreviousUntil: w.PreviousUntil,
		FailingSince: w.FailingSince, CreatedAt: w.CreatedAt,
	}
}

// Webhooks lists the tenant's webhooks. The search is part of URL or description.
func (m *Management) Webhooks(ctx context.Context, a Administrator, q Query) (List[Webhook], error) {
	if err := a.Need(lanyard.MayReadWebhooks); err != nil {
		return List[Webhook]{}, err
	}
	all, err := a.Scope().Webhooks(ctx)
	if err != nil {
		return List[Webhook]{}, err
	}
	return pageOfAll(a, &q, "webhooks", WebhookColumns, all, few[lanyard.Webhook, Webhook]{
		key: func(w lanyard.Webhook, sort string) string {
			if sort == "url" {
				return w.URL
			}
			return string(w.ID)
		},
		id:    func(w lanyard.Webhook) string { return string(w.ID) },
		words: func(w lanyard.Webhook) []string { return []string{w.URL, w.Description} },
		keep:  func(w lanyard.Webhook, _, value string) bool { return (value == "true") == w.Disabled },
		as:    webhookOf,
	})
}

// Webhook is one of the tenant's webhooks.
func (m *Management) Webhook(ctx context.Context, a Administrator, id lanyard.WebhookID) (Webhook, error) {
	if err := a.Need(lanyard.MayReadWebhooks); err != nil {
		return Webhook{}, err
	}
	w, err := a.Scope().Webhook(ctx, id)
	if err != nil {
		return Webhook{}, gone(err)
	}
	return webhookOf(w), nil
}

// CreateWebhook adds a webhook and shows its signing secret.
func (m *Management) CreateWebhook(ctx context.Context, a Administrator, w Webhook) (SignedWebhook, error) {
	if err := a.Need(lanyard.MayReadEvents); err != nil { // it would read them by the webhook
		return SignedWebhook{}, err
	}
	stored := lanyard.Webhook{
		ID: lanyard.NewWebhookID(), TenantID: a.Live.Tenant.ID, URL: w.URL, Description: w.Description, Types: w.Types, Disabled: w.Disabled,
		CreatedAt: a.Now, UpdatedAt: a.Now,
	}
	secret := lanyard.NewWebhookSecret()
	out := SignedWebhook{Webhook: webhookOf(stored), Secret: secret.Reveal()}
	return out, m.change(ctx, a, lanyard.MayManageWebhooks, false, func(tx storage.Scope) error {
		if err := m.checkWebhook(stored); err != nil {
			return err
		}
		if err := tx.LockTenant(ctx); err != nil {
			return err
		}
		all, err := tx.Webhooks(ctx)
		if err != nil {
			return err
		}
		if len(all) >= maxWebhooks {
			return lanyard.ErrConflict.Saying("a tenant has 50 webhooks at most")
		}
		if stored.Sealed, err = m.Sealer.Seal(stored.SecretPlace(false), []byte(secret.Reveal())); err != nil {
			return err
		}
		return m.putWebhook(ctx, tx, a, stored)
	})
}

// checkWebhook refuses what can not be called, or would be told of nothing.
func (m *Management) checkWebhook(w lanyard.Webhook) error {
	switch {
	case len(w.URL) > maxWebhookURL, m.CheckURL != nil && m.CheckURL(w.URL) != nil:
		return lanyard.ErrBadInput.Saying("url is a public https address")
	case utf8.RuneCountInString(w.Description) > maxWebhookDescription:
		return lanyard.ErrBadInput.Saying("the description has at most 300 characters")
	case len(w.Types) > len(lanyard.EventTypes):
		return lanyard.ErrBadInput.Saying("there are more types than facts")
	}
	for _, pattern := range w.Types {
		if !lanyard.ValidEventPattern(pattern) {
			return lanyard.ErrBadInput.Saying("a type is a fact like user.created, or user.* for all of a noun")
		}
	}
	return nil
}

func (m *Management) putWebhook(ctx context.Context, tx storage.Scope, a Administrator, w lanyard.Webhook) error {
	if err := tx.PutWebhook(ctx, w); err != nil {
		return err
	}
	return m.record(ctx, tx, a, lanyard.Event{Type: lanyard.EventWebhookUpdated, Detail: map[string]string{"webhook": string(w.ID)}})
}

// editWebhook changes what is stored of a webhook, in the transaction that holds it.
func (m *Management) editWebhook(ctx context.Context, a Administrator, id lanyard.WebhookID, edit func(lanyard.Webhook) (lanyard.Webhook, error)) (lanyard.Webhook, error) {
	var after lanyard.Webhook
	err := m.change(ctx, a, lanyard.MayManageWebhooks, false, func(tx storage.Scope) error {
		before, err := tx.HoldWebhook(ctx, id)
		if err != nil {
			return gone(err)
		}
		if after, err = edit(before); err != nil {
			return err
		}
		if err := m.checkWebhook(after); err != nil {
			return err
		}
		after.UpdatedAt = a.Now
		return m.putWebhook(ctx, tx, a, after)
	})
	return after, err
}

// ChangeWebhook changes a webhook. What waits for one that is disabled is given up, and
// can be replayed; one that is switched on again begins without failures.
func (m *Management) ChangeWebhook(ctx context.Context, a Administrator, id lanyard.WebhookID, change Change[Webhook]) (Webhook, error) {
	if err := a.Need(lanyard.MayReadEvents); err != nil {
		return Webhook{}, err
	}
	after, err := m.editWebhook(ctx, a, id, func(w lanyard.Webhook) (lanyard.Webhook, error) {
		wanted, err := change(webhookOf(w))
		if w.Disabled && !wanted.Disabled {
			w.FailingSince = time.Time{}
		}
		w.URL, w.Description, w.Types, w.Disabled = wanted.URL, wanted.Description, wanted.Types, wanted.Disabled
		return w, err
	})
	return webhookOf(after), err
}

// SecretRotation asks for another signing secret.
type SecretRotation struct {
	// Overlap is how long the secret before signs too; 24 hours if it is left out.
	Overlap *lanyard.Duration `json:"overlap,omitempty" doc:"How long the secret before signs too, at most 720h; 24h if it is left out"`
}

// RotateWebhook gives a webhook another signing secret and shows it. The one before signs
// too until the overlap is over.
func (m *Management) RotateWebhook(ctx context.Context, a Administrator, id lanyard.WebhookID, r SecretRotation) (SignedWebhook, error) {
	overlap, secret := secretOverlap, lanyard.NewWebhookSecret()
	if r.Overlap != nil {
		overlap = time.Duration(*r.Overlap)
	}
	if overlap > maxSecretOverlap {
		return SignedWebhook{}, lanyard.ErrBadInput.Saying("overlap is at most 720h")
	}
	after, err := m.editWebhook(ctx, a, id, func(w lanyard.Webhook) (lanyard.Webhook, error) {
		plain, err := m.Sealer.Open(w.SecretPlace(false), w.Sealed)
		if err != nil {
			return w, err
		}
		w.SealedPrevious, w.PreviousUntil = nil, time.Time{}
		if overlap > 0 {
			w.PreviousUntil = a.Now.Add(overlap)
			if w.SealedPrevious, err = m.Sealer.Seal(w.SecretPlace(true), plain); err != nil {
				return w, err
			}
		}
		w.Sealed, err = m.Sealer.Seal(w.SecretPlace(false), []byte(secret.Reveal()))
		return w, err
	})
	return SignedWebhook{Webhook: webhookOf(after), Secret: secret.Reveal()}, err
}

// RemoveWebhook deletes a webhook; it is told of nothing any more.
func (m *Management) RemoveWebhook(ctx context.Context, a Administrator, id lanyard.WebhookID, when Condition[Webhook]) error {
	return m.change(ctx, a, lanyard.MayManageWebhooks, false, func(tx storage.Scope) error {
		before, err := tx.Webhook(ctx, id)
		if err != nil {
			return gone(err)
		}
		if err := when.met(webhookOf(before)); err != nil {
			return err
		}
		if err := tx.DeleteWebhook(ctx, id); err != nil {
			return err
		}
		return m.record(ctx, tx, a, lanyard.Event{Type: lanyard.EventWebhookRemoved, Detail: map[string]string{"webhook": string(id)}})
	})
}

// Delivery is a message to a webhook and what came of it.
type Delivery struct {
	ID lanyard.DeliveryID `json:"id" readOnly:"true"`
	// EventID is the webhook-id of the message.
	EventID lanyard.EventID   `json:"event_id" readOnly:"true"`
	Type    lanyard.EventType `json:"type" readOnly:"true"`
	State   string            `json:"state" readOnly:"true" enum:"queued,sent,failed,expired"`
	Tries   int               `json:"tries" readOnly:"true"`
	// ResponseStatus is that of the last answer; Error says why there was none.
	ResponseStatus int       `json:"response_status,omitempty" readOnly:"true"`
	Error          string    `json:"error,omitempty" readOnly:"true"`
	CreatedAt      time.Time `json:"created_at" readOnly:"true"`
	TriedAt        time.Time `json:"tried_at,omitzero" readOnly:"true"`
	// NextTryAt is when what waits is due.
	NextTryAt time.Time `json:"next_try_at,omitzero" readOnly:"true"`
}

// DeliveryColumns are those of Deliveries: the newest first.
var DeliveryColumns = Columns{Sorts: []string{"-created", "created"}, Filters: []string{"state"}}

func deliveryOf(d storage.WebhookDelivery) Delivery {
	out := Delivery{
		ID: d.ID, EventID: d.EventID, Type: d.Type, State: d.State, Tries: d.Tries, ResponseStatus: d.Response, Error: d.Error,
		CreatedAt: d.CreatedAt, TriedAt: d.TriedAt,
	}
	if d.State == storage.DeliveryQueued {
		out.NextTryAt = d.DueAt
	}
	return out
}

// Deliveries lists the messages to a webhook of the last 30 days.
func (m *Management) Deliveries(ctx context.Context, a Administrator, id lanyard.WebhookID, q Query) (List[Delivery], error) {
	if _, err := m.Webhook(ctx, a, id); err != nil {
		return List[Delivery]{}, err
	}
	list := "deliveries of " + string(id)
	w, err := q.window(a, list, DeliveryColumns)
	if err != nil {
		return List[Delivery]{}, err
	}
	states := []string{"", storage.DeliveryQueued, storage.DeliverySent, storage.DeliveryFailed, storage.DeliveryExpired}
	if q.Search != "" || !slices.Contains(states, q.Filter["state"]) {
		return List[Delivery]{}, lanyard.ErrBadInput.Saying("state is queued, sent, failed or expired; there is no search")
	}
	rows, err := a.Scope().WebhookDeliveries(ctx, id, q.Filter["state"], w)
	if err != nil {
		return List[Delivery]{}, err
	}
	return pageOf(a, &q, list, rows, func(d storage.WebhookDelivery) storage.Position { return storage.Position{ID: string(d.ID)} }, deliveryOf)
}

// ReplayDelivery sends a message again, as the same message, and tries as long as at first.
func (m *Management) ReplayDelivery(ctx context.Context, a Administrator, id lanyard.WebhookID, delivery lanyard.DeliveryID) error {
	return m.toWebhook(ctx, a, id, func(tx storage.Scope) error {
		if err := tx.ReplayWebhook(ctx, id, delivery, a.Now); err != nil {
			return gone(err)
		}
		return m.record(ctx, tx, a, lanyard.Event{
			Type: lanyard.EventWebhookReplayed, Detail: map[string]string{"webhook": string(id), "delivery": string(delivery)},
		})
	})
}

// TestWebhook sends a webhook the fact that it is tested, whatever it is told of else. It gives
// the delivery to watch.
func (m *Management) TestWebhook(ctx context.Context, a Administrator, id lanyard.WebhookID) (lanyard.DeliveryID, error) {
	delivery := lanyard.NewDeliveryID()
	return delivery, m.toWebhook(ctx, a, id, func(tx storage.Scope) error {
		e := lanyard.Event{ID: lanyard.NewEventID(), Type: lanyard.EventWebhookTested, Detail: map[string]string{"webhook": string(id)}}
		if err := m.record(ctx, tx, a, e); err != nil {
			return err
		}
		return tx.QueueWebhook(ctx, delivery, id, e, a.Now, a.Now)
	})
}

// toWebhook queues something for a webhook that is on.
func (m *Management) toWebhook(ctx context.Context, a Administrator, id lanyard.WebhookID, do func(tx storage.Scope) error) error {
	return m.change(ctx, a, lanyard.MayManageWebhooks, false, func(tx storage.Scope) error {
		w, err := tx.Webhook(ctx, id)
		if err != nil {
			return gone(err)
		}
		if w.Disabled {
			return lanyard.ErrConflict.Saying("the webhook is disabled")
		}
		return do(tx)
	})
}
