// Package e2e tests the built binary from outside: a real browser on its pages,
// real relying parties that know nothing but issuer, client and secret, several
// processes on one database, and processes that are killed.
//
// The relying parties written for Node are in clients; oauth2-proxy is built by
// scripts/setup. Everything is started through internal/testkit, on loopback
// ports that are free at that moment.
//
// Not here: what one package can show alone.
package e2e
