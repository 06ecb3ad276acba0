package provider_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

// submit sends the form of a page that has the button, and does not follow the redirect.
func submit(t *testing.T, i *idp.IDP, b *idp.Browser, page *idp.Page, button string, fields url.Values) *http.Response {
	t.Helper()
	f := b.Form(page, button)
	for name, values := range fields {
		f.Values[name] = values
	}
	if named := f.Buttons[button]; named[0] != "" && !fields.Has(named[0]) {
		f.Values.Set(named[0], named[1])
	}
	action, err := page.URL.Parse(f.Action)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, action.String(), strings.NewReader(f.Values.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for _, c := range b.Cookies() {
		r.AddCookie(c)
	}
	answer, _ := i.Do(r)
	return answer
}

// kept is the stored request that a page belongs to.
func kept(t *testing.T, i *idp.IDP, page *idp.Page) lanyard.AuthRequest {
	t.Helper()
	r, err := i.Scope().AuthRequest(t.Context(), lanyard.AuthRequestID(page.URL.Query().Get("request")))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestFormOfAStepThatIsOverChangesNothing: it leads on to the step that is due.
func TestFormOfAStepThatIsOverChangesNothing(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	b, web := i.Browser(), i.Client("web")
	first := b.Get(web.Authorize(nil))
	for _, name := range []string{"", strings.Repeat("x", 255)} {
		if answer := submit(t, i, b, first, "login-continue", one("username", name)); answer.StatusCode == http.StatusSeeOther || kept(t, i, first).Identifier != "" {
			t.Errorf("a name of %d bytes answered %d", len(name), answer.StatusCode)
		}
	}
	password := b.Press(first, "login-continue", one("username", ada))
	submit(t, i, b, first, "login-continue", one("username", bob))
	if got := kept(t, i, first).Identifier; got != ada {
		t.Errorf("the first form, sent again, changed the name to %q", got)
	}
	page := b.Walk(password, ada, adaPassword)
	wantAway(t, page, "")
	for name, old := range map[string]*idp.Page{"login-continue": first, "login-submit": password} {
		if answer := submit(t, i, b, old, name, one("username", bob, "password", bobPassword)); answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%s after the answer: %d", name, answer.StatusCode)
		}
		if again := b.Get(old.URL.String()); again.Status != http.StatusBadRequest || again.Has(name) {
			t.Errorf("the page of %s after the answer: %s", name, again)
		}
	}
}

// TestNoIsFinal: once the person has refused, no form makes it a yes (ATTACKS.md 31).
func TestNoIsFinal(t *testing.T) {
	onBothDatabases(t, func(t *testing.T, i *idp.IDP) {
		b, third := i.Browser(), i.Client("third")
		page := b.Press(b.Get(third.Authorize(nil)), "login-continue", one("username", ada))
		page = b.Press(page, "login-submit", one("password", adaPassword))
		submit(t, i, b, page, "consent-deny", nil)
		submit(t, i, b, page, "consent-allow", nil)
		if r := kept(t, i, page); !r.Denied || r.Agreed {
			t.Errorf("denied %v, agreed %v", r.Denied, r.Agreed)
		}
		if n, err := i.Store.CountRows(t.Context(), "consents"); err != nil || n != 0 {
			t.Errorf("%d consents (%v)", n, err)
		}
		var mu sync.Mutex
		told := 0
		var group sync.WaitGroup
		for range 16 {
			group.Go(func() {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, i.Issuer+"/oauth/resume?"+page.URL.RawQuery, nil)
				if err != nil {
					return
				}
				for _, c := range b.Cookies() {
					r.AddCookie(c)
				}
				answer, _ := i.Do(r)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case contains(answer.Header.Get("Location"), "access_denied"):
					told++
				case answer.StatusCode != http.StatusBadRequest:
					t.Errorf("answered %d to %q", answer.StatusCode, answer.Header.Get("Location"))
				}
			})
		}
		group.Wait()
		if told != 1 {
			t.Errorf("the client was told %d times", told)
		}
	})
}

// TestYesIsOfThePersonWhoSaidIt: it holds for the session that the page named.
func TestYesIsOfThePersonWhoSaidIt(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	b, third := i.Browser(), i.Client("third")
	i.Client("web").Code(b, ada, adaPassword, nil)
	page := b.Get(third.Authorize(one("scope", "openid email")))
	submit(t, i, b, page, "consent-allow", nil)
	_, accounts, err := i.Scope().Accounts(t.Context(), lanyard.SecretOf(browserCookie(t, b).Value).Hash(), "third")
	if err != nil || len(accounts) != 1 {
		t.Fatal(len(accounts), err)
	}
	if r := kept(t, i, page); !r.Agreed || r.SessionID != accounts[0].Session.ID {
		t.Errorf("agreed %v for the session %q", r.Agreed, r.SessionID)
	}
	again := b.Get(third.Authorize(one("scope", "openid email", "prompt", "consent")))
	if !again.Has("consent-allow") || !contains(again.Body, "mail") {
		t.Errorf("prompt=consent does not show what was agreed to before: %s", again)
	}
}

// TestChooserTakesOnlyItsOwnAccounts; one that was turned off has to prove itself and fails.
func TestChooserTakesOnlyItsOwnAccounts(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	b, web := i.Browser(), i.Client("web")
	foreign := idp.Claims(t, web.Exchange(web.Code(i.Browser(), bob, bobPassword, nil), nil).Text("id_token"))["sid"].(string)
	web.Code(b, ada, adaPassword, nil)
	page := b.Get(web.Authorize(one("prompt", "select_account")))
	for _, session := range []string{foreign, "ses_unknown", "x"} {
		if answer := submit(t, i, b, page, "account-other", one("session", session)); answer.StatusCode != http.StatusNotFound {
			t.Errorf("session %q answered %d", session, answer.StatusCode)
		}
	}
	if r := kept(t, i, page); r.Chosen || r.SessionID != "" {
		t.Errorf("a foreign session was chosen: %+v", r)
	}
	setDisabled(t, i, ada, true)
	page = b.ChooseAccount(page, "Ada")
	if !page.Has("login-submit") {
		t.Errorf("an account that was turned off leads to %s", page)
	}
	if page = b.Press(page, "login-submit", one("password", adaPassword)); page.Away != nil {
		t.Error("an account that was turned off signed in")
	}
}

// TestBackLeadsToAnotherAccount, also for a person who only has to prove again.
func TestBackLeadsToAnotherAccount(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	b, web := i.Browser(), i.Client("web")
	web.Code(b, ada, adaPassword, nil)
	page := b.Get(web.Authorize(one("prompt", "login")))
	form := b.Form(page, "login-submit").Values
	form.Del("password")
	page.URL.Path = strings.Replace(page.URL.Path, "/login/password", "/login/change", 1)
	if again := b.Post(page.URL.String(), form); !again.Has("login-continue") {
		t.Errorf("back leads to %s", again)
	}
}
