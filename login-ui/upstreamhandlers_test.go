package loginui_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/flow"
)

// A redirect would follow the form of the page before, whose form-action knows no upstream.
func TestUpstreamIsLedToFromAPage(t *testing.T) {
	w := newWorld(t, https)
	rec := leading(nil, from(google()))(w, "")
	if rec.Code != http.StatusOK || rec.Header().Get("Location") != "" || rec.Header().Get("Refresh") != "0; url="+upstreamAddress {
		t.Errorf("%d %q %q", rec.Code, rec.Header().Get("Location"), rec.Header().Get("Refresh"))
	}
	if diff := cmp.Diff([]any{"upstream", request}, w.flow.called); diff != "" {
		t.Error(diff)
	}
	links := map[string]string{}
	for _, a := range parse(t, rec.Body.String()).elements("a") {
		links[attr(a, "id")] = attr(a, "href")
	}
	if links["upstream-continue"] != upstreamAddress {
		t.Errorf("the link leads to %q", links["upstream-continue"])
	}
	if csp := rec.Header().Get("Content-Security-Policy"); strings.Contains(csp, "accounts.example") {
		t.Errorf("CSP %s", csp)
	}
}

func TestAddressOfAnUpstreamIsALink(t *testing.T) {
	for _, address := range []string{"", "/login", "javascript:alert(1)", "http://accounts.example/a", "https://a:b@accounts.example/", "data:text/html,x"} {
		w := newWorld(t, https)
		w.flow.page, w.flow.upstream = dueBy(flow.StepConnection, from(google())), address
		if rec := w.get(rawQuery("/login/connection")); rec.Code != http.StatusInternalServerError || rec.Header().Get("Refresh") != "" {
			t.Errorf("%q: %d %q", address, rec.Code, rec.Header().Get("Refresh"))
		}
	}
}

func TestUpstreamThatIsDownIsAnOutageWithAWayOut(t *testing.T) {
	for name, c := range map[string]struct {
		err     error
		changes []func(*flow.Page)
		want    []string
		never   []string
	}{
		"down": {
			lanyard.ErrUpstreamDown, []func(*flow.Page){from(google())},
			[]string{"Google doesn&#39;t answer at the moment.", `id="upstream-again"`, `id="way-usual"`}, []string{"administrator", `id="way-owner"`, "upstream-continue"},
		},
		"wrong": {
			fmt.Errorf("discover: %w", lanyard.ErrUpstreamWrong), []func(*flow.Page){from(google())},
			[]string{"Google sent an answer that can&#39;t be used.", `id="upstream-again"`, `id="way-usual"`}, []string{"discover"},
		},
		"an organization's": {
			lanyard.ErrUpstreamDown, []func(*flow.Page){from(company())},
			[]string{"Your organization looks after this sign-in.", `id="way-usual"`}, []string{`id="way-owner"`},
		},
		"insisted on": {
			lanyard.ErrUpstreamDown, []func(*flow.Page){from(company()), insisted},
			[]string{"ask an administrator of Looms", `id="way-owner"`}, []string{`id="way-usual"`},
		},
		"nobody knows which": {lanyard.ErrUpstreamDown, nil, []string{"The other provider doesn&#39;t answer", `id="upstream-again"`}, nil},
	} {
		w := newWorld(t, https)
		rec := leading(c.err, c.changes...)(w, "")
		if rec.Code != http.StatusServiceUnavailable || rec.Header().Get("Retry-After") != "15" || rec.Header().Get("Refresh") != "" {
			t.Errorf("%s: %d, Retry-After %q, Refresh %q", name, rec.Code, rec.Header().Get("Retry-After"), rec.Header().Get("Refresh"))
		}
		for _, text := range c.want {
			if !strings.Contains(rec.Body.String(), text) {
				t.Errorf("%s: without %s", name, text)
			}
		}
		for _, text := range c.never {
			if strings.Contains(rec.Body.String(), text) {
				t.Errorf("%s: with %s", name, text)
			}
		}
	}
}

func TestFaultsOnTheWayToAnUpstreamAreTheirOwn(t *testing.T) {
	for err, want := range map[error]int{
		lanyard.ErrStaleFlow: 400, lanyard.ErrForeignFlow: 400, lanyard.ErrUnavailable: 503, lanyard.ErrThrottled: 429, errors.New("disk on fire"): 500,
	} {
		rec := leading(err, from(google()))(newWorld(t, https), "")
		if rec.Code != want || rec.Header().Get("Refresh") != "" || strings.Contains(rec.Body.String(), "Google") {
			t.Errorf("%v: %d", err, rec.Code)
		}
	}
}

// What is not offered any more leads on, and never in a circle.
func TestUpstreamThatIsNotOfferedLeadsOn(t *testing.T) {
	for next, want := range map[flow.Step]string{flow.StepIdentify: "/login", flow.StepDone: "/oauth/resume"} {
		w := newWorld(t, https)
		w.flow.upstreamErr = lanyard.ErrNotOffered
		w.flow.page = dueBy(flow.StepConnection, from(google()))
		w.flow.then = []flow.Page{due(next)}
		rec := w.get(rawQuery("/login/connection"))
		if rec.Code != http.StatusFound || rec.Header().Get("Location") != "/t/acme"+rawQuery(want) {
			t.Errorf("%s: %d %s", next, rec.Code, rec.Header().Get("Location"))
		}
	}
	rec := leading(lanyard.ErrNotOffered, from(google()))(newWorld(t, https), "")
	if rec.Code != http.StatusForbidden || rec.Header().Get("Location") != "" || !strings.Contains(rec.Body.String(), "offered here") {
		t.Errorf("%d %s", rec.Code, rec.Header().Get("Location"))
	}
}

// An upstream that is insisted on and refuses at once would otherwise be gone to for ever.
func TestRefusalAtTheOnlyUpstreamWaitsForAClick(t *testing.T) {
	w := newWorld(t, https)
	rec := leading(nil, from(company()), insisted, refusedWith(lanyard.ErrNoAccount))(w, "")
	if rec.Code != http.StatusOK || rec.Header().Get("Refresh") != "" || w.flow.called != nil {
		t.Errorf("%d %q, called %v", rec.Code, rec.Header().Get("Refresh"), w.flow.called)
	}
	var again string
	for _, a := range parse(t, rec.Body.String()).elements("a") {
		if attr(a, "id") == "upstream-again" {
			again = attr(a, "href")
		}
	}
	rec = w.get(strings.TrimPrefix(again, "/t/acme"))
	if rec.Code != http.StatusOK || rec.Header().Get("Refresh") != "0; url="+upstreamAddress || strings.Contains(rec.Body.String(), "role=\"alert\"") {
		t.Errorf("%s: %d %q", again, rec.Code, rec.Header().Get("Refresh"))
	}
	w.flow.page, w.flow.err, w.flow.called = dueBy(flow.StepConnection, from(google())), lanyard.ErrThrottled.After(time.Minute), nil
	rec = w.post("/login/way", form("way", ""))
	if rec.Code != http.StatusTooManyRequests || rec.Header().Get("Refresh") != "" || w.flow.called[0] != "way" {
		t.Errorf("a form that was throttled: %d %q, called %v", rec.Code, rec.Header().Get("Refresh"), w.flow.called)
	}
}

// Every code that a way over an upstream may end with has words, also one that nobody knows.
func TestRefusalsAreSaidWhereTheSignInGoesOn(t *testing.T) {
	fresh := worlds(t)
	for code, want := range map[string]string{
		"upstream_refused": "No account was used. Try again or choose another way.", "upstream_down": "The other provider doesn&#39;t answer",
		"upstream_wrong": "The other provider sent an answer", "upstream_stale": "ask you to sign in again", "no_account": "There is no account for this sign-in.",
		"sign_up_closed": "new accounts aren&#39;t made here", "identity_taken": "is linked to another account already", "account_disabled": "turned off",
		"has_account": "There is an account with this address", "no_seat": "no seat left", "other_address": "another e-mail address",
		"already_member": "a member already", "confined_session": "one organization only", "not_offered": "offered here", "too_many_attempts": "Too many attempts",
		"moon_landed": "The sign-in didn&#39;t work.", "<b>": "The sign-in didn&#39;t work.",
	} {
		for _, lang := range []string{"en", "de"} {
			for step, path := range map[flow.Step]string{
				flow.StepIdentify: "/login", flow.StepPassword: "/login/password", flow.StepPasskey: "/login/passkey", flow.StepEmailCode: "/login/code",
				flow.StepSignUp: "/signup", flow.StepForgot: "/login/forgot", flow.StepChoose: "/login/choose", flow.StepLink: "/login/link-account",
				flow.StepInvitation: "/login/invitation", flow.StepOrganization: "/login/organization", flow.StepNotMember: "/login/not-member",
			} {
				page := dueBy(step, proved, open)
				page.Request.Refusal = code
				rec := atStep(path, page)(fresh(https), "&lang="+lang)
				body := rec.Body.String()
				neutral := strings.Contains(body, `<p class="notice" role="status">`) && !strings.Contains(body, `role="alert"`)
				red := strings.Contains(body, `role="alert"`) && !strings.Contains(body, `<p class="notice"`)
				if rec.Code != http.StatusOK || neutral != (code == "upstream_refused") || red == neutral {
					t.Errorf("%s at %s in %s: %d, neutral %v, red %v", code, step, lang, rec.Code, neutral, red)
				}
				if lang == "en" && !strings.Contains(body, want) {
					t.Errorf("%s at %s: without %q", code, step, want)
				}
			}
		}
	}
	page := dueConsent()
	page.Request.Refusal = "no_account"
	if rec := atStep("/login/consent", page)(fresh(https), ""); strings.Contains(rec.Body.String(), "Error:") {
		t.Error("the consent page still talks of a way that was left behind")
	}
	body := refused("/login", func() flow.Page { p := due(flow.StepIdentify); p.Request.Refusal = "no_account"; return p }(), nil, "username", "")(fresh(https), "").Body.String()
	if strings.Contains(body, "There is no account") || !strings.Contains(body, "Enter your e-mail or username.") {
		t.Error("what was wrong before stands in for what is wrong now")
	}
}

func TestProvidersAreInOrderWithTheLastOneFirst(t *testing.T) {
	for last, want := range map[lanyard.ConnectionID][]string{
		"":          {"google", "microsoft", string(keycloak().ID), "telegram"},
		"telegram":  {"telegram", "google", "microsoft", string(keycloak().ID)},
		"elsewhere": {"google", "microsoft", string(keycloak().ID), "telegram"},
	} {
		rec := atStep("/login", dueBy(flow.StepIdentify, everyProvider, lastUsed(last)))(newWorld(t, https), "")
		var got []string
		for _, b := range parse(t, rec.Body.String()).elements("button") {
			if id, found := strings.CutPrefix(attr(b, "id"), "provider-"); found {
				got = append(got, id)
				if attr(b, "value") != "connection:"+id || attr(b, "name") != "way" {
					t.Errorf("the button of %s sends %s=%s", id, attr(b, "name"), attr(b, "value"))
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("after %q: %s", last, diff)
		}
		if n := strings.Count(rec.Body.String(), "Last used"); n != map[bool]int{true: 1}[last == "telegram"] {
			t.Errorf("after %q: %d badges", last, n)
		}
	}
}

func TestMicrosoftSaysForWhichAccounts(t *testing.T) {
	for issuer, want := range map[string]bool{
		"": true, "https://login.microsoftonline.com/organizations/v2.0": true, "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0": true,
		"https://login.microsoftonline.com/consumers/v2.0": false, "https://login.microsoftonline.com/" + lanyard.MicrosoftConsumers + "/v2.0": false,
	} {
		c := microsoft()
		c.Issuer = issuer
		body := atStep("/login", dueBy(flow.StepIdentify, over(c)))(newWorld(t, https), "").Body.String()
		if strings.Contains(body, "Work or school account") != want || !strings.Contains(body, "Sign in with Microsoft") {
			t.Errorf("%q: not %v", issuer, want)
		}
	}
}

// Ways over upstreams have buttons of their own, and no other.
func TestWaysOverUpstreamsAreShownOnce(t *testing.T) {
	page := dueBy(flow.StepIdentify, over(google()), ways(lanyard.WayOver("google"), lanyard.WaySignUp))
	rec := atStep("/login", page)(newWorld(t, https), "")
	if n := strings.Count(rec.Body.String(), "connection:google"); rec.Code != http.StatusOK || n != 1 {
		t.Errorf("%d, %d buttons", rec.Code, n)
	}
	w := newWorld(t, https)
	w.flow.page = page
	if rec := w.post("/login/way", form("way", "connection:"+strings.Repeat("x", 128))); w.flow.called != nil || !strings.Contains(rec.Body.String(), "offered here") {
		t.Errorf("a long way: %d, called %v", rec.Code, w.flow.called)
	}
}

// The account is named only to whoever proved its address elsewhere.
func TestArrivalIsToldOfTheAccountThatItMayBeLinkedTo(t *testing.T) {
	for step, path := range map[flow.Step]string{flow.StepPassword: "/login/password", flow.StepPasskey: "/login/passkey", flow.StepEmailCode: "/login/code"} {
		known := atStep(path, dueBy(step, from(google()), arrivedWith("ada@example.test", true, "usr_1")))(newWorld(t, https), "").Body.String()
		if !strings.Contains(known, "You already have an account with ada@example.test. Sign in to link Google to it.") || !strings.Contains(known, `id="arriving-leave"`) {
			t.Errorf("%s: %s", step, known)
		}
		for name, changes := range map[string][]func(*flow.Page){
			"nobody arrived": nil, "no account": {from(google()), arrivedWith("ada@example.test", true, "")},
		} {
			if body := atStep(path, dueBy(step, changes...))(newWorld(t, https), "").Body.String(); strings.Contains(body, "arriving") {
				t.Errorf("%s, %s: %s", step, name, body)
			}
		}
	}
}

func TestAccountOverAnUpstreamNeedsNoPassword(t *testing.T) {
	w := openWorld(t)
	values := form(newcomer()...)
	values.Del("password")
	w.post("/signup", values)
	if len(w.flow.called) < 6 || w.flow.called[0] != "sign up" || w.flow.called[5] != "" {
		t.Errorf("called %v", w.flow.called)
	}
	w = openWorld(t)
	w.flow.page = dueBy(flow.StepSignUp, open)
	values.Set("password", "")
	if rec := w.post("/signup", values); w.flow.called != nil || !strings.Contains(rec.Body.String(), "Enter a password.") {
		t.Errorf("an empty password: %d, called %v", rec.Code, w.flow.called)
	}
	for email, want := range map[string]string{"ada@work.example": "Microsoft didn&#39;t confirm this address.", "": "Microsoft didn&#39;t tell us an address."} {
		page := dueBy(flow.StepSignUp, open, from(microsoft()), arrivedWith(email, false, ""))
		body := atStep("/signup", page)(newWorld(t, https), "").Body.String()
		if !strings.Contains(body, want) || strings.Contains(body, `type="password"`) || !strings.Contains(body, `value="`+email+`"`) || !strings.Contains(body, `value="Ada Byron"`) {
			t.Errorf("%q: %s", email, body)
		}
	}
}

func TestLinkingLeadsToTheUpstreamAndBack(t *testing.T) {
	w := newWorld(t, https)
	linkable(w)
	w.people.accounts[0].User.Subject = "sub-ada"
	rec := w.post("/account/linked/link", values("connection", "google"))
	if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/t/acme"+rawQuery("/login/connection") {
		t.Errorf("%d %s", rec.Code, rec.Header().Get("Location"))
	}
	if diff := cmp.Diff([]any{"/account/linked?connection=google", "sub-ada", lanyard.ConnectionID("google")}, w.people.led); diff != "" {
		t.Error(diff)
	}
	if cookie := rec.Header().Get("Set-Cookie"); !strings.HasPrefix(cookie, "__Host-lanyard-flow-"+string(request)+"=") {
		t.Errorf("sets %q", cookie)
	}
}

// What an address says of a link is said only if it is so.
func TestLinkedPageSaysOnlyWhatIsTrue(t *testing.T) {
	for target, want := range map[string]string{
		"connection=google&linked=1":              "Google is linked to your account.",
		"connection=microsoft&linked=1":           "",
		"connection=nobody&linked=1":              "",
		"connection=nobody&refused=no_account":    "",
		"connection=google&refused=<script>":      "The sign-in with Google didn&#39;t work.",
		"connection=google&refused=upstream_down": "Google doesn&#39;t answer at the moment.",
		"connection=google":                       "",
	} {
		w := newWorld(t, https)
		withLinked(w)
		body := w.get("/account/linked?" + strings.ReplaceAll(strings.ReplaceAll(target, "<", "%3C"), ">", "%3E")).Body.String()
		says := strings.Contains(body, `class="notice"`) || strings.Contains(body, `role="alert"`)
		if says != (want != "") || !strings.Contains(body, want) || strings.Contains(body, "<script>") {
			t.Errorf("%s: not %q", target, want)
		}
	}
}

func TestLinkedAccountsAreInTheMenuWhereThereAreAny(t *testing.T) {
	for name, c := range map[string]struct {
		state func(*world)
		want  bool
	}{
		"nothing at all": {func(*world) {}, false}, "upstreams": {linkable, true},
		"an organization's": {func(w *world) { withLinked(w); w.live.Connections = nil }, true},
	} {
		w := newWorld(t, https)
		c.state(w)
		if body := w.get("/account").Body.String(); strings.Contains(body, "/account/linked") != c.want {
			t.Errorf("%s: not %v", name, c.want)
		}
	}
}

// One that is unlinked already is as good as unlinked now.
func TestUnlinkingTwiceIsNoFault(t *testing.T) {
	w := newWorld(t, https)
	w.people.err = fmt.Errorf("unlink: %w", lanyard.ErrNotFound)
	if rec := w.post("/account/linked/unlink", values(unlinking()...)); rec.Header().Get("Location") != "/t/acme/account/linked?done=unlinked" {
		t.Errorf("%d %s", rec.Code, rec.Header().Get("Location"))
	}
}

// infectedFederation are the pages of other providers with the payload wherever they show a stranger's text.
func infectedFederation(evil string, at func(flow.Step) flow.Page) map[string]func(*world, string) *httptest.ResponseRecorder {
	with := func(step flow.Step, refusal string) flow.Page {
		page := at(step)
		evilOne, known := keycloak(), google()
		evilOne.ID, evilOne.Name, evilOne.Issuer, evilOne.OrganizationID = lanyard.ConnectionID(evil), evil, evil, "org_1"
		known.Name, known.OrganizationID = evil, "org_1"
		page.Connections, page.Connection, page.LastUsed, page.Request.Refusal = []lanyard.Connection{evilOne, known}, &evilOne, evilOne.ID, refusal
		page.Request.Params.Link, page.Request.Params.Local = lanyard.ConnectionID(evil), evil
		page.Organization = &lanyard.Joined{Organization: lanyard.Organization{ID: "org_1", Name: evil}}
		page.Policy.SignUp = lanyard.SignUpOpen
		page.Request.Arrival = &lanyard.Arrival{
			Identity: lanyard.Identity{Issuer: evil, Subject: evil}, Email: evil, Profile: lanyard.Profile{Name: evil, PreferredUsername: evil}, User: "usr_1",
		}
		return page
	}
	out := map[string]func(*world, string) *httptest.ResponseRecorder{
		"connection failed": atStep("/login/connection", with(flow.StepConnection, evil)),
		"connection": func(w *world, lang string) *httptest.ResponseRecorder {
			w.flow.upstream = "https://accounts.example/?x=" + evil
			return atStep("/login/connection", with(flow.StepConnection, ""))(w, lang)
		},
		"linked": func(w *world, _ string) *httptest.ResponseRecorder {
			c := keycloak()
			c.ID, c.Name, c.Linking = lanyard.ConnectionID(evil), evil, true
			w.live.Connections = []lanyard.Connection{c}
			w.people.linked = []lanyard.LinkedIdentity{{Identity: lanyard.Identity{ConnectionID: c.ID, Issuer: evil, Subject: evil}, Label: evil}}
			return w.get("/account/linked")
		},
		"tested": rendered(func(w *world) web.Handler {
			return func(c *gin.Context) error {
				conn := keycloak()
				conn.Name = evil
				return w.pages.UpstreamTested(c, &conn, lanyard.Assertion{
					Identity: lanyard.Identity{Issuer: evil, Subject: evil}, Email: evil, Profile: lanyard.Profile{Name: evil}, ACR: evil, UpstreamACR: evil,
					HostedDomain: evil, MicrosoftTenant: evil, Claims: []byte(evil),
				}, evil)
			}
		}),
	}
	for step, path := range map[flow.Step]string{
		flow.StepIdentify: "/login", flow.StepPassword: "/login/password", flow.StepSignUp: "/signup", flow.StepLink: "/login/link-account", flow.StepPasskey: "/login/passkey",
	} {
		out["providers at "+string(step)] = atStep(path, with(step, evil))
	}
	return out
}
