package loginui_test

import (
	"context"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// fakePeople is the person at the account pages, with deeds that only note that
// they were called. It stands for the sign-in that leads there, too.
type fakePeople struct {
	// accounts are those that the browser is signed in to; the first one is meant.
	accounts []lanyard.Account
	// confined are those whom organizations' own connections signed in.
	confined  []lanyard.Account
	factors   lanyard.Factors
	emails    []lanyard.Email
	passkeys  []lanyard.Passkey
	devices   []lanyard.Device
	events    []lanyard.Event
	next      lanyard.EventID
	codes     []lanyard.Secret
	linked    []lanyard.LinkedIdentity
	totp      accounts.TOTPEnrolment
	creation  string
	totpError error
	// fresh says that there is a fresh proof.
	fresh bool
	// err is what the deeds that change something answer.
	err error
	// called are these deeds with what they were given, led the sign-ins that were begun.
	called []any
	led    []any
	from   accounts.From
}

func newPeople() *fakePeople {
	return &fakePeople{
		accounts: []lanyard.Account{ada()}, fresh: true, factors: lanyard.Factors{UserID: "usr_1", Password: true, EmailVerified: true},
		creation: `{"challenge":"bmV3"}`,
		emails:   []lanyard.Email{{Address: "ada@example.test", Verified: true, Primary: true}},
	}
}

func (f *fakePeople) note(call ...any) error {
	f.called = call
	return f.err
}

func (f *fakePeople) Self(_ context.Context, _ accounts.Tenancy, from accounts.From, _ time.Time) (accounts.Actor, []lanyard.Account, error) {
	f.from = from
	if len(f.accounts) == 0 {
		return accounts.Actor{}, nil, lanyard.ErrLoginRequired
	}
	return accounts.Actor{User: f.accounts[0].User, Session: f.accounts[0].Session, From: from}, f.accounts, nil
}

func (f *fakePeople) SelfIn(_ context.Context, _ accounts.Tenancy, from accounts.From, _ time.Time) ([]accounts.Actor, error) {
	var out []accounts.Actor
	if len(f.accounts) > 0 {
		out = append(out, accounts.Actor{User: f.accounts[0].User, Session: f.accounts[0].Session, From: from})
	}
	for _, a := range f.confined {
		out = append(out, accounts.Actor{User: a.User, Session: a.Session, From: from})
	}
	if len(out) == 0 {
		return nil, lanyard.ErrLoginRequired
	}
	return out, nil
}

func (f *fakePeople) Switch(_ context.Context, _ accounts.Tenancy, _ accounts.From, id lanyard.SessionID, _ time.Time) error {
	return f.note("switch", id)
}

// lead is a sign-in for a page: whoever proved enough goes on at once.
func (f *fakePeople) lead(enough bool, page string, call ...any) (flow.Outcome, error) {
	f.led = append([]any{page}, call...)
	if enough {
		return flow.Outcome{Local: page}, nil
	}
	return flow.Outcome{Request: request, Binding: lanyard.NewSecret(), Next: flow.StepPassword}, nil
}

func (f *fakePeople) BeginLocal(_ context.Context, _ *tenants.Live, page, subject string, sudo bool, _ flow.Visitor) (flow.Outcome, error) {
	return f.lead(sudo && f.fresh, page, subject, sudo)
}

func (f *fakePeople) BeginAnother(_ context.Context, _ *tenants.Live, page string, _ flow.Visitor) (flow.Outcome, error) {
	return f.lead(false, page, "another")
}

func (f *fakePeople) BeginLink(_ context.Context, _ *tenants.Live, page, subject string, id lanyard.ConnectionID, _ flow.Visitor) (flow.Outcome, error) {
	if f.err != nil {
		return flow.Outcome{}, f.err
	}
	o, err := f.lead(false, page, subject, id)
	o.Next = flow.StepConnection
	return o, err
}

func (f *fakePeople) BeginTest(_ context.Context, _ *tenants.Live, page, organization string, id lanyard.ConnectionID, _ flow.Visitor) (flow.Outcome, error) {
	return f.lead(false, page, "test", organization, id)
}

func (f *fakePeople) Identities(context.Context, accounts.Tenancy, accounts.Actor) ([]lanyard.LinkedIdentity, error) {
	return f.linked, nil
}

func (f *fakePeople) UnlinkIdentity(_ context.Context, _ accounts.Tenancy, a accounts.Actor, identity lanyard.Identity, _ time.Time) error {
	return f.note("unlink", a.User.ID, identity)
}

func (f *fakePeople) Factors(context.Context, accounts.Tenancy, lanyard.UserID, []byte, time.Time) (lanyard.Factors, error) {
	return f.factors, nil
}

func (f *fakePeople) Emails(context.Context, accounts.Tenancy, lanyard.UserID) ([]lanyard.Email, error) {
	return f.emails, nil
}

func (f *fakePeople) UpdateProfile(_ context.Context, _ accounts.Tenancy, a accounts.Actor, p lanyard.Profile, _ time.Time) error {
	return f.note("profile", a.User.ID, p)
}

func (f *fakePeople) AddEmail(_ context.Context, _ accounts.Tenancy, a accounts.Actor, address string, _ time.Time) error {
	return f.note("add email", a.User.ID, address)
}

func (f *fakePeople) VerifyEmail(_ context.Context, _ accounts.Tenancy, a accounts.Actor, code string, _ time.Time) error {
	return f.note("verify email", a.User.ID, code)
}

func (f *fakePeople) ResendVerification(_ context.Context, _ accounts.Tenancy, a accounts.Actor, address string, _ time.Time) error {
	return f.note("resend", a.User.ID, address)
}

func (f *fakePeople) MakePrimary(_ context.Context, _ accounts.Tenancy, a accounts.Actor, address string, _ time.Time) error {
	return f.note("primary", a.User.ID, address)
}

func (f *fakePeople) RemoveEmail(_ context.Context, _ accounts.Tenancy, a accounts.Actor, address string, _ time.Time) error {
	return f.note("remove email", a.User.ID, address)
}

func (f *fakePeople) ChangePassword(_ context.Context, _ accounts.Tenancy, a accounts.Actor, current, password lanyard.Secret, _ time.Time) error {
	return f.note("password", a.User.ID, current.Reveal(), password.Reveal())
}

func (f *fakePeople) BeginTOTP(_ context.Context, _ accounts.Tenancy, u lanyard.User, holder string, _ time.Time) (accounts.TOTPEnrolment, error) {
	if u.ID != f.accounts[0].User.ID || holder != string(f.accounts[0].Session.ID) {
		return accounts.TOTPEnrolment{}, lanyard.ErrNotFound
	}
	return f.totp, f.totpError
}

func (f *fakePeople) AddTOTP(_ context.Context, _ accounts.Tenancy, a accounts.Actor, code string, _ time.Time) ([]lanyard.Secret, error) {
	return f.codes, f.note("add totp", a.User.ID, code)
}

func (f *fakePeople) RemoveTOTP(_ context.Context, _ accounts.Tenancy, a accounts.Actor, _ time.Time) error {
	return f.note("remove totp", a.User.ID)
}

func (f *fakePeople) RenewRecoveryCodes(_ context.Context, _ accounts.Tenancy, a accounts.Actor, _ time.Time) ([]lanyard.Secret, error) {
	return f.codes, f.note("codes", a.User.ID)
}

func (f *fakePeople) ForgetDevices(_ context.Context, _ accounts.Tenancy, a accounts.Actor, _ time.Time) (int64, error) {
	return 2, f.note("forget", a.User.ID)
}

func (f *fakePeople) Passkeys(context.Context, accounts.Tenancy, lanyard.UserID) ([]lanyard.Passkey, error) {
	return f.passkeys, nil
}

func (f *fakePeople) PasskeyCreation(_ context.Context, _ accounts.Tenancy, u lanyard.User, holder string, _ time.Time) ([]byte, error) {
	return []byte(f.creation), f.note("creation", u.ID, holder)
}

func (f *fakePeople) AddPasskey(_ context.Context, _ accounts.Tenancy, a accounts.Actor, response []byte, name string, _ time.Time) ([]lanyard.Secret, error) {
	return f.codes, f.note("add passkey", a.User.ID, string(response), name)
}

func (f *fakePeople) RenamePasskey(_ context.Context, _ accounts.Tenancy, a accounts.Actor, id, name string, _ time.Time) error {
	return f.note("rename", a.User.ID, id, name)
}

func (f *fakePeople) RemovePasskey(_ context.Context, _ accounts.Tenancy, a accounts.Actor, id string, _ time.Time) error {
	return f.note("remove passkey", a.User.ID, id)
}

func (f *fakePeople) Devices(context.Context, accounts.Tenancy, lanyard.UserID, time.Time) ([]lanyard.Device, error) {
	return f.devices, nil
}

func (f *fakePeople) EndDevice(_ context.Context, _ accounts.Tenancy, a accounts.Actor, id lanyard.SessionID, _ time.Time) error {
	return f.note("end", a.User.ID, id)
}

func (f *fakePeople) EndOtherDevices(_ context.Context, _ accounts.Tenancy, a accounts.Actor, _ time.Time) (int64, error) {
	return 3, f.note("end others", a.User.ID)
}

func (f *fakePeople) EndAllDevices(_ context.Context, _ accounts.Tenancy, a accounts.Actor, _ time.Time) (int64, error) {
	return 4, f.note("end all", a.User.ID)
}

func (f *fakePeople) Activity(_ context.Context, _ accounts.Tenancy, user lanyard.UserID, before lanyard.EventID) ([]lanyard.Event, lanyard.EventID, error) {
	f.called = []any{"activity", user, before}
	return f.events, f.next, nil
}

func (f *fakePeople) NotMe(_ context.Context, _ accounts.Tenancy, a accounts.Actor, _ time.Time) (int64, error) {
	return 1, f.note("not me", a.User.ID)
}

func (f *fakePeople) ExportData(_ context.Context, _ accounts.Tenancy, a accounts.Actor, _ time.Time) (accounts.Export, error) {
	return accounts.Export{Subject: "sub-1", Profile: a.User.Profile}, f.note("export", a.User.ID)
}

func (f *fakePeople) AskDeletion(_ context.Context, _ accounts.Tenancy, a accounts.Actor, _ time.Time) error {
	return f.note("delete", a.User.ID)
}

func (f *fakePeople) UndoDeletion(_ context.Context, _ accounts.Tenancy, a accounts.Actor, _ time.Time) error {
	return f.note("keep", a.User.ID)
}
