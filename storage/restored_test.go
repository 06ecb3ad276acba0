package storage_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/storage"
)

// survives are the tables that a restoration leaves alone, and why nothing in them can be used
// a second time.
var survives = map[string]string{
	"tenants":              "configuration, as of the copy",
	"signing_keys":         "the operator decides",
	"users":                "people, as of the copy",
	"emails":               "people, as of the copy",
	"passwords":            "secrets that are used many times, as of the copy",
	"passkeys":             "answers to challenges that were just made",
	"deleted_passkeys":     "what browsers may be told to forget",
	"identities":           "people, as of the copy",
	"user_roles":           "people, as of the copy",
	"organizations":        "configuration, as of the copy",
	"organization_domains": "configuration, as of the copy",
	"organization_logos":   "configuration, as of the copy",
	"memberships":          "people, as of the copy",
	"join_requests":        "questions, answered by an administrator",
	"invitation_uses":      "who came by an invitation",
	"roles":                "configuration, as of the copy",
	"clients":              "configuration, as of the copy",
	"client_secrets":       "secrets that are used many times, as of the copy",
	"client_roles":         "configuration, as of the copy",
	"resources":            "configuration, as of the copy",
	"connections":          "configuration, as of the copy",
	"trusted_issuers":      "configuration, as of the copy",
	"webhooks":             "configuration, as of the copy",
	"consents":             "what people agreed to, as of the copy",
	"browsers":             "names of browsers, which open nothing without a session",
	"attempts":             "counts of failures",
	"replays":              "what was spent, and stays so",
	"events":               "the audit log",
	"refusals":             "decision traces",
	"leases":               "jobs, which end by themselves",
	"schema_migrations":    "the schema",
}

// TestRestorationKnowsEveryTable: whoever adds a table says what a copy of it brings back.
func TestRestorationKnowsEveryTable(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		tables, err := store.Tables(t.Context())
		ok(t, err)
		if len(tables) < len(survives) {
			t.Fatalf("only %v", tables)
		}
		ended := storage.EndedTables()
		for _, table := range tables {
			if _, kept := survives[table]; kept == slices.Contains(ended, table) {
				t.Errorf("%s: does a restoration have to end it? Say so in restored.go or here", table)
			}
		}
	})
}

// TestRestorationEndsOneTenant and leaves the other; a second time there is nothing left to end.
func TestRestorationEndsOneTenant(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		a, b := furnish(t, store, "a"), furnish(t, store, "b")
		before, err := b.Standing(t.Context(), b.grant.ID)
		ok(t, err)
		counts, err := a.EndEverything(t.Context(), now)
		ok(t, err)
		for _, what := range []string{"sessions", "grants", "access_tokens", "sign_ins", "one_time_tokens"} {
			if counts[what] == 0 {
				t.Errorf("no %s: %v", what, counts)
			}
		}
		if after, err := a.Standing(t.Context(), a.grant.ID); err != nil || after.Grant.RevokedAt.IsZero() || after.Session.EndedAt.IsZero() {
			t.Errorf("got %+v, %v", after, err)
		}
		if after, err := b.Standing(t.Context(), b.grant.ID); err != nil || !after.Grant.RevokedAt.Equal(before.Grant.RevokedAt) || !after.Session.EndedAt.IsZero() {
			t.Errorf("the other tenant: %+v, %v", after, err)
		}
		first, err := a.Revision(t.Context())
		ok(t, err)
		counts, err = a.EndEverything(t.Context(), now)
		if err != nil || counts["sessions"]+counts["grants"]+counts["one_time_tokens"] > 0 {
			t.Errorf("a second time: %v, %v", counts, err)
		}
		if second, err := a.Revision(t.Context()); err != nil || second <= first {
			t.Errorf("the revision went from %d to %d (%v)", first, second, err)
		}
	})
}

// TestBackupIsWholeAndPrivate, it never replaces a file, and one that was cut is not opened.
func TestBackupIsWholeAndPrivate(t *testing.T) {
	folder := t.TempDir()
	store, err := storage.Open(t.Context(), storage.Config{URL: "sqlite:" + filepath.Join(folder, "lanyard.db"), Ephemeral: true})
	ok(t, err)
	t.Cleanup(func() { _ = store.Close() })
	ok(t, store.Migrate(t.Context()))
	a := furnish(t, store, "a")
	path := filepath.Join(folder, "copy.db")
	ok(t, store.Backup(t.Context(), path))
	if err := store.Backup(t.Context(), path); err == nil {
		t.Error("a second backup replaced the first")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if left, err := filepath.Glob(filepath.Join(folder, ".backup-*")); err != nil || len(left) > 0 {
		t.Errorf("drafts are left: %v, %v", left, err)
	}
	copied, err := storage.Open(t.Context(), storage.Config{URL: "sqlite:" + path, Ephemeral: true})
	ok(t, err)
	if _, err := copied.Tenant(a.TenantID()).Standing(t.Context(), a.grant.ID); err != nil {
		t.Error(err)
	}
	ok(t, copied.Sound(t.Context()))
	ok(t, copied.Close())
	whole, err := os.ReadFile(path)
	ok(t, err)
	ok(t, os.WriteFile(path, whole[:len(whole)-4096], 0o600))
	if _, err := storage.Open(t.Context(), storage.Config{URL: "sqlite:" + path}); err == nil || !strings.Contains(err.Error(), "is damaged (it has ") {
		t.Errorf("a file that was cut: %v", err)
	}
	for at := 8 << 10; at < len(whole); at += 512 {
		whole[at] ^= 0xff
	}
	ok(t, os.WriteFile(path, whole, 0o600))
	if torn, err := storage.Open(t.Context(), storage.Config{URL: "sqlite:" + path}); err == nil {
		if err := torn.Sound(t.Context()); err == nil || !strings.Contains(err.Error(), "is damaged") {
			t.Errorf("a torn file: %v", err)
		}
		_ = torn.Close()
	}
}
