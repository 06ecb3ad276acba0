package console

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// register adds the pages of all nouns.
func (c *Console) register() {
	for _, noun := range []func(){
		c.home, c.clients, c.tries, c.users, c.invitations, c.organizations, c.access, c.roles, c.connections, c.issuers, c.resources, c.events, c.webhooks, c.messages, c.settings, c.keys, c.traces, c.tenantPages,
	} {
		noun()
	}
}

func (c *Console) home() {
	c.page(screen{path: pathHome, area: pathHome, permission: anyAdministrator, show: c.front})
}

// week is what the numbers of the first page are about.
const week = 7 * 24 * time.Hour

func (c *Console) front(x *visit) (*view, error) {
	v := &view{Title: "Home", Copy: []command{{CLI: "lanyard event list --filter type=user.signed_in", Method: "GET", Path: "/events?type=user.signed_in"}}}
	numbers, err := c.numbers(x)
	if err != nil {
		return nil, err
	}
	if len(numbers.Items) > 0 {
		v.add(numbers)
	}
	todo, err := c.todo(x)
	if err != nil {
		return nil, err
	}
	if len(todo.Items) > 0 {
		v.add(todo)
	}
	f := facts{Title: "This tenant"}
	f.put("Issuer", copyable(x.Live.Issuer)).put("Discovery document", to(x.Live.Issuer+discovery, x.Live.Issuer+discovery)).put("Your powers", named(brief(x.Powers), "none"))
	return v.add(f), nil
}

// brief are powers without those that greater ones stand for.
func brief(p lanyard.Powers) []string {
	for _, all := range []string{lanyard.MayManageInstance, lanyard.MayManageTenant} {
		if p.May(all) {
			return []string{all}
		}
	}
	return p.List()
}

func (c *Console) numbers(x *visit) (tiles, error) {
	var out tiles
	if x.may(lanyard.MayReadEvents) {
		for _, each := range []struct {
			name string
			fact lanyard.EventType
		}{{"Sign-ins in 7 days", lanyard.EventUserSignedIn}, {"Failed in 7 days", lanyard.EventSignInFailed}} {
			count, err := c.count(x, each.fact)
			if err != nil {
				return out, err
			}
			out.Items = append(out.Items, tile{each.name, to(count, x.at("/events", "type", string(each.fact), "since", x.Now.Add(-week).UTC().Format(time.DateOnly)))})
		}
	}
	if x.may(lanyard.MayReadKeys) {
		found, err := c.Management.Keys(x.ctx(), x.Administrator, management.Query{Filter: map[string]string{"state": string(lanyard.KeyActive)}})
		if err != nil {
			return out, err
		}
		oldest := x.Now
		for _, k := range found.Items {
			if !k.ActivatedAt.IsZero() && k.ActivatedAt.Before(oldest) {
				oldest = k.ActivatedAt
			}
		}
		out.Items = append(out.Items, tile{"Signing keys in use since", x.moment(oldest, "")})
	}
	return out, nil
}

// count is how many facts of a type there were in a week, up to what one page of events has.
func (c *Console) count(x *visit, fact lanyard.EventType) (string, error) {
	found, err := c.Management.Events(x.ctx(), x.Administrator, management.Query{
		Limit: management.MaxLimit, Filter: map[string]string{"type": string(fact), "since": momentOf(x.Now.Add(-week).UTC().Format(time.DateOnly))},
	})
	count := strconv.Itoa(len(found.Items))
	if found.Next != "" {
		count += "+"
	}
	return count, err
}

// todo is what is left to do in a new tenant, of what the person may do.
func (c *Console) todo(x *visit) (checklist, error) {
	out := checklist{Title: "Get started"}
	for _, step := range []struct {
		permission string
		look       func(x *visit) (item, error)
	}{
		{lanyard.MayManageClients, c.firstApplication}, {lanyard.MayManageUsers, c.firstPeople}, {lanyard.MayManageUsers, c.secondAdministrator}, {lanyard.MayManageUsers, c.ownPasskey},
		{lanyard.MayManageSettings, whoSignsUp}, {lanyard.MayManageSettings, ownBranding}, {lanyard.MayManageWebhooks, c.firstWebhook},
	} {
		if !x.may(step.permission) {
			continue
		}
		i, err := step.look(x)
		if err != nil {
			return out, err
		}
		if i.Text != "" {
			out.Items = append(out.Items, i)
		}
	}
	if out.Left() == 0 {
		return checklist{}, nil
	}
	return out, nil
}

// some tells whether a list has at least so many things.
func some[T any](x *visit, deed func(context.Context, management.Administrator, management.Query) (management.List[T], error), n int) (bool, error) {
	found, err := deed(x.ctx(), x.Administrator, management.Query{Limit: n})
	return len(found.Items) >= n, err
}

func (c *Console) firstApplication(x *visit) (item, error) {
	done, err := some(x, c.Management.Clients, 1)
	return item{done, "Add your first application", "Templates fill in what Express, React, Kubernetes or Grafana need.", link{"Add", x.at("/new/applications")}}, err
}

func (c *Console) firstPeople(x *visit) (item, error) {
	done, err := some(x, c.Management.Users, 2)
	return item{done, "Let somebody in", "Add people, or invite an organization.", link{"Add a user", x.at("/new/user")}}, err
}

// administers are the roles that rule the whole tenant.
func administers(x *visit) []string {
	var out []string
	for _, r := range x.Live.Roles {
		if slices.Contains(r.Permissions, lanyard.MayManageTenant) || slices.Contains(r.Permissions, lanyard.MayManageInstance) {
			out = append(out, r.Name)
		}
	}
	return out
}

func (c *Console) secondAdministrator(x *visit) (item, error) {
	if x.elsewhere() {
		return item{}, nil
	}
	seen := map[lanyard.UserID]bool{}
	for _, role := range administers(x) {
		found, err := c.Management.Users(x.ctx(), x.Administrator, management.Query{Limit: 2, Filter: map[string]string{"role": role}})
		if err != nil {
			return item{}, err
		}
		for _, u := range found.Items {
			seen[u.ID] = true
		}
	}
	return item{len(seen) > 1, "Name a second administrator", "So that a lost phone locks nobody out.", link{"Users", x.at("/users")}}, nil
}

func (c *Console) ownPasskey(x *visit) (item, error) {
	if x.elsewhere() || x.Person.User.ID == "" {
		return item{}, nil
	}
	found, err := c.Management.UserAuthenticators(x.ctx(), x.Administrator, x.Person.User.ID, management.Query{})
	done := slices.ContainsFunc(found.Items, func(a management.Authenticator) bool { return a.Type == "passkey" || a.Type == "totp" })
	return item{done, "Protect your own account", "With a passkey, or an authenticator app.", link{"Your account", x.site.Path("/account/security")}}, err
}

func whoSignsUp(x *visit) (item, error) {
	return item{x.Live.Tenant.Policy.SignUp != "", "Decide who may make an account", "At first only those who are invited.", link{"Decide", x.at("/settings/signin")}}, nil
}

func ownBranding(x *visit) (item, error) {
	return item{x.Live.Tenant.Branding.Accent != "", "Give the pages your colour", "", link{"Choose", x.at("/settings/branding")}}, nil
}

func (c *Console) firstWebhook(x *visit) (item, error) {
	done, err := some(x, c.Management.Webhooks, 1)
	return item{done, "Hear what happens", "A webhook tells your systems of new people and changes.", link{"Add a webhook", x.at("/new/webhook")}}, err
}
