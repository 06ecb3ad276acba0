package organizations_test

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// joinsByDomain is what a sign-in does.
func (h *town) joinsByDomain(a accounts.Actor) error {
	return h.t.Scope.InTx(h.Context(), func(tx storage.Scope) error {
		proved, err := accounts.ProvedAddresses(h.Context(), tx, a.User.ID)
		if err != nil {
			return err
		}
		return h.JoinByDomain(h.Context(), tx, h.t, a.User, proved, h.now)
	})
}

func (h *town) joinable(a accounts.Actor) []string {
	h.Helper()
	all, err := h.Joinable(h.Context(), h.t, a.User.ID, h.now)
	h.must(err)
	var out []string
	for _, j := range all {
		text := j.Organization.Slug + " " + string(j.Joining)
		if j.Requested {
			text += " asked"
		}
		out = append(out, text)
	}
	return out
}

func TestDomainsLetPeopleInWhoProvedTheirAddress(t *testing.T) {
	inTown(t, func(h *town) {
		automatic, request, off, claimed := h.organization("automatic"), h.organization("request"), h.organization("off"), h.organization("claimed")
		owners := map[string]lanyard.Organization{"automatic": automatic, "request": request, "off": off, "claimed": claimed}
		for slug, o := range owners {
			s := h.seated("owner-of-"+slug, o, lanyard.RoleOwner)
			if slug == "claimed" {
				_, err := h.AddDomain(h.Context(), s, "automatic.test", h.now)
				h.must(err)
				continue
			}
			h.proved(s, slug+".test", lanyard.Joining(slug))
		}
		for _, c := range []struct {
			name, address string
			verified      bool
			joinable      []string
			roles         []string
			asked         error
		}{
			{"ann", "Ann@Automatic.test", true, []string{"automatic automatic"}, []string{"member"}, lanyard.ErrNotFound},
			{"bob", "bob@automatic.test", false, nil, nil, lanyard.ErrNotFound},
			{"cid", "cid@sub.automatic.test", true, nil, nil, lanyard.ErrNotFound},
			{"dan", "dan@request.test", true, []string{"request request"}, nil, nil},
			{"eve", "eve@off.test", true, nil, nil, lanyard.ErrNotFound},
		} {
			a := h.personAt(c.name, c.address, c.verified)
			if diff := cmp.Diff(c.joinable, h.joinable(a)); diff != "" {
				t.Errorf("%s can join (-want +got):\n%s", c.name, diff)
			}
			h.must(h.joinsByDomain(a))
			h.must(h.joinsByDomain(a)) // at the next sign-in
			if diff := cmp.Diff(c.roles, h.rolesOf(a.User.ID, automatic)); diff != "" {
				t.Errorf("%s is (-want +got):\n%s", c.name, diff)
			}
			h.wants(c.name+" asks", h.AskToJoin(h.Context(), h.t, a, request.ID, h.now), c.asked)
			for _, o := range []lanyard.Organization{off, claimed, request} {
				if got := h.rolesOf(a.User.ID, o); got != nil {
					t.Errorf("%s is %v in %s", c.name, got, o.Slug)
				}
			}
			h.wants(c.name+" asks nobody", h.AskToJoin(h.Context(), h.t, a, "org_none", h.now), lanyard.ErrNotFound)
		}
		facts := h.events(lanyard.EventMemberAdded, automatic.ID)
		if len(facts) != 1 || cmp.Diff(map[string]string{"domain": "automatic.test", "roles_after": "member"}, facts[0].Detail) != "" {
			t.Errorf("the facts are %+v", facts)
		}
	})
}

// Who was removed, or left, does not come back by signing in.
func TestWhoIsGoneDoesNotComeBackByThemselves(t *testing.T) {
	inTown(t, func(h *town) {
		acme := h.organization("acme")
		olga := h.seated("olga", acme, lanyard.RoleOwner)
		h.proved(olga, "acme.test", lanyard.JoiningAutomatic)
		for _, name := range []string{"removed", "left"} {
			a := h.personAt(name, name+"@acme.test", true)
			h.must(h.joinsByDomain(a))
			if name == "left" {
				h.must(h.Leave(h.Context(), h.t, a, acme.ID, h.now))
			} else {
				h.must(h.Remove(h.Context(), olga, a.User.ID, h.now))
			}
			h.must(h.joinsByDomain(a))
			if got := h.rolesOf(a.User.ID, acme); got != nil {
				t.Errorf("who %s is back as %v", name, got)
			}
			if diff := cmp.Diff([]string{"acme request"}, h.joinable(a)); diff != "" {
				t.Errorf("who %s can join (-want +got):\n%s", name, diff)
			}
			h.must(h.AskToJoin(h.Context(), h.t, a, acme.ID, h.now))
			if got := h.rolesOf(a.User.ID, acme); got != nil {
				t.Errorf("who %s let themselves in as %v", name, got)
			}
			h.must(h.AnswerJoinRequest(h.Context(), olga, a.User.ID, nil, true, h.now))
			if diff := cmp.Diff([]string{"member"}, h.rolesOf(a.User.ID, acme)); diff != "" {
				t.Errorf("let in again (-want +got):\n%s", diff)
			}
		}
	})
}

func TestFullOrganizationGetsARequestAtSignIn(t *testing.T) {
	inTown(t, func(h *town) {
		acme, other := h.organization("acme"), h.organization("other")
		acme.Seats = 1
		h.must(h.t.Scope.UpdateOrganization(h.Context(), acme))
		olga, paul := h.seated("olga", acme, lanyard.RoleOwner), h.seated("paul", other, lanyard.RoleOwner)
		h.proved(olga, "acme.test", lanyard.JoiningAutomatic)
		h.proved(paul, "other.test", lanyard.JoiningAutomatic)
		grace := h.personAt("grace", "grace@acme.test", true)
		h.must(h.t.Scope.AddEmail(h.Context(), grace.User.ID, "grace@other.test", h.now))
		_, err := h.t.Scope.VerifyEmail(h.Context(), grace.User.ID, "grace@other.test", false)
		h.must(err)
		h.must(h.joinsByDomain(grace))
		if h.rolesOf(grace.User.ID, acme) != nil || h.rolesOf(grace.User.ID, other) == nil {
			t.Errorf("roles %v and %v", h.rolesOf(grace.User.ID, acme), h.rolesOf(grace.User.ID, other))
		}
		h.must(h.joinsByDomain(grace))
		facts := h.events(lanyard.EventJoinRequested, acme.ID)
		if len(facts) != 1 || facts[0].UserID != grace.User.ID {
			t.Errorf("the facts are %+v", facts)
		}
		h.wants("asked for a seat", h.AskToJoin(h.Context(), h.t, grace, acme.ID, h.now), lanyard.ErrNoSeat)
	})
}

func TestSeatsHoldAgainstManySignIns(t *testing.T) {
	inTown(t, func(h *town) {
		for round := range testkit.Rounds(5, 100) {
			n := strconv.Itoa(round)
			acme := h.organization("acme-" + n)
			acme.Seats = 2
			h.must(h.t.Scope.UpdateOrganization(h.Context(), acme))
			h.proved(h.seated("olga-"+n, acme, lanyard.RoleOwner), "acme-"+n+".test", lanyard.JoiningAutomatic)
			var people []accounts.Actor
			for i := range 16 {
				people = append(people, h.personAt("p"+n+"-"+strconv.Itoa(i), strconv.Itoa(i)+"@acme-"+n+".test", true))
			}
			if won := h.race(func(i int) error { return h.joinsByDomain(people[i%16]) }); won != 32 {
				t.Fatalf("%d signed in", won)
			}
			members, err := h.t.Scope.Memberships(h.Context(), acme.ID)
			h.must(err)
			if len(members) != 2 {
				t.Fatalf("%d members in two seats", len(members))
			}
		}
	})
}

func TestRequestsToJoinAreAnswered(t *testing.T) {
	inTown(t, func(h *town) {
		acme, other := h.organization("acme"), h.organization("other")
		olga, adam, paul := h.seated("olga", acme, lanyard.RoleOwner), h.seated("adam", acme, lanyard.RoleAdmin), h.seated("paul", other, lanyard.RoleOwner)
		h.proved(olga, "acme.test", lanyard.JoiningRequest)
		grace, ines := h.personAt("grace", "grace@acme.test", true), h.personAt("ines", "ines@acme.test", true)
		for _, a := range []accounts.Actor{grace, ines, grace} {
			h.must(h.AskToJoin(h.Context(), h.t, a, acme.ID, h.now))
		}
		if n := len(h.events(lanyard.EventJoinRequested, acme.ID)); n != 2 {
			t.Errorf("%d facts about two who asked", n)
		}
		if diff := cmp.Diff([]string{"acme request asked"}, h.joinable(grace)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		all, err := h.JoinRequests(h.Context(), olga)
		h.must(err)
		if len(all) != 2 {
			t.Errorf("the requests are %+v", all)
		}
		for what, c := range map[string]struct {
			do   func() error
			want error
		}{
			"above the own role": {func() error {
				return h.AnswerJoinRequest(h.Context(), adam, grace.User.ID, []string{"owner"}, true, h.now)
			}, lanyard.ErrNotAllowed},
			"no such role": {func() error {
				return h.AnswerJoinRequest(h.Context(), olga, grace.User.ID, []string{"none"}, true, h.now)
			}, lanyard.ErrBadInput},
			"by another organization": {func() error { return h.AnswerJoinRequest(h.Context(), paul, grace.User.ID, nil, true, h.now) }, lanyard.ErrNotFound},
			"of who did not ask": {func() error {
				return h.AnswerJoinRequest(h.Context(), olga, paul.Actor.User.ID, nil, true, h.now)
			}, lanyard.ErrNotFound},
		} {
			h.wants(what, c.do(), c.want)
		}
		h.must(h.AnswerJoinRequest(h.Context(), adam, grace.User.ID, []string{"dispatcher", "dispatcher"}, true, h.now))
		h.must(h.AnswerJoinRequest(h.Context(), adam, ines.User.ID, nil, false, h.now))
		if diff := cmp.Diff([]string{"dispatcher"}, h.rolesOf(grace.User.ID, acme)); diff != "" || h.rolesOf(ines.User.ID, acme) != nil {
			t.Errorf("(-want +got):\n%s and %v", diff, h.rolesOf(ines.User.ID, acme))
		}
		added, refused := h.events(lanyard.EventMemberAdded, acme.ID), h.events(lanyard.EventJoinRefused, acme.ID)
		if len(added) != 1 || added[0].Actor != string(adam.Actor.User.ID) || added[0].UserID != grace.User.ID || len(refused) != 1 || refused[0].UserID != ines.User.ID {
			t.Errorf("the facts are %+v and %+v", added, refused)
		}
		h.wants("answered before", h.AnswerJoinRequest(h.Context(), olga, grace.User.ID, nil, true, h.now), lanyard.ErrNotFound)
		h.wants("a member asks", h.AskToJoin(h.Context(), h.t, grace, acme.ID, h.now), lanyard.ErrAlreadyMember)
		for range 20 {
			_ = h.AskToJoin(h.Context(), h.t, ines, acme.ID, h.now)
		}
		h.wants("asked too often", h.AskToJoin(h.Context(), h.t, ines, acme.ID, h.now), lanyard.ErrThrottled)
	})
}

func TestRequestIsAnsweredOnce(t *testing.T) {
	inTown(t, func(h *town) {
		for round := range testkit.Rounds(5, 100) {
			n := strconv.Itoa(round)
			acme := h.organization("acme-" + n)
			olga := h.seated("olga-"+n, acme, lanyard.RoleOwner)
			h.proved(olga, "acme-"+n+".test", lanyard.JoiningRequest)
			grace := h.personAt("grace-"+n, "grace@acme-"+n+".test", true)
			h.must(h.AskToJoin(h.Context(), h.t, grace, acme.ID, h.now))
			won := h.race(func(i int) error {
				return h.AnswerJoinRequest(h.Context(), olga, grace.User.ID, nil, i%2 == 0, h.now)
			}, lanyard.ErrNotFound)
			added, refused := len(h.events(lanyard.EventMemberAdded, acme.ID)), len(h.events(lanyard.EventJoinRefused, acme.ID))
			if won != 1 || added+refused != 1 || (h.rolesOf(grace.User.ID, acme) != nil) != (added == 1) {
				t.Fatalf("%d answers, %d added, %d refused", won, added, refused)
			}
		}
	})
}
