package lanyard

import (
	"slices"
	"strings"
)

// Scopes is an ordered set of OAuth scopes (RFC 6749 §3.3).
type Scopes []string

// The scopes of OpenID Connect Core §5.4 and §11.
const (
	ScopeOpenID        = "openid"
	ScopeProfile       = "profile"
	ScopeEmail         = "email"
	ScopeAddress       = "address"
	ScopePhone         = "phone"
	ScopeOfflineAccess = "offline_access"
	// ScopeRoles asks for the person's roles in the tenant, ScopeOrganizations for the
	// list of their organizations in userinfo.
	ScopeRoles         = "roles"
	ScopeOrganizations = "organizations"
	// ScopeOrganization and a slug name the organization that tokens are for.
	ScopeOrganization = "organization:"
)

// StandardScopes are offered by every tenant.
var StandardScopes = Scopes{
	ScopeOpenID, ScopeProfile, ScopeEmail, ScopePhone, ScopeAddress, ScopeOfflineAccess, ScopeRoles, ScopeOrganizations,
}

// StandardScope tells whether every tenant knows the scope: one of StandardScopes, or
// one that names an organization.
func StandardScope(scope string) bool {
	return StandardScopes.Has(scope) || strings.HasPrefix(scope, ScopeOrganization)
}

// Organization is the slug of the organization that the scopes name; empty for none.
// More than one is ErrInvalidScope.
func (s Scopes) Organization() (string, error) {
	found := ""
	for _, scope := range s {
		slug, ok := strings.CutPrefix(scope, ScopeOrganization)
		if !ok {
			continue
		}
		if found != "" || !ValidSlug(slug) {
			return "", ErrInvalidScope.Saying("scope names no organization, or more than one")
		}
		found = slug
	}
	return found, nil
}

// ParseScopes splits a scope parameter, dropping repeats. A character outside
// RFC 6749 §3.3 makes it ErrInvalidScope.
func ParseScopes(text string) (Scopes, error) {
	var out Scopes
	for _, s := range strings.Fields(text) {
		if !isScopeToken(s) {
			return nil, ErrInvalidScope.Saying("a scope has a character that is not allowed")
		}
		if !out.Has(s) {
			out = append(out, s)
		}
	}
	return out, nil
}

// Has tells whether the set holds the scope.
func (s Scopes) Has(scope string) bool { return slices.Contains(s, scope) }

// Covers tells whether every one of other is in the set.
func (s Scopes) Covers(other Scopes) bool {
	return !slices.ContainsFunc(other, func(o string) bool { return !s.Has(o) })
}

// Only keeps the scopes for which keep is true, in order.
func (s Scopes) Only(keep func(string) bool) Scopes {
	out := Scopes{}
	for _, scope := range s {
		if keep(scope) {
			out = append(out, scope)
		}
	}
	return out
}

// With is the union, in order of first appearance.
func (s Scopes) With(other Scopes) Scopes {
	out := slices.Clone(s)
	for _, o := range other {
		if !out.Has(o) {
			out = append(out, o)
		}
	}
	return out
}

// String joins the set with spaces, the form of the wire.
func (s Scopes) String() string { return strings.Join(s, " ") }

func isScopeToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c < 0x21 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return s != ""
}
