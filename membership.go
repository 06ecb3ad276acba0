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

// OrganizationClaims are what tokens say of the one active organization.
type OrganizationClaims struct {
	ID    OrganizationID `json:"org_id,omitempty"`
	Slug  string         `json:"org_slug,omitempty"`
	Name  string         `json:"org_name,omitempty"`
	Roles []string       `json:"roles,omitempty"`
	Plan  *PlanClaim     `json:"org_plan,omitempty"`
}

// Claims are what tokens say of the organization and the member's place in it.
func (j Joined) Claims() OrganizationClaims {
	o := j.Organization
	return OrganizationClaims{ID: o.ID, Slug: o.Slug, Name: o.Name, Roles: j.Membership.Roles, Plan: o.PlanClaim()}
}

// Powers are what the member may do, by the tenant's roles and the organization's own.
func (j Joined) Powers(tenant []Role) Powers { return PowersOf(j.Membership.Roles, tenant, j.OwnRoles) }
