package idp

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"
)

// Client is a relying party of the seed.
type Client struct {
	ID       string
	Secret   string
	Redirect string
	// Post sends the secret in the body.
	Post bool
	idp  *IDP
	t    testing.TB
	// Issuer is the issuer of the client's tenant.
	Issuer string
}

// Client gives a relying party of the default tenant; redirect and secret are those of the seed.
func (i *IDP) Client(id string) *Client {
	known := map[string][2]string{
		"web":         {"web-secret-0123456789-0123456789-0123", "https://app.example.test/cb"},
		"third":       {"third-secret-0123456789-0123456789-01", "https://third.example.test/cb"},
		"nopkce":      {"nopkce-secret-0123456789-0123456789-0", "https://nopkce.example.test/cb"},
		"post":        {"post-secret-0123456789-0123456789-012", "https://post.example.test/cb"},
		"spa":         {"", "https://spa.example.test/cb"},
		"native":      {"", "http://127.0.0.1:49152/cb"},
		"claims":      {"claims-secret-0123456789-0123456789-0", "https://claims.example.test/cb"},
		"api-default": {"api-default-secret-0123456789-0123456", "https://apid.example.test/cb"},
		"norefresh":   {"norefresh-secret-0123456789-012345678", "https://norefresh.example.test/cb"},
		"special:id":  {"special secret+with %/odd=chars&0123456789", "https://special.example.test/cb"},
		"machine":     {"machine-secret-0123456789-0123456789", ""},
		"choose":      {"choose-secret-0123456789-0123456789-01", "https://choose.example.test/cb"},
		"off":         {"disabled-secret-0123456789-0123456789", "https://off.example.test/cb"},

		"https://files.example.test": {"resource-secret-0123456789-012345678", ""},
	}
	return &Client{ID: id, Secret: known[id][0], Redirect: known[id][1], Post: id == "post", idp: i, t: i.t, Issuer: i.Issuer}
}

// At is the same registration in another tenant.
func (c Client) At(issuer string) *Client {
	c.Issuer = issuer
	return &c
}

// Verifier is the PKCE verifier of every request of Authorize.
const Verifier = "a-verifier-that-is-long-enough-for-rfc-7636-0123456789"

// Authorize is the URL of an authorization request; more overrides parameters, an
// empty value leaves one out.
func (c *Client) Authorize(more url.Values) string {
	return c.Issuer + "/oauth/authorize?" + c.Request(more).Encode()
}

// Request are the parameters of an authorization request.
func (c *Client) Request(more url.Values) url.Values {
	q := url.Values{
		"response_type": {"code"}, "client_id": {c.ID}, "redirect_uri": {c.Redirect}, "scope": {"openid"}, "state": {"a-state"},
		"nonce": {"a-nonce"}, "code_challenge": {oauth2.S256ChallengeFromVerifier(Verifier)}, "code_challenge_method": {"S256"},
	}
	for name, values := range more {
		if len(values) == 1 && values[0] == "" {
			q.Del(name)
			continue
		}
		q[name] = values
	}
	return q
}

// Answer is what a program gets.
type Answer struct {
	Status int
	Header http.Header
	Body   map[string]any
	Raw    string
}

// Text is a member of the body as text, empty if it is none.
func (a Answer) Text(name string) string {
	s, _ := a.Body[name].(string)
	return s
}

// Call posts a form to an endpoint with the client's authentication.
func (c *Client) Call(path string, form url.Values) Answer {
	c.t.Helper()
	answer, err := c.Try(path, form)
	must(c.t, err)
	return answer
}

// Try is Call for a server that may be gone: the error says that there was no
// complete answer.
func (c *Client) Try(path string, form url.Values) (Answer, error) {
	c.t.Helper()
	answer, err := c.idp.client().Do(c.NewCall(path, form))
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = answer.Body.Close() }()
	data, err := io.ReadAll(answer.Body)
	out := Answer{Status: answer.StatusCode, Header: answer.Header, Raw: string(data)}
	_ = json.Unmarshal(data, &out.Body)
	return out, err
}

// NewCall is the request of Call.
func (c *Client) NewCall(path string, form url.Values) *http.Request {
	c.t.Helper()
	sent := url.Values{}
	for name, values := range form {
		sent[name] = values
	}
	if c.Secret == "" || c.Post {
		sent.Set("client_id", c.ID)
	}
	if c.Post {
		sent.Set("client_secret", c.Secret)
	}
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.Issuer+path, strings.NewReader(sent.Encode()))
	must(c.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if c.Secret != "" && !c.Post {
		r.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.Secret))
	}
	return r
}

// ReadAnswer reads an answer and its JSON, if it is any.
func ReadAnswer(t testing.TB, answer *http.Response) Answer {
	t.Helper()
	defer func() { _ = answer.Body.Close() }()
	data, err := io.ReadAll(answer.Body)
	must(t, err)
	out := Answer{Status: answer.StatusCode, Header: answer.Header, Raw: string(data)}
	_ = json.Unmarshal(data, &out.Body)
	return out
}

// Code signs a person in and gives the code.
func (c *Client) Code(b *Browser, username, password string, more url.Values) string {
	c.t.Helper()
	page := b.SignIn(c.Authorize(more), username, password)
	if page.Away == nil || page.Away.Query().Get("code") == "" {
		c.t.Fatalf("no code: %s, away %v\n%s", page, page.Away, page.Body)
	}
	return page.Away.Query().Get("code")
}

// Exchange redeems a code.
func (c *Client) Exchange(code string, more url.Values) Answer {
	c.t.Helper()
	return c.Call("/oauth/token", c.Exchanging(code, more))
}

// Exchanging is the form of Exchange.
func (c *Client) Exchanging(code string, more url.Values) url.Values {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {c.Redirect}, "code_verifier": {Verifier}}
	for name, values := range more {
		form[name] = values
	}
	return form
}

// Refresh uses a refresh token.
func (c *Client) Refresh(token string, more url.Values) Answer {
	c.t.Helper()
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	for name, values := range more {
		form[name] = values
	}
	return c.Call("/oauth/token", form)
}

// Tokens signs ada in and redeems the code.
func (c *Client) Tokens(more url.Values) Answer {
	c.t.Helper()
	a := c.Exchange(c.Code(c.idp.Browser(), "ada@example.test", "notes-on-the-engine-1842", more), nil)
	if a.Status != http.StatusOK {
		c.t.Fatalf("no tokens: %d %s", a.Status, a.Raw)
	}
	return a
}

// Userinfo asks with a bearer token.
func (c *Client) Userinfo(token string) Answer {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.Issuer+"/oauth/userinfo", nil)
	must(c.t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := c.idp.client().Do(r)
	must(c.t, err)
	return ReadAnswer(c.t, answer)
}

// BeforeResume signs ada in for the first time at this client and stops where the
// browser would be sent to the resume endpoint; it gives that URL.
func (c *Client) BeforeResume(b *Browser) string {
	c.t.Helper()
	page := b.Get(c.Authorize(nil))
	page = b.Press(page, "login-continue", url.Values{"username": {"ada@example.test"}})
	f := b.Form(page, "login-submit")
	f.Values.Set("password", "notes-on-the-engine-1842")
	action, err := page.URL.Parse(f.Action)
	must(c.t, err)
	page = b.once(http.MethodPost, action.String(), f.Values, nil)
	location, err := page.URL.Parse(page.Header.Get("Location"))
	must(c.t, err)
	if !strings.HasPrefix(location.Path, "/oauth/resume") {
		c.t.Fatalf("the password leads to %s", location)
	}
	return location.String()
}

// Claims reads the payload of a JWT without checking it.
func Claims(t testing.TB, token string) map[string]any {
	t.Helper()
	return part(t, token, 1)
}

// Header reads the header of a JWT.
func Header(t testing.TB, token string) map[string]any {
	t.Helper()
	return part(t, token, 0)
}

func part(t testing.TB, token string, at int) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("not a JWT: %q", token)
	}
	data, err := base64.RawURLEncoding.DecodeString(parts[at])
	must(t, err)
	var out map[string]any
	must(t, json.Unmarshal(data, &out))
	return out
}
