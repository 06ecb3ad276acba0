package lanyard

import (
	"encoding/json"
	"net/url"
	"slices"
	"time"
)

// ClientType says what kind of program a client is.
type ClientType string

// The kinds of client.
const (
	ClientWeb     ClientType = "web"
	ClientSPA     ClientType = "spa"
	ClientNative  ClientType = "native"
	ClientMachine ClientType = "machine"
)

// Client authentication methods (OpenID Connect Core §9).
const (
	AuthBasic = "client_secret_basic"
	AuthPost  = "client_secret_post"
	AuthNone  = "none"
)

// Grant types.
const (
	GrantAuthorizationCode = "authorization_code"
	GrantRefreshToken      = "refresh_token"
	GrantClientCredentials = "client_credentials"
	GrantDeviceCode        = "urn:ietf:params:oauth:grant-type:device_code"
)

// Client is a relying-party application. Members have the names of RFC 7591 and
// OpenID Connect Dynamic Client Registration where these have one.
type Client struct {
	ID       ClientID   `json:"client_id"`
	Type     ClientType `json:"type"`
	Name     string     `json:"client_name,omitempty"`
	URI      string     `json:"client_uri,omitempty"`
	LogoURI  string     `json:"logo_uri,omitempty"`
	Policy   string     `json:"policy_uri,omitempty"`
	Terms    string     `json:"tos_uri,omitempty"`
	Contacts []string   `json:"contacts,omitempty"`
	Disabled bool       `json:"disabled,omitempty"`

	RedirectURIs           []string `json:"redirect_uris,omitempty"`
	PostLogoutRedirectURIs []string `json:"post_logout_redirect_uris,omitempty"`
	InitiateLoginURI       string   `json:"initiate_login_uri,omitempty"`
	GrantTypes             []string `json:"grant_types,omitempty"`
	ResponseTypes          []string `json:"response_types,omitempty"`
	AuthMethod             string   `json:"token_endpoint_auth_method,omitempty"`
	// Scope is the ceiling of what the client may ask for; empty means all that the tenant offers.
	Scope string `json:"scope,omitempty"`

	IDTokenAlg string          `json:"id_token_signed_response_alg,omitempty"`
	JWKS       json.RawMessage `json:"jwks,omitempty"`
	JWKSURI    string          `json:"jwks_uri,omitempty"`

	DefaultMaxAge    *int64   `json:"default_max_age,omitempty"`
	RequireAuthTime  bool     `json:"require_auth_time,omitempty"`
	DefaultACRValues []string `json:"default_acr_values,omitempty"`

	BackchannelLogoutURI  string `json:"backchannel_logout_uri,omitempty"`
	FrontchannelLogoutURI string `json:"frontchannel_logout_uri,omitempty"`

	// RequirePKCE is true unless a confidential client was registered otherwise.
	RequirePKCE bool `json:"require_pkce"`
	// FirstParty clients belong to the operator and skip consent.
	FirstParty bool `json:"first_party,omitempty"`
	// RequireOrganization has people choose the organization that tokens are for.
	RequireOrganization bool `json:"require_organization,omitempty"`
	// DefaultResource is what tokens are for when a request names no resource.
	DefaultResource string `json:"default_resource,omitempty"`
	// Resources are the identifiers of the resources that the client may use; empty means all of the tenant.
	Resources []string `json:"resources,omitempty"`
	// ClaimsInIDToken puts profile and e-mail claims into the ID token as well.
	ClaimsInIDToken bool `json:"claims_in_id_token,omitempty"`
	// Roles are the tenant roles of a machine client: what it may do at the management API.
	Roles []string `json:"roles,omitempty"`
	// Profile is the security profile: empty or "oidc".
	Profile string `json:"profile,omitempty"`

	// Token lifetimes; zero means the default.
	AccessTokenLifetime  Duration `json:"access_token_lifetime,omitzero"`
	IDTokenLifetime      Duration `json:"id_token_lifetime,omitzero"`
	RefreshTokenIdle     Duration `json:"refresh_token_idle,omitzero"`
	RefreshTokenLifetime Duration `json:"refresh_token_lifetime,omitzero"`

	// TryURI is where the console tries a sign-in as the client: a redirect URI that is ours
	// and in no registration. Empty for none.
	TryURI    string         `json:"-"`
	Secrets   []ClientSecret `json:"-"`
	CreatedAt time.Time      `json:"-"`
}

// ClientSecret is one of the secrets that authenticate a client; two may overlap.
type ClientSecret struct {
	Hash []byte
	// ExpiresAt is zero for a secret without an end.
	ExpiresAt time.Time
}

// MinClientSecret is the shortest client secret, in characters, that is accepted from outside.
const MinClientSecret = 32

// Default token lifetimes.
const (
	defaultAccessTokenLifetime  = 10 * time.Minute
	defaultIDTokenLifetime      = time.Hour
	defaultRefreshTokenIdle     = 7 * 24 * time.Hour
	defaultRefreshTokenLifetime = 30 * 24 * time.Hour
)

// AccessTokenFor is how long an access token of the client lives.
func (c *Client) AccessTokenFor() time.Duration {
	return c.AccessTokenLifetime.Or(defaultAccessTokenLifetime)
}

// IDTokenFor is how long an ID token of the client lives.
func (c *Client) IDTokenFor() time.Duration { return c.IDTokenLifetime.Or(defaultIDTokenLifetime) }

// RefreshIdle is how long an unused refresh token lives.
func (c *Client) RefreshIdle() time.Duration { return c.RefreshTokenIdle.Or(defaultRefreshTokenIdle) }

// RefreshFor is how long a refresh-token family lives at most.
func (c *Client) RefreshFor() time.Duration {
	return c.RefreshTokenLifetime.Or(defaultRefreshTokenLifetime)
}

// Redirects are the redirect URIs that a request may name: those of the registration and TryURI.
func (c *Client) Redirects() []string {
	if c.TryURI == "" {
		return c.RedirectURIs
	}
	return append(slices.Clone(c.RedirectURIs), c.TryURI)
}

// Public tells whether the client can not keep a secret (RFC 6749 §2.1).
func (c *Client) Public() bool { return c.AuthMethod == AuthNone }

// MayUse tells whether the client was registered for the grant type.
func (c *Client) MayUse(grantType string) bool { return slices.Contains(c.GrantTypes, grantType) }

// MayAsk tells whether the scope is within the client's registered ceiling.
func (c *Client) MayAsk(scope string) bool {
	if c.Scope == "" {
		return true
	}
	ceiling, err := ParseScopes(c.Scope)
	return err == nil && (scope == ScopeOpenID || ceiling.Has(scope))
}

// SecretMatches verifies a presented secret at a moment, in constant time per secret.
func (c *Client) SecretMatches(presented Secret, now time.Time) bool {
	matched := false
	for _, s := range c.Secrets {
		live := s.ExpiresAt.IsZero() || now.Before(s.ExpiresAt)
		if presented.Matches(s.Hash) && live {
			matched = true
		}
	}
	return matched
}

// DisplayName is what pages call the application.
func (c *Client) DisplayName() string {
	if c.Name != "" {
		return c.Name
	}
	return string(c.ID)
}

// StartPage is where somebody begins to use the client: its initiate_login_uri with
// issuer and organization (OpenID Connect Core §4), else its home page; empty if it has neither.
func (c *Client) StartPage(issuer string, organization OrganizationID) string {
	start, err := url.Parse(c.InitiateLoginURI)
	if err != nil || !webURL(start) {
		if start, err = url.Parse(c.URI); err != nil || !webURL(start) {
			return ""
		}
		return start.String()
	}
	q := start.Query()
	q.Set("iss", issuer)
	if organization != "" {
		q.Set("organization", string(organization))
	}
	start.RawQuery = q.Encode()
	return start.String()
}

func webURL(u *url.URL) bool {
	return (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}

// Normalize fills what a registration left out with the defaults of RFC 7591 §2 and of the product.
func (c *Client) Normalize() {
	if c.Type == "" {
		c.Type = c.guessType()
	}
	if c.AuthMethod == "" {
		c.AuthMethod = AuthBasic
		if c.Type == ClientSPA || c.Type == ClientNative {
			c.AuthMethod = AuthNone
		}
	}
	if len(c.GrantTypes) == 0 {
		c.GrantTypes = []string{GrantAuthorizationCode, GrantRefreshToken}
		if c.Type == ClientMachine {
			c.GrantTypes = []string{GrantClientCredentials}
		}
	}
	if len(c.ResponseTypes) == 0 && c.MayUse(GrantAuthorizationCode) {
		c.ResponseTypes = []string{"code"}
	}
	if c.IDTokenAlg == "" {
		c.IDTokenAlg = AlgRS256
	}
}

func (c *Client) guessType() ClientType {
	switch {
	case c.AuthMethod == AuthNone:
		return ClientSPA
	case len(c.RedirectURIs) == 0 && slices.Equal(c.GrantTypes, []string{GrantClientCredentials}):
		return ClientMachine
	default:
		return ClientWeb
	}
}
