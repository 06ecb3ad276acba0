package flow

import (
	"context"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// NewPassword takes the password that replaces one that must not stay.
func (f *Flow) NewPassword(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v Visitor, token string, password lanyard.Secret) (Moved, error) {
	s, ok, err := f.accept(ctx, live, id, v, token, StepNewPassword)
	if err != nil || !ok {
		return s.moved(), err
	}
	replaced, err := f.Accounts.ReplacePassword(ctx, live.Tenancy(), *s.person, password, s.factors.Second(), v.from(), s.now)
	if err != nil {
		return Moved{}, err
	}
	return f.change(ctx, live, s, v, func(ctx context.Context, tx storage.Scope, try *state) ([]lanyard.Secret, error) {
		replaced.Except = try.request.Progress.SessionID
		return nil, replaced.Apply(ctx, tx)
	})
}

// VerifyEmail takes the code that proves the address of who is about to sign in.
func (f *Flow) VerifyEmail(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v Visitor, token, code string) (Moved, error) {
	s, ok, err := f.accept(ctx, live, id, v, token, StepVerifyEmail)
	if err != nil || !ok {
		return s.moved(), err
	}
	apply, err := f.Accounts.VerifyAddress(ctx, live.Tenancy(), string(id), *s.person, code, v.from(), s.now)
	if err != nil {
		return Moved{}, err
	}
	return f.change(ctx, live, s, v, func(ctx context.Context, tx storage.Scope, _ *state) ([]lanyard.Secret, error) {
		return nil, apply(ctx, tx)
	})
}

// EnrolTOTP takes the code that confirms an authenticator app.
func (f *Flow) EnrolTOTP(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v Visitor, token, code string) (Moved, error) {
	s, ok, err := f.accept(ctx, live, id, v, token, StepEnrol)
	if err != nil || !ok {
		return s.moved(), err
	}
	enrolment, err := f.Accounts.ConfirmTOTP(ctx, live.Tenancy(), *s.whose(), string(id), code, v.from(), s.now)
	if err != nil {
		return Moved{}, err
	}
	return f.enrol(ctx, live, s, v, enrolment)
}

// PasskeyCreation makes the options for the browser's navigator.credentials.create.
func (f *Flow) PasskeyCreation(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v Visitor) ([]byte, error) {
	s, err := f.load(ctx, live, id, v)
	if err != nil {
		return nil, err
	}
	if s.due() != StepEnrol || s.policy.NoPasskeys {
		return nil, lanyard.ErrNotOffered
	}
	return f.Accounts.PasskeyCreation(ctx, live.Tenancy(), *s.whose(), string(id), s.now)
}

// EnrolPasskey takes the answer of navigator.credentials.create.
func (f *Flow) EnrolPasskey(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v Visitor, token string, response []byte, name string) (Moved, error) {
	s, ok, err := f.accept(ctx, live, id, v, token, StepEnrol)
	if err != nil || !ok {
		return s.moved(), err
	}
	if s.policy.NoPasskeys {
		return Moved{}, lanyard.ErrNotOffered
	}
	enrolment, err := f.Accounts.EnrolPasskey(ctx, live.Tenancy(), *s.whose(), string(id), response, name, v.from(), s.now)
	if err != nil {
		return Moved{}, err
	}
	return f.enrol(ctx, live, s, v, enrolment)
}

// enrol makes a factor count, as a proof of this sign-in too.
func (f *Flow) enrol(ctx context.Context, live *tenants.Live, s *state, v Visitor, enrolment accounts.Enrolment) (Moved, error) {
	return f.change(ctx, live, s, v, func(ctx context.Context, tx storage.Scope, try *state) ([]lanyard.Secret, error) {
		enrolment.Session = try.request.Progress.SessionID
		codes, err := enrolment.Apply(ctx, tx)
		if err != nil {
			return nil, err
		}
		try.request.Progress.Methods = append(try.request.Progress.Methods, enrolment.Method)
		try.request.Progress.At = try.now
		try.request.Progress.CodesDue = len(codes) > 0
		return codes, nil
	})
}

// SkipEnrolment puts a second factor off, where that is allowed.
func (f *Flow) SkipEnrolment(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v Visitor, token string) (Moved, error) {
	s, ok, err := f.accept(ctx, live, id, v, token, StepEnrol)
	if err != nil || !ok {
		return s.moved(), err
	}
	if !s.maySkip() {
		return Moved{}, lanyard.ErrNotOffered
	}
	return f.change(ctx, live, s, v, func(_ context.Context, _ storage.Scope, try *state) ([]lanyard.Secret, error) {
		try.request.Skipped = true
		return nil, nil
	})
}

// RenewCodes makes recovery codes anew on the page that shows them: the ones before
// were not seen, or the page was opened again.
func (f *Flow) RenewCodes(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v Visitor, token string) (Moved, error) {
	s, ok, err := f.accept(ctx, live, id, v, token, StepCodes)
	if err != nil || !ok {
		return s.moved(), err
	}
	return f.change(ctx, live, s, v, func(ctx context.Context, tx storage.Scope, try *state) ([]lanyard.Secret, error) {
		return f.Accounts.NewRecoveryCodes(ctx, live.Tenancy(), tx, *try.person, v.from(), try.now)
	})
}

// CodesSaved goes on: the person has the recovery codes.
func (f *Flow) CodesSaved(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v Visitor, token string) (Moved, error) {
	s, ok, err := f.accept(ctx, live, id, v, token, StepCodes)
	if err != nil || !ok {
		return s.moved(), err
	}
	return f.change(ctx, live, s, v, func(_ context.Context, _ storage.Scope, try *state) ([]lanyard.Secret, error) {
		try.request.Progress.CodesDue = false
		return nil, nil
	})
}

// change does something that a sign-in needs, and goes on, in one transaction. The
// progress continues at the user's revision after it.
func (f *Flow) change(ctx context.Context, live *tenants.Live, s *state, v Visitor,
	do func(ctx context.Context, tx storage.Scope, try *state) ([]lanyard.Secret, error),
) (Moved, error) {
	return f.inTx(ctx, live, s, v, func(tx storage.Scope, try *state) ([]lanyard.Secret, error) {
		try.add(*s.whose(), "", ticked{})
		if err := tx.HoldUser(ctx, try.person.ID, try.request.Progress.Revision); err != nil {
			return nil, stale(err)
		}
		codes, err := do(ctx, tx, try)
		if err != nil {
			return nil, err
		}
		user, err := tx.User(ctx, try.person.ID)
		try.person, try.request.Progress.Revision = &user, user.Revision
		return codes, err
	})
}
