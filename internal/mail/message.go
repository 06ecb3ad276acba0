package mail

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode"

	"github.com/lanyard-id/lanyard"
)

// Message is a mail with words, ready to be sent.
type Message struct {
	// ID is that of the delivery; MessageID is made of it, so that a mail that is
	// sent again is the same mail to whoever receives it.
	ID        lanyard.DeliveryID
	MessageID string
	Tenant    lanyard.TenantID
	Kind      lanyard.MailKind
	Date      time.Time
	// From is the operator's address, FromName the tenant's name for it; ReplyTo may be empty.
	From     string
	FromName string
	ReplyTo  string
	To       string
	// Language is the tag of what it is written in.
	Language string
	Subject  string
	Text     string
	HTML     string
	// Code and Link are what the mail carries, for a development server.
	Code string
	Link string
}

// LogValue shows what the mail is, not what it says.
func (m Message) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", string(m.ID)), slog.String("kind", string(m.Kind)))
}

// Sender hands a mail to whoever carries it on. An error that IsRefused knows is
// final; after any other the mail may be tried again.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// RefusedError says that a mail will never be accepted.
type RefusedError struct {
	// Code is the answer of the mail server; zero if it was not asked.
	Code int
	// Cause is not for people: it may hold the address.
	Cause error
}

// Error implements error.
func (e *RefusedError) Error() string {
	if e.Code == 0 {
		return fmt.Sprintf("the mail can not be sent: %v", e.Cause)
	}
	return fmt.Sprintf("the mail was refused with %d: %v", e.Code, e.Cause)
}

// Unwrap gives the cause.
func (e *RefusedError) Unwrap() error { return e.Cause }

// deliverable checks an address with the one grammar that we have, and gives the
// form in which a mail server gets it: the local part as it was written.
func deliverable(address string) (string, error) {
	canonical, err := lanyard.CanonicalEmail(address)
	if err != nil {
		return "", err
	}
	local, _, _ := strings.Cut(address, "@")
	_, domain, _ := strings.Cut(canonical, "@")
	return local + "@" + domain, nil
}

// harmless makes one line of a text that somebody chose: no line ends, no control
// characters, nothing that turns the direction of what follows.
func harmless(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.In(r, unicode.Zl, unicode.Zp):
			return ' '
		case unicode.IsControl(r), r == unicode.ReplacementChar, unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	return strings.Join(strings.Fields(text), " ")
}

// maxLine bounds a subject or a name, in characters.
const maxLine = 150

// line is a harmless line of bounded length.
func line(text string) string {
	text = harmless(text)
	if runes := []rune(text); len(runes) > maxLine {
		text = strings.TrimSpace(string(runes[:maxLine-1])) + "…"
	}
	return text
}

// name is a name that somebody chose, for a mail that goes to others as well: one
// that a mail program would turn into a link is left out.
func name(text string) string {
	text = line(text)
	runes := []rune(text)
	for i, r := range runes {
		inside := i > 0 && i+1 < len(runes) && runes[i-1] != ' ' && runes[i+1] != ' '
		if r == '@' || r == '/' || r == '\\' || inside && (r == '.' || r == ':') {
			return ""
		}
	}
	return text
}
