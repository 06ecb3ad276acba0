package accounts

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/mail"
	"github.com/lanyard-id/lanyard/storage"
)

// existsRule is how many mails the owner of an address gets because somebody tries
// to sign up with it.
var existsRule = storage.AttemptRule{Free: 3, Delay: time.Hour, Longest: time.Hour, Memory: time.Hour}

// Welcome is done for a new account, in the transaction that makes it: an invitation
// is used, an organization made. proved are the canonical addresses that were proved.
type Welcome func(ctx context.Context, tx storage.Scope, user lanyard.User, proved []string) error

// Newcomer is how somebody comes to sign up.
type Newcomer struct {
	// Invited opens a sign-up for those who are invited.
	Invited bool
	// Address is the canonical address that the invitation was mailed to: whoever has it
	// has proved the address. Empty for an invitation that is bound to none.
	Address string
	// Prove has the address proved even where the policy does not ask for it.
	Prove bool
	// Welcome is what else a new account gets; nil for nothing.
	Welcome Welcome
}

// admitted is lanyard.ErrSignUpClosed unless the tenant's policy lets the newcomer in.
func (n Newcomer) admitted(p lanyard.Policy) error {
	switch p.WhoSignsUp() {
	case lanyard.SignUpOpen:
		return nil
	case lanyard.SignUpInvite:
		if n.Invited {
			return nil
		}
	}
	return lanyard.ErrSignUpClosed
}

// welcome greets a new account.
func (n Newcomer) welcome(ctx context.Context, tx storage.Scope, user lanyard.User, proved ...string) error {
	if n.Welcome == nil {
		return nil
	}
	return n.Welcome(ctx, tx, user, proved)
}

// SignUpForm is what somebody types who wants an account.
type SignUpForm struct {
	Email    string
	Name     string
	Password lanyard.Secret
	// Attributes are those of the tenant's policy that people may set themselves.
	Attributes map[string]string
	Locale     string
	Newcomer   Newcomer
	// Arrival is who comes from an upstream that did not prove the address: the identity
	// signs them in, and there is no password. Nil for everybody else.
	Arrival *lanyard.Arrival
}

// SignUp takes the wish for an account. An address that is free gets a code, and
// FinishSignUp makes the account; one that somebody has proved gets a mail that says
// so. Statements, hashes, mails and answer are the same.
//
// Where the policy does not require the proof, the account is made at once and
// signs in with its password; then an address counts as taken even if it was not proved.
// Who arrives from an upstream proves the address in any case.
//
// What is wrong with the form is lanyard.ErrBadInput or an error of
// CheckNewPassword; lanyard.ErrSignUpClosed comes before anything else.
func (a *Accounts) SignUp(ctx context.Context, t Tenancy, holder string, form SignUpForm, from From, now time.Time) error {
	if err := form.Newcomer.admitted(t.Tenant.Policy); err != nil {
		return err
	}
	key, r, err := a.checkSignUp(t, form)
	if err != nil {
		return err
	}
	if err := reserveBy(ctx, t.Scope, attemptKey("sender", from.Address), senderRule, now); err != nil {
		return err
	}
	if r.Hash, err = a.hash(ctx, form); err != nil { // for an address that is taken, too
		return err
	}
	return a.offer(ctx, t, holder, key, r, form.Newcomer, from, now)
}

// SignUpInvited makes an account at the address that the newcomer's invitation was
// mailed to, without a further code: the invitation is the proof. Like FinishSignUp it
// makes the account when the proof is spent. Another address is lanyard.ErrOtherAddress,
// an address whose owner has proved it lanyard.ErrHasAccount: they sign in instead.
func (a *Accounts) SignUpInvited(ctx context.Context, t Tenancy, form SignUpForm, from From, now time.Time) (Proven, error) {
	n := form.Newcomer
	if err := n.admitted(t.Tenant.Policy); err != nil {
		return Proven{}, err
	}
	key, r, err := a.checkSignUp(t, form)
	if err != nil {
		return Proven{}, err
	}
	if n.Address == "" || key != n.Address {
		return Proven{}, lanyard.ErrOtherAddress
	}
	if err := reserveBy(ctx, t.Scope, attemptKey("sender", from.Address), senderRule, now); err != nil {
		return Proven{}, err
	}
	if r.Hash, err = a.hash(ctx, form); err != nil {
		return Proven{}, err
	}
	user := r.user(now)
	user.TenantID, user.Profile.EmailVerified = t.Scope.TenantID(), true
	return Proven{User: user, Method: r.method(), Arrival: r.Arrival, spend: func(ctx context.Context, tx storage.Scope) error {
		if err := moveIn(ctx, tx, t, user, key, r); err != nil {
			return err
		}
		return n.welcome(ctx, tx, user, key)
	}}, nil
}

// hash is the hash of the form's password; empty for who arrives from an upstream.
func (a *Accounts) hash(ctx context.Context, form SignUpForm) (string, error) {
	if form.Arrival != nil {
		return "", nil
	}
	return a.Hasher.Hash(ctx, form.Password)
}

// ResendSignUp sends the code of a registration once more, or says once more that
// the address is taken. A holder without one is lanyard.ErrCodeExpired.
func (a *Accounts) ResendSignUp(ctx context.Context, t Tenancy, holder string, n Newcomer, from From, now time.Time) error {
	if err := n.admitted(t.Tenant.Policy); err != nil {
		return err
	}
	c, err := t.Scope.ChallengeOf(ctx, holder, PurposeSignUp)
	if errors.Is(err, lanyard.ErrNotFound) {
		return lanyard.ErrCodeExpired
	}
	if err != nil {
		return err
	}
	inside, err := a.unlock(t, c)
	if err != nil {
		return err
	}
	if inside.Registration == nil {
		return lanyard.ErrCodeExpired
	}
	return a.offer(ctx, t, holder, c.Address, *inside.Registration, n, from, now)
}

// offer sends a registration its code, or tells the owner of the address.
func (a *Accounts) offer(ctx context.Context, t Tenancy, holder, key string, r registration, n Newcomer, from From, now time.Time) error {
	owner, err := t.Scope.UserByEmail(ctx, key)
	if err != nil && !errors.Is(err, lanyard.ErrNotFound) {
		return err
	}
	s := sending{
		holder: holder, purpose: PurposeSignUp, address: key, registration: &r, lives: codeLives, from: from, now: now,
		letter: mail.Letter{Kind: lanyard.MailSignUp, To: r.Email, Name: r.Name},
	}
	counter, err := s.counter(ctx, t)
	if err != nil {
		return err
	}
	told, err := t.Scope.ReserveAttempt(ctx, attemptKey("sign_up_exists", key), existsRule, now)
	if err != nil {
		return err
	}
	taken := s
	taken.user, taken.dead, taken.silent = owner, true, owner.Disabled || told > 0
	taken.letter = mail.Letter{Kind: lanyard.MailSignUpExists, To: owner.Profile.Email}
	switch {
	case r.Arrival == nil && !n.proves(t.Tenant.Policy):
		return a.signUpNow(ctx, t, s, taken, counter, n)
	case owner.ID != "" && (owner.Profile.EmailVerified || owner.Disabled):
		s = taken
	}
	return t.Scope.InTx(ctx, func(tx storage.Scope) error { return a.put(ctx, tx, t, s, counter) })
}

// proves tells whether the address is proved before there is an account.
func (n Newcomer) proves(p lanyard.Policy) bool {
	return n.Prove || (p.EmailVerification != lanyard.VerificationOptional && p.EmailVerification != lanyard.VerificationOff)
}

// AtOnce tells whether signing up makes an account that signs in with its password,
// before any address was proved.
func (n Newcomer) AtOnce(p lanyard.Policy) bool { return !n.proves(p) }

// checkSignUp finds what is wrong with a form, and reads it.
func (a *Accounts) checkSignUp(t Tenancy, form SignUpForm) (string, registration, error) {
	key, err := lanyard.CanonicalEmail(form.Email)
	if err != nil {
		return "", registration{}, err
	}
	r := registration{Email: form.Email, Name: strings.TrimSpace(form.Name), Locale: form.Locale}
	var before map[string]string
	typed := form.Attributes
	if form.Arrival != nil {
		r.Arrival = bounded(t, *form.Arrival)
		before = r.Arrival.Profile.Attributes
		typed = typedOver(t.Tenant.Policy.Attributes, before, typed)
	}
	if r.Attributes, err = mergeAttributes(t.Tenant.Policy.Attributes, before, typed); err != nil {
		return "", registration{}, err
	}
	user := r.user(time.Time{})
	if err := CheckProfile(user.Profile); err != nil {
		return "", registration{}, err
	}
	if r.Arrival != nil {
		return key, r, nil
	}
	return key, r, a.CheckNewPassword(t, NewPassword{Password: form.Password, User: user})
}

// signUpNow makes an account whose address need not be proved. For one that is taken
// the same is done and undone again, so that it asks the database the same.
func (a *Accounts) signUpNow(ctx context.Context, t Tenancy, s, taken sending, counter string, n Newcomer) error {
	user := s.registration.user(s.now)
	s.purpose, s.user, s.registration = PurposeVerify, user, nil
	s.letter = mail.Letter{Kind: lanyard.MailVerify, To: user.Profile.Email}
	s.silent = t.Tenant.Policy.EmailVerification == lanyard.VerificationOff
	hash := taken.registration.Hash
	if taken.user.ID != "" {
		return a.pretendSignUp(ctx, t, user, taken, counter, n)
	}
	err := t.Scope.InTx(ctx, func(tx storage.Scope) error {
		if err := makeAccount(ctx, tx, t, user, hash); err != nil {
			return err
		}
		if err := n.welcome(ctx, tx, user); err != nil {
			return err
		}
		return a.put(ctx, tx, t, s, counter)
	})
	if !errors.Is(err, lanyard.ErrConflict) {
		return err
	}
	owner, err := t.Scope.UserByEmail(ctx, s.address) // somebody was faster
	if err != nil {
		return err
	}
	taken.user, taken.letter.To = owner, owner.Profile.Email
	return a.pretendSignUp(ctx, t, user, taken, counter, n)
}

// errPretended undoes what was only done for show.
var errPretended = errors.New("an account was made for show")

func (a *Accounts) pretendSignUp(ctx context.Context, t Tenancy, user lanyard.User, taken sending, counter string, n Newcomer) error {
	user.Profile.Email = "a" + strings.ToLower(strings.TrimPrefix(string(user.ID), "usr_")) + "@nobody.invalid"
	err := t.Scope.InTx(ctx, func(tx storage.Scope) error {
		if err := makeAccount(ctx, tx, t, user, taken.registration.Hash); err != nil {
			return err
		}
		if err := n.welcome(ctx, tx, user); err != nil {
			return err
		}
		return errPretended
	})
	if !errors.Is(err, errPretended) {
		return err
	}
	taken.purpose, taken.registration = PurposeVerify, nil
	return t.Scope.InTx(ctx, func(tx storage.Scope) error { return a.put(ctx, tx, t, taken, counter) })
}

// FinishSignUp checks the code of a registration. The proof makes the account when
// it is spent, so that has to come first in its transaction. It counts as a
// password: the same holder chose it minutes ago, and nobody else saw it. For who
// arrived from an upstream it counts as the sign-in there.
//
// Whoever held the address without ever having proved it loses it then, with
// everything that was set up to sign in to that account. An address that somebody
// proved meanwhile is lanyard.ErrWrongCode, and nothing is made.
func (a *Accounts) FinishSignUp(ctx context.Context, t Tenancy, holder, code string, n Newcomer, from From, now time.Time) (Proven, error) {
	if err := n.admitted(t.Tenant.Policy); err != nil {
		return Proven{}, err
	}
	counted, err := a.count(ctx, t, "sign_up", holder, "", from, now)
	if err != nil {
		return Proven{}, err
	}
	c, err := try(ctx, t, holder, PurposeSignUp, code, now)
	if err != nil {
		return Proven{}, err
	}
	inside, err := a.unlock(t, c)
	if err != nil {
		return Proven{}, err
	}
	if inside.Registration == nil {
		return Proven{}, lanyard.ErrWrongCode
	}
	r := *inside.Registration
	user := r.user(now)
	user.TenantID, user.Profile.EmailVerified = t.Scope.TenantID(), true
	return Proven{User: user, Method: r.method(), Arrival: r.Arrival, attempt: counted, spend: func(ctx context.Context, tx storage.Scope) error {
		if err := spent(ctx, tx, c, now); err != nil {
			return err
		}
		err := moveIn(ctx, tx, t, user, c.Address, r)
		if errors.Is(err, lanyard.ErrHasAccount) {
			return lanyard.ErrWrongCode
		}
		if err != nil {
			return err
		}
		return n.welcome(ctx, tx, user, c.Address)
	}}, nil
}
