package organizations_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

func TestRolesHoldWhatTheCatalogueKnows(t *testing.T) {
	inTown(t, func(h *town) {
		ctx, acme := h.Context(), h.organization("acme")
		owner := h.seated("olga", acme, lanyard.RoleOwner)
		for what, r := range map[string]lanyard.Role{
			"no name": {}, "a name in capitals": {Name: "Keeper"}, "a name with a space": {Name: "a b"}, "a long name": {Name: strings.Repeat("a", 65)},
			"built in": {Name: lanyard.RoleOwner}, "the tenant's": {Name: "dispatcher"}, "unknown": {Name: "keeper", Permissions: []string{"lamps:break"}},
			"a wildcard": {Name: "keeper", Permissions: []string{"lamps:*"}}, "two in one": {Name: "keeper", Permissions: []string{"lamps:light lamps:read"}},
		} {
			h.wants(what, h.PutRole(ctx, owner, r, h.now), lanyard.ErrBadInput)
		}
		keeper := lanyard.Role{Name: "keeper", Permissions: []string{"lamps:light", lanyard.MayReadMembers, "lamps:light"}}
		for range 2 {
			h.must(h.PutRole(ctx, owner, keeper, h.now))
		}
		tenant, own, err := h.Roles(ctx, owner)
		h.must(err)
		if len(tenant) != 1 || len(own) != 1 || !slices.Equal(own[0].Permissions, []string{"lamps:light", lanyard.MayReadMembers}) {
			h.Errorf("roles: %v %v", tenant, own)
		}
		if facts := h.events(lanyard.EventRoleUpdated, acme.ID); len(facts) != 1 || facts[0].Detail["permissions_after"] != "lamps:light members:read" {
			h.Errorf("events: %v", facts)
		}
		for i := range 49 {
			h.must(h.PutRole(ctx, owner, lanyard.Role{Name: fmt.Sprintf("r%d", i)}, h.now))
		}
		h.wants("the 51st", h.PutRole(ctx, owner, lanyard.Role{Name: "last"}, h.now), lanyard.ErrBadInput)
	})
}

func TestCatalogueIsOwnPermissionsAndThoseOfResources(t *testing.T) {
	inTown(t, func(h *town) {
		h.t.Resources = append(h.t.Resources, &lanyard.Resource{Scopes: []lanyard.ResourceScope{{Name: "lamps:read"}, {Name: "files"}}})
		var got []string
		for _, known := range h.Catalogue(h.t) {
			got = append(got, known.Name)
		}
		if want := append(slices.Clone(lanyard.OwnPermissions), "lamps:light", "lamps:read", "ships:warn", "files"); !slices.Equal(got, want) {
			h.Errorf("%v, want %v", got, want)
		}
	})
}

// Who manages roles makes none that may do more than they may give, and takes nothing from those that do.
func TestNobodyMakesARoleAboveTheirOwn(t *testing.T) {
	inTown(t, func(h *town) {
		ctx, acme := h.Context(), h.organization("acme")
		owner, admin := h.seated("olga", acme, lanyard.RoleOwner), h.seated("adam", acme, lanyard.RoleAdmin)
		h.must(h.PutRole(ctx, owner, lanyard.Role{Name: "maker", Permissions: []string{lanyard.MayManageRoles, "lamps:read"}}, h.now))
		h.must(h.PutRole(ctx, owner, lanyard.Role{Name: "closer", Permissions: []string{lanyard.MayDeleteOrganization}}, h.now))
		maker := h.seated("mo", acme, "maker")
		for _, c := range []struct {
			what string
			by   organizations.Seat
			role lanyard.Role
			want error
		}{
			{"a maker, what they may", maker, lanyard.Role{Name: "reader", Permissions: []string{"lamps:read"}}, nil},
			{"a maker, more", maker, lanyard.Role{Name: "lighter", Permissions: []string{"lamps:light"}}, lanyard.ErrNotAllowed},
			{"a maker, more of what is there", maker, lanyard.Role{Name: "reader", Permissions: []string{"lamps:read", lanyard.MayManageMembers}}, lanyard.ErrNotAllowed},
			{"a maker, more for themselves", maker, lanyard.Role{Name: "maker", Permissions: []string{lanyard.MayManageRoles, lanyard.MayManagePolicy}}, lanyard.ErrNotAllowed},
			{"a maker takes from one above", maker, lanyard.Role{Name: "closer"}, lanyard.ErrNotAllowed},
			{"an admin, any but deletion", admin, lanyard.Role{Name: "lighter", Permissions: []string{"lamps:light", lanyard.MayManagePolicy}}, nil},
			{"an admin, deletion", admin, lanyard.Role{Name: "lighter", Permissions: []string{lanyard.MayDeleteOrganization}}, lanyard.ErrNotAllowed},
			{"an admin takes deletion away", admin, lanyard.Role{Name: "closer"}, lanyard.ErrNotAllowed},
		} {
			h.wants(c.what, h.PutRole(ctx, c.by, c.role, h.now), c.want)
		}
		h.wants("a maker removes one above", h.DeleteRole(ctx, maker, "lighter", h.now), lanyard.ErrNotAllowed)
		h.wants("an admin removes deletion", h.DeleteRole(ctx, admin, "closer", h.now), lanyard.ErrNotAllowed)
		h.must(h.DeleteRole(ctx, maker, "reader", h.now))
	})
}

func TestRoleThatSomebodyHasStays(t *testing.T) {
	inTown(t, func(h *town) {
		ctx, acme := h.Context(), h.organization("acme")
		owner, mia := h.seated("olga", acme, lanyard.RoleOwner), h.person("mia")
		h.must(h.PutRole(ctx, owner, lanyard.Role{Name: "keeper"}, h.now))
		h.joins(mia, acme, lanyard.RoleMember, "keeper")
		h.wants("of a member", h.DeleteRole(ctx, owner, "keeper", h.now), lanyard.ErrRoleInUse)
		h.must(h.SetRoles(ctx, owner, mia.User.ID, []string{lanyard.RoleMember}, h.now))
		invitation := lanyard.Invitation{
			ID: lanyard.NewInvitationID(), OrganizationID: acme.ID, CodeHash: lanyard.NewSecret().Hash(), Roles: []string{"keeper"},
			MaxUses: 1, CreatedAt: h.now, ExpiresAt: h.now.Add(time.Hour),
		}
		h.must(h.t.Scope.InsertInvitation(ctx, invitation))
		h.wants("of an invitation", h.DeleteRole(ctx, owner, "keeper", h.now), lanyard.ErrRoleInUse)
		h.must(h.DeleteRole(ctx, owner, "keeper", h.now.Add(2*time.Hour)))
		h.wants("removed again", h.DeleteRole(ctx, owner, "keeper", h.now), lanyard.ErrNotFound)
		h.wants("the tenant's", h.DeleteRole(ctx, owner, "dispatcher", h.now), lanyard.ErrNotFound)
		h.wants("built in", h.DeleteRole(ctx, owner, lanyard.RoleOwner, h.now), lanyard.ErrNotFound)
		if facts := h.events(lanyard.EventRoleRemoved, acme.ID); len(facts) != 1 || facts[0].Detail["role"] != "keeper" {
			h.Errorf("events: %v", facts)
		}
	})
}

// A role is not removed while somebody gets it.
func TestRoleIsGivenOrRemoved(t *testing.T) {
	inTown(t, func(h *town) {
		ctx, mia := h.Context(), h.person("mia")
		for round := range 10 {
			acme := h.organization(fmt.Sprintf("acme-%d", round))
			owner := h.seated(fmt.Sprintf("olga-%d", round), acme, lanyard.RoleOwner)
			h.must(h.PutRole(ctx, owner, lanyard.Role{Name: "keeper"}, h.now))
			h.joins(mia, acme, lanyard.RoleMember)
			h.race(func(i int) error {
				if i%2 == 0 {
					return h.DeleteRole(ctx, owner, "keeper", h.now)
				}
				return h.SetRoles(ctx, owner, mia.User.ID, []string{"keeper"}, h.now)
			}, lanyard.ErrRoleInUse, lanyard.ErrNotFound, lanyard.ErrBadInput)
			_, own, err := h.Roles(ctx, owner)
			h.must(err)
			if has := slices.Contains(h.rolesOf(mia.User.ID, acme), "keeper"); has != (len(own) == 1) {
				h.Fatalf("it is there is %v, and somebody has it is %v", len(own) == 1, has)
			}
		}
	})
}
