package loginui

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// emailDeeds change the addresses of an account.
type emailDeeds interface {
	AddEmail(ctx context.Context, t accounts.Tenancy, actor accounts.Actor, address string, now time.Time) error
	VerifyEmail(ctx context.Context, t accounts.Tenancy, actor accounts.Actor, code string, now time.Time) error
	ResendVerification(ctx context.Context, t accounts.Tenancy, actor accounts.Actor, address string, now time.Time) error
	MakePrimary(ctx context.Context, t accounts.Tenancy, actor accounts.Actor, address string, now time.Time) error
	RemoveEmail(ctx context.Context, t accounts.Tenancy, actor accounts.Actor, address string, now time.Time) error
}

// maxAddress is the longest address that is looked at, in bytes.
const maxAddress = 254

// emailsView is the page of the addresses (A2).
type emailsView struct {
	*accountPage
	Emails []email
	// Typed is the new address as it was typed.
	Typed string
	// Unproved says that there is an address to prove.
	Unproved bool
}

type email struct {
	// Address is as it is stored, for the forms.
	Address  string
	Shown    string
	Verified bool
	Primary  bool
}

func (p *Pages) emailsScreen() screen {
	return screen{path: pathEmails, area: pathEmails, heading: "account.emails.heading", template: "accountemails.html", view: p.viewEmails}
}

func (p *Pages) emailForms() []accountForm {
	at := p.emailsScreen()
	added := among(
		mistake{errEmptyField, "email", "account.emails.empty", nil},
		mistake{lanyard.ErrBadInput, "email", "account.emails.bad", nil},
		mistake{lanyard.ErrConflict, "email", "account.emails.refused", nil},
	)
	primary := among(mistake{lanyard.ErrConflict, "", "account.emails.taken", nil})
	return []accountForm{
		{path: pathEmails, at: at, do: p.addEmail, explain: added},
		{path: pathEmails + "/verify", at: at, do: p.proveEmail, explain: emailCodeMistakes},
		{path: pathEmails + "/resend", at: at, do: p.onAddress(p.Accounts.ResendVerification, "email_sent"), explain: tooSoon},
		{path: pathEmails + "/primary", at: at, do: p.onAddress(p.Accounts.MakePrimary, "email_primary"), explain: primary},
		{path: pathEmails + "/remove", at: at, do: p.onAddress(p.Accounts.RemoveEmail, "email_removed"), explain: noMistakes},
	}
}

func (p *Pages) addEmail(c *gin.Context, me self, f posted) (web.Handler, error) {
	address := strings.TrimSpace(f.value("email"))
	switch {
	case address == "":
		return nil, errEmptyField
	case len(address) > maxAddress:
		return nil, lanyard.ErrBadInput
	}
	return done(pathEmails, "email_added"), p.Accounts.AddEmail(c.Request.Context(), live(c).Tenancy(), me.Actor, address, p.Clock.Now())
}

func (p *Pages) proveEmail(c *gin.Context, me self, f posted) (web.Handler, error) {
	code, err := f.code()
	if err != nil {
		return nil, err
	}
	return done(pathEmails, "email_verified"), p.Accounts.VerifyEmail(c.Request.Context(), live(c).Tenancy(), me.Actor, code, p.Clock.Now())
}

// onAddress is a form with an address of the list in it.
func (p *Pages) onAddress(do func(context.Context, accounts.Tenancy, accounts.Actor, string, time.Time) error, word string) func(*gin.Context, self, posted) (web.Handler, error) {
	return func(c *gin.Context, me self, f posted) (web.Handler, error) {
		address := f.value("email")
		if address == "" || len(address) > maxAddress {
			return nil, lanyard.ErrNotFound
		}
		return done(pathEmails, word), do(c.Request.Context(), live(c).Tenancy(), me.Actor, address, p.Clock.Now())
	}
}

func (p *Pages) viewEmails(c *gin.Context, v *accountPage) (any, error) {
	all, err := p.Accounts.Emails(c.Request.Context(), live(c).Tenancy(), v.me.User.ID)
	if err != nil {
		return nil, err
	}
	out := emailsView{accountPage: v}
	for _, e := range all {
		out.Emails = append(out.Emails, email{Address: e.Address, Shown: plain(e.Address), Verified: e.Verified, Primary: e.Primary})
	}
	out.Unproved = slices.ContainsFunc(all, func(e lanyard.Email) bool { return !e.Verified })
	if c.FullPath() == pathEmails {
		out.Typed = typed(c, "email", "")
	}
	return out, nil
}
