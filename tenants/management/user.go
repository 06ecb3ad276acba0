package management

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// User is a person of the tenant.
type User struct {
	ID lanyard.UserID `json:"id" readOnly:"true"`
	// Subject is the sub of tokens: chosen when the user is made, or the id.
	Subject  string `json:"sub,omitempty" doc:"The sub of tokens; it can be chosen when the user is made, and never changes"`
	Username string `json:"username,omitempty"`
	lanyard.Profile
	// Roles are those in the tenant.
	Roles    []string `json:"roles" nullable:"false"`
	Disabled bool     `json:"disabled"`
	// DeleteAt is when the account will be erased at its owner's wish.
	DeleteAt  time.Time `json:"delete_at,omitzero" readOnly:"true"`
	CreatedAt time.Time `json:"created_at,omitzero" readOnly:"true"`
	UpdatedAt time.Time `json:"updated_at,omitzero" readOnly:"true"`
}

// NewUser is a person who is added.
type NewUser struct {
	User
	// Password is one to sign in with; it is never shown again.
	Password           string `json:"password,omitempty" writeOnly:"true"`
	MustChangePassword bool   `json:"must_change_password,omitempty" writeOnly:"true"`
}

func userOf(u lanyard.User, roles []string) User {
	if roles == nil {
		roles = []string{}
	}
	return User{
		ID: u.ID, Subject: u.Subject, Username: u.Username, Profile: u.Profile, Roles: roles, Disabled: u.Disabled,
		DeleteAt: u.DeleteAt, CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
	}
}

// onto lays the representation over what there is.
func (u User) onto(out lanyard.User) lanyard.User {
	out.Username, out.Profile, out.Disabled = u.Username, u.Profile, u.Disabled
	if len(out.Profile.Attributes) == 0 {
		out.Profile.Attributes = nil // as it is read back
	}
	return out
}

// User is one of the tenant's users.
func (m *Management) User(ctx context.Context, a Administrator, id lanyard.UserID) (User, error) {
	if err := a.Need(lanyard.MayReadUsers); err != nil {
		return User{}, err
	}
	out, err := userIn(ctx, a.Scope(), id)
	return out, gone(err)
}

func userIn(ctx context.Context, scope storage.Scope, id lanyard.UserID) (User, error) {
	found, err := scope.User(ctx, id)
	if err != nil {
		return User{}, err
	}
	roles, err := scope.UserRoles(ctx, id)
	return userOf(found, roles), err
}

// CreateUser adds a user. A subject, username or primary address in use is
// lanyard.ErrConflict; what is wrong with a password is an error of accounts.CheckNewPassword.
func (m *Management) CreateUser(ctx context.Context, a Administrator, n NewUser) (User, error) {
	if err := a.Need(lanyard.MayManageUsers); err != nil {
		return User{}, err
	}
	made, err := n.draft(a)
	if err != nil {
		return User{}, err
	}
	var password storage.Password
	if n.Password != "" { // before the transaction: hashing takes long
		if password, err = m.Accounts.FirstPassword(ctx, a.Live.Tenancy(), made, lanyard.SecretOf(n.Password), n.MustChangePassword); err != nil {
			return User{}, err
		}
	}
	var out User
	err = m.change(ctx, a, lanyard.MayManageUsers, false, func(tx storage.Scope) error {
		if err := m.insertUser(ctx, tx, a, made, password); err != nil {
			return err
		}
		if err := m.setUserRoles(ctx, tx, a, made.ID, nil, n.Roles); err != nil {
			return err
		}
		out, err = userIn(ctx, tx, made.ID)
		return err
	})
	return out, err
}

// draft checks what somebody says about a new user.
func (n NewUser) draft(a Administrator) (lanyard.User, error) {
	id := lanyard.NewUserID()
	made := n.onto(lanyard.User{ID: id, TenantID: a.Live.Tenant.ID, Subject: n.Subject, CreatedAt: a.Now, UpdatedAt: a.Now})
	if made.Username == "" && made.Profile.Email == "" {
		made.Username = made.Profile.PreferredUsername // a person without an address signs in with it, as in files
	}
	switch {
	case made.Subject == "" && made.Username == "" && made.Profile.Email == "":
		return made, lanyard.ErrBadInput.Saying("a user needs sub, email or username")
	case !lanyard.ValidSubject(made.Subject):
		return made, lanyard.ErrBadInput.Saying("sub is at most 255 printable ASCII characters")
	case n.Password != "" && made.SignInName() == "":
		return made, lanyard.ErrBadInput.Saying("a password needs an email or username to sign in with")
	case n.MustChangePassword && n.Password == "":
		return made, lanyard.ErrBadInput.Saying("there is no password to change")
	}
	if made.Subject == "" {
		made.Subject = string(id)
	}
	return made, checkUser(a, lanyard.User{}, made)
}

// checkUser finds what is wrong with a user as it shall be.
func checkUser(a Administrator, before, after lanyard.User) error {
	if after.Profile.Email != "" {
		if _, err := lanyard.CanonicalEmail(after.Profile.Email); err != nil {
			return err
		}
	}
	if after.Profile.Email == "" && after.Profile.EmailVerified {
		return lanyard.ErrBadInput.Saying("there is no address to be verified")
	}
	if after.Username != "" {
		if _, err := lanyard.CanonicalUsername(after.Username); err != nil {
			return err
		}
	}
	if err := accounts.CheckProfile(after.Profile); err != nil {
		return err
	}
	return accounts.CheckAttributes(a.Live.Tenant.Policy.Attributes, before.Profile.Attributes, after.Profile.Attributes)
}

func (m *Management) insertUser(ctx context.Context, tx storage.Scope, a Administrator, made lanyard.User, password storage.Password) error {
	if err := tenants.SubjectFree(ctx, tx, made.Subject); err != nil {
		return err
	}
	if err := tx.InsertUser(ctx, made); err != nil {
		return err
	}
	if err := m.record(ctx, tx, a, lanyard.Event{Type: lanyard.EventUserCreated, UserID: made.ID}); err != nil {
		return err
	}
	if made.Profile.Email != "" {
		if err := tx.SetPrimaryEmail(ctx, made.ID, made.Profile.Email, made.Profile.EmailVerified, a.Now); err != nil {
			return err
		}
	}
	if password.Hash == "" {
		return nil
	}
	if err := tx.SetPassword(ctx, made.ID, password, a.Now); err != nil {
		return err
	}
	return m.record(ctx, tx, a, lanyard.Event{Type: lanyard.EventPasswordSet, UserID: made.ID})
}

// ChangeUser changes a user. The subject stays. A changed email becomes the primary address
// at once; turning a user off ends sessions and grants at once. Whoever does it has at least
// the powers that the user has, and gets. Nobody takes the instance's last administrator away
// (lanyard.ErrLastAdministrator).
func (m *Management) ChangeUser(ctx context.Context, a Administrator, id lanyard.UserID, change Change[User]) (User, error) {
	var out User
	err := m.onUser(ctx, a, id, func(tx storage.Scope, person accounts.Actor, before User) error {
		after, err := change(before)
		if err != nil {
			return err
		}
		if after.Subject != before.Subject {
			return lanyard.ErrBadInput.Saying("the subject of a user never changes")
		}
		next := after.onto(person.User)
		if before.Email != "" && next.Profile.Email == "" {
			return lanyard.ErrBadInput.Saying("the primary address is replaced by another one, not removed")
		}
		if err := checkUser(a, person.User, next); err != nil {
			return err
		}
		if err := m.setUserRoles(ctx, tx, a, id, before.Roles, after.Roles); err != nil {
			return err
		}
		if err := m.writeUser(ctx, tx, a, person, next); err != nil {
			return err
		}
		out, err = userIn(ctx, tx, id)
		return err
	})
	return out, err
}

// writeUser stores what is different.
func (m *Management) writeUser(ctx context.Context, tx storage.Scope, a Administrator, person accounts.Actor, next lanyard.User) error {
	before, t := person.User, a.in(tx).Live.Tenancy()
	changed := accounts.ChangedFields(before.Profile, next.Profile)
	if next.Username != before.Username {
		changed = append(changed, "username")
	}
	if len(changed) > 0 {
		written := next
		written.Disabled, written.UpdatedAt = before.Disabled, a.Now
		if err := tx.UpdateUser(ctx, written); err != nil {
			return err
		}
		if err := m.record(ctx, tx, a, lanyard.Event{
			Type: lanyard.EventUserUpdated, UserID: before.ID, Detail: map[string]string{"changed": strings.Join(changed, " ")},
		}); err != nil {
			return err
		}
	}
	email := lanyard.Email{Address: next.Profile.Email, Verified: next.Profile.EmailVerified, Primary: true}
	if email.Address != before.Profile.Email {
		if err := m.Accounts.GiveEmail(ctx, t, person, email, a.Now); err != nil {
			return err
		}
	} else if email.Verified != before.Profile.EmailVerified {
		if err := m.Accounts.VouchForEmail(ctx, t, person, email.Address, email.Verified, a.Now); err != nil {
			return err
		}
	}
	switch {
	case next.Disabled && !before.Disabled:
		person.User, person.User.UpdatedAt = next, a.Now
		return m.Accounts.TurnOff(ctx, tx, t, person, a.Now)
	case before.Disabled && !next.Disabled:
		next.UpdatedAt = a.Now
		if err := tx.UpdateUser(ctx, next); err != nil {
			return err
		}
		return m.record(ctx, tx, a, lanyard.Event{Type: lanyard.EventUserEnabled, UserID: before.ID})
	}
	return nil
}

// setUserRoles gives a user exactly these roles of the tenant. That the caller is above
// those before was looked at; it is for those after, here.
func (m *Management) setUserRoles(ctx context.Context, tx storage.Scope, a Administrator, id lanyard.UserID, before, after []string) error {
	after = slices.Compact(slices.Sorted(slices.Values(after)))
	if slices.Equal(before, after) {
		return nil
	}
	if err := a.Above(ctx, tx, after); err != nil {
		return err
	}
	all, err := tx.Roles(ctx, "")
	if err != nil {
		return err
	}
	for _, role := range after {
		if !slices.Contains(before, role) && !slices.ContainsFunc(all, func(r lanyard.Role) bool { return r.Name == role }) {
			return lanyard.ErrBadInput.Saying("the tenant has no role " + role)
		}
	}
	inDefault := a.Live.Tenant.Slug == lanyard.DefaultTenant
	if !lanyard.TenantPowersOf(after, all, inDefault).May(lanyard.MayManageInstance) {
		if err := accounts.KeepAdministrator(ctx, tx, a.in(tx).Live.Tenancy(), id); err != nil {
			return err
		}
	}
	for _, role := range before {
		if !slices.Contains(after, role) {
			if err := tx.TakeUserRole(ctx, id, role); err != nil {
				return err
			}
		}
	}
	for _, role := range after {
		if err := tx.GrantUserRole(ctx, id, role, a.Now); err != nil {
			return err
		}
	}
	detail := map[string]string{"before": strings.Join(before, " "), "after": strings.Join(after, " ")}
	return m.record(ctx, tx, a, lanyard.Event{Type: lanyard.EventUserRolesUpdated, UserID: id, Detail: detail})
}

// onUser does something to a user in one transaction that holds them, for a caller who may
// manage users and has at least the user's own powers.
func (m *Management) onUser(
	ctx context.Context, a Administrator, id lanyard.UserID, do func(tx storage.Scope, person accounts.Actor, before User) error,
) error {
	return m.change(ctx, a, lanyard.MayManageUsers, false, func(tx storage.Scope) error {
		if err := tx.LockUser(ctx, id); err != nil {
			return gone(err)
		}
		found, err := tx.User(ctx, id)
		if err != nil {
			return err
		}
		roles, err := tx.UserRoles(ctx, id)
		if err != nil {
			return err
		}
		if err := a.Above(ctx, tx, roles); err != nil {
			return err
		}
		return do(tx, accounts.Actor{User: found, By: a.Actor()}, userOf(found, roles))
	})
}

// RemoveUser erases a user at once, with everything of theirs, as a deletion does that they
// asked for. The only owner of an organization is lanyard.ErrConflict, the instance's last
// administrator lanyard.ErrLastAdministrator.
func (m *Management) RemoveUser(ctx context.Context, a Administrator, id lanyard.UserID, when Condition[User]) error {
	return m.onUser(ctx, a, id, func(tx storage.Scope, person accounts.Actor, before User) error {
		if err := when.met(before); err != nil {
			return err
		}
		return m.Accounts.EraseNow(ctx, a.in(tx).Live.Tenancy(), person, a.Now)
	})
}
