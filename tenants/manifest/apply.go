package manifest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/keys"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// Deps is what applying a file needs.
type Deps struct {
	Store  *storage.Store
	Keeper *keys.Keeper
	Hasher Hasher
	// Organizations mails invitations and Issuer says where they lead; without them a
	// file can invite by code alone.
	Organizations *organizations.Organizations
	Issuer        func(lanyard.Tenant) string
	// Actor is who does it, as events name it; empty is "system".
	Actor string
}

// Hasher hashes passwords and compares them with stored hashes.
type Hasher interface {
	Hash(ctx context.Context, password lanyard.Secret) (string, error)
	Verify(ctx context.Context, phc string, password lanyard.Secret) (matches, rehash bool, err error)
}

// Summary counts what a file was about: things that were created, changed, and
// found as the file says.
type Summary struct {
	Created   int
	Updated   int
	Unchanged int
	// Removed are those that a file with prune removed.
	Removed int
}

func (s *Summary) count(exists, changed bool) {
	switch {
	case !exists:
		s.Created++
	case changed:
		s.Updated++
	default:
		s.Unchanged++
	}
}

func (s *Summary) add(o Summary) {
	s.Created += o.Created
	s.Updated += o.Updated
	s.Unchanged += o.Unchanged
	s.Removed += o.Removed
}

// Apply brings the database to what the file says, tenant by tenant, each in one
// transaction: a tenant that fails is left as it was, those before it are done.
// New tenants get their keys. What breaks a rule is lanyard.ErrBadInput, a name
// that somebody else has lanyard.ErrConflict, each wrapped with where it stands.
func Apply(ctx context.Context, deps Deps, f File, now time.Time) (Summary, error) {
	var total Summary
	for i := range f.Tenants {
		t := &f.Tenants[i]
		summary, err := applyTenant(ctx, deps, t, f.Prune, now)
		if err != nil {
			return total, fmt.Errorf("tenant %s: %w", t.Slug, err)
		}
		total.add(summary)
	}
	return total, nil
}

func applyTenant(ctx context.Context, deps Deps, t *Tenant, prune bool, at time.Time) (Summary, error) {
	found, err := deps.Store.TenantBySlug(ctx, t.Slug)
	exists := err == nil
	if err != nil && !errors.Is(err, lanyard.ErrNotFound) {
		return Summary{}, err
	}
	id := found.ID
	if !exists {
		id = lanyard.NewTenantID()
	}
	scope := deps.Store.Tenant(id)
	passwords, err := newPasswords(ctx, deps, scope, t)
	if err != nil {
		return Summary{}, err
	}
	var summary Summary
	err = scope.InTx(ctx, func(tx storage.Scope) error {
		r := &run{scope: tx, deps: deps, now: at, actor: deps.Actor, prune: prune} // anew each time: a transaction may be tried again
		err := r.tenant(ctx, t, exists, passwords)
		summary = r.summary
		return err
	})
	if !exists && errors.Is(err, lanyard.ErrConflict) {
		if _, err := deps.Store.TenantBySlug(ctx, t.Slug); err == nil {
			return applyTenant(ctx, deps, t, prune, at) // somebody else made the tenant meanwhile
		}
	}
	if err != nil {
		return Summary{}, err
	}
	return summary, deps.Keeper.Ensure(ctx, scope, at, t.algorithms()...)
}

// newPasswords hashes the passwords that changed, by the position of their user.
func newPasswords(ctx context.Context, deps Deps, scope storage.Scope, t *Tenant) ([]storage.Password, error) {
	out := make([]storage.Password, len(t.Users))
	for i := range t.Users {
		password, err := t.Users[i].newPassword(ctx, scope, deps.Hasher)
		if err != nil {
			return nil, fmt.Errorf("password of user %s: %w", t.Users[i].name(), err)
		}
		out[i] = password
	}
	return out, nil
}

// run is the work on one tenant within one transaction.
type run struct {
	scope   storage.Scope
	deps    Deps
	now     time.Time
	actor   string
	prune   bool
	summary Summary
}

// tenant writes the tenant and its parts, in the order in which they name each other.
func (r *run) tenant(ctx context.Context, t *Tenant, exists bool, passwords []storage.Password) error {
	if err := r.putTenant(ctx, t, exists); err != nil {
		return err
	}
	if err := r.resources(ctx, t); err != nil {
		return err
	}
	for _, role := range t.Roles {
		if err := r.putRole(ctx, "", role); err != nil {
			return fmt.Errorf("role %s: %w", role.Name, err)
		}
	}
	if err := r.putConnections(ctx, "", t.Connections); err != nil {
		return err
	}
	if err := r.people(ctx, t, passwords); err != nil {
		return err
	}
	if err := r.trustedIssuers(ctx, t); err != nil {
		return err
	}
	if err := r.pruned(ctx, t); err != nil {
		return err
	}
	if r.summary.Created+r.summary.Updated+r.summary.Removed == 0 {
		return nil
	}
	return r.scope.BumpRevision(ctx)
}

// people writes users, clients and organizations with what is in them.
func (r *run) people(ctx context.Context, t *Tenant, passwords []storage.Password) error {
	for i := range t.Users {
		if err := r.putUser(ctx, &t.Users[i], passwords[i]); err != nil {
			return fmt.Errorf("user %s: %w", t.Users[i].name(), err)
		}
	}
	for i := range t.Clients {
		if err := r.putClient(ctx, &t.Clients[i]); err != nil {
			return fmt.Errorf("client %s: %w", t.Clients[i].ID, err)
		}
	}
	for i := range t.Organizations {
		if err := r.putOrganization(ctx, &t.Organizations[i]); err != nil {
			return fmt.Errorf("organization %s: %w", t.Organizations[i].Slug, err)
		}
	}
	for _, part := range []func(context.Context, *Tenant) error{r.putPlaces, r.putIdentities, r.putWebhooks} {
		if err := part(ctx, t); err != nil {
			return err
		}
	}
	return r.putInvitations(ctx, "", t.Invitations)
}

// resources writes the resources and insists that those that tenant and clients
// fall back on exist.
func (r *run) resources(ctx context.Context, t *Tenant) error {
	stored, err := r.scope.Resources(ctx)
	if err != nil {
		return err
	}
	for i := range t.Resources {
		if err := r.putResource(ctx, &t.Resources[i], stored); err != nil {
			return fmt.Errorf("resource %s: %w", t.Resources[i].Identifier, err)
		}
	}
	if stored, err = r.scope.Resources(ctx); err != nil {
		return err
	}
	if r.deps.Issuer != nil {
		now, err := r.scope.Tenant(ctx)
		if err != nil {
			return err
		}
		stored = append(stored, *lanyard.ManagementResource(r.deps.Issuer(now)))
	}
	for _, name := range t.namedResources() {
		if _, known := findResource(stored, name); !known {
			return lanyard.ErrBadInput.Saying("the resource " + name + " is named but not defined in the tenant")
		}
	}
	return nil
}

func (t *Tenant) namedResources() []string {
	var out []string
	add := func(names ...string) {
		for _, name := range names {
			if name != "" && name != lanyard.ManagementName {
				out = append(out, name)
			}
		}
	}
	if t.Policy != nil {
		add(t.Policy.DefaultResource)
	}
	for _, c := range t.Clients {
		add(c.DefaultResource)
		add(c.Resources...)
	}
	return out
}

func (r *run) trustedIssuers(ctx context.Context, t *Tenant) error {
	stored, err := r.scope.TrustedIssuers(ctx)
	if err != nil {
		return err
	}
	for i := range t.TrustedIssuers {
		if err := r.putTrustedIssuer(ctx, &t.TrustedIssuers[i], stored); err != nil {
			return fmt.Errorf("trusted issuer %s: %w", t.TrustedIssuers[i].Issuer, err)
		}
	}
	return nil
}

func (r *run) record(ctx context.Context, e lanyard.Event) error {
	e.ID, e.TenantID, e.At, e.Actor = lanyard.NewEventID(), r.scope.TenantID(), r.now, r.actor
	return r.scope.InsertEvent(ctx, e)
}

// safe is the message of an error of the catalogue.
func safe(err error) string {
	var e *lanyard.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}
