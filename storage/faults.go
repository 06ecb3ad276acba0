package storage

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"

	"github.com/lanyard-id/lanyard"
)

// SQLite result codes (sqlite.org/rescode.html); the primary code is the low byte.
const (
	sqliteConstraintForeignKey = 787
	sqliteConstraintPrimaryKey = 1555
	sqliteConstraintUnique     = 2067
)

// sqliteOutages are the primary codes for which the database, not the statement, is to blame:
// BUSY, LOCKED, NOMEM, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, NOTADB.
var sqliteOutages = map[int]bool{5: true, 6: true, 7: true, 8: true, 10: true, 11: true, 13: true, 14: true, 15: true, 26: true}

// fault translates a driver's error once; errors of the catalogue pass unchanged.
func fault(err error) error {
	if err == nil || lanyard.KindOf(err) != lanyard.Internal {
		return err
	}
	switch {
	case violates(err):
		return fmt.Errorf("%w (%w)", lanyard.ErrConflict, err)
	case outage(err):
		return fmt.Errorf("%w (%w)", lanyard.ErrUnavailable, err)
	}
	return err
}

// violates tells whether a unique or foreign key was violated.
func violates(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code == "23505" || pg.Code == "23503"
	}
	if lite, ok := errors.AsType[*sqlite.Error](err); ok {
		code := lite.Code()
		return code == sqliteConstraintUnique || code == sqliteConstraintPrimaryKey || code == sqliteConstraintForeignKey
	}
	return false
}

// outage tells whether the database could not do its work.
func outage(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		class := pg.Code[:min(2, len(pg.Code))]
		return strings.Contains("08 25 40 53 55 57 58 XX", class)
	}
	if lite, ok := errors.AsType[*sqlite.Error](err); ok {
		return sqliteOutages[lite.Code()&0xff]
	}
	var network net.Error
	var connect *pgconn.ConnectError
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, sql.ErrTxDone) ||
		errors.Is(err, errUnitFailed) || errors.As(err, &network) || errors.As(err, &connect) ||
		strings.Contains(err.Error(), "database is closed") || strings.Contains(err.Error(), "conn closed") ||
		strings.Contains(err.Error(), "unexpected EOF")
}

// busy tells whether another process held SQLite's file at this moment.
func busy(err error) bool {
	const sqliteBusy = 5
	lite, ok := errors.AsType[*sqlite.Error](err)
	return ok && lite.Code()&0xff == sqliteBusy
}

// serializationFailure tells whether a transaction lost against another one and may be tried again.
func serializationFailure(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pg.Code == "40001" || pg.Code == "40P01")
}
