package e2e

import (
	"context"
	"math"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
	"github.com/lanyard-id/lanyard/storage"
)

// freeGuesses is how many wrong passwords against one account are looked at
// without delay; each further one waits twice as long as the one before.
const freeGuesses = 8

// TestGuessesAreCountedOverProcesses sends 200 wrong passwords against one account
// at once, spread over three processes on one database: no more are looked at than
// one process would, whatever spelling of the name was typed.
func TestGuessesAreCountedOverProcesses(t *testing.T) {
	t.Parallel()
	database := testkit.Postgres(t)
	seeded(t, database)
	all := replicas(t, database, 3)
	i := idp.At(t, all[0].issuer, addresses(all)...)
	guesses := guessesAt(t, i, 200)
	began := time.Now()
	statuses := map[int]int{}
	var mu sync.Mutex
	var group sync.WaitGroup
	start := make(chan struct{})
	for _, guess := range guesses {
		group.Go(func() {
			<-start
			status := guess()
			mu.Lock()
			defer mu.Unlock()
			statuses[status]++
		})
	}
	close(start)
	group.Wait()
	allowed := freeGuesses + int(math.Log2(time.Since(began).Seconds()+1)) + 1
	looked := lookedAt(t, database)
	t.Logf("%d of 200 guesses were looked at in %v: %v", looked, time.Since(began).Round(time.Millisecond), statuses)
	if looked == 0 || looked > allowed {
		t.Errorf("%d guesses were looked at, %d are allowed", looked, allowed)
	}
	if statuses[http.StatusOK] != looked || statuses[http.StatusTooManyRequests] == 0 {
		t.Errorf("the answers are %v", statuses)
	}
	for status := range statuses {
		if status != http.StatusOK && status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable {
			t.Errorf("somebody was answered %d", status)
		}
	}
}

// guessesAt prepares wrong passwords, each in a browser of its own.
func guessesAt(t *testing.T, i *idp.IDP, n int) []func() int {
	t.Helper()
	out := make([]func() int, n)
	web := i.Client("web")
	spellings := []string{ada, "ADA@example.test", " ada@EXAMPLE.test ", "ada", "Ada"}
	for at := range out {
		b := i.Browser()
		page := b.Press(b.Get(web.Authorize(nil)), "login-continue", url.Values{"username": {spellings[at%len(spellings)]}})
		form := b.Form(page, "login-submit")
		form.Values.Set("password", "a guess of somebody else")
		action, err := page.URL.Parse(form.Action)
		if err != nil {
			t.Fatal(err)
		}
		body := form.Values.Encode()
		out[at] = func() int {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, action.String(), strings.NewReader(body))
			if err != nil {
				return 0
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Sec-Fetch-Site", "same-origin")
			for _, c := range b.Cookies() {
				r.AddCookie(c)
			}
			return i.Status(r)
		}
	}
	return out
}

// lookedAt counts the wrong passwords that were verified.
func lookedAt(t *testing.T, database string) int {
	t.Helper()
	ctx := context.Background()
	store, err := storage.Open(ctx, storage.Config{URL: database})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	tenant, err := store.TenantBySlug(ctx, lanyard.DefaultTenant)
	if err != nil {
		t.Fatal(err)
	}
	events, err := store.Tenant(tenant.ID).Events(ctx, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range events {
		if e.Type == lanyard.EventSignInFailed && e.UserID != "" {
			n++
		}
	}
	return n
}
