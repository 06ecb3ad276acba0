package clock

import (
	"context"
	"time"
)

// Real returns the machine's clock.
func Real() Clock { return real{} }

type real struct{}

func (real) Now() time.Time { return Normal(time.Now()) }

func (real) NewTimer(d time.Duration) Timer { return realTimer{time.NewTimer(d)} }

func (real) NewTicker(d time.Duration) Ticker { return realTicker{time.NewTicker(d)} }

func (r real) Sleep(ctx context.Context, d time.Duration) error { return sleep(ctx, r, d) }

type realTimer struct{ timer *time.Timer }

func (t realTimer) C() <-chan time.Time        { return t.timer.C }
func (t realTimer) Stop() bool                 { return t.timer.Stop() }
func (t realTimer) Reset(d time.Duration) bool { return t.timer.Reset(d) }

type realTicker struct{ ticker *time.Ticker }

func (t realTicker) C() <-chan time.Time   { return t.ticker.C }
func (t realTicker) Stop()                 { t.ticker.Stop() }
func (t realTicker) Reset(d time.Duration) { t.ticker.Reset(d) }
