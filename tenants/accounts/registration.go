package accounts

import (
	"context"
	"errors"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// registration is an account that waits for the proof of its address. It is stored
// sealed, in the challenge.
type registration struct {
	Email      string            `json:"email"`
	Name       string            `json:"name,omitempty"`
	Hash       string            `json:"hash,omitempty"`
	Locale     string            `json:"locale,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
	// Arrival is the way in in place of a password.
	Arrival *lanyard.Arrival `json:"arrival,omitempty"`
}

// method is how the account of a registration signs in.
func (r registration) method() lanyard.Method {
	if r.Arrival != nil {
		return lanyard.MethodFederated
	}
	return lanyard.MethodPassword
}

// user is the account that a registration makes.
func (r registration) user(now time.Time) lanyard.User {
	p := lanyard.Profile{}
	if r.Arrival != nil {
		p = r.Arrival.Profile
	}
	if r.Name != "" {
		p.Name = r.Name
	}
	if r.Locale != "" {
		p.Locale = r.Locale
	}
	p.Email, p.Attributes = r.Email, r.Attributes
	return newUser(p, now)
}

func newUser(p lanyard.Profile, now time.Time) lanyard.User {
	id := lanyard.NewUserID()
	return lanyard.User{ID: id, Subject: string(id), UpdatedAt: now, CreatedAt: now, Profile: p}
}

// makeAccount stores a new account at an address that nobody proved, inside a transaction.
func makeAccount(ctx context.Context, tx storage.Scope, t Tenancy, user lanyard.User, hash string) error {
	if err := tx.InsertUser(ctx, user); err != nil {
		return err
	}
	if err := tx.SetPrimaryEmail(ctx, user.ID, user.Profile.Email, false, user.CreatedAt); err != nil {
		return err
	}
	return equip(ctx, tx, t, user, hash)
}

// equip gives a new account its password (empty for none) and roles, and records it.
func equip(ctx context.Context, tx storage.Scope, t Tenancy, user lanyard.User, hash string) error {
	if hash != "" {
		if err := tx.SetPassword(ctx, user.ID, storage.Password{Hash: hash}, user.CreatedAt); err != nil {
			return err
		}
	}
	for _, role := range t.Tenant.Policy.DefaultRoles {
		if err := tx.GrantUserRole(ctx, user.ID, role, user.CreatedAt); err != nil {
			return err
		}
	}
	return tx.InsertEvent(ctx, lanyard.Event{Type: lanyard.EventUserSignedUp, At: user.CreatedAt, Actor: string(user.ID), UserID: user.ID})
}

// moveIn makes an account at an address that was proved (empty for none); lanyard.ErrHasAccount when
// somebody else has proved it, and with an arrival the errors of link.
func moveIn(ctx context.Context, tx storage.Scope, t Tenancy, user lanyard.User, address string, r registration) error {
	if err := tx.InsertUser(ctx, user); err != nil {
		return err
	}
	if r.Arrival != nil { // before the address: of two with the same identity one makes the account, and the other is told so
		if err := link(ctx, tx, user.ID, *r.Arrival, user.CreatedAt); err != nil {
			return err
		}
	}
	if address != "" {
		err := evict(ctx, tx, address, user.ID, user.CreatedAt)
		if err == nil {
			err = tx.SetPrimaryEmail(ctx, user.ID, user.Profile.Email, true, user.CreatedAt)
		}
		if errors.Is(err, lanyard.ErrConflict) {
			return lanyard.ErrHasAccount
		}
		if err != nil {
			return err
		}
	}
	return equip(ctx, tx, t, user, r.Hash)
}

// evict takes an address from whoever never proved it, for somebody who did.
func evict(ctx context.Context, tx storage.Scope, address string, owner lanyard.UserID, now time.Time) error {
	wiped, err := tx.WipeUnproved(ctx, address, now)
	if err != nil || wiped == "" {
		return err
	}
	return tx.InsertEvent(ctx, lanyard.Event{
		Type: lanyard.EventEmailRemoved, At: now, Actor: string(owner), UserID: wiped, Detail: map[string]string{"reason": "proved by somebody else"},
	})
}
