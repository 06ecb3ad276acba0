package organizations_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// Two owners who take each other's ownership away at the same time, in all the ways
// there are, leave one owner.
func TestOneOwnerStays(t *testing.T) {
	inTown(t, func(h *town) {
		ctx := h.Context()
		ways := []func(s organizations.Seat, other lanyard.UserID) error{
			func(s organizations.Seat, other lanyard.UserID) error {
				return h.SetRoles(ctx, s, other, []string{lanyard.RoleMember}, h.now)
			},
			func(s organizations.Seat, other lanyard.UserID) error { return h.Remove(ctx, s, other, h.now) },
			func(s organizations.Seat, _ lanyard.UserID) error {
				return h.Leave(ctx, h.t, s.Actor, s.Organization.ID, h.now)
			},
			func(s organizations.Seat, _ lanyard.UserID) error {
				return h.SetRoles(ctx, s, s.Actor.User.ID, []string{lanyard.RoleAdmin}, h.now)
			},
		}
		a, b := h.person("a"), h.person("b")
		for round := range testkit.Rounds(10, 300) {
			acme := h.organization(fmt.Sprintf("acme-%d", round))
			h.joins(a, acme, lanyard.RoleOwner)
			h.joins(b, acme, lanyard.RoleOwner)
			seats := []organizations.Seat{h.seat(a, acme), h.seat(b, acme)}
			way := func(i int) error {
				pick := i / 2
				if round < len(ways) {
					pick = round // first each against itself, then all mixed
				}
				return ways[pick%len(ways)](seats[i%2], seats[1-i%2].Actor.User.ID)
			}
			h.race(way, lanyard.ErrLastOwner, lanyard.ErrNotAllowed, lanyard.ErrNotFound)
			if n, err := h.t.Scope.CountOwners(ctx, acme.ID); n != 1 || err != nil {
				h.Fatalf("round %d: %d owners: %v", round, n, err)
			}
		}
	})
}

func TestOnlyOwnerStays(t *testing.T) {
	inTown(t, func(h *town) {
		ctx, acme := h.Context(), h.organization("acme")
		owner := h.seated("olga", acme, lanyard.RoleOwner)
		id := owner.Actor.User.ID
		h.wants("demoted", h.SetRoles(ctx, owner, id, []string{lanyard.RoleAdmin}, h.now), lanyard.ErrLastOwner)
		h.wants("removed", h.Remove(ctx, owner, id, h.now), lanyard.ErrLastOwner)
		h.wants("left", h.Leave(ctx, h.t, owner.Actor, acme.ID, h.now), lanyard.ErrLastOwner)
		h.must(h.SetRoles(ctx, owner, id, []string{"dispatcher", lanyard.RoleOwner}, h.now))
		if got := h.rolesOf(id, acme); !slices.Contains(got, lanyard.RoleOwner) {
			h.Errorf("roles: %v", got)
		}
	})
}

// Who may change members can do so with those, and to those, that have no more than they may give.
func TestNobodyGivesMoreThanTheyMay(t *testing.T) {
	inTown(t, func(h *town) {
		ctx, acme := h.Context(), h.organization("acme")
		h.must(h.t.Scope.PutRole(ctx, acme.ID, "clerk", []string{lanyard.MayManageMembers, lanyard.MayReadMembers, lanyard.MayManageRoles, "lamps:read"}, h.now))
		h.must(h.t.Scope.PutRole(ctx, acme.ID, "reader", []string{lanyard.MayReadMembers}, h.now))
		h.must(h.t.Scope.PutRole(ctx, acme.ID, "closer", []string{lanyard.MayDeleteOrganization}, h.now))
		owner, admin := h.seated("olga", acme, lanyard.RoleOwner), h.seated("adam", acme, lanyard.RoleAdmin)
		clerk, member := h.seated("clara", acme, "clerk"), h.person("mia")
		h.joins(member, acme, lanyard.RoleMember)
		for _, c := range []struct {
			what  string
			by    organizations.Seat
			to    lanyard.UserID
			roles []string
			want  error
		}{
			{"admin makes an owner", admin, member.User.ID, []string{lanyard.RoleOwner}, lanyard.ErrNotAllowed},
			{"admin makes themselves an owner", admin, admin.Actor.User.ID, []string{lanyard.RoleOwner}, lanyard.ErrNotAllowed},
			{"admin touches an owner", admin, owner.Actor.User.ID, []string{lanyard.RoleMember}, lanyard.ErrNotAllowed},
			{"admin adds a role to an owner", admin, owner.Actor.User.ID, []string{lanyard.RoleOwner, "reader"}, lanyard.ErrNotAllowed},
			{"admin gives what deletes", admin, member.User.ID, []string{"closer"}, lanyard.ErrNotAllowed},
			{"admin makes an admin", admin, member.User.ID, []string{lanyard.RoleAdmin}, nil},
			{"clerk touches an admin", clerk, member.User.ID, []string{lanyard.RoleMember}, lanyard.ErrNotAllowed},
			{"admin takes it back", admin, member.User.ID, []string{lanyard.RoleMember}, nil},
			{"clerk makes an admin", clerk, member.User.ID, []string{lanyard.RoleAdmin}, lanyard.ErrNotAllowed},
			{"clerk makes an owner", clerk, member.User.ID, []string{lanyard.RoleMember, lanyard.RoleOwner}, lanyard.ErrNotAllowed},
			{"clerk gives a tenant role with more", clerk, member.User.ID, []string{"dispatcher"}, lanyard.ErrNotAllowed},
			{"clerk gives less", clerk, member.User.ID, []string{"reader", "reader", "clerk"}, nil},
			{"clerk helps themselves", clerk, clerk.Actor.User.ID, []string{"clerk", lanyard.RoleAdmin}, lanyard.ErrNotAllowed},
			{"a role that is not there", owner, member.User.ID, []string{"nope"}, lanyard.ErrBadInput},
			{"none", owner, member.User.ID, []string{""}, lanyard.ErrBadInput},
			{"nobody", owner, lanyard.NewUserID(), []string{"reader"}, lanyard.ErrNotFound},
			{"owner gives what deletes", owner, member.User.ID, []string{"closer"}, nil},
			{"clerk takes what deletes", clerk, member.User.ID, []string{"reader"}, lanyard.ErrNotAllowed},
		} {
			h.wants(c.what, h.SetRoles(ctx, c.by, c.to, c.roles, h.now), c.want)
		}
		for what, err := range map[string]error{
			"admin removes an owner": h.Remove(ctx, admin, owner.Actor.User.ID, h.now), "clerk removes an admin": h.Remove(ctx, clerk, admin.Actor.User.ID, h.now),
			"admin removes who may delete": h.Remove(ctx, admin, member.User.ID, h.now), "admin transfers": h.Transfer(ctx, admin, member.User.ID, h.now),
		} {
			h.wants(what, err, lanyard.ErrNotAllowed)
		}
		if got := h.rolesOf(member.User.ID, acme); !slices.Equal(got, []string{"closer"}) || len(h.rolesOf(owner.Actor.User.ID, acme)) != 1 {
			h.Errorf("roles: %v", got)
		}
	})
}

// A seat is as good as the role behind it is now.
func TestNobodyActsOnARoleThatWasTakenAway(t *testing.T) {
	inTown(t, func(h *town) {
		ctx, acme := h.Context(), h.organization("acme")
		owner, second := h.seated("olga", acme, lanyard.RoleOwner), h.seated("otto", acme, lanyard.RoleOwner)
		h.must(h.SetRoles(ctx, owner, second.Actor.User.ID, []string{lanyard.RoleMember}, h.now))
		h.wants("demoted", h.Describe(ctx, second, organizations.Details{Name: "x"}, h.now), lanyard.ErrNotAllowed)
		h.wants("demoted", h.Transfer(ctx, second, owner.Actor.User.ID, h.now), lanyard.ErrNotAllowed)
		h.must(h.Remove(ctx, owner, second.Actor.User.ID, h.now))
		h.wants("removed", h.Describe(ctx, second, organizations.Details{Name: "x"}, h.now), lanyard.ErrNotFound)
	})
}

// grant is what an app was given in an organization.
func (h *town) grant(s organizations.Seat) lanyard.Grant {
	h.Helper()
	ctx := h.Context()
	if _, err := h.t.Scope.Client(ctx, "web"); err != nil {
		h.must(h.t.Scope.PutClient(ctx, lanyard.Client{ID: "web", Type: lanyard.ClientWeb, CreatedAt: h.now}))
	}
	g := lanyard.Grant{
		ID: lanyard.NewGrantID(), TenantID: h.t.Tenant.ID, ClientID: "web", UserID: s.Actor.User.ID, SessionID: s.Actor.Session.ID, OrganizationID: s.Organization.ID,
		Scopes: lanyard.Scopes{"openid"}, AuthTime: h.now, CreatedAt: h.now, ExpiresAt: h.now.Add(time.Hour),
		Refresh: &lanyard.RefreshFamily{Sequence: 1, KeyID: "mac-1", Current: []byte("one"), IdleUntil: h.now.Add(time.Hour)},
	}
	h.must(h.t.Scope.InsertGrant(ctx, g))
	return g
}

// lives tells whether a grant still counts, and whether its refresh token is taken.
func (h *town) lives(g lanyard.Grant) bool {
	h.Helper()
	standing, err := h.t.Scope.Standing(h.Context(), g.ID)
	h.must(err)
	rotated, err := h.t.Scope.Rotate(h.Context(), storage.Rotation{
		Grant: g.ID, Presented: []byte("one"), Successor: []byte("one"), KeyID: "mac-1", At: h.now, IdleUntil: h.now.Add(time.Hour),
	})
	h.must(err)
	if live := standing.Live(h.now); live != rotated {
		h.Errorf("it lives is %v, and it can be refreshed is %v", live, rotated)
	}
	return rotated
}

func TestRemovedMemberLosesEverythingAtOnce(t *testing.T) {
	inTown(t, func(h *town) {
		ctx, acme, other := h.Context(), h.organization("acme"), h.organization("other")
		owner, m := h.seated("olga", acme, lanyard.RoleOwner), h.seated("mia", acme, lanyard.RoleMember)
		h.joins(m.Actor, other, lanyard.RoleMember)
		here, there, owners := h.grant(m), h.grant(h.seat(m.Actor, other)), h.grant(owner)
		if !h.lives(here) {
			h.Fatal("a member's grant is dead")
		}
		h.must(h.Remove(ctx, owner, m.Actor.User.ID, h.now))
		if h.lives(here) || !h.lives(there) || !h.lives(owners) {
			h.Error("it is not the grants of that member in that organization that died")
		}
		h.wants("removed again", h.Remove(ctx, owner, m.Actor.User.ID, h.now), lanyard.ErrNotFound)
		removed := h.events(lanyard.EventMemberRemoved, acme.ID)
		if len(removed) != 1 || removed[0].UserID != m.Actor.User.ID || removed[0].Actor != string(owner.Actor.User.ID) || removed[0].Detail["roles_before"] != "member" {
			h.Errorf("events: %v", removed)
		}
		if told := h.letters(); len(told) != 1 || told[0].Kind != lanyard.MailMemberRemoved || told[0].To != "mia@example.test" || told[0].Organization != "acme" {
			h.Errorf("the member was told %+v", told)
		}
		h.must(h.Leave(ctx, h.t, m.Actor, other.ID, h.now))
		if h.lives(there) || len(h.events(lanyard.EventMemberLeft, other.ID)) != 1 {
			h.Error("who left keeps what they had")
		}
		h.wants("left again", h.Leave(ctx, h.t, m.Actor, other.ID, h.now), lanyard.ErrNotFound)
	})
}

func TestOwnershipIsTransferredWithAFreshProof(t *testing.T) {
	inTown(t, func(h *town) {
		ctx, acme := h.Context(), h.organization("acme")
		owner, heir := h.seated("olga", acme, "dispatcher", lanyard.RoleOwner), h.seated("hans", acme, lanyard.RoleAdmin)
		id, to := owner.Actor.User.ID, heir.Actor.User.ID
		h.wants("to themselves", h.Transfer(ctx, owner, id, h.now), lanyard.ErrBadInput)
		h.wants("to nobody", h.Transfer(ctx, owner, h.person("x").User.ID, h.now), lanyard.ErrNotFound)
		h.wants("later", h.Transfer(ctx, owner, to, h.now.Add(10*time.Minute)), lanyard.ErrFreshProof)
		h.must(h.Transfer(ctx, owner, to, h.now))
		got := [][]string{h.rolesOf(id, acme), h.rolesOf(to, acme)}
		if diff := cmp.Diff([][]string{{lanyard.RoleAdmin, "dispatcher"}, {lanyard.RoleOwner}}, got); diff != "" {
			h.Error(diff)
		}
		if facts := h.events(lanyard.EventOwnershipTransferred, acme.ID); len(facts) != 1 || facts[0].UserID != to || len(h.events(lanyard.EventMemberUpdated, acme.ID)) != 2 {
			h.Errorf("events: %v", facts)
		}
		h.wants("again", h.Transfer(ctx, owner, to, h.now), lanyard.ErrNotAllowed)
	})
}

func TestMembersComeInPages(t *testing.T) {
	inTown(t, func(h *town) {
		ctx, acme := h.Context(), h.organization("acme")
		s := h.seated("olga", acme, lanyard.RoleOwner)
		for i := range 50 {
			h.joins(h.person(fmt.Sprintf("m%d", i)), acme, lanyard.RoleMember)
		}
		page, more, err := h.Members(ctx, s, "", "")
		if err != nil || len(page) != 50 || !more {
			h.Fatalf("%d, more is %v: %v", len(page), more, err)
		}
		rest, more, err := h.Members(ctx, s, "", page[49].User.ID)
		if err != nil || len(rest) != 1 || more {
			h.Errorf("%d, more is %v: %v", len(rest), more, err)
		}
		found, more, err := h.Members(ctx, s, " OLGA ", "")
		if err != nil || len(found) != 1 || more || found[0].User.ID != s.Actor.User.ID || !found[0].Membership.Owner() {
			h.Errorf("found %v: %v", found, err)
		}
	})
}

func TestPeopleChooseAmongTheirOpenOrganizations(t *testing.T) {
	inTown(t, func(h *town) {
		ctx, a := h.Context(), h.person("ada")
		mine, foreign, closed := h.organization("mine"), h.organization("foreign"), h.organization("closed")
		h.joins(a, mine, lanyard.RoleMember)
		h.joins(a, closed, lanyard.RoleMember)
		closed.Suspended = true
		h.must(h.t.Scope.UpdateOrganization(ctx, closed))
		for what, id := range map[string]lanyard.OrganizationID{"foreign": foreign.ID, "closed": closed.ID, "never there": lanyard.NewOrganizationID(), "none": ""} {
			h.wants(what, h.Choose(ctx, h.t, a, id, true, h.now), lanyard.ErrNotFound)
		}
		other := a
		other.Session.ID = h.person("eve").Session.ID
		h.wants("in another's session", h.Choose(ctx, h.t, other, mine.ID, false, h.now), lanyard.ErrNotFound)
		h.must(h.Choose(ctx, h.t, a, mine.ID, true, h.now))
		session, err := h.t.Scope.Session(ctx, a.Session.ID)
		if err != nil || session.OrganizationID != mine.ID || len(h.events(lanyard.EventOrganizationChosen, mine.ID)) != 1 {
			h.Errorf("chosen: %v %v", session.OrganizationID, err)
		}
		all, err := h.All(ctx, h.t, a.User.ID)
		if err != nil || len(all) != 2 || all[0].Organization.Slug != "closed" || all[0].Counts() {
			h.Errorf("all: %v %v", all, err)
		}
	})
}
