package accounts

import (
	"context"
	"fmt"
	"sync"

	"github.com/lanyard-id/lanyard"
)

// queues let the tries of one account pass a few at a time. Tries are counted
// before they are verified, so many right ones at once would look like a storm of
// wrong ones; one after the other, each clears the count of those before it.
type queues struct {
	mu     sync.Mutex
	places map[string]*places
}

// places is the queue of one account: who is inside, and who holds on to it.
type places struct {
	inside chan struct{}
	users  int
}

const (
	// atOnce is how many tries of one account a process verifies at once.
	atOnce = 2
	// longestQueue bounds the tries of one account that wait.
	longestQueue = 100
)

// enter waits for a place; the caller leaves it when the try is verified. Too long
// a queue is lanyard.ErrUnavailable.
func (q *queues) enter(ctx context.Context, key string) (leave func(), err error) {
	p, err := q.join(key)
	if err != nil {
		return nil, err
	}
	select {
	case p.inside <- struct{}{}:
		return func() { <-p.inside; q.quit(key, p) }, nil
	case <-ctx.Done():
		q.quit(key, p)
		return nil, fmt.Errorf("%w: waiting behind other tries: %w", lanyard.ErrUnavailable, ctx.Err())
	}
}

func (q *queues) join(key string) (*places, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	p := q.places[key]
	if p == nil {
		p = &places{inside: make(chan struct{}, atOnce)}
		if q.places == nil {
			q.places = map[string]*places{}
		}
		q.places[key] = p
	}
	if p.users >= longestQueue {
		return nil, lanyard.ErrUnavailable
	}
	p.users++
	return p, nil
}

func (q *queues) quit(key string, p *places) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if p.users--; p.users == 0 {
		delete(q.places, key)
	}
}
