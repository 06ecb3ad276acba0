package lanyard

import (
	"slices"
	"time"
)

// Organization is a customer inside a tenant.
type Organization struct {
	ID       OrganizationID
	TenantID TenantID
	// Slug names the organization in URLs and requests. It is never given to another one.
	Slug string
	Name string
	// Code is the display code: eight characters by which people tell organizations apart. It opens nothing.
	Code string
	// Personal organizations were made for one person at sign-up.
	Personal bool
	// Plan is what the tenant calls the organization's plan; TrialEnd is zero without a trial.
	Plan     string
	TrialEnd time.Time
	// Seats is the most members that the organization may have; zero for any number.
	Seats int64
	// Language is that of the organization's mails and pages where a person has none; empty for the tenant's.
	Language string
	Branding Branding
	Policy   OrganizationPolicy
	// Suspended organizations are closed by the tenant until it opens them again.
	Suspended bool
	// DeleteAt is when the organization will be erased; zero for never. Until then it is closed and can be kept.
	DeleteAt  time.Time
	CreatedAt time.Time
}

// Open tells whether the organization counts: people get in, and tokens say so.
func (o Organization) Open() bool { return o.ID != "" && !o.Suspended && o.DeleteAt.IsZero() }

// PlanClaim is the claim org_plan of tokens: what the organization has paid for.
type PlanClaim struct {
	Name string `json:"name,omitempty"`
	// Seats is the most members; zero for any number.
	Seats int64 `json:"seats,omitempty"`
	// TrialEnd is in seconds since 1970.
	TrialEnd int64 `json:"trial_end,omitempty"`
}

// PlanClaim is what tokens say of the plan; nil when there is nothing to say.
func (o Organization) PlanClaim() *PlanClaim {
	c := PlanClaim{Name: o.Plan, Seats: o.Seats}
	if !o.TrialEnd.IsZero() {
		c.TrialEnd = o.TrialEnd.Unix()
	}
	if c == (PlanClaim{}) {
		return nil
	}
	return &c
}

// OrganizationPolicy is what an organization demands of those who sign in to it, on
// top of what the tenant does. Zero values demand nothing.
type OrganizationPolicy struct {
	// SecondFactor is required, or empty for what the tenant says.
	SecondFactor SecondFactor `json:"second_factor,omitempty"`
	// Methods are the first factors that count here: password, passkey, email_code, federated; empty for all.
	Methods []Method `json:"methods,omitempty"`
	// SessionLifetime is how old the proof of a sign-in may be, and how long tokens
	// can be refreshed after it; SessionIdle how long a session may lie unused.
	SessionLifetime Duration `json:"session_lifetime,omitzero"`
	SessionIdle     Duration `json:"session_idle,omitzero"`
	// OwnConnectionOnly lets people in through the organization's own connection alone,
	// and its owners with a second factor as well, in case that is broken.
	OwnConnectionOnly bool `json:"own_connection_only,omitempty"`
}

// OrganizationMethods are the first factors that an organization can choose among.
// Its own connection always counts.
var OrganizationMethods = []Method{MethodPassword, MethodPasskey, MethodEmailCode, MethodFederated}

// Allows tells whether a session was proved in one of the ways that count here. Whose
// connection it was, and who its person is, is in Joined.Demands.
func (p OrganizationPolicy) Allows(s Session) bool {
	if p.OwnConnectionOnly {
		return false
	}
	return len(p.Methods) == 0 || slices.ContainsFunc(p.Methods, func(m Method) bool { return m.in(s) })
}

// Current tells whether the proof behind a session is young enough here, and the
// session was never unused for too long since: using it elsewhere does not make up for that.
func (p OrganizationPolicy) Current(s Session, now time.Time) bool {
	if p.SessionLifetime > 0 && now.Sub(s.AuthTime) >= time.Duration(p.SessionLifetime) {
		return false
	}
	return p.SessionIdle == 0 || max(s.Gap, now.Sub(s.UsedAt)) < time.Duration(p.SessionIdle)
}

// End is when a grant is over at the latest: by its own limit, or by the age of its sign-in here.
func (p OrganizationPolicy) End(g Grant) time.Time {
	if p.SessionLifetime > 0 {
		if end := g.AuthTime.Add(time.Duration(p.SessionLifetime)); end.Before(g.ExpiresAt) {
			return end
		}
	}
	return g.ExpiresAt
}

// Met tells whether a session may enter as it is.
func (p OrganizationPolicy) Met(s Session, now time.Time) bool {
	return p.Allows(s) && p.Current(s, now) && (p.SecondFactor != SecondFactorRequired || ACRMeets(s.ACR, ACRDouble))
}

// Joining says what a verified domain does for people whose proved address is in it.
type Joining string

// What a domain does. The zero value is JoiningOff.
const (
	JoiningOff Joining = "off"
	// JoiningRequest lets people ask to become members, JoiningAutomatic makes them members when they sign in.
	JoiningRequest   Joining = "request"
	JoiningAutomatic Joining = "automatic"
)

// Domain is a mail domain that an organization claims. It counts when it was
// verified, and then for this organization alone.
type Domain struct {
	OrganizationID OrganizationID
	// Name is in lower case and ASCII (IDNA).
	Name string
	// Token is the value that the TXT record at ChallengeName has to hold; it is no secret.
	Token      string
	Joining    Joining
	VerifiedAt time.Time
	CreatedAt  time.Time
}

// ChallengeName is where the TXT record of the domain is looked for.
func (d Domain) ChallengeName() string { return "_lanyard." + d.Name }

// JoinRequest is the wish of a person to become a member, because of a verified domain.
type JoinRequest struct {
	OrganizationID OrganizationID
	User           User
	CreatedAt      time.Time
}
