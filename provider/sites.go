package provider

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/tenants"
)

// Sites finds the tenant of every request, by exact host and /t/{slug}, before any
// router sees it. Whoever comes next finds the tenant and the site in the context
// and the tenant's prefix cut off the path. Forwarded headers play no part.
type Sites struct {
	Directory *tenants.Directory
	Next      http.Handler
	Log       *slog.Logger
	// Observe is told of the requests that are answered here, like that of the engine; nil is fine.
	Observe func(route, method string, code int, d time.Duration)
	// Tracing begins the span of every request.
	Tracing web.Tracing
	// Dev marks the sites of a development server.
	Dev bool
	// Aliases are hosts that lead a browser to the base issuer, such as 127.0.0.1:8080.
	Aliases []string
}

// ServeHTTP implements http.Handler.
func (s *Sites) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := s.Directory.Clock.Now()
	ctx := web.WithRequestID(s.Tracing.Begin(r), web.NewRequestID())
	r = r.WithContext(ctx)
	path := insertedPath(r.URL.Path)
	if slices.Contains(s.Aliases, r.Host) {
		s.finish(w, r, began, s.redirect(w, r, web.Site{Issuer: strings.TrimSuffix(s.Directory.Base.String(), "/")}, path))
		return
	}
	place, err := s.Directory.Find(ctx, r.Host, path)
	if err != nil {
		s.finish(w, r, began, err)
		return
	}
	l, err := s.snapshot(ctx, place.Tenant, strings.TrimPrefix(path, place.Prefix))
	if err != nil {
		s.finish(w, r, began, err)
		return
	}
	at := web.Site{
		Tenant: l.Tenant.ID, Slug: l.Tenant.Slug, Issuer: l.Issuer, Prefix: place.Prefix, Dev: s.Dev,
		Loopback: s.Directory.Base.Scheme == "http" && lanyard.IsLoopbackHost(s.Directory.Base.Hostname()),
	}
	rest := strings.TrimPrefix(path, place.Prefix)
	if place.Elsewhere {
		s.finish(w, r, began, s.redirect(w, r, at, rest))
		return
	}
	s.Next.ServeHTTP(w, below(r.WithContext(tenants.WithLive(web.WithSite(ctx, at), l)), place.Prefix, rest))
}

// below is the request as it looks below the tenant's prefix.
func below(r *http.Request, prefix, rest string) *http.Request {
	u := *r.URL
	u.Path = rest
	if u.Path == "" {
		u.Path = "/"
	}
	u.RawPath = strings.TrimPrefix(u.RawPath, prefix)
	out := *r
	out.URL = &u
	return &out
}

// wellKnown are the documents that may stand in front of the issuer's path (RFC 8414 §3.1).
var wellKnown = []string{PathDiscovery, PathMetadata}

// insertedPath turns /.well-known/x/t/acme into /t/acme/.well-known/x.
func insertedPath(path string) string {
	for _, name := range wellKnown {
		if rest, found := strings.CutPrefix(path, name+"/"); found {
			return "/" + strings.TrimSuffix(rest, "/") + name
		}
	}
	return path
}

// snapshot gives what is published anyway from a snapshot that may lag, everything else from a current one.
func (s *Sites) snapshot(ctx context.Context, id lanyard.TenantID, path string) (*tenants.Live, error) {
	if strings.HasPrefix(path, "/.well-known/") || strings.HasPrefix(path, "/assets/") || path == PathJWKS {
		return s.Directory.Published(ctx, id)
	}
	return s.Directory.Current(ctx, id)
}

// redirect leads a browser to the same place under the issuer; only a GET, before a flow starts.
func (s *Sites) redirect(w http.ResponseWriter, r *http.Request, at web.Site, path string) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return tenants.ErrUnknownHost
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return lanyard.ErrNotFound
	}
	w.Header().Set(web.RequestIDHeader, web.RequestID(r.Context()))
	web.Redirect(w, r, web.AtIssuer(at, path, query))
	return nil
}

// finish records a request that no tenant's routes saw; one that failed is answered in plain words.
func (s *Sites) finish(w http.ResponseWriter, r *http.Request, began time.Time, err error) {
	done := web.Finished{Method: r.Method, Status: http.StatusFound}
	if err != nil {
		done = s.fail(w, r, err)
	}
	done.Took = s.Directory.Clock.Now().Sub(began)
	done.Record(r.Context(), s.Log, s.Observe)
}

// fail answers what belongs to no tenant.
func (s *Sites) fail(w http.ResponseWriter, r *http.Request, err error) web.Finished {
	done := web.Finished{Method: r.Method, Status: http.StatusNotFound, Code: web.Public(err).Code}
	text := "There is nothing here."
	h := w.Header()
	switch {
	case errors.Is(err, tenants.ErrUnknownHost):
		done.Status, text = http.StatusMisdirectedRequest, "This server does not answer on this host."
	case lanyard.KindOf(err) == lanyard.NotFound:
	case r.Context().Err() != nil: // nobody waits any more, and it is no outage
		done.Status = web.StatusGone
	default:
		done.Status, text = http.StatusServiceUnavailable, "Something went wrong on our side. Try again."
		done.Cause = fmt.Errorf("finding the tenant: %w", err)
		h.Set("Retry-After", "2")
	}
	id := web.RequestID(r.Context())
	body := text + "\n" + id + "\n"
	h.Set(web.RequestIDHeader, id)
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	web.NoStore(h)
	w.WriteHeader(done.Status)
	_, _ = w.Write([]byte(body))
	return done
}
