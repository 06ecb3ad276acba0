package manifest

import (
	"context"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants"
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
	if key, err := lanyard.ResourceKey(o.Identifier); err == nil {
		c.unique(seen, path+".identifier", "resource", key)
	}
	o.Resource.Scopes, o.Resource.Permissions = nil, nil
	for _, s := range o.Scopes {
		o.Resource.Scopes = append(o.Resource.Scopes, lanyard.ResourceScope(s))
	}
	for _, p := range o.Permissions {
		o.Resource.Permissions = append(o.Resource.Permissions, lanyard.ResourceScope(p))
	}
	if err := tenants.CheckResource(&o.Resource); err != nil {
		c.complain(path, "%s", safe(err))
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
