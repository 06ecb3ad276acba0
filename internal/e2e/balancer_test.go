package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// balancer hands each request to the next replica that said that it is ready, as
// operators have it before theirs. It never sends a request twice.
type balancer struct {
	t        *testing.T
	server   *httptest.Server
	replicas []*behind
	turn     atomic.Uint64

	mu sync.Mutex
	// went are the replicas that requests went to, in order.
	went []int
	// failed are the requests that got no answer from their replica.
	failed []string
}

// behind is a replica behind the balancer.
type behind struct {
	address, ops string
	ready        atomic.Bool
}

// checkEvery is how often readiness is looked at; a replica that is about to stop
// answers for 5 s more.
const checkEvery = 200 * time.Millisecond

type chosenKey struct{}

// balance starts a balancer without replicas.
func balance(t *testing.T) *balancer {
	t.Helper()
	b := &balancer{t: t}
	b.server = httptest.NewUnstartedServer(&httputil.ReverseProxy{
		Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
		Rewrite: func(r *httputil.ProxyRequest) {
			to, _ := r.In.Context().Value(chosenKey{}).(*behind)
			r.SetURL(&url.URL{Scheme: "http", Host: to.address})
			r.Out.Host = r.In.Host
			r.SetXForwarded()
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil {
				b.mu.Lock()
				b.failed = append(b.failed, fmt.Sprintf("%s %s: %v", r.Method, r.URL.Path, err))
				b.mu.Unlock()
			}
			w.WriteHeader(http.StatusBadGateway)
		},
	})
	proxy := b.server.Config.Handler
	b.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at := b.next()
		if at < 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		b.mu.Lock()
		b.went = append(b.went, at)
		b.mu.Unlock()
		proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), chosenKey{}, b.replicas[at])))
	})
	b.server.Start()
	t.Cleanup(b.server.Close)
	return b
}

// issuer is the balancer's address, by name.
func (b *balancer) issuer() string {
	_, port, _ := net.SplitHostPort(b.server.Listener.Addr().String())
	return "http://localhost:" + port
}

// next is the replica for the next request; -1 if none is ready.
func (b *balancer) next() int {
	for range b.replicas {
		if at := int(b.turn.Add(1)) % len(b.replicas); b.replicas[at].ready.Load() {
			return at
		}
	}
	return -1
}

// watch looks at the readiness of the replicas until the test ends. It begins when all
// of them are ready.
func (b *balancer) watch(replicas []*operator) {
	b.t.Helper()
	for _, o := range replicas {
		b.replicas = append(b.replicas, &behind{address: o.address, ops: o.ops})
	}
	for _, r := range b.replicas {
		r.ready.Store(true)
		go func() {
			for b.t.Context().Err() == nil {
				status, _ := fetched("http://" + r.ops + "/readyz")
				r.ready.Store(status == http.StatusOK)
				time.Sleep(checkEvery)
			}
		}()
	}
}

// trail forgets where requests went, and gives a function that tells where they went since.
func (b *balancer) trail() func() []int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.went = nil
	return func() []int {
		b.mu.Lock()
		defer b.mu.Unlock()
		return slices.Clone(b.went)
	}
}

// failures are the requests that a replica did not answer.
func (b *balancer) failures() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.failed)
}
