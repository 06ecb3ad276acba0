package flow

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants"
)

// loadAccounts reads who is signed in on the browser.
func (s *state) loadAccounts(ctx context.Context, live *tenants.Live, v Visitor) error {
	if v.Browser.IsZero() {
		return nil
	}
	browser, accounts, err := live.Scope.Accounts(ctx, v.Browser.Hash(), s.client.ID)
	if errors.Is(err, lanyard.ErrNotFound) {
		return nil
	}
	s.accounts, s.lastUsed = accounts, browser.ConnectionID
	return err
}

// live are the accounts whose session counts here. What an organization's own
// connection proved counts in a request for that organization only.
func (s *state) live() []lanyard.Account {
	var out []lanyard.Account
	for _, a := range s.accounts {
		if a.Session.Usable(s.now) && !a.User.Disabled && s.counting(a.Session) {
			out = append(out, a)
		}
	}
	return out
}

// counting tells whether a session may count at all in the request.
func (s *state) counting(session lanyard.Session) bool {
	if slices.Contains([]lanyard.OrganizationID{"", s.home.ID, s.request.OrganizationID}, session.ConfinedTo) {
		return true
	}
	return s.home.ID == "" && s.client.RequireOrganization && s.request.Params.Organization == "" && s.request.OrganizationID == ""
}

// people are the live accounts, one for each user: the person's own session before
// those that organizations vouch for.
func (s *state) people() []lanyard.Account {
	var out []lanyard.Account
	for _, a := range s.live() {
		i := slices.IndexFunc(out, func(b lanyard.Account) bool { return b.User.ID == a.User.ID })
		switch {
		case i < 0:
			out = append(out, a)
		case out[i].Session.ConfinedTo != "" && a.Session.ConfinedTo == "":
			out[i] = a
		}
	}
	return out
}

// shown are the accounts of the chooser, one for each user, live or not.
func (s *state) shown() []lanyard.Account {
	out := s.people()
	for _, a := range s.accounts {
		known := slices.ContainsFunc(out, func(b lanyard.Account) bool { return b.User.ID == a.User.ID })
		if !known && s.counting(a.Session) {
			out = append(out, a)
		}
	}
	return out
}

// account is the signed-in account that the request goes on with. Where the same
// person is signed in by their organization's connection too, it is the session that
// the organization of the request accepts.
func (s *state) account() *lanyard.Account {
	a := s.somebody()
	j := s.organization()
	if a == nil || j == nil || s.linking() || j.Lets(a.Session, s.now) {
		return a
	}
	other := find(s.live(), func(b lanyard.Account) bool { return b.User.ID == a.User.ID && j.Lets(b.Session, s.now) })
	if other == nil {
		return a
	}
	return other
}

// somebody is whose account the request goes on with: the one proved or chosen, the
// one a hint names, or the only one there is.
func (s *state) somebody() *lanyard.Account {
	if s.request.SessionID != "" {
		return find(s.live(), func(a lanyard.Account) bool { return a.Session.ID == s.request.SessionID })
	}
	if s.request.Chosen || s.request.Identifier != "" || s.request.Way == lanyard.WaySignUp {
		return nil
	}
	people := s.people()
	if subject := s.wantedSubject(); subject != "" {
		return find(people, func(a lanyard.Account) bool { return a.User.Subject == subject })
	}
	if hint := s.request.Params.LoginHint; hint != "" {
		if a := find(people, func(a lanyard.Account) bool { return strings.EqualFold(a.User.SignInName(), hint) }); a != nil {
			return a
		}
	}
	if len(people) == 1 {
		return &people[0]
	}
	return nil
}

// wantedSubject is the sub that the client insists on, by hint or by claims.
func (s *state) wantedSubject() string {
	if s.request.Params.Claims.Subject != "" {
		return s.request.Params.Claims.Subject
	}
	return s.request.Params.HintSubject
}

// confinedTo is the organization whose connection proved what the request goes on
// with; empty for a proof that no organization controls.
func (s *state) confinedTo() lanyard.OrganizationID {
	if s.person != nil {
		if u := s.request.Progress.Upstream; u != nil {
			return u.Organization
		}
		return s.base().ConfinedTo
	}
	if a := s.account(); a != nil {
		return a.Session.ConfinedTo
	}
	return ""
}

func find(accounts []lanyard.Account, match func(lanyard.Account) bool) *lanyard.Account {
	i := slices.IndexFunc(accounts, match)
	if i < 0 {
		return nil
	}
	return &accounts[i]
}
