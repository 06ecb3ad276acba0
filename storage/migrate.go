package storage

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/migrate"

	"github.com/lanyard-id/lanyard"
)

//go:embed migrations
var migrationFiles embed.FS

// MigrationStatus is the schema of the database beside that of the program.
type MigrationStatus struct {
	Applied []string
	// Pending are known to the program and not applied.
	Pending []string
	// Unknown are applied and not known: the database belongs to a newer program.
	Unknown []string
}

// Current tells whether the program may serve this database. A newer schema is
// fine: migrations work while the previous program still runs.
func (m MigrationStatus) Current() bool { return len(m.Pending) == 0 }

// Migrate applies what is pending. Any number of processes may call it at once:
// each migration is one transaction that also writes its own mark, so the loser of
// a race rolls back and looks again, and a killed one leaves nothing behind.
func (s *Store) Migrate(ctx context.Context) error {
	migrations, err := s.migrations()
	if err != nil {
		return err
	}
	if err := s.retryMigration(ctx, func() error { return s.createMarks(ctx) }); err != nil {
		return fmt.Errorf("creating the table of migrations: %w", err)
	}
	for _, m := range migrations {
		if err := s.retryMigration(ctx, func() error { return s.applyOne(ctx, m) }); err != nil {
			return fmt.Errorf("migration %s: %w", m.Name, err)
		}
	}
	return nil
}

// MigrationStatus compares without changing anything.
func (s *Store) MigrationStatus(ctx context.Context) (MigrationStatus, error) {
	known, err := s.migrations()
	if err != nil {
		return MigrationStatus{}, err
	}
	applied, err := s.appliedMigrations(ctx)
	if err != nil {
		return MigrationStatus{}, err
	}
	var out MigrationStatus
	names := map[string]bool{}
	for _, m := range known {
		names[m.Name] = true
		if applied[m.Name] {
			out.Applied = append(out.Applied, m.Name)
		} else {
			out.Pending = append(out.Pending, m.Name)
		}
	}
	for name := range applied {
		if !names[name] {
			out.Unknown = append(out.Unknown, name)
		}
	}
	slices.Sort(out.Unknown)
	return out, nil
}

// PlannedMigration is one that is pending.
type PlannedMigration struct {
	Name string
	// Title is what it is about.
	Title string
	// Statements are what it runs, in one transaction.
	Statements []string
}

// MigrationPlan lists what Migrate would do, in order, without changing anything.
func (s *Store) MigrationPlan(ctx context.Context) ([]PlannedMigration, error) {
	known, err := s.migrations()
	if err != nil {
		return nil, err
	}
	applied, err := s.appliedMigrations(ctx)
	if err != nil {
		return nil, err
	}
	var out []PlannedMigration
	for _, m := range known {
		if applied[m.Name] {
			continue
		}
		text, err := s.migrationText(m)
		if err != nil {
			return nil, err
		}
		title, rest, _ := strings.Cut(text, "\n")
		out = append(out, PlannedMigration{Name: m.Name, Title: strings.TrimPrefix(title, "-- "), Statements: splitStatements(rest)})
	}
	return out, nil
}

func (s *Store) dialectFolder() string {
	if s.IsSQLite() {
		return "migrations/sqlite"
	}
	return "migrations/postgres"
}

func (s *Store) migrations() (migrate.MigrationSlice, error) {
	folder, err := fs.Sub(migrationFiles, s.dialectFolder())
	if err != nil {
		return nil, fmt.Errorf("reading the migrations: %w", err)
	}
	found := migrate.NewMigrations()
	if err := found.Discover(folder); err != nil {
		return nil, fmt.Errorf("reading the migrations: %w", err)
	}
	return found.Sorted(), nil
}

const createMarks = `CREATE TABLE IF NOT EXISTS schema_migrations (name TEXT NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL)`

func (s *Store) createMarks(ctx context.Context) error {
	_, err := s.write.NewRaw(createMarks).Exec(ctx)
	return err
}

func (s *Store) appliedMigrations(ctx context.Context) (map[string]bool, error) {
	out := map[string]bool{}
	var exists int64
	if err := s.write.NewRaw(s.marksExist()).Scan(ctx, &exists); err != nil {
		return nil, fmt.Errorf("looking for the table of migrations: %w", fault(err))
	}
	if exists == 0 {
		return out, nil
	}
	var names []string
	if err := s.write.NewRaw(`SELECT name FROM schema_migrations ORDER BY name`).Scan(ctx, &names); err != nil {
		return nil, fmt.Errorf("reading the table of migrations: %w", fault(err))
	}
	for _, name := range names {
		out[name] = true
	}
	return out, nil
}

func (s *Store) marksExist() string {
	if s.IsSQLite() {
		return `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_migrations'`
	}
	return `SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = 'schema_migrations'`
}

// applyOne runs one migration together with its mark in one transaction. The mark
// comes first: it makes a second process wait, and fail when the first commits.
func (s *Store) applyOne(ctx context.Context, m migrate.Migration) error {
	applied, err := s.appliedMigrations(ctx)
	if err != nil || applied[m.Name] {
		return err
	}
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.NewRaw(`INSERT INTO schema_migrations (name, applied_at) VALUES (?, 0)`, m.Name).Exec(ctx); err != nil {
		return err
	}
	if err := s.runStatements(ctx, tx, m); err != nil {
		return err
	}
	return tx.Commit()
}

func (s *Store) runStatements(ctx context.Context, tx bun.Tx, m migrate.Migration) error {
	text, err := s.migrationText(m)
	if err != nil {
		return err
	}
	for _, statement := range splitStatements(text) {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// migrationText is the file of a migration. Its first line is a comment that says what it is about.
func (s *Store) migrationText(m migrate.Migration) (string, error) {
	data, err := migrationFiles.ReadFile(fmt.Sprintf("%s/%s_%s.tx.up.sql", s.dialectFolder(), m.Name, m.Comment))
	if err != nil {
		return "", fmt.Errorf("reading the migrations: %w", err)
	}
	return string(data), nil
}

// statementMark separates the statements of a migration file, as bun does it.
const statementMark = "--bun:split"

func splitStatements(text string) []string {
	var out []string
	for part := range strings.SplitSeq(text, statementMark) {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// duplicateTable is PostgreSQL's answer when two processes create the same table at
// once: which one depends on how far the other got with the table, its type and its rows.
func duplicateTable(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pg.Code == "42P07" || pg.Code == "42710" || pg.Code == "23505")
}

// retryMigration looks again when another process was faster.
func (s *Store) retryMigration(ctx context.Context, do func() error) error {
	const tries = 20
	var err error
	for try := 1; try <= tries; try++ {
		if err = do(); err == nil {
			return nil
		}
		err = fault(err)
		if !errors.Is(err, lanyard.ErrConflict) && !errors.Is(err, lanyard.ErrUnavailable) && !duplicateTable(err) {
			return err
		}
		if !pause(ctx, try) {
			return err
		}
	}
	return err
}
