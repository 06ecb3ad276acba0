package provider_test

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

// events counts the facts of a type in the default tenant.
func events(t *testing.T, i *idp.IDP, kind lanyard.EventType) int {
	t.Helper()
	all, err := i.Scope().Events(t.Context(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range all {
		if e.Type == kind {
			n++
		}
	}
	return n
}

// parallel does n calls at once and gives their answers.
func parallel(t *testing.T, n int, call func() idp.Answer) []idp.Answer {
	t.Helper()
	answers := make([]idp.Answer, n)
	start := make(chan struct{})
	var group sync.WaitGroup
	for at := range answers {
		group.Go(func() {
			<-start
			answers[at] = call()
		})
	}
	close(start)
	group.Wait()
	return answers
}

// TestTokenAnswer is PROTOCOL.md C-6, C-8 to C-12, B-1, B-3 and ATTACKS.md 44 and 52.
func TestTokenAnswer(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	for id, alg := range map[string]string{"web": "RS256", "post": "RS256", "claims": "ES256", "spa": "RS256", "special:id": "RS256"} {
		t.Run(id, func(t *testing.T) {
			client := i.Client(id)
			code := client.Code(i.Browser(), ada, adaPassword, one("scope", "openid email offline_access"))
			if len(code)*6 < 128 || entropy(code) <= 96 {
				t.Errorf("C-6: the code %q is too weak", code)
			}
			a := client.Exchange(code, nil)
			if a.Status != http.StatusOK || !contains(a.Header.Get("Content-Type"), "application/json") {
				t.Fatal(a.Status, a.Raw)
			}
			if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Pragma") != "no-cache" {
				t.Errorf("44: %v", a.Header)
			}
			if expires, _ := a.Body["expires_in"].(float64); expires <= 0 || expires > 365*24*3600 {
				t.Errorf("C-8: expires_in is %v", a.Body["expires_in"])
			}
			if a.Text("token_type") != "Bearer" || entropy(a.Text("access_token")) <= 96 || entropy(a.Text("refresh_token")) <= 128 {
				t.Errorf("B-33: %s", a.Raw)
			}
			header, claims, now := idp.Header(t, a.Text("id_token")), idp.Claims(t, a.Text("id_token")), float64(i.Clock.Now().Unix())
			if header["alg"] != alg || header["kid"] == "" || header["kid"] == nil || header["typ"] != "JWT" {
				t.Errorf("B-3: header %v", header)
			}
			if claims["iss"] != i.Issuer || claims["aud"] != client.ID || claims["azp"] != client.ID || claims["sub"] != "ada-subject" {
				t.Errorf("C-10: %v", claims)
			}
			if claims["exp"].(float64) <= now || math.Abs(claims["iat"].(float64)-now) > 300 || claims["auth_time"].(float64) > now {
				t.Errorf("C-10: %v", claims)
			}
			if claims["nonce"] != "a-nonce" || claims["at_hash"] == nil || claims["sid"] == nil || claims["acr"] != "1" {
				t.Errorf("52: %v", claims)
			}
		})
	}
}

func entropy(s string) float64 {
	counts := map[rune]float64{}
	for _, r := range s {
		counts[r]++
	}
	bits := 0.0
	for _, n := range counts {
		p := n / float64(len(s))
		bits -= p * math.Log2(p)
	}
	return bits * float64(len(s))
}

// TestCodeIsSpentOnce is ATTACKS.md 37 and 38, PROTOCOL.md B-25 and B-26.
func TestCodeIsSpentOnce(t *testing.T) {
	onBothDatabases(t, func(t *testing.T, i *idp.IDP) {
		web := i.Client("web")
		t.Run("again", func(t *testing.T) {
			code := web.Code(i.Browser(), ada, adaPassword, nil)
			first := web.Exchange(code, nil)
			if info := web.Userinfo(first.Text("access_token")); info.Status != http.StatusOK {
				t.Fatal(info.Raw)
			}
			wantError(t, web.Exchange(code, nil), http.StatusBadRequest, "invalid_grant")
			if info := web.Userinfo(first.Text("access_token")); info.Status != http.StatusUnauthorized {
				t.Errorf("B-26: userinfo answered %d after the code was used again", info.Status)
			}
			wantError(t, web.Refresh(first.Text("refresh_token"), nil), http.StatusBadRequest, "invalid_grant")
			if n := events(t, i, lanyard.EventCodeReplayed); n != 1 {
				t.Errorf("%d events of a replay", n)
			}
		})
		t.Run("at once", func(t *testing.T) {
			for range testkit.Rounds(10, 50) {
				code := web.Code(i.Browser(), ada, adaPassword, nil)
				won := 0
				for _, a := range parallel(t, 32, func() idp.Answer { return web.Exchange(code, nil) }) {
					if a.Status == http.StatusOK {
						won++
					} else {
						wantError(t, a, http.StatusBadRequest, "invalid_grant")
					}
				}
				if won != 1 {
					t.Fatalf("%d redemptions won", won)
				}
			}
		})
	})
}

// TestFailedBindingLeavesTheCode is ATTACKS.md 28 and 40.
func TestFailedBindingLeavesTheCode(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	web, third := i.Client("web"), i.Client("third")
	wrong := map[string]func(code string) idp.Answer{
		"verifier":       func(code string) idp.Answer { return web.Exchange(code, one("code_verifier", idp.Verifier+"x")) },
		"no verifier":    func(code string) idp.Answer { return web.Exchange(code, url.Values{"code_verifier": nil}) },
		"short verifier": func(code string) idp.Answer { return web.Exchange(code, one("code_verifier", "x")) },
		"redirect_uri": func(code string) idp.Answer {
			return web.Exchange(code, one("redirect_uri", "https://app.example.test/cb2"))
		},
		"another client":   func(code string) idp.Answer { return third.Exchange(code, nil) },
		"another redirect": func(code string) idp.Answer { return third.Exchange(code, one("redirect_uri", web.Redirect)) },
	}
	for name, try := range wrong {
		t.Run(name, func(t *testing.T) {
			code := web.Code(i.Browser(), ada, adaPassword, nil)
			for range 4 {
				wantError(t, try(code), http.StatusBadRequest, "invalid_grant")
			}
			impostor := *web
			impostor.Secret = strings.Repeat("wrong", 8)
			wantError(t, impostor.Exchange(code, nil), http.StatusUnauthorized, "invalid_client")
			if a := web.Exchange(code, nil); a.Status != http.StatusOK {
				t.Errorf("the owner got %d %s", a.Status, a.Raw)
			}
		})
	}
	t.Run("the fifth burns it", func(t *testing.T) {
		code := web.Code(i.Browser(), ada, adaPassword, nil)
		for range 7 {
			wantError(t, web.Exchange(code, one("code_verifier", idp.Verifier+"x")), http.StatusBadRequest, "invalid_grant")
		}
		wantError(t, web.Exchange(code, nil), http.StatusBadRequest, "invalid_grant")
		if n := events(t, i, lanyard.EventCodeBurned); n != 1 {
			t.Errorf("%d events of a burned code", n)
		}
		if n := events(t, i, lanyard.EventCodeReplayed); n != 0 {
			t.Errorf("a burned code made %d events of a replay", n)
		}
	})
	t.Run("verifier without a challenge", func(t *testing.T) {
		nopkce := i.Client("nopkce")
		code := nopkce.Code(i.Browser(), ada, adaPassword, one("code_challenge", "", "code_challenge_method", ""))
		wantError(t, nopkce.Exchange(code, nil), http.StatusBadRequest, "invalid_grant")
		if a := nopkce.Exchange(code, url.Values{"code_verifier": nil}); a.Status != http.StatusOK {
			t.Error(a.Raw)
		}
	})
}

// TestCodeDiesWithWhatItStandsFor is ATTACKS.md 41.
func TestCodeDiesWithWhatItStandsFor(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	web := i.Client("web")
	disable := func(t *testing.T, id string, disabled bool) {
		t.Helper()
		c, err := i.Scope().Client(t.Context(), lanyard.ClientID(id))
		if err != nil {
			t.Fatal(err)
		}
		c.Disabled = disabled
		if err := i.Scope().PutClient(t.Context(), *c); err != nil {
			t.Fatal(err)
		}
		if err := i.Scope().BumpRevision(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		break_, mend func(t *testing.T, b *idp.Browser)
		code         string
		status       int
	}{
		"60 seconds": {func(*testing.T, *idp.Browser) { i.Clock.Advance(61 * time.Second) }, nil, "invalid_grant", 400},
		"user disabled": {
			func(t *testing.T, _ *idp.Browser) { setDisabled(t, i, ada, true) },
			func(t *testing.T, _ *idp.Browser) { setDisabled(t, i, ada, false) }, "invalid_grant", 400,
		},
		"signed out": {func(t *testing.T, b *idp.Browser) {
			page := b.Get("/oauth/logout")
			b.Press(page, "logout-confirm", nil)
		}, nil, "invalid_grant", 400},
		"client disabled": {
			func(t *testing.T, _ *idp.Browser) { disable(t, "web", true) },
			func(t *testing.T, _ *idp.Browser) { disable(t, "web", false) }, "invalid_client", 401,
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := i.Browser()
			code := web.Code(b, ada, adaPassword, nil)
			before, err := i.Store.CountRows(t.Context(), "grants")
			if err != nil {
				t.Fatal(err)
			}
			c.break_(t, b)
			wantError(t, web.Exchange(code, nil), c.status, c.code)
			after, err := i.Store.CountRows(t.Context(), "grants")
			if err != nil || after != before {
				t.Errorf("%d grants, before %d (%v)", after, before, err)
			}
			if c.mend != nil {
				c.mend(t, b)
			}
		})
	}
}

func setDisabled(t *testing.T, i *idp.IDP, email string, disabled bool) {
	t.Helper()
	u, err := i.Scope().UserByEmail(t.Context(), email)
	if err != nil {
		t.Fatal(err)
	}
	u.Disabled = disabled
	if err := i.Scope().UpdateUser(t.Context(), u); err != nil {
		t.Fatal(err)
	}
}

// TestTokenEndpointRefusesOddRequests is ATTACKS.md 43, 46, 47, 49, 76 (assertions), 89, 91, 232 and PROTOCOL.md C-9.
func TestTokenEndpointRefusesOddRequests(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	web, machine := i.Client("web"), i.Client("machine")
	form := one("grant_type", "client_credentials")
	send := func(change func(r *http.Request)) idp.Answer {
		t.Helper()
		r := machine.NewCall("/oauth/token", form)
		change(r)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		return idp.ReadAnswer(t, answer)
	}
	body := func(text, contentType string) func(r *http.Request) {
		return func(r *http.Request) {
			fresh := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(text))
			r.Body, r.ContentLength = fresh.Body, fresh.ContentLength
			r.Header.Set("Content-Type", contentType)
		}
	}
	const encoded = "application/x-www-form-urlencoded"
	for name, c := range map[string]struct {
		change func(r *http.Request)
		status int
		code   string
	}{
		"43 JSON":                  {body(`{"grant_type":"client_credentials"}`, "application/json"), 400, "invalid_request"},
		"43 multipart":             {body("x", "multipart/form-data; boundary=x"), 400, "invalid_request"},
		"43 no type":               {func(r *http.Request) { r.Header.Del("Content-Type") }, 400, "invalid_request"},
		"232 compressed":           {func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }, 415, "unsupported_media_type"},
		"query":                    {func(r *http.Request) { r.URL.RawQuery = "grant_type=client_credentials" }, 400, "invalid_request"},
		"repeated":                 {body("grant_type=client_credentials&grant_type=client_credentials", encoded), 400, "invalid_request"},
		"NUL":                      {body("grant_type=client_credentials&scope=%00", encoded), 400, "invalid_request"},
		"bad UTF-8":                {body("grant_type=client_credentials&scope=%ff", encoded), 400, "invalid_request"},
		"bad escape":               {body("grant_type=client_credentials&scope=%zz", encoded), 400, "invalid_request"},
		"no grant type":            {body("x=y", encoded), 400, "invalid_request"},
		"too large":                {body("grant_type=client_credentials&x="+strings.Repeat("x", 70_000), encoded), 413, "too_large"},
		"46 basic and post":        {body("grant_type=client_credentials&client_id=machine&client_secret="+machine.Secret, encoded), 400, "invalid_request"},
		"46 basic and assertion":   {body("grant_type=client_credentials&client_assertion=x&client_assertion_type=y", encoded), 400, "invalid_request"},
		"47 another client_id":     {body("grant_type=client_credentials&client_id=web", encoded), 400, "invalid_request"},
		"49 password":              {body("grant_type=password&username=ada&password=x", encoded), 400, "unsupported_grant_type"},
		"49 implicit":              {body("grant_type=implicit", encoded), 400, "unsupported_grant_type"},
		"49 exchange":              {body("grant_type=urn:ietf:params:oauth:grant-type:token-exchange", encoded), 400, "unauthorized_client"},
		"49 jwt-bearer":            {body("grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=x", encoded), 400, "unsupported_grant_type"},
		"49 device":                {body("grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code=x", encoded), 400, "unauthorized_client"},
		"49 not allowed":           {body("grant_type=authorization_code&code=x&redirect_uri=y", encoded), 400, "unauthorized_client"},
		"no client":                {func(r *http.Request) { r.Header.Del("Authorization") }, 401, "invalid_client"},
		"wrong secret":             {func(r *http.Request) { r.SetBasicAuth("machine", "wrong") }, 401, "invalid_client"},
		"unknown client":           {func(r *http.Request) { r.SetBasicAuth("nobody", "wrong") }, 401, "invalid_client"},
		"disabled client":          {func(r *http.Request) { r.SetBasicAuth("off", i.Client("off").Secret) }, 401, "invalid_client"},
		"secret of another client": {func(r *http.Request) { r.SetBasicAuth("machine", url.QueryEscape(web.Secret)) }, 401, "invalid_client"},
		"empty secret":             {func(r *http.Request) { r.SetBasicAuth("machine", "") }, 401, "invalid_client"},
		"malformed basic":          {func(r *http.Request) { r.Header.Set("Authorization", "Basic !!!") }, 401, "invalid_client"},
		"bearer":                   {func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, 401, "invalid_client"},
		"two headers":              {func(r *http.Request) { r.Header.Add("Authorization", "Basic eDp5") }, 400, "invalid_request"},
		"bad escape in basic":      {func(r *http.Request) { r.SetBasicAuth("machine", "%zz") }, 401, "invalid_client"},
		"id alone": {func(r *http.Request) {
			body("grant_type=client_credentials&client_id=machine", encoded)(r)
			r.Header.Del("Authorization")
		}, 401, "invalid_client"},
	} {
		t.Run(name, func(t *testing.T) {
			a := send(c.change)
			wantError(t, a, c.status, c.code)
			if c.status == http.StatusUnauthorized && !contains(a.Header.Get("WWW-Authenticate"), "Basic") {
				t.Errorf("WWW-Authenticate is %q", a.Header.Get("WWW-Authenticate"))
			}
			for _, r := range a.Text("error_description") {
				if r < 0x20 || r > 0x7e || r == '"' || r == '\\' {
					t.Errorf("error_description has %q", r)
				}
			}
		})
	}
	t.Run("GET", func(t *testing.T) {
		answer, err := http.Get(i.Issuer + "/oauth/token?" + form.Encode()) //nolint:noctx // a test
		if err != nil {
			t.Fatal(err)
		}
		if a := idp.ReadAnswer(t, answer); a.Status != http.StatusMethodNotAllowed {
			t.Errorf("answered %d", a.Status)
		}
	})
	t.Run("49 public client", func(t *testing.T) {
		wantError(t, i.Client("spa").Call("/oauth/token", form), http.StatusBadRequest, "unauthorized_client")
	})
	t.Run("119 wrong secrets never block the right one", func(t *testing.T) {
		impostor := *machine
		impostor.Secret = strings.Repeat("wrong", 8)
		throttled := false
		for range 40 {
			throttled = throttled || impostor.Call("/oauth/token", form).Header.Get("Retry-After") != ""
		}
		if !throttled {
			t.Error("wrong secrets are not counted")
		}
		if a := machine.Call("/oauth/token", form); a.Status != http.StatusOK {
			t.Errorf("the right secret got %d %s", a.Status, a.Raw)
		}
	})
}

// TestMachineTokens is ATTACKS.md 229 and the audience rules of a client without a person.
func TestMachineTokens(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	machine := i.Client("machine")
	get := func(more url.Values) idp.Answer {
		form := one("grant_type", "client_credentials")
		for name, values := range more {
			form[name] = values
		}
		return machine.Call("/oauth/token", form)
	}
	a := get(nil)
	claims, header := idp.Claims(t, a.Text("access_token")), idp.Header(t, a.Text("access_token"))
	if header["typ"] != "at+jwt" || claims["aud"] != "https://api.example.test/" || claims["sub"] != "machine" || claims["client_id"] != "machine" || claims["scope"] != "read" {
		t.Errorf("%v %v", header, claims)
	}
	if a.Text("refresh_token") != "" || a.Text("id_token") != "" {
		t.Error("a machine got tokens of a person")
	}
	a = get(one("resource", "HTTPS://FILES.example.test", "scope", "files"))
	if claims := idp.Claims(t, a.Text("access_token")); claims["aud"] != "https://files.example.test" || idp.Header(t, a.Text("access_token"))["alg"] != "ES256" {
		t.Errorf("%v", claims)
	}
	wantError(t, get(one("scope", "write")), http.StatusBadRequest, "invalid_scope")
	wantError(t, get(one("scope", "openid")), http.StatusBadRequest, "invalid_scope")
	wantError(t, get(one("scope", "files")), http.StatusBadRequest, "invalid_scope")
	wantError(t, get(one("resource", "https://unknown.example.test/")), http.StatusBadRequest, "invalid_target")
	wantError(t, get(one("resource", i.Issuer)), http.StatusBadRequest, "invalid_target")
	opaque := get(one("resource", "urn:example:ledger"))
	if !strings.HasPrefix(opaque.Text("access_token"), "at_") {
		t.Fatalf("an opaque resource got %s", opaque.Raw)
	}
	for _, token := range []string{a.Text("access_token"), opaque.Text("access_token")} {
		if in := machine.Call("/oauth/introspect", one("token", token)); in.Body["active"] != true || in.Text("sub") != "machine" {
			t.Errorf("introspection says %s", in.Raw)
		}
		if u := machine.Userinfo(token); u.Status != http.StatusForbidden {
			t.Errorf("userinfo answered a machine %d", u.Status)
		}
		if r := machine.Call("/oauth/revoke", one("token", token)); r.Status != http.StatusOK {
			t.Error(r.Raw)
		}
		if in := machine.Call("/oauth/introspect", one("token", token)); in.Body["active"] != false || len(in.Body) != 1 {
			t.Errorf("after revocation: %s", in.Raw)
		}
	}
}

// TestAudienceOfAccessTokens is DESIGN.md section 5 with RFC 8707.
func TestAudienceOfAccessTokens(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	const api, files, ledger = "https://api.example.test/", "https://files.example.test", "urn:example:ledger"
	aud := func(token string) string {
		if strings.HasPrefix(token, "at_") {
			return "opaque"
		}
		return fmt.Sprint(idp.Claims(t, token)["aud"])
	}
	for _, c := range []struct {
		name, client    string
		authorize       url.Values
		exchange        url.Values
		want, wantScope string
		userinfo        int
	}{
		{"openid alone", "web", one("scope", "openid email"), nil, "opaque", "openid email", 200},
		{"a resource", "web", one("scope", "openid read write", "resource", api), nil, api, "read write", 403},
		{"spelling", "web", one("scope", "openid read", "resource", "HTTPS://API.Example.Test/"), nil, api, "read", 403},
		{"an opaque resource", "web", one("scope", "openid ledger", "resource", ledger), nil, "opaque", "ledger", 403},
		{"two resources", "web", url.Values{"scope": {"openid read files"}, "resource": {api, files}}, nil, fmt.Sprint([]any{api, files}), "read files", 403},
		{"narrowed", "web", url.Values{"scope": {"openid read files"}, "resource": {api, files}}, one("resource", files), files, "files", 403},
		{"narrowed to userinfo", "web", one("scope", "openid read", "resource", api), one("resource", i.Issuer), "opaque", "openid", 200},
		{"default resource of the client", "api-default", one("scope", "openid files"), nil, fmt.Sprint([]any{files, i.Issuer}), "openid files", 200},
		{"default resource without openid", "api-default", one("scope", "files"), nil, files, "files", 403},
		{"default resource of the tenant", "web", one("scope", "read"), nil, api, "read", 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := i.Client(c.client)
			a := client.Exchange(client.Code(i.Browser(), ada, adaPassword, c.authorize), c.exchange)
			token := a.Text("access_token")
			if got := aud(token); got != c.want || a.Text("scope") != c.wantScope {
				t.Errorf("audience %s, scope %q; want %s, %q", got, a.Text("scope"), c.want, c.wantScope)
			}
			if got := client.Userinfo(token).Status; got != c.userinfo {
				t.Errorf("userinfo answered %d, want %d", got, c.userinfo)
			}
			if in := client.Call("/oauth/introspect", one("token", token)); in.Body["active"] != true || in.Text("scope") != c.wantScope {
				t.Errorf("introspection says %s", in.Raw)
			}
			if (a.Text("id_token") != "") != contains(c.authorize.Get("scope"), "openid") {
				t.Error("an ID token comes with openid and only with it")
			}
		})
	}
	web := i.Client("web")
	code := web.Code(i.Browser(), ada, adaPassword, one("scope", "openid read", "resource", api))
	wantError(t, web.Exchange(code, one("resource", files)), http.StatusBadRequest, "invalid_target")
	a := web.Exchange(code, nil)
	wantError(t, web.Refresh(a.Text("refresh_token"), one("resource", files)), http.StatusBadRequest, "invalid_target")
	b := web.Refresh(a.Text("refresh_token"), one("resource", i.Issuer))
	if aud(b.Text("access_token")) != "opaque" {
		t.Error("refreshing for userinfo gave", aud(b.Text("access_token")))
	}
}

// TestStorageOutageIsNotAVerdict is ATTACKS.md 50 and 70: 503, and nothing that looks like a refusal.
func TestStorageOutageIsNotAVerdict(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	web, b := i.Client("web"), i.Browser()
	tokens := web.Tokens(nil)
	code := web.Code(b, ada, adaPassword, nil)
	if err := i.Store.Close(); err != nil {
		t.Fatal(err)
	}
	for name, a := range map[string]idp.Answer{
		"exchange":      web.Exchange(code, nil),
		"refresh":       web.Refresh(tokens.Text("refresh_token"), nil),
		"revoke":        web.Call("/oauth/revoke", one("token", tokens.Text("refresh_token"))),
		"introspection": web.Call("/oauth/introspect", one("token", tokens.Text("access_token"))),
		"userinfo":      web.Userinfo(tokens.Text("access_token")),
	} {
		if a.Status != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
			t.Errorf("%s answered %d %s", name, a.Status, a.Raw)
		}
	}
	if page := b.Get(web.Authorize(nil)); page.Status != http.StatusServiceUnavailable {
		t.Errorf("authorize answered %s", page)
	}
	for _, path := range []string{"/.well-known/openid-configuration", "/oauth/jwks"} {
		if page := b.Get(path); page.Status != http.StatusOK {
			t.Errorf("272: %s answered %s", path, page)
		}
	}
}
