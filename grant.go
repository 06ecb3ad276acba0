package lanyard

import "time"

// Grant is what a user gave a client. A refresh-token family belongs to exactly one grant.
type Grant struct {
	ID       GrantID
	TenantID TenantID
	ClientID ClientID
	UserID   UserID
	// SessionID is the sid of the sign-in that made the grant; empty if there was none.
	SessionID SessionID
	// Actor is the client that acts for the user without a sign-in of theirs; empty for
	// grants with a session.
	Actor ClientID
	// OrganizationID is the active organization of the grant's tokens; empty for none.
	OrganizationID OrganizationID
	Scopes         Scopes
	// Resources are the identifiers that the grant may be used for; a token request may narrow them.
	Resources []string
	// Claims is what the request asked for with the claims parameter.
	Claims ClaimsRequest
	// ACR, AMR and AuthTime are those of the sign-in for the whole life of the grant.
	ACR      string
	AMR      []string
	AuthTime time.Time
	// ConnectionID is the upstream that proved that sign-in; empty if it was proved here.
	ConnectionID ConnectionID
	// Confined says that it was the own connection of the grant's organization.
	Confined bool
	// Offline grants survive their session.
	Offline bool
	// Refresh is the state of the refresh-token family; nil if there is none.
	Refresh   *RefreshFamily
	CreatedAt time.Time
	// ExpiresAt is the absolute end.
	ExpiresAt    time.Time
	RevokedAt    time.Time
	RevokeReason string
}

// RefreshFamily is the state of a chain of refresh tokens: only the newest one
// is live, its parent may be shown again for a short time after the rotation.
type RefreshFamily struct {
	// Sequence counts rotations, from 1.
	Sequence uint32
	// KeyID is the symmetric key under which successors are derived.
	KeyID    KeyID
	Current  []byte
	Previous []byte
	// RotatedAt is when Current replaced Previous; zero before the first rotation.
	RotatedAt time.Time
	// IdleUntil ends the family when it is not used.
	IdleUntil time.Time
}

// Held tells whether the token is the live one of the family or its direct parent.
func (f *RefreshFamily) Held(token Secret) bool {
	return token.Matches(f.Current) || token.Matches(f.Previous)
}

// Standing is a grant together with what decides whether it still counts.
type Standing struct {
	Grant   Grant
	Session Session
	User    User
	// Joined is the grant's organization and the user's place in it as they are now;
	// zero when the grant has none, or the user is no member any more.
	Joined Joined
	// TenantRoles are the user's roles in the tenant.
	TenantRoles []string
	// Linked says that the connection which proved an exchanged grant signs its user in as
	// it is now.
	Linked bool
}

// Live tells whether the grant may still be used: not revoked, not expired, its
// user enabled, its session alive unless the grant is offline, or without one its identity
// linked, and its organization open, with the user in it and content with the sign-in.
func (s Standing) Live(now time.Time) bool {
	return s.Grant.RevokedAt.IsZero() && now.Before(s.Grant.ExpiresAt) && !s.User.Disabled &&
		s.proofHolds(now) && s.atHome(now)
}

func (s Standing) proofHolds(now time.Time) bool {
	if s.Grant.Exchanged() {
		return s.Linked
	}
	return s.Grant.Offline || s.Session.Live(now)
}

// atHome tells whether the organization of the grant, if it has one, still takes it.
func (s Standing) atHome(now time.Time) bool {
	return s.Grant.OrganizationID == "" || (s.Joined.Counts() && s.Joined.MetBy(s.Grant, now))
}

// Reasons for which a grant is revoked.
const (
	RevokedByClient      = "client"
	RevokedCodeReplay    = "code_replay"
	RevokedRefreshReplay = "refresh_replay"
	RevokedForeignClient = "foreign_client"
	RevokedCredentials   = "credentials"
	RevokedConsent       = "consent"
	RevokedSignOut       = "sign_out"
	RevokedMembership    = "membership"
	// RevokedClient is a client that was disabled.
	RevokedClient = "client_disabled"
)

// AccessToken is an opaque access token as it is stored, or the record that a JWT was revoked.
type AccessToken struct {
	TenantID TenantID
	// Hash is the SHA-256 of an opaque token, or of the jti of a revoked JWT.
	Hash     []byte
	GrantID  GrantID
	ClientID ClientID
	// Subject is the sub of a token without a grant, OrganizationID its organization.
	Subject        string
	OrganizationID OrganizationID
	Scopes         Scopes
	Audience       []string
	CreatedAt      time.Time
	ExpiresAt      time.Time
	RevokedAt      time.Time
}

// Consent is what a user agreed to for a client.
type Consent struct {
	UserID    UserID
	ClientID  ClientID
	Scopes    Scopes
	Resources []string
	GrantedAt time.Time
}
