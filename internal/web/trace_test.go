package web

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
)

const foreignTrace = "0af7651916cd43dd8448eb211c80319c"

// recorded is a provider of tracers whose spans a test reads.
func recorded(t *testing.T) (*sdktrace.TracerProvider, *tracetest.SpanRecorder) {
	t.Helper()
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	t.Cleanup(func() { _ = provider.Shutdown(context.Background()) })
	return provider, spans
}

func TestTraceIsBelievedFromProxiesOnly(t *testing.T) {
	provider, spans := recorded(t)
	tracing := Tracing{Tracer: provider.Tracer("test"), Proxies: NewProxies(netip.MustParsePrefix("10.0.0.0/8"))}
	for peer, believed := range map[string]bool{"10.1.2.3:4": true, "192.0.2.1:4": false, "nonsense": false} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = peer
		r.Header.Set("Traceparent", "00-"+foreignTrace+"-b7ad6b7169203331-01")
		r.Header.Set("X-Forwarded-For", "10.9.9.9")
		ctx := tracing.Begin(r)
		if got := traceID(ctx) == foreignTrace; got != believed {
			t.Errorf("from %s: believed %v", peer, got)
		}
		Finished{Method: "GET", Status: 200}.Record(ctx, slog.New(slog.DiscardHandler), nil)
	}
	if n := len(spans.Ended()); n != 3 {
		t.Errorf("%d spans ended", n)
	}
}

// TestSpanSaysWhatTheLogSays, and nothing of what a caller sent.
func TestSpanSaysWhatTheLogSays(t *testing.T) {
	provider, spans := recorded(t)
	r := httptest.NewRequest("GET", "/invite/secret?code=secret", nil)
	ctx := WithSite(WithRequestID(Tracing{Tracer: provider.Tracer("test")}.Begin(r), "ID"), Site{Slug: "acme"})
	Finished{Route: "/invite/:code", Method: "GET", Status: 503, Code: "temporarily_unavailable", Cause: os.ErrDeadlineExceeded}.Record(ctx, slog.New(slog.DiscardHandler), nil)
	span := spans.Ended()[0]
	got := map[string]string{}
	for _, a := range span.Attributes() {
		got[string(a.Key)] = a.Value.String()
	}
	want := map[string]string{
		"http.request.method": "GET", "http.route": "/invite/:code", "http.response.status_code": "503", "lanyard.tenant": "acme",
		"lanyard.request_id": "ID", "lanyard.outcome": "failed", "error.type": "temporarily_unavailable",
	}
	if diff := cmp.Diff(want, got); diff != "" || span.Name() != "GET /invite/:code" || span.Status().Description != "temporarily_unavailable" {
		t.Errorf("%s, %v\n%s", span.Name(), span.Status(), diff)
	}
}

// TestTracingThatIsOffCostsNothing: no allocation at the beginning and at the end of a request.
func TestTracingThatIsOffCostsNothing(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	f := Finished{Route: "/", Method: "GET", Status: 200}
	if n := testing.AllocsPerRun(100, func() {
		ctx := Tracing{}.Begin(r)
		_ = traceID(ctx)
		f.endSpan(ctx)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

var documentedMember = regexp.MustCompile("(?m)^\\| (`[^|]*) \\|")

// TestMembersOfTheLogAreThoseOfTheDocumentation, both ways.
func TestMembersOfTheLogAreThoseOfTheDocumentation(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(testkit.Root(), "docs", "monitoring.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Log\n")
	section, _, _ = strings.Cut(section, "\n## ")
	documented := []string{}
	for _, found := range documentedMember.FindAllStringSubmatch(section, -1) {
		for name := range strings.SplitSeq(found[1], ",") {
			documented = append(documented, strings.Trim(strings.TrimSpace(name), "`"))
		}
	}
	provider, _ := recorded(t)
	ctx := WithRequestID(Tracing{Tracer: provider.Tracer("test")}.Begin(httptest.NewRequest("GET", "/", nil)), "ID")
	written := []string{"time", "level", "msg"}
	for _, a := range (Finished{Status: 500, Client: "c", Code: "e", Cause: lanyard.ErrUnavailable, Took: time.Second}).attributes(ctx) {
		written = append(written, a.Key)
	}
	slices.Sort(documented)
	slices.Sort(written)
	if diff := cmp.Diff(documented, written); diff != "" {
		t.Errorf("docs/monitoring.md and the log differ (-documented +written):\n%s", diff)
	}
}

func TestOutcomes(t *testing.T) {
	for _, c := range []struct {
		f    Finished
		want Outcome
	}{
		{Finished{Status: 200}, OutcomeOK},
		{Finished{Status: 303}, OutcomeOK},
		{Finished{Status: 303, Code: "access_denied"}, OutcomeRefused},
		{Finished{Status: 200, Code: "wrong_credentials"}, OutcomeRefused},
		{Finished{Status: 404}, OutcomeRefused},
		{Finished{Status: 303, Code: "server_error", Cause: os.ErrClosed}, OutcomeFailed},
		{Finished{Status: 503}, OutcomeFailed},
		{Finished{Status: StatusGone, Code: "server_error", Cause: context.Canceled}, OutcomeGone},
	} {
		if got := c.f.Outcome(); got != c.want {
			t.Errorf("%+v: %s, want %s", c.f, got, c.want)
		}
	}
}
