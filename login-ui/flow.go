package loginui

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants"
)

// Flow is the sign-in behind the pages: *flow.Flow.
type Flow interface {
	// Page may come with an error and the client of a request that has expired,
	// so that the page about it can lead back there.
	Page(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor) (flow.Page, error)
	Identify(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token, username string) (flow.Moved, error)
	Password(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string, password lanyard.Secret, keep bool) (flow.Moved, error)
	Choose(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string, session lanyard.SessionID) (flow.Moved, error)
	Consent(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string, allow bool) (flow.Moved, error)
	// Back lets the person type another sign-in name.
	Back(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string) (flow.Moved, error)
}

// Paths of the steps.
const (
	pathLogin    = "/login"
	pathPassword = "/login/password"
	pathChoose   = "/login/choose"
	pathConsent  = "/login/consent"
	pathChange   = "/login/change"
	pathResume   = "/oauth/resume"
)

var pathOf = map[flow.Step]string{
	flow.StepIdentify: pathLogin,
	flow.StepPassword: pathPassword,
	flow.StepChoose:   pathChoose,
	flow.StepConsent:  pathConsent,
	flow.StepDone:     pathResume,
}

// maxID bounds the id of an authorization request in a URL; longer ones name nothing.
const maxID = 64

// step is the page of a due step, and what a view of it needs.
type step struct {
	*frame
	Page    flow.Page
	App     string
	Request string
	Token   string
}

// renderStep shows a step; problem fills in what was wrong with a form before.
type renderStep func(p *Pages, c *gin.Context, s *step, problem func(*step) error, status int) error

// stepPage is the handler of a step's page. A step that is not due leads to the one that is.
func (p *Pages) stepPage(want flow.Step, render renderStep) web.Handler {
	return func(c *gin.Context) error {
		id := lanyard.AuthRequestID(c.Query("request"))
		if id == "" {
			return p.startAtApp(c)
		}
		return p.showStep(c, id, want, render, nil, http.StatusOK)
	}
}

func (p *Pages) showStep(c *gin.Context, id lanyard.AuthRequestID, want flow.Step, render renderStep, problem func(*step) error, status int) error {
	page, err := p.page(c, id)
	if err != nil {
		return p.flowFault(c, err, page.Client)
	}
	if page.Step != want {
		return p.to(c, page.Step, id)
	}
	s, err := p.step(c, page)
	if err != nil {
		return err
	}
	web.FormTo(c.Writer.Header(), formOrigins(page)...)
	return render(p, c, s, problem, status)
}

// formOrigins are the places that the redirects after a form of the sign-in may
// lead to: where the answer goes, and the application's own page behind that.
func formOrigins(page flow.Page) []string {
	out := []string{page.RedirectOrigin}
	if page.Client != nil {
		out = append(out, lanyard.Origin(safeLink(page.Client.URI)))
	}
	return out
}

func (p *Pages) page(c *gin.Context, id lanyard.AuthRequestID) (flow.Page, error) {
	if len(id) > maxID {
		return flow.Page{}, lanyard.ErrStaleFlow
	}
	return p.Flow.Page(c.Request.Context(), live(c), id, visitor(c, id))
}

func (p *Pages) step(c *gin.Context, page flow.Page) (*step, error) {
	f := p.frame(c, page.Request.Params.UILocales)
	app, err := f.app(page.Client)
	return &step{frame: f, Page: page, App: app, Request: string(page.Request.ID), Token: page.Token}, err
}

// visitor is what the cookies of the request prove.
func visitor(c *gin.Context, id lanyard.AuthRequestID) flow.Visitor {
	return flow.Visitor{
		Browser:   web.Browser(c.Request, site(c)),
		Binding:   web.Binding(c.Request, site(c), id),
		UserAgent: web.UserAgent(c.Request),
		Address:   web.AddressOf(c.Request.Context()),
	}
}

// posted is a form of a step. Every field is given at most once.
type posted struct {
	id     lanyard.AuthRequestID
	token  string
	values url.Values
}

func (f posted) value(name string) string { return f.values.Get(name) }

func readStepForm(c *gin.Context) (posted, error) {
	values, err := web.PostForm(c.Request)
	if err != nil {
		return posted{}, err
	}
	for _, list := range values {
		if len(list) > 1 {
			return posted{}, lanyard.ErrBadInput.Saying("a field of the form is repeated")
		}
	}
	id := values.Get("request")
	if named := c.Query("request"); named != "" && named != id {
		return posted{}, lanyard.ErrBadInput.Saying("the form belongs to another sign-in than its address")
	}
	if id == "" || len(id) > maxID {
		return posted{}, lanyard.ErrStaleFlow
	}
	return posted{lanyard.AuthRequestID(id), values.Get("token"), values}, nil
}

// deed is one call of the flow with a form.
type deed func(ctx context.Context, live *tenants.Live, f posted, v flow.Visitor) (flow.Moved, error)

// stepForm is the handler of a form: it does the deed and leads on. What complain
// takes for a mistake of the person shows the form again.
func (p *Pages) stepForm(do deed, complain func(c *gin.Context, f posted, err error) (handled bool, out error)) web.Handler {
	return func(c *gin.Context) error {
		f, err := readStepForm(c)
		if err != nil {
			return err
		}
		moved, err := do(c.Request.Context(), live(c), f, visitor(c, f.id))
		if err == nil {
			return p.moved(c, f.id, moved)
		}
		if handled, out := complain(c, f, err); handled {
			return out
		}
		return p.flowFault(c, err, p.clientOfStale(c, f.id, err))
	}
}

// clientOfStale is the client of a form that came too late; nil if nobody knows.
func (p *Pages) clientOfStale(c *gin.Context, id lanyard.AuthRequestID, err error) *lanyard.Client {
	if !errors.Is(err, lanyard.ErrStaleFlow) {
		return nil
	}
	page, _ := p.page(c, id) // it fails like the form did, and may name the client
	return page.Client
}

// noComplaint is for forms without anything that a person could mistype.
func noComplaint(*gin.Context, posted, error) (bool, error) { return false, nil }

func (p *Pages) moved(c *gin.Context, id lanyard.AuthRequestID, m flow.Moved) error {
	if !m.Browser.IsZero() {
		web.SetBrowser(c.Writer, site(c), m.Browser)
	}
	return p.to(c, m.Next, id)
}

// to leads to the page of a step.
func (p *Pages) to(c *gin.Context, next flow.Step, id lanyard.AuthRequestID) error {
	path, found := pathOf[next]
	if !found {
		return errors.New("login-ui: there is no page for the step " + string(next))
	}
	web.Redirect(c.Writer, c.Request, web.Local(site(c), path, url.Values{"request": {string(id)}}))
	return nil
}

// flowFault answers what is wrong with a sign-in as a whole. Everything else is
// left to the engine. The client is nil when nobody knows it.
func (p *Pages) flowFault(c *gin.Context, err error, client *lanyard.Client) error {
	switch {
	case errors.Is(err, lanyard.ErrStaleFlow):
		web.Note(c, err)
		return p.Stale(c, client)
	case errors.Is(err, lanyard.ErrForeignFlow) && len(c.Request.Cookies()) == 0:
		web.Note(c, err)
		return p.CookiesBlocked(c, client)
	default:
		return err
	}
}

// StepPath is the path of the page of a step, for the endpoints that lead there.
func (p *Pages) StepPath(step flow.Step) string { return pathOf[step] }
