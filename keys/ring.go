package keys

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/cryptosigner"

	"github.com/lanyard-id/lanyard"
)

// The kinds of token that a tenant signs, as they stand in the typ header. A
// verifier that insists on one never takes another kind for it (RFC 8725 §3.11).
const (
	// TypeIDToken is the type of ID tokens.
	TypeIDToken = "JWT"
	// TypeAccessToken is the type of access tokens (RFC 9068 §2.1).
	TypeAccessToken = "at+jwt"
	// TypeLogoutToken is the type of logout tokens (OpenID Connect Back-Channel Logout §2.4).
	TypeLogoutToken = "logout+jwt"
	// TypeIntrospection is the type of signed introspection answers (RFC 9701 §5).
	TypeIntrospection = "token-introspection+jwt"
)

var signedTypes = []string{TypeIDToken, TypeAccessToken, TypeLogoutToken, TypeIntrospection}

// Ring is one tenant's keys, opened and ready. It never changes and is safe for
// use by several goroutines; a change of the stored keys makes a new Ring.
type Ring struct {
	tenant  lanyard.TenantID
	public  map[lanyard.KeyID]*jose.JSONWebKey
	signers map[signerKey]jose.Signer
	algs    []string
	macs    map[lanyard.KeyID][]byte
	mac     lanyard.KeyID
	jwks    []byte
	etag    string
}

type signerKey struct{ alg, typ string }

// NewRing opens a tenant's stored keys. It fails when one of them does not open
// under the sealer, so that a process with a wrong master key never serves, and
// when a key's public part is not the one that was sealed with it.
func NewRing(tenant lanyard.TenantID, stored []lanyard.SigningKey, sealer lanyard.Sealer) (*Ring, error) {
	r := &Ring{
		tenant:  tenant,
		public:  map[lanyard.KeyID]*jose.JSONWebKey{},
		signers: map[signerKey]jose.Signer{},
		macs:    map[lanyard.KeyID][]byte{},
	}
	for _, key := range stored {
		if err := r.add(key, sealer); err != nil {
			return nil, fmt.Errorf("open key %s of tenant %s: %w", key.ID, tenant, err)
		}
	}
	slices.Sort(r.algs)
	return r, r.publish(stored)
}

// Algorithms lists what the tenant signs with at the moment, in order.
func (r *Ring) Algorithms() []string { return slices.Clone(r.algs) }

// Sign makes a compact JWS with the active key of the algorithm; kid and typ
// stand in its header. The type is one of the constants of this package.
func (r *Ring) Sign(alg, typ string, payload []byte) (string, error) {
	signer := r.signers[signerKey{alg, typ}]
	if signer == nil {
		return "", fmt.Errorf("sign a token: tenant %s has no active key for %s and type %s", r.tenant, alg, typ)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	return signed.CompactSerialize()
}

// MAC is the symmetric key with the id, whatever its state.
func (r *Ring) MAC(id lanyard.KeyID) ([]byte, bool) {
	key, ok := r.macs[id]
	return key, ok
}

// CurrentMAC is the symmetric key for new values; the id is empty if the tenant has none.
func (r *Ring) CurrentMAC() (lanyard.KeyID, []byte) { return r.mac, r.macs[r.mac] }

// MACs walks all symmetric keys of the tenant; the keys must not be changed.
func (r *Ring) MACs() iter.Seq2[lanyard.KeyID, []byte] { return maps.All(r.macs) }

func (r *Ring) add(key lanyard.SigningKey, sealer lanyard.Sealer) error {
	plain, err := sealer.Open(place(r.tenant, key.ID), key.Sealed)
	if err != nil {
		return err
	}
	if key.Algorithm == lanyard.AlgMAC {
		return r.addMAC(key, plain)
	}
	public, err := parsePublic(key)
	if err != nil {
		return err
	}
	r.public[key.ID] = public
	if key.State != lanyard.KeyActive {
		return nil
	}
	return r.addSigners(key.Algorithm, public, plain)
}

func (r *Ring) addMAC(key lanyard.SigningKey, plain []byte) error {
	if len(plain) != macSize {
		return errors.New("the symmetric key has a wrong length")
	}
	r.macs[key.ID] = plain
	if key.State == lanyard.KeyActive {
		r.mac = key.ID
	}
	return nil
}

func (r *Ring) addSigners(alg string, public *jose.JSONWebKey, plain []byte) error {
	private, err := parsePrivate(plain, public.Key)
	if err != nil {
		return err
	}
	holder := holder{OpaqueSigner: cryptosigner.Opaque(private), public: public}
	for _, typ := range signedTypes {
		options := (&jose.SignerOptions{}).WithType(jose.ContentType(typ))
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: holder}, options)
		if err != nil {
			return fmt.Errorf("set up signing with %s: %w", alg, err)
		}
		r.signers[signerKey{alg, typ}] = signer
	}
	r.algs = append(r.algs, alg)
	return nil
}

// parsePublic reads the public part. Its thumbprint must be the key's id, which
// the seal of the private part authenticates: who can write rows but has no
// master key can not have a key of their own trusted.
func parsePublic(key lanyard.SigningKey) (*jose.JSONWebKey, error) {
	public := &jose.JSONWebKey{}
	if err := json.Unmarshal(key.Public, public); err != nil {
		return nil, fmt.Errorf("parse a public key: %w", err)
	}
	id, err := thumbprint(public)
	if err != nil {
		return nil, err
	}
	if id != key.ID || !public.IsPublic() {
		return nil, errors.New("parse a public key: it is not the one of the stored id")
	}
	public.KeyID, public.Algorithm, public.Use = string(key.ID), key.Algorithm, "sig"
	return public, nil
}

// holder signs with a private key wherever that is: every crypto.Signer will do,
// so a KMS or a PKCS #11 token can hold it. It adds the kid to the public part.
type holder struct {
	jose.OpaqueSigner
	public *jose.JSONWebKey
}

// Public is the published form of the key.
func (h holder) Public() *jose.JSONWebKey { return h.public }
