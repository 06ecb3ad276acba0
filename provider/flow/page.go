package flow

import (
	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/accounts"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// Visitor is what the cookies of a request prove, and where the request came from.
type Visitor struct {
	// Browser is the value of the browser cookie; zero if there is none.
	Browser lanyard.Secret
	// Binding is the value of the binding cookie of the request at hand; zero if there is none.
	Binding   lanyard.Secret
	UserAgent string
	Address   string
	// Languages are those that pages are shown in to this visitor, best first.
	Languages []string
}

// from is the visitor as the deeds on accounts see them.
func (v Visitor) from() accounts.From {
	return accounts.From{BrowserHash: v.Browser.Hash(), Address: v.Address, UserAgent: v.UserAgent, Languages: v.Languages}
}

// actor is the visitor as one of the accounts of their browser.
func (v Visitor) actor(a *lanyard.Account) accounts.Actor {
	return accounts.Actor{User: a.User, Session: a.Session, From: v.from()}
}

// Step names what a person has to do next.
type Step string

// The steps, in the order in which they are due.
const (
	StepIdentify Step = "identify"
	StepPassword Step = "password"
	StepChoose   Step = "choose"
	StepConsent  Step = "consent"
	// Other ways to prove who one is than the password.
	StepPasskey   Step = "passkey"
	StepEmailCode Step = "email_code"
	// Making an account, and proving its address.
	StepSignUp     Step = "sign_up"
	StepSignUpCode Step = "sign_up_code"
	// StepForgot asks for a link that sets a new password.
	StepForgot Step = "forgot"
	// StepConnection leads to an upstream provider; StepLink asks whether the identity that
	// came back is to sign in to the account that was proved.
	StepConnection Step = "connection"
	StepLink       Step = "link"
	// StepFactor is the second factor.
	StepFactor Step = "factor"
	// What has to be done before a sign-in ends.
	StepNewPassword Step = "new_password"
	StepVerifyEmail Step = "verify_email"
	StepEnrol       Step = "enrol"
	StepCodes       Step = "codes"
	// StepInvitation shows the invitation that the sign-in is for to whoever signed in.
	StepInvitation Step = "invitation"
	// StepOrganization is the choice of the organization that tokens are for;
	// StepNotMember says that the one that was asked for is not to be had.
	StepOrganization Step = "organization"
	StepNotMember    Step = "not_member"
	// StepDone means that /oauth/resume can answer the client.
	StepDone Step = "done"
)

// Page is what is needed to show the step that is due.
type Page struct {
	Step    Step
	Request lanyard.AuthRequest
	Client  *lanyard.Client
	// Accounts are those signed in on this browser, live or not, newest first.
	Accounts []lanyard.Account
	// Account is the one that the request goes on with; nil before it is known.
	Account *lanyard.Account
	// Person has proved something in this request that is no session yet; nil before.
	Person *lanyard.User
	// Factors are those of whoever the request goes on with, where they matter.
	Factors lanyard.Factors
	Policy  lanyard.Policy
	// Ways are the other ways through the step; Way is the second factor that is asked for.
	Ways []lanyard.Way
	Way  lanyard.Way
	// MayRemember offers to remember the browser, MaySkip to put an enrolment off.
	MayRemember bool
	MaySkip     bool
	// TOTP is the enrolment of an authenticator app, on the page that offers it.
	TOTP accounts.TOTPEnrolment
	// Reproof says that the person is signed in but must prove it again
	// (prompt=login, max_age): the identifier is given and can not be changed to another account silently.
	Reproof bool
	// Asked are the scopes that the consent page has to explain, new ones only.
	Asked []ScopeText
	// Joined are the organizations that the person can choose among, by name; Offers are
	// the invitations that wait for them, Joinable the organizations that their address
	// lets them into. They are read for StepOrganization alone.
	Joined   []lanyard.Joined
	Offers   []organizations.Offer
	Joinable []organizations.Joinable
	// Organization is the one that the request goes on with; nil for none.
	Organization *lanyard.Joined
	// AskedFor is the organization that the request names, as it was typed.
	AskedFor string
	// Offer is the invitation that the sign-in is for; nil for none or one that is gone.
	Offer *organizations.Offer
	// Branding is that of the organization that the request names, where it has its
	// own; else the tenant's.
	Branding lanyard.Branding
	// Connections are the upstreams that the page offers, in their order; LastUsed is the
	// one that signed somebody in on this browser last, empty for none.
	Connections []lanyard.Connection
	LastUsed    lanyard.ConnectionID
	// Connection is the upstream that StepConnection leads to, or that Request.Arrival came from; nil for none.
	Connection *lanyard.Connection
	// Insisted says that the organization lets people in through that connection alone.
	Insisted bool
	// Token is the step token that the form has to carry in the field "token".
	Token string
	// KeepSignedIn says that the password page offers to stay signed in (checkbox "keep").
	KeepSignedIn bool
	// RedirectOrigin is where the client's answer will go, for form-action of the page's CSP.
	RedirectOrigin string
}

// ScopeText is one scope of a consent page. Description is empty for the
// standard scopes, that pages describe in the person's language.
type ScopeText struct {
	Name        string
	Description string
	// Resource is the name of the API that the scope belongs to; empty for the standard scopes.
	Resource string
}

// Moved is the outcome of a form that was accepted.
type Moved struct {
	Next Step
	// Browser is the new value of the browser cookie; zero if it stays.
	Browser lanyard.Secret
	// Codes are fresh recovery codes, to be shown once, at once.
	Codes []lanyard.Secret
}
