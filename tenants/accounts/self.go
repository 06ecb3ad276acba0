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
// What an organization's own connection proved is never among them.
func (a *Accounts) Self(ctx context.Context, t Tenancy, from From, now time.Time) (Actor, []lanyard.Account, error) {
	all, err := signedIn(ctx, t, from, now)
	if err != nil {
		return Actor{}, nil, err
	}
	return a.chosen(ctx, t, slices.DeleteFunc(all, confined), from, now)
}

// SelfIn is everybody that the pages of organizations may be about: the person of
// Self first, if there is one, then those whom an organization's own connection
// signed in, newest first. What such a session opens is for Session.Opens to say.
// Nobody is lanyard.ErrLoginRequired.
func (a *Accounts) SelfIn(ctx context.Context, t Tenancy, from From, now time.Time) ([]Actor, error) {
	all, err := signedIn(ctx, t, from, now)
	if err != nil {
		return nil, err
	}
	var out []Actor
	self, _, err := a.chosen(ctx, t, slices.DeleteFunc(slices.Clone(all), confined), from, now)
	switch {
	case err == nil:
		out = append(out, self)
	case !errors.Is(err, lanyard.ErrLoginRequired):
		return nil, err
	}
	for _, account := range all {
		if !confined(account) {
			continue
		}
		if err := a.Touch(ctx, t, account.Session, now); err != nil {
			return nil, err
		}
		out = append(out, Actor{User: account.User, Session: account.Session, From: from})
	}
	if len(out) == 0 {
		return nil, lanyard.ErrLoginRequired
	}
	return out, nil
}

// signedIn lists the accounts of a browser that may be used.
func signedIn(ctx context.Context, t Tenancy, from From, now time.Time) ([]lanyard.Account, error) {
	_, all, err := t.Scope.Accounts(ctx, from.BrowserHash, "")
	if err != nil && !errors.Is(err, lanyard.ErrNotFound) {
		return nil, err
	}
	return slices.DeleteFunc(all, func(a lanyard.Account) bool { return !a.Session.Usable(now) || a.User.Disabled }), nil
}

// confined tells whether an organization's own connection proved an account's session.
func confined(a lanyard.Account) bool { return a.Session.ConfinedTo != "" }

// chosen picks the account that the pages are about.
func (a *Accounts) chosen(ctx context.Context, t Tenancy, all []lanyard.Account, from From, now time.Time) (Actor, []lanyard.Account, error) {
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
// about. A session that this browser does not have, or that is confined to an
// organization, is lanyard.ErrNotFound.
func (a *Accounts) Switch(ctx context.Context, t Tenancy, from From, id lanyard.SessionID, now time.Time) error {
	browser, all, err := t.Scope.Accounts(ctx, from.BrowserHash, "")
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(a lanyard.Account) bool {
		return a.Session.ID == id && a.Session.ConfinedTo == "" && a.Session.Usable(now)
	}) {
		return lanyard.ErrNotFound
	}
	return t.Scope.UseSession(ctx, browser.ID, id)
}
