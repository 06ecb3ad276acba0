package management

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"golang.org/x/text/language"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/mail"
	"github.com/lanyard-id/lanyard/storage"
)

// MailKind is a kind of mail, and in which languages the tenant has words of its own for it.
type MailKind struct {
	Kind lanyard.MailKind `json:"kind" readOnly:"true"`
	// Variables are the fields of a template: Code is written {{.Code}}.
	Variables []string `json:"variables" readOnly:"true" nullable:"false"`
	Languages []string `json:"languages" readOnly:"true" nullable:"false"`
}

// MailTemplate is the tenant's own text of a kind of mail in a language.
type MailTemplate struct {
	Kind     lanyard.MailKind `json:"kind" readOnly:"true"`
	Language string           `json:"language" readOnly:"true"`
	Subject  string           `json:"subject"`
	Text     string           `json:"text"`
}

// MailPreview is a mail with sample data.
type MailPreview struct {
	Subject string `json:"subject" readOnly:"true"`
	Text    string `json:"text" readOnly:"true"`
	HTML    string `json:"html" readOnly:"true"`
	// Language is the one that it is in: another one where neither the tenant nor we have this.
	Language string `json:"language" readOnly:"true"`
}

// MailKindColumns are those of MailKinds.
var MailKindColumns = Columns{Sorts: []string{"kind"}}

// maxMailLanguages bounds the languages of a kind of mail.
const maxMailLanguages = 100

// MailKinds lists the kinds of mail.
func (m *Management) MailKinds(ctx context.Context, a Administrator, q Query) (List[MailKind], error) {
	if err := a.Need(lanyard.MayReadSettings); err != nil {
		return List[MailKind]{}, err
	}
	t, err := a.Scope().Tenant(ctx)
	if err != nil {
		return List[MailKind]{}, err
	}
	return pageOfAll(a, &q, "mail kinds", MailKindColumns, mail.Kinds(), few[lanyard.MailKind, MailKind]{
		key:   func(k lanyard.MailKind, _ string) string { return string(k) },
		id:    func(k lanyard.MailKind) string { return string(k) },
		words: func(k lanyard.MailKind) []string { return []string{string(k)} },
		as: func(k lanyard.MailKind) MailKind {
			return MailKind{Kind: k, Variables: mail.Variables(k), Languages: append([]string{}, slices.Sorted(maps.Keys(t.Mail.Templates[k]))...)}
		},
	})
}

// MailTemplate is the tenant's own text; lanyard.ErrNotFound where ours is sent.
func (m *Management) MailTemplate(ctx context.Context, a Administrator, kind lanyard.MailKind, tag string) (MailTemplate, error) {
	if err := a.Need(lanyard.MayReadSettings); err != nil {
		return MailTemplate{}, err
	}
	t, err := a.Scope().Tenant(ctx)
	if err != nil {
		return MailTemplate{}, err
	}
	return templateIn(t, kind, tag)
}

func templateIn(t lanyard.Tenant, kind lanyard.MailKind, tag string) (MailTemplate, error) {
	found, known := t.Mail.Templates[kind][tag]
	if !known {
		return MailTemplate{}, lanyard.ErrNotFound
	}
	return MailTemplate{Kind: kind, Language: tag, Subject: found.Subject, Text: found.Text}, nil
}

// PutMailTemplate gives a kind of mail a text in a language. One that could not be sent is lanyard.ErrBadInput.
func (m *Management) PutMailTemplate(ctx context.Context, a Administrator, kind lanyard.MailKind, tag string, given MailTemplate) (MailTemplate, error) {
	text := lanyard.MailTemplate{Subject: given.Subject, Text: given.Text}
	out := MailTemplate{Kind: kind, Language: tag, Subject: text.Subject, Text: text.Text}
	return out, m.templates(ctx, a, kind, tag, func(all map[string]lanyard.MailTemplate) error {
		if err := mail.CheckTemplate(kind, text); err != nil {
			return err
		}
		all[tag] = text
		if len(all) > maxMailLanguages {
			return lanyard.ErrConflict.Saying("a kind of mail has at most 100 languages")
		}
		return nil
	})
}

// RemoveMailTemplate goes back to our text.
func (m *Management) RemoveMailTemplate(ctx context.Context, a Administrator, kind lanyard.MailKind, tag string, when Condition[MailTemplate]) error {
	return m.templates(ctx, a, kind, tag, func(all map[string]lanyard.MailTemplate) error {
		before, known := all[tag]
		if !known {
			return lanyard.ErrNotFound
		}
		delete(all, tag)
		return when.met(MailTemplate{Kind: kind, Language: tag, Subject: before.Subject, Text: before.Text})
	})
}

// templates changes the templates of a kind of mail.
func (m *Management) templates(ctx context.Context, a Administrator, kind lanyard.MailKind, tag string, edit func(map[string]lanyard.MailTemplate) error) error {
	return m.change(ctx, a, lanyard.MayManageSettings, true, func(tx storage.Scope) error {
		if err := mailNames(kind, tag); err != nil {
			return err
		}
		t, err := tx.Tenant(ctx)
		if err != nil {
			return err
		}
		all := maps.Clone(t.Mail.Templates)
		if all == nil {
			all = map[lanyard.MailKind]map[string]lanyard.MailTemplate{}
		}
		one := maps.Clone(all[kind])
		if one == nil {
			one = map[string]lanyard.MailTemplate{}
		}
		if err := edit(one); err != nil {
			return err
		}
		if all[kind] = one; len(one) == 0 {
			delete(all, kind)
		}
		t.Mail.Templates = all
		if err := tx.UpdateTenant(ctx, t); err != nil {
			return err
		}
		return m.record(ctx, tx, a, lanyard.Event{Type: lanyard.EventTenantUpdated, Detail: map[string]string{"mail": string(kind), "language": tag}})
	})
}

// mailNames is lanyard.ErrNotFound for a mail that there is not.
func mailNames(kind lanyard.MailKind, tag string) error {
	parsed, err := language.Parse(tag)
	if err != nil || parsed.String() != tag || !slices.Contains(mail.Kinds(), kind) {
		return lanyard.ErrNotFound
	}
	return nil
}

// PreviewMail shows a mail with sample data: with the text that is given, or without one as it is sent now.
func (m *Management) PreviewMail(ctx context.Context, a Administrator, kind lanyard.MailKind, tag string, given MailTemplate) (MailPreview, error) {
	if err := a.Need(lanyard.MayReadSettings); err != nil {
		return MailPreview{}, err
	}
	if err := mailNames(kind, tag); err != nil {
		return MailPreview{}, err
	}
	t, err := a.Scope().Tenant(ctx)
	if err != nil {
		return MailPreview{}, err
	}
	if given.Subject != "" || given.Text != "" {
		text := lanyard.MailTemplate{Subject: given.Subject, Text: given.Text}
		if err := mail.CheckTemplate(kind, text); err != nil {
			return MailPreview{}, err
		}
		t.Mail.Templates = map[lanyard.MailKind]map[string]lanyard.MailTemplate{kind: {tag: text}}
	}
	message, err := mail.Preview(kind, tag, mail.Envelope{Tenant: t, Issuer: a.Live.Issuer})
	return MailPreview{Subject: message.Subject, Text: message.Text, HTML: message.HTML, Language: message.Language}, err
}

// mailTestLives is how long a test may wait to be sent; mailTestRule how often somebody has one sent.
const mailTestLives = time.Hour

var mailTestRule = storage.AttemptRule{Free: 5, Delay: time.Minute, Longest: 10 * time.Minute, Memory: time.Hour}

// TestMail sends a mail to the caller's own proved address, to see whether mail works. A
// machine, and whoever has proved none, is lanyard.ErrConflict.
func (m *Management) TestMail(ctx context.Context, a Administrator) error {
	if err := a.Need(lanyard.MayManageSettings); err != nil {
		return err
	}
	person := a.Person.User
	if person.ID == "" || a.Live.Tenant.ID != a.Home.Tenant.ID || person.Profile.Email == "" || !person.Profile.EmailVerified {
		return lanyard.ErrConflict.Saying("a test goes to your own address, when that is proved")
	}
	wait, err := a.Scope().ReserveAttempt(ctx, "mail_test:"+string(person.ID), mailTestRule, a.Now)
	if err != nil {
		return err
	}
	if wait > 0 {
		return lanyard.ErrThrottled.After(wait)
	}
	letter := mail.Letter{Kind: lanyard.MailTest, To: person.Profile.Email, Name: person.Profile.Name, At: a.Now}
	if person.Profile.Locale != "" {
		letter.Languages = []string{person.Profile.Locale}
	}
	return m.change(ctx, a, lanyard.MayManageSettings, false, func(tx storage.Scope) error {
		if m.Accounts == nil {
			return errors.New("there are no accounts to write to")
		}
		return m.Accounts.Post(ctx, tx, person.ID, letter, a.Now, a.Now.Add(mailTestLives))
	})
}
