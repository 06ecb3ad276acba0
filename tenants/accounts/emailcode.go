package accounts

import (
	"context"
	"errors"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/mail"
	"github.com/lanyard-id/lanyard/storage"
)

// SendSignInCode sends a code to sign in with to the proved address of whoever has
// the name. Nobody, somebody without such an address and somebody who was turned
// off get none, after the same work. app is where the person is on the way to.
func (a *Accounts) SendSignInCode(ctx context.Context, t Tenancy, holder, name string, from From, app string, now time.Time) error {
	if !t.Tenant.Policy.EmailCode {
		return lanyard.ErrNotOffered
	}
	user, address, err := a.whoAsks(ctx, t, name)
	if err != nil {
		return err
	}
	return a.send(ctx, t, sending{
		holder: holder, purpose: PurposeSignIn, user: user, address: address, lives: codeLives, from: from, now: now,
		letter: mail.Letter{Kind: lanyard.MailCode, To: user.Profile.Email, App: app},
		silent: user.Disabled || !user.Profile.EmailVerified || user.Profile.Email == "",
	})
}

// whoAsks is whoever for a stranger who asks for a mail. Finding somebody takes some
// ten microseconds longer than finding nobody, which is much of a short answer: the
// work of a hash hides it, and makes a flood of such wishes dear.
func (a *Accounts) whoAsks(ctx context.Context, t Tenancy, typed string) (lanyard.User, string, error) {
	if _, _, err := a.Hasher.Verify(ctx, "", lanyard.SecretOf("a mail")); err != nil {
		return lanyard.User{}, "", err
	}
	return whoever(ctx, t, typed)
}

// whoever finds the user of a typed name, and the address to write to: the canonical
// one of the user, or what was typed if it is nobody's. Then the user is zero.
func whoever(ctx context.Context, t Tenancy, typed string) (lanyard.User, string, error) {
	name, err := lanyard.CanonicalName(typed)
	if err != nil {
		name = "" // nobody's name: it goes the same way as an unknown one
	}
	found, err := t.Scope.CredentialsByName(ctx, name)
	if err != nil && !errors.Is(err, lanyard.ErrNotFound) {
		return lanyard.User{}, "", err
	}
	if address := addressOf(found.User); address != "" {
		return found.User, address, nil
	}
	if name == "" {
		name = fold(first(typed, maxField))
	}
	return found.User, name, nil
}

// addressOf is the canonical primary address of a user; empty without one.
func addressOf(user lanyard.User) string {
	key, err := lanyard.CanonicalEmail(user.Profile.Email)
	if err != nil {
		return ""
	}
	return key
}

// ProveEmailCode checks a code that was sent by SendSignInCode. A wrong one, and any
// for a name that nobody has, is lanyard.ErrWrongCode. The proof proves the mailbox
// too; it counts only while the address is still the user's primary one.
func (a *Accounts) ProveEmailCode(ctx context.Context, t Tenancy, holder, name, code string, from From, now time.Time) (Proven, error) {
	if !t.Tenant.Policy.EmailCode {
		return Proven{}, lanyard.ErrNotOffered
	}
	user, address, err := whoever(ctx, t, name)
	if err != nil {
		return Proven{}, err
	}
	subject := string(user.ID)
	if subject == "" {
		subject = address
	}
	counted, err := a.count(ctx, t, "email_code", subject, user.ID, from, now)
	if err != nil {
		return Proven{}, err
	}
	c, err := try(ctx, t, holder, PurposeSignIn, code, now)
	switch {
	case err != nil:
		return Proven{}, err
	case c.UserID == "" || c.UserID != user.ID || c.Address != address:
		return Proven{}, lanyard.ErrWrongCode
	case user.Disabled:
		return Proven{}, lanyard.ErrUserDisabled
	}
	return Proven{User: user, Method: lanyard.MethodEmailCode, attempt: counted, spend: func(ctx context.Context, tx storage.Scope) error {
		return a.spendMailbox(ctx, tx, c, user, now)
	}}, nil
}

// count reserves a try to prove something.
func (a *Accounts) count(ctx context.Context, t Tenancy, kind, subject string, user lanyard.UserID, from From, now time.Time) (attempt, error) {
	counted, err := attemptFor(ctx, t.Scope, kind, subject, user, from)
	if err != nil {
		return attempt{}, err
	}
	return counted, reserve(ctx, t.Scope, counted, now)
}

// spendMailbox takes out a challenge that proved the primary address of a user.
func (a *Accounts) spendMailbox(ctx context.Context, tx storage.Scope, c storage.Challenge, user lanyard.User, now time.Time) error {
	if err := spent(ctx, tx, c, now); err != nil {
		return err
	}
	still, err := tx.VerifyEmail(ctx, user.ID, c.Address, true)
	if err == nil && !still {
		err = lanyard.ErrWrongCode
	}
	if err != nil || user.Profile.EmailVerified {
		return err
	}
	return tx.InsertEvent(ctx, lanyard.Event{Type: lanyard.EventEmailVerified, At: now, Actor: string(user.ID), UserID: user.ID})
}

// SendRecoveryCode sends a code that stands in for a lost second factor to the
// proved address of a user who has proved something else. The caller sees to it that
// this was not the mailbox itself. It is lanyard.ErrNotOffered where the policy or
// the lack of an address is against it.
func (a *Accounts) SendRecoveryCode(ctx context.Context, t Tenancy, holder string, user lanyard.User, from From, now time.Time) error {
	if !t.Tenant.Policy.EmailRecovery || !user.Profile.EmailVerified || user.Profile.Email == "" {
		return lanyard.ErrNotOffered
	}
	return a.send(ctx, t, sending{
		holder: holder, purpose: PurposeRecovery, user: user, address: addressOf(user), lives: codeLives, from: from, now: now,
		letter: mail.Letter{Kind: lanyard.MailCode, To: user.Profile.Email}, silent: user.Disabled,
	})
}

// ProveEmailRecovery checks a code that was sent by SendRecoveryCode. It counts as a
// recovery code, is recorded and told as one.
func (a *Accounts) ProveEmailRecovery(ctx context.Context, t Tenancy, holder string, user lanyard.User, code string, from From, now time.Time) (Proven, error) {
	if !t.Tenant.Policy.EmailRecovery {
		return Proven{}, lanyard.ErrNotOffered
	}
	counted, err := a.count(ctx, t, "email_recovery", string(user.ID), user.ID, from, now)
	if err != nil {
		return Proven{}, err
	}
	c, err := try(ctx, t, holder, PurposeRecovery, code, now)
	switch {
	case err != nil:
		return Proven{}, err
	case c.UserID == "" || c.UserID != user.ID || c.Address != addressOf(user):
		return Proven{}, lanyard.ErrWrongCode
	}
	return Proven{User: user, Method: lanyard.MethodRecoveryCode, attempt: counted, spend: func(ctx context.Context, tx storage.Scope) error {
		if err := a.spendMailbox(ctx, tx, c, user, now); err != nil {
			return err
		}
		if err := tx.InsertEvent(ctx, lanyard.Event{
			Type: lanyard.EventCodeUsed, At: now, Actor: string(user.ID), UserID: user.ID, Detail: map[string]string{"by": "email"},
		}); err != nil {
			return err
		}
		return a.notify(ctx, tx, user, mail.Letter{Kind: lanyard.MailRecoveryUsed}, from, now)
	}}, nil
}
