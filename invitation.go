package lanyard

import (
	"crypto/rand"
	"slices"
	"strings"
	"time"
)

// Invitation is a counted, expiring, revocable grant to join an organization with
// roles or, without an organization, to sign up. It is bound to one address, to the
// addresses of a domain, or to whoever holds its code.
type Invitation struct {
	ID       InvitationID
	TenantID TenantID
	// OrganizationID is empty for an invitation to the platform.
	OrganizationID OrganizationID
	// CodeHash is the hash of the code; the code itself is not kept.
	CodeHash []byte
	// Email is the address that it is bound to, Domain the domain; empty for whoever has the code.
	Email  string
	Domain string
	Roles  []string
	// ClientID is the application to land in; empty for our own pages.
	ClientID ClientID
	// Plan and TrialDays are carried by an invitation to the platform, for the
	// organization that its user gets.
	Plan      string
	TrialDays int64
	// MaxUses and Uses count acceptances.
	MaxUses   int64
	Uses      int64
	ExpiresAt time.Time
	RevokedAt time.Time
	// InviterID is who made it; empty for the tenant's operators, whose right does not lapse.
	InviterID UserID
	CreatedAt time.Time
	// SentAt is when the mail went out last; zero without an address.
	SentAt time.Time
}

// Live tells whether the invitation can still be used.
func (i Invitation) Live(now time.Time) bool {
	return i.RevokedAt.IsZero() && i.Uses < i.MaxUses && now.Before(i.ExpiresAt)
}

// InvitationUse is one acceptance.
type InvitationUse struct {
	InvitationID InvitationID
	User         User
	UsedAt       time.Time
}

const (
	// InviteLifetime is how long an invitation lives when nobody says otherwise.
	InviteLifetime = 7 * 24 * time.Hour
	// MaxInviteLifetime is the longest that one can live.
	MaxInviteLifetime = 90 * 24 * time.Hour
	// MaxInviteUses bounds the uses of one invitation.
	MaxInviteUses = 10_000
	// MinInviteCode is the shortest code that is accepted from a file, in characters.
	MinInviteCode = 26
)

const inviteAlphabet = "0123456789abcdefghjkmnpqrstvwxyz"

// NewInviteCode makes a fresh code of 130 random bits, that can be typed.
func NewInviteCode() Secret {
	b := make([]byte, MinInviteCode)
	_, _ = rand.Read(b)
	for i := range b {
		b[i] = inviteAlphabet[int(b[i])%len(inviteAlphabet)]
	}
	return SecretOf(string(b))
}

// ParseInviteCode reads a code as people type it: any case, with dashes and spaces, o
// for 0 and i or l for 1. What can be no code is ErrNotFound, as a wrong one is.
func ParseInviteCode(typed string) (Secret, error) {
	code := inviteTyping.Replace(strings.ToLower(typed))
	if len(code) < MinInviteCode || len(code) > 64 || strings.Trim(code, inviteAlphabet) != "" {
		return Secret{}, ErrNotFound
	}
	return SecretOf(code), nil
}

var inviteTyping = strings.NewReplacer("-", "", " ", "", "o", "0", "i", "1", "l", "1")

// EmailDomain is the domain of a canonical address.
func EmailDomain(address string) string {
	_, domain, _ := strings.Cut(address, "@")
	return domain
}

// Admits tells whether somebody with these proved addresses (canonical) may use the invitation.
func (i Invitation) Admits(proved []string) bool {
	switch {
	case i.Email != "":
		return slices.Contains(proved, i.Email)
	case i.Domain != "":
		return slices.ContainsFunc(proved, func(a string) bool { return EmailDomain(a) == i.Domain })
	}
	return true
}
