package federation

import (
	"context"
	"sync"
	"time"
)

const (
	// freshFor is how long a document is believed without asking again.
	freshFor = 10 * time.Minute
	// staleFor is how long it is used while the upstream gives no other.
	staleFor = 24 * time.Hour
	// retryAfter is how long an upstream that failed is left alone.
	retryAfter = 15 * time.Second
	// forceAfter is how often at most a key that is not there makes us look for it.
	forceAfter = time.Minute
)

// cached is one document of an upstream. One caller at a time fetches it; the others
// take what there is meanwhile, and wait only if there is nothing.
type cached[T any] struct {
	turn chan struct{} // held while fetching

	mu      sync.Mutex
	value   T
	at      time.Time // of the last success; zero without a value
	failed  time.Time // of the last failure; zero after a success
	failure error
	forced  time.Time // of the last fetch that was forced
}

// sight is what a document is good for at one moment.
type sight[T any] struct {
	value T
	err   error
	// settled says that value or err is the answer and nothing is to be fetched;
	// usable that the value can be taken if there is no newer one.
	settled, usable bool
}

func newCached[T any]() *cached[T] { return &cached[T]{turn: make(chan struct{}, 1)} }

func (c *cached[T]) look(now time.Time) sight[T] {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := sight[T]{value: c.value, usable: !c.at.IsZero() && now.Sub(c.at) < staleFor}
	switch {
	case s.usable && now.Sub(c.at) < freshFor:
		s.settled = true
	case !c.failed.IsZero() && now.Sub(c.failed) < retryAfter:
		s.settled = true
		if !s.usable {
			s.err = c.failure
		}
	}
	return s
}

// get gives the document, from load if it is due.
func (c *cached[T]) get(ctx context.Context, now func() time.Time, load func(context.Context) (T, error)) (T, error) {
	s := c.look(now())
	if s.settled {
		return s.value, s.err
	}
	if !c.take(ctx, !s.usable) {
		return s.value, context.Cause(ctx) // nil if somebody else is fetching, while the value can be used
	}
	defer c.release()
	if s = c.look(now()); s.settled { // whoever had the turn has just fetched it
		return s.value, s.err
	}
	return c.fetch(ctx, now, load)
}

// again fetches the document although it is fresh, unless that was done less than
// forceAfter ago: then it waits for whoever may be doing it, and gives what there is.
func (c *cached[T]) again(ctx context.Context, now func() time.Time, load func(context.Context) (T, error)) (T, error) {
	force := c.mayForce(now())
	if !c.take(ctx, true) {
		var none T
		return none, context.Cause(ctx)
	}
	defer c.release()
	if force {
		return c.fetch(ctx, now, load)
	}
	s := c.look(now())
	return s.value, s.err
}

func (c *cached[T]) mayForce(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.forced.IsZero() && now.Sub(c.forced) < forceAfter {
		return false
	}
	c.forced = now
	return true
}

// fetch is called by who has the turn.
func (c *cached[T]) fetch(ctx context.Context, now func() time.Time, load func(context.Context) (T, error)) (T, error) {
	value, err := load(ctx)
	if err != nil && ctx.Err() != nil { // the caller went away: that says nothing of the upstream
		return value, context.Cause(ctx)
	}
	c.mu.Lock()
	if err == nil {
		c.value, c.at, c.failed, c.failure = value, now(), time.Time{}, nil
	} else {
		c.failed, c.failure = now(), err
	}
	c.mu.Unlock()
	s := c.look(now())
	return s.value, s.err
}

// take waits for the turn if wait is true. It is false without the turn.
func (c *cached[T]) take(ctx context.Context, wait bool) bool {
	select {
	case c.turn <- struct{}{}:
		return true
	default:
	}
	if !wait {
		return false
	}
	select {
	case c.turn <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (c *cached[T]) release() { <-c.turn }

// forget makes the next get fetch.
func (c *cached[T]) forget() {
	var none T
	c.mu.Lock()
	defer c.mu.Unlock()
	c.value, c.at, c.failed, c.failure, c.forced = none, time.Time{}, time.Time{}, nil, time.Time{}
}
