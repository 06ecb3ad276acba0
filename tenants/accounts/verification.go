package accounts

import (
	"context"
	"slices"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/mail"
	"github.com/lanyard-id/lanyard/storage"
)

// SendVerification sends the code that proves an address of a user, to be typed
// where the holder is. An address that is not the user's is lanyard.ErrNotFound.
func (a *Accounts) SendVerification(ctx context.Context, t Tenancy, holder string, user lanyard.User, address string, from From, now time.Time) error {
	key, err := lanyard.CanonicalEmail(address)
	if err != nil {
		return err
	}
	emails, err := t.Scope.Emails(ctx, user.ID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(emails, func(e lanyard.Email) bool {
		other, err := lanyard.CanonicalEmail(e.Address)
		return err == nil && other == key
	})
	if i < 0 {
		return lanyard.ErrNotFound
	}
	return a.send(ctx, t, sending{
		holder: holder, purpose: PurposeVerify, user: user, address: key, lives: codeLives, from: from, now: now,
		letter: mail.Letter{Kind: lanyard.MailVerify, To: emails[i].Address},
	})
}

// VerifyAddress checks a code that was sent by SendVerification to an address of
// the user for the holder. What it returns marks the address as proved, once, inside
// a transaction; it is lanyard.ErrWrongCode when the address is not the user's any more.
func (a *Accounts) VerifyAddress(ctx context.Context, t Tenancy, holder string, user lanyard.User, code string, from From, now time.Time,
) (func(ctx context.Context, tx storage.Scope) error, error) {
	counted, err := a.count(ctx, t, "verify", string(user.ID), user.ID, from, now)
	if err != nil {
		return nil, err
	}
	c, err := try(ctx, t, holder, PurposeVerify, code, now)
	if err == nil && (c.UserID == "" || c.UserID != user.ID) {
		err = lanyard.ErrWrongCode
	}
	if err != nil {
		return nil, err
	}
	return Proven{attempt: counted, spend: func(ctx context.Context, tx storage.Scope) error {
		if err := spent(ctx, tx, c, now); err != nil {
			return err
		}
		still, err := tx.VerifyEmail(ctx, user.ID, c.Address, false)
		if err == nil && !still {
			err = lanyard.ErrWrongCode
		}
		if err != nil {
			return err
		}
		return tx.InsertEvent(ctx, lanyard.Event{Type: lanyard.EventEmailVerified, At: now, Actor: string(user.ID), UserID: user.ID})
	}}.Success, nil
}
