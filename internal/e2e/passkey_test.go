package e2e

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// key gives the browser a virtual authenticator, as a laptop has one: resident
// keys, and a user whom it verifies.
func (b browser) key() webauthn.AuthenticatorID {
	b.t.Helper()
	var id webauthn.AuthenticatorID
	b.do("add an authenticator", webauthn.Enable(), chromedp.ActionFunc(func(ctx context.Context) error {
		var err error
		id, err = webauthn.AddVirtualAuthenticator(&webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
			HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		}).Do(ctx)
		return err
	}))
	return id
}

// forget is what a new browser would be, with the same authenticator.
func (b browser) forget() {
	b.t.Helper()
	b.do("forget the cookies", network.ClearBrowserCookies())
}

// verifies makes the authenticator's user pass or fail.
func (b browser) verifies(id webauthn.AuthenticatorID, yes bool) {
	b.t.Helper()
	b.do("set the user's verification", webauthn.SetUserVerified(id, yes))
}

// TestPasskeyInARealBrowser sets a passkey up during a sign-in that asks for one,
// and signs in with it afterwards: one page, one gesture.
func TestPasskeyInARealBrowser(t *testing.T) {
	s, b := openShop(t), openBrowser(t)
	user := s.server.Users[0]
	key := b.key()
	b.open(s.ask("acr_values", "phr"))
	b.signIn(user)
	b.reads("Protect your account")
	b.click("passkey-button")
	b.reads("Save your recovery codes")
	b.press("codes-saved")
	b.press("consent-allow")
	if got := b.arrived(); got != "arrived" {
		t.Fatalf("the shop was told %q", got)
	}

	b.forget()
	b.open(s.ask("acr_values", "phr"))
	b.comesIn("passkey-button")
	if got := b.arrived(); got != "arrived" {
		t.Errorf("after the passkey the shop was told %q", got)
	}

	b.forget()
	b.verifies(key, false)
	b.open(s.ask("prompt", "login"))
	b.do("wait for the page", chromedp.WaitVisible("#passkey-button", chromedp.ByID), chromedp.Click("#passkey-button", chromedp.ByID))
	b.comesTo("the neutral word", `document.getElementById("passkey-status")?.textContent.includes("No passkey was used")`)
	if b.address() == s.URL {
		t.Error("a gesture without its user signed in")
	}

	// The password still works, and asks for the passkey then.
	b.verifies(key, true)
	b.signIn(user)
	b.comesIn("passkey-button")
	if got := b.arrived(); got != "arrived" {
		t.Errorf("after password and passkey the shop was told %q", got)
	}
}

// comesIn presses the button of the passkey unless the browser answered the page by
// itself (conditional mediation), and agrees to what the shop asks for.
func (b browser) comesIn(button string) {
	b.t.Helper()
	b.comesTo("the passkey's button or the shop", `!!document.querySelector("#app, #consent-allow") || document.getElementById("`+button+`")?.getClientRects().length > 0`)
	b.do("use the passkey", chromedp.Evaluate(`document.querySelector("#app, #consent-allow") || document.getElementById("`+button+`").click()`, nil))
	b.comesTo("what follows the passkey", `!!document.querySelector("#app, #consent-allow")`)
	b.do("agree", chromedp.Evaluate(`document.getElementById("consent-allow")?.click()`, nil))
}
