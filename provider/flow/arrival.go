package flow

import (
	"context"
	"errors"
	"slices"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/provider/session"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// arrived goes on with what an upstream proved.
func (f *Flow) arrived(ctx context.Context, live *tenants.Live, s *state, v Visitor, out Arrived, found lanyard.Assertion) (Arrived, error) {
	c := *s.over()
	a, err := f.arrival(ctx, live, s, c, found)
	if err != nil {
		return Arrived{}, err
	}
	switch {
	case s.request.Params.Test != "":
		return f.tested(ctx, live, s, out, c, a, found)
	case s.request.Params.Link != "":
		err = f.linkHere(ctx, live, s, v, a)
		out.Local = s.request.Params.Local
	default:
		out.Moved, err = f.signInOver(ctx, live, s, v, c, a)
	}
	if err != nil {
		return f.arrivedInVain(ctx, live, s, Arrived{Request: out.Request, Over: c.ID}, err)
	}
	return out, nil
}

// arrival is what an upstream proved, cut to what it may say: an organization's own
// can prove addresses of the domains alone that the organization proved.
func (f *Flow) arrival(ctx context.Context, live *tenants.Live, s *state, c lanyard.Connection, found lanyard.Assertion) (lanyard.Arrival, error) {
	a := lanyard.Arrival{
		Identity: found.Identity, Email: found.Email, EmailVerified: found.EmailVerified && found.Email != "", Profile: found.Profile, At: s.now,
		Proof: lanyard.UpstreamProof{Connection: c.ID, Organization: c.OrganizationID, ACR: found.ACR},
	}
	canonical, err := lanyard.CanonicalEmail(a.Email)
	if err != nil {
		a.Email, a.EmailVerified = "", false
	}
	if !c.Owned() || !a.EmailVerified {
		return a, nil
	}
	domains, err := live.Scope.Domains(ctx, c.OrganizationID)
	a.EmailVerified = slices.ContainsFunc(domains, func(d lanyard.Domain) bool {
		return !d.VerifiedAt.IsZero() && d.Name == lanyard.EmailDomain(canonical)
	})
	return a, err
}

// tested ends a test sign-in: it signs nobody in, and notes that the connection works as it is.
func (f *Flow) tested(ctx context.Context, live *tenants.Live, s *state, out Arrived, c lanyard.Connection, a lanyard.Arrival, found lanyard.Assertion) (Arrived, error) {
	found.EmailVerified = a.EmailVerified
	out.Tested, out.Connection, out.Local = &found, &c, s.request.Params.Local
	account := s.account()
	return out, live.Scope.InTx(ctx, func(tx storage.Scope) error {
		if err := tx.CloseAuthRequest(ctx, s.request.ID); err != nil {
			return stale(err)
		}
		if err := tx.NoteConnectionTest(ctx, c.ID, c.Fingerprint()); err != nil {
			return err
		}
		return tx.InsertEvent(ctx, lanyard.Event{
			Type: lanyard.EventConnectionTested, At: s.now, Actor: string(account.User.ID), SessionID: account.Session.ID,
			OrganizationID: c.OrganizationID, Detail: map[string]string{"connection": string(c.ID)},
		})
	})
}

// linkHere links what the upstream proved to the account that asked for it, and ends the request.
func (f *Flow) linkHere(ctx context.Context, live *tenants.Live, s *state, v Visitor, a lanyard.Arrival) error {
	user := s.account().User
	return live.Scope.InTx(ctx, func(tx storage.Scope) error {
		if err := tx.HoldUser(ctx, user.ID, user.Revision); err != nil {
			return stale(err)
		}
		if err := f.Accounts.LinkIdentity(ctx, tx, live.Tenancy(), user, a, v.from(), s.now); err != nil {
			return err
		}
		return stale(tx.CloseAuthRequest(ctx, s.request.ID))
	})
}

// signInOver signs in whoever has the identity, or finds out what has to be done before anybody has.
func (f *Flow) signInOver(ctx context.Context, live *tenants.Live, s *state, v Visitor, c lanyard.Connection, a lanyard.Arrival) (Moved, error) {
	proven, err := f.Accounts.ProveIdentity(ctx, live.Tenancy(), a, v.from(), s.now)
	known := s.account()
	switch {
	case errors.Is(err, lanyard.ErrNotFound) && known == nil:
		return f.firstArrival(ctx, live, s, v, c, a)
	case errors.Is(err, lanyard.ErrNotFound) && f.owns(ctx, live, known.User, a): // who could link it now
		return f.firstArrival(ctx, live, s, v, c, a)
	case errors.Is(err, lanyard.ErrNotFound), err == nil && known != nil && known.User.ID != proven.User.ID:
		return Moved{}, lanyard.ErrOtherAccount
	case err != nil:
		return Moved{}, err
	}
	return f.provedOver(ctx, live, s, v, proven, a, false)
}

// owns tells whether a user has proved the address that an upstream proved.
func (f *Flow) owns(ctx context.Context, live *tenants.Live, user lanyard.User, a lanyard.Arrival) bool {
	if !a.EmailVerified {
		return false
	}
	owner, err := f.Accounts.AddressOwner(ctx, live.Tenancy(), a.Email)
	return err == nil && owner.ID == user.ID
}

// provedOver is proved for what an upstream proved; joins says that it makes the
// account that the request's invitation, if there is one, is for.
func (f *Flow) provedOver(ctx context.Context, live *tenants.Live, s *state, v Visitor, p accounts.Proven, a lanyard.Arrival, joins bool) (Moved, error) {
	f.observe(p.Method, nil)
	return f.inTx(ctx, live, s, v, func(tx storage.Scope, try *state) ([]lanyard.Secret, error) {
		try.request.Arrival, try.request.Refusal = nil, ""
		if joins && try.offer != nil { // it is used with the account
			try.request.Joined = true
			try.keepHome()
		}
		try.add(p.User, p.Method, ticked{})
		try.request.Progress.Upstream = &a.Proof
		return nil, p.Success(ctx, tx)
	})
}

// firstArrival is somebody whose identity nobody has. Whoever has proved the address
// has to prove the account; else a new one is made where that is allowed, once the
// address is proved if the upstream named one.
func (f *Flow) firstArrival(ctx context.Context, live *tenants.Live, s *state, v Visitor, c lanyard.Connection, a lanyard.Arrival) (Moved, error) {
	if a.EmailVerified {
		owner, err := f.Accounts.AddressOwner(ctx, live.Tenancy(), a.Email)
		switch {
		case err == nil && !c.Linking:
			return Moved{}, lanyard.ErrHasAccount
		case err == nil:
			return f.linkAfterProof(ctx, live, s, a, owner)
		case !errors.Is(err, lanyard.ErrNotFound):
			return Moved{}, err
		}
	}
	n := f.newcomerOver(live, s, c)
	switch {
	case !c.SignUp || (c.Owned() && !n.Invited):
		return Moved{}, lanyard.ErrNoAccount
	case a.Email == "" && n.Address != "": // the invitation was mailed there, and its code was shown
		a.Email, a.EmailVerified = s.offer.Invitation.Email, true
	case a.Email != "" && !a.EmailVerified:
		return f.proveAddress(ctx, live, s, a)
	}
	proven, err := f.Accounts.SignUpByIdentity(ctx, live.Tenancy(), a, n, v.from(), s.now)
	if err != nil {
		return Moved{}, err
	}
	return f.provedOver(ctx, live, s, v, proven, a, true)
}

// linkAfterProof asks the owner of the address to prove the account first.
func (f *Flow) linkAfterProof(ctx context.Context, live *tenants.Live, s *state, a lanyard.Arrival, owner lanyard.User) (Moved, error) {
	a.User = owner.ID
	s.request.Arrival, s.request.Refusal = &a, ""
	s.request.Way, s.request.SessionID, s.request.Chosen, s.request.Identifier = "", "", true, owner.SignInName()
	if here := find(s.people(), func(b lanyard.Account) bool { return b.User.ID == owner.ID && b.Session.Opens("") }); here != nil {
		s.request.SessionID, s.request.Identifier = here.Session.ID, ""
	}
	return Moved{Next: StepDone}, f.save(ctx, live.Scope, s) // what is due depends on who that is
}

// proveAddress asks whoever arrived to prove the address, before there is an account.
func (f *Flow) proveAddress(ctx context.Context, live *tenants.Live, s *state, a lanyard.Arrival) (Moved, error) {
	s.request.Arrival, s.request.Refusal = &a, ""
	s.request.Way, s.request.SessionID, s.request.Chosen, s.request.Identifier = lanyard.WaySignUp, "", true, ""
	return s.moved(), f.save(ctx, live.Scope, s)
}

// newcomerOver is newcomer for somebody who comes over an upstream: an organization's
// own connection can make members of people, and so invites them.
func (f *Flow) newcomerOver(live *tenants.Live, s *state, c lanyard.Connection) accounts.Newcomer {
	n := f.newcomer(live, s)
	if !c.JustInTime || n.Invited {
		return n
	}
	n.Invited = true
	n.Welcome = func(ctx context.Context, tx storage.Scope, user lanyard.User, _ []string) error {
		return f.Organizations.JoinByConnection(ctx, tx, live.Tenancy(), c, user, s.now)
	}
	return n
}

// newcomerNow is newcomer for whoever is about to get an account: over the upstream
// that they came from, if they did. One that was switched off meanwhile is lanyard.ErrNotOffered.
func (f *Flow) newcomerNow(live *tenants.Live, s *state) (accounts.Newcomer, error) {
	a := s.request.Arrival
	if a == nil {
		return f.newcomer(live, s), nil
	}
	i := slices.IndexFunc(s.connections, func(c lanyard.Connection) bool { return c.ID == a.Proof.Connection })
	if i < 0 || !s.connections[i].SignUp || s.linking() {
		return accounts.Newcomer{}, lanyard.ErrNotOffered
	}
	return f.newcomerOver(live, s, s.connections[i]), nil
}

// Link makes the identity that waits in the request a way in to the account that was
// proved, or leaves it. One that signs in somebody already is lanyard.ErrIdentityTaken.
func (f *Flow) Link(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v Visitor, token string, link bool) (Moved, error) {
	s, ok, err := f.accept(ctx, live, id, v, token, StepLink)
	if err != nil || !ok {
		return s.moved(), err
	}
	if !link {
		s.request.Arrival = nil
		return Moved{Next: StepDone}, f.save(ctx, live.Scope, s)
	}
	moved := Moved{Next: StepDone}
	err = live.Scope.InTx(ctx, func(tx storage.Scope) error {
		try := *s
		var err error
		moved.Browser, err = f.link(ctx, tx, live, &try, v)
		if err != nil {
			return err
		}
		return f.save(ctx, tx, &try)
	})
	return moved, err
}

// link links, and for an organization's connection also signs in to that organization.
func (f *Flow) link(ctx context.Context, tx storage.Scope, live *tenants.Live, s *state, v Visitor) (lanyard.Secret, error) {
	a, user := *s.request.Arrival, s.account().User
	if err := tx.HoldUser(ctx, user.ID, user.Revision); err != nil {
		return lanyard.Secret{}, stale(err)
	}
	if err := f.Accounts.LinkIdentity(ctx, tx, live.Tenancy(), user, a, v.from(), s.now); err != nil {
		return lanyard.Secret{}, err
	}
	s.request.SessionID, s.request.Arrival = s.account().Session.ID, nil
	if a.Proof.Organization == "" {
		return lanyard.Secret{}, nil
	}
	c, err := tx.Connection(ctx, a.Proof.Connection)
	if err == nil && !c.Offered() {
		err = lanyard.ErrNotOffered
	}
	if err != nil {
		return lanyard.Secret{}, err
	}
	if c.JustInTime {
		if err := f.Organizations.JoinByConnection(ctx, tx, live.Tenancy(), c, user, s.now); err != nil {
			return lanyard.Secret{}, err
		}
	}
	started, err := session.Start(ctx, tx, session.Browser{Secret: v.Browser, UserAgent: v.UserAgent, Address: v.Address}, storage.Proof{
		User: user.ID, At: s.now, ACR: a.Proof.ACR, AMR: lanyard.AMROf(nil, []lanyard.Method{lanyard.MethodFederated}, a.Proof.ACR),
		ExpiresAt: s.now.Add(s.policy.SessionFor(false)), IdleUntil: s.policy.IdleUntil(s.now),
		Connection: c.ID, ConfinedTo: c.OrganizationID,
	}, s.client.ID)
	s.request.SessionID = started.ID
	return started.Browser, err
}

// BeginLink lets a signed-in person link an account at an upstream, for a page of our
// own: after a fresh proof of the account whose sub is given.
func (f *Flow) BeginLink(ctx context.Context, live *tenants.Live, page, subject string, connection lanyard.ConnectionID, v Visitor) (Outcome, error) {
	return f.Begin(ctx, live, ownPages(live), lanyard.AuthParams{Local: page, HintSubject: subject, Sudo: true, Link: connection}, v)
}

// BeginTest lets a signed-in person try a connection, for a page of our own.
func (f *Flow) BeginTest(ctx context.Context, live *tenants.Live, page, organization string, connection lanyard.ConnectionID, v Visitor) (Outcome, error) {
	return f.Begin(ctx, live, ownPages(live), lanyard.AuthParams{Local: page, Organization: organization, Test: connection}, v)
}
