package lanyard

import (
	"regexp"
	"time"
)

// DefaultTenant is the slug of the tenant at the base URL.
const DefaultTenant = "default"

// Tenant is one isolated issuer: its own users, clients, organizations, keys and policies.
type Tenant struct {
	ID   TenantID
	Slug string
	Name string
	// Host is the tenant's own host name (host or host:port), if it has one; its issuer then has no path.
	Host string
	// RedirectHosts answer browser GETs with a redirect to the issuer.
	RedirectHosts []string
	Suspended     bool
	Policy        Policy
	Branding      Branding
	// Revision grows with every change of the tenant's configuration:
	// itself, its clients, resources and keys.
	Revision  int64
	CreatedAt time.Time
}

// Policy is what a tenant decides about sign-in and tokens. Zero values mean the default.
type Policy struct {
	// DefaultResource is the identifier of the resource that a token is for when nothing else says so.
	DefaultResource string `json:"default_resource,omitempty"`
	// SessionLifetime bounds a session; default 24 hours.
	SessionLifetime Duration `json:"session_lifetime,omitzero"`
	// RememberedSessionLifetime bounds a session that the person asked to keep; default 30 days.
	RememberedSessionLifetime Duration `json:"remembered_session_lifetime,omitzero"`
	// NoKeepSignedIn takes the choice to stay signed in away.
	NoKeepSignedIn bool `json:"no_keep_signed_in,omitempty"`
	// SigningKeyRotation is the age at which a signing key is replaced; default 90 days.
	SigningKeyRotation Duration `json:"signing_key_rotation,omitzero"`
	// PrivacyURL and TermsURL are the legal links of the pages.
	PrivacyURL string `json:"privacy_url,omitempty"`
	TermsURL   string `json:"terms_url,omitempty"`
}

// Session lifetimes and key rotation when the tenant does not say otherwise.
const (
	defaultSessionLifetime    = 24 * time.Hour
	defaultRememberedLifetime = 30 * 24 * time.Hour
	defaultKeyRotation        = 90 * 24 * time.Hour
)

// SessionFor is how long a new session lives.
func (p Policy) SessionFor(remembered bool) time.Duration {
	if remembered && !p.NoKeepSignedIn {
		return p.RememberedSessionLifetime.Or(defaultRememberedLifetime)
	}
	return p.SessionLifetime.Or(defaultSessionLifetime)
}

// KeyRotation is the age at which a signing key is replaced.
func (p Policy) KeyRotation() time.Duration { return p.SigningKeyRotation.Or(defaultKeyRotation) }

// Branding is how a tenant's pages look.
type Branding struct {
	// Accent is the colour of buttons and links, as #rrggbb.
	Accent string `json:"accent,omitempty"`
	// LogoURL and LogoDarkURL are shown on the pages; only files of our own origin are loaded.
	LogoURL     string `json:"logo_url,omitempty"`
	LogoDarkURL string `json:"logo_dark_url,omitempty"`
}

// Duration is a time.Duration that reads and writes itself as text ("10m", "720h").
type Duration time.Duration

// Or is the duration itself, or the fallback when it is zero.
func (d Duration) Or(fallback time.Duration) time.Duration {
	if d == 0 {
		return fallback
	}
	return time.Duration(d)
}

// MarshalText writes the duration as Go does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads Go's form; a negative duration is refused.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil || v < 0 {
		return ErrBadInput.Saying("a duration is written like 10m or 720h")
	}
	*d = Duration(v)
	return nil
}

var slugPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// ValidSlug tells whether s may name a tenant or an organization in a URL.
func ValidSlug(s string) bool { return slugPattern.MatchString(s) }
