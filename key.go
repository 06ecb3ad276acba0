package lanyard

import "time"

// Signature algorithms (RFC 7518 §3.1).
const (
	AlgRS256 = "RS256"
	AlgES256 = "ES256"
	AlgEdDSA = "EdDSA"
	// AlgMAC marks a symmetric key of a tenant, for refresh tokens and short codes. It is never published.
	AlgMAC = "HS256"
)

// KeyState is where a signing key is in its life.
type KeyState string

// The states of a key: published before it signs, signing, kept until its last token has died.
const (
	KeyNext    KeyState = "next"
	KeyActive  KeyState = "active"
	KeyRetired KeyState = "retired"
)

// SigningKey is a key of a tenant as it is stored: the private part sealed.
type SigningKey struct {
	ID        KeyID
	TenantID  TenantID
	Algorithm string
	State     KeyState
	// Public is the public key as a JWK, empty for a symmetric key.
	Public []byte
	// Sealed is the private key in PKCS #8 or the raw symmetric key, sealed under the master key.
	Sealed []byte
	// CreatedAt, ActivatedAt and RetiredAt are zero until they happened.
	CreatedAt   time.Time
	ActivatedAt time.Time
	RetiredAt   time.Time
	// ExpiresAt is when a retired key is no longer needed; zero before.
	ExpiresAt time.Time
}

// Sealer seals secrets that must be read back. Tenant, table, column and row
// are authenticated with the value, so that a moved record does not open.
type Sealer interface {
	Seal(place Place, plain []byte) ([]byte, error)
	Open(place Place, sealed []byte) ([]byte, error)
}

// Place says where a sealed value is stored.
type Place struct {
	Tenant TenantID
	Table  string
	Column string
	Row    string
}

// MACs are the symmetric keys of a tenant, for values that are compared and never read back.
type MACs interface {
	// CurrentMAC is the key for new values; its id is empty if the tenant has none.
	CurrentMAC() (KeyID, []byte)
	// MAC is the key with the id, whatever its state.
	MAC(id KeyID) ([]byte, bool)
}
