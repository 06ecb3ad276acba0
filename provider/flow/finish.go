package flow

import (
	"context"
	"errors"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants"
)

// finish decides the answer when no step is due: every sign-in ends here. The
// session that goes into the code is the one whose level and age the client was promised.
func (s *state) finish() (lanyard.Secret, *lanyard.Error) {
	a := s.account()
	if subject := s.wantedSubject(); subject != "" && subject != a.User.Subject {
		return lanyard.Secret{}, lanyard.ErrLoginRequired
	}
	if !s.levelMet(a.Session.ACR) {
		return lanyard.Secret{}, lanyard.ErrUnmetAuthentication
	}
	if j := s.organization(); j != nil {
		if !j.Lets(a.Session, s.now) {
			return lanyard.Secret{}, lanyard.ErrUnmetAuthentication
		}
		s.request.OrganizationID = j.Organization.ID
	} else if !a.Session.Opens("") {
		return lanyard.Secret{}, lanyard.ErrUnmetAuthentication
	}
	code := lanyard.NewSecret()
	s.request.SessionID = a.Session.ID
	s.request.Code = &lanyard.Code{Hash: code.Hash(), IssuedAt: s.now, ExpiresAt: s.now.Add(lanyard.CodeLifetime)}
	return code, nil
}

// enter is where the person gets into the organization of the request, if it is for
// one. A session that the organization does not accept although nothing more can be
// asked for is lanyard.ErrPolicyUnmet; an owner who comes in beside the connection that
// the organization insists on is recorded.
func (f *Flow) enter(ctx context.Context, live *tenants.Live, s *state) error {
	j, a := s.organization(), s.account()
	if j == nil {
		return nil
	}
	if !j.Lets(a.Session, s.now) {
		return lanyard.ErrPolicyUnmet
	}
	if !j.Organization.Policy.OwnConnectionOnly || a.Session.ConfinedTo != "" {
		return nil
	}
	return live.Scope.InsertEvent(ctx, lanyard.Event{
		Type: lanyard.EventGlassBroken, At: s.now, Actor: string(a.User.ID), UserID: a.User.ID, SessionID: a.Session.ID,
		ClientID: s.client.ID, OrganizationID: j.Organization.ID,
	})
}

// finishNew answers a request that needed no interaction; it is stored together with its code.
func (f *Flow) finishNew(ctx context.Context, live *tenants.Live, s *state) (Outcome, error) {
	if s.request.Params.Local != "" {
		if err := f.enter(ctx, live, s); err != nil {
			return Outcome{}, err
		}
		return Outcome{Local: s.request.Params.Local}, f.Accounts.Touch(ctx, live.Tenancy(), s.account().Session, s.now)
	}
	code, refusal := s.finish()
	if refusal != nil {
		return refused(s, refusal), nil
	}
	if err := f.enter(ctx, live, s); err != nil {
		return Outcome{}, err
	}
	if err := f.Accounts.Touch(ctx, live.Tenancy(), s.account().Session, s.now); err != nil {
		return Outcome{}, err
	}
	s.request.BindingHash = []byte{}
	if err := live.Scope.InsertAuthRequest(ctx, s.request); err != nil {
		return Outcome{}, err
	}
	return granted(s, code), nil
}

// finishStored answers a stored request, once: whoever comes second finds it stale.
func (f *Flow) finishStored(ctx context.Context, live *tenants.Live, s *state) (Outcome, error) {
	if err := f.Accounts.Touch(ctx, live.Tenancy(), s.account().Session, s.now); err != nil {
		return Outcome{}, err
	}
	if s.request.Params.Local != "" {
		return f.finishLocal(ctx, live, s)
	}
	code, refusal := s.finish()
	if refusal != nil {
		return f.close(ctx, live, s, refusal)
	}
	if err := f.enter(ctx, live, s); err != nil {
		return Outcome{}, err
	}
	err := live.Scope.IssueCode(ctx, s.request, s.now)
	if errors.Is(err, lanyard.ErrConflict) {
		return Outcome{}, lanyard.ErrStaleFlow
	}
	if err != nil {
		return Outcome{}, err
	}
	return granted(s, code), nil
}

// close answers a stored request with an error, once.
func (f *Flow) close(ctx context.Context, live *tenants.Live, s *state, refusal *lanyard.Error) (Outcome, error) {
	err := live.Scope.CloseAuthRequest(ctx, s.request.ID)
	if errors.Is(err, lanyard.ErrConflict) {
		return Outcome{}, lanyard.ErrStaleFlow
	}
	if err != nil {
		return Outcome{}, err
	}
	return refused(s, refusal), nil
}

func granted(s *state, code lanyard.Secret) Outcome {
	return Outcome{Request: s.stored(), Answer: &Answer{Client: s.client, Params: s.request.Params, Code: code}}
}

func refused(s *state, refusal *lanyard.Error) Outcome {
	return Outcome{Request: s.stored(), Answer: &Answer{Client: s.client, Params: s.request.Params, Err: refusal}}
}

// stored names a request that has a binding cookie in the browser.
func (s *state) stored() lanyard.AuthRequestID {
	if len(s.request.BindingHash) == 0 {
		return ""
	}
	return s.request.ID
}
