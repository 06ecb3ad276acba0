package testkit

import (
	"fmt"
	"runtime"
	"testing"
)

// recorder is a test whose end is observed.
type recorder struct {
	testing.TB
	outcome, reason string
}

func (r *recorder) Helper() {}

func (r *recorder) Skipf(format string, args ...any) { r.end("skipped", format, args) }

func (r *recorder) Fatalf(format string, args ...any) { r.end("failed", format, args) }

func (r *recorder) end(outcome, format string, args []any) {
	r.outcome, r.reason = outcome, fmt.Sprintf(format, args...)
	runtime.Goexit()
}
