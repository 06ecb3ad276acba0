package web

import (
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

// record writes the one log line of a request and tells the metrics. It names the
// route's pattern, never the path or the query, which may hold secrets.
func (e *engine) record(c *gin.Context, x *exchange) {
	route, method := c.FullPath(), c.Request.Method
	if route == "" {
		route = "none"
	}
	if !slices.Contains(usualMethods, method) {
		method = "other"
	}
	status, took := c.Writer.Status(), e.Clock.Now().Sub(x.started)
	e.Observe(route, method, status, took)

	attrs := []slog.Attr{
		slog.String("request_id", x.id),
		slog.String("tenant", SiteOf(c.Request.Context()).Slug),
		slog.String("method", method),
		slog.String("route", route),
		slog.Int("status", status),
		slog.Duration("took", took),
	}
	level := slog.LevelInfo
	if x.code != "" {
		attrs = append(attrs, slog.String("error", x.code))
	}
	if x.cause != nil {
		level = slog.LevelError
		attrs = append(attrs, slog.String("cause", x.cause.Error()))
	}
	e.Log.LogAttrs(c.Request.Context(), level, "request", attrs...)
}
