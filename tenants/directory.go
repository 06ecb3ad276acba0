package tenants

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/clock"
	"github.com/lanyard-id/lanyard/keys"
	"github.com/lanyard-id/lanyard/storage"
)

// publishedLag is how old what is published anyway (discovery, JWKS) may be.
const publishedLag = 2 * time.Second

// publishedWait is how long what is published waits for a database that says nothing.
const publishedWait = 500 * time.Millisecond

// Directory finds the tenant of a request and hands out its live snapshot.
type Directory struct {
	Store  *storage.Store
	Sealer lanyard.Sealer
	Clock  clock.Clock
	// Base is the issuer of the default tenant, without a trailing slash.
	Base *url.URL

	mu      sync.Mutex
	byName  map[string]lanyard.TenantID // "host H" or "slug S"
	entries map[lanyard.TenantID]*entry
}

// entry is what the directory knows of one tenant.
type entry struct {
	revision sharedRead
	load     sync.Mutex

	// used is when it was last asked for, under the directory's lock.
	used time.Time

	mu      sync.Mutex
	live    *Live
	checked time.Time
}

// Place is where a request belongs.
type Place struct {
	Tenant lanyard.TenantID
	// Prefix is the part of the path before the tenant's own: "" or "/t/slug".
	Prefix string
	// Elsewhere says that the host only redirects to the tenant's issuer.
	Elsewhere bool
}

const tenantPrefix = "/t/"

// ErrUnknownHost is a host that no tenant answers on; HTTP says 421.
var ErrUnknownHost = &lanyard.Error{Kind: lanyard.NotFound, Code: "unknown_host", Message: "no tenant answers on this host"}

// Find says which tenant a host and path belong to. The host must be exactly
// one that is configured (ErrUnknownHost otherwise); an unknown slug is lanyard.ErrNotFound.
func (d *Directory) Find(ctx context.Context, host, path string) (Place, error) {
	host = strings.ToLower(host)
	if host != d.Base.Host {
		return d.findHost(ctx, host)
	}
	rest, ok := strings.CutPrefix(path, d.Base.Path+tenantPrefix)
	if !ok {
		id, err := d.named(ctx, "slug "+lanyard.DefaultTenant)
		return Place{Tenant: id, Prefix: d.Base.Path}, err
	}
	slug, _, _ := strings.Cut(rest, "/")
	if !lanyard.ValidSlug(slug) || slug == lanyard.DefaultTenant {
		return Place{}, lanyard.ErrNotFound
	}
	id, err := d.named(ctx, "slug "+slug)
	if err != nil {
		return Place{}, err
	}
	live, err := d.Published(ctx, id)
	if err != nil {
		return Place{}, err
	}
	// A tenant on its own host has one issuer: the path form only leads there.
	return Place{Tenant: id, Prefix: d.Base.Path + tenantPrefix + slug, Elsewhere: live.Tenant.Host != ""}, nil
}

func (d *Directory) findHost(ctx context.Context, host string) (Place, error) {
	id, err := d.named(ctx, "host "+host)
	if errors.Is(err, lanyard.ErrNotFound) {
		return Place{}, ErrUnknownHost
	}
	if err != nil {
		return Place{}, err
	}
	live, err := d.Published(ctx, id)
	if err != nil {
		return Place{}, err
	}
	redirects := slices.Contains(live.Tenant.RedirectHosts, host)
	if live.Tenant.Host != host && !redirects {
		d.forget("host " + host)
		return Place{}, ErrUnknownHost
	}
	return Place{Tenant: id, Elsewhere: live.Tenant.Host != host}, nil
}

// named looks a tenant up by "host H" or "slug S"; only hits are kept.
func (d *Directory) named(ctx context.Context, name string) (lanyard.TenantID, error) {
	d.mu.Lock()
	id, ok := d.byName[name]
	d.mu.Unlock()
	if ok {
		return id, nil
	}
	kind, value, _ := strings.Cut(name, " ")
	find := d.Store.TenantBySlug
	if kind == "host" {
		find = d.Store.TenantByHost
	}
	t, err := find(ctx, value)
	if err != nil {
		return "", err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.byName == nil {
		d.byName = map[string]lanyard.TenantID{}
	}
	d.byName[name] = t.ID
	return t.ID, nil
}

func (d *Directory) forget(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.byName, name)
}

func (d *Directory) entry(id lanyard.TenantID) *entry {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.entries == nil {
		d.entries = map[lanyard.TenantID]*entry{}
	}
	e := d.entries[id]
	if e == nil {
		e = &entry{}
		d.entries[id] = e
	}
	e.used = d.Clock.Now()
	return e
}

// forgetAfter is how long a snapshot that nobody asks for is kept: whoever comes again when
// its copy of the key set is over still finds it.
const forgetAfter = 2 * keys.JWKSMaxAge

// Forget drops the snapshots that nobody has asked for in twenty minutes, so that memory
// follows the tenants that are in use and not all that there are. While the database is
// silent all of them stay: what is published could not be read again. Names stay, too: they
// are small.
func (d *Directory) Forget(ctx context.Context, now time.Time) {
	unused := d.unused(now)
	if len(unused) == 0 {
		return
	}
	if _, err := d.Store.Tenant(unused[0]).Revision(ctx); lanyard.KindOf(err) == lanyard.Unavailable {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, id := range unused {
		if e := d.entries[id]; e != nil && e.unused(now) {
			delete(d.entries, id) // whoever still holds the entry goes on with it
		}
	}
}

// unused are the tenants whose snapshots nobody has asked for.
func (d *Directory) unused(now time.Time) []lanyard.TenantID {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []lanyard.TenantID
	for id, e := range d.entries {
		if e.unused(now) {
			out = append(out, id)
		}
	}
	return out
}

func (e *entry) unused(now time.Time) bool { return now.Sub(e.used) > forgetAfter }

// Current gives the tenant at a revision that was read after the call began, so
// that a change answered before is obeyed. Calls at the same time share the read.
// A suspended tenant is lanyard.ErrNotFound.
func (d *Directory) Current(ctx context.Context, id lanyard.TenantID) (*Live, error) {
	e := d.entry(id)
	revision, err := e.revision.get(ctx, func(ctx context.Context) (int64, error) {
		return d.Store.Tenant(id).Revision(ctx)
	})
	if err != nil {
		return nil, fmt.Errorf("reading the revision: %w", err)
	}
	return d.atLeast(ctx, e, id, revision)
}

// Published gives the tenant as it was at most two seconds ago; while the
// database is silent, as it was last.
func (d *Directory) Published(ctx context.Context, id lanyard.TenantID) (*Live, error) {
	e := d.entry(id)
	e.mu.Lock()
	live, fresh := e.live, d.Clock.Now().Sub(e.checked) < publishedLag
	e.mu.Unlock()
	if live == nil {
		return d.Current(ctx, id)
	}
	if fresh {
		return live, suspended(live)
	}
	ctx, cancel := context.WithTimeout(ctx, publishedWait)
	defer cancel()
	current, err := d.Current(ctx, id)
	if lanyard.KindOf(err) == lanyard.Unavailable {
		return live, suspended(live)
	}
	return current, err
}

func (d *Directory) atLeast(ctx context.Context, e *entry, id lanyard.TenantID, revision int64) (*Live, error) {
	now := d.Clock.Now()
	if live := e.at(revision, now); live != nil {
		return live, suspended(live)
	}
	e.load.Lock()
	defer e.load.Unlock()
	if live := e.at(revision, now); live != nil {
		return live, suspended(live)
	}
	live, err := d.loadLive(ctx, id)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.live, e.checked = live, now
	return live, suspended(live)
}

func suspended(l *Live) error {
	if l.Tenant.Suspended {
		return lanyard.ErrNotFound
	}
	return nil
}

// at gives the snapshot if it is of the revision or a later one.
func (e *entry) at(revision int64, now time.Time) *Live {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.live == nil || e.live.Tenant.Revision < revision {
		return nil
	}
	e.checked = now
	return e.live
}

// loadLive reads a snapshot. The revision comes first: what is read later can only be newer.
func (d *Directory) loadLive(ctx context.Context, id lanyard.TenantID) (*Live, error) {
	scope := d.Store.Tenant(id)
	tenant, err := scope.Tenant(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the tenant: %w", err)
	}
	stored, err := scope.SigningKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the keys: %w", err)
	}
	ring, err := keys.NewRing(id, stored, d.Sealer)
	if err != nil {
		return nil, err
	}
	resources, err := scope.Resources(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the resources: %w", err)
	}
	roles, err := scope.Roles(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("reading the roles: %w", err)
	}
	connections, err := scope.TenantConnections(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the connections: %w", err)
	}
	live := &Live{
		Tenant: tenant, Issuer: d.Issuer(tenant), Ring: ring, Scope: scope, Roles: roles, Connections: connections,
		resources: map[string]*lanyard.Resource{}, clients: map[lanyard.ClientID]*lanyard.Client{},
	}
	if err := live.addManagement(); err != nil {
		return nil, err
	}
	for i := range resources {
		key, err := lanyard.ResourceKey(resources[i].Identifier)
		if err != nil {
			return nil, fmt.Errorf("resource %s: %w", resources[i].ID, err)
		}
		if live.resources[key] == nil {
			live.resources[key] = &resources[i]
		}
	}
	return live, nil
}

// Issuer is the issuer identifier of a tenant: from configuration and database only.
func (d *Directory) Issuer(t lanyard.Tenant) string {
	base := strings.TrimSuffix(d.Base.String(), "/")
	switch {
	case t.Slug == lanyard.DefaultTenant:
		return base
	case t.Host != "":
		return d.Base.Scheme + "://" + t.Host
	}
	return base + tenantPrefix + t.Slug
}

// BySlug gives the current snapshot of another tenant, which is named by its slug.
// One that is not there or suspended is lanyard.ErrNotFound.
func (d *Directory) BySlug(ctx context.Context, slug string) (*Live, error) {
	if !lanyard.ValidSlug(slug) {
		return nil, lanyard.ErrNotFound
	}
	id, err := d.named(ctx, "slug "+slug)
	if err != nil {
		return nil, err
	}
	return d.Current(ctx, id)
}
