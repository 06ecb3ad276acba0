package loginui

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants"
)

// maxID bounds the id of an authorization request in a URL; longer ones name nothing.
const maxID = 64

// step is the page of a due step, and what a view of it needs.
type step struct {
	*frame
	Page    flow.Page
	App     string
	Request string
	Token   string
	// Notice says what was done; empty for nothing.
	Notice string
	// codes are fresh recovery codes.
	codes []string
}

// words put something on the page of a step: what was wrong, or what was done.
type words func(*step) error

// stepPage is the handler of a step's page. A step that is not due leads to the one that is.
func (p *Pages) stepPage(want flow.Step) web.Handler {
	return func(c *gin.Context) error {
		id := lanyard.AuthRequestID(c.Query("request"))
		if id == "" {
			return p.startAtApp(c)
		}
		return p.showStep(c, id, want, nil, http.StatusOK)
	}
}

// whicheverStep stands for the step that is due.
const whicheverStep flow.Step = ""

func (p *Pages) showStep(c *gin.Context, id lanyard.AuthRequestID, want flow.Step, say words, status int) error {
	page, err := p.page(c, id)
	if err != nil {
		return p.flowFault(c, err, page.Client)
	}
	render := rendererOf[page.Step]
	if (want != whicheverStep && page.Step != want) || render == nil {
		return p.to(c, page.Step, id)
	}
	s, err := p.step(c, page)
	if err != nil {
		return err
	}
	if say == nil && showsRefusals(page) {
		say = refusal(page.Request.Refusal)
	}
	if say != nil {
		if err := say(s); err != nil {
			return err
		}
	}
	web.FormTo(c.Writer.Header(), formOrigins(page)...)
	return render(p, c, s, status)
}

// leadOn is what stands at the address of a form without a page: a way to the step
// that is due, for whoever loads it again.
func (p *Pages) leadOn(c *gin.Context) error {
	id := lanyard.AuthRequestID(c.Query("request"))
	if id == "" {
		return p.startAtApp(c)
	}
	page, err := p.page(c, id)
	if err != nil {
		return p.flowFault(c, err, page.Client)
	}
	p.choose(c, page.Request.Params.UILocales) // keeps a language that a link chose
	return p.to(c, page.Step, id)
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
	f.paint(page.Branding)
	app, err := f.app(page.Client)
	return &step{frame: f, Page: page, App: app, Request: string(page.Request.ID), Token: page.Token}, err
}

// Name is whose sign-in it is: of the person who proved something, of the account
// at hand, or as it was typed.
func (s *step) Name() string {
	switch {
	case s.Page.Person != nil:
		return s.Page.Person.SignInName()
	case s.Page.Account != nil:
		return s.Page.Account.User.SignInName()
	default:
		return s.Page.Request.Identifier
	}
}

// Action is the address of a form of the sign-in.
func (s *step) Action(path string) string {
	return web.Local(s.Site, path, url.Values{"request": {s.Request}}).Location()
}

// Offers tells whether the page offers a way.
func (s *step) Offers(way lanyard.Way) bool { return slices.Contains(s.Page.Ways, way) }

// visitor is what the cookies of the request prove.
func visitor(c *gin.Context, id lanyard.AuthRequestID) flow.Visitor {
	return flow.Visitor{
		Browser:   web.Browser(c.Request, site(c)),
		Binding:   web.Binding(c.Request, site(c), id),
		UserAgent: web.UserAgent(c.Request),
		Address:   web.AddressOf(c.Request.Context()),
	}
}

// spoken are the languages of who sent a form: that of its page first.
func (p *Pages) spoken(c *gin.Context) []string {
	out := []string{p.languages.accept(c.Request.Header.Get("Accept-Language")).Lang}
	if l := p.languages.find(c.Request.PostForm[langField], site(c)); l != nil && l.Lang != out[0] {
		out = append([]string{l.Lang}, out...)
	}
	return out
}

// langField is the field of a form that says in which language its page was shown.
const langField = "ui_locale"

// posted is a form of a step. Every field is given at most once.
type posted struct {
	id     lanyard.AuthRequestID
	token  string
	values url.Values
}

func (f posted) value(name string) string { return f.values.Get(name) }

// only refuses a form that says more than it was asked.
func (f posted) only(known map[string]bool) error {
	for name := range f.values {
		if !known[name] {
			return errForeignField
		}
	}
	return nil
}

// ticked tells whether a box of the form was ticked.
func (f posted) ticked(name string) bool { return f.values.Get(name) != "" }

func readStepForm(c *gin.Context) (posted, error) {
	values, err := singleFields(c)
	if err != nil {
		return posted{}, err
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

// singleFields reads a form, each field of which is given at most once.
func singleFields(c *gin.Context) (url.Values, error) {
	values, err := web.PostForm(c.Request)
	if err != nil {
		return nil, err
	}
	for _, list := range values {
		if len(list) > 1 {
			return nil, lanyard.ErrBadInput.Saying("a field of the form is repeated")
		}
	}
	return values, nil
}

// deed is one call of the flow with a form.
type deed func(ctx context.Context, live *tenants.Live, f posted, v flow.Visitor) (flow.Moved, error)

// complaint shows a form again with what the person can mend; it handles nothing else.
type complaint func(c *gin.Context, f posted, err error) (handled bool, out error)

// stepForm is the handler of a form: it does the deed and leads on. What complain
// takes for a mistake of the person shows the form again.
func (p *Pages) stepForm(do deed, complain complaint) web.Handler {
	return p.formThen(do, complain, p.moved)
}

// formThen is stepForm with something else to do than to lead on.
func (p *Pages) formThen(do deed, complain complaint, then func(c *gin.Context, id lanyard.AuthRequestID, m flow.Moved) error) web.Handler {
	return func(c *gin.Context) error {
		f, err := readStepForm(c)
		if err != nil {
			return err
		}
		v := visitor(c, f.id)
		v.Languages = p.spoken(c)
		moved, err := do(c.Request.Context(), live(c), f, v)
		if err == nil {
			return then(c, f.id, moved)
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

func (p *Pages) moved(c *gin.Context, id lanyard.AuthRequestID, m flow.Moved) error {
	if !m.Browser.IsZero() {
		web.SetBrowser(c.Writer, site(c), m.Browser)
	}
	if len(m.Codes) > 0 {
		return p.showStep(c, id, flow.StepCodes, withCodes(m.Codes), http.StatusOK)
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
