package main

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/lanyard-id/lanyard"
)

// probeTimeout bounds a readiness probe.
const probeTimeout = 2 * time.Second

// operations is the listener for probes and metrics, apart from the public one.
type operations struct {
	app *App
	// ready is set when the public listener serves, draining when it is about to stop.
	ready    atomic.Bool
	draining atomic.Bool
}

func (o *operations) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "alive") })
	mux.HandleFunc("GET /readyz", o.readyz)
	mux.Handle("GET /metrics", promhttp.HandlerFor(o.app.Metrics.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}))
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
// The causes stay in the log.
func (o *operations) unready(ctx context.Context) string {
	switch {
	case o.draining.Load():
		return "draining"
	case !o.ready.Load():
		return "starting"
	}
	status, err := o.app.Store.MigrationStatus(ctx)
	if err != nil {
		o.app.Log.WarnContext(ctx, "not ready", "error", err)
		return "the database does not answer"
	}
	if !status.Current() {
		return "migrations are pending"
	}
	tenant, err := o.app.Store.TenantBySlug(ctx, lanyard.DefaultTenant)
	if err == nil {
		err = o.app.openKeys(ctx, o.app.Store.Tenant(tenant.ID))
	}
	if err != nil {
		o.app.Log.WarnContext(ctx, "not ready", "error", err)
		return "the signing keys do not load"
	}
	return ""
}
