package federation

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/lanyard-id/lanyard"
)

var errorCode = regexp.MustCompile(`^[a-z_]{1,40}$`)

const (
	// assertionType is the client_assertion_type of RFC 7523 §2.2.
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	// assertionFor is how long a client assertion can be used.
	assertionFor = time.Minute
)

// authenticate adds our proof to a token request.
func (u *Upstreams) authenticate(c lanyard.Connection, d discovery, header http.Header, form url.Values) error {
	plain, err := u.sealer.Open(c.SecretPlace(), c.SealedSecret)
	if err != nil {
		return fmt.Errorf("open the secret of a connection: %w", err)
	}
	switch d.method(c) {
	case lanyard.UpstreamJWT:
		assertion, err := u.clientAssertion(c, d, plain)
		if err != nil {
			return err
		}
		form.Set("client_id", c.UpstreamClientID)
		form.Set("client_assertion_type", assertionType)
		form.Set("client_assertion", assertion)
	case lanyard.UpstreamPost:
		form.Set("client_id", c.UpstreamClientID)
		form.Set("client_secret", string(plain))
	default:
		pair := url.QueryEscape(c.UpstreamClientID) + ":" + url.QueryEscape(string(plain)) // RFC 6749 §2.3.1
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	}
	return nil
}

// clientAssertion signs who we are for the token endpoint (RFC 7523 §3). The key is
// the connection's own, so that its signature is worth nothing at another provider.
func (u *Upstreams) clientAssertion(c lanyard.Connection, d discovery, plain []byte) (string, error) {
	key, alg, err := parsePrivateKey(plain)
	if err != nil {
		return "", err
	}
	options := (&jose.SignerOptions{}).WithType("JWT")
	if thumb := key.CertificateThumbprintSHA256; len(thumb) > 0 {
		options = options.WithHeader("x5t#S256", base64.RawURLEncoding.EncodeToString(thumb))
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: key}, options)
	if err != nil {
		return "", fmt.Errorf("use the key of a connection: %w", err)
	}
	now := u.clock.Now()
	payload, err := json.Marshal(map[string]any{
		"iss": c.UpstreamClientID, "sub": c.UpstreamClientID, "aud": d.token, "jti": lanyard.NewSecret().Reveal(),
		"iat": now.Unix(), "exp": now.Add(assertionFor).Unix(),
	})
	if err != nil {
		return "", fmt.Errorf("write a client assertion: %w", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("sign a client assertion: %w", err)
	}
	return signed.CompactSerialize()
}

// CheckKey tells whether text is a private key that private_key_jwt can use: a JWK.
func CheckKey(text lanyard.Secret) error {
	_, _, err := parsePrivateKey([]byte(text.Reveal()))
	return err
}

func parsePrivateKey(plain []byte) (jose.JSONWebKey, string, error) {
	bad := lanyard.ErrBadInput.Saying("the key of a connection is a private JWK: RSA of 2048 bits, P-256 or Ed25519")
	var key jose.JSONWebKey
	if key.UnmarshalJSON(plain) != nil || !key.Valid() || key.IsPublic() {
		return jose.JSONWebKey{}, "", bad
	}
	able := algorithmsOf(key.Key)
	switch {
	case len(able) == 0:
		return jose.JSONWebKey{}, "", bad
	case key.Algorithm == "":
		return key, able[0], nil
	case !slices.Contains(able, key.Algorithm):
		return jose.JSONWebKey{}, "", bad
	}
	return key, key.Algorithm, nil
}
