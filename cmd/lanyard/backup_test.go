package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNothingIsBackedUpByMistake: a wrong path is no empty database with a good backup, and
// what looks after a database leaves nothing where there is none.
func TestNothingIsBackedUpByMistake(t *testing.T) {
	url := sqliteURL(t)
	path := strings.TrimPrefix(url, "sqlite:")
	environ := production(url)
	to := filepath.Join(t.TempDir(), "copy.db")
	for _, args := range [][]string{{"backup", to}, {"restored"}, {"master-key", "status"}, {"master-key", "reseal"}} {
		if code, _, errOut := command(t, environ, args...); code != exitFailure || !strings.Contains(errOut, "there is no database at "+path) {
			t.Errorf("%v: %d %s", args, code, errOut)
		}
	}
	if left, err := filepath.Glob(path + "*"); err != nil || len(left) > 0 {
		t.Errorf("left are %v, %v", left, err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errOut := command(t, environ, "backup", to); code != exitFailure || !strings.Contains(errOut, "is empty") {
		t.Errorf("an empty file: %d %s", code, errOut)
	}
	if _, err := os.Stat(to); !os.IsNotExist(err) {
		t.Errorf("there is a backup of nothing: %v", err)
	}
}
