package testkit

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// tool is a program that a machine may lack.
type tool struct {
	find func() string // empty when it is not there
	how  string
}

var tools = map[string]tool{
	"postgres":     {findPostgres, "apt-get install postgresql, or make test as root"},
	"chromium":     {findChromium, "apt-get install chromium, or make test as root"},
	"node":         {findNode, "install Node 20 or later with npm, then scripts/setup"},
	"oauth2-proxy": {findInTools("oauth2-proxy"), "scripts/setup"},
	"helm":         {findInTools("helm"), "scripts/setup"},
	"haproxy":      {findHAProxy, "apt-get install haproxy, or make test as root"},
	"promtool":     {findPromtool, "apt-get install prometheus, or make test as root"},
}

// Need returns the path of a program: "postgres", "chromium", "node" (with the
// npm packages of the relying parties), "oauth2-proxy", "helm", "haproxy" or
// "promtool". Without it the test is skipped with the way to get it, or fails
// where everything is required.
func Need(t testing.TB, name string) string {
	t.Helper()
	wanted, known := tools[name]
	if !known {
		t.Fatalf("testkit knows no program %q", name)
	}
	path := wanted.find()
	if path == "" {
		lack(t, "%s is missing; to get it: %s", name, wanted.how)
	}
	return path
}

// NeedRoot wants the rights of root, with which a test may start programs in another
// root folder and as another user.
func NeedRoot(t testing.TB) {
	t.Helper()
	if !isRoot() {
		lack(t, "root is missing; to get it: make test as root, in a container for instance")
	}
}

// lack ends a test that cannot run on this machine.
func lack(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("LANYARD_TEST_REQUIRE") == "1" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// Root is the folder of the repository.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

func findPostgres() string {
	if path := firstInPath("postgres"); path != "" {
		return path
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) == 0 {
		return ""
	}
	return found[len(found)-1]
}

// findHAProxy also looks where only root's search path leads.
func findHAProxy() string { return firstInPath("haproxy", "/usr/sbin/haproxy") }

func findPromtool() string { return firstInPath("promtool") }

func findChromium() string { return firstInPath("chromium", "chromium-browser", "google-chrome") }

// findNode wants the packages too: without them no script runs.
func findNode() string {
	if _, err := os.Stat(filepath.Join(clients(), "node_modules")); err != nil {
		return ""
	}
	return firstInPath("node")
}

func findInTools(name string) func() string {
	return func() string {
		folder := os.Getenv("LANYARD_TEST_TOOLS")
		if folder == "" {
			folder = filepath.Join(Root(), ".cache", "bin")
		}
		return firstInPath(filepath.Join(folder, name))
	}
}

func firstInPath(names ...string) string {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}
