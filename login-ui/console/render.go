package console

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/tenants"
)

// parsing is the Trusted Types policy that the console's script makes for htmx.
const parsing = "lanyard-console"

// areas is the navigation, in the order in which it is shown.
var areas = []struct {
	group, text, path, permission string
}{
	{"", "Home", pathHome, anyAdministrator},
	{"Manage", "Applications", "/applications", lanyard.MayReadClients},
	{"Manage", "Users", "/users", lanyard.MayReadUsers},
	{"Manage", "Organizations", "/organizations", lanyard.MayReadOrganizations},
	{"Manage", "API access", "/access", lanyard.MayReadClients},
	{"Access", "Roles", "/roles", lanyard.MayReadSettings},
	{"Access", "Connections", "/connections", lanyard.MayReadTrust},
	{"Access", "Trusted issuers", "/issuers", lanyard.MayReadTrust},
	{"Access", "Resources", "/resources", lanyard.MayReadSettings},
	{"Observe", "Events", "/events", lanyard.MayReadEvents},
	{"Observe", "Webhooks", "/webhooks", lanyard.MayReadWebhooks},
	{"Observe", "Messages", "/messages", lanyard.MayReadSettings},
	{"Tenant", "Settings", "/settings", lanyard.MayReadSettings},
	{"Tenant", "Signing keys", "/keys", lanyard.MayReadKeys},
	{"Tenant", "Tenants", "/tenants", lanyard.MayManageInstance},
	{"Tenant", "System", "/system", lanyard.MayManageInstance},
}

// navigation is what the person may see.
func (c *Console) navigation(x *visit) []group {
	var out []group
	for _, a := range areas {
		if a.permission != anyAdministrator && !x.may(a.permission) || !c.has(a.path) {
			continue
		}
		if x.elsewhere() && a.permission == lanyard.MayManageInstance {
			continue // of the instance, not of that tenant
		}
		if len(out) == 0 || out[len(out)-1].Title != a.group {
			out = append(out, group{Title: a.group})
		}
		last := &out[len(out)-1]
		last.Links = append(last.Links, navLink{link{a.text, x.at(a.path)}, a.path == x.area})
	}
	return out
}

func (c *Console) has(path string) bool {
	for _, s := range c.screens {
		if s.path == path {
			return true
		}
	}
	return false
}

// show renders a page completely before the first byte is sent.
func (c *Console) show(x *visit, status int, v *view) error {
	x.commands(v)
	p := page{
		view: v, Nav: c.navigation(x), Tenant: x.Live.Tenant.Name, Home: x.at(pathHome), Person: x.Person.User.Profile.Name,
		Account: x.site.Path("/account"), SignOut: x.site.Path(base + pathSignOut), Version: c.Version, Policy: parsing, asset: c.assetOf(x.site),
	}
	if p.Person == "" {
		p.Person = x.Person.User.Username
	}
	if p.Tenant == "" {
		p.Tenant = x.Live.Tenant.Slug
	}
	if x.elsewhere() {
		p.Across, p.Back = x.Live.Tenant.Slug, web.Local(x.site, base+"/tenants", nil).Location()
	}
	return c.render(x.c, status, "layout", p)
}

func (c *Console) assetOf(s web.Site) func(string) string {
	return func(name string) string { return s.Path(c.assets.Path(name)) }
}

func (c *Console) render(g *gin.Context, status int, name string, data any) error {
	var body bytes.Buffer
	if err := c.templates.ExecuteTemplate(&body, name, data); err != nil {
		return fmt.Errorf("render the console: %w", err)
	}
	h := g.Writer.Header()
	web.PageHeaders(h)
	web.ParseHTML(h, parsing)
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	g.Writer.WriteHeader(status)
	_, _ = g.Writer.Write(body.Bytes()) // the reader may have gone
	return nil
}

// message is a page outside of the frame: it is for people who are not let in, or not further.
type message struct {
	Title   string
	Texts   []string
	Link    link
	Others  []link
	SignOut string
	// ID is what support asks for; empty for none.
	ID     string
	Tenant string
	asset  func(string) string
}

// Asset is the address of an embedded file.
func (m message) Asset(name string) string { return m.asset(name) }

func (c *Console) message(g *gin.Context, status int, m message) error {
	ctx := g.Request.Context()
	m.asset = c.assetOf(web.SiteOf(ctx))
	if live := tenants.FromContext(ctx); live != nil {
		m.Tenant = live.Tenant.Name
	}
	return c.render(g, status, "message", m)
}

// faults are the words for errors, by code, then by kind.
var (
	faultOfCode = map[string][2]string{
		lanyard.ErrNotAllowed.Code:   {"Your roles do not allow this", "Ask an administrator who may do it."},
		lanyard.ErrForgedForm.Code:   {"This form can not be used", "It was not sent from a page of the console."},
		web.ErrMethod.Code:           {"There is nothing to see here", "This address takes forms only."},
		web.ErrTooLarge.Code:         {"That is too much", "The form is larger than what is accepted."},
		lanyard.ErrForgedCursor.Code: {"This page of the list is gone", "Begin at the first page again."},
	}
	faultOfKind = map[lanyard.Kind][2]string{
		lanyard.Invalid:     {"This can not be understood", "The address or the form is not one that the console makes."},
		lanyard.NotFound:    {"Not found", "It was never here, or somebody removed it."},
		lanyard.Conflict:    {"That does not fit", "Something else stands in the way."},
		lanyard.Denied:      {"Not allowed", "This is not for your account."},
		lanyard.Throttled:   {"Too many attempts", "Wait a moment and try again."},
		lanyard.Unavailable: {"Not available at the moment", "Try again in a few seconds."},
		lanyard.Internal:    {"Something went wrong on our side", "Try again. If it goes on, quote the number below."},
	}
)

// RenderError is web.Options.RenderError for paths of the console (Serves).
func (c *Console) RenderError(g *gin.Context, status int, e *lanyard.Error, requestID string) {
	words, found := faultOfCode[e.Code]
	if !found {
		if words = faultOfKind[e.Kind]; words[0] == "" {
			words = faultOfKind[lanyard.Denied]
		}
	}
	s := web.SiteOf(g.Request.Context())
	m := message{Title: words[0], Texts: []string{words[1]}, Link: link{"Go to the console", s.Path(base)}, ID: requestID}
	if e.Kind == lanyard.Invalid && e.Message != "" {
		m.Texts = append(m.Texts, sentence(e.Message))
	}
	if !web.WantsPage(g) || c.message(g, status, m) != nil {
		web.JSONError(g, status, e, requestID)
	}
}
