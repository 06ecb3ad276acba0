package mail_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/mail"
)

// ATTACKS J 196: whoever names an organization writes to strangers. Markup is text, a
// line stays a line, and what a mail program would turn into a link is left out.
func TestNamesInInvitationsAreTextAndNoLinks(t *testing.T) {
	for what, c := range map[string]struct{ organization, inviter, want string }{
		"both":                   {"Acme", "Grace Hopper", "Grace Hopper invites you to join Acme at"},
		"an organization alone":  {"Acme", "", "You are invited to join Acme at"},
		"neither":                {"", "", "You are invited to create an account at"},
		"a dot at the end":       {"Acme Inc.", "Grace H.", "Grace H. invites you to join Acme Inc. at"},
		"a URL as organization":  {"https://evil.test/win", "Grace", "You are invited to join an organization at"},
		"a host as organization": {"evil.test", "Grace", "You are invited to join an organization at"},
		"a host as inviter":      {"Acme", "evil.test", "You are invited to join Acme at"},
		"an address as inviter":  {"Acme", "grace@evil.test", "You are invited to join Acme at"},
		"line ends":              {"Acme\r\nBcc: x\r\n\r\nPay now", "Grace\n", "Grace invites you to join Acme Bcc: x Pay now at"},
		"a turned direction":     {"Acme\u202e", "Gr\u0000ace", "Grace invites you to join Acme at"},
	} {
		t.Run(what, func(t *testing.T) {
			l := letterOf(lanyard.MailInvitation, "en")
			l.Organization, l.Inviter = c.organization, c.inviter
			m := compose(t, l, envelope())
			if !strings.Contains(m.Text, c.want) || !strings.Contains(m.HTML, c.want) {
				t.Errorf("%q is not in the mail:\n%s", c.want, m.Text)
			}
			if strings.Contains(m.Text+m.HTML+m.Subject, "evil.test") || strings.ContainsAny(m.Subject, "\r\n\x00\u202e") {
				t.Errorf("subject %q, text:\n%s", m.Subject, m.Text)
			}
			if links := strings.Count(m.HTML, "href="); links != 2 || strings.Count(m.HTML, `href="`+l.Link+`"`) != 2 {
				t.Errorf("%d links, not all to the invitation", links)
			}
		})
	}
}

func TestMarkupInNamesOfInvitationsIsText(t *testing.T) {
	l := letterOf(lanyard.MailInvitation, "en")
	l.Organization, l.Inviter = `<b onload=x>Acme`, `<img src=x>`
	m := compose(t, l, envelope())
	if strings.Contains(m.HTML, "<img") || strings.Contains(m.HTML, "<b ") || !strings.Contains(m.HTML, "&lt;img src=x&gt; invites you to join &lt;b onload=x&gt;Acme") {
		t.Errorf("the names are not escaped:\n%s", m.HTML)
	}
}

func TestInvitationWithoutItsLinkIsRefused(t *testing.T) {
	l := letterOf(lanyard.MailInvitation, "en")
	l.Link = ""
	c, _ := composer(t)
	_, err := c.Compose(l, envelope())
	if _, refused := errors.AsType[*mail.RefusedError](err); !refused {
		t.Errorf("got %v", err)
	}
}

func TestOwnTemplatesKnowOrganizationAndInviter(t *testing.T) {
	own := lanyard.MailTemplate{Subject: "{{.Organization}}", Text: "{{.Inviter}}: {{.Link}}"}
	if err := mail.CheckTemplate(lanyard.MailInvitation, own); err != nil {
		t.Error(err)
	}
	own.Text = "{{.Inviter}}"
	if err := mail.CheckTemplate(lanyard.MailInvitation, own); err == nil {
		t.Error("a template without the link passed")
	}
}
