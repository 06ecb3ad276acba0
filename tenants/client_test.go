package tenants_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants"
)

// TestRegistrationKeepsTheRules is ATTACKS.md 7, 8 and 229, and the floors below which nobody may go.
func TestRegistrationKeepsTheRules(t *testing.T) {
	links := map[string]func(*lanyard.Client) *string{
		"client_uri": func(c *lanyard.Client) *string { return &c.URI }, "logo_uri": func(c *lanyard.Client) *string { return &c.LogoURI },
		"policy_uri": func(c *lanyard.Client) *string { return &c.Policy }, "tos_uri": func(c *lanyard.Client) *string { return &c.Terms },
		"initiate_login_uri": func(c *lanyard.Client) *string { return &c.InitiateLoginURI }, "jwks_uri": func(c *lanyard.Client) *string { return &c.JWKSURI },
		"backchannel_logout_uri":  func(c *lanyard.Client) *string { return &c.BackchannelLogoutURI },
		"frontchannel_logout_uri": func(c *lanyard.Client) *string { return &c.FrontchannelLogoutURI },
	}
	type change = func(*lanyard.Client)
	id := func(id string) change { return func(c *lanyard.Client) { c.ID = lanyard.ClientID(id) } }
	redirects := func(uris ...string) change { return func(c *lanyard.Client) { c.RedirectURIs = uris } }
	cases := map[string]struct {
		change change
		good   bool
	}{
		"usual":               {func(*lanyard.Client) {}, true},
		"id of a resource":    {id("https://api.example.com:8443/a_b~c"), true},
		"id of 128":           {id(strings.Repeat("x", 128)), true},
		"id of 129":           {id(strings.Repeat("x", 129)), false},
		"no id":               {id(""), false},
		"id of a person":      {id(string(lanyard.NewUserID())), false},
		"space after the id":  {id("web "), false},
		"quote before the id": {id("'web"), false},
		"NUL":                 {id("web\x00"), false},
		"private_key_jwt":     {func(c *lanyard.Client) { c.AuthMethod = "private_key_jwt" }, false},
		"profile oidc":        {func(c *lanyard.Client) { c.Profile = "oidc" }, true},
		"profile fapi2":       {func(c *lanyard.Client) { c.Profile = "fapi2" }, false},
		"implicit":            {func(c *lanyard.Client) { c.GrantTypes = append(c.GrantTypes, "implicit") }, false},
		"password grant":      {func(c *lanyard.Client) { c.GrantTypes = []string{"password"} }, false},
		"public machine": {func(c *lanyard.Client) {
			c.AuthMethod, c.GrantTypes = lanyard.AuthNone, []string{lanyard.GrantClientCredentials}
		}, false},
		"confidential machine":   {func(c *lanyard.Client) { c.RedirectURIs, c.GrantTypes = nil, []string{lanyard.GrantClientCredentials} }, true},
		"response type token":    {func(c *lanyard.Client) { c.ResponseTypes = []string{"code", "token"} }, false},
		"no redirect":            {redirects(), false},
		"two redirects":          {redirects("https://a.example/cb", "com.example.app:/cb"), true},
		"redirect with script":   {redirects("https://a.example/cb", "JaVaScRiPt:alert(1)"), false},
		"redirect with wildcard": {redirects("https://*.example.com/cb"), false},
		"redirect by http":       {redirects("http://a.example/cb"), false},
		"logout to data":         {func(c *lanyard.Client) { c.PostLogoutRedirectURIs = []string{"data:text/html,x"} }, false},
		"logout to https":        {func(c *lanyard.Client) { c.PostLogoutRedirectURIs = []string{"https://a.example/bye"} }, true},
		"HS256":                  {func(c *lanyard.Client) { c.IDTokenAlg = "HS256" }, false},
		"none":                   {func(c *lanyard.Client) { c.IDTokenAlg = "none" }, false},
		"ES256":                  {func(c *lanyard.Client) { c.IDTokenAlg = lanyard.AlgES256 }, true},
		"public without PKCE":    {func(c *lanyard.Client) { c.AuthMethod, c.RequirePKCE = lanyard.AuthNone, false }, false},
		"secret without PKCE":    {func(c *lanyard.Client) { c.RequirePKCE = false }, true},
		"relative resource":      {func(c *lanyard.Client) { c.Resources = []string{"api"} }, false},
		"default with fragment":  {func(c *lanyard.Client) { c.DefaultResource = "https://api.example/#x" }, false},
		"resources":              {func(c *lanyard.Client) { c.Resources, c.DefaultResource = []string{"urn:a:b"}, "https://api.example/" }, true},
	}
	for name, field := range links {
		for link, good := range map[string]bool{
			"https://a.example/x": true, "http://localhost:3000/x": true, "http://a.example/x": false, "JaVaScRiPt:alert(1)": false,
			"data:text/html,x": false, "https://user@a.example/x": false, "https:x": false, "//a.example/x": false, "ftp://a.example/x": false, "%": false,
		} {
			cases[name+" "+link] = struct {
				change change
				good   bool
			}{func(c *lanyard.Client) { *field(c) = link }, good}
		}
	}
	for name, c := range cases {
		client := lanyard.Client{ID: "web", RedirectURIs: []string{"https://app.example/cb"}, RequirePKCE: true}
		client.Normalize()
		c.change(&client)
		err := tenants.CheckClient(&client)
		if (err == nil) != c.good || (err != nil && !errors.Is(err, lanyard.ErrBadInput)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestClientSecretIsLongEnough(t *testing.T) {
	if err := tenants.CheckClientSecret(lanyard.SecretOf(strings.Repeat("x", lanyard.MinClientSecret-1))); !errors.Is(err, lanyard.ErrBadInput) {
		t.Errorf("a short one: %v", err)
	}
	if err := tenants.CheckClientSecret(lanyard.SecretOf(strings.Repeat("x", lanyard.MinClientSecret))); err != nil {
		t.Errorf("a long one: %v", err)
	}
}
