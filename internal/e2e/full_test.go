package e2e

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/lanyard-id/lanyard/internal/testkit"
)

// TestFullDisk fills the file system under SQLite: what needs space is refused with
// 503 and leaves nothing behind, what only reads goes on, and with space everything
// works again (ATTACKS.md 275).
func TestFullDisk(t *testing.T) {
	folder := smallDisk(t)
	o := operates(t, "sqlite:"+filepath.Join(folder, "lanyard.db"))
	seeded(t, o.database)
	o.serve()
	v := o.visits()
	for range testkit.Rounds(2, 20) {
		free := fillUp(t, folder)
		outages := map[string]int{}
		for range 30 { // the journal may have room left from before
			for name, r := range v.deeds() {
				a := ask(again(t, r))
				switch {
				case a.status == http.StatusServiceUnavailable && a.header.Get("Retry-After") != "":
					outages[name]++
				case a.status >= http.StatusInternalServerError || a.status == 0:
					t.Errorf("%s on a full disk: %d (%v)", name, a.status, a.err)
				case name == "refresh" && a.status == http.StatusOK, name == "code" && a.status == http.StatusOK:
					// It had room; what it answered is looked at below.
				case (name == "userinfo" || name == "introspection") && a.status != http.StatusOK:
					t.Errorf("%s on a full disk: %d", name, a.status)
				}
			}
		}
		if outages["sign-in page"] == 0 {
			t.Errorf("the disk was never full: %v", outages)
		}
		free()
		eventually(t, outageRecovery, "a sign-in works again", func() bool {
			return ask(again(t, v.deeds()["sign-in page"])).status == http.StatusFound
		})
		v = o.visits()
		fsck(o)
	}
	o.server.Kill()
	o.serve()
	if a := v.web.Call("/oauth/introspect", url.Values{"token": {v.tokens.Text("refresh_token")}}); a.Body["active"] != true {
		t.Errorf("after a restart the refresh token is dead: %s", a.Raw)
	}
	fsck(o)
}

// smallDisk mounts a file system of a few megabytes.
func smallDisk(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=6m,mode=0700"); err != nil {
		t.Skipf("a small file system can not be mounted here (%v); run as root", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return folder
}

// fillUp takes all the space that is left; the function it returns gives it back.
func fillUp(t *testing.T, folder string) func() {
	t.Helper()
	path := filepath.Join(folder, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{64 << 10, 4 << 10, 1} {
		for block := make([]byte, size); ; {
			if _, err := f.Write(block); err != nil {
				break
			}
		}
	}
	_ = f.Close()
	return func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}
