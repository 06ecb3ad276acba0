package provider

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/keys"
	"github.com/lanyard-id/lanyard/tenants"
)

// metadata describes a tenant's endpoints (OpenID Connect Discovery §3, RFC 8414 §2).
type metadata struct {
	Issuer               string   `json:"issuer"`
	Authorization        string   `json:"authorization_endpoint"`
	Token                string   `json:"token_endpoint"`
	Userinfo             string   `json:"userinfo_endpoint"`
	JWKS                 string   `json:"jwks_uri"`
	Introspection        string   `json:"introspection_endpoint"`
	Revocation           string   `json:"revocation_endpoint"`
	EndSession           string   `json:"end_session_endpoint"`
	DeviceAuthorization  string   `json:"device_authorization_endpoint"`
	Scopes               []string `json:"scopes_supported"`
	ResponseTypes        []string `json:"response_types_supported"`
	ResponseModes        []string `json:"response_modes_supported"`
	GrantTypes           []string `json:"grant_types_supported"`
	ACRValues            []string `json:"acr_values_supported"`
	SubjectTypes         []string `json:"subject_types_supported"`
	IDTokenAlgs          []string `json:"id_token_signing_alg_values_supported"`
	TokenAuthMethods     []string `json:"token_endpoint_auth_methods_supported"`
	IntrospectionMethods []string `json:"introspection_endpoint_auth_methods_supported"`
	RevocationMethods    []string `json:"revocation_endpoint_auth_methods_supported"`
	DisplayValues        []string `json:"display_values_supported"`
	PromptValues         []string `json:"prompt_values_supported"`
	ClaimTypes           []string `json:"claim_types_supported"`
	Claims               []string `json:"claims_supported"`
	UILocales            []string `json:"ui_locales_supported"`
	ClaimsParameter      bool     `json:"claims_parameter_supported"`
	RequestParameter     bool     `json:"request_parameter_supported"`
	RequestURIParameter  bool     `json:"request_uri_parameter_supported"`
	CodeChallengeMethods []string `json:"code_challenge_methods_supported"`
	IssInResponse        bool     `json:"authorization_response_iss_parameter_supported"`
	PolicyURL            string   `json:"op_policy_uri,omitempty"`
	TermsURL             string   `json:"op_tos_uri,omitempty"`
}

var protocolClaims = []string{
	"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "at_hash", "sid", "idp",
	"org_id", "org_slug", "org_name", "org_plan", "roles", "tenant_roles", "organizations",
}

func metadataOf(l *tenants.Live) metadata {
	secret := []string{lanyard.AuthBasic, lanyard.AuthPost}
	scopes := []string(lanyard.StandardScopes)
	for _, r := range l.Resources() {
		for _, s := range r.Scopes {
			if !lanyard.Scopes(scopes).Has(s.Name) {
				scopes = append(scopes, s.Name)
			}
		}
	}
	return metadata{
		Issuer: l.Issuer, Authorization: l.Issuer + PathAuthorize, Token: l.Issuer + PathToken, Userinfo: l.Issuer + PathUserinfo,
		JWKS: l.Issuer + PathJWKS, Introspection: l.Issuer + PathIntrospect, Revocation: l.Issuer + PathRevoke, EndSession: l.Issuer + PathLogout,
		DeviceAuthorization: l.Issuer + PathDeviceAuthorization,
		Scopes:              scopes, ResponseTypes: []string{"code"}, ResponseModes: []string{lanyard.ModeQuery, lanyard.ModeFormPost},
		GrantTypes: grantTypes, ACRValues: lanyard.ACRLevels, SubjectTypes: []string{"public"}, IDTokenAlgs: l.Ring.Algorithms(),
		TokenAuthMethods: append(secret[:2:2], lanyard.AuthNone), IntrospectionMethods: secret, RevocationMethods: append(secret[:2:2], lanyard.AuthNone),
		DisplayValues: []string{"page", "popup"},
		PromptValues:  []string{lanyard.PromptNone, lanyard.PromptLogin, lanyard.PromptConsent, lanyard.PromptSelectAccount, lanyard.PromptCreate},
		ClaimTypes:    []string{"normal"}, Claims: append(protocolClaims[:len(protocolClaims):len(protocolClaims)], lanyard.RequestableClaims...),
		UILocales: []string{"en", "de"}, ClaimsParameter: true, CodeChallengeMethods: []string{lanyard.ChallengeS256}, IssInResponse: true,
		PolicyURL: l.Tenant.Policy.PrivacyURL, TermsURL: l.Tenant.Policy.TermsURL,
	}
}

// documents keeps the written metadata of each tenant, one per snapshot.
type documents struct {
	mu    sync.Mutex
	known map[lanyard.TenantID]document
}

type document struct {
	live *tenants.Live
	body []byte
	etag string
}

func (d *documents) of(l *tenants.Live) (document, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if known := d.known[l.Tenant.ID]; known.live == l {
		return known, nil
	}
	body, err := json.Marshal(metadataOf(l))
	if err != nil {
		return document{}, fmt.Errorf("writing the metadata: %w", err)
	}
	sum := sha256.Sum256(body)
	fresh := document{live: l, body: body, etag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
	if d.known == nil {
		d.known = map[lanyard.TenantID]document{}
	}
	d.known[l.Tenant.ID] = fresh
	return fresh, nil
}

// metadataMaxAge is how long a relying party may keep the metadata.
const metadataMaxAge = 5 * time.Minute

// discovery serves both well-known documents, byte for byte the same.
func (p *Provider) discovery(c *gin.Context) error {
	d, err := p.documents.of(live(c))
	if err != nil {
		return err
	}
	publish(c, d.body, d.etag, "application/json", metadataMaxAge)
	return nil
}

// jwks serves the public keys (RFC 7517 §5).
func (p *Provider) jwks(c *gin.Context) error {
	body, etag := live(c).Ring.JWKS()
	publish(c, body, etag, "application/json", keys.JWKSMaxAge)
	return nil
}

// publish answers with a document that may be cached, or 304 for who has it.
func publish(c *gin.Context, body []byte, etag, contentType string, maxAge time.Duration) {
	h := c.Writer.Header()
	h.Set("Cache-Control", "public, max-age="+strconv.Itoa(int(maxAge/time.Second)))
	h.Set("ETag", etag)
	if match := c.GetHeader("If-None-Match"); match != "" && (match == "*" || strings.Contains(match, etag)) {
		c.Status(http.StatusNotModified)
		return
	}
	c.Data(http.StatusOK, contentType, body)
}
