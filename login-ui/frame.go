package loginui

import (
	"net/url"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
)

// frame is what every page has: language, tenant, assets, footer, and the
// problem that is shown above the form. Views embed it.
type frame struct {
	*language
	Site     web.Site
	Tenant   string
	Heading  string
	title    string
	Problem  *problem
	Scripts  []string
	Wide     bool
	Switches []languageSwitch
	Privacy  string
	Terms    string

	assets *web.Assets
	accent string
	// logo and logoDark are paths of our own; empty for the initial instead.
	logo, logoDark string
}

// problem is the summary of what went wrong with a form. Field is the id of the
// input to go to; empty if it is not about one input. Credential is a passkey that
// the browser may forget, made for the host RPID; empty for none.
type problem struct {
	Text       string
	Field      string
	Credential string
	RPID       string
}

// languageSwitch is one entry of the footer's language list.
type languageSwitch struct {
	Tag     string
	Name    string
	Href    string
	Current bool
}

// frame begins a page. The application asks for languages by ui_locales.
func (p *Pages) frame(c *gin.Context, uiLocales []string) *frame {
	s := site(c)
	f := &frame{language: p.choose(c, uiLocales), Site: s, assets: p.assets}
	if l := live(c); l != nil {
		f.Tenant = plain(l.Tenant.Name)
		f.accent = l.Tenant.Branding.Accent
		f.Privacy = safeLink(l.Tenant.Policy.PrivacyURL)
		f.Terms = safeLink(l.Tenant.Policy.TermsURL)
	}
	if f.Tenant == "" {
		f.Tenant = hostOf(s.Issuer)
	}
	f.Switches = p.switches(c, f.language)
	f.Script("pages.js")
	return f
}

// Script adds a module of our own to the page.
func (f *frame) Script(name string) { f.Scripts = append(f.Scripts, f.Asset(name)) }

// Asset is the address of an embedded file.
func (f *frame) Asset(name string) string { return f.Site.Path(f.assets.Path(name)) }

// Theme is the address of the tenant's own colours; empty without an accent.
func (f *frame) Theme() string {
	path := themePath(f.accent)
	if path == "" {
		return ""
	}
	return f.Site.Path(path)
}

// Path is a path of the site, for links and forms.
func (f *frame) Path(path string) string { return f.Site.Path(path) }

// Title is the title of the document; it begins with "Error: " when there is a problem.
func (f *frame) Title() (string, error) {
	title := f.title
	if title == "" {
		title = f.Heading
	}
	title, err := f.T("title.page", "Title", title, "Tenant", f.Tenant)
	if err != nil || f.Problem == nil {
		return title, err
	}
	return f.T("title.error", "Title", title)
}

// Mark is the tenant's initial, drawn where there is no logo.
func (f *frame) Mark() string { return initial(f.Tenant) }

// Wrong tells whether the problem is about the input, for aria-invalid.
func (f *frame) Wrong(field string) bool { return f.Problem != nil && f.Problem.Field == field }

// heading sets the h1 from a message. Messages are embedded, so that a missing
// one is a broken build, which the rendering reports.
func (f *frame) heading(key string, args ...any) error {
	text, err := f.T(key, args...)
	f.Heading = text
	return err
}

// problem sets the summary from a message.
func (f *frame) problem(field, key string, args ...any) error {
	text, err := f.T(key, args...)
	f.Problem = &problem{Text: text, Field: field}
	return err
}

// appName is what the pages call a client.
func appName(client *lanyard.Client) string {
	if name := plain(client.DisplayName()); name != "" {
		return name
	}
	return string(client.ID)
}

// app is what the page calls a client that may not be known.
func (f *frame) app(client *lanyard.Client) (string, error) {
	if client == nil {
		return f.T("unnamed_app")
	}
	return appName(client), nil
}

// maxSwitchQuery bounds the query that a language link repeats.
const maxSwitchQuery = 2 << 10

// switches are links to the same page in the other languages. A page that is the
// answer to a form leads to the page with the empty form.
func (p *Pages) switches(c *gin.Context, current *language) []languageSwitch {
	query := url.Values{}
	if raw := c.Request.URL.RawQuery; len(raw) <= maxSwitchQuery {
		query = c.Request.URL.Query()
	}
	if id := c.Request.PostForm.Get("request"); id != "" && len(id) <= maxID {
		query.Set("request", id)
	}
	var out []languageSwitch
	for _, l := range p.languages.offered {
		query.Set(langParam, l.Lang)
		href := web.Local(site(c), c.Request.URL.Path, query).Location()
		out = append(out, languageSwitch{Tag: l.Lang, Name: l.Name, Href: href, Current: l.Lang == current.Lang})
	}
	return out
}
