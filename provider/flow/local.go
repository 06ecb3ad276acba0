package flow

import (
	"context"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants"
)

// ownPages stands in for the client when a sign-in is for pages of our own.
func ownPages(live *tenants.Live) *lanyard.Client {
	return &lanyard.Client{Name: live.Tenant.Name, FirstParty: true, URI: live.Issuer + "/account"}
}

// BeginLocal takes the wish for a page of our own, a path with its query: whoever is
// signed in goes on at once, everybody else signs in first. With sudo the person
// has to have proved who they are a short while ago, with everything they have;
// subject is then the sub of the account that it is about.
func (f *Flow) BeginLocal(ctx context.Context, live *tenants.Live, page, subject string, sudo bool, v Visitor) (Outcome, error) {
	return f.Begin(ctx, live, ownPages(live), lanyard.AuthParams{Local: page, HintSubject: subject, Sudo: sudo}, v)
}

// BeginAnother lets another account sign in beside those that the browser has, for a
// page of our own.
func (f *Flow) BeginAnother(ctx context.Context, live *tenants.Live, page string, v Visitor) (Outcome, error) {
	return f.Begin(ctx, live, ownPages(live), lanyard.AuthParams{Local: page, Prompt: []string{lanyard.PromptSelectAccount}}, v)
}

// finishLocal ends a sign-in for a page of our own, once, and makes its account the
// one that those pages are about.
func (f *Flow) finishLocal(ctx context.Context, live *tenants.Live, s *state) (Outcome, error) {
	if err := f.enter(ctx, live, s); err != nil {
		return Outcome{}, err
	}
	if err := live.Scope.CloseAuthRequest(ctx, s.request.ID); err != nil {
		return Outcome{}, stale(err)
	}
	a := s.account()
	if a.Session.Opens("") { // those pages are closed to the others
		if err := live.Scope.UseSession(ctx, a.Session.BrowserID, a.Session.ID); err != nil {
			return Outcome{}, err
		}
	}
	out := Outcome{Request: s.request.ID, Local: s.request.Params.Local}
	if s.request.Joined && a.Session.ConfinedTo != "" { // the account's own pages are closed to it
		out.Local = "/org/" + s.home.Slug
	}
	if !s.request.Joined {
		return out, nil
	}
	var err error
	out.Land, err = f.landing(ctx, live, s)
	out.LandIn = s.landsIn
	return out, err
}

// leave ends a sign-in for a page of our own that the person gave up, once.
func (f *Flow) leave(ctx context.Context, live *tenants.Live, s *state) (Outcome, error) {
	err := live.Scope.CloseAuthRequest(ctx, s.request.ID)
	return Outcome{Request: s.request.ID, Local: s.request.Params.Local}, stale(err)
}
