package clock_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/internal/clock"
)

var start = time.Date(2031, 3, 4, 5, 6, 7, 123456789, time.FixedZone("far", 3*3600))

func TestTimesAreUTCAndWholeMicroseconds(t *testing.T) {
	for name, now := range map[string]time.Time{
		"real":   clock.Real().Now(),
		"manual": clock.NewManual(start).Now(),
		"normal": clock.Normal(start),
	} {
		if now.Location() != time.UTC {
			t.Errorf("%s: location is %v", name, now.Location())
		}
		if now.Nanosecond()%1000 != 0 {
			t.Errorf("%s: %v has nanoseconds", name, now)
		}
		if !reflect.DeepEqual(now, now.Round(0)) { // Equal would not see it
			t.Errorf("%s: the time carries a monotonic reading, so it differs from what is read back", name)
		}
	}
}

func TestRealClockWaits(t *testing.T) {
	c := clock.Real()
	before := c.Now()
	if err := c.Sleep(t.Context(), 5*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if waited := c.Now().Sub(before); waited < 4*time.Millisecond {
		t.Errorf("slept %v", waited)
	}
	ticker := c.NewTicker(time.Millisecond)
	defer ticker.Stop()
	<-ticker.C()
	ticker.Reset(time.Millisecond)
	<-ticker.C()
	timer := c.NewTimer(time.Hour)
	if !timer.Reset(time.Nanosecond) {
		t.Error("the timer was not running")
	}
	<-timer.C()
	if timer.Stop() {
		t.Error("the timer still ran after it fired")
	}
}

func TestManualClockStandsStill(t *testing.T) {
	c := clock.NewManual(start)
	first := c.Now()
	time.Sleep(time.Millisecond)
	if !c.Now().Equal(first) {
		t.Errorf("the clock moved by itself from %v to %v", first, c.Now())
	}
	c.Advance(90 * time.Second)
	if got := c.Now().Sub(first); got != 90*time.Second {
		t.Errorf("moved by %v", got)
	}
}

func TestWaitersFireInTheOrderInWhichTheyAreDue(t *testing.T) {
	c := clock.NewManual(start)
	zero := c.Now()
	late, early := c.NewTimer(3*time.Second), c.NewTimer(time.Second)
	never := c.NewTimer(time.Minute)
	c.Advance(10 * time.Second)

	if got := (<-early.C()).Sub(zero); got != time.Second {
		t.Errorf("the early timer saw %v", got)
	}
	if got := (<-late.C()).Sub(zero); got != 3*time.Second {
		t.Errorf("the late timer saw %v", got)
	}
	wantSilence(t, never)
	if c.Waiters() != 1 {
		t.Errorf("%d waiters are left", c.Waiters())
	}
}

func TestTimerFiresAtItsMomentAndNotBefore(t *testing.T) {
	c := clock.NewManual(start)
	timer := c.NewTimer(time.Second)
	c.Advance(time.Second - clock.Precision)
	wantSilence(t, timer)
	c.Advance(clock.Precision)
	<-timer.C()
	c.Advance(time.Hour)
	wantSilence(t, timer)
}

func TestTimerWithoutWaitFiresAtOnce(t *testing.T) {
	c := clock.NewManual(start)
	<-c.NewTimer(0).C()
	<-c.NewTimer(-time.Second).C()
	if c.Waiters() != 0 {
		t.Errorf("%d waiters are left", c.Waiters())
	}
}

func TestStoppedAndResetTimersForgetTheirPast(t *testing.T) {
	c := clock.NewManual(start)
	timer := c.NewTimer(time.Second)
	c.Advance(time.Second)
	if timer.Stop() {
		t.Error("a timer that fired was still running")
	}
	wantSilence(t, timer)
	if timer.Reset(time.Second) {
		t.Error("a stopped timer was running")
	}
	if !timer.Stop() {
		t.Error("a reset timer was not running")
	}
	c.Advance(time.Hour)
	wantSilence(t, timer)
}

func TestTickerTicksAtEachPeriod(t *testing.T) {
	c := clock.NewManual(start)
	zero := c.Now()
	ticker := c.NewTicker(time.Second)
	var seen []time.Duration
	for range 3 {
		c.Advance(time.Second)
		seen = append(seen, (<-ticker.C()).Sub(zero))
	}
	want := []time.Duration{time.Second, 2 * time.Second, 3 * time.Second}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}

	c.Advance(time.Minute) // one tick is kept, the rest is dropped
	<-ticker.C()
	wantSilence(t, ticker)

	ticker.Reset(10 * time.Second)
	c.Advance(9 * time.Second)
	wantSilence(t, ticker)
	ticker.Stop()
	c.Advance(time.Hour)
	wantSilence(t, ticker)
}

func TestTickerWithoutPeriodPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	clock.NewManual(start).NewTicker(0)
}

func TestMovingTheClockBackFiresNothing(t *testing.T) {
	c := clock.NewManual(start)
	timer := c.NewTimer(time.Second)
	c.Set(start.Add(-time.Hour))
	wantSilence(t, timer)
	if !c.Now().Equal(clock.Normal(start.Add(-time.Hour))) {
		t.Errorf("the clock shows %v", c.Now())
	}
	c.Set(start.Add(time.Second))
	<-timer.C()
}

func TestSleepEndsWithTheClockOrTheContext(t *testing.T) {
	c := clock.NewManual(start)
	woke := make(chan error)
	go func() { woke <- c.Sleep(context.Background(), time.Hour) }()
	if err := c.AwaitWaiters(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	c.Advance(time.Hour)
	if err := <-woke; err != nil {
		t.Error(err)
	}

	cause := errors.New("the caller went away")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if err := c.Sleep(ctx, time.Hour); !errors.Is(err, cause) {
		t.Errorf("got %v, want the cause", err)
	}
	if c.Waiters() != 0 {
		t.Error("the sleeper that gave up still waits")
	}
	if err := c.AwaitWaiters(ctx, 1); !errors.Is(err, cause) {
		t.Errorf("got %v, want the cause", err)
	}
}

// wantSilence fails the test when something is waiting to be received.
func wantSilence(t *testing.T, w interface{ C() <-chan time.Time }) {
	t.Helper()
	select {
	case at := <-w.C():
		t.Errorf("fired at %v", at)
	default:
	}
}
