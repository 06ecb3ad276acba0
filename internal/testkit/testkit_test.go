package testkit

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

func TestBrowserShowsPagesAndReachesNothingElse(t *testing.T) {
	ctx := Chromium(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("<!doctype html><h1 id=host>" + r.Host + "</h1>"))
	}))
	defer server.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "http://"), ":")
	for _, host := range []string{"127.0.0.1", "localhost", "tenant.localhost"} {
		var text string
		if err := chromedp.Run(ctx, chromedp.Navigate("http://"+host+":"+port), chromedp.Text("#host", &text)); err != nil {
			t.Fatalf("%s: %v", host, err)
		}
		if text != host+":"+port {
			t.Errorf("%s: the page shows %q", host, text)
		}
	}
	err := chromedp.Run(ctx, chromedp.Navigate("http://example.com:"+port))
	if err == nil || !strings.Contains(err.Error(), "ERR_NAME_NOT_RESOLVED") {
		t.Errorf("another name: %v", err)
	}
}

func TestBrowserKeepsNothingOfAnEarlierOne(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "yes", MaxAge: 3600})
		_, _ = w.Write([]byte("<!doctype html><p id=cookie>" + r.Header.Get("Cookie") + ".</p>"))
	}))
	defer server.Close()
	for range 2 {
		var text string
		if err := chromedp.Run(Chromium(t), chromedp.Navigate(server.URL), chromedp.Text("#cookie", &text)); err != nil {
			t.Fatal(err)
		}
		if text != "." {
			t.Errorf("the browser came with the cookie %q", text)
		}
	}
}

func TestProcessSpeaksInLines(t *testing.T) {
	p := Run(t, Command{Path: "sh", Args: []string{"-c", `echo starting; echo '{"n":1}'; echo "$WORD" >&2; read -r _; echo '{"n":2}'`},
		Env: []string{"WORD=aside"}})
	var line struct{ N int }
	p.Next(t, &line)
	if line.N != 1 {
		t.Errorf("the first line says %d", line.N)
	}
	p.Next(t, &line) // standard input is empty, so the program goes on
	if line.N != 2 {
		t.Errorf("the second line says %d", line.N)
	}
	if code := p.Wait(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if log := p.Log(); !strings.Contains(log, "aside") || !strings.Contains(log, "starting") {
		t.Errorf("the log says %q", log)
	}
}

func TestProcessIsStoppedAndKilled(t *testing.T) {
	polite := `trap 'exit 7' TERM; echo '{}'; while :; do sleep 0.01; done`
	p := Run(t, Command{Path: "sh", Args: []string{"-c", polite}})
	p.Next(t, &struct{}{})
	if code := p.Stop(); code != 7 {
		t.Errorf("a polite end has exit code %d", code)
	}
	p = Run(t, Command{Path: "sh", Args: []string{"-c", polite}})
	p.Next(t, &struct{}{})
	p.Kill()
	if code := p.Wait(t); code != -1 {
		t.Errorf("a kill has exit code %d", code)
	}
}

func TestFreePortsDiffer(t *testing.T) {
	if a, b := FreePort(t), FreePort(t); a == b || a == 0 {
		t.Errorf("ports %d and %d", a, b)
	}
}

func TestMissingProgramIsASkipOrAFailure(t *testing.T) {
	t.Setenv("LANYARD_TEST_TOOLS", t.TempDir())
	for require, want := range map[string]string{"0": "skipped", "1": "failed"} {
		t.Setenv("LANYARD_TEST_REQUIRE", require)
		probe := &recorder{TB: t}
		done := make(chan struct{})
		go func() {
			defer close(done)
			Need(probe, "oauth2-proxy")
		}()
		<-done
		if probe.outcome != want || !strings.Contains(probe.reason, "scripts/setup") {
			t.Errorf("with %s: %s, %q", require, probe.outcome, probe.reason)
		}
	}
}
