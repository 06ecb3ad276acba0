package keys

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/strictjson"
)

// maxToken bounds what is looked at, in bytes; our own tokens are far smaller.
const maxToken = 32 << 10

// VerifyOwn checks a token that this tenant signed and gives its payload. Only
// the compact form passes, with exactly the header that Sign writes: the type
// asked for, a kid of this ring (retired ones included) and that key's
// algorithm, which must be among algs if any are given. A header with crit, jwk,
// jku, x5u, x5c or anything else is refused, nothing outside the ring is ever
// consulted, and the payload is one JSON object without duplicate members.
// Everything refused is lanyard.ErrInvalidToken. Times, issuer and audience are
// the caller's to check.
func (r *Ring) VerifyOwn(token, typ string, algs ...string) ([]byte, error) {
	header, err := ownHeader(token)
	if err != nil {
		return nil, err
	}
	public := r.public[lanyard.KeyID(header.KeyID)]
	switch {
	case header.Type != typ:
		return nil, refused("it is another kind of token")
	case public == nil:
		return nil, refused("its key is not ours")
	case header.Algorithm != public.Algorithm, len(algs) > 0 && !slices.Contains(algs, header.Algorithm):
		return nil, refused("its algorithm is not the one of its key, or not allowed here")
	}
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(public.Algorithm)})
	if err != nil {
		return nil, refused("it is malformed")
	}
	payload, err := parsed.Verify(public.Key)
	if err != nil {
		return nil, refused("its signature is wrong")
	}
	if !strictjson.Object(payload) {
		return nil, refused("its payload is not one plain JSON object")
	}
	return payload, nil
}

// header holds the only members that a header of ours has.
type header struct{ Algorithm, KeyID, Type string }

// ownHeader reads the header of a compact JWS and refuses every other form.
func ownHeader(token string) (header, error) {
	if len(token) > maxToken || strings.Count(token, ".") != 2 {
		return header{}, refused("it is not a compact JWS of a sane size")
	}
	parts := strings.Split(token, ".")
	for _, part := range parts {
		if !canonicalBase64(part) {
			return header{}, refused("it is not in base64url")
		}
	}
	raw, _ := base64.RawURLEncoding.DecodeString(parts[0]) // checked above
	members := map[string]string{}
	if !strictjson.Object(raw) || json.Unmarshal(raw, &members) != nil {
		return header{}, refused("its header is not an object of texts")
	}
	h := header{Algorithm: members["alg"], KeyID: members["kid"], Type: members["typ"]}
	if len(members) != 3 || h.Algorithm == "" || h.KeyID == "" || h.Type == "" {
		return header{}, refused("its header is not one that we write")
	}
	return h, nil
}

// canonicalBase64 accepts one spelling of each value only: no line breaks, which
// Go's decoder skips, no stray bits at the end, nothing empty.
func canonicalBase64(part string) bool {
	if part == "" || strings.ContainsAny(part, "\r\n") {
		return false
	}
	_, err := base64.RawURLEncoding.Strict().DecodeString(part)
	return err == nil
}

func refused(why string) error {
	return fmt.Errorf("verify a token: %w: %s", lanyard.ErrInvalidToken, why)
}
