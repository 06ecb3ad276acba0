package loginui_test

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/gin-gonic/gin"
	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/flow"
)

// look is one way of looking at a page.
type look struct {
	name   string
	lang   string
	scheme string
	width  int64
}

// looks are the ways in which each page is looked at: the usual one, and one that
// is different in everything. The long run takes each difference by itself.
func looks() []look {
	all := []look{
		{"light", "en", "light", 800},
		{"narrow-dark-rtl", "ar-XB", "dark", 320},
	}
	if testkit.Soak() {
		all = append(all, look{"dark", "en", "dark", 800}, look{"rtl", "ar-XB", "light", 800}, look{"narrow-de", "de", "light", 320})
	}
	return all
}

// Every page in every state, in each look, is free of what axe finds (WCAG 2.2 A
// and AA, best practices), fits the window, and runs without a complaint of the browser.
func TestPagesAreAccessible(t *testing.T) {
	t.Parallel()
	axe, err := os.ReadFile(filepath.Join(testkit.Root(), "internal", "e2e", "testdata", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	server, names := serveCases(t)
	for _, look := range looks() {
		t.Run(look.name, func(t *testing.T) {
			for some := range slices.Chunk(look.of(names), pagesPerBrowser) {
				inspectAll(t, some, look, server.URL, string(axe))
			}
		})
	}
}

// of are the pages that are looked at so: all of them in the usual look, and in the long
// run; otherwise every other state, since all states of a page share how it looks.
func (l look) of(names []string) []string {
	if l.scheme == "light" || testkit.Soak() {
		return names
	}
	var out []string
	for at, name := range names {
		if at%2 == 0 {
			out = append(out, name)
		}
	}
	return out
}

// pagesPerBrowser is how many pages one browser shows within its time.
const pagesPerBrowser = 75

func inspectAll(t *testing.T, names []string, look look, server, axe string) {
	t.Helper()
	t.Run("from "+names[0], func(t *testing.T) {
		t.Parallel() // a browser for each processor
		ctx := testkit.Chromium(t)
		complaints := listen(ctx)
		for _, name := range names {
			if name == "form-post" {
				continue // it sends itself away; see TestFormPostSendsItself
			}
			inspect(t, ctx, complaints, look, server, name, axe)
		}
	})
}

// inspect opens one page in a look and reports what is wrong with it.
func inspect(t *testing.T, ctx context.Context, complaints *console, look look, server, name, axe string) {
	t.Helper()
	complaints.reset()
	var text string
	err := chromedp.Run(ctx, append(see(look, server+"/case/"+name+"?lang="+look.lang),
		chromedp.Evaluate(axe, nil),
		chromedp.Evaluate(inspection, &text, awaitPromise))...)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for _, problem := range findings(t, text) {
		t.Errorf("%s: %s", name, problem)
	}
	for _, problem := range complaints.take() {
		t.Errorf("%s: the browser says %s", name, problem)
	}
	keepPicture(t, ctx, name+"-"+look.name)
}

// inspection unfolds the page, runs axe and measures what that can not know. It answers with a list of texts.
const inspection = `(async () => {
  const found = [];
  for (const folded of document.querySelectorAll("details")) {
    folded.open = true;
  }
  const result = await axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  });
  for (const v of result.violations) {
    found.push(v.id + ": " + v.nodes.map((n) => n.html + " " + n.failureSummary).join(" | "));
  }
  if (document.documentElement.scrollWidth > document.documentElement.clientWidth) {
    found.push("the page is wider than the window");
  }
  for (const e of document.querySelectorAll("button, input:not([type=hidden]):not([type=checkbox]):not([type=radio]), .button, .check label, .choice label")) {
    const box = e.getBoundingClientRect();
    if (box.width && (box.height < 44 || box.width < 44)) {
      found.push("smaller than 44 px: " + e.outerHTML);
    }
  }
  if (document.querySelectorAll("h1").length !== 1) {
    found.push("not one h1");
  }
  const problem = document.getElementById("problem");
  if (problem && document.activeElement !== problem) {
    found.push("the problem is not focused, but " + document.activeElement.outerHTML);
  }
  return JSON.stringify(found);
})()`

func findings(t *testing.T, text string) []string {
	t.Helper()
	var out []string
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return out
}

// see opens a page in a look.
func see(l look, address string) []chromedp.Action {
	return []chromedp.Action{
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: l.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}),
		emulation.SetDeviceMetricsOverride(l.width, 800, 1, false),
		chromedp.Navigate(address),
		chromedp.WaitReady("h1", chromedp.ByQuery),
	}
}

// keepPicture writes what the browser shows to the folder that LANYARD_PICTURES names.
func keepPicture(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	folder := os.Getenv("LANYARD_PICTURES")
	if folder == "" {
		return
	}
	var picture []byte
	err := chromedp.Run(ctx, chromedp.ActionFunc(func(ctx context.Context) error {
		var err error
		picture, err = page.CaptureScreenshot().WithCaptureBeyondViewport(true).Do(ctx)
		return err
	}))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o644); err != nil {
		t.Fatal(err)
	}
}

// serveCases serves each case below /case/, as the development server would.
func serveCases(t *testing.T) (*httptest.Server, []string) {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	site := web.Site{Tenant: "ten_1", Slug: "default", Issuer: server.URL, Loopback: true, Dev: true}
	served := site
	served.Dev = false

	fresh, one := worlds(t), sync.Mutex{}
	var names []string
	add := func(c pageCase, s web.Site) {
		names = append(names, c.name)
		mux.HandleFunc("/case/"+c.name, func(rw http.ResponseWriter, r *http.Request) {
			one.Lock()
			defer one.Unlock()
			w := fresh(s)
			w.live.Tenant.Branding.Accent = "#e4a11b"
			w.live.Tenant.Policy.PrivacyURL, w.live.Tenant.Policy.TermsURL = "https://acme.example/privacy", "https://acme.example/terms"
			replay(rw, stays(c.show(w, "&lang="+r.URL.Query().Get("lang"))))
		})
	}
	for _, c := range cases(t) {
		add(c, site)
	}
	for _, c := range devCases() {
		add(c, site)
	}
	for _, c := range servedCases() {
		add(c, served)
	}
	files := newWorld(t, site)
	mux.HandleFunc("/assets/", func(rw http.ResponseWriter, r *http.Request) { replay(rw, files.do(r)) })
	mux.HandleFunc("/callback", func(rw http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(rw, "<title>client</title><h1>%s %s</h1>", r.Method, r.PostFormValue("state"))
	})
	return server, names
}

func replay(w http.ResponseWriter, rec *httptest.ResponseRecorder) {
	for name, values := range rec.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes())
}

// notable are complaints of a browser that an answer with an error status always brings.
func notable(text string) bool {
	return !strings.Contains(text, "the server responded with a status of")
}

// until evaluates a script again and again, over navigations as well, until its
// text is right or the time is over. (chromedp.Poll needs eval, which the pages forbid.)
func until(right func(string) bool, patience time.Duration, script string, into *string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			if err := chromedp.Evaluate(script, into).Do(ctx); err == nil && right(*into) {
				return nil
			}
		}
		return nil
	})
}

// A person signs in by a form, the redirects after it lead to the application's
// callback, and that leads on to another origin of the application. Browsers hold
// all of it against form-action of our page.
func TestApplicationMayLeadOnAfterItsCallback(t *testing.T) {
	ctx := testkit.Chromium(t)
	said := listen(ctx)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, "<title>front</title><h1>the application</h1>")
	}))
	t.Cleanup(front.Close)
	for host, want := range map[string]string{"127.0.0.1": "the application", "localhost": "the application", "evil.localhost": "Sign in to Web app"} {
		elsewhere := strings.Replace(front.URL, "127.0.0.1", host, 1)
		back := httptest.NewServer(http.RedirectHandler(elsewhere, http.StatusFound))
		t.Cleanup(back.Close)
		provider := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/oauth/resume" {
				http.Redirect(rw, r, back.URL, http.StatusFound)
				return
			}
			w := newWorld(t, web.Site{Slug: "default", Issuer: "http://" + r.Host, Loopback: true})
			w.flow.page, w.flow.moved = due(flow.StepPassword), flow.Moved{Next: flow.StepDone}
			w.flow.page.RedirectOrigin = back.URL
			replay(rw, w.do(r))
		}))
		t.Cleanup(provider.Close)

		var heading string
		err := chromedp.Run(ctx,
			chromedp.Navigate(provider.URL+rawQuery("/login/password")),
			chromedp.SendKeys("#password", "x", chromedp.ByQuery),
			chromedp.Click("#login-submit", chromedp.ByQuery),
			until(func(text string) bool { return text == "the application" }, time.Second, `document.querySelector("h1")?.textContent ?? ""`, &heading))
		if err != nil {
			t.Fatalf("%s: %v", host, err)
		}
		if heading != want {
			t.Errorf("by way of %s: on %q, want %q; the browser says %v", host, heading, want, said.take())
		}
	}
}

// The answer by form_post sends itself on; with the browser's Back it is not sent
// again, and without script there is a button.
func TestFormPostSendsItself(t *testing.T) {
	for name, script := range map[string]bool{"with script": true, "without script": false} {
		ctx := testkit.Chromium(t)
		said := listen(ctx)
		var posts atomic.Int32
		client := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				posts.Add(1)
			}
			_, _ = fmt.Fprintf(w, "<title>client</title><h1>%s %s %s</h1>", r.Method, html.EscapeString(r.PostFormValue("state")), r.Header.Get("Origin"))
		}))
		t.Cleanup(client.Close)
		provider := httptest.NewUnstartedServer(nil)
		site := web.Site{Slug: "default", Issuer: "http://" + provider.Listener.Addr().String(), Loopback: true}
		provider.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			w := newWorld(t, site)
			w.rendered = func(c *gin.Context) error {
				a, err := web.NewAnswer([]string{client.URL}, client.URL, url.Values{"state": {"&lt;b>'\""}})
				if err != nil {
					return err
				}
				return w.pages.FormPost(c, a, webApp(), nil)
			}
			replay(rw, w.do(r))
		})
		provider.Start()
		t.Cleanup(provider.Close)

		var heading string
		steps := []chromedp.Action{emulation.SetScriptExecutionDisabled(!script), chromedp.Navigate(provider.URL + "/render")}
		if !script {
			steps = append(steps, chromedp.Click("#form-post button", chromedp.ByQuery))
		}
		steps = append(steps, until(func(text string) bool { return strings.HasPrefix(text, "POST") }, 5*time.Second, `document.querySelector("h1")?.textContent ?? ""`, &heading))
		if err := chromedp.Run(ctx, steps...); err != nil {
			t.Fatalf("%s: %v, the browser says %v", name, err, said.take())
		}
		if want := "POST &lt;b>'\" " + site.Issuer; heading != want {
			t.Errorf("%s: the client got %q, want %q", name, heading, want)
		}
		if err := chromedp.Run(ctx, chromedp.Evaluate(`setTimeout(() => history.back())`, nil), chromedp.Sleep(500*time.Millisecond)); err != nil {
			t.Fatalf("%s, going back: %v", name, err)
		}
		if got := posts.Load(); got != 1 {
			t.Errorf("%s: the answer was sent %d times", name, got)
		}
	}
}

// What script adds to the password page.
func TestScriptShowsThePasswordAndSaysThatItWorks(t *testing.T) {
	ctx := testkit.Chromium(t)
	said := listen(ctx)
	const slow = time.Second // longer than the 400 ms after which the page says so
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			time.Sleep(slow)
		}
		w := newWorld(t, web.Site{Slug: "default", Issuer: "http://" + r.Host, Loopback: true})
		w.flow.page, w.flow.err = due(flow.StepPassword), lanyard.ErrWrongCredentials
		replay(rw, w.do(r))
	}))
	t.Cleanup(server.Close)

	var before, shown, after, pressed, progress string
	const kind = `document.getElementById("password").type`
	err := chromedp.Run(ctx,
		chromedp.Navigate(server.URL+rawQuery("/login/password")),
		chromedp.SendKeys("#password", "secret", chromedp.ByQuery),
		chromedp.Evaluate(kind, &before),
		chromedp.Click("#password-show", chromedp.ByQuery),
		chromedp.Evaluate(kind, &shown),
		chromedp.AttributeValue("#password-show", "aria-pressed", &pressed, nil, chromedp.ByQuery),
		chromedp.Click("#password-show", chromedp.ByQuery),
		chromedp.Evaluate(kind, &after),
		chromedp.Evaluate(watchProgress, nil),
		chromedp.Evaluate(`document.getElementById("login-submit").click()`, nil),
		until(func(text string) bool { return text != "" }, 5*time.Second, `sessionStorage.getItem("progress") ?? ""`, &progress),
	)
	if err != nil {
		t.Fatal(err, said.take())
	}
	if diff := cmp.Diff([]string{"password", "text", "password"}, []string{before, shown, after}); diff != "" || pressed != "true" {
		t.Errorf("%s pressed %q", diff, pressed)
	}
	if progress != "Just a moment…" {
		t.Errorf("progress is %q", progress)
	}
}

// watchProgress notes what the page says while the form is under way; the browser
// answers no question before the next page is there.
const watchProgress = `new MutationObserver((changes) => {
  sessionStorage.setItem("progress", changes[0].target.textContent);
}).observe(document.querySelector(".progress"), { childList: true })`
