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
				t.Errorf("%s: %s", name, problem)
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
