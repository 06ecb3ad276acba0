package manifest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// User is what a file says about a person, with the names of OpenID Connect
// claims. Its natural key is sub, else the e-mail address, else the username.
type User struct {
	Subject  string `json:"sub"`
	Username string `json:"username"`
	lanyard.Profile
	// EmailVerified, PhoneNumberVerified and Disabled stay as they are when the file leaves them out.
	EmailVerified       *bool  `json:"email_verified"`
	PhoneNumberVerified *bool  `json:"phone_number_verified"`
	Password            Secret `json:"password"`
	// PasswordHash is what another system made of the password. It is taken only
	// while the user has none: from then on the password is the user's own.
	PasswordHash Hash `json:"password_hash"`
	// MustChangePassword makes the password one for the first sign-in; it is then set
	// only while the user has none.
	MustChangePassword bool `json:"must_change_password"`
	// PasswordShort says of a hash that its password is too short to stand alone, without a second factor.
	PasswordShort bool `json:"password_short"`
	// Emails are addresses besides the primary one, Identities what signs the person in at connections.
	Emails     []Email    `json:"emails"`
	Identities []Identity `json:"identities"`
	Roles      []string   `json:"roles"`
	Disabled   *bool      `json:"disabled"`
	// UpdatedAt is the claim in seconds since 1970; the moment of the change when the file leaves it out.
	UpdatedAt *int64 `json:"updated_at"`
}

// maxSubject is the longest sub (OpenID Connect Core §2).
const maxSubject = 255

// name is what complaints call the user.
func (u *User) name() string {
	for _, name := range []string{u.Subject, u.Email, u.Username} {
		if name != "" {
			return name
		}
	}
	return "?"
}

// SignInName is what the person types to sign in: the address, else the username.
func (u *User) SignInName() string {
	if u.Email != "" {
		return u.Email
	}
	return u.Username
}

func (u *User) check(c checker, path string, seen map[string]bool) {
	if u.Username == "" && u.Email == "" {
		u.Username = u.PreferredUsername // a person without an address signs in with it
	}
	if u.Subject == "" && u.Email == "" && u.Username == "" {
		c.complain(path, "a user needs sub, email or username")
	}
	c.unique(seen, path+".sub", "sub", u.Subject)
	u.checkNames(c, path, seen)
	if !lanyard.ValidSubject(u.Subject) {
		c.complain(path+".sub", "sub is at most %d printable ASCII characters", maxSubject)
	}
	u.Password.resolve(c, path+".password")
	u.checkWays(c, path)
	if !u.Password.Value.IsZero() && u.Email == "" && u.Username == "" {
		c.complain(path+".password", "a password needs an email or username to sign in with")
	}
	u.checkImport(c, path)
	for i, role := range u.Roles {
		if !validRole(role) {
			c.complain(fmt.Sprintf("%s.roles[%d]", path, i), "%q is not the name of a role", role)
		}
	}
}

// checkImport complains about a password of another system that can not be used.
func (u *User) checkImport(c checker, path string) {
	hash, plain := !u.PasswordHash.Value.IsZero(), c.document.Has(path+".password")
	if hash && plain {
		c.complain(path+".password_hash", "give either password or password_hash")
	}
	if hash {
		if err := accounts.CheckHash(u.PasswordHash.Value.Reveal()); err != nil {
			c.complain(path+".password_hash", "%s", safe(err))
		}
	}
	if hash && u.Email == "" && u.Username == "" {
		c.complain(path+".password_hash", "a password needs an email or username to sign in with")
	}
	if u.MustChangePassword && !hash && !plain {
		c.complain(path+".must_change_password", "there is no password to change")
	}
}

func (u *User) checkNames(c checker, path string, seen map[string]bool) {
	if u.Email != "" {
		key, err := lanyard.CanonicalEmail(u.Email)
		if err != nil {
			c.complain(path+".email", "%s", safe(err))
		}
		c.unique(seen, path+".email", "email", key)
	}
	if u.Username != "" {
		key, err := lanyard.CanonicalUsername(u.Username)
		if err != nil {
			c.complain(path+".username", "%s", safe(err))
		}
		c.unique(seen, path+".username", "username", key)
	}
}

// find looks for the user of the file: by sub if it has one, else by e-mail
// address and then by username. Nobody is lanyard.ErrNotFound.
func (u *User) find(ctx context.Context, scope storage.Scope) (lanyard.User, error) {
	if u.Subject != "" {
		return scope.UserBySubject(ctx, u.Subject)
	}
	found, err := lanyard.User{}, error(lanyard.ErrNotFound)
	if u.Email != "" {
		found, err = scope.UserByEmail(ctx, u.Email)
	}
	if u.Username != "" && errors.Is(err, lanyard.ErrNotFound) {
		found, err = scope.UserByUsername(ctx, u.Username)
	}
	return found, err
}

// onto lays what the file says over what there is.
func (u *User) onto(out lanyard.User) lanyard.User {
	if u.Username != "" {
		out.Username = u.Username
	}
	given, stored := reflect.ValueOf(u.Profile), reflect.ValueOf(&out.Profile).Elem()
	for i := range given.NumField() {
		if !given.Field(i).IsZero() {
			stored.Field(i).Set(given.Field(i))
		}
	}
	out.Profile.EmailVerified = chosen(u.EmailVerified, out.Profile.EmailVerified)
	out.Profile.PhoneNumberVerified = chosen(u.PhoneNumberVerified, out.Profile.PhoneNumberVerified)
	out.Disabled = chosen(u.Disabled, out.Disabled)
	if u.UpdatedAt != nil {
		out.UpdatedAt = time.Unix(*u.UpdatedAt, 0).UTC()
	}
	return out
}

func chosen(given *bool, fallback bool) bool {
	if given == nil {
		return fallback
	}
	return *given
}

// newPassword is the password of the file as it is to be stored; the zero value when
// it stays as it is. It runs before the transaction, since hashing takes long.
func (u *User) newPassword(ctx context.Context, scope storage.Scope, hasher Hasher) (storage.Password, error) {
	if u.Password.Value.IsZero() && u.PasswordHash.Value.IsZero() {
		return storage.Password{}, nil
	}
	stored, err := u.storedHash(ctx, scope)
	first := !u.PasswordHash.Value.IsZero() || u.MustChangePassword
	switch {
	case err != nil, stored != "" && first:
		return storage.Password{}, err
	case !u.PasswordHash.Value.IsZero():
		return storage.Password{Hash: u.PasswordHash.Value.Reveal(), MustChange: u.MustChangePassword, Short: u.PasswordShort}, nil
	case stored != "":
		same, _, err := hasher.Verify(ctx, stored, u.Password.Value)
		if err != nil || same {
			return storage.Password{}, err
		}
	}
	hash, err := hasher.Hash(ctx, u.Password.Value)
	return storage.Password{Hash: hash, MustChange: u.MustChangePassword, Short: accounts.IsShort(u.Password.Value)}, err
}

func (u *User) storedHash(ctx context.Context, scope storage.Scope) (string, error) {
	user, err := u.find(ctx, scope)
	if err == nil {
		var hash string
		if hash, err = scope.PasswordHash(ctx, user.ID); err == nil {
			return hash, nil
		}
	}
	if errors.Is(err, lanyard.ErrNotFound) {
		return "", nil
	}
	return "", err
}

func (r *run) putUser(ctx context.Context, u *User, password storage.Password) error {
	before, err := u.find(ctx, r.scope)
	exists := err == nil
	switch {
	case errors.Is(err, lanyard.ErrNotFound):
		before = lanyard.User{ID: lanyard.NewUserID(), TenantID: r.scope.TenantID(), Subject: u.Subject, CreatedAt: r.now}
		if before.Subject == "" {
			before.Subject = string(before.ID)
		}
	case err != nil:
		return err
	}
	after := u.onto(before)
	changed := !exists || !reflect.DeepEqual(before, after)
	if changed && u.UpdatedAt == nil {
		after.UpdatedAt = r.now
	}
	if changed {
		if err := r.writeUser(ctx, before, after, exists); err != nil {
			return err
		}
	}
	if password.Hash != "" {
		changed = true
		if err := r.setPassword(ctx, after.ID, password, exists); err != nil {
			return err
		}
	}
	added, err := r.addEmails(ctx, after.ID, u.Emails)
	if err != nil {
		return err
	}
	granted, err := r.grantRoles(ctx, after.ID, u.Roles)
	r.summary.count(exists, changed || granted || added)
	return err
}

func (r *run) writeUser(ctx context.Context, before, after lanyard.User, exists bool) error {
	write, fact := r.scope.InsertUser, lanyard.EventUserCreated
	if exists {
		write, fact = r.scope.UpdateUser, lanyard.EventUserUpdated
	} else if err := tenants.SubjectFree(ctx, r.scope, after.Subject); err != nil {
		return err
	}
	if err := write(ctx, after); err != nil {
		return err
	}
	if after.Profile.Email != before.Profile.Email || after.Profile.EmailVerified != before.Profile.EmailVerified {
		if err := r.scope.SetPrimaryEmail(ctx, after.ID, after.Profile.Email, after.Profile.EmailVerified, r.now); err != nil {
			return err
		}
	}
	return r.record(ctx, lanyard.Event{Type: fact, UserID: after.ID})
}

// setPassword replaces a password; what was signed in with the old one ends, and
// links and codes of the user are void.
func (r *run) setPassword(ctx context.Context, id lanyard.UserID, password storage.Password, exists bool) error {
	if err := r.scope.SetPassword(ctx, id, password, r.now); err != nil {
		return err
	}
	if exists {
		if err := r.endAll(ctx, id, r.now); err != nil {
			return err
		}
	}
	return r.record(ctx, lanyard.Event{Type: lanyard.EventPasswordSet, UserID: id})
}

func (r *run) endAll(ctx context.Context, id lanyard.UserID, now time.Time) error {
	if _, err := r.scope.BumpUserRevision(ctx, id); err != nil {
		return err
	}
	if err := r.scope.DeleteOneTimeTokens(ctx, id); err != nil {
		return err
	}
	if _, err := r.scope.EndUserSessions(ctx, id, "", now); err != nil {
		return err
	}
	_, err := r.scope.RevokeUserGrants(ctx, id, "", lanyard.RevokedCredentials, now)
	return err
}
