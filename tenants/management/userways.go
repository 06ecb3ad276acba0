package management

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// NewPassword is a password that an administrator gives somebody.
type NewPassword struct {
	Password           string `json:"password" required:"true" writeOnly:"true"`
	MustChangePassword bool   `json:"must_change_password,omitempty" doc:"It has to be replaced at the next sign-in"`
}

// SetUserPassword sets a password for a user by the rules of new passwords, and ends every
// session and grant of the user.
func (m *Management) SetUserPassword(ctx context.Context, a Administrator, id lanyard.UserID, n NewPassword) error {
	if err := a.Need(lanyard.MayManageUsers); err != nil {
		return err
	}
	found, err := a.Scope().User(ctx, id)
	if err != nil {
		return gone(err)
	}
	// Hashing takes long, so it comes before the transaction.
	change, err := m.Accounts.SetPassword(ctx, a.Live.Tenancy(), accounts.Actor{User: found, By: a.Actor()}, lanyard.SecretOf(n.Password), n.MustChangePassword, a.Now)
	if err != nil {
		return err
	}
	return m.onUser(ctx, a, id, func(tx storage.Scope, _ accounts.Actor, before User) error {
		if before.Username == "" && before.Email == "" {
			return lanyard.ErrBadInput.Saying("a password needs an email or username to sign in with")
		}
		return change.Apply(ctx, tx)
	})
}

// UserEmail is an address of a user.
type UserEmail struct {
	// ID is a name of the address that says nothing about it.
	ID        string    `json:"id" readOnly:"true"`
	Address   string    `json:"address"`
	Verified  bool      `json:"verified"`
	Primary   bool      `json:"primary"`
	CreatedAt time.Time `json:"created_at,omitzero" readOnly:"true"`
}

// shortName is a name for something whose own names say too much for a URL.
func shortName(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

func emailOf(user lanyard.UserID) func(lanyard.Email) UserEmail {
	return func(e lanyard.Email) UserEmail {
		key, err := lanyard.CanonicalEmail(e.Address)
		if err != nil { // of an older grammar
			key = e.Address
		}
		return UserEmail{ID: shortName(string(user), key), Address: e.Address, Verified: e.Verified, Primary: e.Primary, CreatedAt: e.CreatedAt}
	}
}

// readUser is lanyard.ErrNotFound for somebody who is not there.
func readUser(ctx context.Context, a Administrator, id lanyard.UserID) error {
	if err := a.Need(lanyard.MayReadUsers); err != nil {
		return err
	}
	_, err := a.Scope().User(ctx, id)
	return gone(err)
}

// UserPartColumns are those of the lists of what belongs to one user.
var UserPartColumns = Columns{Sorts: []string{"created"}}

// fewOf pages through things that a user has a few of, in the order of their key.
func fewOf[R, T any](a Administrator, q Query, list string, all []R, as func(R) T, id func(T) string, key func(R) string) (List[T], error) {
	return pageOfAll(a, &q, list, UserPartColumns, all, few[R, T]{
		key: func(r R, _ string) string { return key(r) }, id: func(r R) string { return id(as(r)) },
		words: func(R) []string { return nil }, as: as,
	})
}

// instant is a moment as text that sorts as it does.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000") }

// UserEmails lists the addresses of a user.
func (m *Management) UserEmails(ctx context.Context, a Administrator, id lanyard.UserID, q Query) (List[UserEmail], error) {
	if err := readUser(ctx, a, id); err != nil {
		return List[UserEmail]{}, err
	}
	all, err := a.Scope().Emails(ctx, id)
	if err != nil {
		return List[UserEmail]{}, err
	}
	return fewOf(a, q, "emails "+string(id), all, emailOf(id), func(e UserEmail) string { return e.ID }, func(e lanyard.Email) string { return instant(e.CreatedAt) })
}

func userEmail(ctx context.Context, scope storage.Scope, user lanyard.UserID, is func(UserEmail) bool) (UserEmail, error) {
	all, err := scope.Emails(ctx, user)
	if err != nil {
		return UserEmail{}, err
	}
	for _, e := range all {
		if out := emailOf(user)(e); is(out) {
			return out, nil
		}
	}
	return UserEmail{}, lanyard.ErrNotFound
}

// UserEmail is one of a user's addresses.
func (m *Management) UserEmail(ctx context.Context, a Administrator, id lanyard.UserID, email string) (UserEmail, error) {
	if err := readUser(ctx, a, id); err != nil {
		return UserEmail{}, err
	}
	return userEmail(ctx, a.Scope(), id, func(e UserEmail) bool { return e.ID == email })
}

// AddUserEmail gives a user an address, vouched for (verified) or not, and the primary one if asked.
func (m *Management) AddUserEmail(ctx context.Context, a Administrator, id lanyard.UserID, e UserEmail) (UserEmail, error) {
	var out UserEmail
	err := m.onUser(ctx, a, id, func(tx storage.Scope, person accounts.Actor, _ User) error {
		given := lanyard.Email{Address: e.Address, Verified: e.Verified, Primary: e.Primary}
		if err := m.Accounts.GiveEmail(ctx, a.in(tx).Live.Tenancy(), person, given, a.Now); err != nil {
			return err
		}
		var err error
		wanted := emailOf(id)(given)
		out, err = userEmail(ctx, tx, id, func(e UserEmail) bool { return e.ID == wanted.ID })
		return err
	})
	return out, err
}

// ChangeUserEmail says whether an address was proved, and makes it the primary one. The
// primary one stays that until another one is.
func (m *Management) ChangeUserEmail(ctx context.Context, a Administrator, id lanyard.UserID, email string, change Change[UserEmail]) (UserEmail, error) {
	var out UserEmail
	is := func(e UserEmail) bool { return e.ID == email }
	err := m.onUser(ctx, a, id, func(tx storage.Scope, person accounts.Actor, _ User) error {
		before, err := userEmail(ctx, tx, id, is)
		if err != nil {
			return err
		}
		after, err := change(before)
		if err != nil {
			return err
		}
		t := a.in(tx).Live.Tenancy()
		switch {
		case after.Address != before.Address:
			return lanyard.ErrBadInput.Saying("an address does not change: add another one")
		case before.Primary && !after.Primary:
			return lanyard.ErrBadInput.Saying("make another address the primary one")
		case after.Primary && !before.Primary:
			err = m.Accounts.GiveEmail(ctx, t, person, lanyard.Email{Address: before.Address, Verified: after.Verified, Primary: true}, a.Now)
		case after.Verified != before.Verified:
			err = m.Accounts.VouchForEmail(ctx, t, person, before.Address, after.Verified, a.Now)
		}
		if err != nil {
			return err
		}
		out, err = userEmail(ctx, tx, id, is)
		return err
	})
	return out, err
}

// RemoveUserEmail takes an address away that is not the primary one (lanyard.ErrConflict for that).
func (m *Management) RemoveUserEmail(ctx context.Context, a Administrator, id lanyard.UserID, email string, when Condition[UserEmail]) error {
	return m.onUser(ctx, a, id, func(tx storage.Scope, person accounts.Actor, _ User) error {
		before, err := userEmail(ctx, tx, id, func(e UserEmail) bool { return e.ID == email })
		if err != nil {
			return err
		}
		if err := when.met(before); err != nil {
			return err
		}
		if before.Primary {
			return lanyard.ErrConflict.Saying("it is the primary address")
		}
		return m.Accounts.RemoveEmail(ctx, a.in(tx).Live.Tenancy(), person, before.Address, a.Now)
	})
}

// Authenticator is something that a user proves with who they are.
type Authenticator struct {
	// ID is password, totp, recovery_codes or the id of a passkey.
	ID   string `json:"id"`
	Type string `json:"type" enum:"password,totp,recovery_codes,passkey"`
	// Name is what the user calls a passkey; Provider who keeps it, as far as that is known.
	Name     string `json:"name,omitempty"`
	Provider string `json:"provider,omitempty"`
	Synced   bool   `json:"synced,omitempty"`
	// MustChange says of a password that it has to be replaced.
	MustChange bool `json:"must_change,omitempty"`
	// Remaining is how many recovery codes are left.
	Remaining int64     `json:"remaining,omitempty"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	UsedAt    time.Time `json:"used_at,omitzero"`
}

const (
	authenticatorPassword = "password"
	authenticatorTOTP     = "totp"
	authenticatorCodes    = "recovery_codes"
	authenticatorPasskey  = "passkey"
)

// UserAuthenticators lists what a user signs in with, identities elsewhere apart.
func (m *Management) UserAuthenticators(ctx context.Context, a Administrator, id lanyard.UserID, q Query) (List[Authenticator], error) {
	if err := readUser(ctx, a, id); err != nil {
		return List[Authenticator]{}, err
	}
	all, err := m.authenticators(ctx, a.Live.Tenancy(), id)
	if err != nil {
		return List[Authenticator]{}, err
	}
	return fewOf(a, q, "authenticators "+string(id), all, func(x Authenticator) Authenticator { return x },
		func(x Authenticator) string { return x.ID }, func(x Authenticator) string { return instant(x.CreatedAt) })
}

func (m *Management) authenticators(ctx context.Context, t accounts.Tenancy, id lanyard.UserID) ([]Authenticator, error) {
	var out []Authenticator
	at, must, err := t.Scope.PasswordChanged(ctx, id)
	if err == nil {
		out = append(out, Authenticator{ID: authenticatorPassword, Type: authenticatorPassword, CreatedAt: at, MustChange: must})
	} else if !errors.Is(err, lanyard.ErrNotFound) {
		return nil, err
	}
	seed, err := t.Scope.TOTP(ctx, id)
	if err == nil && !seed.ConfirmedAt.IsZero() {
		out = append(out, Authenticator{ID: authenticatorTOTP, Type: authenticatorTOTP, CreatedAt: seed.ConfirmedAt})
	} else if err != nil && !errors.Is(err, lanyard.ErrNotFound) {
		return nil, err
	}
	left, made, err := t.Scope.RecoveryCodesLeft(ctx, id)
	if err == nil {
		out = append(out, Authenticator{ID: authenticatorCodes, Type: authenticatorCodes, CreatedAt: made, Remaining: left})
	} else if !errors.Is(err, lanyard.ErrNotFound) {
		return nil, err
	}
	passkeys, err := m.Accounts.Passkeys(ctx, t, id)
	for _, p := range passkeys {
		out = append(out, Authenticator{
			ID: p.ID, Type: authenticatorPasskey, Name: p.Name, Provider: accounts.PasskeyProvider(p.AAGUID), Synced: p.Synced, CreatedAt: p.CreatedAt, UsedAt: p.UsedAt,
		})
	}
	return out, err
}

// RemoveUserAuthenticator resets something that a user lost: it is gone, every session and
// grant of the user ends, and the user is told by mail. It may be the last way in or a
// factor that is required: then the next sign-in asks for another one.
func (m *Management) RemoveUserAuthenticator(ctx context.Context, a Administrator, id lanyard.UserID, authenticator string, when Condition[Authenticator]) error {
	return m.onUser(ctx, a, id, func(tx storage.Scope, person accounts.Actor, _ User) error {
		t := a.in(tx).Live.Tenancy()
		all, err := m.authenticators(ctx, t, id)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(x Authenticator) bool { return x.ID == authenticator })
		if i < 0 {
			return lanyard.ErrNotFound
		}
		if err := when.met(all[i]); err != nil {
			return err
		}
		switch all[i].Type {
		case authenticatorPassword:
			return m.Accounts.RemovePassword(ctx, t, person, a.Now)
		case authenticatorTOTP:
			return m.Accounts.RemoveTOTP(ctx, t, person, a.Now)
		case authenticatorCodes:
			return m.Accounts.RemoveRecoveryCodes(ctx, t, person, a.Now)
		}
		return m.Accounts.RemovePasskey(ctx, t, person, authenticator, a.Now)
	})
}

// UserIdentity is an account elsewhere that signs a user in.
type UserIdentity struct {
	ID           string               `json:"id"`
	ConnectionID lanyard.ConnectionID `json:"connection_id"`
	Issuer       string               `json:"issuer,omitempty"`
	Subject      string               `json:"subject"`
	// Label is what the upstream calls the person.
	Label     string    `json:"label,omitempty"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	UsedAt    time.Time `json:"used_at,omitzero"`
}

func identityOf(l lanyard.LinkedIdentity) UserIdentity {
	return UserIdentity{
		ID: shortName(string(l.ConnectionID), l.Issuer, l.Subject), ConnectionID: l.ConnectionID, Issuer: l.Issuer, Subject: l.Subject,
		Label: l.Label, CreatedAt: l.CreatedAt, UsedAt: l.UsedAt,
	}
}

// UserIdentities lists the accounts elsewhere that sign a user in.
func (m *Management) UserIdentities(ctx context.Context, a Administrator, id lanyard.UserID, q Query) (List[UserIdentity], error) {
	if err := readUser(ctx, a, id); err != nil {
		return List[UserIdentity]{}, err
	}
	all, err := a.Scope().Identities(ctx, id)
	if err != nil {
		return List[UserIdentity]{}, err
	}
	return fewOf(a, q, "identities "+string(id), all, identityOf,
		func(i UserIdentity) string { return i.ID }, func(l lanyard.LinkedIdentity) string { return instant(l.CreatedAt) })
}

// RemoveUserIdentity takes an account elsewhere from a user; what was signed in to by its
// connection ends, and the user is told by mail.
func (m *Management) RemoveUserIdentity(ctx context.Context, a Administrator, id lanyard.UserID, identity string, when Condition[UserIdentity]) error {
	return m.onUser(ctx, a, id, func(tx storage.Scope, person accounts.Actor, _ User) error {
		all, err := tx.Identities(ctx, id)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(l lanyard.LinkedIdentity) bool { return identityOf(l).ID == identity })
		if i < 0 {
			return lanyard.ErrNotFound
		}
		if err := when.met(identityOf(all[i])); err != nil {
			return err
		}
		return m.Accounts.UnlinkIdentity(ctx, a.in(tx).Live.Tenancy(), person, all[i].Identity, a.Now)
	})
}
