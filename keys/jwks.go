package keys

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/lanyard-id/lanyard"
)

// JWKS is the tenant's published key set (RFC 7517 §5) and its strong entity
// tag, both made when the ring was built: keys that will sign, that sign, and
// that signed what is still alive. The caller must not change the body.
func (r *Ring) JWKS() ([]byte, string) { return r.jwks, r.etag }

func (r *Ring) publish(stored []lanyard.SigningKey) error {
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, key := range inOrder(stored) {
		if public := r.public[key.ID]; public != nil {
			set.Keys = append(set.Keys, *public)
		}
	}
	body, err := json.Marshal(set)
	if err != nil {
		return fmt.Errorf("encode the key set: %w", err)
	}
	sum := sha256.Sum256(body)
	r.jwks, r.etag = body, `"`+base64.RawURLEncoding.EncodeToString(sum[:12])+`"`
	return nil
}

// inOrder sorts active keys before all others, RS256 first: naive relying
// parties take the first key.
func inOrder(stored []lanyard.SigningKey) []lanyard.SigningKey {
	states := []lanyard.KeyState{lanyard.KeyActive, lanyard.KeyNext, lanyard.KeyRetired}
	algs := []string{lanyard.AlgRS256, lanyard.AlgES256, lanyard.AlgEdDSA}
	return slices.SortedFunc(slices.Values(stored), func(a, b lanyard.SigningKey) int {
		if d := slices.Index(states, a.State) - slices.Index(states, b.State); d != 0 {
			return d
		}
		if d := slices.Index(algs, a.Algorithm) - slices.Index(algs, b.Algorithm); d != 0 {
			return d
		}
		return strings.Compare(string(a.ID), string(b.ID))
	})
}
