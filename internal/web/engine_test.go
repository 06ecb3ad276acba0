package web_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/clock"
	"github.com/lanyard-id/lanyard/internal/web"
)

var (
	https    = web.Site{Tenant: "ten_1", Slug: "default", Issuer: "https://id.example"}
	loopback = web.Site{Tenant: "ten_1", Slug: "default", Issuer: "http://localhost:8080", Loopback: true, Dev: true}
)

func said(text string) web.Handler {
	return func(c *gin.Context) error {
		c.String(http.StatusOK, text)
		return nil
	}
}

func failing(err error) web.Handler { return func(*gin.Context) error { return err } }

func posted(c *gin.Context) error {
	form, err := web.PostForm(c.Request)
	if err != nil {
		return err
	}
	c.String(http.StatusOK, form.Get("a"))
	return nil
}

// table has a route of every mode.
func table() []web.Route {
	exempt := web.CSRFExempt("a test")
	return []web.Route{
		{Method: "GET", Path: "/", Kind: web.Page, Access: web.Anyone, CSRF: web.CSRFSameOrigin, CORS: web.CORSNone, Handler: said("home"), Head: true},
		{Method: "GET", Path: "/login", Kind: web.Page, Access: web.Flow, CSRF: web.CSRFSameOrigin, CORS: web.CORSNone, Handler: said("login"), Popup: true},
		{Method: "POST", Path: "/login", Kind: web.Page, Access: web.Flow, CSRF: web.CSRFSameOrigin, CORS: web.CORSNone, Handler: posted, MaxBody: 100},
		{Method: "GET", Path: "/dev/try", Kind: web.Page, Access: web.Development, CSRF: web.CSRFSameOrigin, CORS: web.CORSNone, Handler: said("try")},
		{Method: "GET", Path: "/oauth/jwks", Kind: web.Data, Access: web.Anyone, CSRF: exempt, CORS: web.CORSPublic, Handler: said("{}"), Head: true},
		{Method: "POST", Path: "/oauth/token", Kind: web.Data, Access: web.Client, CSRF: exempt, CORS: web.CORSRegistered, Handler: posted},
		{Method: "POST", Path: "/oauth/revoke", Kind: web.Data, Access: web.Client, CSRF: exempt, CORS: web.CORSNone, Handler: said("")},
		{Method: "GET", Path: "/files/*name", Kind: web.File, Access: web.Anyone, CSRF: exempt, CORS: web.CORSNone, Handler: said("file")},
	}
}

type world struct {
	http.Handler
	log      bytes.Buffer
	observed []string
}

func (w *world) serve(site web.Site, r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r.WithContext(web.WithSite(r.Context(), site)))
	return rec
}

func newWorld(t *testing.T, routes []web.Route) *world {
	t.Helper()
	w := &world{}
	h, err := web.NewEngine(routes, web.Options{
		Clock:            clock.NewManual(time.Date(2031, 1, 2, 3, 4, 5, 0, time.UTC)),
		Log:              slog.New(slog.NewJSONHandler(&w.log, nil)),
		RegisteredOrigin: func(_ context.Context, origin string) bool { return origin == "https://app.example" },
		Observe: func(route, method string, code int, _ time.Duration) {
			w.observed = append(w.observed, fmt.Sprint(route, " ", method, " ", code))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Handler = h
	return w
}

func request(method, target string) *http.Request {
	return httptest.NewRequest(method, target, nil)
}

func form(target, body string) *http.Request {
	r := httptest.NewRequest("POST", target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func TestRouteWithAnythingUndeclaredIsRefused(t *testing.T) {
	full := table()[0]
	forget := map[string]func(*web.Route){
		"method":       func(r *web.Route) { r.Method = "" },
		"odd method":   func(r *web.Route) { r.Method = "TRACE" },
		"path":         func(r *web.Route) { r.Path = "x" },
		"kind":         func(r *web.Route) { r.Kind = "" },
		"access":       func(r *web.Route) { r.Access = "" },
		"odd access":   func(r *web.Route) { r.Access = "everybody" },
		"csrf":         func(r *web.Route) { r.CSRF = "" },
		"no reason":    func(r *web.Route) { r.CSRF = web.CSRFExempt("") },
		"cors":         func(r *web.Route) { r.CORS = "" },
		"handler":      func(r *web.Route) { r.Handler = nil },
		"negative":     func(r *web.Route) { r.MaxBody = -1 },
		"head of post": func(r *web.Route) { r.Method = "POST" },
	}
	o := web.Options{Clock: clock.Real(), Log: slog.New(slog.DiscardHandler)}
	if _, err := web.NewEngine([]web.Route{full}, o); err != nil {
		t.Fatal(err)
	}
	for name, change := range forget {
		r := full
		change(&r)
		if _, err := web.NewEngine([]web.Route{r}, o); err == nil {
			t.Errorf("%s: the table was accepted", name)
		}
	}
}

func TestCollidingRoutesAreAnError(t *testing.T) {
	o := web.Options{Clock: clock.Real(), Log: slog.New(slog.DiscardHandler)}
	if _, err := web.NewEngine([]web.Route{table()[0], table()[0]}, o); err == nil {
		t.Error("two routes with one path and method were accepted")
	}
	mixed := []web.Route{table()[4], table()[5]}
	mixed[1].Path = mixed[0].Path
	if _, err := web.NewEngine(mixed, o); err == nil {
		t.Error("two CORS modes for one path were accepted")
	}
	if _, err := web.NewEngine(nil, web.Options{}); err == nil {
		t.Error("an engine without clock and log was built")
	}
}

// Generated from the table: what each route answers a foreign page.
func TestForeignOriginsGetWhatTheTableSays(t *testing.T) {
	w := newWorld(t, table())
	foreign := map[string]map[string]string{
		"foreign origin":                {"Origin": "https://evil.example"},
		"null without fetch metadata":   {"Origin": "null"},
		"cross-site":                    {"Sec-Fetch-Site": "cross-site"},
		"same-site":                     {"Sec-Fetch-Site": "same-site"},
		"other port":                    {"Origin": "https://id.example:444"},
		"plain http twin":               {"Origin": "http://id.example"},
		"metadata at odds with origin":  {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
		"method override":               {"Origin": "https://evil.example", "X-HTTP-Method-Override": "GET"},
		"null with cross-site metadata": {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
	}
	for _, route := range table() {
		for name, headers := range foreign {
			r := form(strings.ReplaceAll(route.Path, "*name", "x"), "a=1")
			r.Method, r.Host = route.Method, "id.example"
			for k, v := range headers {
				r.Header.Set(k, v)
			}
			rec := w.serve(https, r)
			guarded := route.CSRF == web.CSRFSameOrigin && route.Method != "GET"
			if got := rec.Code == http.StatusForbidden; got != guarded {
				t.Errorf("%s %s, %s: %d", route.Method, route.Path, name, rec.Code)
			}
		}
	}
}

func TestOwnPagesMayPost(t *testing.T) {
	w := newWorld(t, table())
	for name, headers := range map[string]map[string]string{
		"browser":     {"Origin": "https://id.example", "Sec-Fetch-Site": "same-origin"},
		"old browser": {"Origin": "https://id.example"},
		"program":     {},
		"null but ok": {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
	} {
		r := form("/login", "a=1")
		r.Host = "id.example"
		for k, v := range headers {
			r.Header.Set(k, v)
		}
		if rec := w.serve(https, r); rec.Code != http.StatusOK || rec.Body.String() != "1" {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
	}
}

// Generated from the table: CORS headers of calls and preflights.
func TestCORSIsWhatTheTableSays(t *testing.T) {
	w := newWorld(t, table())
	for _, route := range table() {
		path := strings.ReplaceAll(route.Path, "*name", "x")
		for _, origin := range []string{"https://evil.example", "https://app.example", "null", ""} {
			want := ""
			switch {
			case route.CORS == web.CORSPublic:
				want = "*"
			case route.CORS == web.CORSRegistered && origin == "https://app.example":
				want = origin
			}
			for _, method := range []string{route.Method, "OPTIONS"} {
				r := form(path, "")
				r.Method = method
				r.Header.Set("Origin", origin)
				h := w.serve(https, r).Header()
				if got := h.Get("Access-Control-Allow-Origin"); got != want {
					t.Errorf("%s %s from %q: %q, want %q", method, path, origin, got, want)
				}
				if h.Get("Access-Control-Allow-Credentials") != "" {
					t.Errorf("%s %s from %q allows credentials", method, path, origin)
				}
			}
		}
	}
}

func TestPreflightNamesTheMethods(t *testing.T) {
	w := newWorld(t, table())
	r := request("OPTIONS", "/oauth/token")
	r.Header.Set("Origin", "https://app.example")
	rec := w.serve(https, r)
	if rec.Code != http.StatusNoContent || rec.Header().Get("Access-Control-Allow-Methods") != "POST" {
		t.Errorf("%d %v", rec.Code, rec.Header())
	}
	if rec := w.serve(https, request("OPTIONS", "/login")); rec.Code != http.StatusMethodNotAllowed {
		t.Errorf("preflight of a page: %d", rec.Code)
	}
}

// Generated from the table: headers of each answer, also of errors.
func TestEveryAnswerHasTheSecurityHeaders(t *testing.T) {
	w := newWorld(t, table())
	targets := map[string]string{"/nowhere": "GET", "/oauth/jwks": "DELETE", "//evil": "GET", "/?%00": "GET"}
	for _, r := range table() {
		targets[strings.ReplaceAll(r.Path, "*name", "x")] = r.Method
	}
	for target, method := range targets {
		h := w.serve(https, request(method, target)).Header()
		for name, want := range map[string]string{
			"X-Content-Type-Options":    "nosniff",
			"Referrer-Policy":           "same-origin",
			"X-Frame-Options":           "DENY",
			"Strict-Transport-Security": "max-age=63072000",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q", target, name, got)
			}
		}
		csp := h.Get("Content-Security-Policy")
		if strings.Contains(csp, "unsafe") || !strings.Contains(csp, "frame-ancestors 'none'") || !strings.Contains(csp, "base-uri 'none'") {
			t.Errorf("%s: CSP is %q", target, csp)
		}
		if h.Get("Cache-Control") != "no-store" || h.Get("Cross-Origin-Resource-Policy") == "" {
			t.Errorf("%s: %v", target, h)
		}
	}
}

func TestContentSecurityPolicyOfAPage(t *testing.T) {
	const common = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
		"object-src 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'; form-action "
	h := newWorld(t, table()).serve(https, request("GET", "/")).Header()
	if diff := cmp.Diff(common+"'self'", h.Get("Content-Security-Policy")); diff != "" {
		t.Error(diff)
	}
	const anyPort = " http://localhost:* http://127.0.0.1:*"
	for origin, want := range map[string]string{
		"https://app.example":         "'self' https://app.example https://*.app.example",
		"https://auth.app.example":    "'self' https://auth.app.example https://app.example https://*.app.example",
		"https://a.app.co.uk:8443":    "'self' https://a.app.co.uk:8443 https://app.co.uk https://*.app.co.uk",
		"https://mine.github.io":      "'self' https://mine.github.io https://*.mine.github.io",
		"https://co.uk":               "'self' https://co.uk",
		"https://intranet":            "'self' https://intranet",
		"https://203.0.113.9":         "'self' https://203.0.113.9",
		"http://127.0.0.1:3000":       "'self' http://127.0.0.1:3000" + anyPort,
		"http://localhost:3000":       "'self' http://localhost:3000" + anyPort,
		"http://[::1]:3000":           "'self' http:" + anyPort,
		"http://[::1]:3000@evil.test": "'self'",
		"com.example.app:":            "'self' com.example.app:",
		"":                            "'self'",
		"https://a.example; x":        "'self'",
		"https://*.example":           "'self'",
		"https://a.example/path":      "'self'",
		"'unsafe-inline'":             "'self'",
		"https://a.example\r\nX: y":   "'self'",
		"https://a.example,b:":        "'self'",
		"https://user@a.example":      "'self'",
		"https://a.example?q":         "'self'",
		"*:":                          "'self'",
		"https://xn--bcher-kva.test":  "'self' https://xn--bcher-kva.test https://*.xn--bcher-kva.test",
	} {
		h := http.Header{}
		web.FormTo(h, origin)
		if diff := cmp.Diff(common+want, h.Get("Content-Security-Policy")); diff != "" {
			t.Errorf("%q: %s", origin, diff)
		}
	}
	web.FormOnlyTo(h, "https://app.example")
	if diff := cmp.Diff(common+"https://app.example https://*.app.example", h.Get("Content-Security-Policy")); diff != "" {
		t.Error(diff)
	}
	web.FormOnlyTo(h, "nonsense ")
	if diff := cmp.Diff(common+"'none'", h.Get("Content-Security-Policy")); diff != "" {
		t.Error(diff)
	}
}

func TestLoopbackIsNotPinnedToHTTPS(t *testing.T) {
	w := newWorld(t, table())
	for _, site := range []web.Site{loopback, {Slug: "default", Issuer: "https://localhost:8443"}} {
		if got := w.serve(site, request("GET", "/")).Header().Get("Strict-Transport-Security"); got != "" {
			t.Errorf("%s: %s", site.Issuer, got)
		}
	}
}

func TestOnlyPopupPagesKeepTheirOpener(t *testing.T) {
	w := newWorld(t, table())
	if got := w.serve(https, request("GET", "/login")).Header().Get("Cross-Origin-Opener-Policy"); got != "" {
		t.Errorf("the sign-in page has %q", got)
	}
	if got := w.serve(https, request("GET", "/")).Header().Get("Cross-Origin-Opener-Policy"); got != "same-origin" {
		t.Errorf("the home page has %q", got)
	}
}

func TestPathTrapsAreNotFoundWithoutLocation(t *testing.T) {
	w := newWorld(t, table())
	for _, target := range []string{
		"//evil.example/", "///evil.example", "/\\evil.example/", "/%5cevil.example", "/login/", "/LOGIN", "/login;x", "/login%2f", "/%6cogin",
		"/./login", "/x/../login", "/..", "/%2e%2e/login", "/%2e%2e%2flogin", "/oauth%2fjwks", "/login/..", "/files/../login", "/files//x", "/login#x",
		"/.", "/login%20", "/login%09", "/files/%2e%2e%2fx", "/..;/login",
	} {
		r := request("GET", "/")
		u, err := url.ParseRequestURI(target)
		if err != nil {
			t.Fatal(err)
		}
		r.URL, r.RequestURI = u, target
		r.Header.Set("X-Forwarded-Prefix", "//evil")
		r.Header.Set("X-Original-URL", "/login")
		r.Header.Set("X-Rewrite-URL", "/login")
		rec := w.serve(https, r)
		if rec.Code != http.StatusNotFound || rec.Header().Get("Location") != "" {
			t.Errorf("%s: %d %q", target, rec.Code, rec.Header().Get("Location"))
		}
	}
}

func TestWrongMethodIsNotAllowed(t *testing.T) {
	w := newWorld(t, table())
	for _, method := range []string{"DELETE", "PUT", "TRACE", "CONNECT", "PROPFIND", "HEAD"} {
		r := request(method, "/login")
		r.Header.Set("X-HTTP-Method-Override", "GET")
		rec := w.serve(https, r)
		if rec.Code != http.StatusMethodNotAllowed || rec.Header().Get("Allow") == "" {
			t.Errorf("%s: %d %v", method, rec.Code, rec.Header())
		}
	}
	if rec := w.serve(https, request("HEAD", "/oauth/jwks")); rec.Code != http.StatusOK {
		t.Errorf("HEAD of a route that declares it: %d", rec.Code)
	}
}

func TestMalformedInputIsRefused(t *testing.T) {
	w := newWorld(t, table())
	cases := map[string]struct {
		r    *http.Request
		want int
	}{
		"nul in query":       {request("GET", "/?a=%00"), 400},
		"nul in name":        {request("GET", "/?%00=a"), 400},
		"bad utf-8 in query": {request("GET", "/?a=%ff"), 400},
		"bad escape":         {request("GET", "/?a=%zz"), 400},
		"nul in path":        {request("GET", "/login%00"), 400},
		"bad utf-8 in path":  {request("GET", "/login%ff"), 400},
		"nul in form":        {form("/login", "a=%00"), 400},
		"bad utf-8 in form":  {form("/login", "a=%ff"), 400},
		"bad form":           {form("/login", "a=%zz"), 400},
		"too large":          {form("/login", "a="+strings.Repeat("x", 200)), 413},
		"default limit":      {form("/oauth/token", "a="+strings.Repeat("x", 64<<10)), 413},
		"within the limit":   {form("/oauth/token", "a="+strings.Repeat("x", 60<<10)), 200},
		"too large, unread":  {form("/oauth/revoke", strings.Repeat("x", 65<<10)), 413},
		"semicolon is data":  {request("GET", "/?state=a;b"), 200},
	}
	compressed := form("/login", "a=1")
	compressed.Header.Set("Content-Encoding", "gzip")
	cases["compressed"] = struct {
		r    *http.Request
		want int
	}{compressed, 415}
	json := form("/login", `{"a":1}`)
	json.Header.Set("Content-Type", "application/json")
	cases["json"] = struct {
		r    *http.Request
		want int
	}{json, 415}
	chunked := form("/login", "a="+strings.Repeat("x", 200))
	chunked.ContentLength = -1
	cases["too large without a length"] = struct {
		r    *http.Request
		want int
	}{chunked, 413}
	for name, c := range cases {
		if rec := w.serve(https, c.r); rec.Code != c.want {
			t.Errorf("%s: %d, want %d: %s", name, rec.Code, c.want, rec.Body)
		}
	}
}

// counted is a body that knows how much of it was read.
type counted struct {
	io.Reader
	read int
}

func (b *counted) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.read += n
	return n, err
}

func (b *counted) Close() error { return nil }

// TestBodyThatIsTooLargeIsReadWithinReason: a client that is cut off while it sends does
// not read the answer. One that asked first, or would go on for long, is not waited for.
func TestBodyThatIsTooLargeIsReadWithinReason(t *testing.T) {
	w := newWorld(t, table())
	for name, c := range map[string]struct {
		size   int
		expect string
		read   int
	}{
		"a little":       {101, "", 101},
		"all that is":    {256 << 10, "", 256 << 10},
		"more than that": {256<<10 + 1, "", 0},
		"asked first":    {101, "100-continue", 0},
	} {
		body := &counted{Reader: strings.NewReader(strings.Repeat("x", c.size))}
		r := form("/login", "")
		r.Body, r.ContentLength = body, int64(c.size)
		if c.expect != "" {
			r.Header.Set("Expect", c.expect)
		}
		if rec := w.serve(https, r); rec.Code != http.StatusRequestEntityTooLarge || body.read != c.read {
			t.Errorf("%s: %d after %d bytes, want %d", name, rec.Code, body.read, c.read)
		}
	}
}

func TestSemicolonReachesTheHandlerAsData(t *testing.T) {
	route := table()[0]
	route.Handler = func(c *gin.Context) error {
		c.String(http.StatusOK, c.Request.URL.Query().Get("state"))
		return nil
	}
	if got := newWorld(t, []web.Route{route}).serve(https, request("GET", "/?x=1&state=a;b")).Body.String(); got != "a;b" {
		t.Errorf("got %q", got)
	}
}

func TestErrorsBecomeStatuses(t *testing.T) {
	for _, c := range []struct {
		err        error
		status     int
		code       string
		retryAfter string
	}{
		{lanyard.ErrBadInput, 400, "bad_input", ""},
		{lanyard.ErrNotFound, 404, "not_found", ""},
		{lanyard.ErrConflict, 409, "conflict", ""},
		{lanyard.ErrForgedForm, 403, "forged_form", ""},
		{lanyard.ErrInvalidClient, 401, "invalid_client", ""},
		{lanyard.ErrThrottled.After(90 * time.Second), 429, "too_many_attempts", "90"},
		{lanyard.ErrThrottled.After(1500 * time.Millisecond), 429, "too_many_attempts", "2"},
		{lanyard.ErrThrottled, 429, "too_many_attempts", "1"},
		{fmt.Errorf("read row: %w", lanyard.ErrUnavailable), 503, "temporarily_unavailable", "2"},
		{context.DeadlineExceeded, 503, "temporarily_unavailable", "2"},
		{errors.New("disk on fire"), 500, "server_error", ""},
		{&lanyard.Error{Code: "secret_code", Message: "secret text"}, 500, "server_error", ""},
		{fmt.Errorf("read: %w", &http.MaxBytesError{Limit: 1}), 413, "too_large", ""},
	} {
		route := table()[4]
		route.Handler = failing(c.err)
		rec := newWorld(t, []web.Route{route}).serve(https, request("GET", route.Path))
		if rec.Code != c.status || rec.Header().Get("Retry-After") != c.retryAfter || !strings.Contains(rec.Body.String(), `"error":"`+c.code+`"`) {
			t.Errorf("%v: %d %q %s", c.err, rec.Code, rec.Header().Get("Retry-After"), rec.Body)
		}
		if strings.Contains(rec.Body.String(), "fire") || strings.Contains(rec.Body.String(), "secret") || strings.Contains(rec.Body.String(), "read:") {
			t.Errorf("%v: the cause is shown: %s", c.err, rec.Body)
		}
	}
}

var requestIDForm = regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$`)

func TestOneLogLinePerRequestWithoutSecrets(t *testing.T) {
	route := table()[4]
	route.Handler = failing(fmt.Errorf("read row: %w", errors.New("disk on fire\nlevel=info forged")))
	w := newWorld(t, []web.Route{route})
	r := request("GET", "/oauth/jwks?code=verysecret")
	r.Header.Set("User-Agent", "evil\x1b[31m")
	rec := w.serve(https, r)
	id := rec.Header().Get("X-Request-Id")
	line := w.log.String()
	if strings.Count(line, "\n") != 1 {
		t.Errorf("log is %q", line)
	}
	for _, want := range []string{id, `"route":"/oauth/jwks"`, `"tenant":"default"`, `"status":500`, `"error":"server_error"`, "disk on fire", `"level":"ERROR"`} {
		if !strings.Contains(line, want) {
			t.Errorf("%s is not in %s", want, line)
		}
	}
	if !requestIDForm.MatchString(id) || strings.Contains(line, "verysecret") {
		t.Errorf("id %q, line %s", id, line)
	}
	if !strings.Contains(rec.Body.String(), id) {
		t.Errorf("the answer does not carry the id: %s", rec.Body)
	}
}

func TestRefusalsAreLoggedWithoutCause(t *testing.T) {
	route := table()[4]
	route.Handler = failing(fmt.Errorf("look up ada@example.test: %w", lanyard.ErrNotFound))
	w := newWorld(t, []web.Route{route})
	w.serve(https, request("GET", "/oauth/jwks"))
	if strings.Contains(w.log.String(), "ada@") || !strings.Contains(w.log.String(), `"error":"not_found"`) {
		t.Error(w.log.String())
	}
}

func TestMetricsNeverSeeWhatAClientChose(t *testing.T) {
	w := newWorld(t, table())
	w.serve(https, request("GET", "/nowhere/x1"))
	w.serve(https, request("BREW", "/login"))
	w.serve(https, request("GET", "/files/anything"))
	want := []string{"none GET 404", "none other 405", "/files/*name GET 200"}
	if diff := cmp.Diff(want, w.observed); diff != "" {
		t.Error(diff)
	}
}

func TestPanicIsAnErrorAndIsLogged(t *testing.T) {
	route := table()[4]
	route.Handler = func(*gin.Context) error { panic("boom") }
	w := newWorld(t, []web.Route{route})
	rec := w.serve(https, request("GET", route.Path))
	if rec.Code != 500 || strings.Contains(rec.Body.String(), "boom") || !strings.Contains(w.log.String(), "boom") {
		t.Errorf("%d %s %s", rec.Code, rec.Body, w.log.String())
	}
}

func TestAnswerThatBeganBeforeAPanicIsCutOff(t *testing.T) {
	route := table()[4]
	route.Handler = func(c *gin.Context) error {
		c.String(http.StatusOK, "half")
		panic("boom")
	}
	w := newWorld(t, []web.Route{route})
	defer func() {
		if p := recover(); p != http.ErrAbortHandler { //nolint:errorlint // the value itself
			t.Errorf("got %v", p)
		}
		if !strings.Contains(w.log.String(), "boom") {
			t.Error("the panic is not in the log")
		}
	}()
	w.serve(https, request("GET", route.Path))
}

func TestDevelopmentRoutesExistOnlyUnderDev(t *testing.T) {
	w := newWorld(t, table())
	if rec := w.serve(https, request("GET", "/dev/try")); rec.Code != http.StatusNotFound {
		t.Errorf("served: %d", rec.Code)
	}
	if rec := w.serve(loopback, request("GET", "/dev/try")); rec.Code != http.StatusOK {
		t.Errorf("dev: %d", rec.Code)
	}
}

func TestErrorsOfPagesAreRenderedForPeople(t *testing.T) {
	var asked []bool
	h, err := web.NewEngine(table(), web.Options{
		Clock: clock.Real(), Log: slog.New(slog.DiscardHandler),
		RenderError: func(c *gin.Context, status int, _ *lanyard.Error, id string) {
			asked = append(asked, web.WantsPage(c))
			c.String(status, id)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	browser := request("GET", "/nowhere")
	browser.Header.Set("Accept", "text/html,*/*")
	for _, r := range []*http.Request{request("GET", "/nowhere"), browser, form("/login", "a=%00"), form("/oauth/token", "a=%00")} {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if !requestIDForm.MatchString(rec.Body.String()) {
			t.Errorf("%s: %d %s", r.URL, rec.Code, rec.Body)
		}
	}
	if diff := cmp.Diff([]bool{false, true, true, false}, asked); diff != "" {
		t.Error(diff)
	}
}

func TestRequestIDsDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := web.NewRequestID()
		if !requestIDForm.MatchString(id) || seen[id] {
			t.Fatal(id)
		}
		seen[id] = true
	}
}

func TestRequestIDOfTheClientIsIgnored(t *testing.T) {
	w := newWorld(t, table())
	r := request("GET", "/")
	r.Header.Set("X-Request-Id", "mine")
	if got := w.serve(https, r).Header().Get("X-Request-Id"); got == "mine" {
		t.Error("the id came from the request")
	}
	r = request("GET", "/")
	r = r.WithContext(web.WithRequestID(r.Context(), "7F3K-29QD"))
	if got := w.serve(https, r).Header().Get("X-Request-Id"); got != "7F3K-29QD" {
		t.Errorf("the id of the resolver was replaced by %q", got)
	}
}
