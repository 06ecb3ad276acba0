package lanyard_test

import (
	"testing"
	"time"

	"github.com/lanyard-id/lanyard"
)

// TestSessionsThatOrganizationsLetIn: by whose connection they were proved, and whose they are.
func TestSessionsThatOrganizationsLetIn(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	password := lanyard.Session{ACR: lanyard.ACRSingle, AMR: []string{"pwd"}, AuthTime: now, UsedAt: now}
	double := lanyard.Session{ACR: lanyard.ACRDouble, AMR: []string{"pwd", "otp", "mfa"}, AuthTime: now, UsedAt: now}
	google := lanyard.Session{ACR: lanyard.ACRSingle, AMR: []string{"fed"}, AuthTime: now, UsedAt: now, ConnectionID: "google"}
	own, foreign := google, google
	own.ConfinedTo, foreign.ConfinedTo = "org_acme", "org_beta"
	open := lanyard.OrganizationPolicy{}
	insisting := lanyard.OrganizationPolicy{OwnConnectionOnly: true}
	passwords := lanyard.OrganizationPolicy{Methods: []lanyard.Method{lanyard.MethodPassword}}
	strict := lanyard.OrganizationPolicy{SecondFactor: lanyard.SecondFactorRequired}
	for _, c := range []struct {
		what    string
		policy  lanyard.OrganizationPolicy
		role    string
		session lanyard.Session
		lets    bool
	}{
		{"a password", open, lanyard.RoleMember, password, true},
		{"another organization's connection", open, lanyard.RoleOwner, foreign, false},
		{"the own connection", open, lanyard.RoleMember, own, true},
		{"the own connection, where it is insisted on", insisting, lanyard.RoleMember, own, true},
		{"a password, where the own connection is insisted on", insisting, lanyard.RoleMember, password, false},
		{"two factors there", insisting, lanyard.RoleMember, double, false},
		{"an owner's password there", insisting, lanyard.RoleOwner, password, false},
		{"an owner's two factors there", insisting, lanyard.RoleOwner, double, true},
		{"Google there", insisting, lanyard.RoleOwner, google, false},
		{"another organization's connection there", insisting, lanyard.RoleOwner, foreign, false},
		{"Google, where passwords count", passwords, lanyard.RoleMember, google, false},
		{"the own connection, where passwords count", passwords, lanyard.RoleMember, own, true},
		{"the own connection, where two factors are required", strict, lanyard.RoleMember, own, false},
	} {
		j := lanyard.Joined{
			Organization: lanyard.Organization{ID: "org_acme", Policy: c.policy},
			Membership:   lanyard.Membership{OrganizationID: "org_acme", Roles: []string{c.role}},
		}
		if got := j.Lets(c.session, now); got != c.lets {
			t.Errorf("%s: %v", c.what, got)
		}
		g := lanyard.Grant{
			OrganizationID: "org_acme", ACR: c.session.ACR, AMR: c.session.AMR, AuthTime: c.session.AuthTime, Confined: c.session.ConfinedTo == "org_acme",
		}
		if c.session.ConfinedTo != "org_beta" && j.MetBy(g, now) != c.lets { // no grant of this organization comes from there
			t.Errorf("a grant by %s: %v", c.what, !c.lets)
		}
	}
}
