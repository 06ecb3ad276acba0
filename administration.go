package lanyard

import (
	"slices"
	"strings"
)

// What a tenant role may let its holder do with the tenant itself. A permission to manage
// a thing is one to read it. Roles in organizations have permissions of their own (OwnPermissions).
const (
	// MayManageInstance does everything in every tenant. It counts in the default tenant only.
	MayManageInstance = "instance:manage"
	// MayManageTenant and MayReadTenant stand for all permissions of the tenant, and for all that read.
	MayManageTenant = "tenant:manage"
	MayReadTenant   = "tenant:read"

	MayReadUsers           = "tenant:users:read"
	MayManageUsers         = "tenant:users:manage"
	MayReadClients         = "tenant:clients:read"
	MayManageClients       = "tenant:clients:manage"
	MayReadOrganizations   = "tenant:organizations:read"
	MayManageOrganizations = "tenant:organizations:manage"
	// MayManageSettings changes what the tenant is: names, policy, branding, mails, resources, roles.
	MayReadSettings   = "tenant:settings:read"
	MayManageSettings = "tenant:settings:manage"
	// MayManageTrust changes whom the tenant believes: its connections and trusted issuers.
	MayReadTrust   = "tenant:trust:read"
	MayManageTrust = "tenant:trust:manage"
	MayReadKeys    = "tenant:keys:read"
	MayManageKeys  = "tenant:keys:manage"
	MayReadEvents  = "tenant:events:read"
	// MayManageWebhooks makes and changes them together with MayReadEvents: they are told all that happens.
	MayReadWebhooks   = "tenant:webhooks:read"
	MayManageWebhooks = "tenant:webhooks:manage"
)

// TenantPermissions are those of one tenant, each by itself.
var TenantPermissions = []string{
	MayReadUsers, MayManageUsers, MayReadClients, MayManageClients, MayReadOrganizations, MayManageOrganizations,
	MayReadSettings, MayManageSettings, MayReadTrust, MayManageTrust, MayReadKeys, MayManageKeys, MayReadEvents, MayReadWebhooks, MayManageWebhooks,
}

// AdministrationPermissions are all permissions of ours in tenant roles: no resource may have one of the same name.
var AdministrationPermissions = slices.Concat([]string{MayManageInstance, MayManageTenant, MayReadTenant}, TenantPermissions)

// TenantPowersOf are the powers over a tenant that tenant roles give. A name that is
// no role gives none. MayManageInstance counts only where inDefault says that the
// roles are those of the default tenant.
func TenantPowersOf(names []string, roles []Role, inDefault bool) Powers {
	p := Powers{permissions: map[string]bool{}}
	for _, role := range roles {
		if !slices.Contains(names, role.Name) {
			continue
		}
		for _, permission := range role.Permissions {
			p.grant(permission, inDefault)
		}
	}
	return p
}

// EveryTenantPower is what an administrator of the instance may do in any tenant.
func EveryTenantPower() Powers {
	p := Powers{permissions: map[string]bool{}}
	p.grant(MayManageInstance, true)
	return p
}

// grant adds a permission of the administration with all that it stands for. Others are not ours and add nothing.
func (p Powers) grant(permission string, inDefault bool) {
	if !slices.Contains(AdministrationPermissions, permission) || (permission == MayManageInstance && !inDefault) {
		return
	}
	p.permissions[permission] = true
	switch permission {
	case MayManageInstance:
		p.grant(MayManageTenant, inDefault)
	case MayManageTenant:
		p.grant(MayReadTenant, inDefault)
		for _, each := range TenantPermissions {
			p.permissions[each] = true
		}
	case MayReadTenant:
		for _, each := range TenantPermissions {
			if strings.HasSuffix(each, ":read") {
				p.permissions[each] = true
			}
		}
	default:
		if thing, manages := strings.CutSuffix(permission, ":manage"); manages {
			p.permissions[thing+":read"] = true
		}
	}
}

// Covers tells whether these powers are at least the other ones: nobody gives, takes
// or acts on more than they have.
func (p Powers) Covers(other Powers) bool {
	for permission := range other.permissions {
		if !p.permissions[permission] {
			return false
		}
	}
	return true
}

// None tells whether nothing is allowed.
func (p Powers) None() bool { return len(p.permissions) == 0 }

// ReadOnly are those of the powers that change nothing.
func (p Powers) ReadOnly() Powers {
	out := Powers{permissions: map[string]bool{}}
	for permission := range p.permissions {
		if strings.HasSuffix(permission, ":read") {
			out.permissions[permission] = true
		}
	}
	return out
}

// List are the permissions, sorted.
func (p Powers) List() []string {
	out := make([]string, 0, len(p.permissions))
	for permission := range p.permissions {
		out = append(out, permission)
	}
	slices.Sort(out)
	return out
}

// PathManagement is where the management API is below the issuer; issuer and path
// together are the identifier of its resource (RFC 8707).
const PathManagement = "/api/v1"

// ManagementName names the management API of whatever tenant it is used in: in
// registrations and requests it stands for the identifier of the resource.
const ManagementName = "urn:lanyard:management"

// Scopes of the management resource: all that the caller's roles allow, or only reading.
const (
	ScopeManage     = "manage"
	ScopeManageRead = "manage:read"
)

// ManagementResource is the resource of a tenant's management API. Its tokens are
// opaque, so that none outlives what it stands for. Only a client that names it in its
// registration gets them.
func ManagementResource(issuer string) *Resource {
	return &Resource{
		ID: "management", Identifier: issuer + PathManagement, Name: "Management", Format: FormatOpaque, Management: true,
		Scopes: []ResourceScope{
			{Name: ScopeManage, Description: "Manage everything that your roles allow"},
			{Name: ScopeManageRead, Description: "See everything that your roles allow"},
		},
	}
}

// ConsoleClient is the client of the console, in every tenant. It is first-party, has no
// secret, and its registration can not be changed.
const ConsoleClient ClientID = "lanyard-console"
