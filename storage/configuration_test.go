package storage_test

import (
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// configurationCases are the methods on clients, webhooks and what else a tenant is made of.
func configurationCases(t *testing.T, by stranger) (calls, own cases) {
	s, ctx, v := by.Scope, t.Context(), by.victim
	few := storage.Window{Limit: 9}
	ok(t, v.AddClientSecret(ctx, "web", "sec_same", lanyard.ClientSecret{Hash: hash("another")}, now))
	hook := lanyard.Webhook{ID: "whk_same", URL: "https://hook.example.test", Sealed: []byte("sealed"), CreatedAt: now, UpdatedAt: now}
	ok(t, v.PutWebhook(ctx, hook))
	fact := lanyard.Event{ID: "evt_same", Type: lanyard.EventUserUpdated, At: now}
	ok(t, v.InsertEvent(ctx, fact))
	ok(t, v.QueueWebhook(ctx, "dlv_hook", hook.ID, fact, now, now))
	calls = cases{
		"ClientWindow": func() error {
			all, err := s.ClientWindow(ctx, storage.ClientFilter{}, few)
			return touched(len(all), err)
		},
		"EndClient":     func() error { return s.EndClient(ctx, "web", "x", now) },
		"DeleteClient":  func() error { return s.DeleteClient(ctx, "web") },
		"StoredSecrets": func() error { all, err := s.StoredSecrets(ctx, "web"); return touched(len(all), err) },
		"AddClientSecret": func() error {
			return s.AddClientSecret(ctx, "web", "sec_x", lanyard.ClientSecret{Hash: hash("x")}, now)
		},
		"EndClientSecret":     func() error { return s.EndClientSecret(ctx, "web", "sec_same", now) },
		"DeleteClientSecret":  func() error { return s.DeleteClientSecret(ctx, "web", "sec_same") },
		"ClientRefusals":      func() error { all, err := s.ClientRefusals(ctx, "web", few); return touched(len(all), err) },
		"MachinePlaces":       func() error { all, err := s.MachinePlaces(ctx, "web", few); return touched(len(all), err) },
		"TenantRoleHeld":      func() error { return touched(s.TenantRoleHeld(ctx, "victim", now)) },
		"DeleteTrustedIssuer": func() error { return s.DeleteTrustedIssuer(ctx, "https://upstream.example.test") },
		"EventWindow": func() error {
			all, err := s.EventWindow(ctx, storage.EventFilter{}, few)
			return touched(len(all), err)
		},
		"Event":              func() error { return first(s.Event(ctx, "evt_same")) },
		"QueuePending":       func() error { return touched(s.QueuePending(ctx, 9, now)) },
		"TakePending":        func() error { all, err := s.TakePending(ctx, 9); return touched(len(all), err) },
		"Webhooks":           func() error { all, err := s.Webhooks(ctx); return touched(len(all), err) },
		"Webhook":            func() error { return first(s.Webhook(ctx, hook.ID)) },
		"HoldWebhook":        func() error { return first(s.HoldWebhook(ctx, hook.ID)) },
		"DeleteWebhook":      func() error { return s.DeleteWebhook(ctx, hook.ID) },
		"NoteWebhookFailure": func() error { return first(s.NoteWebhookFailure(ctx, hook.ID, now)) },
		"NoteWebhookSuccess": func() error { return s.NoteWebhookSuccess(ctx, hook.ID, now, time.Minute) },
		"HoldBackWebhook":    func() error { return s.HoldBackWebhook(ctx, hook.ID, now.Add(time.Hour)) },
		"ReplayWebhook":      func() error { return s.ReplayWebhook(ctx, hook.ID, "dlv_hook", now) },
		"RecordWebhookTry": func() error {
			return s.RecordWebhookTry(ctx, storage.WebhookTry{ID: "dlv_hook", State: storage.DeliverySent, At: now, Due: now})
		},
		"WebhookDeliveries": func() error { all, err := s.WebhookDeliveries(ctx, hook.ID, "", few); return touched(len(all), err) },
		"QueueWebhook":      func() error { return s.QueueWebhook(ctx, "dlv_x", hook.ID, fact, now, now) },
	}
	disabled := hook
	disabled.Disabled = true
	return calls, cases{"PutWebhook": func() error { return s.PutWebhook(ctx, disabled) }}
}

// TestEventsAreForgottenByPolicy: those that are older, but not what waits to be delivered.
func TestEventsAreForgottenByPolicy(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx := t.Context()
		short, long := furnish(t, store, "short"), furnish(t, store, "long")
		tenant, err := short.Tenant(ctx)
		ok(t, err)
		tenant.Policy.EventRetention = lanyard.Duration(48 * time.Hour)
		ok(t, short.UpdateTenant(ctx, tenant))
		hook := lanyard.Webhook{ID: "whk", URL: "https://hook.example.test", Sealed: []byte("x"), CreatedAt: now, UpdatedAt: now}
		ok(t, short.PutWebhook(ctx, hook))
		for id, state := range map[lanyard.EventID]string{"evt_waits": "", "evt_sent": storage.DeliverySent} {
			fact := lanyard.Event{ID: id, Type: lanyard.EventUserUpdated, At: now}
			ok(t, short.InsertEvent(ctx, fact))
			delivery := lanyard.DeliveryID("dlv_" + id)
			ok(t, short.QueueWebhook(ctx, delivery, hook.ID, fact, now, now))
			if state != "" {
				ok(t, short.RecordWebhookTry(ctx, storage.WebhookTry{ID: delivery, State: state, At: now, Due: now}))
			}
		}
		_, err = short.TakePending(ctx, 99)
		ok(t, err)
		ok(t, short.InsertEvent(ctx, lanyard.Event{ID: "evt_new", Type: lanyard.EventUserUpdated, At: now.Add(47 * time.Hour)}))
		taken, err := short.ClaimIdempotencyKey(ctx, "a", "k", now)
		if err != nil || !taken {
			t.Fatal(err)
		}
		_, err = store.CleanUp(ctx, now.Add(49*time.Hour))
		ok(t, err)
		left, err := short.Events(ctx, 10)
		ok(t, err)
		names := map[lanyard.EventID]bool{}
		for _, e := range left {
			names[e.ID] = true
		}
		if len(left) != 2 || !names["evt_waits"] || !names["evt_new"] {
			t.Errorf("left are %v", names)
		}
		if kept, err := long.Events(ctx, 10); err != nil || len(kept) != 1 {
			t.Errorf("another tenant has %d: %v", len(kept), err)
		}
		if again, err := short.ClaimIdempotencyKey(ctx, "a", "k", now); err != nil || !again {
			t.Errorf("the key of two days ago is there: %v", err)
		}
	})
}
