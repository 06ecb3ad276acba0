package loginui

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/flow"
)

const (
	pathConnection = "/login/connection"
	// againParam goes to the upstream in spite of how it ended the last time.
	againParam = "again"
)

// connectionView is the page that leads to an upstream.
type connectionView struct {
	*step
	To string
	wayOut
}

// wayOut is what there is instead of the upstream.
type wayOut struct {
	// Local is the page of our own that the sign-in is for, where no other way leads there; empty for another way.
	Local string
	// Insisted says that there is no other way, save for owners of the organization.
	Insisted bool
}

// renderConnection sends the browser to the upstream. It does so from a page of its
// own, never by a redirect: that one would follow a form, and browsers hold it against
// form-action of the page before. What the upstream answered the last time is shown
// first, so that nobody goes round in circles.
func renderConnection(p *Pages, c *gin.Context, s *step, status int) error {
	if (s.Problem != nil || s.Notice != "") && c.Query(againParam) == "" {
		return p.showBroken(c, s, status)
	}
	id := s.Page.Request.ID
	address, err := p.Flow.Upstream(c.Request.Context(), live(c), id, visitor(c, id))
	switch {
	case err == nil:
		return p.forward(c, s, address)
	case errors.Is(err, lanyard.ErrNotOffered):
		return p.leadPast(c, s, err)
	case errors.Is(err, lanyard.ErrUpstreamDown):
		return p.failed(c, s, lanyard.ErrUpstreamDown, err)
	case errors.Is(err, lanyard.ErrUpstreamWrong):
		return p.failed(c, s, lanyard.ErrUpstreamWrong, err)
	}
	return p.flowFault(c, err, s.Page.Client)
}

// forward shows the page that leads on to an address of the flow.
func (p *Pages) forward(c *gin.Context, s *step, address string) error {
	to := safeLink(address)
	if to == "" {
		return errors.New("login-ui: the address of the upstream is neither https nor on loopback")
	}
	s.Problem, s.Notice = nil, ""
	if err := s.heading("connection.heading", "Name", s.Upstream()); err != nil {
		return err
	}
	c.Writer.Header().Set("Refresh", "0; url="+to)
	return p.show(c, http.StatusOK, "connection.html", connectionView{s, to, s.wayOut()})
}

// leadPast goes to the step that is due instead.
func (p *Pages) leadPast(c *gin.Context, s *step, err error) error {
	page, fault := p.page(c, s.Page.Request.ID)
	if fault != nil {
		return p.flowFault(c, fault, page.Client)
	}
	if page.Step != flow.StepConnection {
		return p.to(c, page.Step, s.Page.Request.ID)
	}
	web.Note(c, err)
	if err := refusal(lanyard.ErrNotOffered.Code)(s); err != nil {
		return err
	}
	return p.showBroken(c, s, http.StatusForbidden)
}

// failed says that the upstream is not to be reached: that is an outage, of somebody else.
func (p *Pages) failed(c *gin.Context, s *step, e *lanyard.Error, cause error) error {
	web.Note(c, cause)
	web.RetryAfter(c.Writer.Header(), lanyard.ErrUpstreamDown)
	if err := refusal(e.Code)(s); err != nil {
		return err
	}
	return p.showBroken(c, s, http.StatusServiceUnavailable)
}

// brokenView is the page of an upstream that can not be used (L18).
type brokenView struct {
	*step
	wayOut
	// Again is the address of another try.
	Again string
	// Owned says that the upstream is an organization's own, Organization its name if it is known.
	Owned        bool
	Organization string
}

func (p *Pages) showBroken(c *gin.Context, s *step, status int) error {
	again := url.Values{"request": {s.Request}, againParam: {"1"}}
	v := brokenView{step: s, wayOut: s.wayOut(), Again: web.Local(s.Site, pathConnection, again).Location()}
	if c := s.Page.Connection; c != nil {
		v.Owned = c.Owned()
	}
	if o := s.Page.Organization; v.Owned && o != nil && o.Organization.ID == s.Page.Connection.OrganizationID {
		v.Organization = plain(o.Organization.Name)
	}
	key := "connection.failed_heading"
	if s.Problem == nil {
		key = "connection.heading"
	}
	if err := s.heading(key, "Name", s.Upstream()); err != nil {
		return err
	}
	return p.show(c, status, "connectionfailed.html", v)
}

func (s *step) wayOut() wayOut {
	params := s.Page.Request.Params
	out := wayOut{Insisted: s.Page.Insisted}
	if params.Link != "" || params.Test != "" {
		out.Local = localPage(s.Site, params.Local)
	}
	return out
}

// localPage is the address of a page of our own with its query; empty for none.
func localPage(s web.Site, page string) string {
	u, err := url.Parse(page)
	if page == "" || err != nil {
		return ""
	}
	return web.Local(s, u.Path, u.Query()).Location()
}
