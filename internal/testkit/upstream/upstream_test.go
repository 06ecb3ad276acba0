package upstream_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/internal/testkit/upstream"
)

const (
	callback = "https://rp.example.test/cb"
	verifier = "a-verifier-that-is-long-enough-for-rfc-7636-0123456789"
)

func ask(t *testing.T, r *http.Request) (status int, location, body string) {
	t.Helper()
	c := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header.Get("Location"), string(text)
}

func get(t *testing.T, address string) (status int, location, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return ask(t, r)
}

func authorize(change url.Values) string {
	sum := sha256.Sum256([]byte(verifier))
	q := url.Values{
		"response_type": {"code"}, "client_id": {"our-client"}, "redirect_uri": {callback}, "scope": {"openid"}, "state": {"s"}, "nonce": {"n"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	for name, values := range change {
		q[name] = values
	}
	return upstream.PathAuthorize + "?" + q.Encode()
}

// redeem posts a code; name and secret go into the header.
func redeem(t *testing.T, p *upstream.Provider, secret string, form url.Values) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.Issuer+upstream.PathToken, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth("our-client", secret)
	status, _, body := ask(t, r)
	return status, body
}

func codeOf(t *testing.T, location string) string {
	t.Helper()
	u, err := url.Parse(location)
	if err != nil || u.Query().Get("state") != "s" || !strings.HasPrefix(location, callback+"?") {
		t.Fatalf("the answer is %q", location)
	}
	return u.Query().Get("code")
}

func TestRequestsAreReadStrictly(t *testing.T) {
	p := upstream.Start(t, upstream.Options{Redirects: []string{callback}})
	for name, change := range map[string]url.Values{
		"another client": {"client_id": {"x"}}, "another redirect": {"redirect_uri": {callback + "/x"}}, "no challenge": {"code_challenge": {""}},
		"a plain challenge": {"code_challenge_method": {"plain"}}, "no openid": {"scope": {"email"}}, "the implicit flow": {"response_type": {"id_token"}},
		"no nonce": {"nonce": {""}}, "the state twice": {"state": {"s", "s"}},
	} {
		if status, location, _ := get(t, p.Issuer+authorize(change)); status != http.StatusBadRequest || location != "" {
			t.Errorf("%s: %d, %q", name, status, location)
		}
	}
}

func TestACodeWorksOnceForWhoAskedForIt(t *testing.T) {
	p := upstream.Start(t, upstream.Options{})
	for name, c := range map[string]struct {
		secret, verifier, redirect string
		status                     int
	}{
		"as it was asked for": {"our-secret", verifier, callback, http.StatusOK},
		"another secret":      {"x", verifier, callback, http.StatusUnauthorized},
		"another verifier":    {"our-secret", verifier + "x", callback, http.StatusBadRequest},
		"another redirect":    {"our-secret", verifier, callback + "/x", http.StatusBadRequest},
	} {
		_, location, _ := get(t, p.Issuer+authorize(nil))
		form := url.Values{
			"grant_type": {"authorization_code"}, "code": {codeOf(t, location)}, "redirect_uri": {c.redirect}, "code_verifier": {c.verifier},
		}
		status, body := redeem(t, p, c.secret, form)
		if status != c.status {
			t.Errorf("%s: %d %s", name, status, body)
		}
		if status, _ := redeem(t, p, "our-secret", form); c.status != http.StatusUnauthorized && status != http.StatusBadRequest {
			t.Errorf("%s, again: %d", name, status)
		}
	}
}

func TestAPageWithOneButton(t *testing.T) {
	p := upstream.Start(t, upstream.Options{Button: true})
	person := upstream.Ada(upstream.Generic)
	person.Name = "<Ada>"
	p.SignIn(person)
	status, _, page := get(t, p.Issuer+authorize(nil))
	id := regexp.MustCompile(`name="request" value="([^"]+)"><button id="upstream-continue">`).FindStringSubmatch(page)
	if status != http.StatusOK || id == nil || !strings.Contains(page, "&lt;Ada&gt;") {
		t.Fatalf("%d: %s", status, page)
	}
	next := p.Issuer + upstream.PathContinue + "?request=" + id[1]
	_, location, _ := get(t, next)
	if codeOf(t, location) == "" {
		t.Errorf("the answer is %q", location)
	}
	if status, _, _ := get(t, next); status != http.StatusBadRequest {
		t.Errorf("the button works twice: %d", status)
	}
}

func TestDiscoveryIsThatOfTheShape(t *testing.T) {
	for shape, userinfo := range map[upstream.Shape]bool{
		upstream.Generic: true, upstream.Google: true, upstream.Microsoft: true, upstream.Telegram: false,
	} {
		p := upstream.Start(t, upstream.Options{Shape: shape})
		_, _, body := get(t, p.Issuer+upstream.PathDiscovery)
		var document map[string]any
		if err := json.Unmarshal([]byte(body), &document); err != nil {
			t.Fatal(err)
		}
		issuer := p.Issuer
		if shape == upstream.Microsoft {
			issuer = strings.Replace(issuer, "common", "{tenantid}", 1)
		}
		if document["issuer"] != issuer || (document["userinfo_endpoint"] != nil) != userinfo {
			t.Errorf("%s: %s", shape, body)
		}
	}
}
