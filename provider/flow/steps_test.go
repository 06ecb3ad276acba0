package flow

import (
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// account is somebody signed in since ten minutes; the name is that of session, user and subject.
func account(name string) lanyard.Account {
	return lanyard.Account{
		Session:   lanyard.Session{ID: lanyard.SessionID(name), AuthTime: noon.Add(-10 * time.Minute), ACR: lanyard.ACRSingle, ExpiresAt: noon.Add(time.Hour)},
		User:      lanyard.User{ID: lanyard.UserID(name), Subject: name, Username: name},
		Consented: lanyard.Scopes{"openid"}, ConsentedResources: []string{"https://api.example"},
	}
}

func seconds(n int64) *int64 { return &n }

// TestStepThatIsDue is the table of the sign-in: what the person has to do, given
// what the browser holds and what the client asked for.
func TestStepThatIsDue(t *testing.T) {
	type change = func(*state)
	prompt := func(p string) change {
		return func(s *state) { s.request.Params.Prompt = append(s.request.Params.Prompt, p) }
	}
	signedIn := func(names ...string) change {
		return func(s *state) {
			for _, name := range names {
				s.accounts = append(s.accounts, account(name))
			}
		}
	}
	maxAge := func(n int64) change { return func(s *state) { s.request.Params.MaxAge = seconds(n) } }
	third := func(s *state) { s.client.FirstParty = false }
	public := func(s *state) { s.client.AuthMethod = lanyard.AuthNone }
	redirect := func(uri string) change { return func(s *state) { s.request.Params.RedirectURI = uri } }
	proved := func(name string) change {
		return func(s *state) { s.request.SessionID, s.request.Proved = lanyard.SessionID(name), true }
	}
	chosen := func(name string) change {
		return func(s *state) { s.request.SessionID, s.request.Chosen = lanyard.SessionID(name), true }
	}
	other := func(s *state) { s.request.Chosen = true }
	typed := func(name string) change { return func(s *state) { s.request.Identifier = name } }
	agreed := func(s *state) { s.request.Agreed = true }
	scopes := func(all ...string) change { return func(s *state) { s.request.Params.Scopes = all } }
	resources := func(all ...string) change { return func(s *state) { s.request.Params.Resources = all } }
	hint := func(subject string) change { return func(s *state) { s.request.Params.HintSubject = subject } }
	claim := func(subject string) change { return func(s *state) { s.request.Params.Claims.Subject = subject } }
	loginHint := func(name string) change { return func(s *state) { s.request.Params.LoginHint = name } }
	creating := func(s *state) { s.request.Way = lanyard.WaySignUp }
	expired := func(s *state) { s.accounts[0].Session.ExpiresAt = noon }
	disabled := func(s *state) { s.accounts[0].User.Disabled = true }
	// waits is the identity of somebody who has to prove their account, pending a proof that is no session yet.
	waits := func(name string) change {
		return func(s *state) { s.request.Arrival = &lanyard.Arrival{User: lanyard.UserID(name)} }
	}
	pending := func(name string) change {
		return func(s *state) {
			user := account(name).User
			s.person, s.request.Progress = &user, &lanyard.Progress{UserID: user.ID, Methods: []lanyard.Method{lanyard.MethodPassword}}
		}
	}

	for name, c := range map[string]struct {
		want    Step
		changes []change
	}{
		"nobody":                                   {StepIdentify, nil},
		"an identity waits, its owner proved":      {StepLink, []change{signedIn("ada"), proved("ada"), waits("ada")}},
		"an identity waits, another proved":        {StepDone, []change{signedIn("bob"), proved("bob"), waits("ada")}},
		"a proof is pending, then a third party":   {StepDone, []change{signedIn("ada"), pending("ada"), third, scopes("openid", "email")}},
		"nobody, a name typed":                     {StepPassword, []change{typed("ada")}},
		"one":                                      {StepDone, []change{signedIn("ada")}},
		"one, expired":                             {StepIdentify, []change{signedIn("ada"), expired}},
		"one, turned off":                          {StepIdentify, []change{signedIn("ada"), disabled}},
		"one expired and one":                      {StepDone, []change{signedIn("ada", "bob"), expired}},
		"one turned off and one":                   {StepDone, []change{signedIn("ada", "bob"), disabled}},
		"one, another is wanted":                   {StepIdentify, []change{signedIn("ada"), other}},
		"one, another is typed":                    {StepPassword, []change{signedIn("ada"), typed("bob")}},
		"two":                                      {StepChoose, []change{signedIn("ada", "bob")}},
		"two, one chosen":                          {StepDone, []change{signedIn("ada", "bob"), chosen("bob")}},
		"two, one proved":                          {StepDone, []change{signedIn("ada", "bob"), proved("bob")}},
		"two, another is wanted":                   {StepIdentify, []change{signedIn("ada", "bob"), other}},
		"two, another is typed":                    {StepPassword, []change{signedIn("ada", "bob"), typed("eve")}},
		"two, a hint":                              {StepDone, []change{signedIn("ada", "bob"), hint("bob")}},
		"two, a hint for a third":                  {StepIdentify, []change{signedIn("ada", "bob"), hint("eve")}},
		"two, a claim for a third":                 {StepIdentify, []change{signedIn("ada", "bob"), claim("eve")}},
		"two, a login hint":                        {StepDone, []change{signedIn("ada", "bob"), loginHint("BOB")}},
		"two, a login hint for a third":            {StepChoose, []change{signedIn("ada", "bob"), loginHint("eve")}},
		"one, a hint for another":                  {StepIdentify, []change{signedIn("ada"), hint("bob")}},
		"one, a claim for another beside its hint": {StepIdentify, []change{signedIn("ada"), hint("ada"), claim("bob")}},
		"select_account, nobody":                   {StepIdentify, []change{prompt("select_account")}},
		"select_account, one":                      {StepChoose, []change{prompt("select_account"), signedIn("ada")}},
		"select_account, one expired":              {StepChoose, []change{prompt("select_account"), signedIn("ada"), expired}},
		"select_account, chosen":                   {StepDone, []change{prompt("select_account"), signedIn("ada"), chosen("ada")}},
		"select_account, another":                  {StepIdentify, []change{prompt("select_account"), signedIn("ada"), other}},
		"chosen, expired meanwhile":                {StepIdentify, []change{signedIn("ada"), chosen("ada"), expired}},
		"chosen, of another browser":               {StepIdentify, []change{signedIn("ada"), chosen("bob")}},
		"login":                                    {StepPassword, []change{prompt("login"), signedIn("ada")}},
		"login, proved":                            {StepDone, []change{prompt("login"), signedIn("ada"), proved("ada")}},
		"max_age not reached":                      {StepDone, []change{maxAge(601), signedIn("ada")}},
		"max_age reached to the second":            {StepPassword, []change{maxAge(600), signedIn("ada")}},
		"max_age 0, proved":                        {StepDone, []change{maxAge(0), signedIn("ada"), proved("ada")}},
		"default_max_age":                          {StepPassword, []change{func(s *state) { s.client.DefaultMaxAge = seconds(60) }, signedIn("ada")}},
		"max_age over default_max_age":             {StepDone, []change{func(s *state) { s.client.DefaultMaxAge = seconds(60) }, maxAge(900), signedIn("ada")}},
		"create":                                   {StepSignUp, []change{creating}},
		"create, one signed in":                    {StepSignUp, []change{creating, signedIn("ada")}},
		"create, the address typed":                {StepSignUpCode, []change{creating, typed("new@example.test")}},
		"create, proved":                           {StepDone, []change{creating, signedIn("ada"), proved("ada")}},
		"consent, first party":                     {StepConsent, []change{prompt("consent"), signedIn("ada")}},
		"consent, agreed":                          {StepDone, []change{prompt("consent"), signedIn("ada"), agreed}},
		"consent comes after the proof":            {StepPassword, []change{prompt("consent"), prompt("login"), signedIn("ada")}},
		"third party, agreed before":               {StepDone, []change{third, scopes("openid"), signedIn("ada")}},
		"third party, new scope":                   {StepConsent, []change{third, scopes("openid", "email"), signedIn("ada")}},
		"third party, new resource":                {StepConsent, []change{third, resources("https://files.example"), signedIn("ada")}},
		"third party, known resource":              {StepDone, []change{third, resources("https://api.example"), signedIn("ada")}},
		"first party, new scope and resource":      {StepDone, []change{scopes("email"), resources("https://files.example"), signedIn("ada")}},
		"public, own https":                        {StepDone, []change{public, signedIn("ada")}},
		"public, loopback":                         {StepConsent, []change{public, redirect("http://127.0.0.1/cb"), signedIn("ada")}},
		"public, own scheme":                       {StepConsent, []change{public, redirect("com.example.app:/cb"), signedIn("ada")}},
		"public, loopback, proved":                 {StepDone, []change{public, redirect("http://127.0.0.1/cb"), signedIn("ada"), proved("ada")}},
		"public, loopback, chosen":                 {StepDone, []change{public, redirect("http://127.0.0.1/cb"), signedIn("ada"), chosen("ada")}},
		"public, loopback, agreed":                 {StepDone, []change{public, redirect("http://127.0.0.1/cb"), signedIn("ada"), agreed}},
		"confidential, loopback":                   {StepDone, []change{redirect("http://127.0.0.1/cb"), signedIn("ada")}},
		"agreed by one, the session of nobody":     {StepIdentify, []change{agreed}},
	} {
		s := &state{now: noon, client: &lanyard.Client{FirstParty: true, AuthMethod: lanyard.AuthBasic}}
		s.request.Params = lanyard.AuthParams{RedirectURI: "https://app.example/cb", Scopes: lanyard.Scopes{"openid"}}
		for _, change := range c.changes {
			change(s)
		}
		if got := s.due(); got != c.want {
			t.Errorf("%s: %q is due, want %q", name, got, c.want)
		}
	}
}

// TestLevelIsMetOrRefused is ATTACKS.md 22: the answer never promises more than the session has.
func TestLevelIsMetOrRefused(t *testing.T) {
	for name, c := range map[string]struct {
		wanted, defaults, essential []string
		want                        bool
	}{
		"nothing":                        {nil, nil, nil, true},
		"its own":                        {[]string{"1"}, nil, nil, true},
		"one of two":                     {[]string{"2", "1"}, nil, nil, true},
		"a higher one":                   {[]string{"2"}, nil, nil, false},
		"unknown ones are ignored":       {[]string{"gold"}, nil, nil, true},
		"an unknown and a higher one":    {[]string{"gold", "2"}, nil, nil, false},
		"the default is higher":          {nil, []string{"2"}, nil, false},
		"the request is over a default":  {[]string{"1"}, []string{"2"}, nil, true},
		"essential and met":              {nil, nil, []string{"1"}, true},
		"essential and higher":           {nil, nil, []string{"2"}, false},
		"essential and unknown":          {nil, nil, []string{"gold"}, false},
		"essential beside one that fits": {[]string{"1"}, nil, []string{"2"}, false},
	} {
		s := &state{client: &lanyard.Client{DefaultACRValues: c.defaults}}
		s.request.Params.ACRValues, s.request.Params.Claims.ACR = c.wanted, c.essential
		if got := s.levelMet(lanyard.ACRSingle); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestCodeIsForThePersonThatTheClientInsistsOn is ATTACKS.md 23.
func TestCodeIsForThePersonThatTheClientInsistsOn(t *testing.T) {
	s := &state{now: noon, client: &lanyard.Client{}, accounts: []lanyard.Account{account("ada")}}
	s.request.SessionID = "ada"
	if _, refusal := s.finish(); refusal != nil {
		t.Fatal(refusal)
	}
	s.request.Params.HintSubject = "bob"
	if code, refusal := s.finish(); refusal != lanyard.ErrLoginRequired || !code.IsZero() {
		t.Errorf("the hint of another person: %v", refusal)
	}
	s.request.Params.Claims.Subject = "ada"
	if _, refusal := s.finish(); refusal != nil {
		t.Errorf("the claim weighs more than the hint: %v", refusal)
	}
}

// TestStepTokenIsForOneStepOfOneRequest in one browser.
func TestStepTokenIsForOneStepOfOneRequest(t *testing.T) {
	one, two := lanyard.NewSecret(), lanyard.NewSecret()
	seen := map[string]bool{}
	for _, binding := range []lanyard.Secret{one, two} {
		for _, id := range []lanyard.AuthRequestID{"a", "b"} {
			for _, step := range []Step{StepPassword, StepConsent} {
				seen[stepToken(binding, id, step)] = true
			}
		}
	}
	if len(seen) != 8 || !seen[stepToken(one, "a", StepConsent)] {
		t.Errorf("%d different tokens of 8", len(seen))
	}
}
