package storage

import (
	"context"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
)

const webhookColumns = `id, url, description, types, disabled, secret, previous_secret, previous_until, failing_since, created_at, updated_at`

type webhookRow struct {
	ID             string
	URL            string
	Description    string
	Types          string
	Disabled       bool
	Secret         []byte
	PreviousSecret []byte
	PreviousUntil  int64
	FailingSince   int64
	CreatedAt      int64
	UpdatedAt      int64
}

func (r webhookRow) webhook(tenant lanyard.TenantID) lanyard.Webhook {
	return lanyard.Webhook{
		ID: lanyard.WebhookID(r.ID), TenantID: tenant, URL: r.URL, Description: r.Description, Types: strings.Fields(r.Types), Disabled: r.Disabled,
		Sealed: r.Secret, SealedPrevious: r.PreviousSecret, PreviousUntil: timeOf(r.PreviousUntil), FailingSince: timeOf(r.FailingSince),
		CreatedAt: timeOf(r.CreatedAt), UpdatedAt: timeOf(r.UpdatedAt),
	}
}

// Webhooks lists the webhooks of the tenant by id.
func (s Scope) Webhooks(ctx context.Context) ([]lanyard.Webhook, error) {
	var rows []webhookRow
	err := s.list(ctx, &rows, `SELECT `+webhookColumns+` FROM webhooks WHERE tenant_id = ? ORDER BY id`, string(s.tenant))
	out := make([]lanyard.Webhook, 0, len(rows))
	for _, row := range rows {
		out = append(out, row.webhook(s.tenant))
	}
	return out, err
}

// Webhook finds a webhook.
func (s Scope) Webhook(ctx context.Context, id lanyard.WebhookID) (lanyard.Webhook, error) {
	var row webhookRow
	err := s.find(ctx, &row, `SELECT `+webhookColumns+` FROM webhooks WHERE tenant_id = ? AND id = ?`, string(s.tenant), string(id))
	return row.webhook(s.tenant), err
}

// PutWebhook adds or replaces a webhook. What happened before is told to those that wanted
// it then: the facts that wait are queued first. What waits for one that is disabled is given up.
func (s Scope) PutWebhook(ctx context.Context, w lanyard.Webhook) error {
	return s.InTx(ctx, func(tx Scope) error {
		for {
			taken, err := tx.QueuePending(ctx, pendingAtOnce, w.UpdatedAt)
			if err != nil {
				return err
			}
			if taken < pendingAtOnce {
				return tx.putWebhook(ctx, w)
			}
		}
	})
}

// pendingAtOnce is how many facts are read at a time.
const pendingAtOnce = 500

func (s Scope) putWebhook(ctx context.Context, w lanyard.Webhook) error {
	_, err := s.change(ctx, `INSERT INTO webhooks (tenant_id, `+webhookColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (tenant_id, id) DO UPDATE SET url = EXCLUDED.url, description = EXCLUDED.description, types = EXCLUDED.types, disabled = EXCLUDED.disabled,
			secret = EXCLUDED.secret, previous_secret = EXCLUDED.previous_secret, previous_until = EXCLUDED.previous_until,
			failing_since = EXCLUDED.failing_since, updated_at = EXCLUDED.updated_at`,
		string(s.tenant), string(w.ID), w.URL, w.Description, strings.Join(w.Types, " "), w.Disabled, w.Sealed, w.SealedPrevious,
		maybeMicros(w.PreviousUntil), maybeMicros(w.FailingSince), micros(w.CreatedAt), micros(w.UpdatedAt))
	if err != nil || !w.Disabled {
		return err
	}
	return s.giveUpWebhook(ctx, w.ID)
}

func (s Scope) giveUpWebhook(ctx context.Context, id lanyard.WebhookID) error {
	_, err := s.change(ctx, `UPDATE deliveries SET state = 'failed', error = 'disabled' WHERE tenant_id = ? AND webhook_id <> '' AND webhook_id = ? AND state = 'queued'`,
		string(s.tenant), string(id))
	return err
}

// DeleteWebhook removes a webhook; none is lanyard.ErrNotFound. What waits for it is given up.
func (s Scope) DeleteWebhook(ctx context.Context, id lanyard.WebhookID) error {
	var gone string
	if err := s.changeReturning(ctx, &gone, `DELETE FROM webhooks WHERE tenant_id = ? AND id = ? RETURNING id`, string(s.tenant), string(id)); err != nil {
		return err
	}
	return s.giveUpWebhook(ctx, id)
}

// NoteWebhookFailure notes a failure at a moment and gives when the first one was since
// the last success. A webhook that is gone is lanyard.ErrNotFound.
func (s Scope) NoteWebhookFailure(ctx context.Context, id lanyard.WebhookID, at time.Time) (time.Time, error) {
	var since int64
	err := s.changeReturning(ctx, &since, `UPDATE webhooks SET failing_since = COALESCE(failing_since, ?) WHERE tenant_id = ? AND id = ? RETURNING failing_since`,
		micros(at), string(s.tenant), string(id))
	return timeOf(since), err
}

// NoteWebhookSuccess forgets the failures of a webhook. What was held back for it is due
// again, but for what somebody works on.
func (s Scope) NoteWebhookSuccess(ctx context.Context, id lanyard.WebhookID, now time.Time, lease time.Duration) error {
	n, err := s.change(ctx, `UPDATE webhooks SET failing_since = NULL WHERE tenant_id = ? AND id = ? AND failing_since IS NOT NULL`, string(s.tenant), string(id))
	if err != nil || n == 0 {
		return err
	}
	_, err = s.change(ctx, `UPDATE deliveries SET due_at = ? WHERE tenant_id = ? AND webhook_id <> '' AND webhook_id = ? AND state = 'queued' AND due_at > ?`,
		micros(now), string(s.tenant), string(id), micros(now.Add(lease)))
	return err
}

// HoldWebhook is Webhook for who changes it: until the end of the transaction nobody else does.
func (s Scope) HoldWebhook(ctx context.Context, id lanyard.WebhookID) (lanyard.Webhook, error) {
	var row webhookRow
	err := s.changeReturning(ctx, &row, `UPDATE webhooks SET updated_at = updated_at WHERE tenant_id = ? AND id = ? RETURNING `+webhookColumns,
		string(s.tenant), string(id))
	return row.webhook(s.tenant), err
}
