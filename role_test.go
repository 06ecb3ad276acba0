package lanyard_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
)

// TestNobodyGivesMoreThanTheyHave: the table of who may give which role.
func TestNobodyGivesMoreThanTheyHave(t *testing.T) {
	tenant := []lanyard.Role{{Name: "auditor", Permissions: []string{"orders:read"}}, {Name: "closer", Permissions: []string{lanyard.MayDeleteOrganization}}}
	own := []lanyard.Role{
		{Name: "everything", Permissions: lanyard.OwnPermissions}, {Name: "clerk", Permissions: []string{"orders:read", lanyard.MayReadMembers}},
		{Name: "auditor", Permissions: []string{"orders:read", "orders:write"}}, // the tenant's role of this name counts
	}
	for _, c := range []struct {
		has, gives string
		want       bool
	}{
		{"owner", "owner", true},
		{"owner", "closer", true},
		{"admin", "owner", false},
		{"admin", "admin", true},
		{"admin", "everything", false},
		{"admin", "closer", false},
		{"admin", "clerk", true},
		{"admin", "member", true},
		{"everything", "owner", false},
		{"everything", "admin", false},
		{"everything", "everything", true},
		{"everything", "auditor", false},
		{"clerk", "auditor", true},
		{"clerk", "member", true},
		{"clerk", "everything", false},
		{"auditor", "clerk", false},
		{"member", "auditor", false},
		{"member", "member", true},
		{"unknown", "clerk", false},
	} {
		powers := lanyard.PowersOf([]string{c.has}, tenant, own)
		if got := powers.MayGive(c.gives, tenant, own); got != c.want {
			t.Errorf("%s gives %s: %v", c.has, c.gives, got)
		}
	}
}

// TestRolesMeanWhatTheTenantSays: an organization can not change a role of the tenant,
// nor what is built in.
func TestRolesMeanWhatTheTenantSays(t *testing.T) {
	tenant := []lanyard.Role{{Name: "auditor", Permissions: []string{"orders:read"}}, {Name: "owner", Permissions: []string{"orders:write"}}}
	own := []lanyard.Role{{Name: "auditor", Permissions: []string{"orders:write"}}, {Name: "member", Permissions: []string{"orders:write"}}, {Name: "clerk", Permissions: []string{"bills:read"}}}
	api := &lanyard.Resource{Permissions: []lanyard.ResourceScope{{Name: "orders:write"}, {Name: "orders:read"}, {Name: "bills:read"}}}
	scoped := &lanyard.Resource{Scopes: []lanyard.ResourceScope{{Name: "orders:read"}}}
	for _, c := range []struct {
		roles    []string
		resource *lanyard.Resource
		want     []string
	}{
		{[]string{"auditor"}, api, []string{"orders:read"}},
		{[]string{"member"}, api, nil},
		{[]string{"owner"}, api, []string{"orders:write"}},
		{[]string{"admin"}, api, nil},
		{[]string{"clerk", "auditor"}, api, []string{"bills:read", "orders:read"}},
		{[]string{"clerk", "auditor"}, scoped, []string{"orders:read"}},
		{nil, api, nil},
	} {
		if diff := cmp.Diff(c.want, lanyard.PowersOf(c.roles, tenant, own).At(c.resource)); diff != "" {
			t.Errorf("%v: (-want +got)\n%s", c.roles, diff)
		}
	}
	if lanyard.PowersOf([]string{"member"}, tenant, own).May(lanyard.MayReadMembers) || !lanyard.PowersOf([]string{"owner"}, tenant, own).May(lanyard.MayDeleteOrganization) {
		t.Error("built-in roles lost what they are")
	}
}
