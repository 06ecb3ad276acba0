package deploy

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// masterKey is a master key for tests.
const masterKey = "0123456789abcdefghijklmnopqrstuv"

// read gives a file of the repository.
func read(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(testkit.Root(), path))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// write puts a file into a folder and makes the folders above it.
func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// lanyard runs the binary to its end with nothing but the given environment.
func lanyard(t testing.TB, environ []string, args ...string) (int, string) {
	t.Helper()
	cmd := exec.Command(testkit.Binary(t), args...)
	cmd.Env = append([]string{"PATH=/nonexistent"}, environ...) // not nil, which would be ours
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// variables are the names that the binary's configuration has in the environment.
func variables(t testing.TB) []string {
	t.Helper()
	variablesOnce.Do(func() {
		code, out := lanyard(t, nil, "config", "schema")
		var schema struct {
			Properties map[string]struct{ Properties map[string]any }
		}
		if err := json.Unmarshal([]byte(out), &schema); code != 0 || err != nil {
			t.Fatalf("config schema: %d %v\n%s", code, err, out)
		}
		for section, s := range schema.Properties {
			for key := range s.Properties {
				variablesKnown = append(variablesKnown, "LANYARD_"+strings.ToUpper(section+"_"+key))
			}
		}
		variablesKnown = append(variablesKnown, "LANYARD_CONFIG")
	})
	return variablesKnown
}

var (
	variablesOnce  sync.Once
	variablesKnown []string
)

// knowsVariables complains about variables like ours that the binary does not have.
func knowsVariables(t testing.TB, where string, names ...string) {
	t.Helper()
	for _, name := range names {
		if strings.HasPrefix(name, "LANYARD_") && !slices.Contains(variables(t), name) {
			t.Errorf("%s sets %s, which the configuration does not have", where, name)
		}
	}
}

// eventually waits until something is true.
func eventually(t testing.TB, limit time.Duration, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// get gives status and body of a GET over a connection of its own; status 0 if there was no answer.
func get(address string) (int, string) {
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get(address)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err.Error()
	}
	return answer.StatusCode, string(body)
}

// loopback is a free address on this machine.
func loopback(t testing.TB) string {
	t.Helper()
	return fmt.Sprintf("127.0.0.1:%d", testkit.FreePort(t))
}
