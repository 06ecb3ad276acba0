package testkit

import (
	"path/filepath"
	"testing"
)

// Node starts a script of internal/e2e/clients with the npm packages there. The
// environment is name=value; secrets belong there and not in the arguments.
func Node(t testing.TB, script string, args []string, env ...string) *Process {
	t.Helper()
	return Run(t, Command{Path: Need(t, "node"), Args: append([]string{script}, args...), Env: env, Dir: clients()})
}

// clients is the folder of the relying parties written for Node.
func clients() string { return filepath.Join(Root(), "internal", "e2e", "clients") }
