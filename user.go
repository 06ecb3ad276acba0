package lanyard

import (
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// User is a person of one tenant.
type User struct {
	ID       UserID
	TenantID TenantID
	// Subject is the sub of tokens: the id, or what an import brought along.
	Subject string
	// Username is the name to sign in with besides an e-mail address, in the form the person chose.
	Username string
	Disabled bool
	Profile  Profile
	// UpdatedAt is the last change of the profile.
	UpdatedAt time.Time
	CreatedAt time.Time
	// Revision counts the changes of the user's credentials.
	Revision int64
	// DeleteAt is when the account will be erased at its owner's wish; zero for never.
	DeleteAt time.Time
}

// Profile holds the standard claims of a person (OpenID Connect Core §5.1).
type Profile struct {
	Name                string   `json:"name,omitempty"`
	GivenName           string   `json:"given_name,omitempty"`
	FamilyName          string   `json:"family_name,omitempty"`
	MiddleName          string   `json:"middle_name,omitempty"`
	Nickname            string   `json:"nickname,omitempty"`
	PreferredUsername   string   `json:"preferred_username,omitempty"`
	ProfileURL          string   `json:"profile,omitempty"`
	Picture             string   `json:"picture,omitempty"`
	Website             string   `json:"website,omitempty"`
	Gender              string   `json:"gender,omitempty"`
	Birthdate           string   `json:"birthdate,omitempty"`
	Zoneinfo            string   `json:"zoneinfo,omitempty"`
	Locale              string   `json:"locale,omitempty"`
	Email               string   `json:"email,omitempty"`
	EmailVerified       bool     `json:"email_verified,omitempty"`
	PhoneNumber         string   `json:"phone_number,omitempty"`
	PhoneNumberVerified bool     `json:"phone_number_verified,omitempty"`
	Address             *Address `json:"address,omitempty"`
	// Attributes are what the tenant keeps besides, by name, as text; the tenant's policy says what they mean.
	Attributes map[string]string `json:"attributes,omitempty"`
}

// Address is the address claim (OpenID Connect Core §5.1.1).
type Address struct {
	Formatted     string `json:"formatted,omitempty"`
	StreetAddress string `json:"street_address,omitempty"`
	Locality      string `json:"locality,omitempty"`
	Region        string `json:"region,omitempty"`
	PostalCode    string `json:"postal_code,omitempty"`
	Country       string `json:"country,omitempty"`
}

// Email is one address of a user.
type Email struct {
	Address   string    `json:"address"`
	Verified  bool      `json:"verified"`
	Primary   bool      `json:"primary"`
	CreatedAt time.Time `json:"created_at"`
}

// DisplayName is what pages call the person.
func (u User) DisplayName() string {
	for _, name := range []string{u.Profile.Name, u.Profile.Nickname, u.Profile.GivenName, u.Username, u.Profile.Email} {
		if name != "" {
			return name
		}
	}
	return u.Subject
}

// SignInName is what the person types to sign in: the address, else the username.
func (u User) SignInName() string {
	if u.Profile.Email != "" {
		return u.Profile.Email
	}
	return u.Username
}

// maxUsername bounds what is looked up and counted for one typed name, in bytes.
const maxUsername = 254

// CanonicalName is the one form under which a typed sign-in name is looked up
// and counted: the canonical address if it is one, else the canonical username.
// Anything that can name nobody is ErrBadInput.
func CanonicalName(typed string) (string, error) {
	typed = strings.TrimSpace(typed)
	if strings.Contains(typed, "@") {
		return CanonicalEmail(typed)
	}
	return CanonicalUsername(typed)
}

// CanonicalUsername is the form in which usernames are compared: NFKC, lower
// case, letters, digits and . _ - only. Everything else is ErrBadInput.
func CanonicalUsername(name string) (string, error) {
	name = strings.ToLower(norm.NFKC.String(name))
	if name == "" || len(name) > maxUsername {
		return "", ErrBadInput.Saying("the username is empty or too long")
	}
	for _, r := range name {
		if !isWordRune(r) && !strings.ContainsRune("._-", r) {
			return "", ErrBadInput.Saying("the username has a character that is not allowed")
		}
	}
	return name, nil
}

func isWordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) }

// maxSubject is the longest sub (OpenID Connect Core §2).
const maxSubject = 255

// ValidSubject tells whether s may be a sub: at most 255 printable ASCII characters.
func ValidSubject(s string) bool {
	for i := range len(s) {
		if s[i] < 0x21 || s[i] > 0x7e {
			return false
		}
	}
	return len(s) <= maxSubject
}
