package lanyard

import "slices"

// EventTypes is the catalogue of facts: what webhooks can be told of.
var EventTypes = []EventType{
	EventTenantCreated, EventTenantUpdated, EventUserCreated, EventUserUpdated, EventUserSignedIn, EventSignInFailed, EventClientCreated,
	EventClientUpdated, EventResourceUpdated, EventOrganizationUpdated, EventMemberUpdated, EventKeyCreated, EventKeyActivated, EventKeyRetired,
	EventKeyRemoved, EventSessionEnded, EventConsentGranted, EventGrantCreated, EventGrantRevoked, EventCodeReplayed, EventCodeBurned,
	EventRefreshRetried, EventRefreshReplayed, EventTokenRevoked, EventTokenExchanged, EventSetupCreated, EventSetupUsed, EventPasswordSet,
	EventRoleGranted, EventUserSignedUp, EventUserDeletionAsked, EventUserDeletionUndone, EventUserDeleted, EventUserExported, EventPasswordChanged,
	EventPasswordReset, EventResetRequested, EventEmailAdded, EventEmailVerified, EventEmailChanged, EventEmailRemoved, EventTOTPAdded,
	EventTOTPRemoved, EventCodesRenewed, EventCodeUsed, EventPasskeyAdded, EventPasskeyRenamed, EventPasskeyRemoved, EventPasskeyCloned,
	EventDeviceRemembered, EventDeviceForgotten, EventDeviceNew, EventDeviceApproved, EventDeviceDenied, EventSessionsEnded, EventNotMe,
	EventOrganizationCreated, EventOrganizationSuspended, EventOrganizationResumed, EventOrganizationDeletion, EventOrganizationKept,
	EventOrganizationDeleted, EventMemberAdded, EventMemberRemoved, EventMemberLeft, EventOwnershipTransferred, EventRoleUpdated, EventRoleRemoved,
	EventInvitationCreated, EventInvitationSent, EventInvitationRevoked, EventInvitationAccepted, EventDomainAdded, EventDomainVerified,
	EventDomainUpdated, EventDomainRemoved, EventJoinRequested, EventJoinRefused, EventClientRolesUpdated, EventOrganizationChosen,
	EventConnectionUpdated, EventConnectionTested, EventConnectionRemoved, EventIdentityLinked, EventIdentityUnlinked, EventGlassBroken,
	EventTenantSuspended, EventTenantResumed, EventTenantResealed, EventTenantRestored, EventUserDisabled, EventUserEnabled, EventUserRolesUpdated, EventPasswordRemoved, EventCodesRemoved,
	EventEmailUnverified, EventClientRemoved, EventClientSecretAdded, EventClientSecretRemoved, EventResourceRemoved, EventTrustedIssuerUpdated,
	EventTrustedIssuerRemoved, EventWebhookUpdated, EventWebhookRemoved, EventWebhookTested, EventWebhookReplayed, EventMailQueued, EventMailFailed,
}

// ValidEventPattern tells whether s is a fact of the catalogue, or a noun of it with .* for all of it.
func ValidEventPattern(s string) bool {
	some := Webhook{Types: []string{s}}
	return s != "" && slices.ContainsFunc(EventTypes, some.Wants)
}
