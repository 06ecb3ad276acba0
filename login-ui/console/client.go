package console

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// clients are the pages of applications.
func (c *Console) clients() {
	const (
		area = "/applications"
		read = lanyard.MayReadClients
		do   = lanyard.MayManageClients
	)
	c.page(screen{path: area, area: area, permission: read, show: c.clientList})
	c.page(screen{path: "/new/applications", area: area, permission: do, show: chooseClient})
	c.editor(deed{path: "/new/application", area: area, permission: do, from: c.newClient, do: c.createClient})
	c.part(fragment{path: "/application/check", permission: do, template: "findings", look: c.checkClient})
	c.page(screen{path: "/application", area: area, permission: read, show: c.client})
	c.editor(deed{path: "/application/edit", area: area, permission: do, from: c.editClient, do: c.changeClient})
	c.form(deed{path: "/application/secret", area: area, permission: do, from: c.client, do: c.addSecret})
	c.form(deed{path: "/application/secret/remove", area: area, permission: do, from: c.client, do: c.removeSecret})
	c.form(deed{path: "/application/disable", area: area, permission: do, from: c.client, do: c.switchClient(true)})
	c.form(deed{path: "/application/enable", area: area, permission: do, from: c.client, do: c.switchClient(false)})
	c.removal(removal{
		path: "/application/remove", area: area, permission: do, verb: "Delete",
		subject: func(x *visit) (string, []string, link, error) {
			client, err := c.Management.Client(x.ctx(), x.Administrator, x.clientID())
			return string(client.ID), []string{"Nobody can sign in with this application any more, and all tokens that it has end at once. This can not be undone."},
				link{client.DisplayName(), x.at("/application", "id", x.id())}, err
		},
		do: func(x *visit) (outcome, error) {
			if err := c.Management.RemoveClient(x.ctx(), x.Administrator, x.clientID(), nil); err != nil {
				return outcome{}, err
			}
			return x.done("removed", area)
		},
	})
}

func (x *visit) clientID() lanyard.ClientID { return lanyard.ClientID(x.id()) }

// clientTypes are what people call the types.
var clientTypes = map[lanyard.ClientType]string{
	lanyard.ClientWeb: "Web", lanyard.ClientSPA: "Single-page", lanyard.ClientNative: "Native", lanyard.ClientMachine: "Machine",
}

func (c *Console) clientList(x *visit) (*view, error) {
	add := link{"Add an application", x.at("/new/applications")}
	types := []option{{Text: "All kinds"}}
	for _, t := range []lanyard.ClientType{lanyard.ClientWeb, lanyard.ClientSPA, lanyard.ClientNative, lanyard.ClientMachine} {
		types = append(types, option{Value: string(t), Text: clientTypes[t]})
	}
	t, err := listOf(x, listing[management.Client]{
		path: "/applications", columns: management.ClientColumns, search: "Search by name or client id",
		selects: []field{
			choose("type", "Kind", "", types...), choose("disabled", "Status", "", option{Text: "All"}, option{Value: "false", Text: "Active"}, option{Value: "true", Text: "Disabled"}),
			choose("sort", "Order", "", option{Text: "Client id"}, option{Value: "-created", Text: "Newest first"}),
		},
		heads: []string{"Name", "Client id", "Kind", "Status", "Created"}, deed: c.Management.Clients,
		row: func(each management.Client) []cell {
			return []cell{
				to(each.DisplayName(), x.at("/application", "id", string(each.ID))), code(string(each.ID)), text(clientTypes[each.Type]), clientState(each), x.moment(each.CreatedAt, "built in"),
			}
		},
		empty: empty{"An application is whatever people sign in to, or a machine that calls your APIs.", x.onlyFor(lanyard.MayManageClients, add)},
	})
	if err != nil {
		return nil, err
	}
	v := &view{Title: "Applications", Actions: x.whoMay(lanyard.MayManageClients, add), Copy: []command{{CLI: "lanyard client list", Method: "GET", Path: "/clients"}}}
	return v.add(t), nil
}

func clientState(c management.Client) cell {
	if c.Disabled {
		return tag("Disabled", "bad")
	}
	return tag("Active", "good")
}

func chooseClient(x *visit) (*view, error) {
	v := &view{Title: "Add an application", Lead: "What is it? Everything can be changed afterwards.", Crumbs: []link{{"Applications", x.at("/applications")}}}
	var choices cards
	for _, p := range presets {
		choices.Items = append(choices.Items, card{p.title, p.text, x.at("/new/application", "kind", p.key)})
	}
	return v.add(choices), nil
}

func (x *visit) clientFields(client lanyard.Client, pkce bool, example string) []field {
	fields := []field{input("client_name", "Name", client.Name, "What people read on the sign-in page.")}
	if client.MayUse(lanyard.GrantAuthorizationCode) {
		hint := "One on each line, exactly as the application sends it."
		if example != "" {
			hint += " For example " + example + "."
		}
		redirects := area("redirect_uris", "Redirect URIs", client.RedirectURIs, hint)
		redirects.Into = "findings"
		fields = append(fields, redirects, area("post_logout_redirect_uris", "Addresses after signing out", client.PostLogoutRedirectURIs, "One on each line; none is fine."))
	}
	if client.Type == lanyard.ClientMachine {
		if options := x.roleOptions(); len(options) > 0 {
			fields = append(fields, several("roles", "Roles at the management API", client.Roles, options...))
		}
	} else {
		fields = append(fields, check("first_party", "It is our own", client.FirstParty, "People are not asked whether it may have their data."),
			check("claims_in_id_token", "Profile and e-mail stand in the ID token", client.ClaimsInIDToken, "Auth.js, oauth2-proxy, Grafana and Kubernetes read them there."),
			check("require_organization", "People choose an organization", client.RequireOrganization, "Tokens are then about that organization and the roles in it."))
	}
	if !client.Public() && client.MayUse(lanyard.GrantAuthorizationCode) {
		fields = append(fields, check("require_pkce", "PKCE is required", pkce, "Switch it off only for an application that does not know it."))
	}
	if !client.Public() {
		fields = append(fields, choose("token_endpoint_auth_method", "How it shows its secret", client.AuthMethod,
			option{Value: lanyard.AuthBasic, Text: "In the Authorization header (client_secret_basic)"}, option{Value: lanyard.AuthPost, Text: "In the form (client_secret_post)"}))
	}
	return append(fields, input("scope", "Scopes that it may ask for", client.Scope, "Divided by blanks; empty for everything that the tenant offers."),
		area("resources", "APIs that it may call", client.Resources, "Identifiers of resources, one on each line; empty for all. The management API is "+lanyard.ManagementName+"."),
		input("default_resource", "API that tokens are for by default", client.DefaultResource, "The identifier of a resource; empty for the tenant's default."),
		input("access_token_lifetime", "Lifetime of access tokens", lifetime(time.Duration(client.AccessTokenLifetime)), "Such as 10m or 1h; empty for 10 minutes."),
		input("refresh_token_lifetime", "Lifetime of a sign-in without a new one", lifetime(time.Duration(client.RefreshTokenLifetime)), "Such as 720h; empty for 30 days."),
		input("backchannel_logout_uri", "Address that is told of sign-outs", client.BackchannelLogoutURI, "Empty for none."))
}

// lifetime is a time as forms have it; empty for the default.
func lifetime(d time.Duration) string {
	if d == 0 {
		return ""
	}
	out := d.String()
	if strings.HasSuffix(out, "m0s") {
		out = strings.TrimSuffix(out, "0s")
	}
	if strings.HasSuffix(out, "h0m") {
		out = strings.TrimSuffix(out, "0m")
	}
	return out
}

// duration reads a time from a form.
func (x *visit) duration(name, label string) (lanyard.Duration, error) {
	value := x.field(name)
	if value == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(value)
	if err != nil || d < 0 {
		return 0, badInput(label + " is a time such as 10m or 24h")
	}
	return lanyard.Duration(d), nil
}

// readClient takes the form over into what there is. Fields that the form does not have stay.
func (x *visit) readClient(c management.Client) (management.Client, error) {
	c.Name, c.Scope, c.DefaultResource, c.Resources, c.BackchannelLogoutURI = x.field("client_name"), strings.Join(x.words("scope"), " "), x.field("default_resource"), x.lines("resources"), x.field("backchannel_logout_uri")
	if c.MayUse(lanyard.GrantAuthorizationCode) {
		c.RedirectURIs, c.PostLogoutRedirectURIs = x.lines("redirect_uris"), x.lines("post_logout_redirect_uris")
	}
	if c.Type == lanyard.ClientMachine {
		c.Roles = x.form["roles"]
	} else {
		c.FirstParty, c.ClaimsInIDToken, c.RequireOrganization = x.ticked("first_party"), x.ticked("claims_in_id_token"), x.ticked("require_organization")
	}
	pkce := c.Public() || !c.MayUse(lanyard.GrantAuthorizationCode) || x.ticked("require_pkce")
	c.RequirePKCE = &pkce
	if method := x.field("token_endpoint_auth_method"); method != "" && !c.Public() {
		c.AuthMethod = method
	}
	var access, refresh error
	c.AccessTokenLifetime, access = x.duration("access_token_lifetime", "the lifetime of access tokens")
	c.RefreshTokenLifetime, refresh = x.duration("refresh_token_lifetime", "the lifetime of a sign-in")
	return c, errors.Join(access, refresh)
}

func (c *Console) newClient(x *visit) (*view, error) {
	p, found := presetOf(x.q("kind"))
	if !found {
		return nil, lanyard.ErrNotFound
	}
	id := required(input("client_id", "Client id", string(lanyard.NewClientID()), "How the application names itself. It can not be changed later."))
	fields := append([]field{id}, x.clientFields(p.client, true, p.redirect)...)
	v := &view{Title: "Add: " + p.title, Lead: p.text, Crumbs: []link{{"Applications", x.at("/applications")}, {"Kinds", x.at("/new/applications")}}, Copy: []command{{
		CLI: "lanyard client create type=" + string(p.client.Type) + " redirect_uris=https://app.example.com/callback", Method: http.MethodPost, Path: "/clients",
		Body: `{"type":"` + string(p.client.Type) + `","redirect_uris":["https://app.example.com/callback"]}`,
	}}}
	return v.add(form{
		Action: x.at("/new/application", "kind", p.key), Submit: "Add", Fields: fields, Cancel: x.at("/applications"), Live: x.at("/application/check", "kind", p.key),
	}), nil
}

func (c *Console) createClient(x *visit) (outcome, error) {
	p, found := presetOf(x.q("kind"))
	if !found {
		return outcome{}, lanyard.ErrNotFound
	}
	wanted, err := x.readClient(management.Client{Client: p.client})
	if err != nil {
		return outcome{}, err
	}
	wanted.ID = lanyard.ClientID(x.field("client_id"))
	made, err := c.Management.CreateClient(x.ctx(), x.Administrator, wanted)
	if err != nil {
		return outcome{}, err
	}
	if made.Secret == "" {
		return x.done("created", "/application", "id", string(made.ID))
	}
	v := &view{Title: made.DisplayName() + " is registered", Crumbs: []link{{"Applications", x.at("/applications")}}, Actions: []link{{"Go on", x.at("/application", "id", string(made.ID))}}}
	v.add(secret{"Client secret", made.Secret, "This is shown now and never again. Keep it where the application reads its secrets."}, addresses(x, made))
	snippets, err := c.snippetsOf(x, made)
	return outcome{view: v.add(snippets...)}, err
}

// addresses are what is copied into an application.
func addresses(x *visit, client management.Client) facts {
	f := facts{Title: "For the application"}
	f.put("Client id", copyable(string(client.ID))).put("Issuer", copyable(x.Live.Issuer)).put("Discovery document", copyable(x.Live.Issuer+discovery))
	return f
}

// finding is what the live look at a form says.
type finding struct{ Text, Tone string }

// checkClient looks at redirect URIs while they are typed.
func (c *Console) checkClient(x *visit) (any, error) {
	p, found := presetOf(x.q("kind"))
	if !found {
		p, _ = presetOf("web")
	}
	client := p.client
	client.RedirectURIs = x.lines("redirect_uris")
	if len(client.RedirectURIs) == 0 {
		return []finding{}, nil
	}
	report, err := c.Management.CheckClient(x.ctx(), x.Administrator, management.Client{Client: client})
	var out []finding
	if report.Refused != "" {
		out = append(out, finding{sentence(report.Refused), "bad"})
	}
	for _, w := range report.Warnings {
		if report.Refused != "" && w.Code == "not_acceptable" { // said already, and why
			continue
		}
		out = append(out, finding{sentence(w.Message), "warn"})
	}
	if len(out) == 0 {
		out = append(out, finding{"These can be registered.", "good"})
	}
	return out, err
}

func (c *Console) editClient(x *visit) (*view, error) {
	client, err := c.Management.Client(x.ctx(), x.Administrator, x.clientID())
	if err != nil {
		return nil, err
	}
	v := &view{Title: "Change " + client.DisplayName(), Crumbs: []link{{"Applications", x.at("/applications")}, {client.DisplayName(), x.at("/application", "id", x.id())}}, Copy: []command{{
		CLI: "lanyard client update " + x.id() + " client_name='New name'", Method: "PATCH", Path: "/clients/" + x.escaped(), Body: `{"client_name":"New name"}`,
	}}}
	f, err := versioned(form{
		Action: x.at("/application/edit", "id", x.id()), Submit: "Save", Fields: x.clientFields(client.Client, *client.RequirePKCE, ""), Cancel: x.at("/application", "id", x.id()),
		Live: x.at("/application/check", "kind", string(client.Type)),
	}, client)
	return v.add(f), err
}

func (c *Console) changeClient(x *visit) (outcome, error) {
	_, err := c.Management.ChangeClient(x.ctx(), x.Administrator, x.clientID(), changed(x, x.readClient))
	if err != nil {
		return outcome{}, err
	}
	return x.done("saved", "/application", "id", x.id())
}

func (c *Console) switchClient(off bool) func(x *visit) (outcome, error) {
	return func(x *visit) (outcome, error) {
		_, err := c.Management.ChangeClient(x.ctx(), x.Administrator, x.clientID(), func(client management.Client) (management.Client, error) {
			client.Disabled = off
			return client, nil
		})
		if err != nil {
			return outcome{}, err
		}
		return x.done(map[bool]string{true: "disabled", false: "enabled"}[off], "/application", "id", x.id())
	}
}
