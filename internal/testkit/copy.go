package testkit

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"testing"
)

// CopyPostgres brings what is in one database into another, empty one, as an operator does:
// by pg_dump and psql, which are where the server is.
func CopyPostgres(t testing.TB, from, to string) {
	t.Helper()
	folder := filepath.Dir(realPath(Need(t, "postgres")))
	dump, err := exec.CommandContext(t.Context(), filepath.Join(folder, "pg_dump"), "--no-owner", "--dbname", from).Output()
	if err != nil {
		t.Fatalf("pg_dump: %v", err)
	}
	load := exec.CommandContext(t.Context(), filepath.Join(folder, "psql"), "--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", "--dbname", to)
	load.Stdin = bytes.NewReader(dump)
	if text, err := load.CombinedOutput(); err != nil {
		t.Fatalf("psql: %v\n%s", err, text)
	}
}
