package loginui_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/flow"
)

const (
	creationOptions = `{"rp":{"id":"localhost","name":"Acme"},"user":{"id":"YWRh","name":"ada","displayName":"Ada"},"challenge":"bWFrZQ",` +
		`"pubKeyCredParams":[{"type":"public-key","alg":-7},{"type":"public-key","alg":-257}],"authenticatorSelection":{"residentKey":"required","requireResidentKey":true}}`
	requestOptions = `{"challenge":"Z2V0","rpId":"localhost","userVerification":"required"}`
)

// ceremonies is a sign-in of which only the passkey pages are there. It notes what
// the forms of authenticators carry.
type ceremonies struct {
	mu     sync.Mutex
	step   flow.Step
	err    error
	posted []string
}

func (c *ceremonies) at(step flow.Step, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.step, c.err, c.posted = step, err, nil
}

func (c *ceremonies) last() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.posted) == 0 {
		return ""
	}
	return c.posted[len(c.posted)-1]
}

func (c *ceremonies) serve(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	_, port, _ := strings.Cut(server.Listener.Addr().String(), ":")
	site := web.Site{Slug: "default", Issuer: "http://localhost:" + port, Loopback: true}
	server.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		switch {
		case strings.HasSuffix(r.URL.Path, "/options"):
			body := map[string]string{"/login/passkey/options": requestOptions, "/login/enrol/passkey/options": creationOptions}[r.URL.Path]
			rw.Header().Set("Content-Type", "application/json")
			_, _ = rw.Write([]byte(body))
			return
		case r.URL.Path == "/done":
			_, _ = rw.Write([]byte("<title>done</title><h1>done</h1>"))
			return
		}
		w := newWorld(t, site)
		w.flow.page = dueBy(c.step, ways(lanyard.WayPasskey, lanyard.WaySignUp))
		w.flow.err = c.err
		w.flow.moved = flow.Moved{Next: flow.StepDone}
		rec := w.do(r)
		if len(w.flow.called) > 3 {
			c.posted = append(c.posted, r.URL.Path+" "+fmt.Sprint(w.flow.called[3]))
		}
		if rec.Code == http.StatusSeeOther {
			rec.Header().Set("Location", "/done")
		}
		replay(rw, rec)
	})
	server.Start()
	t.Cleanup(server.Close)
	server.URL = site.Issuer
	return server
}

// withAuthenticator gives the browser a device that holds passkeys; verified says
// that its user is there and known.
func withAuthenticator(verified bool, id *webauthn.AuthenticatorID) chromedp.Action {
	return chromedp.Tasks{webauthn.Enable(), chromedp.ActionFunc(func(ctx context.Context) error {
		var err error
		*id, err = webauthn.AddVirtualAuthenticator(&webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
			HasResidentKey: true, HasUserVerification: true, IsUserVerified: verified, AutomaticPresenceSimulation: true,
		}).Do(ctx)
		return err
	})}
}

// The script turns options into a passkey and an answer into a form: a passkey is
// made on the enrolment page and used on the first page.
func TestScriptMakesAndUsesPasskeys(t *testing.T) {
	ctx := testkit.Chromium(t)
	said := listen(ctx)
	c := &ceremonies{}
	server := c.serve(t)
	const heading = `document.querySelector("h1")?.textContent ?? ""`
	isDone := func(text string) bool { return text == "done" }
	var (
		title  string
		device webauthn.AuthenticatorID
	)

	c.at(flow.StepEnrol, nil)
	err := chromedp.Run(ctx, withAuthenticator(true, &device), chromedp.Navigate(server.URL+rawQuery("/login/enrol")),
		chromedp.Click("#passkey-button", chromedp.ByQuery), until(isDone, 10*time.Second, heading, &title))
	if err != nil {
		t.Fatal(err, said.take())
	}
	made := answered(t, c.last(), "/login/enrol/passkey")

	c.at(flow.StepPasskey, nil)
	err = chromedp.Run(ctx, chromedp.Navigate(server.URL+rawQuery("/login/passkey")),
		chromedp.Click("#passkey-button", chromedp.ByQuery), until(isDone, 10*time.Second, heading, &title))
	if err != nil {
		t.Fatal(err, said.take())
	}
	if used := answered(t, c.last(), "/login/passkey"); used != made {
		t.Errorf("used %q, made %q", used, made)
	}

	c.at(flow.StepIdentify, nil) // the device answers by itself what a person chooses from the list of names
	err = chromedp.Run(ctx, chromedp.Navigate(server.URL+rawQuery("/login")), until(isDone, 10*time.Second, heading, &title))
	if used := answered(t, c.last(), "/login/passkey"); err != nil || used != made {
		t.Errorf("offered with the name: used %q, made %q: %v", used, made, err)
	}

	c.at(flow.StepPasskey, lanyard.ErrDeletedPasskey)
	var left int
	err = chromedp.Run(ctx, chromedp.Navigate(server.URL+rawQuery("/login/passkey")),
		chromedp.Click("#passkey-button", chromedp.ByQuery), chromedp.WaitVisible("[data-unknown-credential]", chromedp.ByQuery),
		forgotten(device, &left))
	if err != nil || left != 0 {
		t.Errorf("the device keeps %d passkeys that were deleted here: %v", left, err)
	}
	if complaints := said.take(); len(complaints) > 0 {
		t.Errorf("the browser says %v", complaints)
	}
}

// forgotten waits until a device has no passkeys, and tells how many are left.
func forgotten(device webauthn.AuthenticatorID, left *int) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			all, err := webauthn.GetCredentials(device).Do(ctx)
			if *left = len(all); err != nil || *left == 0 {
				return err
			}
		}
		return nil
	})
}

// answered is the credential id in what a form carried.
func answered(t *testing.T, posted, path string) string {
	t.Helper()
	at, body, _ := strings.Cut(posted, " ")
	var answer struct{ ID, Type string }
	if err := json.Unmarshal([]byte(body), &answer); err != nil || at != path || answer.Type != "public-key" || answer.ID == "" {
		t.Fatalf("posted %q: %v", posted, err)
	}
	return answer.ID
}

// Without a passkey for the site the page says so neutrally, and stays.
func TestScriptSaysThatNoPasskeyWasUsed(t *testing.T) {
	ctx := testkit.Chromium(t)
	c := &ceremonies{}
	server := c.serve(t)
	c.at(flow.StepPasskey, nil)
	var text, alert string
	var device webauthn.AuthenticatorID
	err := chromedp.Run(ctx, withAuthenticator(false, &device), chromedp.Navigate(server.URL+rawQuery("/login/passkey")),
		chromedp.Click("#passkey-button", chromedp.ByQuery),
		until(func(text string) bool { return text != "" }, 20*time.Second, `document.getElementById("passkey-status")?.textContent ?? ""`, &text),
		chromedp.Evaluate(`String(document.querySelectorAll("[role=alert]").length)`, &alert))
	if err != nil {
		t.Fatal(err)
	}
	if text != "No passkey was used. Try again or choose another way." || alert != "0" || c.last() != "" {
		t.Errorf("%q, %s alerts, posted %q", text, alert, c.last())
	}
}

// What script adds to codes: a pasted one loses its space, recovery codes can be taken along.
func TestScriptHelpsWithCodes(t *testing.T) {
	ctx := testkit.Chromium(t)
	said := listen(ctx)
	server, _ := serveCases(t)
	var pasted, typed, file string
	const paste = `(() => {
  const field = document.getElementById("code"), data = new DataTransfer();
  data.setData("text", " 482 913\n");
  field.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
  return field.value;
})()`
	const download = `(async () => {
  let kept;
  URL.createObjectURL = (blob) => { kept = blob; return "#kept"; };
  document.getElementById("codes-download").click();
  return kept.text();
})()`
	err := chromedp.Run(ctx,
		chromedp.Navigate(server.URL+"/case/email-code?lang=en"), chromedp.Evaluate(paste, &pasted),
		chromedp.Navigate(server.URL+"/case/factor-totp?lang=en"), chromedp.SendKeys("#code", "482 913", chromedp.ByQuery), chromedp.Value("#code", &typed, chromedp.ByQuery),
		chromedp.Navigate(server.URL+"/case/codes?lang=en"), chromedp.WaitVisible("#codes-print", chromedp.ByQuery),
		chromedp.WaitVisible("#codes-copy", chromedp.ByQuery), chromedp.Evaluate(download, &file, awaitPromise))
	if err != nil {
		t.Fatal(err, said.take())
	}
	if pasted != "482913" || typed != "482913" {
		t.Errorf("pasted %q, typed %q", pasted, typed)
	}
	if lines := strings.Split(file, "\n"); len(lines) != 13 || lines[0] != "Recovery codes for Acme" || lines[2] != "0A1B-2C3D-4E5F-6G7H" {
		t.Errorf("the file is %q", file)
	}
}

// A new password is measured while it is typed, and nothing of it leaves the page.
func TestScriptMeasuresNewPasswords(t *testing.T) {
	ctx := testkit.Chromium(t)
	said := listen(ctx)
	server, _ := serveCases(t)
	const measure = `((text) => {
  const field = document.getElementById("password"), meter = document.getElementById("strength");
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  return meter.hidden ? -1 : meter.value;
})`
	if err := chromedp.Run(ctx, chromedp.Navigate(server.URL+"/case/signup?lang=en"), chromedp.WaitVisible("#password-show", chromedp.ByQuery)); err != nil {
		t.Fatal(err, said.take())
	}
	for text, want := range map[string]float64{"": -1, "short": 0, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa": 0, "walnut harbour": 1, "walnut harbour quilt": 3, "walnut harbour quilt lantern orchid": 4} {
		var got float64
		if err := chromedp.Run(ctx, chromedp.Evaluate(measure+"("+strconv.Quote(text)+")", &got)); err != nil {
			t.Fatal(err, said.take())
		}
		if got != want {
			t.Errorf("%q measures %v, want %v", text, got, want)
		}
	}
}
