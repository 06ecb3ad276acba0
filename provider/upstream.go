package provider

import (
	"errors"
	"net/url"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/flow"
)

// upstreamAnswer takes what an upstream sends the browser back with (RFC 6749 §4.1.2).
// The page that follows has an address of its own, so that the code stays in no
// history that is shown.
func (p *Provider) upstreamAnswer(c *gin.Context) error {
	connection := lanyard.ConnectionID(c.Param("connection"))
	arrived, err := p.Flow.Arrive(c.Request.Context(), live(c), connection, c.Request.URL.Query(), func(id lanyard.AuthRequestID) flow.Visitor {
		return visitor(c, id)
	})
	switch {
	case errors.Is(err, lanyard.ErrStaleFlow):
		web.Note(c, err)
		return p.Pages.Stale(c, nil)
	case err != nil:
		return p.Pages.Error(c, err)
	}
	if arrived.Cause != nil {
		web.Note(c, arrived.Cause)
		ctx := c.Request.Context()
		p.Log.WarnContext(ctx, "an upstream signed nobody in", "request_id", web.RequestID(ctx), "connection", string(arrived.Over), "cause", arrived.Cause)
		p.trace(c, arrived.Cause, [][2]string{{"connection", string(arrived.Over)}, {"cause", arrived.Cause.Error()}})
	}
	if !arrived.Browser.IsZero() {
		web.SetBrowser(c.Writer, site(c), arrived.Browser)
	}
	if arrived.Tested != nil {
		web.ClearBinding(c.Writer, site(c), arrived.Request)
		return p.Pages.UpstreamTested(c, arrived.Connection, *arrived.Tested, arrived.Local)
	}
	if arrived.Local != "" {
		return p.backToPage(c, arrived)
	}
	web.Redirect(c.Writer, c.Request, web.Local(site(c), p.Pages.StepPath(arrived.Next), url.Values{"request": {string(arrived.Request)}}))
	return nil
}

// backToPage leads to the page of our own that a link or a test was begun on, and says
// there how it went: linked=1, or refused with a code of the catalogue.
func (p *Provider) backToPage(c *gin.Context, arrived flow.Arrived) error {
	page, err := url.Parse(arrived.Local)
	if err != nil {
		return err
	}
	query := page.Query()
	if arrived.Refusal != "" {
		query.Set("refused", arrived.Refusal)
	} else {
		query.Set("linked", "1")
	}
	web.ClearBinding(c.Writer, site(c), arrived.Request)
	web.Redirect(c.Writer, c.Request, web.Local(site(c), page.Path, query))
	return nil
}
