package flow

import (
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// in is an open organization that the person is in; the name is id, slug and name.
func in(name string) lanyard.Joined {
	return lanyard.Joined{
		Organization: lanyard.Organization{ID: lanyard.OrganizationID(name), Slug: name, Name: name},
		Membership:   lanyard.Membership{OrganizationID: lanyard.OrganizationID(name), UserID: "ada", Roles: []string{lanyard.RoleMember}},
	}
}

// TestOrganizationThatIsDue is the table of the choice of an organization, and of what
// its policy asks for beyond the session at hand.
func TestOrganizationThatIsDue(t *testing.T) {
	type change = func(*state)
	required := func(s *state) { s.client.RequireOrganization = true }
	named := func(slug string) change { return func(s *state) { s.request.Params.Organization = slug } }
	joined := func(names ...string) change {
		return func(s *state) {
			for _, name := range names {
				s.joined = append(s.joined, in(name))
			}
		}
	}
	nobody := func(s *state) { s.accounts = nil }
	typed := func(s *state) { s.accounts, s.request.Identifier = nil, "ada" }
	before := func(id string) change {
		return func(s *state) { s.accounts[0].Session.OrganizationID = lanyard.OrganizationID(id) }
	}
	preferred := func(id string) change { return func(s *state) { s.accounts[0].Preferred = lanyard.OrganizationID(id) } }
	chose := func(id string) change {
		return func(s *state) { s.request.OrganizationID = lanyard.OrganizationID(id) }
	}
	selecting := func(s *state) {
		s.request.Params.Prompt, s.request.Chosen = []string{lanyard.PromptSelectAccount}, true
		s.request.SessionID = "ada"
	}
	demands := func(p lanyard.OrganizationPolicy) change {
		return func(s *state) { s.joined[0].Organization.Policy = p }
	}
	twice := demands(lanyard.OrganizationPolicy{SecondFactor: lanyard.SecondFactorRequired})
	only := func(m ...lanyard.Method) change { return demands(lanyard.OrganizationPolicy{Methods: m}) }
	acr := func(acr string, amr ...string) change {
		return func(s *state) { s.accounts[0].Session.ACR, s.accounts[0].Session.AMR = acr, amr }
	}
	proved := func(s *state) { s.request.SessionID, s.request.Proved = "ada", true }
	app := func(s *state) { s.factors.TOTP = true }
	ways := func(s *state) { s.policy.EmailCode = true }
	skipped := func(s *state) { s.request.Skipped = true }
	third := func(s *state) {
		s.client.FirstParty = false
		s.request.Params.Scopes = lanyard.Scopes{"openid", "email"}
	}
	invited := func(s *state) { s.request.Params.Invitation = "inv_1"; s.offer = &organizations.Offer{} }
	accepted := func(s *state) { s.request.Joined = true }

	for name, c := range map[string]struct {
		want    Step
		changes []change
	}{
		"no organization wanted":                 {StepDone, []change{joined("a", "b")}},
		"none":                                   {StepOrganization, []change{required}},
		"one is skipped":                         {StepDone, []change{required, joined("a")}},
		"two":                                    {StepOrganization, []change{required, joined("a", "b")}},
		"two, nobody signed in":                  {StepIdentify, []change{required, nobody}},
		"two, before the proof":                  {StepPassword, []change{required, typed}},
		"two, one chosen":                        {StepDone, []change{required, joined("a", "b"), chose("b")}},
		"two, chosen one is gone":                {StepOrganization, []change{required, joined("a", "b"), chose("c")}},
		"one left, the chosen one is gone":       {StepOrganization, []change{required, joined("a"), chose("c")}},
		"two, chosen in this session before":     {StepDone, []change{required, joined("a", "b"), before("b")}},
		"two, remembered":                        {StepDone, []change{required, joined("a", "b"), preferred("a")}},
		"two, remembered one is gone":            {StepOrganization, []change{required, joined("a", "b"), preferred("c")}},
		"two, remembered, but asked to choose":   {StepOrganization, []change{required, joined("a", "b"), preferred("a"), selecting}},
		"one, asked to choose":                   {StepDone, []change{required, joined("a"), selecting}},
		"named":                                  {StepDone, []change{named("a"), joined("a")}},
		"named, and no member":                   {StepNotMember, []change{named("a")}},
		"named, nobody signed in":                {StepIdentify, []change{named("a"), nobody}},
		"named, although another is remembered":  {StepDone, []change{required, named("a"), joined("a"), preferred("b")}},
		"choice comes before consent":            {StepOrganization, []change{required, third, joined("a", "b")}},
		"second factor, none there":              {StepPassword, []change{named("a"), joined("a"), twice, known}},
		"second factor, none there, just proved": {StepEnrol, []change{named("a"), joined("a"), twice, known, proved}},
		"second factor can not be put off":       {StepEnrol, []change{named("a"), joined("a"), twice, known, proved, skipped}},
		"second factor, an app is there":         {StepFactor, []change{named("a"), joined("a"), twice, known, app}},
		"second factor was proved":               {StepDone, []change{named("a"), joined("a"), twice, known, app, acr(lanyard.ACRDouble, "pwd", "otp", "mfa")}},
		"second factor of the other one":         {StepDone, []change{required, joined("a", "b"), twice, chose("b"), known}},
		"method that counts":                     {StepDone, []change{named("a"), joined("a"), only(lanyard.MethodPassword), acr("1", "pwd")}},
		"passkey is missing":                     {StepPasskey, []change{named("a"), joined("a"), only(lanyard.MethodPasskey), acr("1", "pwd")}},
		"passkey is missing after a password":    {StepPasskey, []change{named("a"), joined("a"), only(lanyard.MethodPasskey), acr("1", "pwd"), proved}},
		"passkey was used":                       {StepDone, []change{named("a"), joined("a"), only(lanyard.MethodPasskey), acr(lanyard.ACRPasskey, "pop", "user", "mfa")}},
		"password is missing":                    {StepPassword, []change{named("a"), joined("a"), only(lanyard.MethodPassword), acr(lanyard.ACRPasskey, "pop")}},
		"mailed code is missing":                 {StepEmailCode, []change{named("a"), joined("a"), only(lanyard.MethodEmailCode), ways, acr("1", "pwd")}},
		"proof too old":                          {StepPassword, []change{named("a"), joined("a"), demands(lanyard.OrganizationPolicy{SessionLifetime: lanyard.Duration(10 * time.Minute)})}},
		"proof just young enough":                {StepDone, []change{named("a"), joined("a"), demands(lanyard.OrganizationPolicy{SessionLifetime: lanyard.Duration(10*time.Minute + 1)})}},
		"proof renewed":                          {StepDone, []change{named("a"), joined("a"), demands(lanyard.OrganizationPolicy{SessionLifetime: lanyard.Duration(time.Minute)}), proved, fresh}},
		"unused for too long":                    {StepPassword, []change{named("a"), joined("a"), demands(lanyard.OrganizationPolicy{SessionIdle: lanyard.Duration(time.Minute)})}},
		"invitation":                             {StepInvitation, []change{invited}},
		"invitation, nobody signed in":           {StepIdentify, []change{invited, nobody}},
		"invitation accepted":                    {StepDone, []change{invited, accepted}},
	} {
		s := &state{now: noon, client: &lanyard.Client{FirstParty: true, AuthMethod: lanyard.AuthBasic}, accounts: []lanyard.Account{account("ada")}}
		s.request.Params = lanyard.AuthParams{RedirectURI: "https://app.example/cb", Scopes: lanyard.Scopes{"openid"}}
		for _, change := range c.changes {
			change(s)
		}
		if got := s.due(); got != c.want {
			t.Errorf("%s: %q is due, want %q", name, got, c.want)
		}
	}
}

func known(s *state) { s.factors.UserID = "ada" }

func fresh(s *state) { s.accounts[0].Session.AuthTime = noon }
