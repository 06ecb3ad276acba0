package accounts

import (
	"context"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/mail"
	"github.com/lanyard-id/lanyard/storage"
)

// Tenancy is what a deed has to know of the tenant it is done in.
type Tenancy struct {
	Scope  storage.Scope
	Tenant lanyard.Tenant
	// Issuer is the tenant's issuer identifier, without a trailing slash.
	Issuer string
	MACs   lanyard.MACs
	// Roles are the tenant's roles, Resources its resources: what roles in organizations mean.
	Roles     []lanyard.Role
	Resources []*lanyard.Resource
}

// From is where a request comes from.
type From struct {
	// BrowserHash is the hash of the browser cookie, nil without one.
	BrowserHash []byte
	// Address is the client's address, reduced to what is counted.
	Address   string
	UserAgent string
	// Languages are those that the page was shown in, best first, for mails to
	// people whose own language is not known.
	Languages []string
}

// Actor is a signed-in person who does something to their own account.
type Actor struct {
	User    lanyard.User
	Session lanyard.Session
	From    From
	// By is who does it in the person's place, as events name them: an administrator
	// whose right to do so the caller has checked. Nothing is asked of the person then. It
	// is empty for the person.
	By string
}

// by is who does it, as events name them.
func (p Actor) by() string {
	if p.By != "" {
		return p.By
	}
	return string(p.User.ID)
}

// CheckFresh is lanyard.ErrFreshProof unless the person proved who they are within
// FreshFor, with a second factor if they have one. It is for changes in the
// organization that the session opens: one that the organization's own connection
// proved counts.
func (a *Accounts) CheckFresh(ctx context.Context, t Tenancy, p Actor, now time.Time) error {
	factors, err := t.Scope.Factors(ctx, p.User.ID, nil, now)
	if err != nil {
		return err
	}
	return p.provedLately(factors, now)
}

// ProvedAddresses are the canonical addresses of a user that were proved.
func ProvedAddresses(ctx context.Context, scope storage.Scope, user lanyard.UserID) ([]string, error) {
	all, err := scope.Emails(ctx, user)
	return Proved(all), err
}

// Proved are the canonical forms of those addresses that were proved.
func Proved(all []lanyard.Email) []string {
	var out []string
	for _, e := range all {
		if key, wrong := lanyard.CanonicalEmail(e.Address); wrong == nil && e.Verified {
			out = append(out, key)
		}
	}
	return out
}

// FreshFor is how long a proof counts as fresh for risky changes (sudo mode).
const FreshFor = 10 * time.Minute

// checkFresh is lanyard.ErrFreshProof unless the person proved who they are within
// the last ten minutes, with a second factor if they have one. For changes to an
// account no organization vouches: what its own connection proved never counts.
func (p Actor) checkFresh(f lanyard.Factors, now time.Time) error {
	if p.By != "" {
		return nil
	}
	if p.Session.ConfinedTo != "" {
		return lanyard.ErrFreshProof
	}
	return p.provedLately(f, now)
}

func (p Actor) provedLately(f lanyard.Factors, now time.Time) error {
	if now.Sub(p.Session.AuthTime) >= FreshFor || (f.Second() && !lanyard.ACRMeets(p.Session.ACR, lanyard.ACRDouble)) {
		return lanyard.ErrFreshProof
	}
	return nil
}

// Post queues a mail inside the transaction of what it is about, with its own
// event. It is not sent after expires.
func (a *Accounts) Post(ctx context.Context, tx storage.Scope, user lanyard.UserID, letter mail.Letter, now, expires time.Time) error {
	return a.deliver(ctx, tx, user, letter, false, now, expires)
}

// deliver is Post, or with silent the same work for a mail that does not leave.
func (a *Accounts) deliver(ctx context.Context, tx storage.Scope, user lanyard.UserID, letter mail.Letter, silent bool, now, expires time.Time) error {
	event := lanyard.Event{
		ID: lanyard.NewEventID(), Type: lanyard.EventMailQueued, At: now, UserID: user, Detail: map[string]string{"kind": string(letter.Kind)},
	}
	if silent {
		event.UserID, letter.To = "", ""
	}
	if err := tx.InsertEvent(ctx, event); err != nil {
		return err
	}
	id := lanyard.NewDeliveryID()
	sealed, err := a.Sealer.Seal(MailPlace(tx.TenantID(), id), letter.Marshal())
	if err != nil {
		return err
	}
	return tx.InsertDelivery(ctx, storage.NewDelivery{
		ID: id, EventID: event.ID, Kind: storage.DeliveryMail, Recipient: letter.To, Subject: string(letter.Kind), Sealed: sealed, DueAt: now, ExpiresAt: expires, Void: silent,
	})
}

// MailPlace is where the content of a mail is sealed.
func MailPlace(tenant lanyard.TenantID, id lanyard.DeliveryID) lanyard.Place {
	return lanyard.Place{Tenant: tenant, Table: "deliveries", Column: "sealed", Row: string(id)}
}
