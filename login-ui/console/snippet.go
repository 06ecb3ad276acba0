package console

import (
	"embed"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

//go:embed snippets/*.txt
var snippetFiles embed.FS

// snippetKinds are the snippets, with the clients that they are for.
var snippetKinds = []struct {
	file, title string
	fits        func(c management.Client) bool
}{
	{"express", "Express with @auth/express", confidential},
	{"go", "Go with golang.org/x/oauth2", confidential},
	{"spring", "Spring Boot", confidential},
	{"oauth2-proxy", "oauth2-proxy", confidential},
	{"grafana", "Grafana", confidential},
	{"spa", "Browser with oidc-client-ts", func(c management.Client) bool { return c.Type == lanyard.ClientSPA }},
	{"native", "Mobile and desktop with AppAuth", func(c management.Client) bool {
		return c.Type == lanyard.ClientNative && c.MayUse(lanyard.GrantAuthorizationCode)
	}},
	{"kubernetes", "Kubernetes", func(c management.Client) bool { return c.Type == lanyard.ClientNative && len(c.RedirectURIs) > 0 }},
	{"mcp", "MCP server", func(c management.Client) bool { return c.Public() && c.MayUse(lanyard.GrantAuthorizationCode) }},
	{"machine", "Token for a machine", func(c management.Client) bool { return c.MayUse(lanyard.GrantClientCredentials) }},
	{"device", "Device without a browser", func(c management.Client) bool { return c.MayUse(lanyard.GrantDeviceCode) }},
}

func confidential(c management.Client) bool {
	return c.Type == lanyard.ClientWeb && c.MayUse(lanyard.GrantAuthorizationCode)
}

// snippetsOf are those for a client, with its values filled in. None holds a secret.
func (c *Console) snippetsOf(x *visit, client management.Client) ([]block, error) {
	values := struct{ Tenant, Issuer, Discovery, ClientID, Redirect, Resource string }{
		Tenant: x.Live.Tenant.Name, Issuer: x.Live.Issuer, Discovery: x.Live.Issuer + discovery, ClientID: string(client.ID),
		Redirect: "https://YOUR-APP/callback", Resource: client.DefaultResource,
	}
	if len(client.RedirectURIs) > 0 {
		values.Redirect = client.RedirectURIs[0]
	}
	var out []block
	for _, kind := range snippetKinds {
		if !kind.fits(client) {
			continue
		}
		var text strings.Builder
		if err := c.snippets.ExecuteTemplate(&text, kind.file+".txt", values); err != nil {
			return nil, fmt.Errorf("write a snippet: %w", err)
		}
		out = append(out, snippet{Title: kind.title, Text: strings.TrimSpace(text.String()), Folded: true})
	}
	return out, nil
}

func parseSnippets() (*template.Template, error) {
	return template.ParseFS(snippetFiles, "snippets/*.txt")
}

const discovery = "/.well-known/openid-configuration"

// preset is a kind of application to begin with.
type preset struct {
	key, title, text string
	client           lanyard.Client
	// redirect says which redirect URIs the application has.
	redirect string
}

var presets = []preset{
	{"web", "Web application", "Runs on a server and keeps a secret: Express, Rails, Spring, Django, Go.",
		lanyard.Client{Type: lanyard.ClientWeb, FirstParty: true, ClaimsInIDToken: true}, "https://app.example.com/callback"},
	{"spa", "Single-page app", "Runs in the browser without a server of its own: React, Vue, Angular.",
		lanyard.Client{Type: lanyard.ClientSPA, FirstParty: true}, "https://app.example.com/callback"},
	{"native", "Mobile or desktop app", "Opens the browser to sign in and comes back by a link.",
		lanyard.Client{Type: lanyard.ClientNative, FirstParty: true}, "com.example.app:/callback, or http://127.0.0.1/callback"},
	{"machine", "Machine", "Calls APIs in its own name, without a person.",
		lanyard.Client{Type: lanyard.ClientMachine}, ""},
	{"device", "Device", "Has no browser: a television, a command line on a server.",
		lanyard.Client{Type: lanyard.ClientNative, FirstParty: true, GrantTypes: []string{lanyard.GrantDeviceCode, lanyard.GrantRefreshToken}}, ""},
	{"kubernetes", "Kubernetes", "Signs people in to a cluster with kubectl.",
		lanyard.Client{Name: "Kubernetes", Type: lanyard.ClientNative, FirstParty: true, ClaimsInIDToken: true, RedirectURIs: []string{"http://localhost:8000", "http://127.0.0.1:8000"}}, ""},
	{"grafana", "Grafana", "Signs people in to dashboards, with roles.",
		lanyard.Client{Name: "Grafana", Type: lanyard.ClientWeb, FirstParty: true, ClaimsInIDToken: true}, "https://grafana.example.com/login/generic_oauth"},
	{"mcp", "MCP client", "Lets an assistant use an MCP server in a person's name.",
		lanyard.Client{Name: "MCP client", Type: lanyard.ClientNative, RedirectURIs: []string{"http://127.0.0.1/callback"}}, ""},
}

func presetOf(key string) (preset, bool) {
	i := slices.IndexFunc(presets, func(p preset) bool { return p.key == key })
	if i < 0 {
		return preset{}, false
	}
	p := presets[i]
	p.client.Normalize()
	return p, true
}
