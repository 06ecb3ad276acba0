package lanyard

import (
	"slices"
	"time"
)

// Browser is one user agent that was seen; a browser may hold several sessions.
type Browser struct {
	ID        BrowserID
	TenantID  TenantID
	UserAgent string
	Address   string
	CreatedAt time.Time
	SeenAt    time.Time
	// ConnectionID is the upstream of the last sign-in on the browser; empty if it was none.
	ConnectionID ConnectionID
}

// Session is one user signed in on one browser; its id is the sid of tokens.
type Session struct {
	ID        SessionID
	TenantID  TenantID
	BrowserID BrowserID
	UserID    UserID
	// AuthTime is when the person last proved who they are.
	AuthTime time.Time
	ACR      string
	AMR      []string
	// ExpiresAt ends the session; EndedAt is set when it was ended before.
	ExpiresAt time.Time
	EndedAt   time.Time
	// UsedAt is when the browser last used it, to within a minute; IdleUntil ends
	// its use in the browser, zero for never. Tokens do not depend on it.
	UsedAt    time.Time
	IdleUntil time.Time
	// Gap is the longest time that it was not used between AuthTime and UsedAt, never
	// less than it was, and at most a minute more.
	Gap       time.Duration
	CreatedAt time.Time
	// OrganizationID is the organization that the person chose last in this session; empty for none.
	OrganizationID OrganizationID
	// ConnectionID is the upstream that proved the session; empty if it was proved here.
	ConnectionID ConnectionID
	// ConfinedTo is the organization whose own connection proved the session: it opens
	// that organization and nothing else. Empty for a proof that no organization controls.
	ConfinedTo OrganizationID
}

// Opens tells whether the session counts for an organization, or with an empty id
// outside of all of them: what an organization's own provider says counts there alone.
func (s Session) Opens(organization OrganizationID) bool {
	return s.ConfinedTo == "" || s.ConfinedTo == organization
}

// Live tells whether the session is neither ended nor expired.
func (s Session) Live(now time.Time) bool { return s.EndedAt.IsZero() && now.Before(s.ExpiresAt) }

// Usable tells whether the browser is still signed in: the session lives and was not idle for too long.
func (s Session) Usable(now time.Time) bool {
	return s.Live(now) && (s.IdleUntil.IsZero() || now.Before(s.IdleUntil))
}

// Device is a session together with the browser that it is on.
type Device struct {
	Session    Session
	Browser    Browser
	Remembered bool
}

// Account is a session together with its user, as the browser's chooser shows it.
type Account struct {
	Session Session
	User    User
	// Preferred is the organization that the person wants to be asked about no more; empty for none.
	Preferred OrganizationID
	// Consented are the scopes that the person agreed to for the client at hand.
	Consented Scopes
	// ConsentedResources are the identifiers of the resources that the consent covers.
	ConsentedResources []string
}

// Authentication levels, weakest first. They are the acr values of tokens.
const (
	ACRSingle  = "1"
	ACRDouble  = "2"
	ACRPasskey = "phr"
)

// ACRLevels lists the levels, weakest first.
var ACRLevels = []string{ACRSingle, ACRDouble, ACRPasskey}

// ACRMeets tells whether the level reached is at least the one wanted; an unknown level is met by none.
func ACRMeets(reached, wanted string) bool {
	w := slices.Index(ACRLevels, wanted)
	return w >= 0 && slices.Index(ACRLevels, reached) >= w
}
