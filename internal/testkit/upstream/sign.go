package upstream

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"sync"
)

// keyring are the keys of a provider between two rotations.
type keyring struct {
	serial  int
	rsa     *rsa.PrivateKey
	ec      *ecdsa.PrivateKey
	ed25519 ed25519.PrivateKey
}

// rsaKeys are made once for all providers of a test binary: making one takes a while.
var rsaKeys = sync.OnceValue(func() [2]*rsa.PrivateKey {
	var pair [2]*rsa.PrivateKey
	for i := range pair {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		pair[i] = key
	}
	return pair
})

// newKeyring makes keys that differ from those of the serial before.
func newKeyring(serial int) keyring {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return keyring{serial: serial, rsa: rsaKeys()[serial%2], ec: ec, ed25519: ed}
}

func (k keyring) kid(alg string) string { return fmt.Sprintf("%s-%d", alg[:2], k.serial) }

// public are the keys as a JWK Set (RFC 7517).
func (k keyring) public() map[string]any {
	point, err := k.ec.PublicKey.Bytes() // 0x04, x, y
	if err != nil {
		panic(err)
	}
	return map[string]any{"keys": []map[string]any{
		{"kty": "RSA", "use": "sig", "kid": k.kid("RS256"), "n": encode(k.rsa.N.Bytes()), "e": encode(big.NewInt(int64(k.rsa.E)).Bytes())},
		{"kty": "RSA", "use": "sig", "alg": "PS256", "kid": k.kid("PS256"), "n": encode(k.rsa.N.Bytes()), "e": encode(big.NewInt(int64(k.rsa.E)).Bytes())},
		{"kty": "EC", "use": "sig", "crv": "P-256", "kid": k.kid("ES256"), "x": encode(point[1:33]), "y": encode(point[33:])},
		{"kty": "OKP", "use": "sig", "crv": "Ed25519", "kid": k.kid("EdDSA"), "x": encode(k.ed25519.Public().(ed25519.PublicKey))},
		{"kty": "EC", "use": "enc", "crv": "P-256", "kid": "for-encryption", "x": encode(point[1:33]), "y": encode(point[33:])},
		{"kty": "of a kind that nobody knows", "kid": "unknown"},
	}}
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// sign makes a compact JWS (RFC 7515 §7.1) of a payload.
func (k keyring) sign(alg, kid string, payload []byte) string {
	header := map[string]string{"alg": alg, "typ": "JWT"}
	if kid != "" {
		header["kid"] = kid
	}
	head, err := json.Marshal(header)
	if err != nil {
		panic(err)
	}
	input := encode(head) + "." + encode(payload)
	return input + "." + encode(k.signature(alg, []byte(input)))
}

func (k keyring) signature(alg string, input []byte) []byte {
	digest := sha256.Sum256(input)
	var out []byte
	var err error
	switch alg {
	case "none":
	case "HS256":
		mac := hmac.New(sha256.New, k.publicPEM())
		_, _ = mac.Write(input)
		out = mac.Sum(nil)
	case "ES256":
		var r, s *big.Int
		r, s, err = ecdsa.Sign(rand.Reader, k.ec, digest[:])
		if err == nil {
			out = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
		}
	case "EdDSA":
		out = ed25519.Sign(k.ed25519, input)
	case "PS256":
		out, err = rsa.SignPSS(rand.Reader, k.rsa, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	default:
		out, err = rsa.SignPKCS1v15(nil, k.rsa, crypto.SHA256, digest[:])
	}
	if err != nil {
		panic(err)
	}
	return out
}

func (k keyring) publicPEM() []byte {
	der, err := x509.MarshalPKIXPublicKey(&k.rsa.PublicKey)
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// idToken signs the claims, in the way that the faults say.
func (p *Provider) idToken(claims map[string]any) string {
	payload, err := json.Marshal(claims)
	if err != nil {
		p.t.Errorf("write an ID token: %v", err)
		return ""
	}
	if p.broken(DuplicateClaim, PathToken) {
		payload = append([]byte(`{"sub":"somebody-else",`), payload[1:]...)
	}
	p.mu.Lock()
	p.unknown++
	keys, number := p.keys, p.unknown
	p.mu.Unlock()
	alg := p.options.Algorithm
	kid := keys.kid(alg)
	switch {
	case p.broken(AlgNone, PathToken):
		return strings.TrimSuffix(keys.sign("none", kid, payload), ".") + "."
	case p.broken(AlgHS256, PathToken):
		alg = "HS256"
	case p.broken(WrongSignature, PathToken):
		keys = newKeyring(keys.serial + 1)
	case p.broken(UnknownKey, PathToken):
		kid = fmt.Sprintf("nobody-publishes-%d", number)
	case p.broken(NoKeyID, PathToken):
		kid = ""
	}
	return keys.sign(alg, kid, payload)
}

// hashOf is at_hash of an access token (OpenID Connect Core §3.1.3.6).
func hashOf(alg, token string) string {
	if alg == "EdDSA" {
		sum := sha512.Sum512([]byte(token))
		return encode(sum[:32])
	}
	sum := sha256.Sum256([]byte(token))
	return encode(sum[:16])
}
