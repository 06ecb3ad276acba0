package mail

import (
	"cmp"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"

	"github.com/lanyard-id/lanyard"
)

// Composer gives letters their words. It may be used by any number of goroutines.
type Composer struct {
	from   string
	log    *slog.Logger
	words  words
	layout *template.Template
}

// NewComposer makes a composer of mails from an address, the operator's.
func NewComposer(from string, log *slog.Logger) (*Composer, error) {
	from, err := deliverable(from)
	if err != nil {
		return nil, fmt.Errorf("the sender's address: %w", err)
	}
	words, err := newWords()
	if err != nil {
		return nil, err
	}
	layout, err := newLayout()
	if err != nil {
		return nil, err
	}
	return &Composer{from: from, log: log, words: words, layout: layout}, nil
}

// Envelope is what a mail has besides its letter.
type Envelope struct {
	ID     lanyard.DeliveryID
	Tenant lanyard.Tenant
	// Issuer is the tenant's, without a trailing slash.
	Issuer string
	// Date is when the mail was queued. It stays the same when it is sent again.
	Date time.Time
}

// Compose writes the mail of a letter. It is a RefusedError if that can never be
// sent: an address or a kind that is none, or a letter that lacks what it is for.
func (c *Composer) Compose(l Letter, e Envelope) (Message, error) {
	to, err := deliverable(l.To)
	if err != nil {
		return Message{}, &RefusedError{Cause: err}
	}
	issuer, err := url.Parse(e.Issuer)
	if err != nil || issuer.Hostname() == "" {
		return Message{}, fmt.Errorf("the issuer %q is no URL", e.Issuer)
	}
	kind, known := shapes[l.Kind]
	if !known || kind.useless(l) || !linkable(l.Link) {
		return Message{}, &RefusedError{Cause: errors.New("a letter of kind " + string(l.Kind) + " says nothing")}
	}
	m := Message{
		ID: e.ID, MessageID: string(e.ID) + "@" + issuer.Hostname(), Tenant: e.Tenant.ID, Kind: l.Kind, Date: e.Date,
		From: c.from, FromName: line(cmp.Or(e.Tenant.Mail.FromName, e.Tenant.Name)), ReplyTo: c.replyTo(e.Tenant), To: to,
		Code: l.Code, Link: l.Link,
	}
	w := writing{letter: l, envelope: e, shape: kind, to: to, host: issuer.Hostname()}
	if err := c.fill(&m, w); err != nil {
		return Message{}, err
	}
	return m, nil
}

// replyTo is the tenant's address for answers; one that is none is left out.
func (c *Composer) replyTo(t lanyard.Tenant) string {
	if t.Mail.ReplyTo == "" {
		return ""
	}
	address, err := deliverable(t.Mail.ReplyTo)
	if err != nil {
		c.log.Warn("the address for answers of a tenant is not valid", "tenant", t.Slug)
		return ""
	}
	return address
}

// fill writes subject and both parts: by the tenant's template if there is one
// that works, else by ours.
func (c *Composer) fill(m *Message, w writing) error {
	read := w.letter.Languages
	wanted := slices.Concat(read[:min(len(read), maxLanguages)], []string{w.envelope.Tenant.Mail.Language, spoken[0].String()})
	templates := w.envelope.Tenant.Mail.Templates[w.letter.Kind]
	offered := slices.Clone(spoken)
	for _, tag := range slices.Sorted(maps.Keys(templates)) {
		if parsed, err := language.Parse(tag); err == nil {
			offered = append(offered, parsed)
		}
	}
	ours := match(spoken, wanted).String()
	best := match(offered, wanted).String()
	if t, found := templates[best]; found {
		own := w.in(c.words, ours)
		err := c.render(m, best, func() (content, error) { return own.own(t) })
		if err == nil {
			return nil
		}
		c.log.Warn("a tenant's mail template does not work; ours is used instead",
			"tenant", w.envelope.Tenant.Slug, "kind", string(w.letter.Kind), "language", best, "error", err)
	}
	return c.render(m, ours, w.in(c.words, ours).ours)
}

// render puts the content of a mail into both parts of the message.
func (c *Composer) render(m *Message, lang string, write func() (content, error)) error {
	said, err := write()
	if err != nil {
		return err
	}
	said.Lang = lang
	page, err := said.html(c.layout)
	if err != nil {
		return err
	}
	m.Language, m.Subject, m.Text, m.HTML = lang, said.Subject, said.text(), page
	return nil
}

// linkable tells whether a link is empty or an address of the web.
func linkable(link string) bool {
	u, err := url.Parse(link)
	return link == "" || err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && link == strings.Join(strings.Fields(link), "")
}

// spaced is a code as people read it: six digits in two groups.
func spaced(code string) string {
	if len(code) == 6 && strings.Trim(code, "0123456789") == "" {
		return code[:3] + " " + code[3:]
	}
	return line(code)
}
