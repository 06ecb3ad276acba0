package flow

import (
	"context"
	"errors"
	"slices"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants"
)

// maxChoices bounds the organizations that one person chooses among.
const maxChoices = 500

// wantsOrganization tells whether tokens have to be for an organization: the request
// names one, or the client needs one.
func (s *state) wantsOrganization() bool {
	return s.request.Params.Organization != "" || s.client.RequireOrganization
}

// loadOrganizations reads where the person who is known so far could go on.
func (s *state) loadOrganizations(ctx context.Context, scope storage.Scope) error {
	s.joined = nil
	who := s.whose()
	if who == nil || !s.wantsOrganization() {
		return nil
	}
	var err error
	if named := s.request.Params.Organization; named == "" {
		s.joined, err = scope.AllJoined(ctx, who.ID, maxChoices)
	} else {
		var one lanyard.Joined
		one, err = scope.Joined(ctx, who.ID, named)
		s.joined = []lanyard.Joined{one}
	}
	if errors.Is(err, lanyard.ErrNotFound) || errors.Is(err, lanyard.ErrBadInput) {
		err = nil
	}
	confined := s.confinedTo()
	s.joined = slices.DeleteFunc(s.joined, func(j lanyard.Joined) bool {
		return !j.Counts() || (confined != "" && s.request.Params.Organization == "" && j.Organization.ID != confined)
	})
	return err
}

// organization is the one that the request goes on with: the one it names, the one
// chosen in it, the one whose connection proved the session, the one chosen before, or
// the only one there is.
func (s *state) organization() *lanyard.Joined {
	if len(s.joined) == 0 {
		return nil
	}
	only := len(s.joined) == 1
	if s.request.Params.Organization != "" || (only && s.request.OrganizationID == "") {
		return &s.joined[0]
	}
	if s.request.OrganizationID != "" {
		return s.choice(s.request.OrganizationID)
	}
	a := s.somebody()
	if a == nil || s.request.Params.Prompts(lanyard.PromptSelectAccount) {
		return nil
	}
	if j := s.choice(a.Session.OrganizationID); j != nil {
		return j
	}
	return s.choice(a.Preferred)
}

func (s *state) choice(id lanyard.OrganizationID) *lanyard.Joined {
	i := slices.IndexFunc(s.joined, func(j lanyard.Joined) bool { return j.Organization.ID == id })
	if id == "" || i < 0 {
		return nil
	}
	return &s.joined[i]
}

// demands is the policy of the organization that the request goes on with, after what
// proved who the person is.
func (s *state) demands() lanyard.OrganizationPolicy {
	return s.demandsOf(lanyard.Session{ConfinedTo: s.confinedTo()})
}

func (s *state) demandsOf(session lanyard.Session) lanyard.OrganizationPolicy {
	if j := s.organization(); j != nil && !s.linking() {
		return j.Demands(session)
	}
	return lanyard.OrganizationPolicy{}
}

// counts tells whether a method is a first factor that counts here.
func (s *state) counts(m lanyard.Method) bool {
	methods := s.demands().Methods
	return len(methods) == 0 || slices.Contains(methods, m)
}

func (s *state) invitationDue() bool {
	return s.account() != nil && s.request.Params.Invitation != "" && !s.request.Joined
}

func (s *state) notMemberDue() bool {
	return s.account() != nil && s.request.Params.Organization != "" && s.organization() == nil
}

func (s *state) organizationDue() bool {
	return s.account() != nil && s.wantsOrganization() && s.organization() == nil
}

// choices fills in what the pages about organizations show.
func (f *Flow) choices(ctx context.Context, live *tenants.Live, s *state, page *Page) (err error) {
	page.Organization, page.AskedFor, page.Branding = s.organization(), s.request.Params.Organization, live.Tenant.Branding
	page.Offer = s.offer
	if s.request.Params.Invitation != "" {
		client, err := f.landing(ctx, live, s)
		if err != nil {
			return err
		}
		if client != nil {
			page.RedirectOrigin = lanyard.Origin(client.StartPage(live.Issuer, s.landsIn))
		}
	}
	if page.AskedFor != "" {
		if page.Branding, err = f.branding(ctx, live, page.AskedFor); err != nil {
			return err
		}
	}
	if page.Step != StepOrganization && page.Step != StepNotMember {
		return nil
	}
	who := s.account().User.ID
	page.Joined = s.joined
	if s.confinedTo() != "" { // what waits for the person elsewhere is not for their organization to see
		return nil
	}
	if page.Offers, err = f.Organizations.Pending(ctx, live.Tenancy(), who, s.now); err != nil {
		return err
	}
	page.Joinable, err = f.Organizations.Joinable(ctx, live.Tenancy(), who, s.now)
	return err
}

// branding is that of a named organization that has its own, else the tenant's. What
// an organization shows on its sign-in page is public.
func (f *Flow) branding(ctx context.Context, live *tenants.Live, named string) (lanyard.Branding, error) {
	find := live.Scope.OrganizationBySlug
	if lanyard.IsOrganizationID(named) {
		find = func(ctx context.Context, id string) (lanyard.Organization, error) {
			return live.Scope.Organization(ctx, lanyard.OrganizationID(id))
		}
	}
	o, err := find(ctx, named)
	if errors.Is(err, lanyard.ErrNotFound) || errors.Is(err, lanyard.ErrBadInput) {
		return live.Tenant.Branding, nil
	}
	if err != nil || !o.Open() || o.Branding == (lanyard.Branding{}) {
		return live.Tenant.Branding, err
	}
	return o.Branding, nil
}

// Organization takes the organization to go on with; with remember it is not asked
// again. One that the person is not in is lanyard.ErrNotFound.
func (f *Flow) Organization(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v Visitor, token string, organization lanyard.OrganizationID, remember bool) (Moved, error) {
	s, ok, err := f.accept(ctx, live, id, v, token, StepOrganization)
	if err != nil || !ok {
		return s.moved(), err
	}
	if s.choice(organization) == nil {
		return Moved{}, lanyard.ErrNotFound
	}
	return f.chosen(ctx, live, s, organization, remember, nil)
}

// AcceptOffer uses an invitation that waits for the person, and goes on with its organization.
func (f *Flow) AcceptOffer(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v Visitor, token string, invitation lanyard.InvitationID) (Moved, error) {
	s, ok, err := f.accept(ctx, live, id, v, token, StepOrganization, StepNotMember)
	if err != nil || !ok {
		return s.moved(), err
	}
	if !s.account().Session.Opens("") {
		return Moved{}, lanyard.ErrConfined
	}
	offer, err := f.Organizations.OfferOf(ctx, live.Tenancy(), invitation, nil, s.now)
	if err != nil {
		return Moved{}, err
	}
	if offer.Organization.ID == "" {
		return Moved{}, lanyard.ErrNotFound
	}
	organization := offer.Organization.ID
	if s.request.Params.Organization != "" {
		organization = "" // the request says itself where it goes on
	}
	return f.chosen(ctx, live, s, organization, false, func(tx storage.Scope) error { return f.admit(ctx, tx, live, s, offer) })
}

// chosen goes on with an organization, after what else there is to do.
func (f *Flow) chosen(ctx context.Context, live *tenants.Live, s *state, organization lanyard.OrganizationID, remember bool, also func(tx storage.Scope) error) (Moved, error) {
	a := s.account()
	s.request.OrganizationID, s.request.SessionID = organization, a.Session.ID
	err := live.Scope.InTx(ctx, func(tx storage.Scope) error {
		if also != nil {
			if err := also(tx); err != nil {
				return err
			}
		}
		if organization != "" {
			if err := tx.ChooseOrganization(ctx, a.Session.ID, a.User.ID, organization, remember); err != nil {
				return stale(err)
			}
			if err := tx.InsertEvent(ctx, lanyard.Event{
				Type: lanyard.EventOrganizationChosen, At: s.now, Actor: string(a.User.ID), UserID: a.User.ID, SessionID: a.Session.ID,
				ClientID: s.client.ID, OrganizationID: organization,
			}); err != nil {
				return err
			}
		}
		return f.save(ctx, tx, s)
	})
	// What is due now depends on what the organization demands; the resume endpoint reads it afresh.
	return Moved{Next: StepDone}, err
}

// AskToJoin takes the wish to join an organization whose domain lets the person.
func (f *Flow) AskToJoin(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v Visitor, token string, organization lanyard.OrganizationID) (Moved, error) {
	s, ok, err := f.accept(ctx, live, id, v, token, StepOrganization, StepNotMember)
	if err != nil || !ok {
		return s.moved(), err
	}
	a := s.account()
	if !a.Session.Opens("") {
		return Moved{}, lanyard.ErrConfined
	}
	err = f.Organizations.AskToJoin(ctx, live.Tenancy(), v.actor(a), organization, s.now)
	return Moved{Next: StepDone}, err
}

// Deny gives the request up: the client is told access_denied.
func (f *Flow) Deny(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v Visitor, token string) (Moved, error) {
	s, ok, err := f.accept(ctx, live, id, v, token, StepOrganization, StepNotMember)
	if err != nil || !ok {
		return s.moved(), err
	}
	s.request.Denied = true
	return Moved{Next: StepDone}, f.save(ctx, live.Scope, s)
}
