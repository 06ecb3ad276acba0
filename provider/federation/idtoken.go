package federation

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/lanyard-id/lanyard"
)

const (
	// maxIDToken bounds an ID token, in bytes; Microsoft's with 200 groups have 12 KiB.
	maxIDToken = 32 << 10
	// leeway is how far the upstream's clock may be off.
	leeway = time.Minute
)

// validate checks an ID token (OpenID Connect Core §3.1.3.7) and gives its claims.
func (u *Upstreams) validate(ctx context.Context, c lanyard.Connection, d discovery, a Attempt, got tokens) (claims, error) {
	alg, key, payload, err := u.verify(ctx, c, d, got.ID)
	if err != nil {
		return nil, err
	}
	all, err := readClaims(payload)
	if err != nil {
		return nil, wrong("its ID token: %v", err)
	}
	if !rulesOf(c).issued(d.issuer, all) || (c.Kind == lanyard.ConnectionMicrosoft && !key.serves(all)) {
		return nil, wrong("its ID token is of another issuer")
	}
	if err := checkAudience(c.UpstreamClientID, all); err != nil {
		return nil, err
	}
	now := u.clock.Now()
	if err := checkTimes(now, all); err != nil {
		return nil, err
	}
	if !same(all.text("nonce"), a.Nonce) {
		return nil, wrong("the nonce is not the one of the attempt")
	}
	if all.has("at_hash") && (got.Access == "" || !same(all.text("at_hash"), accessHash(alg, got.Access))) {
		return nil, wrong("its access token is not the one of its ID token")
	}
	if a.MaxAge != nil {
		return all, checkAge(now, *a.MaxAge, all)
	}
	return all, nil
}

// verify checks the signature, with a key that the issuer publishes and an algorithm that the connection allows.
func (u *Upstreams) verify(ctx context.Context, c lanyard.Connection, d discovery, token string) (alg string, by upstreamKeyOf, payload []byte, err error) {
	if len(token) > maxIDToken {
		return "", by, nil, wrong("its ID token is too long")
	}
	var allowed []jose.SignatureAlgorithm
	for _, name := range c.SignedBy() {
		allowed = append(allowed, jose.SignatureAlgorithm(name))
	}
	parsed, err := jose.ParseSignedCompact(token, allowed)
	if err != nil || len(parsed.Signatures) != 1 {
		return "", by, nil, wrong("its ID token is malformed, or in an algorithm that is not allowed")
	}
	header := parsed.Signatures[0].Protected
	keys, err := u.keyFor(ctx, c, d, header.KeyID, header.Algorithm)
	if err != nil {
		return "", by, nil, err
	}
	for _, key := range keys {
		if payload, err := parsed.Verify(key.Key); err == nil {
			return header.Algorithm, key, payload, nil
		}
	}
	return "", by, nil, wrong("the signature of its ID token is not right")
}

// serves tells whether the key is for the issuer of a token: Microsoft publishes keys
// of several issuers together.
func (k upstreamKeyOf) serves(all claims) bool {
	return k.issuer == "" || strings.ReplaceAll(k.issuer, tenantHole, all.text("tid")) == all.text("iss")
}

// checkAudience: the token is for us, and if it is for others too, it was made for us.
func checkAudience(client string, all claims) error {
	audience := all.list("aud")
	if !slices.Contains(audience, client) {
		return wrong("its ID token is for somebody else")
	}
	if all.has("azp") || len(audience) > 1 {
		if all.text("azp") != client {
			return wrong("its ID token was made for somebody else")
		}
	}
	return nil
}

func checkTimes(now time.Time, all claims) error {
	expires, hasExpiry := all.moment("exp")
	issued, hasIssue := all.moment("iat")
	switch {
	case !hasExpiry || !hasIssue:
		return wrong("its ID token has no times")
	case !now.Before(expires.Add(leeway)):
		return wrong("its ID token has expired")
	case issued.After(now.Add(leeway)):
		return wrong("its ID token is of the future")
	}
	if from, ok := all.moment("nbf"); all.has("nbf") && (!ok || from.After(now.Add(leeway))) {
		return wrong("its ID token does not count yet")
	}
	return nil
}

// checkAge is for attempts with a MaxAge (OpenID Connect Core §2, auth_time).
func checkAge(now time.Time, most int64, all claims) error {
	at, ok := all.moment("auth_time")
	if !ok || now.Sub(at) > time.Duration(most)*time.Second+leeway {
		return wrong("the person did not prove who they are again")
	}
	return nil
}

// accessHash is at_hash (OpenID Connect Core §3.1.3.6); Ed25519 goes with SHA-512.
func accessHash(alg, token string) string {
	if alg == lanyard.AlgEdDSA {
		sum := sha512.Sum512([]byte(token))
		return base64.RawURLEncoding.EncodeToString(sum[:sha512.Size/2])
	}
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:sha256.Size/2])
}

// bounded is a payload that is small enough to keep; it is, as its token was.
func bounded(all claims) json.RawMessage {
	raw, err := json.Marshal(all)
	if err != nil || len(raw) > maxIDToken {
		return nil
	}
	return raw
}
