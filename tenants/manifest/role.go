package manifest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// Role is a named set of permissions, of the tenant or of one organization.
type Role struct {
	Name        string   `json:"name"`
	Permissions []string `json:"permissions"`
}

// validRole accepts names that stand in tokens and lists without quotes.
func validRole(name string) bool { return lanyard.ValidRoleName(name) }

func (o *Role) check(c checker, path string, seen map[string]bool) {
	if !validRole(o.Name) {
		c.complain(path+".name", "the name of a role is 1 to 64 of a-z, 0-9 and _ : . -")
	}
	c.unique(seen, path+".name", "role", o.Name)
	for i, permission := range o.Permissions {
		if scopes, err := lanyard.ParseScopes(permission); err != nil || len(scopes) != 1 {
			c.complain(fmt.Sprintf("%s.permissions[%d]", path, i), "a permission is one word without spaces")
		}
	}
}

// putRole adds or replaces a role of the tenant (organization empty) or of an organization.
func (r *run) putRole(ctx context.Context, organization lanyard.OrganizationID, o Role) error {
	before, err := r.scope.RolePermissions(ctx, organization, o.Name)
	exists := err == nil
	if err != nil && !errors.Is(err, lanyard.ErrNotFound) {
		return err
	}
	changed := !exists || !slices.Equal(before, o.Permissions)
	r.summary.count(exists, changed)
	if !changed {
		return nil
	}
	if err := r.scope.PutRole(ctx, organization, o.Name, o.Permissions, r.now); err != nil {
		return err
	}
	if organization == "" {
		return r.record(ctx, lanyard.Event{Type: lanyard.EventTenantUpdated, Detail: map[string]string{"role": o.Name}})
	}
	detail := map[string]string{"role": o.Name, "permissions_after": strings.Join(o.Permissions, " ")}
	if exists {
		detail["permissions_before"] = strings.Join(before, " ")
	}
	return r.recordIn(ctx, organization, lanyard.EventRoleUpdated, detail)
}

// organizationRoles writes the roles that an organization has of its own. They allow
// nothing but what the product and the tenant's resources know.
func (r *run) organizationRoles(ctx context.Context, id lanyard.OrganizationID, roles []Role) error {
	if len(roles) == 0 {
		return nil
	}
	t, err := r.tenancy(ctx)
	if err != nil {
		return err
	}
	catalogue := organizations.Catalogue(t.Resources)
	for _, role := range roles {
		err := organizations.CheckRole(lanyard.Role{Name: role.Name, Permissions: role.Permissions}, t.Roles, catalogue)
		if err == nil {
			err = r.putRole(ctx, id, role)
		}
		if err != nil {
			return fmt.Errorf("role %s: %w", role.Name, err)
		}
	}
	return nil
}

// grantRoles gives a user roles of the tenant that it does not have yet.
func (r *run) grantRoles(ctx context.Context, id lanyard.UserID, roles []string) (bool, error) {
	if len(roles) == 0 {
		return false, nil
	}
	has, err := r.scope.UserRoles(ctx, id)
	if err != nil {
		return false, err
	}
	granted := false
	for _, role := range roles {
		if slices.Contains(has, role) {
			continue
		}
		if err := r.grantRole(ctx, id, role); err != nil {
			return granted, err
		}
		granted = true
	}
	return granted, nil
}

func (r *run) grantRole(ctx context.Context, id lanyard.UserID, role string) error {
	if _, err := r.scope.RolePermissions(ctx, "", role); errors.Is(err, lanyard.ErrNotFound) {
		return lanyard.ErrBadInput.Saying("the role " + strings.TrimSpace(role) + " is not defined in the tenant")
	} else if err != nil {
		return err
	}
	if err := r.scope.GrantUserRole(ctx, id, role, r.now); err != nil {
		return err
	}
	return r.record(ctx, lanyard.Event{Type: lanyard.EventRoleGranted, UserID: id, Detail: map[string]string{"role": role}})
}
