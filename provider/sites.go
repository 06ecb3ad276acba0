package provider

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

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
	// Dev marks the sites of a development server.
	Dev bool
	// Aliases are hosts that lead a browser to the base issuer, such as 127.0.0.1:8080.
	Aliases []string
}

// ServeHTTP implements http.Handler.
func (s *Sites) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := web.WithRequestID(r.Context(), web.NewRequestID())
	path := insertedPath(r.URL.Path)
	if slices.Contains(s.Aliases, r.Host) {
		s.redirect(w, r, web.Site{Issuer: strings.TrimSuffix(s.Directory.Base.String(), "/")}, path)
		return
	}
	place, err := s.Directory.Find(ctx, r.Host, path)
	if err != nil {
		s.fail(ctx, w, err)
		return
	}
	l, err := s.snapshot(ctx, place.Tenant, strings.TrimPrefix(path, place.Prefix))
	if err != nil {
		s.fail(ctx, w, err)
		return
	}
	at := web.Site{
		Tenant: l.Tenant.ID, Slug: l.Tenant.Slug, Issuer: l.Issuer, Prefix: place.Prefix, Dev: s.Dev,
		Loopback: s.Directory.Base.Scheme == "http" && lanyard.IsLoopbackHost(s.Directory.Base.Hostname()),
	}
	rest := strings.TrimPrefix(path, place.Prefix)
	if place.Elsewhere {
		s.redirect(w, r, at, rest)
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
func (s *Sites) redirect(w http.ResponseWriter, r *http.Request, at web.Site, path string) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		s.fail(r.Context(), w, tenants.ErrUnknownHost)
		return
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		s.fail(r.Context(), w, lanyard.ErrNotFound)
		return
	}
	web.Redirect(w, r, web.AtIssuer(at, path, query))
}

// fail answers what belongs to no tenant, in plain words.
func (s *Sites) fail(ctx context.Context, w http.ResponseWriter, err error) {
	status, text := http.StatusNotFound, "There is nothing here."
	switch {
	case errors.Is(err, tenants.ErrUnknownHost):
		status, text = http.StatusMisdirectedRequest, "This server does not answer on this host."
	case lanyard.KindOf(err) == lanyard.NotFound:
	default:
		status, text = http.StatusServiceUnavailable, "Something went wrong on our side. Try again."
		w.Header().Set("Retry-After", "2")
		s.Log.ErrorContext(ctx, "finding the tenant", "request_id", web.RequestID(ctx), "error", err)
	}
	body := text + "\n" + web.RequestID(ctx) + "\n"
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	web.NoStore(h)
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}
