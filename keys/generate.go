package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/lanyard-id/lanyard"
)

// rsaBits is the size of new RSA keys: signing with 4096 bits costs six times as much.
const rsaBits = 2048

// macSize is the length of a symmetric key in bytes.
const macSize = 32

// Generate makes a fresh private key for a signature algorithm.
func Generate(alg string) (crypto.Signer, error) {
	switch alg {
	case lanyard.AlgRS256:
		return rsa.GenerateKey(rand.Reader, rsaBits)
	case lanyard.AlgES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case lanyard.AlgEdDSA:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	}
	return nil, fmt.Errorf("generate a key: %q is not an algorithm that we sign with", alg)
}

// place is where the private part of a key is stored.
func place(tenant lanyard.TenantID, id lanyard.KeyID) lanyard.Place {
	return lanyard.Place{Tenant: tenant, Table: "signing_keys", Column: "sealed", Row: string(id)}
}

// seal turns a private key into its stored form; the id is the RFC 7638 thumbprint.
func seal(sealer lanyard.Sealer, tenant lanyard.TenantID, alg string, private crypto.Signer) (lanyard.SigningKey, error) {
	public := jose.JSONWebKey{Key: private.Public(), Algorithm: alg, Use: "sig"}
	id, err := thumbprint(&public)
	if err != nil {
		return lanyard.SigningKey{}, err
	}
	public.KeyID = string(id)
	published, err := json.Marshal(public)
	if err != nil {
		return lanyard.SigningKey{}, fmt.Errorf("encode a public key: %w", err)
	}
	plain, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return lanyard.SigningKey{}, fmt.Errorf("encode a private key: %w", err)
	}
	sealed, err := sealer.Seal(place(tenant, id), plain)
	if err != nil {
		return lanyard.SigningKey{}, fmt.Errorf("seal a private key: %w", err)
	}
	return lanyard.SigningKey{ID: id, TenantID: tenant, Algorithm: alg, Public: published, Sealed: sealed}, nil
}

// sealMAC makes a symmetric key in its stored form; its id says nothing about it.
func sealMAC(sealer lanyard.Sealer, tenant lanyard.TenantID) (lanyard.SigningKey, error) {
	var raw [macSize]byte
	_, _ = rand.Read(raw[:]) // never fails since Go 1.24
	id := lanyard.KeyID("mac_" + lanyard.NewSecret().Reveal()[:22])
	sealed, err := sealer.Seal(place(tenant, id), raw[:])
	if err != nil {
		return lanyard.SigningKey{}, fmt.Errorf("seal a symmetric key: %w", err)
	}
	return lanyard.SigningKey{ID: id, TenantID: tenant, Algorithm: lanyard.AlgMAC, Sealed: sealed}, nil
}

func thumbprint(key *jose.JSONWebKey) (lanyard.KeyID, error) {
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("take the thumbprint of a key: %w", err)
	}
	return lanyard.KeyID(base64.RawURLEncoding.EncodeToString(sum)), nil
}

// parsePrivate reads an opened private key and checks that it belongs to its public one.
func parsePrivate(plain []byte, public crypto.PublicKey) (crypto.Signer, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(plain)
	if err != nil {
		return nil, fmt.Errorf("parse a private key: %w", err)
	}
	private, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, errors.New("parse a private key: it can not sign")
	}
	if same, ok := private.Public().(interface{ Equal(crypto.PublicKey) bool }); !ok || !same.Equal(public) {
		return nil, errors.New("parse a private key: it does not belong to its public key")
	}
	return private, nil
}

// in gives a key its state from a moment on.
func in(state lanyard.KeyState, key lanyard.SigningKey, now time.Time) lanyard.SigningKey {
	key.State, key.CreatedAt = state, now
	if state == lanyard.KeyActive {
		key.ActivatedAt = now
	}
	return key
}
