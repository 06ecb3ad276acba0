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

// How a server stops.
const (
	serveDrainWait = 5 * time.Second
	drainTimeout   = 25 * time.Second
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
	// started is told when everything listens; nil is fine.
	started func() error
}

// run serves until ctx ends, then drains: not ready, wait, stop accepting, finish
// what runs, give leases back.
func (s *server) run(ctx context.Context) error {
	handler, err := newHandler(s.app)
	if err != nil {
		return fmt.Errorf("put the handler together: %w", err)
	}
	public, ops := s.httpServer(handler), s.httpServer(s.operations.handler())
	if s.app.Dev != nil {
		public.RegisterOnShutdown(s.app.Dev.Outbox.Close) // whoever waits for a mail would hold it up
	}
	failed := make(chan error, len(s.public)+1)
	for _, listener := range s.public {
		go func() { failed <- public.Serve(listener) }()
	}
	go func() { failed <- ops.Serve(s.ops) }()
	stopJobs := s.startJobs(ctx, handler.Forget)
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
	return errors.Join(err, s.stop(context.WithoutCancel(ctx), public, stopJobs), ops.Close())
}

func (s *server) stop(ctx context.Context, public *http.Server, stopJobs func()) error {
	s.operations.draining.Store(true)
	s.app.Log.InfoContext(ctx, "stopping")
	if s.drainWait > 0 {
		_ = s.app.Clock.Sleep(ctx, s.drainWait)
	}
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	err := public.Shutdown(ctx)
	stopJobs()
	if err != nil {
		return errors.Join(fmt.Errorf("requests were still running: %w", err), public.Close())
	}
	return nil
}

// startJobs runs the background jobs, and forgets what is not used; the function it
// returns ends them and waits.
func (s *server) startJobs(ctx context.Context, forget func(now time.Time)) func() {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	runner := &jobs.Runner{
		Leases: s.app.Store, Clock: s.app.Clock, Log: s.app.Log, Holder: holder(), Observe: s.app.Metrics.JobRan,
	}
	var group sync.WaitGroup
	group.Go(func() { s.app.deliverer().Run(ctx) })
	group.Go(func() { s.app.teller().Run(ctx) })
	group.Go(func() { keepSmall(ctx, s.app.Clock, forget) })
	people := accounts.New(s.app.Hasher, s.app.Sealer)
	group.Go(func() {
		runner.Run(ctx, jobs.RotateKeys(s.app.Store, s.app.Keeper), jobs.CleanUp(s.app.Store), jobs.Erase(s.app.Store, people),
			jobs.EraseOrganizations(s.app.Store, &organizations.Organizations{Accounts: people}))
	})
	return func() {
		cancel()
		group.Wait()
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
		Handler:           s.givingUp(handler),
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.app.Log.Handler(), slog.LevelWarn),
	}
}

// givingUp gives a connection up by its answer once the server drains. To close those that
// are idle, as SetKeepAlivesEnabled does, would meet the request that a load balancer sends
// over one of them at this moment.
func (s *server) givingUp(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.operations.draining.Load() {
			w.Header().Set("Connection", "close")
		}
		handler.ServeHTTP(w, r)
	})
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
