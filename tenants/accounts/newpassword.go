package accounts

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/lanyard-id/lanyard"
)

// The shortest passwords, in characters (NIST SP 800-63B-4 §3.1.1.2): of an account
// that has nothing else, and of one with a second factor.
const (
	ShortestAlone  = 15
	ShortestSecond = 8
)

// shortestPart is the length from which a part of a name counts as one.
const shortestPart = 4

// NewPassword is a password that somebody wants to have.
type NewPassword struct {
	Password lanyard.Secret
	// User is whose it will be: names, address and username may not stand in it.
	User lanyard.User
	// Organizations are names of organizations of the user, if they are at hand.
	Organizations []string
	// SecondFactor says that the user has a second factor.
	SecondFactor bool
}

// Rules decide which new passwords are good enough. The zero value is ready.
type Rules struct{ breached breached }

// Check finds the first thing that is wrong with a new password:
// lanyard.ErrLongPassword, ErrShortPassword, ErrPersonalPassword,
// ErrBreachedPassword or ErrWeakPassword. There is no rule about kinds of characters,
// and no password grows old. It is cheap: nothing is hashed or looked up.
func (r *Rules) Check(t Tenancy, p NewPassword) error {
	if len(p.Password.Reveal()) > MaxPassword {
		return lanyard.ErrLongPassword
	}
	password := string(normalized(p.Password))
	if utf8.RuneCountInString(password) < shortest(p.SecondFactor) {
		return lanyard.ErrShortPassword
	}
	parts := personalParts(t, p)
	folded := fold(password)
	for _, part := range parts {
		if strings.Contains(folded, part) {
			return lanyard.ErrPersonalPassword
		}
	}
	if r.breached.has(password) {
		return lanyard.ErrBreachedPassword
	}
	if Strength(password, parts) < strongEnough {
		return lanyard.ErrWeakPassword
	}
	return nil
}

// CheckNewPassword is Rules.Check.
func (a *Accounts) CheckNewPassword(t Tenancy, p NewPassword) error { return a.rules.Check(t, p) }

func shortest(second bool) int {
	if second {
		return ShortestSecond
	}
	return ShortestAlone
}

// IsShort tells whether a password is too short to stand alone.
func IsShort(password lanyard.Secret) bool {
	return utf8.RuneCount(normalized(password)) < ShortestAlone
}

// fold is the form in which names and passwords are compared.
func fold(s string) string { return strings.ToLower(norm.NFC.String(s)) }

// personalParts are what a password may not contain, folded: the local part of the
// address, the parts of the names, the username, the tenant's and the
// organizations' names, and the name that the issuer's host was registered under.
func personalParts(t Tenancy, p NewPassword) []string {
	profile := p.User.Profile
	local, _, _ := strings.Cut(profile.Email, "@")
	candidates := []string{local, p.User.Username, t.Tenant.Name, registeredLabel(t.Issuer)}
	candidates = append(candidates, p.Organizations...)
	for _, name := range []string{profile.Name, profile.GivenName, profile.FamilyName, profile.MiddleName, profile.Nickname} {
		candidates = append(candidates, strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })...)
	}
	var out []string
	for _, candidate := range candidates {
		if candidate = fold(strings.TrimSpace(candidate)); utf8.RuneCountInString(candidate) >= shortestPart {
			out = append(out, candidate)
		}
	}
	return out
}

// registeredLabel is "acme" of https://login.acme.example/t/x: the last label of the
// host that is long enough to be a name, after the top level.
func registeredLabel(issuer string) string {
	u, err := url.Parse(issuer)
	if err != nil {
		return ""
	}
	labels := strings.Split(u.Hostname(), ".")
	if len(labels) > 1 {
		labels = labels[:len(labels)-1]
	}
	for i := len(labels) - 1; i >= 0; i-- {
		if len(labels[i]) >= shortestPart {
			return labels[i]
		}
	}
	return ""
}
