package testkit

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Binary returns the path of the lanyard binary: the one that make test has
// built (LANYARD_TEST_BINARY), or one that is built once per test binary.
func Binary(t testing.TB) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var binary = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("LANYARD_TEST_BINARY"); path != "" {
		// The look also tells go test's cache that the result depends on it.
		_, err := os.Stat(path)
		return path, err
	}
	if err := dependOnSources(); err != nil {
		return "", err
	}
	// In the repository, because there is nobody to remove a temporary folder
	// when a test binary has no Main of ours.
	path := filepath.Join(Root(), ".cache", "test", "lanyard")
	fresh := fmt.Sprintf("%s.%d", path, os.Getpid())
	build := exec.Command("go", "build", "-buildvcs=false", "-o", fresh, "./cmd/lanyard")
	build.Dir = Root()
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build lanyard: %w\n%s", err, out)
	}
	// Tests of another package may be running the one that is there.
	return path, os.Rename(fresh, path)
})

// dependOnSources looks at every file the binary is built from, so that go test
// does not repeat a cached result after one of them has changed.
func dependOnSources() error {
	return filepath.WalkDir(Root(), func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && path != Root() && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "data") {
			return fs.SkipDir
		}
		if strings.HasSuffix(name, "_test.go") {
			return nil
		}
		_, err = os.Stat(path)
		return err
	})
}
