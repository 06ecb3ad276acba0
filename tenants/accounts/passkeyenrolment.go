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
	who, err := a.person(ctx, t.Scope, user)
	if err != nil {
		return nil, err
	}
	all, err := t.Scope.Passkeys(ctx, user.ID)
	if err != nil {
		return nil, err
	}
	return creation{purpose: ceremonyCreate, holder: holder, who: who, known: all}.begin(ctx, t, now)
}

// creation is the making of a passkey.
type creation struct {
	purpose, holder string
	who             person
	// known are the passkeys that the person has.
	known []lanyard.Passkey
}

// begin makes and keeps the options. Where passkeys are turned off it is lanyard.ErrNotOffered.
func (c creation) begin(ctx context.Context, t Tenancy, now time.Time) ([]byte, error) {
	if t.Tenant.Policy.NoPasskeys {
		return nil, lanyard.ErrNotOffered
	}
	party, err := relyingParty(t)
	if err != nil {
		return nil, err
	}
	known, err := descriptors(c.known, party.Config.RPID)
	if err != nil {
		return nil, err
	}
	resident, verification := true, protocol.VerificationPreferred
	if c.purpose == ceremonyFirst {
		verification = protocol.VerificationRequired
	}
	options, session, err := party.BeginRegistration(c.who, webauthn.WithExclusions(known), webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{
		ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: &resident, UserVerification: verification,
	}))
	if err != nil {
		return nil, fmt.Errorf("begin the making of a passkey: %w", err)
	}
	if err := begin(ctx, t.Scope, c.holder, c.purpose, session, now); err != nil {
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
	who, err := a.person(ctx, t.Scope, user)
	if err != nil {
		return webauthn.Credential{}, err
	}
	made, _, err := creation{purpose: ceremonyCreate, holder: holder, who: who}.end(ctx, t, response, now)
	return made, err
}

// end spends the ceremony and checks the answer to it, which it returns with the
// handle that it was made for. That of somebody without a row is the ceremony's own.
func (c creation) end(ctx context.Context, t Tenancy, response []byte, now time.Time) (webauthn.Credential, []byte, error) {
	if t.Tenant.Policy.NoPasskeys {
		return webauthn.Credential{}, nil, lanyard.ErrNotOffered
	}
	party, err := relyingParty(t)
	if err != nil {
		return webauthn.Credential{}, nil, err
	}
	answer, err := parseCreation(response)
	if err != nil {
		return webauthn.Credential{}, nil, err
	}
	session, err := end(ctx, t.Scope, c.holder, c.purpose, now)
	if err != nil {
		return webauthn.Credential{}, nil, err
	}
	if c.purpose == ceremonyFirst {
		c.who.handle = session.UserID
	}
	credential, err := party.CreateCredential(c.who, session, answer)
	if err != nil {
		return webauthn.Credential{}, nil, refused(err)
	}
	return *credential, c.who.handle, nil
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
