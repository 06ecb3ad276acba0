package console

import (
	"context"
	"net/url"
	"slices"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// escaped is the thing of the page within a path of the API.
func (x *visit) escaped() string { return url.PathEscape(x.id()) }

func (c *Console) client(x *visit) (*view, error) {
	client, err := c.Management.Client(x.ctx(), x.Administrator, x.clientID())
	if err != nil {
		return nil, err
	}
	v := &view{Title: client.DisplayName(), Crumbs: []link{{"Applications", x.at("/applications")}}, Copy: []command{
		{CLI: "lanyard client get " + x.id(), Method: "GET", Path: "/clients/" + x.escaped()},
	}}
	v.Actions = x.whoMay(lanyard.MayManageClients, link{"Change", x.at("/application/edit", "id", x.id())}, link{"Delete", x.at("/application/remove", "id", x.id())})
	if len(v.Actions) > 0 && client.MayUse(lanyard.GrantAuthorizationCode) && !client.Disabled && !x.elsewhere() {
		v.Actions = slices.Insert(v.Actions, 0, link{"Try a sign-in", x.at("/application/try", "id", x.id())})
	}
	v.add(addresses(x, client), registration(client))
	if !client.Public() {
		secrets, err := c.clientSecrets(x, client)
		if err != nil {
			return nil, err
		}
		v.add(secrets...)
	}
	refused, err := c.clientRefusals(x)
	if err != nil {
		return nil, err
	}
	snippets, err := c.snippetsOf(x, client)
	if err != nil {
		return nil, err
	}
	v.add(refused)
	if len(snippets) > 0 {
		v.add(section{Title: "How to use it"}).add(snippets...)
	}
	if x.may(lanyard.MayManageClients) {
		v.add(clientSwitch(x, client))
	}
	return v, nil
}

func clientSwitch(x *visit, client management.Client) form {
	if client.Disabled {
		return form{Title: "Enable", Text: "People can sign in with it again.", Action: x.at("/application/enable", "id", x.id()), Submit: "Enable"}
	}
	return form{
		Title: "Disable", Text: "Nobody can sign in with it, and all tokens that it has end at once. The registration stays.",
		Action: x.at("/application/disable", "id", x.id()), Submit: "Disable", Danger: true,
	}
}

// grantNames are the grant types in words.
var grantNames = map[string]string{
	lanyard.GrantAuthorizationCode: "Sign-in", lanyard.GrantRefreshToken: "Staying signed in", lanyard.GrantClientCredentials: "In its own name", lanyard.GrantDeviceCode: "On another device",
}

func registration(c management.Client) facts {
	f := facts{Title: "Registration"}
	var grants []string
	for _, g := range c.GrantTypes {
		name := grantNames[g]
		if name == "" {
			name = g
		}
		grants = append(grants, name)
	}
	f.put("Status", clientState(c)).put("Kind", text(clientTypes[c.Type])).put("Ways to tokens", named(grants, "none"))
	if c.MayUse(lanyard.GrantAuthorizationCode) {
		f.put("Redirect URIs", listed(c.RedirectURIs)).put("After signing out", listed(c.PostLogoutRedirectURIs)).put("PKCE is required", yesNo(*c.RequirePKCE))
		f.put("Our own", yesNo(c.FirstParty)).put("Claims in the ID token", yesNo(c.ClaimsInIDToken))
	}
	if len(c.Roles) > 0 {
		f.put("Roles at the management API", named(c.Roles, ""))
	}
	f.put("Scopes", or(c.Scope, "all")).put("APIs", listed(c.Resources))
	return f
}

// listed is values below each other.
func listed(values []string) cell {
	if len(values) == 0 {
		return soft("none named")
	}
	var out []cell
	for _, v := range values {
		out = append(out, code(v))
	}
	return cell{Tags: out, Stacked: true}
}

func (c *Console) clientSecrets(x *visit, client management.Client) ([]block, error) {
	found, err := c.Management.ClientSecrets(x.ctx(), x.Administrator, client.ID, management.Query{})
	if err != nil {
		return nil, err
	}
	good := slices.DeleteFunc(slices.Clone(found.Items), func(s management.ClientSecret) bool { return !s.ExpiresAt.IsZero() && !x.Now.Before(s.ExpiresAt) })
	t := table{Title: "Secrets", Part: true, Columns: []string{"Made", "Ends", "Id", ""}, Empty: empty{Text: "There is no secret: the application can not prove itself."}}
	for _, s := range found.Items {
		var can []button
		if len(good) > 1 || !slices.Contains(good, s) {
			can = x.press(lanyard.MayManageClients, "Remove", "/application/secret/remove", s.ID, "the secret "+s.ID)
		}
		t.Rows = append(t.Rows, []cell{x.moment(s.CreatedAt, ""), x.moment(s.ExpiresAt, "never"), code(s.ID), buttons(can...)})
	}
	if !x.may(lanyard.MayManageClients) {
		return []block{t}, nil
	}
	add := form{Title: "Replace the secret", Folded: true, Text: "Two secrets can be good at the same time, so that nothing stops while the new one is rolled out.", Action: x.at("/application/secret", "id", x.id()), Submit: "Make a secret", Fields: []field{
		choose("overlap", "The secret before", "24h", option{Value: "24h", Text: "ends in 24 hours"}, option{Value: "168h", Text: "ends in a week"}, option{Value: "", Text: "stays until somebody removes it"}, option{Value: "0s", Text: "ends at once"}),
	}}
	return []block{t, add}, nil
}

func (c *Console) addSecret(x *visit) (outcome, error) {
	n := management.NewClientSecret{}
	if text := x.field("overlap"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			return outcome{}, badInput("that is no time")
		}
		overlap := lanyard.Duration(d)
		n.Overlap = &overlap
	}
	made, err := c.Management.AddClientSecret(x.ctx(), x.Administrator, x.clientID(), n)
	if err != nil {
		return outcome{}, err
	}
	v := &view{Title: "A new secret", Crumbs: []link{{"Applications", x.at("/applications")}, {x.id(), x.at("/application", "id", x.id())}}, Actions: []link{{"Go on", x.at("/application", "id", x.id())}}}
	return outcome{view: v.add(secret{"Client secret", made.Secret, "This is shown now and never again. Keep it where the application reads its secrets."})}, nil
}

func (c *Console) removeSecret(x *visit) (outcome, error) {
	if err := c.Management.RemoveClientSecret(x.ctx(), x.Administrator, x.clientID(), x.q("item")); err != nil {
		return outcome{}, err
	}
	return x.done("removed", "/application", "id", x.id())
}

// errorsShown is how many of the last errors of an application are shown.
const errorsShown = 5

func (c *Console) clientRefusals(x *visit) (block, error) {
	return partOf(x, part[management.Refusal]{
		title: "Last errors", none: "Nothing was refused lately.", heads: []string{"Error", "When", "Request"}, limit: errorsShown,
		deed: func(ctx context.Context, a management.Administrator, q management.Query) (management.List[management.Refusal], error) {
			return c.Management.ClientRefusals(ctx, a, x.clientID(), q)
		},
		row: func(r management.Refusal) []cell {
			request := code(r.RequestID)
			if x.may(lanyard.MayReadEvents) {
				request = to(r.RequestID, x.at("/trace", "id", r.RequestID))
			}
			return []cell{code(r.Code), x.moment(r.At, ""), request}
		},
	})
}
