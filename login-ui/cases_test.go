package loginui_test

import (
	"errors"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	loginui "github.com/lanyard-id/lanyard/login-ui"
	"github.com/lanyard-id/lanyard/provider/flow"
)

// pageCase is one page in one state. The same list is used for golden files,
// for headers, for budgets and for payloads in every field.
type pageCase struct {
	name   string
	status int
	// lang is appended to the address by tests that want another language.
	show func(w *world, lang string) *httptest.ResponseRecorder
}

// atStep shows the page of a step.
func atStep(path string, page flow.Page) func(*world, string) *httptest.ResponseRecorder {
	return func(w *world, lang string) *httptest.ResponseRecorder {
		w.flow.page, w.flow.err, w.flow.pageErr = page, nil, nil
		return w.get(rawQuery(path) + lang)
	}
}

// refused posts the form of a step, which the flow answers with an error.
func refused(path string, page flow.Page, err error, pairs ...string) func(*world, string) *httptest.ResponseRecorder {
	return func(w *world, lang string) *httptest.ResponseRecorder {
		w.flow.page, w.flow.err, w.flow.pageErr = page, err, nil
		return w.post(rawQuery(path)+lang, form(pairs...))
	}
}

// failed shows the error page of an address that the flow refuses.
func failed(err error, client *lanyard.Client) func(*world, string) *httptest.ResponseRecorder {
	return func(w *world, lang string) *httptest.ResponseRecorder {
		w.flow.page, w.flow.pageErr = flow.Page{Client: client}, err
		return w.get(rawQuery("/login") + lang)
	}
}

func rendered(h func(w *world) web.Handler) func(*world, string) *httptest.ResponseRecorder {
	return func(w *world, lang string) *httptest.ResponseRecorder {
		w.rendered = h(w)
		return w.get("/render?" + strings.TrimPrefix(lang, "&"))
	}
}

func visited(target string) func(*world, string) *httptest.ResponseRecorder {
	return func(w *world, lang string) *httptest.ResponseRecorder {
		joint := "?"
		if strings.Contains(target, "?") {
			joint = ""
		}
		return w.get(target + joint + lang)
	}
}

func withReproof(p flow.Page) flow.Page {
	account := ada()
	p.Reproof, p.Account, p.KeepSignedIn = true, &account, false
	return p
}

func withNothingAsked(p flow.Page) flow.Page {
	p.Asked = nil
	return p
}

func withDeviceApp(p flow.Page) flow.Page {
	p.Request.Params.RedirectURI = "com.example.app:/cb"
	p.Client.FirstParty, p.Client.Policy, p.Client.Terms = true, "", ""
	return p
}

func answer(t *testing.T) web.Answer {
	t.Helper()
	a, err := web.NewAnswer([]string{"https://app.example/cb"}, "https://app.example/cb", url.Values{
		"code": {"abc"}, "state": {`"><script>alert(1)</script>`}, "iss": {"https://id.example/t/acme"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func cases(t *testing.T) []pageCase {
	return slices.Concat(commonCases(t), proofCases(), newcomerCases(), dutyCases(t), linkCases(), accountCases(t), organizationCases(), inviteCases(), myOrgCases(), orgCases(), connectionCases(), deviceCases(), federationCases(), linkedCases())
}

func commonCases(t *testing.T) []pageCase {
	return []pageCase{
		{"identifier", 200, atStep("/login", due(flow.StepIdentify))},
		{"identifier-empty", 200, refused("/login", due(flow.StepIdentify), nil, "username", " ")},
		{"identifier-invalid", 200, refused("/login", due(flow.StepIdentify), lanyard.ErrBadInput, "username", "a b")},
		{"password", 200, atStep("/login/password", due(flow.StepPassword))},
		{"password-again", 200, atStep("/login/password", withReproof(due(flow.StepPassword)))},
		{"password-empty", 200, refused("/login/password", due(flow.StepPassword), nil, "password", "")},
		{"password-wrong", 200, refused("/login/password", due(flow.StepPassword), lanyard.ErrWrongCredentials, "password", "x", "keep", "1")},
		{"password-disabled", 200, refused("/login/password", due(flow.StepPassword), lanyard.ErrUserDisabled, "password", "x")},
		{"password-throttled", 429, refused("/login/password", due(flow.StepPassword), lanyard.ErrThrottled.After(90*time.Second), "password", "x")},
		{"chooser", 200, atStep("/login/choose", due(flow.StepChoose))},
		{"consent", 200, atStep("/login/consent", dueConsent())},
		{"consent-device", 200, atStep("/login/consent", withDeviceApp(dueConsent()))},
		{"consent-again", 200, atStep("/login/consent", withNothingAsked(dueConsent()))},
		{"start", 200, visited("/login")},
		{"setup", 200, visited("/setup?token=setup-token")},
		{"setup-problems", 200, func(w *world, lang string) *httptest.ResponseRecorder {
			return w.post("/setup?token=setup-token"+lang, url.Values{"token": {"setup-token"}, "username": {"nobody"}, "password": {"short"}})
		}},
		{"setup-refused", 200, func(w *world, lang string) *httptest.ResponseRecorder {
			w.setup.err = lanyard.ErrConflict
			return w.post("/setup?token=setup-token"+lang, setupForm())
		}},
		{"setup-passkey-refused", 200, func(w *world, lang string) *httptest.ResponseRecorder {
			w.setup.err = lanyard.ErrNoPasskey
			return w.post("/setup?token=setup-token"+lang, setupPasskeyForm())
		}},
		{"setup-no-passkeys", 200, func(w *world, lang string) *httptest.ResponseRecorder {
			w.live.Tenant.Policy.NoPasskeys = true
			return visited("/setup?token=setup-token")(w, lang)
		}},
		{"setup-used", 404, visited("/setup?token=other")},
		{"setup-done", 200, visited("/setup/done")},
		{"logout", 200, rendered(func(w *world) web.Handler {
			return func(c *gin.Context) error {
				return w.pages.LogoutConfirm(c, webApp(), []lanyard.Account{ada()}, url.Values{"token": {"t"}, "state": {"<b>"}}, "https://app.example")
			}
		})},
		{"logout-alone", 200, rendered(func(w *world) web.Handler {
			return func(c *gin.Context) error { return w.pages.LogoutConfirm(c, nil, nil, nil, "") }
		})},
		{"signed-out", 200, rendered(func(w *world) web.Handler {
			return func(c *gin.Context) error { return w.pages.SignedOut(c, webApp()) }
		})},
		{"signed-out-alone", 200, rendered(func(w *world) web.Handler {
			return func(c *gin.Context) error { return w.pages.SignedOut(c, nil) }
		})},
		{"form-post", 200, rendered(func(w *world) web.Handler {
			return func(c *gin.Context) error { return w.pages.FormPost(c, answer(t), webApp(), nil) }
		})},
		{"try", 200, rendered(func(w *world) web.Handler {
			return func(c *gin.Context) error { return w.pages.Try(c, tryPage()) }
		})},
		{"try-failed", 200, rendered(func(w *world) web.Handler {
			return func(c *gin.Context) error {
				return w.pages.Try(c, loginui.TryPage{ErrorCode: "access_denied", Description: "the request was refused"})
			}
		})},
		{"error-client", 400, failed(lanyard.ErrUnknownClient, nil)},
		{"error-redirect", 400, failed(lanyard.ErrBadRedirect, nil)},
		{"error-request", 400, failed(lanyard.ErrInvalidRequest, nil)},
		{"error-stale", 400, failed(lanyard.ErrStaleFlow, webApp())},
		{"error-stale-alone", 400, failed(lanyard.ErrStaleFlow, nil)},
		{"error-stale-form", 400, func(w *world, lang string) *httptest.ResponseRecorder {
			w.flow.page, w.flow.pageErr, w.flow.err = flow.Page{Client: webApp()}, lanyard.ErrStaleFlow, lanyard.ErrStaleFlow
			return w.post(rawQuery("/login/password")+lang, form("password", "x"))
		}},
		{"error-foreign", 400, failed(lanyard.ErrForeignFlow, nil)},
		{"error-cookies", 400, func(w *world, lang string) *httptest.ResponseRecorder {
			w.flow.page, w.flow.pageErr = flow.Page{Client: webApp()}, lanyard.ErrForeignFlow
			r := httptest.NewRequest("GET", rawQuery("/login")+lang, nil)
			return w.do(r)
		}},
		{"error-forged", 403, refused("/login/consent", dueConsent(), lanyard.ErrForgedForm, "decision", "allow")},
		{"error-throttled", 429, failed(lanyard.ErrThrottled.After(30*time.Second), nil)},
		{"error-unavailable", 503, failed(lanyard.ErrUnavailable, nil)},
		{"error-server", 500, failed(errors.New("disk on fire"), nil)},
		{"error-not-found", 404, visited("/nowhere")},
		{"error-method", 405, func(w *world, _ string) *httptest.ResponseRecorder { return w.post("/setup/done", form()) }},
		{"error-too-large", 413, func(w *world, lang string) *httptest.ResponseRecorder {
			return w.post(rawQuery("/login")+lang, form("username", strings.Repeat("x", 70<<10)))
		}},
		{"error-input", 400, func(w *world, lang string) *httptest.ResponseRecorder {
			values := form("username", "a")
			values.Add("username", "b")
			return w.post(rawQuery("/login")+lang, values)
		}},
	}
}

// servedCases are the pages of a tenant that is not under dev.
func servedCases() []pageCase {
	return []pageCase{{"home", 200, visited("/")}}
}

// devCases are the pages of the development server.
func devCases() []pageCase {
	return []pageCase{
		{"overview", 200, func(w *world, lang string) *httptest.ResponseRecorder {
			w.dev.overview = overview()
			return w.get("/?" + lang)
		}},
		{"outbox", 200, func(w *world, lang string) *httptest.ResponseRecorder {
			w.dev.mails = []loginui.Mail{{To: "ada@example.test", Subject: "Your Acme code is 482 913", Text: "482 913\n\nIt works for ten minutes.", At: now, Code: "482913", Link: "http://localhost:8080/login/code?t=x"}}
			return w.get("/dev/outbox?" + lang)
		}},
		{"outbox-empty", 200, visited("/dev/outbox")},
	}
}

func setupForm() url.Values {
	return url.Values{"token": {"setup-token"}, "username": {"root@example.test"}, "name": {"Root"}, "password": {"correct horse battery"}, "tenant": {"Acme"}}
}

// setupPasskeyForm has the answer of an authenticator in place of a password.
func setupPasskeyForm() url.Values {
	form := setupForm()
	form.Set("password", "")
	form.Set("credential", `{"id":"new"}`)
	return form
}

func overview() loginui.Overview {
	return loginui.Overview{
		Issuer: "http://localhost:8080", Username: "ada@example.test", Password: "correct horse battery staple",
		Clients: []loginui.DevClient{
			{ID: "web", Type: "web", Secret: "web-secret-for-development-only-0001", RedirectURIs: []string{"http://127.0.0.1:3000/callback", "http://localhost:3000/callback"}},
			{ID: "spa", Type: "spa", RedirectURIs: []string{"http://127.0.0.1:5173/callback"}},
			{ID: "machine", Type: "machine", Secret: "machine-secret-for-development-0001"},
		},
		Curl: "curl -u machine:machine-secret-for-development-0001 -d grant_type=client_credentials http://localhost:8080/oauth/token",
	}
}

func tryPage() loginui.TryPage {
	return loginui.TryPage{
		Name: "Ada Lovelace", MayRefresh: true, Userinfo: "{\n  \"sub\": \"usr_1\"\n}",
		Tokens: []loginui.DecodedToken{
			loginui.DecodeToken("ID token", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1c3JfMSIsIm5hbWUiOiI8Yj5BZGE8L2I-In0.c2ln"),
			loginui.DecodeToken("Refresh token", "opaque-value"),
		},
	}
}
