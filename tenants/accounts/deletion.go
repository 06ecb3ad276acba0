package accounts

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/mail"
	"github.com/lanyard-id/lanyard/storage"
)

// AskDeletion schedules the account to be erased when the tenant's grace period is
// over, and signs it out everywhere else. It needs a fresh proof. The only owner of
// an organization is lanyard.ErrConflict: somebody has to take over first.
func (a *Accounts) AskDeletion(ctx context.Context, t Tenancy, actor Actor, now time.Time) error {
	if err := a.sudo(ctx, t, actor, now); err != nil {
		return err
	}
	return t.Scope.InTx(ctx, func(tx storage.Scope) error {
		if err := lockOwned(ctx, tx, actor.User.ID); err != nil {
			return err
		}
		owned, err := tx.SoleOwnerships(ctx, actor.User.ID)
		if err != nil {
			return err
		}
		if len(owned) > 0 {
			return lanyard.ErrConflict.Saying("you are the only owner of " + strings.Join(owned, ", "))
		}
		if err := KeepAdministrator(ctx, tx, t, actor.User.ID); err != nil {
			return err
		}
		if err := tx.ScheduleDeletion(ctx, actor.User.ID, now.Add(t.Tenant.Policy.GraceBeforeDeletion())); err != nil {
			return err
		}
		if _, err := endOthers(ctx, tx, actor, actor.Session.ID, lanyard.EventUserDeletionAsked, now); err != nil {
			return err
		}
		return a.notify(ctx, tx, actor.User, mail.Letter{Kind: lanyard.MailDeletionAsked, Expires: now.Add(t.Tenant.Policy.GraceBeforeDeletion())}, actor.From, now)
	})
}

// UndoDeletion keeps the account after all. Being signed in is enough: who can sign
// in during the grace period is still its owner.
func (a *Accounts) UndoDeletion(ctx context.Context, t Tenancy, actor Actor, now time.Time) error {
	return t.Scope.InTx(ctx, func(tx storage.Scope) error {
		if err := tx.ScheduleDeletion(ctx, actor.User.ID, time.Time{}); err != nil {
			return err
		}
		if err := tx.InsertEvent(ctx, lanyard.Event{
			Type: lanyard.EventUserDeletionUndone, At: now, Actor: string(actor.User.ID), UserID: actor.User.ID, SessionID: actor.Session.ID,
		}); err != nil {
			return err
		}
		return a.notify(ctx, tx, actor.User, mail.Letter{Kind: lanyard.MailDeletionUndone}, actor.From, now)
	})
}

// Erase deletes a user whose grace period is over, with everything of theirs, and
// says goodbye by mail. One that was kept after all, or erased by another process,
// is left alone. Sessions, tokens and links die with the rows.
func (a *Accounts) Erase(ctx context.Context, scope storage.Scope, id lanyard.UserID, now time.Time) error {
	err := scope.InTx(ctx, func(tx storage.Scope) error {
		user, err := tx.User(ctx, id)
		if err != nil {
			return err
		}
		return a.erase(ctx, tx, user, "", now)
	})
	if errors.Is(err, lanyard.ErrConflict) || errors.Is(err, lanyard.ErrNotFound) {
		return nil
	}
	return err
}

// erase deletes a user whose deletion is due, for whoever events name (empty for the product itself).
func (a *Accounts) erase(ctx context.Context, tx storage.Scope, user lanyard.User, by string, now time.Time) error {
	if err := tx.EraseUser(ctx, user.ID, now); err != nil {
		return err
	}
	if err := tx.InsertEvent(ctx, lanyard.Event{Type: lanyard.EventUserDeleted, At: now, Actor: by, UserID: user.ID}); err != nil {
		return err
	}
	return a.notify(ctx, tx, user, mail.Letter{Kind: lanyard.MailDeleted}, From{}, now)
}
