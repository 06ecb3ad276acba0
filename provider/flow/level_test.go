package flow

import (
	"slices"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
)

// TestFactorThatIsDue is the table of everything between the first proof and the
// session: given what was proved, what the person has, and what is asked for.
func TestFactorThatIsDue(t *testing.T) {
	type change = func(*state)
	signedIn := func(acr string) change {
		return func(s *state) {
			a := account("ada")
			a.Session.ACR = acr
			s.accounts = append(s.accounts, a)
		}
	}
	proved := func(methods ...lanyard.Method) change {
		return func(s *state) {
			s.person = &lanyard.User{ID: "ada", Subject: "ada", Profile: lanyard.Profile{Email: "ada@example.test", EmailVerified: true}}
			s.request.Progress = &lanyard.Progress{UserID: "ada", Methods: methods, At: noon}
		}
	}
	ontoSession := func(s *state) { s.request.Progress.SessionID = "ada" }
	totp := func(s *state) { s.factors.TOTP, s.factors.RecoveryCodes = true, 10 }
	passkey := func(s *state) { s.factors.Passkeys = 1 }
	remembered := func(s *state) { s.factors.Remembered = true }
	mustChange := func(s *state) { s.factors.MustChange = true }
	unverified := func(s *state) { s.factors.EmailVerified = false }
	skipped := func(s *state) { s.request.Skipped = true }
	codes := func(s *state) { s.request.Progress.CodesDue = true }
	acr := func(values ...string) change { return func(s *state) { s.request.Params.ACRValues = values } }
	essential := func(values ...string) change { return func(s *state) { s.request.Params.Claims.ACR = values } }
	sudo := func(s *state) { s.request.Params.Sudo = true }
	ago := func(d time.Duration) change { return func(s *state) { s.accounts[0].Session.AuthTime = noon.Add(-d) } }
	factor := func(p lanyard.SecondFactor) change { return func(s *state) { s.policy.SecondFactor = p } }
	deadline := func(d string) change { return func(s *state) { s.policy.SecondFactorDeadline = d } }
	verify := func(p lanyard.EmailVerification) change { return func(s *state) { s.policy.EmailVerification = p } }
	none := func(s *state) { s.request.Params.Prompt = []string{lanyard.PromptLogin} }
	chosen := func(s *state) { s.request.SessionID, s.request.Proved = "ada", true }

	const password, code, key = lanyard.MethodPassword, lanyard.MethodTOTP, lanyard.MethodPasskey
	for name, c := range map[string]struct {
		want    Step
		changes []change
	}{
		"password alone":                                  {StepDone, []change{proved(password)}},
		"password of somebody with an app":                {StepFactor, []change{proved(password), totp}},
		"password of somebody with a passkey":             {StepFactor, []change{proved(password), passkey}},
		"password on a remembered browser":                {StepDone, []change{proved(password), totp, remembered}},
		"remembered, but the level is asked for":          {StepFactor, []change{proved(password), totp, remembered, acr("2")}},
		"remembered, but the change is risky":             {StepFactor, []change{proved(password), totp, remembered, sudo}},
		"password and app":                                {StepDone, []change{proved(password, code), totp}},
		"passkey with verification":                       {StepDone, []change{proved(key), totp, passkey}},
		"a code by mail is one factor":                    {StepFactor, []change{proved(lanyard.MethodEmailCode), totp}},
		"a second factor alone is none":                   {StepFactor, []change{proved(code), totp}},
		"the level of a passkey, with one":                {StepFactor, []change{proved(password, code), totp, passkey, acr("phr")}},
		"the level of a passkey, without":                 {StepDone, []change{proved(password, code), totp, acr("phr")}},
		"two factors asked, none there":                   {StepEnrol, []change{proved(password), acr("2")}},
		"two factors asked, put off":                      {StepDone, []change{proved(password), acr("2"), skipped}},
		"one of the levels is reached":                    {StepDone, []change{proved(password), acr("2", "1")}},
		"an essential level":                              {StepFactor, []change{proved(password), totp, remembered, essential("2")}},
		"signed in, level reached":                        {StepDone, []change{signedIn("2"), totp, acr("2")}},
		"signed in, more is asked":                        {StepFactor, []change{signedIn("1"), totp, acr("2")}},
		"signed in, nothing is asked":                     {StepDone, []change{signedIn("1"), totp}},
		"signed in, more is asked and proved":             {StepDone, []change{signedIn("1"), totp, acr("2"), proved(code), ontoSession}},
		"added to a session that is gone":                 {StepFactor, []change{totp, acr("2"), proved(code), ontoSession}},
		"signed in a while ago, a factor is to be set up": {StepPassword, []change{signedIn("1"), acr("2")}},
		"signed in just now, a factor is to be set up":    {StepEnrol, []change{signedIn("1"), ago(time.Minute), acr("2")}},
		"risky, proved a while ago":                       {StepPassword, []change{signedIn("2"), totp, sudo}},
		"risky, proved just now":                          {StepDone, []change{signedIn("2"), ago(time.Minute), totp, sudo}},
		"risky, proved just now with the password alone":  {StepFactor, []change{signedIn("1"), ago(time.Minute), totp, sudo}},
		"risky, nothing else to prove with":               {StepDone, []change{signedIn("1"), ago(time.Minute), sudo}},
		"login again, then the factor":                    {StepFactor, []change{signedIn("2"), none, proved(password), totp}},
		"the tenant offers a factor":                      {StepEnrol, []change{proved(password), factor(lanyard.SecondFactorOffered)}},
		"offered and put off":                             {StepDone, []change{proved(password), factor(lanyard.SecondFactorOffered), skipped}},
		"offered to one who has it":                       {StepFactor, []change{proved(password), totp, factor(lanyard.SecondFactorOffered)}},
		"offered at the sign-in only":                     {StepDone, []change{signedIn("1"), factor(lanyard.SecondFactorOffered)}},
		"required":                                        {StepEnrol, []change{proved(password), factor(lanyard.SecondFactorRequired)}},
		"required of one signed in just now":              {StepEnrol, []change{signedIn("1"), ago(time.Minute), factor(lanyard.SecondFactorRequired)}},
		"required of one signed in before":                {StepPassword, []change{signedIn("1"), factor(lanyard.SecondFactorRequired)}},
		"required, the deadline is to come":               {StepDone, []change{signedIn("1"), factor(lanyard.SecondFactorRequired), deadline("2026-02-01")}},
		"required, the deadline is over":                  {StepPassword, []change{signedIn("1"), factor(lanyard.SecondFactorRequired), deadline("2026-01-02")}},
		"required, passkey":                               {StepDone, []change{proved(key), passkey, factor(lanyard.SecondFactorRequired)}},
		"must change":                                     {StepNewPassword, []change{proved(password), mustChange}},
		"must change, after the factor":                   {StepFactor, []change{proved(password), mustChange, totp}},
		"must change, signed in by passkey":               {StepDone, []change{proved(key), passkey, mustChange}},
		"address not proved, required":                    {StepVerifyEmail, []change{proved(password), unverified, verify(lanyard.VerificationRequired)}},
		"address not proved, optional":                    {StepDone, []change{proved(password), unverified, verify(lanyard.VerificationOptional)}},
		"address not proved, by default":                  {StepDone, []change{proved(password), unverified}},
		"address proved":                                  {StepDone, []change{proved(password), verify(lanyard.VerificationRequired)}},
		"codes not seen":                                  {StepCodes, []change{proved(password, code), totp, codes}},
		"all is done":                                     {StepDone, []change{signedIn("1"), ago(0), chosen}},
	} {
		s := &state{now: noon, client: &lanyard.Client{FirstParty: true, AuthMethod: lanyard.AuthBasic}}
		s.request.Params = lanyard.AuthParams{RedirectURI: "https://app.example/cb", Scopes: lanyard.Scopes{"openid"}}
		s.factors = lanyard.Factors{UserID: "ada", Password: true, EmailVerified: true}
		for _, change := range c.changes {
			change(s)
		}
		if got := s.due(); got != c.want {
			t.Errorf("%s: %q is due, want %q", name, got, c.want)
		}
	}
}

// TestWaysThatAreOffered: what the person has and the tenant allows, and nothing else.
func TestWaysThatAreOffered(t *testing.T) {
	person := func(s *state) {
		s.person = &lanyard.User{ID: "ada", Profile: lanyard.Profile{Email: "ada@example.test", EmailVerified: true}}
		s.request.Progress = &lanyard.Progress{UserID: "ada", Methods: []lanyard.Method{lanyard.MethodPassword}}
	}
	for name, c := range map[string]struct {
		step   Step
		change func(*state)
		want   []lanyard.Way
	}{
		"identify":                {StepIdentify, func(*state) {}, []lanyard.Way{lanyard.WayPasskey}},
		"identify, open":          {StepIdentify, func(s *state) { s.policy.SignUp = lanyard.SignUpOpen }, []lanyard.Way{lanyard.WayPasskey, lanyard.WaySignUp}},
		"identify, no passkeys":   {StepIdentify, func(s *state) { s.policy.NoPasskeys = true }, nil},
		"password":                {StepPassword, func(s *state) { s.request.Identifier = "ada" }, []lanyard.Way{lanyard.WayPasskey, lanyard.WayForgot}},
		"password, codes by mail": {StepPassword, func(s *state) { s.request.Identifier, s.policy.EmailCode = "ada", true }, []lanyard.Way{lanyard.WayPasskey, lanyard.WayEmailCode, lanyard.WayForgot}},
		"factor, nothing":         {StepFactor, person, nil},
		"factor, all": {StepFactor, func(s *state) {
			person(s)
			s.factors = lanyard.Factors{UserID: "ada", TOTP: true, Passkeys: 2, RecoveryCodes: 3}
			s.policy.EmailRecovery = true
		}, []lanyard.Way{lanyard.WayTOTP, lanyard.WaySecurityKey, lanyard.WayRecoveryCode, lanyard.WayEmailRecovery}},
		"factor, the mailbox was the first": {StepFactor, func(s *state) {
			person(s)
			s.request.Progress.Methods = []lanyard.Method{lanyard.MethodEmailCode}
			s.factors = lanyard.Factors{UserID: "ada", TOTP: true}
			s.policy.EmailRecovery = true
		}, []lanyard.Way{lanyard.WayTOTP}},
		"step-up of a session by mail": {StepFactor, func(s *state) {
			a := account("ada")
			a.User.Profile = lanyard.Profile{Email: "ada@example.test", EmailVerified: true}
			a.Session.AMR = []string{lanyard.AMREmail}
			s.accounts = append(s.accounts, a)
			s.factors = lanyard.Factors{UserID: "ada", TOTP: true}
			s.policy.EmailRecovery = true
		}, []lanyard.Way{lanyard.WayTOTP}},
		"step-up of a session by password": {StepFactor, func(s *state) {
			a := account("ada")
			a.User.Profile = lanyard.Profile{Email: "ada@example.test", EmailVerified: true}
			a.Session.AMR = []string{lanyard.AMRPassword}
			s.accounts = append(s.accounts, a)
			s.factors = lanyard.Factors{UserID: "ada", TOTP: true}
			s.policy.EmailRecovery = true
		}, []lanyard.Way{lanyard.WayTOTP, lanyard.WayEmailRecovery}},
		"factor, the mailbox is not proved": {StepFactor, func(s *state) {
			person(s)
			s.person.Profile.EmailVerified = false
			s.factors = lanyard.Factors{UserID: "ada", TOTP: true}
			s.policy.EmailRecovery = true
		}, []lanyard.Way{lanyard.WayTOTP}},
		"factor, only a passkey will do": {StepFactor, func(s *state) {
			person(s)
			s.request.Params.ACRValues = []string{lanyard.ACRPasskey}
			s.factors = lanyard.Factors{UserID: "ada", TOTP: true, Passkeys: 1, RecoveryCodes: 3}
		}, []lanyard.Way{lanyard.WaySecurityKey}},
	} {
		s := &state{now: noon, client: &lanyard.Client{}}
		c.change(s)
		if got := s.ways(c.step); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestProgressDiesWithItsGround: who was turned off, changed a credential, or lost
// the session that a proof was added to, begins anew.
func TestProgressDiesWithItsGround(t *testing.T) {
	fresh := func() (*state, lanyard.User) {
		s := &state{now: noon, client: &lanyard.Client{}, accounts: []lanyard.Account{account("ada")}}
		s.request.Progress = &lanyard.Progress{UserID: "ada", Revision: 3, SessionID: "ada"}
		return s, lanyard.User{ID: "ada", Revision: 3}
	}
	if s, user := fresh(); !s.stands(user) {
		t.Error("nothing has changed")
	}
	for name, change := range map[string]func(*state, *lanyard.User){
		"turned off":      func(_ *state, u *lanyard.User) { u.Disabled = true },
		"changed":         func(_ *state, u *lanyard.User) { u.Revision++ },
		"session ended":   func(s *state, _ *lanyard.User) { s.accounts = nil },
		"session expired": func(s *state, _ *lanyard.User) { s.accounts[0].Session.ExpiresAt = noon },
		"session idle":    func(s *state, _ *lanyard.User) { s.accounts[0].Session.IdleUntil = noon },
	} {
		s, user := fresh()
		if change(s, &user); s.stands(user) {
			t.Errorf("%s: the progress stands", name)
		}
	}
}
