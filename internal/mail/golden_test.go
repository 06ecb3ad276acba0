package mail_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/mail"
)

var update = flag.Bool("update", false, "write the golden files anew")

// letterOf is a letter of a kind with what such a letter has.
func letterOf(kind lanyard.MailKind, lang string) mail.Letter {
	l := mail.Letter{
		Kind: kind, To: "ada@example.test", Name: "Ada Lovelace", Languages: []string{lang}, At: now, Address: "192.0.2.1", UserAgent: firefox,
	}
	switch kind {
	case lanyard.MailSignUp, lanyard.MailVerify, lanyard.MailCode:
		l.Code, l.Link, l.Expires = "482913", "https://id.example.test/t/acme/login/link?token=abc", now.Add(10*minute)
	case lanyard.MailReset:
		l.Link, l.Expires = "https://id.example.test/t/acme/reset?token=abc", now.Add(30*minute)
	case lanyard.MailNewDevice:
		l.Link, l.App = "https://id.example.test/t/acme/account/not-me?token=abc", "Grafana"
	case lanyard.MailRecoveryUsed:
		l.Subject = "7"
	case lanyard.MailFactorAdded:
		l.Subject = "totp"
	case lanyard.MailFactorRemoved:
		l.Subject = "Ada's phone"
	case lanyard.MailEmailChanged, lanyard.MailEmailAdded, lanyard.MailEmailRemoved:
		l.Subject = "ada@new.example.test"
	case lanyard.MailIdentityLinked, lanyard.MailIdentityUnlinked:
		l.Subject = "Google (ada@example.test)"
	case lanyard.MailInvitation:
		return mail.Letter{
			Kind: kind, To: l.To, Languages: l.Languages, Link: "https://id.example.test/t/acme/invite/abc", App: "Grafana",
			Expires: now.Add(7 * 24 * 60 * minute), Organization: "Northwind", Inviter: "Grace Hopper",
		}
	case lanyard.MailMemberRemoved:
		return mail.Letter{Kind: kind, To: l.To, Name: l.Name, Languages: l.Languages, Organization: "Northwind"}
	case lanyard.MailDeletionAsked:
		l.Expires = now.Add(14 * 24 * 60 * minute)
	}
	return l
}

// Golden: what people read, of every kind in every language.
func TestMailsReadAsKept(t *testing.T) {
	for _, kind := range mail.Kinds() {
		for _, lang := range []string{"en", "de"} {
			m := compose(t, letterOf(kind, lang), envelope())
			name := string(kind) + "." + lang
			golden(t, name+".txt", "Subject: "+m.Subject+"\n\n"+m.Text)
			golden(t, name+".html", m.HTML)
		}
	}
}

// TestEveryKindHasAMail reads the constants, so that none is forgotten here.
func TestEveryKindHasAMail(t *testing.T) {
	source, err := os.ReadFile("../../mail.go")
	if err != nil {
		t.Fatal(err)
	}
	if declared := strings.Count(string(source), ` MailKind = "`); declared != len(mail.Kinds()) || declared == 0 {
		t.Errorf("%d kinds are declared, %d have a mail", declared, len(mail.Kinds()))
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (run with -update if that is intended):\n%s", name, diff)
	}
}
