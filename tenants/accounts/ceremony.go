package accounts

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// ceremonyFor is how long a person has for a ceremony.
const ceremonyFor = 5 * time.Minute

// The purposes of ceremonies: what was begun for one ends nothing else.
const (
	ceremonyCreate = "create"
	// ceremonyFirst is for somebody who has no account yet.
	ceremonyFirst  = "first"
	ceremonySignIn = "sign_in"
	ceremonySecond = "second"
)

// relyingParty is what the tenant is to authenticators (WebAuthn §4): its issuer's
// host. A tenant on a host of its own may also be met on its other hosts; on a
// shared host nobody else's origin counts.
func relyingParty(t Tenancy) (*webauthn.WebAuthn, error) {
	issuer, err := url.Parse(t.Issuer)
	if err != nil {
		return nil, fmt.Errorf("read the issuer: %w", err)
	}
	origins := []string{issuer.Scheme + "://" + issuer.Host}
	if t.Tenant.Host != "" {
		for _, host := range t.Tenant.RedirectHosts {
			origins = append(origins, "https://"+host)
		}
	}
	timeout := webauthn.TimeoutConfig{Timeout: ceremonyFor, TimeoutUVD: ceremonyFor}
	party, err := webauthn.New(&webauthn.Config{
		RPID: issuer.Hostname(), RPDisplayName: tenantLabel(t), RPOrigins: origins,
		AttestationPreference: protocol.PreferNoAttestation,
		Timeouts:              webauthn.TimeoutsConfig{Login: timeout, Registration: timeout},
		// Password managers answer extensions that nobody asked for; none of them decides anything here.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
	if err != nil { // an issuer at an address: no authenticator would take it
		return nil, fmt.Errorf("%w (%w)", lanyard.ErrNotOffered, err)
	}
	return party, nil
}

// person is a user as authenticators know them.
type person struct {
	handle      []byte
	user        lanyard.User
	credentials []webauthn.Credential
}

// WebAuthnID is the random handle of the user.
func (p person) WebAuthnID() []byte { return p.handle }

// WebAuthnName tells the accounts of a person apart.
func (p person) WebAuthnName() string {
	if name := p.user.SignInName(); name != "" {
		return name
	}
	return p.user.DisplayName()
}

// WebAuthnDisplayName is what authenticators call the person.
func (p person) WebAuthnDisplayName() string { return p.user.DisplayName() }

// WebAuthnCredentials are the credentials that play a part in the ceremony.
func (p person) WebAuthnCredentials() []webauthn.Credential { return p.credentials }

// begin stores a ceremony. Its age is checked here, by our clock, and nowhere else.
func begin(ctx context.Context, scope storage.Scope, holder, purpose string, session *webauthn.SessionData, now time.Time) error {
	session.Expires = time.Time{}
	data, err := json.Marshal(session)
	if err != nil {
		return fmt.Errorf("write a ceremony: %w", err)
	}
	return scope.PutCeremony(ctx, storage.Ceremony{Holder: holder, Purpose: purpose, Data: string(data), ExpiresAt: now.Add(ceremonyFor)})
}

// end takes a ceremony out, whatever comes of it; none that lives is lanyard.ErrNoPasskey.
func end(ctx context.Context, scope storage.Scope, holder, purpose string, now time.Time) (webauthn.SessionData, error) {
	var session webauthn.SessionData
	data, err := scope.SpendCeremony(ctx, holder, purpose, now)
	if err != nil {
		return session, orElse(err, lanyard.ErrNoPasskey)
	}
	if err := json.Unmarshal([]byte(data), &session); err != nil {
		return session, fmt.Errorf("read a ceremony: %w", err)
	}
	return session, nil
}
