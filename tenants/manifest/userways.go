package manifest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/lanyard-id/lanyard"
)

// Email is an address of a user besides the primary one.
type Email struct {
	Address  string `json:"address"`
	Verified bool   `json:"verified"`
}

// Identity is what signs a user in at a connection of the same tenant.
type Identity struct {
	lanyard.Identity
	// Label tells its owner what it is.
	Label string `json:"label"`
}

// checkWays complains about addresses and identities that can be none.
func (u *User) checkWays(c checker, path string) {
	seen := map[string]bool{}
	for i, e := range u.Emails {
		at := fmt.Sprintf("%s.emails[%d]", path, i)
		key, err := lanyard.CanonicalEmail(e.Address)
		if err != nil {
			c.complain(at+".address", "%s", safe(err))
			continue
		}
		c.unique(seen, at+".address", "address", key)
	}
	for i, identity := range u.Identities {
		if identity.ConnectionID == "" || identity.Issuer == "" || identity.Subject == "" {
			c.complain(fmt.Sprintf("%s.identities[%d]", path, i), "an identity has connection, issuer and subject")
		}
	}
}

// addEmails gives a user the addresses of the file that are not there yet.
func (r *run) addEmails(ctx context.Context, id lanyard.UserID, all []Email) (bool, error) {
	if len(all) == 0 {
		return false, nil
	}
	has, err := r.scope.Emails(ctx, id)
	if err != nil {
		return false, err
	}
	added := false
	for _, e := range all {
		key, err := lanyard.CanonicalEmail(e.Address)
		if err != nil {
			return added, err
		}
		if slices.ContainsFunc(has, func(h lanyard.Email) bool { other, _ := lanyard.CanonicalEmail(h.Address); return other == key }) {
			continue
		}
		if err := r.scope.AddEmail(ctx, id, e.Address, r.now); err != nil {
			return added, err
		}
		if e.Verified {
			if err := r.scope.MarkEmailVerified(ctx, id, e.Address); err != nil {
				return added, err
			}
		}
		added = true
	}
	if !added {
		return false, nil
	}
	return true, r.record(ctx, lanyard.Event{Type: lanyard.EventUserUpdated, UserID: id})
}

// putIdentities links what the file says; it comes after all connections.
func (r *run) putIdentities(ctx context.Context, t *Tenant) error {
	for i := range t.Users {
		u := &t.Users[i]
		if len(u.Identities) == 0 {
			continue
		}
		user, err := u.find(ctx, r.scope)
		if err != nil {
			return err
		}
		for _, identity := range u.Identities {
			if err := r.putIdentity(ctx, user.ID, identity); err != nil {
				return fmt.Errorf("user %s: identity at %s: %w", u.name(), identity.ConnectionID, err)
			}
		}
	}
	return nil
}

func (r *run) putIdentity(ctx context.Context, id lanyard.UserID, identity Identity) error {
	owner, err := r.scope.IdentityOwner(ctx, identity.Identity)
	switch {
	case err == nil && owner.UserID == id:
		r.summary.count(true, false)
		return nil
	case err == nil:
		return lanyard.ErrIdentityTaken
	case !errors.Is(err, lanyard.ErrNotFound):
		return err
	}
	r.summary.count(false, true)
	err = r.scope.ImportIdentity(ctx, lanyard.LinkedIdentity{
		Identity: identity.Identity, UserID: id, Label: identity.Label, CreatedAt: r.now, UsedAt: r.now,
	})
	if err != nil {
		return err
	}
	return r.record(ctx, lanyard.Event{
		Type: lanyard.EventIdentityLinked, UserID: id, Detail: map[string]string{"connection": string(identity.ConnectionID)},
	})
}
