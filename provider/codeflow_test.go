package provider_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

const (
	ada         = "ada@example.test"
	adaPassword = "notes-on-the-engine-1842"
	bob         = "bob@example.test"
	bobPassword = "difference-engine-1822"
)

// TestIndependentVerifierAcceptsTheTokens walks the whole flow with coreos/go-oidc,
// which knows nothing but issuer, client id and secret; it checks C-11 and C-12 of PROTOCOL.md.
func TestIndependentVerifierAcceptsTheTokens(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	for _, id := range []string{"web", "claims", "special:id", "spa"} {
		t.Run(id, func(t *testing.T) {
			client := i.Client(id)
			ctx := context.Background()
			found, err := gooidc.NewProvider(ctx, i.Issuer)
			if err != nil {
				t.Fatal(err)
			}
			config := oauth2.Config{
				ClientID: client.ID, ClientSecret: client.Secret, Endpoint: found.Endpoint(), RedirectURL: client.Redirect,
				Scopes: []string{"openid", "profile", "email", "offline_access"},
			}
			verifier := oauth2.GenerateVerifier()
			page := i.Browser().SignIn(config.AuthCodeURL("st", oauth2.S256ChallengeOption(verifier), gooidc.Nonce("no")), ada, adaPassword)
			tokens, err := config.Exchange(ctx, page.Away.Query().Get("code"), oauth2.VerifierOption(verifier))
			if err != nil {
				t.Fatal(err)
			}
			raw, _ := tokens.Extra("id_token").(string)
			idToken, err := found.VerifierContext(ctx, &gooidc.Config{ClientID: client.ID, Now: i.Clock.Now}).Verify(ctx, raw)
			if err != nil {
				t.Fatal(err)
			}
			if err := idToken.VerifyAccessToken(tokens.AccessToken); err != nil {
				t.Error("at_hash:", err)
			}
			if idToken.Nonce != "no" || idToken.Subject != "ada-subject" {
				t.Errorf("nonce %q, sub %q", idToken.Nonce, idToken.Subject)
			}
			tokens.Expiry = tokens.Expiry.Add(-24 * 365 * 1e9 * 3600)
			fresh, err := config.TokenSource(ctx, tokens).Token()
			if err != nil {
				t.Fatal("refresh:", err)
			}
			if fresh.RefreshToken == tokens.RefreshToken {
				t.Error("the refresh token was not rotated")
			}
			info, err := found.UserInfo(ctx, oauth2.StaticTokenSource(fresh))
			if err != nil {
				t.Fatal("userinfo:", err)
			}
			if info.Email != ada || !info.EmailVerified {
				t.Errorf("userinfo says %q, %v", info.Email, info.EmailVerified)
			}
		})
	}
}

// statements that a request may cost, by what it does; BEGIN, COMMIT and the
// shared read of the revision are not counted.
func TestRequestsCostFewStatements(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	web := i.Client("web")
	b := i.Browser()
	web.Code(b, ada, adaPassword, nil) // warms the snapshot and signs the browser in

	cost := func(name string, most int, r *http.Request, wantStatus int) *http.Response {
		t.Helper()
		answer, statements := i.Do(r)
		if answer.StatusCode != wantStatus {
			t.Errorf("%s answered %d, want %d", name, answer.StatusCode, wantStatus)
		}
		if seen := statements.Seen(); len(seen) > most {
			t.Errorf("%s took %d statements, at most %d are allowed:\n%s", name, len(seen), most, strings.Join(seen, "\n"))
		}
		return answer
	}
	browse := func(b *idp.Browser, target string) *http.Request {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range b.Cookies() {
			r.AddCookie(c)
		}
		return r
	}
	cost("discovery", 0, browse(b, i.Issuer+"/.well-known/openid-configuration"), 200)
	cost("jwks", 0, browse(b, i.Issuer+"/oauth/jwks"), 200)
	cost("authorize, new browser", 2, browse(i.Browser(), web.Authorize(nil)), 302)
	silent := cost("authorize, signed in", 2, browse(b, web.Authorize(url.Values{"prompt": {"none"}})), 302)

	signingIn := i.Browser()
	cost("resume", 5, browse(signingIn, web.BeforeResume(signingIn)), 302)

	away, err := silent.Location()
	if err != nil {
		t.Fatal(err)
	}
	answer := cost("code exchange", 6, web.NewCall("/oauth/token", web.Exchanging(away.Query().Get("code"), nil)), 200)
	tokens := idp.ReadAnswer(t, answer)
	answer = cost("refresh", 4, web.NewCall("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens.Text("refresh_token")}}), 200)
	tokens = idp.ReadAnswer(t, answer)
	userinfo := browse(i.Browser(), i.Issuer+"/oauth/userinfo")
	userinfo.Header.Set("Authorization", "Bearer "+tokens.Text("access_token"))
	cost("userinfo", 1, userinfo, 200)
	cost("introspection", 1, web.NewCall("/oauth/introspect", url.Values{"token": {tokens.Text("access_token")}}), 200)
	machine := i.Client("machine")
	cost("client_credentials warms up", 2, machine.NewCall("/oauth/token", url.Values{"grant_type": {"client_credentials"}}), 200)
	cost("client_credentials", 0, machine.NewCall("/oauth/token", url.Values{"grant_type": {"client_credentials"}}), 200)
}

// TestScopesDecideTheClaims is PROTOCOL.md B-7 to B-13.
func TestScopesDecideTheClaims(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	web := i.Client("web")
	profile := []string{
		"birthdate", "family_name", "gender", "given_name", "locale", "middle_name", "name", "nickname", "picture",
		"preferred_username", "profile", "updated_at", "website", "zoneinfo",
	}
	for _, c := range []struct {
		name, scope string
		want        []string
	}{
		{"B-6 openid", "openid", nil},
		{"B-7 profile", "openid profile", profile},
		{"B-8 email", "openid email", []string{"email", "email_verified"}},
		{"B-9 address", "openid address", []string{"address"}},
		{"B-10 phone", "openid phone", []string{"phone_number", "phone_number_verified"}},
		{"B-11 all", "openid profile email address phone", append([]string{"address", "email", "email_verified", "phone_number", "phone_number_verified"}, profile...)},
		{"B-12 any order", "phone address email profile openid", append([]string{"address", "email", "email_verified", "phone_number", "phone_number_verified"}, profile...)},
	} {
		t.Run(c.name, func(t *testing.T) {
			tokens := web.Tokens(url.Values{"scope": {c.scope}})
			info := web.Userinfo(tokens.Text("access_token"))
			want := map[string]bool{"sub": true}
			for _, name := range c.want {
				want[name] = true
			}
			got := map[string]bool{}
			for name := range info.Body {
				got[name] = true
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("claims in userinfo (-want +got):\n%s", diff)
			}
			for name := range idp.Claims(t, tokens.Text("id_token")) {
				if want[name] && name != "sub" {
					t.Errorf("C-14: the ID token carries %s, which belongs into userinfo", name)
				}
			}
		})
	}
}
