package lanyard

// MailKind is one sort of mail.
type MailKind string

// The mails.
const (
	// MailSignUp carries the code and link of a registration; MailSignUpExists tells
	// the owner of an address that somebody tried to register it again.
	MailSignUp       MailKind = "sign_up"
	MailSignUpExists MailKind = "sign_up_exists"
	// MailVerify carries the code and link that prove an address.
	MailVerify MailKind = "verify"
	// MailCode carries a code to sign in with.
	MailCode MailKind = "code"
	// MailReset carries the link that sets a new password.
	MailReset MailKind = "reset"
	// The notices: what was changed, when, where.
	MailNewDevice       MailKind = "new_device"
	MailPasswordChanged MailKind = "password_changed"
	MailFactorAdded     MailKind = "factor_added"
	MailFactorRemoved   MailKind = "factor_removed"
	MailRecoveryUsed    MailKind = "recovery_used"
	MailCodesRenewed    MailKind = "codes_renewed"
	MailEmailChanged    MailKind = "email_changed"
	MailEmailAdded      MailKind = "email_added"
	MailEmailRemoved    MailKind = "email_removed"
	// MailIdentityLinked and MailIdentityUnlinked tell of an account elsewhere that signs in, or does so no more.
	MailIdentityLinked   MailKind = "identity_linked"
	MailIdentityUnlinked MailKind = "identity_unlinked"
	MailDeletionAsked    MailKind = "deletion_asked"
	MailDeletionUndone   MailKind = "deletion_undone"
	MailDeleted          MailKind = "deleted"
	// MailInvitation carries the link of an invitation; MailMemberRemoved tells a person that they are no member any more.
	MailInvitation    MailKind = "invitation"
	MailMemberRemoved MailKind = "member_removed"
	// MailTest is what an administrator sends to see whether mail works.
	MailTest MailKind = "test"
)
