package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/clock"
)

// stoppable is a server in the process of the test whose stop takes as long as the test says.
type stoppable struct {
	*server
	t         *testing.T
	log       *lockedBuffer
	stop      context.CancelFunc
	ended     chan error
	address   string
	opsURL    string
	publicURL string
}

// startStoppable starts a server on a new database; a certificate and its key are optional.
func startStoppable(t *testing.T, drainWait, drainFor time.Duration, pair ...string) *stoppable {
	t.Helper()
	environ := migrated(t)
	log := &lockedBuffer{}
	p := &program{out: io.Discard, errOut: log, clock: clock.Real(), environ: environ}
	config, err := configSource{}.load(p, needs{database: true, keys: true, server: true})
	if err != nil {
		t.Fatal(err)
	}
	public, ops := listenAnywhere(t), listenAnywhere(t)
	config.Server.Issuer = "http://" + public.Addr().String()
	app, err := config.openApp(t.Context(), p, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := app.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := app.prepareMail(&config); err != nil {
		t.Fatal(err)
	}
	s := &stoppable{
		server: &server{app: app, operations: &operations{app: app}, public: []net.Listener{public}, ops: ops, drainWait: drainWait, drainFor: drainFor, holder: "test"},
		t:      t, log: log, ended: make(chan error, 1), address: public.Addr().String(), opsURL: "http://" + ops.Addr().String(), publicURL: config.Server.Issuer,
	}
	if len(pair) == 2 {
		if s.public, err = withTLS(s.public, pair[0], pair[1]); err != nil {
			t.Fatal(err)
		}
	}
	started := make(chan struct{})
	s.started = func() error { close(started); return nil }
	ctx, cancel := context.WithCancel(t.Context())
	s.stop = cancel
	go func() {
		s.ended <- s.run(ctx)
		close(s.ended)
	}()
	t.Cleanup(func() {
		cancel()
		for range s.ended { // until it is closed
		}
		_ = app.Store.Close()
	})
	<-started
	return s
}

func listenAnywhere(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// says waits for a line of the log.
func (s *stoppable) says(text string) {
	s.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !strings.Contains(s.log.String(), text) {
		if time.Now().After(deadline) {
			s.t.Fatalf("the log does not say %q:\n%s", text, s.log)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// kept is one connection that is kept, without the tries again of net/http.
type kept struct {
	t *testing.T
	net.Conn
	answers *bufio.Reader
}

func (s *stoppable) connect() *kept {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	return &kept{t: s.t, Conn: conn, answers: bufio.NewReader(conn)}
}

func (k *kept) send(text string) {
	k.t.Helper()
	if _, err := io.WriteString(k.Conn, text); err != nil {
		k.t.Fatal(err)
	}
}

func (k *kept) answer() (*http.Response, error) {
	_ = k.SetReadDeadline(time.Now().Add(10 * time.Second))
	answer, err := http.ReadResponse(k.answers, nil)
	if err == nil {
		_, err = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
	}
	return answer, err
}

func (s *stoppable) wants(path string) string {
	return fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, s.address)
}

// slow is a request whose body is not there yet.
func (s *stoppable) slow() *kept {
	s.t.Helper()
	k := s.connect()
	k.send(fmt.Sprintf("POST /oauth/token HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 20\r\n\r\ngrant_type", s.address))
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, body := get(s.t, s.opsURL+"/metrics"); strings.Contains(body, "\nhttp_requests_in_flight 1\n") {
			return k
		}
		if time.Now().After(deadline) {
			s.t.Fatal("the request did not arrive")
		}
	}
}

// TestStopIsInOrder: not ready, still serving; then no new connections, while a slow request
// is answered; then the leases, and the end without an error.
func TestStopIsInOrder(t *testing.T) {
	s := startStoppable(t, 500*time.Millisecond, 20*time.Second)
	idle, slow := s.connect(), s.slow()
	idle.send(s.wants("/oauth/jwks"))
	if answer, err := idle.answer(); err != nil || answer.StatusCode != http.StatusOK || answer.Close {
		t.Fatalf("before: %v %v", answer, err)
	}
	s.stop()
	s.says("not ready any more")
	if code, body := get(t, s.opsURL+"/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "draining") {
		t.Errorf("readyz: %d %s", code, body)
	}
	if code, _ := get(t, s.opsURL+"/healthz"); code != http.StatusOK {
		t.Errorf("healthz: %d", code)
	}
	// A connection that was idle is answered once more, and told to go.
	idle.send(s.wants("/oauth/jwks"))
	if answer, err := idle.answer(); err != nil || answer.StatusCode != http.StatusOK || !answer.Close {
		t.Errorf("on an idle connection: %v %v", answer, err)
	}
	fresh := s.connect()
	fresh.send(s.wants("/oauth/jwks"))
	if answer, err := fresh.answer(); err != nil || answer.StatusCode != http.StatusOK || !answer.Close {
		t.Errorf("on a new connection: %v %v", answer, err)
	}
	s.says("no new connections")
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		conn, err := net.Dial("tcp", s.address)
		if err != nil {
			break
		}
		_ = conn.Close()
		if time.Now().After(deadline) {
			t.Fatal("connections are still taken")
		}
	}
	if strings.Contains(s.log.String(), "leases are given back") {
		t.Error("the leases went before the requests")
	}
	slow.send("=password")
	slow.send("&")
	if answer, err := slow.answer(); err != nil || answer.StatusCode != http.StatusBadRequest {
		t.Errorf("the slow request: %v %v", answer, err)
	}
	if err := <-s.ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
	at := -1
	for _, step := range []string{"not ready any more", "no new connections", "all requests are answered", "leases are given back", `"stopped"`} {
		next := strings.Index(s.log.String(), step)
		if next <= at {
			t.Errorf("%q is out of order:\n%s", step, s.log)
		}
		at = next
	}
	for _, job := range s.jobs() {
		if ours, err := s.app.Store.AcquireLease(t.Context(), "job:"+job.Name, "successor", time.Now(), time.Now().Add(time.Minute)); err != nil || !ours {
			t.Errorf("the lease of %s was not given back: %v", job.Name, err)
		}
	}
}

// TestDrainCutsWhatDoesNotEnd, says so, and is no failure.
func TestDrainCutsWhatDoesNotEnd(t *testing.T) {
	s := startStoppable(t, 0, 100*time.Millisecond)
	slow := s.slow()
	s.stop()
	if err := <-s.ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
	if _, err := slow.answer(); err == nil {
		t.Error("the request was answered")
	}
	if log := s.log.String(); !strings.Contains(log, `"WARN"`) || !strings.Contains(log, "are cut off") || !strings.Contains(log, "leases are given back") {
		t.Errorf("the log says\n%s", log)
	}
}

// TestClientsThatKeepConnectionsSeeNoFailure: from the signal until no connection is taken
// any more, everything is answered. POST is not tried again by net/http.
func TestClientsThatKeepConnectionsSeeNoFailure(t *testing.T) {
	s := startStoppable(t, 300*time.Millisecond, 10*time.Second)
	var group sync.WaitGroup
	var answered, during atomic.Int64
	for n := range 8 {
		group.Go(func() {
			client := &http.Client{Transport: &http.Transport{}, Timeout: 10 * time.Second}
			for {
				answer, err := client.Post(s.publicURL+"/oauth/token", "application/x-www-form-urlencoded", strings.NewReader("grant_type=none"))
				switch {
				case err != nil && strings.Contains(s.log.String(), "no new connections"):
					return
				case err != nil:
					t.Errorf("a request failed: %v", err)
					return
				}
				_, _ = io.Copy(io.Discard, answer.Body)
				_ = answer.Body.Close()
				if answered.Add(1); s.operations.draining.Load() {
					during.Add(1)
				}
				time.Sleep(time.Duration(n) * time.Millisecond)
			}
		})
	}
	for answered.Load() < 50 {
		time.Sleep(5 * time.Millisecond)
	}
	s.stop()
	group.Wait()
	if during.Load() < 8 {
		t.Errorf("%d requests while it drained: nothing was tested", during.Load())
	}
}

// TestHTTP2ClientsAreSentAway: they get GOAWAY with an answer, and come over another connection.
func TestHTTP2ClientsAreSentAway(t *testing.T) {
	cert, key := certificate(t)
	s := startStoppable(t, 2*time.Second, 10*time.Second, cert, key)
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
	fetch := func() bool {
		reused := false
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { reused = i.Reused }})
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+s.address+"/oauth/jwks", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.ProtoMajor != 2 {
			t.Fatalf("it speaks %s", answer.Proto)
		}
		return reused
	}
	fetch()
	if !fetch() {
		t.Fatal("connections are not kept")
	}
	s.stop()
	s.says("not ready any more")
	for range 50 {
		if !fetch() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the connection is still used")
}

// TestProbeParsesNoKey: a load balancer asks each second. Readiness is read from what is
// loaded, as long as it is the right one, and never without the database.
func TestProbeParsesNoKey(t *testing.T) {
	s := startStoppable(t, 0, time.Second)
	counting := &countingSealer{Sealer: s.app.Sealer}
	s.operations.directory.Sealer = counting
	if code, body := get(t, s.opsURL+"/readyz"); code != http.StatusOK {
		t.Fatalf("readyz: %d %s", code, body)
	}
	loaded := counting.opened.Load()
	for range 20 {
		if code, body := get(t, s.opsURL+"/readyz"); code != http.StatusOK {
			t.Errorf("readyz: %d %s", code, body)
		}
	}
	if again := counting.opened.Load() - loaded; again > 0 {
		t.Errorf("20 probes opened %d keys", again)
	}
	if err := s.app.Store.Close(); err != nil {
		t.Fatal(err)
	}
	if code, body := get(t, s.opsURL+"/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "database") {
		t.Errorf("without a database: %d %s", code, body)
	}
	if code, _ := get(t, s.opsURL+"/healthz"); code != http.StatusOK {
		t.Errorf("healthz: %d", code)
	}
}

func TestProfilesAreServedWhereTheyAreWanted(t *testing.T) {
	for text, want := range map[string]int{"true": http.StatusOK, "false": http.StatusNotFound} {
		config := load(t, configSource{}, "LANYARD_OPERATIONS_PPROF="+text)
		handler := (&operations{app: &App{Metrics: newMetrics(&App{Clock: clock.Real()})}, pprof: config.Operations.Pprof}).handler()
		for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/symbol", "/debug/pprof/cmdline"} {
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
			if wanted := want; answer.Code != wanted && path != "/debug/pprof/cmdline" {
				t.Errorf("pprof %s: %s: %d", text, path, answer.Code)
			}
			if path == "/debug/pprof/cmdline" && answer.Code == http.StatusOK && strings.Contains(answer.Body.String(), "test") {
				t.Error("the command line is shown")
			}
		}
	}
}

// countingSealer counts what is opened.
type countingSealer struct {
	lanyard.Sealer
	opened atomic.Int64
}

func (c *countingSealer) Open(place lanyard.Place, sealed []byte) ([]byte, error) {
	c.opened.Add(1)
	return c.Sealer.Open(place, sealed)
}
