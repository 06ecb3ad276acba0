package accounts

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// FirstPasskey is a passkey that was made for somebody who has no account yet. Its
// user handle was chosen before there was a user, and is theirs when they are.
type FirstPasskey struct {
	passkey lanyard.Passkey
	counter uint32
	handle  []byte
}

// FirstPasskeyCreation begins the making of a passkey for a person of whom there is
// nothing but the profile, and returns the options like PasskeyCreation. The passkey will
// be the only way in, so its user has to be verified.
func FirstPasskeyCreation(ctx context.Context, t Tenancy, profile lanyard.Profile, holder string, now time.Time) ([]byte, error) {
	handle := make([]byte, handleBytes)
	_, _ = rand.Read(handle)
	return creation{purpose: ceremonyFirst, holder: holder, who: person{handle: handle, user: lanyard.User{Profile: profile}}}.begin(ctx, t, now)
}

// MadeFirstPasskey ends the making of a passkey that the holder began for whom the
// user will be. What is not the right answer, or did not verify who held the
// authenticator, is lanyard.ErrNoPasskey. The ceremony is spent, whatever comes of it.
func MadeFirstPasskey(ctx context.Context, t Tenancy, user lanyard.User, holder string, response []byte, now time.Time) (FirstPasskey, error) {
	made, handle, err := creation{purpose: ceremonyFirst, holder: holder, who: person{user: user}}.end(ctx, t, response, now)
	if err != nil {
		return FirstPasskey{}, err
	}
	passkey, err := passkeyOf(made, user.ID, t, "", now)
	return FirstPasskey{passkey: passkey, counter: made.Authenticator.SignCount, handle: handle}, err
}

// Insert gives the passkey to its user, who was inserted in the same transaction. A
// credential that is there already is lanyard.ErrConflict.
func (p FirstPasskey) Insert(ctx context.Context, tx storage.Scope) error {
	if _, err := tx.UserHandle(ctx, p.passkey.UserID, p.handle); err != nil {
		return err
	}
	return tx.InsertPasskey(ctx, p.passkey, p.counter)
}
