package mail

import "github.com/lanyard-id/lanyard"

// shape is what the mails of a kind are made of, besides their words.
type shape struct {
	// code and link say which of the two a letter of the kind may carry to be of
	// use: one of them has to be there.
	code, link bool
	// page is where the button leads when the letter has no link; empty for no button.
	page string
	// greets begins with the name. Mails to an address that nobody has proved do
	// not: whoever typed the address chose the name as well.
	greets bool
	// safety is the word for a recipient who did not do it; notice offers the
	// activity page to them, or the letter's own link.
	safety string
	notice bool
	// organization says that it is about one: there are words without its name, and
	// without any.
	organization bool
}

// shapes are all kinds of mail.
var shapes = map[lanyard.MailKind]shape{
	lanyard.MailSignUp:       {code: true, link: true, safety: "safety.ignore"},
	lanyard.MailSignUpExists: {page: "/", safety: "safety.exists"},
	lanyard.MailVerify:       {code: true, link: true, safety: "safety.ignore"},
	lanyard.MailCode:         {code: true, link: true, safety: "safety.code"},
	lanyard.MailReset:        {link: true, safety: "safety.reset"},

	lanyard.MailNewDevice:        aNotice,
	lanyard.MailPasswordChanged:  aNotice,
	lanyard.MailFactorAdded:      aNotice,
	lanyard.MailFactorRemoved:    aNotice,
	lanyard.MailRecoveryUsed:     aNotice,
	lanyard.MailCodesRenewed:     aNotice,
	lanyard.MailEmailChanged:     aNotice,
	lanyard.MailEmailAdded:       aNotice,
	lanyard.MailEmailRemoved:     aNotice,
	lanyard.MailIdentityLinked:   aNotice,
	lanyard.MailIdentityUnlinked: aNotice,
	lanyard.MailDeletionAsked:    {greets: true, page: pathAccount, safety: "safety.notice", notice: true},
	lanyard.MailDeletionUndone:   aNotice,
	lanyard.MailDeleted:          {greets: true, safety: "safety.deleted"},

	lanyard.MailInvitation:    {link: true, safety: "safety.invitation", organization: true},
	lanyard.MailMemberRemoved: {greets: true, organization: true},

	lanyard.MailTest: {},
}

// aNotice tells the owner of an account what happened to it.
var aNotice = shape{greets: true, safety: "safety.notice", notice: true}

// Pages of the account that mails lead to, below the issuer.
const (
	pathAccount  = "/account"
	pathActivity = "/account/activity"
)

// useless tells that a letter lacks what its kind is for.
func (s shape) useless(l Letter) bool {
	return (s.code || s.link) && (!s.code || l.Code == "") && (!s.link || l.Link == "")
}
