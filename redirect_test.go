package lanyard_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard"
)

func TestRedirectTargetsThatCanNeverBe(t *testing.T) {
	for uri, want := range map[string]bool{
		"https://app.example/cb":            true,
		"https://app.example/cb?x=1":        true,
		"https://app.example":               true,
		"http://127.0.0.1:8080/cb":          true,
		"http://[::1]/cb":                   true,
		"http://localhost:3000/cb":          true,
		"com.example.app:/cb":               true,
		"com.example.app://cb":              true,
		"":                                  false,
		"/cb":                               false,
		"//app.example/cb":                  false,
		"https:/cb":                         false,
		"https:///cb":                       false,
		"https:app.example":                 false,
		"https://user@app.example/cb":       false,
		"https://a:b@app.example/cb":        false,
		"com.example.app://user@host/cb":    false,
		"https://app.example/cb#f":          false,
		"https://app.example/cb#":           false,
		"https://*.app.example/cb":          false,
		"https://app.example/cb.*":          false,
		"*":                                 false,
		"http://localhost*":                 false,
		"com.example.app:/*":                false,
		`https://app.example\@evil.example`: false,
		"https://app.example/<b>":           false,
		`https://app.example/"`:             false,
		"https://app.example/`":             false,
		"https://app.example/{x}":           false,
		"https://app.example/|":             false,
		"https://app.example/^":             false,
		"https://app.example/c b":           false,
		"https://app.example/cb ":           false,
		"https://app.example/cb\t":          false,
		"https://app.example/cb\x7f":        false,
		"https://app.example/\x00":          false,
		"https://app.exаmple/cb":            false,
		"com.example.app:/ä":                false,
		"http://app.example/cb":             false,
		"http://127.0.0.1.evil.example/cb":  false,
		"http://127.0.0.2/cb":               false,
		"javascript:alert(1)":               false,
		"JaVaScRiPt:alert(1)":               false,
		"data:text/html,x":                  false,
		"DATA:text/html,x":                  false,
		"blob:https://app.example/x":        false,
		"file:///etc/passwd":                false,
		"vbscript:x":                        false,
		"about:blank":                       false,
		"view-source:https://app.example":   false,
		"filesystem:https://app.example/x":  false,
		"ws://app.example":                  false,
		"mailto:a@b.example":                false,
		"intent://x#Intent;end":             false,
	} {
		if got := lanyard.CheckRedirectURI(uri) == nil; got != want {
			t.Errorf("%q: acceptable %v, want %v", uri, got, want)
		}
	}
}

func TestRedirectIsEqualByteForByte(t *testing.T) {
	registered := []string{
		"https://app.example/cb", "http://127.0.0.1/cb", "http://[::1]:1/six", "http://localhost/cb", "com.example.app:/cb",
		"javascript:alert(1)", "http://app.example/old", // as an old row may still have them
	}
	for uri, want := range map[string]bool{
		"https://app.example/cb":           true,
		"https://app.example/cb/":          false,
		"https://APP.example/cb":           false,
		"https://app.example:443/cb":       false,
		"https://app.example/cb?x":         false,
		"com.example.app:/cb":              true,
		"COM.example.app:/cb":              false,
		"javascript:alert(1)":              false,
		"http://app.example/old":           false,
		"http://127.0.0.1/cb":              true,
		"http://127.0.0.1:1/cb":            true,
		"http://127.0.0.1:65535/cb":        true,
		"http://127.0.0.1:/cb":             false,
		"http://127.0.0.1:123456/cb":       false,
		"http://127.0.0.1:80/cb/x":         false,
		"http://127.0.0.1:80/cb?x":         false,
		"http://127.0.0.1:80":              false,
		"http://127.0.0.1:80.evil/cb":      false,
		"http://127.0.0.1:80@evil/cb":      false,
		"http://127.0.0.1.evil.example/cb": false,
		"http://127.0.0.1cb":               false,
		"http://[::1]/six":                 true,
		"http://[::1]:9/six":               true,
		"http://[::1]:9/cb":                false,
		"http://localhost/cb":              true,
		"http://localhost:8080/cb":         false,
		"https://127.0.0.1/cb":             false,
	} {
		if got := lanyard.RedirectAllowed(registered, uri); got != want {
			t.Errorf("%q: allowed %v, want %v", uri, got, want)
		}
	}
	if lanyard.RedirectAllowed(nil, "https://app.example/cb") || lanyard.RedirectAllowed([]string{""}, "") {
		t.Error("nothing is registered and something is allowed")
	}
}

// TestPrivateRedirectsAreKnown: only a claimed https URI belongs to one program (RFC 8252 §8.6).
func TestPrivateRedirectsAreKnown(t *testing.T) {
	for uri, want := range map[string]bool{
		"https://app.example/cb": false, "http://127.0.0.1/cb": true, "http://localhost/cb": true, "com.example.app:/cb": true, "%": true,
	} {
		if got := lanyard.PrivateRedirect(uri); got != want {
			t.Errorf("%q: private %v, want %v", uri, got, want)
		}
	}
}

func TestOriginIsSchemeAndHost(t *testing.T) {
	for uri, want := range map[string]string{
		"https://app.example/cb?x": "https://app.example", "http://localhost:3000/cb": "http://localhost:3000",
		"com.example.app:/cb": "com.example.app:", "/cb": "", "%": "",
	} {
		if got := lanyard.Origin(uri); got != want {
			t.Errorf("%q: %q, want %q", uri, got, want)
		}
	}
}

// FuzzRedirectAllowed: whatever a stranger presents, what is allowed leads to the
// registered place; only the port of a literal loopback address may differ.
func FuzzRedirectAllowed(f *testing.F) {
	registered := []string{"https://app.example/cb", "http://127.0.0.1/cb"}
	for _, seed := range []string{"https://app.example/cb", "http://127.0.0.1:8080/cb", "http://127.0.0.1:80@evil/cb", `https://app.example\@evil`, "//evil", "http://127.0.0.1:8\x00/cb"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		if !lanyard.RedirectAllowed(registered, uri) || uri == registered[0] {
			return
		}
		u, err := url.Parse(uri)
		if err != nil || u.Scheme != "http" || u.Hostname() != "127.0.0.1" || u.User != nil || u.Path != "/cb" || u.RawQuery != "" || strings.ContainsAny(uri, "#\\@ ") {
			t.Errorf("%q was allowed", uri)
		}
	})
}
