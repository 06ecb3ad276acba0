package main

import (
	"context"
	"encoding/base64"
	"fmt"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/mail"
	loginui "github.com/lanyard-id/lanyard/login-ui"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/manifest"
)

// tryClient is the client behind /dev/try. Its secret is new at every start.
const tryClient = "dev-try"

// trySeed is the file that adds it to the default tenant.
func (a *App) trySeed() manifest.File {
	client := lanyard.Client{
		ID: tryClient, Name: "Try it", RedirectURIs: []string{a.tryRedirect()},
		PostLogoutRedirectURIs: []string{a.Issuer.String() + loginui.PathTry},
		RequirePKCE:            true, FirstParty: true, ClaimsInIDToken: true,
	}
	client.Normalize()
	return manifest.File{Tenants: []manifest.Tenant{{
		Slug: lanyard.DefaultTenant, Clients: []manifest.Client{{Client: client, Secret: manifest.Secret{Value: a.Dev.TrySecret}}},
	}}}
}

func (a *App) tryRedirect() string { return a.Issuer.String() + pathTryCallback }

// Overview is the front page of a tenant of the development server.
func (a *App) Overview(_ context.Context, live *tenants.Live) (loginui.Overview, error) {
	out := loginui.Overview{Issuer: live.Issuer}
	for i := range a.Dev.Seed.Tenants {
		t := &a.Dev.Seed.Tenants[i]
		if t.Slug != live.Tenant.Slug {
			continue
		}
		for j := range t.Users {
			if u := &t.Users[j]; out.Username == "" && !u.Password.Value.IsZero() {
				out.Username, out.Password = u.SignInName(), u.Password.Value.Reveal()
			}
		}
		for j := range t.Clients {
			c := &t.Clients[j]
			out.Clients = append(out.Clients, loginui.DevClient{ID: string(c.ID), Secret: c.Secret.Value.Reveal(), Type: string(c.Type), RedirectURIs: c.RedirectURIs})
			if c.Type == lanyard.ClientMachine && out.Curl == "" {
				out.Curl = fmt.Sprintf("curl -s -u %s:%s -d grant_type=client_credentials %s/oauth/token", c.ID, c.Secret.Value.Reveal(), live.Issuer)
			}
		}
	}
	return out, nil
}

// Outbox lists the mails that would have been sent, and waits for one if it is asked to.
func (a *App) Outbox(ctx context.Context, live *tenants.Live, s loginui.MailSearch) ([]loginui.Mail, error) {
	search := mail.Search{Tenant: live.Tenant.ID, To: s.To, After: lanyard.DeliveryID(s.After)}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if s.Wait <= 0 {
		cancel()
	} else {
		go func() {
			defer cancel()
			_ = a.Clock.Sleep(ctx, s.Wait) // it ends early when nobody waits any more
		}()
	}
	var out []loginui.Mail
	for _, m := range a.Dev.Outbox.Wait(ctx, search) {
		out = append(out, loginui.Mail{
			ID: string(m.ID), To: m.To, Subject: m.Subject, Text: m.Text, HTML: m.HTML, At: m.Date, Kind: string(m.Kind), Code: m.Code, Link: m.Link,
		})
	}
	return out, nil
}

func decodePart(part string) []byte {
	data, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return nil
	}
	return data
}
