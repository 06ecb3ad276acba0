package lanyard

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"
)

// ChallengeS256 is the only code_challenge_method (RFC 7636 §4.2, RFC 9700 §2.1.1).
const ChallengeS256 = "S256"

// challengeLength is the base64url length of a SHA-256 value.
const challengeLength = 43

// ValidChallenge tells whether s has the form of an S256 code challenge (RFC 7636 §4.2).
func ValidChallenge(s string) bool {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(s) == challengeLength && len(raw) == sha256.Size
}

// VerifierMatches tells whether the verifier belongs to the challenge, in constant
// time; a verifier outside RFC 7636 §4.1 (43 to 128 unreserved characters) never does.
func VerifierMatches(verifier, challenge string) bool {
	if len(verifier) < 43 || len(verifier) > 128 || strings.Trim(verifier, unreserved) != "" {
		return false
	}
	sum := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) == 1
}

const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
