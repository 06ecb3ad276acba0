package flow

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/provider/session"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// loadPerson reads who has proved something in this request, or the factors of who
// is signed in where they matter. Progress of somebody who was turned off or whose
// credentials have changed since dies, for good.
func (f *Flow) loadPerson(ctx context.Context, live *tenants.Live, s *state, v Visitor) error {
	if s.request.Progress == nil {
		if err := s.loadOrganizations(ctx, live.Scope); err != nil {
			return err
		}
		a := s.account()
		if a == nil || !s.factorsMatter(a) {
			return nil
		}
		factors, err := live.Scope.Factors(ctx, a.User.ID, v.Browser.Hash(), s.now)
		s.factors = factors
		return err
	}
	user, err := live.Scope.User(ctx, s.request.Progress.UserID)
	if err != nil && !errors.Is(err, lanyard.ErrNotFound) {
		return err
	}
	on := false
	if err == nil {
		on, err = stillOn(ctx, live.Scope, s.request.Progress.Upstream)
		if err != nil {
			return err
		}
	}
	if !on || !s.stands(user) {
		s.request.Progress, s.request.Identifier, s.request.Way, s.request.Arrival = nil, "", "", nil
		if len(s.request.BindingHash) > 0 {
			if err := f.save(ctx, live.Scope, s); err != nil {
				return err
			}
		}
		return f.loadPerson(ctx, live, s, v)
	}
	s.person = &user
	if err := s.loadOrganizations(ctx, live.Scope); err != nil {
		return err
	}
	s.factors, err = live.Scope.Factors(ctx, user.ID, v.Browser.Hash(), s.now)
	return err
}

// stillOn tells whether an upstream that proved something signs people in at this moment.
func stillOn(ctx context.Context, scope storage.Scope, u *lanyard.UpstreamProof) (bool, error) {
	if u == nil {
		return true, nil
	}
	c, err := scope.Connection(ctx, u.Connection)
	if errors.Is(err, lanyard.ErrNotFound) {
		return false, nil
	}
	return c.Offered(), err
}

// stands tells whether the progress is still worth what it says.
func (s *state) stands(user lanyard.User) bool {
	p := s.request.Progress
	if user.Disabled || user.Revision != p.Revision {
		return false
	}
	return p.SessionID == "" || s.base().ID == p.SessionID
}

// ticked is what the person ticked beside a proof.
type ticked struct{ keep, remember bool }

// proved adds a proof to the request, and goes on: the proof is spent, counters and
// event are written, and progress or session stored in one transaction.
func (f *Flow) proved(ctx context.Context, live *tenants.Live, s *state, v Visitor, p accounts.Proven, t ticked) (Moved, error) {
	f.observe(p.Method, nil)
	return f.inTx(ctx, live, s, v, func(tx storage.Scope, try *state) ([]lanyard.Secret, error) {
		try.add(p.User, p.Method, t)
		return nil, p.Success(ctx, tx)
	})
}

// inTx does something on a copy of the state and settles, in one transaction that
// may run more than once; when the person has to prove the address then, the code is
// on its way. A mail that was sent a moment ago will do.
func (f *Flow) inTx(ctx context.Context, live *tenants.Live, s *state, v Visitor, do func(tx storage.Scope, try *state) ([]lanyard.Secret, error)) (Moved, error) {
	var moved Moved
	var after state
	err := live.Scope.InTx(ctx, func(tx storage.Scope) error {
		after = *s
		codes, err := do(tx, &after)
		if err != nil {
			return err
		}
		moved, err = f.settle(ctx, tx, live, &after, v)
		moved.Codes = codes
		return err
	})
	if err == nil && moved.Next == StepVerifyEmail {
		err = f.haveCode(ctx, live, &after, v)
	}
	return moved, err
}

// add notes a method that was proved. The first proof of a person begins the
// progress; a further one adds to it, or to the session of whoever is signed in.
func (s *state) add(user lanyard.User, method lanyard.Method, t ticked) {
	p := lanyard.Progress{UserID: user.ID, Revision: user.Revision}
	switch a := s.account(); {
	case s.person != nil && s.person.ID == user.ID:
		p = *s.request.Progress
		p.Methods = slices.Clone(p.Methods)
	case a != nil && a.User.ID == user.ID && !s.proving():
		p.SessionID = a.Session.ID
	}
	if method != "" {
		p.Methods, p.At = append(p.Methods, method), s.now
	}
	p.Keep, p.Remember = p.Keep || t.keep, p.Remember || t.remember
	s.person, s.request.Progress, s.request.Way = &user, &p, ""
}

// settle goes on after a proof, inside its transaction: what the sign-in still
// needs is decided by the factors as they stand now; when nothing is, it ends.
func (f *Flow) settle(ctx context.Context, tx storage.Scope, live *tenants.Live, s *state, v Visitor) (Moved, error) {
	factors, err := tx.Factors(ctx, s.person.ID, v.Browser.Hash(), s.now)
	if err != nil {
		return Moved{}, err
	}
	s.factors = factors
	if err := s.loadOrganizations(ctx, tx); err != nil {
		return Moved{}, err
	}
	if next := s.due(); next != StepDone {
		return Moved{Next: next}, f.save(ctx, tx, s)
	}
	return f.signIn(ctx, tx, live, s, v)
}

// signIn makes the progress a session. It is the one place where a session reaches
// a level, and it holds the user at the revision that the proof was made at.
func (f *Flow) signIn(ctx context.Context, tx storage.Scope, live *tenants.Live, s *state, v Visitor) (Moved, error) {
	p, base, acr := s.request.Progress, s.base(), s.level()
	if err := tx.HoldUser(ctx, p.UserID, p.Revision); err != nil {
		return Moved{}, stale(err)
	}
	if on, err := stillOn(ctx, tx, p.Upstream); err != nil || !on {
		return Moved{}, cmp.Or(err, error(lanyard.ErrStaleFlow))
	}
	if len(p.Methods) == 0 { // nothing new was proved: the session stays as it is
		s.request.SessionID, s.request.Identifier, s.request.Progress = base.ID, "", nil
		return Moved{Next: StepDone}, f.save(ctx, tx, s)
	}
	proof := storage.Proof{
		User: p.UserID, At: p.At, ACR: acr, AMR: lanyard.AMROf(base.AMR, p.Methods, acr),
		ExpiresAt: s.now.Add(s.policy.SessionFor(p.Keep)), IdleUntil: s.policy.IdleUntil(s.now),
	}
	if base.ID != "" {
		proof.ExpiresAt, proof.Connection, proof.ConfinedTo = base.ExpiresAt, base.ConnectionID, base.ConfinedTo
	}
	if u := p.Upstream; u != nil {
		proof.Connection, proof.ConfinedTo = u.Connection, u.Organization
	}
	known, err := tx.BrowserKnows(ctx, v.Browser.Hash(), p.UserID)
	if err != nil {
		return Moved{}, err
	}
	started, err := session.Start(ctx, tx, session.Browser{Secret: v.Browser, UserAgent: v.UserAgent, Address: v.Address}, proof, s.client.ID)
	if err != nil {
		return Moved{}, err
	}
	if base.ID != "" && started.ID != base.ID { // what the proof was added to ended this very moment
		return Moved{}, lanyard.ErrStaleFlow
	}
	if err := f.afterSignIn(ctx, tx, live, s, v, started, known); err != nil {
		return Moved{}, err
	}
	s.request.SessionID, s.request.Proved = started.ID, true
	s.request.Identifier, s.request.Way, s.request.Progress = "", "", nil
	// What is due now depends on the new session; the resume endpoint reads it afresh.
	return Moved{Next: StepDone, Browser: started.Browser}, f.save(ctx, tx, s)
}

// afterSignIn remembers the browser if that was wanted, and tells the person of a
// browser that was never seen with this account.
func (f *Flow) afterSignIn(ctx context.Context, tx storage.Scope, live *tenants.Live, s *state, v Visitor, started session.Started, known bool) error {
	p := s.request.Progress
	if p.Remember && !s.policy.NoRememberDevice && slices.ContainsFunc(p.Methods, lanyard.Method.Second) {
		if err := f.Accounts.RememberDevice(ctx, tx, p.UserID, started.BrowserID, s.now.Add(s.policy.RememberFor()), s.now); err != nil {
			return err
		}
	}
	if err := f.joinByDomain(ctx, tx, live, s); err != nil || known {
		return err
	}
	return f.Accounts.TellNewDevice(ctx, tx, *s.person, started.ID, v.from(), s.now)
}

// stale is what a lost race of two requests is to the person.
func stale(err error) error {
	if errors.Is(err, lanyard.ErrConflict) {
		return lanyard.ErrStaleFlow
	}
	return err
}

// joinByDomain makes the person a member where their proved address lets them in by itself.
func (f *Flow) joinByDomain(ctx context.Context, tx storage.Scope, live *tenants.Live, s *state) error {
	if !s.factors.EmailVerified || s.person.Profile.Email == "" || s.confinedTo() != "" {
		return nil
	}
	proved, err := lanyard.CanonicalEmail(s.person.Profile.Email)
	if err != nil {
		return nil //nolint:nilerr // no address, no domain
	}
	return f.Organizations.JoinByDomain(ctx, tx, live.Tenancy(), *s.person, []string{proved}, s.now)
}
