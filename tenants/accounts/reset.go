package accounts

import (
	"context"
	"errors"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/mail"
	"github.com/lanyard-id/lanyard/storage"
)

// resetLives is how long a link that sets a new password works.
const resetLives = 30 * time.Minute

// RequestReset sends a link that sets a new password to the address of whoever has
// the name. Only the newest link works. Nobody, somebody without an address and
// somebody who was turned off get none, after the same work. back is the
// authorization request that the link leads back to, app where the person was on the way to.
//
// An address that was never proved gets none either if the account has a second
// factor: whoever set that up need not be who has the mailbox. A user without a
// password gets one by the link; what a sign-in needs besides stays as it is.
func (a *Accounts) RequestReset(ctx context.Context, t Tenancy, name, back string, from From, app string, now time.Time) error {
	user, address, err := a.whoAsks(ctx, t, name)
	if err != nil {
		return err
	}
	factors, err := t.Scope.Factors(ctx, user.ID, nil, now)
	if err != nil && !errors.Is(err, lanyard.ErrNotFound) {
		return err
	}
	holder := string(user.ID)
	if holder == "" {
		holder = attemptKey("nobody", address)
	}
	unproved := !user.Profile.EmailVerified && factors.Second()
	return a.send(ctx, t, sending{
		holder: holder, purpose: purposeReset, user: user, address: address, back: back, lives: resetLives, from: from, now: now,
		letter: mail.Letter{Kind: lanyard.MailReset, To: user.Profile.Email, App: app},
		event:  lanyard.EventResetRequested,
		silent: user.Disabled || user.Profile.Email == "" || unproved,
	})
}

// ResetView is what the page behind a reset link needs.
type ResetView struct {
	// Name is the sign-in name, for the person's password manager; whoever has the
	// link has the mailbox.
	Name string
	// Shortest is the least number of characters of the new password.
	Shortest int
}

// ResetLives reads what a reset link is about, and spends nothing. A link that was
// used, is not the newest, has expired or went to an address that was changed is
// lanyard.ErrLinkUsed.
func (a *Accounts) ResetLives(ctx context.Context, t Tenancy, token lanyard.Secret, now time.Time) (ResetView, error) {
	user, factors, err := resetting(ctx, t, token, now)
	if err != nil {
		return ResetView{}, err
	}
	return ResetView{Name: user.SignInName(), Shortest: shortest(factors.Second())}, nil
}

// resetting finds whose password a link sets.
func resetting(ctx context.Context, t Tenancy, token lanyard.Secret, now time.Time) (lanyard.User, lanyard.Factors, error) {
	var (
		user    lanyard.User
		factors lanyard.Factors
	)
	c, err := t.Scope.ChallengeByLink(ctx, token.Hash())
	if err == nil {
		user, err = t.Scope.User(ctx, c.UserID)
	}
	if err == nil {
		factors, err = t.Scope.Factors(ctx, c.UserID, nil, now)
	}
	switch {
	case errors.Is(err, lanyard.ErrNotFound):
		return user, factors, lanyard.ErrLinkUsed
	case err != nil:
		return user, factors, err
	case c.Purpose != purposeReset || !c.Live(now) || user.Disabled || addressOf(user) != c.Address:
		return user, factors, lanyard.ErrLinkUsed
	}
	return user, factors, nil
}

// Reset sets a new password by a link, once, and proves the mailbox. Whatever was
// signed in before ends; nobody is signed in by it, and second factors stay. A new
// password that is not good enough leaves the link as it is.
func (a *Accounts) Reset(ctx context.Context, t Tenancy, token, password lanyard.Secret, from From, now time.Time) error {
	counted := attempt{account: attemptKey("reset", string(token.Hash())), address: attemptKey("address", from.Address)}
	if err := reserve(ctx, t.Scope, counted, now); err != nil {
		return err
	}
	user, factors, err := resetting(ctx, t, token, now)
	if err != nil {
		return err
	}
	refund := Proven{attempt: counted}
	if bad := a.CheckNewPassword(t, NewPassword{Password: password, User: user, SecondFactor: factors.Second()}); bad != nil {
		if err := refund.Success(ctx, t.Scope); err != nil {
			return err
		}
		return bad
	}
	hash, err := a.Hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	return t.Scope.InTx(ctx, func(tx storage.Scope) error {
		if err := a.spendReset(ctx, tx, token, user, now); err != nil {
			return err
		}
		if err := tx.SetPassword(ctx, user.ID, storage.Password{Hash: hash, Short: IsShort(password)}, now); err != nil {
			return err
		}
		if err := a.changed(ctx, tx, change{
			user: user, event: lanyard.EventPasswordReset, notice: lanyard.MailPasswordChanged, subject: "password", from: from, now: now,
		}); err != nil {
			return err
		}
		return refund.Success(ctx, tx)
	})
}

// spendReset takes a reset link out while its user still stands as they did, and
// the address is still theirs. The address counts as proved from then on; identities
// that were linked before may be those of somebody else, who never proved it, and go.
func (a *Accounts) spendReset(ctx context.Context, tx storage.Scope, token lanyard.Secret, user lanyard.User, now time.Time) error {
	err := tx.HoldUser(ctx, user.ID, user.Revision)
	if err == nil {
		_, err = tx.SpendLink(ctx, token.Hash(), purposeReset, now)
	}
	if errors.Is(err, lanyard.ErrNotFound) || errors.Is(err, lanyard.ErrConflict) {
		return lanyard.ErrLinkUsed
	}
	if err != nil || user.Profile.EmailVerified {
		return err
	}
	if err := unlinkAll(ctx, tx, user.ID, now); err != nil {
		return err
	}
	return tx.InsertEvent(ctx, lanyard.Event{Type: lanyard.EventEmailVerified, At: now, Actor: string(user.ID), UserID: user.ID})
}
