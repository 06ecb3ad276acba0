package loginui_test

import (
	"bytes"
	"compress/gzip"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	loginui "github.com/lanyard-id/lanyard/login-ui"
	"github.com/lanyard-id/lanyard/provider/flow"
)

// document is a page taken apart by a real HTML parser.
type document struct{ nodes []*html.Node }

func parse(t *testing.T, body string) document {
	t.Helper()
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	var d document
	for n := range root.Descendants() {
		d.nodes = append(d.nodes, n)
	}
	return d
}

func (d document) elements(name string) []*html.Node {
	var out []*html.Node
	for _, n := range d.nodes {
		if n.Type == html.ElementNode && n.Data == name {
			out = append(out, n)
		}
	}
	return out
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// active lists what a browser would run or load from elsewhere.
func (d document) active() []string {
	var out []string
	for _, n := range d.nodes {
		if n.Type != html.ElementNode {
			continue
		}
		if n.Data == "style" || n.Data == "base" || n.Data == "iframe" || n.Data == "object" || n.Data == "embed" || n.Data == "img" && !strings.Contains(attr(n, "src"), "/org-logo/org_") || n.Data == "svg" && !drawing(n) {
			out = append(out, "<"+n.Data+">")
		}
		if n.Data == "script" && (n.FirstChild != nil || !strings.Contains(attr(n, "src"), "/assets/")) {
			out = append(out, "script "+attr(n, "src"))
		}
		for _, a := range n.Attr {
			link := a.Key == "href" || a.Key == "src" || a.Key == "action" || a.Key == "formaction"
			u, err := url.Parse(a.Val)
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "srcdoc" || link && (err != nil || u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https") {
				out = append(out, n.Data+" "+a.Key+"="+a.Val)
			}
		}
	}
	return out
}

// drawing tells whether an svg element is nothing but shapes in black and white.
func drawing(n *html.Node) bool {
	for c := range n.Descendants() {
		if c.Data != "rect" && c.Data != "path" || c.FirstChild != nil {
			return false
		}
	}
	for _, a := range n.Attr {
		if a.Key != "xmlns" && a.Key != "viewBox" && a.Key != "width" && a.Key != "height" && a.Key != "shape-rendering" {
			return false
		}
	}
	return n.FirstChild != nil
}

func everyCase(t *testing.T) map[string]struct {
	pageCase
	site web.Site
} {
	out := map[string]struct {
		pageCase
		site web.Site
	}{}
	for _, c := range append(cases(t), servedCases()...) {
		out[c.name] = struct {
			pageCase
			site web.Site
		}{c, https}
	}
	for _, c := range devCases() {
		out[c.name] = struct {
			pageCase
			site web.Site
		}{c, local}
	}
	return out
}

func TestPagesKeepTheRules(t *testing.T) {
	fresh := worlds(t)
	for name, c := range everyCase(t) {
		rec := c.show(fresh(c.site), "&lang=en")
		d := parse(t, rec.Body.String())
		if got := d.active(); len(got) != 0 {
			t.Errorf("%s: %v", name, got)
		}
		if len(d.elements("h1")) != 1 || len(d.elements("main")) != 1 || len(d.elements("footer")) != 1 {
			t.Errorf("%s: not one h1, main and footer", name)
		}
		h := rec.Header()
		csp := h.Get("Content-Security-Policy")
		if strings.Contains(csp, "unsafe") || !strings.Contains(csp, "script-src 'self'") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s: CSP %q", name, csp)
		}
		if h.Get("Cache-Control") != "no-store" || h.Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("%s: %v", name, h)
		}
		title := d.elements("title")[0].FirstChild.Data
		wrong := strings.HasPrefix(name, "error") || strings.Contains(rec.Body.String(), `role="alert"`) || name == "setup-used" || strings.HasPrefix(name, "reset-used") || name == "reset-raced" || name == "link-used"
		if strings.HasPrefix(title, "Error: ") != wrong {
			t.Errorf("%s: title %q", name, title)
		}
	}
}

func TestLabelsNameEveryInput(t *testing.T) {
	fresh := worlds(t)
	for name, c := range everyCase(t) {
		d := parse(t, c.show(fresh(c.site), "").Body.String())
		labels := map[string]bool{}
		for _, l := range d.elements("label") {
			labels[attr(l, "for")] = true
		}
		ids := map[string]bool{}
		for _, n := range d.nodes {
			if id := attr(n, "id"); id != "" && ids[id] {
				t.Errorf("%s: the id %s is there twice", name, id)
			}
			ids[attr(n, "id")] = true
		}
		for _, in := range append(d.elements("input"), d.elements("select")...) {
			if attr(in, "type") != "hidden" && !labels[attr(in, "id")] {
				t.Errorf("%s: the input %s has no label", name, attr(in, "id"))
			}
			for _, id := range strings.Fields(attr(in, "aria-describedby")) {
				if !ids[id] {
					t.Errorf("%s: %s is described by %s, which is not there", name, attr(in, "id"), id)
				}
			}
		}
	}
}

// The contract of the sign-in pages.
func TestFieldNamesAndButtonIDs(t *testing.T) {
	for name, want := range map[string][]string{
		"identifier": {`name="username"`, `id="login-continue"`, `autocomplete="username webauthn"`, `autocapitalize="none"`, `spellcheck="false"`, `inputmode="email"`},
		"password":   {`name="password"`, `id="login-submit"`, `autocomplete="current-password"`, `name="keep"`, `autocomplete="username"`},
		"consent":    {`id="consent-allow"`, `id="consent-deny"`},
		"logout":     {`id="logout-confirm"`},
		"connection": {`id="upstream-continue"`, `id="way-usual"`},

		"identifier-providers": {`name="way" value="connection:google" id="provider-google"`, `id="provider-telegram"`},
		"link-identity":        {`name="link" value="no" id="link-deny"`, `name="link" value="yes" id="link-allow"`},
		"setup":                {`name="username"`, `name="password"`, `autocomplete="new-password"`, `minlength="15"`, `passwordrules=`, `name="tenant"`, `name="credential"`, `id="passkey-button"`},
	} {
		c := everyCase(t)[name]
		body := c.show(newWorld(t, c.site), "").Body.String()
		for _, text := range want {
			if !strings.Contains(body, text) {
				t.Errorf("%s: %s is missing", name, text)
			}
		}
	}
}

// payloads try to leave the place where they are shown.
var payloads = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `javascript:alert(1)`, `</title><script>alert(1)</script>`,
	`{{.Site}}`, `{{7*7}}`, "`-alert(1)-`", `&lt;script&gt;`, `<svg/onload=alert(1)>`, `--></main><iframe srcdoc="<script>alert(1)</script>">`,
	`%3Cscript%3E`, `<a href="data:text/html,x">`, `]]><script>`, `jaVasCript:/*-/*` + "`" + `/*\` + "`" + `/*'/*"/**/(alert(1))//`, "\u202e<b>", `<base href=//evil.example>`,
	`"; DROP TABLE x; --`, `<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>`,
}

// Every field that somebody else fills, in every page that shows one.
func TestPayloadsStayText(t *testing.T) {
	t.Parallel()
	fresh := worlds(t)
	for _, evil := range payloads {
		for name, show := range infected(t, evil) {
			w := fresh(local)
			w.live.Tenant.Name = evil
			w.live.Tenant.Branding.Accent = evil
			w.live.Tenant.Policy.PrivacyURL, w.live.Tenant.Policy.TermsURL = evil, "javascript:alert(1)"
			rec := show(w, "")
			if got := parse(t, rec.Body.String()).active(); len(got) != 0 {
				t.Errorf("%s with %q: %v", name, evil, got)
			}
			if csp := rec.Header().Get("Content-Security-Policy"); strings.Contains(csp, "evil") || strings.Contains(csp, "alert") {
				t.Errorf("%s with %q: CSP %s", name, evil, csp)
			}
		}
	}
}

// infected are pages that show the payload wherever they show a stranger's text.
func infected(t *testing.T, evil string) map[string]func(*world, string) *httptest.ResponseRecorder {
	t.Helper()
	client := &lanyard.Client{ID: lanyard.ClientID(evil), Name: evil, URI: evil, Policy: evil, Terms: evil, InitiateLoginURI: evil, LogoURI: evil}
	account := lanyard.Account{
		Session: lanyard.Session{ID: lanyard.SessionID(evil)},
		User:    lanyard.User{Username: evil, Profile: lanyard.Profile{Name: evil, Email: evil, Picture: evil}},
	}
	at := func(step flow.Step) flow.Page {
		p := due(step)
		p.Client, p.Account, p.Accounts, p.Token, p.RedirectOrigin = client, &account, []lanyard.Account{account}, evil, evil
		p.Request.ID, p.Request.Identifier = lanyard.AuthRequestID(evil), evil
		p.Request.Params.LoginHint, p.Request.Params.State, p.Request.Params.UILocales = evil, evil, []string{evil}
		p.Request.Params.RedirectURI = evil
		p.Asked = []flow.ScopeText{{Name: evil}, {Name: evil, Description: evil, Resource: evil}}
		return p
	}
	plain, err := web.NewAnswer([]string{"https://app.example/cb"}, "https://app.example/cb", url.Values{"state": {evil}, evil: {evil}})
	if err != nil {
		t.Fatal(err)
	}
	out := infectedSignIn(evil, at)
	maps.Copy(out, infectedFederation(evil, at))
	maps.Copy(out, map[string]func(*world, string) *httptest.ResponseRecorder{
		"identifier": atStep("/login", at(flow.StepIdentify)),
		"again":      refused("/login", at(flow.StepIdentify), lanyard.ErrBadInput, "username", evil),
		"password":   refused("/login/password", at(flow.StepPassword), lanyard.ErrWrongCredentials, "password", evil),
		"chooser":    atStep("/login/choose", at(flow.StepChoose)),
		"consent":    atStep("/login/consent", at(flow.StepConsent)),
		"stale":      failed(lanyard.ErrStaleFlow, client),
		"error":      failed(lanyard.ErrInvalidRequest.Saying(evil), client),
		"query":      visited("/nowhere?error=" + url.QueryEscape(evil) + "&error_description=" + url.QueryEscape(evil)),
		"setup": func(w *world, _ string) *httptest.ResponseRecorder {
			return w.post("/setup", url.Values{"token": {evil}, "username": {evil}, "name": {evil}, "tenant": {evil}, "password": {evil}})
		},
		"logout": rendered(func(w *world) web.Handler {
			return func(c *gin.Context) error {
				return w.pages.LogoutConfirm(c, client, []lanyard.Account{account}, url.Values{evil: {evil}}, evil)
			}
		}),
		"signed out": rendered(func(w *world) web.Handler {
			return func(c *gin.Context) error { return w.pages.SignedOut(c, client) }
		}),
		"form_post": rendered(func(w *world) web.Handler {
			return func(c *gin.Context) error { return w.pages.FormPost(c, plain, client, []string{evil}) }
		}),
		"try": rendered(func(w *world) web.Handler {
			return func(c *gin.Context) error {
				return w.pages.Try(c, loginui.TryPage{
					Name: evil, ErrorCode: evil, Description: evil, Userinfo: evil, Tokens: []loginui.DecodedToken{{Name: evil, Raw: evil, Header: evil, Claims: evil}},
				})
			}
		}),
		"overview": func(w *world, _ string) *httptest.ResponseRecorder {
			w.dev.overview = loginui.Overview{Issuer: evil, Username: evil, Password: evil, Curl: evil, Clients: []loginui.DevClient{{ID: evil, Secret: evil, Type: evil, RedirectURIs: []string{evil}}}}
			return w.get("/")
		},
		"outbox": func(w *world, _ string) *httptest.ResponseRecorder {
			w.dev.mails = []loginui.Mail{{To: evil, Subject: evil, Text: evil, At: now}}
			return w.get("/dev/outbox")
		},
	})
	return out
}

func TestFormsMayLeadToTheClientOnly(t *testing.T) {
	const common = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
		"object-src 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'; form-action "
	for name, want := range map[string]string{
		"identifier": "'self' https://app.example https://*.app.example", "password": "'self' https://app.example https://*.app.example", "consent": "'self' https://app.example https://*.app.example",
		"chooser": "'self' https://app.example https://*.app.example", "logout": "'self' https://app.example https://*.app.example", "logout-alone": "'self'", "form-post": "https://app.example https://*.app.example",
		"signed-out": "'self'", "home": "'self'", "setup": "'self'", "error-server": "'self'", "start": "'self'", "password-wrong": "'self' https://app.example https://*.app.example",
	} {
		c := everyCase(t)[name]
		got := c.show(newWorld(t, c.site), "").Header().Get("Content-Security-Policy")
		if diff := cmp.Diff(common+want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestFormPostIsEscapedAndSentToTheTargetOnly(t *testing.T) {
	c := everyCase(t)["form-post"]
	rec := c.show(newWorld(t, c.site), "")
	d := parse(t, rec.Body.String())
	forms := d.elements("form")
	if len(forms) != 1 || attr(forms[0], "action") != "https://app.example/cb" || attr(forms[0], "method") != "post" {
		t.Fatalf("forms: %v", forms)
	}
	fields := map[string]string{}
	for _, in := range d.elements("input") {
		fields[attr(in, "name")] = attr(in, "value")
	}
	want := map[string]string{"code": "abc", "state": `"><script>alert(1)</script>`, "iss": "https://id.example/t/acme"}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Error(diff)
	}
	if len(d.elements("button")) != 1 || rec.Header().Get("Cache-Control") != "no-store" || rec.Header().Get("Referrer-Policy") != "strict-origin" {
		t.Errorf("%v", rec.Header())
	}
}

// budget is how large a page may be, in bytes after gzip and in requests.
type budget struct{ html, css, js, requests int }

func budgetOf(name string) budget {
	if strings.HasPrefix(name, "account") || strings.HasPrefix(name, "org-") {
		return budget{html: 12 << 10, css: 12 << 10, js: 10 << 10, requests: 6}
	}
	return budget{html: 8 << 10, css: 8 << 10, js: 6 << 10, requests: 5}
}

func TestPagesStayWithinTheirBudgets(t *testing.T) {
	fresh := worlds(t)
	asset := regexp.MustCompile(`(?:href|src)="(/[^"]*/assets/[^"]+|/assets/[^"]+)"`)
	for name, c := range everyCase(t) {
		w, most := fresh(c.site), budgetOf(name)
		w.live.Tenant.Branding.Accent = "#e4a11b"
		body := c.show(w, "&lang=de").Body.String()
		if n := zipped(t, []byte(body)); n > most.html {
			t.Errorf("%s: HTML is %d bytes", name, n)
		}
		sum := map[string]int{}
		files := asset.FindAllStringSubmatch(body, -1)
		if len(files)+1 > most.requests {
			t.Errorf("%s: %d requests", name, len(files)+1)
		}
		for _, f := range files {
			path := strings.TrimPrefix(f[1], c.site.Prefix)
			rec := w.get(path)
			if rec.Code != http.StatusOK {
				t.Errorf("%s: %s is answered with %d", name, path, rec.Code)
			}
			sum[path[strings.LastIndexByte(path, '.'):]] += zipped(t, rec.Body.Bytes())
		}
		if sum[".css"] > most.css || sum[".js"] > most.js || sum[".css"] == 0 {
			t.Errorf("%s: %v", name, sum)
		}
	}
}

func zipped(t *testing.T, data []byte) int {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Len()
}

func TestAssetsAreCachedForEver(t *testing.T) {
	w := newWorld(t, https)
	css := regexp.MustCompile(`/assets/pages\.[0-9a-f]{12}\.css`).FindString(w.get("/").Body.String())
	r := httptest.NewRequest("GET", css, nil)
	r.Header.Set("Accept-Encoding", "br, gzip")
	rec := w.do(r)
	h := rec.Header()
	want := map[string]string{
		"Cache-Control": "public, max-age=31536000, immutable", "Content-Type": "text/css; charset=utf-8", "Content-Encoding": "gzip",
		"Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
	}
	for name, value := range want {
		if h.Get(name) != value {
			t.Errorf("%s is %q", name, h.Get(name))
		}
	}
	unpacked, err := gzip.NewReader(rec.Body)
	if err != nil {
		t.Fatal(err)
	}
	var content bytes.Buffer
	if _, err := content.ReadFrom(unpacked); err != nil || !strings.Contains(content.String(), "prefers-color-scheme") {
		t.Errorf("%v %d bytes", err, content.Len())
	}
	for _, tag := range []string{h.Get("ETag"), "W/" + h.Get("ETag"), `"x", ` + h.Get("ETag"), "*"} {
		r := httptest.NewRequest("GET", css, nil)
		r.Header.Set("If-None-Match", tag)
		if rec := w.do(r); rec.Code != http.StatusNotModified || rec.Body.Len() != 0 {
			t.Errorf("%s: %d", tag, rec.Code)
		}
	}
	if rec := w.do(httptest.NewRequest("HEAD", css, nil)); rec.Code != http.StatusOK || rec.Body.Len() != 0 {
		t.Errorf("HEAD: %d, %d bytes", rec.Code, rec.Body.Len())
	}
	for _, odd := range []string{
		"/assets/pages.css", "/assets/pages.000000000000.css", "/assets/", "/assets/..", "/assets/../pages.go",
		"/assets/theme-ff0000.000000000000.css", "/assets/theme-red.000000000000.css",
	} {
		if rec := w.get(odd); rec.Code != http.StatusNotFound {
			t.Errorf("%s: %d", odd, rec.Code)
		}
	}
}
