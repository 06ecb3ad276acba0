package main

import (
	"database/sql"
	"encoding/json"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/internal/clock"
)

// TestMigrationIsPlannedBeforeItIsDone: a dry run shows every statement, changes nothing and
// says that there is a difference; afterwards there is none.
func TestMigrationIsPlannedBeforeItIsDone(t *testing.T) {
	url := sqliteURL(t)
	environ := production(url)
	for range 2 {
		code, out, _ := command(t, environ, "migrate", "up", "--dry-run")
		if code != exitDifferent || !strings.Contains(out, "20261121000003  sign-in on devices\n") || !strings.Contains(out, "  CREATE TABLE device_codes (\n") {
			t.Fatalf("dry run: %d %s", code, out)
		}
	}
	code, out, _ := command(t, environ, "migrate", "status")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != exitFailure || !strings.HasPrefix(lines[0], "20261120000001  pending") || strings.Contains(out, "applied") {
		t.Errorf("after a dry run: %d %s", code, out)
	}
	code, out, _ = command(t, environ, "migrate", "up")
	if code != exitOK || !strings.Contains(out, "20261121000003  sign-in on devices\n") || !strings.HasSuffix(out, "the schema is current\n") || strings.Contains(out, "CREATE") {
		t.Errorf("up: %d %s", code, out)
	}
	if code, out, _ := command(t, environ, "migrate", "up", "--dry-run"); code != exitOK || out != "applied 0 migrations; the schema is current\n" {
		t.Errorf("a second dry run: %d %s", code, out)
	}
}

// TestNewerSchemaIsServed and named, in the log and in order by status.
func TestNewerSchemaIsServed(t *testing.T) {
	url := sqliteURL(t)
	environ := production(url)
	if code, _, errOut := command(t, environ, "migrate", "up"); code != exitOK {
		t.Fatal(errOut)
	}
	db, err := sql.Open("sqlite", strings.TrimPrefix(url, "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"20990101000002", "20990101000001"} {
		if _, err := db.ExecContext(t.Context(), `INSERT INTO schema_migrations (name, applied_at) VALUES (?, 0)`, name); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	code, out, _ := command(t, environ, "migrate", "status")
	if code != exitOK || !strings.HasSuffix(out, "20990101000001  newer than this program\n20990101000002  newer than this program\n") {
		t.Errorf("status: %d %s", code, out)
	}
	code, out, _ = command(t, environ, "migrate", "status", "-o", "json")
	var states []migrationState
	if err := json.Unmarshal([]byte(out), &states); err != nil || code != exitOK || states[0].State != "applied" || states[len(states)-1] != (migrationState{"20990101000002", "newer"}) {
		t.Errorf("status for programs: %d %s (%v)", code, out, err)
	}
	r := run(t, clock.Real(), environ, "serve")
	r.serving()
	if !strings.Contains(r.errOut.String(), "newer than this program") {
		t.Errorf("the log says nothing:\n%s", r.errOut)
	}
}
