package console

import (
	"net/http"
	"strings"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// connections are the pages of the tenant's upstream providers.
func (c *Console) connections() {
	const (
		area = "/connections"
		read = lanyard.MayReadTrust
		do   = lanyard.MayManageTrust
	)
	c.page(screen{path: area, area: area, permission: read, show: c.connectionList})
	c.page(screen{path: "/new/connections", area: area, permission: do, show: chooseConnection})
	c.editor(deed{path: "/new/connection", area: area, permission: do, from: newConnection, do: c.createConnection})
	c.page(screen{path: "/connection", area: area, permission: read, show: c.connection})
	c.editor(deed{path: "/connection/edit", area: area, permission: do, from: c.editConnection, do: c.changeConnection})
	c.form(deed{path: "/connection/enable", area: area, permission: do, from: c.connection, do: c.switchConnection(true)})
	c.form(deed{path: "/connection/disable", area: area, permission: do, from: c.connection, do: c.switchConnection(false)})
	c.form(deed{path: "/connection/test", area: area, permission: do, from: c.connection, do: c.testConnection})
	c.removal(removal{
		path: "/connection/remove", area: area, permission: do, verb: "Remove",
		subject: func(x *visit) (string, []string, link, error) {
			found, err := c.Management.Connection(x.ctx(), x.Administrator, x.connectionID())
			return found.Name, []string{"Nobody can sign in with it any more. Accounts stay, but who has no other way in needs another one from you."}, link{found.Name, x.at("/connection", "id", x.id())}, err
		},
		do: func(x *visit) (outcome, error) {
			if err := c.Management.RemoveConnection(x.ctx(), x.Administrator, x.connectionID(), nil); err != nil {
				return outcome{}, err
			}
			return x.done("removed", area)
		},
	})
}

func (x *visit) connectionID() lanyard.ConnectionID { return lanyard.ConnectionID(x.id()) }

func (c *Console) connectionList(x *visit) (*view, error) {
	add := link{"Add a connection", x.at("/new/connections")}
	t, err := listOf(x, listing[management.Connection]{
		path: "/connections", columns: management.ConnectionColumns, search: "Search by name", heads: []string{"Name", "Kind", "Status", "Used for"}, deed: c.Management.Connections,
		row: func(each management.Connection) []cell {
			return []cell{to(each.Name, x.at("/connection", "id", string(each.ID))), text(kindNames[each.Kind]), connectionState(*each.Enabled, each.Tested), named(connectionUses(each), "nothing")}
		},
		empty: empty{"A connection lets people sign in with an account that they have elsewhere: Google, Microsoft, Telegram, or any OpenID provider.", x.onlyFor(lanyard.MayManageTrust, add)},
	})
	if err != nil {
		return nil, err
	}
	v := &view{Title: "Connections", Lead: "Other providers that people sign in with.", Actions: x.whoMay(lanyard.MayManageTrust, add), Copy: []command{{CLI: "lanyard connection list", Method: http.MethodGet, Path: "/connections"}}}
	return v.add(t), nil
}

func connectionUses(c management.Connection) []string {
	var out []string
	for _, use := range []struct {
		on   *bool
		name string
	}{{c.SignIn, "sign-in"}, {c.SignUp, "new accounts"}, {c.Linking, "linking"}} {
		if use.on != nil && *use.on {
			out = append(out, use.name)
		}
	}
	return out
}

func chooseConnection(x *visit) (*view, error) {
	v := &view{Title: "Add a connection", Crumbs: []link{{"Connections", x.at("/connections")}}}
	choices := cards{}
	for _, k := range []struct {
		kind lanyard.ConnectionKind
		text string
	}{
		{lanyard.ConnectionGoogle, "Google accounts, or one Google Workspace."}, {lanyard.ConnectionMicrosoft, "Work, school and personal accounts."},
		{lanyard.ConnectionOIDC, "Okta, Entra, Keycloak, GitLab: whatever speaks OpenID Connect."}, {lanyard.ConnectionTelegram, "Telegram accounts, by a bot."},
	} {
		choices.Items = append(choices.Items, card{kindNames[k.kind], k.text, x.at("/new/connection", "kind", string(k.kind))})
	}
	return v.add(choices), nil
}

func connectionFields(c management.Connection) []field {
	on := func(b *bool) bool { return b == nil || *b }
	hint := "It is kept sealed and never shown again."
	if c.ID != "" {
		hint = "Empty keeps the one there is. " + hint
	}
	id := required(input("client_id", "Client id", c.UpstreamClientID, "What the other provider calls us."))
	fields := []field{required(input("name", "Name", c.Name, "What stands on the button."))}
	if c.Kind == lanyard.ConnectionOIDC {
		fields = append(fields, required(input("issuer", "Issuer", c.Issuer, "Such as https://login.example.com, exactly as its tokens say.")))
	}
	if c.Kind == lanyard.ConnectionMicrosoft {
		fields = append(fields, input("issuer", "Authority", c.Issuer, "Empty for all accounts, or https://login.microsoftonline.com/ with organizations, consumers, or the id of one tenant."))
	}
	fields = append(fields, id, field{Name: "client_secret", Label: "Client secret", Kind: kindPassword, Hint: hint, Autocomplete: "off"},
		input("scopes", "Scopes", strings.Join(c.Scopes, " "), "Divided by blanks; empty for the usual ones."))
	if c.Kind == lanyard.ConnectionGoogle {
		fields = append(fields, input("hosted_domain", "Only this Google Workspace", c.HostedDomain, "Its domain; empty for every Google account."))
	}
	return append(fields, check("sign_in", "People sign in with it", on(c.SignIn), ""), check("sign_up", "It makes new accounts", on(c.SignUp), "As far as the tenant lets people sign up."),
		check("linking", "People link it to their accounts", on(c.Linking), ""), check("trusted_for_mfa", "It is believed about second factors", c.TrustedForMFA, ""))
}

func (x *visit) readConnection(c management.Connection) (management.Connection, error) {
	is := func(name string) *bool { v := x.ticked(name); return &v }
	c.Name, c.UpstreamClientID, c.Secret = x.field("name"), x.field("client_id"), x.form.Get("client_secret")
	if x.form.Has("issuer") {
		c.Issuer = x.field("issuer")
	}
	if x.form.Has("hosted_domain") {
		c.HostedDomain = x.field("hosted_domain")
	}
	c.Scopes = nil
	if words := x.words("scopes"); len(words) > 0 {
		c.Scopes = words
	}
	c.SignIn, c.SignUp, c.Linking, c.TrustedForMFA = is("sign_in"), is("sign_up"), is("linking"), x.ticked("trusted_for_mfa")
	return c, nil
}

func newConnection(x *visit) (*view, error) {
	kind := lanyard.ConnectionKind(x.q("kind"))
	if kindNames[kind] == "" {
		return nil, lanyard.ErrNotFound
	}
	var c management.Connection
	c.Kind, c.Name = kind, kindNames[kind]
	if kind == lanyard.ConnectionOIDC {
		c.Name = ""
	}
	v := &view{Title: "Add: " + kindNames[kind], Crumbs: []link{{"Connections", x.at("/connections")}, {"Kinds", x.at("/new/connections")}}, Copy: []command{{
		CLI: "lanyard connection create kind=" + string(kind) + " name=" + string(kind) + " client_id=ID client_secret=@-", Method: http.MethodPost, Path: "/connections", Body: `{"kind":"` + string(kind) + `","name":"` + string(kind) + `","client_id":"ID","client_secret":"…"}`,
	}}}
	v.add(note{Text: "It stays switched off until you have tried it. The address that the other provider has to know is shown next."})
	return v.add(form{Action: x.at("/new/connection", "kind", string(kind)), Submit: "Add", Cancel: x.at("/connections"), Fields: connectionFields(c)}), nil
}

func (c *Console) createConnection(x *visit) (outcome, error) {
	var wanted management.Connection
	wanted.Kind = lanyard.ConnectionKind(x.q("kind"))
	wanted, _ = x.readConnection(wanted)
	off := false
	wanted.Enabled = &off
	made, err := c.Management.CreateConnection(x.ctx(), x.Administrator, wanted)
	if err != nil {
		return outcome{}, err
	}
	return x.done("created", "/connection", "id", string(made.ID))
}

func (c *Console) connection(x *visit) (*view, error) {
	found, err := c.Management.Connection(x.ctx(), x.Administrator, x.connectionID())
	if err != nil {
		return nil, err
	}
	v := &view{Title: found.Name, Crumbs: []link{{"Connections", x.at("/connections")}}, Copy: []command{{CLI: "lanyard connection get " + x.id(), Method: http.MethodGet, Path: "/connections/" + x.id()}}}
	v.Actions = x.whoMay(lanyard.MayManageTrust, link{"Change", x.at("/connection/edit", "id", x.id())}, link{"Remove", x.at("/connection/remove", "id", x.id())})
	f := facts{}
	f.put("Status", connectionState(*found.Enabled, found.Tested)).put("Kind", text(kindNames[found.Kind])).put("Callback address", copyable(found.CallbackURL).below("Register it with the other provider."))
	f.put("Issuer", or(found.Issuer, "the usual one")).put("Client id", code(found.UpstreamClientID)).put("Used for", named(connectionUses(found), "nothing"))
	v.add(f)
	if !x.may(lanyard.MayManageTrust) {
		return v, nil
	}
	if c.Flow != nil && !x.elsewhere() {
		v.add(form{Title: "Try it", Text: "You sign in over there and see what comes back. Nobody is signed in by it, and nothing is linked.", Action: x.at("/connection/test", "id", x.id()), Submit: "Test sign-in"})
	}
	if *found.Enabled {
		return v.add(form{Title: "Switch off", Text: "Nobody can sign in with it until you switch it on again.", Action: x.at("/connection/disable", "id", x.id()), Submit: "Switch off", Danger: true}), nil
	}
	words := "Its button appears on the sign-in page."
	if !found.Tested {
		words += " It has not been tried as it is now: do that first."
	}
	return v.add(form{Title: "Switch on", Text: words, Action: x.at("/connection/enable", "id", x.id()), Submit: "Switch on"}), nil
}

func (c *Console) editConnection(x *visit) (*view, error) {
	found, err := c.Management.Connection(x.ctx(), x.Administrator, x.connectionID())
	if err != nil {
		return nil, err
	}
	v := &view{Title: "Change " + found.Name, Crumbs: []link{{"Connections", x.at("/connections")}, {found.Name, x.at("/connection", "id", x.id())}}, Copy: []command{{
		CLI: "lanyard connection update " + x.id() + " sign_up=false", Method: http.MethodPatch, Path: "/connections/" + x.id(), Body: `{"sign_up":false}`,
	}}}
	f, err := versioned(form{Action: x.at("/connection/edit", "id", x.id()), Submit: "Save", Cancel: x.at("/connection", "id", x.id()), Fields: connectionFields(found)}, found)
	return v.add(f), err
}

func (c *Console) changeConnection(x *visit) (outcome, error) {
	if _, err := c.Management.ChangeConnection(x.ctx(), x.Administrator, x.connectionID(), changed(x, x.readConnection)); err != nil {
		return outcome{}, err
	}
	return x.done("saved", "/connection", "id", x.id())
}

func (c *Console) switchConnection(on bool) func(x *visit) (outcome, error) {
	return func(x *visit) (outcome, error) {
		_, err := c.Management.ChangeConnection(x.ctx(), x.Administrator, x.connectionID(), func(found management.Connection) (management.Connection, error) {
			if on && !found.Tested {
				return found, lanyard.ErrUntested
			}
			found.Enabled = &on
			return found, nil
		})
		if err != nil {
			return outcome{}, err
		}
		return x.done(map[bool]string{true: "enabled", false: "disabled"}[on], "/connection", "id", x.id())
	}
}

// testConnection begins a sign-in at the upstream that signs nobody in and comes back here.
func (c *Console) testConnection(x *visit) (outcome, error) {
	if c.Flow == nil || x.elsewhere() {
		return outcome{}, lanyard.ErrNotFound
	}
	back := base + "/connection?" + query("id", x.id()).Encode()
	o, err := c.Flow.BeginTest(x.ctx(), x.Live, back, "", x.connectionID(), flow.Visitor{
		Browser: web.Browser(x.c.Request, x.site), UserAgent: web.UserAgent(x.c.Request), Address: web.AddressOf(x.ctx()), Languages: []string{"en"},
	})
	if err != nil {
		return outcome{}, err
	}
	if !o.Binding.IsZero() {
		web.SetBinding(x.c.Writer, x.c.Request, x.site, o.Request, o.Binding)
	}
	return outcome{to: web.Local(x.site, "/oauth/resume", query("request", string(o.Request)))}, nil
}
