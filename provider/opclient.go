package provider

import (
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/lanyard-id/lanyard"
)

// opClient shows a client to the engine. The engine looks at the id, the grant
// types and the authentication method; the rest is decided elsewhere.
type opClient struct{ client *lanyard.Client }

var _ op.Client = opClient{}

// GetID implements op.Client.
func (c opClient) GetID() string { return string(c.client.ID) }

// RedirectURIs implements op.Client.
func (c opClient) RedirectURIs() []string { return c.client.RedirectURIs }

// PostLogoutRedirectURIs implements op.Client.
func (c opClient) PostLogoutRedirectURIs() []string { return c.client.PostLogoutRedirectURIs }

// ApplicationType implements op.Client.
func (c opClient) ApplicationType() op.ApplicationType { return op.ApplicationTypeWeb }

// AuthMethod implements op.Client.
func (c opClient) AuthMethod() oidc.AuthMethod { return oidc.AuthMethod(c.client.AuthMethod) }

// ResponseTypes implements op.Client.
func (c opClient) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}

// GrantTypes implements op.Client.
func (c opClient) GrantTypes() []oidc.GrantType {
	out := make([]oidc.GrantType, 0, len(c.client.GrantTypes))
	for _, g := range c.client.GrantTypes {
		out = append(out, oidc.GrantType(g))
	}
	return out
}

// LoginURL implements op.Client.
func (c opClient) LoginURL(string) string { return "" }

// AccessTokenType implements op.Client.
func (c opClient) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeBearer }

// IDTokenLifetime implements op.Client.
func (c opClient) IDTokenLifetime() time.Duration { return c.client.IDTokenFor() }

// DevMode implements op.Client.
func (c opClient) DevMode() bool { return false }

// RestrictAdditionalIdTokenScopes implements op.Client.
func (c opClient) RestrictAdditionalIdTokenScopes() func([]string) []string {
	return func(scopes []string) []string { return scopes }
}

// RestrictAdditionalAccessTokenScopes implements op.Client.
func (c opClient) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return func(scopes []string) []string { return scopes }
}

// IsScopeAllowed implements op.Client.
func (c opClient) IsScopeAllowed(scope string) bool { return c.client.MayAsk(scope) }

// IDTokenUserinfoClaimsAssertion implements op.Client.
func (c opClient) IDTokenUserinfoClaimsAssertion() bool { return c.client.ClaimsInIDToken }

// ClockSkew implements op.Client.
func (c opClient) ClockSkew() time.Duration { return 0 }
