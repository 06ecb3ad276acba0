package manifest

import (
	"context"
	"fmt"
	"slices"

	"github.com/lanyard-id/lanyard"
)

// pruned removes what the tenant has and the file, which says prune, does not: in each
// list that the file has at all, clients, resources, roles, connections, trusted
// issuers and webhooks of the tenant; of the organizations that are listed the members, roles,
// domains and connections. People, organizations, invitations and tenants are never
// removed by a file.
func (r *run) pruned(ctx context.Context, t *Tenant) error {
	if !r.prune {
		return nil
	}
	for i := range t.Organizations {
		if err := r.pruneOrganization(ctx, &t.Organizations[i]); err != nil {
			return fmt.Errorf("organization %s: %w", t.Organizations[i].Slug, err)
		}
	}
	for _, list := range []func(context.Context, *Tenant) error{
		r.pruneClients, r.pruneConnections, r.pruneIssuers, r.pruneResources, r.pruneRoles, r.pruneWebhooks,
	} {
		if err := list(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// lacks tells whether a list that the file has lacks a name.
func lacks[T any](all []T, name func(T) bool) bool {
	return len(all) > 0 && !slices.ContainsFunc(all, name)
}

func (r *run) pruneResources(ctx context.Context, t *Tenant) error {
	stored, err := r.scope.Resources(ctx)
	if err != nil {
		return err
	}
	for _, s := range stored {
		if !lacks(t.Resources, func(o Resource) bool { return sameResource(o.Identifier, s.Identifier) }) {
			continue
		}
		if err := r.scope.DeleteResource(ctx, s.ID); err != nil {
			return err
		}
		if err := r.removed(ctx, lanyard.Event{Type: lanyard.EventResourceRemoved, Detail: map[string]string{"resource": string(s.ID)}}); err != nil {
			return err
		}
	}
	return nil
}

func sameResource(a, b string) bool {
	x, xerr := lanyard.ResourceKey(a)
	y, yerr := lanyard.ResourceKey(b)
	return xerr == nil && yerr == nil && x == y
}

func (r *run) pruneConnections(ctx context.Context, t *Tenant) error {
	stored, err := r.scope.TenantConnections(ctx)
	if err != nil {
		return err
	}
	return r.dropConnections(ctx, "", t.Connections, stored)
}

func (r *run) dropConnections(ctx context.Context, owner lanyard.OrganizationID, all []Connection, stored []lanyard.Connection) error {
	for _, s := range stored {
		if !lacks(all, func(c Connection) bool { return c.ID == s.ID || (c.ID == "" && c.Name == s.Name) }) {
			continue
		}
		if err := r.scope.RemoveConnection(ctx, s.ID, r.now); err != nil {
			return err
		}
		if err := r.removed(ctx, lanyard.Event{
			Type: lanyard.EventConnectionRemoved, OrganizationID: owner, Detail: map[string]string{"connection": string(s.ID), "kind": string(s.Kind)},
		}); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) pruneOrganization(ctx context.Context, o *Organization) error {
	stored, err := r.scope.OrganizationBySlug(ctx, o.Slug)
	if err != nil {
		return err
	}
	connections, err := r.scope.OrganizationConnections(ctx, stored.ID)
	if err != nil {
		return err
	}
	for _, part := range []func() error{
		func() error { return r.pruneMembers(ctx, o, stored.ID) },
		func() error { return r.pruneDomains(ctx, o, stored.ID) },
		func() error { return r.dropConnections(ctx, stored.ID, o.Connections, connections) },
		func() error { return r.pruneOrganizationRoles(ctx, o, stored.ID) },
		func() error { return r.checkConnected(ctx, stored) },
	} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) pruneMembers(ctx context.Context, o *Organization, id lanyard.OrganizationID) error {
	keep := map[lanyard.UserID]bool{}
	for _, m := range o.Members {
		user, err := r.memberUser(ctx, m.User)
		if err != nil {
			return err
		}
		keep[user.ID] = true
	}
	stored, err := r.scope.Memberships(ctx, id)
	if err != nil || len(keep) == 0 {
		return err
	}
	for _, s := range stored {
		if keep[s.UserID] {
			continue
		}
		if err := r.scope.DeleteMembership(ctx, id, s.UserID, r.now); err != nil {
			return err
		}
		if err := r.removed(ctx, lanyard.Event{Type: lanyard.EventMemberRemoved, UserID: s.UserID, OrganizationID: id}); err != nil {
			return err
		}
	}
	owners, err := r.scope.CountOwners(ctx, id)
	if err == nil && owners == 0 {
		err = lanyard.ErrLastOwner
	}
	return err
}

func (r *run) pruneDomains(ctx context.Context, o *Organization, id lanyard.OrganizationID) error {
	stored, err := r.scope.Domains(ctx, id)
	if err != nil {
		return err
	}
	for _, s := range stored {
		if !lacks(o.Domains, func(d Domain) bool { return d.Domain == s.Name }) {
			continue
		}
		if err := r.scope.DeleteDomain(ctx, id, s.Name); err != nil {
			return err
		}
		if err := r.removed(ctx, lanyard.Event{Type: lanyard.EventDomainRemoved, OrganizationID: id, Detail: map[string]string{"domain": s.Name}}); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) pruneOrganizationRoles(ctx context.Context, o *Organization, id lanyard.OrganizationID) error {
	stored, err := r.scope.Roles(ctx, id)
	if err != nil {
		return err
	}
	for _, s := range stored {
		if !lacks(o.Roles, func(x Role) bool { return x.Name == s.Name }) {
			continue
		}
		held, err := r.scope.RoleHolders(ctx, id, s.Name, r.now, 1)
		if err != nil {
			return err
		}
		if held > 0 {
			return lanyard.ErrRoleInUse.Saying("the role " + s.Name + " is in use")
		}
		if err := r.scope.DeleteRole(ctx, id, s.Name); err != nil {
			return err
		}
		if err := r.removed(ctx, lanyard.Event{Type: lanyard.EventRoleRemoved, OrganizationID: id, Detail: map[string]string{"role": s.Name}}); err != nil {
			return err
		}
	}
	return nil
}

// removed counts and records a removal.
func (r *run) removed(ctx context.Context, fact lanyard.Event) error {
	r.summary.Removed++
	return r.record(ctx, fact)
}

func (r *run) pruneClients(ctx context.Context, t *Tenant) error {
	stored, err := r.scope.Clients(ctx)
	if err != nil {
		return err
	}
	for _, s := range stored {
		if s.ID == lanyard.ConsoleClient || !lacks(t.Clients, func(c Client) bool { return c.ID == s.ID }) {
			continue
		}
		if err := r.scope.DeleteClient(ctx, s.ID); err != nil {
			return err
		}
		if err := r.removed(ctx, lanyard.Event{Type: lanyard.EventClientRemoved, ClientID: s.ID}); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) pruneRoles(ctx context.Context, t *Tenant) error {
	stored, err := r.scope.Roles(ctx, "")
	if err != nil {
		return err
	}
	for _, s := range stored {
		if !lacks(t.Roles, func(o Role) bool { return o.Name == s.Name }) {
			continue
		}
		held, err := r.scope.TenantRoleHeld(ctx, s.Name, r.now)
		if err != nil {
			return err
		}
		if held {
			return lanyard.ErrRoleInUse.Saying("the role " + s.Name + " is in use")
		}
		if err := r.scope.DeleteRole(ctx, "", s.Name); err != nil {
			return err
		}
		if err := r.removed(ctx, lanyard.Event{Type: lanyard.EventRoleRemoved, Detail: map[string]string{"role": s.Name}}); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) pruneIssuers(ctx context.Context, t *Tenant) error {
	stored, err := r.scope.TrustedIssuers(ctx)
	if err != nil {
		return err
	}
	for _, s := range stored {
		if !lacks(t.TrustedIssuers, func(o TrustedIssuer) bool { return o.Issuer == s.Issuer }) {
			continue
		}
		if err := r.scope.DeleteTrustedIssuer(ctx, s.Issuer); err != nil {
			return err
		}
		if err := r.removed(ctx, lanyard.Event{Type: lanyard.EventTrustedIssuerRemoved, Detail: map[string]string{"issuer": s.Issuer}}); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) pruneWebhooks(ctx context.Context, t *Tenant) error {
	stored, err := r.scope.Webhooks(ctx)
	if err != nil {
		return err
	}
	for _, s := range stored {
		if !lacks(t.Webhooks, func(o Webhook) bool { return o.URL == s.URL }) {
			continue
		}
		if err := r.scope.DeleteWebhook(ctx, s.ID); err != nil {
			return err
		}
		if err := r.removed(ctx, lanyard.Event{Type: lanyard.EventWebhookRemoved, Detail: map[string]string{"webhook": string(s.ID)}}); err != nil {
			return err
		}
	}
	return nil
}
