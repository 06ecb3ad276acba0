package web

import (
	"context"
	"crypto/rand"
)

// crockford is an alphabet that people can read to each other: no I, L, O, U.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// RequestIDHeader carries the request id of every answer.
const RequestIDHeader = "X-Request-Id"

type requestIDKey struct{}

// NewRequestID makes a short id such as 7F3K-29QD, 40 random bits, that a person
// can quote and the log can be searched for. It is never taken from the request.
func NewRequestID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	out := make([]byte, 0, len(b)+1)
	for i, v := range b {
		if i == len(b)/2 {
			out = append(out, '-')
		}
		out = append(out, crockford[int(v)%len(crockford)])
	}
	return string(out)
}

// WithRequestID puts a request id into the context. The engine keeps one that is there.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// RequestID is the id of a request; empty outside of one.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}
