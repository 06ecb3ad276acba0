package flow

import (
	"slices"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/accounts"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// state is everything the steps decide on. Deciding is pure.
type state struct {
	now      time.Time
	client   *lanyard.Client
	request  lanyard.AuthRequest
	accounts []lanyard.Account
	policy   lanyard.Policy
	// person has proved something in this request that is no session yet; nil before.
	person *lanyard.User
	// factors are those of whoever the request goes on with. They are read only
	// where they can decide something.
	factors lanyard.Factors
	// joined are the organizations that the request can go on with: the one it names,
	// or all of the person's. They are read only where one is wanted.
	joined []lanyard.Joined
	// offer is the invitation that the request is for; nil for none, or one that is gone.
	offer *organizations.Offer
	// home is the organization that the request is for, as far as that can be known
	// before the person is; zero for none.
	home lanyard.Organization
	// connections are the upstreams by which the person can prove who they are here.
	// They are read only where somebody has to.
	connections []lanyard.Connection
	// lastUsed is the upstream of the last sign-in on the browser; empty for none.
	lastUsed lanyard.ConnectionID
	// landsIn is the organization of the invitation that leads to an application.
	landsIn lanyard.OrganizationID
}

// steps are looked at in order; the first one that is due is what the person has
// to do next. silent is the error when nobody may be asked (OpenID Connect Core §3.1.2.6).
// Those that are for whoever is signed in are not due before a proof is a session.
var steps = []struct {
	step     Step
	due      func(*state) bool
	silent   *lanyard.Error
	signedIn bool
}{
	{StepChoose, (*state).chooseDue, lanyard.ErrAccountSelection, false},
	{StepSignUp, (*state).signUpDue, lanyard.ErrLoginRequired, false},
	{StepSignUpCode, (*state).signUpCodeDue, lanyard.ErrLoginRequired, false},
	{StepForgot, (*state).forgotDue, lanyard.ErrLoginRequired, false},
	{StepConnection, (*state).connectionDue, lanyard.ErrLoginRequired, false},
	{StepPasskey, (*state).passkeyDue, lanyard.ErrLoginRequired, false},
	{StepIdentify, (*state).identifyDue, lanyard.ErrLoginRequired, false},
	{StepEmailCode, (*state).emailCodeDue, lanyard.ErrLoginRequired, false},
	{StepPassword, (*state).proving, lanyard.ErrLoginRequired, false},
	{StepFactor, (*state).factorDue, lanyard.ErrLoginRequired, false},
	{StepNewPassword, (*state).newPasswordDue, lanyard.ErrInteractionRequired, false},
	{StepVerifyEmail, (*state).verifyEmailDue, lanyard.ErrInteractionRequired, false},
	{StepEnrol, (*state).enrolDue, lanyard.ErrInteractionRequired, false},
	{StepCodes, (*state).codesDue, lanyard.ErrInteractionRequired, false},
	{StepLink, (*state).linkDue, lanyard.ErrInteractionRequired, true},
	{StepInvitation, (*state).invitationDue, lanyard.ErrInteractionRequired, true},
	{StepNotMember, (*state).notMemberDue, lanyard.ErrAccessDenied, true},
	{StepOrganization, (*state).organizationDue, lanyard.ErrInteractionRequired, true},
	{StepConsent, (*state).consentDue, lanyard.ErrConsentRequired, true},
}

func (s *state) due() Step {
	for _, step := range steps {
		if (!step.signedIn || s.person == nil) && step.due(s) {
			return step.step
		}
	}
	return StepDone
}

// silentError is the answer of prompt=none when a step is due.
func silentError(due Step) *lanyard.Error {
	for _, step := range steps {
		if step.step == due {
			return step.silent
		}
	}
	return lanyard.ErrInteractionRequired
}

// chooseDue asks which account to use: when the client wants it asked, or when
// several are signed in and nothing says which.
func (s *state) chooseDue() bool {
	p := s.request.Params
	if s.person != nil || s.request.Chosen || s.request.SessionID != "" || s.request.Identifier != "" || s.request.Way != "" {
		return false
	}
	if p.Prompts(lanyard.PromptSelectAccount) {
		return len(s.shown()) > 0
	}
	return s.account() == nil && len(s.people()) > 1 && p.HintSubject == "" && p.Claims.Subject == ""
}

// proving tells whether the person has to prove who they are: nobody is signed in,
// or the proof is too old.
func (s *state) proving() bool { return s.person == nil && (s.account() == nil || s.reproof()) }

// nobody tells whether it is not even known who the person is.
func (s *state) nobody() bool { return s.person == nil && s.account() == nil }

func (s *state) signUpDue() bool {
	return s.nobody() && s.request.Way == lanyard.WaySignUp && s.request.Identifier == ""
}

func (s *state) signUpCodeDue() bool { return s.nobody() && s.request.Way == lanyard.WaySignUp }

func (s *state) forgotDue() bool { return s.proving() && s.request.Way == lanyard.WayForgot }

func (s *state) passkeyDue() bool {
	forced := !s.counts(lanyard.MethodPassword) && s.counts(lanyard.MethodPasskey) && s.request.Way != lanyard.WayEmailCode
	return s.proving() && (s.request.Way == lanyard.WayPasskey || (forced && !s.nobody()))
}

func (s *state) identifyDue() bool { return s.nobody() && s.request.Identifier == "" }

func (s *state) emailCodeDue() bool {
	forced := !s.counts(lanyard.MethodPassword) && !s.counts(lanyard.MethodPasskey)
	return s.proving() && (s.request.Way == lanyard.WayEmailCode || forced)
}

// reproof tells whether the person has to prove again although signed in.
func (s *state) reproof() bool {
	a := s.account()
	if a == nil {
		return false
	}
	demands := s.demandsOf(a.Session)
	if !demands.Allows(a.Session) {
		return true
	}
	if s.request.Proved && !a.Session.AuthTime.Before(s.request.CreatedAt) { // and not another session's proof
		return false
	}
	p := s.request.Params
	if p.Prompts(lanyard.PromptLogin) || !demands.Current(a.Session, s.now) {
		return true
	}
	age := s.now.Sub(a.Session.AuthTime)
	if age >= accounts.FreshFor && (s.sudo() || s.enrolWanted(a.Session.ACR)) {
		return true
	}
	maxAge := s.maxAge()
	return maxAge != nil && age >= time.Duration(*maxAge)*time.Second
}

// maxAge is how old a proof may be in seconds, by the request or the client's registration; nil for any age.
func (s *state) maxAge() *int64 {
	if s.request.Params.MaxAge != nil {
		return s.request.Params.MaxAge
	}
	return s.client.DefaultMaxAge
}

// consentDue asks the person to agree: a third party wants something new, the
// client asks for it, or the client can not be told from an impostor on the same
// device (RFC 8252 §8.6) and nothing else was asked.
func (s *state) consentDue() bool {
	a := s.account()
	if s.request.Agreed || a == nil {
		return false
	}
	if s.request.Params.Prompts(lanyard.PromptConsent) {
		return true
	}
	if s.client.Public() && lanyard.PrivateRedirect(s.request.Params.RedirectURI) && !s.request.Proved && !s.request.Chosen {
		return true
	}
	return !s.client.FirstParty && (!a.Consented.Covers(s.request.Params.Scopes) || !covers(a.ConsentedResources, s.request.Params.Resources))
}

func covers(have, want []string) bool {
	return !slices.ContainsFunc(want, func(w string) bool { return !slices.Contains(have, w) })
}
