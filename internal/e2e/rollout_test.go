package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

// rollout is servers on one database behind a load balancer, which are replaced one after
// the other while requests go on.
type rollout struct {
	*operator
	front    *httptest.Server
	mu       sync.RWMutex
	backends []*backend
	turn     atomic.Uint64
	// failed counts the requests that no server answered, or answered with an error of its own.
	failed, passed atomic.Int64
}

// backend is one server. What runs on it is counted, so that it is taken away only when it is idle.
type backend struct {
	*operator
	proxy *httputil.ReverseProxy
	busy  sync.WaitGroup
}

// assembles starts n servers, which the operator's variables configure.
func assembles(t *testing.T, database string, n int) *rollout {
	t.Helper()
	f := &rollout{operator: operates(t, database)}
	f.front = httptest.NewServer(f)
	t.Cleanup(f.front.Close)
	u, err := url.Parse(f.front.URL)
	if err != nil {
		t.Fatal(err)
	}
	f.issuer, f.address = "http://localhost:"+u.Port(), u.Host
	f.operator = f.with("LANYARD_SERVER_ISSUER="+f.issuer, "LANYARD_SERVER_REPLICAS=3", "LANYARD_SERVER_TRUSTED_PROXIES=127.0.0.1/32")
	for range n {
		f.backends = append(f.backends, f.join(testkit.Binary(t)))
	}
	return f
}

// join starts a server of a binary with the operator's variables, and waits until it is ready.
func (f *rollout) join(binary string, env ...string) *backend {
	f.t.Helper()
	spare := operates(f.t, f.database)
	o := f.with("LANYARD_SERVER_LISTEN="+spare.address, "LANYARD_OPERATIONS_LISTEN="+spare.ops).with(env...)
	o.address, o.ops = spare.address, spare.ops
	o.server = testkit.Run(f.t, testkit.Command{Path: binary, Args: []string{"serve"}, Env: o.env, Dir: o.folder})
	f.t.Cleanup(o.server.Kill)
	o.await()
	b := &backend{operator: o}
	b.proxy = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: o.address})
			r.Out.Host = r.In.Host
			r.SetXForwarded()
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			f.failed.Add(1)
			f.t.Errorf("%s was answered by nobody: %v", r.URL.Path, err)
			w.WriteHeader(http.StatusBadGateway)
		},
		ModifyResponse: func(a *http.Response) error {
			if a.StatusCode >= http.StatusInternalServerError {
				f.failed.Add(1)
			}
			return nil
		},
	}
	return b
}

// ServeHTTP hands a request to the next server.
func (f *rollout) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.RLock()
	b := f.backends[f.turn.Add(1)%uint64(len(f.backends))]
	b.busy.Add(1)
	f.mu.RUnlock()
	defer b.busy.Done()
	f.passed.Add(1)
	b.proxy.ServeHTTP(w, r)
}

// replaces puts a new server in the place of another, as a load balancer sees it: the new one
// gets requests when it is ready, and the old one none any more before it ends.
func (f *rollout) replaces(at int, binary string, env ...string) {
	f.t.Helper()
	next := f.join(binary, env...)
	f.mu.Lock()
	before := f.backends[at]
	f.backends[at] = next
	f.mu.Unlock()
	before.busy.Wait()
	before.server.Kill()
}

// drains is replaces in the way of a cluster: the old server is told to stop while it still
// gets requests, and is left out when it says that it is not ready. It ends by itself, with 0.
func (f *rollout) drains(at int, binary string, env ...string) {
	f.t.Helper()
	next, before := f.join(binary, env...), f.backends[at]
	before.server.Signal(syscall.SIGTERM)
	eventually(f.t, 5*time.Second, "it is not ready", func() bool {
		status, _ := fetched("http://" + before.ops + "/readyz")
		return status == http.StatusServiceUnavailable
	})
	f.mu.Lock()
	f.backends[at] = next
	f.mu.Unlock()
	if code := before.server.Wait(f.t); code != 0 {
		f.t.Errorf("a server that drained ended with %d:\n%s", code, before.server.Log())
	}
}

// rolls replaces all servers, one after the other, and calls after each.
func (f *rollout) rolls(binary string, after func(), env ...string) {
	f.t.Helper()
	for at := range f.backends {
		f.replaces(at, binary, env...)
		if after != nil {
			after()
		}
	}
}

// load is families that are refreshed all the time, over whatever servers there are.
type load struct {
	stop      chan struct{}
	group     sync.WaitGroup
	rotations atomic.Int64
	families  []*family
	web       *idp.Client
	f         *rollout
}

// refreshes starts n families.
func (f *rollout) refreshes(n int) *load {
	f.t.Helper()
	l := &load{stop: make(chan struct{}), web: f.idp().Client("web"), f: f}
	for range n {
		tokens := l.web.Exchange(l.web.Code(f.idp().Browser(), ada, adaPassword, nil), nil)
		l.families = append(l.families, &family{last: tokens.Text("refresh_token")})
	}
	for _, family := range l.families {
		l.group.Go(func() { l.turn(family) })
	}
	return l
}

func (l *load) turn(f *family) {
	for {
		select {
		case <-l.stop:
			return
		default:
		}
		a, err := l.web.Try("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {f.last}})
		if err != nil || a.Status != http.StatusOK {
			l.f.t.Errorf("a refresh was answered with %d %s (%v)", a.Status, a.Raw, err)
			return
		}
		l.rotations.Add(1)
		f.parent, f.last = f.last, a.Text("refresh_token")
	}
}

// ends stops the load, and wants every last answered token to work and none of the servers to have failed.
func (l *load) ends() {
	l.f.t.Helper()
	close(l.stop)
	l.group.Wait()
	for at, family := range l.families {
		if a := l.web.Refresh(family.last, nil); a.Status != http.StatusOK {
			l.f.t.Errorf("the last token of family %d is lost: %d %s", at, a.Status, a.Raw)
		}
	}
	if n := l.f.failed.Load(); n > 0 {
		l.f.t.Errorf("%d requests failed", n)
	}
	l.f.t.Logf("%d requests over the load balancer, %d refreshes, %d failed", l.f.passed.Load(), l.rotations.Load(), l.f.failed.Load())
}
