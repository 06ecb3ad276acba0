package accounts

import (
	"context"
	"errors"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// ChangePassword replaces a person's password by another one, and ends every other
// session. The current one is checked and counted as at a sign-in; a user without
// one needs a fresh proof instead (lanyard.ErrFreshProof). What is wrong with the new
// one is an error of CheckNewPassword, or lanyard.ErrSamePassword.
func (a *Accounts) ChangePassword(ctx context.Context, t Tenancy, actor Actor, current, password lanyard.Secret, now time.Time) error {
	factors, err := t.Scope.Factors(ctx, actor.User.ID, actor.From.BrowserHash, now)
	if err != nil {
		return err
	}
	if factors.Password {
		err = a.proveCurrent(ctx, t, actor, current, now)
	} else {
		err = actor.checkFresh(factors, now)
	}
	if err != nil {
		return err
	}
	if factors.Password && string(normalized(current)) == string(normalized(password)) {
		return lanyard.ErrSamePassword
	}
	changing, err := a.newPassword(ctx, t, actor.User, password, factors.Second(), actor.From, now)
	if err != nil {
		return err
	}
	changing.Except = actor.Session.ID
	return t.Scope.InTx(ctx, func(tx storage.Scope) error {
		if err := tx.HoldUser(ctx, actor.User.ID, factors.Revision); err != nil {
			return err
		}
		return changing.Apply(ctx, tx)
	})
}

// proveCurrent checks the password that a person has. A right one takes back what it counted.
func (a *Accounts) proveCurrent(ctx context.Context, t Tenancy, actor Actor, current lanyard.Secret, now time.Time) error {
	hash, err := t.Scope.PasswordHash(ctx, actor.User.ID)
	if err != nil {
		return err
	}
	counted, err := attemptFor(ctx, t.Scope, "password", string(actor.User.ID), actor.User.ID, actor.From)
	if err != nil {
		return err
	}
	leave, err := a.queues.enter(ctx, counted.account)
	if err != nil {
		return err
	}
	defer leave()
	if err := reserve(ctx, t.Scope, counted, now); err != nil {
		return err
	}
	matches, _, err := a.Hasher.Verify(ctx, hash, current)
	if err != nil {
		return err
	}
	if !matches {
		return lanyard.ErrWrongCredentials
	}
	return Proven{attempt: counted}.Success(ctx, t.Scope)
}

// Change is a new password that was hashed and can be set.
type Change struct {
	// Except is the session that the change is made in; it goes on.
	Except lanyard.SessionID

	accounts *Accounts
	user     lanyard.User
	password storage.Password
	// by is who sets it in the user's place; empty for the user.
	by   string
	from From
	now  time.Time
}

// ReplacePassword makes the new password of somebody who has to have another one
// before the sign-in goes on; second says that they have a second factor. The errors
// are those of ChangePassword. Nothing is stored before Apply.
func (a *Accounts) ReplacePassword(ctx context.Context, t Tenancy, user lanyard.User, password lanyard.Secret, second bool, from From, now time.Time) (Change, error) {
	hash, err := t.Scope.PasswordHash(ctx, user.ID)
	if err != nil && !errors.Is(err, lanyard.ErrNotFound) {
		return Change{}, err
	}
	if hash != "" {
		same, _, err := a.Hasher.Verify(ctx, hash, password)
		if err != nil {
			return Change{}, err
		}
		if same {
			return Change{}, lanyard.ErrSamePassword
		}
	}
	return a.newPassword(ctx, t, user, password, second, from, now)
}

func (a *Accounts) newPassword(ctx context.Context, t Tenancy, user lanyard.User, password lanyard.Secret, second bool, from From, now time.Time) (Change, error) {
	if err := a.CheckNewPassword(t, NewPassword{Password: password, User: user, SecondFactor: second}); err != nil {
		return Change{}, err
	}
	hash, err := a.Hasher.Hash(ctx, password)
	if err != nil {
		return Change{}, err
	}
	return Change{accounts: a, user: user, password: storage.Password{Hash: hash, Short: IsShort(password)}, from: from, now: now}, nil
}

// Apply sets the password inside the transaction of the caller, who holds the user
// (storage.Scope.HoldUser), and does what follows every change of credentials.
func (c Change) Apply(ctx context.Context, tx storage.Scope) error {
	if err := tx.SetPassword(ctx, c.user.ID, c.password, c.now); err != nil {
		return err
	}
	fact := lanyard.EventPasswordChanged
	if c.by != "" {
		fact = lanyard.EventPasswordSet
	}
	return c.accounts.changed(ctx, tx, change{
		user: c.user, by: c.by, except: c.Except, event: fact, notice: lanyard.MailPasswordChanged, subject: "password", from: c.from, now: c.now,
	})
}
