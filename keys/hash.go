package keys

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"

	"github.com/lanyard-id/lanyard"
)

// HalfHash is the value of at_hash and c_hash: the left-most half of the hash
// that belongs to the ID token's algorithm, in base64url (OpenID Connect Core
// §3.1.3.6). Ed25519 hashes with SHA-512.
func HalfHash(alg, value string) string {
	if alg == lanyard.AlgEdDSA {
		sum := sha512.Sum512([]byte(value))
		return base64.RawURLEncoding.EncodeToString(sum[:sha512.Size/2])
	}
	sum := sha256.Sum256([]byte(value))
	return base64.RawURLEncoding.EncodeToString(sum[:sha256.Size/2])
}
