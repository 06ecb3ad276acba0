package provider_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/internal/testkit/idp"
	"github.com/lanyard-id/lanyard/internal/testkit/upstream"
)

// Ids of the connections in a sky.
const (
	atGoogle    = lanyard.ConnectionID("google")
	atMicrosoft = lanyard.ConnectionID("microsoft")
	atCompany   = lanyard.ConnectionID("company")
	atTelegram  = lanyard.ConnectionID("telegram")
	// acmeSSO and betaSSO are the own connections of organizations.
	acmeSSO = lanyard.ConnectionID("acme-sso")
	betaSSO = lanyard.ConnectionID("beta-sso")
)

// shapes are the kinds of upstreams with what stands in for each.
var shapes = map[lanyard.ConnectionID]upstream.Shape{
	atGoogle: upstream.Google, atMicrosoft: upstream.Microsoft, atCompany: upstream.Generic, atTelegram: upstream.Telegram,
	acmeSSO: upstream.Generic, betaSSO: upstream.Generic,
}

// sky is a town whose tenant has a connection of every kind, and whose organizations
// acme (with the domain acme.test) and beta have one of their own.
type sky struct {
	*idp.IDP
	t        *testing.T
	upstream map[lanyard.ConnectionID]*upstream.Provider
}

// opened lets everybody sign up, so that a test of something else needs no invitation.
const opened = `
version: 1
tenants:
  - slug: default
    policy: {sign_up: open, default_resource: "https://api.example.test/"}
    organizations:
      - {slug: acme, domains: [{domain: acme.test, verified: true}]}
`

// underSky starts a provider on both databases, with upstreams for the connections that are named.
func underSky(t *testing.T, named []lanyard.ConnectionID, test func(t *testing.T, s *sky)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		sight(t, "", named, test)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		sight(t, testkit.FastPostgres(t), named, test)
	})
}

// overSQLite is underSky for what no row decides: PostgreSQL has its turn in the long run.
func overSQLite(t *testing.T, named []lanyard.ConnectionID, test func(t *testing.T, s *sky)) {
	t.Helper()
	if testkit.Soak() {
		underSky(t, named, test)
		return
	}
	sight(t, "", named, test)
}

// sight is one sky.
func sight(t *testing.T, database string, named []lanyard.ConnectionID, test func(t *testing.T, s *sky)) {
	t.Helper()
	s := &sky{t: t, upstream: map[lanyard.ConnectionID]*upstream.Provider{}}
	var peers []string
	for _, id := range named {
		s.upstream[id] = upstream.Start(t, upstream.Options{Shape: shapes[id], Now: s.now})
		peers = append(peers, s.upstream[id].Peer)
	}
	s.IDP = idp.Start(t, idp.Options{Database: database, Upstreams: peers})
	s.Apply(town)
	s.Apply(opened)
	for _, id := range named {
		s.connect(id, nil)
	}
	test(t, s)
}

// connect stores a connection, after a change.
func (s *sky) connect(id lanyard.ConnectionID, change func(*lanyard.Connection)) {
	s.t.Helper()
	scope, p := s.Scope(), s.upstream[id]
	c := lanyard.Connection{
		ID: id, TenantID: scope.TenantID(), Kind: lanyard.ConnectionKind(shapes[id]), Name: strings.ToUpper(string(id[:1])) + string(id[1:]), Issuer: p.Issuer,
		UpstreamClientID: "our-client", Enabled: true, SignIn: true, SignUp: true, Linking: true, CreatedAt: s.Clock.Now(),
	}
	if owner, _, owned := strings.Cut(string(id), "-sso"); owned {
		o, err := scope.OrganizationBySlug(s.t.Context(), owner)
		if err != nil {
			s.t.Fatal(err)
		}
		c.OrganizationID = o.ID
	}
	var err error
	if c.SealedSecret, err = s.Sealer.Seal(c.SecretPlace(), []byte("our-secret")); err != nil {
		s.t.Fatal(err)
	}
	if change != nil {
		change(&c)
	}
	if err := scope.PutConnection(s.t.Context(), c); err != nil {
		s.t.Fatal(err)
	}
	if err := scope.BumpRevision(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// over presses the button of an upstream on a page, and comes back to the callback.
func (s *sky) over(b *idp.Browser, page *idp.Page, id lanyard.ConnectionID) *idp.Page {
	s.t.Helper()
	return s.back(b, s.away(b, b.Press(page, "provider-"+string(id), nil)))
}

// away goes from the page that leads to an upstream to that upstream, and gives the
// address at which it answers.
func (s *sky) away(b *idp.Browser, page *idp.Page) string {
	s.t.Helper()
	_, target, found := strings.Cut(page.Header.Get("Refresh"), "0; url=")
	if !found || page.Status != http.StatusOK || page.URL.Path != "/login/connection" {
		s.t.Fatalf("not a page that leads to an upstream: %s\n%s", page, page.Body)
	}
	there := b.Get(target)
	if there.Away == nil {
		s.t.Fatalf("the upstream answers %s %s", there, there.Body)
	}
	return there.Away.String()
}

// back opens the address at which the upstream answers.
func (s *sky) back(b *idp.Browser, callback string) *idp.Page {
	s.t.Helper()
	return b.Get(callback)
}

// signIn is a whole sign-in to a client over an upstream, as far as it goes.
func (s *sky) signIn(b *idp.Browser, client string, more url.Values, id lanyard.ConnectionID) *idp.Page {
	s.t.Helper()
	page := b.Get(s.Client(client).Authorize(more))
	if page.URL.Path == "/login/connection" { // nothing else is offered
		return s.back(b, s.away(b, page))
	}
	return s.over(b, page, id)
}

// identities are those of the user with the address.
func (s *sky) identities(address string) []lanyard.LinkedIdentity {
	s.t.Helper()
	u, err := s.Scope().UserByEmail(s.t.Context(), address)
	if err != nil {
		return nil
	}
	all, err := s.Scope().Identities(s.t.Context(), u.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

// now is the time of the provider, that its upstreams share.
func (s *sky) now() time.Time {
	if s.IDP == nil {
		return time.Now()
	}
	return s.Clock.Now()
}
