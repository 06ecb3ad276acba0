// Package bench measures the binary from outside: requests a second and per
// second of the server's CPU time, on SQLite and PostgreSQL, cold start and
// memory. It decides nothing; `make bench` prints it.
//
// Load and server share the machine, so requests a second say less than
// requests per CPU-second.
package bench
