package flow

import (
	"context"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// SignUp takes the form of a new account. Whether the address has one already is
// told to its owner only.
func (f *Flow) SignUp(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v Visitor, token string, form accounts.SignUpForm) (Moved, error) {
	s, ok, err := f.accept(ctx, live, id, v, token, StepSignUp, StepSignUpCode)
	if err != nil || !ok {
		return s.moved(), err
	}
	if !s.invites(form.Email) {
		return Moved{}, lanyard.ErrOtherAddress
	}
	// Nothing of an arrival is taken from the form: its identity takes the place of a password.
	form.Arrival = s.request.Arrival
	if form.Newcomer, err = f.newcomerNow(live, s); err != nil {
		return Moved{}, err
	}
	if form.Newcomer.Address != "" {
		return f.signUpInvited(ctx, live, s, v, form)
	}
	if err := f.Accounts.SignUp(ctx, live.Tenancy(), string(id), form, v.from(), s.now); err != nil {
		return Moved{}, err
	}
	s.request.Identifier = form.Email
	if form.Arrival == nil && form.Newcomer.AtOnce(s.policy) {
		s.request.Way, s.request.Joined = "", s.offer != nil // the account is there: its password opens it
	}
	return s.moved(), f.save(ctx, live.Scope, s)
}

// signUpInvited makes an account where an invitation that was mailed proves the
// address, and signs its owner in.
func (f *Flow) signUpInvited(ctx context.Context, live *tenants.Live, s *state, v Visitor, form accounts.SignUpForm) (Moved, error) {
	proven, err := f.Accounts.SignUpInvited(ctx, live.Tenancy(), form, v.from(), s.now)
	if err != nil {
		return Moved{}, err
	}
	return f.signedUp(ctx, live, s, v, proven)
}

// signedUp signs the owner of a new account in, for whom the request's invitation, if
// there is one, is used with it.
func (f *Flow) signedUp(ctx context.Context, live *tenants.Live, s *state, v Visitor, proven accounts.Proven) (Moved, error) {
	if a := proven.Arrival; a != nil {
		return f.provedOver(ctx, live, s, v, proven, *a, true)
	}
	s.request.Joined = s.request.Joined || s.offer != nil
	return f.proved(ctx, live, s, v, proven, ticked{})
}

// SignUpCode takes the code that proves the address of a new account, and signs its owner in.
func (f *Flow) SignUpCode(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v Visitor, token, code string) (Moved, error) {
	s, ok, err := f.accept(ctx, live, id, v, token, StepSignUpCode)
	if err != nil || !ok {
		return s.moved(), err
	}
	n, err := f.newcomerNow(live, s)
	if err != nil {
		return Moved{}, err
	}
	proven, err := f.Accounts.FinishSignUp(ctx, live.Tenancy(), string(id), code, n, v.from(), s.now)
	if err != nil {
		f.observe(lanyard.MethodEmailCode, err)
		return Moved{}, err
	}
	return f.signedUp(ctx, live, s, v, proven)
}

// Forgot sends a link that sets a new password, if somebody has the name.
func (f *Flow) Forgot(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v Visitor, token, name string) error {
	s, ok, err := f.accept(ctx, live, id, v, token, StepForgot)
	if err != nil || !ok {
		return err
	}
	return f.Accounts.RequestReset(ctx, live.Tenancy(), name, string(id), v.from(), s.client.DisplayName(), s.now)
}
