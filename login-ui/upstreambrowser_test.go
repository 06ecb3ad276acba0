package loginui_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/flow"
)

// The button of an upstream sends a form, whose redirects may lead to the application
// only. The page in between leads on all the same, without any script.
func TestButtonOfAnUpstreamLeadsThere(t *testing.T) {
	t.Parallel()
	ctx := testkit.Chromium(t)
	said := listen(ctx)
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "<title>upstream</title><h1>upstream %s</h1>", r.URL.Query().Get("state"))
	}))
	t.Cleanup(upstream.Close)
	provider := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w := newWorld(t, web.Site{Slug: "default", Issuer: "http://" + r.Host, Loopback: true})
		w.flow.page, w.flow.moved = dueBy(flow.StepIdentify, everyProvider), flow.Moved{Next: flow.StepConnection}
		if r.URL.Path == "/login/connection" {
			w.flow.page = dueBy(flow.StepConnection, from(google()))
		}
		w.flow.upstream = upstream.URL + "/authorize?client_id=a%20b&state=it's,here"
		replay(rw, w.do(r))
	}))
	t.Cleanup(provider.Close)

	var heading string
	err := chromedp.Run(ctx,
		emulation.SetScriptExecutionDisabled(true),
		chromedp.Navigate(provider.URL+rawQuery("/login")),
		chromedp.Click("#provider-google", chromedp.ByQuery),
		until(func(text string) bool { return text == "upstream it's,here" }, 5*time.Second, `document.querySelector("h1")?.textContent ?? ""`, &heading))
	if err != nil {
		t.Fatal(err)
	}
	if heading != "upstream it's,here" {
		t.Errorf("on %q; the browser says %v", heading, said.take())
	}
}
