package mail

import (
	"cmp"
	"log/slog"
	"net/url"
	"slices"

	"github.com/lanyard-id/lanyard"
)

// everyVariable is what every template may name.
var everyVariable = []string{"Tenant", "To", "Name", "App", "At", "Address", "Device", "Subject"}

// Variables are the fields that a template of a kind of mail has of use, sorted; none for an unknown kind.
func Variables(kind lanyard.MailKind) []string {
	s, known := shapes[kind]
	if !known {
		return nil
	}
	out := slices.Clone(everyVariable)
	if s.code {
		out = append(out, "Code")
	}
	if s.code || s.link {
		out = append(out, "Expires")
	}
	if s.link || s.notice {
		out = append(out, "Link")
	}
	if s.organization {
		out = append(out, "Organization", "Inviter")
	}
	slices.Sort(out)
	return out
}

// Preview is the mail of a kind with sample data, as a tenant with these settings sends it in a
// language. What can not be sent is lanyard.ErrBadInput.
func Preview(kind lanyard.MailKind, language string, e Envelope) (Message, error) {
	if _, known := shapes[kind]; !known {
		return Message{}, lanyard.ErrNotFound
	}
	issuer, err := url.Parse(e.Issuer)
	if err != nil {
		return Message{}, err
	}
	c, err := NewComposer("no-reply@"+cmp.Or(dotted(issuer.Hostname()), "id.example.test"), slog.New(slog.DiscardHandler))
	if err != nil {
		return Message{}, err
	}
	letter := sample(kind)
	letter.Link, letter.Languages = e.Issuer+"/sample", []string{language}
	e.ID, e.Date = "dlv_sample", letter.At
	return c.Compose(letter, e)
}

// dotted is a host that can stand in an address; empty for localhost.
func dotted(host string) string {
	if lanyard.IsLoopbackHost(host) {
		return ""
	}
	return host
}
