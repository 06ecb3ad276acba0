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
	// OrganizationID is the organization in which it happened.
	OrganizationID OrganizationID
	// Detail holds further ids and codes.
	Detail map[string]string
}

// EventType names a fact as noun.verb in the past tense.
type EventType string

// The facts of the product.
const (
	EventTenantCreated         EventType = "tenant.created"
	EventTenantUpdated         EventType = "tenant.updated"
	EventUserCreated           EventType = "user.created"
	EventUserUpdated           EventType = "user.updated"
	EventUserSignedIn          EventType = "user.signed_in"
	EventSignInFailed          EventType = "user.sign_in_failed"
	EventClientCreated         EventType = "client.created"
	EventClientUpdated         EventType = "client.updated"
	EventResourceUpdated       EventType = "resource.updated"
	EventOrganizationUpdated   EventType = "organization.updated"
	EventMemberUpdated         EventType = "member.updated"
	EventKeyCreated            EventType = "key.created"
	EventKeyActivated          EventType = "key.activated"
	EventKeyRetired            EventType = "key.retired"
	EventKeyRemoved            EventType = "key.removed"
	EventSessionEnded          EventType = "session.ended"
	EventConsentGranted        EventType = "consent.granted"
	EventGrantCreated          EventType = "grant.created"
	EventGrantRevoked          EventType = "grant.revoked"
	EventCodeReplayed          EventType = "code.replayed"
	EventCodeBurned            EventType = "code.burned"
	EventRefreshRetried        EventType = "refresh.retried"
	EventRefreshReplayed       EventType = "refresh.replayed"
	EventTokenRevoked          EventType = "token.revoked"
	EventTokenExchanged        EventType = "token.exchanged"
	EventSetupCreated          EventType = "setup.created"
	EventSetupUsed             EventType = "setup.used"
	EventPasswordSet           EventType = "password.set"
	EventRoleGranted           EventType = "role.granted"
	EventUserSignedUp          EventType = "user.signed_up"
	EventUserDeletionAsked     EventType = "user.deletion_asked"
	EventUserDeletionUndone    EventType = "user.deletion_undone"
	EventUserDeleted           EventType = "user.deleted"
	EventUserExported          EventType = "user.exported"
	EventPasswordChanged       EventType = "password.changed"
	EventPasswordReset         EventType = "password.reset"
	EventResetRequested        EventType = "password.reset_requested"
	EventEmailAdded            EventType = "email.added"
	EventEmailVerified         EventType = "email.verified"
	EventEmailChanged          EventType = "email.changed"
	EventEmailRemoved          EventType = "email.removed"
	EventTOTPAdded             EventType = "totp.added"
	EventTOTPRemoved           EventType = "totp.removed"
	EventCodesRenewed          EventType = "recovery_codes.renewed"
	EventCodeUsed              EventType = "recovery_code.used"
	EventPasskeyAdded          EventType = "passkey.added"
	EventPasskeyRenamed        EventType = "passkey.renamed"
	EventPasskeyRemoved        EventType = "passkey.removed"
	EventPasskeyCloned         EventType = "passkey.cloned"
	EventDeviceRemembered      EventType = "device.remembered"
	EventDeviceForgotten       EventType = "device.forgotten"
	EventDeviceNew             EventType = "device.new"
	EventDeviceApproved        EventType = "device.approved"
	EventDeviceDenied          EventType = "device.denied"
	EventSessionsEnded         EventType = "session.others_ended"
	EventNotMe                 EventType = "user.not_me"
	EventOrganizationCreated   EventType = "organization.created"
	EventOrganizationSuspended EventType = "organization.suspended"
	EventOrganizationResumed   EventType = "organization.resumed"
	EventOrganizationDeletion  EventType = "organization.deletion_asked"
	EventOrganizationKept      EventType = "organization.deletion_undone"
	EventOrganizationDeleted   EventType = "organization.deleted"
	EventMemberAdded           EventType = "member.added"
	EventMemberRemoved         EventType = "member.removed"
	EventMemberLeft            EventType = "member.left"
	EventOwnershipTransferred  EventType = "organization.transferred"
	EventRoleUpdated           EventType = "role.updated"
	EventRoleRemoved           EventType = "role.removed"
	EventInvitationCreated     EventType = "invitation.created"
	EventInvitationSent        EventType = "invitation.sent"
	EventInvitationRevoked     EventType = "invitation.revoked"
	EventInvitationAccepted    EventType = "invitation.accepted"
	EventDomainAdded           EventType = "domain.added"
	EventDomainVerified        EventType = "domain.verified"
	EventDomainUpdated         EventType = "domain.updated"
	EventDomainRemoved         EventType = "domain.removed"
	EventJoinRequested         EventType = "join.requested"
	EventJoinRefused           EventType = "join.refused"
	EventClientRolesUpdated    EventType = "client.roles_updated"
	EventOrganizationChosen    EventType = "organization.chosen"
	EventConnectionUpdated     EventType = "connection.updated"
	EventConnectionTested      EventType = "connection.tested"
	EventConnectionRemoved     EventType = "connection.removed"
	EventIdentityLinked        EventType = "identity.linked"
	EventIdentityUnlinked      EventType = "identity.unlinked"
	EventGlassBroken           EventType = "organization.glass_broken"
	EventTenantSuspended       EventType = "tenant.suspended"
	EventTenantResumed         EventType = "tenant.resumed"
	EventTenantResealed        EventType = "tenant.resealed"
	EventTenantRestored        EventType = "tenant.restored"
	EventUserDisabled          EventType = "user.disabled"
	EventUserEnabled           EventType = "user.enabled"
	EventUserRolesUpdated      EventType = "user.roles_updated"
	EventPasswordRemoved       EventType = "password.removed"
	EventCodesRemoved          EventType = "recovery_codes.removed"
	EventEmailUnverified       EventType = "email.unverified"
	EventClientRemoved         EventType = "client.removed"
	EventClientSecretAdded     EventType = "client.secret_added"
	EventClientSecretRemoved   EventType = "client.secret_removed"
	EventResourceRemoved       EventType = "resource.removed"
	EventTrustedIssuerUpdated  EventType = "trusted_issuer.updated"
	EventTrustedIssuerRemoved  EventType = "trusted_issuer.removed"
	EventWebhookUpdated        EventType = "webhook.updated"
	EventWebhookRemoved        EventType = "webhook.removed"
	EventWebhookTested         EventType = "webhook.tested"
	EventWebhookReplayed       EventType = "webhook.replayed"
	EventMailQueued            EventType = "mail.queued"
	EventMailFailed            EventType = "mail.failed"
)
