package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// TestDumpOpensNothing reads everything out of the database of a server in use and
// tries each value wherever a secret is asked for. And no secret that was handed
// out stands in the files (ATTACKS.md 254).
func TestDumpOpensNothing(t *testing.T) {
	o := operates(t, sqliteURL(t))
	seeded(t, o.database)
	o.serve()
	w := o.lives()
	w.notIn(t, "the database", o.files())

	dump := o.dump()
	if len(dump) < 100 {
		t.Fatalf("only %d values in the database", len(dump))
	}
	thief := &thief{operator: o, i: idp.Keeping(t, o.issuer), w: w}
	thief.succeedsWithSecrets()
	var group sync.WaitGroup
	work := make(chan string)
	for range 4 {
		group.Go(func() {
			for value := range work {
				thief.tries(value)
			}
		})
	}
	for value := range dump {
		work <- value
	}
	close(work)
	group.Wait()
	thief.triesPasswords(dump)
	if a := o.idp().Client("machine").Call("/oauth/token", url.Values{"grant_type": {"client_credentials"}}); a.Status != http.StatusOK {
		t.Errorf("after all the wrong secrets the right one gets %d %s", a.Status, a.Raw)
	}
}

// wallet is every secret that was handed out, by what it is.
type wallet struct {
	secrets map[string]string
	browser *idp.Browser
	// flow is the binding cookie of a sign-in that is not finished, page its address.
	flow *http.Cookie
	page string
	code string
}

// lives makes one of everything: a session, used and fresh codes and tokens, an
// open sign-in and a set-up link.
func (o *operator) lives() *wallet {
	o.t.Helper()
	i := o.idp()
	web, b := i.Client("web"), i.Browser()
	w := &wallet{secrets: map[string]string{
		"password": adaPassword, "client secret": web.Secret, "master key": string(masterKey), "verifier": idp.Verifier,
		"master key in base64": base64.StdEncoding.EncodeToString(masterKey),
	}, browser: b}
	add := func(what, secret string) {
		if secret == "" {
			o.t.Fatalf("there is no %s", what)
		}
		w.secrets[what] = secret
	}
	add("used code", web.Code(b, ada, adaPassword, nil))
	tokens := web.Exchange(w.secrets["used code"], nil)
	add("used refresh token", tokens.Text("refresh_token"))
	add("access token", tokens.Text("access_token"))
	add("ID token", tokens.Text("id_token"))
	tokens = web.Refresh(w.secrets["used refresh token"], nil)
	add("refresh token", tokens.Text("refresh_token"))
	add("second access token", tokens.Text("access_token"))
	w.code = web.Code(b, ada, adaPassword, nil)
	add("code", w.code)
	add("machine's token", i.Client("machine").Call("/oauth/token", url.Values{"grant_type": {"client_credentials"}}).Text("access_token"))
	add("set-up token", strings.TrimPrefix(o.setupLink(), o.issuer+"/setup?token="))

	open := i.Browser()
	page := open.Get(web.Authorize(nil))
	w.page = page.URL.String()
	for _, c := range open.Cookies() {
		add("cookie "+c.Name, c.Value)
		if strings.Contains(c.Name, "-flow-") {
			w.flow = c
		}
	}
	for _, c := range b.Cookies() {
		add("cookie "+c.Name, c.Value)
	}
	if w.flow == nil {
		o.t.Fatalf("an open sign-in has no binding cookie: %s", page)
	}
	return w
}

// notIn wants none of the secrets in a text. Of a structured one the part that is
// secret is enough.
func (w *wallet) notIn(t *testing.T, what string, text []byte) {
	t.Helper()
	for name, secret := range w.secrets {
		forms := []string{secret, url.QueryEscape(secret)}
		if parts := strings.Split(secret, "."); len(parts) > 1 {
			forms = append(forms, parts[len(parts)-1])
		}
		if raw, err := base64.RawURLEncoding.DecodeString(secret); err == nil && len(raw) >= 16 {
			forms = append(forms, string(raw), hex.EncodeToString(raw))
		}
		for _, form := range forms {
			if bytes.Contains(text, []byte(form)) {
				t.Errorf("%s has the %s", what, name)
			}
		}
	}
}

// files is all that SQLite has on disk.
func (o *operator) files() []byte {
	o.t.Helper()
	var out []byte
	for _, suffix := range []string{"", "-wal", "-shm"} {
		data, err := os.ReadFile(strings.TrimPrefix(o.database, "sqlite:") + suffix)
		if err != nil {
			o.t.Fatal(err)
		}
		out = append(out, data...)
	}
	return out
}

// dump is every text and blob of every table, blobs in each way to write them.
func (o *operator) dump() map[string]bool {
	o.t.Helper()
	out := map[string]bool{}
	for _, table := range o.column(`SELECT name FROM sqlite_master WHERE type = 'table'`) {
		for _, column := range o.column(`SELECT name FROM pragma_table_info('` + table + `')`) {
			query := `SELECT DISTINCT CAST(` + column + ` AS BLOB) FROM ` + table + ` WHERE typeof(` + column + `) IN ('text', 'blob')`
			for _, value := range o.column(query) {
				for _, text := range written(value) {
					out[text] = true
				}
			}
		}
	}
	return out
}

// written is a value as somebody would type it.
func written(value string) []string {
	const shortest = 6 // nothing that is checked here is shorter
	if len(value) < shortest {
		return nil
	}
	if utf8.ValidString(value) {
		return []string{value}
	}
	raw := []byte(value)
	return []string{base64.RawURLEncoding.EncodeToString(raw), hex.EncodeToString(raw), base64.StdEncoding.EncodeToString(raw)}
}

// column reads a query's only column.
func (o *operator) column(query string) []string {
	o.t.Helper()
	rows, err := o.look().Query(query)
	if err != nil {
		o.t.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			o.t.Fatal(err)
		}
		out = append(out, text)
	}
	if err := rows.Err(); err != nil {
		o.t.Fatal(err)
	}
	return out
}

// thief has the database and the network.
type thief struct {
	*operator
	i *idp.IDP
	w *wallet
}

// uses are the places where a secret is asked for; each says whether one opens it.
func (f *thief) uses() map[string]func(secret string) bool {
	web, machine := f.i.Client("web"), f.i.Client("machine")
	redeems := func(form url.Values) bool { return web.Call("/oauth/token", form).Status == http.StatusOK }
	return map[string]func(string) bool{
		"code":    func(s string) bool { return redeems(web.Exchanging(s, nil)) },
		"refresh": func(s string) bool { return redeems(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {s}}) },
		"bearer": func(s string) bool {
			answer, err := f.send("/oauth/userinfo", "Authorization", "Bearer "+s)
			return err == nil && answer == http.StatusOK
		},
		"introspection": func(s string) bool {
			return web.Call("/oauth/introspect", url.Values{"token": {s}}).Body["active"] == true
		},
		"client secret": func(s string) bool {
			stolen := *machine
			stolen.Secret = s
			return stolen.Call("/oauth/token", url.Values{"grant_type": {"client_credentials"}}).Status == http.StatusOK
		},
		"session": func(s string) bool {
			b := f.i.Browser()
			for _, c := range f.w.browser.Cookies() {
				b.SetCookie(&http.Cookie{Name: c.Name, Value: cookieText(s)})
			}
			page := b.Get(web.Authorize(url.Values{"prompt": {"none"}}))
			return page.Away != nil && page.Away.Query().Get("code") != ""
		},
		"binding": func(s string) bool {
			b := f.i.Browser()
			b.SetCookie(&http.Cookie{Name: f.w.flow.Name, Value: cookieText(s)})
			return b.Get(f.w.page).Has("login-continue")
		},
		"set-up": func(s string) bool {
			return f.i.Browser().Get(f.issuer + "/setup?token=" + url.QueryEscape(s)).Has("setup-submit")
		},
	}
}

// cookieText leaves out what no browser would send.
func cookieText(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r == '"' || r == ';' || r == '\\' || r == ',' || r > '~' {
			return -1
		}
		return r
	}, s)
}

// send asks with one header; values that no header can carry are not sent.
func (f *thief) send(path, name, value string) (int, error) {
	r, err := http.NewRequestWithContext(f.t.Context(), http.MethodGet, f.issuer+path, nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set(name, value)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}

// succeedsWithSecrets shows that each use would tell a right secret.
func (f *thief) succeedsWithSecrets() {
	f.t.Helper()
	right := map[string]string{
		"code": f.w.code, "bearer": f.w.secrets["access token"], "introspection": f.w.secrets["second access token"],
		"client secret": f.i.Client("machine").Secret, "binding": f.w.flow.Value, "set-up": f.w.secrets["set-up token"],
		"refresh": f.w.secrets["refresh token"],
	}
	for _, c := range f.w.browser.Cookies() {
		right["session"] = c.Value
	}
	for name, opens := range f.uses() {
		if !opens(right[name]) {
			f.t.Fatalf("the right secret does not open %q", name)
		}
	}
}

func (f *thief) tries(value string) {
	for name, opens := range f.uses() {
		if opens(value) {
			f.t.Errorf("a value of the database opens %q: %.60q", name, value)
		}
	}
}

// triesPasswords compares the values with the stored hashes directly, since the
// sign-in page would soon make the thief wait; the hashes themselves go there.
func (f *thief) triesPasswords(dump map[string]bool) {
	f.t.Helper()
	hasher := accounts.NewHasher()
	hash := f.column(`SELECT p.hash FROM passwords p JOIN users u ON u.tenant_id = p.tenant_id AND u.id = p.user_id WHERE u.subject = 'ada-subject'`)[0]
	if matches, _, err := hasher.Verify(f.t.Context(), hash, lanyard.SecretOf(adaPassword)); err != nil || !matches {
		f.t.Fatalf("the right password does not match: %v", err)
	}
	var group sync.WaitGroup
	work := make(chan string)
	for range 2 {
		group.Go(func() {
			for value := range work {
				if matches, _, err := hasher.Verify(f.t.Context(), hash, lanyard.SecretOf(value)); matches && err == nil {
					f.t.Errorf("a value of the database is a password: %.60q", value)
				}
			}
		})
	}
	for value := range dump {
		if len(value) <= 64 && !strings.Contains(value, "_0") { // ids are of no use
			work <- value
		}
	}
	close(work)
	group.Wait()
	if page := f.i.Browser().SignIn(f.i.Client("web").Authorize(nil), ada, hash); page.Away != nil {
		f.t.Error(fmt.Sprint("the hash signs in: ", page))
	}
}
