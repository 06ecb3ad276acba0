package console

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	texttemplate "text/template"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/clock"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/provider/token"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/management"
)

//go:embed assets
var assetFiles embed.FS

//go:embed templates/*.html
var templateFiles embed.FS

// Paths of the console below the issuer.
const (
	base         = "/console"
	pathSignIn   = "/signin"
	pathSignOut  = "/signout"
	pathAssets   = base + "/assets/"
	pathHome     = "/home"
	pathCallback = tenants.PathConsoleCallback
)

// Config is what the console is made of.
type Config struct {
	Management *management.Management
	Issuer     *token.Issuer
	// Flow begins test sign-ins; nil means that there are none.
	Flow  *flow.Flow
	Clock clock.Clock
	// Version is that of the server, as the pages show it; empty for none.
	Version string
}

// Console renders the pages of administrators. It is safe for use by several goroutines.
type Console struct {
	Config
	assets    *web.Assets
	templates *template.Template
	snippets  *texttemplate.Template
	screens   []screen
	deeds     []deed
	fragments []fragment
	files     []file
}

// New parses templates and assets once. It fails when a page leaves something undeclared.
func New(c Config) (*Console, error) {
	if c.Management == nil || c.Issuer == nil || c.Clock == nil {
		return nil, errors.New("console: it needs the management, an issuer of tokens and a clock")
	}
	out := &Console{Config: c}
	var err error
	if out.assets, err = web.NewAssets(assetFiles, "assets", pathAssets); err != nil {
		return nil, err
	}
	if out.templates, err = template.ParseFS(templateFiles, "templates/*.html"); err != nil {
		return nil, fmt.Errorf("parse the console's templates: %w", err)
	}
	if out.snippets, err = parseSnippets(); err != nil {
		return nil, fmt.Errorf("parse the console's snippets: %w", err)
	}
	out.register()
	return out, out.check()
}

// screen is a page of the console.
type screen struct {
	// path is below /console.
	path string
	// area is the path of the entry of the navigation that it belongs to.
	area string
	// permission is what somebody needs to see it; anyAdministrator for nothing special.
	permission string
	show       func(x *visit) (*view, error)
}

// deed is what a form of the console does.
type deed struct {
	path, area string
	permission string
	// from is the page that the form stands on, shown again with what was wrong.
	from func(x *visit) (*view, error)
	do   func(x *visit) (outcome, error)
	// maxBody bounds the form, in bytes; zero for the usual.
	maxBody int64
}

// fragment is a part of a page that the script asks for while a form is filled in. It changes nothing.
type fragment struct {
	path, permission, template string
	look                       func(x *visit) (any, error)
}

// file is something to take along.
type file struct {
	path, permission string
	serve            func(x *visit) error
}

// outcome is what a deed leads to: a page of the console with a word for what was done, or
// a page that is shown at once because it can not be shown again.
type outcome struct {
	to   web.Target
	view *view
}

// anyAdministrator is the permission of pages that everybody may see who administers anything.
const anyAdministrator = "any"

// check finds what the table leaves undeclared.
func (c *Console) check() error {
	known := append(slices.Clone(lanyard.AdministrationPermissions), anyAdministrator)
	for _, s := range c.screens {
		if s.show == nil || !strings.HasPrefix(s.path, "/") || !slices.Contains(known, s.permission) {
			return fmt.Errorf("console: the page %s leaves something out", s.path)
		}
	}
	for _, d := range c.deeds {
		if d.do == nil || d.from == nil || !strings.HasPrefix(d.path, "/") || !slices.Contains(known, d.permission) {
			return fmt.Errorf("console: the form %s leaves something out", d.path)
		}
	}
	for _, f := range c.fragments {
		if f.look == nil || c.templates.Lookup(f.template) == nil || !slices.Contains(known, f.permission) {
			return fmt.Errorf("console: the fragment %s leaves something out", f.path)
		}
	}
	for _, f := range c.files {
		if f.serve == nil || !slices.Contains(known, f.permission) {
			return fmt.Errorf("console: the file %s leaves something out", f.path)
		}
	}
	return nil
}

// Routes is the table of the console.
func (c *Console) Routes() []web.Route {
	routes := []web.Route{
		route(http.MethodGet, base+pathSignIn, web.Anyone, c.getSignIn),
		route(http.MethodGet, pathCallback, web.Anyone, c.getCallback),
		route(http.MethodPost, base+pathSignOut, web.Session, c.postSignOut),
		{
			Method: http.MethodGet, Path: pathAssets + ":name", Kind: web.File, Access: web.Anyone, CSRF: web.CSRFExempt("files change nothing"),
			CORS: web.CORSNone, Head: true, Handler: c.getAsset,
		},
	}
	for _, s := range c.screens {
		routes = append(routes, route(http.MethodGet, base+s.path, web.Session, c.get(s)))
		if s.path == pathHome {
			routes = append(routes, route(http.MethodGet, base, web.Session, c.get(s)))
		}
	}
	for _, d := range c.deeds {
		r := route(http.MethodPost, base+d.path, web.Session, c.post(d))
		r.MaxBody = d.maxBody
		routes = append(routes, r)
	}
	for _, f := range c.fragments {
		routes = append(routes, route(http.MethodPost, base+f.path, web.Session, c.live(f)))
	}
	for _, f := range c.files {
		routes = append(routes, route(http.MethodGet, base+f.path, web.Session, c.download(f)))
	}
	return routes
}

func route(method, path string, access web.Access, h web.Handler) web.Route {
	return web.Route{Method: method, Path: path, Kind: web.Page, Access: access, CSRF: web.CSRFSameOrigin, CORS: web.CORSNone, Handler: h}
}

// Permission is a line of the table of pages.
type Permission struct{ Method, Path, Permission string }

// Table lists each page and form with the permission that it needs; empty for none beyond
// administering anything.
func (c *Console) Table() []Permission {
	var out []Permission
	add := func(method, path, permission string) {
		if permission == anyAdministrator {
			permission = ""
		}
		out = append(out, Permission{method, base + path, permission})
	}
	for _, s := range c.screens {
		add(http.MethodGet, s.path, s.permission)
	}
	for _, d := range c.deeds {
		add(http.MethodPost, d.path, d.permission)
	}
	for _, f := range c.fragments {
		add(http.MethodPost, f.path, f.permission)
	}
	for _, f := range c.files {
		add(http.MethodGet, f.path, f.permission)
	}
	return out
}

// Serves tells whether a path is one of the console.
func Serves(path string) bool { return path == base || strings.HasPrefix(path, base+"/") }

// page adds a screen, form a deed.
func (c *Console) page(s screen) { c.screens = append(c.screens, s) }

func (c *Console) form(d deed) { c.deeds = append(c.deeds, d) }

// editor adds a page that is a form, and what the form does.
func (c *Console) editor(e deed) {
	c.page(screen{path: e.path, area: e.area, permission: e.permission, show: e.from})
	c.form(e)
}

// part adds a fragment.
func (c *Console) part(f fragment) { c.fragments = append(c.fragments, f) }

func (c *Console) file(f file) { c.files = append(c.files, f) }

func (c *Console) getAsset(g *gin.Context) error {
	a := c.assets.Find(g.Param("name"))
	if a == nil {
		return lanyard.ErrNotFound
	}
	a.Serve(g)
	return nil
}
