package loginui_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// dueBy is a page of the flow at a step, changed.
func dueBy(step flow.Step, changes ...func(*flow.Page)) flow.Page {
	page := due(step)
	for _, change := range changes {
		change(&page)
	}
	return page
}

func ways(all ...lanyard.Way) func(*flow.Page) {
	return func(p *flow.Page) { p.Ways = all }
}

func asks(way lanyard.Way) func(*flow.Page) { return func(p *flow.Page) { p.Way = way } }

func mayRemember(p *flow.Page) { p.MayRemember = true }

// proved says that Ada has proved something.
func proved(p *flow.Page) {
	person := ada().User
	p.Person = &person
}

func withSecond(p *flow.Page) { p.Factors.TOTP = true }

func open(p *flow.Page) {
	p.Policy.SignUp = lanyard.SignUpOpen
	p.Policy.Attributes = []lanyard.Attribute{
		{Name: "team", Label: "Team", Type: lanyard.AttributeString, Required: true},
		{Name: "size", Label: "Size", Type: lanyard.AttributeString, Required: true, Options: []string{"S", "M", "L"}},
		{Name: "seats", Type: lanyard.AttributeNumber, Required: true},
		{Name: "since", Label: "Since", Type: lanyard.AttributeDate, Required: true},
		{Name: "remote", Label: "Remote", Type: lanyard.AttributeBoolean, Required: true},
		{Name: "nickname", Label: "Wanted by nobody", Type: lanyard.AttributeString},
		{Name: "grade", Label: "Given by others", Type: lanyard.AttributeString, Required: true, ReadOnly: true},
	}
}

func invited(p *flow.Page) { p.Policy.SignUp = lanyard.SignUpInvite }

func closed(p *flow.Page) { p.Policy.SignUp = lanyard.SignUpClosed }

var passwordWays = ways(lanyard.WayPasskey, lanyard.WayEmailCode, lanyard.WayForgot)

var factorWays = ways(lanyard.WayTOTP, lanyard.WaySecurityKey, lanyard.WayRecoveryCode, lanyard.WayEmailRecovery)

func atFactor(way lanyard.Way, changes ...func(*flow.Page)) flow.Page {
	return dueBy(flow.StepFactor, append([]func(*flow.Page){proved, factorWays, asks(way), mayRemember}, changes...)...)
}

const assertion = `{"id":"Y3JlZC0x","rawId":"Y3JlZC0x","type":"public-key","response":{}}`

// proofCases are the pages on which people prove who they are.
func proofCases() []pageCase {
	identify := dueBy(flow.StepIdentify, ways(lanyard.WayPasskey, lanyard.WaySignUp))
	password, passkey := dueBy(flow.StepPassword, passwordWays), dueBy(flow.StepPasskey, ways(lanyard.WayEmailCode))
	code := dueBy(flow.StepEmailCode, ways(lanyard.WayPasskey))
	wait := lanyard.ErrThrottled.After(90 * time.Second)
	return []pageCase{
		{"identifier-ways", 200, atStep("/login", identify)},
		{"password-ways", 200, atStep("/login/password", password)},
		{"password-throttled-ways", 429, refused("/login/password", password, wait, "password", "x")},
		{"passkey", 200, atStep("/login/passkey", passkey)},
		{"passkey-none", 200, refused("/login/passkey", passkey, nil, "credential", "")},
		{"passkey-refused", 200, refused("/login/passkey", passkey, lanyard.ErrNoPasskey, "credential", assertion, "keep", "1")},
		{"passkey-deleted", 200, refused("/login/passkey", identify, lanyard.ErrDeletedPasskey, "credential", assertion)},
		{"passkey-disabled", 200, refused("/login/passkey", identify, lanyard.ErrUserDisabled, "credential", assertion)},
		{"passkey-throttled", 429, refused("/login/passkey", passkey, wait, "credential", assertion)},
		{"way-not-offered", 200, refused("/login/way", password, lanyard.ErrNotOffered, "way", "totp")},
		{"way-too-soon", 429, refused("/login/way", password, lanyard.ErrThrottled.After(40*time.Second), "way", "email_code")},
		{"email-code", 200, atStep("/login/code", code)},
		{"email-code-empty", 200, refused("/login/code", code, nil, "code", " ")},
		{"email-code-wrong", 200, refused("/login/code", code, lanyard.ErrWrongCode, "code", "000000", "keep", "1")},
		{"email-code-expired", 200, refused("/login/code", code, lanyard.ErrCodeExpired, "code", "000000")},
		{"email-code-throttled", 429, refused("/login/code", code, wait, "code", "000000")},
		{"email-code-sent", 200, sentAgain(code)},
		{"email-code-too-soon", 429, refused("/login/resend", code, lanyard.ErrThrottled.After(40*time.Second))},
		{"factor-totp", 200, atStep("/login/factor", atFactor(lanyard.WayTOTP))},
		{"factor-totp-wrong", 200, refused("/login/factor", atFactor(lanyard.WayTOTP), lanyard.ErrWrongCode, "code", "000000", "remember", "1")},
		{"factor-throttled", 429, refused("/login/factor", atFactor(lanyard.WayTOTP), wait, "code", "000000")},
		{"factor-key", 200, atStep("/login/factor", atFactor(lanyard.WaySecurityKey))},
		{"factor-key-refused", 200, refused("/login/passkey", atFactor(lanyard.WaySecurityKey), lanyard.ErrNoPasskey, "credential", assertion)},
		{"factor-recovery", 200, atStep("/login/factor", atFactor(lanyard.WayRecoveryCode))},
		{"factor-recovery-wrong", 200, refused("/login/factor", atFactor(lanyard.WayRecoveryCode), lanyard.ErrWrongCode, "code", "AAAA-AAAA")},
		{"factor-email", 200, atStep("/login/factor", atFactor(lanyard.WayEmailRecovery))},
		{"factor-email-expired", 200, refused("/login/factor", atFactor(lanyard.WayEmailRecovery), lanyard.ErrCodeExpired, "code", "000000")},
		{"factor-none", 200, atStep("/login/factor", dueBy(flow.StepFactor, proved))},
	}
}

// sentAgain asks for the code of a page once more.
func sentAgain(page flow.Page) func(*world, string) *httptest.ResponseRecorder {
	return func(w *world, lang string) *httptest.ResponseRecorder {
		w.flow.page, w.flow.moved = page, flow.Moved{Next: page.Step}
		return w.post(rawQuery("/login/resend")+lang, form())
	}
}

// signingUp sends the form of a new account where accounts are made.
func signingUp(err error, pairs ...string) func(*world, string) *httptest.ResponseRecorder {
	return func(w *world, lang string) *httptest.ResponseRecorder {
		page := dueBy(flow.StepSignUp, open)
		w.live.Tenant.Policy = page.Policy
		return refused("/signup", page, err, append(newcomer(), pairs...)...)(w, lang)
	}
}

// newcomer is a form of a new account that has everything.
func newcomer() []string {
	return []string{
		"email", "grace@example.test", "name", "Grace Hopper", "password", "seven boats in the harbour", "attribute.team", "Compilers",
		"attribute.size", "M", "attribute.seats", "3", "attribute.since", "2031-01-02", "attribute.remote", "true",
	}
}

// newcomerCases are the pages of new accounts and forgotten passwords.
func newcomerCases() []pageCase {
	forgot := dueBy(flow.StepForgot, ways(lanyard.WayPasskey))
	code := due(flow.StepSignUpCode)
	return []pageCase{
		{"signup", 200, atStep("/signup", dueBy(flow.StepSignUp, open))},
		{"signup-closed", 200, atStep("/signup", dueBy(flow.StepSignUp, closed))},
		{"signup-invite", 200, atStep("/signup", dueBy(flow.StepSignUp, invited))},
		{"signup-refused-closed", 403, func(w *world, lang string) *httptest.ResponseRecorder {
			w.live.Tenant.Policy.SignUp = lanyard.SignUpClosed
			return refused("/signup", dueBy(flow.StepSignUp, closed), nil, newcomer()...)(w, lang)
		}},
		{"signup-bad-email", 200, signingUp(nil, "email", "nobody")},
		{"signup-bad-name", 200, signingUp(nil, "name", "Grace\tHopper")},
		{"signup-bad-attribute", 200, signingUp(nil, "attribute.size", "XXL")},
		{"signup-no-password", 200, signingUp(nil, "password", "")},
		{"signup-short", 200, signingUp(lanyard.ErrShortPassword)},
		{"signup-refused", 200, signingUp(lanyard.ErrBadInput)},
		{"signup-throttled", 429, signingUp(lanyard.ErrThrottled.After(time.Minute))},
		{"signup-code", 200, atStep("/signup/verify", code)},
		{"signup-code-wrong", 200, refused("/signup/verify", code, lanyard.ErrWrongCode, "code", "000000")},
		{"signup-code-expired", 200, refused("/signup/verify", code, lanyard.ErrCodeExpired, "code", "000000")},
		{"signup-code-sent", 200, sentAgain(code)},
		{"forgot", 200, atStep("/login/forgot", forgot)},
		{"forgot-empty", 200, refused("/login/forgot", forgot, nil, "username", "")},
		{"forgot-sent", 200, refused("/login/forgot", forgot, nil, "username", "ada@example.test")},
		{"forgot-throttled", 429, refused("/login/forgot", forgot, lanyard.ErrThrottled.After(40*time.Second), "username", "ada@example.test")},
	}
}

func enrolling(t *testing.T, changes ...func(*flow.Page)) flow.Page {
	t.Helper()
	svg, err := os.ReadFile(filepath.Join("testdata", "qr.svg"))
	if err != nil {
		t.Fatal(err)
	}
	page := dueBy(flow.StepEnrol, append([]func(*flow.Page){proved}, changes...)...)
	page.TOTP = accounts.TOTPEnrolment{Secret: "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP", QRSVG: string(svg)}
	return page
}

func required(p *flow.Page) {
	p.MaySkip = true
	p.Policy.SecondFactor, p.Policy.SecondFactorDeadline = lanyard.SecondFactorRequired, "2031-03-31"
}

// made is a form that makes recovery codes.
func made(path string, pairs ...string) func(*world, string) *httptest.ResponseRecorder {
	return func(w *world, lang string) *httptest.ResponseRecorder {
		w.flow.page = dueBy(flow.StepCodes, proved)
		w.flow.moved = flow.Moved{Next: flow.StepCodes}
		for _, code := range strings.Fields("0A1B-2C3D-4E5F-6G7H 8J9K-0M1N-2P3Q-4R5S 1111-2222-3333-4444 5555-6666-7777-8888 9999-AAAA-BBBB-CCCC DDDD-EEEE-FFFF-GGGG HHHH-JJJJ-KKKK-MMMM NNNN-PPPP-QQQQ-RRRR SSSS-TTTT-VVVV-WWWW XXXX-YYYY-ZZZZ-0000") {
			w.flow.moved.Codes = append(w.flow.moved.Codes, lanyard.SecretOf(code))
		}
		return w.post(rawQuery(path)+lang, form(pairs...))
	}
}

// dutyCases are what has to be done before a sign-in ends.
func dutyCases(t *testing.T) []pageCase {
	change, verify := dueBy(flow.StepNewPassword, proved), dueBy(flow.StepVerifyEmail, proved)
	return []pageCase{
		{"new-password", 200, atStep("/login/new-password", change)},
		{"new-password-second", 200, atStep("/login/new-password", dueBy(flow.StepNewPassword, proved, withSecond))},
		{"new-password-short", 200, refused("/login/new-password", dueBy(flow.StepNewPassword, proved, withSecond), lanyard.ErrShortPassword, "password", "x")},
		{"new-password-weak", 200, refused("/login/new-password", change, lanyard.ErrWeakPassword, "password", "x")},
		{"new-password-breached", 200, refused("/login/new-password", change, lanyard.ErrBreachedPassword, "password", "x")},
		{"new-password-personal", 200, refused("/login/new-password", change, lanyard.ErrPersonalPassword, "password", "x")},
		{"new-password-same", 200, refused("/login/new-password", change, lanyard.ErrSamePassword, "password", "x")},
		{"verify-email", 200, atStep("/login/verify-email", verify)},
		{"verify-email-wrong", 200, refused("/login/verify-email", verify, lanyard.ErrWrongCode, "code", "000000")},
		{"verify-email-sent", 200, sentAgain(verify)},
		{"enrol", 200, atStep("/login/enrol", enrolling(t))},
		{"enrol-deadline", 200, atStep("/login/enrol", enrolling(t, required))},
		{"enrol-no-passkeys", 200, atStep("/login/enrol", enrolling(t, func(p *flow.Page) { p.Policy.NoPasskeys, p.MaySkip = true, true }))},
		{"enrol-wrong", 200, refused("/login/enrol", enrolling(t), lanyard.ErrWrongCode, "code", "000000")},
		{"enrol-expired", 200, refused("/login/enrol", enrolling(t), lanyard.ErrCodeExpired, "code", "000000")},
		{"enrol-passkey-refused", 200, refused("/login/enrol/passkey", enrolling(t), lanyard.ErrNoPasskey, "credential", assertion)},
		{"codes", 200, made("/login/enrol", "code", "123456")},
		{"codes-new", 200, made("/login/codes/new")},
		{"codes-unseen", 200, atStep("/login/codes", dueBy(flow.StepCodes, proved))},
	}
}

// here opens a link in the browser in which the sign-in was begun.
func here(target, purpose string, page flow.Page) func(*world, string) *httptest.ResponseRecorder {
	return func(w *world, lang string) *httptest.ResponseRecorder {
		w.flow.page = page
		w.links.link = accounts.LinkView{Purpose: purpose, Holder: string(request), Address: "ada@example.test", Code: lanyard.SecretOf("482913")}
		return w.do(w.withBinding(target + lang))
	}
}

// withBinding is a GET of the browser that began the sign-in.
func (w *world) withBinding(target string) *http.Request {
	name := "__Host-lanyard-flow-" + string(request)
	if w.site.Loopback {
		u, err := url.Parse(w.site.Issuer)
		if err != nil {
			w.t.Fatal(err)
		}
		name = "lanyard-flow-" + u.Port() + "-" + string(request)
	}
	r := httptest.NewRequest("GET", target, nil)
	r.Header.Set("Accept", "text/html")
	r.AddCookie(&http.Cookie{Name: name, Value: lanyard.NewSecret().Reveal()})
	return r
}

// elsewhere opens a link in another browser.
func elsewhere(target string) func(*world, string) *httptest.ResponseRecorder {
	return func(w *world, lang string) *httptest.ResponseRecorder {
		w.links.link = accounts.LinkView{Purpose: accounts.PurposeSignIn, Holder: string(request), Address: "ada@example.test", Code: lanyard.SecretOf("482913")}
		return w.get(target + lang)
	}
}

const (
	resetLink = "/login/reset?token=" + linkToken + "&request=" + string(request)
	codeLink  = "/login/link?token=" + linkToken
)

// resetting sends the form behind a reset link.
func resetting(err error, pairs ...string) func(*world, string) *httptest.ResponseRecorder {
	return func(w *world, lang string) *httptest.ResponseRecorder {
		w.links.err = err
		return w.post(resetLink+lang, form(append([]string{"token", linkToken, "password", "seven boats in the harbour"}, pairs...)...))
	}
}

// linkCases are the pages behind links in mails.
func linkCases() []pageCase {
	return []pageCase{
		{"reset", 200, visited(resetLink)},
		{"reset-empty", 200, resetting(nil, "password", "")},
		{"reset-short", 200, resetting(lanyard.ErrShortPassword)},
		{"reset-throttled", 429, resetting(lanyard.ErrThrottled.After(40 * time.Second))},
		{"reset-done", 200, here("/login/reset/done?request="+string(request), "", due(flow.StepForgot))},
		{"reset-done-alone", 200, visited("/login/reset/done")},
		{"reset-used", 404, visited("/login/reset?token=old")},
		{"reset-used-here", 404, here("/login/reset?token=old&request="+string(request), "", due(flow.StepForgot))},
		{"reset-raced", 404, resetting(lanyard.ErrLinkUsed)},
		{"link-here", 200, here(codeLink, accounts.PurposeSignIn, due(flow.StepEmailCode))},
		{"link-elsewhere", 200, elsewhere(codeLink)},
		{"link-used", 404, visited("/login/link?token=old")},
	}
}

// infectedSignIn are the pages of the sign-in that show the payload wherever they show a stranger's text.
func infectedSignIn(evil string, at func(flow.Step) flow.Page) map[string]func(*world, string) *httptest.ResponseRecorder {
	person := lanyard.User{Username: evil, Profile: lanyard.Profile{Name: evil, Email: evil}}
	with := func(step flow.Step) flow.Page {
		page := at(step)
		page.Person, page.Ways = &person, []lanyard.Way{lanyard.WayPasskey, lanyard.WayEmailCode, lanyard.WayForgot, lanyard.WaySignUp}
		page.Way, page.MayRemember, page.MaySkip = lanyard.WayTOTP, true, true
		page.Policy = lanyard.Policy{SignUp: lanyard.SignUpOpen, SecondFactor: lanyard.SecondFactorRequired, SecondFactorDeadline: evil, Attributes: []lanyard.Attribute{
			{Name: "a", Label: evil, Type: lanyard.AttributeString, Required: true}, {Name: "b", Type: lanyard.AttributeString, Required: true, Options: []string{evil}},
		}}
		page.TOTP.Secret = evil
		return page
	}
	out := map[string]func(*world, string) *httptest.ResponseRecorder{
		"sign-up again": func(w *world, lang string) *httptest.ResponseRecorder {
			w.live.Tenant.Policy = with(flow.StepSignUp).Policy
			return refused("/signup", with(flow.StepSignUp), nil, "email", evil, "name", evil, "password", evil, "attribute.a", evil, "attribute.b", evil)(w, lang)
		},
		"sent":            refused("/login/forgot", with(flow.StepForgot), nil, "username", evil),
		"way":             refused("/login/way", with(flow.StepPassword), lanyard.ErrNotOffered, "way", evil),
		"deleted passkey": refused("/login/passkey", with(flow.StepIdentify), lanyard.ErrDeletedPasskey, "credential", `{"id":`+strconv.Quote(evil)+`}`),
		"reset": func(w *world, lang string) *httptest.ResponseRecorder {
			return w.post("/login/reset?"+lang, form("token", linkToken, "request", evil, "password", "x", "ui_locale", evil))
		},
		"link": func(w *world, _ string) *httptest.ResponseRecorder {
			w.links.link = accounts.LinkView{Purpose: evil, Holder: evil, Address: evil, Code: lanyard.SecretOf(evil)}
			return w.get(codeLink)
		},
	}
	paths := map[flow.Step]string{
		flow.StepPasskey: "/login/passkey", flow.StepEmailCode: "/login/code", flow.StepFactor: "/login/factor", flow.StepSignUp: "/signup", flow.StepSignUpCode: "/signup/verify",
		flow.StepForgot: "/login/forgot", flow.StepNewPassword: "/login/new-password", flow.StepVerifyEmail: "/login/verify-email", flow.StepEnrol: "/login/enrol", flow.StepCodes: "/login/codes",
	}
	for step, path := range paths {
		out["at "+string(step)] = atStep(path, with(step))
	}
	return out
}
