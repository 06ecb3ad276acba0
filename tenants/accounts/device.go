package accounts

import (
	"context"
	"strconv"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// RememberDevice spares a user the second factor on a browser until a moment, or
// until a credential of theirs changes. It belongs into the transaction of the
// sign-in that proved one.
func (a *Accounts) RememberDevice(ctx context.Context, tx storage.Scope, user lanyard.UserID, browser lanyard.BrowserID, until, now time.Time) error {
	if err := tx.RememberDevice(ctx, user, browser, until, now); err != nil {
		return err
	}
	return tx.InsertEvent(ctx, lanyard.Event{
		Type: lanyard.EventDeviceRemembered, At: now, Actor: string(user), UserID: user, Detail: map[string]string{"browser": string(browser)},
	})
}

// ForgetDevices asks for the second factor again on every browser and tells how many were remembered.
func (a *Accounts) ForgetDevices(ctx context.Context, t Tenancy, actor Actor, now time.Time) (int64, error) {
	var forgotten int64
	err := t.Scope.InTx(ctx, func(tx storage.Scope) error {
		var err error
		if forgotten, err = tx.ForgetDevices(ctx, actor.User.ID, now); err != nil || forgotten == 0 {
			return err
		}
		return tx.InsertEvent(ctx, lanyard.Event{
			Type: lanyard.EventDeviceForgotten, At: now, Actor: string(actor.User.ID), UserID: actor.User.ID, SessionID: actor.Session.ID,
			Detail: map[string]string{"count": strconv.FormatInt(forgotten, 10)},
		})
	})
	return forgotten, err
}
