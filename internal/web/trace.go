package web

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Tracing begins the span of a request. The zero value traces nothing and costs nothing.
//
// A span holds the route's pattern, the method, the status, the tenant, the request
// id and the outcome. Paths, queries, headers, bodies and addresses stay out:
// they have codes, tokens and people in them.
type Tracing struct {
	// Tracer makes spans; nil for none.
	Tracer trace.Tracer
	// Proxies are believed when they say which trace a request belongs to. From
	// anybody else it would let a stranger choose what is recorded, and under which id.
	Proxies Proxies
}

// Begin opens the span of a request and gives the context that has it.
// [Finished.Record] ends it.
func (t Tracing) Begin(r *http.Request) context.Context {
	ctx := r.Context()
	if t.Tracer == nil {
		return ctx
	}
	if peer, known := parseHop(r.RemoteAddr); known && t.Proxies.trusts(peer) {
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header))
	}
	ctx, _ = t.Tracer.Start(ctx, "request", trace.WithSpanKind(trace.SpanKindServer))
	return ctx
}

// traceID is the id of the trace of a request; empty without one.
func traceID(ctx context.Context) string {
	at := trace.SpanContextFromContext(ctx)
	if !at.IsValid() {
		return ""
	}
	return at.TraceID().String()
}

// endSpan writes into the span what is known of the request now that it was answered.
func (f Finished) endSpan(ctx context.Context) {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	span.SetName(f.Method + " " + f.Route)
	span.SetAttributes(
		attribute.String("http.request.method", f.Method),
		attribute.String("http.route", f.Route),
		attribute.Int("http.response.status_code", f.Status),
		attribute.String("lanyard.tenant", SiteOf(ctx).Slug),
		attribute.String("lanyard.request_id", RequestID(ctx)),
		attribute.String("lanyard.outcome", string(f.Outcome())),
	)
	if f.Code != "" {
		span.SetAttributes(attribute.String("error.type", f.Code))
	}
	if f.Outcome() == OutcomeFailed {
		span.SetStatus(codes.Error, f.Code) // the cause stays in the log
	}
	span.End()
}
