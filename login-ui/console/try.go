package console

import (
	"bytes"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/token"
	"github.com/lanyard-id/lanyard/tenants"
)

// tries are the pages that try a sign-in as an application and show its tokens. The
// administrator signs in as themselves; what the sign-in gave the application is revoked
// before the tokens are shown.
func (c *Console) tries() {
	const area = "/applications"
	c.editor(deed{path: "/application/try", area: area, permission: lanyard.MayManageClients, from: c.tryForm, do: c.tryStart})
	c.page(screen{path: strings.TrimPrefix(tenants.PathConsoleTry, base), area: area, permission: lanyard.MayManageClients, show: c.tryAnswer})
}

// trial is the state of a tried sign-in: the client, under a mark that only this browser's secret makes.
func (t ticket) trial(client string) string {
	body := base64.RawURLEncoding.EncodeToString([]byte(client))
	return t.derive("trial "+body) + "." + body
}

// tried is the client that a state is of; false for one that is not this browser's.
func (t ticket) tried(state string) (lanyard.ClientID, bool) {
	mark, body, found := strings.Cut(state, ".")
	if !found || t.secret.IsZero() || subtle.ConstantTimeCompare([]byte(mark), []byte(t.derive("trial "+body))) != 1 {
		return "", false
	}
	client, err := base64.RawURLEncoding.DecodeString(body)
	return lanyard.ClientID(client), err == nil
}

func (c *Console) tryForm(x *visit) (*view, error) {
	client, err := c.Management.Client(x.ctx(), x.Administrator, x.clientID())
	if err != nil {
		return nil, err
	}
	v := &view{Title: "Try " + client.DisplayName(), Crumbs: []link{{"Applications", x.at("/applications")}, {client.DisplayName(), x.at("/application", "id", x.id())}}}
	if x.elsewhere() || !client.MayUse(lanyard.GrantAuthorizationCode) || client.Disabled {
		return v.add(note{Text: "A sign-in can be tried with an application of your own tenant that signs people in and is not disabled."}), nil
	}
	scope := x.field("scope")
	if scope == "" {
		scope = "openid profile email"
	}
	return v.add(form{
		Text:   "You sign in as yourself. Nothing reaches the application: the tokens are shown here, and revoked.",
		Action: x.at("/application/try", "id", x.id()), Submit: "Sign in", Cancel: x.at("/application", "id", x.id()),
		Fields: []field{
			{Name: "scope", Label: "Scopes", Kind: kindText, Value: scope, Hint: "Divided by blanks. openid brings an ID token."},
			{Name: "resource", Label: "Resource", Kind: kindText, Value: x.field("resource"), Hint: "What the access token is for; empty for what the application gets without one."},
			{Name: "organization", Label: "Organization", Kind: kindText, Value: x.field("organization"), Hint: "Its short name; empty to choose, if the application asks for one."},
			{Name: "prompt", Label: "Prompt", Kind: kindSelect, Value: x.field("prompt"), Options: []option{
				{Value: "", Text: "As it comes"}, {Value: "login", Text: "Sign in again"}, {Value: "select_account", Text: "Choose an account"}, {Value: "consent", Text: "Ask for consent"},
				{Value: "none", Text: "Show no page"},
			}},
		},
	}), nil
}

func (c *Console) tryStart(x *visit) (outcome, error) {
	client, err := c.Management.Client(x.ctx(), x.Administrator, x.clientID())
	if err != nil {
		return outcome{}, err
	}
	if x.elsewhere() {
		return outcome{}, lanyard.ErrNotOffered
	}
	t := ticket{web.ConsoleSignIn(x.c.Request, x.site)}
	if t.secret.IsZero() {
		t.secret = lanyard.NewSecret()
	}
	web.SetConsoleSignIn(x.c.Writer, x.site, t.secret)
	return outcome{to: web.Local(x.site, "/oauth/authorize", query(
		"client_id", string(client.ID), "redirect_uri", x.Live.Issuer+tenants.PathConsoleTry, "response_type", "code", "scope", x.field("scope"),
		"resource", x.field("resource"), "organization", x.field("organization"), "prompt", x.field("prompt"), "state", t.trial(string(client.ID)),
		"nonce", t.derive("nonce"), "code_challenge", t.challenge(), "code_challenge_method", lanyard.ChallengeS256,
	))}, nil
}

func (c *Console) tryAnswer(x *visit) (*view, error) {
	t := ticket{web.ConsoleSignIn(x.c.Request, x.site)}
	id, ours := t.tried(x.q("state"))
	if !ours || x.elsewhere() {
		return nil, lanyard.ErrNotFound
	}
	client, err := x.Live.Client(x.ctx(), id)
	if err != nil {
		return nil, lanyard.ErrNotFound
	}
	v := &view{Title: "Tried " + client.DisplayName(), Crumbs: []link{{"Applications", x.at("/applications")}, {client.DisplayName(), x.at("/application", "id", string(id))}}}
	v.Actions = []link{{"Try again", x.at("/application/try", "id", string(id))}}
	if code := x.q("error"); code != "" {
		f := facts{Title: "What the application would get"}
		f.put("error", cell{Text: code, Code: true}).put("error_description", text(x.q("error_description")))
		return v.add(note{Text: "The sign-in ended with an error.", Tone: "warn"}, f), nil
	}
	made, err := c.Issuer.Redeem(x.ctx(), x.Live, token.Redemption{
		Client: client, Code: lanyard.SecretOf(x.q("code")), RedirectURI: x.Live.Issuer + tenants.PathConsoleTry, Verifier: t.verifier(),
	})
	if lanyard.KindOf(err) == lanyard.Invalid {
		return v.add(note{Text: "This answer was used before, or has expired. Try again.", Tone: "warn"}), nil
	}
	if err != nil {
		return nil, err
	}
	for _, issued := range []string{made.AccessToken, made.RefreshToken} { // the family first dies with its token
		if issued == "" {
			continue
		}
		if err := c.Issuer.Revoke(x.ctx(), x.Live, client.ID, issued); err != nil {
			return nil, err
		}
	}
	f := facts{Title: "What the application would get"}
	f.put("scope", text(made.Scopes.String())).put("expires_in", text(made.ExpiresIn.String())).put("refresh token", yesNo(made.RefreshToken != ""))
	v.add(f, note{Text: "The tokens are revoked already."})
	return v.add(decoded("ID token", made.IDToken), decoded("Access token", made.AccessToken)), nil
}

// decoded is a token taken apart for reading; nothing of it can be used.
func decoded(name, raw string) snippet {
	parts := strings.Split(raw, ".")
	switch {
	case raw == "":
		return snippet{Title: name, Text: "none: the scope openid was not asked for"}
	case len(parts) != 3:
		return snippet{Title: name, Text: "opaque: only we can read it"}
	}
	var out []string
	for _, part := range parts[:2] {
		data, err := base64.RawURLEncoding.DecodeString(part)
		var text bytes.Buffer
		if err != nil || json.Indent(&text, data, "", "  ") != nil {
			return snippet{Title: name, Text: "it can not be read"}
		}
		out = append(out, text.String())
	}
	return snippet{Title: name, Text: strings.Join(out, "\n")}
}
