package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestSignInIsTriedAsAnApplication(t *testing.T) {
	p := start(t)
	b, page := signIn(t, p, "admin", "/console/application/try?id=claims")
	after := send(t, b, page, "/console/application/try", url.Values{"scope": {"openid profile offline_access"}, "prompt": {""}})
	for _, want := range []string{"Grace Admin", "&#34;aud&#34;: &#34;claims&#34;", "&#34;alg&#34;: &#34;ES256&#34;", "opaque", "revoked already"} {
		if !strings.Contains(after.Body, want) {
			t.Errorf("%q is not on the page:\n%s", want, after.Body)
		}
	}
	if again := b.Get(after.URL.String()); !strings.Contains(again.Body, "was used before") {
		t.Errorf("the answer can be used twice: %d %s", again.Status, again.Body)
	}
	facts, err := p.Scope().Events(t.Context(), 30)
	if err != nil {
		t.Fatal(err)
	}
	made, revoked := 0, 0
	for _, f := range facts {
		if f.ClientID == "claims" && f.Type == "grant.created" {
			made++
		}
		if f.ClientID == "claims" && strings.HasSuffix(string(f.Type), ".revoked") {
			revoked++
		}
	}
	if made != 1 || revoked == 0 {
		t.Errorf("%d grants were made, %d things revoked", made, revoked)
	}
}

func TestTriedSignInShowsWhatTheApplicationWouldGet(t *testing.T) {
	p := start(t)
	b, page := signIn(t, p, "admin", "/console/application/try?id=web")
	after := send(t, b, page, "/console/application/try", url.Values{"scope": {"openid"}, "prompt": {"login consent none"}})
	if !strings.Contains(after.Body, "invalid_request") {
		t.Error(after.Body)
	}
}

// The address is a redirect URI of every client, and gives nothing to whoever did not begin there.
func TestTriedSignInBelongsToItsBrowser(t *testing.T) {
	p := start(t)
	victim, _ := signIn(t, p, "admin", "/console")
	web := p.Client("web")
	web.Redirect = p.Issuer + "/console/try/callback"
	landed := victim.Get(web.Authorize(url.Values{"state": {"x." + "d2Vi"}}))
	if landed.Status != http.StatusNotFound || strings.Contains(landed.Body, "&#34;aud&#34;") {
		t.Errorf("somebody else's request was answered: %d %s", landed.Status, landed.Body)
	}
	stranger := p.Browser()
	if page := stranger.SignIn(web.Authorize(nil), "bob", passwords["bob"]); strings.Contains(page.Body, "&#34;aud&#34;") {
		t.Error("a stranger sees tokens")
	}
	reader, page := signIn(t, p, "reader", "/console/application/try?id=web")
	if page.Status != http.StatusForbidden {
		t.Errorf("a reader tries: %d", page.Status)
	}
	if got := reader.Post("/console/application/try?id=web", url.Values{"scope": {"openid"}}); got.Status != http.StatusForbidden {
		t.Errorf("a reader tries: %d", got.Status)
	}
}
