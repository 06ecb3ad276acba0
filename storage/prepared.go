package storage

import (
	"context"
	"database/sql"
	"sync"

	"github.com/uptrace/bun"
)

// maxPrepared bounds the statements that are kept prepared; our own are far fewer.
const maxPrepared = 500

// prepared keeps statements compiled on SQLite, where compiling costs more than
// running most of them. PostgreSQL goes without: bun writes the values into the
// text there, as its simple protocol wants.
type prepared struct {
	db *bun.DB

	mu    sync.Mutex
	known map[string]*sql.Stmt
	// wanted were run inside a transaction, which holds the writer's only
	// connection: they are compiled when it is over.
	wanted map[string]bool
}

func newPrepared(db *bun.DB) *prepared {
	return &prepared{db: db, known: map[string]*sql.Stmt{}, wanted: map[string]bool{}}
}

// statement gives the compiled statement; outside a transaction it is compiled if need be.
func (p *prepared) statement(ctx context.Context, query string) (*sql.Stmt, error) {
	p.mu.Lock()
	stmt, full := p.known[query], len(p.known) >= maxPrepared
	p.mu.Unlock()
	if stmt != nil || full {
		return stmt, nil
	}
	stmt, err := p.db.DB.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if first := p.known[query]; first != nil {
		_ = stmt.Close() //nolint:sqlclosecheck // the first one is kept instead
		return first, nil
	}
	p.known[query] = stmt
	return stmt, nil
}

// inside gives the compiled statement for use within a transaction, nil if it is not compiled yet.
func (p *prepared) inside(query string) *sql.Stmt {
	p.mu.Lock()
	defer p.mu.Unlock()
	stmt := p.known[query]
	if stmt == nil && len(p.wanted) < maxPrepared {
		p.wanted[query] = true
	}
	return stmt
}

// compileWanted compiles what a transaction that is over would have liked. A
// failure only means that the next one goes without, too.
func (p *prepared) compileWanted(ctx context.Context) {
	p.mu.Lock()
	wanted := p.wanted
	if len(wanted) > 0 {
		p.wanted = map[string]bool{}
	}
	p.mu.Unlock()
	for query := range wanted {
		if _, err := p.statement(ctx, query); err != nil { //nolint:sqlclosecheck // it is kept
			return
		}
	}
}

// target is where statements run: a pool or a transaction, with what is compiled for it.
type target struct {
	idb      bun.IDB
	prepared *prepared
	tx       *sql.Tx
}

// stmt gives the compiled statement for this target; nil means to run the text.
func (t target) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	switch {
	case t.prepared == nil:
		return nil, nil //nolint:nilnil // there is nothing compiled on this database
	case t.tx == nil:
		return t.prepared.statement(ctx, query)
	}
	stmt := t.prepared.inside(query)
	if stmt == nil {
		return nil, nil //nolint:nilnil // not compiled yet
	}
	return t.tx.StmtContext(ctx, stmt), nil
}

// exec runs a statement and tells how many rows it touched.
func (t target) exec(ctx context.Context, query string, args []any) (int64, error) {
	stmt, err := t.stmt(ctx, query) //nolint:sqlclosecheck // it is kept
	if err != nil {
		return 0, err
	}
	var result sql.Result
	if stmt != nil {
		result, err = stmt.ExecContext(ctx, args...)
	} else {
		result, err = t.idb.NewRaw(query, args...).Exec(ctx)
	}
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// one scans one row; none is sql.ErrNoRows.
func (t target) one(ctx context.Context, dest any, query string, args []any) error {
	return t.rows(ctx, dest, query, args, func(rows *sql.Rows) error {
		if !rows.Next() {
			if err := rows.Err(); err != nil {
				return err
			}
			return sql.ErrNoRows
		}
		return t.prepared.db.ScanRow(ctx, rows, dest)
	})
}

// all scans all rows into a slice.
func (t target) all(ctx context.Context, dest any, query string, args []any) error {
	return t.rows(ctx, dest, query, args, func(rows *sql.Rows) error { return t.prepared.db.ScanRows(ctx, rows, dest) })
}

func (t target) rows(ctx context.Context, dest any, query string, args []any, scan func(*sql.Rows) error) error {
	stmt, err := t.stmt(ctx, query) //nolint:sqlclosecheck // it is kept
	if err != nil {
		return err
	}
	if stmt == nil {
		return t.idb.NewRaw(query, args...).Scan(ctx, dest)
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	if err := scan(rows); err != nil {
		return err
	}
	// What a statement still has to do, such as the rest of a RETURNING, happens
	// before it is closed.
	for rows.Next() {
	}
	return rows.Err()
}
