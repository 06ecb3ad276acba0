package provider_test

import (
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/internal/testkit/idp"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/keys"
)

func send(t *testing.T, i *idp.IDP, method, target string, change func(*http.Request)) idp.Answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, target, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	answer, _ := i.Do(r)
	return idp.ReadAnswer(t, answer)
}

// TestDiscovery is PROTOCOL.md C-1, C-3, B-4, D-1, D-2, D-3, D-4, D-5 and D-6, RFC 8414.
func TestDiscovery(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	forms := map[string][]string{
		i.Issuer:             {"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"},
		i.Issuer + "/t/acme": {"/t/acme/.well-known/openid-configuration", "/t/acme/.well-known/oauth-authorization-server", "/.well-known/openid-configuration/t/acme", "/.well-known/oauth-authorization-server/t/acme"},
	}
	for issuer, paths := range forms {
		want := ""
		for _, path := range paths {
			a := send(t, i, http.MethodGet, i.Issuer+path, nil)
			if a.Status != http.StatusOK || !contains(a.Header.Get("Content-Type"), "application/json") || a.Text("issuer") != issuer {
				t.Fatalf("%s: %d %s", path, a.Status, a.Raw)
			}
			if want == "" {
				want = a.Raw
			}
			if a.Raw != want {
				t.Errorf("%s is not byte for byte the same", path)
			}
			if again := send(t, i, http.MethodGet, i.Issuer+path, func(r *http.Request) { r.Header.Set("If-None-Match", a.Header.Get("ETag")) }); again.Status != http.StatusNotModified {
				t.Errorf("%s with its ETag answered %d", path, again.Status)
			}
			for _, name := range []string{"authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "introspection_endpoint", "revocation_endpoint", "end_session_endpoint", "device_authorization_endpoint"} {
				if !strings.HasPrefix(a.Text(name), issuer+"/oauth/") {
					t.Errorf("%s is %v", name, a.Body[name])
				}
			}
			for name, member := range map[string]string{
				"response_types_supported": "code", "subject_types_supported": "public", "id_token_signing_alg_values_supported": "RS256",
				"token_endpoint_auth_methods_supported": "client_secret_post", "scopes_supported": "openid", "claims_supported": "sub",
				"code_challenge_methods_supported": "S256", "grant_types_supported": "refresh_token", "response_modes_supported": "form_post",
				"acr_values_supported": "1",
			} {
				list, _ := a.Body[name].([]any)
				if !holds(list, member) {
					t.Errorf("%s is %v", name, a.Body[name])
				}
			}
			for _, never := range []string{"request_object_signing_alg_values_supported", "registration_endpoint", "check_session_iframe"} {
				if _, found := a.Body[never]; found {
					t.Errorf("%s is advertised", never)
				}
			}
			if a.Body["request_parameter_supported"] != false || a.Body["request_uri_parameter_supported"] != false || a.Body["claims_parameter_supported"] != true {
				t.Error("the parameters are advertised wrongly")
			}
		}
	}
	for _, path := range []string{"/.well-known/openid-configuration/", "/.well-known/openid-configuration/t/nobody", "/t/nobody/.well-known/openid-configuration", "/t/default/.well-known/openid-configuration"} {
		if a := send(t, i, http.MethodGet, i.Issuer+path, nil); a.Status != http.StatusNotFound {
			t.Errorf("%s answered %d", path, a.Status)
		}
	}
}

func holds(list []any, want string) bool {
	for _, v := range list {
		if v == want {
			return true
		}
	}
	return false
}

// TestJWKSHasPublicKeysOnly is PROTOCOL.md C-2, ATTACKS.md 88.
func TestJWKSHasPublicKeysOnly(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	a := send(t, i, http.MethodGet, i.Issuer+"/oauth/jwks", nil)
	list, _ := a.Body["keys"].([]any)
	if len(list) < 4 || a.Header.Get("ETag") == "" || !contains(a.Header.Get("Cache-Control"), "max-age=") {
		t.Fatalf("%v %s", a.Header, a.Raw)
	}
	kids := map[any]bool{}
	for _, k := range list {
		key, _ := k.(map[string]any)
		for name := range key {
			if !holds([]any{"kty", "kid", "use", "alg", "n", "e", "crv", "x", "y"}, name) {
				t.Errorf("a key has %s", name)
			}
		}
		if key["kid"] == nil || kids[key["kid"]] || key["use"] != "sig" || key["alg"] == nil || key["kty"] == "oct" {
			t.Errorf("%v", key)
		}
		kids[key["kid"]] = true
	}
}

// TestForgedTokensAreRefused is ATTACKS.md 53, 76, 77, 80, 82, 83 and 203 at the entry
// points that take a JWT of ours: userinfo, introspection, the hints of authorize and logout.
func TestForgedTokensAreRefused(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	web := i.Client("web")
	tokens := web.Tokens(one("scope", "openid files", "resource", "https://files.example.test"))
	hybrid := i.Client("api-default").Tokens(one("scope", "openid files"))
	acme := web.At(i.Issuer + "/t/acme")
	foreign := acme.Exchange(acme.Code(i.Browser(), ada, "another-tenants-ada", nil), nil)

	jwks := send(t, i, http.MethodGet, i.Issuer+"/oauth/jwks", nil)
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(jwks.Raw), &set); err != nil {
		t.Fatal(err)
	}
	access := map[string]string{"no dots": "garbage", "other tenant": foreign.Text("access_token"), "other tenant's ID token": foreign.Text("id_token")}
	for name, token := range forgeries(t, hybrid.Text("access_token"), set) {
		access[name] = token
	}
	for name, token := range access {
		if a := web.Userinfo(token); a.Status != http.StatusUnauthorized {
			t.Errorf("userinfo took %s: %d %s", name, a.Status, a.Raw)
		}
		if a := i.Client("api-default").Call("/oauth/introspect", one("token", token)); a.Body["active"] != false {
			t.Errorf("introspection took %s: %s", name, a.Raw)
		}
	}
	hints := forgeries(t, tokens.Text("id_token"), set)
	hints["access token"] = tokens.Text("access_token")
	hints["other tenant"] = foreign.Text("id_token")
	for name, hint := range hints {
		b := i.Browser()
		wantAway(t, b.Get(web.Authorize(one("id_token_hint", hint))), "invalid_request")
		if page := b.Get("/oauth/logout?" + one("id_token_hint", hint).Encode()); page.Status != http.StatusBadRequest {
			t.Errorf("logout took %s: %s", name, page)
		}
	}
	wantError(t, acme.Refresh(tokens.Text("refresh_token"), nil), http.StatusBadRequest, "invalid_grant")
	if a := acme.Userinfo(web.Tokens(nil).Text("access_token")); a.Status != http.StatusUnauthorized {
		t.Errorf("203: a token of the default tenant opens acme: %d", a.Status)
	}
}

// forgeries makes bad tokens out of a good one.
func forgeries(t *testing.T, good string, set jose.JSONWebKeySet) map[string]string {
	t.Helper()
	parts := strings.Split(good, ".")
	header := idp.Header(t, good)
	enc := func(v map[string]any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	changed := func(name string, value any) map[string]any {
		out := map[string]any{}
		for k, v := range header {
			out[k] = v
		}
		out[name] = value
		return out
	}
	out := map[string]string{
		"none":            enc(changed("alg", "none")) + "." + parts[1] + ".",
		"nOnE":            enc(changed("alg", "nOnE")) + "." + parts[1] + ".",
		"no signature":    parts[0] + "." + parts[1] + ".",
		"swapped alg":     enc(changed("alg", "PS256")) + "." + parts[1] + "." + parts[2],
		"zero signature":  parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 64)),
		"unknown kid":     enc(changed("kid", "x")) + "." + parts[1] + "." + parts[2],
		"four parts":      good + ".x",
		"five parts":      "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAAA.AAAA.AAAA",
		"crit":            enc(changed("crit", []string{"x"})) + "." + parts[1] + "." + parts[2],
		"changed payload": parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"x"}`)) + "." + parts[2],
		"padding":         parts[0] + "." + parts[1] + "." + parts[2] + "=",
		"JSON form":       `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"huge":            parts[0] + "." + strings.Repeat("A", 60_000) + "." + parts[2],
	}
	own, err := keys.Generate("ES256")
	if err != nil {
		t.Fatal(err)
	}
	public := jose.JSONWebKey{Key: own.Public(), Algorithm: "ES256", Use: "sig"}
	for name, extra := range map[string]map[string]any{
		"77 jwk": {"jwk": public}, "77 jku": {"jku": "https://evil.example/jwks"}, "77 x5u": {"x5u": "https://evil.example/x"},
	} {
		h := map[string]any{"alg": "ES256", "typ": header["typ"], "kid": header["kid"]}
		for k, v := range extra {
			h[k] = v
		}
		text := enc(h) + "." + parts[1]
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: own}, nil)
		if err != nil {
			t.Fatal(err)
		}
		jws, err := signer.Sign([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		out[name] = text + "." + base64.RawURLEncoding.EncodeToString(jws.Signatures[0].Signature)
	}
	for _, k := range set.Keys {
		secrets := map[string][]byte{}
		switch key := k.Key.(type) {
		case *rsa.PublicKey:
			der, err := x509.MarshalPKIXPublicKey(key)
			if err != nil {
				t.Fatal(err)
			}
			secrets["HS256 with the PEM"] = pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
			secrets["HS256 with the modulus"] = key.N.Bytes()
		case *ecdsa.PublicKey:
			der, err := x509.MarshalPKIXPublicKey(key)
			if err != nil {
				t.Fatal(err)
			}
			secrets["HS256 with the DER"] = der
		}
		for name, secret := range secrets {
			text := enc(map[string]any{"alg": "HS256", "typ": header["typ"], "kid": k.KeyID}) + "." + parts[1]
			h := hmac.New(sha256.New, secret)
			h.Write([]byte(text))
			out[name] = text + "." + base64.RawURLEncoding.EncodeToString(h.Sum(nil))
		}
	}
	return out
}

// TestHostsAndPaths is ATTACKS.md 106, 235, 244 and 245.
func TestHostsAndPaths(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	port := strings.TrimPrefix(i.Issuer, "http://localhost")
	for _, host := range []string{"evil.example", "", "127.0.0.1" + port, "localhost", "localhost." + port, "localhost:1", "own.example.test.evil.example", "*", "OWN.example.test:80"} {
		a := send(t, i, http.MethodGet, i.Issuer+"/.well-known/openid-configuration", func(r *http.Request) { r.Host = host; r.URL.Host = host })
		if a.Status != http.StatusMisdirectedRequest || a.Header.Get("Location") != "" {
			t.Errorf("host %q answered %d", host, a.Status)
		}
	}
	own := send(t, i, http.MethodGet, i.Issuer+"/.well-known/openid-configuration", func(r *http.Request) { r.Host = "own.example.test" })
	if own.Text("issuer") != "http://own.example.test" {
		t.Errorf("the tenant with its own host says %s", own.Raw)
	}
	moved := send(t, i, http.MethodGet, i.Issuer+"/t/own/oauth/authorize?x=y", nil)
	if moved.Status != http.StatusFound || moved.Header.Get("Location") != "http://own.example.test/oauth/authorize?x=y" {
		t.Errorf("the path form of a tenant with a host answered %d to %q", moved.Status, moved.Header.Get("Location"))
	}
	if posted := send(t, i, http.MethodPost, i.Issuer+"/t/own/oauth/token", nil); posted.Status != http.StatusMisdirectedRequest || posted.Header.Get("Location") != "" {
		t.Errorf("a form to the path of a tenant with a host answered %d to %q", posted.Status, posted.Header.Get("Location"))
	}
	if odd := send(t, i, http.MethodGet, i.Issuer+"/t/own/oauth/authorize?x=%zz", nil); odd.Status != http.StatusNotFound || odd.Header.Get("Location") != "" {
		t.Errorf("a malformed query answered %d to %q", odd.Status, odd.Header.Get("Location"))
	}
	for _, path := range []string{"//evil.example/", "/%5cevil.example/", "/oauth//token", "/oauth/./token", "/oauth/../oauth/token", "/%2e%2e/oauth/jwks", "/oauth/token;x", "/OAUTH/TOKEN", "/oauth/token/", "/oauth%2ftoken", "/t/acme//oauth/jwks", "/t/acme/oauth%2fjwks", "/t/acme%2foauth/jwks", "/t/ACME/oauth/jwks", "/t//oauth/jwks", "/oauth/jwks%00", "/metrics", "/healthz", "/ready", "/debug/pprof/", "/dev/try", "/dev/outbox"} {
		target := &url.URL{Scheme: "http", Host: "localhost" + port, Opaque: ""}
		u, err := url.ParseRequestURI(path)
		if err != nil {
			continue
		}
		target.Path, target.RawPath = u.Path, u.RawPath
		r := &http.Request{Method: http.MethodGet, URL: target, Host: target.Host, Header: http.Header{}, Proto: "HTTP/1.1"}
		answer, _ := i.Do(r.WithContext(t.Context()))
		a := idp.ReadAnswer(t, answer)
		if a.Status != http.StatusNotFound && a.Status != http.StatusMethodNotAllowed && a.Status != http.StatusBadRequest || a.Header.Get("Location") != "" {
			t.Errorf("%s answered %d to %q", path, a.Status, a.Header.Get("Location"))
		}
	}
	plain := send(t, i, http.MethodGet, i.Issuer+"/.well-known/openid-configuration", nil)
	for _, header := range []string{"X-Forwarded-Proto: https", "X-Forwarded-Host: evil.example", "X-Forwarded-Prefix: //evil", "X-Forwarded-Uri: /x", "X-Rewrite-URL: /x", "X-Original-URL: /x", "Forwarded: host=evil.example", "X-HTTP-Method-Override: DELETE"} {
		name, value, _ := strings.Cut(header, ": ")
		a := send(t, i, http.MethodGet, i.Issuer+"/.well-known/openid-configuration", func(r *http.Request) { r.Header.Set(name, value) })
		if diff := cmp.Diff(plain.Raw, a.Raw); diff != "" || a.Status != plain.Status {
			t.Errorf("%s changes the answer: %s", header, diff)
		}
	}
}

// TestRouteTableHolds walks every route: ATTACKS.md 94, 100, 103, 107 and 206.
func TestRouteTableHolds(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	for _, route := range i.Handler.Routes {
		path := strings.NewReplacer(":name", "x", ":code", "x", "*", "x").Replace(route.Path)
		t.Run(route.Method+" "+route.Path, func(t *testing.T) {
			evil := send(t, i, route.Method, i.Issuer+path, func(r *http.Request) {
				r.Header.Set("Origin", "https://evil.example")
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			})
			allowed := evil.Header.Get("Access-Control-Allow-Origin")
			if allowed != "" && (route.CORS != web.CORSPublic || allowed != "*") || evil.Header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("103: a foreign origin is answered %q", allowed)
			}
			registered := send(t, i, route.Method, i.Issuer+path, func(r *http.Request) { r.Header.Set("Origin", "https://spa.example.test") })
			if got := registered.Header.Get("Access-Control-Allow-Origin"); (got == "https://spa.example.test") != (route.CORS == web.CORSRegistered) {
				t.Errorf("103: a registered origin is answered %q on a route that is %s", got, route.CORS)
			}
			if evil.Status >= 500 || registered.Status >= 500 {
				t.Errorf("answered %d and %d", evil.Status, registered.Status)
			}
			if route.Access == web.Development && evil.Status != http.StatusNotFound {
				t.Errorf("a development route answers %d", evil.Status)
			}
			if route.Method == http.MethodPost && route.CSRF == web.CSRFSameOrigin {
				for name, header := range map[string][2]string{
					"foreign origin": {"Origin", "https://evil.example"}, "null origin": {"Origin", "null"}, "cross-site": {"Sec-Fetch-Site", "cross-site"}, "same-site": {"Sec-Fetch-Site", "same-site"},
				} {
					a := send(t, i, route.Method, i.Issuer+path, func(r *http.Request) {
						r.Header.Set(header[0], header[1])
						r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
					})
					if a.Status != http.StatusForbidden {
						t.Errorf("100: %s answered %d", name, a.Status)
					}
				}
			}
			if contains(evil.Header.Get("Content-Type"), "text/html") {
				csp := evil.Header.Get("Content-Security-Policy")
				for _, want := range []string{"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action"} {
					if !contains(csp, want) {
						t.Errorf("107: the policy lacks %s: %s", want, csp)
					}
				}
				if contains(csp, "unsafe") || evil.Header.Get("X-Content-Type-Options") != "nosniff" {
					t.Errorf("107: %s", csp)
				}
			}
		})
	}
}

// TestCookieOfATenantIsWorthNothingAtAnother is ATTACKS.md 95 and 202.
func TestCookieOfATenantIsWorthNothingAtAnother(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	web, b := i.Client("web"), i.Browser()
	web.Code(b, ada, adaPassword, nil)
	acme := web.At(i.Issuer + "/t/acme")
	wantAway(t, b.Get(acme.Authorize(one("prompt", "none"))), "login_required")
	c := browserCookie(t, b)
	copied := i.Browser()
	copied.SetCookie(&http.Cookie{Name: c.Name + "-acme", Value: c.Value, Path: "/"})
	wantAway(t, copied.Get(acme.Authorize(one("prompt", "none"))), "login_required")
	code := web.Code(b, ada, adaPassword, nil)
	wantError(t, acme.Exchange(code, nil), http.StatusBadRequest, "invalid_grant")
	wantLocal(t, b.Get(i.Client("third").At(i.Issuer+"/t/acme").Authorize(nil)), "client_id")
	if a := web.Exchange(code, nil); a.Status != http.StatusOK {
		t.Errorf("the code was burned by another tenant: %s", a.Raw)
	}
}

// TestKeyRotationUnderOpenFlows: no flow that was open fails.
func TestKeyRotationUnderOpenFlows(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	web := i.Client("web")
	tokens := web.Tokens(one("scope", "openid files offline_access", "resource", "https://files.example.test"))
	code := web.Code(i.Browser(), ada, adaPassword, nil)
	b := i.Browser()
	resume := web.BeforeResume(b)
	published := send(t, i, http.MethodGet, i.Issuer+"/oauth/jwks", nil).Raw
	if err := i.Keeper.RotateNow(t.Context(), i.Scope(), keys.Life{KeepFor: 24 * 3600 * 1e9}, i.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	fresh := web.Exchange(code, nil)
	kid, _ := idp.Header(t, fresh.Text("id_token"))["kid"].(string)
	if kid == idp.Header(t, tokens.Text("id_token"))["kid"] {
		t.Error("the old key still signs")
	}
	if !contains(published, kid) {
		t.Error("the new key signs and was not published before")
	}
	if a := web.Refresh(tokens.Text("refresh_token"), nil); a.Status != http.StatusOK {
		t.Error(a.Raw)
	}
	if a := web.Call("/oauth/introspect", one("token", tokens.Text("access_token"))); a.Body["active"] != true {
		t.Errorf("a token of the retired key: %s", a.Raw)
	}
	wantAway(t, b.Get(resume), "")
	wantAway(t, b.Get(web.Authorize(one("prompt", "none", "id_token_hint", tokens.Text("id_token")))), "")
	i.Clock.Advance(3 * 1e9)
	if now := send(t, i, http.MethodGet, i.Issuer+"/oauth/jwks", nil).Raw; !contains(now, kid) || now == published {
		t.Error("the JWKS did not change")
	}
}
