package organizations

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/mail"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// InvitePath is the page, below the issuer, that invitations lead to; the code follows.
const InvitePath = "/invite/"

// inviteMailRule is how many mails one organization sends to one address.
var inviteMailRule = storage.AttemptRule{Free: 5, Delay: time.Hour, Longest: 24 * time.Hour, Memory: 24 * time.Hour}

// posting is what is said with an invitation that is stored or sent.
type posting struct {
	tenancy      accounts.Tenancy
	organization lanyard.Organization
	// inviter is the name of who invites; empty for the tenant's operators.
	inviter   string
	languages []string
	// created and sent are the facts, without details.
	created, sent lanyard.Event
	now           time.Time
}

// fact is an event about an invitation: for whom it is, without the address.
func (p posting) fact(e lanyard.Event, i lanyard.Invitation) lanyard.Event {
	bound := "code"
	switch {
	case i.Email != "":
		bound = "address"
	case i.Domain != "":
		bound = "domain:" + i.Domain
	}
	e.Detail = maps.Clone(e.Detail)
	if e.Detail == nil {
		e.Detail = map[string]string{}
	}
	maps.Copy(e.Detail, map[string]string{
		"invitation": string(i.ID), "bound": bound, "roles": strings.Join(i.Roles, " "), "max_uses": strconv.FormatInt(i.MaxUses, 10),
	})
	e.ClientID = i.ClientID
	return e
}

// post mails the code of an invitation that is bound to an address. It checks the
// application of any.
func (o *Organizations) post(ctx context.Context, tx storage.Scope, p posting, i lanyard.Invitation, code lanyard.Secret) error {
	app, err := appOf(ctx, tx, i.ClientID)
	if err != nil || i.Email == "" {
		return err
	}
	if err := accounts.Limit(ctx, tx, "invitation_mail", string(i.OrganizationID)+" "+i.Email, inviteMailRule, p.now); err != nil {
		return err
	}
	return o.Accounts.Post(ctx, tx, "", mail.Letter{
		Kind: lanyard.MailInvitation, To: i.Email, Languages: p.languages, Link: p.tenancy.Issuer + InvitePath + code.Reveal(),
		App: app, Organization: p.organization.Name, Inviter: p.inviter, Expires: i.ExpiresAt,
	}, p.now, i.ExpiresAt)
}

// appOf is the name of the application that an invitation leads to.
func appOf(ctx context.Context, tx storage.Scope, id lanyard.ClientID) (string, error) {
	if id == "" {
		return "", nil
	}
	client, err := tx.Client(ctx, id)
	if errors.Is(err, lanyard.ErrNotFound) {
		return "", lanyard.ErrBadInput.Saying("there is no such application")
	}
	if err != nil {
		return "", err
	}
	return client.Name, nil
}

// languages are those to write in to somebody whom the person of the seat invites:
// the organization's, else what the person reads.
func (s Seat) languages() []string {
	if s.Organization.Language == "" {
		return s.Actor.From.Languages
	}
	return append([]string{s.Organization.Language}, s.Actor.From.Languages...)
}
