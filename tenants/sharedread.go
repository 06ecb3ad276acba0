package tenants

import (
	"context"
	"fmt"
	"sync"

	"github.com/lanyard-id/lanyard"
)

// sharedRead lets concurrent callers share one read of a number. A caller only
// joins a read that begins after it arrived, so what it gets is never older than
// itself. An outage is shared with those that arrived in the meantime as well:
// they would wait for the next one just to learn the same.
type sharedRead struct {
	mu      sync.Mutex
	next    *batch
	running bool
}

type batch struct {
	done  chan struct{}
	value int64
	err   error
}

func (s *sharedRead) get(ctx context.Context, read func(context.Context) (int64, error)) (int64, error) {
	s.mu.Lock()
	if s.next == nil {
		s.next = &batch{done: make(chan struct{})}
	}
	mine := s.next
	if !s.running {
		s.running = true
		go s.run(read)
	}
	s.mu.Unlock()
	select {
	case <-mine.done:
		return mine.value, mine.err
	case <-ctx.Done():
		return 0, fmt.Errorf("%w: %w", lanyard.ErrUnavailable, ctx.Err())
	}
}

// run reads for one batch after the other until nobody waits. It belongs to no
// single caller, so it has a context of its own; storage bounds each read.
func (s *sharedRead) run(read func(context.Context) (int64, error)) {
	for {
		s.mu.Lock()
		b := s.next
		s.next = nil
		if b == nil {
			s.running = false
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		b.value, b.err = read(context.Background())
		close(b.done)
		if lanyard.KindOf(b.err) == lanyard.Unavailable {
			s.fail(b.err)
		}
	}
}

// fail answers those that wait for the next read.
func (s *sharedRead) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == nil {
		return
	}
	s.next.err = err
	close(s.next.done)
	s.next = nil
}
