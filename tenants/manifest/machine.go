package manifest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// Place is what a machine client may do in an organization, that is named by its slug.
type Place struct {
	Organization string   `json:"organization"`
	Roles        []string `json:"roles"`
}

func (o *Client) checkPlaces(c checker, path string) {
	if len(o.Organizations) > 0 && o.Type != lanyard.ClientMachine {
		c.complain(path+".organizations", "only a machine client has roles in organizations; people have their own")
	}
	seen := map[string]bool{}
	for i, place := range o.Organizations {
		at := fmt.Sprintf("%s.organizations[%d]", path, i)
		if !lanyard.ValidSlug(place.Organization) {
			c.complain(at+".organization", "%q is not the slug of an organization", place.Organization)
		}
		c.unique(seen, at+".organization", "organization", place.Organization)
		if len(place.Roles) == 0 {
			c.complain(at+".roles", "a machine has at least one role")
		}
	}
}

// putPlaces gives the machine clients of the file their roles. Closed organizations are left alone.
func (r *run) putPlaces(ctx context.Context, t *Tenant) error {
	for _, client := range t.Clients {
		for _, place := range client.Organizations {
			if err := r.putPlace(ctx, client.ID, place); err != nil {
				return fmt.Errorf("client %s in organization %s: %w", client.ID, place.Organization, err)
			}
		}
	}
	return nil
}

func (r *run) putPlace(ctx context.Context, client lanyard.ClientID, place Place) error {
	o, err := r.scope.OrganizationBySlug(ctx, place.Organization)
	if errors.Is(err, lanyard.ErrNotFound) {
		return lanyard.ErrBadInput.Saying("there is no such organization in the tenant")
	}
	if err != nil || !o.Open() {
		return err
	}
	for _, role := range place.Roles {
		if err := r.organizationRole(ctx, o.ID, role); err != nil {
			return err
		}
	}
	before, err := r.scope.MachineRoles(ctx, client, place.Organization)
	if err != nil && !errors.Is(err, lanyard.ErrNotFound) {
		return err
	}
	exists, has := err == nil, before.Membership.Roles
	changed := !slices.Equal(has, place.Roles)
	r.summary.count(exists, changed)
	if !changed {
		return nil
	}
	if err := r.scope.PutMachineRoles(ctx, client, o.ID, place.Roles, r.now); err != nil {
		return err
	}
	return r.record(ctx, lanyard.Event{
		Type: lanyard.EventClientRolesUpdated, ClientID: client, OrganizationID: o.ID, Detail: organizations.RolesDetail(has, place.Roles),
	})
}
