package accounts

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/mail"
	"github.com/lanyard-id/lanyard/storage"
)

// KeepAdministrator is lanyard.ErrLastAdministrator for the only person who can manage the
// instance: whoever takes that from somebody asks first, in the same transaction. Of several who
// do so at the same time, each waits for the one before.
func KeepAdministrator(ctx context.Context, tx storage.Scope, t Tenancy, user lanyard.UserID) error {
	if t.Tenant.Slug != lanyard.DefaultTenant {
		return nil
	}
	held, err := tx.UserRoles(ctx, user)
	if err != nil || len(held) == 0 {
		return err
	}
	roles, err := tx.Roles(ctx, "")
	if err != nil || !lanyard.TenantPowersOf(held, roles, true).May(lanyard.MayManageInstance) {
		return err
	}
	var opening []string
	for _, role := range roles {
		if slices.Contains(role.Permissions, lanyard.MayManageInstance) {
			opening = append(opening, role.Name)
		}
	}
	if err := tx.LockTenant(ctx); err != nil {
		return err
	}
	others, err := tx.OthersWithRole(ctx, user, opening)
	if err == nil && !others {
		err = lanyard.ErrLastAdministrator
	}
	return err
}

// SetPassword makes the password that an administrator gives somebody; mustChange has it
// replaced at the next sign-in. What is wrong with it is an error of CheckNewPassword.
// Nothing is stored before Apply, which ends every session of the user.
func (a *Accounts) SetPassword(ctx context.Context, t Tenancy, actor Actor, password lanyard.Secret, mustChange bool, now time.Time) (Change, error) {
	factors, err := t.Scope.Factors(ctx, actor.User.ID, nil, now)
	if err != nil {
		return Change{}, err
	}
	out, err := a.newPassword(ctx, t, actor.User, password, factors.Second(), actor.From, now)
	out.by, out.password.MustChange = actor.By, mustChange
	return out, err
}

// FirstPassword is what is stored of the password of an account that is made by an administrator.
func (a *Accounts) FirstPassword(ctx context.Context, t Tenancy, user lanyard.User, password lanyard.Secret, mustChange bool) (storage.Password, error) {
	if err := a.CheckNewPassword(t, NewPassword{Password: password, User: user}); err != nil {
		return storage.Password{}, err
	}
	hash, err := a.Hasher.Hash(ctx, password)
	return storage.Password{Hash: hash, MustChange: mustChange, Short: IsShort(password)}, err
}

// RemovePassword takes the password away, so that the account is entered in another way or
// by a reset; none is lanyard.ErrNotFound. It is for administrators.
func (a *Accounts) RemovePassword(ctx context.Context, t Tenancy, actor Actor, now time.Time) error {
	return a.resetFactor(ctx, t, actor, "password", lanyard.EventPasswordRemoved, now, func(tx storage.Scope) error {
		return tx.DeletePassword(ctx, actor.User.ID)
	})
}

// RemoveRecoveryCodes makes all recovery codes void; none are lanyard.ErrNotFound. It is for administrators.
func (a *Accounts) RemoveRecoveryCodes(ctx context.Context, t Tenancy, actor Actor, now time.Time) error {
	return a.resetFactor(ctx, t, actor, "recovery_codes", lanyard.EventCodesRemoved, now, func(tx storage.Scope) error {
		codes, err := tx.RecoveryCodes(ctx, actor.User.ID)
		if err == nil && len(codes) == 0 {
			err = lanyard.ErrNotFound
		}
		if err != nil {
			return err
		}
		return tx.ReplaceRecoveryCodes(ctx, actor.User.ID, nil, now)
	})
}

// resetFactor removes what is no second factor of its own.
func (a *Accounts) resetFactor(
	ctx context.Context, t Tenancy, actor Actor, subject string, event lanyard.EventType, now time.Time, remove func(tx storage.Scope) error,
) error {
	return risky(ctx, t, actor, now, func(tx storage.Scope, _ lanyard.Factors) error {
		if err := remove(tx); err != nil {
			return err
		}
		return a.changed(ctx, tx, change{
			user: actor.User, by: actor.By, event: event, notice: lanyard.MailFactorRemoved, subject: subject, from: actor.From, now: now,
		})
	})
}

// GiveEmail gives somebody an address that an administrator vouches for, or not (verified),
// and makes it the primary one if asked. Both addresses are told of a new primary one. An
// address that signs somebody else in is lanyard.ErrConflict, proved or not: who that is may
// be above the administrator.
func (a *Accounts) GiveEmail(ctx context.Context, t Tenancy, actor Actor, e lanyard.Email, now time.Time) error {
	key, err := lanyard.CanonicalEmail(e.Address)
	if err != nil {
		return err
	}
	return t.Scope.InTx(ctx, func(tx storage.Scope) error {
		all, err := tx.Emails(ctx, actor.User.ID)
		if err != nil {
			return err
		}
		known := slices.ContainsFunc(all, func(o lanyard.Email) bool { return sameAddress(o.Address, key) })
		if !known && len(all) >= maxEmails {
			return lanyard.ErrConflict.Saying("there are too many addresses")
		}
		if e.Primary {
			return a.givePrimary(ctx, tx, actor, e, key, now)
		}
		if err := nobodyElses(ctx, tx, actor.User.ID, e.Address); err != nil {
			return err
		}
		if err := tx.AddEmail(ctx, actor.User.ID, e.Address, now); err != nil {
			return err
		}
		if e.Verified {
			if _, err := tx.VerifyEmail(ctx, actor.User.ID, key, false); err != nil {
				return err
			}
		}
		return a.recordEmail(ctx, tx, actor, lanyard.EventEmailAdded, mail.Letter{Kind: lanyard.MailEmailAdded, Subject: e.Address}, now)
	})
}

// nobodyElses is lanyard.ErrConflict for an address that signs somebody else in.
func nobodyElses(ctx context.Context, tx storage.Scope, user lanyard.UserID, address string) error {
	owner, err := tx.UserByEmail(ctx, address)
	switch {
	case errors.Is(err, lanyard.ErrNotFound):
		return nil
	case err == nil && owner.ID != user:
		return lanyard.ErrConflict.Saying("the address signs somebody else in")
	}
	return err
}

func sameAddress(address, key string) bool {
	other, err := lanyard.CanonicalEmail(address)
	return err == nil && other == key
}

// givePrimary makes an address, new or not, the primary one. Links to the old one are void.
func (a *Accounts) givePrimary(ctx context.Context, tx storage.Scope, actor Actor, e lanyard.Email, key string, now time.Time) error {
	if err := tx.SetPrimaryEmail(ctx, actor.User.ID, e.Address, e.Verified, now); err != nil {
		return err
	}
	if err := tx.DeleteOneTimeTokens(ctx, actor.User.ID); err != nil {
		return err
	}
	letter := mail.Letter{Kind: lanyard.MailEmailChanged, Subject: e.Address}
	if err := a.recordEmail(ctx, tx, actor, lanyard.EventEmailChanged, letter, now); err != nil || sameAddress(actor.User.Profile.Email, key) {
		return err
	}
	letter.To = e.Address
	return a.notify(ctx, tx, actor.User, letter, actor.From, now)
}

// VouchForEmail marks an address of somebody as proved, or not; none is lanyard.ErrNotFound, one
// that signs somebody else in can not be proved (lanyard.ErrConflict).
func (a *Accounts) VouchForEmail(ctx context.Context, t Tenancy, actor Actor, address string, verified bool, now time.Time) error {
	return t.Scope.InTx(ctx, func(tx storage.Scope) error {
		if err := tx.SetEmailVerified(ctx, actor.User.ID, address, verified); err != nil {
			return err
		}
		if verified {
			if err := nobodyElses(ctx, tx, actor.User.ID, address); err != nil {
				return err
			}
		}
		fact := lanyard.EventEmailVerified
		if !verified {
			fact = lanyard.EventEmailUnverified
		}
		return tx.InsertEvent(ctx, lanyard.Event{Type: fact, At: now, Actor: actor.by(), UserID: actor.User.ID})
	})
}

// EraseNow deletes somebody at once with everything of theirs, and says goodbye by mail,
// as a deletion that the person asked for does when it is due. The only owner of an
// organization is lanyard.ErrConflict, the last administrator lanyard.ErrLastAdministrator.
func (a *Accounts) EraseNow(ctx context.Context, t Tenancy, actor Actor, now time.Time) error {
	return t.Scope.InTx(ctx, func(tx storage.Scope) error {
		if err := lockOwned(ctx, tx, actor.User.ID); err != nil {
			return err
		}
		owned, err := tx.SoleOwnerships(ctx, actor.User.ID)
		if err != nil {
			return err
		}
		if len(owned) > 0 {
			return lanyard.ErrConflict.Saying("the user is the only owner of " + strings.Join(owned, ", "))
		}
		if err := KeepAdministrator(ctx, tx, t, actor.User.ID); err != nil {
			return err
		}
		if err := tx.ScheduleDeletion(ctx, actor.User.ID, now); err != nil {
			return err
		}
		return a.erase(ctx, tx, actor.User, actor.by(), now)
	})
}

// maxOwned bounds the organizations of one person that are looked at.
const maxOwned = 10_000

// lockOwned holds the organizations that somebody owns, so that of two owners who go at the
// same time one comes second. They are locked in one order.
func lockOwned(ctx context.Context, tx storage.Scope, user lanyard.UserID) error {
	all, err := tx.AllJoined(ctx, user, maxOwned)
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(x, y lanyard.Joined) int {
		return strings.Compare(string(x.Organization.ID), string(y.Organization.ID))
	})
	for _, j := range all {
		if !j.Membership.Owner() {
			continue
		}
		if _, err := tx.LockOrganization(ctx, j.Organization.ID); err != nil && !errors.Is(err, lanyard.ErrNotFound) {
			return err
		}
	}
	return nil
}

// TurnOff turns an account off: what it is signed in to, what it gave to applications, and
// links and codes end with it. The last administrator is lanyard.ErrLastAdministrator.
func (a *Accounts) TurnOff(ctx context.Context, tx storage.Scope, t Tenancy, actor Actor, now time.Time) error {
	if err := KeepAdministrator(ctx, tx, t, actor.User.ID); err != nil {
		return err
	}
	off := actor.User
	off.Disabled = true
	if err := tx.UpdateUser(ctx, off); err != nil {
		return err
	}
	return a.changed(ctx, tx, change{user: actor.User, by: actor.By, event: lanyard.EventUserDisabled, from: actor.From, now: now})
}

// CheckAttributes is lanyard.ErrBadInput for attributes that the tenant's policy does not
// know, or of another kind than it says. Those that are as they were pass.
func CheckAttributes(policy []lanyard.Attribute, before, after map[string]string) error {
	for name, value := range after {
		if was, there := before[name]; there && was == value {
			continue
		}
		i := slices.IndexFunc(policy, func(a lanyard.Attribute) bool { return a.Name == name })
		if i < 0 {
			return lanyard.ErrBadInput.Saying("there is no attribute " + name)
		}
		if _, err := policy[i].Value(value); err != nil {
			return err
		}
	}
	return nil
}

// ChangedFields names the claims of a profile that differ.
func ChangedFields(before, after lanyard.Profile) []string { return changedFields(before, after) }
