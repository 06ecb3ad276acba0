package tenants

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/keys"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// Live is one tenant as requests see it: a snapshot of one revision of its
// configuration, and the scope to everything else. It may be shared.
type Live struct {
	Tenant lanyard.Tenant
	// Issuer is the tenant's issuer identifier, without a trailing slash.
	Issuer string
	Ring   *keys.Ring
	Scope  storage.Scope

	// Roles are those of the tenant, for all its organizations.
	Roles []lanyard.Role
	// Connections are the tenant's own, in the order of their buttons.
	Connections []lanyard.Connection

	resources map[string]*lanyard.Resource

	mu      sync.RWMutex
	clients map[lanyard.ClientID]*lanyard.Client
	origins map[string]bool
}

// Tenancy is the tenant as the deeds on people need it.
func (l *Live) Tenancy() accounts.Tenancy {
	return accounts.Tenancy{Scope: l.Scope, Tenant: l.Tenant, Issuer: l.Issuer, MACs: l.Ring, Roles: l.Roles, Resources: l.Resources()}
}

// maxClients bounds the clients that one snapshot keeps; beyond it they are looked up.
const maxClients = 10_000

// Client finds a client. It comes from this revision; one that was not seen yet is
// looked up. An unknown client is lanyard.ErrUnknownClient.
func (l *Live) Client(ctx context.Context, id lanyard.ClientID) (*lanyard.Client, error) {
	l.mu.RLock()
	c := l.clients[id]
	l.mu.RUnlock()
	if c != nil {
		return c, nil
	}
	if id == lanyard.ConsoleClient {
		return consoleClient(l.Issuer), nil
	}
	c, err := l.Scope.Client(ctx, id)
	if lanyard.KindOf(err) == lanyard.NotFound || lanyard.KindOf(err) == lanyard.Invalid {
		return nil, lanyard.ErrUnknownClient
	}
	if err != nil {
		return nil, err
	}
	if c.MayUse(lanyard.GrantAuthorizationCode) {
		c.TryURI = l.Issuer + PathConsoleTry
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.clients) < maxClients {
		l.clients[id] = c
	}
	return c, nil
}

// Resource finds a resource by its indicator in any spelling of scheme and host;
// the issuer itself stands for userinfo and is not one. Unknown is lanyard.ErrInvalidTarget.
func (l *Live) Resource(indicator string) (*lanyard.Resource, error) {
	key, err := lanyard.ResourceKey(indicator)
	if err != nil {
		return nil, err
	}
	if r := l.resources[key]; r != nil {
		return r, nil
	}
	return nil, lanyard.ErrInvalidTarget
}

// Resources lists the tenant's resources by identifier, without its management API.
func (l *Live) Resources() []*lanyard.Resource {
	out := make([]*lanyard.Resource, 0, len(l.resources))
	for _, key := range slices.Sorted(maps.Keys(l.resources)) {
		if r := l.resources[key]; !r.Management {
			out = append(out, r)
		}
	}
	return out
}

// RegisteredOrigin tells whether a redirect URI of one of the tenant's clients has the origin.
func (l *Live) RegisteredOrigin(ctx context.Context, origin string) (bool, error) {
	l.mu.RLock()
	known, loaded := l.origins[origin], l.origins != nil
	l.mu.RUnlock()
	if loaded {
		return known, nil
	}
	clients, err := l.Scope.Clients(ctx)
	if err != nil {
		return false, err
	}
	origins := map[string]bool{}
	for _, c := range clients {
		for _, uri := range c.RedirectURIs {
			origins[lanyard.Origin(uri)] = true
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.origins = origins
	return origins[origin], nil
}

type contextKey struct{}

// WithLive puts the tenant of a request into its context.
func WithLive(ctx context.Context, l *Live) context.Context {
	return context.WithValue(ctx, contextKey{}, l)
}

// FromContext gives the tenant of a request. Every request has one: the resolver
// answers the others itself.
func FromContext(ctx context.Context) *Live {
	l, _ := ctx.Value(contextKey{}).(*Live)
	return l
}

// In is the same snapshot over a transaction.
func (l *Live) In(tx storage.Scope) *Live {
	return &Live{
		Tenant: l.Tenant, Issuer: l.Issuer, Ring: l.Ring, Scope: tx, Roles: l.Roles, Connections: l.Connections, resources: l.resources,
		clients: map[lanyard.ClientID]*lanyard.Client{},
	}
}

// addManagement adds the resource of the management API. No resource of the tenant takes its place.
func (l *Live) addManagement() error {
	r := lanyard.ManagementResource(l.Issuer)
	key, err := lanyard.ResourceKey(r.Identifier)
	l.resources[key], l.resources[lanyard.ManagementName] = r, r
	return err
}
