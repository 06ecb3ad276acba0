package e2e

import (
	"debug/buildinfo"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/lanyard-id/lanyard/internal/testkit"
)

// The memory a server may hold while many sign in at once (ATTACKS.md 122).
const stormMemory = 400 << 20

// TestStormOfSignIns lets many people in many places send a password at the same
// moment. A few are served at a time, the rest is told to come back; memory stays
// bounded, and the server is well afterwards.
func TestStormOfSignIns(t *testing.T) {
	o := operates(t, sqliteURL(t)).with("LANYARD_SERVER_TRUSTED_PROXIES=127.0.0.1/32")
	seeded(t, o.database)
	o.serve()
	storm := make([]*http.Request, testkit.Rounds(250, 500))
	var ready sync.WaitGroup
	for worker := range 4 {
		ready.Go(func() {
			for n := worker; n < len(storm); n += 4 {
				storm[n] = o.passwordOf(n)
			}
		})
	}
	ready.Wait()
	statuses := map[int]int{}
	var mu sync.Mutex
	var group sync.WaitGroup
	start := make(chan struct{})
	for _, r := range storm {
		group.Go(func() {
			<-start
			a := ask(r)
			mu.Lock()
			defer mu.Unlock()
			statuses[a.status]++
			comesBack := a.status == http.StatusServiceUnavailable && a.header.Get("Retry-After") != ""
			if a.status != http.StatusOK && !comesBack {
				t.Errorf("%d (%v), Retry-After %q", a.status, a.err, a.header.Get("Retry-After"))
			}
		})
	}
	close(start)
	group.Wait()
	peak := mostMemory(o.server.PID())
	t.Logf("%v, at most %d MiB", statuses, peak>>20)
	if statuses[http.StatusOK] == 0 || statuses[http.StatusServiceUnavailable] == 0 {
		t.Errorf("it was no storm, or nobody got through: %v", statuses)
	}
	if peak > stormMemory && !detectsRaces(t) {
		t.Errorf("the server held %d MiB", peak>>20)
	}
	o.await()
	web := o.idp().Client("web")
	if a := web.Exchange(web.Code(o.idp().Browser(), ada, adaPassword, nil), nil); a.Status != http.StatusOK {
		t.Errorf("after the storm: %d %s", a.Status, a.Raw)
	}
}

// passwordOf is the last request of a sign-in of somebody, each from a place of their own.
func (o *operator) passwordOf(n int) *http.Request {
	o.t.Helper()
	b := o.idp().Browser()
	page := b.Press(b.Get(o.idp().Client("web").Authorize(nil)), "login-continue", url.Values{"username": {fmt.Sprintf("nobody-%d@example.test", n)}})
	form := b.Form(page, "login-submit")
	form.Values.Set("password", "the-password-of-nobody")
	action, err := page.URL.Parse(form.Action)
	if err != nil {
		o.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(o.t.Context(), http.MethodPost, action.String(), strings.NewReader(form.Values.Encode()))
	if err != nil {
		o.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("X-Forwarded-For", fmt.Sprintf("198.51.%d.%d", n/200, n%200+1))
	for _, c := range b.Cookies() {
		r.AddCookie(c)
	}
	return r
}

// mostMemory is what a process has held at most, in bytes; 0 where the system does not say.
func mostMemory(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		var kib int64
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kib); err == nil {
			return kib << 10
		}
	}
	return 0
}

// detectsRaces tells whether the binary is built with the race detector, which
// needs several times the memory.
func detectsRaces(t *testing.T) bool {
	t.Helper()
	info, err := buildinfo.ReadFile(testkit.Binary(t))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(info.Settings, func(s debug.BuildSetting) bool { return s.Key == "-race" && s.Value == "true" })
}

// TestLongPasswordIsRefusedUnhashed: beyond 1024 bytes nothing is hashed.
func TestLongPasswordIsRefusedUnhashed(t *testing.T) {
	o := operates(t, sqliteURL(t))
	seeded(t, o.database)
	o.serve()
	b := o.idp().Browser()
	page := b.Press(b.Get(o.idp().Client("web").Authorize(nil)), "login-continue", url.Values{"username": {ada}})
	hashes := func() string {
		_, text := fetched("http://" + o.ops + "/metrics")
		_, count, _ := strings.Cut(text, "\npassword_hash_seconds_count ")
		count, _, _ = strings.Cut(count, "\n")
		return count
	}
	before := hashes()
	for _, length := range []int{1025, 60_000, 128 << 10} {
		answer := b.Press(page, "login-submit", url.Values{"password": {strings.Repeat("x", length)}})
		if answer.Status != http.StatusBadRequest && answer.Status != http.StatusRequestEntityTooLarge {
			t.Errorf("%d bytes: %s", length, answer)
		}
	}
	if after := hashes(); after != before || before == "" {
		t.Errorf("%q hashes became %q", before, after)
	}
	if answer := b.Press(page, "login-submit", url.Values{"password": {adaPassword}}); answer.Away == nil {
		t.Errorf("the right password afterwards leads to %s", answer)
	}
}
