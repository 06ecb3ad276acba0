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
	queues queues
}

// New makes the deeds on people.
func New(hasher *Hasher) *Accounts { return &Accounts{Hasher: hasher} }

// Try is one attempt to sign in with a password.
type Try struct {
	// Name is what was typed: an address or a username.
	Name     string
	Password lanyard.Secret
	// BrowserHash is the hash of the browser cookie, nil without one.
	BrowserHash []byte
	// Address is where the request came from, reduced to what is counted.
	Address string
}

// Proven is a password that was right.
type Proven struct {
	User lanyard.User
	// attempt is what was reserved; Success takes it back.
	attempt attempt
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
	counted, err := a.attemptFor(ctx, scope, t, name, found.User.ID)
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
	if err != nil {
		return Proven{}, err
	}
	if !matches {
		return Proven{}, lanyard.ErrWrongCredentials
	}
	if found.User.Disabled {
		return Proven{}, lanyard.ErrUserDisabled
	}
	if rehash {
		if err := a.rehash(ctx, scope, found, t.Password); err != nil {
			return Proven{}, err
		}
	}
	return Proven{User: found.User, attempt: counted}, nil
}

// attemptFor names the counters of a try: one for the account whatever was typed,
// or for the account on a browser that it signed in on before, so that strangers
// can not lock its owner out.
func (a *Accounts) attemptFor(ctx context.Context, scope storage.Scope, t Try, name string, user lanyard.UserID) (attempt, error) {
	subject := string(user)
	if subject == "" {
		subject = name
	}
	known, err := scope.BrowserKnows(ctx, t.BrowserHash, user)
	if err != nil {
		return attempt{}, err
	}
	out := attempt{account: attemptKey("password", subject), address: attemptKey("address", t.Address)}
	if known {
		out.account = attemptKey("known", subject, string(t.BrowserHash))
	}
	return out, nil
}

func (a *Accounts) rehash(ctx context.Context, scope storage.Scope, c storage.Credentials, password lanyard.Secret) error {
	fresh, err := a.Hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	return scope.Rehash(ctx, c.User.ID, c.PasswordHash, fresh)
}
