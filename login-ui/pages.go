package loginui

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard/internal/clock"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/tenants"
)

//go:embed templates/*.html
var templateFiles embed.FS

// Config is what the pages are made of.
type Config struct {
	// Flow moves sign-ins.
	Flow Flow
	// Recovery sets passwords by link; nil means that there are no such links.
	Recovery Recovery
	// Accounts are the deeds of the account pages, and SignIn leads to them; nil means
	// that there are none.
	Accounts Accounts
	SignIn   LocalSignIn
	// Organizations are the deeds behind the pages of organizations and invitations, and
	// Entrance leads to them; nil means that there are none.
	Organizations Organizations
	Entrance      Entrance
	// DeviceAuthorizations are the deeds of the page for devices; nil means that there is none.
	DeviceAuthorizations DeviceAuthorizations
	// Setup makes the first administrator; nil means that there is no set-up page.
	Setup Setup
	// Development tells what the development server shows; nil elsewhere.
	Development Development
	Clock       clock.Clock
}

// Pages renders everything that people see. It is safe for use by several goroutines.
type Pages struct {
	Config
	languages *languages
	assets    *web.Assets
	templates map[string]func() (*template.Template, error)
}

// New reads templates, messages and assets once.
func New(c Config) (*Pages, error) {
	if c.Flow == nil || c.Clock == nil {
		return nil, errors.New("login-ui: the pages need a flow and a clock")
	}
	languages, err := newLanguages()
	if err != nil {
		return nil, err
	}
	assets, err := web.NewAssets(assetFiles, "assets", assetsPath)
	if err != nil {
		return nil, err
	}
	templates, err := parseTemplates()
	if err != nil {
		return nil, err
	}
	return &Pages{Config: c, languages: languages, assets: assets, templates: templates}, nil
}

// layoutFile is the frame of all pages; files with partPrefix are parts that
// several pages use.
const (
	layoutFile = "layout.html"
	partPrefix = "part_"
)

// parseTemplates finds the pages, by the names of their files. A page is parsed, together
// with the layout and the parts, when it is shown for the first time: few servers show
// all of them, and each holds copies of what all share.
func parseTemplates() (map[string]func() (*template.Template, error), error) {
	layout, err := template.ParseFS(templateFiles, "templates/"+layoutFile, "templates/"+partPrefix+"*.html")
	if err != nil {
		return nil, fmt.Errorf("parse layout: %w", err)
	}
	files, err := templateFiles.ReadDir("templates")
	if err != nil {
		return nil, fmt.Errorf("list templates: %w", err)
	}
	out := map[string]func() (*template.Template, error){}
	for _, f := range files {
		if f.Name() == layoutFile || strings.HasPrefix(f.Name(), partPrefix) {
			continue
		}
		out[f.Name()] = sync.OnceValues(func() (*template.Template, error) {
			page, err := layout.Clone()
			if err == nil {
				page, err = page.ParseFS(templateFiles, "templates/"+f.Name())
			}
			if err != nil {
				return nil, fmt.Errorf("parse page: %w", err)
			}
			return page, nil
		})
	}
	return out, nil
}

// show renders a page completely before the first byte is sent, so that a fault
// in a template is an error page and not half a page.
func (p *Pages) show(c *gin.Context, status int, page string, view any) error {
	parse, known := p.templates[page]
	if !known {
		return fmt.Errorf("render %s: there is no such page", page)
	}
	t, err := parse()
	if err != nil {
		return err
	}
	var body bytes.Buffer
	if err := t.ExecuteTemplate(&body, "layout", view); err != nil {
		return fmt.Errorf("render %s: %w", page, err)
	}
	h := c.Writer.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	c.Writer.WriteHeader(status)
	if c.Request.Method != http.MethodHead {
		_, _ = c.Writer.Write(body.Bytes()) // the reader may have gone
	}
	return nil
}

// site and live are the tenant's; live is nil only on an error page of a request
// whose tenant was not found.
func site(c *gin.Context) web.Site { return web.SiteOf(c.Request.Context()) }

func live(c *gin.Context) *tenants.Live { return tenants.FromContext(c.Request.Context()) }
