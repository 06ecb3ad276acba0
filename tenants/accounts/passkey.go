package accounts

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

const (
	// maxPasskeyResponse bounds what is parsed of a stranger's answer, in bytes.
	maxPasskeyResponse = 64 << 10
	// maxPasskeys bounds the credentials of a user: each is named in every request for them.
	maxPasskeys = 50
	// maxPasskeyName is in characters.
	maxPasskeyName = 60
	// handleBytes is the size of a user handle, which says nothing about the user (WebAuthn §14.6.1).
	handleBytes = 32
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

// descriptors name the credentials that were made for a host.
func descriptors(all []lanyard.Passkey, rpID string) ([]protocol.CredentialDescriptor, error) {
	var out []protocol.CredentialDescriptor
	for _, p := range all {
		if p.RPID != rpID {
			continue
		}
		credential, err := credentialOf(p)
		if err != nil {
			return nil, err
		}
		out = append(out, credential.Descriptor())
	}
	return out, nil
}

func credentialOf(p lanyard.Passkey) (webauthn.Credential, error) {
	var c webauthn.Credential
	if err := json.Unmarshal([]byte(p.Record), &c); err != nil {
		return c, fmt.Errorf("read passkey %s: %w", p.ID, err)
	}
	return c, nil
}

func recordOf(c webauthn.Credential) (string, error) {
	c.Attestation = webauthn.CredentialAttestation{} // nobody asked for one
	record, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("write a passkey: %w", err)
	}
	return string(record), nil
}

func passkeyID(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

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
		Method: lanyard.MethodPasskey, tenancy: t, user: user, from: from, now: now,
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

// refused hides why an answer was not accepted from the person, not from the log.
func refused(err error) error { return fmt.Errorf("%w (%w)", lanyard.ErrNoPasskey, err) }

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

func passkeyOf(c webauthn.Credential, user lanyard.UserID, t Tenancy, name string, now time.Time) (lanyard.Passkey, error) {
	party, err := relyingParty(t)
	if err != nil {
		return lanyard.Passkey{}, err
	}
	record, err := recordOf(c)
	if err != nil {
		return lanyard.Passkey{}, err
	}
	name = cleanName(name)
	if name == "" {
		name = providerName(c)
	}
	return lanyard.Passkey{ID: passkeyID(c.ID), UserID: user, RPID: party.Config.RPID, Name: name, Record: record, CreatedAt: now}, nil
}

func providerName(c webauthn.Credential) string {
	if name := providerOf[aaguidOf(c)]; name != "" {
		return name
	}
	return "Passkey"
}

func aaguidOf(c webauthn.Credential) string {
	id, err := uuid.FromBytes(c.Authenticator.AAGUID)
	if err != nil || id == uuid.Nil {
		return ""
	}
	return id.String()
}

// cleanName is a typed name without what can not be seen, not too long.
func cleanName(typed string) string {
	if len(typed) > 16*maxPasskeyName {
		typed = strings.ToValidUTF8(typed[:16*maxPasskeyName], "")
	}
	seen := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r) || r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, norm.NFC.String(typed))
	short := []rune(strings.Join(strings.Fields(seen), " "))
	return strings.TrimSpace(string(short[:min(len(short), maxPasskeyName)]))
}

// AddPasskey ends the making of a passkey that the actor's session began. It needs a fresh proof.
func (a *Accounts) AddPasskey(ctx context.Context, t Tenancy, actor Actor, response []byte, name string, now time.Time) ([]lanyard.Secret, error) {
	if err := fresh(ctx, t, actor, now); err != nil {
		return nil, err
	}
	e, err := a.EnrolPasskey(ctx, t, actor.User, string(actor.Session.ID), response, name, actor.From, now)
	if err != nil {
		return nil, err
	}
	return a.addFactor(ctx, t, actor, e, now)
}

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
		return request(ctx, t.Scope, holder, ceremonySignIn, options, session, err, now)
	}
	who, err := a.secondFactors(ctx, t.Scope, user, party.Config.RPID)
	if err != nil {
		return nil, err
	}
	options, session, err := party.BeginLogin(who, webauthn.WithUserVerification(protocol.VerificationPreferred))
	return request(ctx, t.Scope, holder, ceremonySecond, options, session, err, now)
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
	purpose := ceremonySignIn
	if user != "" {
		purpose = ceremonySecond
	}
	session, err := end(ctx, t.Scope, holder, purpose, now)
	if err != nil {
		return Proven{}, err
	}
	counted, owned, err := a.countPasskey(ctx, t.Scope, passkeyID(answer.RawID), user, from, now)
	if err != nil {
		return Proven{}, err
	}
	credential, err := verifyPasskey(party, session, answer, owned)
	if err != nil {
		return Proven{}, err
	}
	counter := answer.Response.AuthenticatorData.Counter
	if credential.Authenticator.CloneWarning && counter != 0 {
		return Proven{}, a.cloned(ctx, t.Scope, owned, now)
	}
	if owned.User.Disabled {
		return Proven{}, lanyard.ErrUserDisabled
	}
	spend, err := passkeyUse(owned, credential, counter, now)
	if err != nil {
		return Proven{}, err
	}
	method := lanyard.MethodSecurityKey
	if answer.Response.AuthenticatorData.Flags.HasUserVerified() {
		method = lanyard.MethodPasskey
	}
	return Proven{User: owned.User, Method: method, attempt: counted, spend: spend}, nil
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
		if !bytes.Equal(session.UserID, owned.Handle) {
			return nil, lanyard.ErrNoPasskey
		}
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

// Passkeys lists a user's passkeys, oldest first.
func (a *Accounts) Passkeys(ctx context.Context, t Tenancy, user lanyard.UserID) ([]lanyard.Passkey, error) {
	all, err := t.Scope.Passkeys(ctx, user)
	if err != nil {
		return nil, err
	}
	for i, p := range all {
		credential, err := credentialOf(p)
		if err != nil {
			return nil, err
		}
		all[i].Synced, all[i].AAGUID = credential.Flags.BackupState, aaguidOf(credential)
	}
	return all, nil
}

// RenamePasskey gives one of the actor's passkeys another name; another's is lanyard.ErrNotFound.
func (a *Accounts) RenamePasskey(ctx context.Context, t Tenancy, actor Actor, id, name string, now time.Time) error {
	name = cleanName(name)
	if name == "" {
		return lanyard.ErrBadInput.Saying("a passkey needs a name")
	}
	return t.Scope.InTx(ctx, func(tx storage.Scope) error {
		if err := tx.RenamePasskey(ctx, actor.User.ID, id, name); err != nil {
			return err
		}
		return tx.InsertEvent(ctx, lanyard.Event{
			Type: lanyard.EventPasskeyRenamed, At: now, Actor: string(actor.User.ID), UserID: actor.User.ID, SessionID: actor.Session.ID,
			Detail: map[string]string{"passkey": id},
		})
	})
}

// RemovePasskey takes one of the actor's passkeys away; another's is
// lanyard.ErrNotFound, the only way to sign in lanyard.ErrLastWayIn, and the last
// second factor where one is required lanyard.ErrConflict. It needs a fresh proof.
func (a *Accounts) RemovePasskey(ctx context.Context, t Tenancy, actor Actor, id string, now time.Time) error {
	return a.removeFactor(ctx, t, actor, removal{
		event: lanyard.EventPasskeyRemoved, detail: map[string]string{"passkey": id}, subject: "passkey",
		check: func(f lanyard.Factors) error {
			byMail := t.Tenant.Policy.EmailCode && f.EmailVerified && actor.User.Profile.Email != ""
			if f.Passkeys == 1 && !f.Password && !byMail {
				return lanyard.ErrLastWayIn
			}
			return nil
		},
		left: func(f lanyard.Factors) lanyard.Factors { f.Passkeys--; return f },
		remove: func(ctx context.Context, tx storage.Scope) error {
			return tx.DeletePasskey(ctx, actor.User.ID, id, now)
		},
	}, now)
}
