package management

import (
	"context"
	"slices"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants"
)

// Resource is an API that tokens are made for (RFC 8707).
type Resource struct {
	ID lanyard.ResourceID `json:"id" readOnly:"true"`
	lanyard.Resource
}

// ResourceColumns are those of Resources.
var ResourceColumns = Columns{Sorts: []string{"identifier"}}

// Resources lists the tenant's resources by identifier. The search is part of identifier or name.
func (m *Management) Resources(ctx context.Context, a Administrator, q Query) (List[Resource], error) {
	if err := a.Need(lanyard.MayReadSettings); err != nil {
		return List[Resource]{}, err
	}
	all, err := a.Scope().Resources(ctx)
	if err != nil {
		return List[Resource]{}, err
	}
	return pageOfAll(a, &q, "resources", ResourceColumns, all, few[lanyard.Resource, Resource]{
		key:   func(r lanyard.Resource, _ string) string { return r.Identifier },
		id:    func(r lanyard.Resource) string { return string(r.ID) },
		words: func(r lanyard.Resource) []string { return []string{r.Identifier, r.Name} },
		as:    resourceOf,
	})
}

func resourceOf(r lanyard.Resource) Resource { return Resource{ID: r.ID, Resource: r} }

// Resource is one of the tenant's resources.
func (m *Management) Resource(ctx context.Context, a Administrator, id lanyard.ResourceID) (Resource, error) {
	if err := a.Need(lanyard.MayReadSettings); err != nil {
		return Resource{}, err
	}
	return resourceIn(ctx, a.Scope(), id)
}

func resourceIn(ctx context.Context, scope storage.Scope, id lanyard.ResourceID) (Resource, error) {
	all, err := scope.Resources(ctx)
	if err != nil {
		return Resource{}, err
	}
	i := slices.IndexFunc(all, func(r lanyard.Resource) bool { return r.ID == id })
	if i < 0 {
		return Resource{}, lanyard.ErrNotFound
	}
	return resourceOf(all[i]), nil
}

// CreateResource adds a resource. An identifier that there is, in any spelling, is lanyard.ErrConflict.
func (m *Management) CreateResource(ctx context.Context, a Administrator, r Resource) (Resource, error) {
	r.ID = lanyard.NewResourceID()
	if err := a.Need(lanyard.MayManageSettings); err != nil {
		return Resource{}, err
	}
	if err := m.ensureAlgorithm(ctx, a, r.Algorithm); err != nil {
		return Resource{}, err
	}
	return r, m.change(ctx, a, lanyard.MayManageSettings, true, func(tx storage.Scope) error {
		return m.putResource(ctx, tx, a, r)
	})
}

// ChangeResource changes a resource. Its identifier stays: tokens and registrations name it.
func (m *Management) ChangeResource(ctx context.Context, a Administrator, id lanyard.ResourceID, change Change[Resource]) (Resource, error) {
	var after Resource
	err := m.change(ctx, a, lanyard.MayManageSettings, true, func(tx storage.Scope) error {
		before, err := resourceIn(ctx, tx, id)
		if err != nil {
			return err
		}
		if after, err = change(before); err != nil {
			return err
		}
		if after.Identifier != before.Identifier {
			return lanyard.ErrBadInput.Saying("the identifier of a resource can not be changed")
		}
		after.ID = before.ID
		if err := m.ensureAlgorithm(ctx, a.in(tx), after.Algorithm); err != nil {
			return err
		}
		return m.putResource(ctx, tx, a, after)
	})
	return after, err
}

func (m *Management) putResource(ctx context.Context, tx storage.Scope, a Administrator, r Resource) error {
	r.Resource.ID = r.ID
	if err := tenants.CheckResource(&r.Resource); err != nil {
		return err
	}
	all, err := tx.Resources(ctx)
	if err != nil {
		return err
	}
	key, err := lanyard.ResourceKey(r.Identifier)
	if err != nil {
		return err
	}
	for _, other := range append(all, *lanyard.ManagementResource(a.Live.Issuer)) {
		if taken, err := lanyard.ResourceKey(other.Identifier); err == nil && taken == key && other.ID != r.ID {
			return lanyard.ErrConflict.Saying("there is a resource with this identifier")
		}
	}
	if err := tx.PutResource(ctx, r.Resource, a.Now); err != nil {
		return err
	}
	return m.record(ctx, tx, a, lanyard.Event{Type: lanyard.EventResourceUpdated, Detail: map[string]string{"resource": string(r.ID)}})
}

// RemoveResource takes a resource away; tokens for it are not made any more. One that the
// tenant falls back on is lanyard.ErrConflict.
func (m *Management) RemoveResource(ctx context.Context, a Administrator, id lanyard.ResourceID, when Condition[Resource]) error {
	return m.change(ctx, a, lanyard.MayManageSettings, true, func(tx storage.Scope) error {
		before, err := resourceIn(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := when.met(before); err != nil {
			return err
		}
		t, err := tx.Tenant(ctx)
		if err != nil {
			return err
		}
		if t.Policy.DefaultResource == before.Identifier {
			return lanyard.ErrConflict.Saying("it is the default resource of the tenant")
		}
		if err := tx.DeleteResource(ctx, id); err != nil {
			return err
		}
		return m.record(ctx, tx, a, lanyard.Event{Type: lanyard.EventResourceRemoved, Detail: map[string]string{"resource": string(id)}})
	})
}
