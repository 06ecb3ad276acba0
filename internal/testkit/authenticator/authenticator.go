package authenticator

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// es256 is the only algorithm that the authenticator knows (RFC 9053 §2.1).
const es256 = -7

// Flags of authenticator data (WebAuthn §6.1).
const (
	flagPresent        = 0x01
	flagVerified       = 0x04
	flagBackupEligible = 0x08
	flagBackedUp       = 0x10
	flagCredential     = 0x40
)

// Credential is a passkey in the authenticator.
type Credential struct {
	ID     string // base64url
	RPID   string
	Handle []byte
	key    *ecdsa.PrivateKey
}

// Authenticator is a browser on a page of an origin, with an authenticator. Make it with New.
type Authenticator struct {
	// Origin is that of the page, such as https://id.example.test.
	Origin string
	// AAGUID names the make.
	AAGUID [16]byte
	// Synced credentials are backed up by their provider.
	Synced bool
	// Counting authenticators raise Counter with each signature; others always say Counter.
	Counting bool
	Counter  uint32
	// Credentials are the passkeys that it holds, oldest first.
	Credentials []Credential

	// How it misbehaves. NoUV and NoUP answer without the user's verification or
	// presence whatever is asked; Wrong… say something else than the truth; Use signs
	// with that credential (its ID) whatever is allowed.
	NoUV, NoUP     bool
	WrongOrigin    string
	WrongRPID      string
	WrongChallenge string
	WrongType      string
	WrongHandle    []byte
	NoHandle       bool
	BadSignature   bool
	CrossOrigin    bool
	NotEligible    bool // says that a synced credential is not, after its making
	Use            string
	// Unasked adds extension outputs that nobody asked for, as some password managers do.
	Unasked bool
}

// New makes an authenticator without credentials, in a browser on a page of the origin.
func New(origin string) *Authenticator { return &Authenticator{Origin: origin} }

// What is refused as a browser would.
var (
	ErrExcluded     = errors.New("the authenticator has one of the excluded credentials")
	ErrNoCredential = errors.New("the authenticator has none of the allowed credentials")
)

type descriptor struct {
	ID string `json:"id"`
}

type creationOptions struct {
	RP   struct{ ID string }
	User struct {
		ID          string
		Name        string
		DisplayName string `json:"displayName"`
	}
	Challenge        string
	PubKeyCredParams []struct {
		Type string
		Alg  int
	} `json:"pubKeyCredParams"`
	ExcludeCredentials     []descriptor `json:"excludeCredentials"`
	AuthenticatorSelection struct {
		UserVerification string `json:"userVerification"`
	} `json:"authenticatorSelection"`
}

type requestOptions struct {
	RPID             string `json:"rpId"`
	Challenge        string
	AllowCredentials []descriptor `json:"allowCredentials"`
}

// Create makes a credential for the options of PublicKeyCredential.parseCreationOptionsFromJSON.
func (a *Authenticator) Create(optionsJSON []byte) ([]byte, error) {
	var options creationOptions
	if err := json.Unmarshal(optionsJSON, &options); err != nil {
		return nil, err
	}
	if err := a.mayUse(options.RP.ID); err != nil {
		return nil, err
	}
	handle, err := base64.RawURLEncoding.DecodeString(options.User.ID)
	if err != nil || len(handle) == 0 || len(handle) > 64 || options.User.Name == "" {
		return nil, fmt.Errorf("the user entity is not complete: %+v, %w", options.User, err)
	}
	for _, c := range a.Credentials {
		if c.RPID == options.RP.ID && slices.Contains(options.ExcludeCredentials, descriptor{c.ID}) {
			return nil, ErrExcluded
		}
	}
	known := false
	for _, p := range options.PubKeyCredParams {
		known = known || p.Type == "public-key" && p.Alg == es256
	}
	if !known {
		return nil, errors.New("ES256 is not wanted")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	raw := make([]byte, 32)
	_, _ = rand.Read(raw)
	c := Credential{ID: base64.RawURLEncoding.EncodeToString(raw), RPID: options.RP.ID, Handle: handle, key: key}
	a.Credentials = append(a.Credentials, c)
	data := a.data(c.RPID, flagCredential)
	data = append(data, a.AAGUID[:]...)
	data = binary.BigEndian.AppendUint16(data, uint16(len(raw)))
	data = append(append(data, raw...), coseKey(&key.PublicKey)...)
	return a.answer(c.ID, map[string]any{
		"clientDataJSON":     encode(a.clientData("webauthn.create", options.Challenge)),
		"attestationObject":  encode(attestationObject(data)),
		"authenticatorData":  encode(data),
		"publicKeyAlgorithm": es256,
		"transports":         []string{"internal", "hybrid"},
	})
}

// Get signs the options of PublicKeyCredential.parseRequestOptionsFromJSON with the newest allowed credential.
func (a *Authenticator) Get(optionsJSON []byte) ([]byte, error) {
	var options requestOptions
	if err := json.Unmarshal(optionsJSON, &options); err != nil {
		return nil, err
	}
	if err := a.mayUse(options.RPID); err != nil {
		return nil, err
	}
	c, err := a.choose(options)
	if err != nil {
		return nil, err
	}
	if a.Counting {
		a.Counter++
	}
	data, client := a.data(options.RPID, 0), a.clientData("webauthn.get", options.Challenge)
	hash := sha256.Sum256(client)
	digest := sha256.Sum256(append(slices.Clone(data), hash[:]...))
	if a.BadSignature {
		digest[0] ^= 1
	}
	signature, err := ecdsa.SignASN1(rand.Reader, c.key, digest[:])
	if err != nil {
		return nil, err
	}
	response := map[string]any{
		"clientDataJSON": encode(client), "authenticatorData": encode(data), "signature": encode(signature), "userHandle": encode(c.Handle),
	}
	if a.WrongHandle != nil {
		response["userHandle"] = encode(a.WrongHandle)
	}
	if a.NoHandle {
		delete(response, "userHandle")
	}
	return a.answer(c.ID, response)
}

// choose finds the newest credential that the options allow.
func (a *Authenticator) choose(options requestOptions) (Credential, error) {
	for _, c := range slices.Backward(a.Credentials) {
		switch {
		case a.Use != "" && c.ID == a.Use:
			return c, nil
		case a.Use != "" || c.RPID != options.RPID:
		case len(options.AllowCredentials) == 0 || slices.Contains(options.AllowCredentials, descriptor{c.ID}):
			return c, nil
		}
	}
	return Credential{}, ErrNoCredential
}

// mayUse is the browser's check that the page may act for the relying party (WebAuthn §5.1.3).
func (a *Authenticator) mayUse(rpID string) error {
	page, err := url.Parse(a.Origin)
	if err != nil {
		return err
	}
	if host := page.Hostname(); rpID == "" || host != rpID && !strings.HasSuffix(host, "."+rpID) {
		return fmt.Errorf("a page of %s may not act for %q", a.Origin, rpID)
	}
	return nil
}

// data is authenticator data without a credential (WebAuthn §6.1).
func (a *Authenticator) data(rpID string, flags byte) []byte {
	if a.WrongRPID != "" {
		rpID = a.WrongRPID
	}
	if !a.NoUP {
		flags |= flagPresent
	}
	if !a.NoUV {
		flags |= flagVerified
	}
	if a.Synced && !a.NotEligible {
		flags |= flagBackupEligible | flagBackedUp
	}
	hash := sha256.Sum256([]byte(rpID))
	return binary.BigEndian.AppendUint32(append(hash[:], flags), a.Counter)
}

// clientData is what the browser says about the page (WebAuthn §5.8.1).
func (a *Authenticator) clientData(kind, challenge string) []byte {
	data, err := json.Marshal(map[string]any{
		"type": or(a.WrongType, kind), "challenge": or(a.WrongChallenge, challenge), "origin": or(a.WrongOrigin, a.Origin), "crossOrigin": a.CrossOrigin,
	})
	if err != nil {
		panic(err) // it is text
	}
	return data
}

func (a *Authenticator) answer(id string, response map[string]any) ([]byte, error) {
	extensions := map[string]any{}
	if a.Unasked {
		extensions["credProps"] = map[string]any{"rk": true}
	}
	return json.Marshal(map[string]any{
		"id": id, "rawId": id, "type": "public-key", "authenticatorAttachment": "platform",
		"clientExtensionResults": extensions, "response": response,
	})
}

func or(first, second string) string {
	if first != "" {
		return first
	}
	return second
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// coseKey writes a P-256 key (RFC 9053 §7.1.1): {1: 2, 3: -7, -1: 1, -2: x, -3: y}.
func coseKey(key *ecdsa.PublicKey) []byte {
	point, err := key.Bytes() // 4 ‖ x ‖ y
	if err != nil {
		panic(err) // it is on the curve
	}
	out := []byte{0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 32}
	out = append(out, point[1:33]...)
	out = append(out, 0x22, 0x58, 32)
	return append(out, point[33:]...)
}

// attestationObject writes {"fmt": "none", "attStmt": {}, "authData": data} in CBOR (WebAuthn §6.5.4).
func attestationObject(data []byte) []byte {
	out := []byte{0xa3, 0x63}
	out = append(out, "fmt"...)
	out = append(out, 0x64)
	out = append(out, "none"...)
	out = append(out, 0x67)
	out = append(out, "attStmt"...)
	out = append(out, 0xa0, 0x68)
	out = append(out, "authData"...)
	out = append(out, 0x59)
	out = binary.BigEndian.AppendUint16(out, uint16(len(data)))
	return append(out, data...)
}
