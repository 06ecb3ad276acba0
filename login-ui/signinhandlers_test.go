package loginui_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// signInForms are the forms of the sign-in with what they call.
func signInForms() []struct {
	path string
	form url.Values
	want []any
} {
	attributes := map[string]string{"team": "Compilers", "size": "M", "seats": "3", "since": "2031-01-02", "remote": "true"}
	return []struct {
		path string
		form url.Values
		want []any
	}{
		{"/login/way", form("way", "email_code"), []any{"way", request, "step-token", lanyard.WayEmailCode}},
		{"/login/way", form("way", "connection:"+string(keycloak().ID)), []any{"way", request, "step-token", lanyard.WayOver(keycloak().ID)}},
		{"/login/link-account", form("link", "yes"), []any{"link", request, "step-token", true}},
		{"/login/link-account", form("link", "no"), []any{"link", request, "step-token", false}},
		{"/login/way", form("way", ""), []any{"way", request, "step-token", lanyard.Way("")}},
		{"/login/code", form("code", " 482 913 ", "keep", "1"), []any{"email code", request, "step-token", "482 913", true}},
		{"/login/passkey", form("credential", assertion), []any{"passkey", request, "step-token", assertion, false, false}},
		{"/login/passkey", form("credential", assertion, "keep", "1", "remember", "1"), []any{"passkey", request, "step-token", assertion, true, true}},
		{"/login/passkey", form("credential", strings.Repeat(`"`, 64<<10)), []any{"passkey", request, "step-token", strings.Repeat(`"`, 64<<10), false, false}},
		{"/login/factor", form("code", "123456"), []any{"factor", request, "step-token", "123456", false}},
		{"/login/factor", form("code", "AAAA-BBBB-CCCC-DDDD", "remember", "1"), []any{"factor", request, "step-token", "AAAA-BBBB-CCCC-DDDD", true}},
		{"/signup", form(newcomer()...), []any{"sign up", request, "step-token", "grace@example.test", "Grace Hopper", "seven boats in the harbour", attributes, "en"}},
		{"/signup/verify", form("code", "482913"), []any{"sign-up code", request, "step-token", "482913"}},
		{"/login/new-password", form("password", " pass word "), []any{"new password", request, "step-token", " pass word "}},
		{"/login/verify-email", form("code", "482913"), []any{"verify email", request, "step-token", "482913"}},
		{"/login/enrol", form("code", "123456"), []any{"enrol totp", request, "step-token", "123456"}},
		{"/login/enrol/passkey", form("credential", assertion, "name", "My key"), []any{"enrol passkey", request, "step-token", assertion, "My key"}},
		{"/login/enrol/skip", form(), []any{"skip", request, "step-token"}},
		{"/login/codes", form(), []any{"codes saved", request, "step-token"}},
		{"/login/codes/new", form(), []any{"renew codes", request, "step-token"}},
	}
}

// openWorld is a tenant where accounts are made.
func openWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, https)
	w.live.Tenant.Policy = dueBy(flow.StepSignUp, open).Policy
	return w
}

func TestFormsOfTheSignInCallOneDeedAndLeadOn(t *testing.T) {
	for _, c := range signInForms() {
		w := openWorld(t)
		w.flow.moved = flow.Moved{Next: flow.StepFactor, Browser: lanyard.NewSecret()}
		rec := w.post(c.path, c.form)
		if diff := cmp.Diff(c.want, w.flow.called); diff != "" {
			t.Errorf("%s: %s", c.path, diff)
		}
		if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/t/acme/login/factor?request="+string(request) {
			t.Errorf("%s: %d %s", c.path, rec.Code, rec.Header().Get("Location"))
		}
		if !strings.HasPrefix(rec.Header().Get("Set-Cookie"), "__Host-lanyard-browser-acme="+w.flow.moved.Browser.Reveal()+";") {
			t.Errorf("%s: the browser cookie is %q", c.path, rec.Header().Get("Set-Cookie"))
		}
	}
}

// Every step has a page, and every page leads to the step that is due.
func TestEveryStepHasAPage(t *testing.T) {
	steps := []flow.Step{
		flow.StepIdentify, flow.StepPassword, flow.StepChoose, flow.StepConsent, flow.StepPasskey, flow.StepEmailCode, flow.StepSignUp, flow.StepSignUpCode,
		flow.StepForgot, flow.StepFactor, flow.StepNewPassword, flow.StepVerifyEmail, flow.StepEnrol, flow.StepCodes, flow.StepConnection, flow.StepLink,
	}
	seen := map[string]bool{}
	for _, step := range steps {
		w := newWorld(t, https)
		w.flow.page, w.flow.upstream = dueBy(step, proved), upstreamAddress
		path := w.pages.StepPath(step)
		if rec := w.get(rawQuery(path)); path == "" || seen[path] || rec.Code != http.StatusOK {
			t.Errorf("%s at %q: %d", step, path, rec.Code)
		}
		seen[path] = true
		for _, other := range steps {
			if other == step {
				continue
			}
			if rec := w.get(rawQuery(w.pages.StepPath(other))); rec.Header().Get("Location") != "/t/acme"+rawQuery(path) {
				t.Errorf("%s while %s is due: %d %s", other, step, rec.Code, rec.Header().Get("Location"))
			}
		}
	}
}

func TestAddressesOfFormsLeadToTheStepThatIsDue(t *testing.T) {
	for _, path := range []string{"/login/change", "/login/way", "/login/resend", "/login/enrol/passkey", "/login/enrol/skip", "/login/codes/new"} {
		w := newWorld(t, https)
		w.flow.page = due(flow.StepPassword)
		rec := w.get(rawQuery(path) + "&lang=de")
		if rec.Code != http.StatusFound || rec.Header().Get("Location") != "/t/acme"+rawQuery("/login/password") {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Header().Get("Location"))
		}
		if !strings.Contains(rec.Header().Get("Set-Cookie"), "language=de") || w.flow.called != nil {
			t.Errorf("%s: the language is not kept, or %v was done", path, w.flow.called)
		}
		if rec := w.get(path); rec.Code != http.StatusOK || strings.Contains(rec.Body.String(), "<form") {
			t.Errorf("%s without a sign-in: %d", path, rec.Code)
		}
	}
}

func TestOddFormsOfTheSignInReachNoDeed(t *testing.T) {
	long := strings.Repeat("x", 1025)
	more := func(pairs ...string) url.Values { return form(append(newcomer(), pairs...)...) }
	for name, c := range map[string]struct {
		path string
		form url.Values
		want int
	}{
		"large credential":            {"/login/passkey", form("credential", strings.Repeat("x", 64<<10+1)), 400},
		"very large credential":       {"/login/passkey", form("credential", strings.Repeat("x", 256<<10)), 413},
		"large new credential":        {"/login/enrol/passkey", form("credential", strings.Repeat("x", 64<<10+1)), 400},
		"long name of a passkey":      {"/login/enrol/passkey", form("credential", assertion, "name", long), 400},
		"long new password":           {"/login/new-password", form("password", long), 400},
		"long password of a newcomer": {"/signup", more("password", long), 400},
		"long name of a newcomer":     {"/signup", more("name", strings.Repeat("x", 2049)), 400},
		"a role":                      {"/signup", more("role", "admin"), 400},
		"email_verified":              {"/signup", more("email_verified", "true"), 400},
		"an attribute of others":      {"/signup", more("attribute.grade", "9"), 400},
		"an attribute of nobody":      {"/signup", more("attribute.admin", "true"), 400},
		"an unasked attribute":        {"/signup", more("attribute.nickname", "Bob"), 400},
		"neither link nor not":        {"/login/link-account", form("link", "perhaps"), 400},
		"no word on a link":           {"/login/link-account", form(), 400},
		"reset, long password":        {"/login/reset", form("token", linkToken, "password", long), 400},
		"reset, very long token":      {"/login/reset", form("token", strings.Repeat("x", 129), "password", "x"), 404},
		"reset, no token":             {"/login/reset", form("token", "", "password", "x"), 404},
	} {
		w := openWorld(t)
		rec := w.post(c.path, c.form)
		if rec.Code != c.want || w.flow.called != nil || w.links.called != nil {
			t.Errorf("%s: %d, called %v %v", name, rec.Code, w.flow.called, w.links.called)
		}
	}
	for _, c := range append(signInForms(), struct {
		path string
		form url.Values
		want []any
	}{"/login/reset", form("token", linkToken, "password", "x"), nil}) {
		for field := range c.form {
			w := openWorld(t)
			repeated := url.Values{}
			for name, values := range c.form {
				repeated[name] = slices.Clone(values)
			}
			repeated.Add(field, "x")
			if rec := w.post(c.path, repeated); rec.Code != http.StatusBadRequest && rec.Code != http.StatusRequestEntityTooLarge || w.flow.called != nil || w.links.called != nil {
				t.Errorf("%s with two of %s: %d, called %v", c.path, field, rec.Code, w.flow.called)
			}
		}
	}
}

// What is over the limit of a code is a wrong one, without a look at it.
func TestLongCodesAreWrong(t *testing.T) {
	for path, step := range map[string]flow.Step{
		"/login/code": flow.StepEmailCode, "/login/factor": flow.StepFactor, "/signup/verify": flow.StepSignUpCode, "/login/verify-email": flow.StepVerifyEmail, "/login/enrol": flow.StepEnrol,
	} {
		w := newWorld(t, https)
		w.flow.page = dueBy(step, proved, asks(lanyard.WayTOTP))
		rec := w.post(path, form("code", strings.Repeat("1", 65)))
		if rec.Code != http.StatusOK || w.flow.called != nil || !strings.Contains(rec.Body.String(), `aria-invalid="true"`) {
			t.Errorf("%s: %d, called %v", path, rec.Code, w.flow.called)
		}
	}
}

// Every form that tries something is 429 with the time to wait when it was tried too often.
func TestThrottledFormsOfTheSignInSayWhen(t *testing.T) {
	stepOf := map[string]flow.Step{
		"/login/way": flow.StepPassword, "/login/code": flow.StepEmailCode, "/login/passkey": flow.StepPasskey, "/login/factor": flow.StepFactor, "/signup": flow.StepSignUp,
		"/signup/verify": flow.StepSignUpCode, "/login/new-password": flow.StepNewPassword, "/login/verify-email": flow.StepVerifyEmail, "/login/enrol": flow.StepEnrol,
		"/login/enrol/passkey": flow.StepEnrol, "/login/resend": flow.StepEmailCode, "/login/forgot": flow.StepForgot,
	}
	forms := append(signInForms(), struct {
		path string
		form url.Values
		want []any
	}{"/login/resend", form(), nil}, struct {
		path string
		form url.Values
		want []any
	}{"/login/forgot", form("username", "ada"), nil})
	for _, c := range forms {
		step, tries := stepOf[c.path]
		if !tries {
			continue
		}
		delete(stepOf, c.path)
		w := openWorld(t)
		w.flow.page = dueBy(step, proved, open, asks(lanyard.WayTOTP))
		w.flow.err = fmt.Errorf("count: %w", lanyard.ErrThrottled.After(61*time.Second))
		rec := w.post(c.path, c.form)
		if rec.Code != http.StatusTooManyRequests || rec.Header().Get("Retry-After") != "61" || !strings.Contains(rec.Body.String(), "2 minutes") {
			t.Errorf("%s: %d %q %s", c.path, rec.Code, rec.Header().Get("Retry-After"), rec.Body)
		}
	}
	if len(stepOf) > 0 {
		t.Errorf("not tried: %v", stepOf)
	}
}

func TestOutageIsNoMistakeOfThePerson(t *testing.T) {
	for _, c := range signInForms() {
		w := openWorld(t)
		w.flow.page, w.flow.err = dueBy(flow.StepPassword), fmt.Errorf("read: %w", lanyard.ErrUnavailable)
		if rec := w.post(c.path, c.form); rec.Code != http.StatusServiceUnavailable || rec.Header().Get("Retry-After") == "" {
			t.Errorf("%s: %d", c.path, rec.Code)
		}
	}
}

func TestMailsAreInTheLanguageOfThePage(t *testing.T) {
	for name, c := range map[string]struct {
		field, accept string
		want          []string
	}{
		"that of the page first":      {"de", "en", []string{"de", "en"}},
		"the browser's alone":         {"", "de", []string{"de"}},
		"both the same":               {"de", "de-AT", []string{"de"}},
		"one that is not spoken here": {"fr", "de", []string{"de"}},
	} {
		w := newWorld(t, https)
		w.flow.moved = flow.Moved{Next: flow.StepEmailCode}
		values := form("way", "email_code", "ui_locale", c.field)
		r := httptest.NewRequest("POST", "/login/way", strings.NewReader(values.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Accept-Language", c.accept)
		w.do(r)
		if diff := cmp.Diff(c.want, w.flow.visitor.Languages); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// A sign-up for an address that is taken, and one for a free one, look alike: the
// page does not ask.
func TestForgottenPasswordsAreAnsweredAlike(t *testing.T) {
	pages := map[string]string{}
	for _, name := range []string{"ada@example.test", "bob@example.test"} {
		w := newWorld(t, https)
		w.flow.page = due(flow.StepForgot)
		rec := w.post("/login/forgot", form("username", name))
		pages[name] = strings.ReplaceAll(fmt.Sprint(rec.Code, rec.Header(), rec.Body), name, "NAME")
		if !strings.Contains(rec.Body.String(), "Check your e-mail. If there is an account for "+name+", we sent a link.") || rec.Code != http.StatusOK {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
	}
	if diff := cmp.Diff(pages["ada@example.test"], pages["bob@example.test"]); diff != "" {
		t.Error(diff)
	}
}

func TestTypedFieldsOfASignUpAreKeptButThePassword(t *testing.T) {
	body := signingUp(lanyard.ErrWeakPassword)(openWorld(t), "").Body.String()
	for _, want := range []string{`value="grace@example.test"`, `value="Grace Hopper"`, `value="Compilers"`, `<option value="M" selected>`, `value="2031-01-02"`, `<option value="true" selected>`, "easy to guess"} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if strings.Contains(body, "seven boats") {
		t.Error("the password is shown")
	}
}

// Codes are told in the answer to the form that made them, and nowhere else.
func TestRecoveryCodesAreShownOnce(t *testing.T) {
	w := newWorld(t, https)
	rec := made("/login/enrol", "code", "123456")(w, "")
	if rec.Code != http.StatusOK || rec.Header().Get("Cache-Control") != "no-store" || strings.Count(rec.Body.String(), `<li><code dir="ltr">`) != 10 {
		t.Errorf("%d %v %s", rec.Code, rec.Header(), rec.Body)
	}
	body := w.get(rawQuery("/login/codes")).Body.String()
	if strings.Contains(body, `<li><code dir="ltr">`) || !strings.Contains(body, `id="codes-new"`) || !strings.Contains(body, `id="codes-saved"`) {
		t.Error(body)
	}
}

func TestScriptGetsTheOptionsOfACeremony(t *testing.T) {
	for path, want := range map[string]string{"/login/passkey/options": `{"challenge":"Z2V0"}`, "/login/enrol/passkey/options": `{"challenge":"bWFrZQ"}`} {
		w := newWorld(t, https)
		rec := w.post(rawQuery(path), nil)
		if rec.Code != http.StatusOK || rec.Body.String() != want || rec.Header().Get("Content-Type") != "application/json" || rec.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v %s", path, rec.Code, rec.Header(), rec.Body)
		}
		w.flow.err = lanyard.ErrNotOffered
		if rec := w.post(rawQuery(path), nil); rec.Code != http.StatusForbidden || rec.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s, not offered: %d %s", path, rec.Code, rec.Body)
		}
		w.flow.called = nil
		for _, odd := range []string{path, path + "?request=" + strings.Repeat("r", 65)} {
			if rec := w.post(odd, nil); rec.Code != http.StatusBadRequest || w.flow.called != nil {
				t.Errorf("%s: %d", odd, rec.Code)
			}
		}
		r := httptest.NewRequest("POST", rawQuery(path), nil)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		if rec := w.do(r); rec.Code != http.StatusForbidden || w.flow.called != nil {
			t.Errorf("%s from elsewhere: %d", path, rec.Code)
		}
	}
}

// The browser is told to forget a passkey that was deleted here, and no other.
func TestOnlyDeletedPasskeysAreForgotten(t *testing.T) {
	for name, c := range map[string]struct {
		err        error
		credential string
		want       string
	}{
		"deleted":           {lanyard.ErrDeletedPasskey, assertion, `data-unknown-credential="Y3JlZC0x" data-rp-id="id.example"`},
		"refused":           {lanyard.ErrNoPasskey, assertion, ""},
		"turned off":        {lanyard.ErrUserDisabled, assertion, ""},
		"an odd id":         {lanyard.ErrDeletedPasskey, `{"id":"<b>"}`, ""},
		"a very long id":    {lanyard.ErrDeletedPasskey, `{"id":"` + strings.Repeat("A", 1365) + `"}`, ""},
		"an id of a number": {lanyard.ErrDeletedPasskey, `{"id":1}`, ""},
	} {
		body := refused("/login/passkey", due(flow.StepIdentify), c.err, "credential", c.credential)(newWorld(t, https), "").Body.String()
		if !strings.Contains(body, `role="alert"`) || strings.Contains(body, "data-unknown-credential") != (c.want != "") || !strings.Contains(body, c.want) {
			t.Errorf("%s: %s", name, body)
		}
	}
}

func TestResetSetsThePasswordAndLeadsBack(t *testing.T) {
	w := newWorld(t, https)
	values := form("token", linkToken, "password", "seven boats in the harbour", "ui_locale", "de")
	r := httptest.NewRequest("POST", "/login/reset", strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.RemoteAddr = "203.0.113.7:1234"
	rec := w.do(r)
	if diff := cmp.Diff([]any{"reset", linkToken, "seven boats in the harbour", now}, w.links.called); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(accounts.From{Address: "203.0.113.7", Languages: []string{"de", "en"}}, w.links.from); diff != "" {
		t.Error(diff)
	}
	if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/t/acme/login/reset/done?request="+string(request) {
		t.Errorf("%d %s", rec.Code, rec.Header().Get("Location"))
	}
	if got := rec.Header().Values("Set-Cookie"); len(got) != 0 {
		t.Errorf("somebody is signed in: %v", got)
	}
	back := `href="/t/acme/oauth/resume?request=` + string(request) + `"`
	w.flow.page = due(flow.StepForgot)
	if body := w.do(w.withBinding("/login/reset/done?request=" + string(request))).Body.String(); !strings.Contains(body, back) {
		t.Errorf("in the browser of the sign-in: %s", body)
	}
	if body := w.get("/login/reset/done?request=" + string(request)).Body.String(); strings.Contains(body, "/login?") || !strings.Contains(body, `href="/t/acme/account"`) {
		t.Errorf("in another browser: %s", body)
	}
	w.flow.pageErr = lanyard.ErrStaleFlow
	if body := w.do(w.withBinding("/login/reset/done?request=" + string(request))).Body.String(); strings.Contains(body, "/login?") || !strings.Contains(body, `href="/t/acme/account"`) {
		t.Errorf("of a sign-in that is over: %s", body)
	}
}

// Programs open links before people do: a GET spends nothing and tells the token to nobody.
func TestOpeningALinkSpendsNothing(t *testing.T) {
	for _, target := range []string{resetLink, codeLink} {
		w := newWorld(t, https)
		rec := w.get(target)
		if rec.Code != http.StatusOK || w.links.called != nil || w.flow.called != nil || len(rec.Header().Values("Set-Cookie")) > 0 {
			t.Errorf("%s: %d, called %v", target, rec.Code, w.links.called)
		}
		if rec.Header().Get("Referrer-Policy") != "same-origin" || rec.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", target, rec.Header())
		}
	}
}

// A link goes on where the code is waited for, and shows the code everywhere else.
func TestLinkIsForTheBrowserThatWaits(t *testing.T) {
	recovery := dueBy(flow.StepFactor, proved, asks(lanyard.WayEmailRecovery))
	for name, c := range map[string]struct {
		purpose string
		page    flow.Page
		action  string
	}{
		"sign-in":                {accounts.PurposeSignIn, due(flow.StepEmailCode), "/t/acme/login/code"},
		"sign-up":                {accounts.PurposeSignUp, due(flow.StepSignUpCode), "/t/acme/signup/verify"},
		"verification":           {accounts.PurposeVerify, dueBy(flow.StepVerifyEmail, proved), "/t/acme/login/verify-email"},
		"recovery":               {accounts.PurposeRecovery, recovery, "/t/acme/login/factor"},
		"another factor":         {accounts.PurposeRecovery, dueBy(flow.StepFactor, proved, asks(lanyard.WayTOTP)), ""},
		"another step":           {accounts.PurposeSignIn, due(flow.StepPassword), ""},
		"another step's code":    {accounts.PurposeSignUp, due(flow.StepEmailCode), ""},
		"an unknown purpose":     {"dance", due(flow.StepEmailCode), ""},
		"a sign-in that is over": {accounts.PurposeSignIn, due(flow.StepDone), ""},
	} {
		w := newWorld(t, https)
		body := here(codeLink, c.purpose, c.page)(w, "").Body.String()
		want := `<form method="post" action="` + c.action + "?request=" + string(request) + `">`
		if shown := strings.Contains(body, `<code id="code">482913</code>`); shown != (c.action == "") {
			t.Errorf("%s: the code is shown: %v", name, shown)
		}
		if c.action != "" && (!strings.Contains(body, want) || !strings.Contains(body, `name="code" value="482913"`) || !strings.Contains(body, `name="token" value="step-token"`)) {
			t.Errorf("%s: %s", name, body)
		}
		if body := elsewhere(codeLink)(w, "").Body.String(); strings.Contains(body, "<form") || !strings.Contains(body, `<code id="code">482913</code>`) {
			t.Errorf("%s in another browser: %s", name, body)
		}
	}
}

func TestWellKnownAddresses(t *testing.T) {
	w := newWorld(t, https)
	if rec := w.get("/.well-known/change-password"); rec.Code != http.StatusFound || rec.Header().Get("Location") != "/t/acme/account/security" {
		t.Errorf("change-password: %d %s", rec.Code, rec.Header().Get("Location"))
	}
	var endpoints map[string]string
	if err := json.Unmarshal(w.get("/.well-known/passkey-endpoints").Body.Bytes(), &endpoints); err != nil {
		t.Error(err)
	}
	const security = "https://id.example/t/acme/account/security"
	if diff := cmp.Diff(map[string]string{"enroll": security, "manage": security}, endpoints); diff != "" {
		t.Error(diff)
	}
	for name, c := range map[string]struct {
		host  string
		other []string
		want  string
	}{
		"a shared host":                 {"", []string{"acme.example"}, ""},
		"a host of its own":             {"id.acme.example", nil, ""},
		"a host of its own with others": {"id.acme.example", []string{"acme.example", "login.acme.example:8443"}, `{"origins":["https://id.acme.example","https://acme.example","https://login.acme.example:8443"]}`},
	} {
		w := newWorld(t, web.Site{Tenant: "ten_1", Slug: "acme", Issuer: "https://id.acme.example"})
		w.live.Tenant.Host, w.live.Tenant.RedirectHosts = c.host, c.other
		rec := w.get("/.well-known/webauthn")
		if c.want == "" && rec.Code != http.StatusNotFound || c.want != "" && (rec.Body.String() != c.want || rec.Header().Get("Content-Type") != "application/json") {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
	}
}
