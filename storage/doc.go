// Package storage keeps the rows, on bun over SQLite or PostgreSQL. One readable
// implementation serves both databases; only migrations differ.
//
// A tenant's rows are reached only through a Scope, which puts the tenant into
// every statement; composite foreign keys make the database itself refuse a row
// that crosses tenants. What belongs to the instance (list of tenants, leases,
// clean-up) hangs on Store.
//
// One-time things are spent by the statement that reads them. Times are stored as
// microseconds since 1970 in UTC, so that they compare alike on both databases.
// Driver errors are translated in faults.go: a violated uniqueness is
// lanyard.ErrConflict, an outage lanyard.ErrUnavailable.
//
// Deciding is left to the floors above; storage knows neither HTTP nor OAuth.
package storage
