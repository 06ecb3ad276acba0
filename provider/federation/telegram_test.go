package federation_test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/clock"
	"github.com/lanyard-id/lanyard/internal/testkit/upstream"
	"github.com/lanyard-id/lanyard/provider/federation"
)

const (
	botToken = "7000000001:AAExampleExampleExampleExampleExample"
	botID    = "7000000001"
	ada      = `{"id":7123456789,"first_name":"Ada","last_name":"Lovelace","username":"ada_l","language_code":"en","photo_url":"https:\/\/t.me\/ada.svg"}`
)

// telegram plays Telegram, and is the connection of a bot.
type telegram struct {
	t         testing.TB
	key       ed25519.PrivateKey
	clock     *clock.Manual
	upstreams *federation.Upstreams
	c         lanyard.Connection
}

func newTelegram(t testing.TB) *telegram {
	t.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	g := &telegram{t: t, key: key, clock: clock.NewManual(noon)}
	g.upstreams = newUpstreams(t, g.clock)
	g.upstreams.TelegramKey = public
	g.c = connect(t, upstream.Options{Shape: upstream.Telegram}, "", func(c *lanyard.Connection) { c.UpstreamClientID = botID })
	return g
}

// withToken is the connection of somebody who has the bot's token.
func (g *telegram) withToken() lanyard.Connection {
	g.t.Helper()
	c := g.c
	c.SealedBotToken = sealed(g.t, c.BotTokenPlace(), botToken)
	return c
}

func fields(more map[string]string) map[string]string {
	all := map[string]string{
		"user": ada, "chat_instance": "-8134722200314281151", "chat_type": "private", "auth_date": strconv.FormatInt(noon.Unix(), 10),
		"start_param": "from-a-link",
	}
	for name, value := range more {
		if all[name] = value; value == "" {
			delete(all, name)
		}
	}
	return all
}

// inLines writes fields as Telegram signs them.
func inLines(all map[string]string) string {
	var lines []string
	for name, value := range all {
		lines = append(lines, name+"="+value)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func mac(key, message string) string {
	h := hmac.New(sha256.New, []byte(key))
	_, _ = h.Write([]byte(message))
	return string(h.Sum(nil))
}

// sign makes initData as Telegram does: its own signature first, then the bot's hash over that too.
func (g *telegram) sign(all map[string]string, bot, token string) url.Values {
	all["signature"] = base64.RawURLEncoding.EncodeToString(ed25519.Sign(g.key, []byte(bot+":WebAppData\n"+inLines(all))))
	all["hash"] = hex.EncodeToString([]byte(mac(mac("WebAppData", token), inLines(all))))
	out := url.Values{}
	for name, value := range all {
		out.Set(name, value)
	}
	return out
}

func TestMiniAppDataNamesThePerson(t *testing.T) {
	g := newTelegram(t)
	signed := g.sign(fields(nil), botID, botToken).Encode()
	for name, c := range map[string]lanyard.Connection{"by the bot's token": g.withToken(), "by Telegram's key": g.c} {
		got, err := g.upstreams.MiniApp(c, signed)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := federation.MiniApp{
			Assertion: lanyard.Assertion{
				Identity: lanyard.Identity{ConnectionID: g.c.ID, Issuer: "https://oauth.telegram.org", Subject: "7123456789"},
				Profile: lanyard.Profile{
					Name: "Ada Lovelace", GivenName: "Ada", FamilyName: "Lovelace", PreferredUsername: "ada_l", Locale: "en", Picture: "https://t.me/ada.svg",
				},
				ACR: lanyard.ACRSingle, Claims: got.Claims,
			},
			BotID: botID, AuthDate: noon, Until: noon.Add(5 * time.Minute), StartParam: "from-a-link", Once: got.Once,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// The same person has the same identity through Telegram's OpenID provider and through a Mini App.
func TestAMiniAppAndASignInAreOnePerson(t *testing.T) {
	h := newHouse(t, upstream.Options{Shape: upstream.Telegram}, nil)
	want := h.mustSignIn().Identity
	g := newTelegram(t)
	c := h.c
	c.SealedBotToken = sealed(t, c.BotTokenPlace(), botToken)
	got, err := h.upstreams.MiniApp(c, g.sign(fields(nil), botID, botToken).Encode())
	if err != nil || got.Identity != want {
		t.Errorf("got %v, %v, want %v", got.Identity, err, want)
	}
}

func TestATelegramAccountIsItsNumber(t *testing.T) {
	h := newHouse(t, upstream.Options{Shape: upstream.Telegram}, nil)
	for _, id := range []any{nil, 0, -7, 1.5, "", "abc", 1e30, "0123", "7 ", []int{7}, int64(1) << 52} {
		person := upstream.Ada(upstream.Telegram) // whose sub is a number too
		person.Extra = map[string]any{"id": id}
		h.provider.SignIn(person)
		if out, err := h.signIn(); !errors.Is(err, lanyard.ErrUpstreamWrong) {
			t.Errorf("%v is an account: %v, %v", id, out.Identity, err)
		}
	}
	person := upstream.Ada(upstream.Telegram)
	person.Extra = map[string]any{"id": "7123456789"}
	h.provider.SignIn(person)
	if got := h.mustSignIn(); got.Identity.Subject != "7123456789" {
		t.Errorf("got %v", got.Identity)
	}
}

func TestForgedMiniAppDataIsRefused(t *testing.T) {
	g := newTelegram(t)
	other := "7000000002:AAOtherOtherOtherOtherOtherOtherOther"
	for name, forge := range map[string]func() string{
		"nothing":           func() string { return "" },
		"no text of a form": func() string { return "%zz;&" },
		"another user": func() string {
			v := g.good()
			v.Set("user", strings.Replace(ada, "7123", "7124", 1))
			return v.Encode()
		},
		"a later date": func() string {
			v := g.good()
			v.Set("auth_date", strconv.FormatInt(noon.Unix()+1, 10))
			return v.Encode()
		},
		"a field more":        func() string { v := g.good(); v.Set("premium", "1"); return v.Encode() },
		"a field less":        func() string { v := g.good(); v.Del("chat_type"); return v.Encode() },
		"user twice":          func() string { return g.good().Encode() + "&user=" + url.QueryEscape(ada) },
		"of another bot":      func() string { return g.sign(fields(nil), "7000000002", other).Encode() },
		"no hash, no sign":    func() string { v := g.good(); v.Del("hash"); v.Del("signature"); return v.Encode() },
		"empty hash and sign": func() string { v := g.good(); v.Set("hash", ""); v.Set("signature", ""); return v.Encode() },
		"a short hash": func() string {
			v := g.good()
			v.Set("hash", v.Get("hash")[:2])
			v.Set("signature", "AAAA")
			return v.Encode()
		},
		"the bot's own data": func() string {
			return g.sign(fields(map[string]string{"user": `{"id":7,"is_bot":true}`}), botID, botToken).Encode()
		},
		"no user": func() string { return g.sign(fields(map[string]string{"user": ""}), botID, botToken).Encode() },
		"user in two voices": func() string {
			return g.sign(fields(map[string]string{"user": `{"id":7,"id":8}`}), botID, botToken).Encode()
		},
		"a user and more": func() string { return g.sign(fields(map[string]string{"user": ada + "{}"}), botID, botToken).Encode() },
		"a user without id": func() string {
			return g.sign(fields(map[string]string{"user": `{"first_name":"Ada"}`}), botID, botToken).Encode()
		},
		"a negative id": func() string { return g.sign(fields(map[string]string{"user": `{"id":-7}`}), botID, botToken).Encode() },
		"two fields in one": func() string {
			return g.sign(fields(map[string]string{"chat_type": "private\nuser={}"}), botID, botToken).Encode()
		},
		"a name of two fields": func() string { return g.sign(fields(map[string]string{"a=b\nc": "d"}), botID, botToken).Encode() },
		"no date":              func() string { return g.sign(fields(map[string]string{"auth_date": ""}), botID, botToken).Encode() },
		"a date in words": func() string {
			return g.sign(fields(map[string]string{"auth_date": "today"}), botID, botToken).Encode()
		},
		"nine kilobytes": func() string {
			return g.sign(fields(map[string]string{"start_param": strings.Repeat("a", 9000)}), botID, botToken).Encode()
		},
	} {
		for how, c := range map[string]lanyard.Connection{"by token": g.withToken(), "by key": g.c} {
			if out, err := g.upstreams.MiniApp(c, forge()); !errors.Is(err, lanyard.ErrUpstreamWrong) || out.Identity.Subject != "" {
				t.Errorf("%s, %s: got %v, %v", name, how, out.Identity, err)
			}
		}
	}
	google := connect(t, upstream.Options{Shape: upstream.Google}, "", func(c *lanyard.Connection) { c.UpstreamClientID = botID })
	if _, err := g.upstreams.MiniApp(google, g.good().Encode()); !errors.Is(err, lanyard.ErrUpstreamWrong) {
		t.Errorf("a connection that is not Telegram's: %v", err)
	}
}

func (g *telegram) good() url.Values { return g.sign(fields(nil), botID, botToken) }

func TestAWrongKeyProvesNothingAlone(t *testing.T) {
	g, stranger := newTelegram(t), newTelegram(t)
	// The right hash does not stand in for Telegram's signature, nor the other way round.
	byStranger := stranger.sign(fields(nil), botID, botToken)
	if _, err := g.upstreams.MiniApp(g.c, byStranger.Encode()); !errors.Is(err, lanyard.ErrUpstreamWrong) {
		t.Errorf("a stranger's signature: %v", err)
	}
	v := g.good()
	v.Set("hash", strings.Repeat("00", 32))
	if _, err := g.upstreams.MiniApp(g.withToken(), v.Encode()); !errors.Is(err, lanyard.ErrUpstreamWrong) {
		t.Errorf("a wrong hash: %v", err)
	}
	unset := g.c // whose bot token is empty: anybody can make that hash
	unset.SealedBotToken = sealed(t, unset.BotTokenPlace(), "")
	if _, err := g.upstreams.MiniApp(unset, g.sign(fields(nil), botID, "").Encode()); !errors.Is(err, lanyard.ErrUpstreamWrong) {
		t.Errorf("no bot token at all: %v", err)
	}
	nobot := g.c
	nobot.UpstreamClientID = "our-client"
	if _, err := g.upstreams.MiniApp(nobot, g.sign(fields(nil), "our-client", "").Encode()); !errors.Is(err, lanyard.ErrUpstreamWrong) {
		t.Errorf("a bot without a number: %v", err)
	}
	published := newUpstreams(t, g.clock) // knows Telegram's real key
	if _, err := published.MiniApp(g.c, g.good().Encode()); !errors.Is(err, lanyard.ErrUpstreamWrong) {
		t.Errorf("the key of this test is Telegram's: %v", err)
	}
}

func TestMiniAppDataLivesFiveMinutes(t *testing.T) {
	g := newTelegram(t)
	for age, good := range map[time.Duration]bool{
		-61 * time.Second: false, -60 * time.Second: true, 0: true, 5*time.Minute - time.Second: true, 5 * time.Minute: false, 24 * time.Hour: false,
	} {
		at := strconv.FormatInt(noon.Add(-age).Unix(), 10)
		signed := g.sign(fields(map[string]string{"auth_date": at}), botID, botToken).Encode()
		for how, c := range map[string]lanyard.Connection{"by token": g.withToken(), "by key": g.c} {
			if _, err := g.upstreams.MiniApp(c, signed); (err == nil) != good {
				t.Errorf("%s old, %s: %v", age, how, err)
			}
		}
	}
}

// What is spent is the same however the data is written, and whatever stands in a hash that nobody looked at.
func TestOneUseIsOfTheDataNotOfItsSpelling(t *testing.T) {
	g := newTelegram(t)
	v := g.good()
	first, err := g.upstreams.MiniApp(g.c, v.Encode())
	if err != nil {
		t.Fatal(err)
	}
	respelt := v.Encode()
	v.Set("hash", strings.Repeat("ab", 32))
	padded := v.Encode() + "%3D%3D"
	v.Del("hash")
	for _, spelling := range []string{
		strings.ReplaceAll(respelt, "private", "%70rivate"), v.Encode(), strings.Replace(padded, "user=", "&user=", 1),
	} {
		again, err := g.upstreams.MiniApp(g.c, spelling)
		if errors.Is(err, lanyard.ErrUpstreamWrong) {
			continue // refused is as good
		}
		if err != nil || again.Once != first.Once {
			t.Errorf("%q would be used again: %v", spelling, err)
		}
	}
	if other, err := g.upstreams.MiniApp(g.c, g.sign(fields(map[string]string{"start_param": "x"}), botID, botToken).Encode()); err != nil ||
		other.Once == first.Once {
		t.Errorf("other data is used already: %v", err)
	}
}
