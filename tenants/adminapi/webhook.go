package adminapi

import (
	"context"
	"net/http"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// webhooks are the operations on webhooks.
func (a *API) webhooks() {
	m := a.management
	list(a, operation{Path: "/webhooks", ID: "listWebhooks", Summary: "List webhooks", Permission: lanyard.MayReadWebhooks},
		management.WebhookColumns, func(ctx context.Context, c call, q management.Query) (management.List[management.Webhook], error) {
			return m.Webhooks(ctx, c.Administrator, q)
		})
	create(a, operation{Path: "/webhooks", ID: "createWebhook", Summary: "Add a webhook", Permission: lanyard.MayManageWebhooks},
		func(ctx context.Context, c call, thing management.Webhook) (management.SignedWebhook, error) {
			return m.CreateWebhook(ctx, c.Administrator, thing)
		})
	get(a, operation{Path: "/webhooks/{webhook}", ID: "getWebhook", Summary: "Show a webhook", Permission: lanyard.MayReadWebhooks},
		func(ctx context.Context, c call) (management.Webhook, error) {
			return m.Webhook(ctx, c.Administrator, c.webhook())
		})
	change(a, operation{Path: "/webhooks/{webhook}", ID: "updateWebhook", Summary: "Change a webhook", Permission: lanyard.MayManageWebhooks},
		func(ctx context.Context, c call, change management.Change[management.Webhook]) (management.Webhook, error) {
			return m.ChangeWebhook(ctx, c.Administrator, c.webhook(), change)
		})
	remove(a, operation{Path: "/webhooks/{webhook}", ID: "deleteWebhook", Summary: "Remove a webhook", Permission: lanyard.MayManageWebhooks},
		func(ctx context.Context, c call, when management.Condition[management.Webhook]) error {
			return m.RemoveWebhook(ctx, c.Administrator, c.webhook(), when)
		})
	a.webhookDeliveries()
}

// webhook is the {webhook} of the path.
func (c call) webhook() lanyard.WebhookID { return lanyard.WebhookID(c.in("webhook")) }

// queued is the answer to what is delivered later.
type queued struct {
	Delivery lanyard.DeliveryID `json:"delivery"`
}

// webhookDeliveries are the operations on what webhooks are told.
func (a *API) webhookDeliveries() {
	m := a.management
	act(a, operation{Path: "/webhooks/{webhook}/rotate", ID: "rotateWebhookSecret", Summary: "Give a webhook another signing secret", Permission: lanyard.MayManageWebhooks},
		func(ctx context.Context, c call, r management.SecretRotation) (management.SignedWebhook, error) {
			return m.RotateWebhook(ctx, c.Administrator, c.webhook(), r)
		})
	actOn(a, operation{Path: "/webhooks/{webhook}/test", ID: "testWebhook", Summary: "Send a webhook a test", Permission: lanyard.MayManageWebhooks, Status: http.StatusAccepted},
		func(ctx context.Context, c call) (queued, error) {
			id, err := m.TestWebhook(ctx, c.Administrator, c.webhook())
			return queued{id}, err
		})
	list(a, operation{Path: "/webhooks/{webhook}/deliveries", ID: "listDeliveries", Summary: "List what a webhook was told", Permission: lanyard.MayReadWebhooks},
		management.DeliveryColumns, func(ctx context.Context, c call, q management.Query) (management.List[management.Delivery], error) {
			return m.Deliveries(ctx, c.Administrator, c.webhook(), q)
		})
	actOn(a, operation{
		Path: "/webhooks/{webhook}/deliveries/{delivery}/replay", ID: "replayDelivery", Summary: "Send a message again", Permission: lanyard.MayManageWebhooks, Status: http.StatusAccepted,
	}, func(ctx context.Context, c call) (queued, error) {
		id := lanyard.DeliveryID(c.in("delivery"))
		return queued{id}, m.ReplayDelivery(ctx, c.Administrator, c.webhook(), id)
	})
}
