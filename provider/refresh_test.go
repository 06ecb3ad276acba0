package provider_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
	"github.com/lanyard-id/lanyard/provider/token"
)

// TestRefresh is PROTOCOL.md B-33.
func TestRefresh(t *testing.T) {
	onBothDatabases(t, func(t *testing.T, i *idp.IDP) {
		web, third := i.Client("web"), i.Client("third")
		first := web.Tokens(one("scope", "openid email offline_access", "prompt", "consent"))
		i.Clock.Advance(2 * time.Second)
		second := web.Refresh(first.Text("refresh_token"), nil)
		if second.Status != http.StatusOK || second.Header.Get("Cache-Control") != "no-store" || second.Text("token_type") != "Bearer" {
			t.Fatal(second.Raw)
		}
		if second.Text("refresh_token") == first.Text("refresh_token") || second.Text("access_token") == first.Text("access_token") {
			t.Error("nothing new")
		}
		before, after := idp.Claims(t, first.Text("id_token")), idp.Claims(t, second.Text("id_token"))
		for _, same := range []string{"iss", "sub", "aud", "azp", "auth_time", "acr", "sid"} {
			if before[same] != after[same] {
				t.Errorf("68: %s was %v and is %v", same, before[same], after[same])
			}
		}
		if before["iat"] == after["iat"] || after["nonce"] != nil {
			t.Errorf("the ID token after a refresh says %v", after)
		}
		if u := web.Userinfo(second.Text("access_token")); u.Status != http.StatusOK {
			t.Error(u.Raw)
		}
		narrow := web.Refresh(second.Text("refresh_token"), one("scope", "openid"))
		if narrow.Text("scope") != "openid" || web.Userinfo(narrow.Text("access_token")).Text("email") != "" {
			t.Errorf("a narrowed refresh gave %q", narrow.Text("scope"))
		}
		wide := web.Refresh(narrow.Text("refresh_token"), nil)
		if wide.Text("scope") != "openid email offline_access" {
			t.Errorf("narrowing was kept: %q", wide.Text("scope"))
		}
		wantError(t, web.Refresh(wide.Text("refresh_token"), one("scope", "openid admin")), http.StatusBadRequest, "invalid_scope")
		wantError(t, web.Refresh(wide.Text("refresh_token"), one("scope", "openid phone")), http.StatusBadRequest, "invalid_scope")
		if a := web.Refresh(wide.Text("refresh_token"), nil); a.Status != http.StatusOK {
			t.Errorf("64: a refused scope cost the token: %s", a.Raw)
		}

		stolen := web.Tokens(nil)
		wantError(t, third.Refresh(stolen.Text("refresh_token"), nil), http.StatusBadRequest, "invalid_grant")
		wantError(t, web.Refresh(stolen.Text("refresh_token"), nil), http.StatusBadRequest, "invalid_grant")
		if n := events(t, i, lanyard.EventRefreshReplayed); n != 1 {
			t.Errorf("62: %d events", n)
		}
	})
}

// TestRefreshFamily is ATTACKS.md 56, 58 and 59 with the invariants S1, S2, S5 and S6.
func TestRefreshFamily(t *testing.T) {
	onBothDatabases(t, func(t *testing.T, i *idp.IDP) {
		web := i.Client("web")
		begin := func() (string, string) {
			t.Helper()
			first := web.Tokens(nil).Text("refresh_token")
			return first, web.Refresh(first, nil).Text("refresh_token")
		}
		dead := func(t *testing.T, tokens ...string) {
			t.Helper()
			for _, token := range tokens {
				wantError(t, web.Refresh(token, nil), http.StatusBadRequest, "invalid_grant")
			}
		}
		t.Run("a lost answer heals", func(t *testing.T) {
			first, second := begin()
			again := web.Refresh(first, nil)
			if again.Text("refresh_token") != second {
				t.Fatalf("another successor: %s", again.Raw)
			}
			if u := web.Userinfo(again.Text("access_token")); u.Status != http.StatusOK {
				t.Error("the new access token is dead")
			}
			if n := events(t, i, lanyard.EventRefreshRetried); n != 1 {
				t.Errorf("%d events of a retry", n)
			}
			i.Clock.Advance(token.RetryWindow - time.Second)
			if web.Refresh(first, nil).Text("refresh_token") != second {
				t.Error("the window is shorter than it should be")
			}
			if web.Refresh(second, nil).Status != http.StatusOK {
				t.Error("the successor is dead")
			}
		})
		t.Run("a retry does not extend the window", func(t *testing.T) {
			first, second := begin()
			i.Clock.Advance(20 * time.Second)
			web.Refresh(first, nil)
			i.Clock.Advance(11 * time.Second)
			dead(t, first, second)
		})
		t.Run("56 replay after the window", func(t *testing.T) {
			first, second := begin()
			i.Clock.Advance(token.RetryWindow + time.Second)
			dead(t, first, second)
		})
		t.Run("59 the successor's first use ends the window", func(t *testing.T) {
			first, second := begin()
			third := web.Refresh(second, nil).Text("refresh_token")
			dead(t, first, second, third)
		})
		t.Run("an invented token touches nothing", func(t *testing.T) {
			_, second := begin()
			forged := second[:len(second)-4] + "AAAA"
			dead(t, forged, "rt_", "rt_AAAA", strings.Repeat("x", 4000), second+"=", second+"\n")
			if web.Refresh(second, nil).Status != http.StatusOK {
				t.Error("the live token died of forged ones")
			}
		})
		t.Run("67 absolute end", func(t *testing.T) {
			live := web.Tokens(one("scope", "openid offline_access")).Text("refresh_token")
			for day := 0; day < 30; day += 6 {
				a := web.Refresh(live, nil)
				if a.Status != http.StatusOK {
					t.Fatalf("day %d: %s", day, a.Raw)
				}
				live = a.Text("refresh_token")
				i.Clock.Advance(6 * 24 * time.Hour)
			}
			dead(t, live)
		})
		t.Run("idle end", func(t *testing.T) {
			live := web.Tokens(one("scope", "openid offline_access")).Text("refresh_token")
			i.Clock.Advance(7*24*time.Hour + time.Second)
			dead(t, live)
		})
	})
}

// TestRotationRace is ATTACKS.md 55: one successor value over all answers.
func TestRotationRace(t *testing.T) {
	onBothDatabases(t, func(t *testing.T, i *idp.IDP) {
		web := i.Client("web")
		for range testkit.Rounds(10, 200) {
			first := web.Tokens(nil).Text("refresh_token")
			successors := map[string]bool{}
			for _, a := range parallel(t, 32, func() idp.Answer { return web.Refresh(first, nil) }) {
				if a.Status != http.StatusOK {
					t.Fatalf("a retry within the window got %d %s", a.Status, a.Raw)
				}
				successors[a.Text("refresh_token")] = true
			}
			if len(successors) != 1 {
				t.Fatalf("%d different successors", len(successors))
			}
		}
	})
}

// TestOfflineAccess is DESIGN.md section 5: without it a family ends with its session.
func TestOfflineAccess(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	web := i.Client("web")
	start := func(scope string) (*idp.Browser, idp.Answer) {
		b := i.Browser()
		return b, web.Exchange(web.Code(b, ada, adaPassword, one("scope", scope)), nil)
	}
	signOut := func(b *idp.Browser) { b.Press(b.Get("/oauth/logout"), "logout-confirm", nil) }
	b, online := start("openid")
	signOut(b)
	wantError(t, web.Refresh(online.Text("refresh_token"), nil), http.StatusBadRequest, "invalid_grant")
	if u := web.Userinfo(online.Text("access_token")); u.Status != http.StatusUnauthorized {
		t.Errorf("S7: userinfo after sign-out answered %d", u.Status)
	}
	if in := web.Call("/oauth/introspect", one("token", online.Text("access_token"))); in.Body["active"] != false {
		t.Errorf("S7: introspection after sign-out says %s", in.Raw)
	}
	b, offline := start("openid offline_access")
	signOut(b)
	if a := web.Refresh(offline.Text("refresh_token"), nil); a.Status != http.StatusOK {
		t.Errorf("an offline grant died with its session: %s", a.Raw)
	}
	_, online = start("openid")
	i.Clock.Advance(25 * time.Hour)
	wantError(t, web.Refresh(online.Text("refresh_token"), nil), http.StatusBadRequest, "invalid_grant")
	if a := i.Client("norefresh").Tokens(one("scope", "openid offline_access")); a.Text("refresh_token") != "" {
		t.Error("a client without the grant type got a refresh token")
	}
}

// TestDeadSubject is ATTACKS.md 65.
func TestDeadSubject(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	web := i.Client("web")
	tokens := web.Tokens(one("scope", "openid offline_access"))
	setDisabled(t, i, ada, true)
	wantError(t, web.Refresh(tokens.Text("refresh_token"), nil), http.StatusBadRequest, "invalid_grant")
	if u := web.Userinfo(tokens.Text("access_token")); u.Status != http.StatusUnauthorized {
		t.Errorf("userinfo answered %d", u.Status)
	}
}

// TestRevocation is ATTACKS.md 70 and 71, RFC 7009.
func TestRevocation(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	web, third := i.Client("web"), i.Client("third")
	revoke := func(c *idp.Client, token string) {
		t.Helper()
		if a := c.Call("/oauth/revoke", one("token", token)); a.Status != http.StatusOK {
			t.Errorf("revocation answered %d %s", a.Status, a.Raw)
		}
	}
	active := func(token string) bool {
		t.Helper()
		return web.Call("/oauth/introspect", one("token", token)).Body["active"] == true
	}
	tokens := web.Tokens(nil)
	access, refresh := tokens.Text("access_token"), tokens.Text("refresh_token")
	revoke(web, "unknown")
	revoke(web, "at_unknown")
	revoke(web, "rt_unknown")
	revoke(third, access)
	revoke(third, refresh)
	if !active(access) || !active(refresh) {
		t.Fatal("another client's revocation had an effect")
	}
	revoke(web, access)
	if active(access) || !active(refresh) {
		t.Error("revoking an access token ends it alone")
	}
	second := web.Refresh(refresh, nil)
	revoke(web, second.Text("refresh_token"))
	if active(second.Text("access_token")) || active(second.Text("refresh_token")) {
		t.Error("71: the grant's access tokens outlived the refresh token")
	}
	wantError(t, web.Refresh(second.Text("refresh_token"), nil), http.StatusBadRequest, "invalid_grant")
	jwt := web.Tokens(one("scope", "openid read", "resource", "https://api.example.test/")).Text("access_token")
	revoke(third, jwt)
	if !active(jwt) {
		t.Error("another client revoked a JWT")
	}
	revoke(web, jwt)
	if active(jwt) {
		t.Error("a revoked JWT is active")
	}
	spa := i.Client("spa")
	public := spa.Tokens(nil)
	revoke(spa, public.Text("refresh_token"))
	wantError(t, spa.Refresh(public.Text("refresh_token"), nil), http.StatusBadRequest, "invalid_grant")
	wantError(t, web.Call("/oauth/revoke", nil), http.StatusBadRequest, "invalid_request")
}

// TestIntrospectionTellsOnlyWhomItConcerns is RFC 7662 with PROTOCOL.md section 6.
func TestIntrospectionTellsOnlyWhomItConcerns(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	web, third, files := i.Client("web"), i.Client("third"), i.Client("https://files.example.test")
	tokens := web.Tokens(one("scope", "openid files", "resource", "https://files.example.test"))
	ask := func(c *idp.Client, token string) idp.Answer {
		return c.Call("/oauth/introspect", one("token", token))
	}
	for _, c := range []*idp.Client{web, files} {
		a := ask(c, tokens.Text("access_token"))
		if a.Body["active"] != true || a.Text("sub") != "ada-subject" || a.Text("client_id") != "web" || a.Text("aud") != "https://files.example.test" || a.Text("iss") != i.Issuer {
			t.Errorf("%s was told %s", c.ID, a.Raw)
		}
	}
	for name, a := range map[string]idp.Answer{
		"another client":            ask(third, tokens.Text("access_token")),
		"refresh token to resource": ask(files, tokens.Text("refresh_token")),
		"ID token":                  ask(web, tokens.Text("id_token")),
		"garbage":                   ask(web, "garbage"),
		"invented opaque":           ask(web, "at_"+strings.Repeat("A", 43)),
		"old refresh after rotation": func() idp.Answer {
			web.Refresh(tokens.Text("refresh_token"), nil)
			return ask(web, tokens.Text("refresh_token"))
		}(),
	} {
		if a.Status != http.StatusOK || a.Body["active"] != false || len(a.Body) != 1 {
			t.Errorf("%s was told %d %s", name, a.Status, a.Raw)
		}
	}
	i.Clock.Advance(11 * time.Minute)
	if a := ask(web, tokens.Text("access_token")); a.Body["active"] != false {
		t.Errorf("an expired token is %s", a.Raw)
	}
	wantError(t, i.Client("spa").Call("/oauth/introspect", one("token", "x")), http.StatusUnauthorized, "invalid_client")
}

// TestRefreshAgainstTheEnd is ATTACKS.md 61: a refresh that starts after the end was answered is refused.
func TestRefreshAgainstTheEnd(t *testing.T) {
	onBothDatabases(t, func(t *testing.T, i *idp.IDP) {
		web := i.Client("web")
		ends := map[string]func(tokens idp.Answer, b *idp.Browser){
			"revoke": func(tokens idp.Answer, _ *idp.Browser) {
				web.Call("/oauth/revoke", one("token", tokens.Text("refresh_token")))
			},
			"logout": func(tokens idp.Answer, b *idp.Browser) {
				b.Get("/oauth/logout?" + one("id_token_hint", tokens.Text("id_token")).Encode())
			},
		}
		for name, end := range ends {
			for range testkit.Rounds(10, 500) {
				b := i.Browser()
				tokens := web.Exchange(web.Code(b, ada, adaPassword, nil), nil)
				live := tokens.Text("refresh_token")
				var group sync.WaitGroup
				group.Go(func() { live = web.Refresh(live, nil).Text("refresh_token") })
				group.Go(func() { end(tokens, b) })
				group.Wait()
				if live == "" {
					live = tokens.Text("refresh_token")
				}
				if a := web.Refresh(live, nil); a.Status == http.StatusOK {
					t.Fatalf("%s was answered, and a later refresh won", name)
				}
			}
		}
	})
}

// TestUserinfoRefusesOddCalls is PROTOCOL.md B-5 and ATTACKS.md 53 and 74.
func TestUserinfoRefusesOddCalls(t *testing.T) {
	i := idp.Start(t, idp.Options{})
	web := i.Client("web")
	tokens := web.Tokens(nil)
	access := tokens.Text("access_token")
	call := func(method, query string, form url.Values, headers ...string) idp.Answer {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, i.Issuer+"/oauth/userinfo"+query, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range headers {
			r.Header.Add("Authorization", h)
		}
		if form != nil {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		return idp.ReadAnswer(t, answer)
	}
	for name, c := range map[string]struct {
		a         idp.Answer
		status    int
		challenge string
	}{
		"GET":                  {call("GET", "", nil, "Bearer "+access), 200, ""},
		"POST with header":     {call("POST", "", nil, "Bearer "+access), 200, ""},
		"POST with body":       {call("POST", "", one("access_token", access)), 200, ""},
		"scheme in lower case": {call("GET", "", nil, "bearer "+access), 200, ""},
		"no token":             {call("GET", "", nil), 401, "Bearer"},
		"in the query":         {call("GET", "?access_token="+access, nil), 400, `error="invalid_request"`},
		"in two places":        {call("POST", "", one("access_token", access), "Bearer "+access), 400, `error="invalid_request"`},
		"two headers":          {call("GET", "", nil, "Bearer "+access, "Bearer "+access), 400, `error="invalid_request"`},
		"garbage":              {call("GET", "", nil, "Bearer garbage"), 401, `error="invalid_token"`},
		"ID token":             {call("GET", "", nil, "Bearer "+tokens.Text("id_token")), 401, `error="invalid_token"`},
		"refresh token":        {call("GET", "", nil, "Bearer "+tokens.Text("refresh_token")), 401, `error="invalid_token"`},
		"basic":                {call("GET", "", nil, "Basic eDp5"), 401, "Bearer"},
		"another scheme":       {call("GET", "", nil, "DPoP "+access), 401, "Bearer"},
		"no value":             {call("GET", "", nil, "Bearer "), 401, "Bearer"},
		"twice in the body":    {call("POST", "", url.Values{"access_token": {access, access}}), 400, `error="invalid_request"`},
	} {
		if c.a.Status != c.status || !contains(c.a.Header.Get("WWW-Authenticate"), c.challenge) {
			t.Errorf("%s answered %d %q, want %d %q", name, c.a.Status, c.a.Header.Get("WWW-Authenticate"), c.status, c.challenge)
		}
		if c.status == 200 && (c.a.Text("sub") != "ada-subject" || !contains(c.a.Header.Get("Content-Type"), "application/json")) {
			t.Errorf("C-15: %s answered %s", name, c.a.Raw)
		}
		if c.a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be cached", name)
		}
	}
	if contains(call("GET", "", nil).Header.Get("WWW-Authenticate"), "error") {
		t.Error("a call without a token is told an error code")
	}
	i.Clock.Advance(11 * time.Minute)
	if a := call("GET", "", nil, "Bearer "+access); a.Status != http.StatusUnauthorized {
		t.Errorf("an expired token got %d", a.Status)
	}
}
