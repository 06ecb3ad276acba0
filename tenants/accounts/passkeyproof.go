package accounts

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// PasskeyRequest begins a proof by passkey for a holder and returns the options in
// the form of PublicKeyCredential.parseRequestOptionsFromJSON. Without a user any
// passkey will do that verifies its user (the first factor); with one, those of that
// user: a user who has none is lanyard.ErrNoPasskey.
func (a *Accounts) PasskeyRequest(ctx context.Context, t Tenancy, holder string, user lanyard.UserID, now time.Time) ([]byte, error) {
	party, err := relyingParty(t)
	if err != nil {
		return nil, err
	}
	if user == "" {
		if t.Tenant.Policy.NoPasskeys {
			return nil, lanyard.ErrNotOffered
		}
		options, session, err := party.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
		return request(ctx, t.Scope, holder, proofOf(user), options, session, err, now)
	}
	who, err := a.secondFactors(ctx, t.Scope, user, party.Config.RPID)
	if err != nil {
		return nil, err
	}
	options, session, err := party.BeginLogin(who, webauthn.WithUserVerification(protocol.VerificationPreferred))
	return request(ctx, t.Scope, holder, proofOf(user), options, session, err, now)
}

func request(ctx context.Context, scope storage.Scope, holder, purpose string, options *protocol.CredentialAssertion, session *webauthn.SessionData, err error, now time.Time) ([]byte, error) {
	if err != nil {
		return nil, fmt.Errorf("begin a proof by passkey: %w", err)
	}
	session.AllowedCredentialIDs = nil // any passkey of the user will do, also one that was made meanwhile
	if err := begin(ctx, scope, holder, purpose, session, now); err != nil {
		return nil, err
	}
	return json.Marshal(options.Response)
}

// secondFactors is a user with the passkeys that were made for a host.
func (a *Accounts) secondFactors(ctx context.Context, scope storage.Scope, user lanyard.UserID, rpID string) (person, error) {
	all, err := scope.Passkeys(ctx, user)
	if err != nil {
		return person{}, err
	}
	var credentials []webauthn.Credential
	for _, p := range all {
		if p.RPID != rpID {
			continue
		}
		credential, err := credentialOf(p)
		if err != nil {
			return person{}, err
		}
		credentials = append(credentials, credential)
	}
	if len(credentials) == 0 {
		return person{}, lanyard.ErrNoPasskey
	}
	who, err := a.person(ctx, scope, lanyard.User{ID: user})
	who.credentials = credentials
	return who, err
}

// ProvePasskey ends a proof by passkey that the holder began, for any user or, as a
// second factor, for one. A passkey that this tenant deleted is
// lanyard.ErrDeletedPasskey, everything else that does not prove is
// lanyard.ErrNoPasskey. Only a right answer learns that the account is turned off.
func (a *Accounts) ProvePasskey(ctx context.Context, t Tenancy, holder string, response []byte, user lanyard.UserID, from From, now time.Time) (Proven, error) {
	party, err := relyingParty(t)
	if err != nil {
		return Proven{}, err
	}
	answer, err := parseRequest(response)
	if err != nil {
		return Proven{}, err
	}
	session, err := end(ctx, t.Scope, holder, proofOf(user), now)
	if err != nil {
		return Proven{}, err
	}
	counted, owned, err := a.countPasskey(ctx, t.Scope, passkeyID(answer.RawID), user, from, now)
	if err != nil {
		return Proven{}, err
	}
	credential, err := verifyPasskey(party, session, answer, owned)
	if errors.Is(err, lanyard.ErrNoPasskey) {
		return Proven{}, wrong(ctx, t.Scope, owned.User.ID, lanyard.MethodPasskey, now, err)
	}
	if err != nil {
		return Proven{}, err
	}
	data := answer.Response.AuthenticatorData
	if credential.Authenticator.CloneWarning && data.Counter != 0 {
		return Proven{}, a.cloned(ctx, t.Scope, owned, now)
	}
	if owned.User.Disabled {
		return Proven{}, lanyard.ErrUserDisabled
	}
	spend, err := passkeyUse(owned, credential, data.Counter, now)
	return Proven{User: owned.User, Method: methodOf(data.Flags.HasUserVerified()), attempt: counted, spend: spend}, err
}

// methodOf is what a passkey proves: with its user verified, more than somebody's presence.
func methodOf(verified bool) lanyard.Method {
	if verified {
		return lanyard.MethodPasskey
	}
	return lanyard.MethodSecurityKey
}

// proofOf is the purpose of a proof by any user, or by one.
func proofOf(user lanyard.UserID) string {
	if user == "" {
		return ceremonySignIn
	}
	return ceremonySecond
}

// countPasskey finds the credential, and counts the try against its owner.
func (a *Accounts) countPasskey(ctx context.Context, scope storage.Scope, id string, user lanyard.UserID, from From, now time.Time) (attempt, storage.OwnedPasskey, error) {
	owned, err := scope.OwnedPasskey(ctx, id)
	if err != nil && !errors.Is(err, lanyard.ErrNotFound) {
		return attempt{}, owned, err
	}
	unknown := err != nil
	subject := string(owned.User.ID)
	if unknown {
		subject = id
	}
	counted, err := attemptFor(ctx, scope, "passkey", subject, owned.User.ID, from)
	if err != nil {
		return attempt{}, owned, err
	}
	if err := reserve(ctx, scope, counted, now); err != nil {
		return attempt{}, owned, err
	}
	if unknown {
		return attempt{}, owned, unknownPasskey(ctx, scope, id)
	}
	if user != "" && owned.User.ID != user {
		return attempt{}, owned, lanyard.ErrNoPasskey
	}
	return counted, owned, nil
}

func unknownPasskey(ctx context.Context, scope storage.Scope, id string) error {
	deleted, err := scope.PasskeyDeleted(ctx, id)
	if err != nil {
		return err
	}
	if deleted {
		return lanyard.ErrDeletedPasskey
	}
	return lanyard.ErrNoPasskey
}

// verifyPasskey checks an answer against its ceremony and the one credential that it names.
func verifyPasskey(party *webauthn.WebAuthn, session webauthn.SessionData, answer *protocol.ParsedCredentialAssertionData, owned storage.OwnedPasskey) (*webauthn.Credential, error) {
	credential, err := credentialOf(owned.Passkey)
	if err != nil {
		return nil, err
	}
	who := person{handle: owned.Handle, user: owned.User, credentials: []webauthn.Credential{credential}}
	if len(session.UserID) > 0 {
		used, err := party.ValidateLogin(who, session, answer)
		if err != nil {
			return nil, refused(err)
		}
		return used, nil
	}
	_, used, err := party.ValidatePasskeyLogin(func(_, handle []byte) (webauthn.User, error) {
		if !bytes.Equal(handle, owned.Handle) {
			return nil, lanyard.ErrNoPasskey
		}
		return who, nil
	}, session, answer)
	if err != nil {
		return nil, refused(err)
	}
	return used, nil
}

// cloned records a counter that went back: two devices use one credential.
func (a *Accounts) cloned(ctx context.Context, scope storage.Scope, owned storage.OwnedPasskey, now time.Time) error {
	if err := scope.InsertEvent(ctx, lanyard.Event{
		Type: lanyard.EventPasskeyCloned, At: now, UserID: owned.User.ID, Detail: map[string]string{"passkey": owned.Passkey.ID},
	}); err != nil {
		return err
	}
	return lanyard.ErrNoPasskey
}

// passkeyUse spends a proof: while the credential is there and its counter has not
// moved past the one of the answer. Synced passkeys do not count and say zero.
func passkeyUse(owned storage.OwnedPasskey, used *webauthn.Credential, counter uint32, now time.Time) (func(context.Context, storage.Scope) error, error) {
	record, err := recordOf(*used)
	if err != nil {
		return nil, err
	}
	use := storage.PasskeyUse{ID: owned.Passkey.ID, UserID: owned.User.ID, Record: record, Counter: used.Authenticator.SignCount}
	use.Above = use.Counter
	if counter != 0 {
		use.Above = counter - 1
	}
	return func(ctx context.Context, tx storage.Scope) error {
		return orElse(tx.UsePasskey(ctx, use, now), lanyard.ErrNoPasskey)
	}, nil
}

func parseRequest(response []byte) (*protocol.ParsedCredentialAssertionData, error) {
	if len(response) > maxPasskeyResponse {
		return nil, lanyard.ErrNoPasskey
	}
	answer, err := protocol.ParseCredentialRequestResponseBytes(response)
	if err != nil {
		return nil, refused(err)
	}
	return answer, nil
}
