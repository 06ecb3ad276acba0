package accounts

import (
	"context"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/mail"
	"github.com/lanyard-id/lanyard/storage"
)

// ownBrowser is how long after its making an account needs no word about a new
// browser: it is the one that the account was made with.
const ownBrowser = 10 * time.Minute

// TellNewDevice records a sign-in on a browser that was never seen with the
// account, and tells its owner, inside the transaction of the sign-in.
func (a *Accounts) TellNewDevice(ctx context.Context, tx storage.Scope, user lanyard.User, session lanyard.SessionID, from From, now time.Time) error {
	if now.Sub(user.CreatedAt) < ownBrowser {
		return nil
	}
	if err := tx.InsertEvent(ctx, lanyard.Event{
		Type: lanyard.EventDeviceNew, At: now, Actor: string(user.ID), UserID: user.ID, SessionID: session,
	}); err != nil {
		return err
	}
	return a.notify(ctx, tx, user, mail.Letter{Kind: lanyard.MailNewDevice}, from, now)
}
