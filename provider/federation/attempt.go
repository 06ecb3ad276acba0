package federation

import (
	"crypto/sha256"
	"encoding/base64"

	"github.com/lanyard-id/lanyard"
)

// Attempt is one sign-in at an upstream. The caller keeps it between Start and
// Finish, bound to the browser and to what the sign-in is for, and uses it once.
type Attempt struct {
	// ConnectionID and Issuer are whom it was started with: the answer of another is never taken.
	ConnectionID lanyard.ConnectionID
	Issuer       string
	// RedirectURI is our callback, the same at Start and Finish.
	RedirectURI string
	State       string
	Nonce       string
	// Verifier is that of PKCE (RFC 7636 §4.1).
	Verifier lanyard.Secret
	// LoginHint, Prompt and MaxAge (in seconds) are passed on if they are there. With MaxAge the
	// upstream has to say when the person proved who they are, and that has to be recent enough.
	LoginHint string
	Prompt    string
	MaxAge    *int64
}

// NewAttempt makes an attempt with a state, a nonce and a verifier of 256 random bits each.
func NewAttempt(c lanyard.Connection, redirectURI string) Attempt {
	return Attempt{
		ConnectionID: c.ID, Issuer: c.IssuerURL(), RedirectURI: redirectURI,
		State: lanyard.NewSecret().Reveal(), Nonce: lanyard.NewSecret().Reveal(), Verifier: lanyard.NewSecret(),
	}
}

// challenge is the S256 code challenge (RFC 7636 §4.2).
func (a Attempt) challenge() string {
	sum := sha256.Sum256([]byte(a.Verifier.Reveal()))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// check finds an attempt that is not one of this connection as it is now.
func (a Attempt) check(c lanyard.Connection) error {
	switch {
	case a.State == "" || a.Nonce == "" || a.Verifier.IsZero() || a.RedirectURI == "":
		return wrong("the attempt is not complete")
	case a.ConnectionID != c.ID || a.Issuer != c.IssuerURL():
		return wrong("the attempt was started with another provider")
	}
	return nil
}
