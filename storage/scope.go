package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2" //nolint:depguard // jitter of a retry, nothing secret
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/lanyard-id/lanyard"
)

// Scope is the rows of one tenant, within or without a transaction. It is a
// small value that may be copied.
type Scope struct {
	runner
	tenant lanyard.TenantID
	unit   *unit
	// witness is a tenant whose events tell what is done here, whose as what this tenant is known there.
	witness lanyard.TenantID
	known   string
}

// unit is a transaction in progress. After a failure nothing more runs in it:
// SQLite may have rolled back on its own, and later statements would stand alone.
type unit struct{ failed bool }

// Tenant gives the scope of a tenant.
func (s *Store) Tenant(id lanyard.TenantID) Scope {
	return Scope{runner: s.runner(), tenant: id}
}

// Witnessed is the same rows for an administrator of another tenant: every fact is recorded
// there, too, with the name of this tenant.
func (s Scope) Witnessed(by lanyard.TenantID, as string) Scope {
	s.witness, s.known = by, as
	return s
}

// TenantID names the tenant of the scope.
func (s Scope) TenantID() lanyard.TenantID { return s.tenant }

// transactionTimeout bounds a whole transaction with its retries, and those of a statement
// of its own.
const transactionTimeout = 10 * time.Second

// serializationRetries bounds the tries of a transaction that lost against another one. Where
// many want the same row, each round has one winner: 32 at once need about a dozen.
const serializationRetries = 20

// InTx runs do in one transaction; all its statements must go through the inner
// scope. A transaction that the database aborted in favour of another one is
// tried again, so do may run more than once. Within a transaction it joins that one.
func (s Scope) InTx(ctx context.Context, do func(Scope) error) error {
	if s.unit != nil {
		return do(s)
	}
	ctx, cancel := context.WithTimeout(ctx, s.store.transaction)
	defer cancel()
	for try := 1; ; try++ {
		err := s.once(ctx, do)
		if !serializationFailure(err) || try == serializationRetries {
			return fault(err)
		}
		if !pause(ctx, try) {
			return fault(err)
		}
	}
}

func (s Scope) once(ctx context.Context, do func(Scope) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var tx bun.Tx
	err := s.store.limited(ctx, cancel, func() (err error) {
		tx, err = s.store.write.BeginTx(ctx, nil)
		return err
	})
	if err != nil {
		return fmt.Errorf("beginning a transaction: %w", fault(err))
	}
	inner := s
	inner.unit = &unit{}
	on := target{idb: tx, prepared: s.store.writePrepared, tx: tx.Tx}
	inner.runner = runner{store: s.store, read: on, write: on, unit: inner.unit}
	if err := do(inner); err != nil {
		_ = tx.Rollback()
		return err
	}
	if inner.unit.failed {
		_ = tx.Rollback()
		return fault(errUnitFailed)
	}
	span := s.store.traced(ctx, "COMMIT")
	err = fault(s.store.limited(ctx, cancel, tx.Commit))
	endTraced(span, err)
	if err != nil {
		return fmt.Errorf("committing: %w", err)
	}
	if on.prepared != nil {
		on.prepared.compileWanted(ctx)
	}
	return nil
}

// limited gives the beginning or the end of a transaction the time of one
// statement. Both run under the context of the whole, so that is what ends.
func (s *Store) limited(ctx context.Context, cancel func(), do func() error) error {
	timer, stop := context.WithTimeout(ctx, s.statement)
	defer stop() // after the hook is gone
	unhook := context.AfterFunc(timer, func() {
		cancel()
		if errors.Is(timer.Err(), context.DeadlineExceeded) { // and not because the caller is gone
			s.mistrust()
		}
	})
	defer unhook()
	return do()
}

// maxPause is the longest wait before a retry.
const maxPause = 160 * time.Millisecond

// pause waits a moment before a retry, up to twice as long each time; false if the caller is gone.
func pause(ctx context.Context, try int) bool {
	longest := min(5*time.Millisecond<<min(try, 6), maxPause)
	wait := time.Millisecond + time.Duration(rand.Int64N(int64(longest)))
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	<-ctx.Done()
	return errors.Is(context.Cause(ctx), context.DeadlineExceeded)
}

var errUnitFailed = errors.New("a statement of this transaction failed before")

// runner runs statements: reads on one pool or transaction, writes on another.
type runner struct {
	store *Store
	read  target
	write target
	unit  *unit
}

func (s *Store) runner() runner {
	return runner{store: s, read: target{idb: s.read, prepared: s.readPrepared}, write: target{idb: s.write, prepared: s.writePrepared}}
}

// find scans one row; no row is lanyard.ErrNotFound.
func (r runner) find(ctx context.Context, dest any, query string, args ...any) error {
	return r.run(ctx, query, args, func(ctx context.Context) error { return r.read.one(ctx, dest, query, args) })
}

// list scans all rows into a slice.
func (r runner) list(ctx context.Context, dest any, query string, args ...any) error {
	err := r.run(ctx, query, args, func(ctx context.Context) error { return r.read.all(ctx, dest, query, args) })
	if errors.Is(err, lanyard.ErrNotFound) {
		return nil
	}
	return err
}

// change runs a statement and tells how many rows it touched.
func (r runner) change(ctx context.Context, query string, args ...any) (int64, error) {
	var affected int64
	err := r.run(ctx, query, args, func(ctx context.Context) (err error) {
		affected, err = r.write.exec(ctx, query, args)
		return err
	})
	return affected, err
}

// must runs a statement that has to touch a row; none is lanyard.ErrConflict.
func (r runner) must(ctx context.Context, query string, args ...any) error {
	n, err := r.change(ctx, query, args...)
	if err == nil && n == 0 {
		return lanyard.ErrConflict
	}
	return err
}

// changeReturning runs a writing statement and scans what it returns; no row is lanyard.ErrNotFound.
func (r runner) changeReturning(ctx context.Context, dest any, query string, args ...any) error {
	return r.run(ctx, query, args, func(ctx context.Context) error { return r.write.one(ctx, dest, query, args) })
}

// run is the one place every statement passes: it refuses text that SQL can not
// carry, bounds the time, counts, traces, tries again what lost against another transaction,
// and translates the failure.
func (r runner) run(ctx context.Context, query string, args []any, do func(context.Context) error) error {
	if err := checkText(args); err != nil {
		return err
	}
	if r.unit != nil && r.unit.failed {
		return fault(errUnitFailed)
	}
	for try := 1; ; try++ {
		err := r.once(ctx, query, do)
		// A statement of its own is a transaction of its own; one of a unit ends with it.
		if r.unit != nil || !serializationFailure(err) || try == serializationRetries {
			return fault(err)
		}
		if try == 1 { // nearly no statement needs a second one
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, r.store.transaction)
			defer cancel()
		}
		if !pause(ctx, try) {
			return fault(err)
		}
	}
}

// once counts, traces and runs a statement one time.
func (r runner) once(ctx context.Context, query string, do func(context.Context) error) error {
	count(ctx, query)
	span := r.store.traced(ctx, query)
	err := r.bounded(ctx, do)
	endTraced(span, fault(err))
	return err
}

// bounded gives a statement its time. No row is lanyard.ErrNotFound.
func (r runner) bounded(ctx context.Context, do func(context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, r.store.statement)
	defer cancel()
	err := do(limited)
	if errors.Is(err, sql.ErrNoRows) {
		return lanyard.ErrNotFound
	}
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		r.store.mistrust()
	}
	if err != nil && r.unit != nil {
		r.unit.failed = true
	}
	return err
}

// checkText refuses a NUL or invalid UTF-8: bun would write broken SQL or another text.
func checkText(args []any) error {
	for _, arg := range args {
		text, isText := arg.(string)
		if isText && (strings.ContainsRune(text, 0) || !utf8.ValidString(text)) {
			return lanyard.ErrBadInput.Saying("the text has characters that can not be stored")
		}
	}
	return nil
}
