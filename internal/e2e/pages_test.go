package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/lanyard-id/lanyard/internal/testkit"
)

// shop is the application of a third party that a person signs in to.
type shop struct {
	*httptest.Server
	server *testkit.DevServer
}

// openShop starts the application and a provider that knows it.
func openShop(t *testing.T) shop {
	t.Helper()
	s := shop{Server: httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "<!doctype html><title>shop</title><h1 id=app>%s</h1>", url.PathEscape(r.FormValue("error")+r.FormValue("state")))
	}))}
	t.Cleanup(s.Close)
	s.server = testkit.Dev(t, "--seed", writeSeed(t, s.URL))
	return s
}

// ask is the address that begins a sign-in, with further parameters as pairs.
func (s shop) ask(pairs ...string) string {
	query := url.Values{
		"client_id": {"shop"}, "redirect_uri": {s.URL + "/callback"}, "response_type": {"code"}, "scope": {"openid profile email offline_access"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"}, "state": {"arrived"},
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		query.Set(pairs[i], pairs[i+1])
	}
	return s.server.Issuer + "/oauth/authorize?" + query.Encode()
}

// arrived tells what the application was told: the state, or error and state.
func (b browser) arrived() string { b.t.Helper(); return b.sees("#app") }

// press clicks a button and waits for the page that follows: old and new page often
// have the same elements.
func (b browser) press(id string) {
	b.t.Helper()
	b.do("mark the page", chromedp.Evaluate(`window.old = true`, nil))
	b.click(id)
	b.comesTo("the page after "+id, `!window.old && document.readyState === "complete"`)
}

// comesTo waits until an expression is true, over any number of pages.
func (b browser) comesTo(what, expression string) {
	b.t.Helper()
	var yes bool
	b.poll("wait for "+what, "("+expression+") || null", &yes)
}

// reads waits for a page with the heading.
func (b browser) reads(heading string) {
	b.t.Helper()
	b.comesTo("the page "+heading, `document.querySelector("h1")?.textContent === `+strconv.Quote(heading))
}

// fill replaces what stands in a field.
func (b browser) fill(selector, text string) {
	b.t.Helper()
	b.do("fill in "+selector,
		chromedp.WaitVisible(selector, chromedp.ByQuery),
		chromedp.Evaluate("document.querySelector("+strconv.Quote(selector)+").select()", nil),
		chromedp.SendKeys(selector, text, chromedp.ByQuery))
}

// Without script everything works, mistakes included.
func TestSignInWorksWithoutScript(t *testing.T) {
	s, b := openShop(t), openBrowser(t)
	user := s.server.Users[0]
	b.do("switch script off", emulation.SetScriptExecutionDisabled(true))

	b.open(s.ask())
	b.press("login-continue")
	if got := b.sees("#problem"); got != "Enter your e-mail or username." {
		t.Errorf("an empty form is answered with %q", got)
	}
	b.fill("#username", "nobody@example.test")
	b.press("login-continue")
	b.fill("#password", "wrong-password-of-nobody")
	b.press("login-submit")
	unknown := b.sees("#problem")
	b.press("login-change")
	b.fill("#username", user.Username)
	b.press("login-continue")
	b.fill("#password", "wrong-password-of-grace")
	b.press("login-submit")
	if wrong := b.sees("#problem"); wrong != unknown || wrong != "That e-mail and password don't match. Try again or reset your password." {
		t.Errorf("an unknown name is answered with %q, a wrong password with %q", unknown, wrong)
	}
	b.fill("#password", user.Password)
	b.press("login-submit")
	b.reads("Shop asks for access")
	b.press("consent-allow")
	if got := b.arrived(); got != "arrived" {
		t.Errorf("the shop was told %q", got)
	}
	b.open(s.server.Issuer + "/oauth/logout")
	b.press("logout-confirm")
	b.reads("You're signed out of Test")
}

func TestRefusedConsentReturnsToTheApplication(t *testing.T) {
	s, b := openShop(t), openBrowser(t)
	b.open(s.ask())
	b.signIn(s.server.Users[0])
	b.press("consent-deny")
	if got := b.arrived(); got != "access_deniedarrived" {
		t.Errorf("the shop was told %q", got)
	}
}

// The Back button and a second tab lead on; nothing is lost or done twice.
func TestBackButtonAndSecondTab(t *testing.T) {
	s, first := openShop(t), openBrowser(t)
	user := s.server.Users[0]
	tab, cancel := chromedp.NewContext(first.ctx)
	t.Cleanup(cancel)
	if err := chromedp.Run(tab); err != nil { // opens the tab, for as long as the test runs
		t.Fatal(err)
	}
	second := browser{t, tab}

	first.open(s.ask("state", "first"))
	second.open(s.ask("state", "second"))
	first.fill("#username", user.Username)
	first.press("login-continue")
	first.sees("#login-submit")
	first.do("go back", chromedp.NavigateBack())
	first.comesTo("the page to lead on", `location.pathname === "/login/password"`)
	first.fill("#password", user.Password) // the name is known, so the page leads on to the password
	first.press("login-submit")
	first.press("consent-allow")
	if got := first.arrived(); got != "first" {
		t.Errorf("the first tab arrived with %q", got)
	}
	first.do("go back after the end", chromedp.NavigateBack())
	first.comesTo("an error page", `document.title.startsWith("Error: ") && location.pathname === "/login/consent"`)

	// In the meantime the person is known, so the form of the other tab leads on.
	second.do("turn to the other tab", page.BringToFront())
	second.fill("#username", user.Username)
	second.press("login-continue")
	if got := second.arrived(); got != "second" {
		t.Errorf("the second tab arrived with %q", got)
	}
}

// A sign-in page sent to somebody else opens nothing there.
func TestSignInOfAnotherBrowserIsRefused(t *testing.T) {
	s, b := openShop(t), openBrowser(t)
	b.open(s.ask())
	b.sees("#login-continue")
	address := b.address()
	victim := openBrowser(t)
	victim.open(address)
	victim.reads("Cookies are blocked")
	victim.open(s.ask())
	victim.sees("#login-continue")
	victim.open(address)
	victim.reads("This sign-in began in another browser")
}

// The tiny relying party of the development server, from the front page to the tokens and out again.
func TestTryPageSignsInAndOut(t *testing.T) {
	server, b := testkit.Dev(t), openBrowser(t)
	b.open(server.Issuer + "/")
	b.do("follow the link", chromedp.Click(`a[href="/dev/try"]`, chromedp.ByQuery))
	b.reads("Try a sign-in")
	b.press("try-start")
	b.signIn(server.Users[0])
	if got := b.sees("#try-name"); !strings.Contains(got, "signed in as") {
		t.Errorf("after the sign-in it says %q", got)
	}
	b.press("try-refresh")
	b.press("try-userinfo")
	if got := b.sees(`[aria-labelledby="userinfo"] pre`); !strings.Contains(got, server.Users[0].Username) {
		t.Errorf("userinfo shows %q", got)
	}
	b.press("try-logout")
	b.comesTo("the end of the session", `document.getElementById("try-start") && !document.getElementById("try-logout")`)
}

// journey is the pages of a sign-in and the errors around it, in the order in
// which one browser meets them. Each leads to its page.
func journey(s shop, user testkit.DevUser) []struct {
	name string
	step func(b browser)
} {
	return []struct {
		name string
		step func(b browser)
	}{
		{"overview", func(b browser) { b.open(s.server.Issuer + "/") }},
		{"outbox", func(b browser) { b.open(s.server.Issuer + "/dev/outbox") }},
		{"unknown client", func(b browser) { b.open(s.ask("client_id", "nobody")) }},
		{"unknown redirect", func(b browser) { b.open(s.ask("redirect_uri", "https://evil.example/")) }},
		{"not found", func(b browser) { b.open(s.server.Issuer + "/nowhere") }},
		{"login by itself", func(b browser) { b.open(s.server.Issuer + "/login") }},
		{"unknown sign-in", func(b browser) { b.open(s.server.Issuer + "/login?request=req_0000000000000000000000000") }},
		{"identifier", func(b browser) { b.open(s.ask()) }},
		{"identifier empty", func(b browser) { b.fill("#username", " "); b.press("login-continue"); b.sees("#problem") }},
		{"password", func(b browser) {
			b.fill("#username", user.Username)
			b.press("login-continue")
			b.sees("#login-submit")
		}},
		{"password wrong", func(b browser) {
			b.fill("#password", "wrong-password-of-grace")
			b.press("login-submit")
			b.sees("#problem")
		}},
		{"consent", func(b browser) { b.fill("#password", user.Password); b.press("login-submit"); b.sees("#consent-allow") }},
		{"account", func(b browser) { b.open(s.server.Issuer + "/account") }},
		{"profile", func(b browser) { b.open(s.server.Issuer + "/account/profile") }},
		{"profile wrong", func(b browser) { b.fill("#birthdate", "yesterday"); b.press("profile-submit"); b.sees("#problem") }},
		{"emails", func(b browser) { b.open(s.server.Issuer + "/account/emails") }},
		{"emails wrong", func(b browser) { b.fill("#email", "nobody"); b.press("email-add"); b.sees("#problem") }},
		{"security", func(b browser) { b.open(s.server.Issuer + "/account/security") }},
		{"new password", func(b browser) { b.open(s.server.Issuer + "/account/security/password") }},
		{"passkey", func(b browser) { b.open(s.server.Issuer + "/account/security/passkeys") }},
		{"app", func(b browser) { b.open(s.server.Issuer + "/account/security/totp") }},
		{"app wrong", func(b browser) { b.fill("#code", "123456"); b.press("code-submit"); b.sees("#problem") }},
		{"devices", func(b browser) { b.open(s.server.Issuer + "/account/devices") }},
		{"activity", func(b browser) { b.open(s.server.Issuer + "/account/activity") }},
		{"data", func(b browser) { b.open(s.server.Issuer + "/account/data") }},
		{"sign up", func(b browser) { b.open(s.ask("prompt", "create")) }},
		{"sign up wrong", func(b browser) { b.fill("#email", "nobody"); b.press("signup-submit"); b.sees("#problem") }},
		{"enrolment", func(b browser) { b.open(s.ask("acr_values", "2")); b.sees("#enrol-skip") }},
		{"dead link", func(b browser) { b.open(s.server.Issuer + "/login/reset?token=nothing") }},
		{"chooser", func(b browser) { b.open(s.ask("prompt", "select_account")) }},
		{"password again", func(b browser) { b.open(s.ask("prompt", "login")) }},
		{"logout", func(b browser) { b.open(s.server.Issuer + "/oauth/logout") }},
		{"signed out", func(b browser) { b.press("logout-confirm") }},
		{"try", func(b browser) { b.open(s.server.Issuer + "/dev/try") }},
	}
}

// Each page of the running server, light and dark, from the left and from the
// right: nothing for axe to find, no complaint of the browser, one origin, and
// no more requests than the budget has.
func TestRunningPagesAreAccessible(t *testing.T) {
	axe, err := os.ReadFile(filepath.Join("testdata", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	s := openShop(t)
	for _, look := range []struct{ scheme, lang string }{{"light", "en"}, {"dark", "ar-XB"}} {
		b := openBrowser(t)
		w := watch(b)
		b.do("set the look",
			network.Enable(),
			emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: look.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
			}))
		b.open(s.server.Issuer + "/?lang=" + look.lang)
		for _, at := range journey(s, s.server.Users[0]) {
			w.reset()
			at.step(b)
			b.sees("h1")
			name := at.name + " " + look.scheme + " " + look.lang
			for _, problem := range slices.Concat(b.audit(string(axe)), w.problems(s.server.Issuer)) {
				t.Errorf("%s: %s", name, problem)
			}
			b.picture(name)
		}
	}
}

// audit lists what axe finds on the page (WCAG 2.2 A and AA, best practices).
func (b browser) audit(axe string) []string {
	b.t.Helper()
	const run = `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
		.then((r) => JSON.stringify(r.violations.map((v) => v.id + ": " + v.nodes.map((n) => n.html + " " + n.failureSummary).join(" | "))))`
	var text string
	b.do("run axe", chromedp.Evaluate(axe, nil), chromedp.Evaluate(run, &text, func(p *runtime.EvaluateParams) *runtime.EvaluateParams {
		return p.WithAwaitPromise(true)
	}))
	var out []string
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		b.t.Fatal(err)
	}
	return out
}

// picture keeps what the browser shows in the folder that LANYARD_PICTURES names.
func (b browser) picture(name string) {
	b.t.Helper()
	folder := os.Getenv("LANYARD_PICTURES")
	if folder == "" {
		return
	}
	b.do("take a picture", chromedp.ActionFunc(func(ctx context.Context) error {
		data, err := page.CaptureScreenshot().WithCaptureBeyondViewport(true).Do(ctx)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(folder, strings.ReplaceAll(name, " ", "-")+".png"), data, 0o600)
	}))
}

// watcher sees what a browser asks for and complains about.
type watcher struct {
	mu     sync.Mutex
	asked  []string
	said   []string
	loaded map[string]int
}

// maxRequests is the budget of a page: itself, two stylesheets, a script and an icon.
const maxRequests = 5

func watch(b browser) *watcher {
	w := &watcher{loaded: map[string]int{}}
	chromedp.ListenTarget(b.ctx, func(event any) {
		w.mu.Lock()
		defer w.mu.Unlock()
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			w.asked = append(w.asked, e.Request.URL)
			w.loaded[string(e.LoaderID)]++
		case *log.EventEntryAdded:
			// That an error page has an error status is no news.
			if !strings.Contains(e.Entry.Text, "the server responded with a status of") {
				w.said = append(w.said, e.Entry.Text)
			}
		case *runtime.EventExceptionThrown:
			w.said = append(w.said, e.ExceptionDetails.Error())
		}
	})
	return w
}

func (w *watcher) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked, w.said = nil, nil
	clear(w.loaded)
}

func (w *watcher) problems(issuer string) []string {
	time.Sleep(50 * time.Millisecond) // events come a little after the page
	w.mu.Lock()
	defer w.mu.Unlock()
	out := slices.Clone(w.said)
	for _, address := range w.asked {
		if !strings.HasPrefix(address, issuer+"/") {
			out = append(out, "the page asks elsewhere: "+address)
		}
	}
	for _, n := range w.loaded {
		if n > maxRequests {
			out = append(out, fmt.Sprintf("the page makes %d requests: %v", n, w.asked))
		}
	}
	return out
}
