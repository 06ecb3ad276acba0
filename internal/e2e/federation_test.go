package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/upstream"
)

// elsewhere are the upstreams of a shop, by the ids of their connections, with what
// stands in for them.
var elsewhere = map[string]upstream.Shape{
	"google": upstream.Google, "microsoft": upstream.Microsoft, "company": upstream.Generic, "telegram": upstream.Telegram,
}

// names are what the pages call them.
var names = map[string]string{"google": "Google", "microsoft": "Microsoft", "company": "Company", "telegram": "Telegram"}

// openSky is a shop whose tenant has a connection of every kind, and one to nowhere.
func openSky(t *testing.T) (shop, map[string]*upstream.Provider) {
	t.Helper()
	s := shop{Server: httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "<!doctype html><title>shop</title><h1 id=app>%s</h1>", url.PathEscape(r.FormValue("error")+r.FormValue("state")))
	}))}
	t.Cleanup(s.Close)
	seed := writeSeed(t, s.URL)
	text, err := os.ReadFile(seed)
	if err != nil {
		t.Fatal(err)
	}
	args, all := []string{"--seed", filepath.Join(t.TempDir(), "sky.yaml")}, map[string]*upstream.Provider{}
	text = fmt.Appendf(text, "    connections:\n      - {id: nowhere, kind: oidc, name: Nowhere, issuer: 'http://127.0.0.1:%d', client_id: us, client_secret: ours}\n", testkit.FreePort(t))
	for id, shape := range elsewhere {
		p := upstream.Start(t, upstream.Options{Shape: shape, Button: true})
		text = fmt.Appendf(text, "      - {id: %s, kind: %s, name: %s, issuer: %q, client_id: our-client, client_secret: our-secret}\n", id, shape, names[id], p.Issuer)
		args, all[id] = append(args, "--allow-outbound", p.Peer), p
	}
	if err := os.WriteFile(args[1], text, 0o600); err != nil {
		t.Fatal(err)
	}
	s.server = testkit.Dev(t, args...)
	return s, all
}

// visit presses the button of an upstream, and its button there.
func (b browser) visit(p *upstream.Provider, button string) {
	b.t.Helper()
	b.click(button)
	b.comesTo("the upstream", fmt.Sprintf(`location.host === %q && document.readyState === "complete"`, p.Peer))
	b.press("upstream-continue")
}

// newcomer is somebody whom an upstream knows, and nobody here.
func newcomer(id string) upstream.Person {
	person := upstream.Ada(elsewhere[id])
	if person.Email != "" {
		person.Email = "ada@" + id + ".test"
	}
	return person
}

// TestPeopleSignInOverEachKind in a real browser: the upstream refuses, answers
// nonsense, signs somebody up, and in again. One that is down leaves the other ways.
func TestPeopleSignInOverEachKind(t *testing.T) {
	s, sky := openSky(t)
	opened := openBrowser(t)
	for id, p := range sky {
		t.Run(id, func(t *testing.T) {
			b := browser{t, opened.ctx}
			b.forget()
			person := newcomer(id)
			p.SignIn(person)
			b.open(s.ask())
			p.Break(upstream.AccessDenied)
			b.visit(p, "provider-"+id)
			if got := b.sees(".notice"); got != "No account was used. Try again or choose another way." {
				t.Errorf("a refusal is told as %q", got)
			}
			p.Mend(upstream.AccessDenied)
			p.Break(upstream.WrongNonce)
			b.visit(p, "provider-"+id)
			if got := b.sees("#problem"); !strings.Contains(got, "sent an answer that can't be used") {
				t.Errorf("a wrong answer is told as %q", got)
			}
			p.Mend(upstream.WrongNonce)

			b.visit(p, "provider-"+id)
			if id == "microsoft" { // it has proved no address
				b.reads("Confirm your address")
				b.press("signup-submit")
				b.fill("#code", waitsFor(t, s.server, person.Email, "sign_up").Code)
				b.press("code-submit")
			}
			b.press("consent-allow")
			if got := b.arrived(); got != "arrived" {
				t.Fatalf("the shop was told %q", got)
			}

			b.do("end the session", chromedp.Navigate(s.server.Issuer+"/account"))
			b.do("open the menu", chromedp.Click(".menu summary", chromedp.ByQuery))
			b.press("account-sign-out")
			b.open(s.ask())
			if got := b.sees(".provider .tag"); got != "Last used" {
				t.Errorf("the badge is %q", got)
			}
			b.visit(p, "provider-"+id)
			if got := b.arrived(); got != "arrived" {
				t.Errorf("the second time, the shop was told %q", got)
			}
		})
	}
	t.Run("down", func(t *testing.T) {
		b := browser{t, opened.ctx}
		b.forget()
		b.open(s.ask())
		b.press("provider-nowhere")
		for range 2 {
			if got := b.sees("#problem"); got != "Nowhere doesn't answer at the moment. Try again later." {
				t.Errorf("it is told as %q", got)
			}
			b.press("upstream-again")
		}
		b.press("way-usual")
		b.visit(sky["google"], "provider-google")
		if got := b.arrived(); got != "arrived" {
			t.Errorf("the shop was told %q", got)
		}
	})
}

// TestAccountsElsewhereAreLinkedAndUnlinked from the account page, each after a fresh
// proof; somebody else's is not, and the only way in stays.
func TestAccountsElsewhereAreLinkedAndUnlinked(t *testing.T) {
	s, sky := openSky(t)
	b := openBrowser(t)
	grace := testkit.DevUser{Username: "grace@example.test", Password: "nanoseconds-of-wire-1906"}
	b.open(s.server.Issuer + "/account/linked")
	b.signIn(grace)
	b.reads("Linked accounts")
	for id, p := range sky {
		p.SignIn(newcomer(id))
		b.visit(p, "link-"+id)
		if got := b.sees(".notice"); got != names[id]+" is linked to your account." {
			t.Errorf("%s: %q", id, got)
		}
	}
	for id, p := range sky {
		b.forget()
		b.open(s.ask())
		b.visit(p, "provider-"+id)
		if b.do("look", chromedp.WaitReady("h1", chromedp.ByQuery)); !strings.HasPrefix(b.address(), s.URL) {
			b.press("consent-allow")
		}
		if got := b.arrived(); got != "arrived" {
			t.Errorf("%s: the shop was told %q", id, got)
		}
	}

	// The identity of somebody else, who has an account by it.
	stranger := newcomer("google")
	stranger.Subject, stranger.Email = "110169484474386270001", "stranger@google.test"
	sky["google"].SignIn(stranger)
	b.forget()
	b.open(s.ask())
	b.visit(sky["google"], "provider-google")
	b.press("consent-allow")
	b.forget()
	b.open(s.server.Issuer + "/account/linked")
	b.signIn(grace)
	b.reads("Linked accounts")
	b.visit(sky["google"], "link-google")
	if got := b.sees("#problem"); !strings.HasPrefix(got, "This Google account is linked to another account already.") {
		t.Errorf("somebody else's account is answered with %q", got)
	}

	for range sky {
		b.press("unlink-0")
		if got := b.sees(".notice"); !strings.HasPrefix(got, "The account is unlinked.") {
			t.Errorf("unlinking is answered with %q", got)
		}
	}
	b.sees(".empty")

	// Who came over an upstream has no other way in.
	b.forget()
	sky["telegram"].SignIn(newcomer("telegram"))
	b.open(s.server.Issuer + "/account/linked")
	b.visit(sky["telegram"], "provider-telegram")
	b.reads("Linked accounts")
	b.press("unlink-0")
	if got := b.sees("#problem"); got != "This is your only way to sign in. Add a password or passkey first." {
		t.Errorf("unlinking the only way in is answered with %q", got)
	}
}
