package main

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
)

// noun is something that the API manages: where, how its list looks, and what it is called there.
type noun struct {
	path    string
	columns []string
	// in is set for what is inside of an organization.
	in bool
}

// nouns are those of the command line by the name of their command.
var nouns = map[string]noun{
	"tenant":       {path: "/tenants", columns: []string{"slug", "name", "issuer", "suspended"}},
	"user":         {path: "/users", columns: []string{"id", "email", "username", "name", "roles", "disabled"}},
	"org":          {path: "/organizations", columns: []string{"id", "slug", "name", "plan", "suspended"}},
	"client":       {path: "/clients", columns: []string{"client_id", "type", "client_name", "disabled"}},
	"invite":       {path: "/invitations", columns: []string{"id", "email", "domain", "uses", "max_uses", "expires_at", "revoked_at"}},
	"key":          {path: "/keys", columns: []string{"id", "algorithm", "state", "created_at", "activated_at", "expires_at"}},
	"resource":     {path: "/resources", columns: []string{"id", "identifier", "name", "token_format"}},
	"role":         {path: "/roles", columns: []string{"name", "permissions"}},
	"connection":   {path: "/connections", columns: []string{"id", "kind", "name", "enabled"}},
	"issuer":       {path: "/trusted-issuers", columns: []string{"id", "issuer", "purposes"}},
	"webhook":      {path: "/webhooks", columns: []string{"id", "url", "types", "disabled"}},
	"event":        {path: "/events", columns: []string{"at", "type", "actor", "user_id", "client_id", "organization_id"}},
	"refusal":      {path: "/refusals", columns: []string{"request_id", "at", "code"}},
	"member":       {path: "/members", columns: []string{"user_id", "email", "name", "roles"}, in: true},
	"org-role":     {path: "/roles", columns: []string{"name", "permissions"}, in: true},
	"org-invite":   {path: "/invitations", columns: []string{"id", "email", "domain", "roles", "uses", "max_uses", "expires_at"}, in: true},
	"domain":       {path: "/domains", columns: []string{"name", "joining", "verified_at"}, in: true},
	"org-upstream": {path: "/connections", columns: []string{"id", "kind", "name", "enabled"}, in: true},
}

// The commands of a noun. Which of them it has is in the struct of its command.
type (
	readable struct {
		List nounList `cmd:"" help:"List."`
		Get  nounGet  `cmd:"" help:"Show one."`
	}
	removable struct {
		readable
		Create nounCreate `cmd:"" help:"Create one."`
		Delete nounDelete `cmd:"" help:"Remove one."`
	}
	manageable struct {
		removable
		Update nounUpdate `cmd:"" help:"Change one."`
	}
	listable struct {
		List nounList `cmd:"" help:"List."`
	}
	showable struct {
		Get nounGet `cmd:"" help:"Show one."`
	}
	keyCommands struct {
		List   nounList  `cmd:"" help:"List."`
		Get    nounGet   `cmd:"" help:"Show one."`
		Create keyRotate `cmd:"" help:"Make a key of an algorithm; the same as rotate."`
		Update keyRotate `cmd:"" hidden:"" help:"A key never changes; the same as rotate."`
		Rotate keyRotate `cmd:"" help:"Replace the signing key of an algorithm."`
		Delete keyRevoke `cmd:"" help:"Revoke a key at once: nothing that it signed is believed any more."`
	}
)

// place is the organization that some nouns are inside of.
type place struct {
	Org string `placeholder:"ORGANIZATION" help:"Organization (id or slug), for what is inside of one."`
}

// find is the noun of a command and its path.
func (o place) find(k *kong.Context) (noun, string, error) {
	n := nouns[k.Selected().Parent.Name]
	switch {
	case n.in && o.Org == "":
		return n, "", usageError("name the organization with --org")
	case !n.in && o.Org != "" && k.Selected().Parent.Name != "event":
		return n, "", usageError("--org is for what is inside of an organization")
	case o.Org != "":
		return n, "/organizations/" + url.PathEscape(o.Org) + n.path, nil
	}
	return n, n.path, nil
}

type nounList struct {
	apiSource
	place
	Search string   `help:"Part of a name."`
	Sort   string   `help:"Order, with - in front for the other way."`
	Filter []string `placeholder:"NAME=VALUE" sep:"none" help:"Further conditions."`
	Limit  int      `default:"100" help:"At most so many; 0 for all."`
}

// Run lists, page by page.
func (c nounList) Run(ctx context.Context, k *kong.Context, p *program) (err error) {
	n, path, err := c.find(k)
	if err != nil {
		return err
	}
	query, err := c.query()
	if err != nil {
		return err
	}
	api, err := c.open(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, api.close()) }()
	rows := []any{}
	for {
		if c.Limit > 0 {
			query.Set("limit", strconv.Itoa(min(apiPage, c.Limit-len(rows))))
		}
		page, err := api.call(ctx, http.MethodGet, path+"?"+query.Encode(), nil)
		if err != nil {
			return err
		}
		items, _ := memberOf(page, "items").([]any)
		rows = append(rows, items...)
		next, _ := memberOf(page, "next").(string)
		if next == "" || (c.Limit > 0 && len(rows) >= c.Limit) {
			break
		}
		query.Set("cursor", next)
	}
	return p.show(c.Output, rows, n.columns)
}

// apiPage is how many things are asked for at once.
const apiPage = 200

func (c nounList) query() (url.Values, error) {
	query := url.Values{"limit": {strconv.Itoa(apiPage)}}
	if c.Search != "" {
		query.Set("search", c.Search)
	}
	if c.Sort != "" {
		query.Set("sort", c.Sort)
	}
	for _, filter := range c.Filter {
		name, value, found := strings.Cut(filter, "=")
		if !found {
			return nil, usageError("--filter is NAME=VALUE")
		}
		query.Set(name, value)
	}
	return query, nil
}

type nounGet struct {
	apiSource
	place
	ID string `arg:"" help:"Its id."`
}

// Run shows one.
func (c nounGet) Run(ctx context.Context, k *kong.Context, p *program) error {
	return c.answer(ctx, k, p, http.MethodGet, c.ID, nil)
}

// answer calls the API about one thing and prints what it says.
func (s apiSource) ask(ctx context.Context, p *program, method, path string, body func(*apiClient) (any, error)) (err error) {
	api, err := s.open(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, api.close()) }()
	var content any
	if body != nil {
		if content, err = body(api); err != nil {
			return err
		}
	}
	out, err := api.call(ctx, method, path, content)
	if err != nil || out == nil {
		return err
	}
	return p.show(s.Output, out, nil)
}

func (c nounGet) answer(ctx context.Context, k *kong.Context, p *program, method, id string, body func(*apiClient) (any, error)) error {
	_, path, err := c.find(k)
	if err != nil {
		return err
	}
	return c.ask(ctx, p, method, path+"/"+url.PathEscape(id), body)
}

type nounDelete struct {
	nounGet
	Yes bool `help:"Do it without asking."`
}

// Run removes one.
func (c nounDelete) Run(ctx context.Context, k *kong.Context, p *program) error {
	if !c.Yes {
		return usageError("this can not be undone: say --yes")
	}
	return c.answer(ctx, k, p, http.MethodDelete, c.ID, nil)
}

type nounCreate struct {
	apiSource
	place
	values
}

// Run creates one.
func (c nounCreate) Run(ctx context.Context, k *kong.Context, p *program) error {
	_, path, err := c.find(k)
	if err != nil {
		return err
	}
	return c.ask(ctx, p, http.MethodPost, path, func(api *apiClient) (any, error) {
		return c.body(ctx, p, api, schemaPath(c.Org, path), "post")
	})
}

type nounUpdate struct {
	apiSource
	place
	ID string `arg:"" help:"Its id."`
	values
}

// Run changes one. A member without a value is taken away.
func (c nounUpdate) Run(ctx context.Context, k *kong.Context, p *program) error {
	_, path, err := c.find(k)
	if err != nil {
		return err
	}
	return c.ask(ctx, p, http.MethodPatch, path+"/"+url.PathEscape(c.ID), func(api *apiClient) (any, error) {
		return c.body(ctx, p, api, schemaPath(c.Org, path)+"/{", "patch")
	})
}

func sortedNames(members map[string]any) []string { return slices.Sorted(maps.Keys(members)) }

func sortedWords(words map[string][]string) []string { return slices.Sorted(maps.Keys(words)) }

type keyRotate struct {
	apiSource
	Algorithm string `default:"RS256" enum:"RS256,ES256,EdDSA" help:"RS256, ES256 or EdDSA."`
	Force     bool   `help:"Have the next key sign although applications that cache keys may not have it yet."`
}

// Run rotates.
func (c keyRotate) Run(ctx context.Context, p *program) error {
	return c.ask(ctx, p, http.MethodPost, "/keys/rotate", func(*apiClient) (any, error) {
		return map[string]any{"algorithm": c.Algorithm, "force": c.Force}, nil
	})
}

type keyRevoke struct {
	apiSource
	ID  string `arg:"" help:"The id (kid) of the key."`
	Yes bool   `help:"Do it without asking."`
}

// Run revokes.
func (c keyRevoke) Run(ctx context.Context, p *program) error {
	if !c.Yes {
		return usageError("whatever the key has signed is refused from then on: say --yes")
	}
	return c.ask(ctx, p, http.MethodPost, "/keys/"+url.PathEscape(c.ID)+"/revoke", func(*apiClient) (any, error) { return map[string]any{}, nil })
}

type settingsCommands struct {
	Get    settingsGet    `cmd:"" help:"Show them."`
	Update settingsUpdate `cmd:"" help:"Change them."`
}

type settingsGet struct{ apiSource }

// Run shows the settings of the tenant.
func (c settingsGet) Run(ctx context.Context, p *program) error {
	return c.ask(ctx, p, http.MethodGet, "/settings", nil)
}

type settingsUpdate struct {
	apiSource
	values
}

// Run changes settings of the tenant.
func (c settingsUpdate) Run(ctx context.Context, p *program) error {
	return c.ask(ctx, p, http.MethodPatch, "/settings", func(api *apiClient) (any, error) { return c.body(ctx, p, api, "/settings", "patch") })
}

type apiCommand struct {
	apiSource
	Method string `arg:"" enum:"GET,POST,PUT,PATCH,DELETE" help:"GET, POST, PUT, PATCH or DELETE."`
	Path   string `arg:"" help:"Path below /api/v1, such as /users/ID/sessions; see /openapi.json."`
	File   string `short:"f" placeholder:"FILE" help:"Body as JSON or YAML; - for standard input."`
}

// Run calls any operation of the API.
func (c apiCommand) Run(ctx context.Context, p *program) error {
	if !strings.HasPrefix(c.Path, "/") {
		return usageError("the path begins with /")
	}
	var body func(*apiClient) (any, error)
	if c.Method != http.MethodGet && c.Method != http.MethodDelete {
		body = func(*apiClient) (any, error) { return values{File: c.File}.file(p) }
	}
	return c.ask(ctx, p, c.Method, c.Path, body)
}
