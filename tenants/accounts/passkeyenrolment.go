package accounts

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// PasskeyCreation begins the making of a passkey for a holder (a request or
// session) and returns the options in the form of
// PublicKeyCredential.parseCreationOptionsFromJSON. Where passkeys are turned off it
// is lanyard.ErrNotOffered.
func (a *Accounts) PasskeyCreation(ctx context.Context, t Tenancy, user lanyard.User, holder string, now time.Time) ([]byte, error) {
	if t.Tenant.Policy.NoPasskeys {
		return nil, lanyard.ErrNotOffered
	}
	party, err := relyingParty(t)
	if err != nil {
		return nil, err
	}
	who, err := a.person(ctx, t.Scope, user)
	if err != nil {
		return nil, err
	}
	all, err := t.Scope.Passkeys(ctx, user.ID)
	if err != nil {
		return nil, err
	}
	known, err := descriptors(all, party.Config.RPID)
	if err != nil {
		return nil, err
	}
	resident := true
	options, session, err := party.BeginRegistration(who, webauthn.WithExclusions(known), webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{
		ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: &resident, UserVerification: protocol.VerificationPreferred,
	}))
	if err != nil {
		return nil, fmt.Errorf("begin the making of a passkey: %w", err)
	}
	if err := begin(ctx, t.Scope, holder, ceremonyCreate, session, now); err != nil {
		return nil, err
	}
	return json.Marshal(options.Response)
}

// person is a user with the handle, which is made when it is needed first.
func (a *Accounts) person(ctx context.Context, scope storage.Scope, user lanyard.User) (person, error) {
	fresh := make([]byte, handleBytes)
	_, _ = rand.Read(fresh)
	handle, err := scope.UserHandle(ctx, user.ID, fresh)
	return person{handle: handle, user: user}, err
}

// EnrolPasskey ends the making of a passkey. What is not the right answer to the
// options that the holder got for this user is lanyard.ErrNoPasskey.
func (a *Accounts) EnrolPasskey(ctx context.Context, t Tenancy, user lanyard.User, holder string, response []byte, name string, from From, now time.Time) (Enrolment, error) {
	made, err := a.madePasskey(ctx, t, user, holder, response, now)
	if err != nil {
		return Enrolment{}, err
	}
	p, err := passkeyOf(made, user.ID, t, name, now)
	if err != nil {
		return Enrolment{}, err
	}
	return Enrolment{
		Method: methodOf(made.Flags.UserVerified), tenancy: t, user: user, from: from, now: now,
		event: lanyard.EventPasskeyAdded, detail: map[string]string{"passkey": p.ID}, subject: "passkey", apply: a.applyEnrolment,
		enrol: func(ctx context.Context, tx storage.Scope, f lanyard.Factors) error {
			if f.Passkeys >= maxPasskeys {
				return lanyard.ErrConflict.Saying("there are too many passkeys: remove one first")
			}
			return tx.InsertPasskey(ctx, p, made.Authenticator.SignCount)
		},
	}, nil
}

func (a *Accounts) madePasskey(ctx context.Context, t Tenancy, user lanyard.User, holder string, response []byte, now time.Time) (webauthn.Credential, error) {
	if t.Tenant.Policy.NoPasskeys {
		return webauthn.Credential{}, lanyard.ErrNotOffered
	}
	party, err := relyingParty(t)
	if err != nil {
		return webauthn.Credential{}, err
	}
	answer, err := parseCreation(response)
	if err != nil {
		return webauthn.Credential{}, err
	}
	session, err := end(ctx, t.Scope, holder, ceremonyCreate, now)
	if err != nil {
		return webauthn.Credential{}, err
	}
	who, err := a.person(ctx, t.Scope, user)
	if err != nil {
		return webauthn.Credential{}, err
	}
	credential, err := party.CreateCredential(who, session, answer)
	if err != nil {
		return webauthn.Credential{}, refused(err)
	}
	return *credential, nil
}

// AddPasskey ends the making of a passkey that the actor's session began. It needs a fresh proof.
func (a *Accounts) AddPasskey(ctx context.Context, t Tenancy, actor Actor, response []byte, name string, now time.Time) ([]lanyard.Secret, error) {
	if err := a.sudo(ctx, t, actor, now); err != nil {
		return nil, err
	}
	e, err := a.EnrolPasskey(ctx, t, actor.User, string(actor.Session.ID), response, name, actor.From, now)
	if err != nil {
		return nil, err
	}
	return a.addFactor(ctx, t, actor, e, now)
}

func parseCreation(response []byte) (*protocol.ParsedCredentialCreationData, error) {
	if len(response) > maxPasskeyResponse {
		return nil, lanyard.ErrNoPasskey
	}
	answer, err := protocol.ParseCredentialCreationResponseBytes(response)
	if err != nil {
		return nil, refused(err)
	}
	return answer, nil
}
