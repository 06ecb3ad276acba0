package storage

import (
	"context"
	"errors"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/lanyard-id/lanyard"
)

// tracerName is the instrumentation scope of the spans of statements.
const tracerName = "github.com/lanyard-id/lanyard/storage"

// traced begins the span of a statement below that of the request or job it belongs
// to; nil where nothing is recorded. What runs outside of both, such as a look at an
// empty queue, has no span: it would be most of what there is to see.
//
// The span has the text with its placeholders and never a value: bun writes values
// into the text for PostgreSQL, so its own hook would have shown them.
func (s *Store) traced(ctx context.Context, query string) trace.Span {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return nil
	}
	_, span := parent.TracerProvider().Tracer(tracerName).Start(ctx, statementName(query), trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("db.system.name", s.system()), attribute.String("db.query.text", query)))
	return span
}

// endTraced ends the span of a statement; nil is fine. Nothing found is no error. The
// driver's words stay out of it: they repeat values.
func endTraced(span trace.Span, err error) {
	if span == nil {
		return
	}
	if err != nil && !errors.Is(err, lanyard.ErrNotFound) {
		kind := "error"
		if e, known := errors.AsType[*lanyard.Error](err); known {
			kind = e.Code
		}
		span.SetAttributes(attribute.String("error.type", kind))
		span.SetStatus(codes.Error, kind)
	}
	span.End()
}

func (s *Store) system() string {
	if s.IsSQLite() {
		return "sqlite"
	}
	return "postgresql"
}

// statementName is what a statement does and the table it begins with: "SELECT users".
func statementName(query string) string {
	words := strings.FieldsFunc(query, func(r rune) bool { return r == ' ' || r == '\t' || r == '\n' || r == '(' || r == ')' || r == ',' })
	if len(words) == 0 {
		return "statement"
	}
	verb := strings.ToUpper(words[0])
	if verb == "UPDATE" && len(words) > 1 {
		return verb + " " + words[1]
	}
	for i, word := range words[:len(words)-1] {
		if word == "FROM" || word == "INTO" {
			return verb + " " + words[i+1]
		}
	}
	return verb
}
