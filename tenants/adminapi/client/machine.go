package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// ManagementResource names the management API of whatever tenant a token is asked of (RFC 8707).
const ManagementResource = "urn:lanyard:management"

// Machine is the API of an issuer for a machine client: it gets its own tokens and
// renews them. The client needs roles in the tenant and the resource in its registration.
func Machine(ctx context.Context, issuer, clientID, clientSecret string) (*ClientWithResponses, error) {
	config := clientcredentials.Config{
		ClientID: clientID, ClientSecret: clientSecret, TokenURL: strings.TrimSuffix(issuer, "/") + "/oauth/token",
		Scopes: []string{"manage"}, EndpointParams: url.Values{"resource": {ManagementResource}}, AuthStyle: oauth2.AuthStyleInHeader,
	}
	return With(issuer, config.Client(ctx))
}

// With is the API of an issuer over an HTTP client that adds the access token. For
// another tenant, which administrators of the instance may manage, the issuer is that of
// the default tenant and the option InTenant names the other.
func With(issuer string, client *http.Client, options ...ClientOption) (*ClientWithResponses, error) {
	base := strings.TrimSuffix(issuer, "/") + "/api/v1"
	return NewClientWithResponses(base, append([]ClientOption{WithHTTPClient(client)}, options...)...)
}

// InTenant leads all calls to another tenant, by its slug.
func InTenant(slug string) ClientOption {
	return func(c *API) error {
		c.Server = strings.TrimSuffix(c.Server, "/") + "/tenants/" + url.PathEscape(slug) + "/"
		return nil
	}
}

// Error implements error, so that a problem can be returned as it came.
func (p Problem) Error() string {
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	return fmt.Sprintf("%s: %s", text(p.Code), text(p.Detail))
}

// Is tells whether err is the problem with that code.
func Is(err error, code string) bool {
	var p Problem
	return errors.As(err, &p) && p.Code != nil && *p.Code == code
}
