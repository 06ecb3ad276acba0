package jobs

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/lanyard-id/lanyard/storage"
)

// begin opens the span of a run or a try: a trace of its own, with statements and
// outbound requests below. Without a tracer nothing happens. The function it returns
// ends the span; what went wrong stays in the log.
func begin(ctx context.Context, tracer trace.Tracer, name string, attributes ...attribute.KeyValue) (context.Context, func(error)) {
	if tracer == nil {
		return ctx, func(error) {}
	}
	ctx, span := tracer.Start(ctx, name, trace.WithNewRoot(), trace.WithAttributes(attributes...))
	return ctx, func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, "failed")
		}
		span.End()
	}
}

// tryAttributes say which delivery a try is of: in ids, as the log does.
func tryAttributes(due storage.DueDelivery) []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("lanyard.delivery", string(due.ID)), attribute.String("lanyard.tenant_id", string(due.TenantID)),
		attribute.String("lanyard.kind", due.Subject), attribute.Int("lanyard.try", due.Try),
	}
}
