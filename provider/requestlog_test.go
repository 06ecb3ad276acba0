package provider_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

// requestLine are the members of a request's line that are the same in each run.
type requestLine struct {
	Message   string `json:"msg"`
	RequestID string `json:"request_id"`
	Tenant    string `json:"tenant"`
	Client    string `json:"client"`
	Method    string `json:"method"`
	Route     string `json:"route"`
	Status    int    `json:"status"`
	Outcome   string `json:"outcome"`
	Error     string `json:"error"`
}

// requestLines are the lines of the log about requests, after the given number of bytes.
func requestLines(t *testing.T, i *idp.IDP, from int) []requestLine {
	t.Helper()
	var out []requestLine
	for line := range strings.Lines(i.Log.String()[from:]) {
		var l requestLine
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("no line of the log: %q", line)
		}
		if l.Message == "request" {
			out = append(out, l)
		}
	}
	return out
}

// logged is what a deed writes about its requests, each as "method route status client outcome error".
func logged(t *testing.T, i *idp.IDP, deed func()) []string {
	t.Helper()
	from := len(i.Log.String())
	deed()
	var out []string
	for _, l := range requestLines(t, i, from) {
		out = append(out, strings.Join([]string{l.Method, l.Route, http.StatusText(l.Status), "client=" + l.Client, l.Outcome, l.Error}, " "))
	}
	return out
}

func expectLog(t *testing.T, i *idp.IDP, what string, deed func(), want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, logged(t, i, deed)); diff != "" {
		t.Errorf("%s:\n%s", what, diff)
	}
}

// TestLogLineSaysWhoAndHow walks a life and reads what stands in the log of it: the client,
// if there is one, how it ended, and the code of what was refused.
func TestLogLineSaysWhoAndHow(t *testing.T) {
	i := startGadgets(t)
	i.Administration()
	web, third, machine := i.Client("web"), i.Client("third"), i.Client("machine")
	b := i.Browser()
	var code string
	expectLog(t, i, "a sign-in", func() { code = web.Code(b, "ada@example.test", "notes-on-the-engine-1842", nil) },
		"GET /oauth/authorize Found client=web ok ",
		"GET /login OK client=web ok ",
		"POST /login See Other client=web ok ",
		"GET /login/password OK client=web ok ",
		"POST /login/password See Other client=web ok ",
		"GET /oauth/resume Found client=web ok ")
	var tokens idp.Answer
	expectLog(t, i, "tokens", func() {
		tokens = web.Exchange(code, nil)
		web.Refresh(tokens.Text("refresh_token"), nil)
		web.Call("/oauth/introspect", url.Values{"token": {tokens.Text("access_token")}})
		web.Userinfo(tokens.Text("access_token"))
		web.Call("/oauth/revoke", url.Values{"token": {tokens.Text("access_token")}})
		web.Userinfo(tokens.Text("access_token"))
		machine.Call("/oauth/token", url.Values{"grant_type": {"client_credentials"}})
	},
		"POST /oauth/token OK client=web ok ", "POST /oauth/token OK client=web ok ", "POST /oauth/introspect OK client=web ok ",
		"GET /oauth/userinfo OK client=web ok ", "POST /oauth/revoke OK client=web ok ", "GET /oauth/userinfo Unauthorized client= refused invalid_token",
		"POST /oauth/token OK client=machine ok ")
	expectLog(t, i, "what is refused to a client", func() {
		web.Exchange(code, nil)
		wrong := *web
		wrong.Secret = strings.Repeat("wrong", 8)
		wrong.Refresh("x", nil)
		b.Get(web.Authorize(url.Values{"redirect_uri": {"https://evil.example.test/"}}))
		b.Get(web.Authorize(url.Values{"scope": {"openid"}, "response_type": {"token"}}))
		i.Browser().Get(web.Authorize(url.Values{"prompt": {"none"}}))
	},
		"POST /oauth/token Bad Request client=web refused invalid_grant", "POST /oauth/token Unauthorized client=web refused invalid_client",
		"GET /oauth/authorize Bad Request client=web refused bad_redirect_uri",
		"GET /oauth/authorize Found client=web refused unsupported_response_type",
		"GET /oauth/authorize Found client=web refused login_required")
	expectLog(t, i, "a wrong password, and consent that is denied", func() {
		c := i.Browser()
		page := c.Press(c.Get(third.Authorize(nil)), "login-continue", url.Values{"username": {"ada@example.test"}})
		page = c.Press(page, "login-submit", url.Values{"password": {"wrong-password-0123"}})
		page = c.Press(page, "login-submit", url.Values{"password": {"notes-on-the-engine-1842"}})
		c.Press(page, "consent-deny", nil)
	},
		"GET /oauth/authorize Found client=third ok ", "GET /login OK client=third ok ", "POST /login See Other client=third ok ",
		"GET /login/password OK client=third ok ", "POST /login/password OK client=third refused wrong_credentials",
		"POST /login/password See Other client=third ok ", "GET /oauth/resume Found client=third ok ", "GET /login/consent OK client=third ok ",
		"POST /login/consent See Other client=third ok ", "GET /oauth/resume Found client=third refused access_denied")
	expectLog(t, i, "a device", func() {
		cli := gadget(i, "cli")
		asked := ask(t, cli, nil)
		poll(cli, asked)
		b.Get(asked.Text("verification_uri_complete"))
	},
		"POST /oauth/device_authorization OK client=cli ok ", "POST /oauth/token Bad Request client=cli refused authorization_pending",
		"GET /device OK client=cli ok ")
	expectLog(t, i, "the end", func() { b.Get("/oauth/logout?" + url.Values{"id_token_hint": {tokens.Text("id_token")}}.Encode()) },
		"GET /oauth/logout OK client=web ok ")
	expectLog(t, i, "the management API", func() {
		a := i.Administrator("reader")
		a.Do(http.MethodGet, "/users", nil)
		a.Do(http.MethodDelete, "/users/usr_0", nil)
		i.API("invented").Do(http.MethodGet, "/users", nil)
	},
		"POST /oauth/token OK client=reader ok ", "GET /api/v1/users OK client=reader ok ", "DELETE /api/v1/users/:user Forbidden client=reader refused not_allowed",
		"GET /api/v1/users Unauthorized client= refused invalid_token")
}

// TestLogLineOfAStranger: what is invented stands in no line, whoever is asked is in it, and
// no text of theirs makes a second line.
func TestLogLineOfAStranger(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	const forged = "invented\r\n{\"msg\":\"request\",\"request_id\":\"FORGED\"}"
	send := func(method, target, host string, form url.Values) {
		r, err := http.NewRequestWithContext(t.Context(), method, i.Issuer+target, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		if host != "" {
			r.Host = host
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header["User-Agent"] = []string{`invented" outcome="ok`}
		i.Do(r)
	}
	client := url.QueryEscape(forged)
	expectLog(t, i, "strangers", func() {
		send(http.MethodGet, "/oauth/authorize?client_id="+client, "", nil)
		send(http.MethodPost, "/oauth/token", "", url.Values{"grant_type": {"authorization_code"}, "client_id": {forged}, "code": {"x"}})
		send(http.MethodPost, "/oauth/introspect", "", url.Values{"client_id": {"invented"}, "token": {"x"}})
		send(http.MethodGet, "/"+url.PathEscape(forged), "", nil)
		send("INVENTED", "/", "", nil)
		send(http.MethodGet, "/", "invented.example.test", nil)
		send(http.MethodGet, "/t/invented/login", "", nil)
	},
		"GET /oauth/authorize Bad Request client= refused unknown_client", "POST /oauth/token Unauthorized client= refused invalid_client",
		"POST /oauth/introspect Unauthorized client= refused invalid_client", "GET none Not Found client= refused not_found",
		"other none Method Not Allowed client= refused method_not_allowed", "GET none Misdirected Request client= refused unknown_host",
		"GET none Not Found client= refused not_found")
	if text := i.Log.String(); strings.Contains(text, "invented") || strings.Contains(text, "FORGED") {
		t.Errorf("the log repeats what a stranger says:\n%s", text)
	}
	var ids []string
	for _, l := range requestLines(t, i, 0) {
		ids = append(ids, l.RequestID)
	}
	if slices.Sort(ids); slices.Contains(ids, "") || len(slices.Compact(ids)) != 7 {
		t.Errorf("the ids are %v", ids)
	}
}
