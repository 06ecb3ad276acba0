package accounts

import (
	"context"
	"strconv"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// Devices lists where the person is signed in, the one used last first.
func (a *Accounts) Devices(ctx context.Context, t Tenancy, user lanyard.UserID, now time.Time) ([]lanyard.Device, error) {
	return t.Scope.Devices(ctx, user, now)
}

// EndDevice signs the person out on one device: the session ends, and everything
// that applications got in it, offline access too. A session that is not the
// person's is lanyard.ErrNotFound.
func (a *Accounts) EndDevice(ctx context.Context, t Tenancy, actor Actor, id lanyard.SessionID, now time.Time) error {
	return t.Scope.InTx(ctx, func(tx storage.Scope) error {
		ended, err := tx.EndUserSession(ctx, actor.User.ID, id, now)
		if err != nil {
			return err
		}
		if !ended {
			return lanyard.ErrNotFound
		}
		if _, err := tx.RevokeSessionGrants(ctx, actor.User.ID, id, lanyard.RevokedSignOut, now); err != nil {
			return err
		}
		return tx.InsertEvent(ctx, lanyard.Event{
			Type: lanyard.EventSessionEnded, At: now, Actor: actor.by(), UserID: actor.User.ID, SessionID: id,
		})
	})
}

// EndOtherDevices signs the person out everywhere else and tells how many sessions ended.
func (a *Accounts) EndOtherDevices(ctx context.Context, t Tenancy, actor Actor, now time.Time) (int64, error) {
	return a.endDevices(ctx, t, actor, actor.Session.ID, now)
}

// EndAllDevices signs the person out everywhere, here too, and tells how many sessions ended.
func (a *Accounts) EndAllDevices(ctx context.Context, t Tenancy, actor Actor, now time.Time) (int64, error) {
	return a.endDevices(ctx, t, actor, "", now)
}

func (a *Accounts) endDevices(ctx context.Context, t Tenancy, actor Actor, except lanyard.SessionID, now time.Time) (int64, error) {
	var ended int64
	err := t.Scope.InTx(ctx, func(tx storage.Scope) error {
		var err error
		ended, err = endOthers(ctx, tx, actor, except, lanyard.EventSessionsEnded, now)
		return err
	})
	return ended, err
}

// endOthers ends sessions and grants except those of one session, and records how many there were.
func endOthers(ctx context.Context, tx storage.Scope, actor Actor, except lanyard.SessionID, event lanyard.EventType, now time.Time) (int64, error) {
	ended, err := tx.EndUserSessions(ctx, actor.User.ID, except, now)
	if err != nil {
		return 0, err
	}
	if _, err := tx.RevokeUserGrants(ctx, actor.User.ID, except, lanyard.RevokedSignOut, now); err != nil {
		return 0, err
	}
	return ended, tx.InsertEvent(ctx, lanyard.Event{
		Type: event, At: now, Actor: actor.by(), UserID: actor.User.ID, SessionID: except,
		Detail: map[string]string{"ended": strconv.FormatInt(ended, 10)},
	})
}

// NotMe is what somebody does who finds a sign-in or change that was not theirs:
// every other session ends, no browser is remembered any more, links and codes are
// void, and the password has to be replaced at the next sign-in.
func (a *Accounts) NotMe(ctx context.Context, t Tenancy, actor Actor, now time.Time) (int64, error) {
	var ended int64
	err := t.Scope.InTx(ctx, func(tx storage.Scope) error {
		var err error
		if ended, err = endOthers(ctx, tx, actor, actor.Session.ID, lanyard.EventNotMe, now); err != nil {
			return err
		}
		if _, err := tx.BumpUserRevision(ctx, actor.User.ID); err != nil {
			return err
		}
		if err := tx.DeleteOneTimeTokens(ctx, actor.User.ID); err != nil {
			return err
		}
		return tx.DemandNewPassword(ctx, actor.User.ID)
	})
	return ended, err
}
