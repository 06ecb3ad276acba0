package fetch

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// tracerName is the instrumentation scope of the spans of outbound requests.
const tracerName = "github.com/lanyard-id/lanyard/internal/fetch"

// traced begins the span of an outbound request below that of the request or job it
// belongs to; nil where nothing is recorded. It names the peer and the method, never
// path, query or headers. The peer gets no traceparent: which trace it is tells
// strangers what belongs together here.
func traced(ctx context.Context, target *url.URL, method string) trace.Span {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return nil
	}
	method = cmp.Or(method, http.MethodGet)
	_, span := parent.TracerProvider().Tracer(tracerName).Start(ctx, method, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("http.request.method", method),
		attribute.String("server.address", target.Hostname()), attribute.String("server.port", cmp.Or(target.Port(), "443"))))
	return span
}

// endTraced ends the span of an outbound request; nil is fine.
func endTraced(span trace.Span, answer Response, err error) {
	if span == nil {
		return
	}
	if err == nil {
		span.SetAttributes(attribute.Int("http.response.status_code", answer.Status))
	} else {
		span.SetStatus(codes.Error, reasonOf(err))
	}
	span.End()
}

func reasonOf(err error) string {
	switch {
	case errors.Is(err, ErrRefused):
		return "refused"
	case errors.Is(err, ErrUnavailable):
		return "unavailable"
	}
	return "gone"
}
