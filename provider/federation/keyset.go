package federation

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"github.com/lanyard-id/lanyard"
)

const (
	// maxKeys bounds the keys of an upstream that are looked at.
	maxKeys = 64
	// minRSA is the shortest RSA key that counts, in bits (RFC 7518 §3.3).
	minRSA = 2048
)

// keySet are the public signature keys of an upstream that can be used here.
type keySet []upstreamKeyOf

// upstreamKeyOf is one of them.
type upstreamKeyOf struct {
	jose.JSONWebKey
	// issuer is for whose tokens the key is, with Microsoft's {tenantid}; empty for all.
	issuer string
}

func (u *Upstreams) keysOf(ctx context.Context, c lanyard.Connection, d discovery) (keySet, error) {
	return u.of(c).keys.get(ctx, u.clock.Now, u.loadKeys(d))
}

// keyFor finds the keys that may have signed a token. If there is none, the key set is
// fetched again, once a minute at most, whoever asks.
func (u *Upstreams) keyFor(ctx context.Context, c lanyard.Connection, d discovery, kid, alg string) (keySet, error) {
	all, err := u.keysOf(ctx, c, d)
	if err != nil {
		return nil, err
	}
	if fitting := all.fitting(kid, alg); len(fitting) > 0 {
		return fitting, nil
	}
	if all, err = u.of(c).keys.again(ctx, u.clock.Now, u.loadKeys(d)); err != nil {
		return nil, err
	}
	if fitting := all.fitting(kid, alg); len(fitting) > 0 {
		return fitting, nil
	}
	return nil, wrong("the key of its ID token is not published")
}

func (u *Upstreams) loadKeys(d discovery) func(context.Context) (keySet, error) {
	return func(ctx context.Context) (keySet, error) {
		body, err := u.document(ctx, d.jwks)
		if err != nil {
			return nil, err
		}
		return parseKeys(body)
	}
}

// parseKeys leaves out keys of a kind or use that is not ours, as other implementations add them (RFC 7517 §5).
func parseKeys(body []byte) (keySet, error) {
	var text struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(body, &text) != nil || len(text.Keys) == 0 {
		return nil, down("its key set can not be read")
	}
	var all keySet
	for _, raw := range text.Keys[:min(len(text.Keys), maxKeys)] {
		var extra struct {
			Issuer string `json:"issuer"`
		}
		var key jose.JSONWebKey
		if key.UnmarshalJSON(raw) != nil || json.Unmarshal(raw, &extra) != nil || !usable(key) {
			continue
		}
		all = append(all, upstreamKeyOf{JSONWebKey: key.Public(), issuer: extra.Issuer})
	}
	if len(all) == 0 {
		return nil, down("its key set has no key that can be used")
	}
	return all, nil
}

func usable(key jose.JSONWebKey) bool {
	return key.Valid() && (key.Use == "" || key.Use == "sig") && algorithmsOf(key.Key) != nil
}

// algorithmsOf are the algorithms that a public or private key can sign in.
func algorithmsOf(key any) []string {
	switch k := key.(type) {
	case *rsa.PrivateKey:
		return algorithmsOf(&k.PublicKey)
	case *ecdsa.PrivateKey:
		return algorithmsOf(&k.PublicKey)
	case ed25519.PrivateKey, ed25519.PublicKey:
		return []string{lanyard.AlgEdDSA}
	case *rsa.PublicKey:
		if k.N.BitLen() >= minRSA {
			return []string{lanyard.AlgRS256, lanyard.AlgPS256}
		}
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return []string{lanyard.AlgES256}
		}
	}
	return nil
}

// fitting are the keys with the kid, or with none named the only one, that sign in the algorithm.
func (s keySet) fitting(kid, alg string) keySet {
	var found keySet
	for _, key := range s {
		named := kid == "" || key.KeyID == kid
		if named && (key.Algorithm == "" || key.Algorithm == alg) && slices.Contains(algorithmsOf(key.Key), alg) {
			found = append(found, key)
		}
	}
	if kid == "" && len(found) > 1 {
		return nil
	}
	return found
}
