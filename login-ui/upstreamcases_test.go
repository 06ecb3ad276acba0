package loginui_test

import (
	"net/http/httptest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/flow"
)

// upstreamAddress is where an upstream asks people to sign in.
const upstreamAddress = "https://accounts.example/authorize?client_id=lanyard&nonce=n&state=s"

func google() lanyard.Connection {
	return lanyard.Connection{ID: "google", Kind: lanyard.ConnectionGoogle, Name: "Google", Enabled: true, SignIn: true, SignUp: true, Linking: true}
}

func microsoft() lanyard.Connection {
	return lanyard.Connection{ID: "microsoft", Kind: lanyard.ConnectionMicrosoft, Name: "Microsoft", Enabled: true, SignIn: true, Linking: true}
}

func telegram() lanyard.Connection {
	return lanyard.Connection{ID: "telegram", Kind: lanyard.ConnectionTelegram, Name: "Telegram", Enabled: true, SignIn: true, Linking: true}
}

func keycloak() lanyard.Connection {
	return lanyard.Connection{ID: "con_06dfkxmqvt4y1ebz0nhh3pc2ar", Kind: lanyard.ConnectionOIDC, Name: "Keycloak", Issuer: "https://sso.example", Enabled: true, SignIn: true}
}

// company is the connection of the organization Looms.
func company() lanyard.Connection {
	c := keycloak()
	c.Name, c.OrganizationID = "Looms sign-in", "org_looms"
	return c
}

// over offers upstreams.
func over(all ...lanyard.Connection) func(*flow.Page) {
	return func(p *flow.Page) { p.Connections = all }
}

func lastUsed(id lanyard.ConnectionID) func(*flow.Page) {
	return func(p *flow.Page) { p.LastUsed = id }
}

func from(c lanyard.Connection) func(*flow.Page) {
	return func(p *flow.Page) { p.Connection = &c }
}

func refusedWith(e *lanyard.Error) func(*flow.Page) {
	return func(p *flow.Page) { p.Request.Refusal = e.Code }
}

func insisted(p *flow.Page) {
	p.Insisted, p.Organization = true, &lanyard.Joined{Organization: lanyard.Organization{ID: "org_looms", Slug: "looms", Name: "Looms"}}
}

// arrivedWith came back from an upstream without an account there.
func arrivedWith(email string, proved bool, owner lanyard.UserID) func(*flow.Page) {
	return func(p *flow.Page) {
		p.Request.Arrival = &lanyard.Arrival{
			Identity: lanyard.Identity{ConnectionID: "google", Issuer: "https://accounts.google.com", Subject: "1234567890"},
			Email:    email, EmailVerified: proved, Profile: lanyard.Profile{Name: "Ada Byron"}, User: owner, At: now,
		}
	}
}

// leading shows the page that leads to an upstream, or that it can not be reached.
func leading(err error, changes ...func(*flow.Page)) func(*world, string) *httptest.ResponseRecorder {
	return func(w *world, lang string) *httptest.ResponseRecorder {
		w.flow.upstream, w.flow.upstreamErr = upstreamAddress, err
		return atStep("/login/connection", dueBy(flow.StepConnection, changes...))(w, lang)
	}
}

var everyProvider = over(google(), microsoft(), keycloak(), telegram())

// federationCases are the pages of signing in over other providers (L1, L3, L11, L16, L17, L18).
func federationCases() []pageCase {
	identify, link := dueBy(flow.StepIdentify, everyProvider, ways(lanyard.WayPasskey, lanyard.WaySignUp)), dueBy(flow.StepLink, proved, from(google()), arrivedWith("ada@example.test", true, "usr_1"))
	again := withReproof(dueBy(flow.StepPassword, over(google(), microsoft()), lastUsed("google")))
	another, personal := google(), microsoft()
	another.ID, another.Name = "workspace", "Acme Workspace"
	personal.Issuer = "https://login.microsoftonline.com/consumers/v2.0"
	tried := func(p *flow.Page) {
		p.Request.Params.Link, p.Request.Params.Local = "google", "/account/linked?connection=google"
	}
	back := func(e *lanyard.Error, more ...func(*flow.Page)) flow.Page {
		return dueBy(flow.StepIdentify, append(more, over(google()), refusedWith(e))...)
	}
	known := []func(*flow.Page){from(google()), arrivedWith("ada@example.test", true, "usr_1"), ways(lanyard.WayPasskey)}
	return []pageCase{
		{"identifier-providers", 200, atStep("/login", identify)},
		{"identifier-provider-last", 200, atStep("/login", dueBy(flow.StepIdentify, everyProvider, lastUsed("microsoft")))},
		{"identifier-providers-alike", 200, atStep("/login", dueBy(flow.StepIdentify, over(google(), another, personal, company())))},
		{"identifier-refused", 200, atStep("/login", back(lanyard.ErrUpstreamRefused))},
		{"identifier-no-account", 200, atStep("/login", back(lanyard.ErrNoAccount, from(google())))},
		{"identifier-provider-down", 200, atStep("/login", back(lanyard.ErrUpstreamDown))},
		{"identifier-provider-stale", 200, atStep("/login", back(lanyard.ErrStaleUpstream))},
		{"password-providers", 200, atStep("/login/password", again)},
		{"password-link", 200, atStep("/login/password", dueBy(flow.StepPassword, known...))},
		{"passkey-link", 200, atStep("/login/passkey", dueBy(flow.StepPasskey, known...))},
		{"email-code-link", 200, atStep("/login/code", dueBy(flow.StepEmailCode, known...))},
		{"chooser-refused", 200, atStep("/login/choose", dueBy(flow.StepChoose, refusedWith(lanyard.ErrUpstreamWrong)))},
		{"signup-providers", 200, atStep("/signup", dueBy(flow.StepSignUp, open, over(google(), telegram())))},
		{"signup-arrival", 200, atStep("/signup", dueBy(flow.StepSignUp, open, from(microsoft()), arrivedWith("ada@work.example", false, "")))},
		{"signup-arrival-none", 200, atStep("/signup", dueBy(flow.StepSignUp, open, from(telegram()), arrivedWith("", false, "")))},
		{"signup-arrival-proved", 200, atStep("/signup", dueBy(flow.StepSignUp, open, from(google()), arrivedWith("ada@example.test", true, "")))},
		{"signup-arrival-refused", 200, refusedSignUp(arrivedWith("ada@work.example", false, ""))},
		{"connection", 200, leading(nil, from(google()))},
		{"connection-insisted", 200, leading(nil, from(company()), insisted)},
		{"connection-link", 200, leading(nil, from(google()), tried)},
		{"connection-down", 503, leading(lanyard.ErrUpstreamDown, from(google()))},
		{"connection-wrong", 503, leading(lanyard.ErrUpstreamWrong, from(telegram()))},
		{"connection-company-down", 503, leading(lanyard.ErrUpstreamDown, from(company()), insisted)},
		{"connection-company-refused", 200, leading(nil, from(company()), insisted, refusedWith(lanyard.ErrUpstreamRefused))},
		{"connection-company-no-account", 200, leading(nil, from(company()), refusedWith(lanyard.ErrNoAccount))},
		{"connection-link-down", 503, leading(lanyard.ErrUpstreamDown, from(google()), tried)},
		{"connection-gone", 403, leading(lanyard.ErrNotOffered, from(google()))},
		{"link-identity", 200, atStep("/login/link-account", link)},
		{"link-identity-taken", 200, refused("/login/link-account", link, lanyard.ErrIdentityTaken, "link", "yes")},
		{"tested", 200, rendered(tested)},
		{"tested-little", 200, rendered(testedLittle)},
	}
}

// refusedSignUp sends the form of a new account over an upstream with a wrong address.
func refusedSignUp(changes ...func(*flow.Page)) func(*world, string) *httptest.ResponseRecorder {
	return func(w *world, lang string) *httptest.ResponseRecorder {
		page := dueBy(flow.StepSignUp, append(changes, from(microsoft()))...)
		page.Policy.SignUp = lanyard.SignUpOpen
		w.live.Tenant.Policy = page.Policy
		return refused("/signup", page, nil, "email", "nobody", "name", "Ada")(w, lang)
	}
}

func tested(w *world) web.Handler {
	return func(c *gin.Context) error {
		conn := google()
		return w.pages.UpstreamTested(c, &conn, lanyard.Assertion{
			Identity: lanyard.Identity{ConnectionID: "google", Issuer: "https://accounts.google.com", Subject: "10769150350006150715113082367"},
			Email:    "ada@example.test", EmailVerified: true, HostedDomain: "example.test", Profile: lanyard.Profile{Name: "Ada Lovelace"}, ACR: lanyard.ACRSingle,
			Claims: []byte(`{"iss":"https://accounts.google.com","sub":"10769150350006150715113082367","email":"ada@example.test","email_verified":true,"hd":"example.test","name":"<b>Ada</b>"}`),
		}, "/org/looms/connections?connection=google")
	}
}

func testedLittle(w *world) web.Handler {
	return func(c *gin.Context) error {
		conn := telegram()
		conn.Name = ""
		return w.pages.UpstreamTested(c, &conn, lanyard.Assertion{
			Identity: lanyard.Identity{ConnectionID: "telegram", Issuer: "https://oauth.telegram.org", Subject: "5552368000"}, ACR: lanyard.ACRSingle,
		}, "")
	}
}

// linkable are upstreams at which accounts can be linked, and one at which they can not.
func linkable(w *world) {
	off := telegram()
	off.Enabled = false
	w.live.Connections = []lanyard.Connection{google(), microsoft(), keycloak(), off}
}

func withLinked(w *world) {
	linkable(w)
	w.people.linked = []lanyard.LinkedIdentity{
		{Identity: lanyard.Identity{ConnectionID: "google", Issuer: "https://accounts.google.com", Subject: "1"}, Label: "ada@example.test", CreatedAt: now.AddDate(-1, 0, 0), UsedAt: now.Add(-2 * time.Hour)},
		{Identity: lanyard.Identity{ConnectionID: keycloak().ID, Issuer: "https://sso.example", Subject: "ada"}, CreatedAt: now.Add(-time.Minute)},
		{Identity: lanyard.Identity{ConnectionID: "con_of_looms", Issuer: "https://looms.example", Subject: "7"}, Label: "Ada at Looms", CreatedAt: now.AddDate(0, -1, 0), UsedAt: now},
	}
}

// unlinking is the form that unlinks the first one.
func unlinking() []string {
	return []string{"connection", "google", "issuer", "https://accounts.google.com", "subject", "1"}
}

// linkedCases are the page of linked accounts (A6).
func linkedCases() []pageCase {
	return []pageCase{
		{"account-linked", 200, at("/account/linked", withLinked)},
		{"account-linked-none", 200, at("/account/linked", linkable)},
		{"account-linked-only", 200, at("/account/linked", func(w *world) { withLinked(w); w.live.Connections = nil })},
		{"account-linked-done", 200, at("/account/linked?connection=google&linked=1&", withLinked)},
		{"account-linked-unlinked", 200, at("/account/linked?done=unlinked&", linkable)},
		{"account-linked-refused", 200, at("/account/linked?connection=google&refused=upstream_refused&", withLinked)},
		{"account-linked-taken", 200, at("/account/linked?connection=google&refused=identity_taken&", withLinked)},
		{"account-linked-last", 409, sent("/account/linked/unlink", values(unlinking()...), withLinked, failing(lanyard.ErrLastWayIn))},
		{"account-linked-confined", 200, sent("/account/linked/link", values("connection", "google"), withLinked, failing(lanyard.ErrConfined))},
		{"account-linked-not-offered", 200, sent("/account/linked/link", values("connection", "google"), withLinked, failing(lanyard.ErrNotOffered))},
	}
}

// stays lets a page that leads away be looked at.
func stays(rec *httptest.ResponseRecorder) *httptest.ResponseRecorder {
	rec.Header().Del("Refresh")
	return rec
}
