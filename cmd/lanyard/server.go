package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/jobs"
	"github.com/lanyard-id/lanyard/tenants/accounts"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// Limits of both listeners.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10
)

// How a server stops. Together it is less than the 45 seconds that an orchestrator gives it.
const (
	serveDrainWait = 5 * time.Second
	drainTimeout   = 25 * time.Second
	// jobsTimeout bounds the wait for mails and webhooks that are being sent; whoever comes
	// next sends them again.
	jobsTimeout = 8 * time.Second
)

// server is a running instance: the public listener, the operations listener and the jobs.
type server struct {
	app        *App
	operations *operations
	public     []net.Listener
	ops        net.Listener
	// drainWait is how long a server that is about to stop goes on accepting, so
	// that load balancers see it is not ready before a connection is refused.
	drainWait time.Duration
	// drainFor is how long requests may take to end after that; zero is drainTimeout.
	drainFor time.Duration
	// holder names this process among the replicas.
	holder string
	// started is told when everything listens; nil is fine.
	started func() error
}

// run serves until ctx ends, then drains: not ready, wait, stop accepting, finish
// what runs, give leases back, send the last spans.
func (s *server) run(ctx context.Context) error {
	handler, err := newHandler(s.app)
	if err != nil {
		return fmt.Errorf("put the handler together: %w", err)
	}
	s.operations.directory = handler.Directory
	public, ops := s.httpServer(s.app.Metrics.counting(s.leaving(handler))), s.httpServer(s.operations.handler())
	if s.app.Dev != nil {
		public.RegisterOnShutdown(s.app.Dev.Outbox.Close) // whoever waits for a mail would hold it up
	}
	failed := make(chan error, len(s.public)+1)
	for _, listener := range s.public {
		go func() { failed <- public.Serve(listener) }()
	}
	go func() { failed <- ops.Serve(s.ops) }()
	stopJobs := s.startJobs(ctx, handler.Directory.Forget)
	s.operations.ready.Store(true)
	if s.started != nil {
		err = s.started()
	}
	if err == nil {
		select {
		case <-ctx.Done():
		case err = <-failed:
		}
	}
	s.stop(context.WithoutCancel(ctx), public, stopJobs)
	return errors.Join(err, ops.Close())
}

// leaving tells clients that keep connections to take another one next time, once the
// server is about to stop: HTTP/1.1 by the header, HTTP/2 by the GOAWAY that net/http makes
// of it. A connection is closed only after an answer that said so. To close those that are
// idle at once, as SetKeepAlivesEnabled does, would cut off whoever is just about to use one.
func (s *server) leaving(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.operations.draining.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// stop ends a server in the order of the operations contract. What does not end in time is
// cut off and said; it is no failure of the server.
func (s *server) stop(ctx context.Context, public *http.Server, stopJobs func() bool) {
	log := s.app.Log
	s.operations.draining.Store(true)
	log.InfoContext(ctx, "stopping: not ready any more", "wait", s.drainWait)
	if s.drainWait > 0 {
		_ = s.app.Clock.Sleep(ctx, s.drainWait)
	}
	log.InfoContext(ctx, "stopping: no new connections")
	s.drain(ctx, public)
	if !stopJobs() {
		log.WarnContext(ctx, "stopping: deliveries were still running; they are tried again elsewhere")
	}
	log.InfoContext(ctx, "stopping: leases are given back")
	s.app.Traces.flush(ctx)
	log.InfoContext(ctx, "stopped")
}

// drain closes the listeners and lets the requests end that run.
func (s *server) drain(ctx context.Context, public *http.Server) {
	limit := s.drainFor
	if limit == 0 {
		limit = drainTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := public.Shutdown(ctx); err != nil {
		s.app.Log.WarnContext(ctx, "stopping: requests were still running and are cut off", "error", err)
		_ = public.Close()
		return
	}
	s.app.Log.InfoContext(ctx, "stopping: all requests are answered")
}

// startJobs runs the background jobs, and forgets what is not used; the function it returns
// ends them and waits. It tells whether all ended in time.
func (s *server) startJobs(ctx context.Context, forget func(ctx context.Context, now time.Time)) func() bool {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	metrics, tracer := s.app.Metrics, s.app.Traces.tracer()
	runner := &jobs.Runner{
		Leases: s.app.Store, Clock: s.app.Clock, Log: s.app.Log, Holder: s.holder, Observe: metrics.JobRan, Held: metrics.LeaseHeld, Tracer: tracer,
	}
	all := s.jobs()
	metrics.know(all)
	mails, webhooks := s.app.deliverer(), s.app.teller()
	mails.Tracer, webhooks.Tracer = tracer, tracer
	var group sync.WaitGroup
	group.Go(func() { mails.Run(ctx) })
	group.Go(func() { webhooks.Run(ctx) })
	group.Go(func() { keepSmall(ctx, s.app.Clock, forget, s.app.Store.Shrink, s.app.GCPercent) })
	group.Go(func() { runner.Run(ctx, all...) })
	return func() bool {
		cancel()
		ended := make(chan struct{})
		go func() { group.Wait(); close(ended) }()
		timer := s.app.Clock.NewTimer(jobsTimeout)
		defer timer.Stop()
		select {
		case <-ended:
			return true
		case <-timer.C():
			return false
		}
	}
}

// jobs are those that one of the replicas runs in each period.
func (s *server) jobs() []jobs.Job {
	store, people := s.app.Store, accounts.New(s.app.Hasher, s.app.Sealer)
	return []jobs.Job{
		jobs.RotateKeys(store, s.app.Keeper), jobs.CleanUp(store), jobs.Erase(store, people),
		jobs.EraseOrganizations(store, &organizations.Organizations{Accounts: people}),
	}
}

// holder names this process among the replicas.
func holder() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s-%d-%s", host, os.Getpid(), lanyard.NewSecret().Reveal()[:8])
}

func (s *server) httpServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.app.Log.Handler(), slog.LevelWarn),
	}
}

// withTLS wraps listeners when there is a certificate.
func withTLS(listeners []net.Listener, cert, key string) ([]net.Listener, error) {
	if cert == "" {
		return listeners, nil
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("load the certificate: %w", err)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"}}
	out := make([]net.Listener, len(listeners))
	for i, l := range listeners {
		out[i] = tls.NewListener(l, config)
	}
	return out, nil
}
