package keys

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// resealBatch is how many records are sealed again in one transaction: few enough that on
// SQLite nobody waits for it.
const resealBatch = 100

// Sealing counts the records of a column that are sealed under one master key.
type Sealing struct {
	// Column is table.column.
	Column string `json:"column"`
	// Key is the id of the master key, in hex; that of a record that is none of ours is cut short.
	Key      string      `json:"key"`
	Standing KeyStanding `json:"standing"`
	Records  int64       `json:"records"`
}

// KeyStanding is what this process can do with what is sealed under a master key.
type KeyStanding string

// The standings. What is current was sealed under the first key that was given, what is
// older under another one of them, and what is unknown under none.
const (
	KeyCurrent KeyStanding = "current"
	KeyOlder   KeyStanding = "older"
	KeyUnknown KeyStanding = "unknown"
)

// ID is the id of the key that seals, in hex, as records name it.
func (m *Master) ID() string { return hex.EncodeToString(m.current.id[:]) }

// IDs are the ids of all keys, the current one first.
func (m *Master) IDs() []string {
	out := []string{m.ID()}
	for id := range m.byID {
		if id != m.current.id {
			out = append(out, hex.EncodeToString(id[:]))
		}
	}
	slices.Sort(out[1:])
	return out
}

// head is how every record begins that the current key sealed.
func (m *Master) head() []byte { return append([]byte{sealVersion}, m.current.id[:]...) }

// standing tells what a record is whose first bytes are given.
func (m *Master) standing(head []byte) (id string, standing KeyStanding) {
	if len(head) > 0 {
		id = hex.EncodeToString(head[1:])
	}
	switch {
	case len(head) != sealHeader || head[0] != sealVersion:
		return id, KeyUnknown
	case bytes.Equal(head, m.head()):
		return id, KeyCurrent
	case m.byID[[masterIDSize]byte(head[1:])] != nil:
		return id, KeyOlder
	}
	return id, KeyUnknown
}

// Resealer seals what older master keys sealed under the current one.
type Resealer struct {
	Store  *storage.Store
	Master *Master
	// Now is the moment of a record in the audit log.
	Now func() time.Time
	// Progress is told after each batch how many records are done; nil is fine.
	Progress func(tenant lanyard.Tenant, column string, records int)
}

// Census counts all sealed records by column and master key.
func (r *Resealer) Census(ctx context.Context) ([]Sealing, error) {
	all, err := r.Store.Tenants(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the tenants: %w", err)
	}
	counts := map[Sealing]int64{}
	for _, t := range all {
		for _, column := range storage.SealedColumns() {
			found, err := r.Store.Tenant(t.ID).CountSealed(ctx, column, sealHeader)
			if err != nil {
				return nil, fmt.Errorf("count the sealed values in %s: %w", column, err)
			}
			for _, f := range found {
				id, standing := r.Master.standing(f.Head)
				counts[Sealing{Column: column, Key: id, Standing: standing}] += f.Records
			}
		}
	}
	var out []Sealing
	for s, n := range counts {
		s.Records = n
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Sealing) int {
		return cmp.Or(cmp.Compare(a.Column, b.Column), cmp.Compare(a.Standing, b.Standing), cmp.Compare(a.Key, b.Key))
	})
	return out, nil
}

// Resealed is what Reseal came to.
type Resealed struct {
	// Records were sealed again. Changed by somebody else meanwhile are not counted.
	Records int
	// Stuck do not open: they are sealed under a key that was not given, or broken.
	Stuck []Stuck
}

// Stuck is a record that could not be sealed again.
type Stuck struct {
	Place lanyard.Place
	Cause error
}

// Reseal seals every record again that is not under the current key: in batches, each one
// short transaction with its line in the audit log, each record only if nobody changed it
// meanwhile. It may be ended at any moment and started again, and run twice at once. It
// goes on after a record that does not open, and names it. Signing keys come after
// everything else of all tenants, so that a server which finds them under its own keys
// knows that the rest is.
func (r *Resealer) Reseal(ctx context.Context) (Resealed, error) {
	all, err := r.Store.Tenants(ctx)
	if err != nil {
		return Resealed{}, fmt.Errorf("list the tenants: %w", err)
	}
	var out Resealed
	columns := storage.SealedColumns()
	last := columns[len(columns)-1]
	for _, some := range [][]string{columns[:len(columns)-1], {last}} {
		for _, t := range all {
			for _, column := range some {
				if err := r.column(ctx, t, column, &out); err != nil {
					return out, fmt.Errorf("seal %s of tenant %s again: %w", column, t.Slug, err)
				}
			}
		}
	}
	return out, nil
}

// column seals the records of one column of one tenant again.
func (r *Resealer) column(ctx context.Context, t lanyard.Tenant, column string, out *Resealed) error {
	scope := r.Store.Tenant(t.ID)
	var after []string
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		rows, err := scope.SealedUnderOthers(ctx, column, r.Master.head(), after, resealBatch)
		if err != nil || len(rows) == 0 {
			return err
		}
		after = rows[len(rows)-1].Keys
		fresh, stuck, err := r.sealAgain(rows)
		if err != nil {
			return err
		}
		out.Stuck = append(out.Stuck, stuck...)
		n, err := r.store(ctx, scope, column, rows, fresh)
		if err != nil {
			return err
		}
		out.Records += n
		if r.Progress != nil {
			r.Progress(t, column, out.Records)
		}
	}
}

// sealAgain opens records and seals them under the current key; one that does not open stays nil.
func (r *Resealer) sealAgain(rows []storage.SealedRow) ([][]byte, []Stuck, error) {
	fresh := make([][]byte, len(rows))
	var stuck []Stuck
	for at, row := range rows {
		plain, err := r.Master.Open(row.Place, row.Sealed)
		if err != nil {
			stuck = append(stuck, Stuck{row.Place, err})
			continue
		}
		if fresh[at], err = r.Master.Seal(row.Place, plain); err != nil {
			return nil, nil, err
		}
	}
	return fresh, stuck, nil
}

// store replaces the records of a batch, where nobody was faster, and tells how many.
func (r *Resealer) store(ctx context.Context, scope storage.Scope, column string, rows []storage.SealedRow, fresh [][]byte) (int, error) {
	done := 0
	err := scope.InTx(ctx, func(tx storage.Scope) error {
		done = 0
		for at, row := range rows {
			if fresh[at] == nil {
				continue
			}
			changed, err := tx.Reseal(ctx, column, row, fresh[at])
			if err != nil {
				return err
			}
			if changed {
				done++
			}
		}
		if done == 0 {
			return nil
		}
		return tx.InsertEvent(ctx, lanyard.Event{
			ID: lanyard.NewEventID(), TenantID: scope.TenantID(), Type: lanyard.EventTenantResealed, At: r.Now(), Actor: actorSystem,
			Detail: map[string]string{"column": column, "records": strconv.Itoa(done), "master_key": r.Master.ID()},
		})
	})
	return done, err
}

// Known is ErrWrongMasterKey unless the signing keys of all tenants are sealed under keys
// that this process has. Reseal does them last: who drops an old key too early is told at
// the start, and not by the first person whose second factor does not open.
func (m *Master) Known(ctx context.Context, store *storage.Store) error {
	counts, err := store.SigningKeysUnder(ctx, sealHeader)
	if err != nil {
		return fmt.Errorf("look at the signing keys: %w", err)
	}
	for _, c := range counts {
		if id, standing := m.standing(c.Head); standing == KeyUnknown {
			return errors.Join(ErrWrongMasterKey, fmt.Errorf("%d signing keys are under the master key %s, and keys.master_key has %s", c.Records, id, m.ID()))
		}
	}
	return nil
}
