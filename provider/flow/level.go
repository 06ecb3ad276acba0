package flow

import (
	"slices"

	"github.com/lanyard-id/lanyard"
)

// level is what the person has reached so far: by what was proved in this request,
// on top of the session that it adds to, or by the session alone.
func (s *state) level() string {
	if s.person != nil {
		reached := lanyard.Reached(s.base().ACR, s.request.Progress.Methods)
		if u := s.request.Progress.Upstream; u != nil && lanyard.ACRMeets(u.ACR, reached) {
			return u.ACR
		}
		return reached
	}
	if a := s.account(); a != nil {
		return a.Session.ACR
	}
	return ""
}

// base is the session that the progress adds to; zero when it stands alone.
func (s *state) base() lanyard.Session {
	p := s.request.Progress
	if p == nil || p.SessionID == "" {
		return lanyard.Session{}
	}
	if a := find(s.live(), func(a lanyard.Account) bool { return a.Session.ID == p.SessionID }); a != nil {
		return a.Session
	}
	return lanyard.Session{}
}

// target is the level that has to be reached still: the lowest that the request, or
// a risky change, asks for. Empty when the level at hand will do, or none would.
func (s *state) target(level string) string {
	if s.sudo() && s.factors.Second() && !lanyard.ACRMeets(level, lanyard.ACRDouble) {
		return lanyard.ACRDouble
	}
	if s.levelMet(level) {
		return ""
	}
	for _, higher := range lanyard.ACRLevels {
		if s.levelMet(higher) && !lanyard.ACRMeets(level, higher) {
			return higher
		}
	}
	return ""
}

// factorDue asks for a second factor: at every sign-in of a person who has one, on
// a browser that is not remembered, and whenever a higher level is asked for.
func (s *state) factorDue() bool {
	if s.proving() || !s.factors.Second() {
		return false
	}
	level := s.level()
	target := s.target(level)
	if target == lanyard.ACRPasskey {
		return s.factors.Passkeys > 0
	}
	if lanyard.ACRMeets(level, lanyard.ACRDouble) {
		return false
	}
	return target != "" || (s.person != nil && !s.factors.Remembered)
}

func (s *state) newPasswordDue() bool {
	return s.person != nil && s.factors.MustChange && slices.Contains(s.request.Progress.Methods, lanyard.MethodPassword)
}

func (s *state) verifyEmailDue() bool {
	return s.person != nil && s.policy.EmailVerification == lanyard.VerificationRequired && !s.factors.EmailVerified
}

// enrolDue asks a person without a second factor to set one up.
func (s *state) enrolDue() bool {
	return !s.proving() && (!s.request.Skipped || !s.maySkip()) && s.enrolWanted(s.level())
}

// enrolWanted tells whether a second factor has to be set up: the tenant wants
// one, or the request asks for a level that needs one.
func (s *state) enrolWanted(level string) bool {
	if s.factors.UserID == "" || s.factors.Second() || lanyard.ACRMeets(level, lanyard.ACRDouble) {
		return false
	}
	if s.confinedTo() != "" { // what an organization says never changes what the person signs in with
		return false
	}
	if s.demands().SecondFactor == lanyard.SecondFactorRequired {
		return true
	}
	switch s.policy.SecondFactor {
	case lanyard.SecondFactorOffered:
		if s.person != nil {
			return true
		}
	case lanyard.SecondFactorRequired:
		if s.person != nil || !s.policy.MayPutOff(s.now) {
			return true
		}
	}
	return s.target(level) != ""
}

// maySkip tells whether setting up a second factor can be put off. Then a client
// that asked for a level is told that it was not reached.
func (s *state) maySkip() bool {
	return s.policy.MayPutOff(s.now) && s.demands().SecondFactor != lanyard.SecondFactorRequired
}

func (s *state) codesDue() bool { return s.person != nil && s.request.Progress.CodesDue }

// factorsMatter tells whether the factors of a signed-in person can decide anything.
func (s *state) factorsMatter(a *lanyard.Account) bool {
	return s.sudo() || s.policy.SecondFactor == lanyard.SecondFactorRequired || !s.levelMet(a.Session.ACR)
}

// levelMet tells whether the session's level is one of those asked for. Values that
// are no level of ours are voluntary and ignored, unless the claim was essential.
func (s *state) levelMet(reached string) bool {
	wanted := s.request.Params.ACRValues
	if len(wanted) == 0 {
		wanted = s.client.DefaultACRValues
	}
	known := slices.DeleteFunc(slices.Clone(wanted), func(w string) bool { return !slices.Contains(lanyard.ACRLevels, w) })
	meets := func(w string) bool { return lanyard.ACRMeets(reached, w) }
	essential := s.request.Params.Claims.ACR
	if s.demands().SecondFactor == lanyard.SecondFactorRequired && !meets(lanyard.ACRDouble) {
		return false
	}
	if s.confinedTo() != "" && s.policy.SecondFactor == lanyard.SecondFactorRequired && !s.policy.MayPutOff(s.now) && !meets(lanyard.ACRDouble) {
		return false // nobody sets one up on the word of an organization
	}
	return (len(known) == 0 || slices.ContainsFunc(known, meets)) && (len(essential) == 0 || slices.ContainsFunc(essential, meets))
}

// ways are the other ways through the step that is due, best first.
func (s *state) ways(step Step) []lanyard.Way {
	var all []lanyard.Way
	offer := func(way lanyard.Way, when bool) {
		if when {
			all = append(all, way)
		}
	}
	passkeys := !s.policy.NoPasskeys && s.counts(lanyard.MethodPasskey)
	switch step {
	case StepIdentify:
		offer(lanyard.WayPasskey, passkeys)
		offer(lanyard.WaySignUp, s.maySignUp())
	case StepPassword, StepPasskey, StepEmailCode, StepForgot:
		named := s.request.Identifier != "" || s.account() != nil
		offer(lanyard.WayPasskey, passkeys && step != StepPasskey)
		offer(lanyard.WayEmailCode, s.policy.EmailCode && named && step != StepEmailCode && s.counts(lanyard.MethodEmailCode))
		offer(lanyard.WayForgot, step == StepPassword && s.person == nil)
	case StepSignUp:
		offer(lanyard.WayPasskey, passkeys)
	case StepFactor:
		return s.factorWays()
	}
	return all
}

// maySignUp tells whether an account can be made: by anybody, or because of an invitation.
func (s *state) maySignUp() bool {
	switch s.policy.WhoSignsUp() {
	case lanyard.SignUpOpen:
		return true
	case lanyard.SignUpInvite:
		return s.offer != nil
	}
	return false
}

// factorWays are the second factors that the person has, best first; the first one
// is asked for unless the person chose another.
func (s *state) factorWays() []lanyard.Way {
	var all []lanyard.Way
	offer := func(way lanyard.Way, when bool) {
		if when {
			all = append(all, way)
		}
	}
	target := s.target(s.level())
	offer(lanyard.WayTOTP, s.factors.TOTP && target != lanyard.ACRPasskey)
	offer(lanyard.WaySecurityKey, s.factors.Passkeys > 0)
	offer(lanyard.WayRecoveryCode, s.factors.RecoveryCodes > 0 && target != lanyard.ACRPasskey)
	offer(lanyard.WayEmailRecovery, s.policy.EmailRecovery && target != lanyard.ACRPasskey && s.mailboxUnused())
	return all
}

// mailboxUnused tells whether the mailbox can stand in for a second factor: it was
// not the first one, and it is the person's.
func (s *state) mailboxUnused() bool {
	who := s.whose()
	used := s.request.Progress != nil && slices.Contains(s.request.Progress.Methods, lanyard.MethodEmailCode)
	if a := s.account(); a != nil && s.person == nil {
		used = slices.Contains(a.Session.AMR, lanyard.AMREmail)
	}
	used = used || slices.Contains(s.base().AMR, lanyard.AMREmail)
	return who != nil && who.Profile.Email != "" && who.Profile.EmailVerified && !used
}

// whose are the factors: of whoever proved something, or is signed in.
func (s *state) whose() *lanyard.User {
	if s.person != nil {
		return s.person
	}
	if a := s.account(); a != nil {
		return &a.User
	}
	return nil
}

// factorWay is the second factor that is asked for now.
func (s *state) factorWay() lanyard.Way {
	ways := s.factorWays()
	if slices.Contains(ways, s.request.Way) {
		return s.request.Way
	}
	if len(ways) == 0 {
		return ""
	}
	return ways[0]
}
