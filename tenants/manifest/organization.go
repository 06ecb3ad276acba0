package manifest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/lanyard-id/lanyard"
)

// Organization is a customer inside a tenant. Its natural key is the slug.
type Organization struct {
	Slug    string   `json:"slug"`
	Name    string   `json:"name"`
	Members []Member `json:"members"`
	Roles   []Role   `json:"roles"`
	// Invitations, Domains and Connections are not built yet: a file may hold empty lists.
	Invitations []json.RawMessage `json:"invitations"`
	Domains     []json.RawMessage `json:"domains"`
	Connections []json.RawMessage `json:"connections"`
}

// Member is a user of an organization, named by e-mail address, username or sub.
type Member struct {
	User  string   `json:"user"`
	Roles []string `json:"roles"`
}

func (o *Organization) check(c checker, path string, seen map[string]bool) {
	if !lanyard.ValidSlug(o.Slug) {
		c.complain(path+".slug", "slug is 1 to 63 of a-z, 0-9 and -, and does not begin or end with -")
	}
	c.unique(seen, path+".slug", "organization", o.Slug)
	for name, entries := range map[string][]json.RawMessage{
		"invitations": o.Invitations, "domains": o.Domains, "connections": o.Connections,
	} {
		if len(entries) > 0 {
			c.complain(path+"."+name, "%s of organizations are not built yet", name)
		}
	}
	roles := map[string]bool{}
	for i := range o.Roles {
		o.Roles[i].check(c, fmt.Sprintf("%s.roles[%d]", path, i), roles)
		if slices.Contains(builtInRoles, o.Roles[i].Name) {
			c.complain(fmt.Sprintf("%s.roles[%d].name", path, i), "%s is built in", o.Roles[i].Name)
		}
	}
	o.checkMembers(c, path)
}

func (o *Organization) checkMembers(c checker, path string) {
	seen := map[string]bool{}
	for i, m := range o.Members {
		at := fmt.Sprintf("%s.members[%d]", path, i)
		if m.User == "" {
			c.complain(at, "a member needs user: an e-mail address, a username or a sub")
		}
		c.unique(seen, at+".user", "member", m.User)
	}
}

var builtInRoles = []string{lanyard.RoleOwner, lanyard.RoleAdmin, lanyard.RoleMember}

func (r *run) putOrganization(ctx context.Context, o *Organization) error {
	stored, err := r.scope.OrganizationBySlug(ctx, o.Slug)
	exists := err == nil
	switch {
	case errors.Is(err, lanyard.ErrNotFound):
		stored = lanyard.Organization{ID: lanyard.NewOrganizationID(), TenantID: r.scope.TenantID(), Slug: o.Slug, Name: o.Slug, CreatedAt: r.now}
	case err != nil:
		return err
	}
	after := stored
	if o.Name != "" {
		after.Name = o.Name
	}
	changed := !exists || !reflect.DeepEqual(after, stored)
	r.summary.count(exists, changed)
	put, fact := r.scope.UpdateOrganization, lanyard.EventOrganizationUpdated
	if !exists {
		put, fact = r.scope.InsertOrganization, lanyard.EventOrganizationCreated
	}
	if changed {
		if err := errors.Join(put(ctx, after), r.record(ctx, organizationEvent(fact, after.ID))); err != nil {
			return err
		}
	}
	return r.putParts(ctx, o, after.ID)
}

// putParts writes the roles and members of an organization.
func (r *run) putParts(ctx context.Context, o *Organization, id lanyard.OrganizationID) error {
	for _, role := range o.Roles {
		if err := r.putRole(ctx, id, role); err != nil {
			return fmt.Errorf("role %s: %w", role.Name, err)
		}
	}
	members, err := r.scope.Memberships(ctx, id)
	if err != nil {
		return err
	}
	for _, m := range o.Members {
		if err := r.putMember(ctx, id, m, members); err != nil {
			return fmt.Errorf("member %s: %w", m.User, err)
		}
	}
	return nil
}

func (r *run) putMember(ctx context.Context, id lanyard.OrganizationID, m Member, stored []lanyard.Membership) error {
	user, err := r.memberUser(ctx, m.User)
	if err != nil {
		return err
	}
	roles := m.Roles
	if len(roles) == 0 {
		roles = []string{lanyard.RoleMember}
	}
	for _, role := range roles {
		if err := r.organizationRole(ctx, id, role); err != nil {
			return err
		}
	}
	at := slices.IndexFunc(stored, func(s lanyard.Membership) bool { return s.UserID == user.ID })
	changed := at < 0 || !slices.Equal(stored[at].Roles, roles)
	r.summary.count(at >= 0, changed)
	if !changed {
		return nil
	}
	if err := r.scope.PutMembership(ctx, lanyard.Membership{OrganizationID: id, UserID: user.ID, Roles: roles, CreatedAt: r.now}); err != nil {
		return err
	}
	fact := organizationEvent(lanyard.EventMemberUpdated, id)
	fact.UserID = user.ID
	return r.record(ctx, fact)
}

// memberUser finds the person that a member entry names.
func (r *run) memberUser(ctx context.Context, name string) (lanyard.User, error) {
	find := r.scope.UserByUsername
	if strings.Contains(name, "@") {
		find = r.scope.UserByEmail
	}
	user, err := find(ctx, name)
	if errors.Is(err, lanyard.ErrNotFound) {
		user, err = r.scope.UserBySubject(ctx, name)
	}
	if errors.Is(err, lanyard.ErrNotFound) {
		return lanyard.User{}, lanyard.ErrBadInput.Saying("there is no such user in the tenant")
	}
	return user, err
}

// organizationRole insists that a role is built in, or defined in the organization or the tenant.
func (r *run) organizationRole(ctx context.Context, id lanyard.OrganizationID, role string) error {
	if slices.Contains(builtInRoles, role) {
		return nil
	}
	_, err := r.scope.RolePermissions(ctx, id, role)
	if errors.Is(err, lanyard.ErrNotFound) {
		_, err = r.scope.RolePermissions(ctx, "", role)
	}
	if errors.Is(err, lanyard.ErrNotFound) {
		return lanyard.ErrBadInput.Saying("the role " + role + " is not defined in the organization or the tenant")
	}
	return err
}

func organizationEvent(fact lanyard.EventType, id lanyard.OrganizationID) lanyard.Event {
	return lanyard.Event{Type: fact, Detail: map[string]string{"organization": string(id)}}
}
