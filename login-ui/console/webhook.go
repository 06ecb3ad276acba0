package console

import (
	"context"
	"net/http"
	"strconv"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// webhooks are the pages of endpoints that are told what happens.
func (c *Console) webhooks() {
	const (
		area = "/webhooks"
		read = lanyard.MayReadWebhooks
		do   = lanyard.MayManageWebhooks
	)
	c.page(screen{path: area, area: area, permission: read, show: c.webhookList})
	c.editor(deed{path: "/new/webhook", area: area, permission: do, from: newWebhook, do: c.createWebhook})
	c.page(screen{path: "/webhook", area: area, permission: read, show: c.webhook})
	c.editor(deed{path: "/webhook/edit", area: area, permission: do, from: c.editWebhook, do: c.changeWebhook})
	c.form(deed{path: "/webhook/rotate", area: area, permission: do, from: c.webhook, do: c.rotateWebhook})
	c.form(deed{path: "/webhook/test", area: area, permission: do, from: c.webhook, do: func(x *visit) (outcome, error) {
		if _, err := c.Management.TestWebhook(x.ctx(), x.Administrator, x.webhookID()); err != nil {
			return outcome{}, err
		}
		return x.done("tested", "/webhook", "id", x.id())
	}})
	c.form(deed{path: "/webhook/replay", area: area, permission: do, from: c.webhook, do: func(x *visit) (outcome, error) {
		if err := c.Management.ReplayDelivery(x.ctx(), x.Administrator, x.webhookID(), lanyard.DeliveryID(x.q("item"))); err != nil {
			return outcome{}, err
		}
		return x.done("replayed", "/webhook", "id", x.id())
	}})
	c.removal(removal{
		path: "/webhook/remove", area: area, permission: do, verb: "Remove",
		subject: func(x *visit) (string, []string, link, error) {
			w, err := c.Management.Webhook(x.ctx(), x.Administrator, x.webhookID())
			return w.URL, []string{"It is told nothing any more. What waits for it is lost."}, link{w.URL, x.at("/webhook", "id", x.id())}, err
		},
		do: func(x *visit) (outcome, error) {
			if err := c.Management.RemoveWebhook(x.ctx(), x.Administrator, x.webhookID(), nil); err != nil {
				return outcome{}, err
			}
			return x.done("removed", area)
		},
	})
}

func (x *visit) webhookID() lanyard.WebhookID { return lanyard.WebhookID(x.id()) }

func (x *visit) webhookState(w management.Webhook) cell {
	switch {
	case w.Disabled:
		return tag("Off", "bad")
	case !w.FailingSince.IsZero():
		return tag("Failing since "+distance(w.FailingSince.Sub(x.Now)), "warn")
	}
	return tag("On", "good")
}

func (c *Console) webhookList(x *visit) (*view, error) {
	add := link{"Add a webhook", x.at("/new/webhook")}
	t, err := listOf(x, listing[management.Webhook]{
		path: "/webhooks", columns: management.WebhookColumns, search: "Search by address or description", heads: []string{"Address", "Told of", "Status", "Created"}, deed: c.Management.Webhooks,
		row: func(w management.Webhook) []cell {
			return []cell{to(w.URL, x.at("/webhook", "id", string(w.ID))).below(w.Description), named(w.Types, "everything"), x.webhookState(w), x.moment(w.CreatedAt, "")}
		},
		empty: empty{"A webhook tells an endpoint of yours what happens, signed, and again until it has heard.", x.onlyFor(lanyard.MayManageWebhooks, add)},
	})
	if err != nil {
		return nil, err
	}
	v := &view{Title: "Webhooks", Actions: x.whoMay(lanyard.MayManageWebhooks, add), Copy: []command{{CLI: "lanyard webhook list", Method: http.MethodGet, Path: "/webhooks"}}}
	return v.add(t), nil
}

func webhookFields(w management.Webhook) []field {
	return []field{
		required(input("url", "Address", w.URL, "It gets a POST for each fact, and answers with a status of 2xx.")), input("description", "Description", w.Description, ""),
		area("types", "What it is told of", w.Types, "One on each line: user.created, or user.* for all of a noun. Empty for everything."), check("on", "It is on", !w.Disabled, ""),
	}
}

func (x *visit) readWebhook(w management.Webhook) (management.Webhook, error) {
	w.URL, w.Description, w.Types, w.Disabled = x.field("url"), x.field("description"), x.lines("types"), !x.ticked("on")
	return w, nil
}

func newWebhook(x *visit) (*view, error) {
	v := &view{Title: "Add a webhook", Crumbs: []link{{"Webhooks", x.at("/webhooks")}}, Copy: []command{{
		CLI: "lanyard webhook create url=https://app.example.com/hooks types=user.created", Method: http.MethodPost, Path: "/webhooks", Body: `{"url":"https://app.example.com/hooks","types":["user.created"]}`,
	}}}
	return v.add(form{Action: x.at("/new/webhook"), Submit: "Add", Cancel: x.at("/webhooks"), Fields: webhookFields(management.Webhook{})}), nil
}

func (c *Console) createWebhook(x *visit) (outcome, error) {
	wanted, _ := x.readWebhook(management.Webhook{})
	made, err := c.Management.CreateWebhook(x.ctx(), x.Administrator, wanted)
	if err != nil {
		return outcome{}, err
	}
	return x.signingSecret(made), nil
}

// signingSecret is the page that shows the secret of a webhook, once.
func (x *visit) signingSecret(w management.SignedWebhook) outcome {
	v := &view{Title: "The signing secret", Crumbs: []link{{"Webhooks", x.at("/webhooks")}}, Actions: []link{{"Go on", x.at("/webhook", "id", string(w.ID))}}}
	return outcome{view: v.add(secret{"Signing secret", w.Secret, "This is shown now and never again. With it your endpoint knows that a message comes from here."}, signatureHelp())}
}

func signatureHelp() snippet {
	return snippet{Title: "How to check the signature", Hint: "Messages follow Standard Webhooks, for which there are libraries in most languages.", Text: `// npm install standardwebhooks
import { Webhook } from "standardwebhooks"

app.post("/hooks", express.raw({ type: "application/json" }), (req, res) => {
  const event = new Webhook(process.env.WEBHOOK_SECRET).verify(req.body, req.headers)
  // the header webhook-id is the same for every try: do each once
  res.sendStatus(204)
})`, Folded: true}
}

func (c *Console) webhook(x *visit) (*view, error) {
	w, err := c.Management.Webhook(x.ctx(), x.Administrator, x.webhookID())
	if err != nil {
		return nil, err
	}
	v := &view{Title: w.URL, Crumbs: []link{{"Webhooks", x.at("/webhooks")}}, Copy: []command{
		{CLI: "lanyard webhook get " + x.id(), Method: http.MethodGet, Path: "/webhooks/" + x.id()}, {Method: http.MethodGet, Path: "/webhooks/" + x.id() + "/deliveries"},
	}}
	v.Actions = x.whoMay(lanyard.MayManageWebhooks, link{"Change", x.at("/webhook/edit", "id", x.id())}, link{"Remove", x.at("/webhook/remove", "id", x.id())})
	f := facts{}
	f.put("Status", x.webhookState(w)).put("Told of", named(w.Types, "everything")).put("Description", or(w.Description, "none")).put("Id", code(x.id()))
	if x.Now.Before(w.PreviousUntil) {
		f.put("The secret before signs too", x.moment(w.PreviousUntil, ""))
	}
	v.add(f)
	t, err := c.deliveries(x)
	if err != nil {
		return nil, err
	}
	v.add(t, signatureHelp())
	if x.may(lanyard.MayManageWebhooks) {
		v.add(form{Title: "Send a test", Text: "It is told the fact webhook.tested.", Action: x.at("/webhook/test", "id", x.id()), Submit: "Send"},
			form{Title: "Replace the secret", Text: "The one before signs too for 24 hours, so that nothing is lost while the new one is rolled out.", Action: x.at("/webhook/rotate", "id", x.id()), Submit: "Make a secret"})
	}
	return v, nil
}

// deliveryTones are the states of a message to a webhook.
var deliveryTones = map[string]cell{"queued": tag("Waiting", "plain"), "sent": tag("Sent", "good"), "failed": tag("Failed", "bad"), "expired": tag("Given up", "bad")}

func (c *Console) deliveries(x *visit) (table, error) {
	return listOf(x, listing[management.Delivery]{
		path: "/webhook", about: []string{"id", x.id()}, title: "Deliveries", columns: management.DeliveryColumns, limit: partLimit,
		selects: []field{choose("state", "State", "", option{Text: "All"}, option{Value: "queued", Text: "Waiting"}, option{Value: "sent", Text: "Sent"}, option{Value: "failed", Text: "Failed"}, option{Value: "expired", Text: "Given up"})},
		heads:   []string{"What", "State", "Answer", "Last try", ""},
		deed: func(ctx context.Context, a management.Administrator, q management.Query) (management.List[management.Delivery], error) {
			return c.Management.Deliveries(ctx, a, x.webhookID(), q)
		},
		row: func(d management.Delivery) []cell {
			answer := or(d.Error, "")
			if d.ResponseStatus > 0 {
				answer = text(strconv.Itoa(d.ResponseStatus))
			}
			state := deliveryTones[d.State]
			if d.Tries > 1 {
				state.Below = strconv.Itoa(d.Tries) + " tries"
			}
			return []cell{code(string(d.Type)), state, answer, x.moment(d.TriedAt, "not yet"), buttons(x.press(lanyard.MayManageWebhooks, "Send again", "/webhook/replay", string(d.ID), string(d.Type))...)}
		},
		empty: empty{Text: "Nothing was sent in the last 30 days."},
	})
}

func (c *Console) editWebhook(x *visit) (*view, error) {
	w, err := c.Management.Webhook(x.ctx(), x.Administrator, x.webhookID())
	if err != nil {
		return nil, err
	}
	v := &view{Title: "Change " + w.URL, Crumbs: []link{{"Webhooks", x.at("/webhooks")}, {w.URL, x.at("/webhook", "id", x.id())}}, Copy: []command{{
		CLI: "lanyard webhook update " + x.id() + " disabled=true", Method: http.MethodPatch, Path: "/webhooks/" + x.id(), Body: `{"disabled":true}`,
	}}}
	f, err := versioned(form{Action: x.at("/webhook/edit", "id", x.id()), Submit: "Save", Cancel: x.at("/webhook", "id", x.id()), Fields: webhookFields(w)}, w)
	return v.add(f), err
}

func (c *Console) changeWebhook(x *visit) (outcome, error) {
	if _, err := c.Management.ChangeWebhook(x.ctx(), x.Administrator, x.webhookID(), changed(x, x.readWebhook)); err != nil {
		return outcome{}, err
	}
	return x.done("saved", "/webhook", "id", x.id())
}

func (c *Console) rotateWebhook(x *visit) (outcome, error) {
	w, err := c.Management.RotateWebhook(x.ctx(), x.Administrator, x.webhookID(), management.SecretRotation{})
	if err != nil {
		return outcome{}, err
	}
	return x.signingSecret(w), nil
}
