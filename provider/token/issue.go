package token

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/clock"
	"github.com/lanyard-id/lanyard/keys"
	"github.com/lanyard-id/lanyard/tenants"
)

// Issuer makes, refreshes, verifies and revokes tokens.
type Issuer struct {
	Clock clock.Clock
	// Observe is told of every answer with tokens; nil is fine.
	Observe func(grantType string)
}

// Tokens is the answer of the token endpoint.
type Tokens struct {
	AccessToken  string
	ExpiresIn    time.Duration
	Scopes       lanyard.Scopes
	IDToken      string
	RefreshToken string
}

// order is what the pipeline is asked for.
type order struct {
	live   *tenants.Live
	client *lanyard.Client
	// grant and user are nil for a machine.
	grant *lanyard.Grant
	user  *lanyard.User
	// joined is the one organization that the tokens are about, tenantRoles the roles in the tenant.
	joined      lanyard.Joined
	tenantRoles []string
	target      Target
	// scopes are those of this request, before they are cut to the target.
	scopes lanyard.Scopes
	// nonce goes into the ID token of a code exchange, not of a refresh (OpenID Connect Core §12.2).
	nonce string
	now   time.Time
}

// product is what the pipeline made. stored is the row of an opaque access token, nil for a JWT.
type product struct {
	tokens Tokens
	stored *lanyard.AccessToken
}

// make is the one place where tokens are made. It writes nothing: the caller
// stores what has to be stored before it answers.
func (i *Issuer) make(o order) (product, error) {
	scopes := o.target.Cut(o.scopes)
	expires := o.now.Add(o.client.AccessTokenFor())
	if o.grant != nil {
		expires = earlier(expires, o.joined.Organization.Policy.End(*o.grant))
	}
	out := product{tokens: Tokens{ExpiresIn: expires.Sub(o.now), Scopes: scopes}}
	var err error
	if o.target.opaque() {
		out.tokens.AccessToken, out.stored = o.opaque(scopes, expires)
	} else if out.tokens.AccessToken, err = o.jwt(scopes, expires); err != nil {
		return product{}, err
	}
	if o.grant != nil && o.scopes.Has(lanyard.ScopeOpenID) {
		out.tokens.IDToken, err = o.idToken(out.tokens.AccessToken)
	}
	return out, err
}

func (o order) subject() string {
	if o.user != nil {
		return o.user.Subject
	}
	return string(o.client.ID)
}

const opaquePrefix = "at_"

func (o order) opaque(scopes lanyard.Scopes, expires time.Time) (string, *lanyard.AccessToken) {
	value := opaquePrefix + lanyard.NewSecret().Reveal()
	row := &lanyard.AccessToken{
		TenantID: o.live.Tenant.ID, Hash: lanyard.SecretOf(value).Hash(), ClientID: o.client.ID, Scopes: scopes,
		Audience: o.target.audience(o.live.Issuer), CreatedAt: o.now, ExpiresAt: expires,
	}
	if o.grant != nil {
		row.GrantID = o.grant.ID
	} else {
		row.Subject, row.OrganizationID = o.subject(), o.joined.Organization.ID
	}
	return value, row
}

// accessClaims are the claims of a JWT access token (RFC 9068 §2.2).
type accessClaims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience audience `json:"aud"`
	Expires  int64    `json:"exp"`
	IssuedAt int64    `json:"iat"`
	JTI      string   `json:"jti"`
	ClientID string   `json:"client_id"`
	Scope    string   `json:"scope,omitempty"`
	SID      string   `json:"sid,omitempty"`
	AuthTime int64    `json:"auth_time,omitempty"`
	ACR      string   `json:"acr,omitempty"`
	AMR      []string `json:"amr,omitempty"`
	// IDP is the connection that proved the sign-in; empty if it was proved here.
	IDP string `json:"idp,omitempty"`
	// Acting is who acts for the person (RFC 8693 §4.1); nil if they signed in themselves.
	Acting *lanyard.Acting `json:"act,omitempty"`
	lanyard.OrganizationClaims
	// Permissions are those of the token's resources, in the organization.
	Permissions []string `json:"permissions,omitempty"`
}

// audience is one text if there is one, a list otherwise (RFC 7519 §4.1.3).
type audience []string

// MarshalJSON writes one audience as a text.
func (a audience) MarshalJSON() ([]byte, error) {
	if len(a) == 1 {
		return json.Marshal(a[0])
	}
	return json.Marshal([]string(a))
}

// UnmarshalJSON reads both forms.
func (a *audience) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(a))
}

func (o order) jwt(scopes lanyard.Scopes, expires time.Time) (string, error) {
	claims := accessClaims{
		Issuer: o.live.Issuer, Subject: o.subject(), Audience: o.target.audience(o.live.Issuer), Expires: expires.Unix(),
		IssuedAt: o.now.Unix(), JTI: newJTI(o.grant), ClientID: string(o.client.ID), Scope: scopes.String(),
		OrganizationClaims: o.joined.Claims(o.tenantRoles, o.scopes), Permissions: o.joined.Powers(o.live.Roles).At(o.target.Resources...),
	}
	if o.grant != nil {
		claims.SID, claims.ACR, claims.AMR = string(o.grant.SessionID), o.grant.ACR, o.grant.AMR
		claims.AuthTime, claims.IDP, claims.Acting = o.grant.AuthTime.Unix(), string(o.grant.ConnectionID), o.grant.Acting()
	}
	return sign(o.live.Ring, o.target.algorithm(), keys.TypeAccessToken, claims)
}

// idToken makes the ID token (OpenID Connect Core §2). Claims about the person
// come first, so that none of them can stand in for one of the protocol.
func (o order) idToken(accessToken string) (string, error) {
	g, alg := o.grant, o.client.IDTokenAlg
	names, claims := g.Claims.IDToken, map[string]any{}
	if o.client.ClaimsInIDToken {
		names = append(lanyard.ClaimsOf(o.scopes), names...)
		claims = o.user.AttributeClaims(o.live.Tenant.Policy.Attributes, o.scopes)
	}
	maps.Copy(claims, o.user.Claims(names))
	maps.Copy(claims, o.joined.Claims(o.tenantRoles, o.scopes).Map())
	maps.Copy(claims, map[string]any{
		"iss": o.live.Issuer, "sub": o.user.Subject, "aud": string(o.client.ID), "azp": string(o.client.ID),
		"exp": o.now.Add(o.client.IDTokenFor()).Unix(), "iat": o.now.Unix(), "auth_time": g.AuthTime.Unix(),
		"acr": g.ACR, "amr": g.AMR, "sid": string(g.SessionID), "at_hash": keys.HalfHash(alg, accessToken),
	})
	if g.ConnectionID != "" {
		claims["idp"] = string(g.ConnectionID)
	}
	if o.nonce != "" {
		claims["nonce"] = o.nonce
	}
	return sign(o.live.Ring, alg, keys.TypeIDToken, claims)
}

func sign(ring *keys.Ring, alg, typ string, claims any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("writing the claims: %w", err)
	}
	return ring.Sign(alg, typ, payload)
}

// machineJTI begins the jti of a token without a grant.
const machineJTI = "m"

// newJTI names the grant in the jti, so that a token is found to be revoked with its grant.
func newJTI(g *lanyard.Grant) string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	owner := machineJTI
	if g != nil {
		owner = string(g.ID)
	}
	return owner + "." + base64.RawURLEncoding.EncodeToString(b)
}

// grantOfJTI is the reverse of newJTI; empty for a machine's token.
func grantOfJTI(jti string) (lanyard.GrantID, bool) {
	owner, _, found := strings.Cut(jti, ".")
	if !found {
		return "", false
	}
	if owner == machineJTI {
		return "", true
	}
	return lanyard.GrantID(owner), true
}

// jtiHash is the form in which the revocation of a JWT is stored.
func jtiHash(jti string) []byte {
	h := sha256.Sum256([]byte("jti " + jti))
	return h[:]
}

func (i *Issuer) observe(grantType string) {
	if i.Observe != nil {
		i.Observe(grantType)
	}
}
