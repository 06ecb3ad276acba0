package federation

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
)

const (
	// MiniAppLifetime is how long Mini App data is believed after Telegram made it.
	MiniAppLifetime = 5 * time.Minute

	// telegramKey is the Ed25519 key with which Telegram signs Mini App data, in hex.
	telegramKey = "e7bf03a2fa4602af4580703d88dda5bb59f32ed8b02a56c187fe7d34caed242d"

	maxInitData   = 8 << 10
	maxInitFields = 32
)

// MiniApp is what verified initData of a Telegram Mini App said.
type MiniApp struct {
	lanyard.Assertion
	// BotID is the bot whose Mini App it is.
	BotID string
	// AuthDate is when Telegram made the data, Until when it is no longer believed.
	AuthDate time.Time
	Until    time.Time
	// StartParam is what the link to the Mini App carried.
	StartParam string
	// Once is the same for every spelling of the same data: the caller spends it until Until.
	Once [sha256.Size]byte
}

// MiniApp verifies initData for a Telegram connection: by the bot's token (HMAC) if the
// connection has one, else by Telegram's own signature over the bot's id, which is the
// connection's client id. Everything refused is lanyard.ErrUpstreamWrong. The caller sees to it that
// MiniApp.Once is new.
func (u *Upstreams) MiniApp(c lanyard.Connection, initData string) (MiniApp, error) {
	if c.Kind != lanyard.ConnectionTelegram {
		return MiniApp{}, wrong("the connection has no Mini Apps")
	}
	fields, err := readInitData(initData)
	if err != nil {
		return MiniApp{}, err
	}
	bot, err := u.verifyInitData(c, fields)
	if err != nil {
		return MiniApp{}, err
	}
	at, err := fields.authDate(u.clock.Now())
	if err != nil {
		return MiniApp{}, err
	}
	out, err := fields.person(c)
	if err != nil {
		return MiniApp{}, err
	}
	return MiniApp{
		Assertion: out, BotID: bot, AuthDate: at, Until: at.Add(MiniAppLifetime), StartParam: label(fields["start_param"]),
		Once: sha256.Sum256([]byte(bot + "\n" + fields.lines("hash", "signature"))),
	}, nil
}

// verifyInitData checks who made the data, and gives the bot's id.
func (u *Upstreams) verifyInitData(c lanyard.Connection, fields initData) (string, error) {
	if len(c.SealedBotToken) == 0 {
		bot := c.UpstreamClientID
		return bot, fields.verifySignature(bot, u.TelegramKey)
	}
	token, err := u.sealer.Open(c.BotTokenPlace(), c.SealedBotToken)
	if err != nil {
		return "", fmt.Errorf("open the bot token of a connection: %w", err)
	}
	bot, _, _ := strings.Cut(string(token), ":")
	return bot, fields.verifyHash(token)
}

// initData are the fields of initData, decoded.
type initData map[string]string

var fieldName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,40}$`)

// readInitData takes each field once, and nothing that could be read as two fields when
// they are written in lines.
func readInitData(raw string) (initData, error) {
	if len(raw) > maxInitData {
		return nil, wrong("the Mini App's data is too long")
	}
	values, err := url.ParseQuery(raw)
	if err != nil || len(values) > maxInitFields {
		return nil, wrong("the Mini App's data can not be read")
	}
	fields := initData{}
	for name, given := range values {
		if len(given) != 1 || !fieldName.MatchString(name) || !plain(given[0]) {
			return nil, wrong("a field of the Mini App's data is repeated or malformed")
		}
		fields[name] = given[0]
	}
	return fields, nil
}

// lines is the text that is signed: the fields by name, one a line, without some.
func (d initData) lines(without ...string) string {
	var lines []string
	for name, value := range d {
		if !slices.Contains(without, name) {
			lines = append(lines, name+"="+value)
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// verifyHash checks the HMAC that a bot's token makes over all fields but the hash itself.
func (d initData) verifyHash(token []byte) error {
	given, err := hex.DecodeString(d["hash"])
	if err != nil || len(token) == 0 {
		return wrong("the Mini App's data has no hash")
	}
	key := sum([]byte("WebAppData"), token)
	if !hmac.Equal(sum(key, []byte(d.lines("hash"))), given) {
		return wrong("the hash of the Mini App's data is not right")
	}
	return nil
}

func sum(key, message []byte) []byte {
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write(message) // never fails
	return mac.Sum(nil)
}

// verifySignature checks Telegram's own signature over the bot's id and all fields but hash and signature.
func (d initData) verifySignature(bot string, key ed25519.PublicKey) error {
	given, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimRight(d["signature"], "="))
	if err != nil || !telegramNumber.MatchString(bot) {
		return wrong("the Mini App's data has no signature, or the connection no bot")
	}
	if !ed25519.Verify(key, []byte(bot+":WebAppData\n"+d.lines("hash", "signature")), given) {
		return wrong("the signature of the Mini App's data is not right")
	}
	return nil
}

func (d initData) authDate(now time.Time) (time.Time, error) {
	seconds, err := strconv.ParseInt(d["auth_date"], 10, 64)
	if err != nil || seconds <= 0 || seconds > maxSeconds {
		return time.Time{}, wrong("the Mini App's data has no time")
	}
	at := time.Unix(seconds, 0).UTC()
	if !now.Before(at.Add(MiniAppLifetime)) || at.After(now.Add(leeway)) {
		return time.Time{}, wrong("the Mini App's data is too old, or of the future")
	}
	return at, nil
}

// person is who opened the Mini App.
func (d initData) person(c lanyard.Connection) (lanyard.Assertion, error) {
	all, err := readClaims([]byte(d["user"]))
	if err != nil || all.truth("is_bot") {
		return lanyard.Assertion{}, wrong("the Mini App's data is about no person")
	}
	identity, err := telegramIdentity(c, string(all["id"]))
	if err != nil {
		return lanyard.Assertion{}, err
	}
	out := lanyard.Assertion{Identity: identity, ACR: lanyard.ACRSingle, Claims: bounded(all)}
	p := &out.Profile
	p.GivenName, p.FamilyName = printable(all.text("first_name")), printable(all.text("last_name"))
	p.Name = printable(p.GivenName + " " + p.FamilyName)
	p.PreferredUsername = printable(all.text("username"))
	p.Picture = picture(all.text("photo_url"))
	if locale := all.text("language_code"); language.MatchString(locale) {
		p.Locale = locale
	}
	return out, nil
}
