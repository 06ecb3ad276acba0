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
