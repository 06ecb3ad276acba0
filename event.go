package lanyard

import "time"

// Event is a fact, written in the same transaction as the change. It holds ids and codes, never secrets.
type Event struct {
	ID       EventID
	TenantID TenantID
	Type     EventType
	At       time.Time
	// Actor is who did it: a user id, a client id, or "system".
	Actor string
	// The things the event is about; empty where they play no part.
	UserID    UserID
	ClientID  ClientID
	SessionID SessionID
	GrantID   GrantID
	// Detail holds further ids and codes.
	Detail map[string]string
}

// EventType names a fact as noun.verb in the past tense.
type EventType string

// The facts of the product.
const (
	EventTenantCreated       EventType = "tenant.created"
	EventTenantUpdated       EventType = "tenant.updated"
	EventUserCreated         EventType = "user.created"
	EventUserUpdated         EventType = "user.updated"
	EventUserSignedIn        EventType = "user.signed_in"
	EventSignInFailed        EventType = "user.sign_in_failed"
	EventClientCreated       EventType = "client.created"
	EventClientUpdated       EventType = "client.updated"
	EventResourceUpdated     EventType = "resource.updated"
	EventOrganizationUpdated EventType = "organization.updated"
	EventMemberUpdated       EventType = "member.updated"
	EventKeyCreated          EventType = "key.created"
	EventKeyActivated        EventType = "key.activated"
	EventKeyRetired          EventType = "key.retired"
	EventKeyRemoved          EventType = "key.removed"
	EventSessionEnded        EventType = "session.ended"
	EventConsentGranted      EventType = "consent.granted"
	EventGrantCreated        EventType = "grant.created"
	EventGrantRevoked        EventType = "grant.revoked"
	EventCodeReplayed        EventType = "code.replayed"
	EventCodeBurned          EventType = "code.burned"
	EventRefreshRetried      EventType = "refresh.retried"
	EventRefreshReplayed     EventType = "refresh.replayed"
	EventTokenRevoked        EventType = "token.revoked"
	EventSetupCreated        EventType = "setup.created"
	EventSetupUsed           EventType = "setup.used"
	EventPasswordSet         EventType = "password.set"
	EventRoleGranted         EventType = "role.granted"
)
