package e2e

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

// TestDatabaseIsRestored backs up a database that is served and written to, brings it back,
// and begins a new epoch by the command, as docs/operate.md says (ATTACKS.md 277, 287).
func TestDatabaseIsRestored(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		o := operates(t, database)
		seeded(t, database)
		o.serve()
		web := o.idp().Client("web")
		f := &family{last: web.Exchange(web.Code(o.idp().Browser(), ada, adaPassword, nil), nil).Text("refresh_token")}
		stop := make(chan struct{})
		ended := make(chan int)
		go func() { ended <- f.rotateUntil(web, stop) }()
		back := o.backsUp()
		close(stop)
		if n := <-ended; n == 0 {
			t.Fatal("nothing was written during the backup")
		}
		o = back(o)
		text := o.must("restored", "--rotate-keys")
		for _, want := range []string{"default:", "1 sessions", "1 grants", "signing_keys", "Everybody signs in anew"} {
			if !strings.Contains(text, want) {
				t.Errorf("restored does not say %q:\n%s", want, text)
			}
		}
		if text := o.must("restored"); strings.Contains(text, "sessions") || !strings.Contains(text, "run this again with --rotate-keys") {
			t.Errorf("a second time it says:\n%s", text)
		}
		o.serve()
		for _, token := range []string{f.last, f.parent} {
			if a := web.Refresh(token, nil); a.Status == 200 {
				t.Errorf("a refresh token from before is taken: %s", a.Raw)
			}
		}
		if a := web.Exchange(web.Code(o.idp().Browser(), ada, adaPassword, nil), nil); a.Status != 200 {
			t.Errorf("nobody signs in anew: %s", a.Raw)
		}
		fsck(o)
		o.server.Kill()
	})
}

// rotateUntil rotates until it is told to stop, and tells how often it did.
func (f *family) rotateUntil(web *idp.Client, stop <-chan struct{}) int {
	for n := 0; ; n++ {
		select {
		case <-stop:
			return n
		default:
		}
		a, err := web.Try("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {f.last}})
		if err != nil || a.Status != 200 {
			return n
		}
		f.parent, f.last = f.last, a.Text("refresh_token")
	}
}

// backsUp makes a backup of the running database, and gives how to bring it back: the server
// is stopped, and the operator that is returned has what was backed up.
func (o *operator) backsUp() func(*operator) *operator {
	o.t.Helper()
	path, isSQLite := strings.CutPrefix(o.database, "sqlite:")
	file := filepath.Join(o.folder, "backup.db")
	if !isSQLite {
		if code, text := o.run("backup", file); code != 2 || !strings.Contains(text, "pg_dump") {
			o.t.Errorf("backup of PostgreSQL ends with %d %s", code, text)
		}
		copied := testkit.Postgres(o.t)
		testkit.CopyPostgres(o.t, o.database, copied)
		return func(o *operator) *operator {
			o.server.Kill()
			out := o.with("LANYARD_DATABASE_URL=" + copied)
			out.database = copied
			return out
		}
	}
	o.must("backup", file)
	if code, text := o.run("backup", file); code != 1 || !strings.Contains(text, "never overwritten") {
		o.t.Errorf("a second backup to the same file ends with %d %s", code, text)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		o.t.Errorf("the backup is %v, %v", info, err)
	}
	return func(o *operator) *operator {
		if code, text := o.run("restored"); code != 1 || !strings.Contains(text, "another server uses") {
			o.t.Errorf("restored beside a server ends with %d %s", code, text)
		}
		o.server.Kill()
		for _, suffix := range []string{"", "-wal", "-shm"} {
			if err := os.Remove(path + suffix); err != nil && !os.IsNotExist(err) {
				o.t.Fatal(err)
			}
		}
		data, err := os.ReadFile(file)
		if err != nil {
			o.t.Fatal(err)
		}
		o.cutIsRefused(path, data)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			o.t.Fatal(err)
		}
		return o
	}
}

// cutIsRefused lets half a copy be served, and restored.
func (o *operator) cutIsRefused(path string, whole []byte) {
	o.t.Helper()
	if err := os.WriteFile(path, whole[:len(whole)/2], 0o600); err != nil {
		o.t.Fatal(err)
	}
	o.refuses("is damaged (it has ")
	if code, text := o.run("restored"); code != 1 || !strings.Contains(text, "is damaged") {
		o.t.Errorf("half a copy is restored: %d %s", code, text)
	}
}
