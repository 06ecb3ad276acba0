package e2e

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/lanyard-id/lanyard/internal/testkit"
)

// spanCollector is where spans are sent to, over OTLP/HTTP.
type spanCollector struct {
	*httptest.Server
	mu     sync.Mutex
	spans  []*tracepb.Span
	bodies []byte
}

func startCollector(t *testing.T) *spanCollector {
	t.Helper()
	c := &spanCollector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		// The request has its spans in the same field as a file of them.
		var sent tracepb.TracesData
		if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(body, &sent) != nil {
			t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.bodies = append(c.bodies, body...)
		for _, resource := range sent.GetResourceSpans() {
			for _, scope := range resource.GetScopeSpans() {
				c.spans = append(c.spans, scope.GetSpans()...)
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *spanCollector) seen() ([]*tracepb.Span, []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.spans), bytes.Clone(c.bodies)
}

// values are the attributes of a span as text.
func values(span *tracepb.Span) map[string]string {
	out := map[string]string{}
	for _, a := range span.GetAttributes() {
		out[a.GetKey()] = a.GetValue().GetStringValue()
		if n := a.GetValue().GetIntValue(); n != 0 {
			out[a.GetKey()] = http.StatusText(int(n))
		}
	}
	return out
}

// attributesOfSpans are all that a span may say.
var attributesOfSpans = []string{
	"http.request.method", "http.route", "http.response.status_code", "lanyard.tenant", "lanyard.request_id", "lanyard.outcome", "error.type",
	"db.system.name", "db.query.text", "server.address", "server.port", "lanyard.delivery", "lanyard.tenant_id", "lanyard.kind", "lanyard.try",
}

const (
	secretInPath = "an-invitation-code-that-nobody-should-see"
	foreign      = "0af7651916cd43dd8448eb211c80319c"
)

// TestTracesTellWhatHappenedAndNoSecret: a life on both databases, its spans read at a
// collector; the last ones come with the end of the process.
func TestTracesTellWhatHappenedAndNoSecret(t *testing.T) {
	for name, database := range map[string]func(testing.TB) string{"sqlite": func(t testing.TB) string { return sqliteURL(t.(*testing.T)) }, "postgres": testkit.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := startCollector(t)
			o := operates(t, database(t)).with("OTEL_EXPORTER_OTLP_ENDPOINT="+c.URL, "OTEL_SERVICE_NAME=id", "LANYARD_OPERATIONS_PPROF=true")
			seeded(t, o.database)
			o.serve()
			w := o.lives()
			o.misuses(w)
			o.asksForFaults()
			fetched(o.issuer + "/invite/" + secretInPath)
			last := o.asksInTrace("/oauth/jwks?secret=" + secretInPath)
			if status, _ := fetched("http://" + o.ops + "/debug/pprof/heap"); status != http.StatusOK {
				t.Errorf("profiles that are wanted: %d", status)
			}
			if code := o.server.Stop(); code != 0 {
				t.Errorf("it ended with %d", code)
			}
			spans, bodies := c.seen()
			w.notIn(t, "a span", bodies)
			for _, secret := range []string{secretInPath, ada, "Lovelace", "evil.example.test", "127.0.0.1"} {
				if bytes.Contains(bodies, []byte(secret)) {
					t.Errorf("a span has %q", secret)
				}
			}
			if !bytes.Contains(bodies, []byte("service.name")) || !bytes.Contains(bodies, []byte("service.version")) {
				t.Error("the spans do not say whose they are")
			}
			checkSpans(t, spans)
			checkLast(t, o, spans, last)
		})
	}
}

// asksInTrace sends a request that claims to belong to a trace, and gives its id.
func (o *operator) asksInTrace(path string) string {
	o.t.Helper()
	r, err := http.NewRequestWithContext(o.t.Context(), http.MethodGet, o.issuer+path, nil)
	if err != nil {
		o.t.Fatal(err)
	}
	r.Header.Set("Traceparent", "00-"+foreign+"-b7ad6b7169203331-01")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		o.t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.Header.Get("X-Request-Id")
}

// checkSpans looks at every span, and for those of a refresh with a statement below.
func checkSpans(t *testing.T, spans []*tracepb.Span) {
	t.Helper()
	requests, below := map[string]bool{}, 0
	for _, span := range spans {
		says := values(span)
		for key := range says {
			if !slices.Contains(attributesOfSpans, key) {
				t.Errorf("%s says %s", span.GetName(), key)
			}
		}
		if span.GetKind() != tracepb.Span_SPAN_KIND_SERVER {
			continue
		}
		if span.GetName() != says["http.request.method"]+" "+says["http.route"] || len(span.GetParentSpanId()) > 0 || says["lanyard.request_id"] == "" {
			t.Errorf("%s: %v", span.GetName(), says)
		}
		if span.GetName() == "POST /oauth/token" && says["lanyard.outcome"] == "ok" && says["lanyard.tenant"] == "default" {
			requests[string(span.GetSpanId())] = true
		}
	}
	for _, span := range spans {
		if says := values(span); requests[string(span.GetParentSpanId())] && strings.Contains(says["db.query.text"], "?") && says["db.system.name"] != "" {
			below++
		}
	}
	if len(requests) < 2 || below < 2 { // the reads that requests share belong to none of them
		t.Errorf("%d token requests with %d statements below them, of %d spans", len(requests), below, len(spans))
	}
}

// checkLast finds the last request: its span was sent although the process ended, it is in
// a trace of its own, and its line of the log names that.
func checkLast(t *testing.T, o *operator, spans []*tracepb.Span, id string) {
	t.Helper()
	at := slices.IndexFunc(spans, func(s *tracepb.Span) bool { return values(s)["lanyard.request_id"] == id })
	if at < 0 {
		t.Fatalf("the span of the last request %q did not arrive", id)
	}
	trace := hex.EncodeToString(spans[at].GetTraceId())
	if trace == foreign {
		t.Error("a stranger chose the trace")
	}
	for line := range strings.Lines(o.server.Log()) {
		var e struct {
			RequestID string `json:"request_id"`
			TraceID   string `json:"trace_id"`
		}
		if json.Unmarshal([]byte(line), &e) == nil && e.RequestID == id && e.TraceID != trace {
			t.Errorf("the log says trace %q, the span %q", e.TraceID, trace)
		}
	}
}

// TestProxiesSayWhichTrace: those that are trusted, and nobody else.
func TestProxiesSayWhichTrace(t *testing.T) {
	t.Parallel()
	c := startCollector(t)
	o := operates(t, sqliteURL(t)).with("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="+c.URL+"/v1/traces", "LANYARD_SERVER_TRUSTED_PROXIES=127.0.0.1", "OTEL_BSP_SCHEDULE_DELAY=50")
	o.serve("--migrate")
	id := o.asksInTrace("/oauth/jwks")
	eventually(t, 10*time.Second, "the span arrives", func() bool {
		spans, _ := c.seen()
		return slices.ContainsFunc(spans, func(s *tracepb.Span) bool {
			return values(s)["lanyard.request_id"] == id && hex.EncodeToString(s.GetTraceId()) == foreign
		})
	})
	o.server.Kill()
}

// TestCollectorThatIsAwayChangesNothing: one that is down and one that never answers. All
// is served, the log complains once, and the end does not wait for long.
func TestCollectorThatIsAwayChangesNothing(t *testing.T) {
	free := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-free }))
	t.Cleanup(func() { close(free); hanging.Close() })
	down := httptest.NewServer(nil)
	down.Close()
	t.Run("both", func(t *testing.T) {
		for name, endpoint := range map[string]string{"down": down.URL, "hanging": hanging.URL} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				o := operates(t, sqliteURL(t)).with("OTEL_EXPORTER_OTLP_ENDPOINT="+endpoint, "OTEL_BSP_SCHEDULE_DELAY=20", "OTEL_BSP_MAX_QUEUE_SIZE=64", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=16")
				seeded(t, o.database)
				o.serve()
				machine := o.idp().Client("machine")
				for range 100 { // more than the queue takes
					if a := machine.Call("/oauth/token", url.Values{"grant_type": {"client_credentials"}}); a.Status != http.StatusOK {
						t.Fatalf("%d %s", a.Status, a.Raw)
					}
				}
				began := time.Now()
				if code := o.server.Stop(); code != 0 {
					t.Errorf("it ended with %d", code)
				}
				if took := time.Since(began); took > 15*time.Second { // five of them are the drain, three the last spans
					t.Errorf("the end took %v", took)
				}
				if complaints := strings.Count(o.server.Log(), "spans do not get away"); complaints > 1 || name == "down" && complaints == 0 && !strings.Contains(o.server.Log(), "did not get away") {
					t.Errorf("the log complains %d times", complaints)
				}
			})
		}
	})
}
