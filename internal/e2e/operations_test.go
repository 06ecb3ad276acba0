package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

// TestOperationsHaveAListenerOfTheirOwn: what is for operators is not on the public
// listener, under no host and in no spelling, and nothing public is on theirs
// (ATTACKS.md 251).
func TestOperationsHaveAListenerOfTheirOwn(t *testing.T) {
	o := operates(t, sqliteURL(t))
	o.serve("--migrate")
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/ready", "/debug/pprof/", "/debug/vars", "/t/default/metrics", "//metrics", "/metrics/"} {
		if status, text := fetched(o.issuer + path); status != http.StatusNotFound && status != http.StatusBadRequest {
			t.Errorf("the public listener answers %s with %d %s", path, status, text)
		}
	}
	if status, text := fetchedAs(o.address, "http://"+o.ops, "/metrics"); status != http.StatusMisdirectedRequest {
		t.Errorf("the public listener answers the host of the other with %d %s", status, text)
	}
	for path, want := range map[string]string{"/healthz": "alive", "/readyz": "ready", "/metrics": "http_request_duration_seconds_count{"} {
		if status, text := fetched("http://" + o.ops + path); status != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	for _, path := range []string{"/", "/oauth/jwks", "/.well-known/openid-configuration", "/login", "/setup", "/debug/pprof/"} {
		if status, _ := fetched("http://" + o.ops + path); status != http.StatusNotFound {
			t.Errorf("the operations listener answers %s with %d", path, status)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+o.ops+"/readyz", nil)
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := did(r); status != http.StatusMethodNotAllowed {
		t.Errorf("POST to a probe: %d", status)
	}
}

// TestTermDrains: a server that is told to stop says that it is not ready, answers
// for as long as load balancers need, finishes what runs, and ends with 0.
func TestTermDrains(t *testing.T) {
	t.Parallel()
	o := operates(t, sqliteURL(t))
	seeded(t, o.database)
	o.serve()
	web := o.idp().Client("web")
	tokens := web.Exchange(web.Code(o.idp().Browser(), ada, adaPassword, nil), nil)
	o.server.Signal(syscall.SIGTERM)
	eventually(t, 5*time.Second, "it is not ready", func() bool {
		status, text := fetched("http://" + o.ops + "/readyz")
		return status == http.StatusServiceUnavailable && strings.Contains(text, "draining")
	})
	last := tokens.Text("refresh_token")
	for range 20 {
		a := web.Refresh(last, nil)
		if a.Status != http.StatusOK {
			t.Fatalf("while draining: %d %s", a.Status, a.Raw)
		}
		last = a.Text("refresh_token")
	}
	if code := o.server.Wait(t); code != 0 {
		t.Errorf("it ended with %d", code)
	}
	if status, _ := fetched(o.issuer + "/oauth/jwks"); status != 0 {
		t.Errorf("it still answers: %d", status)
	}
	o.serve()
	if a := web.Refresh(last, nil); a.Status != http.StatusOK {
		t.Errorf("what was answered while draining is lost: %d %s", a.Status, a.Raw)
	}
}

// TestSecondSignalKills: whoever does not want to wait for the drain says so twice.
func TestSecondSignalKills(t *testing.T) {
	t.Parallel()
	o := operates(t, sqliteURL(t))
	o.serve("--migrate")
	o.server.Signal(syscall.SIGTERM)
	eventually(t, 5*time.Second, "it drains", func() bool { return strings.Contains(o.server.Log(), "not ready any more") })
	o.server.Signal(syscall.SIGTERM)
	if code := o.server.Wait(t); code != -1 || strings.Contains(o.server.Log(), "no new connections") {
		t.Errorf("it ended with %d", code)
	}
}

// TestOperationsBehindASilentDatabase: it is alive, not ready, and its numbers are there
// without those of the database, in the time that probes and scrapes have.
func TestOperationsBehindASilentDatabase(t *testing.T) {
	t.Parallel()
	l, database := lay(t, testkit.Postgres(t))
	o := operates(t, database)
	o.serve("--migrate")
	l.set(state{silent: true})
	for path, want := range map[string]struct {
		status int
		text   string
	}{
		"/healthz": {http.StatusOK, "alive"}, "/metrics": {http.StatusOK, "\ndb_up 0\n"}, "/readyz": {http.StatusServiceUnavailable, "the database does not answer"},
	} {
		began := time.Now()
		status, text := fetched("http://" + o.ops + path)
		if took := time.Since(began); status != want.status || !strings.Contains(text, want.text) || took > outageAnswer {
			t.Errorf("%s: %d after %v", path, status, took)
		}
	}
	l.set(state{})
	eventually(t, outageRecovery, "it is ready again", func() bool {
		status, _ := fetched("http://" + o.ops + "/readyz")
		return status == http.StatusOK
	})
}

// entry is a line of the log.
type entry struct {
	Time      time.Time `json:"time"`
	Level     string    `json:"level"`
	Message   string    `json:"msg"`
	RequestID string    `json:"request_id"`
	Route     string    `json:"route"`
	Status    int       `json:"status"`
	Error     string    `json:"error"`
}

// TestLogHasEveryRequestAndNoSecret: one line of JSON for each request, found by
// the id that the answer shows, and nothing in it that opens anything.
func TestLogHasEveryRequestAndNoSecret(t *testing.T) {
	o := operates(t, sqliteURL(t)).with("LANYARD_LOG_LEVEL=debug")
	seeded(t, o.database)
	o.serve()
	w := o.lives()
	o.misuses(w)
	asked := o.asksForFaults()
	byID := map[string][]entry{}
	eventually(t, 10*time.Second, "the last request is in the log", func() bool {
		return strings.Contains(o.server.Log(), asked[len(asked)-1])
	})
	for line := range strings.Lines(o.server.Log()) {
		var e entry
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Time.IsZero() || e.Level == "" || e.Message == "" {
			t.Fatalf("no line of the log: %q (%v)", line, err)
		}
		if e.Message == "request" {
			byID[e.RequestID] = append(byID[e.RequestID], e)
		}
	}
	for _, id := range asked {
		if len(byID[id]) != 1 {
			t.Errorf("request %s has %d lines", id, len(byID[id]))
		}
	}
	for id, entries := range byID {
		if len(entries) != 1 || id == "" || entries[0].Route == "" || entries[0].Status == 0 || entries[0].Status >= 500 {
			t.Errorf("request %q is logged as %+v", id, entries)
		}
	}
	w.notIn(t, "the log", []byte(o.server.Log()))
	for _, personal := range []string{ada, "Lovelace"} {
		if strings.Contains(o.server.Log(), personal) {
			t.Errorf("the log has %q", personal)
		}
	}
}

// misuses sends secrets where they do not belong: what is refused is not logged either.
func (o *operator) misuses(w *wallet) {
	for _, path := range []string{
		"/oauth/token?code=" + w.code, "/oauth/userinfo?access_token=" + w.secrets["access token"], "/" + w.secrets["refresh token"],
		"/t/" + w.secrets["set-up token"], "/oauth/authorize?client_id=" + w.secrets["client secret"], "/login?request=" + w.flow.Value,
		"/oauth/resume?request=" + w.code, "/setup?token=" + w.secrets["set-up token"] + "x", "/oauth/logout?id_token_hint=" + w.secrets["ID token"] + "x",
	} {
		fetched(o.issuer + path)
	}
	o.idp().Browser().SignIn(o.idp().Client("web").Authorize(nil), adaPassword, ada) // each in the other's field
}

var requestID = regexp.MustCompile(`\b[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b`)

// asksForFaults provokes errors of every kind and gives the ids that people see.
func (o *operator) asksForFaults() []string {
	o.t.Helper()
	var out []string
	web := o.idp().Client("web")
	for path, host := range map[string]string{
		"/nowhere":                                      "",
		"/oauth/authorize?client_id=nobody":             "",
		web.Authorize(nil)[len(o.issuer):] + "0&":       "",
		"/t/nobody/login":                               "",
		"/login?request=req_00000000000000000000000000": "",
		"/setup?token=x":                                "",
		"/login?a=%zz":                                  "",
		"/somewhere-else":                               "evil.example.test",
		"/oauth/userinfo":                               "",
		"/oauth/authorize":                              "",
	} {
		issuer := o.issuer
		if host != "" {
			issuer = "http://" + host
		}
		r, err := http.NewRequestWithContext(o.t.Context(), http.MethodGet, "http://"+o.address+path, nil)
		if err != nil {
			r, err = rawRequest(o, path)
		}
		if err != nil {
			o.t.Fatal(err)
		}
		r.Host = issuer[len("http://"):]
		r.Header.Set("Accept", "text/html")
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			o.t.Fatal(err)
		}
		page := idp.ReadAnswer(o.t, answer)
		shown, header := requestID.FindString(page.Raw), page.Header.Get("X-Request-Id")
		if header == "" || shown != "" && shown != header || shown == "" && page.Status != http.StatusUnauthorized && page.Status < http.StatusMultipleChoices {
			o.t.Errorf("%s (%d) shows the id %q and has %q", path, page.Status, shown, header)
		}
		if header == "" {
			header = shown
		}
		out = append(out, header)
	}
	return out
}

// rawRequest has a query that net/http would not write.
func rawRequest(o *operator, path string) (*http.Request, error) {
	before, query, _ := strings.Cut(path, "?")
	r, err := http.NewRequestWithContext(o.t.Context(), http.MethodGet, "http://"+o.address+before, nil)
	if err != nil {
		return nil, fmt.Errorf("make a request: %w", err)
	}
	r.URL.RawQuery = query
	return r, nil
}
