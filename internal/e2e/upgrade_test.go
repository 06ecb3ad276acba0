package e2e

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/internal/testkit"
)

// nextMigration is what the next version adds: a table, and a column that this one never writes.
const nextMigration = `-- what the next version adds
CREATE TABLE badges (
  tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
  id TEXT NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
--bun:split
ALTER TABLE grants ADD COLUMN badge_id TEXT;
`

// nextVersion builds the program with one more migration, from the same sources. The added
// file has the same place each time, so that what was compiled with it is found again.
func nextVersion(t *testing.T) string {
	t.Helper()
	folder := filepath.Join(testkit.Root(), ".cache", "next-version")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	migration := filepath.Join(folder, "next.sql")
	if err := os.WriteFile(migration, []byte(nextMigration), 0o600); err != nil {
		t.Fatal(err)
	}
	replaced := map[string]string{}
	for _, dialect := range []string{"postgres", "sqlite"} {
		replaced[filepath.Join(testkit.Root(), "storage", "migrations", dialect, "20990101000001_next.tx.up.sql")] = migration
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		t.Fatal(err)
	}
	file, binary := filepath.Join(folder, "overlay.json"), filepath.Join(t.TempDir(), "lanyard-next")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-overlay", file, "-o", binary, "./cmd/lanyard")
	build.Dir, build.Env = testkit.Root(), append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the next version: %v\n%s", err, text)
	}
	return binary
}

// TestUpgradeAndBackUnderLoad has two servers on PostgreSQL, migrates their database to the
// next version under them, replaces them one after the other, and goes back, while families
// are refreshed and people sign in. Nothing fails, and no token is lost (ATTACKS.md 283).
func TestUpgradeAndBackUnderLoad(t *testing.T) {
	began := time.Now()
	next, this := nextVersion(t), testkit.Binary(t)
	t.Logf("the next version was built in %v", time.Since(began).Round(time.Second))
	database := testkit.Postgres(t)
	seeded(t, database)
	f := assembles(t, database, 2)
	web := f.idp().Client("web")
	signIn := func() {
		if a := web.Exchange(web.Code(f.idp().Browser(), ada, adaPassword, nil), nil); a.Status != 200 {
			t.Errorf("a sign-in: %d %s", a.Status, a.Raw)
		}
	}
	early := testkit.Run(t, testkit.Command{Path: next, Args: []string{"serve"}, Env: f.env, Dir: f.folder})
	if code := early.Wait(t); code != 1 || !strings.Contains(early.Log(), "1 migrations are pending: run 'lanyard migrate up'") {
		t.Fatalf("the next version on the schema of this one ended with %d:\n%s", code, early.Log())
	}
	load := f.refreshes(testkit.Rounds(3, 8))
	up := testkit.Run(t, testkit.Command{Path: next, Args: []string{"migrate", "up"}, Env: f.env, Dir: f.folder})
	if code := up.Wait(t); code != 0 || !strings.Contains(up.Log(), "what the next version adds") {
		t.Fatalf("migrate up ended with %d:\n%s", code, up.Log())
	}
	if text := f.must("migrate", "status"); !strings.Contains(text, "20990101000001  newer than this program") {
		t.Errorf("migrate status of this version says:\n%s", text)
	}
	signIn()
	f.rolls(next, signIn)
	if _, err := f.look().Exec(`INSERT INTO badges (tenant_id, id) SELECT tenant_id, 'one' FROM tenants`); err != nil {
		t.Error(err)
	}
	f.rolls(this, signIn)
	for at := range testkit.Rounds(1, len(f.backends)) {
		f.drains(at, next)
		signIn()
	}
	if !strings.Contains(f.backends[1].server.Log(), "newer than this program") && !testkit.Soak() {
		t.Errorf("this version says nothing of the newer schema:\n%s", f.backends[1].server.Log())
	}
	load.ends()
}

// TestKeptConnectionIsAnsweredWhileDraining: a load balancer that keeps its connections may send
// the next request over one of them after the server was told to stop and before it is seen not
// to be ready. It is answered, and the connection is given up by the answer, not under the request.
func TestKeptConnectionIsAnsweredWhileDraining(t *testing.T) {
	t.Parallel()
	o := operates(t, sqliteURL(t))
	seeded(t, o.database)
	o.serve()
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", o.address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	answers := bufio.NewReader(conn)
	ask := func() *http.Response {
		t.Helper()
		r := o.idp().Client("machine").NewCall("/oauth/token", url.Values{"grant_type": {"client_credentials"}})
		if err := r.Write(conn); err != nil {
			t.Fatal(err)
		}
		a, err := http.ReadResponse(answers, r)
		if err != nil {
			t.Fatalf("a request over a kept connection is not answered: %v", err)
		}
		_, _ = io.Copy(io.Discard, a.Body)
		_ = a.Body.Close()
		return a
	}
	if a := ask(); a.StatusCode != http.StatusOK || a.Close {
		t.Fatalf("before: %d, closing %v", a.StatusCode, a.Close)
	}
	o.server.Signal(syscall.SIGTERM)
	eventually(t, 5*time.Second, "it is not ready", func() bool {
		status, _ := fetched("http://" + o.ops + "/readyz")
		return status == http.StatusServiceUnavailable
	})
	if a := ask(); a.StatusCode != http.StatusOK || !a.Close {
		t.Errorf("while it drains: %d, closing %v", a.StatusCode, a.Close)
	}
	if code := o.server.Wait(t); code != 0 {
		t.Errorf("it ended with %d", code)
	}
}
