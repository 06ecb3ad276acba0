package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp/totp"

	"github.com/lanyard-id/lanyard/internal/testkit"
)

// post is a mail in the outbox of a development server.
type post struct {
	Kind, Subject, Text, Code, Link string
}

// waitsFor is the next mail of a kind to an address.
func waitsFor(t *testing.T, server *testkit.DevServer, to, kind string) post {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		answer, err := http.Get(server.Issuer + "/dev/outbox?format=json&to=" + url.QueryEscape(to)) //nolint:noctx // a test
		if err != nil {
			t.Fatal(err)
		}
		var box struct{ Mails []post }
		err = json.NewDecoder(answer.Body).Decode(&box)
		_ = answer.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		for _, mail := range box.Mails {
			if mail.Kind == kind {
				return mail
			}
		}
	}
	t.Fatalf("no mail %s came to %s", kind, to)
	return post{}
}

// TestNewPersonWithoutScript signs up, proves the address, sets up an app, forgets
// the password, resets it and signs in with both factors: all without script.
func TestNewPersonWithoutScript(t *testing.T) {
	s, b := openShop(t), openBrowser(t)
	const address, first, second = "katherine@example.test", "orbital mechanics at dawn", "trajectory of a friendship"
	b.do("switch script off", emulation.SetScriptExecutionDisabled(true))

	b.open(s.ask())
	b.press("way-sign_up")
	b.fill("#email", address)
	b.fill("#name", "Katherine Johnson")
	b.fill("#password", first)
	b.press("signup-submit")
	mail := waitsFor(t, s.server, address, "sign_up")
	if !strings.Contains(mail.Subject, mail.Code[:3]) || !strings.Contains(mail.Text, mail.Link) {
		t.Errorf("the mail is %+v", mail)
	}
	b.fill("#code", mail.Code)
	b.press("code-submit")
	b.press("consent-allow")
	if got := b.arrived(); got != "arrived" {
		t.Fatalf("the shop was told %q", got)
	}

	b.open(s.server.Issuer + "/account/security/totp")
	var secret string
	b.do("read the secret", chromedp.TextContent("#totp-secret", &secret, chromedp.ByID))
	secret = strings.ReplaceAll(secret, " ", "")
	code, err := totp.GenerateCode(secret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	b.fill("#code", code)
	b.press("code-submit")
	var recovery string
	b.do("read a recovery code", chromedp.TextContent("#codes li", &recovery, chromedp.ByQuery))
	b.press("codes-saved")
	waitsFor(t, s.server, address, "factor_added")

	b.forget()
	b.open(s.ask())
	b.fill("#username", address)
	b.press("login-continue")
	b.press("way-forgot")
	b.press("forgot-submit")
	b.open(waitsFor(t, s.server, address, "reset").Link)
	b.fill("#password", second)
	b.press("reset-submit")
	waitsFor(t, s.server, address, "password_changed")

	b.forget()
	b.open(s.ask())
	b.fill("#username", address)
	b.press("login-continue")
	b.fill("#password", second)
	b.press("login-submit")
	b.press("way-recovery_code")
	b.fill("#code", strings.TrimSpace(recovery))
	b.press("code-submit")
	if got := b.arrived(); got != "arrived" {
		t.Errorf("the shop was told %q", got)
	}
	waitsFor(t, s.server, address, "recovery_used")
}

// TestLinkOpenedElsewhereShowsTheCode: a click on the link in another browser opens
// nothing, so that nobody's click finishes a stranger's registration.
func TestLinkOpenedElsewhereShowsTheCode(t *testing.T) {
	s, b, phone := openShop(t), openBrowser(t), openBrowser(t)
	const address = "dorothy@example.test"
	b.open(s.ask("prompt", "create"))
	b.fill("#email", address)
	b.fill("#name", "Dorothy Vaughan")
	b.fill("#password", "punched cards in a shoebox")
	b.press("signup-submit")
	mail := waitsFor(t, s.server, address, "sign_up")
	phone.open(mail.Link)
	if got := strings.ReplaceAll(phone.sees("#code"), " ", ""); got != mail.Code {
		t.Errorf("the phone shows %q, the code is %q", got, mail.Code)
	}
	phone.open(s.server.Issuer + "/account")
	phone.sees("#login-continue")
	b.open(mail.Link)
	b.press("code-submit")
	b.press("consent-allow")
	if got := b.arrived(); got != "arrived" {
		t.Errorf("the shop was told %q", got)
	}
}
