package accounts

import (
	"context"
	"slices"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/mail"
	"github.com/lanyard-id/lanyard/storage"
)

// maxEmails bounds the addresses of one user.
const maxEmails = 10

// Emails lists the addresses of the person, the primary one first.
func (a *Accounts) Emails(ctx context.Context, t Tenancy, user lanyard.UserID) ([]lanyard.Email, error) {
	return t.Scope.Emails(ctx, user)
}

// AddEmail notes a further address and sends the code that proves it there. It
// counts for nothing before; the address that the account had so far is told. It
// needs a fresh proof.
func (a *Accounts) AddEmail(ctx context.Context, t Tenancy, actor Actor, address string, now time.Time) error {
	if err := a.sudo(ctx, t, actor, now); err != nil {
		return err
	}
	if _, err := lanyard.CanonicalEmail(address); err != nil {
		return err
	}
	emails, err := t.Scope.Emails(ctx, actor.User.ID)
	if err != nil {
		return err
	}
	if len(emails) >= maxEmails {
		return lanyard.ErrConflict.Saying("there are too many addresses")
	}
	err = t.Scope.InTx(ctx, func(tx storage.Scope) error {
		if err := tx.AddEmail(ctx, actor.User.ID, address, now); err != nil {
			return err
		}
		return a.recordEmail(ctx, tx, actor, lanyard.EventEmailAdded, mail.Letter{Kind: lanyard.MailEmailAdded, Subject: address}, now)
	})
	if err != nil {
		return err
	}
	return a.SendVerification(ctx, t, string(actor.Session.ID), actor.User, address, actor.From, now)
}

// VerifyEmail takes the code that was sent to an address of the person.
func (a *Accounts) VerifyEmail(ctx context.Context, t Tenancy, actor Actor, code string, now time.Time) error {
	apply, err := a.VerifyAddress(ctx, t, string(actor.Session.ID), actor.User, code, actor.From, now)
	if err != nil {
		return err
	}
	return t.Scope.InTx(ctx, func(tx storage.Scope) error { return apply(ctx, tx) })
}

// ResendVerification sends the code for an address of the person that is not proved yet once more.
func (a *Accounts) ResendVerification(ctx context.Context, t Tenancy, actor Actor, address string, now time.Time) error {
	emails, err := t.Scope.Emails(ctx, actor.User.ID)
	if err != nil {
		return err
	}
	for _, e := range emails {
		if e.Address == address && !e.Verified {
			return a.SendVerification(ctx, t, string(actor.Session.ID), actor.User, address, actor.From, now)
		}
	}
	return lanyard.ErrNotFound
}

// MakePrimary makes a proved address the one that signs in and recovers. Links that
// were sent to the old one are void, and both addresses are told. It needs a fresh
// proof; an address that signs somebody else in is lanyard.ErrConflict.
func (a *Accounts) MakePrimary(ctx context.Context, t Tenancy, actor Actor, address string, now time.Time) error {
	if err := a.sudo(ctx, t, actor, now); err != nil {
		return err
	}
	return t.Scope.InTx(ctx, func(tx storage.Scope) error {
		if err := promote(ctx, tx, actor.User.ID, address, now); err != nil {
			return err
		}
		if err := tx.DeleteOneTimeTokens(ctx, actor.User.ID); err != nil {
			return err
		}
		letter := mail.Letter{Kind: lanyard.MailEmailChanged, Subject: address}
		if err := a.recordEmail(ctx, tx, actor, lanyard.EventEmailChanged, letter, now); err != nil {
			return err
		}
		letter.To = address
		return a.notify(ctx, tx, actor.User, letter, actor.From, now)
	})
}

// promote makes a proved address the primary one, also if somebody who never proved it holds it.
func promote(ctx context.Context, tx storage.Scope, user lanyard.UserID, address string, now time.Time) error {
	emails, err := tx.Emails(ctx, user)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(emails, func(e lanyard.Email) bool { return e.Address == address && e.Verified && !e.Primary }) {
		return lanyard.ErrNotFound
	}
	key, err := lanyard.CanonicalEmail(address)
	if err != nil {
		return err
	}
	if err := evict(ctx, tx, key, user, now); err != nil {
		return err
	}
	return tx.PromoteEmail(ctx, user, address)
}

// RemoveEmail forgets an address that is not the primary one, and tells it so if it
// was the person's. It needs a fresh proof.
func (a *Accounts) RemoveEmail(ctx context.Context, t Tenancy, actor Actor, address string, now time.Time) error {
	if err := a.sudo(ctx, t, actor, now); err != nil {
		return err
	}
	emails, err := t.Scope.Emails(ctx, actor.User.ID)
	if err != nil {
		return err
	}
	proved := slices.ContainsFunc(emails, func(e lanyard.Email) bool { return e.Address == address && e.Verified })
	return t.Scope.InTx(ctx, func(tx storage.Scope) error {
		if err := tx.RemoveEmail(ctx, actor.User.ID, address); err != nil {
			return err
		}
		letter := mail.Letter{Kind: lanyard.MailEmailRemoved, Subject: address}
		if err := a.recordEmail(ctx, tx, actor, lanyard.EventEmailRemoved, letter, now); err != nil || !proved {
			return err
		}
		letter.To = address
		return a.notify(ctx, tx, actor.User, letter, actor.From, now)
	})
}

// recordEmail writes the event of a changed address and tells the primary one as it was.
func (a *Accounts) recordEmail(ctx context.Context, tx storage.Scope, actor Actor, event lanyard.EventType, letter mail.Letter, now time.Time) error {
	if err := tx.InsertEvent(ctx, lanyard.Event{
		Type: event, At: now, Actor: actor.by(), UserID: actor.User.ID, SessionID: actor.Session.ID,
	}); err != nil {
		return err
	}
	return a.notify(ctx, tx, actor.User, letter, actor.From, now)
}

// sudo is lanyard.ErrFreshProof unless the person proved who they are a short while ago.
func (a *Accounts) sudo(ctx context.Context, t Tenancy, actor Actor, now time.Time) error {
	factors, err := t.Scope.Factors(ctx, actor.User.ID, actor.From.BrowserHash, now)
	if err != nil {
		return err
	}
	return actor.checkFresh(factors, now)
}
