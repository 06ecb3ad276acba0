package loginui_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/clock"
	"github.com/lanyard-id/lanyard/internal/web"
	loginui "github.com/lanyard-id/lanyard/login-ui"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants"
)

var now = time.Date(2031, 1, 2, 3, 4, 5, 0, time.UTC)

const request = lanyard.AuthRequestID("req_06dfkxmqvt4y1ebz0nhh3pc2ar")

var (
	https = web.Site{Tenant: "ten_1", Slug: "acme", Issuer: "https://id.example/t/acme", Prefix: "/t/acme"}
	local = web.Site{Tenant: "ten_1", Slug: "default", Issuer: "http://localhost:8080", Loopback: true, Dev: true}
)

// fakeFlow shows one page and answers every form alike: it is for rendering only.
type fakeFlow struct {
	page    flow.Page
	pageErr error
	// then are the pages after the first look.
	then  []flow.Page
	moved flow.Moved
	err   error
	// upstream is where StepConnection leads, upstreamErr why it leads nowhere.
	upstream    string
	upstreamErr error
	// called is the last deed with what it was given.
	called  []any
	visitor flow.Visitor
}

func (f *fakeFlow) note(v flow.Visitor, call ...any) (flow.Moved, error) {
	f.called, f.visitor = call, v
	if f.err != nil {
		return flow.Moved{}, f.err
	}
	return f.moved, nil
}

func (f *fakeFlow) Page(_ context.Context, _ *tenants.Live, _ lanyard.AuthRequestID, v flow.Visitor) (flow.Page, error) {
	f.visitor = v
	page := f.page
	if len(f.then) > 0 {
		f.page, f.then = f.then[0], f.then[1:]
	}
	return page, f.pageErr
}

func (f *fakeFlow) Identify(_ context.Context, _ *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token, username string) (flow.Moved, error) {
	return f.note(v, "identify", id, token, username)
}

func (f *fakeFlow) Password(_ context.Context, _ *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string, password lanyard.Secret, keep bool) (flow.Moved, error) {
	return f.note(v, "password", id, token, password.Reveal(), keep)
}

func (f *fakeFlow) Choose(_ context.Context, _ *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string, session lanyard.SessionID) (flow.Moved, error) {
	return f.note(v, "choose", id, token, session)
}

func (f *fakeFlow) Consent(_ context.Context, _ *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string, allow bool) (flow.Moved, error) {
	return f.note(v, "consent", id, token, allow)
}

func (f *fakeFlow) Back(_ context.Context, _ *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string) (flow.Moved, error) {
	return f.note(v, "back", id, token)
}

func (f *fakeFlow) Upstream(_ context.Context, _ *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor) (string, error) {
	f.called, f.visitor = []any{"upstream", id}, v
	return f.upstream, f.upstreamErr
}

func (f *fakeFlow) Link(_ context.Context, _ *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string, link bool) (flow.Moved, error) {
	return f.note(v, "link", id, token, link)
}

// fakeSetup knows one token.
type fakeSetup struct {
	err    error
	person lanyard.Profile
	first  tenants.FirstAdministrator
}

func (f *fakeSetup) CheckSetup(_ context.Context, _ *tenants.Live, token lanyard.Secret) error {
	if token.Reveal() != "setup-token" {
		return lanyard.ErrNotFound
	}
	return nil
}

func (f *fakeSetup) SetupPasskey(ctx context.Context, live *tenants.Live, token lanyard.Secret, person lanyard.Profile) ([]byte, error) {
	f.person = person
	return []byte(`{"challenge":"setup"}`), errors.Join(f.CheckSetup(ctx, live, token), f.err)
}

func (f *fakeSetup) FinishSetup(ctx context.Context, live *tenants.Live, token lanyard.Secret, first tenants.FirstAdministrator) error {
	f.person, f.first = first.Profile, first
	return errors.Join(f.CheckSetup(ctx, live, token), f.err)
}

type fakeDevelopment struct {
	overview loginui.Overview
	mails    []loginui.Mail
	searched loginui.MailSearch
}

func (f *fakeDevelopment) Overview(context.Context, *tenants.Live) (loginui.Overview, error) {
	return f.overview, nil
}

func (f *fakeDevelopment) Outbox(_ context.Context, _ *tenants.Live, s loginui.MailSearch) ([]loginui.Mail, error) {
	f.searched = s
	return f.mails, nil
}

// world is the pages behind a real engine with stand-ins for the deeds.
type world struct {
	t       *testing.T
	site    web.Site
	live    *tenants.Live
	flow    *fakeFlow
	links   *fakeRecovery
	setup   *fakeSetup
	dev     *fakeDevelopment
	people  *fakePeople
	orgs    *fakeOrgs
	devices *fakeDevices
	pages   *loginui.Pages
	handler http.Handler
	// rendered is what GET /render shows, for the pages that endpoints render.
	rendered web.Handler
}

func newWorld(t *testing.T, site web.Site) *world {
	t.Helper()
	w := &world{
		t: t, site: site, flow: &fakeFlow{}, links: &fakeRecovery{}, setup: &fakeSetup{}, dev: &fakeDevelopment{}, people: newPeople(), orgs: newOrgs(), devices: &fakeDevices{},
	}
	w.again()
	pages, err := loginui.New(loginui.Config{
		Flow: w.flow, Recovery: w.links, Accounts: w.people, SignIn: w.people, Setup: w.setup, Development: w.dev, Clock: clock.NewManual(now),
		Organizations: w.orgs, Entrance: fakeEntrance{w.flow, w.people}, DeviceAuthorizations: w.devices,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.pages = pages
	render := web.Route{
		Path: "/render", Kind: web.Page, Access: web.Anyone, CSRF: web.CSRFExempt("a test"), CORS: web.CORSNone,
		Handler: func(c *gin.Context) error { return w.rendered(c) },
	}
	get, post := render, render
	get.Method, post.Method = "GET", "POST"
	h, err := web.NewEngine(append(pages.Routes(), get, post), web.Options{
		Clock: clock.NewManual(now), Log: slog.New(slog.DiscardHandler), RenderError: pages.RenderError,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.handler = h
	return w
}

// again makes everything as it was in the beginning; the pages, which keep nothing, stay.
func (w *world) again() *world {
	w.live = &tenants.Live{Tenant: lanyard.Tenant{ID: "ten_1", Slug: w.site.Slug, Name: "Acme"}, Issuer: w.site.Issuer}
	*w.flow, *w.links, *w.setup, *w.dev, *w.people, *w.orgs = fakeFlow{}, fakeRecovery{}, fakeSetup{}, fakeDevelopment{}, *newPeople(), *newOrgs()
	*w.devices, w.rendered = fakeDevices{}, nil
	return w
}

// worlds makes worlds of sites, each once.
func worlds(t *testing.T) func(web.Site) *world {
	t.Helper()
	made := map[web.Site]*world{}
	return func(s web.Site) *world {
		if made[s] == nil {
			made[s] = newWorld(t, s)
		}
		return made[s].again()
	}
}

// do sends a request as the resolver would pass it on.
func (w *world) do(r *http.Request) *httptest.ResponseRecorder {
	ctx := web.WithRequestID(web.WithSite(r.Context(), w.site), "7F3K-29QD")
	if w.live != nil {
		ctx = tenants.WithLive(ctx, w.live)
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r.WithContext(ctx))
	return rec
}

func (w *world) get(target string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", target, nil)
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Cookie", "some=cookie")
	return w.do(r)
}

func (w *world) post(target string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", target, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Cookie", "some=cookie")
	return w.do(r)
}

// render shows a page that an endpoint renders.
func (w *world) render(h web.Handler) *httptest.ResponseRecorder {
	w.rendered = h
	return w.get("/render")
}

// form is what a page's form posts, with its fields.
func form(pairs ...string) url.Values {
	out := url.Values{"request": {string(request)}, "token": {"step-token"}}
	for i := 0; i+1 < len(pairs); i += 2 {
		out.Set(pairs[i], pairs[i+1])
	}
	return out
}

func webApp() *lanyard.Client {
	return &lanyard.Client{
		ID: "web", Name: "Web app", URI: "https://app.example/", Policy: "https://app.example/privacy", Terms: "https://app.example/terms",
		RedirectURIs: []string{"https://app.example/cb"},
	}
}

func ada() lanyard.Account {
	return lanyard.Account{
		Session: lanyard.Session{ID: "ses_1", ExpiresAt: now.Add(time.Hour)},
		User:    lanyard.User{ID: "usr_1", Profile: lanyard.Profile{Name: "Ada Lovelace", Email: "ada@example.test"}},
	}
}

func grace() lanyard.Account {
	return lanyard.Account{
		Session: lanyard.Session{ID: "ses_2", ExpiresAt: now.Add(-time.Hour)},
		User:    lanyard.User{ID: "usr_2", Username: "grace"},
	}
}

// due is a page of the flow at a step.
func due(step flow.Step) flow.Page {
	return flow.Page{
		Step: step, Client: webApp(), Token: "step-token", KeepSignedIn: true, RedirectOrigin: "https://app.example",
		Accounts: []lanyard.Account{ada(), grace()},
		Request: lanyard.AuthRequest{
			ID: request, ClientID: "web", Identifier: "ada@example.test",
			Params: lanyard.AuthParams{RedirectURI: "https://app.example/cb"},
		},
	}
}

func dueConsent() flow.Page {
	page, account := due(flow.StepConsent), ada()
	page.Account = &account
	page.Asked = []flow.ScopeText{
		{Name: "openid"},
		{Name: "profile"},
		{Name: "email"},
		{Name: "offline_access"},
		{Name: "invoices:read", Description: "Read your invoices", Resource: "Billing"},
		{Name: "invoices:write", Resource: "Billing"},
	}
	return page
}

func rawQuery(step string) string { return step + "?request=" + string(request) }
