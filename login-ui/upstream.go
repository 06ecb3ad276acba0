package loginui

import (
	"slices"
	"strings"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/provider/flow"
)

// brand is how an upstream is drawn.
type brand struct {
	// Kind is that of a mark that is known everywhere; empty for those for which
	// Initial, the first letter of the name, stands.
	Kind, Initial string
}

// brandNames are what the providers with a mark of their own call themselves.
var brandNames = map[lanyard.ConnectionKind]string{
	lanyard.ConnectionGoogle: "Google", lanyard.ConnectionMicrosoft: "Microsoft", lanyard.ConnectionTelegram: "Telegram",
}

func brandOf(c lanyard.Connection) brand {
	if brandNames[c.Kind] != "" {
		return brand{Kind: string(c.Kind)}
	}
	return brand{Initial: initial(upstreamName(c))}
}

// upstreamName is what the pages call an upstream.
func upstreamName(c lanyard.Connection) string {
	for _, name := range []string{plain(c.Name), brandNames[c.Kind], hostOf(c.IssuerURL())} {
		if name != "" {
			return name
		}
	}
	return string(c.ID)
}

// Upstream is what the page calls the upstream at hand; empty for none.
func (s *step) Upstream() string {
	if s.Page.Connection == nil {
		return ""
	}
	return upstreamName(*s.Page.Connection)
}

// provider is a button that leads to an upstream.
type provider struct {
	brand
	Way, ID string
	Text    string
	// Note explains what Text, which the brand prescribes, does not say; empty for nothing.
	Note string
	// Last says that it signed somebody in on this browser last.
	Last bool
}

// Providers are the upstreams that the page offers: the one that was used last comes first.
func (s *step) Providers() ([]provider, error) {
	connections := slices.Clone(s.Page.Connections)
	last := func(c lanyard.Connection) bool { return c.ID == s.Page.LastUsed }
	slices.SortStableFunc(connections, func(a, b lanyard.Connection) int {
		switch {
		case last(a) == last(b):
			return 0
		case last(a):
			return -1
		}
		return 1
	})
	var out []provider
	for _, c := range connections {
		button := provider{brand: brandOf(c), Way: string(lanyard.WayOver(c.ID)), ID: string(c.ID), Last: last(c)}
		var err error
		if button.Text, err = s.providerText(c); err != nil {
			return nil, err
		}
		if button.Note, err = s.providerNote(c); err != nil {
			return nil, err
		}
		out = append(out, button)
	}
	return out, nil
}

// providerText is in the words of the brand, where it prescribes them.
func (f *frame) providerText(c lanyard.Connection) (string, error) {
	if brandNames[c.Kind] != "" {
		return f.T("upstream.with." + string(c.Kind))
	}
	return f.T("upstream.with.name", "Name", upstreamName(c))
}

// providerNote tells several buttons of one brand apart by their names, and says for
// which of Microsoft's accounts the usual one is.
func (s *step) providerNote(c lanyard.Connection) (string, error) {
	alike := func(other lanyard.Connection) bool { return other.Kind == c.Kind && other.ID != c.ID }
	switch {
	case brandNames[c.Kind] == "":
		return "", nil
	case c.Owned() || slices.ContainsFunc(s.Page.Connections, alike):
		return upstreamName(c), nil
	case c.Kind == lanyard.ConnectionMicrosoft && !forConsumers(c):
		return s.T("upstream.work_or_school")
	}
	return "", nil
}

// forConsumers tells whether a connection to Microsoft lets personal accounts in alone.
func forConsumers(c lanyard.Connection) bool {
	_, authority, _ := strings.Cut(c.IssuerURL(), "://")
	_, authority, _ = strings.Cut(authority, "/")
	authority, _, _ = strings.Cut(authority, "/")
	return authority == "consumers" || authority == lanyard.MicrosoftConsumers
}

// arriving is who came back from an upstream without an account of that identity.
type arriving struct {
	// Name is that of the upstream, Label what it calls the person.
	Name, Label string
	// Known says that there is an account with the address, which has to be proved.
	Known bool
}

// Arriving is who came back from an upstream and waits; nil for nobody.
func (s *step) Arriving() (*arriving, error) {
	a := s.Page.Request.Arrival
	if a == nil {
		return nil, nil //nolint:nilnil // templates ask by "with"
	}
	out := &arriving{Name: s.Upstream(), Label: plain(a.Label()), Known: a.User != ""}
	if out.Name != "" {
		return out, nil
	}
	var err error
	out.Name, err = s.T("upstream.unnamed")
	return out, err
}

// arrived is what differs on the page of a new account for somebody who came from an
// upstream: there is no password.
type arrived struct {
	// AddressText is the key of what is said of the address; empty for a usual account.
	AddressText string
	// SendsCode says that the address has to be proved first.
	SendsCode bool
}

func arrivedFrom(a lanyard.Arrival) arrived {
	switch {
	case a.Email == "":
		return arrived{"signup.address_none", true}
	case !a.EmailVerified:
		return arrived{"signup.address_unproved", true}
	}
	return arrived{"signup.address_known", false}
}

// refusals are the errors of ways over an upstream that have words of their own.
var refusals = []*lanyard.Error{
	lanyard.ErrUpstreamRefused, lanyard.ErrUpstreamDown, lanyard.ErrUpstreamWrong, lanyard.ErrStaleUpstream, lanyard.ErrNoAccount, lanyard.ErrSignUpClosed,
	lanyard.ErrIdentityTaken, lanyard.ErrUserDisabled, lanyard.ErrHasAccount, lanyard.ErrNoSeat, lanyard.ErrOtherAddress, lanyard.ErrAlreadyMember,
	lanyard.ErrConfined, lanyard.ErrNotOffered, lanyard.ErrThrottled,
}

// showsRefusals tells whether the page of a step says how the last way over an
// upstream ended. What comes after the proof does not.
func showsRefusals(page flow.Page) bool {
	return page.Request.Refusal != "" && page.Step != flow.StepConsent && page.Step != flow.StepCodes
}

// refusal puts the end of a way over an upstream into words. That somebody thought
// better of it is no mistake.
func refusal(code string) words {
	key := "refusal.other"
	for _, e := range refusals {
		if e.Code == code {
			key = "refusal." + code
		}
	}
	return func(s *step) error {
		if code != lanyard.ErrUpstreamRefused.Code {
			return s.problem("", key, "Name", s.Upstream())
		}
		text, err := s.T(key)
		s.Notice = text
		return err
	}
}
