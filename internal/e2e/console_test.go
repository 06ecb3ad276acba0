package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/lanyard-id/lanyard/internal/testkit"
)

// consolePages are those of the development server's tenant.
var consolePages = []string{
	"", "/applications", "/new/applications", "/new/application?kind=web", "/new/application?kind=machine", "/application?id=web", "/application?id=spa", "/application/edit?id=web", "/application/remove?id=web",
	"/users", "/users?search=ada", "/new/user", "/organizations", "/new/organization", "/access", "/roles", "/role?id=instance-admin", "/new/role",
	"/issuers", "/new/issuer", "/connections", "/new/connections", "/new/connection?kind=oidc", "/resources", "/resources?search=nothing-like-it", "/new/resource",
	"/messages", "/message?id=reset&item=en", "/message/edit?id=reset&item=en", "/invitations", "/new/invitation", "/application/try?id=web", "/events", "/trace", "/trace?id=AAAA-AAAA", "/webhooks", "/new/webhook", "/settings", "/settings/general", "/settings/signin", "/settings/sessions", "/settings/branding",
	"/keys", "/key/rotate", "/tenants", "/new/tenant", "/tenant?id=default", "/system",
}

// consoleLinks are pages of things whose ids are not known before: the first link of a list that leads there.
var consoleLinks = [][2]string{
	{"/users", "/console/user?id="}, {"/users", "/console/user/edit?id="}, {"/organizations", "/console/organization?id="}, {"/organizations", "/console/organization/edit?id="},
	{"/organizations", "/console/organization/invite?id="}, {"/keys", "/console/key/revoke?id="},
}

// consoleLook is how a person looks at the console.
type consoleLook struct {
	scheme string
	width  int64
}

// Every page of the console on the running server: nothing for axe to find, no
// complaint of the browser, one origin, and no more requests than the budget has.
func TestRunningConsoleIsAccessible(t *testing.T) {
	axe, err := os.ReadFile(filepath.Join("testdata", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	server := testkit.Dev(t)
	looks := []consoleLook{{"light", 1280}}
	if testkit.Soak() || os.Getenv("LANYARD_PICTURES") != "" {
		looks = append(looks, consoleLook{"dark", 1280}, consoleLook{"light", 360})
	}
	for _, look0 := range looks {
		b := openBrowser(t)
		w := watch(b)
		b.do("set the look", network.Enable(), emulation.SetDeviceMetricsOverride(look0.width, 800, 1, false),
			emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: look0.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
			}))
		b.open(server.Console)
		b.signIn(server.Users[0])
		b.comesTo("the console", `location.pathname === "/console" && document.readyState === "complete"`)
		look := func(name, address string) {
			w.reset()
			b.open(address)
			for _, problem := range slices.Concat(b.audit(string(axe)), w.problems(server.Issuer), b.overflow()) {
				if !strings.Contains(problem, " data:image/svg+xml;base64,") { // the browser's own icon of a date field
					t.Errorf("%s: %s", name, problem)
				}
			}
			b.picture(strings.NewReplacer("/", "_", "?", "-", "=", "-").Replace(name))
		}
		suffix := " " + look0.scheme + " " + strconv.FormatInt(look0.width, 10)
		for _, path := range consolePages {
			look("console"+path+suffix, server.Console+path)
		}
		for _, l := range consoleLinks {
			b.open(server.Console + l[0])
			address := ""
			id, _, _ := strings.Cut(strings.TrimPrefix(l[1], "/console/"), "?")
			noun, _, _ := strings.Cut(id, "/")
			b.poll("find the link to "+noun, `document.querySelector('a[href^="/console/`+noun+`"][href*="id="]')?.href`+` ?? null`, &address)
			_, query, _ := strings.Cut(address, "?")
			look("console "+id+suffix, server.Issuer+"/console/"+id+"?"+query)
		}
	}
}

// What script adds: searching while typing, with the address that shows the same again; the
// key / for the search; a look at a form while it is filled in; messages that are read out.
func TestConsoleScriptOnlyAdds(t *testing.T) {
	server, b := testkit.Dev(t), openBrowser(t)
	w := watch(b)
	b.do("hear complaints", network.Enable())
	b.open(server.Console + "/users")
	b.signIn(server.Users[0])
	b.reads("Users")
	b.comesTo("its script", `document.readyState === "complete" && Boolean(document.querySelector("form.filter")?._htmx)`)
	w.reset()
	b.do("press /", chromedp.Evaluate(`document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "/", bubbles: true}))`, nil))
	b.comesTo("the search", `document.activeElement.id === "search"`)
	b.do("search", chromedp.SendKeys("#search", "nobody-like-that", chromedp.ByQuery))
	b.comesTo("an empty list", `Boolean(document.querySelector("#list .empty")) && new URL(location.href).searchParams.get("search") === "nobody-like-that"`)
	b.comesTo("the same field", `document.activeElement.id === "search" && document.querySelectorAll("header.bar").length === 1`)

	b.open(server.Console + "/new/application?kind=web")
	b.comesTo("its script", `document.readyState === "complete" && Boolean(document.getElementById("findings")?._htmx)`)
	b.do("type a redirect URI", chromedp.SendKeys("#redirect_uris", "http://app.example.com/cb", chromedp.ByQuery))
	b.comesTo("a complaint", `document.getElementById("findings").textContent.includes("use https")`)

	b.open(server.Console + "/new/role")
	b.do("fill in the form", chromedp.SendKeys("#name", "support", chromedp.ByQuery), chromedp.Click(`form.fields button.primary`, chromedp.ByQuery))
	b.comesTo("the message", `document.getElementById("toast")?.textContent === "Created."`)
	for _, problem := range w.problems(server.Issuer) {
		if !strings.Contains(problem, "requests") { // of several pages
			t.Error(problem)
		}
	}
}

// overflow tells whether one has to scroll sideways.
func (b browser) overflow() []string {
	b.t.Helper()
	var wide bool
	b.do("measure the page", chromedp.Evaluate(`document.documentElement.scrollWidth > innerWidth`, &wide))
	if wide {
		return []string{"the page is wider than the window"}
	}
	return nil
}
