package upstream

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// authenticate checks that the client proves itself in exactly one of the ways that
// are offered; the answer is the complaint.
func (p *Provider) authenticate(r *http.Request) string {
	id, secret, basic := r.BasicAuth()
	if basic {
		id, _ = url.QueryUnescape(id) // RFC 6749 §2.3.1
		secret, _ = url.QueryUnescape(secret)
	}
	posted, assertion := r.PostForm.Get("client_secret"), r.PostForm.Get("client_assertion")
	method := ""
	switch {
	case basic && posted == "" && assertion == "":
		method = "client_secret_basic"
	case !basic && posted != "" && assertion == "":
		method, id, secret = "client_secret_post", r.PostForm.Get("client_id"), posted
	case !basic && posted == "" && assertion != "":
		method, id = "private_key_jwt", r.PostForm.Get("client_id")
	}
	switch {
	case !slices.Contains(p.authMethods(), method):
		return "the method is not offered: " + method
	case id != p.options.ClientID:
		return "the client is not known"
	case method == "private_key_jwt":
		if r.PostForm.Get("client_assertion_type") != assertionType {
			return "the type of the assertion is not right"
		}
		return p.checkAssertion(assertion)
	case secret != p.options.ClientSecret:
		return "the secret is not right"
	}
	return ""
}

// checkAssertion verifies a client assertion (RFC 7523 §3).
func (p *Provider) checkAssertion(assertion string) string {
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		return "the assertion is malformed"
	}
	var header struct{ Alg, Kid, Typ string }
	var payload struct {
		Iss, Sub, Aud, Jti string
		Exp, Iat           int64
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || decode(parts[0], &header) != nil || decode(parts[1], &payload) != nil {
		return "the assertion is malformed"
	}
	now := p.options.Now()
	switch {
	case !verify(p.options.ClientKey, header.Alg, []byte(parts[0]+"."+parts[1]), signature):
		return "the signature of the assertion is not right"
	case payload.Iss != p.options.ClientID || payload.Sub != p.options.ClientID || payload.Jti == "":
		return "the assertion is of somebody else"
	case payload.Aud != p.base()+PathToken:
		return "the assertion is for somebody else"
	case now.After(time.Unix(payload.Exp, 0)) || now.Add(time.Minute).Before(time.Unix(payload.Iat, 0)):
		return "the assertion does not count now"
	}
	return ""
}

func decode(part string, into any) error {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, into)
}

func verify(key crypto.PublicKey, alg string, input, signature []byte) bool {
	digest := sha256.Sum256(input)
	switch k := key.(type) {
	case *rsa.PublicKey:
		if alg == "PS256" {
			return rsa.VerifyPSS(k, crypto.SHA256, digest[:], signature, nil) == nil
		}
		return alg == "RS256" && rsa.VerifyPKCS1v15(k, crypto.SHA256, digest[:], signature) == nil
	case *ecdsa.PublicKey:
		return alg == "ES256" && len(signature) == 64 &&
			ecdsa.Verify(k, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
	case ed25519.PublicKey:
		return alg == "EdDSA" && ed25519.Verify(k, input, signature)
	}
	return false
}
