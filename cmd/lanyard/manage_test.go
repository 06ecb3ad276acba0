package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// instance is a database of its own for commands that work on one.
func instance(t *testing.T) []string {
	t.Helper()
	environ := []string{
		"LANYARD_DATABASE_URL=sqlite:" + filepath.Join(t.TempDir(), "lanyard.db"), "LANYARD_SERVER_ISSUER=https://id.example.test",
		"LANYARD_KEYS_MASTER_KEY=MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
	}
	if code, _, errOut := command(t, environ, "migrate", "up"); code != exitOK {
		t.Fatal(errOut)
	}
	return environ
}

func TestThingsAreManagedOnTheDatabase(t *testing.T) {
	environ := instance(t)
	code, out, errOut := command(t, environ, "resource", "create", "--database", "-o", "json", "identifier=https://lamps.example.test", `scopes=[{"name":"light"}]`)
	var made struct{ ID, Identifier string }
	if err := json.Unmarshal([]byte(out), &made); code != exitOK || err != nil || made.Identifier != "https://lamps.example.test" {
		t.Fatal(code, out, errOut)
	}
	for _, c := range []struct {
		what string
		args []string
		code int
		says string
	}{
		{"changed", []string{"resource", "update", "--database", made.ID, "name=Lamps"}, exitOK, "Lamps"},
		{"listed", []string{"resource", "list", "--database"}, exitOK, "IDENTIFIER"},
		{"shown as YAML", []string{"resource", "get", "--database", "-o", "yaml", made.ID}, exitOK, "identifier: https://lamps.example.test"},
		{"an unknown member", []string{"resource", "create", "--database", "nope=1"}, exitUsage, "known are identifier"},
		{"a secret in the arguments", []string{"client", "create", "--database", "client_secret=abc"}, exitUsage, "@FILE"},
		{"not there", []string{"resource", "get", "--database", "res_never"}, exitFailure, "not_found"},
		{"removed without a word", []string{"resource", "delete", "--database", made.ID}, exitUsage, "--yes"},
		{"removed", []string{"resource", "delete", "--database", "--yes", made.ID}, exitOK, ""},
		{"nowhere", []string{"resource", "list"}, exitUsage, "--api"},
		{"without a token", []string{"resource", "list", "--api", "https://id.example.test"}, exitUsage, "an access token is needed"},
		{"in no organization", []string{"member", "list", "--database"}, exitUsage, "--org"},
	} {
		code, out, errOut := command(t, environ, c.args...)
		if code != c.code || !strings.Contains(out+errOut, c.says) {
			t.Errorf("%s: %d\n%s%s", c.what, code, out, errOut)
		}
	}
}

func TestAFileGoesOutAndIn(t *testing.T) {
	environ := instance(t)
	if code, _, errOut := command(t, environ, "resource", "create", "--database", "identifier=https://lamps.example.test"); code != exitOK {
		t.Fatal(errOut)
	}
	file := filepath.Join(t.TempDir(), "out.yaml")
	if code, _, errOut := command(t, environ, "export", "-f", file); code != exitOK {
		t.Fatal(errOut)
	}
	if code, out, errOut := command(t, environ, "diff", "-f", file); code != exitOK || out != "" {
		t.Errorf("differs from itself: %d %s%s", code, out, errOut)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	other := instance(t)
	if code, out, _ := command(t, other, "diff", "-f", file); code != exitDifferent || !strings.Contains(out, "default: + resources[https://lamps.example.test].identifier: https://lamps.example.test") {
		t.Errorf("an empty database: %d %s", code, out)
	}
	if code, _, errOut := command(t, other, "apply", "-f", file); code != exitOK {
		t.Fatal(errOut)
	}
	if code, out, _ := command(t, other, "export"); code != exitOK || out != string(text) {
		t.Errorf("exported again:\n%s\nnot\n%s", out, text)
	}
}
