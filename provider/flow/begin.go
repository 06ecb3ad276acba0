package flow

import (
	"context"
	"errors"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/clock"
	"github.com/lanyard-id/lanyard/provider/federation"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/accounts"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// Flow moves authorization requests along.
type Flow struct {
	Accounts      *accounts.Accounts
	Organizations *organizations.Organizations
	// Upstreams speaks with other providers, Sealer keeps what is between two steps of that.
	Upstreams *federation.Upstreams
	Sealer    lanyard.Sealer
	Clock     clock.Clock
	// Observe is told of every attempt to prove something, by method and result; nil is fine.
	Observe func(method, result string)
	// Serves is told of the client whose request a browser goes on with; nil is fine.
	Serves func(ctx context.Context, client lanyard.ClientID)
}

// observe reports an attempt; an outage is not a wrong password.
func (f *Flow) observe(method lanyard.Method, err error) {
	if f.Observe == nil {
		return
	}
	switch {
	case err == nil:
		f.Observe(string(method), "ok")
	case errors.Is(err, lanyard.ErrThrottled):
		f.Observe(string(method), "throttled")
	case lanyard.KindOf(err) == lanyard.Unavailable || lanyard.KindOf(err) == lanyard.Internal:
		f.Observe(string(method), "error")
	default:
		f.Observe(string(method), "refused")
	}
}

// serves reports the client that a page or a form is for.
func (f *Flow) serves(ctx context.Context, client *lanyard.Client) {
	if f.Serves != nil {
		f.Serves(ctx, client.ID)
	}
}

// Outcome is what the endpoint has to do with a request: answer the client, or
// lead the browser to the step that is due.
type Outcome struct {
	// Answer is set when the client is to be answered. Request then names the stored
	// request that is over, and is empty if it was never stored.
	Answer *Answer
	// Otherwise Request, Binding and Next say where the browser goes; Binding is the
	// new binding secret, zero when the browser has it already.
	Request lanyard.AuthRequestID
	Binding lanyard.Secret
	Next    Step
	// Browser is the new value of the browser cookie; zero if it stays.
	Browser lanyard.Secret
	// Local is the page of our own that the sign-in was for, once nothing is due; Land
	// the application to go on to instead, with the organization LandIn, nil for none.
	Local  string
	Land   *lanyard.Client
	LandIn lanyard.OrganizationID
}

// Answer is the answer to the client: a code or an error, never both.
type Answer struct {
	Client *lanyard.Client
	Params lanyard.AuthParams
	Code   lanyard.Secret
	Err    *lanyard.Error
}

// Begin takes a validated request. If nothing has to be asked, or nothing may be
// (prompt=none), it is answered at once; else it is stored and bound to the browser.
func (f *Flow) Begin(ctx context.Context, live *tenants.Live, client *lanyard.Client, p lanyard.AuthParams, v Visitor) (Outcome, error) {
	now := f.Clock.Now()
	s := &state{now: now, client: client, policy: live.Tenant.Policy, request: newRequest(live, client, p, now)}
	if err := f.loadPeople(ctx, live, s, v); err != nil {
		return Outcome{}, err
	}
	due := s.due()
	switch {
	case due == StepDone:
		return f.finishNew(ctx, live, s)
	case p.Prompts(lanyard.PromptNone):
		return refused(s, silentError(due)), nil
	}
	out, err := f.store(ctx, live, s, due)
	if err == nil && due == StepEmailCode { // the only way that counts in the organization
		err = f.haveCode(ctx, live, s, v)
	}
	return out, err
}

// Postpone stores a request without deciding anything: it came in a cross-site
// form, so the browser's cookies are missing. Resume decides when it comes back with a GET.
func (f *Flow) Postpone(ctx context.Context, live *tenants.Live, client *lanyard.Client, p lanyard.AuthParams) (Outcome, error) {
	s := &state{now: f.Clock.Now(), client: client}
	s.request = newRequest(live, client, p, s.now)
	return f.store(ctx, live, s, StepDone)
}

func newRequest(live *tenants.Live, client *lanyard.Client, p lanyard.AuthParams, now time.Time) lanyard.AuthRequest {
	r := lanyard.AuthRequest{
		ID: lanyard.NewAuthRequestID(), TenantID: live.Tenant.ID, ClientID: client.ID, Params: p,
		CreatedAt: now, ExpiresAt: now.Add(lanyard.AuthRequestLifetime),
	}
	if p.Prompts(lanyard.PromptCreate) {
		r.Way = lanyard.WaySignUp
	}
	return r
}

func (f *Flow) store(ctx context.Context, live *tenants.Live, s *state, next Step) (Outcome, error) {
	binding := lanyard.NewSecret()
	s.request.BindingHash = binding.Hash()
	if err := live.Scope.InsertAuthRequest(ctx, s.request); err != nil {
		return Outcome{}, err
	}
	return Outcome{Request: s.request.ID, Binding: binding, Next: next}, nil
}

// Resume goes on with a stored request in the browser that began it: it answers
// the client when nothing is due any more, once.
func (f *Flow) Resume(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v Visitor) (Outcome, error) {
	s, err := f.load(ctx, live, id, v)
	if err != nil {
		return Outcome{}, err
	}
	if s.request.Denied {
		if s.request.Params.Local != "" {
			return f.leave(ctx, live, s)
		}
		return f.close(ctx, live, s, lanyard.ErrAccessDenied)
	}
	if s.request.Way == lanyard.WayForgot { // who comes back from the mail signs in
		s.request.Way = ""
		if err := f.save(ctx, live.Scope, s); err != nil {
			return Outcome{}, err
		}
	}
	due := s.due()
	switch {
	case due == StepDone && s.person != nil:
		return f.nothingMore(ctx, live, s, v)
	case due == StepDone:
		return f.finishStored(ctx, live, s)
	case s.request.Params.Prompts(lanyard.PromptNone):
		return f.close(ctx, live, s, silentError(due))
	}
	if due == StepEmailCode {
		err = f.haveCode(ctx, live, s, v)
	}
	return Outcome{Request: id, Next: due}, err
}

// nothingMore signs in whoever has proved enough, because what was still needed after
// the proof is needed no more.
func (f *Flow) nothingMore(ctx context.Context, live *tenants.Live, s *state, v Visitor) (Outcome, error) {
	moved, err := f.inTx(ctx, live, s, v, func(storage.Scope, *state) ([]lanyard.Secret, error) { return nil, nil })
	return Outcome{Request: s.request.ID, Next: moved.Next, Browser: moved.Browser}, err
}

// load reads a stored request and what the browser holds. A request that is gone,
// finished or expired is lanyard.ErrStaleFlow, one of another browser lanyard.ErrForeignFlow.
func (f *Flow) load(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v Visitor) (*state, error) {
	request, err := live.Scope.AuthRequest(ctx, id)
	if errors.Is(err, lanyard.ErrNotFound) || errors.Is(err, lanyard.ErrBadInput) {
		return nil, lanyard.ErrStaleFlow
	}
	if err != nil {
		return nil, err
	}
	now := f.Clock.Now()
	over := request.Code != nil || !now.Before(request.ExpiresAt)
	if !v.Binding.Matches(request.BindingHash) {
		if over { // whose it was does not matter any more, and is not told
			return nil, lanyard.ErrStaleFlow
		}
		return nil, lanyard.ErrForeignFlow
	}
	client := ownPages(live)
	if request.ClientID != "" {
		if client, err = live.Client(ctx, request.ClientID); err != nil {
			return nil, err
		}
		f.serves(ctx, client)
	}
	s := &state{now: now, client: client, policy: live.Tenant.Policy, request: request}
	if over || client.Disabled {
		return s, lanyard.ErrStaleFlow
	}
	return s, f.loadPeople(ctx, live, s, v)
}

// loadPeople reads who is signed in on the browser, and who is about to be.
func (f *Flow) loadPeople(ctx context.Context, live *tenants.Live, s *state, v Visitor) error {
	if err := s.loadAccounts(ctx, live, v); err != nil {
		return err
	}
	if err := f.loadOffer(ctx, live, s); err != nil {
		return err
	}
	if err := f.loadHome(ctx, live, s); err != nil {
		return err
	}
	if err := f.loadPerson(ctx, live, s, v); err != nil {
		return err
	}
	return f.loadConnections(ctx, live, s)
}
