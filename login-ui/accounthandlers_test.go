package loginui_test

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// accountForms are the forms of the account pages, the deed that each of them calls
// with what, and where it leads.
var accountForms = []struct {
	path string
	form url.Values
	want []any
	to   string
}{
	{"/account/switch", values("session", "ses_2"), []any{"switch", lanyard.SessionID("ses_2")}, "/account?done=switched"},
	{"/account/emails", values("email", " new@example.test "), []any{"add email", adaID, "new@example.test"}, "/account/emails?done=email_added"},
	{"/account/emails/verify", values("code", " 123 456 "), []any{"verify email", adaID, "123 456"}, "/account/emails?done=email_verified"},
	{"/account/emails/resend", values("email", "b@example.test"), []any{"resend", adaID, "b@example.test"}, "/account/emails?done=email_sent"},
	{"/account/emails/primary", values("email", "b@example.test"), []any{"primary", adaID, "b@example.test"}, "/account/emails?done=email_primary"},
	{"/account/emails/remove", values("email", "b@example.test"), []any{"remove email", adaID, "b@example.test"}, "/account/emails?done=email_removed"},
	{
		"/account/security/password", values("current", " old ", "password", " new pass "),
		[]any{"password", adaID, " old ", " new pass "}, "/account/security?done=password_saved",
	},
	{"/account/security/totp", values("code", "123456"), []any{"add totp", adaID, "123456"}, "/account/security?done=totp_added"},
	{"/account/security/totp/remove", nil, []any{"remove totp", adaID}, "/account/security?done=totp_removed"},
	{"/account/security/forget", nil, []any{"forget", adaID}, "/account/security?done=devices_forgotten&n=2"},
	{
		"/account/security/passkeys", values("credential", `{"id":"x"}`, "name", "Phone"),
		[]any{"add passkey", adaID, `{"id":"x"}`, "Phone"}, "/account/security?done=passkey_added",
	},
	{
		"/account/security/passkeys/rename", values("id", "Y3JlZC0x", "name", "Phone"),
		[]any{"rename", adaID, "Y3JlZC0x", "Phone"}, "/account/security?done=passkey_renamed",
	},
	{"/account/security/passkeys/remove?id=Y3JlZC0x", nil, []any{"remove passkey", adaID, "Y3JlZC0x"}, "/account/security?done=passkey_removed&removed=Y3JlZC0x"},
	{"/account/devices/end", values("session", "ses_9"), []any{"end", adaID, lanyard.SessionID("ses_9")}, "/account/devices?done=device_ended"},
	{"/account/devices/others", nil, []any{"end others", adaID}, "/account/devices?done=devices_ended&n=3"},
	{"/account/activity/not-me", nil, []any{"not me", adaID}, "/account/activity?done=not_me&n=1"},
	{
		"/account/linked/unlink", values(unlinking()...),
		[]any{"unlink", adaID, lanyard.Identity{ConnectionID: "google", Issuer: "https://accounts.google.com", Subject: "1"}}, "/account/linked?done=unlinked",
	},
	{"/account/data/delete", values("username", " ADA@example.test "), []any{"delete", adaID}, "/account/data?done=deletion_asked"},
	{"/account/data/keep", nil, []any{"keep", adaID}, "/account?done=deletion_undone"},
}

const adaID = lanyard.UserID("usr_1")

func TestAccountFormsCallOneDeedAndLeadBack(t *testing.T) {
	for _, c := range accountForms {
		w := newWorld(t, https)
		rec := w.post(c.path, c.form)
		if diff := cmp.Diff(c.want, w.people.called); diff != "" {
			t.Errorf("%s: %s", c.path, diff)
		}
		if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/t/acme"+c.to {
			t.Errorf("%s: %d %s", c.path, rec.Code, rec.Header().Get("Location"))
		}
		said := parse(t, w.get(c.to).Body.String())
		notices := 0
		for _, p := range said.elements("p") {
			if attr(p, "class") == "notice" {
				notices++
			}
		}
		if notices != 1 {
			t.Errorf("%s: the page after it has %d notices", c.path, notices)
		}
	}
}

func TestAccountFormsAskForAFreshProof(t *testing.T) {
	for _, c := range accountForms {
		w := newWorld(t, https)
		w.people.err, w.people.fresh = lanyard.ErrFreshProof, false
		w.people.accounts[0].User.Subject = "sub-ada"
		rec := w.post(c.path, c.form)
		if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/t/acme"+rawQuery("/login/password") {
			t.Errorf("%s: %d %s", c.path, rec.Code, rec.Header().Get("Location"))
		}
		if cookie := rec.Header().Get("Set-Cookie"); !strings.HasPrefix(cookie, "__Host-lanyard-flow-"+string(request)+"=") {
			t.Errorf("%s: sets %q", c.path, cookie)
		}
		if len(w.people.led) != 3 || w.people.led[1] != "sub-ada" || w.people.led[2] != true {
			t.Fatalf("%s: led to %v", c.path, w.people.led)
		}
		back, _ := w.people.led[0].(string)
		if rec := w.get(back); rec.Code >= http.StatusBadRequest {
			t.Errorf("%s: comes back to %s, which is %d", c.path, back, rec.Code)
		}
	}
}

// Generated from the table: nobody sees a page or reaches a deed without a session.
func TestAccountPagesNeedASession(t *testing.T) {
	fresh := worlds(t)
	pages := 0
	for _, route := range newWorld(t, https).pages.Routes() {
		if !strings.HasPrefix(route.Path, "/account") {
			continue
		}
		pages++
		if route.Access != web.Session || route.CSRF != web.CSRFSameOrigin || route.CORS != web.CORSNone {
			t.Errorf("%s %s is declared as %s, %s, %s", route.Method, route.Path, route.Access, route.CSRF, route.CORS)
		}
		w := fresh(https)
		w.people.accounts = nil
		rec := w.get(route.Path)
		if route.Method == http.MethodPost {
			rec = w.post(route.Path, values("username", "ada@example.test"))
		}
		refused := strings.HasPrefix(rec.Header().Get("Location"), "/t/acme/")
		if route.Kind == web.Data {
			refused = rec.Code == http.StatusBadRequest && strings.Contains(rec.Body.String(), "login_required")
		}
		if !refused || w.people.called != nil || strings.Contains(rec.Body.String(), "<form") {
			t.Errorf("%s %s: %d %s, called %v", route.Method, route.Path, rec.Code, rec.Header().Get("Location"), w.people.called)
		}
	}
	if pages < 40 {
		t.Errorf("the table has only %d account routes", pages)
	}
}

func TestSignInComesBackToThePage(t *testing.T) {
	for target, back := range map[string]string{
		"/account":                               "/account",
		"/account/activity?before=evt_1":         "/account/activity?before=evt_1",
		"/account?x=" + strings.Repeat("x", 2e3): "/account",
	} {
		w := newWorld(t, https)
		w.people.accounts = nil
		rec := w.get(target)
		if rec.Code != http.StatusFound || rec.Header().Get("Location") != "/t/acme"+rawQuery("/login/password") {
			t.Errorf("%s: %d %s", target, rec.Code, rec.Header().Get("Location"))
		}
		if diff := cmp.Diff([]any{back, "", false}, w.people.led); diff != "" {
			t.Errorf("%s: %s", target, diff)
		}
	}
	w := newWorld(t, https)
	w.people.accounts = nil
	if w.post("/account/emails/remove", values("email", "a@example.test")); w.people.led[0] != "/account/emails" {
		t.Errorf("a form comes back to %v", w.people.led[0])
	}
}

// Generated from the table: forms from elsewhere reach no deed of an account.
func TestForeignFormsReachNoAccount(t *testing.T) {
	fresh := worlds(t)
	forms := 0
	for _, route := range newWorld(t, https).pages.Routes() {
		if route.Method == http.MethodGet || !strings.HasPrefix(route.Path, "/account") {
			continue
		}
		forms++
		for name, headers := range map[string]map[string]string{
			"foreign origin": {"Origin": "https://evil.example"},
			"cross-site":     {"Sec-Fetch-Site": "cross-site"},
			"same-site":      {"Sec-Fetch-Site": "same-site", "Origin": "https://other.id.example"},
		} {
			w := fresh(https)
			r := httptest.NewRequest(route.Method, route.Path+"?id=Y3JlZC0x", strings.NewReader(values("username", "ada@example.test", "email", "a@example.test").Encode()))
			r.Host = "id.example"
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			for k, v := range headers {
				r.Header.Set(k, v)
			}
			if rec := w.do(r); rec.Code != http.StatusForbidden || w.people.called != nil || w.people.led != nil || len(rec.Header().Values("Set-Cookie")) != 0 {
				t.Errorf("%s, %s: %d, called %v", route.Path, name, rec.Code, w.people.called)
			}
		}
	}
	if forms < len(accountForms) {
		t.Errorf("the table has only %d forms", forms)
	}
}

func TestOddAccountFormsReachNoDeed(t *testing.T) {
	repeated := values("email", "a@example.test")
	repeated.Add("email", "b@example.test")
	for name, c := range map[string]struct {
		path string
		form url.Values
		want int
	}{
		"repeated field":        {"/account/emails", repeated, 400},
		"nul":                   {"/account/emails", values("email", "a\x00b"), 400},
		"bad utf-8":             {"/account/emails", values("email", "\xff"), 400},
		"no address":            {"/account/emails", values("email", " "), 200},
		"long address":          {"/account/emails", values("email", strings.Repeat("a", 255)), 200},
		"removing nothing":      {"/account/emails/remove", nil, 404},
		"removing much":         {"/account/emails/remove", values("email", strings.Repeat("a", 255)), 404},
		"no code":               {"/account/emails/verify", values("code", " "), 200},
		"long code":             {"/account/security/totp", values("code", strings.Repeat("1", 65)), 200},
		"no current password":   {"/account/security/password", values("password", "x"), 200},
		"no new password":       {"/account/security/password", values("current", "x"), 200},
		"long current password": {"/account/security/password", values("current", strings.Repeat("x", 1025), "password", "x"), 400},
		"long new password":     {"/account/security/password", values("current", "x", "password", strings.Repeat("x", 1025)), 400},
		"no credential":         {"/account/security/passkeys", values("name", "x"), 200},
		"long credential":       {"/account/security/passkeys", values("credential", strings.Repeat("x", 64<<10+1)), 400},
		"very large credential": {"/account/security/passkeys", values("credential", strings.Repeat("x", 256<<10)), 413},
		"long name":             {"/account/security/passkeys", values("credential", "{}", "name", strings.Repeat("x", 1025)), 400},
		"odd credential id":     {"/account/security/passkeys/rename", values("id", "a b", "name", "x"), 404},
		"no credential id":      {"/account/security/passkeys/remove", nil, 404},
		"long credential id":    {"/account/security/passkeys/remove?id=" + strings.Repeat("x", 1365), nil, 404},
		"no session":            {"/account/devices/end", nil, 404},
		"long session":          {"/account/devices/end", values("session", strings.Repeat("s", 65)), 404},
		"unlinking nothing":     {"/account/linked/unlink", nil, 404},
		"unlinking nobody":      {"/account/linked/unlink", values("connection", "google", "issuer", "https://accounts.google.com"), 404},
		"unlinking much":        {"/account/linked/unlink", values("connection", "google", "issuer", "i", "subject", strings.Repeat("s", 2049)), 404},
		"linking nothing":       {"/account/linked/link", nil, 404},
		"linking much":          {"/account/linked/link", values("connection", strings.Repeat("c", 65)), 404},
		"another name":          {"/account/data/delete", values("username", "grace@example.test"), 200},
		"no name":               {"/account/data/delete", nil, 200},
		"very large form":       {"/account/profile", values("name", strings.Repeat("x", 64<<10)), 413},
	} {
		w := newWorld(t, https)
		if rec := w.post(c.path, c.form); rec.Code != c.want || w.people.called != nil {
			t.Errorf("%s: %d, called %v", name, rec.Code, w.people.called)
		}
	}
}

func TestProfileIsReadWhole(t *testing.T) {
	w := newWorld(t, https)
	filled(w)
	form := values("name", " Ada ", "locale", "de", "zoneinfo", "Europe/Berlin", "street_address", "One\r\nTwo", "country", "UK",
		"attribute.team", "Looms")
	for _, name := range []string{"attribute.grade", "attribute.other", "email", "sub", "email_verified"} {
		more := values(name, "x")
		maps.Copy(more, form)
		if rec := w.post("/account/profile", more); rec.Code != 400 || w.people.called != nil {
			t.Errorf("with %s: %d, called %v", name, rec.Code, w.people.called)
		}
	}
	rec := w.post("/account/profile", form)
	want := lanyard.Profile{
		Name: "Ada", Locale: "de", Zoneinfo: "Europe/Berlin", Address: &lanyard.Address{StreetAddress: "One\nTwo", Country: "UK"},
		Attributes: map[string]string{"team": "Looms", "size": "", "seats": "", "since": "", "remote": ""},
	}
	if diff := cmp.Diff([]any{"profile", adaID, want}, w.people.called); diff != "" || rec.Header().Get("Location") != "/t/acme/account/profile?done=profile_saved" {
		t.Errorf("%d %s", rec.Code, diff)
	}
	w.post("/account/profile", values("name", "Ada"))
	if p, _ := w.people.called[2].(lanyard.Profile); p.Address != nil {
		t.Errorf("an empty address is kept as %+v", p.Address)
	}
}

func TestProfileSaysWhichFieldIsWrongAndKeepsWhatWasTyped(t *testing.T) {
	for message, field := range map[string]string{
		"phone_number is not valid": "phone_number", "team is required": "attribute.team", "seats: it is a number": "attribute.seats",
	} {
		w := newWorld(t, https)
		filled(w)
		w.people.err = lanyard.ErrBadInput.Saying(message)
		rec := w.post("/account/profile", values("phone_number", "0800", "attribute.team", "Looms", "attribute.seats", "many"))
		d := parse(t, rec.Body.String())
		var wrong []string
		for _, in := range d.elements("input") {
			if attr(in, "aria-invalid") == "true" {
				wrong = append(wrong, attr(in, "name"))
			}
			if attr(in, "name") == "attribute.seats" && attr(in, "value") != "many" {
				t.Errorf("%s: what was typed is gone", message)
			}
		}
		if diff := cmp.Diff([]string{field}, wrong); diff != "" || rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), `href="#`+field+`"`) {
			t.Errorf("%s: %d %s", message, rec.Code, diff)
		}
	}
	w := newWorld(t, https)
	w.people.err = lanyard.ErrBadInput.Saying("moon is not valid")
	if rec := w.post("/account/profile", nil); rec.Code != http.StatusBadRequest {
		t.Errorf("an unknown field: %d", rec.Code)
	}
}

func TestPasskeyIsBegunWithAFreshProofOnly(t *testing.T) {
	w := newWorld(t, https)
	rec := w.post("/account/security/passkeys/options", nil)
	if rec.Code != http.StatusOK || rec.Header().Get("Content-Type") != "application/json" || rec.Body.String() != `{"challenge":"bmV3"}` {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if diff := cmp.Diff([]any{"creation", adaID, "ses_1"}, w.people.called); diff != "" {
		t.Error(diff)
	}
	w = newWorld(t, https)
	w.people.fresh = false
	rec = w.post("/account/security/passkeys/options", nil)
	if rec.Code != http.StatusForbidden || w.people.called != nil || !strings.Contains(rec.Body.String(), lanyard.ErrFreshProof.Code) {
		t.Errorf("%d %s, called %v", rec.Code, rec.Body, w.people.called)
	}
}

func TestSigningOutHereSaysSo(t *testing.T) {
	for path, form := range map[string]url.Values{
		"/account/sign-out": nil, "/account/devices/all": nil, "/account/devices/end": values("session", "ses_1"),
	} {
		w := newWorld(t, https)
		rec := w.post(path, form)
		if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), "You&#39;re signed out of Acme") || strings.Contains(rec.Body.String(), "<nav aria-label=\"Your account\"") {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
	}
	w := newWorld(t, https)
	w.post("/account/sign-out", nil)
	if diff := cmp.Diff([]any{"end", adaID, lanyard.SessionID("ses_1")}, w.people.called); diff != "" {
		t.Error(diff)
	}
}

func TestAnotherAccountSignsIn(t *testing.T) {
	w := newWorld(t, https)
	rec := w.post("/account/add", nil)
	if diff := cmp.Diff([]any{"/account", "another"}, w.people.led); diff != "" || rec.Header().Get("Location") != "/t/acme"+rawQuery("/login/password") {
		t.Errorf("%d %s %s", rec.Code, rec.Header().Get("Location"), diff)
	}
}

func TestDataIsDownloaded(t *testing.T) {
	w := newWorld(t, https)
	rec := w.post("/account/data/export", nil)
	var got accounts.Export
	if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil || got.Subject != "sub-1" {
		t.Errorf("%v %s", err, rec.Body)
	}
	h := rec.Header()
	if rec.Code != http.StatusOK || h.Get("Content-Type") != "application/json" || h.Get("Content-Disposition") != `attachment; filename="account.json"` || h.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", rec.Code, h)
	}
}

func TestMistakesOnAccountPagesAreExplained(t *testing.T) {
	password := values("current", "x", "password", "y")
	for _, c := range []struct {
		path string
		form url.Values
		err  error
		want string
	}{
		{"/account/emails", values("email", "x"), lanyard.ErrConflict, "already, or too many"},
		{"/account/emails/verify", values("code", "1"), lanyard.ErrCodeExpired, "has expired"},
		{"/account/security/password", password, lanyard.ErrShortPassword, "at least 15 characters"},
		{"/account/security/password", password, lanyard.ErrBreachedPassword, "data breach"},
		{"/account/security/password", password, lanyard.ErrSamePassword, "is the password that you have"},
		{"/account/security/password", password, lanyard.ErrConflict, "at the same time"},
		{"/account/security/totp", values("code", "1"), lanyard.ErrCodeExpired, "took too long"},
		{"/account/security/totp", values("code", "1"), lanyard.ErrConflict, "already"},
		{"/account/security/codes", nil, lanyard.ErrConflict, "second factor"},
		{"/account/security/passkeys", values("credential", "{}"), lanyard.ErrConflict, "Remove another one first"},
		{"/account/security/passkeys", values("credential", "{}"), lanyard.ErrNotOffered, "offered here"},
		{"/account/security/passkeys/rename", values("id", "x", "name", ""), lanyard.ErrBadInput, "Enter a name"},
		{"/account/linked/unlink", values(unlinking()...), lanyard.ErrLastWayIn, "Add a password or passkey first."},
		{"/account/linked/unlink", values(unlinking()...), lanyard.ErrConfined, "Sign in another way first."},
		{"/account/linked/link", values("connection", "google"), lanyard.ErrNotOffered, "offered here"},
		{"/account/data/delete", values("username", "ada@example.test"), lanyard.ErrConflict.Saying("you are the only owner of Acme"), "only owner of Acme."},
	} {
		w := newWorld(t, https)
		w.people.err = c.err
		rec := w.post(c.path, c.form)
		var problem string
		for _, div := range parse(t, rec.Body.String()).elements("div") {
			if attr(div, "id") == "problem" {
				for n := range div.Descendants() {
					problem += strings.TrimSpace(n.Data) + " "
				}
			}
		}
		status := http.StatusOK
		if lanyard.KindOf(c.err) == lanyard.Conflict {
			status = http.StatusConflict
		}
		if rec.Code != status || !strings.Contains(problem, c.want) {
			t.Errorf("%s with %v: %d %q", c.path, c.err, rec.Code, problem)
		}
	}
}

func TestThrottledAccountFormSaysWhen(t *testing.T) {
	w := newWorld(t, https)
	w.people.err = lanyard.ErrThrottled.After(90 * time.Second)
	rec := w.post("/account/security/password", values("current", "x", "password", "y"))
	if rec.Code != http.StatusTooManyRequests || rec.Header().Get("Retry-After") != "90" || !strings.Contains(rec.Body.String(), "Try again in 2 minutes") {
		t.Errorf("%d %q", rec.Code, rec.Header().Get("Retry-After"))
	}
}

func TestFaultsOfAccountDeedsAreNotMistakes(t *testing.T) {
	for err, want := range map[error]int{
		lanyard.ErrNotFound: 404, lanyard.ErrUnavailable: 503, errors.New("disk on fire"): 500,
	} {
		w := newWorld(t, https)
		w.people.err = err
		if rec := w.post("/account/emails/remove", values("email", "x@example.test")); rec.Code != want || strings.Contains(rec.Body.String(), `id="email-add"`) {
			t.Errorf("%v: %d", err, rec.Code)
		}
	}
	w := newWorld(t, https)
	w.people.err = lanyard.ErrNotFound
	if rec := w.post("/account/security/totp/remove", nil); rec.Header().Get("Location") != "/t/acme/account/security?done=totp_removed" {
		t.Errorf("an app that is gone already: %d", rec.Code)
	}
}
