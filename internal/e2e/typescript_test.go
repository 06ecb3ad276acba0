package e2e

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/lanyard-id/lanyard/internal/testkit"
)

// The types for TypeScript know the API: what is right compiles, and what is wrong does not.
func TestTypesForTypeScriptCompile(t *testing.T) {
	testkit.Need(t, "node")
	clients := filepath.Join(testkit.Root(), "internal", "e2e", "clients")
	compiler := exec.CommandContext(t.Context(), filepath.Join(clients, "node_modules", ".bin", "tsc"), "--noEmit", "--strict", "--skipLibCheck", "false", "manage.ts")
	compiler.Dir = clients
	if out, err := compiler.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
