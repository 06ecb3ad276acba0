package accounts

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/lanyard-id/lanyard"
)

// Self is the signed-in person that the account pages are about: of the session
// that was chosen on this browser, else of the one that was proved last. It comes
// with all accounts that the browser is signed in to. Nobody is lanyard.ErrLoginRequired.
func (a *Accounts) Self(ctx context.Context, t Tenancy, from From, now time.Time) (Actor, []lanyard.Account, error) {
	_, all, err := t.Scope.Accounts(ctx, from.BrowserHash, "")
	if errors.Is(err, lanyard.ErrNotFound) {
		return Actor{}, nil, lanyard.ErrLoginRequired
	}
	if err != nil {
		return Actor{}, nil, err
	}
	all = slices.DeleteFunc(all, func(a lanyard.Account) bool { return !a.Session.Usable(now) || a.User.Disabled })
	if len(all) == 0 {
		return Actor{}, nil, lanyard.ErrLoginRequired
	}
	chosen := all[0]
	if len(all) > 1 {
		current, err := t.Scope.CurrentSession(ctx, from.BrowserHash)
		if err != nil {
			return Actor{}, nil, err
		}
		if i := slices.IndexFunc(all, func(a lanyard.Account) bool { return a.Session.ID == current }); i >= 0 {
			chosen = all[i]
		}
	}
	return Actor{User: chosen.User, Session: chosen.Session, From: from}, all, a.Touch(ctx, t, chosen.Session, now)
}

// touchAfter is how stale the note of a session's last use may be.
const touchAfter = time.Minute

// Touch notes that the browser used the session, at most once a minute.
func (a *Accounts) Touch(ctx context.Context, t Tenancy, s lanyard.Session, now time.Time) error {
	if now.Sub(s.UsedAt) < touchAfter {
		return nil
	}
	return t.Scope.TouchSession(ctx, s.ID, now, t.Tenant.Policy.IdleUntil(now))
}

// Switch makes another account of the browser the one that the account pages are
// about. A session that this browser does not have is lanyard.ErrNotFound.
func (a *Accounts) Switch(ctx context.Context, t Tenancy, from From, id lanyard.SessionID, now time.Time) error {
	browser, all, err := t.Scope.Accounts(ctx, from.BrowserHash, "")
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(a lanyard.Account) bool { return a.Session.ID == id && a.Session.Usable(now) }) {
		return lanyard.ErrNotFound
	}
	return t.Scope.UseSession(ctx, browser.ID, id)
}
