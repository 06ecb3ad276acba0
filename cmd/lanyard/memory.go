package main

import (
	"context"
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"time"

	"github.com/lanyard-id/lanyard/internal/clock"
)

// How much garbage a busy server gathers before it collects, in percent of what it holds.
// That is little, 13 MB, so the runtime's usual 100 collects too often: 200 gives a tenth
// more requests per second for 20 MB. It begins when the start is over, whose garbage
// would stay in pieces. GOGC in the environment wins.
const (
	gcPercent    = 200
	envGCPercent = "GOGC"
)

// When an idle server gives memory back.
const (
	// memoryFirst is how long after the start: the jobs that run at once are over by then.
	memoryFirst = 5 * time.Second
	memoryEvery = 30 * time.Second
	// memoryIdle is what may have been allocated since the last look, in bytes, for the
	// server to count as idle. A few hundred requests allocate more.
	memoryIdle = 16 << 20
)

// keepSmall gives back to the system what an idle server does not need, until ctx ends:
// the heap that starting or a busy hour left behind, the pages of the program that only
// starting needed, what shrink shrinks, and what forget forgets. A busy server keeps what it
// has. After the first time the collector gets the percentage; 0 leaves it as it is.
func keepSmall(ctx context.Context, c clock.Clock, forget func(ctx context.Context, now time.Time), shrink func(context.Context), gcPercent int) {
	before := uint64(0) // the start counts as idle, whatever it allocated
	timer := c.NewTimer(memoryFirst)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C():
		}
		forget(ctx, c.Now())
		if now := allocated(); before == 0 || now-before < memoryIdle {
			shrink(ctx)
			debug.FreeOSMemory()
			dropProgramPages()
		}
		if before == 0 && gcPercent > 0 {
			debug.SetGCPercent(gcPercent)
		}
		before = allocated()
		timer.Reset(memoryEvery)
	}
}

// allocated is how much has been allocated since the start, in bytes.
func allocated() uint64 {
	sample := []runtimemetrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	runtimemetrics.Read(sample)
	return sample[0].Value.Uint64()
}
