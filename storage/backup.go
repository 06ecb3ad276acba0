package storage

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/lanyard-id/lanyard"
)

// Backup writes a consistent copy of a SQLite database to a new file that only its owner can
// read, while others read and write. The file appears whole, checked and durable, or not at
// all; one that exists is never touched (fs.ErrExist). A database without any migration is
// refused: it is not the one that was meant.
func (s *Store) Backup(ctx context.Context, path string) error {
	if !s.IsSQLite() {
		return lanyard.ErrBadInput.Saying("PostgreSQL is backed up by its own means: pg_dump, or a base backup with its WAL for any moment")
	}
	applied, err := s.appliedMigrations(ctx)
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	if len(applied) == 0 {
		return lanyard.ErrBadInput.Saying(s.path + " is empty: it is no database of Lanyard's")
	}
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("back up to %s: %w", path, fs.ErrExist)
	}
	draft, err := os.CreateTemp(filepath.Dir(path), ".backup-*") // 0600
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	err = errors.Join(draft.Close(), s.copyTo(ctx, draft.Name()))
	if err == nil {
		err = os.Link(draft.Name(), path)
	}
	if err = errors.Join(err, os.Remove(draft.Name())); err != nil {
		return fmt.Errorf("back up to %s: %w", path, err)
	}
	return syncFile(filepath.Dir(path))
}

// copyTo copies the database into an empty file, looks whether the copy is sound, and waits for the disk.
func (s *Store) copyTo(ctx context.Context, path string) error {
	from, err := sql.Open("sqlite", "file:"+(&url.URL{Path: s.path}).EscapedPath()+"?_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	if _, err := from.ExecContext(ctx, `VACUUM INTO ?`, path); err != nil {
		return err
	}
	if err := soundFile(ctx, path); err != nil {
		return err
	}
	return syncFile(path)
}

// Sound is an error unless every page and every reference of a SQLite database is in order.
// It takes as long as reading the file does. On PostgreSQL that is the server's business.
func (s *Store) Sound(ctx context.Context) error {
	if !s.IsSQLite() {
		return nil
	}
	return soundFile(ctx, s.path)
}

func soundFile(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	var found string
	if err := db.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&found); err != nil {
		return damaged(path, err.Error())
	}
	if found != "ok" {
		return damaged(path, found)
	}
	var table string
	err = db.QueryRowContext(ctx, `SELECT "table" FROM pragma_foreign_key_check LIMIT 1`).Scan(&table)
	if err == nil {
		return damaged(path, "a row of "+table+" has lost what it belongs to")
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("looking at the references in %s: %w", path, err)
	}
	return nil
}

func damaged(path, what string) error {
	return lanyard.ErrBadInput.Saying(path + " is damaged (" + strings.Join(strings.Fields(what), " ") + "): a copy is only whole if 'lanyard backup' made it, or if no server ran")
}

// The places in the header of a SQLite file (https://www.sqlite.org/fileformat.html §1.3).
const (
	headerSize     = 100
	headerPageSize = 16
	headerPages    = 28
)

// wholeFile refuses a SQLite file that is shorter than its header says: a copy that was cut,
// or made while somebody wrote. A file with its -wal beside it may be in the middle of being
// written; without one nobody writes. What cannot be told is that transactions are missing
// which stood in a -wal file that was not copied.
func wholeFile(path string) error {
	if wal, err := os.Stat(path + "-wal"); err == nil && wal.Size() > 0 {
		return nil
	}
	f, err := os.Open(filepath.Clean(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("opening %s: %w", path, err)
	}
	defer func() { _ = f.Close() }()
	header := make([]byte, headerSize)
	if _, err := io.ReadFull(f, header); err != nil || !strings.HasPrefix(string(header), "SQLite format 3\x00") {
		return nil // new, or no database: SQLite says so
	}
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("opening %s: %w", path, err)
	}
	size := int64(binary.BigEndian.Uint16(header[headerPageSize:]))
	if size == 1 {
		size = 1 << 16
	}
	if want := size * int64(binary.BigEndian.Uint32(header[headerPages:])); info.Size() < want {
		return damaged(path, fmt.Sprintf("it has %d of %d bytes", info.Size(), want))
	}
	return nil
}

func syncFile(path string) error {
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return fmt.Errorf("waiting for the disk: %w", err)
	}
	return errors.Join(f.Sync(), f.Close())
}
