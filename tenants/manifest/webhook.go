package manifest

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/lanyard-id/lanyard"
)

// Webhook is an endpoint that is told what happens. Its natural key is the url.
type Webhook struct {
	URL         string   `json:"url"`
	Description string   `json:"description"`
	Types       []string `json:"types"`
	Disabled    bool     `json:"disabled"`
	// Secret signs what it is told, in the form of Standard Webhooks: whsec_ and base64.
	Secret Secret `json:"secret"`
}

func (o *Webhook) check(c checker, path string, seen map[string]bool) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || (u.Scheme != "https" && !(u.Scheme == "http" && lanyard.IsLoopbackHost(u.Hostname()))) {
		c.complain(path+".url", "url is an https address")
	}
	c.unique(seen, path+".url", "webhook", o.URL)
	for i, pattern := range o.Types {
		if !lanyard.ValidEventPattern(pattern) {
			c.complain(fmt.Sprintf("%s.types[%d]", path, i), "a type is a fact like user.created, or user.* for all of a noun")
		}
	}
	o.Secret.resolve(c, path+".secret")
	if !c.document.Has(path + ".secret") {
		c.complain(path, "a webhook needs a secret")
	}
	if secret := o.Secret.Value; !secret.IsZero() && lanyard.CheckWebhookSecret(secret) != nil {
		c.complain(path+".secret", "a secret is whsec_ and 24 to 64 bytes in base64")
	}
}

// putWebhooks adds or changes the webhooks of the file.
func (r *run) putWebhooks(ctx context.Context, t *Tenant) error {
	if len(t.Webhooks) == 0 {
		return nil
	}
	stored, err := r.scope.Webhooks(ctx)
	if err != nil {
		return err
	}
	for i := range t.Webhooks {
		if err := r.putWebhook(ctx, &t.Webhooks[i], stored); err != nil {
			return fmt.Errorf("webhook %s: %w", t.Webhooks[i].URL, err)
		}
	}
	return nil
}

func (r *run) putWebhook(ctx context.Context, o *Webhook, stored []lanyard.Webhook) error {
	at := slices.IndexFunc(stored, func(s lanyard.Webhook) bool { return s.URL == o.URL })
	after := lanyard.Webhook{ID: lanyard.NewWebhookID(), TenantID: r.scope.TenantID(), URL: o.URL, CreatedAt: r.now}
	if at >= 0 {
		after = stored[at]
	}
	after.Description, after.Types, after.Disabled = o.Description, o.Types, o.Disabled
	sealed, err := r.reseal(after.SecretPlace(false), after.Sealed, o.Secret.Value)
	if err != nil {
		return err
	}
	changed := at < 0 || !slices.Equal(sealed, after.Sealed) || after.Description != stored[at].Description || after.Disabled != stored[at].Disabled ||
		!slices.Equal(after.Types, stored[at].Types)
	r.summary.count(at >= 0, changed)
	if !changed {
		return nil
	}
	after.Sealed, after.UpdatedAt = sealed, r.now
	if err := r.scope.PutWebhook(ctx, after); err != nil {
		return err
	}
	return r.record(ctx, lanyard.Event{Type: lanyard.EventWebhookUpdated, Detail: map[string]string{"webhook": string(after.ID)}})
}

func (x *exporter) webhooks(ctx context.Context, out *Tenant) error {
	all, err := x.scope.Webhooks(ctx)
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b lanyard.Webhook) int { return cmp.Or(cmp.Compare(a.URL, b.URL), cmp.Compare(a.ID, b.ID)) })
	for _, w := range all {
		entry := Webhook{URL: w.URL, Description: w.Description, Types: w.Types, Disabled: w.Disabled}
		host := w.URL
		if u, err := url.Parse(w.URL); err == nil {
			host = u.Host + u.Path
		}
		if err := x.reveal(&entry.Secret, "WEBHOOK", strings.Trim(host, "/"), "SECRET", w.SecretPlace(false), w.Sealed); err != nil {
			return err
		}
		out.Webhooks = append(out.Webhooks, entry)
	}
	return nil
}
