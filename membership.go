package lanyard

import (
	"slices"
	"time"
)

// Membership ties a user to an organization, with roles.
type Membership struct {
	OrganizationID OrganizationID
	UserID         UserID
	Roles          []string
	CreatedAt      time.Time
}

// Owner tells whether the member owns the organization.
func (m Membership) Owner() bool { return slices.Contains(m.Roles, RoleOwner) }

// Member is a membership together with its person.
type Member struct {
	Membership Membership
	User       User
}

// Joined is an organization as one of its members, or a machine, is in it.
type Joined struct {
	Organization Organization
	Membership   Membership
	// OwnRoles are the roles that the organization made itself.
	OwnRoles []Role
}

// Counts tells whether the membership is there and the organization open.
func (j Joined) Counts() bool { return j.Membership.OrganizationID != "" && j.Organization.Open() }

// Demands is what the organization demands of a session, after what kind of session
// it is: one that another organization's connection proved never enters, the own
// connection needs no other first factor, and an owner can break the glass.
func (j Joined) Demands(s Session) OrganizationPolicy {
	p := j.Organization.Policy
	switch {
	case !s.Opens(j.Organization.ID):
		p.OwnConnectionOnly = true
	case s.ConfinedTo != "":
		p.OwnConnectionOnly, p.Methods = false, nil
	case p.OwnConnectionOnly && j.Membership.Owner():
		p.OwnConnectionOnly, p.Methods, p.SecondFactor = false, nil, SecondFactorRequired
	}
	return p
}

// Lets tells whether the session may enter the organization as it is.
func (j Joined) Lets(s Session, now time.Time) bool { return j.Demands(s).Met(s, now) }

// MetBy tells whether a grant may go on in the organization, by the sign-in that it was made in.
func (j Joined) MetBy(g Grant, now time.Time) bool {
	s := Session{ACR: g.ACR, AMR: g.AMR, AuthTime: g.AuthTime, UsedAt: now}
	if g.Confined {
		s.ConfinedTo = g.OrganizationID
	}
	return j.Lets(s, now)
}

// OrganizationClaims are what tokens say of the one active organization, and of the
// roles in the tenant. They are never those of two organizations.
type OrganizationClaims struct {
	ID   OrganizationID `json:"org_id,omitempty"`
	Slug string         `json:"org_slug,omitempty"`
	Name string         `json:"org_name,omitempty"`
	Plan *PlanClaim     `json:"org_plan,omitempty"`
	// Roles are those in the organization; without one, those in the tenant if they were asked for.
	Roles []string `json:"roles,omitempty"`
	// TenantRoles are those in the tenant, if the scope roles was granted.
	TenantRoles []string `json:"tenant_roles,omitempty"`
}

// Claims are what tokens with these scopes say of the organization (none if j is
// zero) and of the roles in it and in the tenant.
func (j Joined) Claims(tenantRoles []string, scopes Scopes) OrganizationClaims {
	o := j.Organization
	c := OrganizationClaims{ID: o.ID, Slug: o.Slug, Name: o.Name, Plan: o.PlanClaim(), Roles: j.Membership.Roles}
	if scopes.Has(ScopeRoles) {
		c.TenantRoles = tenantRoles
		if o.ID == "" {
			c.Roles = tenantRoles
		}
	}
	return c
}

// Map is the claims by name.
func (c OrganizationClaims) Map() map[string]any {
	out := map[string]any{}
	for name, value := range map[string]string{"org_id": string(c.ID), "org_slug": c.Slug, "org_name": c.Name} {
		if value != "" {
			out[name] = value
		}
	}
	for name, list := range map[string][]string{"roles": c.Roles, "tenant_roles": c.TenantRoles} {
		if len(list) > 0 {
			out[name] = list
		}
	}
	if c.Plan != nil {
		out["org_plan"] = c.Plan
	}
	return out
}

// Powers are what the member may do, by the tenant's roles and the organization's own.
func (j Joined) Powers(tenant []Role) Powers { return PowersOf(j.Membership.Roles, tenant, j.OwnRoles) }
