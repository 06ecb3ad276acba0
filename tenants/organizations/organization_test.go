package organizations_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

func TestFoundersOwnWhatTheyMake(t *testing.T) {
	inTown(t, func(h *town) {
		ctx, a := h.Context(), h.person("ada")
		made, err := h.Create(ctx, h.t, a, organizations.Founding{Name: "  Ümläut & Söhne GmbH "}, h.now)
		h.must(err)
		if made.Slug != "umlaut-sohne-gmbh" || made.Name != "Ümläut & Söhne GmbH" || !regexp.MustCompile(`^[2-9A-HJKMNP-TV-Z]{8}$`).MatchString(made.Code) {
			h.Errorf("made: %v", made)
		}
		if s := h.seat(a, made); !s.Membership.Owner() || s.Organization.Code != made.Code {
			h.Errorf("seat: %v", s.Joined)
		}
		if len(h.events(lanyard.EventOrganizationCreated, made.ID)) != 1 || len(h.events(lanyard.EventMemberAdded, made.ID)) != 1 {
			h.Error("it is not recorded")
		}
		again, err := h.Create(ctx, h.t, a, organizations.Founding{Name: made.Name}, h.now)
		if h.must(err); again.Slug == made.Slug || !strings.HasPrefix(again.Slug, made.Slug+"-") || !lanyard.ValidSlug(again.Slug) {
			h.Errorf("the second is %s", again.Slug)
		}
		for _, name := range []string{"株式会社", "-", strings.Repeat("long ", 20)} {
			o, err := h.Create(ctx, h.t, a, organizations.Founding{Name: name}, h.now)
			if h.must(err); !lanyard.ValidSlug(o.Slug) {
				h.Errorf("%q has the slug %q", name, o.Slug)
			}
		}
	})
}

func TestOrganizationsAreMadeByTheRules(t *testing.T) {
	inTown(t, func(h *town) {
		ctx, a := h.Context(), h.person("ada")
		create := func(name, slug string) error {
			return first(h.Create(ctx, h.t, a, organizations.Founding{Name: name, Slug: slug}, h.now))
		}
		for _, f := range [][2]string{{"", "a"}, {" ", "a"}, {strings.Repeat("x", 101), "a"}, {"a\nb", "a"}, {"a\u202eb", "a"}, {"x", "A"}, {"x", "-a"}, {"x", "a/b"}} {
			h.wants(fmt.Sprintf("%q", f), create(f[0], f[1]), lanyard.ErrBadInput)
		}
		h.must(create("Acme", "acme"))
		h.wants("the same slug", create("Acme", "acme"), lanyard.ErrSlugTaken)
		won := h.race(func(i int) error { return create("Many", fmt.Sprintf("many-%d", i)) }, lanyard.ErrNotOffered)
		if won != 9 {
			h.Errorf("%d organizations besides the first", won)
		}
		h.wants("the eleventh", create("Eleven", "eleven"), lanyard.ErrNotOffered)
		h.t.Tenant.Policy.CreateOrganizations = false
		a = h.person("bob")
		h.wants("not by people", create("Mine", "mine"), lanyard.ErrNotOffered)
	})
}

func TestPersonalOrganizationIsNamedAfterItsPerson(t *testing.T) {
	inTown(t, func(h *town) {
		ctx := h.Context()
		for name, a := range map[string]struct{ name, address, want string }{
			"by name": {"Ada", "ada@example.test", "Ada"}, "not by address": {"", "secret@example.test", "secret"},
		} {
			actor := h.personAt("user"+name[:2], a.address, true)
			actor.User.Profile.Name = a.name
			if a.name == "" {
				actor.User.Username = ""
			}
			var made lanyard.Organization
			h.must(h.t.Scope.InTx(ctx, func(tx storage.Scope) error {
				var err error
				made, err = h.MakePersonal(ctx, tx, h.t, actor.User, "standard", 14, h.now)
				return err
			}))
			got := h.seat(actor, made)
			if o := got.Organization; !o.Personal || o.Name != a.want || o.Plan != "standard" || !o.TrialEnd.Equal(h.now.AddDate(0, 0, 14)) || len(o.Code) != 8 || !got.Membership.Owner() {
				h.Errorf("%s: %v", name, o)
			}
		}
	})
}

func TestChangesOfOrganizationsAreRecordedOnce(t *testing.T) {
	inTown(t, func(h *town) {
		ctx, acme := h.Context(), h.organization("acme")
		s := h.seated("olga", acme, lanyard.RoleOwner)
		for _, d := range []organizations.Details{{Name: ""}, {Name: "x", Language: "not a tag"}, {Name: "a\tb"}} {
			h.wants(fmt.Sprint(d), h.Describe(ctx, s, d, h.now), lanyard.ErrBadInput)
		}
		for range 2 {
			h.must(h.Describe(ctx, s, organizations.Details{Name: "Acme GmbH", Language: "de"}, h.now))
		}
		facts := h.events(lanyard.EventOrganizationUpdated, acme.ID)
		if len(facts) != 1 {
			h.Fatalf("facts: %v", facts)
		}
		want := map[string]string{"name_before": "acme", "name_after": "Acme GmbH", "language_after": "de"}
		if diff := cmp.Diff(want, facts[0].Detail); diff != "" || facts[0].Actor != string(s.Actor.User.ID) || facts[0].SessionID != s.Actor.Session.ID {
			h.Errorf("%v\n%s", facts[0], diff)
		}
	})
}

func TestPolicyLocksNobodyOut(t *testing.T) {
	inTown(t, func(h *town) {
		ctx, acme := h.Context(), h.organization("acme")
		s := h.seated("olga", acme, lanyard.RoleOwner)
		type policy = lanyard.OrganizationPolicy
		for what, c := range map[string]struct {
			policy
			want error
		}{
			"a factor that they do not have":  {policy{SecondFactor: lanyard.SecondFactorRequired}, lanyard.ErrPolicyUnmet},
			"another method":                  {policy{Methods: []lanyard.Method{lanyard.MethodPasskey}}, lanyard.ErrPolicyUnmet},
			"a connection that is not there":  {policy{OwnConnectionOnly: true}, lanyard.ErrConnectionNeeded},
			"a word":                          {policy{SecondFactor: "offered"}, lanyard.ErrBadInput},
			"no first factor":                 {policy{Methods: []lanyard.Method{lanyard.MethodTOTP}}, lanyard.ErrBadInput},
			"twice":                           {policy{Methods: []lanyard.Method{lanyard.MethodPassword, lanyard.MethodPassword}}, lanyard.ErrBadInput},
			"too short":                       {policy{SessionLifetime: lanyard.Duration(time.Second)}, lanyard.ErrBadInput},
			"too long":                        {policy{SessionIdle: lanyard.Duration(200_000 * time.Hour)}, lanyard.ErrBadInput},
			"what their session meets":        {policy{Methods: []lanyard.Method{lanyard.MethodPassword, lanyard.MethodEmailCode}}, nil},
			"limits that their session meets": {policy{SessionLifetime: lanyard.Duration(8 * time.Hour), SessionIdle: lanyard.Duration(time.Hour)}, nil},
		} {
			h.wants(what, h.SetPolicy(ctx, s, c.policy, h.now), c.want)
		}
		h.wants("an old proof", h.SetPolicy(ctx, s, policy{}, h.now.Add(10*time.Minute)), lanyard.ErrFreshProof)
		h.must(h.SetPolicy(ctx, s, policy{}, h.now))
		s.Tenancy.Tenant.Policy.EmailCode = false
		h.wants("what the tenant does not offer", h.SetPolicy(ctx, s, policy{Methods: []lanyard.Method{lanyard.MethodPassword, lanyard.MethodEmailCode}}, h.now), lanyard.ErrNotOffered)
	})
}

// A deleted organization is closed at once, opens again if it is kept, and is gone for
// good when its time is over; its slug stays taken.
func TestDeletionHasAGrace(t *testing.T) {
	inTown(t, func(h *town) {
		ctx, a := h.Context(), h.person("olga")
		acme, err := h.Create(ctx, h.t, a, organizations.Founding{Name: "Acme", Slug: "acme"}, h.now)
		h.must(err)
		owner, m := h.seat(a, acme), h.seated("mia", acme, lanyard.RoleMember)
		grant := h.grant(m)
		h.must(h.SetLogo(ctx, owner, false, pngOf(8, 8), h.now))
		h.wants("another slug", h.Delete(ctx, owner, "acmee", h.now), lanyard.ErrBadInput)
		h.wants("an old proof", h.Delete(ctx, owner, "acme", h.now.Add(time.Hour)), lanyard.ErrFreshProof)
		h.must(h.Delete(ctx, owner, "acme", h.now))
		if h.lives(grant) {
			h.Error("tokens of a closed organization live")
		}
		_, err = h.Enter(ctx, h.t, a, "acme", h.now)
		h.wants("entered", err, lanyard.ErrNotFound)
		h.wants("deleted again", h.Delete(ctx, owner, "acme", h.now), lanyard.ErrNotFound)
		h.wants("kept by a member", h.Keep(ctx, h.t, m.Actor, acme.ID, h.now), lanyard.ErrNotAllowed)
		h.wants("kept by a stranger", h.Keep(ctx, h.t, h.person("eve"), acme.ID, h.now), lanyard.ErrNotFound)
		h.must(h.Erase(ctx, h.t.Scope, acme.ID, h.now))
		for range 2 {
			h.must(h.Keep(ctx, h.t, a, acme.ID, h.now))
		}
		if !h.lives(grant) || len(h.events(lanyard.EventOrganizationKept, acme.ID)) != 1 {
			h.Error("it is not as it was")
		}
		h.must(h.Delete(ctx, h.seat(a, acme), "acme", h.now))
		end := h.now.Add(h.t.Tenant.Policy.GraceOfOrganizations())
		h.wants("kept too late", h.Keep(ctx, h.t, a, acme.ID, end), lanyard.ErrNotFound)
		for range 2 {
			h.must(h.Erase(ctx, h.t.Scope, acme.ID, end))
		}
		h.wants("kept after all", h.Keep(ctx, h.t, a, acme.ID, h.now), lanyard.ErrNotFound)
		if n := len(h.events(lanyard.EventOrganizationDeleted, acme.ID)); n != 1 || h.lives(grant) {
			h.Errorf("erased %d times", n)
		}
		_, err = h.Create(ctx, h.t, a, organizations.Founding{Name: "Acme", Slug: "acme"}, end)
		h.wants("the slug", err, lanyard.ErrSlugTaken)
		all, err := h.All(ctx, h.t, a.User.ID)
		if err != nil || len(all) != 0 {
			h.Errorf("left: %v %v", all, err)
		}
	})
}

func TestOrganizationIsKeptByASessionThatItsPolicyAccepts(t *testing.T) {
	inTown(t, func(h *town) {
		ctx, acme := h.Context(), h.organization("acme")
		owner := h.seated("olga", acme, lanyard.RoleOwner)
		acme.Policy.SecondFactor = lanyard.SecondFactorRequired
		h.must(h.t.Scope.UpdateOrganization(ctx, acme))
		h.must(h.t.Scope.ScheduleOrganizationDeletion(ctx, acme.ID, h.now.Add(time.Hour)))
		h.wants("with one factor", h.Keep(ctx, h.t, owner.Actor, acme.ID, h.now), lanyard.ErrPolicyUnmet)
		owner.Actor.Session.ACR = lanyard.ACRDouble
		h.must(h.Keep(ctx, h.t, owner.Actor, acme.ID, h.now))
	})
}

func TestSlugIsGivenOnce(t *testing.T) {
	inTown(t, func(h *town) {
		people := make([]accounts.Actor, 32)
		for round := range testkit.Rounds(10, 300) {
			if round%10 == 0 { // ten are all that one person can own
				h.t = h.tenant(fmt.Sprintf("town-%d", round))
				for i := range people {
					people[i] = h.person(fmt.Sprintf("p%d", i))
				}
			}
			slug := fmt.Sprintf("acme-%d", round)
			won := h.race(func(i int) error {
				return first(h.Create(h.Context(), h.t, people[i], organizations.Founding{Name: "Acme", Slug: slug}, h.now))
			}, lanyard.ErrSlugTaken)
			if won != 1 {
				h.Fatalf("round %d: %d have it", round, won)
			}
		}
	})
}

func TestTenantSuspendsAndResumes(t *testing.T) {
	inTown(t, func(h *town) {
		ctx, acme := h.Context(), h.organization("acme")
		owner := h.seated("olga", acme, lanyard.RoleOwner)
		grant := h.grant(owner)
		for range 2 {
			h.must(h.Suspend(ctx, h.t, acme.ID, "operator", h.now))
		}
		if h.lives(grant) {
			h.Error("tokens of a suspended organization live")
		}
		h.wants("described", h.Describe(ctx, owner, organizations.Details{Name: "x"}, h.now), lanyard.ErrNotFound)
		h.wants("left by its owner", h.Leave(ctx, h.t, owner.Actor, acme.ID, h.now), lanyard.ErrLastOwner)
		member := h.person("mary")
		h.joins(member, acme, lanyard.RoleMember)
		h.must(h.Leave(ctx, h.t, member, acme.ID, h.now))
		h.wants("left again", h.Leave(ctx, h.t, member, acme.ID, h.now), lanyard.ErrNotFound)
		if len(h.events(lanyard.EventMemberLeft, acme.ID)) != 1 {
			h.Error("that somebody left is not on record")
		}
		for range 2 {
			h.must(h.Resume(ctx, h.t, acme.ID, "operator", h.now))
		}
		if !h.lives(grant) || len(h.events(lanyard.EventOrganizationSuspended, acme.ID)) != 1 || len(h.events(lanyard.EventOrganizationResumed, acme.ID)) != 1 {
			h.Error("it is not as it was")
		}
		foreign := h.tenant("other")
		h.wants("from another tenant", h.Suspend(ctx, foreign, acme.ID, "operator", h.now), lanyard.ErrNotFound)
	})
}
