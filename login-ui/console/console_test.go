package console_test

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

// people are administrators for tests: each has the role of the same name.
const people = `
version: 1
tenants:
  - slug: default
    users:
      - {username: admin, password: admin-of-the-tenant-1815, name: Grace Admin, roles: [tenant-admin]}
      - {username: reader, password: reader-of-the-tenant-1815, name: Rea Reader, roles: [tenant-reader]}
      - {username: operator, password: operator-of-everything-1815, name: Olga Operator, roles: [instance-admin]}
`

var passwords = map[string]string{
	"admin": "admin-of-the-tenant-1815", "reader": "reader-of-the-tenant-1815", "operator": "operator-of-everything-1815", "bob": "difference-engine-1822",
}

func start(t *testing.T) *idp.IDP {
	t.Helper()
	p := idp.Start(t, idp.Options{})
	p.Administration()
	p.Apply(people)
	return p
}

// signIn opens a page of the console and signs in on the way.
func signIn(t *testing.T, p *idp.IDP, who, path string) (*idp.Browser, *idp.Page) {
	t.Helper()
	b := p.Browser()
	return b, b.SignIn(path, who, passwords[who])
}

// send fills in the form that goes to the path and sends it.
func send(t *testing.T, b *idp.Browser, page *idp.Page, path string, fields url.Values) *idp.Page {
	t.Helper()
	for _, f := range page.Forms() {
		if strings.HasPrefix(f.Action, path) {
			for name, values := range fields {
				f.Values[name] = values
			}
			return b.Post(f.Action, f.Values)
		}
	}
	t.Fatalf("%s has no form to %s:\n%s", page, path, page.Body)
	return nil
}

func TestSignInLeadsToThePageThatWasAskedFor(t *testing.T) {
	p := start(t)
	b, page := signIn(t, p, "admin", "/console/resources?search=ledger")
	if page.Status != http.StatusOK || page.URL.Path != "/console/resources" || page.URL.RawQuery != "search=ledger" || page.Text("h1") != "Resources" {
		t.Fatalf("%s\n%s", page, page.Body)
	}
	for _, c := range b.Cookies() {
		if strings.Contains(page.Body, c.Value) {
			t.Errorf("the page shows the cookie %s", c.Name)
		}
	}
	for _, to := range []string{"https://evil.example/", "//evil.example/", "/\\evil.example", "/account", "/console/callback?code=x", "/console/../account"} {
		if page := b.Get("/console/signin?" + url.Values{"to": {to}}.Encode()); page.Away != nil || page.URL.Path != "/console" {
			t.Errorf("a sign-in for %s leads to %s", to, page.URL)
		}
	}
}

func TestStrangersAndForeignSites(t *testing.T) {
	p := start(t)
	t.Run("an answer that this browser did not ask for signs nobody in", func(t *testing.T) { foreignAnswer(t, p) })
	t.Run("the token of another client opens nothing", func(t *testing.T) { foreignToken(t, p) })
	t.Run("forms of other sites are refused", func(t *testing.T) { foreignForms(t, p) })
	t.Run("signing out ends the token", func(t *testing.T) { signOut(t, p) })
	t.Run("the token is renewed while somebody works", func(t *testing.T) { renewal(t, p) }) // moves the clock
}

func foreignAnswer(t *testing.T, p *idp.IDP) {
	t.Helper()
	victim := p.Browser()
	page := victim.Get("/console/callback?code=somebodys&state=somebodys")
	if page.Status != http.StatusBadRequest || page.Text("h1") != "This sign-in can not be used" {
		t.Errorf("%s", page)
	}
	if page := victim.Once("GET", "/console/users", nil); !strings.HasPrefix(page.Header.Get("Location"), "/console/signin?") {
		t.Errorf("%s %v", page, page.Header)
	}
	begun, err := url.Parse(p.Browser().Once("GET", "/console/signin?to=/console/users", nil).Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	victim.Get("/console/users") // a sign-in of its own is under way
	page = victim.Get("/console/callback?" + url.Values{"error": {"access_denied"}, "state": {begun.Query().Get("state")}}.Encode())
	if page.Status != http.StatusBadRequest {
		t.Errorf("the state of another browser is believed: %s", page)
	}
}

// A token of another client opens nothing, whatever it may do at the API.
func foreignToken(t *testing.T, p *idp.IDP) {
	t.Helper()
	b, _ := signIn(t, p, "admin", "/console")
	thief := p.Browser()
	for _, c := range b.Cookies() {
		if strings.HasPrefix(c.Value, "at_") {
			c.Value = p.Administrator("admin").Token
			thief.SetCookie(c)
		}
	}
	if page := thief.Once("GET", "/console/users", nil); !strings.HasPrefix(page.Header.Get("Location"), "/console/signin?") {
		t.Errorf("%s", page)
	}
}

func signOut(t *testing.T, p *idp.IDP) {
	t.Helper()
	b, page := signIn(t, p, "admin", "/console")
	stolen := p.Browser()
	for _, c := range b.Cookies() {
		stolen.SetCookie(c)
	}
	if page := b.Press(page, "signout", nil); !page.Has("logout-confirm") {
		t.Errorf("%s", page)
	}
	for name, browser := range map[string]*idp.Browser{"own": b, "stolen": stolen} {
		if page := browser.Once("GET", "/console/users", nil); !strings.HasPrefix(page.Header.Get("Location"), "/console/signin?") {
			t.Errorf("%s: %s", name, page)
		}
	}
}

func renewal(t *testing.T, p *idp.IDP) {
	t.Helper()
	b, _ := signIn(t, p, "admin", "/console/users")
	token := func() string {
		for _, c := range b.Cookies() {
			if strings.Contains(c.Name, "console-") && strings.HasPrefix(c.Value, "at_") {
				return c.Value
			}
		}
		return ""
	}
	before := token()
	p.Clock.Advance(20 * time.Minute)
	if page := b.Get("/console/users"); page.Status != http.StatusOK || token() != before {
		t.Errorf("%s", page)
	}
	p.Clock.Advance(15 * time.Minute)
	if page := b.Get("/console/users?sort=name"); page.Status != http.StatusOK || token() == before || page.URL.RawQuery != "sort=name" {
		t.Errorf("%s", page)
	}
	p.Clock.Advance(61 * time.Minute)
	page := b.Once("POST", "/console/new/role", url.Values{"name": {"too-late"}})
	if page.Status != http.StatusForbidden || page.Text("h1") != "Your sign-in ended" {
		t.Errorf("%s", page)
	}
}

// Every page and form by everybody: nobody gets in without the permission of the table.
func TestPagesNeedTheirPermission(t *testing.T) {
	p := start(t)
	roles := map[string][]string{"operator": {lanyard.MayManageInstance}, "admin": {lanyard.MayManageTenant}, "reader": {lanyard.MayReadTenant}, "bob": nil}
	for who, permissions := range roles {
		powers := lanyard.TenantPowersOf([]string{"role"}, []lanyard.Role{{Name: "role", Permissions: permissions}}, true)
		b, _ := signIn(t, p, who, "/console")
		for _, line := range p.Handler.Console.Table() {
			allowed := powers.May(line.Permission) || (line.Permission == "" && !powers.None())
			page := b.Once(line.Method, line.Path, nil)
			if refused := page.Status == http.StatusForbidden; refused == allowed || page.Status >= http.StatusInternalServerError {
				t.Errorf("%s %s by %s: %s", line.Method, line.Path, who, page)
			}
		}
	}
	for _, line := range p.Handler.Console.Table() {
		page := p.Browser().Once(line.Method, line.Path, nil)
		asked := line.Method == "GET" && strings.HasPrefix(page.Header.Get("Location"), "/console/signin?")
		if ended := line.Method == "POST" && (page.Status == http.StatusForbidden || page.Status == http.StatusUnauthorized); !asked && !ended {
			t.Errorf("%s %s by a stranger: %s", line.Method, line.Path, page)
		}
	}
	if b, page := signIn(t, p, "bob", "/console"); page.Text("h1") != "You do not administer this tenant" || b.Press(page, "signout", nil).Status != http.StatusOK {
		t.Errorf("%s", page)
	}
}

// A form that another site sends does nothing.
func foreignForms(t *testing.T, p *idp.IDP) {
	t.Helper()
	b, _ := signIn(t, p, "admin", "/console")
	page := b.PostFrom("/console/new/role", url.Values{"name": {"forged"}}, http.Header{"Sec-Fetch-Site": {"cross-site"}})
	if page.Status != http.StatusForbidden {
		t.Errorf("%s", page)
	}
	if answer := p.Administrator("admin").Do("GET", "/roles/forged", nil); answer.Status != http.StatusNotFound {
		t.Errorf("%d", answer.Status)
	}
}

func TestPages(t *testing.T) {
	p := start(t)
	paths := somePages(t, p)
	t.Run("say the same as the API", func(t *testing.T) { sameAsTheAPI(t, p, paths) })
	t.Run("stay within their budgets", func(t *testing.T) { budgets(t, p, paths) })
}

func sameAsTheAPI(t *testing.T, p *idp.IDP, paths []string) {
	t.Helper()
	known := map[string]bool{}
	parameter := regexp.MustCompile(`\{[a-z_]+\}`)
	for _, e := range p.Handler.API.Matrix() {
		known[e.Method+" "+parameter.ReplaceAllString(e.Path, "*")] = true
	}
	b, _ := signIn(t, p, "operator", "/console")
	call := regexp.MustCompile(`curl (?:-X ([A-Z]+) )?-H &#34;Authorization: Bearer \$TOKEN&#34; (?:-H &#39;[^&]*&#39; -d &#39;.*&#39; )?&#39;[^&]*/api/v1(/[^&?]*)`)
	seen := 0
	for _, path := range paths {
		for _, found := range call.FindAllStringSubmatch(b.Get(path).Body, -1) {
			method, at := found[1], found[2]
			if method == "" {
				method = "GET"
			}
			seen++
			if below, cut := strings.CutPrefix(at, "/tenants/acme/"); cut {
				at = "/" + below
			}
			if !offered(known, method, at) {
				t.Errorf("%s offers %s %s, which the API does not have", path, method, at)
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d calls were seen", seen)
	}
}

// offered tells whether the API has an operation for the path.
func offered(known map[string]bool, method, path string) bool {
	for pattern := range known {
		want, have := strings.Split(pattern, "/"), strings.Split(method+" "+path, "/")
		if len(want) != len(have) {
			continue
		}
		same := true
		for i := range want {
			same = same && (want[i] == "*" || want[i] == have[i])
		}
		if same {
			return true
		}
	}
	return false
}

// somePages are pages with what is on them.
func somePages(t *testing.T, p *idp.IDP) []string {
	t.Helper()
	api := p.Administrator("operator")
	found := regexp.MustCompile(`usr_[a-z0-9]+`).FindString(api.Must("GET", "/users?search=ada", nil).Raw)
	organization := api.Must("POST", "/organizations", map[string]any{"name": "Babbage", "owner": found}).Text("id")
	return []string{
		"/console", "/console/applications", "/console/new/applications", "/console/new/application?kind=web", "/console/application?id=web", "/console/application/edit?id=web", "/console/application?id=machine",
		"/console/users", "/console/new/user", "/console/user?id=" + found, "/console/user/edit?id=" + found, "/console/user/password?id=" + found,
		"/console/organizations", "/console/new/organization", "/console/organization?id=" + organization, "/console/organization/edit?id=" + organization, "/console/organization/invite?id=" + organization,
		"/console/roles", "/console/role?id=tenant-admin", "/console/role/edit?id=tenant-admin", "/console/new/role", "/console/access", "/console/issuers", "/console/new/issuer", "/console/connections", "/console/new/connection?kind=oidc",
		"/console/resources", "/console/new/resource", "/console/events", "/console/trace?id=AAAA-AAAA", "/console/webhooks", "/console/new/webhook", "/console/settings", "/console/settings/signin", "/console/settings/branding",
		"/console/keys", "/console/key/rotate", "/console/messages", "/console/message?id=reset&item=en", "/console/message/edit?id=reset&item=de", "/console/invitations", "/console/new/invitation", "/console/application/try?id=web", "/console/tenants", "/console/tenant?id=acme", "/console/new/tenant", "/console/system", "/console/tenants/acme/home", "/console/tenants/acme/users",
	}
}

// The budgets of a page, in bytes on the wire.
const (
	maxHTML = 25 << 10
	maxCSS  = 16 << 10
	maxJS   = 35 << 10
)

func budgets(t *testing.T, p *idp.IDP, paths []string) {
	t.Helper()
	b, first := signIn(t, p, "operator", "/console")
	for _, path := range paths {
		page := b.Get(path)
		if page.Status != http.StatusOK || page.Text("h1") == "" {
			t.Errorf("%s: %s", path, page)
		}
		if csp := page.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "trusted-types lanyard-console;") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s has the policy %s", path, csp)
		}
		if n := zipped(t, page.Body); n > maxHTML {
			t.Errorf("%s has %d bytes", path, n)
		}
		if strings.Contains(page.Body, "<script>") || strings.Contains(page.Body, "style=") || strings.Contains(page.Body, "onclick") {
			t.Errorf("%s has something in line", path)
		}
	}
	var css, js int
	for _, found := range regexp.MustCompile(`(?:href|src)="(/console/assets/[^"]+)"`).FindAllStringSubmatch(first.Body, -1) {
		n := zipped(t, b.Get(found[1]).Body)
		switch {
		case strings.HasSuffix(found[1], ".css"):
			css += n
		case strings.HasSuffix(found[1], ".js"):
			js += n
		}
	}
	if css == 0 || css > maxCSS || js == 0 || js > maxJS {
		t.Errorf("%d bytes of styles, %d of script", css, js)
	}
}

func zipped(t *testing.T, text string) int {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Len()
}
