package web

import (
	"context"
	"log/slog"
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
	route   Route
	// code is that of the error answered with; cause is set when the log has to say more.
	code  string
	cause error
}

const exchangeKey = "lanyard.exchange"

func exchangeOf(c *gin.Context) *exchange {
	v, _ := c.Get(exchangeKey)
	x, _ := v.(*exchange)
	return x
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
		Route: c.FullPath(), Method: c.Request.Method, Status: c.Writer.Status(), Took: e.Clock.Now().Sub(x.started), Code: x.code, Cause: x.cause,
	}.Record(c.Request.Context(), e.Log, e.Observe)
}

// Finished is a request that was answered.
type Finished struct {
	// Route is the pattern, never the path or the query, which may hold secrets;
	// empty where there is none.
	Route, Method string
	Status        int
	Took          time.Duration
	// Code is that of the error answered with, Cause what the log says of our own fault.
	Code  string
	Cause error
}

// Record writes the one log line of a request, with the id and the site of its
// context, and tells the metrics; nil is fine.
func (f Finished) Record(ctx context.Context, log *slog.Logger, observe func(route, method string, code int, d time.Duration)) {
	if f.Route == "" {
		f.Route = "none"
	}
	if !slices.Contains(usualMethods, f.Method) {
		f.Method = "other"
	}
	if observe != nil {
		observe(f.Route, f.Method, f.Status, f.Took)
	}
	attrs := []slog.Attr{
		slog.String("request_id", RequestID(ctx)),
		slog.String("tenant", SiteOf(ctx).Slug),
		slog.String("method", f.Method),
		slog.String("route", f.Route),
		slog.Int("status", f.Status),
		slog.Duration("took", f.Took),
	}
	level := slog.LevelInfo
	if f.Code != "" {
		attrs = append(attrs, slog.String("error", f.Code))
	}
	if f.Cause != nil {
		level = slog.LevelError
		attrs = append(attrs, slog.String("cause", f.Cause.Error()))
	}
	log.LogAttrs(ctx, level, "request", attrs...)
}
