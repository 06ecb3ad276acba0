package loginui_test

import (
	"context"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

func (f *fakeFlow) TakeWay(_ context.Context, _ *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string, way lanyard.Way) (flow.Moved, error) {
	return f.note(v, "way", id, token, way)
}

func (f *fakeFlow) Resend(_ context.Context, _ *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string) (flow.Moved, error) {
	return f.note(v, "resend", id, token)
}

func (f *fakeFlow) EmailCode(_ context.Context, _ *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token, code string, keep bool) (flow.Moved, error) {
	return f.note(v, "email code", id, token, code, keep)
}

func (f *fakeFlow) PasskeyRequest(_ context.Context, _ *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor) ([]byte, error) {
	_, err := f.note(v, "passkey request", id)
	return []byte(`{"challenge":"Z2V0"}`), err
}

func (f *fakeFlow) Passkey(_ context.Context, _ *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string, response []byte, keep, remember bool) (flow.Moved, error) {
	return f.note(v, "passkey", id, token, string(response), keep, remember)
}

func (f *fakeFlow) Factor(_ context.Context, _ *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token, code string, remember bool) (flow.Moved, error) {
	return f.note(v, "factor", id, token, code, remember)
}

func (f *fakeFlow) SignUp(_ context.Context, _ *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string, form accounts.SignUpForm) (flow.Moved, error) {
	return f.note(v, "sign up", id, token, form.Email, form.Name, form.Password.Reveal(), form.Attributes, form.Locale)
}

func (f *fakeFlow) SignUpCode(_ context.Context, _ *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token, code string) (flow.Moved, error) {
	return f.note(v, "sign-up code", id, token, code)
}

func (f *fakeFlow) Forgot(_ context.Context, _ *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token, name string) error {
	_, err := f.note(v, "forgot", id, token, name)
	return err
}

func (f *fakeFlow) NewPassword(_ context.Context, _ *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string, password lanyard.Secret) (flow.Moved, error) {
	return f.note(v, "new password", id, token, password.Reveal())
}

func (f *fakeFlow) VerifyEmail(_ context.Context, _ *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token, code string) (flow.Moved, error) {
	return f.note(v, "verify email", id, token, code)
}

func (f *fakeFlow) EnrolTOTP(_ context.Context, _ *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token, code string) (flow.Moved, error) {
	return f.note(v, "enrol totp", id, token, code)
}

func (f *fakeFlow) PasskeyCreation(_ context.Context, _ *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor) ([]byte, error) {
	_, err := f.note(v, "passkey creation", id)
	return []byte(`{"challenge":"bWFrZQ"}`), err
}

func (f *fakeFlow) EnrolPasskey(_ context.Context, _ *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string, response []byte, name string) (flow.Moved, error) {
	return f.note(v, "enrol passkey", id, token, string(response), name)
}

func (f *fakeFlow) SkipEnrolment(_ context.Context, _ *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string) (flow.Moved, error) {
	return f.note(v, "skip", id, token)
}

func (f *fakeFlow) RenewCodes(_ context.Context, _ *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string) (flow.Moved, error) {
	return f.note(v, "renew codes", id, token)
}

func (f *fakeFlow) CodesSaved(_ context.Context, _ *tenants.Live, id lanyard.AuthRequestID, v flow.Visitor, token string) (flow.Moved, error) {
	return f.note(v, "codes saved", id, token)
}

// fakeRecovery knows one link of each kind.
type fakeRecovery struct {
	err    error
	link   accounts.LinkView
	called []any
	from   accounts.From
}

const linkToken = "link-token"

func (f *fakeRecovery) ResetLives(_ context.Context, _ accounts.Tenancy, token lanyard.Secret, _ time.Time) (accounts.ResetView, error) {
	if token.Reveal() != linkToken {
		return accounts.ResetView{}, lanyard.ErrLinkUsed
	}
	return accounts.ResetView{Name: "ada@example.test", Shortest: accounts.ShortestAlone}, nil
}

func (f *fakeRecovery) Reset(_ context.Context, _ accounts.Tenancy, token, password lanyard.Secret, from accounts.From, at time.Time) error {
	f.called, f.from = []any{"reset", token.Reveal(), password.Reveal(), at}, from
	return f.err
}

func (f *fakeRecovery) LinkOf(_ context.Context, _ accounts.Tenancy, token lanyard.Secret, _ time.Time) (accounts.LinkView, error) {
	if token.Reveal() != linkToken {
		return accounts.LinkView{}, lanyard.ErrLinkUsed
	}
	return f.link, nil
}
