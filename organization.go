package lanyard

import "time"

// Organization is a customer inside a tenant.
type Organization struct {
	ID        OrganizationID
	TenantID  TenantID
	Slug      string
	Name      string
	CreatedAt time.Time
}

// Built-in roles of an organization.
const (
	RoleOwner  = "owner"
	RoleAdmin  = "admin"
	RoleMember = "member"
)

// Membership ties a user to an organization, with roles.
type Membership struct {
	OrganizationID OrganizationID
	UserID         UserID
	Roles          []string
	CreatedAt      time.Time
}
