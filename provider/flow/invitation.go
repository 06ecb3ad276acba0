package flow

import (
	"context"
	"errors"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/accounts"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// pageAfterInvitation is where somebody lands who was invited to no application.
const pageAfterInvitation = "/account/organizations"

// BeginInvitation lets somebody sign in, or up, for an invitation whose code they
// have just shown. It is used when they say so, or when they make an account.
func (f *Flow) BeginInvitation(ctx context.Context, live *tenants.Live, offer organizations.Offer, signUp bool, v Visitor) (Outcome, error) {
	p := lanyard.AuthParams{
		Local: pageAfterInvitation, Prompt: []string{lanyard.PromptSelectAccount},
		Invitation: offer.Invitation.ID, InvitationShown: offer.Shown,
	}
	if signUp {
		p.Prompt = []string{lanyard.PromptCreate}
	}
	return f.Begin(ctx, live, ownPages(live), p, v)
}

// BeginOrganization leads to a page of our own through a sign-in that an organization's
// policy accepts. With again, the sub of an account, that one has to have proved a short
// while ago who it is, with everything it has; the organization's own connection can prove it.
func (f *Flow) BeginOrganization(ctx context.Context, live *tenants.Live, page, organization, again string, v Visitor) (Outcome, error) {
	p := lanyard.AuthParams{Local: page, Organization: organization, HintSubject: again, Sudo: again != ""}
	return f.Begin(ctx, live, ownPages(live), p, v)
}

// loadOffer reads the invitation that the request is for; one that is gone, or whose
// code is another one since, is none. It is never one that waits: the code that was
// shown proves the address of a new account.
func (f *Flow) loadOffer(ctx context.Context, live *tenants.Live, s *state) error {
	p := s.request.Params
	if p.Invitation == "" || len(p.InvitationShown) == 0 || s.request.Joined {
		return nil
	}
	offer, err := f.Organizations.OfferOf(ctx, live.Tenancy(), p.Invitation, p.InvitationShown, s.now)
	if errors.Is(err, lanyard.ErrNotFound) {
		return nil
	}
	if err == nil {
		s.offer = &offer
	}
	return err
}

// AcceptInvitation uses the invitation that the sign-in is for, or leaves it.
func (f *Flow) AcceptInvitation(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v Visitor, token string, accept bool) (Moved, error) {
	s, ok, err := f.accept(ctx, live, id, v, token, StepInvitation)
	if err != nil || !ok {
		return s.moved(), err
	}
	s.request.SessionID = s.account().Session.ID
	if !accept {
		s.request.Denied = true
		return Moved{Next: StepDone}, f.save(ctx, live.Scope, s)
	}
	if s.offer == nil {
		return Moved{}, lanyard.ErrNotFound
	}
	if s.offer.Organization.ID == "" { // whoever has an account needs no invitation to make one
		return Moved{}, lanyard.ErrHasAccount
	}
	s.request.Joined = true
	s.keepHome()
	err = live.Scope.InTx(ctx, func(tx storage.Scope) error {
		if err := f.admit(ctx, tx, live, s, *s.offer); err != nil {
			return err
		}
		return f.save(ctx, tx, s)
	})
	return Moved{Next: StepDone}, err
}

// keepHome remembers the organization of an invitation that is being used, which opens
// the request to what that organization's connection proved.
func (s *state) keepHome() {
	if s.offer != nil {
		s.request.OrganizationID = s.offer.Organization.ID
	}
}

// admit uses an invitation for whoever is signed in.
func (f *Flow) admit(ctx context.Context, tx storage.Scope, live *tenants.Live, s *state, offer organizations.Offer) error {
	user := s.account().User
	proved, err := accounts.ProvedAddresses(ctx, tx, user.ID)
	if err != nil {
		return err
	}
	return f.Organizations.Admit(ctx, tx, live.Tenancy(), organizations.Guest{Invitation: offer.Invitation.ID, Shown: offer.Shown, User: user, Proved: proved}, s.now)
}

// newcomer is how the person who signs up comes to do so: by themselves, or invited.
// What an account gets is done in the transaction that makes it.
func (f *Flow) newcomer(live *tenants.Live, s *state) accounts.Newcomer {
	n := accounts.Newcomer{}
	policy := live.Tenant.Policy
	personal, plan, trial := policy.PersonalOrganizations, policy.PersonalPlan, policy.PersonalTrialDays
	if s.offer != nil {
		i := s.offer.Invitation
		n.Invited, n.Address, n.Prove = true, i.Email, i.Email != "" || i.Domain != ""
		personal = personal && i.OrganizationID == ""
		if i.Plan != "" || i.TrialDays > 0 {
			personal, plan, trial = true, i.Plan, i.TrialDays
		}
	}
	n.Welcome = func(ctx context.Context, tx storage.Scope, user lanyard.User, proved []string) error {
		if s.offer != nil {
			guest := organizations.Guest{Invitation: s.offer.Invitation.ID, Shown: s.offer.Shown, User: user, Proved: proved}
			if err := f.Organizations.Admit(ctx, tx, live.Tenancy(), guest, s.now); err != nil {
				return err
			}
		}
		if !personal {
			return nil
		}
		_, err := f.Organizations.MakePersonal(ctx, tx, live.Tenancy(), user, plan, trial, s.now)
		return err
	}
	return n
}

// invites tells whether the invitation that a sign-up is for, if any, may be for an
// address once it is proved. What can be no address is for others to refuse.
func (s *state) invites(address string) bool {
	if s.offer == nil {
		return true
	}
	address, err := lanyard.CanonicalEmail(address)
	return err != nil || s.offer.Invitation.Admits([]string{address})
}

// landing is the application that the request's invitation leads to; nil for our own pages.
func (f *Flow) landing(ctx context.Context, live *tenants.Live, s *state) (*lanyard.Client, error) {
	if s.request.Params.Invitation == "" {
		return nil, nil //nolint:nilnil // there is none
	}
	i, err := live.Scope.Invitation(ctx, s.request.Params.Invitation)
	if errors.Is(err, lanyard.ErrNotFound) {
		return nil, nil //nolint:nilnil // as above
	}
	if err != nil {
		return nil, err
	}
	client, err := live.Landing(ctx, i)
	if client != nil {
		s.landsIn = i.OrganizationID
	}
	return client, err
}
