package provider

import (
	"errors"
	"fmt"
	"net/url"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants"
)

// authorize is the authorization endpoint by GET (RFC 6749 §3.1, OpenID Connect Core §3.1.2).
func (p *Provider) authorize(c *gin.Context) error {
	return p.begin(c, c.Request.URL.Query(), func(q *question) (flow.Outcome, error) {
		return p.Flow.Begin(c.Request.Context(), live(c), q.client, q.params, visitor(c, ""))
	})
}

// authorizePosted is the same by POST. The browser may have left its cookies out,
// so nothing is decided: the request is stored and comes back by GET.
func (p *Provider) authorizePosted(c *gin.Context) error {
	form, err := web.PostForm(c.Request)
	if err != nil {
		return err
	}
	values := url.Values{}
	for _, part := range []url.Values{c.Request.URL.Query(), form} {
		for name, list := range part {
			values[name] = append(values[name], list...)
		}
	}
	return p.begin(c, values, func(q *question) (flow.Outcome, error) {
		return p.Flow.Postpone(c.Request.Context(), live(c), q.client, q.params)
	})
}

// begin checks a request and lets the flow take it. What is wrong with client or
// redirect URI is shown here and never redirected.
func (p *Provider) begin(c *gin.Context, values url.Values, take func(*question) (flow.Outcome, error)) error {
	q := &question{ctx: c.Request.Context(), live: live(c), values: values}
	if err := q.checkLocally(); err != nil {
		return p.refuseLocally(c, q, err)
	}
	if err := q.checkRedirectably(); err != nil {
		refusal, ok := errors.AsType[*lanyard.Error](err)
		if !ok || refusal.Kind == lanyard.Unavailable || refusal.Kind == lanyard.Internal {
			return err
		}
		return p.deliver(c, &flow.Answer{Client: q.client, Params: q.params, Err: refusal})
	}
	outcome, err := take(q)
	if err != nil {
		return err
	}
	return p.proceed(c, outcome)
}

// resume goes on with a stored request after a page, or after a POST.
func (p *Provider) resume(c *gin.Context) error {
	id := lanyard.AuthRequestID(c.Query("request"))
	outcome, err := p.Flow.Resume(c.Request.Context(), live(c), id, visitor(c, id))
	switch {
	case errors.Is(err, lanyard.ErrStaleFlow):
		web.Note(c, err)
		return p.Pages.Stale(c, p.clientOf(c, id))
	case err != nil:
		return p.Pages.Error(c, err)
	}
	return p.proceed(c, outcome)
}

// clientOf finds the client of a request for the page that offers to start again;
// only the browser that began it is told. Any failure is nil: the page does without.
func (p *Provider) clientOf(c *gin.Context, id lanyard.AuthRequestID) *lanyard.Client {
	page, err := p.Flow.Page(c.Request.Context(), live(c), id, visitor(c, id))
	if err != nil && !errors.Is(err, lanyard.ErrStaleFlow) {
		return nil
	}
	return page.Client
}

// proceed answers the client, or leads the browser to the step that is due.
func (p *Provider) proceed(c *gin.Context, o flow.Outcome) error {
	s := site(c)
	if !o.Browser.IsZero() {
		web.SetBrowser(c.Writer, s, o.Browser)
	}
	if o.Local != "" {
		return p.goLocal(c, o)
	}
	if o.Answer != nil {
		if o.Request != "" {
			web.ClearBinding(c.Writer, s, o.Request)
		}
		return p.deliver(c, o.Answer)
	}
	if !o.Binding.IsZero() {
		web.SetBinding(c.Writer, c.Request, s, o.Request, o.Binding)
	}
	web.Redirect(c.Writer, c.Request, web.Local(s, p.Pages.StepPath(o.Next), url.Values{"request": {string(o.Request)}}))
	return nil
}

// goLocal leads to the page of our own that a sign-in was for.
func (p *Provider) goLocal(c *gin.Context, o flow.Outcome) error {
	page, err := url.Parse(o.Local)
	if err != nil {
		return fmt.Errorf("read the page that a sign-in was for: %w", err)
	}
	web.ClearBinding(c.Writer, site(c), o.Request)
	target := web.Local(site(c), page.Path, page.Query())
	if o.Land != nil {
		target = web.StartOf(site(c), o.Land, o.LandIn, page.Path)
	}
	web.Redirect(c.Writer, c.Request, target)
	return nil
}

// refuseLocally shows what is wrong with the client or its redirect URI, and keeps the trace of it.
func (p *Provider) refuseLocally(c *gin.Context, q *question, err error) error {
	details := [][2]string{{"client_id", q.values.Get("client_id")}, {"redirect_uri", q.values.Get("redirect_uri")}}
	if q.client != nil {
		for _, uri := range q.client.RedirectURIs {
			details = append(details, [2]string{"registered", uri})
		}
	}
	p.traceOf(c, q.client, err, details)
	return p.Pages.Error(c, err, details...)
}

// trace keeps what was expected and received behind the request id. It is a help
// for administrators: the refusal stands without it.
func (p *Provider) trace(c *gin.Context, refusal error, details [][2]string) {
	p.traceOf(c, nil, refusal, details)
}

// traceOf is trace for what was refused to a client, nil if it is not known which.
func (p *Provider) traceOf(c *gin.Context, client *lanyard.Client, refusal error, details [][2]string) {
	var id lanyard.ClientID
	if client != nil {
		id = client.ID
	}
	ctx, e, now := c.Request.Context(), web.Public(refusal), p.Clock.Now()
	if !p.traces.AllowN(now, 1) {
		return
	}
	err := live(c).KeepRefusal(ctx, tenants.Refusal{
		RequestID: web.RequestID(ctx), At: now, Code: e.Code, ClientID: id, Detail: append(details, [2]string{"message", e.Message}),
	})
	if err != nil {
		p.Log.WarnContext(ctx, "keeping a decision trace", "error", err)
	}
}

// repeated names a parameter that came twice and may not; empty if there is none.
func repeated(values url.Values) string {
	names := make([]string, 0, len(values))
	for name, list := range values {
		if len(list) > 1 && !slices.Contains(repeatable, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if len(names) == 0 {
		return ""
	}
	return names[0]
}
