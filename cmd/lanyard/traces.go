package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/time/rate"
)

// The standard variables that we look at ourselves; the SDK reads the others.
const (
	envTraceEndpoint   = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	envOTLPEndpoint    = "OTEL_EXPORTER_OTLP_ENDPOINT"
	envTraceProtocol   = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
	envOTLPProtocol    = "OTEL_EXPORTER_OTLP_PROTOCOL"
	envTracesExporter  = "OTEL_TRACES_EXPORTER"
	envTracingDisabled = "OTEL_SDK_DISABLED"
)

const (
	// flushIn bounds the sending of the last spans at shutdown.
	flushIn = 3 * time.Second
	// exportComplaints is how often the log says that spans do not get away.
	exportComplaints = time.Minute
)

// traces are the spans of this process on their way to the operator's collector; nil
// where none was named. What does not get away is dropped: requests never wait for it.
type traces struct {
	provider *sdktrace.TracerProvider
	log      *slog.Logger
}

// startTraces begins to send spans if the standard variables name a collector; nil if not.
// The collector is the operator's, so the guarded fetcher has no part in it.
func (p *program) startTraces(ctx context.Context, log *slog.Logger, holder string) (*traces, error) {
	wanted, err := p.tracesWanted()
	if err != nil || !wanted {
		return nil, err
	}
	complain := rate.Sometimes{First: 1, Interval: exportComplaints}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		complain.Do(func() { log.WarnContext(ctx, "spans do not get away", "error", err) })
	}))
	otel.SetLogger(logr.FromSlogHandler(log.Handler()))
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	what, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(
		attribute.String("service.name", "lanyard"), attribute.String("service.version", version), attribute.String("service.instance.id", holder),
	), resource.WithFromEnv()) // the last one wins
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(what))
	return &traces{provider: provider, log: log}, nil
}

// tracesWanted tells whether spans are to be sent, and refuses what we do not speak.
func (p *program) tracesWanted() (bool, error) {
	endpointName, endpoint := p.firstOf(envTraceEndpoint, envOTLPEndpoint)
	disabled, _ := p.getenv(envTracingDisabled)
	exporter, _ := p.getenv(envTracesExporter)
	if endpoint == "" || strings.EqualFold(disabled, "true") || exporter == "none" {
		return false, nil
	}
	if exporter != "" && exporter != "otlp" {
		return false, fmt.Errorf("%s is otlp or none", envTracesExporter)
	}
	if name, protocol := p.firstOf(envTraceProtocol, envOTLPProtocol); protocol != "" && protocol != "http/protobuf" {
		return false, fmt.Errorf("%s: only http/protobuf is spoken; the usual port of a collector for it is 4318", name)
	}
	if u, err := url.Parse(endpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return false, fmt.Errorf("%s is the URL of a collector, such as http://localhost:4318", endpointName)
	}
	return true, nil
}

// firstOf is the first of the variables that is set and not empty.
func (p *program) firstOf(names ...string) (name, value string) {
	for _, name := range names {
		if value, _ := p.getenv(name); value != "" {
			return name, value
		}
	}
	return "", ""
}

// tracer makes the spans; nil where there are none.
func (t *traces) tracer() trace.Tracer {
	if t == nil {
		return nil
	}
	return t.provider.Tracer("github.com/lanyard-id/lanyard")
}

// flush sends what is left, and ends.
func (t *traces) flush(ctx context.Context) {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, flushIn)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		t.log.WarnContext(ctx, "the last spans did not get away", "error", err)
	}
}
