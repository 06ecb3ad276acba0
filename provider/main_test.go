package provider_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
	"github.com/lanyard-id/lanyard/internal/testkit/schema"
)

func TestMain(m *testing.M) { testkit.Main(m, schema.Newest) }

// onBothDatabases runs a test against SQLite and against PostgreSQL, side by side.
func onBothDatabases(t *testing.T, test func(t *testing.T, i *idp.IDP)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, idp.Start(t, idp.Options{}))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, idp.Start(t, idp.Options{Database: testkit.FastPostgres(t)}))
	})
}

// one is a parameter with one value.
func one(pairs ...string) url.Values {
	out := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		out.Add(pairs[i], pairs[i+1])
	}
	return out
}

// wantError fails unless the answer is the OAuth error with the status.
func wantError(t *testing.T, a idp.Answer, status int, code string) {
	t.Helper()
	if a.Status != status || a.Text("error") != code {
		t.Errorf("answered %d %q, want %d %s\n%s", a.Status, a.Text("error"), status, code, a.Raw)
	}
	if a.Text("access_token") != "" || a.Text("refresh_token") != "" {
		t.Error("the refusal carries a token")
	}
	if got := a.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control is %q", got)
	}
}

// wantAway fails unless the browser was sent to the client with the error.
func wantAway(t *testing.T, p *idp.Page, code string) {
	t.Helper()
	if p.Away == nil {
		t.Fatalf("the client got no answer: %s\n%s", p, p.Body)
	}
	q := p.Away.Query()
	if q.Get("error") != code {
		t.Errorf("the client got %s, want error %s", p.Away, code)
	}
	if code != "" && q.Has("code") {
		t.Error("the refusal carries a code")
	}
}

// wantLocal fails unless the page is a local error that names the word.
func wantLocal(t *testing.T, p *idp.Page, word string) {
	t.Helper()
	if p.Status != http.StatusBadRequest || p.Header.Get("Location") != "" {
		t.Errorf("answered %s to %q, want a local 400", p, p.Header.Get("Location"))
	}
	if word != "" && !contains(p.Body, word) {
		t.Errorf("the page does not name %s:\n%s", word, p.Body)
	}
	if p.Header.Get("X-Request-Id") == "" || !contains(p.Body, p.Header.Get("X-Request-Id")) {
		t.Error("the page does not show the request id")
	}
}
