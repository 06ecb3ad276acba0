package clock

import (
	"context"
	"time"
)

// Clock tells the time and waits for it.
type Clock interface {
	// Now is the present, in UTC, truncated to microseconds.
	Now() time.Time
	// NewTimer sends once on its channel after d. A d of zero or less fires at once.
	NewTimer(d time.Duration) Timer
	// NewTicker sends every d until it is stopped, and drops ticks for a slow
	// reader. It panics when d is not positive, as [time.NewTicker] does.
	NewTicker(d time.Duration) Ticker
	// Sleep waits for d. It returns early with the cause of ctx when that ends.
	Sleep(ctx context.Context, d time.Duration) error
}

// Timer is one wait that can be given up. After Stop or Reset has returned, no
// value from before the call is received, as with [time.Timer] since Go 1.23.
type Timer interface {
	// C is where the moment of firing is sent.
	C() <-chan time.Time
	// Stop ends the wait and reports whether it was still running.
	Stop() bool
	// Reset starts the wait again and reports whether it was still running.
	Reset(d time.Duration) bool
}

// Ticker is a repeated wait.
type Ticker interface {
	// C is where the moments of the ticks are sent.
	C() <-chan time.Time
	// Stop ends the ticks; the channel is not closed.
	Stop()
	// Reset starts again with a new period, counted from now.
	Reset(d time.Duration)
}

// Precision is the smallest step a [Clock] shows: what both databases keep.
const Precision = time.Microsecond

// Normal returns t as a [Clock] would have shown it. It is for times that come
// from elsewhere: a token, a file, a database driver.
func Normal(t time.Time) time.Time {
	return t.UTC().Truncate(Precision)
}

// sleep is Sleep for every clock.
func sleep(ctx context.Context, c Clock, d time.Duration) error {
	timer := c.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C():
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
