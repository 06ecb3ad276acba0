package provider_test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
)

const (
	exchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange"
	miniAppData   = "urn:lanyard:params:oauth:token-type:telegram-mini-app"
	accessToken   = "urn:ietf:params:oauth:token-type:access_token"

	botToken = "7000000001:AAExampleExampleExampleExampleExample"
	botID    = "7000000001"
	// apiExample and ledgerExample are resources whose tokens are JWTs and opaque.
	apiExample, ledgerExample = "https://api.example.test/", "urn:example:ledger"
)

// bots are clients that exchange tokens, in a tenant where everybody may sign up.
const bots = `
version: 1
tenants:
  - slug: default
    policy: {sign_up: open, default_resource: "https://api.example.test/"}
    clients:
      - {client_id: bot, client_name: Chat bot, client_secret: bot-secret-0123456789-0123456789-0123, scope: read ledger roles email,
         grant_types: ["urn:ietf:params:oauth:grant-type:token-exchange"], access_token_lifetime: 1h}
      - {client_id: other-bot, client_secret: bot-secret-0123456789-0123456789-0123, scope: read, resources: ["https://api.example.test/"],
         grant_types: ["urn:ietf:params:oauth:grant-type:token-exchange"]}
`

// chat is a tenant with a bot, and Telegram.
type chat struct {
	*idp.IDP
	t   *testing.T
	key ed25519.PrivateKey
	bot *idp.Client
}

// withChat runs a test on both databases, with one Telegram connection that has the bot's token.
func withChat(t *testing.T, test func(t *testing.T, s *chat)) {
	t.Helper()
	start := func(t *testing.T, database string) {
		t.Helper()
		public, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		s := &chat{IDP: idp.Start(t, idp.Options{Database: database, TelegramKey: public}), t: t, key: key}
		s.Apply(bots)
		s.connect(atTelegram, nil)
		s.bot = s.Client("bot")
		s.bot.Secret = "bot-secret-0123456789-0123456789-0123"
		test(t, s)
	}
	t.Run("sqlite", func(t *testing.T) { start(t, "") })
	t.Run("postgres", func(t *testing.T) { start(t, testkit.FastPostgres(t)) })
}

// connect stores a Telegram connection, after a change.
func (s *chat) connect(id lanyard.ConnectionID, change func(*lanyard.Connection)) {
	s.t.Helper()
	c := lanyard.Connection{
		ID: id, TenantID: s.Scope().TenantID(), Kind: lanyard.ConnectionTelegram, Name: "Telegram", UpstreamClientID: botID,
		Enabled: true, SignIn: true, SignUp: true, Linking: true, CreatedAt: s.Clock.Now(),
	}
	var err error
	if c.SealedBotToken, err = s.Sealer.Seal(c.BotTokenPlace(), []byte(botToken)); err != nil {
		s.t.Fatal(err)
	}
	if change != nil {
		change(&c)
	}
	if err := s.Scope().PutConnection(s.t.Context(), c); err != nil {
		s.t.Fatal(err)
	}
}

// opened is the data of a Mini App that somebody has just opened; an empty value leaves a field out.
func (s *chat) opened(more ...string) map[string]string {
	nonce := make([]byte, 8)
	_, _ = rand.Read(nonce)
	all := map[string]string{
		"user": `{"id":7123456789,"first_name":"Ada","last_name":"Lovelace","username":"ada_l","language_code":"en"}`, "chat_type": "private",
		"query_id": hex.EncodeToString(nonce), "auth_date": strconv.FormatInt(s.Clock.Now().Unix(), 10),
	}
	for i := 0; i < len(more); i += 2 {
		if all[more[i]] = more[i+1]; more[i+1] == "" {
			delete(all, more[i])
		}
	}
	return all
}

func telegramLines(all map[string]string) string {
	var lines []string
	for name, value := range all {
		lines = append(lines, name+"="+value)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func hmacOf(key, message string) string {
	h := hmac.New(sha256.New, []byte(key))
	_, _ = h.Write([]byte(message))
	return string(h.Sum(nil))
}

// signedAs signs data as Telegram does for a bot: its own signature, then the bot's hash over that too.
func (s *chat) signedAs(bot, token string, all map[string]string) url.Values {
	all["signature"] = base64.RawURLEncoding.EncodeToString(ed25519.Sign(s.key, []byte(bot+":WebAppData\n"+telegramLines(all))))
	all["hash"] = hex.EncodeToString([]byte(hmacOf(hmacOf("WebAppData", token), telegramLines(all))))
	out := url.Values{}
	for name, value := range all {
		out.Set(name, value)
	}
	return out
}

// signed is the initData of our bot's Mini App.
func (s *chat) signed(more ...string) string {
	return s.signedAs(botID, botToken, s.opened(more...)).Encode()
}

// asking is the form of an exchange; an empty value leaves a parameter out.
func asking(data string, more ...string) url.Values {
	form := one("grant_type", exchangeGrant, "subject_token", data, "subject_token_type", miniAppData, "scope", "read")
	for i := 0; i < len(more); i += 2 {
		if form.Set(more[i], more[i+1]); more[i+1] == "" {
			form.Del(more[i])
		}
	}
	return form
}

func (s *chat) exchange(data string, more ...string) idp.Answer {
	s.t.Helper()
	return s.bot.Call("/oauth/token", asking(data, more...))
}

// given is an exchange that has to succeed.
func (s *chat) given(data string, more ...string) idp.Answer {
	s.t.Helper()
	a := s.exchange(data, more...)
	if a.Status != http.StatusOK {
		s.t.Fatalf("answered %d %s", a.Status, a.Raw)
	}
	return a
}

// owner is who has the Telegram account of that number; empty for nobody.
func (s *chat) owner(number string) lanyard.UserID {
	s.t.Helper()
	all, err := s.Scope().IdentityOwner(s.t.Context(), lanyard.Identity{ConnectionID: atTelegram, Issuer: "https://oauth.telegram.org", Subject: number})
	if err != nil && lanyard.KindOf(err) != lanyard.NotFound {
		s.t.Fatal(err)
	}
	return all.UserID
}

func (s *chat) active(token string) bool {
	s.t.Helper()
	return s.bot.Call("/oauth/introspect", one("token", token)).Body["active"] == true
}

func (s *chat) count(table string) int64 {
	s.t.Helper()
	n, err := s.Store.CountRows(s.t.Context(), table)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *chat) policy(policy string) {
	s.t.Helper()
	s.Apply(fmt.Sprintf("version: 1\ntenants:\n  - slug: default\n    policy: {%s, default_resource: %q}\n", policy, apiExample))
}

func (s *chat) linked(user lanyard.UserID) []lanyard.LinkedIdentity {
	s.t.Helper()
	all, err := s.Scope().Identities(s.t.Context(), user)
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}
