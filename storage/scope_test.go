package storage

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// TestStatementAloneIsNotTriedForEver: one that loses each time, and takes its time to, has
// no longer for all its tries than a transaction has.
func TestStatementAloneIsNotTriedForEver(t *testing.T) {
	lost, broken := &pgconn.PgError{Code: "40001"}, errors.New("broken")
	tries := 0
	run := func(limit time.Duration, do func() error) error {
		tries = 0
		r := runner{store: &Store{statement: time.Minute, transaction: limit}}
		return r.run(t.Context(), `SELECT 1`, nil, func(ctx context.Context) error {
			tries++
			if err := ctx.Err(); err != nil {
				return err
			}
			return do()
		})
	}
	slow := func() error { time.Sleep(100 * time.Millisecond); return lost }
	if err := run(150*time.Millisecond, slow); err == nil || tries < 2 || tries > 5 {
		t.Errorf("slow losses: %d tries, %v", tries, err)
	}
	fifth := func() error {
		if tries < 5 {
			return lost
		}
		return nil
	}
	if err := run(time.Minute, fifth); err != nil || tries != 5 {
		t.Errorf("the fifth wins: %d tries, %v", tries, err)
	}
	if err := run(time.Minute, func() error { return broken }); !errors.Is(err, broken) || tries != 1 {
		t.Errorf("another failure: %d tries, %v", tries, err)
	}
}
