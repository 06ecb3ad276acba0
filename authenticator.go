package lanyard

import (
	"slices"
	"time"
)

// Method is one way to prove who one is.
type Method string

// The methods.
const (
	MethodPassword  Method = "password"
	MethodEmailCode Method = "email_code"
	// MethodPasskey is a passkey whose device verified its user (by PIN, finger or face).
	MethodPasskey Method = "passkey"
	// MethodSecurityKey is a passkey whose device only felt somebody's presence.
	MethodSecurityKey  Method = "security_key"
	MethodTOTP         Method = "totp"
	MethodRecoveryCode Method = "recovery_code"
	// MethodFederated is the sign-in at an upstream provider.
	MethodFederated Method = "federated"
)

// Authentication methods as they stand in amr (RFC 8176 §2; "email",
// "recovery" and "fed" are ours, the registry has no word for them).
const (
	// AMRPassword is the authentication method of a password.
	AMRPassword = "pwd"
	// AMREmail is that of a code sent by mail.
	AMREmail = "email"
	// AMRMulti says that more than one factor was proved.
	AMRMulti = "mfa"
)

var amrOf = map[Method][]string{
	MethodPassword:     {AMRPassword},
	MethodEmailCode:    {AMREmail},
	MethodPasskey:      {"pop", "user"},
	MethodSecurityKey:  {"pop"},
	MethodTOTP:         {"otp"},
	MethodRecoveryCode: {"recovery"},
	MethodFederated:    {"fed"},
}

// Second tells whether the method is a second factor only: it proves nothing alone.
func (m Method) Second() bool {
	return m == MethodTOTP || m == MethodRecoveryCode || m == MethodSecurityKey
}

// in tells whether a session was proved by the method, as a first factor.
func (m Method) in(s Session) bool {
	if m == MethodPasskey {
		return s.ACR == ACRPasskey
	}
	return len(amrOf[m]) == 1 && slices.Contains(s.AMR, amrOf[m][0])
}

// Reached is the level that methods reach together, starting from a level that was
// reached before (empty for none): a passkey that verified its user is phr, a
// first and a second factor are 2.
func Reached(before string, methods []Method) string {
	if before == ACRPasskey || slices.Contains(methods, MethodPasskey) {
		return ACRPasskey
	}
	first := before != "" || slices.ContainsFunc(methods, func(m Method) bool { return !m.Second() })
	second := before == ACRDouble || slices.ContainsFunc(methods, Method.Second)
	if first && second {
		return ACRDouble
	}
	return ACRSingle
}

// AMROf names methods as amr does, after those of before; "mfa" is added when the
// level says so (RFC 8176 §2).
func AMROf(before []string, methods []Method, acr string) []string {
	out := slices.DeleteFunc(slices.Clone(before), func(v string) bool { return v == AMRMulti })
	for _, m := range methods {
		for _, value := range amrOf[m] {
			if !slices.Contains(out, value) {
				out = append(out, value)
			}
		}
	}
	if ACRMeets(acr, ACRDouble) {
		out = append(out, AMRMulti)
	}
	return out
}

// Factors are what a user can prove who they are with, as they stand at one moment.
type Factors struct {
	UserID UserID
	// Revision counts the changes of the user's credentials.
	Revision int64
	Disabled bool
	Password bool
	// MustChange says that the password has to be replaced at the next sign-in.
	MustChange bool
	// ShortPassword says that the password is too short to stand alone.
	ShortPassword bool
	TOTP          bool
	Passkeys      int
	// RecoveryCodes is how many are left.
	RecoveryCodes int
	// Remembered says that this browser was remembered after a second factor, and nothing has changed since.
	Remembered bool
	// EmailVerified says that the primary address was proved; true without an address.
	EmailVerified bool
	// DeleteAt is when the account will be erased; zero if that was not asked for.
	DeleteAt time.Time
}

// Second tells whether the user has a second factor.
func (f Factors) Second() bool { return f.TOTP || f.Passkeys > 0 }

// Progress is what a person has proved so far in a request, before it is a session.
type Progress struct {
	UserID UserID `json:"user"`
	// Revision is that of the user's credentials at the first proof: when they have changed since, the proof is void.
	Revision int64     `json:"revision"`
	Methods  []Method  `json:"methods"`
	At       time.Time `json:"at"`
	// SessionID is the session that the proof adds to; empty when it stands alone.
	SessionID SessionID `json:"session,omitempty"`
	// Upstream is what an upstream proved among the methods; nil for nothing.
	Upstream *UpstreamProof `json:"upstream,omitempty"`
	// Keep and Remember are what the person ticked: stay signed in, remember this browser.
	Keep     bool `json:"keep,omitempty"`
	Remember bool `json:"remember,omitempty"`
	// CodesDue says that fresh recovery codes have not been seen yet.
	CodesDue bool `json:"codes_due,omitempty"`
}

// Passkey is one credential of WebAuthn.
type Passkey struct {
	// ID is the credential id in base64url.
	ID     string
	UserID UserID
	// RPID is the host that the credential was made for.
	RPID string
	Name string
	// Record is the credential as the ceremonies need it, in JSON.
	Record string
	// Synced says that the credential is backed up by its provider; AAGUID hints at who that is.
	Synced    bool
	AAGUID    string
	CreatedAt time.Time
	UsedAt    time.Time
}
