package e2e

import (
	"database/sql"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

// operator runs the product: a folder, a configuration in the environment, and the binary.
type operator struct {
	t                                      *testing.T
	folder, database, issuer, address, ops string
	env                                    []string
	server                                 *testkit.Process
}

// operates is an operator with a configuration that is safe to serve.
func operates(t *testing.T, database string) *operator {
	t.Helper()
	port := testkit.FreePort(t)
	o := &operator{
		t: t, folder: t.TempDir(), database: database, issuer: fmt.Sprintf("http://localhost:%d", port),
		address: fmt.Sprintf("127.0.0.1:%d", port), ops: fmt.Sprintf("127.0.0.1:%d", testkit.FreePort(t)),
	}
	o.env = []string{
		"LANYARD_SERVER_LISTEN=" + o.address, "LANYARD_SERVER_ISSUER=" + o.issuer, "LANYARD_OPERATIONS_LISTEN=" + o.ops,
		"LANYARD_DATABASE_URL=" + o.database, "LANYARD_KEYS_MASTER_KEY=" + base64.StdEncoding.EncodeToString(masterKey),
	}
	return o
}

// with is the same operator with further variables; later ones win.
func (o *operator) with(env ...string) *operator {
	out := *o
	out.env = append(append([]string{}, o.env...), env...)
	return &out
}

// run runs a command to its end and gives its exit code and what it wrote.
func (o *operator) run(args ...string) (int, string) {
	o.t.Helper()
	p := testkit.Run(o.t, testkit.Command{Path: testkit.Binary(o.t), Args: args, Env: o.env, Dir: o.folder})
	return p.Wait(o.t), p.Log()
}

// must runs a command that has to succeed.
func (o *operator) must(args ...string) string {
	o.t.Helper()
	code, text := o.run(args...)
	if code != 0 {
		o.t.Fatalf("%v ended with %d:\n%s", args, code, text)
	}
	return text
}

// launch starts the server without waiting. A test that leaves it running kills
// it: an orderly end takes as long as load balancers need.
func (o *operator) launch(args ...string) {
	o.t.Helper()
	o.server = testkit.Run(o.t, testkit.Command{Path: testkit.Binary(o.t), Args: append([]string{"serve"}, args...), Env: o.env, Dir: o.folder})
	o.t.Cleanup(o.server.Kill)
}

// serve starts the server and waits until it is ready.
func (o *operator) serve(args ...string) {
	o.t.Helper()
	o.launch(args...)
	o.await()
}

// await waits until the server says that it is ready.
func (o *operator) await() {
	o.t.Helper()
	eventually(o.t, 30*time.Second, "the server is ready", func() bool {
		status, _ := fetched("http://" + o.ops + "/readyz")
		return status == http.StatusOK
	})
}

// idp is the running server for browsers and clients, on a new connection for each request.
func (o *operator) idp() *idp.IDP { return idp.At(o.t, o.issuer, o.address) }

// write puts a file into the operator's folder.
func (o *operator) write(name, text string) string {
	o.t.Helper()
	path := filepath.Join(o.folder, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		o.t.Fatal(err)
	}
	return path
}

// look opens the database beside the server.
func (o *operator) look() *sql.DB {
	o.t.Helper()
	return looking(o.t, o.database)
}

// looking opens a database beside whoever serves from it.
func looking(t *testing.T, database string) *sql.DB {
	t.Helper()
	driver, source := "pgx", database
	if path, isSQLite := strings.CutPrefix(database, "sqlite:"); isSQLite {
		driver, source = "sqlite", "file:"+path+"?_pragma=busy_timeout(5000)"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// sqliteURL names a database in a new folder.
func sqliteURL(t *testing.T) string {
	t.Helper()
	return "sqlite:" + filepath.Join(t.TempDir(), "lanyard.db")
}

// onBoth runs a test on both databases.
func onBoth(t *testing.T, test func(t *testing.T, database string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, sqliteURL(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, testkit.Postgres(t)) })
}

// eventually waits until something is true.
func eventually(t *testing.T, limit time.Duration, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// fetched gives status and body of a GET; status 0 if there was no answer.
func fetched(address string) (int, string) {
	r, err := http.NewRequest(http.MethodGet, address, nil) //nolint:noctx // the client has a time limit
	if err != nil {
		return 0, err.Error()
	}
	return did(r)
}

// did sends a request over a connection of its own.
func did(r *http.Request) (int, string) {
	client := http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err.Error()
	}
	return answer.StatusCode, string(body)
}

const (
	administrator         = "grace@example.test"
	administratorPassword = "nanoseconds-of-copper-wire"
	shopSecret            = "shop-secret-0123456789-0123456789-0123"
	shopRedirect          = "https://shop.example.test/callback"
)

// shopFile registers a client, in the default tenant and in another, with secrets
// from the environment and from a file.
const shopFile = `version: 1
tenants:
  - slug: default
    clients:
      - {client_id: shop, client_name: Shop, client_secret: {env: SHOP_SECRET}, redirect_uris: ["` + shopRedirect + `"], first_party: true}
  - slug: branch
    name: Branch
    users:
      - {email: joan@example.test, password: {file: joan.password}}
    clients:
      - {client_id: shop, client_name: Shop, client_secret: {file: shop.secret}, redirect_uris: ["` + shopRedirect + `"], first_party: true}
`

const joanPassword = "colossus-mark-two-1944"

// applies brings the shop into the database and tells what the command said.
func (o *operator) applies() string {
	o.t.Helper()
	file := o.write("tenants.yaml", shopFile)
	o.write("shop.secret", shopSecret+"\n")
	o.write("joan.password", joanPassword+"\n")
	return o.with("SHOP_SECRET="+shopSecret).must("apply", "-f", file)
}

// shop is the relying party of shopFile.
func (o *operator) shop(i *idp.IDP) *idp.Client {
	c := i.Client("shop")
	c.Secret, c.Redirect = shopSecret, shopRedirect
	return c
}

// setupLink makes a link.
func (o *operator) setupLink() string {
	o.t.Helper()
	for line := range strings.Lines(o.must("setup-link")) {
		if strings.HasPrefix(line, o.issuer+"/setup?token=") {
			return strings.TrimSpace(line)
		}
	}
	o.t.Fatal("setup-link prints no link")
	return ""
}

// fillsSetup is what the first administrator enters.
func fillsSetup() url.Values {
	return url.Values{"username": {administrator}, "name": {"Grace Hopper"}, "password": {administratorPassword}}
}

// TestOperatorsDay walks from an empty database to a second tenant, on the real binary.
func TestOperatorsDay(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		o := operates(t, database)
		if text := o.must("migrate", "up"); !strings.Contains(text, "the schema is current") {
			t.Errorf("migrate says %q", text)
		}
		o.serve()
		o.makesAdministrator()
		o.connectsShop()
		o.refusesInlineSecrets()
	})
}

// makesAdministrator goes through the set-up links: replaced, expired, used, used up.
func (o *operator) makesAdministrator() {
	t, i := o.t, o.idp()
	t.Helper()
	replaced, link := o.setupLink(), o.setupLink()
	for name, dead := range map[string]string{"a replaced": replaced, "an invented": o.issuer + "/setup?token=" + strings.Repeat("x", 43)} {
		if page := i.Browser().Get(dead); page.Status != http.StatusNotFound || page.Has("setup-submit") {
			t.Errorf("%s link opens %s", name, page)
		}
	}
	b := i.Browser()
	form := b.Get(link)
	// Fifteen minutes pass while the form is open, and are taken back.
	o.ages("one_time_tokens", "expires_at", 15*time.Minute)
	if page := b.Press(form, "setup-submit", fillsSetup()); page.Status != http.StatusNotFound {
		t.Errorf("an expired link leads to %s", page)
	}
	if page := i.Browser().Get(link); page.Status != http.StatusNotFound {
		t.Errorf("an expired link opens %s", page)
	}
	o.ages("one_time_tokens", "expires_at", -15*time.Minute)
	if page := b.Press(b.Get(link), "setup-submit", fillsSetup()); page.Status != http.StatusOK || page.URL.Path != "/setup/done" {
		t.Fatalf("the form leads to %s\n%s", page, page.Body)
	}
	if page := b.Press(form, "setup-submit", fillsSetup()); page.Status != http.StatusNotFound {
		t.Errorf("a used link leads to %s", page)
	}
	var roles int
	if err := o.look().QueryRow(`SELECT count(*) FROM user_roles WHERE role = 'instance-admin'`).Scan(&roles); err != nil || roles != 1 {
		t.Errorf("%d administrators, %v", roles, err)
	}
}

// ages moves a moment in all rows of a table into the past, as if time had passed.
func (o *operator) ages(table, column string, by time.Duration) {
	o.t.Helper()
	if _, err := o.look().Exec(fmt.Sprintf("UPDATE %s SET %s = %s - %d", table, column, column, by.Microseconds())); err != nil {
		o.t.Fatal(err)
	}
}

// connectsShop applies a file to the running server: what it says is served at once.
func (o *operator) connectsShop() {
	t, i := o.t, o.idp()
	t.Helper()
	shop := o.shop(i)
	if page := i.Browser().Get(shop.Authorize(nil)); page.Status != http.StatusBadRequest {
		t.Errorf("before the file is applied the client gets %s", page)
	}
	if status, _ := fetched(o.issuer + "/t/branch/.well-known/openid-configuration"); status != http.StatusNotFound {
		t.Errorf("before the file is applied the tenant answers %d", status)
	}
	if said := o.applies(); said != "4 created, 0 updated, 1 unchanged\n" {
		t.Errorf("the first apply says %q", said)
	}
	tokens := shop.Exchange(shop.Code(i.Browser(), administrator, administratorPassword, nil), nil)
	if tokens.Status != http.StatusOK || idp.Claims(t, tokens.Text("id_token"))["iss"] != o.issuer {
		t.Errorf("the administrator gets %d %s", tokens.Status, tokens.Raw)
	}
	branch := shop.At(o.issuer + "/t/branch")
	tokens = branch.Exchange(branch.Code(i.Browser(), "joan@example.test", joanPassword, nil), nil)
	if tokens.Status != http.StatusOK || idp.Claims(t, tokens.Text("id_token"))["iss"] != branch.Issuer {
		t.Errorf("a person of the new tenant gets %d %s", tokens.Status, tokens.Raw)
	}
	if page := i.Browser().SignIn(branch.Authorize(nil), administrator, administratorPassword); page.Away != nil {
		t.Errorf("the administrator of one tenant signs in to another")
	}
	if said := o.applies(); said != "0 created, 0 updated, 5 unchanged\n" {
		t.Errorf("the second apply says %q", said)
	}
	if a := shop.Refresh(shop.Exchange(shop.Code(i.Browser(), administrator, administratorPassword, nil), nil).Text("refresh_token"), nil); a.Status != http.StatusOK {
		t.Errorf("after the second apply a refresh gets %d %s", a.Status, a.Raw)
	}
}

func (o *operator) refusesInlineSecrets() {
	t := o.t
	t.Helper()
	file := o.write("inline.yaml", strings.ReplaceAll(shopFile, "{env: SHOP_SECRET}", shopSecret))
	code, text := o.run("apply", "-f", file)
	if code != 1 || !strings.Contains(text, "inline.yaml:5:") || strings.Contains(text, shopSecret) {
		t.Errorf("a secret in line: %d %s", code, text)
	}
	o.write("tenants.yaml", shopFile)
	if code, text := o.run("apply", "-f", filepath.Join(o.folder, "tenants.yaml")); code != 1 || !strings.Contains(text, "SHOP_SECRET") {
		t.Errorf("a variable that is not there: %d %s", code, text)
	}
}

// TestSetupPageInBrowser makes the first administrator in front of a real browser.
func TestSetupPageInBrowser(t *testing.T) {
	o := operates(t, sqliteURL(t))
	testkit.Need(t, "chromium")
	o.serve("--migrate")
	b := openBrowser(t)
	b.open(o.setupLink())
	b.fill("#username", administrator)
	b.fill("#name", "Grace Hopper")
	b.fill("#password", "grace-likes-long-words") // it contains the address
	b.press("setup-submit")
	b.sees("#problem")
	b.fill("#password", administratorPassword)
	b.press("setup-submit")
	b.comesTo("the end of the set-up", `location.pathname === "/setup/done"`)
	o.applies()
	shop := o.shop(o.idp())
	if a := shop.Exchange(shop.Code(o.idp().Browser(), administrator, administratorPassword, nil), nil); a.Status != http.StatusOK {
		t.Errorf("the administrator gets %d %s", a.Status, a.Raw)
	}
	o.setsUpByPasskey(b)
}

// setsUpByPasskey makes an administrator without a password, and lets them into the
// console; a gesture that failed leaves the link as it was. Nothing of it is in the log.
func (o *operator) setsUpByPasskey(b browser) {
	t, link := o.t, o.setupLink()
	t.Helper()
	key := b.key()
	b.open(link)
	b.fill("#username", "not an address")
	b.press("passkey-button")
	b.sees("#username-error")
	b.fill("#username", "joan@example.test")
	b.fill("#name", "Joan Clarke")
	b.fill("#tenant", "Hut Eight")
	b.verifies(key, false)
	b.click("passkey-button")
	b.comesTo("the neutral word", `document.getElementById("passkey-status")?.textContent.includes("No passkey was used")`)
	axe, err := os.ReadFile(filepath.Join("testdata", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	b.picture("setup with a passkey")
	for _, problem := range b.audit(string(axe)) {
		t.Errorf("the page of the set-up: %s", problem)
	}
	b.verifies(key, true)
	b.press("passkey-button")
	b.reads("Hut Eight is set up")
	b.do("go to the console", chromedp.Click(".button", chromedp.ByQuery))
	// The browser may answer the page by itself (conditional mediation).
	b.comesTo("the passkey's button or the console", `location.pathname === "/console" || document.getElementById("passkey-button")?.getClientRects().length > 0`)
	b.do("use the passkey", chromedp.Evaluate(`document.getElementById("passkey-button")?.click()`, nil))
	b.comesTo("the console", `location.pathname === "/console"`)
	token := strings.TrimPrefix(link, o.issuer+"/setup?token=")
	for _, secret := range []string{token, "joan@example.test", "Joan Clarke", "clientDataJSON"} {
		if strings.Contains(o.server.Log(), secret) {
			t.Errorf("the log has %q", secret)
		}
	}
}

// TestConfigCommandsHideSecrets checks and prints a configuration of file, environment and flag.
func TestConfigCommandsHideSecrets(t *testing.T) {
	const password = "a-database-password"
	o := operates(t, "postgres://lanyard:"+password+"@db.example.test/lanyard")
	key := strings.TrimPrefix(o.env[len(o.env)-1], "LANYARD_KEYS_MASTER_KEY=")
	file := o.write("lanyard.yaml", "server:\n  replicas: 3\n  trusted_proxies: [10.0.0.0/8]\nlog:\n  level: warn\n")
	if text := o.must("config", "check", "--config", file); !strings.Contains(text, "fine") {
		t.Errorf("check says %q", text)
	}
	text := o.must("config", "print", "--config", file, "--set", "log.level=debug")
	for _, want := range []string{"  replicas: 3\n", `  trusted_proxies: ["10.0.0.0/8"]` + "\n", `  level: "debug"` + "\n", `  issuer: "` + o.issuer + `"` + "\n", `  url: "[secret]"` + "\n", `  master_key: "[secret]"` + "\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("print has no %q:\n%s", want, text)
		}
	}
	for _, secret := range []string{password, key} {
		if strings.Contains(text, secret) {
			t.Errorf("print shows a secret:\n%s", text)
		}
	}
	bad := o.write("bad.yaml", "server:\n  replica: 3\n  issuer: http://id.example.test\nlog:\n  level: loud\n")
	code, text := o.with("LANYARD_SERVER_ISSUER=http://id.example.test/", "LANYARD_LOG_LEVL=debug").run("config", "check", "--config", bad)
	for _, want := range []string{`bad.yaml:2:3: unknown key "replica"; did you mean "replicas"?`, "bad.yaml:5:10:", `unknown variable "LANYARD_LOG_LEVL"`, "must be https"} {
		if code != 1 || !strings.Contains(text, want) {
			t.Errorf("check (%d) does not say %q:\n%s", code, want, text)
		}
	}
}
