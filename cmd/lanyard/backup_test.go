package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLookingMakesNoDatabase: with a typing error in database.url nothing is examined, copied
// or restored, and least of all with success; what an empty file holds is no backup either.
func TestLookingMakesNoDatabase(t *testing.T) {
	url := sqliteURL(t)
	environ, file := production(url), strings.TrimPrefix(url, "sqlite:")
	for _, args := range [][]string{{"backup", file + ".copy"}, {"doctor"}, {"master-key", "status"}, {"master-key", "reseal"}, {"restored"}} {
		if code, out, errOut := command(t, environ, args...); code != exitFailure || !strings.Contains(out+errOut, "there is no database at "+file) {
			t.Errorf("%v: %d %s%s", args, code, out, errOut)
		}
	}
	if left, err := filepath.Glob(file + "*"); err != nil || len(left) > 0 {
		t.Errorf("they made %v (%v)", left, err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errOut := command(t, environ, "backup", file+".copy"); code != exitFailure || !strings.Contains(errOut, "is empty") {
		t.Errorf("backup of an empty file: %d %s", code, errOut)
	}
	if _, err := os.Stat(file + ".copy"); err == nil {
		t.Error("there is a backup of nothing")
	}
}
