package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/lanyard-id/lanyard/internal/testkit"
)

// browser is a person in front of a browser.
type browser struct {
	t   *testing.T
	ctx context.Context
}

func openBrowser(t *testing.T) browser {
	t.Helper()
	return browser{t, testkit.Chromium(t)}
}

// do runs steps and fails the test if they do not come to an end soon. Each
// query of a step waits until its element is there.
func (b browser) do(what string, steps ...chromedp.Action) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	if err := chromedp.Run(ctx, steps...); err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
}

// open goes to an address and waits for the page that it ends on.
func (b browser) open(address string) {
	b.t.Helper()
	b.do("open "+address, chromedp.Navigate(address))
}

// signIn fills in the two forms of the sign-in.
func (b browser) signIn(user testkit.DevUser) {
	b.t.Helper()
	b.do("enter the user name",
		chromedp.SendKeys(`input[name="username"]`, user.Username, chromedp.ByQuery),
		chromedp.Click("#login-continue", chromedp.ByID))
	b.do("enter the password",
		chromedp.SendKeys(`input[name="password"]`, user.Password, chromedp.ByQuery),
		chromedp.Click("#login-submit", chromedp.ByID))
}

// click waits for a button and presses it.
func (b browser) click(id string) {
	b.t.Helper()
	b.do("click "+id, chromedp.Click("#"+id, chromedp.ByID))
}

// sees waits until an element is visible and returns its text.
func (b browser) sees(selector string) string {
	b.t.Helper()
	var text string
	b.poll("look for "+selector, `(() => {
		const found = document.querySelector(`+strconv.Quote(selector)+`)
		return found && found.getClientRects().length > 0 ? found.innerText : null
	})()`, &text)
	return text
}

// poll waits until an expression is not null and reads its value, over any
// number of pages. (What chromedp has for this ends with the page it began on.)
func (b browser) poll(what, expression string, value any) {
	b.t.Helper()
	b.do(what, chromedp.ActionFunc(func(ctx context.Context) error {
		for {
			var result json.RawMessage
			last := chromedp.Evaluate(expression, &result).Do(ctx)
			if last == nil && string(result) != "null" {
				return json.Unmarshal(result, value)
			}
			if err := chromedp.Sleep(20 * time.Millisecond).Do(ctx); err != nil {
				return errors.Join(err, last)
			}
		}
	}))
}

// address is where the browser is.
func (b browser) address() string {
	b.t.Helper()
	var address string
	b.do("read the address", chromedp.Location(&address))
	return address
}
