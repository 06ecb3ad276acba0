package web

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
)

// exchange is what the engine remembers of one request until it is logged.
type exchange struct {
	engine  *engine
	id      string
	started time.Time
	address string
	route   Route
	client  lanyard.ClientID
	// code is that of the error answered with; cause is set when the log has to say more.
	code  string
	cause error
}

const exchangeKey = "lanyard.exchange"

// exchangeContextKey finds the exchange of a request in its context.
type exchangeContextKey struct{}

func exchangeOf(c *gin.Context) *exchange {
	v, _ := c.Get(exchangeKey)
	x, _ := v.(*exchange)
	return x
}

func exchangeIn(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeContextKey{}).(*exchange)
	return x
}

// NoteClient keeps the client that a request is about for its log line. It is only
// called with a client that was found in the request's tenant: what a stranger
// invents stands in no log. Outside of a request it does nothing.
func NoteClient(ctx context.Context, id lanyard.ClientID) {
	if x := exchangeIn(ctx); x != nil && id != "" {
		x.client = id
	}
}

// note keeps an error for the log line: the cause only of what is our own fault.
func note(c *gin.Context, e *lanyard.Error, err error) {
	x := exchangeOf(c)
	if x == nil {
		return
	}
	x.code = e.Code
	if e.Kind == lanyard.Internal || e.Kind == lanyard.Unavailable {
		x.cause = err
	}
}

// Note keeps an error for the request's log line, for an answer that a handler writes itself.
func Note(c *gin.Context, err error) { note(c, Public(err), err) }

func renderError(c *gin.Context, status int, e *lanyard.Error) {
	if x := exchangeOf(c); x != nil {
		x.engine.RenderError(c, status, e, x.id)
		return
	}
	JSONError(c, status, e, RequestID(c.Request.Context()))
}

var usualMethods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

// record writes the one log line of a request and tells the metrics.
func (e *engine) record(c *gin.Context, x *exchange) {
	Finished{
		Route: c.FullPath(), Method: c.Request.Method, Status: c.Writer.Status(), Took: e.Clock.Now().Sub(x.started),
		Client: x.client, Code: x.code, Cause: x.cause,
	}.Record(c.Request.Context(), e.Log, e.Observe)
}

// Outcome is how a request ended, as its log line and its span tell.
type Outcome string

// The outcomes.
const (
	// OutcomeOK was answered as the caller wanted.
	OutcomeOK Outcome = "ok"
	// OutcomeRefused is the caller's fault, whatever the status: a wrong password is
	// answered by a page, an error of an authorization request by a redirect.
	OutcomeRefused Outcome = "refused"
	// OutcomeFailed is our own fault.
	OutcomeFailed Outcome = "failed"
	// OutcomeGone was answered to nobody: the caller had hung up.
	OutcomeGone Outcome = "gone"
)

// Finished is a request that was answered.
type Finished struct {
	// Route is the pattern, never the path or the query, which may hold secrets;
	// empty where there is none.
	Route, Method string
	Status        int
	Took          time.Duration
	// Client is the one that the request was about; empty if there is none, or none that exists.
	Client lanyard.ClientID
	// Code is that of the error answered with, Cause what the log says of our own fault.
	Code  string
	Cause error
}

// Outcome tells how the request ended.
func (f Finished) Outcome() Outcome {
	switch {
	case f.Status == StatusGone:
		return OutcomeGone
	case f.Cause != nil || f.Status >= http.StatusInternalServerError:
		return OutcomeFailed
	case f.Code != "" || f.Status >= http.StatusBadRequest:
		return OutcomeRefused
	}
	return OutcomeOK
}

// Record writes the one log line of a request, with the id and the site of its
// context, ends its span, and tells the metrics; nil is fine.
func (f Finished) Record(ctx context.Context, log *slog.Logger, observe func(route, method string, code int, d time.Duration)) {
	if f.Route == "" {
		f.Route = "none"
	}
	if !slices.Contains(usualMethods, f.Method) {
		f.Method = "other"
	}
	if f.Status == StatusGone { // that nobody waits any more is nobody's fault
		f.Code, f.Cause = "", nil
	}
	if observe != nil {
		observe(f.Route, f.Method, f.Status, f.Took)
	}
	log.LogAttrs(ctx, f.level(), "request", f.attributes(ctx)...)
	f.endSpan(ctx)
}

func (f Finished) level() slog.Level {
	if f.Outcome() == OutcomeFailed {
		return slog.LevelError
	}
	return slog.LevelInfo
}

// attributes are the members of the log line; docs/monitoring.md explains them.
func (f Finished) attributes(ctx context.Context) []slog.Attr {
	attrs := make([]slog.Attr, 0, 11)
	attrs = append(attrs, slog.String("request_id", RequestID(ctx)), slog.String("tenant", SiteOf(ctx).Slug))
	if f.Client != "" {
		attrs = append(attrs, slog.String("client", string(f.Client)))
	}
	attrs = append(attrs, slog.String("method", f.Method), slog.String("route", f.Route), slog.Int("status", f.Status),
		slog.Duration("took", f.Took), slog.String("outcome", string(f.Outcome())))
	if f.Code != "" {
		attrs = append(attrs, slog.String("error", f.Code))
	}
	if f.Cause != nil {
		attrs = append(attrs, slog.String("cause", f.Cause.Error()))
	}
	if id := traceID(ctx); id != "" {
		attrs = append(attrs, slog.String("trace_id", id))
	}
	return attrs
}
