package lanyard

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Times of the device authorization grant (RFC 8628 §3.2, §3.5).
const (
	// DeviceCodeLifetime is how long a device code and its user code live.
	DeviceCodeLifetime = 10 * time.Minute
	// DeviceInterval is how long a device waits between two polls, and by how much
	// longer each time that it did not.
	DeviceInterval = 5 * time.Second
)

// Errors of a device that polls (RFC 8628 §3.5).
var (
	ErrAuthorizationPending = &Error{Kind: Invalid, Code: "authorization_pending", Message: "the person has not decided yet"}
	ErrSlowDown             = &Error{Kind: Invalid, Code: "slow_down", Message: "the device has to poll less often, by 5 seconds from now on"}
	ErrExpiredToken         = &Error{Kind: Invalid, Code: "expired_token", Message: "the device code has expired"}
	// ErrDeviceDenied is access_denied as the token endpoint says it: with the status 400 (RFC 6749 §5.2).
	ErrDeviceDenied = &Error{Kind: Invalid, Code: ErrAccessDenied.Code, Message: "the person refused the request"}
)

// DeviceAuthorization is the wish of a device for a grant (RFC 8628). Its person
// decides about it on another device, which the user code leads to it.
type DeviceAuthorization struct {
	// CodeHash is the SHA-256 of the device code, UserCodeMAC the keyed hash of the user code.
	CodeHash    []byte
	UserCodeMAC []byte
	ClientID    ClientID
	Scopes      Scopes
	// Resources are the identifiers that the grant is to be used for.
	Resources []string
	// Organization is the slug or id of the organization that tokens are to be for; empty for none.
	Organization string
	// Label is what the device calls itself.
	Label string
	// Address is where the device asked from.
	Address   string
	CreatedAt time.Time
	ExpiresAt time.Time
	// DecidedAt is zero as long as the person has not decided.
	DecidedAt time.Time
	// GrantID is what the person's yes made; empty for no. It is of use once UsedAt is set.
	GrantID GrantID
	UsedAt  time.Time
}

// Offline tells whether the grant is to survive the session that it is made in.
func (d DeviceAuthorization) Offline(client *Client) bool {
	return d.Scopes.Has(ScopeOfflineAccess) && client.MayUse(GrantRefreshToken)
}

// Complaint is what a device that polls with the code is told instead of tokens: nil
// once the person has said yes. Of a client's codes nobody else learns anything.
func (d DeviceAuthorization) Complaint(client ClientID, now time.Time) *Error {
	switch {
	case d.ClientID != client || !d.UsedAt.IsZero():
		return ErrInvalidGrant
	case !now.Before(d.ExpiresAt):
		return ErrExpiredToken
	case d.DecidedAt.IsZero():
		return ErrAuthorizationPending
	case d.GrantID == "":
		return ErrDeviceDenied
	}
	return nil
}

// maxDeviceLabel bounds what a device may call itself, in characters.
const maxDeviceLabel = 80

// CheckDeviceLabel is ErrInvalidRequest for what no device may call itself.
func CheckDeviceLabel(label string) error {
	if utf8.RuneCountInString(label) > maxDeviceLabel || strings.ContainsFunc(label, unicode.IsControl) {
		return ErrInvalidRequest.Saying("device_label is longer than 80 characters, or has control characters")
	}
	return nil
}

// User codes are letters that are typed easily on any keyboard and never make a
// word (RFC 8628 §6.1): about 34 bits.
const (
	userCodeLetters = "BCDFGHJKLMNPQRSTVWXZ"
	userCodeLength  = 8
	// maxTypedUserCode bounds what is looked at of a typed code, in bytes.
	maxTypedUserCode = 64
)

// NewUserCode makes a random user code, without its dash.
func NewUserCode() Secret {
	code := make([]byte, userCodeLength)
	for i := range code {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(userCodeLetters))))
		if err != nil {
			panic(fmt.Sprintf("lanyard: no random numbers: %v", err)) // never since Go 1.24
		}
		code[i] = userCodeLetters[n.Int64()]
	}
	return SecretOf(string(code))
}

// ParseUserCode reads a user code as people type it: in letters of any case, with
// spaces and dashes anywhere. What can be no code is ErrWrongCode.
func ParseUserCode(typed string) (Secret, error) {
	if len(typed) > maxTypedUserCode {
		return Secret{}, ErrWrongCode
	}
	code := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r) || unicode.Is(unicode.Pd, r):
			return -1
		case r >= 'a' && r <= 'z': // and no other letter that has one of ours as its capital
			return r - 'a' + 'A'
		}
		return r
	}, typed)
	if len(code) != userCodeLength || strings.Trim(code, userCodeLetters) != "" {
		return Secret{}, ErrWrongCode
	}
	return SecretOf(code), nil
}

// ShowUserCode is a user code as devices and pages show it: XXXX-XXXX.
func ShowUserCode(code Secret) string {
	text := code.Reveal()
	if len(text) != userCodeLength {
		return ""
	}
	return text[:userCodeLength/2] + "-" + text[userCodeLength/2:]
}
