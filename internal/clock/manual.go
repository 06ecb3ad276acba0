package clock

import (
	"context"
	"sync"
	"time"
)

// Manual is a clock for tests. It stands still until [Manual.Advance] or
// [Manual.Set] moves it, and fires what has become due in the order in which it
// became due, each waiter seeing its own moment as the present. It is safe for
// use by several goroutines.
type Manual struct {
	mu      sync.Mutex
	now     time.Time
	waiting map[*waiter]struct{}
	serial  uint64
	changed chan struct{} // closed and replaced whenever waiting changes
}

// NewManual returns a clock that shows start.
func NewManual(start time.Time) *Manual {
	return &Manual{
		now:     Normal(start),
		waiting: map[*waiter]struct{}{},
		changed: make(chan struct{}),
	}
}

// Now is the moment the clock was last moved to.
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// NewTimer returns a timer that fires when the clock has been moved by d.
func (m *Manual) NewTimer(d time.Duration) Timer {
	w := &waiter{clock: m, c: make(chan time.Time, 1)}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.start(w, d)
	return manualTimer{w}
}

// NewTicker returns a ticker that fires each time the clock has been moved by d.
func (m *Manual) NewTicker(d time.Duration) Ticker {
	t := manualTicker{&waiter{clock: m, c: make(chan time.Time, 1)}}
	t.Reset(d)
	return t
}

// Sleep waits until the clock has been moved by d or ctx ends.
func (m *Manual) Sleep(ctx context.Context, d time.Duration) error { return sleep(ctx, m, d) }

// Advance moves the clock forward by d. A negative d moves it back, as
// [Manual.Set] does.
func (m *Manual) Advance(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.set(m.now.Add(d))
}

// Set moves the clock to t. Moving it back fires nothing: what was due later is
// due later still, as after a correction of the machine's clock.
func (m *Manual) Set(t time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.set(t)
}

// Waiters is the number of timers, tickers and sleepers that wait on the clock.
func (m *Manual) Waiters() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.waiting)
}

// AwaitWaiters returns when at least n timers, tickers and sleepers wait on the
// clock, so that a test moves it only after the code under test has come to its
// wait. It returns early with the cause of ctx when that ends.
func (m *Manual) AwaitWaiters(ctx context.Context, n int) error {
	for {
		m.mu.Lock()
		enough, changed := len(m.waiting) >= n, m.changed
		m.mu.Unlock()
		if enough {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (m *Manual) set(t time.Time) {
	target := Normal(t)
	for {
		w := m.earliest(target)
		if w == nil {
			break
		}
		if w.due.After(m.now) {
			m.now = w.due
		}
		m.fire(w)
	}
	m.now = target
}

// earliest is the waiter that is due first and not after limit, the older one
// of two that are due together.
func (m *Manual) earliest(limit time.Time) *waiter {
	var first *waiter
	for w := range m.waiting {
		if w.due.After(limit) {
			continue
		}
		if first == nil || w.before(first) {
			first = w
		}
	}
	return first
}

func (m *Manual) fire(w *waiter) {
	select {
	case w.c <- m.now:
	default: // a slow reader misses ticks
	}
	if w.period > 0 {
		w.due = w.due.Add(w.period)
		return
	}
	m.remove(w)
}

func (m *Manual) start(w *waiter, d time.Duration) {
	m.serial++
	w.serial = m.serial
	w.due = m.now.Add(d)
	m.waiting[w] = struct{}{}
	if d <= 0 {
		m.fire(w)
		return
	}
	m.announce()
}

func (m *Manual) remove(w *waiter) bool {
	_, running := m.waiting[w]
	delete(m.waiting, w)
	m.announce()
	return running
}

func (m *Manual) announce() {
	close(m.changed)
	m.changed = make(chan struct{})
}

// waiter is one timer or, with a period, one ticker.
type waiter struct {
	clock  *Manual
	c      chan time.Time
	due    time.Time
	period time.Duration
	serial uint64
}

func (w *waiter) before(other *waiter) bool {
	if w.due.Equal(other.due) {
		return w.serial < other.serial
	}
	return w.due.Before(other.due)
}

// stop ends the wait and takes back what was sent and not received.
func (w *waiter) stop() bool {
	running := w.clock.remove(w)
	select {
	case <-w.c:
	default:
	}
	return running
}

type manualTimer struct{ w *waiter }

func (t manualTimer) C() <-chan time.Time { return t.w.c }

func (t manualTimer) Stop() bool {
	t.w.clock.mu.Lock()
	defer t.w.clock.mu.Unlock()
	return t.w.stop()
}

func (t manualTimer) Reset(d time.Duration) bool {
	t.w.clock.mu.Lock()
	defer t.w.clock.mu.Unlock()
	running := t.w.stop()
	t.w.clock.start(t.w, d)
	return running
}

type manualTicker struct{ w *waiter }

func (t manualTicker) C() <-chan time.Time { return t.w.c }

func (t manualTicker) Stop() {
	t.w.clock.mu.Lock()
	defer t.w.clock.mu.Unlock()
	t.w.stop()
}

func (t manualTicker) Reset(d time.Duration) {
	if d <= 0 {
		panic("clock: the period of a ticker is not positive")
	}
	t.w.clock.mu.Lock()
	defer t.w.clock.mu.Unlock()
	t.w.stop()
	t.w.period = d
	t.w.clock.start(t.w, d)
}
