package accounts

import (
	"context"
	"errors"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// Accounts holds the deeds on people. Make it with New.
type Accounts struct {
	Hasher *Hasher
	Sealer lanyard.Sealer
	queues queues
	rules  Rules
}

// New makes the deeds on people.
func New(hasher *Hasher, sealer lanyard.Sealer) *Accounts {
	dropWordLists()
	return &Accounts{Hasher: hasher, Sealer: sealer}
}

// Try is one attempt to sign in with a password.
type Try struct {
	// Name is what was typed: an address or a username.
	Name     string
	Password lanyard.Secret
	From     From
}

// Proven is a proof that was right.
type Proven struct {
	User   lanyard.User
	Method lanyard.Method
	// Arrival is what an upstream proved, when that is the proof or a part of it; nil otherwise.
	Arrival *lanyard.Arrival
	// attempt is what was reserved; Success takes it back.
	attempt attempt
	// spend makes a proof that works once unusable, inside the transaction of what
	// it is used for; nil if there is nothing to spend. When another request was
	// faster, it fails as a wrong code does.
	spend func(ctx context.Context, tx storage.Scope) error
}

// Authenticate checks a password. A wrong one, a name that nobody has and a user
// without a password are all lanyard.ErrWrongCredentials after the same work; too
// many tries are lanyard.ErrThrottled; only a right password learns that the
// account is turned off (lanyard.ErrUserDisabled).
func (a *Accounts) Authenticate(ctx context.Context, scope storage.Scope, t Try, now time.Time) (Proven, error) {
	name, err := lanyard.CanonicalName(t.Name)
	if err != nil {
		name = "" // nobody's name: it goes the same way as an unknown one
	}
	found, err := scope.CredentialsByName(ctx, name)
	if err != nil && !errors.Is(err, lanyard.ErrNotFound) {
		return Proven{}, err
	}
	subject := string(found.User.ID)
	if subject == "" {
		subject = name
	}
	counted, err := attemptFor(ctx, scope, "password", subject, found.User.ID, t.From)
	if err != nil {
		return Proven{}, err
	}
	leave, err := a.queues.enter(ctx, counted.account)
	if err != nil {
		return Proven{}, err
	}
	defer leave()
	if err := reserve(ctx, scope, counted, now); err != nil {
		return Proven{}, err
	}
	matches, rehash, err := a.Hasher.Verify(ctx, found.PasswordHash, t.Password)
	if errors.Is(err, errUnusableHash) {
		return Proven{}, a.unusable(ctx, scope, found.User, t.Password, now)
	}
	if err != nil {
		return Proven{}, err
	}
	if !matches {
		return Proven{}, wrong(ctx, scope, found.User.ID, lanyard.MethodPassword, now, lanyard.ErrWrongCredentials)
	}
	if found.User.Disabled {
		return Proven{}, lanyard.ErrUserDisabled
	}
	if rehash {
		if err := a.rehash(ctx, scope, found, t.Password); err != nil {
			return Proven{}, err
		}
	}
	return Proven{User: found.User, Method: lanyard.MethodPassword, attempt: counted}, nil
}

func (a *Accounts) rehash(ctx context.Context, scope storage.Scope, c storage.Credentials, password lanyard.Secret) error {
	fresh, err := a.Hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	return scope.Rehash(ctx, c.User.ID, c.PasswordHash, fresh)
}

// unusable answers for an account whose stored hash can not be used: as for a wrong
// password, after the work of one, with an event for whoever looks after it.
func (a *Accounts) unusable(ctx context.Context, scope storage.Scope, user lanyard.User, password lanyard.Secret, now time.Time) error {
	if _, _, err := a.Hasher.Verify(ctx, "", password); err != nil {
		return err
	}
	if err := scope.InsertEvent(ctx, lanyard.Event{
		Type: lanyard.EventSignInFailed, At: now, Actor: "system", UserID: user.ID, Detail: map[string]string{"reason": "unusable_hash"},
	}); err != nil {
		return err
	}
	return lanyard.ErrWrongCredentials
}
