package loginui_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/web"
)

// look is one way of looking at a page.
type look struct {
	name   string
	lang   string
	scheme string
	width  int64
}

var looks = []look{
	{"light", "en", "light", 800},
	{"dark", "en", "dark", 800},
	{"rtl", "ar-XB", "light", 800},
	{"rtl-dark", "ar-XB", "dark", 800},
	{"narrow-de", "de", "light", 320},
}

// Every page in every state, in each look, is free of what axe finds (WCAG 2.2 A
// and AA, best practices), fits the window, and runs without a complaint of the browser.
func TestPagesAreAccessible(t *testing.T) {
	ctx := testkit.Chromium(t)
	axe, err := os.ReadFile(filepath.Join(testkit.Root(), "internal", "e2e", "testdata", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	server, names := serveCases(t)
	complaints := listen(ctx)
	for _, look := range looks {
		for _, name := range names {
			if name == "form-post" {
				continue // it sends itself away; see TestFormPostSendsItself
			}
			address := server.URL + "/case/" + name + "?lang=" + look.lang
			complaints.reset()
			var text string
			err := chromedp.Run(ctx, append(see(look, address),
				chromedp.Evaluate(string(axe), nil),
				chromedp.Evaluate(inspection, &text, awaitPromise))...)
			if err != nil {
				t.Fatalf("%s in %s: %v", name, look.name, err)
			}
			for _, problem := range findings(t, text) {
				t.Errorf("%s in %s: %s", name, look.name, problem)
			}
			for _, problem := range complaints.take() {
				t.Errorf("%s in %s: the browser says %s", name, look.name, problem)
			}
			keepPicture(t, ctx, name+"-"+look.name)
		}
	}
}

// inspection runs axe and measures what it can not know. It answers with a list of texts.
const inspection = `(async () => {
  const found = [];
  const result = await axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  });
  for (const v of result.violations) {
    found.push(v.id + ": " + v.nodes.map((n) => n.html + " " + n.failureSummary).join(" | "));
  }
  if (document.documentElement.scrollWidth > document.documentElement.clientWidth) {
    found.push("the page is wider than the window");
  }
  for (const e of document.querySelectorAll("button, input:not([type=hidden]):not([type=checkbox]), .button, .check label")) {
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

	var names []string
	add := func(c pageCase, s web.Site) {
		names = append(names, c.name)
		mux.HandleFunc("/case/"+c.name, func(rw http.ResponseWriter, r *http.Request) {
			w := newWorld(t, s)
			w.live.Tenant.Branding.Accent = "#e4a11b"
			w.live.Tenant.Policy.PrivacyURL, w.live.Tenant.Policy.TermsURL = "https://acme.example/privacy", "https://acme.example/terms"
			replay(rw, c.show(w, "&lang="+r.URL.Query().Get("lang")))
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
