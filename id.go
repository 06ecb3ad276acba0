package lanyard

import (
	"encoding/base32"
	"strings"

	"github.com/google/uuid"
)

// Identifiers are text of the form prefix, underscore, UUIDv7 in lower-case
// base32, so that they sort by creation and say what they name.
type (
	// TenantID names a tenant.
	TenantID string
	// UserID names a user.
	UserID string
	// ClientID is the client_id of a client: generated, or what its registration chose.
	ClientID string
	// ResourceID names a resource.
	ResourceID string
	// OrganizationID names an organization.
	OrganizationID string
	// BrowserID names a browser.
	BrowserID string
	// SessionID names a session; it is the sid of tokens.
	SessionID string
	// AuthRequestID names an authorization request.
	AuthRequestID string
	// GrantID names a grant.
	GrantID string
	// EventID names an event.
	EventID string
	// ChallengeID names a code that was sent to an address.
	ChallengeID string
	// DeliveryID names something that leaves the product because of an event, such as a mail.
	DeliveryID string
	// InvitationID names an invitation.
	InvitationID string
	// ConnectionID names a connection to an upstream provider. It stands in callback URLs.
	ConnectionID string
	// WebhookID names a webhook.
	WebhookID string
	// KeyID names a key; for a signing key it is the kid, the thumbprint of RFC 7638.
	KeyID string
)

// Prefixes of generated identifiers.
const (
	prefixTenant       = "ten_"
	prefixUser         = "usr_"
	prefixClient       = "cli_"
	prefixResource     = "res_"
	prefixOrganization = "org_"
	prefixBrowser      = "bro_"
	prefixSession      = "ses_"
	prefixAuthRequest  = "req_"
	prefixGrant        = "gra_"
	prefixEvent        = "evt_"
	prefixChallenge    = "chg_"
	prefixDelivery     = "dlv_"
	prefixInvitation   = "inv_"
	prefixConnection   = "con_"
	prefixWebhook      = "whk_"
	prefixClientSecret = "sec_"
)

var idEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewTenantID makes a fresh tenant id.
func NewTenantID() TenantID { return TenantID(newID(prefixTenant)) }

// NewChallengeID makes a fresh id for a code that is sent to an address.
func NewChallengeID() ChallengeID { return ChallengeID(newID(prefixChallenge)) }

// NewDeliveryID makes a fresh delivery id.
func NewDeliveryID() DeliveryID { return DeliveryID(newID(prefixDelivery)) }

// NewUserID makes a fresh user id.
func NewUserID() UserID { return UserID(newID(prefixUser)) }

// NewClientID makes a fresh client id.
func NewClientID() ClientID { return ClientID(newID(prefixClient)) }

// NewClientSecretID makes a fresh name for a secret of a client, that says nothing about it.
func NewClientSecretID() string { return newID(prefixClientSecret) }

// NewResourceID makes a fresh resource id.
func NewResourceID() ResourceID { return ResourceID(newID(prefixResource)) }

// NewOrganizationID makes a fresh organization id.
func NewOrganizationID() OrganizationID { return OrganizationID(newID(prefixOrganization)) }

// NewInvitationID makes a fresh invitation id.
func NewInvitationID() InvitationID { return InvitationID(newID(prefixInvitation)) }

// NewConnectionID makes a fresh connection id.
func NewConnectionID() ConnectionID { return ConnectionID(newID(prefixConnection)) }

// NewWebhookID makes a fresh webhook id.
func NewWebhookID() WebhookID { return WebhookID(newID(prefixWebhook)) }

// IsOrganizationID tells whether s has the form of a generated organization id. No slug has it.
func IsOrganizationID(s string) bool { return strings.HasPrefix(s, prefixOrganization) }

// NewBrowserID makes a fresh browser id.
func NewBrowserID() BrowserID { return BrowserID(newID(prefixBrowser)) }

// NewSessionID makes a fresh session id, the sid of tokens.
func NewSessionID() SessionID { return SessionID(newID(prefixSession)) }

// NewAuthRequestID makes a fresh id of an authorization request.
func NewAuthRequestID() AuthRequestID { return AuthRequestID(newID(prefixAuthRequest)) }

// NewGrantID makes a fresh grant id.
func NewGrantID() GrantID { return GrantID(newID(prefixGrant)) }

// NewEventID makes a fresh event id.
func NewEventID() EventID { return EventID(newID(prefixEvent)) }

// IsUserID tells whether s has the form of a generated user id. Such a name is
// never allowed for a client, so that a machine's subject can not equal a person's.
func IsUserID(s string) bool { return strings.HasPrefix(s, prefixUser) }

// GrantIDFromBytes rebuilds a grant id from the 16 bytes of its UUID.
func GrantIDFromBytes(b [16]byte) GrantID {
	return GrantID(prefixGrant + idEncoding.EncodeToString(b[:]))
}

// Bytes is the UUID behind the grant id; ok is false for any other text.
func (id GrantID) Bytes() (uid [16]byte, ok bool) {
	text, found := strings.CutPrefix(string(id), prefixGrant)
	raw, err := idEncoding.DecodeString(text)
	if !found || err != nil || len(raw) != len(uid) {
		return uid, false
	}
	copy(uid[:], raw)
	return uid, true
}

func newID(prefix string) string {
	u := uuid.Must(uuid.NewV7())
	return prefix + idEncoding.EncodeToString(u[:])
}
