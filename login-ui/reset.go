package loginui

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// Recovery is what links in mails open: *accounts.Accounts.
type Recovery interface {
	// ResetLives reads what a link is about, and spends nothing; lanyard.ErrLinkUsed
	// if it leads nowhere any more.
	ResetLives(ctx context.Context, t accounts.Tenancy, token lanyard.Secret, now time.Time) (accounts.ResetView, error)
	// Reset sets the password, once. An error of the password leaves the link as it is.
	Reset(ctx context.Context, t accounts.Tenancy, token, password lanyard.Secret, from accounts.From, now time.Time) error
	// LinkOf reads what a link with a code is about, and spends nothing.
	LinkOf(ctx context.Context, t accounts.Tenancy, token lanyard.Secret, now time.Time) (accounts.LinkView, error)
}

const (
	pathReset     = accounts.ResetPath
	pathResetDone = accounts.ResetPath + "/done"
	pathLink      = accounts.LinkPath

	// accountHome and accountSecurity are where people look after their account.
	accountHome     = "/account"
	accountSecurity = "/account/security"

	linkTokenParam = "token"
	maxLinkToken   = 128
)

// resetView is the page behind a link that sets a new password (L13).
type resetView struct {
	*step
	Username    string
	MinPassword int
	token       string
}

// FormAction keeps the token in the address, so that the language links lead back to the form.
func (v *resetView) FormAction() string {
	query := url.Values{linkTokenParam: {v.token}}
	if v.Request != "" {
		query.Set("request", v.Request)
	}
	return web.Local(v.Site, pathReset, query).Location()
}

// resetForm is what the link and its form say.
type resetForm struct {
	token   lanyard.Secret
	request lanyard.AuthRequestID
}

func (p *Pages) getReset(c *gin.Context) error {
	f := resetForm{request: requestParam(c.Query("request"))}
	token, err := linkToken(c.Query(linkTokenParam))
	if err != nil {
		return p.deadLink(c, f.request, err)
	}
	f.token = token
	return p.showReset(c, f, nil, http.StatusOK)
}

// linkToken is the token of a link; lanyard.ErrLinkUsed for what is none.
func linkToken(text string) (lanyard.Secret, error) {
	if text == "" || len(text) > maxLinkToken {
		return lanyard.Secret{}, lanyard.ErrLinkUsed
	}
	return lanyard.SecretOf(text), nil
}

// requestParam is the sign-in that a link came from; empty for none.
func requestParam(text string) lanyard.AuthRequestID {
	if len(text) > maxID {
		return ""
	}
	return lanyard.AuthRequestID(text)
}

// showReset shows the form while the link lives.
func (p *Pages) showReset(c *gin.Context, f resetForm, mistake error, status int) error {
	about, err := p.Recovery.ResetLives(c.Request.Context(), live(c).Tenancy(), f.token, p.Clock.Now())
	if err != nil {
		return p.deadLink(c, f.request, err)
	}
	v := &resetView{
		step: &step{frame: p.frame(c, nil), Request: string(f.request), Token: f.token.Reveal()}, token: f.token.Reveal(),
		Username: about.Name, MinPassword: about.Shortest,
	}
	if mistake != nil {
		say, code := p.explain(c, newPasswordMistakes(about.Shortest), mistake)
		if say == nil {
			return mistake
		}
		if err := say(v.step); err != nil {
			return err
		}
		status = code
	}
	if err := v.heading("reset.heading"); err != nil {
		return err
	}
	return p.show(c, status, "reset.html", v)
}

func (p *Pages) postReset(c *gin.Context) error {
	values, err := singleFields(c)
	if err != nil {
		return err
	}
	f := resetForm{request: requestParam(values.Get("request"))}
	if f.token, err = linkToken(values.Get(linkTokenParam)); err != nil {
		return p.deadLink(c, f.request, err)
	}
	password, err := posted{values: values}.password()
	if err == nil {
		err = p.Recovery.Reset(c.Request.Context(), live(c).Tenancy(), f.token, password, p.sender(c), p.Clock.Now())
	}
	switch {
	case err == nil:
		var query url.Values
		if f.request != "" {
			query = url.Values{"request": {string(f.request)}}
		}
		web.Redirect(c.Writer, c.Request, web.Local(site(c), pathResetDone, query))
		return nil
	case errors.Is(err, lanyard.ErrLinkUsed):
		return p.deadLink(c, f.request, err)
	case errors.Is(err, errLongPassword):
		return err
	default:
		return p.showReset(c, f, err, http.StatusOK)
	}
}

// sender is where a form without a sign-in comes from.
func (p *Pages) sender(c *gin.Context) accounts.From {
	v := visitor(c, "")
	out := accounts.From{Address: v.Address, UserAgent: v.UserAgent, Languages: p.spoken(c)}
	if !v.Browser.IsZero() {
		out.BrowserHash = v.Browser.Hash()
	}
	return out
}

// getResetDone says that the password was set, and leads to where it was forgotten.
func (p *Pages) getResetDone(c *gin.Context) error {
	f := p.frame(c, nil)
	v := messageView{frame: f, Link: f.Path(accountHome)}
	if page, ok := p.begun(c, requestParam(c.Query("request"))); ok {
		v.Link = web.Local(site(c), pathOf[page.Step], url.Values{"request": {string(page.Request.ID)}}).Location()
		if page.Step == flow.StepForgot { // the link was what that page was for
			v.Link = web.Local(site(c), pathResume, url.Values{"request": {string(page.Request.ID)}}).Location()
		}
	}
	text, err := f.T("reset.done")
	v.Texts = []string{text}
	linkText, linkErr := f.T("reset.sign_in")
	v.LinkText = linkText
	if err := errors.Join(err, linkErr, f.heading("reset.done_heading")); err != nil {
		return err
	}
	return p.show(c, http.StatusOK, "message.html", v)
}

// begun is the page of a sign-in that was begun in this browser and lives; ok is
// false for any other.
func (p *Pages) begun(c *gin.Context, id lanyard.AuthRequestID) (page flow.Page, ok bool) {
	if id == "" || visitor(c, id).Binding.IsZero() {
		return flow.Page{}, false
	}
	page, err := p.page(c, id)
	return page, err == nil && pathOf[page.Step] != ""
}

// deadLink tells a link that leads nowhere any more apart from other errors, and
// leads to where a new one can be had.
func (p *Pages) deadLink(c *gin.Context, request lanyard.AuthRequestID, err error) error {
	if !errors.Is(err, lanyard.ErrLinkUsed) {
		return err
	}
	web.Note(c, err)
	v, err := p.faultView(c, fault{"link.used_heading", "link.used"})
	if err != nil {
		return err
	}
	v.ID = "" // nobody has to be asked for help
	v.Link = v.Path(accountHome)
	if page, ok := p.begun(c, request); ok {
		v.Link = web.Local(site(c), pathOf[page.Step], url.Values{"request": {string(page.Request.ID)}}).Location()
	}
	text, err := v.T("link.used_sign_in")
	v.LinkText = text
	return errors.Join(err, p.showFault(c, http.StatusNotFound, v))
}
