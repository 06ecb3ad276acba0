package lanyard

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"log/slog"
)

// SecretBytes is the strength of every generated secret: 256 random bits.
const SecretBytes = 32

const hidden = "[secret]"

// Secret holds a value that must never be printed, logged or marshalled; it
// shows itself as [secret] everywhere. Reveal is the only way to the value.
type Secret struct{ value string }

// NewSecret makes a secret of 256 random bits as 43 characters of base64url.
func NewSecret() Secret {
	b := make([]byte, SecretBytes)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return Secret{base64.RawURLEncoding.EncodeToString(b)}
}

// SecretOf wraps a value that came from a person, a file or a request.
func SecretOf(value string) Secret { return Secret{value} }

// Reveal gives the value itself.
func (s Secret) Reveal() string { return s.value }

// IsZero tells whether there is no secret at all.
func (s Secret) IsZero() bool { return s.value == "" }

// Hash is the SHA-256 of the value, the only form in which a generated secret is stored.
func (s Secret) Hash() []byte {
	h := sha256.Sum256([]byte(s.value))
	return h[:]
}

// Matches compares with a stored hash in constant time.
func (s Secret) Matches(hash []byte) bool {
	return s.value != "" && subtle.ConstantTimeCompare(s.Hash(), hash) == 1
}

// String hides the value.
func (s Secret) String() string { return hidden }

// GoString hides the value.
func (s Secret) GoString() string { return hidden }

// LogValue hides the value.
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText hides the value.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// MarshalJSON hides the value.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }
