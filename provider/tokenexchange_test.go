package provider_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

// TestMiniAppDataIsExchangedForATokenOfItsPerson, by the bot's token or by Telegram's own
// signature: the account is made, the second time it is the same, and the token
// says who acts. Nothing else comes of it: no session, cookie, refresh or ID token.
func TestMiniAppDataIsExchangedForATokenOfItsPerson(t *testing.T) {
	for _, number := range []string{"7123456789", "4503599627370495"} {
		withChat(t, func(t *testing.T, s *chat) {
			person := `{"id":` + number + `,"first_name":"Ada","last_name":"Lovelace","username":"ada_l","language_code":"en"}`
			first := s.given(s.signed("user", person))
			for _, never := range []string{"refresh_token", "id_token"} {
				if _, found := first.Body[never]; found {
					t.Errorf("there is a %s", never)
				}
			}
			if first.Text("issued_token_type") != accessToken || first.Text("token_type") != "Bearer" || first.Text("scope") != "read" || first.Body["expires_in"] != 900.0 {
				t.Errorf("answered %s", first.Raw)
			}
			if first.Header.Get("Set-Cookie") != "" || first.Header.Get("Cache-Control") != "no-store" || s.count("sessions") != 0 || s.count("browsers") != 0 {
				t.Errorf("answered with %v, and there are %d sessions", first.Header, s.count("sessions"))
			}
			owner := s.owner(number)
			claims := idp.Claims(t, first.Text("access_token"))
			want := map[string]any{
				"iss": s.Issuer, "sub": string(owner), "client_id": "bot", "aud": apiExample, "scope": "read", "acr": "1", "idp": string(atTelegram),
			}
			for name, value := range want {
				if claims[name] != value {
					t.Errorf("%s is %v, want %v", name, claims[name], value)
				}
			}
			act, _ := claims["act"].(map[string]any)
			if amr := texts(claims["amr"]); len(act) != 1 || act["sub"] != "bot" || !slices.Equal(amr, []string{"fed"}) || claims["sid"] != nil || claims["auth_time"] == nil {
				t.Errorf("the token says %v", claims)
			}
			told := s.bot.Call("/oauth/introspect", one("token", first.Text("access_token")))
			if act, _ := told.Body["act"].(map[string]any); told.Body["active"] != true || told.Text("sub") != string(owner) || act["sub"] != "bot" {
				t.Errorf("introspection says %s", told.Raw)
			}
			user, err := s.Scope().User(t.Context(), owner)
			if err != nil || user.Profile.Email != "" || user.Profile.Name != "Ada Lovelace" {
				t.Errorf("the account is %+v, %v", user.Profile, err)
			}
			s.wantExchangeEvent(owner)

			// Telegram's own signature, and an opaque token.
			s.connect(atTelegram, func(c *lanyard.Connection) { c.SealedBotToken = nil })
			again := s.given(s.signed("user", person), "scope", "ledger", "resource", ledgerExample)
			told = s.bot.Call("/oauth/introspect", one("token", again.Text("access_token")))
			act, _ = told.Body["act"].(map[string]any)
			if told.Text("sub") != string(owner) || act["sub"] != "bot" || again.Body["expires_in"] != 900.0 || told.Text("aud") != ledgerExample {
				t.Errorf("the second time introspection says %s", told.Raw)
			}
			wantError(t, s.bot.Userinfo(first.Text("access_token")), http.StatusForbidden, "insufficient_scope")
		})
	}
}

func (s *chat) wantExchangeEvent(user lanyard.UserID) {
	s.t.Helper()
	all, err := s.Scope().UserEvents(s.t.Context(), user, "", 10)
	if err != nil {
		s.t.Fatal(err)
	}
	at := slices.IndexFunc(all, func(e lanyard.Event) bool { return e.Type == lanyard.EventTokenExchanged })
	if at < 0 || all[at].ClientID != "bot" || all[at].Actor != "bot" || all[at].GrantID == "" || all[at].Detail["connection"] != string(atTelegram) {
		s.t.Errorf("the events are %+v", all)
	}
}

// TestMiniAppDataIsExchangedOnce, whatever the spelling, and of 32 at once one wins (ONCE).
func TestMiniAppDataIsExchangedOnce(t *testing.T) {
	withChat(t, func(t *testing.T, s *chat) {
		values := s.signedAs(botID, botToken, s.opened())
		s.given(values.Encode())
		wantError(t, s.exchange(values.Encode()), http.StatusBadRequest, "invalid_grant")
		turned := strings.Split(values.Encode(), "&")
		slices.Reverse(turned)
		wantError(t, s.exchange(strings.Join(turned, "&")), http.StatusBadRequest, "invalid_grant")
		loud := strings.ReplaceAll(values.Encode(), values.Get("hash"), strings.ToUpper(values.Get("hash")))
		wantError(t, s.exchange(loud), http.StatusBadRequest, "invalid_grant")
		s.connect(atTelegram, func(c *lanyard.Connection) { c.SealedBotToken = nil })
		values.Del("hash")
		wantError(t, s.exchange(values.Encode()), http.StatusBadRequest, "invalid_grant")

		for round := range testkit.Rounds(5, 50) {
			data := s.signed("user", fmt.Sprintf(`{"id":%d,"first_name":"Ada"}`, 8000000000+round))
			before, people := s.count("grants"), s.count("users")
			won := 0
			for _, a := range parallel(t, 32, func() idp.Answer { return s.exchange(data) }) {
				if a.Status == http.StatusOK {
					won++
				} else {
					wantError(t, a, http.StatusBadRequest, "invalid_grant")
				}
			}
			if grants, made := s.count("grants")-before, s.count("users")-people; won != 1 || grants != 1 || made != 1 {
				t.Fatalf("round %d: %d won, with %d grants for %d accounts", round, won, grants, made)
			}
		}
	})
}

// TestOnePersonIsMadeOnce when a Mini App is opened several times at the same moment.
func TestOnePersonIsMadeOnce(t *testing.T) {
	withChat(t, func(t *testing.T, s *chat) {
		for round := range testkit.Rounds(3, 30) {
			person, people := fmt.Sprintf(`{"id":%d,"first_name":"Ada"}`, 8100000000+round), s.count("users")
			for _, a := range parallel(t, 8, func() idp.Answer { return s.exchange(s.signed("user", person)) }) {
				if a.Status != http.StatusOK {
					t.Errorf("answered %d %s", a.Status, a.Raw)
				}
			}
			if made := s.count("users") - people; made != 1 {
				t.Fatalf("round %d: %d accounts", round, made)
			}
		}
	})
}

// TestMiniAppDataThatIsNotBelieved: nobody gets a token or an account for it.
func TestMiniAppDataThatIsNotBelieved(t *testing.T) {
	withChat(t, func(t *testing.T, s *chat) {
		now := s.Clock.Now()
		at := func(d time.Duration) string {
			return s.signed("auth_date", strconv.FormatInt(now.Add(d).Unix(), 10))
		}
		other := strings.Replace(botToken, "7000000001", "7000000002", 1)
		tampered := s.signedAs(botID, botToken, s.opened())
		tampered.Set("user", `{"id":7123456780,"first_name":"Ada"}`)
		unsigned := url.Values{}
		for name, value := range s.opened() {
			unsigned.Set(name, value)
		}
		cases := map[string]string{
			"tampered": tampered.Encode(), "unsigned": unsigned.Encode(), "an empty hash": unsigned.Encode() + "&hash=", "five minutes old": at(-5 * time.Minute),
			"of the future": at(10 * time.Minute), "of another bot": s.signedAs("7000000002", other, s.opened()).Encode(),
			"a bot": s.signed("user", `{"id":7123456789,"is_bot":true,"first_name":"B"}`), "nobody": s.signed("user", ""),
			"a number as text": s.signed("user", `{"id":"x7","first_name":"A"}`), "a negative number": s.signed("user", `{"id":-7123456789,"first_name":"A"}`),
			"two users": s.signed() + "&user=%7B%7D", "a chat id": "7123456789", "a chat": "chat_id=7123456789", "no data": "x", "JSON": `{"id":7123456789}`,
		}
		for _, sealed := range []bool{true, false} {
			if !sealed {
				s.connect(atTelegram, func(c *lanyard.Connection) { c.SealedBotToken = nil })
			}
			for name, data := range cases {
				if a := s.exchange(data); a.Status != http.StatusBadRequest || a.Text("error") != "invalid_grant" {
					t.Errorf("%s (by the bot's token: %v): %d %s", name, sealed, a.Status, a.Raw)
				}
			}
		}
		if s.owner("7123456789") != "" || s.owner("7123456780") != "" || s.count("grants") != 0 {
			t.Error("there is an account or a grant")
		}
		s.given(at(-5*time.Minute + time.Second))
	})
}

// TestExchangeOfWhatIsNotGiven is RFC 8693 §2.1 with everything that is left out here.
func TestExchangeOfWhatIsNotGiven(t *testing.T) {
	withChat(t, func(t *testing.T, s *chat) {
		data := s.signed()
		greedy := lanyard.Resource{ID: "res_greedy", Identifier: "https://greedy.example.test/", Scopes: []lanyard.ResourceScope{{Name: "roles"}}}
		if err := errors.Join(s.Scope().PutResource(t.Context(), greedy, s.Clock.Now()), s.Scope().BumpRevision(t.Context())); err != nil {
			t.Fatal(err)
		}
		wantError(t, s.exchange(data, "scope", "roles", "resource", greedy.Identifier), http.StatusBadRequest, "invalid_scope")
		for _, c := range []struct {
			name, value, code string
		}{
			{"subject_token", "", "invalid_request"},
			{"subject_token_type", "", "invalid_request"},
			{"subject_token_type", accessToken, "invalid_request"},
			{"subject_token_type", "urn:ietf:params:oauth:token-type:jwt", "invalid_request"},
			{"requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token", "invalid_request"},
			{"requested_token_type", "urn:ietf:params:oauth:token-type:id_token", "invalid_request"},
			{"actor_token", "x", "invalid_request"},
			{"actor_token_type", accessToken, "invalid_request"},
			{"audience", apiExample, "invalid_target"},
			{"organization", "acme", "invalid_target"},
			{"resource", "https://unknown.example.test/", "invalid_target"},
			{"resource", s.Issuer, "invalid_target"},
			{"scope", "", "invalid_scope"},
			{"scope", "read openid", "invalid_scope"},
			{"scope", "read offline_access", "invalid_scope"},
			{"scope", "read email", "invalid_scope"},
			{"scope", "read roles", "invalid_scope"},
			{"scope", "read organization:acme", "invalid_scope"},
			{"scope", "read write", "invalid_scope"},
			{"scope", "read ledger", "invalid_scope"}, // another resource's
			{"connection", "unknown", "invalid_grant"},
		} {
			if a := s.exchange(data, c.name, c.value); a.Status != http.StatusBadRequest || a.Text("error") != c.code || a.Text("access_token") != "" {
				t.Errorf("%s=%s: %d %s", c.name, c.value, a.Status, a.Raw)
			}
		}
		for _, id := range []string{"web", "machine", "third"} {
			wantError(t, s.Client(id).Call("/oauth/token", asking(data)), http.StatusBadRequest, "unauthorized_client")
		}
		public := lanyard.Client{ID: "public", AuthMethod: lanyard.AuthNone, GrantTypes: []string{exchangeGrant}, CreatedAt: s.Clock.Now()}
		if err := s.Scope().PutClient(t.Context(), public); err != nil {
			t.Fatal(err)
		}
		wantError(t, s.Client("public").Call("/oauth/token", asking(data)), http.StatusBadRequest, "unauthorized_client")
		stranger := *s.bot
		stranger.Secret = "not-the-secret-0123456789-0123456789"
		wantError(t, stranger.Call("/oauth/token", asking(data)), http.StatusUnauthorized, "invalid_client")
		narrow := *s.bot
		narrow.ID = "other-bot"
		wantError(t, narrow.Call("/oauth/token", asking(data, "resource", ledgerExample)), http.StatusBadRequest, "invalid_target")
		s.given(data, "requested_token_type", accessToken, "connection", string(atTelegram), "resource", apiExample) // nothing of this has spent it
	})
}

// TestConnectionOfAnExchange is the tenant's, on at this moment, and named when there are several.
func TestConnectionOfAnExchange(t *testing.T) {
	withChat(t, func(t *testing.T, s *chat) {
		refused := func(what, code string, more ...string) {
			t.Helper()
			stranger := s.signed("user", `{"id":8200000000,"first_name":"New"}`)
			for _, data := range []string{s.signed(), stranger} {
				if a := s.exchange(data, more...); a.Text("error") != code {
					t.Errorf("%s: %d %s", what, a.Status, a.Raw)
				}
			}
		}
		s.given(s.signed())
		s.connect(atTelegram, func(c *lanyard.Connection) { c.Enabled = false })
		refused("switched off", "invalid_grant")
		s.connect(atTelegram, func(c *lanyard.Connection) { c.SignIn = false })
		refused("that signs nobody in", "invalid_grant")
		s.connect(atTelegram, nil)
		s.connect("other", func(c *lanyard.Connection) {
			c.Kind, c.SealedBotToken, c.Issuer = lanyard.ConnectionOIDC, nil, "https://other.example.test"
		})
		s.given(s.signed()) // there is one Telegram connection still
		s.connect("second", nil)
		refused("of two none", "invalid_request")
		s.given(s.signed(), "connection", "second")

		s.Apply(town)
		o, err := s.Scope().OrganizationBySlug(t.Context(), "acme")
		if err != nil {
			t.Fatal(err)
		}
		s.connect("acmes", func(c *lanyard.Connection) { c.OrganizationID = o.ID })
		refused("an organization's own", "invalid_grant", "connection", "acmes")
		refused("of another kind", "invalid_grant", "connection", "other")
	})
}

// TestExchangeMakesAccountsOnlyWhereTheyAreMade: else the client is told to send the person to the page.
func TestExchangeMakesAccountsOnlyWhereTheyAreMade(t *testing.T) {
	withChat(t, func(t *testing.T, s *chat) {
		closed := func(what string) {
			t.Helper()
			a := s.exchange(s.signed())
			if wantError(t, a, http.StatusBadRequest, "invalid_grant"); !contains(a.Text("error_description"), "page") {
				t.Errorf("%s: the client is told %q", what, a.Text("error_description"))
			}
			if s.owner("7123456789") != "" {
				t.Errorf("%s: there is an account", what)
			}
		}
		s.connect(atTelegram, func(c *lanyard.Connection) { c.SignUp = false })
		closed("no sign-up over the connection")
		s.connect(atTelegram, nil)
		for _, policy := range []string{"sign_up: closed", "sign_up: invite", "sign_up: open, second_factor: required"} {
			s.policy(policy)
			closed(policy)
		}
		s.policy("sign_up: open")
		s.given(s.signed())
		s.policy("sign_up: closed")
		s.given(s.signed()) // who has an account signs in
	})
}

// TestExchangeAsksForWhatASignInWouldAskFor: what the person would have to do on the page is not skipped.
func TestExchangeAsksForWhatASignInWouldAskFor(t *testing.T) {
	withChat(t, func(t *testing.T, s *chat) {
		s.given(s.signed())
		ctx, now, user := t.Context(), s.Clock.Now(), s.owner("7123456789")
		done := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		refused := func(what string) {
			t.Helper()
			if a := s.exchange(s.signed()); a.Status != http.StatusBadRequest || a.Text("error") != "invalid_grant" {
				t.Errorf("%s: %d %s", what, a.Status, a.Raw)
			}
		}
		s.policy("sign_up: open, second_factor: required")
		refused("a second factor is required")
		s.policy("sign_up: open, email_verification: required")
		done(s.Scope().SetPrimaryEmail(ctx, user, "ada@new.test", false, now))
		refused("the address is not proved")
		done(s.Scope().SetPrimaryEmail(ctx, user, "ada@new.test", true, now))
		s.given(s.signed())
		done(s.Scope().ScheduleDeletion(ctx, user, now.Add(time.Hour)))
		refused("the account is about to be deleted")
		done(s.Scope().ScheduleDeletion(ctx, user, time.Time{}))
		done(s.Scope().InsertPasskey(ctx, lanyard.Passkey{ID: "key", UserID: user, Name: "key", CreatedAt: now}, 0))
		refused("the person has a second factor")
	})
}

// TestExchangedTokenEndsWithItsReasons: where the grant is read, it is seen at once.
func TestExchangedTokenEndsWithItsReasons(t *testing.T) {
	withChat(t, func(t *testing.T, s *chat) {
		ctx := t.Context()
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		disable := func(off bool) func(lanyard.UserID) {
			return func(id lanyard.UserID) {
				u, err := s.Scope().User(ctx, id)
				must(err)
				u.Disabled = off
				must(s.Scope().UpdateUser(ctx, u))
			}
		}
		for what, c := range map[string]struct {
			end  func(lanyard.UserID)
			undo func(lanyard.UserID)
		}{
			"disabled": {end: disable(true), undo: disable(false)},
			"off": {
				end:  func(lanyard.UserID) { s.connect(atTelegram, func(c *lanyard.Connection) { c.Enabled = false }) },
				undo: func(lanyard.UserID) { s.connect(atTelegram, nil) },
			},
			"signs nobody in": {
				end:  func(lanyard.UserID) { s.connect(atTelegram, func(c *lanyard.Connection) { c.SignIn = false }) },
				undo: func(lanyard.UserID) { s.connect(atTelegram, nil) },
			},
			"unlinked": {end: func(id lanyard.UserID) {
				all, err := s.Scope().Identities(ctx, id)
				must(err)
				must(s.Scope().UnlinkIdentity(ctx, id, all[0].Identity))
			}},
			"signed out elsewhere": {end: func(id lanyard.UserID) {
				_, err := s.Scope().RevokeUserGrants(ctx, id, "ses_here", lanyard.RevokedSignOut, s.Clock.Now())
				must(err)
			}},
			"the connection's sessions ended": {end: func(id lanyard.UserID) {
				_, err := s.Scope().EndConnectionSessions(ctx, id, atTelegram, "ses_here", s.Clock.Now())
				must(err)
			}},
			"too old": {end: func(lanyard.UserID) { s.Clock.Advance(lanyard.ExchangedLifetime) }},
		} {
			jwt := s.given(s.signed()).Text("access_token")
			opaque := s.given(s.signed(), "scope", "ledger", "resource", ledgerExample).Text("access_token")
			if !s.active(jwt) || !s.active(opaque) {
				t.Fatalf("%s: before it the tokens are dead", what)
			}
			user := s.owner("7123456789")
			c.end(user)
			if s.active(jwt) || s.active(opaque) {
				t.Errorf("%s: a token is alive", what)
			}
			if what == "disabled" || what == "off" {
				wantError(t, s.exchange(s.signed()), http.StatusBadRequest, "invalid_grant")
			}
			if c.undo != nil {
				c.undo(user)
			}
		}
		revoked := s.given(s.signed()).Text("access_token")
		if a := s.bot.Call("/oauth/revoke", one("token", revoked)); a.Status != http.StatusOK || s.active(revoked) {
			t.Errorf("the bot's own revocation: %d", a.Status)
		}
		if a := s.bot.Call("/oauth/token", one("grant_type", "refresh_token", "refresh_token", revoked)); a.Status == http.StatusOK {
			t.Error("the token was refreshed")
		}
	})
}

// TestExchangeStaysInItsTenant: a bot of another tenant with the same name gets nobody of this one.
func TestExchangeStaysInItsTenant(t *testing.T) {
	withChat(t, func(t *testing.T, s *chat) {
		s.given(s.signed())
		s.Apply(strings.Replace(strings.Replace(bots, "slug: default", "slug: acme", 1), `, default_resource: "https://api.example.test/"`, "", 1) +
			"    resources: [{identifier: \"https://api.example.test/\", scopes: [read]}]\n")
		there := s.bot.At(s.Issuer + "/t/acme")
		wantError(t, there.Call("/oauth/token", asking(s.signed())), http.StatusBadRequest, "invalid_grant")
		wantError(t, there.Call("/oauth/token", asking(s.signed(), "connection", string(atTelegram))), http.StatusBadRequest, "invalid_grant")
	})
}

// TestChatOfADeviceOpensNothing: what a bot says of a chat when it begins a device
// authorization is a label, and never a way to sign in.
func TestChatOfADeviceOpensNothing(t *testing.T) {
	withChat(t, func(t *testing.T, s *chat) {
		s.Apply(strings.Replace(bots, "token-exchange", "device_code", 1))
		asked := ask(t, s.bot, one("scope", "read", "device_label", "Telegram 7123456789", "chat_id", "7123456789", "login_hint", "7123456789"))
		approve(t, s.IDP, asked)
		if tokens := poll(s.bot, asked); tokens.Status != http.StatusOK || idp.Claims(t, tokens.Text("access_token"))["sub"] != "ada-subject" {
			t.Errorf("the device got %d %s", tokens.Status, tokens.Raw)
		}
		if owner := s.owner("7123456789"); owner != "" {
			t.Errorf("the chat signs in %s", owner)
		}
		if ours, err := s.Scope().UserBySubject(t.Context(), "ada-subject"); err != nil || len(s.linked(ours.ID)) != 0 {
			t.Errorf("linked are %v, %v", s.linked(ours.ID), err)
		}
	})
}
