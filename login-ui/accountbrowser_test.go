package loginui_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/web"
)

// serveAccount serves the account pages of one person to a browser. What it
// returns looks at the world between two requests.
func serveAccount(t *testing.T) (string, func(look func(*world))) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	_, port, _ := strings.Cut(server.Listener.Addr().String(), ":")
	site := web.Site{Slug: "default", Issuer: "http://localhost:" + port, Loopback: true}
	w := newWorld(t, site)
	w.people.creation = creationOptions
	var mu sync.Mutex
	server.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		replay(rw, w.do(r))
	})
	server.Start()
	t.Cleanup(server.Close)
	return site.Issuer, func(look func(*world)) {
		mu.Lock()
		defer mu.Unlock()
		look(w)
	}
}

const noticeText = `document.querySelector(".notice")?.textContent ?? ""`

func said(text string) bool { return text != "" }

// A passkey is made on the page for it and sent with its name; the browser is told
// when it was removed again.
func TestScriptMakesAndForgetsAPasskey(t *testing.T) {
	ctx := testkit.Chromium(t)
	complaints := listen(ctx)
	address, look := serveAccount(t)
	var device webauthn.AuthenticatorID
	var notice string
	err := chromedp.Run(ctx, withAuthenticator(true, &device), chromedp.Navigate(address+"/account/security/passkeys"),
		chromedp.SendKeys("#passkey-name", "Phone", chromedp.ByQuery), chromedp.Click("#passkey-button", chromedp.ByQuery),
		until(said, 10*time.Second, noticeText, &notice))
	if err != nil || notice != "Your passkey is added." {
		t.Fatalf("%q %v, the browser says %v", notice, err, complaints.take())
	}
	var id string
	look(func(w *world) {
		if len(w.people.called) != 4 || w.people.called[0] != "add passkey" || w.people.called[3] != "Phone" {
			t.Fatalf("called %v", w.people.called)
		}
		id = answered(t, "posted "+fmt.Sprint(w.people.called[2]), "posted")
	})

	var left int
	err = chromedp.Run(ctx, chromedp.Navigate(address+"/account/security?done=passkey_removed&removed="+id),
		until(said, 10*time.Second, noticeText, &notice), forgotten(device, &left))
	if err != nil || left != 0 {
		t.Errorf("the device keeps %d passkeys that were removed: %v", left, err)
	}
	if got := complaints.take(); len(got) > 0 {
		t.Errorf("the browser says %v", got)
	}
}

// A page that was left open too long asks for a fresh proof before the device makes
// a passkey that could not be kept.
func TestScriptAsksForAFreshProofBeforeThePasskey(t *testing.T) {
	ctx := testkit.Chromium(t)
	address, look := serveAccount(t)
	var device webauthn.AuthenticatorID
	var at string
	err := chromedp.Run(ctx, withAuthenticator(true, &device), chromedp.Navigate(address+"/account/security/passkeys"),
		chromedp.WaitVisible("#passkey-button", chromedp.ByQuery))
	if err != nil {
		t.Fatal(err)
	}
	look(func(w *world) { w.people.fresh = false })
	left := -1
	err = chromedp.Run(ctx, chromedp.Click("#passkey-button", chromedp.ByQuery),
		until(func(path string) bool { return path == "/login/password" }, 10*time.Second, `location.pathname`, &at),
		forgotten(device, &left))
	if err != nil || at != "/login/password" || left != 0 {
		t.Errorf("at %q with %d passkeys: %v", at, left, err)
	}
}

func TestScriptSaysThatNoPasskeyWasMade(t *testing.T) {
	ctx := testkit.Chromium(t)
	address, look := serveAccount(t)
	var device webauthn.AuthenticatorID
	var text string
	const status = `document.getElementById("passkey-status")?.textContent ?? ""`
	look(func(w *world) { w.people.err = lanyard.ErrUnavailable })
	err := chromedp.Run(ctx, withAuthenticator(true, &device), chromedp.Navigate(address+"/account/security/passkeys"),
		chromedp.Click("#passkey-button", chromedp.ByQuery), until(said, 10*time.Second, status, &text))
	if err != nil || text != "That didn't work. Load the page again and repeat." {
		t.Errorf("%q %v", text, err)
	}
}

func TestScriptOffersTheTimeZone(t *testing.T) {
	ctx := testkit.Chromium(t)
	complaints := listen(ctx)
	address, _ := serveAccount(t)
	var zone, offer, value string
	err := chromedp.Run(ctx, chromedp.Navigate(address+"/account/profile"), chromedp.WaitVisible("#zone-suggest", chromedp.ByQuery),
		chromedp.Evaluate(`Intl.DateTimeFormat().resolvedOptions().timeZone`, &zone),
		chromedp.Text("#zone-suggest", &offer, chromedp.ByQuery), chromedp.Click("#zone-suggest", chromedp.ByQuery),
		chromedp.Value("#zoneinfo", &value, chromedp.ByQuery))
	if err != nil || zone == "" || offer != "Use "+zone || value != zone {
		t.Errorf("zone %q, offered %q, now %q: %v", zone, offer, value, err)
	}
	if got := complaints.take(); len(got) > 0 {
		t.Errorf("the browser says %v", got)
	}
}
