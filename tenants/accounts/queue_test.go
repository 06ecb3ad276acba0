package accounts

import (
	"context"
	"errors"
	"testing"

	"github.com/lanyard-id/lanyard"
)

func TestQueueOfAnAccountIsBounded(t *testing.T) {
	var q queues
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	var leave []func()
	for range atOnce {
		out, err := q.enter(t.Context(), "ada")
		ok(t, err)
		leave = append(leave, out)
	}
	if _, err := q.enter(gone, "ada"); !errors.Is(err, lanyard.ErrUnavailable) {
		t.Errorf("a caller that is gone: %v", err)
	}
	other, err := q.enter(t.Context(), "bob")
	if err != nil {
		t.Errorf("another account: %v", err)
	}
	other()
	for range longestQueue - atOnce {
		_, err := q.join("ada")
		ok(t, err)
	}
	if _, err := q.enter(t.Context(), "ada"); !errors.Is(err, lanyard.ErrUnavailable) {
		t.Errorf("beyond the queue: %v", err)
	}
	p := q.places["ada"]
	for range longestQueue - atOnce {
		q.quit("ada", p)
	}
	for _, out := range leave {
		out()
	}
	if len(q.places) != 0 {
		t.Errorf("%d queues are kept for nobody", len(q.places))
	}
}

// TestKeysOfAttemptsDiffer: what one person types never counts for another, and is not stored.
func TestKeysOfAttemptsDiffer(t *testing.T) {
	seen := map[string][]string{}
	for _, parts := range [][]string{{"ab", "c"}, {"a", "bc"}, {"abc"}, {"abc", ""}, {"", "abc"}, {"A", "bc"}} {
		key := attemptKey("known", parts...)
		if other, found := seen[key]; found {
			t.Errorf("%q and %q are counted together", parts, other)
		}
		seen[key] = parts
	}
	if attemptKey("known", "abc") == attemptKey("password", "abc") {
		t.Error("two kinds are counted together")
	}
}
