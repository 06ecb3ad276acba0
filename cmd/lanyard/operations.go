package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/pprof"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants"
)

const (
	// probeTimeout bounds a readiness probe.
	probeTimeout = 2 * time.Second
	// schemaFor is how long a schema that was current is not looked at again. The
	// database itself is asked at every probe.
	schemaFor = 10 * time.Second
	// maxScrapes bounds the scrapes at once, so that a silent database does not gather them.
	maxScrapes = 4
)

// operations is the listener for probes and metrics, apart from the public one.
type operations struct {
	app *App
	// directory has the tenants as requests see them; it is set before ready.
	directory *tenants.Directory
	// pprof serves the profiles of the process.
	pprof bool
	// ready is set when the public listener serves, draining when it is about to stop.
	ready    atomic.Bool
	draining atomic.Bool

	mu sync.Mutex
	// current is when the schema was seen to be current.
	current time.Time
}

func (o *operations) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "alive") })
	mux.HandleFunc("GET /readyz", o.readyz)
	mux.Handle("GET /metrics", promhttp.HandlerFor(o.app.Metrics.registry, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: maxScrapes,
	}))
	if o.pprof {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return mux
}

func (o *operations) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), probeTimeout)
	defer cancel()
	if reason := o.unready(ctx); reason != "" {
		http.Error(w, reason, http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}

// unready says why no request should be sent here; empty if there is no reason.
// The causes stay in the log. A probe is one statement: the revision of the default
// tenant, which says that the database answers and whether the keys that are loaded
// are still the right ones. Probes at the same time share it.
func (o *operations) unready(ctx context.Context) string {
	switch {
	case o.draining.Load():
		return "draining"
	case !o.ready.Load():
		return "starting"
	}
	live, err := o.directory.BySlug(ctx, lanyard.DefaultTenant)
	switch {
	case lanyard.KindOf(err) == lanyard.Unavailable:
		o.app.Log.WarnContext(ctx, "not ready", "error", err)
		return "the database does not answer"
	case live == nil: // a tenant that is suspended has keys all the same
		o.app.Log.WarnContext(ctx, "not ready", "error", err)
		return "the signing keys do not load"
	}
	return o.outdated(ctx)
}

// outdated says what is wrong with the schema; empty if it is current.
func (o *operations) outdated(ctx context.Context) string {
	now := o.app.Clock.Now()
	o.mu.Lock()
	known := now.Sub(o.current) < schemaFor
	o.mu.Unlock()
	if known {
		return ""
	}
	status, err := o.app.Store.MigrationStatus(ctx)
	if err != nil {
		o.app.Log.WarnContext(ctx, "not ready", "error", err)
		return "the database does not answer"
	}
	if !status.Current() {
		return "migrations are pending"
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.current = now
	return ""
}
