package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/internal/testkit"
)

// TestReferenceIsTheOneThatIsWritten: docs/configuration.md says what the program reads;
// scripts/generate writes it.
func TestReferenceIsTheOneThatIsWritten(t *testing.T) {
	code, out, errOut := command(t, nil, "config", "reference")
	if code != exitOK {
		t.Fatal(errOut)
	}
	written, err := os.ReadFile(filepath.Join(testkit.Root(), "docs", "configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(out, string(written)); diff != "" {
		t.Errorf("docs/configuration.md is not current; run scripts/generate (or: go run ./cmd/lanyard config reference >docs/configuration.md)\n%s", diff)
	}
}

// TestReferenceHasEverySetting with its variable, and the twin of each secret.
func TestReferenceHasEverySetting(t *testing.T) {
	text, config := configReference(), defaults()
	var secrets int
	for _, f := range config.fields() {
		if !strings.Contains(text, "| `"+f.key+"` | `"+f.env()+"` |") {
			t.Errorf("%s is missing", f.key)
		}
		if f.secret {
			secrets++
			if !strings.Contains(text, "`"+f.env()+"_FILE`") {
				t.Errorf("%s has no twin that names a file", f.key)
			}
		}
	}
	if secrets < 3 {
		t.Errorf("%d secrets", secrets)
	}
	for _, name := range append([]string{envConfig, envAPI, envToken, envTraceEndpoint, envOTLPEndpoint, envTracesExporter, envTracingDisabled}, apiVariables...) {
		if !strings.Contains(text, "`"+name+"`") {
			t.Errorf("%s is missing", name)
		}
	}
}
