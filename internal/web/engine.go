package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/clock"
)

// Options are what the engine needs besides the routes.
type Options struct {
	Clock clock.Clock
	Log   *slog.Logger
	// Proxies are believed about the client's address.
	Proxies Proxies
	// RegisteredOrigin tells whether a client of the request's tenant has the
	// origin; it is asked for routes with CORSRegistered only, when Origin is sent.
	RegisteredOrigin func(ctx context.Context, origin string) bool
	// Observe is told of each finished request, for metrics. Route is the pattern
	// or "none", method one of the usual ones or "other": never what a client chose.
	Observe func(route, method string, code int, d time.Duration)
	// RenderError writes the answer to an error; nil means JSONError. Headers that
	// the status needs are set already. See WantsPage for whether people will read it.
	RenderError func(c *gin.Context, status int, e *lanyard.Error, requestID string)
}

type engine struct {
	Options
	guard *http.CrossOriginProtection
}

// NewEngine builds the handler of a route table. It fails when a route leaves
// something undeclared or two routes collide.
func NewEngine(routes []Route, o Options) (http.Handler, error) {
	e, err := newEngine(o)
	if err != nil {
		return nil, err
	}
	gin.SetMode(gin.ReleaseMode) // gin has no such setting per engine; it only silences its own printing
	g := gin.New()
	g.HandleMethodNotAllowed = true
	g.RedirectTrailingSlash = false
	g.RedirectFixedPath = false
	g.ForwardedByClientIP = false
	g.UseRawPath = false
	g.RemoveExtraSlash = false
	if err := g.SetTrustedProxies(nil); err != nil {
		return nil, fmt.Errorf("trust no proxies: %w", err)
	}
	g.Use(e.begin, e.refuse)
	g.NoRoute(e.fail(lanyard.ErrNotFound))
	g.NoMethod(e.fail(ErrMethod))
	if err := e.register(g, routes); err != nil {
		return nil, err
	}
	return g, nil
}

func newEngine(o Options) (*engine, error) {
	if o.Clock == nil || o.Log == nil {
		return nil, errors.New("web: the engine needs a clock and a log")
	}
	if o.RegisteredOrigin == nil {
		o.RegisteredOrigin = func(context.Context, string) bool { return false }
	}
	if o.Observe == nil {
		o.Observe = func(string, string, int, time.Duration) {}
	}
	if o.RenderError == nil {
		o.RenderError = JSONError
	}
	return &engine{Options: o, guard: http.NewCrossOriginProtection()}, nil
}

// register adds the routes; gin says by panic that two of them collide.
func (e *engine) register(g *gin.Engine, routes []Route) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("web: %v", p)
		}
	}()
	shared := map[string][]Route{}
	var order []string
	for _, r := range routes {
		if err := r.check(); err != nil {
			return fmt.Errorf("web: %w", err)
		}
		for _, method := range r.methods() {
			g.Handle(method, r.Path, e.serve(r))
		}
		if r.CORS != CORSNone {
			if shared[r.Path] == nil {
				order = append(order, r.Path)
			}
			shared[r.Path] = append(shared[r.Path], r)
		}
	}
	for _, path := range order {
		if slices.ContainsFunc(shared[path], func(r Route) bool { return r.CORS != shared[path][0].CORS }) {
			return fmt.Errorf("web: the routes of %s differ in their CORS mode", path)
		}
		g.Handle(http.MethodOptions, path, e.servePreflight(shared[path]))
	}
	return nil
}

func (r Route) methods() []string {
	if r.Head {
		return []string{r.Method, http.MethodHead}
	}
	return []string{r.Method}
}

// begin opens the exchange: request id, address, recovery, and at the end the log line.
func (e *engine) begin(c *gin.Context) {
	x := &exchange{started: e.Clock.Now(), engine: e, address: e.Proxies.Address(c.Request)}
	ctx := c.Request.Context()
	if x.id = RequestID(ctx); x.id == "" {
		x.id = NewRequestID()
		ctx = WithRequestID(ctx, x.id)
	}
	ctx = context.WithValue(ctx, exchangeContextKey{}, x)
	c.Request = c.Request.WithContext(ctx)
	c.Set(exchangeKey, x)
	c.Writer.Header().Set(RequestIDHeader, x.id)
	defer e.finish(c, x)
	c.Next()
}

// finish turns a panic into an error and records the exchange. An answer that had
// begun when the handler panicked is cut off, so that nobody takes it for complete.
func (e *engine) finish(c *gin.Context, x *exchange) {
	p, begun := recover(), c.Writer.Written()
	if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so, too
		panic(p)
	}
	if p != nil {
		c.Abort()
		WriteError(c, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
	}
	c.Writer.WriteHeaderNow()
	e.record(c, x)
	if p != nil && begun {
		panic(http.ErrAbortHandler)
	}
}

// refuse turns away what no route should have to look at.
func (e *engine) refuse(c *gin.Context) {
	secure(c.Writer.Header(), SiteOf(c.Request.Context()), Route{Kind: Data, CORS: CORSNone})
	u := *c.Request.URL
	if err := errors.Join(checkPath(&u), checkQuery(&u), checkEncoding(c.Request)); err != nil {
		c.Abort()
		WriteError(c, err)
		return
	}
	c.Request.URL = &u
}

func (e *engine) fail(err error) gin.HandlerFunc {
	return func(c *gin.Context) { WriteError(c, err) }
}

// serve is a route with its declarations enforced.
func (e *engine) serve(r Route) gin.HandlerFunc {
	return func(c *gin.Context) {
		exchangeOf(c).route = r
		h := c.Writer.Header()
		site := SiteOf(c.Request.Context())
		secure(h, site, r)
		e.allowOrigin(h, c.Request, r.CORS)
		if err := e.admit(c, r, site); err != nil {
			WriteError(c, err)
			return
		}
		if err := r.Handler(c); err != nil {
			WriteError(c, err)
		}
	}
}

// admit decides whether the request may reach the route's handler.
func (e *engine) admit(c *gin.Context, r Route, site Site) error {
	if r.Access == Development && !site.Dev {
		return lanyard.ErrNotFound
	}
	if r.CSRF == CSRFSameOrigin {
		if err := checkOrigin(e.guard, c.Request); err != nil {
			return err
		}
	}
	if c.Request.ContentLength > r.maxBody() {
		drain(c.Request)
		return ErrTooLarge
	}
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, r.maxBody())
	return nil
}

// maxDrained is how much of a body that is too large is read and thrown away.
const maxDrained = 256 << 10

// drain lets a client send what it is sending: one that is cut off in the middle does
// not read the answer. One that asked before it sends (Expect) gets that at once.
func drain(r *http.Request) {
	if r.Header.Get("Expect") == "" && r.ContentLength <= maxDrained {
		_, _ = io.Copy(io.Discard, r.Body) // a failure is the client's
	}
}

func (e *engine) servePreflight(routes []Route) gin.HandlerFunc {
	var methods []string
	for _, r := range routes {
		methods = append(methods, r.Method)
	}
	return func(c *gin.Context) {
		exchangeOf(c).route = Route{Kind: Data}
		e.preflight(c.Writer.Header(), c.Request, routes[0].CORS, methods)
		c.Status(http.StatusNoContent)
	}
}
