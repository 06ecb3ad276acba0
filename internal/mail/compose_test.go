package mail_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/mail"
)

const minute = time.Minute

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

var now = time.Date(2031, 1, 2, 3, 4, 5, 0, time.UTC)

func envelope() mail.Envelope {
	return mail.Envelope{
		ID: "dlv_06dfkxmqvt4y1ebz0nhh3pc2ar", Issuer: "https://id.example.test/t/acme", Date: now,
		Tenant: lanyard.Tenant{ID: "ten_1", Slug: "acme", Name: "Acme", Branding: lanyard.Branding{Accent: "#1d7a4f"}},
	}
}

// composer writes to a log that the test may read.
func composer(t *testing.T) (*mail.Composer, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	c, err := mail.NewComposer("no-reply@id.example.test", slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return c, &log
}

func compose(t *testing.T, l mail.Letter, e mail.Envelope) mail.Message {
	t.Helper()
	c, log := composer(t)
	m, err := c.Compose(l, e)
	if err != nil {
		t.Fatalf("%s: %v", l.Kind, err)
	}
	if log.Len() > 0 {
		t.Errorf("%s: %s", l.Kind, log)
	}
	return m
}

// TestMailsKeepTheirBudget: small, nothing remote, no script, dark-safe, the code in the first line.
func TestMailsKeepTheirBudget(t *testing.T) {
	remote := regexp.MustCompile(`(?i)<(img|script|link|iframe|object|form)|url\(|@import|@font-face|src=|background=|\son[a-z]+=`)
	for _, kind := range mail.Kinds() {
		for _, lang := range []string{"en", "de"} {
			m := compose(t, letterOf(kind, lang), envelope())
			if len(m.HTML) > 20<<10 || len(m.Text) > 4<<10 {
				t.Errorf("%s %s: %d and %d bytes", kind, lang, len(m.HTML), len(m.Text))
			}
			if found := remote.FindString(m.HTML); found != "" {
				t.Errorf("%s %s has %q", kind, lang, found)
			}
			if !strings.Contains(m.HTML, `content="light dark"`) || !strings.Contains(m.HTML, `<html lang="`+lang+`"`) {
				t.Errorf("%s %s: not dark-safe or without language", kind, lang)
			}
			for _, link := range regexp.MustCompile(`https?://[^\s"<]+`).FindAllString(m.HTML+" "+m.Text, -1) {
				if !strings.HasPrefix(link, "https://id.example.test/t/acme") {
					t.Errorf("%s %s has the link %s", kind, lang, link)
				}
			}
			if m.Language != lang || m.From != "no-reply@id.example.test" || m.FromName != "Acme" || m.MessageID != "dlv_06dfkxmqvt4y1ebz0nhh3pc2ar@id.example.test" {
				t.Errorf("%s: %+v", kind, m)
			}
		}
	}
}

func TestCodeIsInSubjectFirstLineAndAutofillLine(t *testing.T) {
	for _, kind := range []lanyard.MailKind{lanyard.MailSignUp, lanyard.MailVerify, lanyard.MailCode} {
		m := compose(t, letterOf(kind, "en"), envelope())
		lines := strings.Split(strings.TrimSpace(m.Text), "\n")
		if m.Subject != "Your Acme code is 482 913" || lines[0] != "Your Acme code is 482 913." || lines[len(lines)-1] != "@id.example.test #482913" {
			t.Errorf("%s: %q, %q, %q", kind, m.Subject, lines[0], lines[len(lines)-1])
		}
		if strings.Contains(m.Text+m.HTML, "Ada Lovelace") {
			t.Errorf("%s names somebody at an address that is not proved", kind)
		}
	}
}

func TestLetterWithoutCodeHasItsLink(t *testing.T) {
	for _, kind := range []lanyard.MailKind{lanyard.MailSignUp, lanyard.MailVerify, lanyard.MailCode} {
		l := letterOf(kind, "en")
		l.Code = ""
		m := compose(t, l, envelope())
		if strings.Contains(m.Text, "#") || strings.Contains(m.Subject+m.Text, "code is") || !strings.Contains(m.Text, l.Link) || !strings.Contains(m.HTML, `href="`+l.Link) {
			t.Errorf("%s: %s", kind, m.Text)
		}
	}
}

func TestLetterThatSaysNothingIsRefused(t *testing.T) {
	c, _ := composer(t)
	bare := func(kind lanyard.MailKind) mail.Letter { return mail.Letter{Kind: kind, To: "ada@example.test"} }
	cases := map[string]mail.Letter{
		"no code":         bare(lanyard.MailCode),
		"no link":         bare(lanyard.MailReset),
		"unknown":         bare("unknown"),
		"only a code":     {Kind: lanyard.MailReset, To: "ada@example.test", Code: "482913"},
		"script link":     {Kind: lanyard.MailReset, To: "ada@example.test", Link: "javascript:alert(1)"},
		"relative link":   {Kind: lanyard.MailReset, To: "ada@example.test", Link: "/reset"},
		"link with lines": {Kind: lanyard.MailReset, To: "ada@example.test", Link: "https://id.example.test/\r\nBcc: x"},
	}
	for _, to := range []string{
		"", "ada", "a@b@c.test", "ada@example.test\r\nBcc: eve@example.test", "ada@example.test\x00", "ada@example.test, eve@example.test",
		"Ada <ada@example.test>", `"a b"@example.test`, "ada@[127.0.0.1]", "ada@example.test\n", "<ada@example.test>",
	} {
		l := letterOf(lanyard.MailCode, "en")
		l.To = to
		cases["to "+to] = l
	}
	for name, l := range cases {
		m, err := c.Compose(l, envelope())
		if _, final := errors.AsType[*mail.RefusedError](err); !final {
			t.Errorf("%s: got %v %q", name, err, m.To)
		}
	}
}

func TestSenderAddressIsChecked(t *testing.T) {
	for _, from := range []string{"", "nobody", "a@b.test\r\nBcc: x@y.test", "Ada <a@b.test>"} {
		if _, err := mail.NewComposer(from, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%q was taken", from)
		}
	}
}

// TestWhatPeopleChoseStaysOnItsLine: no header, no paragraph, no markup, no turned direction.
func TestWhatPeopleChoseStaysOnItsLine(t *testing.T) {
	evil := "Eve\r\nBcc: eve@example.test\r\n\r\n\x00\u2028\u202e<b>hi</b>"
	e := envelope()
	e.Tenant.Name, e.Tenant.Mail = evil, lanyard.MailSettings{FromName: evil, ReplyTo: "a@b.test\r\nBcc: eve@example.test"}
	for _, kind := range mail.Kinds() {
		l := letterOf(kind, "en")
		l.Name, l.App, l.Subject, l.Address, l.UserAgent = evil, evil, evil, evil, evil
		c, _ := composer(t)
		m, err := c.Compose(l, e)
		if err != nil {
			t.Fatal(err)
		}
		for what, text := range map[string]string{"subject": m.Subject, "name": m.FromName} {
			if strings.ContainsAny(text, "\r\n\x00\u2028\u202e") || what == "name" && text != "Eve Bcc: eve@example.test <b>hi</b>" {
				t.Errorf("%s: the %s is %q", kind, what, text)
			}
		}
		if m.ReplyTo != "" {
			t.Errorf("%s: answers go to %q", kind, m.ReplyTo)
		}
		if strings.ContainsAny(m.Text, "\r\x00\u2028\u202e") || strings.Contains(m.Text, "\nBcc") || strings.Contains(m.HTML, "<b>") {
			t.Errorf("%s:\n%s", kind, m.Text)
		}
	}
}

// TestNameThatLooksLikeALinkIsLeftOut: whoever chooses a name must not advertise by our mails.
func TestNameThatLooksLikeALinkIsLeftOut(t *testing.T) {
	for name, greeted := range map[string]bool{
		"Ada Lovelace": true, "Dr. Ada Lovelace": true, "J. R. R.": true, "O'Brien-Smith": true, "": false,
		"Win at evil.example": false, "https://evil.example": false, "evil.example/x": false, "ada@example.test": false, "ada@localhost": false, "ftp:x": false,
	} {
		l := letterOf(lanyard.MailPasswordChanged, "en")
		l.Name = name
		m := compose(t, l, envelope())
		if greeting, _, _ := strings.Cut(m.Text, "\n"); (greeting == "Hello "+name+",") != greeted || !greeted && greeting != "Hello," {
			t.Errorf("%q: %q", name, greeting)
		}
	}
}

func TestLongTextsAreCut(t *testing.T) {
	e := envelope()
	e.Tenant.Name = strings.Repeat("Ä", 5000)
	l := letterOf(lanyard.MailPasswordChanged, "en")
	l.Name, l.Address = strings.Repeat("x", 100_000), strings.Repeat("y", 100_000)
	m := compose(t, l, e)
	if len([]rune(m.Subject)) > 150 || len(m.Text) > 4<<10 || len(m.HTML) > 20<<10 {
		t.Errorf("%d, %d, %d", len(m.Subject), len(m.Text), len(m.HTML))
	}
}

func TestLanguageIsTheBestThatIsSpoken(t *testing.T) {
	for _, c := range []struct {
		reads   []string
		tenant  string
		want    string
		comment string
	}{
		{nil, "", "en", "nobody says"},
		{[]string{"de"}, "", "de", "plain"},
		{[]string{"de-AT"}, "", "de", "a region"},
		{[]string{"fr", "de"}, "", "de", "the second"},
		{[]string{"fr"}, "de", "de", "the tenant's"},
		{[]string{"en"}, "de", "en", "the person's before the tenant's"},
		{[]string{"fr"}, "fr", "en", "none is spoken"},
		{[]string{"", "-", "x", strings.Repeat("de-", 100_000)}, "", "en", "nonsense"},
		{slices.Repeat([]string{"fr"}, 100_000), "de", "de", "too many"},
	} {
		l, e := letterOf(lanyard.MailTest, "en"), envelope()
		l.Languages, e.Tenant.Mail.Language = c.reads, c.tenant
		if m := compose(t, l, e); m.Language != c.want {
			t.Errorf("%s: %s", c.comment, m.Language)
		}
	}
}

// TestDeviceIsNamedOnlyByKnownNames: a user agent is text that a stranger wrote.
func TestDeviceIsNamedOnlyByKnownNames(t *testing.T) {
	for agent, want := range map[string]string{
		firefox: "Device: Firefox on Linux\n",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1": "Device: Safari on iOS\n",
		"curl/8.5.0":                           "",
		"Buy at evil.example/1.0":              "",
		"":                                     "",
		strings.Repeat("Firefox/1 ", 100_000):  "Device: Firefox\n",
		"(Linux) <script>alert(1)</script>/20": "Device: Linux\n",
	} {
		l := letterOf(lanyard.MailPasswordChanged, "en")
		l.UserAgent = agent
		m := compose(t, l, envelope())
		if got := regexp.MustCompile(`Device: .*\n`).FindString(m.Text); got != want {
			t.Errorf("%.60q: %q", agent, got)
		}
	}
}

func TestNoticeOffersTheActivityOrItsOwnLink(t *testing.T) {
	const activity = "https://id.example.test/t/acme/account/activity"
	l := letterOf(lanyard.MailPasswordChanged, "en")
	if m := compose(t, l, envelope()); !strings.Contains(m.Text, "\n"+activity+"\n") || !strings.Contains(m.HTML, `href="`+activity+`"`) {
		t.Error("no way to the activity")
	}
	l.Link = "https://id.example.test/t/acme/not-me"
	if m := compose(t, l, envelope()); strings.Contains(m.Text, activity) || !strings.Contains(m.Text, l.Link) {
		t.Error("the own link is not offered")
	}
}

func TestLifeOfACodeIsSaid(t *testing.T) {
	for life, want := range map[time.Duration]string{
		minute: "one minute, until 03:05 UTC", 10 * minute: "10 minutes, until 03:14 UTC", 24 * time.Hour: "24 hours, until 3 January 2031, 03:04 UTC",
	} {
		l := letterOf(lanyard.MailCode, "en")
		l.Expires = now.Add(life)
		if m := compose(t, l, envelope()); !strings.Contains(m.Text, want) {
			t.Errorf("%v: %s", life, m.Text)
		}
	}
}

func TestLanguagesHaveTheSameWords(t *testing.T) {
	keys := func(lang string) []string {
		data, err := os.ReadFile("words/" + lang + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		var all map[string]any
		if err := yaml.Unmarshal(data, &all); err != nil {
			t.Fatal(err)
		}
		var out []string
		for key := range all {
			out = append(out, key)
		}
		slices.Sort(out)
		return out
	}
	if diff := cmp.Diff(keys("en"), keys("de")); diff != "" {
		t.Error(diff)
	}
}

func TestLogShowsNothingOfAMail(t *testing.T) {
	var log bytes.Buffer
	m := compose(t, letterOf(lanyard.MailCode, "en"), envelope())
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "mail", m)
	if text := log.String(); (strings.Contains(text, "482 913") || strings.Contains(text, "482913")) || strings.Contains(text, "ada@") || !strings.Contains(text, "mail.kind=code") {
		t.Error(text)
	}
}
