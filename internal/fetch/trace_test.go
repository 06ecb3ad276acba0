package fetch

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// TestSpanNamesThePeerAndNoMore: host, port and status; the peer is not told of the trace,
// whatever propagation is usual in the process.
func TestSpanNamesThePeerAndNoMore(t *testing.T) {
	otel.SetTextMapPropagator(propagation.TraceContext{})
	var told http.Header
	peer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		told = r.Header.Clone()
		w.WriteHeader(http.StatusTeapot)
	}))
	defer peer.Close()
	host := strings.TrimPrefix(peer.URL, "http://")
	client, err := New(Options{Allow: []string{host}})
	if err != nil {
		t.Fatal(err)
	}
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	ctx, parent := provider.Tracer("test").Start(t.Context(), "parent")
	if _, err := client.Post(ctx, peer.URL+"/path?secret=secret", "text/secret", []byte("secret")); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Get(ctx, "https://127.0.0.1:1/secret", "*/*"); err == nil {
		t.Fatal("a private address was called")
	}
	parent.End()
	ended := spans.Ended()
	if len(ended) != 2 || ended[0].Name() != "POST" || ended[0].Parent().SpanID() != parent.SpanContext().SpanID() {
		t.Fatalf("%d spans", len(ended))
	}
	said := map[string]string{}
	for _, a := range ended[0].Attributes() {
		said[string(a.Key)] = a.Value.String()
		if strings.Contains(a.Value.String(), "secret") {
			t.Errorf("it says %s=%s", a.Key, a.Value.String())
		}
	}
	if said["server.address"]+":"+said["server.port"] != host || said["http.response.status_code"] != "418" || len(said) != 4 {
		t.Errorf("it says %v", said)
	}
	if told.Get("Traceparent") != "" {
		t.Error("the peer was told the trace")
	}
}

// TestTracingThatIsOffCostsNothing at an outbound request.
func TestTracingThatIsOffCostsNothing(t *testing.T) {
	target := httptest.NewRequest(http.MethodGet, "https://peer.example.test/", nil).URL
	if n := testing.AllocsPerRun(100, func() { endTraced(traced(context.Background(), target, ""), Response{}, nil) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
