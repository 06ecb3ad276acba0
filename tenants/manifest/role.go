package manifest

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/lanyard-id/lanyard"
)

// Role is a named set of permissions, of the tenant or of one organization.
type Role struct {
	Name        string   `json:"name"`
	Permissions []string `json:"permissions"`
}

var rolePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_:.-]{0,63}$`)

// validRole accepts names that stand in tokens and lists without quotes.
func validRole(name string) bool { return rolePattern.MatchString(name) }

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
	return r.record(ctx, lanyard.Event{Type: lanyard.EventTenantUpdated, Detail: map[string]string{"role": o.Name, "organization": string(organization)}})
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
