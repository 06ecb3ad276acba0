// Package schema makes databases for tests that have the newest schema already. It
// knows storage, which testkit does not.
package schema
