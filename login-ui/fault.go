package loginui

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
)

// faultView is an error page (L20).
type faultView struct {
	messageView
	ID string
	// Details are for developers, collapsed.
	Details []field
}

// fault is how an error is told to people: its heading and its text.
type fault struct{ heading, text string }

// faultOfCode is for errors that have a page of their own; the others get that of their kind.
var (
	faultOfCode = map[string]fault{
		lanyard.ErrUnknownClient.Code:  {"error.setup_client", "error.unknown_client"},
		lanyard.ErrBadRedirect.Code:    {"error.setup_client", "error.bad_redirect_uri"},
		lanyard.ErrInvalidRequest.Code: {"error.setup_client", "error.invalid_request"},
		lanyard.ErrStaleFlow.Code:      {"error.stale_heading", "error.stale"},
		lanyard.ErrForeignFlow.Code:    {"error.foreign_heading", "error.foreign"},
		lanyard.ErrForgedForm.Code:     {"error.forged_heading", "error.forged"},
		lanyard.ErrNotAllowed.Code:     {"error.not_allowed_heading", "error.not_allowed"},
		web.ErrMethod.Code:             {"error.method_heading", "error.method"},
		web.ErrTooLarge.Code:           {"error.too_large_heading", "error.too_large"},
	}
	faultOfKind = map[lanyard.Kind]fault{
		lanyard.Invalid:         {"error.input_heading", "error.input"},
		lanyard.NotFound:        {"error.not_found_heading", "error.not_found"},
		lanyard.Conflict:        {"error.forged_heading", "error.forged"},
		lanyard.Denied:          {"error.denied_heading", "error.denied"},
		lanyard.Unauthenticated: {"error.denied_heading", "error.denied"},
		lanyard.Throttled:       {"error.throttled_heading", "throttled.later"},
		lanyard.Unavailable:     {"error.unavailable_heading", "error.unavailable"},
		lanyard.Internal:        {"error.server_heading", "error.server"},
	}
)

func faultOf(e *lanyard.Error) fault {
	if f, found := faultOfCode[e.Code]; found {
		return f
	}
	return faultOfKind[e.Kind]
}

// RenderError is web.Options.RenderError: a page for people, JSON for programs.
func (p *Pages) RenderError(c *gin.Context, status int, e *lanyard.Error, requestID string) {
	if !web.WantsPage(c) {
		web.JSONError(c, status, e, requestID)
		return
	}
	if err := p.errorPage(c, status, e, nil); err != nil {
		web.JSONError(c, status, e, requestID)
	}
}

// Error answers with an error page, for endpoints that talk to browsers. Details
// are pairs of name and value, shown under dev only.
func (p *Pages) Error(c *gin.Context, err error, details ...[2]string) error {
	e := web.Public(err)
	web.Note(c, err)
	web.RetryAfter(c.Writer.Header(), e)
	return p.errorPage(c, web.StatusOf(e), e, details)
}

func (p *Pages) errorPage(c *gin.Context, status int, e *lanyard.Error, details [][2]string) error {
	v, err := p.faultView(c, faultOf(e))
	if err != nil {
		return err
	}
	if e.Kind == lanyard.Throttled {
		text, err := v.waitText(e.RetryAfter)
		if err != nil {
			return err
		}
		v.Texts = []string{text}
	}
	v.Details = append(v.Details, field{"error", e.Code}, field{"error_description", e.Message})
	if site(c).Dev {
		for _, d := range details {
			v.Details = append(v.Details, field{d[0], d[1]})
		}
	}
	if c.Request.Method == http.MethodGet && (e.Kind == lanyard.Internal || e.Kind == lanyard.Unavailable) {
		if err := p.offerRetry(c, v); err != nil {
			return err
		}
	}
	return p.showFault(c, status, v)
}

// offerRetry leads to the same page once more.
func (p *Pages) offerRetry(c *gin.Context, v *faultView) error {
	text, err := v.T("error.retry")
	if query := c.Request.URL.Query(); len(c.Request.URL.RawQuery) <= maxSwitchQuery {
		v.Link, v.LinkText = web.Local(site(c), c.Request.URL.Path, query).Location(), text
	}
	return err
}

// Stale says that a sign-in has expired, with a way to begin again at the client,
// which may be nil.
func (p *Pages) Stale(c *gin.Context, client *lanyard.Client) error {
	return p.startAgain(c, client, faultOf(lanyard.ErrStaleFlow), http.StatusBadRequest)
}

// CookiesBlocked says that the browser brought no cookie at all.
func (p *Pages) CookiesBlocked(c *gin.Context, client *lanyard.Client) error {
	return p.startAgain(c, client, fault{"error.cookies_heading", "error.cookies"}, http.StatusBadRequest)
}

func (p *Pages) startAgain(c *gin.Context, client *lanyard.Client, what fault, status int) error {
	v, err := p.faultView(c, what)
	if err != nil {
		return err
	}
	v.Link = homeOf(client)
	key, args := "error.stale_where", []any(nil)
	if v.Link != "" {
		key, args = "error.start_again", []any{"App", appName(client)}
	}
	text, err := v.T(key, args...)
	if v.Link != "" {
		v.LinkText = text
	} else if what.text == "error.stale" {
		v.Texts = append(v.Texts, text)
	}
	return errors.Join(err, p.showFault(c, status, v))
}

func (p *Pages) faultView(c *gin.Context, what fault) (*faultView, error) {
	f := p.frame(c, nil)
	id := web.RequestID(c.Request.Context())
	v := &faultView{messageView: messageView{frame: f}, ID: id}
	if err := f.heading(what.heading); err != nil {
		return nil, err
	}
	text, err := f.T(what.text, "ID", id)
	v.Texts = []string{text}
	f.Problem = &problem{Text: f.Heading} // for the title; the page has no form to put it above
	// The language links would say again what the refused request said.
	f.Switches = nil
	return v, err
}

// showFault renders an error page, which may be the answer of an endpoint that
// otherwise answers programs.
func (p *Pages) showFault(c *gin.Context, status int, v *faultView) error {
	web.PageHeaders(c.Writer.Header())
	return p.show(c, status, "fault.html", v)
}
