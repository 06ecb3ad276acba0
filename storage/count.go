package storage

import (
	"context"
	"sync"
)

// Statements counts and names the statements that ran under a context. It shows
// in tests what a request costs.
type Statements struct {
	// Before is called before the nth statement, from 1, with nothing held: a test dies
	// there. Nil is fine.
	Before func(n int)

	mu   sync.Mutex
	seen []string
}

type statementsKey struct{}

// CountStatements gives a context under which every statement is counted.
func CountStatements(ctx context.Context) (context.Context, *Statements) {
	s := &Statements{}
	return context.WithValue(ctx, statementsKey{}, s), s
}

// Seen lists the statements so far, without their values.
func (s *Statements) Seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.seen...)
}

func count(ctx context.Context, query string) {
	s, ok := ctx.Value(statementsKey{}).(*Statements)
	if !ok {
		return
	}
	s.mu.Lock()
	s.seen = append(s.seen, query)
	n := len(s.seen)
	s.mu.Unlock()
	if s.Before != nil {
		s.Before(n)
	}
}
