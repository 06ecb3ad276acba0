package management

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// Tenant is one isolated issuer of the instance. What it is like inside are its Settings.
type Tenant struct {
	ID            lanyard.TenantID `json:"id" readOnly:"true"`
	Slug          string           `json:"slug"`
	Issuer        string           `json:"issuer" readOnly:"true"`
	Name          string           `json:"name,omitempty"`
	Host          string           `json:"host,omitempty"`
	RedirectHosts []string         `json:"redirect_hosts,omitempty"`
	// Suspended tenants answer nobody; their data stays.
	Suspended bool      `json:"suspended"`
	CreatedAt time.Time `json:"created_at,omitzero" readOnly:"true"`
}

// NewTenant is a tenant that is added.
type NewTenant struct {
	Slug          string   `json:"slug" required:"true"`
	Name          string   `json:"name,omitempty"`
	Host          string   `json:"host,omitempty"`
	RedirectHosts []string `json:"redirect_hosts,omitempty"`
}

// TenantColumns are those of Tenants.
var TenantColumns = Columns{Sorts: []string{"slug", "name", "created"}, Filters: []string{"suspended"}}

func (m *Management) tenantOf(t lanyard.Tenant) Tenant {
	return Tenant{
		ID: t.ID, Slug: t.Slug, Issuer: m.Directory.Issuer(t), Name: t.Name, Host: t.Host, RedirectHosts: t.RedirectHosts, Suspended: t.Suspended, CreatedAt: t.CreatedAt,
	}
}

// ofInstance is lanyard.ErrNotAllowed for whoever does not manage the instance, and
// lanyard.ErrNotFound outside of the default tenant, which alone has tenants.
func (a Administrator) ofInstance() error {
	if err := a.Need(lanyard.MayManageInstance); err != nil {
		return err
	}
	if a.Live.Tenant.Slug != lanyard.DefaultTenant {
		return lanyard.ErrNotFound
	}
	return nil
}

// Tenants lists the tenants of the instance. The search is part of a slug, name or host.
func (m *Management) Tenants(ctx context.Context, a Administrator, q Query) (List[Tenant], error) {
	if err := a.ofInstance(); err != nil {
		return List[Tenant]{}, err
	}
	suspended, err := q.yesNo("suspended")
	if err != nil {
		return List[Tenant]{}, err
	}
	all, err := m.Store.Tenants(ctx)
	if err != nil {
		return List[Tenant]{}, err
	}
	return pageOfAll(a, &q, "tenants", TenantColumns, all, few[lanyard.Tenant, Tenant]{
		key: func(t lanyard.Tenant, sort string) string {
			return map[string]string{"slug": t.Slug, "name": t.Name, "created": instant(t.CreatedAt)}[sort]
		},
		id:    func(t lanyard.Tenant) string { return string(t.ID) },
		words: func(t lanyard.Tenant) []string { return []string{t.Slug, t.Name, t.Host} },
		keep:  func(t lanyard.Tenant, _, _ string) bool { return suspended == nil || t.Suspended == *suspended },
		as:    m.tenantOf,
	})
}

// Tenant is one of the tenants, by slug or id.
func (m *Management) Tenant(ctx context.Context, a Administrator, name string) (Tenant, error) {
	if err := a.ofInstance(); err != nil {
		return Tenant{}, err
	}
	found, err := m.tenantNamed(ctx, name)
	return m.tenantOf(found), err
}

func (m *Management) tenantNamed(ctx context.Context, name string) (lanyard.Tenant, error) {
	if lanyard.ValidSlug(name) {
		found, err := m.Store.TenantBySlug(ctx, name)
		return found, gone(err)
	}
	all, err := m.Store.Tenants(ctx)
	if err != nil {
		return lanyard.Tenant{}, err
	}
	i := slices.IndexFunc(all, func(t lanyard.Tenant) bool { return string(t.ID) == name })
	if i < 0 {
		return lanyard.Tenant{}, lanyard.ErrNotFound
	}
	return all[i], nil
}

// CreateTenant adds a tenant with its keys. A slug or host that another one has is lanyard.ErrConflict.
func (m *Management) CreateTenant(ctx context.Context, a Administrator, n NewTenant) (Tenant, error) {
	if err := a.ofInstance(); err != nil {
		return Tenant{}, err
	}
	made := lanyard.Tenant{ID: lanyard.NewTenantID(), Slug: n.Slug, Name: n.Name, Host: n.Host, RedirectHosts: n.RedirectHosts, CreatedAt: a.Now}
	if made.Name == "" {
		made.Name = made.Slug
	}
	if !lanyard.ValidSlug(made.Slug) {
		return Tenant{}, lanyard.ErrBadInput.Saying("the slug is 1 to 63 of a-z, 0-9 and -, and does not begin or end with -")
	}
	if err := errors.Join(checkSettings(made), m.hostsFree(ctx, made)); err != nil {
		return Tenant{}, err
	}
	err := m.change(ctx, a, lanyard.MayManageInstance, false, func(tx storage.Scope) error {
		there := tx.Beside(made.ID).Witnessed(a.Live.Tenant.ID, made.Slug)
		if err := there.InsertTenant(ctx, made); err != nil {
			return err
		}
		if err := recordThere(ctx, there, a, lanyard.EventTenantCreated); err != nil {
			return err
		}
		return m.Keeper.Ensure(ctx, there, a.Now)
	})
	return m.tenantOf(made), err
}

// recordThere writes a fact about a tenant. The caller's session is none of that tenant's.
func recordThere(ctx context.Context, there storage.Scope, a Administrator, fact lanyard.EventType) error {
	return there.InsertEvent(ctx, lanyard.Event{Type: fact, At: a.Now, Actor: a.Actor()})
}

// ChangeTenant changes name, hosts and whether the tenant is suspended. The slug stays, and
// the default tenant is never suspended.
func (m *Management) ChangeTenant(ctx context.Context, a Administrator, name string, change Change[Tenant]) (Tenant, error) {
	if err := a.ofInstance(); err != nil {
		return Tenant{}, err
	}
	found, err := m.tenantNamed(ctx, name)
	if err != nil {
		return Tenant{}, err
	}
	var out Tenant
	err = m.change(ctx, a, lanyard.MayManageInstance, false, func(tx storage.Scope) error {
		there := tx.Beside(found.ID)
		if found.ID != a.Live.Tenant.ID {
			there = there.Witnessed(a.Live.Tenant.ID, found.Slug)
		}
		if err := there.LockTenant(ctx); err != nil {
			return err
		}
		before, err := there.Tenant(ctx)
		if err != nil {
			return err
		}
		wanted, err := change(m.tenantOf(before))
		if err != nil {
			return err
		}
		after, err := wanted.onto(before)
		if err != nil {
			return err
		}
		if err := m.writeTenant(ctx, there, a, before, after); err != nil {
			return err
		}
		out = m.tenantOf(after)
		return nil
	})
	return out, err
}

func (t Tenant) onto(out lanyard.Tenant) (lanyard.Tenant, error) {
	switch {
	case t.Slug != out.Slug:
		return out, lanyard.ErrBadInput.Saying("the slug of a tenant never changes")
	case t.Suspended && out.Slug == lanyard.DefaultTenant:
		return out, lanyard.ErrBadInput.Saying("the default tenant can not be suspended")
	}
	out.Name, out.Host, out.RedirectHosts, out.Suspended = t.Name, t.Host, t.RedirectHosts, t.Suspended
	if len(out.RedirectHosts) == 0 {
		out.RedirectHosts = nil
	}
	return out, checkSettings(out)
}

// writeTenant stores what is different, and records it.
func (m *Management) writeTenant(ctx context.Context, there storage.Scope, a Administrator, before, after lanyard.Tenant) error {
	if len(before.RedirectHosts) == 0 {
		before.RedirectHosts = nil
	}
	if reflect.DeepEqual(before, after) {
		return nil
	}
	if before.Host != after.Host || !slices.Equal(before.RedirectHosts, after.RedirectHosts) {
		if err := m.hostsFree(ctx, after); err != nil {
			return err
		}
	}
	if err := there.UpdateTenant(ctx, after); err != nil {
		return hostTaken(err)
	}
	if before.Suspended != after.Suspended {
		fact := lanyard.EventTenantSuspended
		if before.Suspended {
			fact = lanyard.EventTenantResumed
		}
		if err := recordThere(ctx, there, a, fact); err != nil {
			return err
		}
		before.Suspended = after.Suspended
	}
	if reflect.DeepEqual(before, after) {
		return nil
	}
	return recordThere(ctx, there, a, lanyard.EventTenantUpdated)
}
