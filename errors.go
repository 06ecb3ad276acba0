package lanyard

import (
	"errors"
	"time"
)

// Kind says what sort of failure an Error is; borders translate it into a status.
type Kind int

// The kinds of failure. The zero kind is Internal, so that a forgotten kind never looks harmless.
const (
	Internal Kind = iota
	Invalid
	NotFound
	Conflict
	Denied
	Unauthenticated
	Throttled
	Unavailable
)

// Error is a failure that a caller can act on. Message is safe to show to
// anybody; causes are never part of it. Code is stable.
type Error struct {
	Kind    Kind
	Code    string
	Message string
	// RetryAfter is how long a throttled caller should wait; zero if unknown.
	RetryAfter time.Duration
}

// Error implements error with the code and the safe message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Is tells whether target is an Error of the same code.
func (e *Error) Is(target error) bool {
	var other *Error
	return errors.As(target, &other) && other.Code == e.Code
}

// Saying is the same error with another safe message.
func (e *Error) Saying(message string) *Error {
	out := *e
	out.Message = message
	return &out
}

// After is the same error that asks the caller to wait.
func (e *Error) After(wait time.Duration) *Error {
	out := *e
	out.RetryAfter = wait
	return &out
}

// KindOf finds the kind of any error: Internal for those outside the catalogue.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// The catalogue. Codes of the OAuth family are the specifications' own
// (RFC 6749 §4.1.2.1 and §5.2, RFC 6750 §3.1, RFC 8707 §2, OpenID Connect Core §3.1.2.6).
var (
	ErrNotFound    = &Error{Kind: NotFound, Code: "not_found", Message: "there is no such thing"}
	ErrConflict    = &Error{Kind: Conflict, Code: "conflict", Message: "it exists already or was changed by somebody else"}
	ErrUnavailable = &Error{Kind: Unavailable, Code: "temporarily_unavailable", Message: "the service is not available at the moment", RetryAfter: 2 * time.Second}
	ErrThrottled   = &Error{Kind: Throttled, Code: "too_many_attempts", Message: "too many attempts"}
	ErrBadInput    = &Error{Kind: Invalid, Code: "bad_input", Message: "the input is not valid"}

	ErrWrongCredentials = &Error{Kind: Unauthenticated, Code: "wrong_credentials", Message: "the sign-in name and password do not match"}
	// ErrWrongCode is a code that is not right, ErrCodeExpired one that was; ErrLinkUsed a link that leads nowhere any more.
	ErrWrongCode   = &Error{Kind: Unauthenticated, Code: "wrong_code", Message: "the code is not right"}
	ErrCodeExpired = &Error{Kind: Unauthenticated, Code: "code_expired", Message: "the code has expired"}
	ErrLinkUsed    = &Error{Kind: NotFound, Code: "link_used", Message: "the link was used or has expired"}
	// ErrNoPasskey is a passkey that proves nothing here: unknown, for somebody else, or not verified.
	ErrNoPasskey = &Error{Kind: Unauthenticated, Code: "passkey_refused", Message: "the passkey was not accepted"}
	// ErrDeletedPasskey is a passkey that this tenant deleted: the browser may be told to forget it.
	ErrDeletedPasskey = &Error{Kind: Unauthenticated, Code: "passkey_deleted", Message: "the passkey was removed from its account"}
	// What is wrong with a new password, in the order in which it is looked at.
	ErrShortPassword    = &Error{Kind: Invalid, Code: "short_password", Message: "the password is too short"}
	ErrLongPassword     = &Error{Kind: Invalid, Code: "long_password", Message: "the password is too long"}
	ErrPersonalPassword = &Error{Kind: Invalid, Code: "personal_password", Message: "the password contains a name or address"}
	ErrBreachedPassword = &Error{Kind: Invalid, Code: "breached_password", Message: "the password appeared in a data breach"}
	ErrWeakPassword     = &Error{Kind: Invalid, Code: "weak_password", Message: "the password is easy to guess"}
	ErrSamePassword     = &Error{Kind: Invalid, Code: "same_password", Message: "the password is the one there is"}
	// ErrFreshProof asks the person to prove again who they are (RFC 9470 §3).
	ErrFreshProof = &Error{Kind: Denied, Code: "insufficient_user_authentication", Message: "this needs a fresh proof of who you are"}
	// ErrLastWayIn refuses to remove the only way to sign in.
	ErrLastWayIn = &Error{Kind: Conflict, Code: "last_way_in", Message: "it is the only way to sign in"}
	// ErrSignUpClosed refuses to make an account.
	ErrSignUpClosed = &Error{Kind: Denied, Code: "sign_up_closed", Message: "accounts are not made here"}
	// ErrNotOffered refuses a way that the tenant's policy does not allow.
	ErrNotOffered = &Error{Kind: Denied, Code: "not_offered", Message: "this way is not offered"}

	// ErrNotAllowed refuses what the person's roles in the organization do not allow.
	ErrNotAllowed = &Error{Kind: Denied, Code: "not_allowed", Message: "your role does not allow this"}
	// ErrPolicyUnmet asks for a sign-in that the organization's policy accepts.
	ErrPolicyUnmet = &Error{Kind: Denied, Code: "organization_policy", Message: "the organization asks for another sign-in"}
	// ErrLastOwner refuses to take away the only owner of an organization.
	ErrLastOwner = &Error{Kind: Conflict, Code: "last_owner", Message: "an organization needs an owner"}
	// ErrNoSeat refuses another member, ErrQuota another invitation.
	ErrNoSeat = &Error{Kind: Conflict, Code: "no_seat", Message: "the organization has no seat left"}
	ErrQuota  = &Error{Kind: Throttled, Code: "invitation_quota", Message: "the organization has sent as many invitations as it may"}
	// ErrAlreadyMember is an invitation of somebody who is in already; it stays unused.
	ErrAlreadyMember = &Error{Kind: Conflict, Code: "already_member", Message: "you are a member already"}
	// ErrOtherAddress is an invitation for an address that the person has not proved. It never says which.
	ErrOtherAddress = &Error{Kind: Denied, Code: "other_address", Message: "this invitation is for another address"}
	// ErrHasAccount refuses to make an account for an address that has one; only whoever proved the address is told.
	ErrHasAccount = &Error{Kind: Conflict, Code: "has_account", Message: "there is an account with this address already"}
	// ErrDomainTaken is a domain that another organization has proved, or that belongs to everybody.
	ErrDomainTaken = &Error{Kind: Conflict, Code: "domain_taken", Message: "the domain can not be used"}
	// ErrDomainUnproved is a domain whose TXT record was not found.
	ErrDomainUnproved = &Error{Kind: Conflict, Code: "domain_unproved", Message: "the TXT record was not found"}
	// ErrSlugTaken is a slug that is, or was, an organization's.
	ErrSlugTaken = &Error{Kind: Conflict, Code: "slug_taken", Message: "this name is taken"}
	// ErrRoleInUse refuses to remove a role that somebody has.
	ErrRoleInUse = &Error{Kind: Conflict, Code: "role_in_use", Message: "the role is in use"}

	// ErrUpstreamRefused is a sign-in at an upstream that the person, or the upstream, ended, or an account that may not be used here.
	ErrUpstreamRefused = &Error{Kind: Denied, Code: "upstream_refused", Message: "the sign-in at the other provider was cancelled or refused"}
	// ErrUpstreamDown is an upstream that did not answer, or not with anything usable.
	ErrUpstreamDown = &Error{Kind: Unavailable, Code: "upstream_down", Message: "the other provider does not answer at the moment", RetryAfter: 15 * time.Second}
	// ErrUpstreamWrong is an answer of an upstream that must not be believed. It never says why.
	ErrUpstreamWrong = &Error{Kind: Invalid, Code: "upstream_wrong", Message: "the answer of the other provider can not be used"}

	// ErrIdentityTaken refuses to link an identity that signs somebody in already.
	ErrIdentityTaken = &Error{Kind: Conflict, Code: "identity_taken", Message: "it is linked to an account already"}
	// ErrNoAccount is an upstream's person without an account, where none is made for them.
	ErrNoAccount = &Error{Kind: Denied, Code: "no_account", Message: "there is no account for this sign-in, and none is made"}
	// ErrOtherAccount is an upstream's person who is not the one that has to prove who they are.
	ErrOtherAccount = &Error{Kind: Denied, Code: "other_account", Message: "this sign-in belongs to another account"}
	// ErrStaleUpstream is an upstream that did not ask the person again although it should have.
	ErrStaleUpstream = &Error{Kind: Denied, Code: "upstream_stale", Message: "the other provider did not ask you to sign in again"}
	// ErrConfined refuses what an organization's own connection can not open.
	ErrConfined = &Error{Kind: Denied, Code: "confined_session", Message: "the sign-in of an organization opens that organization only"}
	// ErrUntested refuses to switch on a connection with which nobody has signed in as it is now.
	ErrUntested = &Error{Kind: Conflict, Code: "connection_untested", Message: "a test sign-in comes first"}
	// ErrConnectionNeeded refuses to take away the connection that an organization insists on, or to insist without one.
	ErrConnectionNeeded = &Error{Kind: Conflict, Code: "connection_needed", Message: "the organization insists on its own connection"}

	// ErrStale refuses a change of something that is not any more what the caller saw (RFC 9110 §13.1.1).
	ErrStale = &Error{Kind: Conflict, Code: "changed_meanwhile", Message: "it was changed by somebody else"}
	// ErrKeyReused is an idempotency key that came before with another request.
	ErrKeyReused = &Error{Kind: Conflict, Code: "idempotency_key_reused", Message: "the idempotency key was used for another request"}
	// ErrForgedCursor is a cursor that we did not make for this list.
	ErrForgedCursor = &Error{Kind: Invalid, Code: "bad_cursor", Message: "the cursor does not belong to this list"}
	// ErrLastSecret refuses to take away the only secret by which a client authenticates.
	ErrLastSecret = &Error{Kind: Conflict, Code: "last_secret", Message: "it is the only secret of the client"}
	// ErrKeyUnpublished refuses to sign with a key that relying parties may not have yet.
	ErrKeyUnpublished = &Error{Kind: Conflict, Code: "key_unpublished", Message: "the next key is not published long enough to sign"}
	// ErrLastAdministrator refuses to take away the only administrator of the instance.
	ErrLastAdministrator = &Error{Kind: Conflict, Code: "last_administrator", Message: "an instance needs an administrator"}

	ErrUserDisabled  = &Error{Kind: Denied, Code: "account_disabled", Message: "this account is turned off"}
	ErrStaleFlow     = &Error{Kind: Invalid, Code: "stale_flow", Message: "this sign-in has expired or was finished"}
	ErrForeignFlow   = &Error{Kind: Invalid, Code: "foreign_flow", Message: "this sign-in was started in another browser"}
	ErrForgedForm    = &Error{Kind: Denied, Code: "forged_form", Message: "the form was not sent from our page"}
	ErrUnknownClient = &Error{Kind: Invalid, Code: "unknown_client", Message: "client_id is not known"}
	ErrBadRedirect   = &Error{Kind: Invalid, Code: "bad_redirect_uri", Message: "redirect_uri is not registered for this client"}

	ErrInvalidRequest          = &Error{Kind: Invalid, Code: "invalid_request", Message: "the request is malformed"}
	ErrInvalidClient           = &Error{Kind: Unauthenticated, Code: "invalid_client", Message: "client authentication failed"}
	ErrInvalidGrant            = &Error{Kind: Invalid, Code: "invalid_grant", Message: "the grant is invalid, expired or revoked"}
	ErrUnauthorizedClient      = &Error{Kind: Invalid, Code: "unauthorized_client", Message: "the client may not use this grant type"}
	ErrUnsupportedGrantType    = &Error{Kind: Invalid, Code: "unsupported_grant_type", Message: "the grant type is not supported"}
	ErrInvalidScope            = &Error{Kind: Invalid, Code: "invalid_scope", Message: "the scope is not allowed"}
	ErrInvalidTarget           = &Error{Kind: Invalid, Code: "invalid_target", Message: "the resource is unknown or not allowed"}
	ErrUnsupportedResponseType = &Error{Kind: Invalid, Code: "unsupported_response_type", Message: "only response_type code is supported"}
	ErrRequestNotSupported     = &Error{Kind: Invalid, Code: "request_not_supported", Message: "request objects are not supported"}
	ErrRequestURINotSupported  = &Error{Kind: Invalid, Code: "request_uri_not_supported", Message: "request_uri is not supported"}
	ErrRegistrationUnsupported = &Error{Kind: Invalid, Code: "registration_not_supported", Message: "registration in the request is not supported"}
	ErrAccessDenied            = &Error{Kind: Denied, Code: "access_denied", Message: "the request was refused"}
	ErrLoginRequired           = &Error{Kind: Invalid, Code: "login_required", Message: "the person has to sign in"}
	ErrConsentRequired         = &Error{Kind: Invalid, Code: "consent_required", Message: "the person has to agree"}
	ErrInteractionRequired     = &Error{Kind: Invalid, Code: "interaction_required", Message: "the person has to act"}
	ErrAccountSelection        = &Error{Kind: Invalid, Code: "account_selection_required", Message: "the person has to choose an account"}
	ErrUnmetAuthentication     = &Error{Kind: Invalid, Code: "unmet_authentication_requirements", Message: "the requested authentication level can not be reached"}
	ErrInvalidToken            = &Error{Kind: Unauthenticated, Code: "invalid_token", Message: "the access token is invalid, expired or revoked"}
	ErrInsufficientScope       = &Error{Kind: Denied, Code: "insufficient_scope", Message: "the access token is not meant for this"}
)
