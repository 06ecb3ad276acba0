package provider_test

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// gadgets are clients without a browser, beside the town.
const gadgets = `
version: 1
tenants:
  - slug: default
    clients:
      - {client_id: cli, client_name: Command line, type: native, token_endpoint_auth_method: none, first_party: true,
         grant_types: ["urn:ietf:params:oauth:grant-type:device_code", refresh_token]}
      - {client_id: tv, client_name: Television, type: native, token_endpoint_auth_method: none, grant_types: ["urn:ietf:params:oauth:grant-type:device_code"]}
      - {client_id: bot, client_name: Chat bot, client_uri: "https://bot.example.test/about", client_secret: bot-secret-0123456789-0123456789-0123,
         scope: read organizations, require_organization: true, grant_types: ["urn:ietf:params:oauth:grant-type:device_code", refresh_token]}
  - slug: acme
    clients:
      - {client_id: cli, type: native, token_endpoint_auth_method: none, grant_types: ["urn:ietf:params:oauth:grant-type:device_code"]}
`

// gadget is a client of gadgets.
func gadget(i *idp.IDP, id string) *idp.Client {
	c := i.Client(id)
	if id == "bot" {
		c.Secret = "bot-secret-0123456789-0123456789-0123"
	}
	return c
}

func withGadgets(t *testing.T, test func(t *testing.T, i *idp.IDP)) {
	t.Helper()
	withTown(t, func(t *testing.T, i *idp.IDP) {
		i.Apply(gadgets)
		test(t, i)
	})
}

func startGadgets(t *testing.T) *idp.IDP {
	t.Helper()
	i := idp.Start(t, idp.Options{})
	i.Apply(town)
	i.Apply(gadgets)
	return i
}

// ask is a device authorization request that has to succeed.
func ask(t *testing.T, c *idp.Client, form url.Values) idp.Answer {
	t.Helper()
	a := c.Call("/oauth/device_authorization", form)
	if a.Status != http.StatusOK {
		t.Fatalf("answered %d %s", a.Status, a.Raw)
	}
	return a
}

// poll asks for the tokens of a device.
func poll(c *idp.Client, asked idp.Answer, more ...string) idp.Answer {
	form := one(more...)
	form.Set("grant_type", deviceGrant)
	form.Set("device_code", asked.Text("device_code"))
	return c.Call("/oauth/token", form)
}

// confirm opens the page for what was asked, as somebody who may have to sign in.
func confirm(b *idp.Browser, asked idp.Answer, username, password string) *idp.Page {
	return b.SignIn(asked.Text("verification_uri_complete"), username, password)
}

// approve lets ada say yes.
func approve(t *testing.T, i *idp.IDP, asked idp.Answer) *idp.Browser {
	t.Helper()
	b := i.Browser()
	if page := b.Press(confirm(b, asked, ada, adaPassword), "device-allow", nil); !contains(page.Body, "You can go back to your device.") {
		t.Fatalf("%s\n%s", page, page.Body)
	}
	return b
}

// TestDeviceGetsTokensOnceItsPersonAgrees, and not before: also for a first-party
// client, without scopes to explain, and with the code in the address (RFC 8628 §3.3.1).
func TestDeviceGetsTokensOnceItsPersonAgrees(t *testing.T) {
	withGadgets(t, func(t *testing.T, i *idp.IDP) {
		cli := gadget(i, "cli")
		asked := ask(t, cli, one("scope", "openid offline_access", "device_label", `Ada's <b>shed</b> & "more"`))
		if got := asked.Text("user_code"); !regexp.MustCompile(`^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$`).MatchString(got) || len(asked.Text("device_code")) < 43 {
			t.Errorf("codes %q and %q", got, asked.Text("device_code"))
		}
		if asked.Text("verification_uri") != i.Issuer+"/device" || asked.Body["expires_in"] != 600.0 || asked.Body["interval"] != 5.0 || asked.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("answered %v %s", asked.Header, asked.Raw)
		}
		wantError(t, poll(cli, asked), http.StatusBadRequest, "authorization_pending")
		b := i.Browser()
		page := confirm(b, asked, ada, adaPassword)
		if page.Text("#device-code") != asked.Text("user_code") || !contains(page.Text("h1"), "Command line") || !contains(page.Text("main"), `Ada's <b>shed</b> & "more"`) || contains(page.Body, "<b>shed") {
			t.Fatalf("%s\n%s", page, page.Body)
		}
		for _, said := range []string{"127.0.0.1", "ada@example.test", "just now"} {
			if !contains(page.Text("main"), said) {
				t.Errorf("the page does not say %q:\n%s", said, page.Body)
			}
		}
		i.Clock.Advance(5 * time.Second)
		wantError(t, poll(cli, asked), http.StatusBadRequest, "authorization_pending")
		b.Press(page, "device-allow", nil)
		tokens := poll(cli, asked)
		if tokens.Status != http.StatusOK || tokens.Text("scope") != "openid offline_access" {
			t.Fatalf("%d %s", tokens.Status, tokens.Raw)
		}
		claims := idp.Claims(t, tokens.Text("id_token"))
		if _, found := claims["nonce"]; found || claims["sub"] != "ada-subject" || claims["aud"] != "cli" || claims["acr"] != "1" || claims["sid"] == nil || claims["auth_time"] == nil {
			t.Errorf("the ID token says %v", claims)
		}
		if info := cli.Userinfo(tokens.Text("access_token")); info.Text("sub") != "ada-subject" {
			t.Errorf("userinfo: %d %s", info.Status, info.Raw)
		}
		if again := cli.Refresh(tokens.Text("refresh_token"), nil); again.Status != http.StatusOK {
			t.Errorf("refresh: %d %s", again.Status, again.Raw)
		}
		wantError(t, poll(cli, asked), http.StatusBadRequest, "invalid_grant")
		for _, kind := range []lanyard.EventType{lanyard.EventDeviceApproved, lanyard.EventConsentGranted, lanyard.EventGrantCreated} {
			if n := events(t, i, kind); n != 1 {
				t.Errorf("%d events %s", n, kind)
			}
		}
		consents, err := i.Scope().Consents(t.Context(), userOf(t, i, ada).ID)
		if err != nil || len(consents) != 1 || consents[0].Scopes.String() != "openid offline_access" {
			t.Errorf("remembered is %v, %v", consents, err)
		}
	})
}

// TestDeviceTokensAreForTheResource that was asked for, narrowed at most (RFC 8707).
func TestDeviceTokensAreForTheResource(t *testing.T) {
	i := startGadgets(t)
	cli := gadget(i, "cli")
	asked := ask(t, cli, url.Values{"scope": {"read files nonsense"}, "resource": {apiResource, "https://files.example.test"}})
	page := confirm(i.Browser(), asked, ada, adaPassword)
	if !contains(page.Text("main"), "Example API") || contains(page.Body, "nonsense") {
		t.Errorf("the page explains\n%s", page.Text("main"))
	}
	approve(t, i, asked)
	wantError(t, poll(cli, asked, "resource", "urn:example:ledger"), http.StatusBadRequest, "invalid_target")
	tokens := poll(cli, asked, "resource", apiResource)
	claims := idp.Claims(t, tokens.Text("access_token"))
	if claims["aud"] != apiResource || claims["scope"] != "read" || claims["sub"] != "ada-subject" || tokens.Text("id_token") != "" {
		t.Errorf("the token says %v", claims)
	}
	files := cli.Refresh(tokens.Text("refresh_token"), one("resource", "https://files.example.test"))
	if got := idp.Claims(t, files.Text("access_token")); got["aud"] != "https://files.example.test" || got["scope"] != "files" {
		t.Errorf("the token for files says %v", got)
	}
}

// TestDevicePollingIsPaced is ATTACKS.md 226: each poll that comes too early makes the pause longer.
func TestDevicePollingIsPaced(t *testing.T) {
	withGadgets(t, func(t *testing.T, i *idp.IDP) {
		cli := gadget(i, "cli")
		asked := ask(t, cli, one("scope", "openid"))
		for at, step := range []struct {
			wait time.Duration
			want string
		}{
			{0, "authorization_pending"}, {5 * time.Second, "authorization_pending"}, {4 * time.Second, "slow_down"}, // 10 s from now on
			{9 * time.Second, "slow_down"}, // 15 s
			{15 * time.Second, "authorization_pending"}, {14 * time.Second, "slow_down"}, {20 * time.Second, "authorization_pending"},
		} {
			i.Clock.Advance(step.wait)
			if got := poll(cli, asked); got.Text("error") != step.want {
				t.Errorf("poll %d answered %s, want %s", at, got.Raw, step.want)
			}
		}
		approve(t, i, asked)
		if got := poll(cli, asked); got.Status != http.StatusOK {
			t.Errorf("once approved, an early poll answered %s", got.Raw)
		}
	})
}

// TestDeviceCodeEnds is ATTACKS.md 226, too: expired although approved, denied, and the code of another client.
func TestDeviceCodeEnds(t *testing.T) {
	withGadgets(t, func(t *testing.T, i *idp.IDP) {
		cli, tv := gadget(i, "cli"), gadget(i, "tv")
		waiting, approved, denied := ask(t, cli, one("scope", "openid")), ask(t, cli, one("scope", "openid")), ask(t, cli, one("scope", "openid"))
		b := approve(t, i, approved)
		if page := b.Press(b.Get(denied.Text("verification_uri_complete")), "device-deny", nil); !contains(page.Body, "You can go back to your device.") {
			t.Errorf("%s\n%s", page, page.Body)
		}
		if n := events(t, i, lanyard.EventDeviceDenied); n != 1 {
			t.Errorf("%d events of the refusal", n)
		}
		wantError(t, poll(cli, denied), http.StatusBadRequest, "access_denied")
		for name, asked := range map[string]idp.Answer{"waiting": waiting, "approved": approved, "denied": denied} {
			if got := poll(tv, asked); got.Text("error") != "invalid_grant" {
				t.Errorf("%s, another client: %s", name, got.Raw)
			}
			if got := poll(gadget(i, "cli").At(i.Issuer+"/t/acme"), asked); got.Text("error") != "invalid_grant" {
				t.Errorf("%s, another tenant: %s", name, got.Raw)
			}
		}
		for _, code := range []string{"nonsense", strings.ToUpper(waiting.Text("device_code")), waiting.Text("user_code"), strings.Repeat("x", 5000)} {
			wantError(t, cli.Call("/oauth/token", one("grant_type", deviceGrant, "device_code", code)), http.StatusBadRequest, "invalid_grant")
		}
		wantError(t, cli.Call("/oauth/token", one("grant_type", deviceGrant)), http.StatusBadRequest, "invalid_request")
		i.Clock.Advance(10 * time.Minute)
		for _, asked := range []idp.Answer{waiting, approved, denied} {
			wantError(t, poll(cli, asked), http.StatusBadRequest, "expired_token")
		}
		if _, err := i.Store.CleanUp(t.Context(), i.Clock.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if d, err := i.Scope().DeviceAuthorization(t.Context(), lanyard.SecretOf(waiting.Text("device_code")).Hash()); !errors.Is(err, lanyard.ErrNotFound) {
			t.Errorf("it is still stored: %v, %v", d, err)
		}
		wantError(t, poll(cli, approved), http.StatusBadRequest, "invalid_grant")
	})
}

// TestDeviceCodeIsSpentOnce: of 32 polls at once one gets tokens (ONCE).
func TestDeviceCodeIsSpentOnce(t *testing.T) {
	withGadgets(t, func(t *testing.T, i *idp.IDP) {
		cli, b := gadget(i, "cli"), i.Browser()
		for round := range testkit.Rounds(10, 100) {
			asked := ask(t, cli, one("scope", "openid"))
			b.Press(confirm(b, asked, ada, adaPassword), "device-allow", nil)
			won := 0
			for _, a := range parallel(t, 32, func() idp.Answer { return poll(cli, asked) }) {
				if a.Status == http.StatusOK {
					won++
				} else {
					wantError(t, a, http.StatusBadRequest, "invalid_grant")
				}
			}
			if n := events(t, i, lanyard.EventGrantCreated); won != 1 || n != round+1 {
				t.Fatalf("round %d: %d polls won, %d grants began", round, won, n)
			}
		}
	})
}

// TestPersonDecidesOnce: of yes and no at the same time one counts, whatever the pages say.
func TestPersonDecidesOnce(t *testing.T) {
	withGadgets(t, func(t *testing.T, i *idp.IDP) {
		cli, b := gadget(i, "cli"), i.Browser()
		for round := range testkit.Rounds(5, 50) {
			i.Clock.Advance(time.Hour) // codes that are used count as wrong
			asked := ask(t, cli, one("scope", "openid"))
			confirm(b, asked, ada, adaPassword)
			turn := make(chan string, 16)
			for n := range cap(turn) {
				turn <- []string{"allow", "deny"}[n%2]
			}
			parallel(t, cap(turn), func() idp.Answer {
				b.Once(http.MethodPost, "/device", one("user_code", asked.Text("user_code"), "decision", <-turn))
				return idp.Answer{}
			})
			if n := events(t, i, lanyard.EventDeviceApproved) + events(t, i, lanyard.EventDeviceDenied); n != round+1 {
				t.Fatalf("round %d: %d decisions", round, n)
			}
		}
	})
}

// TestApprovalFallsWithWhatItStoodOn is S7 for the time between the yes and the tokens.
func TestApprovalFallsWithWhatItStoodOn(t *testing.T) {
	endSession := func(t *testing.T, i *idp.IDP, s lanyard.Session) {
		t.Helper()
		if ended, err := i.Scope().EndSession(t.Context(), s.ID, i.Clock.Now()); !ended || err != nil {
			t.Fatal(ended, err)
		}
	}
	i := startGadgets(t)
	cli := gadget(i, "cli")
	for name, c := range map[string]struct {
		scope  string
		change func(t *testing.T, i *idp.IDP, s lanyard.Session)
		want   string
	}{
		"nothing": {"openid", func(*testing.T, *idp.IDP, lanyard.Session) {}, ""},
		"user disabled": {"openid offline_access", func(t *testing.T, i *idp.IDP, _ lanyard.Session) {
			t.Helper()
			setDisabled(t, i, ada, true)
		}, "invalid_grant"},
		"session ended":          {"openid", endSession, "invalid_grant"},
		"session ended, offline": {"openid offline_access", endSession, ""},
		"everything signed out, offline": {"openid offline_access", func(t *testing.T, i *idp.IDP, s lanyard.Session) {
			t.Helper()
			endSession(t, i, s)
			if _, err := i.Scope().RevokeUserGrants(t.Context(), s.UserID, "", lanyard.RevokedCredentials, i.Clock.Now()); err != nil {
				t.Fatal(err)
			}
		}, "invalid_grant"},
		"client disabled": {"openid", func(t *testing.T, i *idp.IDP, _ lanyard.Session) {
			t.Helper()
			i.Apply("version: 1\ntenants:\n  - {slug: default, clients: [{client_id: cli, type: native, token_endpoint_auth_method: none, disabled: true, grant_types: [\"" + deviceGrant + "\", refresh_token]}]}")
		}, "invalid_client"},
		"member no more": {"openid organization:beta offline_access", func(t *testing.T, i *idp.IDP, s lanyard.Session) {
			t.Helper()
			o, err := i.Scope().OrganizationBySlug(t.Context(), "beta")
			if err != nil {
				t.Fatal(err)
			}
			if err := i.Scope().DeleteMembership(t.Context(), o.ID, s.UserID, i.Clock.Now()); err != nil {
				t.Fatal(err)
			}
		}, "invalid_grant"},
		"stricter policy": {"openid organization:beta", func(t *testing.T, i *idp.IDP, _ lanyard.Session) {
			t.Helper()
			demand(t, i, "beta", lanyard.OrganizationPolicy{SecondFactor: lanyard.SecondFactorRequired})
		}, "invalid_grant"},
	} {
		t.Run(name, func(t *testing.T) {
			setDisabled(t, i, ada, false)
			demand(t, i, "beta", lanyard.OrganizationPolicy{})
			i.Apply(town)
			i.Apply(gadgets)
			asked := ask(t, cli, one("scope", c.scope))
			approve(t, i, asked)
			c.change(t, i, onlySession(t, i))
			tokens := poll(cli, asked)
			if tokens.Text("error") != c.want {
				t.Fatalf("answered %d %s", tokens.Status, tokens.Raw)
			}
			if c.want == "" && cli.Refresh(tokens.Text("refresh_token"), nil).Status != http.StatusOK {
				t.Error("its refresh token is worth nothing")
			}
		})
	}
}

// onlySession is that of the last event with one.
func onlySession(t *testing.T, i *idp.IDP) lanyard.Session {
	t.Helper()
	all, err := i.Scope().Events(t.Context(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(all, func(e lanyard.Event) bool { return e.Type == lanyard.EventDeviceApproved }) // newest first
	if at < 0 {
		t.Fatal("nobody agreed")
	}
	s, err := i.Scope().Session(t.Context(), all[at].SessionID)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestRevocationWinsAgainstDevicesInFlight: whatever order the database finds, no
// grant is left that counts.
func TestRevocationWinsAgainstDevicesInFlight(t *testing.T) {
	withGadgets(t, func(t *testing.T, i *idp.IDP) {
		cli, b, user := gadget(i, "cli"), i.Browser(), userOf(t, i, ada).ID
		for round := range testkit.Rounds(10, 100) {
			asked := ask(t, cli, one("scope", "openid offline_access"))
			b.Press(confirm(b, asked, ada, adaPassword), "device-allow", nil)
			turn := make(chan bool, 2)
			turn <- true
			turn <- false
			answers := parallel(t, 2, func() idp.Answer {
				if <-turn {
					return poll(cli, asked)
				}
				_, err := i.Scope().RevokeUserGrants(t.Context(), user, "", lanyard.RevokedSignOut, i.Clock.Now())
				if err != nil {
					t.Error(err)
				}
				return idp.Answer{}
			})
			for _, a := range answers {
				if token := a.Text("refresh_token"); token != "" && cli.Refresh(token, nil).Status == http.StatusOK {
					t.Fatalf("round %d: a grant outlived the revocation", round)
				}
			}
		}
	})
}

// TestDeviceRequestIsChecked like every request of a client.
func TestDeviceRequestIsChecked(t *testing.T) {
	i := startGadgets(t)
	cli, bot := gadget(i, "cli"), gadget(i, "bot")
	wrong := gadget(i, "bot")
	wrong.Secret = "not-the-secret-of-the-bot-0123456789"
	for name, c := range map[string]struct {
		client *idp.Client
		form   url.Values
		status int
		code   string
	}{
		"not registered for it":  {i.Client("web"), nil, 400, "unauthorized_client"},
		"not registered, public": {i.Client("spa"), nil, 400, "unauthorized_client"},
		"wrong secret":           {wrong, nil, 401, "invalid_client"},
		"no such client":         {i.Client("nobody"), nil, 401, "invalid_client"},
		"unknown resource":       {cli, one("resource", "https://nobody.example.test"), 400, "invalid_target"},
		"a resource's fragment":  {cli, one("resource", apiResource+"#x"), 400, "invalid_target"},
		"malformed scope":        {cli, one("scope", `read "x"`), 400, "invalid_scope"},
		"two organizations":      {cli, one("organization", "acme", "scope", "openid organization:beta"), 400, "invalid_request"},
		"malformed organization": {cli, one("organization", "No Slug"), 400, "invalid_request"},
		"repeated scope":         {cli, url.Values{"scope": {"openid", "email"}}, 400, "invalid_request"},
		"long label":             {cli, one("scope", "openid", "device_label", strings.Repeat("ü", 81)), 400, "invalid_request"},
		"label with a line":      {cli, one("scope", "openid", "device_label", "a\nb"), 400, "invalid_request"},
	} {
		if got := c.client.Call("/oauth/device_authorization", c.form); got.Status != c.status || got.Text("error") != c.code {
			t.Errorf("%s: %d %s, want %d %s", name, got.Status, got.Raw, c.status, c.code)
		}
	}
	if got := cli.Call("/oauth/device_authorization?scope=openid", nil); got.Text("error") != "invalid_request" {
		t.Errorf("with a query: %s", got.Raw)
	}
	if got := send(t, i, http.MethodGet, i.Issuer+"/oauth/device_authorization?client_id=cli", nil); got.Status != http.StatusMethodNotAllowed {
		t.Errorf("by GET: %d", got.Status)
	}
	wantError(t, i.Client("web").Call("/oauth/token", one("grant_type", deviceGrant, "device_code", "x")), 400, "unauthorized_client")
	ask(t, bot, one("scope", "read", "device_label", strings.Repeat("ü", 80)))
}

// TestDeviceAuthorizationsAreBounded for each client and address.
func TestDeviceAuthorizationsAreBounded(t *testing.T) {
	i := startGadgets(t)
	cli := gadget(i, "cli")
	for range 100 {
		ask(t, cli, one("scope", "openid"))
	}
	if got := cli.Call("/oauth/device_authorization", one("scope", "openid")); got.Status != http.StatusTooManyRequests || got.Header.Get("Retry-After") == "" {
		t.Errorf("one too many: %d %s", got.Status, got.Raw)
	}
	ask(t, gadget(i, "tv"), one("scope", "openid"))
	i.Clock.Advance(10 * time.Second)
	ask(t, cli, one("scope", "openid"))
}

// TestUserCodesThatOpenNothingLookAlike is ATTACKS.md 227: wrong, used, expired, of
// another tenant. Twenty of them an hour are free.
func TestUserCodesThatOpenNothingLookAlike(t *testing.T) {
	i := startGadgets(t)
	cli := gadget(i, "cli")
	used, expired, foreign := ask(t, cli, one("scope", "openid")), ask(t, cli, one("scope", "openid")), ask(t, gadget(i, "cli").At(i.Issuer+"/t/acme"), one("scope", "openid"))
	b := approve(t, i, used)
	i.Clock.Advance(10 * time.Minute)
	fresh := ask(t, cli, one("scope", "openid"))
	seen := map[string]bool{}
	typed := []string{used.Text("user_code"), expired.Text("user_code"), foreign.Text("user_code"), "BCDF-GHJK", "nonsense", "BCDFGHJ", "12345678", strings.Repeat("B", 64)}
	for _, code := range typed {
		page := b.Press(b.Get("/device"), "device-continue", one("user_code", code))
		if page.Status != http.StatusOK || !contains(page.Text("#problem"), "That code isn't right. Check your device.") {
			t.Errorf("%q: %s %s", code, page, page.Text("#problem"))
		}
		seen[strings.ReplaceAll(page.Text("body"), code, "")] = true
		decided := b.Post("/device", one("user_code", code, "decision", "allow"))
		if decided.Status != http.StatusOK || !contains(decided.Text("#problem"), "That code isn't right") {
			t.Errorf("deciding about %q: %s", code, decided)
		}
	}
	if len(seen) != 1 {
		t.Errorf("%d different pages", len(seen))
	}
	// What people type for a right code, in between: it costs nothing.
	for _, code := range []string{strings.ToLower(fresh.Text("user_code")), strings.ReplaceAll(fresh.Text("user_code"), "-", " – "), " " + strings.ReplaceAll(fresh.Text("user_code"), "-", "") + " "} {
		if page := b.Press(b.Get("/device"), "device-continue", one("user_code", code)); page.Text("#device-code") != fresh.Text("user_code") {
			t.Errorf("%q: %s", code, page)
		}
	}
	for range 20 - 2*len(typed) {
		b.Get("/device?user_code=BCDFGHJK")
	}
	for _, code := range []string{"BCDFGHJK", fresh.Text("user_code")} {
		if page := b.Get("/device?user_code=" + code); page.Status != http.StatusTooManyRequests || page.Header.Get("Retry-After") == "" || page.Has("device-allow") {
			t.Errorf("after twenty wrong ones: %s", page)
		}
	}
	other := i.Browser()
	if page := confirm(other, fresh, bob, bobPassword); page.Status != http.StatusTooManyRequests {
		t.Errorf("somebody else at the same address: %s", page)
	}
	i.Clock.Advance(time.Minute)
	if page := b.Get(fresh.Text("verification_uri_complete")); !page.Has("device-allow") {
		t.Errorf("a minute later: %s", page)
	}
}

// TestUserCodeOfADisabledClientOpensNothing, nor that of one that lost the grant type.
func TestUserCodeOfADisabledClientOpensNothing(t *testing.T) {
	i := startGadgets(t)
	b := i.Browser()
	asked := ask(t, gadget(i, "tv"), one("scope", "openid"))
	page := confirm(b, asked, ada, adaPassword)
	for _, change := range []string{`disabled: true, grant_types: ["urn:ietf:params:oauth:grant-type:device_code"]`, `grant_types: [refresh_token]`} {
		i.Apply("version: 1\ntenants:\n  - {slug: default, clients: [{client_id: tv, type: native, token_endpoint_auth_method: none, " + change + "}]}")
		for _, got := range []*idp.Page{b.Get(asked.Text("verification_uri_complete")), b.Press(page, "device-allow", nil)} {
			if !contains(got.Text("#problem"), "That code isn't right") {
				t.Errorf("%s: %s", change, got)
			}
		}
	}
	i.Apply(gadgets)
	wantError(t, poll(gadget(i, "tv"), asked), http.StatusBadRequest, "authorization_pending")
}

// TestOnlyTheFormDecides: no GET, no form of another site, nobody who is not signed in.
func TestOnlyTheFormDecides(t *testing.T) {
	i := startGadgets(t)
	cli, b := gadget(i, "cli"), i.Browser()
	asked := ask(t, cli, one("scope", "openid"))
	complete := asked.Text("verification_uri_complete")
	confirm(b, asked, ada, adaPassword)
	decision := one("user_code", asked.Text("user_code"), "decision", "allow")
	b.Get(complete + "&decision=allow")
	for name, header := range map[string]http.Header{"foreign": {"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}}, "no origin": {"Origin": {"null"}, "Sec-Fetch-Site": {"cross-site"}}} {
		if page := b.PostFrom("/device", decision, header); page.Status != http.StatusForbidden {
			t.Errorf("%s: %s", name, page)
		}
	}
	if page := i.Browser().Post("/device", decision); !page.Has("login-continue") {
		t.Errorf("signed out: %s", page)
	}
	b.Post("/device", one("user_code", asked.Text("user_code"), "decision", "perhaps"))
	wantError(t, poll(cli, asked), http.StatusBadRequest, "authorization_pending")
	if got := b.Post("/device", decision); !contains(got.Body, "You can go back to your device.") {
		t.Errorf("the form: %s", got)
	}
	if got := poll(cli, asked); got.Status != http.StatusOK {
		t.Error(got.Raw)
	}
}

// TestDeviceIsForOneOrganization: the one that it names, of which the person has to be a
// member, or the one that they choose.
func TestDeviceIsForOneOrganization(t *testing.T) {
	i := startGadgets(t)
	cli, bot := gadget(i, "cli"), gadget(i, "bot")
	named := ask(t, cli, one("organization", "acme", "scope", "openid"))
	if page := confirm(i.Browser(), named, ada, adaPassword); !contains(page.Text("main"), "Acme") || len(page.Texts("main fieldset")) != 0 {
		t.Errorf("%s\n%s", page, page.Body)
	}
	approve(t, i, named)
	wantOrganization(t, i, idp.Claims(t, poll(cli, named).Text("id_token")), "acme", []string{"owner"}, nil)
	// One that the person is not in, and one that is not there.
	for _, slug := range []string{"gamma", "nowhere"} {
		asked, b := ask(t, cli, one("organization", slug, "scope", "openid")), i.Browser()
		page := confirm(b, asked, bob, bobPassword)
		if page.Has("device-allow") || !contains(page.Text("#device-barred"), slug) {
			t.Errorf("%s: %s\n%s", slug, page, page.Body)
		}
		b.Post("/device", one("user_code", asked.Text("user_code"), "decision", "allow"))
		wantError(t, poll(cli, asked), http.StatusBadRequest, "authorization_pending")
	}
	// A client that needs one.
	asked, b := ask(t, bot, one("scope", "read", "resource", apiResource, "device_label", "Chat 42")), i.Browser()
	page := confirm(b, asked, ada, adaPassword)
	for _, said := range []string{"bot.example.test", "Chat 42", "Acme", "Beta", "Gamma"} {
		if !contains(page.Text("main"), said) {
			t.Errorf("the page does not say %q:\n%s", said, page.Text("main"))
		}
	}
	beta, _ := i.Scope().OrganizationBySlug(t.Context(), "beta")
	for _, id := range []string{"", "org_other", "beta"} {
		if got := b.Press(page, "device-allow", one("organization", id)); !contains(got.Text("#problem"), "Choose") {
			t.Errorf("organization %q: %s", id, got)
		}
	}
	b.Press(page, "device-allow", one("organization", string(beta.ID)))
	wantOrganization(t, i, idp.Claims(t, poll(bot, asked).Text("access_token")), "beta", []string{"admin"}, nil)
}

// TestDeviceMeetsThePolicyOfItsOrganization before there is anything to agree to.
func TestDeviceMeetsThePolicyOfItsOrganization(t *testing.T) {
	i := startGadgets(t)
	cli, bot, b := gadget(i, "cli"), gadget(i, "bot"), i.Browser()
	demand(t, i, "beta", lanyard.OrganizationPolicy{SessionLifetime: lanyard.Duration(time.Hour)})
	beta, _ := i.Scope().OrganizationBySlug(t.Context(), "beta")
	b.SignIn("/account", ada, adaPassword)
	i.Clock.Advance(2 * time.Hour)
	chosen := ask(t, bot, one("scope", "read", "resource", apiResource))
	page := b.Get(chosen.Text("verification_uri_complete"))
	page = b.Press(page, "device-allow", one("organization", string(beta.ID)))
	if !page.Has("login-submit") {
		t.Fatalf("the choice led to %s", page)
	}
	page = b.Walk(page, ada, adaPassword)
	b.Press(page, "device-allow", one("organization", string(beta.ID)))
	wantOrganization(t, i, idp.Claims(t, poll(bot, chosen).Text("access_token")), "beta", []string{"admin"}, nil)
	i.Clock.Advance(2 * time.Hour)
	named := ask(t, cli, one("organization", "beta", "scope", "openid"))
	page = b.Get(named.Text("verification_uri_complete"))
	if !page.Has("login-submit") {
		t.Fatalf("the page is %s", page)
	}
	if page = b.Walk(page, ada, adaPassword); page.Text("#device-code") != named.Text("user_code") {
		t.Fatalf("back at %s", page)
	}
	b.Press(page, "device-allow", nil)
	wantOrganization(t, i, idp.Claims(t, poll(cli, named).Text("id_token")), "beta", []string{"admin"}, nil)
}

// TestDeviceMeetsTheDefaultsOfItsClient: default_acr_values and default_max_age count
// as they do at the authorization endpoint.
func TestDeviceMeetsTheDefaultsOfItsClient(t *testing.T) {
	i := startGadgets(t)
	i.Apply(`
version: 1
tenants:
  - slug: default
    clients:
      - {client_id: strict, type: native, token_endpoint_auth_method: none, first_party: true, default_acr_values: ["2"], grant_types: ["urn:ietf:params:oauth:grant-type:device_code"]}
      - {client_id: fresh, type: native, token_endpoint_auth_method: none, first_party: true, default_max_age: 60, grant_types: ["urn:ietf:params:oauth:grant-type:device_code"]}
`)
	strict, fresh, b := i.Client("strict"), i.Client("fresh"), i.Browser()
	b.SignIn("/account", ada, adaPassword)
	asked := ask(t, strict, one("scope", "openid"))
	b.Post("/device", one("user_code", asked.Text("user_code"), "decision", "allow"))
	wantError(t, poll(strict, asked), http.StatusBadRequest, "authorization_pending")
	page := b.Get(asked.Text("verification_uri_complete"))
	if !page.Has("totp-secret") {
		t.Fatalf("one factor leads to %s", page)
	}
	page = newPerson(t, i, ada, adaPassword).enrolApp(b, page)
	b.Press(page, "device-allow", nil)
	if got := idp.Claims(t, poll(strict, asked).Text("id_token"))["acr"]; got != "2" {
		t.Errorf("acr is %v", got)
	}
	asked = ask(t, fresh, one("scope", "openid"))
	if page := b.Get(asked.Text("verification_uri_complete")); !page.Has("device-allow") {
		t.Errorf("a proof of just now leads to %s", page)
	}
	i.Clock.Advance(9 * time.Minute)
	if page := b.Get(asked.Text("verification_uri_complete")); !page.Has("device-allow") {
		t.Errorf("whoever reads the page has the time for it: %s", page)
	}
	i.Clock.Advance(time.Minute)
	asked = ask(t, fresh, one("scope", "openid"))
	if page := b.Get(asked.Text("verification_uri_complete")); !page.Has("login-submit") {
		t.Errorf("an old proof leads to %s", page)
	}
	b.Post("/device", one("user_code", asked.Text("user_code"), "decision", "allow"))
	wantError(t, poll(fresh, asked), http.StatusBadRequest, "authorization_pending")
}

// TestDeviceIsConfirmedByAnotherAccount of the browser, if the person says so.
func TestDeviceIsConfirmedByAnotherAccount(t *testing.T) {
	i := startGadgets(t)
	cli, b := gadget(i, "cli"), i.Browser()
	asked := ask(t, cli, one("scope", "openid"))
	page := b.Press(confirm(b, asked, ada, adaPassword), "device-another", nil)
	page = b.Walk(b.ChooseAnother(page), bob, bobPassword)
	b.Press(page, "device-allow", nil)
	if got := idp.Claims(t, poll(cli, asked).Text("id_token"))["sub"]; got != "bob-subject" {
		t.Errorf("the token is about %v", got)
	}
}

// TestUserCodeIsNotStored: not even as a hash that could be searched for.
func TestUserCodeIsNotStored(t *testing.T) {
	i := startGadgets(t)
	asked := ask(t, gadget(i, "cli"), one("scope", "openid"))
	d, err := i.Scope().DeviceAuthorization(t.Context(), lanyard.SecretOf(asked.Text("device_code")).Hash())
	if err != nil {
		t.Fatal(err)
	}
	code, err := lanyard.ParseUserCode(asked.Text("user_code"))
	if err != nil || len(d.UserCodeMAC) != 32 || slices.Equal(d.UserCodeMAC, code.Hash()) {
		t.Errorf("stored is %x, %v", d.UserCodeMAC, err)
	}
}
