package storage_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/storage"
)

// TestGrantsMoveToTheirNewTable: SQLite can not take a rule from a column, so the table is made
// anew. What was there before is there afterwards, tokens still hang on grants, and
// a grant has a session or an actor.
func TestGrantsMoveToTheirNewTable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "before.db")
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=foreign_keys(1)")
	ok(t, err)
	do := func(statement string, args ...any) error {
		_, err := db.ExecContext(t.Context(), statement, args...)
		return err
	}
	ok(t, do(`CREATE TABLE schema_migrations (name TEXT NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL)`))
	files, err := filepath.Glob("migrations/sqlite/*.sql")
	ok(t, err)
	at := slices.IndexFunc(files, func(f string) bool { return strings.HasSuffix(f, "_exchange.tx.up.sql") })
	for _, file := range files[:at] {
		text, err := os.ReadFile(file)
		ok(t, err)
		for part := range strings.SplitSeq(string(text), "--bun:split") {
			ok(t, do(part))
		}
		name, _, _ := strings.Cut(filepath.Base(file), "_")
		ok(t, do(`INSERT INTO schema_migrations (name, applied_at) VALUES (?, 0)`, name))
	}
	for _, statement := range []string{
		`INSERT INTO tenants (tenant_id, slug, name, created_at) VALUES ('t', 'default', 'T', 1)`,
		`INSERT INTO clients (tenant_id, id, document, created_at) VALUES ('t', 'web', '{}', 1)`,
		`INSERT INTO users (tenant_id, id, subject, profile, updated_at, created_at) VALUES ('t', 'u', 'u', '{}', 1, 1)`,
		`INSERT INTO browsers (tenant_id, id, secret_hash, user_agent, address, created_at, seen_at) VALUES ('t', 'b', X'01', 'a', 'a', 1, 1)`,
		`INSERT INTO sessions (tenant_id, id, browser_id, user_id, auth_time, acr, amr, expires_at, created_at) VALUES ('t', 's', 'b', 'u', 1, '1', 'pwd', 9, 1)`,
		`INSERT INTO grants (tenant_id, id, client_id, user_id, session_id, scopes, resources, claims, acr, amr, auth_time, offline, created_at, expires_at,
			revoked_at, revoke_reason, refresh_sequence, refresh_key_id, refresh_current, refresh_previous, refresh_rotated_at, refresh_idle_until, organization_id, label, connection_id, confined)
			VALUES ('t', 'g', 'web', 'u', 's', 'openid', 'r', 'c', '1', 'pwd', 2, TRUE, 3, 4, 5, 'why', 6, 'k', X'02', X'03', 7, 8, 'o', 'l', 'con', TRUE)`,
		`INSERT INTO access_tokens (tenant_id, hash, grant_id, client_id, subject, scopes, audience, created_at, expires_at, revoked_at, organization_id)
			VALUES ('t', X'04', 'g', 'web', 'sub', 'openid', 'aud', 1, 2, 3, 'o')`,
	} {
		ok(t, do(statement))
	}
	read := func(table string) map[string]any {
		rows, err := db.QueryContext(t.Context(), `SELECT * FROM `+table)
		ok(t, err)
		defer func() { ok(t, rows.Close()) }()
		names, err := rows.Columns()
		ok(t, err)
		values, places := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			places[i] = &values[i]
		}
		if !rows.Next() {
			t.Fatalf("%s is empty", table)
		}
		ok(t, rows.Scan(places...))
		out := map[string]any{}
		for i, name := range names {
			out[name] = values[i]
		}
		ok(t, rows.Err())
		return out
	}
	grant, token := read("grants"), read("access_tokens")

	store, err := storage.Open(t.Context(), storage.Config{URL: "sqlite:" + path})
	ok(t, err)
	ok(t, store.Migrate(t.Context()))
	ok(t, store.Close())
	after := read("grants")
	if after["actor"] != "" {
		t.Errorf("the actor is %v", after["actor"])
	}
	delete(after, "actor")
	if diff := cmp.Diff(grant, after); diff != "" {
		t.Errorf("the grant changed (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(token, read("access_tokens")); diff != "" {
		t.Errorf("the token changed (-before +after):\n%s", diff)
	}
	for what, statement := range map[string]string{
		"a grant with tokens goes":              `DELETE FROM grants`,
		"a token has a grant that is not there": `UPDATE access_tokens SET grant_id = 'x'`,
		"a grant has neither":                   `UPDATE grants SET session_id = NULL`,
		"a grant has both":                      `UPDATE grants SET actor = 'web'`,
		"a session with grants goes":            `DELETE FROM sessions`,
	} {
		if do(statement) == nil {
			t.Errorf("%s", what)
		}
	}
	ok(t, do(`UPDATE grants SET session_id = NULL, actor = 'web'`))
	ok(t, db.Close())
}
