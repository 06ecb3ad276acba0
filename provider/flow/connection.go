package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/provider/federation"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants"
)

// upstreamLifetime is how long a person may take at an upstream.
const upstreamLifetime = 10 * time.Minute

// CallbackPath is where an upstream sends the browser back to, below the issuer.
func CallbackPath(c lanyard.ConnectionID) string { return "/federation/" + string(c) + "/callback" }

// loadHome reads the organization that the request is for before it is known who the
// person is: the one it names, the one whose domain was typed, or that of the invitation.
func (f *Flow) loadHome(ctx context.Context, live *tenants.Live, s *state) error {
	s.home = lanyard.Organization{}
	if s.offer != nil {
		s.home = s.offer.Organization
		return nil
	}
	named := s.request.Params.Organization
	if named == "" {
		named = string(s.request.OrganizationID)
	}
	confined := slices.ContainsFunc(s.accounts, func(a lanyard.Account) bool { return a.Session.ConfinedTo != "" })
	if named == "" || (!confined && s.somebody() != nil) {
		return nil
	}
	home, err := organizationNamed(ctx, live.Scope, named)
	if errors.Is(err, lanyard.ErrNotFound) || errors.Is(err, lanyard.ErrBadInput) {
		return nil
	}
	if home.Open() {
		s.home = home
	}
	return err
}

// organizationNamed finds an organization by slug or id.
func organizationNamed(ctx context.Context, scope storage.Scope, named string) (lanyard.Organization, error) {
	if lanyard.IsOrganizationID(named) {
		return scope.Organization(ctx, lanyard.OrganizationID(named))
	}
	return scope.OrganizationBySlug(ctx, named)
}

// loadConnections reads the upstreams by which the person can prove who they are in
// this request: the tenant's, and those of the organization that it is for.
func (f *Flow) loadConnections(ctx context.Context, live *tenants.Live, s *state) error {
	s.connections = nil
	p := s.request.Params
	if only := p.Link + p.Test; only != "" {
		return s.loadConnection(ctx, live.Scope, only)
	}
	if s.request.Arrival == nil && !s.proving() {
		return nil
	}
	for _, c := range live.Connections {
		if c.Offered() && s.counts(lanyard.MethodFederated) && !s.barsFederation() {
			s.connections = append(s.connections, c)
		}
	}
	home := s.home.ID
	if j := s.organization(); home == "" && j != nil {
		home = j.Organization.ID
	}
	if home == "" && p.Organization == "" { // one that is not there costs what any other does
		return nil
	}
	own, err := live.Scope.OrganizationConnections(ctx, home)
	own = slices.DeleteFunc(own, func(c lanyard.Connection) bool { return !c.Offered() })
	s.connections = append(own, s.connections...)
	return err
}

// barsFederation tells whether the organization takes no upstream but its own, before
// it is known who the person is.
func (s *state) barsFederation() bool {
	p := s.home.Policy
	return s.nobody() && (p.OwnConnectionOnly || len(p.Methods) > 0 && !slices.Contains(p.Methods, lanyard.MethodFederated))
}

// loadConnection reads the one that is linked or tried.
func (s *state) loadConnection(ctx context.Context, scope storage.Scope, id lanyard.ConnectionID) error {
	c, err := scope.Connection(ctx, id)
	if errors.Is(err, lanyard.ErrNotFound) {
		return nil
	}
	if err == nil && (s.request.Params.Test != "" || (c.Enabled && c.Linking && !c.Owned())) {
		s.connections = []lanyard.Connection{c}
	}
	return err
}

// sudo tells whether a fresh proof is needed, with everything that the person has.
func (s *state) sudo() bool { return s.request.Params.Sudo || s.linking() }

// linking tells whether the person proves the account that an identity is to be linked to.
func (s *state) linking() bool { return s.request.Arrival != nil && s.request.Arrival.User != "" }

// insisted tells whether the organization lets this person in through its own
// connection alone.
func (s *state) insisted() bool {
	if s.linking() {
		return false
	}
	if j := s.organization(); j != nil {
		return j.Demands(lanyard.Session{}).OwnConnectionOnly
	}
	return s.nobody() && s.home.Policy.OwnConnectionOnly
}

// over is the upstream that the request has to go over now; nil for none.
func (s *state) over() *lanyard.Connection {
	if p := s.request.Params; p.Link != "" || p.Test != "" {
		if a := s.account(); a == nil || (p.Link != "" && a.User.Subject != p.HintSubject) || s.proving() || s.person != nil || s.factorDue() || len(s.connections) == 0 {
			return nil
		}
		return &s.connections[0]
	}
	if !s.proving() || s.linking() {
		return nil
	}
	chosen := s.request.Way.Connection()
	i := slices.IndexFunc(s.connections, func(c lanyard.Connection) bool {
		return c.ID == chosen || (s.request.Way == "" && s.insisted() && c.Owned())
	})
	if i < 0 {
		return nil
	}
	return &s.connections[i]
}

func (s *state) connectionDue() bool { return s.over() != nil }

// linkDue asks whether what came from an upstream is to sign in to the account that was proved.
func (s *state) linkDue() bool {
	a := s.account()
	return s.linking() && a != nil && a.User.ID == s.request.Arrival.User
}

// offered are the upstreams that a page shows.
func (s *state) offered(step Step) []lanyard.Connection {
	switch step {
	case StepIdentify, StepPassword, StepPasskey, StepEmailCode, StepSignUp:
		if s.request.Arrival == nil && s.request.Params.Link == "" {
			return s.connections
		}
	}
	return nil
}

// offers tells whether the page of the step that is due leads to the upstream.
func (s *state) offers(id lanyard.ConnectionID) bool {
	due := s.due()
	all := s.offered(due)
	if due == StepConnection {
		all = s.connections
	}
	return slices.ContainsFunc(all, func(c lanyard.Connection) bool { return c.ID == id })
}

// showConnections fills in what pages show of upstreams.
func (s *state) showConnections(page *Page) {
	page.Connections, page.LastUsed, page.Insisted = s.offered(page.Step), s.lastUsed, s.insisted()
	page.Connection = s.over()
	if a := s.request.Arrival; a != nil {
		if i := slices.IndexFunc(s.connections, func(c lanyard.Connection) bool { return c.ID == a.Proof.Connection }); i >= 0 {
			page.Connection = &s.connections[i]
		}
	}
}

// homeRealm sends a typed address to the connection of the organization that proved
// its domain, where the request is for an organization, and that one.
func (f *Flow) homeRealm(ctx context.Context, live *tenants.Live, s *state, typed string) error {
	wanted := s.client.RequireOrganization || s.home.ID != ""
	canonical, err := lanyard.CanonicalEmail(typed)
	if err != nil || !wanted || s.request.Way != "" {
		return nil //nolint:nilerr // no address, no domain
	}
	found, err := live.Scope.DomainConnections(ctx, lanyard.EmailDomain(canonical))
	if err != nil || len(found) == 0 {
		return err
	}
	if c := found[0]; s.home.ID == "" || s.home.ID == c.OrganizationID {
		s.request.Way = lanyard.WayOver(c.ID)
		if s.request.Params.Organization == "" {
			s.request.OrganizationID = c.OrganizationID
		}
	}
	return nil
}

// attempt is what is kept, sealed, while the person is at an upstream.
type attempt struct {
	federation.Attempt
	// Plain stands for the Verifier, which does not show itself.
	Plain string    `json:"Verifier"`
	At    time.Time `json:"at"`
	// Again says that the upstream had to ask the person anew.
	Again bool `json:"again,omitempty"`
}

func attemptPlace(tenant lanyard.TenantID, id lanyard.AuthRequestID) lanyard.Place {
	return lanyard.Place{Tenant: tenant, Table: "federation_attempts", Column: "sealed", Row: string(id)}
}

// Upstream begins a sign-in at the upstream that the request goes over, and tells
// where the browser has to go. The errors are lanyard.ErrUpstreamDown,
// lanyard.ErrUpstreamWrong, and lanyard.ErrNotOffered when the step is not due (any more).
func (f *Flow) Upstream(ctx context.Context, live *tenants.Live, id lanyard.AuthRequestID, v Visitor) (string, error) {
	s, err := f.load(ctx, live, id, v)
	if err != nil {
		return "", err
	}
	c := s.over()
	if s.request.Denied || s.due() != StepConnection {
		return "", lanyard.ErrNotOffered
	}
	a := attempt{Attempt: federation.NewAttempt(*c, live.Issuer+CallbackPath(c.ID)), At: s.now}
	s.ask(&a, *c)
	target, err := f.Upstreams.Start(ctx, *c, a.Attempt)
	if err != nil {
		return "", err
	}
	a.Plain = a.Verifier.Reveal()
	document, err := json.Marshal(a)
	if err != nil {
		return "", fmt.Errorf("writing an attempt: %w", err)
	}
	sealed, err := f.Sealer.Seal(attemptPlace(live.Tenant.ID, id), document)
	if err != nil {
		return "", err
	}
	return target, live.Scope.PutFederationAttempt(ctx, storage.FederationAttempt{
		RequestID: id, StateHash: lanyard.SecretOf(a.State).Hash(), ConnectionID: c.ID, Sealed: sealed, ExpiresAt: s.now.Add(upstreamLifetime),
	})
}

// ask says what the upstream should ask the person.
func (s *state) ask(a *attempt, c lanyard.Connection) {
	p := s.request.Params
	a.LoginHint = s.request.Identifier
	if account := s.account(); account != nil && p.Test == "" && p.Link == "" {
		a.Again, a.LoginHint = true, account.User.Profile.Email
	}
	if !strings.Contains(a.LoginHint, "@") || c.Kind == lanyard.ConnectionTelegram {
		a.LoginHint = ""
	}
	a.Again = a.Again || p.Prompts(lanyard.PromptLogin) || s.maxAge() != nil
	switch {
	case c.Kind == lanyard.ConnectionTelegram:
	case a.Again && c.Kind != lanyard.ConnectionGoogle: // Google knows no such prompt
		a.Prompt = lanyard.PromptLogin
	case a.Again || p.Link != "" || p.Test != "" || s.request.Chosen:
		if c.Kind != lanyard.ConnectionOIDC {
			a.Prompt = lanyard.PromptSelectAccount
		}
	}
}

// spendAttempt takes what was kept for an answer, once.
func (f *Flow) spendAttempt(ctx context.Context, live *tenants.Live, s *state, connection lanyard.ConnectionID, state lanyard.Secret) (attempt, error) {
	var a attempt
	sealed, err := live.Scope.SpendFederationAttempt(ctx, state.Hash(), connection, s.request.ID, s.now)
	if errors.Is(err, lanyard.ErrNotFound) {
		return a, lanyard.ErrStaleFlow
	}
	if err != nil {
		return a, err
	}
	document, err := f.Sealer.Open(attemptPlace(live.Tenant.ID, s.request.ID), sealed)
	if err != nil {
		return a, fmt.Errorf("opening an attempt: %w", err)
	}
	if err := json.Unmarshal(document, &a); err != nil {
		return a, fmt.Errorf("reading an attempt: %w", err)
	}
	a.Verifier = lanyard.SecretOf(a.Plain)
	return a, nil
}

// Arrived is what came of an answer of an upstream.
type Arrived struct {
	Request lanyard.AuthRequestID
	Moved
	// Tested is what a test sign-in found, of Connection; nil for every other sign-in.
	Tested     *lanyard.Assertion
	Connection *lanyard.Connection
	// Local is the page of our own to go to, after a link or a test; empty for the next
	// step. Refusal is the code of what went wrong then, empty if nothing did.
	Local   string
	Refusal string
	// Cause is why the upstream signed nobody in, for the log, and Over its connection; nil if it did.
	Cause error
	Over  lanyard.ConnectionID
}

// Arrive takes the answer of an upstream at its callback. visitor gives what the
// browser proves about a request. An answer to nothing that this browser asked is
// lanyard.ErrForeignFlow or lanyard.ErrStaleFlow; what the upstream refused, or said wrongly,
// is noted in the request, whose next step shows it.
func (f *Flow) Arrive(ctx context.Context, live *tenants.Live, connection lanyard.ConnectionID, answer url.Values,
	visitor func(lanyard.AuthRequestID) Visitor,
) (Arrived, error) {
	given := answer["state"]
	if len(given) != 1 || given[0] == "" {
		return Arrived{}, lanyard.ErrStaleFlow
	}
	state := lanyard.SecretOf(given[0])
	id, err := live.Scope.FederationAttemptRequest(ctx, state.Hash())
	if errors.Is(err, lanyard.ErrNotFound) {
		return Arrived{}, lanyard.ErrStaleFlow
	}
	if err != nil {
		return Arrived{}, err
	}
	v := visitor(id)
	s, err := f.load(ctx, live, id, v)
	if err != nil {
		return Arrived{}, err
	}
	a, err := f.spendAttempt(ctx, live, s, connection, state)
	if err != nil {
		return Arrived{}, err
	}
	out := Arrived{Request: id, Over: connection}
	if c := s.over(); s.request.Denied || c == nil || c.ID != connection { // switched off, or another way was taken meanwhile
		return f.arrivedNowhere(ctx, live, s, out)
	}
	found, err := f.Upstreams.Finish(ctx, *s.over(), a.Attempt, answer)
	if err == nil && a.Again && !found.AuthTime.IsZero() && found.AuthTime.Before(a.At.Add(-upstreamLeeway)) {
		err = lanyard.ErrStaleUpstream
	}
	if err != nil {
		return f.arrivedInVain(ctx, live, s, out, err)
	}
	return f.arrived(ctx, live, s, v, out, found)
}

// upstreamLeeway is by how much the clock of an upstream may differ.
const upstreamLeeway = time.Minute

// arrivedNowhere leads on after an answer that nothing waits for any more.
func (f *Flow) arrivedNowhere(ctx context.Context, live *tenants.Live, s *state, out Arrived) (Arrived, error) {
	if s.request.Way.Connection() != "" || s.request.Params.Link != "" || s.request.Params.Test != "" {
		return f.arrivedInVain(ctx, live, s, out, lanyard.ErrNotOffered)
	}
	out.Moved = s.moved()
	return out, nil
}

// arrivedInVain notes why an upstream signed nobody in. What is no word of the
// catalogue is a fault of ours, and stays one.
func (f *Flow) arrivedInVain(ctx context.Context, live *tenants.Live, s *state, out Arrived, cause error) (Arrived, error) {
	var known *lanyard.Error
	if !errors.As(cause, &known) || (known.Kind == lanyard.Unavailable && !errors.Is(cause, lanyard.ErrUpstreamDown)) {
		return Arrived{}, cause
	}
	f.observe(lanyard.MethodFederated, cause)
	out.Refusal, out.Cause = known.Code, cause
	if p := s.request.Params; p.Link != "" || p.Test != "" {
		out.Local = p.Local
		return out, stale(live.Scope.CloseAuthRequest(ctx, s.request.ID))
	}
	s.request.Refusal, s.request.Way, s.request.Arrival = known.Code, "", nil
	out.Moved = s.moved()
	return out, f.save(ctx, live.Scope, s)
}
