package tenants

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
)

// gate is a read that a test lets through.
type gate struct {
	entered chan struct{}
	leave   chan error
}

func newGate() gate { return gate{entered: make(chan struct{}), leave: make(chan error)} }

func (g gate) read(context.Context) (int64, error) {
	g.entered <- struct{}{}
	return 7, <-g.leave
}

// waits tells whether somebody waits for a read that has not begun.
func (s *sharedRead) waits() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.next != nil
}

func TestReadIsNeverOlderThanItsCaller(t *testing.T) {
	var s sharedRead
	g := newGate()
	var group sync.WaitGroup
	ask := func() {
		group.Go(func() {
			if n, err := s.get(t.Context(), g.read); n != 7 || err != nil {
				t.Errorf("got %d, %v", n, err)
			}
		})
	}
	ask()
	<-g.entered
	ask() // while the first read runs
	for !s.waits() {
		time.Sleep(time.Millisecond)
	}
	g.leave <- nil
	select {
	case <-g.entered:
	case <-time.After(10 * time.Second):
		t.Fatal("the second caller got the answer of a read that had begun before it came")
	}
	g.leave <- nil
	group.Wait()
}

func TestOutageIsSharedWithThoseThatWait(t *testing.T) {
	var s sharedRead
	g := newGate()
	var group sync.WaitGroup
	ask := func() {
		group.Go(func() {
			if _, err := s.get(t.Context(), g.read); !errors.Is(err, lanyard.ErrUnavailable) {
				t.Errorf("got %v", err)
			}
		})
	}
	ask()
	<-g.entered
	ask()
	for !s.waits() {
		time.Sleep(time.Millisecond)
	}
	g.leave <- lanyard.ErrUnavailable
	select {
	case <-g.entered:
		g.leave <- lanyard.ErrUnavailable
		t.Error("who came during an outage waits for a second one")
	case <-time.After(50 * time.Millisecond):
	}
	group.Wait()
	ask()
	<-g.entered // the next caller reads again
	g.leave <- lanyard.ErrUnavailable
	group.Wait()
}
