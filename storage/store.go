package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"github.com/uptrace/bun/schema"
	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"github.com/lanyard-id/lanyard"
)

// Config says which database to use and how.
type Config struct {
	// URL is "sqlite:PATH" or a postgres:// connection string.
	URL string
	// Ephemeral gives up durability (SQLite only), for databases that are thrown away.
	Ephemeral bool
	// Exclusive refuses a second process with an Exclusive store on the same SQLite file.
	Exclusive bool
	// Existing refuses a SQLite file that is not there, where it would be made otherwise: for
	// commands that look at a database or copy it, which should not take a typing error for one.
	Existing bool
	// MaxConns bounds the connections to PostgreSQL; default 16.
	MaxConns int
	// Patient gives statements and transactions an hour, for commands that change much at
	// once and that nobody waits for.
	Patient bool
}

// statementTimeout bounds one statement, so that a silent database is an outage and not a queue.
const statementTimeout = 3 * time.Second

// patience is the time of a statement and of a transaction of a patient store.
const patience = time.Hour

// readerIdle is how long a connection that reads SQLite stays open unused.
const readerIdle = 20 * time.Second

// shrinkWait bounds the wait for a connection that somebody else uses.
const shrinkWait = time.Second

// connectTimeout bounds the making of a connection to PostgreSQL.
const connectTimeout = 2 * time.Second

const defaultMaxConns = 16

// Store is an open database. It may be used by any number of goroutines.
type Store struct {
	write *bun.DB
	read  *bun.DB
	// Statements kept compiled; nil on PostgreSQL.
	writePrepared *prepared
	readPrepared  *prepared
	lock          *os.File
	// path is that of the SQLite file.
	path string
	// statement and transaction are how long one may take.
	statement, transaction time.Duration
	// idle is how many connections to PostgreSQL are kept open.
	idle int
}

// Open opens the database without touching its schema.
func Open(ctx context.Context, c Config) (*Store, error) {
	open := openPostgres
	if strings.HasPrefix(c.URL, "sqlite:") {
		open = openSQLite
	}
	s, err := open(ctx, c)
	if err != nil {
		return nil, err
	}
	s.statement, s.transaction = statementTimeout, transactionTimeout
	if c.Patient {
		s.statement, s.transaction = patience, patience
	}
	return s, nil
}

// Close closes all connections and gives up the lock on a SQLite file.
func (s *Store) Close() error {
	err := s.write.Close()
	if s.read != s.write {
		if rerr := s.read.Close(); err == nil {
			err = rerr
		}
	}
	if s.lock != nil {
		_ = s.lock.Close()
	}
	return err
}

// IsSQLite tells whether the store is a SQLite file.
func (s *Store) IsSQLite() bool { return s.read != s.write }

// Shrink gives back what the connections to SQLite keep in memory and can read again. It is
// for when nobody waits; a connection that is busy keeps what it has.
func (s *Store) Shrink(ctx context.Context) {
	if !s.IsSQLite() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, shrinkWait)
	defer cancel()
	for _, pool := range []*bun.DB{s.write, s.read} {
		_, _ = pool.ExecContext(ctx, `PRAGMA shrink_memory`) // a failure costs memory only
	}
}

// PoolStats gives the state of the connection pool that serves reads.
func (s *Store) PoolStats() sql.DBStats { return s.read.Stats() }

func openPostgres(_ context.Context, c Config) (*Store, error) {
	config, err := pgx.ParseConfig(c.URL)
	if err != nil {
		return nil, fmt.Errorf("parsing the database URL: %w", withoutURL(err))
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	config.ConnectTimeout = connectTimeout
	if config.ValidateConnect == nil {
		// A standby, or a server that was made read-only, is not an answer.
		config.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	pool := stdlib.OpenDB(*config)
	limit := c.MaxConns
	if limit == 0 {
		limit = defaultMaxConns
	}
	pool.SetMaxOpenConns(limit)
	pool.SetMaxIdleConns(limit)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	db := bun.NewDB(pool, pgdialect.New(), bun.WithDiscardUnknownColumns())
	return &Store{write: db, read: db, idle: limit}, nil
}

// mistrust closes the connections to PostgreSQL that nobody uses. When one of them
// fell silent the others may be dead as well, and each would cost somebody the
// time of a statement to find out.
func (s *Store) mistrust() {
	if s.IsSQLite() {
		return
	}
	s.write.SetMaxIdleConns(0)
	s.write.SetMaxIdleConns(s.idle)
}

func withoutURL(err error) error {
	text := err.Error()
	if _, reason, found := strings.Cut(text, "`:"); found {
		text = strings.TrimSpace(reason)
	}
	return fmt.Errorf("%s", text)
}

func openSQLite(ctx context.Context, c Config) (*Store, error) {
	path := strings.TrimPrefix(c.URL, "sqlite:")
	if path == "" {
		return nil, lanyard.ErrBadInput.Saying("the SQLite URL has no path")
	}
	if _, err := os.Stat(path); c.Existing && errors.Is(err, fs.ErrNotExist) {
		return nil, lanyard.ErrBadInput.Saying("there is no database at " + path + ", and this command makes none")
	}
	if err := onlyOurs(path); err != nil {
		return nil, err
	}
	// A link is another name of the file that it leads to, which has one lock and one journal.
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	if err := wholeFile(path); err != nil {
		return nil, err
	}
	lock, err := lockFile(path, c.Exclusive)
	if err != nil {
		return nil, err
	}
	write, err := sqlitePool(path, c, 1, "&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	// The writer creates the file and its journal mode before any reader looks.
	if err := awake(ctx, write); err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	read, err := sqlitePool(path, c, max(4, runtime.NumCPU()), "&_pragma=query_only(1)")
	if err != nil {
		return nil, err
	}
	// Each connection has a page cache and the schema; an idle server needs few of them.
	read.SetConnMaxIdleTime(readerIdle)
	return &Store{write: write, read: read, writePrepared: newPrepared(write), readPrepared: newPrepared(read), lock: lock, path: path}, nil
}

// onlyOurs makes a new database file that nobody else can read; SQLite gives its
// journal the same mode. A file that exists keeps the mode its owner chose.
func onlyOurs(path string) error {
	f, err := os.OpenFile(filepath.Clean(path), os.O_CREATE|os.O_RDONLY, 0o600)
	if err != nil {
		return fmt.Errorf("opening %s: %w", path, err)
	}
	return f.Close()
}

// awake waits for the first connection. While another process gives a new file its
// journal mode, SQLite answers busy at once and does not wait for busy_timeout.
func awake(ctx context.Context, pool *bun.DB) error {
	const tries = 20
	for try := 1; ; try++ {
		err := pool.PingContext(ctx)
		if !busy(err) || try == tries || !pause(ctx, try) {
			return fault(err)
		}
	}
}

func sqlitePool(path string, c Config, conns int, extra string) (*bun.DB, error) {
	synchronous := "FULL"
	if c.Ephemeral {
		synchronous = "OFF"
	}
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() +
		"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)" +
		"&_pragma=synchronous(" + synchronous + ")" + extra
	pool, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	return bun.NewDB(pool, dialectSQLite(), bun.WithDiscardUnknownColumns()), nil
}

func dialectSQLite() schema.Dialect { return sqlitedialect.New() }

// lockFile takes the lock beside a SQLite file that keeps a second server away.
// The lock ends with the process, however that ends.
func lockFile(path string, exclusive bool) (*os.File, error) {
	if !exclusive {
		return nil, nil //nolint:nilnil // no lock was asked for
	}
	f, err := os.OpenFile(filepath.Clean(path)+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock of %s: %w", path, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, lanyard.ErrConflict.Saying("another server uses " + path + "; SQLite serves one process, use PostgreSQL for several")
	}
	return f, nil
}
