package manifest_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/manifest"
)

// onBoth runs a behaviour on both databases.
func onBoth(t *testing.T, behaviour func(f fixture)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { behaviour(newFixtureOn(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))) })
	t.Run("postgres", func(t *testing.T) { behaviour(newFixtureOn(t, testkit.FastPostgres(t))) })
}

// mails are the addresses that mails wait for.
func (f fixture) mails(slug string) []string {
	f.Helper()
	var out []string
	for _, d := range must[[]storage.Delivery](f)(f.scope(slug).Deliveries(f.Context(), 100)) {
		out = append(out, d.Recipient)
	}
	slices.Sort(out)
	return out
}

func TestOrganizationsAreWhatTheFileSays(t *testing.T) {
	onBoth(t, func(f fixture) {
		ctx := f.Context()
		f.apply(fullFile(), start)
		scope := f.scope("default")
		acme := must[lanyard.Organization](f)(scope.OrganizationBySlug(ctx, "acme"))
		want := lanyard.Organization{
			TenantID: scope.TenantID(), Slug: "acme", Name: "Acme", Plan: "team", TrialEnd: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC), Seats: 25, Language: "de",
			Branding:  lanyard.Branding{Accent: "#0a5fd8", LogoURL: "/assets/acme.png"},
			Policy:    lanyard.OrganizationPolicy{Methods: []lanyard.Method{lanyard.MethodPassword, lanyard.MethodPasskey}, SessionLifetime: lanyard.Duration(8 * time.Hour)},
			CreatedAt: start,
		}
		if diff := cmp.Diff(want, acme, cmpopts.IgnoreFields(lanyard.Organization{}, "ID", "Code")); diff != "" || len(acme.Code) != 8 {
			f.Errorf("the code is %q\n%s", acme.Code, diff)
		}
		if o := must[lanyard.Organization](f)(scope.OrganizationBySlug(ctx, "closed")); o.Open() {
			f.Error("the suspended one is open")
		}
		machine := must[lanyard.Joined](f)(scope.MachineRoles(ctx, "machine", "acme"))
		if !slices.Equal(machine.Membership.Roles, []string{"billing"}) {
			f.Errorf("the machine has %v", machine.Membership.Roles)
		}
		domains := must[[]lanyard.Domain](f)(scope.Domains(ctx, acme.ID))
		if len(domains) != 2 || domains[1].Name != "acme.test" || domains[1].VerifiedAt.IsZero() || domains[1].Joining != lanyard.JoiningRequest || !domains[0].VerifiedAt.IsZero() {
			f.Errorf("domains: %+v", domains)
		}
		if got := f.mails("default"); !slices.Equal(got, []string{"carol@example.test", "dora@example.test"}) {
			f.Errorf("mails to %v", got)
		}
		code := must[lanyard.Secret](f)(lanyard.ParseInviteCode("0123456789ABCDEFGHJKMNPQRS"))
		byCode := must[lanyard.Invitation](f)(scope.InvitationByCode(ctx, code.Hash()))
		if byCode.OrganizationID != acme.ID || byCode.Domain != "acme.test" || byCode.MaxUses != 20 || byCode.ClientID != "web" || !slices.Equal(byCode.Roles, []string{"member"}) || byCode.ExpiresAt.Month() != time.February {
			f.Errorf("invitation: %+v", byCode)
		}
		platform := must[[]lanyard.Invitation](f)(scope.Invitations(ctx, "", "", 10))
		if len(platform) != 2 || platform[1].Plan != "standard" || platform[1].TrialDays != 14 || platform[0].MaxUses != 3 {
			f.Errorf("to the platform: %+v", platform)
		}
	})
}

// A file that is applied again, also when invitations were used, revoked or have
// expired, sends nothing and changes nothing.
func TestInvitationsAreMadeOnce(t *testing.T) {
	onBoth(t, func(f fixture) {
		ctx := f.Context()
		f.apply(fullFile(), start)
		scope := f.scope("default")
		acme := must[lanyard.Organization](f)(scope.OrganizationBySlug(ctx, "acme"))
		ada := must[lanyard.User](f)(scope.UserByEmail(ctx, "ada@example.test"))
		for i, invitation := range must[[]lanyard.Invitation](f)(scope.Invitations(ctx, acme.ID, "", 10)) {
			if i == 0 {
				must[bool](f)(scope.RevokeInvitation(ctx, acme.ID, invitation.ID, start))
			} else if err := scope.SpendInvitation(ctx, invitation.ID, ada.ID, start); err != nil {
				f.Fatal(err)
			}
		}
		events, mails := len(f.events("default")), len(f.mails("default"))
		for _, later := range []time.Duration{time.Hour, 365 * 24 * time.Hour} {
			if got := f.apply(fullFile(), start.Add(later)); got != (manifest.Summary{Unchanged: 22}) {
				f.Errorf("got %+v", got)
			}
		}
		if len(f.events("default")) != events || len(f.mails("default")) != mails || mails != 2 {
			f.Errorf("%d events more, %d mails", len(f.events("default"))-events, len(f.mails("default")))
		}
		member := tenant("organizations: [{slug: acme, invitations: [{email: ada@example.test}]}]")
		if got := f.apply(member, start); got.Created != 0 || len(f.mails("default")) != mails {
			f.Errorf("somebody who is in was invited: %+v", got)
		}
	})
}

// What the file leaves out stays; what it says is changed, and recorded with before and after.
func TestChangesOfOrganizationsAreRecorded(t *testing.T) {
	onBoth(t, func(f fixture) {
		ctx := f.Context()
		f.apply(fullFile(), start)
		f.apply(tenant(`organizations: [{slug: acme, seats: 30, trial_end: "", suspended: true, branding: {accent: "#ffff00"}}]`), start)
		acme := must[lanyard.Organization](f)(f.scope("default").OrganizationBySlug(ctx, "acme"))
		if acme.Seats != 30 || !acme.TrialEnd.IsZero() || acme.Plan != "team" || !acme.Suspended || acme.Branding.LogoURL == "" || acme.Branding.Accent == "#ffff00" {
			f.Errorf("got %+v", acme)
		}
		facts := f.events("default")[:2]
		if facts[0].Type != lanyard.EventOrganizationSuspended || facts[1].Type != lanyard.EventOrganizationUpdated || facts[1].OrganizationID != acme.ID ||
			facts[1].Detail["seats_before"] != "25" || facts[1].Detail["seats_after"] != "30" || facts[1].Detail["trial_end_after"] != "" || facts[1].Detail["plan_before"] != "" {
			f.Errorf("facts: %+v", facts)
		}
		f.apply(tenant("organizations: [{slug: acme, suspended: false, members: [{user: bob@example.test, roles: [admin, billing]}]}]"), start)
		facts = f.events("default")[:2]
		if facts[1].Type != lanyard.EventOrganizationResumed || facts[0].Type != lanyard.EventMemberUpdated || facts[0].OrganizationID != acme.ID ||
			facts[0].Detail["roles_before"] != "member" || facts[0].Detail["roles_after"] != "admin billing" {
			f.Errorf("facts: %+v", facts)
		}
		f.apply(tenant("clients: [{client_id: machine, type: machine, client_secret: {env: SECRET}, organizations: [{organization: acme, roles: [admin]}]}]"), start)
		if fact := f.events("default")[0]; fact.Type != lanyard.EventClientRolesUpdated || fact.ClientID != "machine" || fact.Detail["roles_before"] != "billing" {
			f.Errorf("fact: %+v", fact)
		}
	})
}

func TestOrganizationsBreakNoRuleByFile(t *testing.T) {
	onBoth(t, func(f fixture) {
		ctx := f.Context()
		f.apply(fullFile(), start)
		scope := f.scope("default")
		gone := lanyard.Organization{ID: lanyard.NewOrganizationID(), Slug: "gone", Name: "gone", CreatedAt: start}
		for _, err := range []error{
			scope.InsertOrganization(ctx, gone), scope.ScheduleOrganizationDeletion(ctx, gone.ID, start), scope.EraseOrganization(ctx, gone.ID, start),
		} {
			if err != nil {
				f.Fatal(err)
			}
		}
		silent := f.deps
		silent.Organizations = nil
		for name, c := range map[string]struct {
			file string
			want error
		}{
			"a permission that nobody knows": {tenant("organizations: [{slug: acme, roles: [{name: x, permissions: [lamps:break]}]}]"), lanyard.ErrBadInput},
			"the name of a tenant's role":    {tenant("organizations: [{slug: acme, roles: [{name: auditor, permissions: [invoice:read]}]}]"), lanyard.ErrBadInput},
			"a slug that was another's":      {tenant("organizations: [{slug: gone}]"), lanyard.ErrSlugTaken},
			"a domain that is not verified":  {tenant("organizations: [{slug: acme, domains: [{domain: acme.example.test, joining: automatic}]}]"), lanyard.ErrBadInput},
			"a domain of another":            {tenant("organizations: [{slug: b, domains: [{domain: acme.test, verified: true}]}]"), lanyard.ErrConflict},
			"a code of another":              {tenant("organizations: [{slug: b, invitations: [{code: 0123456789abcdefghjkmnpqrs}]}]"), lanyard.ErrConflict},
			"a role that is not there":       {tenant("organizations: [{slug: acme, invitations: [{email: x@example.test, roles: [king]}]}]"), lanyard.ErrBadInput},
			"an app that is not there":       {tenant("organizations: [{slug: acme, invitations: [{email: x@example.test, client_id: nope}]}]"), lanyard.ErrBadInput},
			"into a closed one":              {tenant("organizations: [{slug: closed, invitations: [{email: x@example.test}]}]"), lanyard.ErrBadInput},
			"for ever":                       {tenant("organizations: [{slug: acme, invitations: [{email: x@example.test, expires_at: 2030-01-01}]}]"), lanyard.ErrBadInput},
			"a method that is not offered":   {tenant("organizations: [{slug: acme, policy: {methods: [email_code]}}]"), lanyard.ErrNotOffered},
			"a machine in none":              {tenant("clients: [{client_id: machine, type: machine, client_secret: {env: SECRET}, organizations: [{organization: nope, roles: [admin]}]}]"), lanyard.ErrBadInput},
			"a machine as king":              {tenant("clients: [{client_id: machine, type: machine, client_secret: {env: SECRET}, organizations: [{organization: acme, roles: [king]}]}]"), lanyard.ErrBadInput},
		} {
			events := len(f.events("default"))
			if _, err := manifest.Apply(ctx, f.deps, parse(f.T, c.file), start); !errors.Is(err, c.want) {
				f.Errorf("%s: %v", name, err)
			}
			if len(f.events("default")) != events {
				f.Errorf("%s: something was written", name)
			}
		}
		mailed := parse(f.T, tenant("organizations: [{slug: acme, invitations: [{email: x@example.test}]}]"))
		if _, err := manifest.Apply(ctx, silent, mailed, start); !errors.Is(err, lanyard.ErrBadInput) || !strings.Contains(err.Error(), "use a code") {
			f.Errorf("without mail: %v", err)
		}
		coded := parse(f.T, tenant("invitations: [{code: zzzz456789abcdefghjkmnpqrs}]"))
		if _, err := manifest.Apply(ctx, silent, coded, start); err != nil {
			f.Errorf("by code, without mail: %v", err)
		}
	})
}
