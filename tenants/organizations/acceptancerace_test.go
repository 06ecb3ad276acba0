package organizations_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// people are thirty-two of them, with a number to keep rounds apart.
func (h *town) people(round int) []accounts.Actor {
	h.Helper()
	out := make([]accounts.Actor, 32)
	for i := range out {
		out[i] = h.person("p" + strconv.Itoa(round) + "-" + strconv.Itoa(i))
	}
	return out
}

// ONCE: one use, thirty-two people.
func TestInvitationMakesOneMember(t *testing.T) {
	inTown(t, func(h *town) {
		for round := range testkit.Rounds(10, 200) {
			acme := h.organization("acme-" + strconv.Itoa(round))
			olga := h.seated("olga-"+strconv.Itoa(round), acme, lanyard.RoleOwner)
			made, people := h.invited(olga, organizations.Invite{}), h.people(round)
			won := h.race(func(i int) error { return h.accepts(people[i], made.Invitation.ID) }, lanyard.ErrNotFound)
			members, err := h.t.Scope.Memberships(h.Context(), acme.ID)
			h.must(err)
			if won != 1 || len(members) != 2 || h.usesOf(made.Invitation.ID) != 1 || len(h.events(lanyard.EventMemberAdded, acme.ID)) != 1 {
				t.Fatalf("%d winners, %d members, %d uses", won, len(members), h.usesOf(made.Invitation.ID))
			}
		}
	})
}

func TestOnePersonAcceptsOnce(t *testing.T) {
	inTown(t, func(h *town) {
		for round := range testkit.Rounds(5, 200) {
			acme := h.organization("acme-" + strconv.Itoa(round))
			olga, grace := h.seated("olga-"+strconv.Itoa(round), acme, lanyard.RoleOwner), h.person("grace-"+strconv.Itoa(round))
			made := h.invited(olga, organizations.Invite{MaxUses: 100})
			won := h.race(func(int) error { return h.accepts(grace, made.Invitation.ID) }, lanyard.ErrAlreadyMember)
			if won != 1 || h.usesOf(made.Invitation.ID) != 1 {
				t.Fatalf("%d winners, %d uses", won, h.usesOf(made.Invitation.ID))
			}
		}
	})
}

// One seat, a hundred uses, thirty-two people.
func TestSeatIsTakenOnce(t *testing.T) {
	inTown(t, func(h *town) {
		for round := range testkit.Rounds(10, 200) {
			acme := h.organization("acme-" + strconv.Itoa(round))
			acme.Seats = 2
			h.must(h.t.Scope.UpdateOrganization(h.Context(), acme))
			olga := h.seated("olga-"+strconv.Itoa(round), acme, lanyard.RoleOwner)
			made, people := h.invited(olga, organizations.Invite{MaxUses: 100}), h.people(round)
			won := h.race(func(i int) error { return h.accepts(people[i], made.Invitation.ID) }, lanyard.ErrNoSeat)
			members, err := h.t.Scope.Memberships(h.Context(), acme.ID)
			h.must(err)
			if won != 1 || len(members) != 2 || h.usesOf(made.Invitation.ID) != 1 {
				t.Fatalf("%d winners, %d members, %d uses", won, len(members), h.usesOf(made.Invitation.ID))
			}
		}
	})
}

// TestDemotionAndAcceptanceComeOneAfterTheOther races them: events are written while
// the organization is locked, so nobody is let in after the fact that took the right away.
func TestDemotionAndAcceptanceComeOneAfterTheOther(t *testing.T) {
	inTown(t, func(h *town) {
		for round := range testkit.Rounds(10, 200) {
			acme := h.organization("acme-" + strconv.Itoa(round))
			olga, adam := h.seated("olga-"+strconv.Itoa(round), acme, lanyard.RoleOwner), h.seated("adam-"+strconv.Itoa(round), acme, lanyard.RoleAdmin)
			made, people := h.invited(adam, organizations.Invite{MaxUses: 100}), h.people(round)
			won := h.race(func(i int) error {
				switch {
				case i == 16 && round%2 == 0:
					return h.SetRoles(h.Context(), olga, adam.Actor.User.ID, []string{"member"}, h.now)
				case i == 16:
					return h.Remove(h.Context(), olga, adam.Actor.User.ID, h.now)
				}
				return h.accepts(people[i], made.Invitation.ID)
			}, lanyard.ErrNotFound)
			kind := lanyard.EventMemberUpdated
			if round%2 == 1 {
				kind = lanyard.EventMemberRemoved
			}
			lost, added := h.events(kind, acme.ID), h.events(lanyard.EventMemberAdded, acme.ID)
			if len(lost) != 1 || len(added) != won-1 || int(h.usesOf(made.Invitation.ID)) != won-1 {
				t.Fatalf("%d lost the right, %d were added, %d succeeded", len(lost), len(added), won)
			}
			for _, e := range added {
				if e.ID > lost[0].ID {
					t.Fatal("somebody was let in by an inviter who had lost the right")
				}
			}
			h.wants("afterwards", h.accepts(h.person("late-"+strconv.Itoa(round)), made.Invitation.ID), lanyard.ErrNotFound)
		}
	})
}

// ATTACKS J 194: whichever statement fails, nothing of the acceptance is left.
func TestAcceptanceIsAllOrNothing(t *testing.T) {
	inTown(t, func(h *town) {
		acme := h.organization("acme")
		olga := h.seated("olga", acme, lanyard.RoleOwner)
		made := h.invited(olga, organizations.Invite{MaxUses: 100})
		shown := h.shown(made.Invitation.ID)
		for failing := 1; ; failing++ {
			id := lanyard.NewUserID()
			user := lanyard.User{ID: id, Subject: string(id), Username: "u" + strconv.Itoa(failing), UpdatedAt: h.now, CreatedAt: h.now}
			before, uses := len(h.everything(acme)), h.usesOf(made.Invitation.ID)
			ctx, cancel := context.WithCancel(h.Context())
			ctx, statements := storage.CountStatements(ctx)
			statements.Before = func(n int) {
				if n == failing {
					cancel()
				}
			}
			err := h.t.Scope.InTx(ctx, func(tx storage.Scope) error {
				if err := tx.InsertUser(ctx, user); err != nil {
					return err
				}
				return h.Admit(ctx, tx, h.t, organizations.Guest{Invitation: made.Invitation.ID, Shown: shown, User: user}, h.now)
			})
			cancel()
			if err == nil {
				if failing < 10 || h.rolesOf(id, acme) == nil || h.usesOf(made.Invitation.ID) != 1 {
					t.Errorf("it succeeded with %d statements, roles %v", failing, h.rolesOf(id, acme))
				}
				return
			}
			_, missing := h.t.Scope.User(h.Context(), id)
			h.wants("the user of a failed acceptance", missing, lanyard.ErrNotFound)
			if got := len(h.everything(acme)); got != before || h.usesOf(made.Invitation.ID) != uses {
				t.Fatalf("statement %d failed (%v): %d rows after %d, %d uses", failing, err, got, before, h.usesOf(made.Invitation.ID))
			}
		}
	})
}

// everything is what can be read of an organization: members and facts.
func (h *town) everything(o lanyard.Organization) []any {
	h.Helper()
	var out []any
	members, err := h.t.Scope.Memberships(h.Context(), o.ID)
	h.must(err)
	for _, m := range members {
		out = append(out, m)
	}
	facts, err := h.t.Scope.OrganizationEvents(h.Context(), o.ID, "", 1000)
	h.must(err)
	for _, f := range facts {
		out = append(out, f)
	}
	return out
}

// before gives a context in which something is done, once, right before the statement
// that locks an organization. Where there is one writer only, nothing can come between.
func (h *town) before(do func()) context.Context {
	ctx, statements := storage.CountStatements(h.Context())
	done := strings.HasSuffix(h.Name(), "/sqlite")
	statements.Before = func(n int) {
		if !done && strings.HasPrefix(statements.Seen()[n-1], "UPDATE organizations SET slug = slug") {
			done = true
			do()
		}
	}
	h.Cleanup(func() {
		if !done {
			h.Error("the organization was never locked")
		}
	})
	return ctx
}

// What an invitation gave before it was replaced is not given any more, however late
// the acceptance finds out.
func TestAcceptanceReadsTheInvitationOnceTheOrganizationIsLocked(t *testing.T) {
	inTown(t, func(h *town) {
		acme := h.organization("acme")
		olga, grace := h.seated("olga", acme, lanyard.RoleOwner), h.person("grace")
		form := organizations.Invite{Email: "grace@example.test", Roles: []string{"owner"}}
		made := h.invited(olga, form)
		form.Roles = []string{"member"}
		replace := func() { h.invited(olga, form) }
		if strings.HasSuffix(h.Name(), "/sqlite") {
			replace()
		}
		_, err := h.Accept(h.before(replace), h.t, grace, made.Invitation.ID, nil, h.now)
		h.must(err)
		if diff := cmp.Diff([]string{"member"}, h.rolesOf(grace.User.ID, acme)); diff != "" {
			t.Errorf("roles (-want +got):\n%s", diff)
		}
	})
}

func TestDomainThatWasTurnedOffLetsNobodyIn(t *testing.T) {
	inTown(t, func(h *town) {
		acme := h.organization("acme")
		olga, grace := h.seated("olga", acme, lanyard.RoleOwner), h.personAt("grace", "grace@acme.test", true)
		h.proved(olga, "acme.test", lanyard.JoiningAutomatic)
		turnOff := func() { h.must(h.SetJoining(h.Context(), olga, "acme.test", lanyard.JoiningOff, h.now)) }
		if strings.HasSuffix(h.Name(), "/sqlite") {
			turnOff()
		}
		ctx := h.before(turnOff)
		h.must(h.t.Scope.InTx(ctx, func(tx storage.Scope) error {
			return h.JoinByDomain(ctx, tx, h.t, grace.User, []string{"grace@acme.test"}, h.now)
		}))
		if got := h.rolesOf(grace.User.ID, acme); got != nil {
			t.Errorf("she is %v", got)
		}
	})
}
