package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/manifest"
)

// devReport is what a development server says about itself when it is ready.
type devReport struct {
	Issuer  string      `json:"issuer"`
	Ops     string      `json:"ops"`
	Console string      `json:"console"`
	Outbox  string      `json:"outbox"`
	Tenants []devTenant `json:"tenants"`
	Users   []devUser   `json:"users"`
	Clients []devClient `json:"clients"`
}

type devTenant struct {
	Slug   string `json:"slug"`
	Issuer string `json:"issuer"`
}

// devUser is a user with the password of the seed. The tenant is named unless it is the default one.
type devUser struct {
	Username string `json:"username"`
	Password string `json:"password"`
	Tenant   string `json:"tenant,omitempty"`
}

type devClient struct {
	ID           lanyard.ClientID   `json:"client_id"`
	Secret       string             `json:"client_secret,omitempty"`
	Type         lanyard.ClientType `json:"type"`
	RedirectURIs []string           `json:"redirect_uris"`
	Tenant       string             `json:"tenant,omitempty"`
}

func newDevReport(app *App, ops net.Listener) devReport {
	r := devReport{Issuer: app.Issuer.String(), Ops: "http://" + ops.Addr().String(), Users: []devUser{}, Clients: []devClient{}}
	r.Console, r.Outbox = r.at("/console"), r.at("/dev/outbox")
	r.Tenants = []devTenant{{Slug: lanyard.DefaultTenant, Issuer: r.Issuer}}
	for i := range app.Dev.Seed.Tenants {
		t := &app.Dev.Seed.Tenants[i]
		if t.Slug != lanyard.DefaultTenant {
			r.Tenants = append(r.Tenants, devTenant{t.Slug, app.issuerOf(t)})
		}
		r.add(t)
	}
	return r
}

func (r *devReport) add(t *manifest.Tenant) {
	tenant := t.Slug
	if tenant == lanyard.DefaultTenant {
		tenant = ""
	}
	for i := range t.Users {
		u := &t.Users[i]
		if !u.Password.Value.IsZero() {
			r.Users = append(r.Users, devUser{u.SignInName(), u.Password.Value.Reveal(), tenant})
		}
	}
	for _, c := range t.Clients {
		uris := c.RedirectURIs
		if uris == nil {
			uris = []string{}
		}
		r.Clients = append(r.Clients, devClient{c.ID, c.Secret.Value.Reveal(), c.Type, uris, tenant})
	}
}

// writeJSON prints the report as exactly one line.
func (r devReport) writeJSON(w io.Writer) error { return json.NewEncoder(w).Encode(r) }

// writeText prints what a person needs for the first sign-in.
func (r devReport) writeText(w io.Writer) error {
	text := fmt.Sprintf("\n  Lanyard is ready, for development only.\n\n  Issuer    %s\n", r.Issuer)
	if len(r.Users) > 0 {
		text += fmt.Sprintf("  Account   %s  password %s\n", r.Users[0].Username, r.Users[0].Password)
	}
	if len(r.Clients) > 0 {
		c := r.Clients[0]
		text += fmt.Sprintf("  Client    %s  secret %s\n", c.ID, c.Secret)
		for _, uri := range c.RedirectURIs {
			text += fmt.Sprintf("            redirects to %s\n", uri)
		}
	}
	text += fmt.Sprintf("  Try it    %s\n  Outbox    %s\n  Metrics   %s/metrics\n\n", r.at("/dev/try"), r.Outbox, r.Ops)
	text += fmt.Sprintf("  curl -s %s\n", r.at("/.well-known/openid-configuration"))
	for _, c := range r.Clients {
		if c.Type == lanyard.ClientMachine && c.Tenant == "" {
			text += fmt.Sprintf("  curl -s -u %s:%s -d grant_type=client_credentials %s\n", c.ID, c.Secret, r.at("/oauth/token"))
			break
		}
	}
	_, err := fmt.Fprintln(w, text)
	return err
}
