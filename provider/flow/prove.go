package flow

import (
	"context"
	"errors"
	"slices"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// Password takes the password: of the name that was typed, or of the account that has to prove itself again.
func (f *Flow) Password(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v Visitor, token string, password lanyard.Secret, keep bool) (Moved, error) {
	s, ok, err := f.accept(ctx, live, id, v, token, StepPassword)
	if err != nil || !ok {
		return s.moved(), err
	}
	proven, err := f.Accounts.Authenticate(ctx, live.Scope, accounts.Try{Name: s.signInName(), Password: password, From: v.from()}, s.now)
	if err != nil {
		f.observe(lanyard.MethodPassword, err)
		return Moved{}, err
	}
	return f.proved(ctx, live, s, v, proven, ticked{keep: keep})
}

// signInName is whose password the form carries.
func (s *state) signInName() string {
	if a := s.account(); a != nil {
		return a.User.SignInName()
	}
	return s.request.Identifier
}

// Choosing another way is possible on the pages that offer one.
var waySteps = []Step{StepIdentify, StepPassword, StepPasskey, StepEmailCode, StepForgot, StepSignUp, StepFactor, StepConnection}

// TakeWay goes on by another way, one of those that the page offers; an empty one
// leads back to the usual page. A code by mail is sent at once. Ways that are not
// offered are lanyard.ErrNotOffered.
func (f *Flow) TakeWay(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v Visitor, token string, way lanyard.Way) (Moved, error) {
	s, ok, err := f.accept(ctx, live, id, v, token, waySteps...)
	if err != nil || !ok {
		return s.moved(), err
	}
	if way != "" && !slices.Contains(s.ways(s.due()), way) && !s.offers(way.Connection()) {
		return Moved{}, lanyard.ErrNotOffered
	}
	if way == "" && s.insisted() {
		way = lanyard.WayOwner
	}
	s.request.Way = way
	if way == lanyard.WaySignUp {
		s.request.Chosen, s.request.SessionID, s.request.Identifier = true, "", ""
	}
	if err := f.haveCode(ctx, live, s, v); err != nil {
		return Moved{}, err
	}
	return s.moved(), f.save(ctx, live.Scope, s)
}

// haveCode sends the code that is needed, unless one was sent so short a while ago
// that no other is due: that one will do.
func (f *Flow) haveCode(ctx context.Context, live *tenants.Live, s *state, v Visitor) error {
	err := f.sendCode(ctx, live, s, v)
	if !errors.Is(err, lanyard.ErrThrottled) {
		return err
	}
	purpose := map[Step]string{StepEmailCode: accounts.PurposeSignIn, StepFactor: accounts.PurposeRecovery, StepVerifyEmail: accounts.PurposeVerify}[s.due()]
	if _, missing := live.Scope.ChallengeOf(ctx, string(s.request.ID), purpose); missing != nil {
		return err
	}
	return nil
}

// Resend sends the code of the page once more.
func (f *Flow) Resend(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v Visitor, token string) (Moved, error) {
	s, ok, err := f.accept(ctx, live, id, v, token, StepEmailCode, StepFactor, StepVerifyEmail, StepSignUpCode)
	if err != nil || !ok {
		return s.moved(), err
	}
	return s.moved(), f.sendCode(ctx, live, s, v)
}

// sendCode sends the code that the way, or the step that is due, needs; others need none.
func (f *Flow) sendCode(ctx context.Context, live *tenants.Live, s *state, v Visitor) error {
	t, holder := live.Tenancy(), string(s.request.ID)
	switch due := s.due(); {
	case due == StepEmailCode:
		return f.Accounts.SendSignInCode(ctx, t, holder, s.signInName(), v.from(), s.client.DisplayName(), s.now)
	case due == StepFactor && s.factorWay() == lanyard.WayEmailRecovery:
		return f.Accounts.SendRecoveryCode(ctx, t, holder, *s.whose(), v.from(), s.now)
	case due == StepSignUpCode:
		n, err := f.newcomerNow(live, s)
		if err != nil {
			return err
		}
		return f.Accounts.ResendSignUp(ctx, t, holder, n, v.from(), s.now)
	case due == StepVerifyEmail:
		return f.Accounts.SendVerification(ctx, t, holder, *s.person, s.person.Profile.Email, v.from(), s.now)
	}
	return nil
}

// EmailCode takes the code that was sent to the address of whoever signs in.
func (f *Flow) EmailCode(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v Visitor, token, code string, keep bool) (Moved, error) {
	s, ok, err := f.accept(ctx, live, id, v, token, StepEmailCode)
	if err != nil || !ok {
		return s.moved(), err
	}
	proven, err := f.Accounts.ProveEmailCode(ctx, live.Tenancy(), string(id), s.signInName(), code, v.from(), s.now)
	if err != nil {
		f.observe(lanyard.MethodEmailCode, err)
		return Moved{}, err
	}
	return f.proved(ctx, live, s, v, proven, ticked{keep: keep})
}

// Passkeys are asked for on these pages: as the first proof, or as the second factor.
var passkeySteps = []Step{StepIdentify, StepPassword, StepPasskey, StepEmailCode, StepSignUp, StepForgot, StepChoose, StepFactor}

// PasskeyRequest makes the options for the browser's navigator.credentials.get.
func (f *Flow) PasskeyRequest(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v Visitor) ([]byte, error) {
	s, err := f.load(ctx, live, id, v)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(passkeySteps, s.due()) || (s.policy.NoPasskeys && s.due() != StepFactor) {
		return nil, lanyard.ErrNotOffered
	}
	return f.Accounts.PasskeyRequest(ctx, live.Tenancy(), string(id), s.passkeyOwner(), s.now)
}

// passkeyOwner is whose passkey it has to be: anybody's before it is known who
// signs in. A typed name asks for nobody's list: it would tell that there is one.
func (s *state) passkeyOwner() lanyard.UserID {
	if who := s.whose(); who != nil && s.due() != StepChoose {
		return who.ID
	}
	return ""
}

// Passkey takes the answer of navigator.credentials.get.
func (f *Flow) Passkey(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v Visitor, token string, response []byte, keep, remember bool) (Moved, error) {
	s, ok, err := f.accept(ctx, live, id, v, token, passkeySteps...)
	if err != nil || !ok {
		return s.moved(), err
	}
	first := s.due() != StepFactor
	if first && s.policy.NoPasskeys {
		return Moved{}, lanyard.ErrNotOffered
	}
	proven, err := f.Accounts.ProvePasskey(ctx, live.Tenancy(), string(id), response, s.passkeyOwner(), v.from(), s.now)
	if err == nil && first && proven.Method != lanyard.MethodPasskey {
		err = lanyard.ErrNoPasskey
	}
	if err != nil {
		f.observe(lanyard.MethodPasskey, err)
		return Moved{}, err
	}
	return f.proved(ctx, live, s, v, proven, ticked{keep, remember})
}

// Factor takes the second factor that the page asks for: a code of an authenticator
// app, a recovery code, or a code sent by mail.
func (f *Flow) Factor(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v Visitor, token, code string, remember bool) (Moved, error) {
	s, ok, err := f.accept(ctx, live, id, v, token, StepFactor)
	if err != nil || !ok {
		return s.moved(), err
	}
	method, proven, err := f.proveFactor(ctx, live, s, v, code)
	if err != nil {
		f.observe(method, err)
		return Moved{}, err
	}
	return f.proved(ctx, live, s, v, proven, ticked{remember: remember})
}

func (f *Flow) proveFactor(ctx context.Context, live *tenants.Live, s *state, v Visitor, code string) (lanyard.Method, accounts.Proven, error) {
	t, who := live.Tenancy(), *s.whose()
	var (
		method lanyard.Method
		proven accounts.Proven
		err    error
	)
	switch s.factorWay() {
	case lanyard.WayTOTP:
		method = lanyard.MethodTOTP
		proven, err = f.Accounts.ProveTOTP(ctx, t, who, code, v.from(), s.now)
	case lanyard.WayRecoveryCode:
		method = lanyard.MethodRecoveryCode
		proven, err = f.Accounts.ProveRecoveryCode(ctx, t, who, code, v.from(), s.now)
	case lanyard.WayEmailRecovery:
		method = lanyard.MethodEmailCode
		proven, err = f.Accounts.ProveEmailRecovery(ctx, t, string(s.request.ID), who, code, v.from(), s.now)
	default:
		err = lanyard.ErrNotOffered
	}
	return method, proven, err
}
