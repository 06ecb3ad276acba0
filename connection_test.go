package lanyard_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
)

func TestConnectionsAreChecked(t *testing.T) {
	const tenant = "11111111-2222-4333-8444-555555555555"
	good := lanyard.Connection{Kind: lanyard.ConnectionOIDC, Name: "Acme", Issuer: "https://idp.acme.example", UpstreamClientID: "x"}
	for name, c := range map[string]struct {
		change func(*lanyard.Connection)
		good   bool
	}{
		"as it is":                    {func(*lanyard.Connection) {}, true},
		"Google's own issuer":         {func(c *lanyard.Connection) { c.Kind, c.Issuer = lanyard.ConnectionGoogle, "" }, true},
		"Microsoft tenants":           {func(c *lanyard.Connection) { c.Kind, c.AllowedTenants = lanyard.ConnectionMicrosoft, []string{tenant} }, true},
		"a claim for an attribute":    {func(c *lanyard.Connection) { c.ClaimMapping = map[string]string{"attributes.team": "urn:team"} }, true},
		"another address":             {func(c *lanyard.Connection) { c.ClaimMapping = map[string]string{"email": "mail"} }, true},
		"an organization's members":   {func(c *lanyard.Connection) { c.JustInTime, c.OrganizationID = true, "org_1" }, true},
		"no kind":                     {func(c *lanyard.Connection) { c.Kind = "" }, false},
		"a kind of its own":           {func(c *lanyard.Connection) { c.Kind = "saml" }, false},
		"no name":                     {func(c *lanyard.Connection) { c.Name = "" }, false},
		"a long name":                 {func(c *lanyard.Connection) { c.Name = strings.Repeat("a", 101) }, false},
		"no issuer":                   {func(c *lanyard.Connection) { c.Issuer = "" }, false},
		"an issuer with a query":      {func(c *lanyard.Connection) { c.Issuer += "?a=b" }, false},
		"an issuer with a password":   {func(c *lanyard.Connection) { c.Issuer = "https://a:b@idp.acme.example" }, false},
		"no client id":                {func(c *lanyard.Connection) { c.UpstreamClientID = "" }, false},
		"no authentication":           {func(c *lanyard.Connection) { c.Auth = "none" }, false},
		"tokens without a signature":  {func(c *lanyard.Connection) { c.Algorithms = []string{"RS256", "none"} }, false},
		"tokens signed by the secret": {func(c *lanyard.Connection) { c.Algorithms = []string{"HS256"} }, false},
		"a hosted domain elsewhere":   {func(c *lanyard.Connection) { c.HostedDomain = "acme.example" }, false},
		"Microsoft tenants elsewhere": {func(c *lanyard.Connection) { c.RefusedTenants = []string{tenant} }, false},
		"a tenant by its domain": {func(c *lanyard.Connection) {
			c.Kind, c.AllowedTenants = lanyard.ConnectionMicrosoft, []string{"acme.example"}
		}, false},
		"members of no organization": {func(c *lanyard.Connection) { c.JustInTime = true }, false},
		"a subject of one's choice":  {func(c *lanyard.Connection) { c.ClaimMapping = map[string]string{"sub": "email"} }, false},
		"a claim without a name":     {func(c *lanyard.Connection) { c.ClaimMapping = map[string]string{"name": ""} }, false},
		"an address for Microsoft": {func(c *lanyard.Connection) {
			c.Kind, c.ClaimMapping = lanyard.ConnectionMicrosoft, map[string]string{"email": "upn"}
		}, false},
		"a passkey at the upstream": {func(c *lanyard.Connection) { c.ACRMapping = map[string]string{"x": lanyard.ACRPasskey} }, false},
		"a level that is not there": {func(c *lanyard.Connection) { c.ACRMapping = map[string]string{"x": "3"} }, false},
	} {
		connection := good
		c.change(&connection)
		err := connection.Check()
		if (err == nil) != c.good || (err != nil && !errors.Is(err, lanyard.ErrBadInput)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestConnectionsSayNothingByDefault(t *testing.T) {
	var c lanyard.Connection
	if c.Enabled || c.SignIn || c.SignUp || c.Linking || c.TrustedForMFA || c.JustInTime || c.IssuerURL() != "" || len(c.SignedBy()) != 0 {
		t.Errorf("the zero value allows something: %+v", c)
	}
}

func TestWhatAConnectionDoesNotSayIsItsKinds(t *testing.T) {
	c := lanyard.Connection{Kind: lanyard.ConnectionTelegram}
	if got := c.IssuerURL(); got != "https://oauth.telegram.org" {
		t.Errorf("the issuer is %q", got)
	}
	if diff := cmp.Diff(lanyard.Scopes{"openid", "profile"}, c.AskedScopes()); diff != "" {
		t.Error(diff)
	}
	c.Scopes, c.Algorithms = lanyard.Scopes{"phone"}, []string{"ES256", "HS256", "none"}
	if diff := cmp.Diff(lanyard.Scopes{"openid", "phone"}, c.AskedScopes()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"ES256"}, c.SignedBy()); diff != "" {
		t.Error(diff)
	}
}

func TestSecretsOfAConnectionHavePlacesOfTheirOwn(t *testing.T) {
	a := lanyard.Connection{ID: "con_1", TenantID: "ten_1"}
	b, other := a, a
	b.ID, other.TenantID = "con_2", "ten_2"
	places := map[lanyard.Place]bool{}
	for _, c := range []lanyard.Connection{a, b, other} {
		places[c.SecretPlace()], places[c.BotTokenPlace()] = true, true
	}
	if len(places) != 6 {
		t.Errorf("six secrets have %d places", len(places))
	}
}
