package loginui_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/flow"
)

func TestFormsCallOneDeedAndLeadOn(t *testing.T) {
	secret := lanyard.NewSecret()
	for _, c := range []struct {
		path string
		form url.Values
		want []any
	}{
		{"/login", form("username", " ada@example.test "), []any{"identify", request, "step-token", "ada@example.test"}},
		{"/login/password", form("password", " pass word ", "keep", "1"), []any{"password", request, "step-token", " pass word ", true}},
		{"/login/password", form("password", "x"), []any{"password", request, "step-token", "x", false}},
		{"/login/password", form("password", strings.Repeat("x", 1024)), []any{"password", request, "step-token", strings.Repeat("x", 1024), false}},
		{"/login/change", form(), []any{"back", request, "step-token"}},
		{"/login/choose", form("session", "ses_1"), []any{"choose", request, "step-token", lanyard.SessionID("ses_1")}},
		{"/login/choose", form("session", ""), []any{"choose", request, "step-token", lanyard.SessionID("")}},
		{"/login/consent", form("decision", "allow"), []any{"consent", request, "step-token", true}},
		{"/login/consent", form("decision", "deny"), []any{"consent", request, "step-token", false}},
	} {
		for next, location := range map[flow.Step]string{
			flow.StepIdentify: "/t/acme/login", flow.StepPassword: "/t/acme/login/password", flow.StepChoose: "/t/acme/login/choose",
			flow.StepConsent: "/t/acme/login/consent", flow.StepDone: "/t/acme/oauth/resume",
		} {
			w := newWorld(t, https)
			w.flow.moved = flow.Moved{Next: next, Browser: secret}
			rec := w.post(c.path, c.form)
			if diff := cmp.Diff(c.want, w.flow.called); diff != "" {
				t.Errorf("%s: %s", c.path, diff)
			}
			if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != location+"?request="+string(request) {
				t.Errorf("%s: %d %s", c.path, rec.Code, rec.Header().Get("Location"))
			}
			if !strings.HasPrefix(rec.Header().Get("Set-Cookie"), "__Host-lanyard-browser-acme="+secret.Reveal()+";") {
				t.Errorf("%s: the browser cookie is %q", c.path, rec.Header().Get("Set-Cookie"))
			}
		}
	}
}

func TestBrowserCookieStaysWhenTheDeedGivesNone(t *testing.T) {
	w := newWorld(t, https)
	w.flow.moved = flow.Moved{Next: flow.StepPassword}
	if got := w.post("/login", form("username", "ada")).Header().Get("Set-Cookie"); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestVisitorIsWhatTheCookiesProve(t *testing.T) {
	w := newWorld(t, https)
	w.flow.page = due(flow.StepIdentify)
	browser, binding := lanyard.NewSecret(), lanyard.NewSecret()
	r := httptest.NewRequest("GET", rawQuery("/login"), nil)
	r.Header.Set("User-Agent", "Firefox")
	r.RemoteAddr = "203.0.113.7:1234"
	r.AddCookie(&http.Cookie{Name: "__Host-lanyard-browser-acme", Value: browser.Reveal()})
	r.AddCookie(&http.Cookie{Name: "__Host-lanyard-flow-" + string(request), Value: binding.Reveal()})
	r.AddCookie(&http.Cookie{Name: "__Host-lanyard-flow-req_06dfkxmqvt4y1ebz0nhh3pc2xx", Value: lanyard.NewSecret().Reveal()})
	w.do(r)
	want := flow.Visitor{Browser: browser, Binding: binding, UserAgent: "Firefox", Address: "203.0.113.7"}
	if diff := cmp.Diff(want, w.flow.visitor, cmp.AllowUnexported(lanyard.Secret{})); diff != "" {
		t.Error(diff)
	}
}

func TestStepThatIsNotDueLeadsToTheOneThatIs(t *testing.T) {
	paths := map[flow.Step]string{
		flow.StepIdentify: "/login", flow.StepPassword: "/login/password", flow.StepChoose: "/login/choose",
		flow.StepConsent: "/login/consent", flow.StepDone: "/oauth/resume",
	}
	for asked, from := range paths {
		for step, to := range paths {
			if asked == step || asked == flow.StepDone {
				continue
			}
			w := newWorld(t, https)
			w.flow.page = due(step)
			rec := w.get(rawQuery(from))
			if rec.Code != http.StatusFound || rec.Header().Get("Location") != "/t/acme"+rawQuery(to) {
				t.Errorf("%s while %s is due: %d %s", from, step, rec.Code, rec.Header().Get("Location"))
			}
		}
	}
}

func TestUnknownStepIsAFaultOfOurs(t *testing.T) {
	w := newWorld(t, https)
	w.flow.page = due("dance")
	if rec := w.get(rawQuery("/login")); rec.Code != http.StatusInternalServerError || rec.Header().Get("Location") != "" {
		t.Errorf("%d", rec.Code)
	}
}

func TestOddFormsReachNoDeed(t *testing.T) {
	repeated := form("username", "a")
	repeated.Add("username", "b")
	none := form("username", "a")
	none.Del("request")
	for name, c := range map[string]struct {
		path string
		form url.Values
		want int
	}{
		"repeated field":       {"/login", repeated, 400},
		"no request":           {"/login", none, 400},
		"long request":         {"/login", form("username", "a", "request", strings.Repeat("r", 65)), 400},
		"two requests":         {"/login?request=req_other", form("username", "a"), 400},
		"long password":        {"/login/password", form("password", strings.Repeat("x", 1025)), 400},
		"very large form":      {"/login/password", form("password", strings.Repeat("x", 64<<10)), 413},
		"nul":                  {"/login", form("username", "a\x00b"), 400},
		"bad utf-8":            {"/login", form("username", "\xff"), 400},
		"neither allow nor no": {"/login/consent", form("decision", "perhaps"), 400},
		"no decision":          {"/login/consent", form(), 400},
	} {
		w := newWorld(t, https)
		rec := w.post(c.path, c.form)
		if rec.Code != c.want || w.flow.called != nil {
			t.Errorf("%s: %d, called %v", name, rec.Code, w.flow.called)
		}
	}
	w := newWorld(t, https)
	r := httptest.NewRequest("POST", "/login", strings.NewReader(`{"username":"a"}`))
	r.Header.Set("Content-Type", "application/json")
	if rec := w.do(r); rec.Code != http.StatusUnsupportedMediaType || w.flow.called != nil {
		t.Errorf("JSON: %d", rec.Code)
	}
}

// Generated from the table: forms from elsewhere are refused before any deed.
func TestForeignFormsAreRefused(t *testing.T) {
	t.Parallel()
	fresh := worlds(t)
	forms := 0
	for _, route := range newWorld(t, https).pages.Routes() {
		if route.Method == http.MethodGet {
			continue
		}
		forms++
		for name, headers := range map[string]map[string]string{
			"foreign origin":              {"Origin": "https://evil.example"},
			"null without fetch metadata": {"Origin": "null"},
			"cross-site":                  {"Sec-Fetch-Site": "cross-site"},
			"same-site":                   {"Sec-Fetch-Site": "same-site", "Origin": "https://other.id.example"},
			"plain http twin":             {"Origin": "http://id.example"},
		} {
			w := fresh(https)
			r := httptest.NewRequest(route.Method, route.Path, strings.NewReader(form("username", "ada", "password", "x", "decision", "allow").Encode()))
			r.Host = "id.example"
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			for k, v := range headers {
				r.Header.Set(k, v)
			}
			rec := w.do(r)
			if rec.Code != http.StatusForbidden || w.flow.called != nil || w.setup.person.Name != "" {
				t.Errorf("%s, %s: %d, called %v", route.Path, name, rec.Code, w.flow.called)
			}
			if got := rec.Header().Values("Set-Cookie"); len(got) != 0 {
				t.Errorf("%s, %s: sets %v", route.Path, name, got)
			}
		}
	}
	if forms < 6 {
		t.Errorf("the table has only %d forms", forms)
	}
}

// Generated from the table: what each route declares.
func TestRoutesOfPagesAreGuarded(t *testing.T) {
	for _, r := range newWorld(t, https).pages.Routes() {
		published := r.Path == "/.well-known/webauthn" || r.Path == "/.well-known/passkey-endpoints"
		if (r.CORS == web.CORSPublic) != published || (r.CORS != web.CORSNone && !published) {
			t.Errorf("%s %s may be read by other origins", r.Method, r.Path)
		}
		if r.Kind == web.Page && r.CSRF != web.CSRFSameOrigin {
			t.Errorf("%s %s is not guarded", r.Method, r.Path)
		}
		if strings.HasPrefix(r.Path, "/dev/") != (r.Access == web.Development) {
			t.Errorf("%s %s has access %s", r.Method, r.Path, r.Access)
		}
	}
}

func TestWrongPasswordAndUnknownNameLookAlike(t *testing.T) {
	pages := map[string]string{}
	for name, err := range map[string]error{
		"wrong":   lanyard.ErrWrongCredentials,
		"unknown": fmt.Errorf("look up: %w", lanyard.ErrWrongCredentials),
		"no name": lanyard.ErrBadInput,
	} {
		rec := refused("/login/password", due(flow.StepPassword), err, "password", "x")(newWorld(t, https), "")
		pages[name] = fmt.Sprint(rec.Code, rec.Header(), rec.Body)
	}
	if pages["wrong"] != pages["unknown"] || pages["wrong"] != pages["no name"] {
		t.Error("the answers differ")
	}
	if !strings.Contains(pages["wrong"], "That e-mail and password don&#39;t match. Try again or reset your password.") || strings.Contains(pages["wrong"], `value="x"`) {
		t.Error(pages["wrong"])
	}
}

func TestThrottledFormSaysWhen(t *testing.T) {
	for wait, want := range map[time.Duration]string{
		0:                        "Too many attempts. Try again later.",
		time.Millisecond:         "Too many attempts. Try again in 1 second.",
		59500 * time.Millisecond: "Too many attempts. Try again in 60 seconds.",
		61 * time.Second:         "Too many attempts. Try again in 2 minutes.",
		time.Minute:              "Too many attempts. Try again in 60 seconds.",
	} {
		rec := refused("/login/password", due(flow.StepPassword), lanyard.ErrThrottled.After(wait), "password", "x")(newWorld(t, https), "")
		if rec.Code != http.StatusTooManyRequests || rec.Header().Get("Retry-After") == "" || !strings.Contains(rec.Body.String(), want) {
			t.Errorf("%v: %d %q", wait, rec.Code, rec.Header().Get("Retry-After"))
		}
	}
}

func TestOutageNeverLooksLikeAWrongPassword(t *testing.T) {
	rec := refused("/login/password", due(flow.StepPassword), fmt.Errorf("read: %w", lanyard.ErrUnavailable), "password", "x")(newWorld(t, https), "")
	if rec.Code != http.StatusServiceUnavailable || rec.Header().Get("Retry-After") == "" || strings.Contains(rec.Body.String(), "match") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestTypedNameIsKept(t *testing.T) {
	for name, c := range map[string]struct {
		page flow.Page
		show func(*world, string) *httptest.ResponseRecorder
		want string
	}{
		"typed now": {show: refused("/login", due(flow.StepIdentify), lanyard.ErrBadInput, "username", `a "b"`), want: `value="a &#34;b&#34;"`},
		"before":    {show: atStep("/login", due(flow.StepIdentify)), want: `value="ada@example.test"`},
		"hinted": {show: func() func(*world, string) *httptest.ResponseRecorder {
			page := due(flow.StepIdentify)
			page.Request.Identifier, page.Request.Params.LoginHint = "", "hint@example.test"
			return atStep("/login", page)
		}(), want: `value="hint@example.test"`},
		"too long": {show: func() func(*world, string) *httptest.ResponseRecorder {
			page := due(flow.StepIdentify)
			page.Request.Identifier, page.Request.Params.LoginHint = "", strings.Repeat("h", 300)
			return atStep("/login", page)
		}(), want: `dir="auto" value=""`},
	} {
		if body := c.show(newWorld(t, https), "").Body.String(); !strings.Contains(body, c.want) {
			t.Errorf("%s: %s", name, body)
		}
	}
}

func TestLoginPageWithoutRequestAsksNothing(t *testing.T) {
	w := newWorld(t, https)
	for _, path := range []string{"/login", "/login/password", "/login/choose", "/login/consent"} {
		rec := w.get(path)
		if rec.Code != http.StatusOK || strings.Contains(rec.Body.String(), "<form") {
			t.Errorf("%s: %d", path, rec.Code)
		}
	}
}

func TestSetupMakesTheAdministrator(t *testing.T) {
	w := newWorld(t, https)
	rec := w.post("/setup", setupForm())
	if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/t/acme/setup/done" {
		t.Errorf("%d %s", rec.Code, rec.Header().Get("Location"))
	}
	want := lanyard.Profile{Name: "Root", Email: "root@example.test"}
	if diff := cmp.Diff(want, w.setup.person, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

func TestSetupWithoutAGoodTokenIsNotFound(t *testing.T) {
	for _, token := range []string{"", "other", strings.Repeat("x", 129)} {
		w := newWorld(t, https)
		values := setupForm()
		values.Set("token", token)
		if rec := w.post("/setup", values); rec.Code != http.StatusNotFound {
			t.Errorf("POST with %q: %d", token, rec.Code)
		}
		if rec := w.get("/setup?token=" + token); rec.Code != http.StatusNotFound {
			t.Errorf("GET with %q: %d", token, rec.Code)
		}
	}
}

func TestSetupChecksBeforeItSpendsTheToken(t *testing.T) {
	for field, value := range map[string]string{"username": "nobody", "name": " ", "password": "short"} {
		w := newWorld(t, https)
		values := setupForm()
		values.Set(field, value)
		rec := w.post("/setup", values)
		if rec.Code != http.StatusOK || w.setup.person.Name != "" || !strings.Contains(rec.Body.String(), `id="`+field+`-error"`) {
			t.Errorf("%s: %d %s", field, rec.Code, rec.Body)
		}
	}
	w := newWorld(t, https)
	values := setupForm()
	values.Set("password", strings.Repeat("x", 1025))
	if rec := w.post("/setup", values); rec.Code != http.StatusBadRequest {
		t.Errorf("long password: %d", rec.Code)
	}
}

func TestDevelopmentPagesAreNotServedElsewhere(t *testing.T) {
	w := newWorld(t, https)
	w.dev.overview = overview()
	if rec := w.get("/dev/outbox"); rec.Code != http.StatusNotFound {
		t.Errorf("outbox: %d", rec.Code)
	}
	if body := w.get("/").Body.String(); strings.Contains(body, "secret") || strings.Contains(body, "curl") {
		t.Error("the front page tells secrets")
	}
}

func TestDetailsForDevelopersStayUnderDev(t *testing.T) {
	for site, want := range map[web.Site]bool{https: false, local: true} {
		w := newWorld(t, site)
		rec := w.render(func(c *gin.Context) error {
			return w.pages.Error(c, lanyard.ErrBadRedirect, [2]string{"expected", "https://app.example/cb"})
		})
		if got := strings.Contains(rec.Body.String(), "https://app.example/cb"); got != want || rec.Code != http.StatusBadRequest {
			t.Errorf("%s: %d, shown %v", site.Issuer, rec.Code, got)
		}
		if !strings.Contains(rec.Body.String(), "redirect_uri") || !strings.Contains(rec.Body.String(), "7F3K-29QD") {
			t.Errorf("%s: %s", site.Issuer, rec.Body)
		}
	}
}

func TestProgramsGetErrorsAsJSON(t *testing.T) {
	w := newWorld(t, https)
	r := httptest.NewRequest("GET", "/nowhere", nil)
	if rec := w.do(r); rec.Header().Get("Content-Type") != "application/json" || rec.Code != http.StatusNotFound {
		t.Errorf("%d %s", rec.Code, rec.Header().Get("Content-Type"))
	}
}

func TestErrorPageWithoutTenantStillRenders(t *testing.T) {
	w := newWorld(t, https)
	w.live = nil
	if rec := w.get("/nowhere"); rec.Code != http.StatusNotFound || !strings.Contains(rec.Body.String(), "id.example") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestLegalLinksAreThoseOfTheTenantIfTheyAreSafe(t *testing.T) {
	const good, bad = "https://acme.example/legal", "http://acme.example/legal"
	for _, links := range [][2]string{{good, bad}, {bad, good}} {
		w := newWorld(t, https)
		w.live.Tenant.Policy.PrivacyURL, w.live.Tenant.Policy.TermsURL = links[0], links[1]
		if body := w.get("/").Body.String(); strings.Count(body, good) != 1 || strings.Contains(body, bad) {
			t.Errorf("%v: %s", links, body)
		}
	}
}
