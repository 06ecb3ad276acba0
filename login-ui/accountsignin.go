package loginui

import (
	"fmt"
	"net/url"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/flow"
)

// maxBackQuery bounds the query that a sign-in brings back, in bytes.
const maxBackQuery = 1 << 10

// here is the page to come back to after a sign-in: that of the request, or the one
// that its form stands on.
func here(c *gin.Context, s screen) string {
	query := c.Request.URL.RawQuery
	if c.Request.URL.Path != s.path || query == "" || len(query) > maxBackQuery {
		return s.path
	}
	return s.path + "?" + query
}

// signInFor lets the person sign in and come back.
func (p *Pages) signInFor(c *gin.Context, back string) error {
	o, err := p.SignIn.BeginLocal(c.Request.Context(), live(c), back, "", false, p.newcomer(c))
	if err != nil {
		return err
	}
	return p.lead(c, o)
}

// proveFor asks the person for a fresh proof.
func (p *Pages) proveFor(c *gin.Context, back string, me self) error {
	o, err := p.SignIn.BeginLocal(c.Request.Context(), live(c), back, me.User.Subject, true, p.newcomer(c))
	if err != nil {
		return err
	}
	return p.lead(c, o)
}

// freshen asks for a fresh proof where a page needs one and there is none. It tells
// whether it led the browser away.
func (p *Pages) freshen(c *gin.Context, me self, s screen) (bool, error) {
	factors, err := p.factors(c, me)
	if err != nil || !s.fresh(factors) {
		return false, err
	}
	o, err := p.SignIn.BeginLocal(c.Request.Context(), live(c), here(c, s), me.User.Subject, true, p.newcomer(c))
	if err != nil || o.Local != "" {
		return false, err
	}
	return true, p.lead(c, o)
}

func (p *Pages) factors(c *gin.Context, me self) (lanyard.Factors, error) {
	return p.Accounts.Factors(c.Request.Context(), live(c).Tenancy(), me.User.ID, me.From.BrowserHash, p.Clock.Now())
}

// newcomer is a visitor who has no sign-in in progress.
func (p *Pages) newcomer(c *gin.Context) flow.Visitor {
	v := visitor(c, "")
	v.Languages = p.heard(c)
	return v
}

// lead goes where a sign-in for a page of ours leads: to its first step, or on.
func (p *Pages) lead(c *gin.Context, o flow.Outcome) error {
	if o.Local != "" {
		page, err := url.Parse(o.Local)
		if err != nil {
			return fmt.Errorf("read the page that a sign-in is for: %w", err)
		}
		return leadTo(page.Path, page.Query())(c)
	}
	if !o.Binding.IsZero() {
		web.SetBinding(c.Writer, c.Request, site(c), o.Request, o.Binding)
	}
	return leadTo(p.StepPath(o.Next), url.Values{"request": {string(o.Request)}})(c)
}

// selfForms are those of the menu in the head of every account page.
func (p *Pages) selfForms() []accountForm {
	at := p.overviewScreen()
	return []accountForm{
		{path: pathAccount + "/switch", at: at, do: p.switchAccount, explain: noMistakes},
		{path: pathAccount + "/add", at: at, do: p.addAccount, explain: noMistakes},
		{path: pathAccount + "/sign-out", at: at, do: p.signOut, explain: noMistakes},
	}
}

func (p *Pages) switchAccount(c *gin.Context, me self, f posted) (web.Handler, error) {
	id := lanyard.SessionID(f.value("session"))
	return done(pathAccount, "switched"), p.Accounts.Switch(c.Request.Context(), live(c).Tenancy(), me.From, id, p.Clock.Now())
}

// addAccount signs another account in beside those that the browser has.
func (p *Pages) addAccount(c *gin.Context, _ self, _ posted) (web.Handler, error) {
	o, err := p.SignIn.BeginAnother(c.Request.Context(), live(c), pathAccount, p.newcomer(c))
	return func(c *gin.Context) error { return p.lead(c, o) }, err
}

// signOut ends the session at hand.
func (p *Pages) signOut(c *gin.Context, me self, _ posted) (web.Handler, error) {
	return p.gone, p.Accounts.EndDevice(c.Request.Context(), live(c).Tenancy(), me.Actor, me.Session.ID, p.Clock.Now())
}

// gone says that the person is signed out here.
func (p *Pages) gone(c *gin.Context) error { return p.SignedOut(c, nil) }

// download answers with a file to keep.
func download(name string, body []byte) web.Handler {
	return func(c *gin.Context) error {
		h := c.Writer.Header()
		h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
		web.NoStore(h)
		writeJSON(c, body)
		return nil
	}
}
