package lanyard

import (
	"net/url"
	"strings"
)

// TokenFormat is how access tokens for a resource look.
type TokenFormat string

// The formats: a signed JWT (RFC 9068), or an opaque value to be introspected.
const (
	FormatJWT    TokenFormat = "jwt"
	FormatOpaque TokenFormat = "opaque"
)

// Resource is an API that access tokens are made for (RFC 8707).
type Resource struct {
	ID ResourceID `json:"-"`
	// Identifier is the registered spelling of the resource indicator.
	Identifier string          `json:"identifier"`
	Name       string          `json:"name,omitempty"`
	Scopes     []ResourceScope `json:"scopes,omitempty"`
	// Permissions is the catalogue of what roles can allow at this resource, as noun:verb; empty for the scopes.
	Permissions []ResourceScope `json:"permissions,omitempty"`
	Format      TokenFormat     `json:"token_format,omitempty"`
	// Algorithm signs the resource's JWTs; empty means RS256.
	Algorithm string `json:"signing_alg,omitempty"`
	// Management marks the management API, which a client has to name to get tokens for it.
	Management bool `json:"-"`
}

// ResourceScope is one right that a resource knows.
type ResourceScope struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
}

// Catalogue is what roles can allow at this resource.
func (r *Resource) Catalogue() []ResourceScope {
	if len(r.Permissions) > 0 {
		return r.Permissions
	}
	return r.Scopes
}

// Knows tells whether the scope is one of the resource's.
func (r *Resource) Knows(scope string) bool {
	for _, s := range r.Scopes {
		if s.Name == scope {
			return true
		}
	}
	return false
}

// ResourceKey is the form in which resource indicators are compared: scheme and
// host in lower case. An indicator that is not an absolute URI (RFC 3986 §4.3, so
// nothing but printable ASCII) or has a fragment is ErrInvalidTarget (RFC 8707 §2).
func ResourceKey(indicator string) (string, error) {
	u, err := url.Parse(indicator)
	if err != nil || !printableASCII(indicator) || u.Scheme == "" || strings.Contains(indicator, "#") || (u.Host == "" && u.Opaque == "" && u.Path == "") {
		return "", ErrInvalidTarget.Saying("a resource is an absolute URI without a fragment")
	}
	if u.Opaque != "" || u.Host == "" {
		return strings.ToLower(u.Scheme) + indicator[len(u.Scheme):], nil
	}
	authority := len(u.Scheme) + len("://")
	end := authority + strings.IndexAny(indicator[authority:]+"/", "/?")
	return strings.ToLower(indicator[:end]) + indicator[end:], nil
}
