package tenants

import (
	"slices"
	"strconv"

	"github.com/lanyard-id/lanyard"
)

// CheckResource refuses a resource that breaks a rule, with lanyard.ErrBadInput that says which.
func CheckResource(r *lanyard.Resource) error {
	for _, check := range []func(*lanyard.Resource) string{checkIdentifier, checkFormat, checkScopes, checkPermissions} {
		if complaint := check(r); complaint != "" {
			return lanyard.ErrBadInput.Saying("resource: " + complaint)
		}
	}
	return nil
}

func checkIdentifier(r *lanyard.Resource) string {
	if _, err := lanyard.ResourceKey(r.Identifier); err != nil {
		return "identifier is an absolute URI without a fragment"
	}
	return ""
}

func checkFormat(r *lanyard.Resource) string {
	if r.Format != "" && r.Format != lanyard.FormatJWT && r.Format != lanyard.FormatOpaque {
		return "token_format is jwt or opaque"
	}
	if !slices.Contains([]string{"", lanyard.AlgRS256, lanyard.AlgES256, lanyard.AlgEdDSA}, r.Algorithm) {
		return "signing_alg is RS256, ES256 or EdDSA"
	}
	return ""
}

func checkScopes(r *lanyard.Resource) string {
	seen := map[string]bool{}
	for _, s := range r.Scopes {
		switch parsed, err := lanyard.ParseScopes(s.Name); {
		case err != nil || len(parsed) != 1 || parsed[0] != s.Name:
			return "a scope is one word of printable ASCII without quotes and backslashes"
		case lanyard.StandardScope(s.Name):
			return s.Name + " is a standard scope and belongs to no resource"
		case len(r.Permissions) == 0 && OurPermission(s.Name):
			return s.Name + " is a permission of ours: give the resource permissions of its own"
		case seen[s.Name]:
			return "scope " + strconv.Quote(s.Name) + " stands here a second time"
		}
		seen[s.Name] = true
	}
	return ""
}

func checkPermissions(r *lanyard.Resource) string {
	seen := map[string]bool{}
	for _, p := range r.Permissions {
		switch {
		case !lanyard.ValidPermission(p.Name):
			return "a permission is noun:verb in lower case"
		case OurPermission(p.Name):
			return p.Name + " is a permission of ours"
		case seen[p.Name]:
			return "permission " + strconv.Quote(p.Name) + " stands here a second time"
		}
		seen[p.Name] = true
	}
	return ""
}

// OurPermission tells whether a permission is one that the product itself looks at.
func OurPermission(name string) bool {
	return slices.Contains(lanyard.OwnPermissions, name) || slices.Contains(lanyard.AdministrationPermissions, name)
}
