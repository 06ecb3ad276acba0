package provider

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/token"
	"github.com/lanyard-id/lanyard/tenants"
)

// errNoToken is a call without any token: it gets a challenge without an error code (RFC 6750 §3.1).
var errNoToken = &lanyard.Error{Kind: lanyard.Unauthenticated, Code: "token_missing", Message: "an access token is needed"}

// userinfo tells about the person behind an access token (OpenID Connect Core §5.3).
func (p *Provider) userinfo(c *gin.Context) error {
	claims, err := p.claimsFor(c)
	if err != nil {
		writeBearer(c, err)
		return nil
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return fmt.Errorf("writing the claims: %w", err)
	}
	web.NoStore(c.Writer.Header())
	c.Data(http.StatusOK, "application/json", body)
	return nil
}

func (p *Provider) claimsFor(c *gin.Context) (map[string]any, error) {
	presented, err := bearerToken(c)
	if err != nil {
		return nil, err
	}
	v, err := p.Issuer.Access(c.Request.Context(), live(c), presented)
	if err != nil {
		return nil, err
	}
	web.NoteClient(c.Request.Context(), v.ClientID)
	claims, err := userinfoClaims(v, live(c))
	if err != nil || !v.Scopes.Has(lanyard.ScopeOrganizations) {
		return claims, err
	}
	claims[lanyard.ScopeOrganizations], err = p.Issuer.Organizations(c.Request.Context(), live(c), v.Standing.Grant)
	return claims, err
}

// userinfoClaims are those that the token's scopes open and those asked for by name.
func userinfoClaims(v token.Verified, l *tenants.Live) (map[string]any, error) {
	if v.Standing == nil || !v.Scopes.Has(lanyard.ScopeOpenID) || !slices.Contains(v.Audience, l.Issuer) {
		return nil, lanyard.ErrInsufficientScope
	}
	claims := v.Standing.User.Claims(append(lanyard.ClaimsOf(v.Scopes), v.Standing.Grant.Claims.Userinfo...))
	maps.Copy(claims, v.Standing.User.AttributeClaims(l.Tenant.Policy.Attributes, v.Scopes))
	maps.Copy(claims, v.Organization().Map())
	claims["sub"] = v.Subject
	return claims, nil
}

// bearerToken takes the token from the header or from a form body, never from the
// query, and from one place only (RFC 6750 §2).
func bearerToken(c *gin.Context) (string, error) {
	if c.Request.URL.Query().Has("access_token") {
		return "", lanyard.ErrInvalidRequest.Saying("a token does not belong into the query")
	}
	inBody, err := bodyToken(c)
	if err != nil {
		return "", err
	}
	headers := c.Request.Header.Values("Authorization")
	switch {
	case len(headers) > 1, len(headers) == 1 && inBody != "":
		return "", lanyard.ErrInvalidRequest.Saying("more than one token")
	case inBody != "":
		return inBody, nil
	case len(headers) == 0:
		return "", errNoToken
	}
	scheme, value, found := strings.Cut(headers[0], " ")
	if !found || !strings.EqualFold(scheme, "Bearer") || value == "" {
		return "", errNoToken
	}
	return strings.TrimSpace(value), nil
}

func bodyToken(c *gin.Context) (string, error) {
	if c.Request.Method != http.MethodPost || c.Request.Header.Get("Content-Type") == "" {
		return "", nil
	}
	form, err := web.PostForm(c.Request)
	if err != nil {
		return "", asInvalidRequest(err)
	}
	if len(form["access_token"]) > 1 {
		return "", lanyard.ErrInvalidRequest.Saying("more than one token")
	}
	return form.Get("access_token"), nil
}
