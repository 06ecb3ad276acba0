package loginui_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/internal/web"
	loginui "github.com/lanyard-id/lanyard/login-ui"
	"github.com/lanyard-id/lanyard/tenants"
)

var captured = loginui.Mail{
	ID: "dlv_1", To: "ada@example.test", Subject: "Your Acme code is 482 913", Text: "482 913\n", HTML: "<p>482 913</p>", At: now, Kind: "code",
	Code: "482913", Link: "http://localhost:8080/login/code?t=x&u=y",
}

func TestOutboxSpeaksJSONToPrograms(t *testing.T) {
	for name, ask := range map[string]func(*http.Request){
		"by header": func(r *http.Request) { r.Header.Set("Accept", "application/json") },
		"by query":  func(r *http.Request) { r.URL.RawQuery += "&format=json" },
	} {
		w := newWorld(t, local)
		w.dev.mails = []loginui.Mail{captured}
		r := httptest.NewRequest("GET", "/dev/outbox?to=Ada@example.test&after=dlv_0&wait=1500ms", nil)
		ask(r)
		rec := w.do(r)
		want := `{"mails":[{"id":"dlv_1","to":"ada@example.test","subject":"Your Acme code is 482 913","text":"482 913\n","html":"\u003cp\u003e482 913\u003c/p\u003e",` +
			`"at":"2031-01-02T03:04:05Z","kind":"code","code":"482913","link":"http://localhost:8080/login/code?t=x\u0026u=y"}]}`
		if rec.Code != 200 || rec.Body.String() != want || rec.Header().Get("Content-Type") != "application/json" || rec.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v\n%s", name, rec.Code, rec.Header(), rec.Body)
		}
		if rec.Header().Get("Access-Control-Allow-Origin") != "" || rec.Header().Get("Vary") != "Accept" {
			t.Errorf("%s: %v", name, rec.Header())
		}
		if diff := cmp.Diff(loginui.MailSearch{To: "Ada@example.test", After: "dlv_0", Wait: 1500 * time.Millisecond}, w.dev.searched); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestOutboxWithoutMailsIsAnEmptyList(t *testing.T) {
	w := newWorld(t, local)
	if rec := w.get("/dev/outbox?format=json"); rec.Body.String() != `{"mails":[]}` {
		t.Errorf("got %s", rec.Body)
	}
}

func TestOutboxShowsPeopleCodeAndLink(t *testing.T) {
	w := newWorld(t, local)
	w.dev.mails = []loginui.Mail{captured}
	r := httptest.NewRequest("GET", "/dev/outbox?to=ada@example.test", nil)
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	rec := w.do(r)
	for _, part := range []string{"<code>482913</code>", `<a href="http://localhost:8080/login/code?t=x&amp;u=y">`, "<pre"} {
		if !strings.Contains(rec.Body.String(), part) {
			t.Errorf("no %s in\n%s", part, rec.Body)
		}
	}
	if w.dev.searched.To != "ada@example.test" || w.dev.searched.Wait != 0 {
		t.Errorf("got %+v", w.dev.searched)
	}
}

func TestWaitOfTheOutboxIsSecondsOrADuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "10": 10 * time.Second, "10s": 10 * time.Second, "250ms": 250 * time.Millisecond,
		"61": time.Minute, "2h": time.Minute, "9223372036854775807": time.Minute,
		"-1": -1, "-1s": -1, "soon": -1, "99999999999999999999": -1, "1e3": -1,
	} {
		w := newWorld(t, local)
		rec := w.get("/dev/outbox?format=json&wait=" + text)
		if want >= 0 && (rec.Code != 200 || w.dev.searched.Wait != want) {
			t.Errorf("%q: %d, %v", text, rec.Code, w.dev.searched.Wait)
		}
		var problem struct{ Error string }
		if want < 0 && (rec.Code != 400 || json.Unmarshal(rec.Body.Bytes(), &problem) != nil || problem.Error != "bad_input") {
			t.Errorf("%q: %d %s", text, rec.Code, rec.Body)
		}
	}
	w := newWorld(t, local)
	if rec := w.get("/dev/outbox?wait=soon"); rec.Code != 400 || !strings.Contains(rec.Body.String(), "<html") {
		t.Errorf("people get %d %s", rec.Code, rec.Body)
	}
}

// slowDevelopment has its mail only after the limits of a usual request.
type slowDevelopment struct {
	loginui.Development
	after time.Duration
}

func (d slowDevelopment) Outbox(ctx context.Context, _ *tenants.Live, _ loginui.MailSearch) ([]loginui.Mail, error) {
	ctx, cancel := context.WithTimeout(ctx, d.after)
	defer cancel()
	<-ctx.Done()
	if context.Cause(ctx) != context.DeadlineExceeded { //nolint:errorlint // it is that very one
		return nil, nil
	}
	return []loginui.Mail{captured}, nil
}

// TestWaitOutlivesTheLimitsOfTheServer for reading a request and writing its answer.
func TestWaitOutlivesTheLimitsOfTheServer(t *testing.T) {
	w := newWorld(t, local)
	w.pages.Development = slowDevelopment{w.dev, 600 * time.Millisecond}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.handler.ServeHTTP(rw, r.WithContext(tenants.WithLive(web.WithSite(r.Context(), w.site), w.live)))
	}))
	server.Config.ReadTimeout, server.Config.WriteTimeout = 200*time.Millisecond, 300*time.Millisecond
	server.Start()
	defer server.Close()
	answer, err := server.Client().Get(server.URL + "/dev/outbox?format=json&wait=1")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var got struct{ Mails []loginui.Mail }
	if err := json.NewDecoder(answer.Body).Decode(&got); err != nil || len(got.Mails) != 1 {
		t.Errorf("got %v %v", got, err)
	}
}
