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
	Mail          MailSettings
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
	// SessionIdle ends a session in its browser when that did not use it for so long; default never.
	SessionIdle Duration `json:"session_idle,omitzero"`
	// PrivacyURL and TermsURL are the legal links of the pages.
	PrivacyURL string `json:"privacy_url,omitempty"`
	TermsURL   string `json:"terms_url,omitempty"`

	// SignUp says who may make an account: open, invite or closed; by default those who
	// are invited, so nobody until there is an invitation.
	SignUp SignUp `json:"sign_up,omitempty"`
	// EmailVerification says whether an address has to be proved: required, optional or
	// off. By default a new account proves its address, and those that are there
	// already are not asked.
	EmailVerification EmailVerification `json:"email_verification,omitempty"`
	// SecondFactor says whether people need one: optional (the default), offered after
	// a sign-in without one, or required. Until SecondFactorDeadline (a date like
	// 2027-01-31, UTC) a required one may be put off.
	SecondFactor         SecondFactor `json:"second_factor,omitempty"`
	SecondFactorDeadline string       `json:"second_factor_deadline,omitempty"`
	// EmailCode lets people sign in with a code sent to their address; EmailRecovery
	// lets such a code stand in for a lost second factor.
	EmailCode     bool `json:"email_code,omitempty"`
	EmailRecovery bool `json:"email_recovery,omitempty"`
	// NoPasskeys and NoRememberDevice take these choices away.
	NoPasskeys       bool `json:"no_passkeys,omitempty"`
	NoRememberDevice bool `json:"no_remember_device,omitempty"`
	// RememberDevice is how long a browser needs no second factor after one; default 30 days.
	RememberDevice Duration `json:"remember_device,omitzero"`
	// DeletionGrace is how long an account that its owner deletes can be kept after all; default 14 days.
	DeletionGrace Duration `json:"deletion_grace,omitzero"`
	// DefaultRoles are the tenant roles of whoever signs up.
	DefaultRoles []string `json:"default_roles,omitempty"`
	// Attributes are what a profile has besides the standard claims.
	Attributes []Attribute `json:"attributes,omitempty"`

	// PersonalOrganizations gives everybody who signs up an organization of their own,
	// with PersonalPlan and a trial of PersonalTrialDays days, zero for none.
	PersonalOrganizations bool   `json:"personal_organizations,omitempty"`
	PersonalPlan          string `json:"personal_plan,omitempty"`
	PersonalTrialDays     int64  `json:"personal_trial_days,omitempty"`
	// CreateOrganizations lets people make organizations themselves.
	CreateOrganizations bool `json:"create_organizations,omitempty"`
	// OrganizationGrace is how long an organization that is deleted can be kept after all; default 14 days.
	OrganizationGrace Duration `json:"organization_grace,omitzero"`
	// EventRetention is how long events are kept; default for ever.
	EventRetention Duration `json:"event_retention,omitzero"`
	// InvitationQuota is how many invitations one organization may make in 24 hours; default 500.
	InvitationQuota int64 `json:"invitation_quota,omitempty"`
}

// GraceOfOrganizations is how long an organization that is deleted can be kept after all.
func (p Policy) GraceOfOrganizations() time.Duration {
	return p.OrganizationGrace.Or(defaultDeletionGrace)
}

// InvitationsPerDay is how many invitations one organization may make in 24 hours.
func (p Policy) InvitationsPerDay() int64 {
	if p.InvitationQuota > 0 {
		return p.InvitationQuota
	}
	return defaultInvitationQuota
}

// WhoSignsUp is the policy of sign-up with its default.
func (p Policy) WhoSignsUp() SignUp {
	if p.SignUp == "" {
		return SignUpInvite
	}
	return p.SignUp
}

// SignUp says who may make an account.
type SignUp string

// Who may make an account. The zero value is SignUpInvite. An invitation to an
// organization opens the gate as one to the platform does; SignUpClosed closes it to both.
const (
	SignUpOpen   SignUp = "open"
	SignUpInvite SignUp = "invite"
	SignUpClosed SignUp = "closed"
)

// EmailVerification says whether an address has to be proved.
type EmailVerification string

// Whether an address has to be proved.
const (
	VerificationRequired EmailVerification = "required"
	VerificationOptional EmailVerification = "optional"
	VerificationOff      EmailVerification = "off"
)

// SecondFactor says whether people need a second factor.
type SecondFactor string

// Whether people need a second factor.
const (
	SecondFactorOptional SecondFactor = "optional"
	SecondFactorOffered  SecondFactor = "offered"
	SecondFactorRequired SecondFactor = "required"
)

// Attribute is one thing that a tenant keeps about its users.
type Attribute struct {
	// Name is the key in a profile and in files: lower-case letters, digits and _.
	Name  string `json:"name"`
	Label string `json:"label,omitempty"`
	// Type is string, number, boolean or date (2006-01-02).
	Type     string `json:"type"`
	Required bool   `json:"required,omitempty"`
	// Options are the only values of a string; empty for any.
	Options []string `json:"options,omitempty"`
	// ReadOnly attributes are shown to people and changed by administrators and files only.
	ReadOnly bool `json:"read_only,omitempty"`
	// Claim is what tokens call it; empty keeps it out of them. Scope is the scope that asks for it; default profile.
	Claim string `json:"claim,omitempty"`
	Scope string `json:"scope,omitempty"`
}

// Lifetimes when the tenant does not say otherwise.
const (
	defaultRememberDevice     = 30 * 24 * time.Hour
	defaultDeletionGrace      = 14 * 24 * time.Hour
	defaultSessionLifetime    = 24 * time.Hour
	defaultRememberedLifetime = 30 * 24 * time.Hour
	defaultKeyRotation        = 90 * 24 * time.Hour
	defaultInvitationQuota    = 500
)

// SessionFor is how long a new session lives.
func (p Policy) SessionFor(remembered bool) time.Duration {
	if remembered && !p.NoKeepSignedIn {
		return p.RememberedSessionLifetime.Or(defaultRememberedLifetime)
	}
	return p.SessionLifetime.Or(defaultSessionLifetime)
}

// IdleUntil is when a session that is used now ends in its browser if it is not used again; zero for never.
func (p Policy) IdleUntil(now time.Time) time.Time {
	if p.SessionIdle == 0 {
		return time.Time{}
	}
	return now.Add(time.Duration(p.SessionIdle))
}

// RememberFor is how long a browser needs no second factor after one.
func (p Policy) RememberFor() time.Duration { return p.RememberDevice.Or(defaultRememberDevice) }

// GraceBeforeDeletion is how long an account that its owner deletes can be kept after all.
func (p Policy) GraceBeforeDeletion() time.Duration { return p.DeletionGrace.Or(defaultDeletionGrace) }

// MayPutOff tells whether a required second factor may still be put off.
func (p Policy) MayPutOff(now time.Time) bool {
	if p.SecondFactor != SecondFactorRequired {
		return true
	}
	deadline, err := time.Parse(time.DateOnly, p.SecondFactorDeadline)
	return err == nil && now.Before(deadline)
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

// MailSettings are how a tenant's mails look.
type MailSettings struct {
	// FromName is the sender's name beside the operator's address; ReplyTo is where answers go.
	FromName string `json:"from_name,omitempty"`
	ReplyTo  string `json:"reply_to,omitempty"`
	// Language is that of mails to people whose locale is not offered; default en.
	Language string `json:"language,omitempty"`
	// Templates replace ours, by kind of mail and then by language.
	Templates map[MailKind]map[string]MailTemplate `json:"templates,omitempty"`
}

// MailTemplate is the text of a mail in one language, as templates with {{.Code}},
// {{.Link}}, {{.Name}}, {{.Tenant}} and what else the kind has.
type MailTemplate struct {
	Subject string `json:"subject"`
	Text    string `json:"text"`
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
