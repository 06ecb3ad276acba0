package manifest

import (
	"context"
	"fmt"
	"slices"

	"github.com/lanyard-id/lanyard"
)

// Resource is an API (RFC 8707). Its natural key is the identifier.
type Resource struct {
	lanyard.Resource
	Scopes []Scope `json:"scopes"`
	// Permissions is the catalogue of what roles can allow here; none for the scopes.
	Permissions []Scope `json:"permissions"`
}

// Scope is a right that a resource knows: its name alone, or with a description.
type Scope struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

// UnmarshalText reads the name alone.
func (s *Scope) UnmarshalText(text []byte) error {
	s.Name = string(text)
	return nil
}

func (o *Resource) check(c checker, path string, seen map[string]bool) {
	key, err := lanyard.ResourceKey(o.Identifier)
	if err != nil {
		c.complain(path+".identifier", "identifier is an absolute URI without a fragment")
	}
	c.unique(seen, path+".identifier", "resource", key)
	if o.Format != "" && o.Format != lanyard.FormatJWT && o.Format != lanyard.FormatOpaque {
		c.complain(path+".token_format", "token_format is jwt or opaque")
	}
	if !slices.Contains([]string{"", lanyard.AlgRS256, lanyard.AlgES256, lanyard.AlgEdDSA}, o.Algorithm) {
		c.complain(path+".signing_alg", "signing_alg is RS256, ES256 or EdDSA")
	}
	o.checkPermissions(c, path)
	o.Resource.Scopes = nil
	names := map[string]bool{}
	for i, s := range o.Scopes {
		at := fmt.Sprintf("%s.scopes[%d]", path, i)
		if parsed, err := lanyard.ParseScopes(s.Name); err != nil || len(parsed) != 1 || parsed[0] != s.Name {
			c.complain(at, "a scope is one word of printable ASCII without quotes and backslashes")
		}
		if lanyard.StandardScopes.Has(s.Name) {
			c.complain(at, "%s is a standard scope and belongs to no resource", s.Name)
		}
		if len(o.Permissions) == 0 && slices.Contains(lanyard.OwnPermissions, s.Name) {
			c.complain(at, "%s is a permission of ours: give the resource permissions of its own", s.Name)
		}
		c.unique(names, at, "scope", s.Name)
		o.Resource.Scopes = append(o.Resource.Scopes, lanyard.ResourceScope(s))
	}
}

// checkPermissions complains about what roles can not allow at a resource.
func (o *Resource) checkPermissions(c checker, path string) {
	o.Resource.Permissions = nil
	names := map[string]bool{}
	for i, p := range o.Permissions {
		at := fmt.Sprintf("%s.permissions[%d]", path, i)
		if !lanyard.ValidPermission(p.Name) {
			c.complain(at, "a permission is noun:verb in lower case")
		}
		if slices.Contains(lanyard.OwnPermissions, p.Name) {
			c.complain(at, "%s is a permission of ours", p.Name)
		}
		c.unique(names, at, "permission", p.Name)
		o.Resource.Permissions = append(o.Resource.Permissions, lanyard.ResourceScope(p))
	}
}

func (r *run) putResource(ctx context.Context, o *Resource, stored []lanyard.Resource) error {
	before, exists := findResource(stored, o.Identifier)
	changed := !exists || !sameDocument(before, o.Resource)
	r.summary.count(exists, changed)
	if !changed {
		return nil
	}
	after := o.Resource
	after.ID = lanyard.NewResourceID()
	if exists {
		after.ID = before.ID
	}
	if err := r.scope.PutResource(ctx, after, r.now); err != nil {
		return err
	}
	return r.record(ctx, lanyard.Event{Type: lanyard.EventResourceUpdated, Detail: map[string]string{"resource": string(after.ID)}})
}

// findResource finds a resource by its indicator, in any spelling of scheme and host.
func findResource(stored []lanyard.Resource, indicator string) (lanyard.Resource, bool) {
	key, err := lanyard.ResourceKey(indicator)
	if err != nil {
		return lanyard.Resource{}, false
	}
	for _, s := range stored {
		if other, err := lanyard.ResourceKey(s.Identifier); err == nil && other == key {
			return s, true
		}
	}
	return lanyard.Resource{}, false
}
