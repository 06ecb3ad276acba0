package management

import (
	"context"
	"errors"
	"slices"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// Role is a role of the tenant: what its holders may do with the tenant itself, and in
// the organizations that give it to members.
type Role struct {
	Name        string   `json:"name"`
	Permissions []string `json:"permissions" nullable:"false"`
}

// RoleColumns are those of Roles.
var RoleColumns = Columns{Sorts: []string{"name"}, Filters: []string{"permission"}}

// maxPermissions is how many permissions a role has at most.
const maxPermissions = 500

func roleOf(r lanyard.Role) Role {
	return Role{Name: r.Name, Permissions: append([]string{}, r.Permissions...)}
}

// Roles lists the roles of the tenant by name. The search is part of the name.
func (m *Management) Roles(ctx context.Context, a Administrator, q Query) (List[Role], error) {
	if err := a.Need(lanyard.MayReadSettings); err != nil {
		return List[Role]{}, err
	}
	all, err := a.Scope().Roles(ctx, "")
	if err != nil {
		return List[Role]{}, err
	}
	return pageOfAll(a, &q, "roles", RoleColumns, all, few[lanyard.Role, Role]{
		key:   func(r lanyard.Role, _ string) string { return r.Name },
		id:    func(r lanyard.Role) string { return r.Name },
		words: func(r lanyard.Role) []string { return []string{r.Name} },
		keep:  func(r lanyard.Role, _, value string) bool { return slices.Contains(r.Permissions, value) },
		as:    roleOf,
	})
}

// Role is one of the tenant's roles.
func (m *Management) Role(ctx context.Context, a Administrator, name string) (Role, error) {
	if err := a.Need(lanyard.MayReadSettings); err != nil {
		return Role{}, err
	}
	r, err := roleIn(ctx, a.Scope(), name)
	return r, gone(err)
}

func roleIn(ctx context.Context, scope storage.Scope, name string) (Role, error) {
	permissions, err := scope.RolePermissions(ctx, "", name)
	return Role{Name: name, Permissions: append([]string{}, permissions...)}, gone(err)
}

// CreateRole adds a role. A name that there is is lanyard.ErrConflict, a permission beyond
// the caller's own lanyard.ErrNotAllowed.
func (m *Management) CreateRole(ctx context.Context, a Administrator, r Role) (Role, error) {
	if err := checkRole(&r); err != nil {
		return Role{}, errors.Join(a.Need(lanyard.MayManageSettings), err)
	}
	return r, m.change(ctx, a, lanyard.MayManageSettings, true, func(tx storage.Scope) error {
		if _, err := roleIn(ctx, tx, r.Name); !errors.Is(err, lanyard.ErrNotFound) {
			return errors.Join(err, lanyard.ErrConflict.Saying("there is a role of this name"))
		}
		return m.putRole(ctx, tx, a, Role{}, r)
	})
}

// ChangeRole changes what a role allows. Its name stays, for people have it.
func (m *Management) ChangeRole(ctx context.Context, a Administrator, name string, change Change[Role]) (Role, error) {
	var after Role
	err := m.change(ctx, a, lanyard.MayManageSettings, true, func(tx storage.Scope) error {
		before, err := roleIn(ctx, tx, name)
		if err != nil {
			return err
		}
		if after, err = change(before); err != nil {
			return err
		}
		if after.Name != name {
			return lanyard.ErrBadInput.Saying("the name of a role can not be changed")
		}
		if err := checkRole(&after); err != nil {
			return err
		}
		return m.putRole(ctx, tx, a, before, after)
	})
	return after, err
}

// checkRole refuses what is no role, and sorts its permissions.
func checkRole(r *Role) error {
	switch {
	case !lanyard.ValidRoleName(r.Name):
		return lanyard.ErrBadInput.Saying("the name of a role is 1 to 64 of a-z, 0-9 and _ : . -")
	case len(r.Permissions) > maxPermissions:
		return lanyard.ErrBadInput.Saying("a role has at most 500 permissions")
	}
	for _, permission := range r.Permissions {
		if scopes, err := lanyard.ParseScopes(permission); err != nil || len(scopes) != 1 || scopes[0] != permission {
			return lanyard.ErrBadInput.Saying("a permission is one word without spaces")
		}
	}
	r.Permissions = append([]string{}, r.Permissions...)
	slices.Sort(r.Permissions)
	r.Permissions = slices.Compact(r.Permissions)
	return nil
}

func (m *Management) putRole(ctx context.Context, tx storage.Scope, a Administrator, before, after Role) error {
	if err := a.mayDefine(before, after); err != nil {
		return err
	}
	if err := tx.PutRole(ctx, "", after.Name, after.Permissions, a.Now); err != nil {
		return err
	}
	if err := keepInstance(ctx, tx, a, before, after); err != nil {
		return err
	}
	return m.record(ctx, tx, a, lanyard.Event{Type: lanyard.EventRoleUpdated, Detail: map[string]string{"role": after.Name}})
}

// keepInstance is lanyard.ErrLastAdministrator if nobody can manage the instance any more
// when a role does not allow it any more.
func keepInstance(ctx context.Context, tx storage.Scope, a Administrator, before, after Role) error {
	opens := func(r Role) bool { return slices.Contains(r.Permissions, lanyard.MayManageInstance) }
	if a.Live.Tenant.Slug != lanyard.DefaultTenant || !opens(before) || opens(after) {
		return nil
	}
	held, err := tx.OthersWithRole(ctx, "", []string{before.Name})
	if err != nil || !held {
		return err
	}
	roles, err := tx.Roles(ctx, "")
	if err != nil {
		return err
	}
	var opening []string
	for _, r := range roles {
		if opens(roleOf(r)) {
			opening = append(opening, r.Name)
		}
	}
	left, err := tx.OthersWithRole(ctx, "", opening)
	if err == nil && !left {
		err = lanyard.ErrLastAdministrator
	}
	return err
}

// mayDefine is lanyard.ErrNotAllowed unless the caller has the powers over the tenant that
// the role gives and gave. What it allows in organizations is for who manages them all.
func (a Administrator) mayDefine(roles ...Role) error {
	for _, r := range roles {
		theirs := lanyard.TenantPowersOf([]string{r.Name}, []lanyard.Role{{Name: r.Name, Permissions: r.Permissions}}, a.Live.Tenant.Slug == lanyard.DefaultTenant)
		inOrganizations := slices.ContainsFunc(r.Permissions, func(p string) bool { return slices.Contains(lanyard.OwnPermissions, p) })
		if !a.Powers.Covers(theirs) || (inOrganizations && !a.Powers.May(lanyard.MayManageOrganizations)) {
			return lanyard.ErrNotAllowed.Saying("this needs at least the powers that the role gives")
		}
	}
	return nil
}

// RemoveRole deletes a role that nobody has (lanyard.ErrRoleInUse).
func (m *Management) RemoveRole(ctx context.Context, a Administrator, name string, when Condition[Role]) error {
	return m.change(ctx, a, lanyard.MayManageSettings, true, func(tx storage.Scope) error {
		before, err := roleIn(ctx, tx, name)
		if err != nil {
			return err
		}
		if err := when.met(before); err != nil {
			return err
		}
		if err := a.mayDefine(before); err != nil {
			return err
		}
		if err := roleUnused(ctx, tx, a, name); err != nil {
			return err
		}
		if err := tx.DeleteRole(ctx, "", name); err != nil {
			return err
		}
		return m.record(ctx, tx, a, lanyard.Event{Type: lanyard.EventRoleRemoved, Detail: map[string]string{"role": name}})
	})
}

// roleUnused is lanyard.ErrRoleInUse if somebody has the role, or gets it by signing up.
// The names that are built in stay roles of organizations without it.
func roleUnused(ctx context.Context, tx storage.Scope, a Administrator, name string) error {
	if slices.Contains(lanyard.BuiltInRoles, name) {
		return nil
	}
	held, err := tx.TenantRoleHeld(ctx, name, a.Now)
	if err != nil {
		return err
	}
	t, err := tx.Tenant(ctx)
	if err != nil {
		return err
	}
	machines, err := tx.Clients(ctx)
	if err != nil {
		return err
	}
	has := func(c *lanyard.Client) bool { return slices.Contains(c.Roles, name) }
	if held || slices.Contains(t.Policy.DefaultRoles, name) || slices.ContainsFunc(machines, has) {
		return lanyard.ErrRoleInUse
	}
	return nil
}
