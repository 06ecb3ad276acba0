package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/lanyard-id/lanyard/internal/testkit"
)

// example is a folder of examples/ and what its README says to type.
type example struct {
	t            *testing.T
	name, folder string
	readme       string
	// port is where it listens in the test, in place of the one of its README.
	port int
	// env is set when it is started.
	env []string
}

var (
	exampleSetting = regexp.MustCompile(`(?m)^ *([A-Z][A-Z0-9_]*)=(.*) \\$`)
	exampleFile    = regexp.MustCompile("`([a-z0-9./-]+\\.(?:mjs|js|html|json|cfg|go))`")
	exampleNeeds   = regexp.MustCompile(`setting\('([A-Z_]+)'\)|"([A-Z_]{4,})"[,}]`)
	examplePort    = regexp.MustCompile(`<http://127\.0\.0\.1:(\d+)>`)
	examplePerson  = regexp.MustCompile("as `(\\w+)` with the password\\s+`([^`]+)`")
	exampleCreate  = regexp.MustCompile(`(?m)^lanyard client create (?:.*\\\n)*.*$`)
)

// readExample reads a README and looks whether what it names is there.
func readExample(t *testing.T, name string) *example {
	t.Helper()
	e := &example{t: t, name: name, folder: filepath.Join(testkit.Root(), "examples", name), port: testkit.FreePort(t)}
	e.readme = e.file("README.md")
	for _, named := range exampleFile.FindAllStringSubmatch(e.readme, -1) {
		if _, err := os.Stat(filepath.Join(e.folder, named[1])); err != nil {
			t.Errorf("%s: its README names %s: %v", name, named[1], err)
		}
	}
	set := map[string]bool{}
	for _, setting := range exampleSetting.FindAllStringSubmatch(e.readme, -1) {
		set[setting[1]] = true
	}
	for _, program := range []string{"server.mjs", "main.go"} {
		text, _ := os.ReadFile(filepath.Join(e.folder, program))
		for _, needed := range exampleNeeds.FindAllStringSubmatch(string(text), -1) {
			if setting := needed[1] + needed[2]; !set[setting] {
				t.Errorf("%s: the program needs %s, and its README does not set it", name, setting)
			}
		}
	}
	return e
}

func (e *example) file(name string) string {
	e.t.Helper()
	text, err := os.ReadFile(filepath.Join(e.folder, name))
	if err != nil {
		e.t.Fatal(err)
	}
	return string(text)
}

// base is the address that a newcomer opens.
func (e *example) base() string { return fmt.Sprintf("http://127.0.0.1:%d", e.port) }

// documented is the port of the README.
func (e *example) documented() string {
	e.t.Helper()
	found := examplePort.FindStringSubmatch(e.readme)
	if found == nil {
		e.t.Fatalf("%s: its README names no address to open", e.name)
	}
	return found[1]
}

// redirect is what the README gives to lanyard dev, on the port of the test.
func (e *example) redirect() string {
	e.t.Helper()
	_, after, found := strings.Cut(e.readme, "lanyard dev --redirect ")
	if !found {
		e.t.Fatalf("%s: its README adds no redirect URI", e.name)
	}
	uri, _, _ := strings.Cut(after, "\n")
	return strings.Replace(uri, ":"+e.documented()+"/", ":"+strconv.Itoa(e.port)+"/", 1)
}

// at is what the README sets, with the port of the test and the running server.
func (e *example) at(server *testkit.DevServer) *example {
	place := strings.NewReplacer(
		"127.0.0.1:"+e.documented(), "127.0.0.1:"+strconv.Itoa(e.port), "http://localhost:8080", server.Issuer,
		"localhost:8080", strings.TrimPrefix(server.Issuer, "http://"), "$PWD", e.folder, `"`, "")
	e.env = nil
	for _, setting := range exampleSetting.FindAllStringSubmatch(e.readme, -1) {
		value := place.Replace(setting[2])
		if setting[1] == "PORT" {
			value = strconv.Itoa(e.port)
		}
		e.env = append(e.env, setting[1]+"="+value)
	}
	return e
}

// person is who the README lets sign in.
func (e *example) person() testkit.DevUser {
	e.t.Helper()
	found := examplePerson.FindStringSubmatch(e.readme)
	if found == nil {
		e.t.Fatalf("%s: its README does not say who can sign in", e.name)
	}
	return testkit.DevUser{Username: found[1], Password: found[2]}
}

// node starts the example with the packages of the relying parties, which have to be
// those of its package.json: npm would fetch them anew.
func (e *example) node() {
	e.t.Helper()
	node := testkit.Need(e.t, "node")
	clients := filepath.Join(testkit.Root(), "internal", "e2e", "clients")
	copied, err := os.MkdirTemp(filepath.Join(clients, "node_modules"), ".example-")
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { _ = os.RemoveAll(copied) })
	if err := os.CopyFS(filepath.Join(copied, e.name), os.DirFS(e.folder)); err != nil {
		e.t.Fatal(err)
	}
	var own, all struct {
		Scripts      map[string]string `json:"scripts"`
		Dependencies map[string]string `json:"dependencies"`
	}
	ours, err := os.ReadFile(filepath.Join(clients, "package.json"))
	if err != nil {
		e.t.Fatal(err)
	}
	for text, into := range map[string]any{e.file("package.json"): &own, string(ours): &all} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			e.t.Fatal(err)
		}
	}
	for name, version := range own.Dependencies {
		if all.Dependencies[name] != version {
			e.t.Errorf("%s wants %s %s, and is tested with %s", e.name, name, version, all.Dependencies[name])
		}
	}
	start, _ := strings.CutPrefix(own.Scripts["start"], "node ")
	testkit.Run(e.t, testkit.Command{Path: node, Args: []string{start}, Env: e.env, Dir: filepath.Join(copied, e.name)}).Next(e.t, &struct{}{})
}

// TestExamplesAreFollowed types what the examples say, on a development server whose
// seed has the addresses of the test: ada signs in, is named, comes back and signs out.
func TestExamplesAreFollowed(t *testing.T) {
	express, page, proxy, backend := readExample(t, "express"), readExample(t, "spa"), readExample(t, "oauth2-proxy"), readExample(t, "backend-for-frontend")
	seed, err := os.ReadFile(filepath.Join(testkit.Root(), "cmd", "lanyard", "seed.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	moved := strings.NewReplacer(":"+page.documented()+"/", ":"+strconv.Itoa(page.port)+"/", ":"+backend.documented()+"/", ":"+strconv.Itoa(backend.port)+"/")
	file := filepath.Join(t.TempDir(), "seed.yaml")
	if err := os.WriteFile(file, []byte(moved.Replace(string(seed))), 0o600); err != nil {
		t.Fatal(err)
	}
	server := testkit.Dev(t, "--seed", file, "--redirect", express.redirect(), "--redirect", proxy.redirect())
	for name, follow := range map[string]func(b browser, e *example, server *testkit.DevServer){
		"express": followExpress, "spa": followSPA, "oauth2-proxy": followProxy, "backend-for-frontend": followBackend,
	} {
		t.Run(name, func(t *testing.T) {
			for _, e := range []*example{express, page, proxy, backend} {
				if e.name == name {
					e.t = t
					follow(openBrowser(t), e.at(server), server)
				}
			}
		})
	}
}

// is waits until a page shows a text.
func (b browser) is(selector, text string) {
	b.t.Helper()
	b.comesTo(selector+" to be "+text, `document.querySelector(`+strconv.Quote(selector)+`)?.textContent === `+strconv.Quote(text))
}

const shownAda = "Ada King Lovelace ada@example.test"

func followExpress(b browser, e *example, _ *testkit.DevServer) {
	e.node()
	b.open(e.base())
	b.is("#who", "nobody")
	b.press("sign-in")
	b.do("choose the provider", chromedp.Click(`form[action$="/signin/lanyard"] button`, chromedp.ByQuery))
	b.signIn(e.person())
	b.is("#who", shownAda)
	b.open(e.base())
	b.is("#who", shownAda)
	b.press("sign-out")
	b.do("leave the app", chromedp.Click(`form[action$="/signout"] button`, chromedp.ByQuery))
	b.is("#who", "nobody")
	b.press("sign-out-everywhere")
	b.press("logout-confirm")
	b.open(e.base() + "/auth/signin")
	b.do("choose the provider", chromedp.Click(`form[action$="/signin/lanyard"] button`, chromedp.ByQuery))
	b.sees("#login-continue")
}

func followSPA(b browser, e *example, _ *testkit.DevServer) {
	e.node()
	b.open(e.base())
	b.is("#state", "ready")
	b.click("sign-in")
	b.signIn(e.person())
	b.is("#state", "signed in")
	b.is("#who", "Ada King Lovelace")
	first := b.kept()
	b.click("refresh")
	b.is("#state", "refreshed")
	if second := b.kept(); second.AccessToken == first.AccessToken || second.AccessToken == "" || second.Profile["sub"] != first.Profile["sub"] {
		b.t.Error("the refresh brought the same access token or another person")
	}
	b.open(e.base())
	b.is("#who", "Ada King Lovelace")
	b.click("sign-out")
	b.is("#who", "nobody")
	b.is("#state", "ready")
	b.click("sign-in")
	b.sees("#login-continue")
}

type spaUser struct {
	Profile     map[string]any `json:"profile"`
	AccessToken string         `json:"access_token"`
}

// kept is what oidc-client-ts has in its store.
func (b browser) kept() spaUser {
	b.t.Helper()
	var user spaUser
	b.do("look into the store", chromedp.Evaluate(`JSON.parse(sessionStorage.getItem(Object.keys(sessionStorage).find((k) => k.startsWith("oidc.user:"))))`, &user))
	return user
}

// followProxy refreshes every second, not after five minutes, and shows the token that
// servers behind the proxy would get.
func followProxy(b browser, e *example, server *testkit.DevServer) {
	e.env = append(e.env, "OAUTH2_PROXY_COOKIE_REFRESH=1s", "OAUTH2_PROXY_SET_XAUTHREQUEST=true", "OAUTH2_PROXY_PASS_ACCESS_TOKEN=true")
	testkit.Run(b.t, testkit.Command{Path: testkit.Need(b.t, "oauth2-proxy"), Args: []string{"--config", "oauth2-proxy.cfg"}, Env: e.env, Dir: e.folder})
	waitFor(b.t, e.base()+"/ping")
	b.open(e.base())
	b.signIn(e.person())
	b.is("#who", "ada ada@example.test")
	token := func() string {
		var text string
		b.poll("ask for the token", `(() => {
			const asked = new XMLHttpRequest()
			asked.open("GET", "/oauth2/auth", false)
			asked.send()
			return asked.getResponseHeader("X-Auth-Request-Access-Token")
		})()`, &text)
		return text
	}
	first, deadline := token(), time.Now().Add(15*time.Second)
	for token() == first {
		if time.Now().After(deadline) {
			b.t.Fatal("the access token was never refreshed")
		}
		time.Sleep(200 * time.Millisecond)
	}
	leave := regexp.MustCompile("`(/oauth2/sign_out\\?rd=[^`]*)`").FindStringSubmatch(e.readme)
	if leave == nil {
		b.t.Fatal("the README does not say how both sessions end")
	}
	host := strings.ReplaceAll(strings.TrimPrefix(server.Issuer, "http://"), ":", "%3A")
	b.open(e.base() + strings.Replace(leave[1], "localhost%3A8080", host, 1))
	b.press("logout-confirm")
	b.open(e.base())
	b.sees("#login-continue")
	if address := b.address(); !strings.HasPrefix(address, server.Issuer+"/login") {
		b.t.Errorf("after the sign-out the person is at %s", address)
	}
}

// followBackend makes each request refresh: eight at once with the same cookie do so once.
func followBackend(b browser, e *example, _ *testkit.DevServer) {
	binary := filepath.Join(b.t.TempDir(), e.name)
	build := exec.CommandContext(b.t.Context(), "go", "build", "-buildvcs=false", "-o", binary, ".")
	build.Dir, build.Env = e.folder, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.t.Fatalf("%v\n%s", err, out)
	}
	running := testkit.Run(b.t, testkit.Command{Path: binary, Env: append(e.env, "REFRESH_AHEAD=1h"), Dir: b.t.TempDir()})
	running.Next(b.t, &struct{}{})
	b.open(e.base())
	b.is("#who", "nobody")
	b.press("sign-in")
	b.signIn(e.person())
	b.is("#who", shownAda)
	b.asksAtOnce(e.base()+"/api/me", running)
	b.refusesForeignLogout(e.base())
	b.open(e.base())
	b.is("#who", shownAda)
	b.press("sign-out")
	b.is("#who", "nobody")
	b.press("sign-in")
	b.sees("#login-continue")
}

// asksAtOnce sends eight requests with the cookies of the browser, which script can
// not read: one of them refreshes, and all are answered.
func (b browser) asksAtOnce(address string, running *testkit.Process) {
	b.t.Helper()
	var header []string
	b.do("read the cookies", chromedp.ActionFunc(func(ctx context.Context) error {
		all, err := network.GetCookies().WithURLs([]string{address}).Do(ctx)
		for _, c := range all {
			if header = append(header, c.Name+"="+c.Value); !c.HTTPOnly {
				b.t.Errorf("script can read the cookie %s", c.Name)
			}
		}
		return err
	}))
	before := strings.Count(running.Log(), "refreshed")
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, address, nil)
			if err != nil {
				b.t.Error(err)
				return
			}
			r.Header.Set("Cookie", strings.Join(header, "; "))
			if status, text := did(r); status != http.StatusOK || !strings.Contains(text, "ada@example.test") {
				b.t.Errorf("%d %s", status, text)
			}
		})
	}
	group.Wait()
	if n := strings.Count(running.Log(), "refreshed") - before; n != 1 {
		b.t.Errorf("eight requests at once refreshed %d times", n)
	}
}

// refusesForeignLogout sends the form from a page of another origin.
func (b browser) refusesForeignLogout(base string) {
	b.t.Helper()
	b.open("about:blank")
	b.do("send a form from elsewhere", chromedp.Evaluate(`(() => {
		const form = document.createElement("form")
		form.method = "post"
		form.action = `+strconv.Quote(base+"/logout")+`
		document.body.append(form)
		form.submit()
	})()`, nil))
	b.comesTo("the refusal", `location.pathname === "/logout" && document.body.textContent.includes("cross-origin")`)
}

// TestExamplesRegisterTheirClients: the commands for an own Lanyard are taken as they stand.
func TestExamplesRegisterTheirClients(t *testing.T) {
	o := operates(t, sqliteURL(t))
	o.must("migrate", "up")
	o.must("setup-link") // makes the tenant and its keys
	folders, err := filepath.Glob(filepath.Join(testkit.Root(), "examples", "*", "README.md"))
	if err != nil || len(folders) < 4 {
		t.Fatalf("%v, %v", folders, err)
	}
	for _, folder := range folders {
		e := readExample(t, filepath.Base(filepath.Dir(folder)))
		create := exampleCreate.FindString(e.readme)
		if create == "" {
			t.Errorf("%s: its README registers no client", e.name)
			continue
		}
		shell := exec.CommandContext(t.Context(), "sh", "-c", `lanyard() { "$LANYARD" "$@" --database; }; `+create)
		shell.Dir, shell.Env = o.folder, slices.Concat(os.Environ(), o.env, []string{"LANYARD=" + testkit.Binary(t)})
		out, err := shell.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "client_id") || strings.Contains(e.readme, "CLIENT_SECRET") != strings.Contains(string(out), "client_secret ") {
			t.Errorf("%s: %v\n%s", e.name, err, out)
		}
	}
}
