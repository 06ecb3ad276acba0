package storage_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// settle gives the organization of a house a role, a machine, a logo and a fact of its own.
func settle(t *testing.T, h *house) {
	t.Helper()
	ctx := t.Context()
	ok(t, h.PutRole(ctx, h.org.ID, "keeper", []string{"lamps:light"}, now))
	ok(t, h.PutMachineRoles(ctx, "web", h.org.ID, []string{"keeper"}, now))
	ok(t, h.PutOrganizationLogo(ctx, h.org.ID, true, []byte("logo")))
	ok(t, h.InsertInvitation(ctx, lanyard.Invitation{
		ID: "inv_settled", OrganizationID: h.org.ID, CodeHash: hash("settled"), Email: "ada@example.test", Roles: []string{"member"}, MaxUses: 1, CreatedAt: now, ExpiresAt: now.Add(time.Hour),
	}))
	ok(t, h.InsertEvent(ctx, lanyard.Event{Type: lanyard.EventOrganizationUpdated, At: now, OrganizationID: h.org.ID}))
}

// settled reads back what is in the organization of a house.
func settled(t *testing.T, h *house) []any {
	t.Helper()
	ctx := t.Context()
	joined, err := h.Joined(ctx, h.user.ID, string(h.org.ID))
	ok(t, err)
	machine, err := h.MachineRoles(ctx, "web", "acme")
	ok(t, err)
	logo, err := h.OrganizationLogo(ctx, h.org.ID, true)
	ok(t, err)
	session, err := h.Session(ctx, h.session)
	ok(t, err)
	return []any{joined, machine, logo, session.OrganizationID}
}

// organizationCases are the calls of a stranger on the victim's organization.
func organizationCases(t *testing.T, s stranger) (calls, own cases) {
	ctx, victim := t.Context(), s.victim
	settle(t, victim)
	before := settled(t, victim)
	id, user := victim.org.ID, victim.user.ID
	// untouched looks at the victim's organization after a call.
	untouched := func(err error) error {
		if diff := cmp.Diff(before, settled(t, victim)); diff != "" {
			return errors.New("the organization of the victim changed:\n" + diff)
		}
		return err
	}
	member := lanyard.Membership{OrganizationID: id, UserID: user, Roles: []string{"owner"}, CreatedAt: now}
	renamed := lanyard.Organization{ID: id, Name: "stranger"}
	counted := func(n int64, err error) error { return touched(n, err) }
	return cases{
		"Organization":       func() error { return first(s.Organization(ctx, id)) },
		"Organizations":      func() error { all, err := s.Organizations(ctx, "", 10); return touched(len(all), err) },
		"UpdateOrganization": func() error { return untouched(s.UpdateOrganization(ctx, renamed)) },
		"HoldOrganization":   func() error { return first(s.HoldOrganization(ctx, id)) },
		"LockOrganization":   func() error { return first(s.LockOrganization(ctx, id)) },
		"ScheduleOrganizationDeletion": func() error {
			return untouched(s.ScheduleOrganizationDeletion(ctx, id, now))
		},
		"EraseOrganization": func() error { return untouched(s.EraseOrganization(ctx, id, now.Add(time.Hour))) },
		"Joined":            func() error { return first(s.Joined(ctx, user, "acme")) },
		"AllJoined":         func() error { all, err := s.AllJoined(ctx, user, 10); return touched(len(all), err) },
		"Membership":        func() error { return first(s.Membership(ctx, id, user)) },
		"Members": func() error {
			all, err := s.Members(ctx, storage.MemberQuery{Organization: id, Limit: 10})
			return touched(len(all), err)
		},
		"CountMembers":       func() error { return counted(s.CountMembers(ctx, id, 10)) },
		"CountOwners":        func() error { return counted(s.CountOwners(ctx, id)) },
		"InsertMembership":   func() error { return untouched(s.InsertMembership(ctx, member)) },
		"HoldMembership":     func() error { return s.HoldMembership(ctx, id, user) },
		"DeleteMembership":   func() error { return untouched(s.DeleteMembership(ctx, id, user, now)) },
		"ChooseOrganization": func() error { return untouched(s.ChooseOrganization(ctx, victim.session, user, id, true)) },
		"Roles":              func() error { all, err := s.Roles(ctx, id); return touched(len(all), err) },
		"DeleteRole":         func() error { return untouched(s.DeleteRole(ctx, id, "keeper")) },
		"RoleHolders":        func() error { return counted(s.RoleHolders(ctx, id, "owner", now, 10)) },
		"MachineRoles":       func() error { return first(s.MachineRoles(ctx, "web", "acme")) },
		"PutMachineRoles": func() error {
			return untouched(s.PutMachineRoles(ctx, "web", id, []string{"owner"}, now))
		},
		"OrganizationEvents": func() error { all, err := s.OrganizationEvents(ctx, id, "", 10); return touched(len(all), err) },
		"PutOrganizationLogo": func() error {
			return untouched(s.PutOrganizationLogo(ctx, id, true, []byte("other")))
		},
		"OrganizationLogo":       func() error { return first(s.OrganizationLogo(ctx, id, true)) },
		"DeleteOrganizationLogo": func() error { return untouched(s.DeleteOrganizationLogo(ctx, id, true)) },
		"InvitedBefore":          func() error { return touched(s.InvitedBefore(ctx, id, "ada@example.test")) },
		"Users":                  func() error { all, err := s.Users(ctx, []lanyard.UserID{user}); return touched(len(all), err) },
	}, cases{}
}

// closings shut the organization of a house in one way each.
var closings = map[string]func(t *testing.T, h *house){
	"suspended": func(t *testing.T, h *house) {
		t.Helper()
		o := h.org
		o.Suspended = true
		ok(t, h.UpdateOrganization(t.Context(), o))
	},
	"deleted": func(t *testing.T, h *house) {
		t.Helper()
		ok(t, h.ScheduleOrganizationDeletion(t.Context(), h.org.ID, now.Add(time.Hour)))
	},
	"erased": func(t *testing.T, h *house) {
		t.Helper()
		ok(t, h.ScheduleOrganizationDeletion(t.Context(), h.org.ID, now))
		ok(t, h.EraseOrganization(t.Context(), h.org.ID, now))
	},
}

func TestClosedOrganizationIsNotHeld(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		for name, closes := range closings {
			ctx, h := t.Context(), furnish(t, store, name)
			settle(t, h)
			if got, err := h.HoldOrganization(ctx, h.org.ID); err != nil || got.Slug != "acme" {
				t.Fatalf("open: %v %v", got, err)
			}
			ok(t, h.HoldMembership(ctx, h.org.ID, h.user.ID))
			closes(t, h)
			for what, err := range map[string]error{
				"held": first(h.HoldOrganization(ctx, h.org.ID)), "membership": h.HoldMembership(ctx, h.org.ID, h.user.ID),
				"machine": first(h.MachineRoles(ctx, "web", "acme")), "logo": first(h.OrganizationLogo(ctx, h.org.ID, true)),
			} {
				if !errors.Is(err, lanyard.ErrNotFound) {
					t.Errorf("%s, %s: %v", name, what, err)
				}
			}
			if _, err := h.LockOrganization(ctx, h.org.ID); (err != nil) != (name == "erased") {
				t.Errorf("%s: locked: %v", name, err)
			}
			if j, err := h.Joined(ctx, h.user.ID, "acme"); (err == nil && j.Counts()) || (err != nil) != (name == "erased") {
				t.Errorf("%s: joined: %v %v", name, j, err)
			}
		}
	})
}

// What is left of an erased organization is its slug and its code, so that nobody else gets them.
func TestErasedOrganizationLeavesItsSlug(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "acme")
		other := lanyard.Organization{ID: lanyard.NewOrganizationID(), Slug: "other", Name: "other", Code: "ABCD2345", CreatedAt: now}
		ok(t, h.InsertOrganization(ctx, other))
		settle(t, h)
		refused := func(what string, at time.Time) {
			t.Helper()
			if err := h.EraseOrganization(ctx, h.org.ID, at); !errors.Is(err, lanyard.ErrConflict) {
				t.Errorf("%s: %v", what, err)
			}
		}
		refused("not asked for", now)
		ok(t, h.ScheduleOrganizationDeletion(ctx, h.org.ID, now))
		refused("too early", now.Add(-time.Second))
		due, err := store.DueOrganizations(ctx, now, 10)
		if want := []storage.DueOrganization{{TenantID: h.TenantID(), OrganizationID: h.org.ID}}; err != nil || cmp.Diff(want, due) != "" {
			t.Errorf("due: %v %v", due, err)
		}
		ok(t, h.EraseOrganization(ctx, h.org.ID, now))
		if due, err = store.DueOrganizations(ctx, now, 10); err != nil || len(due) > 0 {
			t.Errorf("due again: %v %v", due, err)
		}
		for what, o := range map[string]lanyard.Organization{
			"slug": {ID: "org_a", Slug: "acme", CreatedAt: now}, "code": {ID: "org_b", Slug: "b", Code: other.Code, CreatedAt: now},
		} {
			if err := h.InsertOrganization(ctx, o); !errors.Is(err, lanyard.ErrConflict) {
				t.Errorf("the %s was given again: %v", what, err)
			}
		}
		all, err := h.Organizations(ctx, "", 10)
		if err != nil || len(all) != 1 || all[0].ID != other.ID {
			t.Errorf("left: %v %v", all, err)
		}
		for what, gone := range map[string]error{
			"id": first(h.Organization(ctx, h.org.ID)), "slug": first(h.OrganizationBySlug(ctx, "acme")),
			"joined": first(h.Joined(ctx, h.user.ID, "acme")), "again": h.EraseOrganization(ctx, h.org.ID, now),
		} {
			if err := gone; !errors.Is(err, lanyard.ErrNotFound) && !errors.Is(err, lanyard.ErrConflict) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if roles, err := h.Roles(ctx, h.org.ID); err != nil || len(roles) > 0 {
			t.Errorf("roles: %v %v", roles, err)
		}
	})
}

func TestMembersAreFoundByWhatTheirNamesContain(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "acme")
		want := []lanyard.UserID{h.user.ID}
		for i, name := range []string{"50% Off", "Under_Score", `Back\Slash`, "Plain", "ÅSA Öberg"} {
			id := lanyard.UserID(fmt.Sprintf("usr_%d", i))
			want = append(want, id)
			ok(t, h.InsertUser(ctx, lanyard.User{ID: id, Subject: string(id), Profile: lanyard.Profile{Name: name}, UpdatedAt: now, CreatedAt: now}))
			ok(t, h.SetPrimaryEmail(ctx, id, fmt.Sprintf("mail%d@people.test", i), true, now))
			ok(t, h.InsertMembership(ctx, lanyard.Membership{OrganizationID: h.org.ID, UserID: id, Roles: []string{"member"}, CreatedAt: now}))
		}
		for search, names := range map[string][]string{
			"%": {"50% Off"}, "_": {"Under_Score"}, `\`: {`Back\Slash`}, "plain": {"Plain"}, "åsa": {"ÅSA Öberg"}, "ÖBERG": {"ÅSA Öberg"},
			"mail3@": {"Plain"}, "nobody": nil, "' OR 1=1": nil,
		} {
			found, err := h.Members(ctx, storage.MemberQuery{Organization: h.org.ID, Search: search, Limit: 10})
			ok(t, err)
			var got []string
			for _, m := range found {
				got = append(got, m.User.Profile.Name)
			}
			if diff := cmp.Diff(names, got); diff != "" {
				t.Errorf("%q (-want +got):\n%s", search, diff)
			}
		}
		var all []lanyard.UserID
		for after := lanyard.UserID(""); ; {
			page, err := h.Members(ctx, storage.MemberQuery{Organization: h.org.ID, After: after, Limit: 2})
			ok(t, err)
			if len(page) == 0 {
				break
			}
			for _, m := range page {
				all, after = append(all, m.User.ID), m.User.ID
			}
		}
		if slices.Sort(want); cmp.Diff(want, all) != "" {
			t.Errorf("pages: %v, want %v", all, want)
		}
		if n, err := h.CountMembers(ctx, h.org.ID, 3); n != 3 || err != nil {
			t.Errorf("counted %d: %v", n, err)
		}
	})
}

// A grant of an organization lives as long as the membership, and while the organization is open.
func TestGrantDiesWithTheMembership(t *testing.T) {
	endings := map[string]func(t *testing.T, h *house){
		"removed": func(t *testing.T, h *house) {
			t.Helper()
			ok(t, h.DeleteMembership(t.Context(), h.org.ID, h.user.ID, now))
		},
	}
	for name, closes := range closings {
		endings[name] = closes
	}
	onBoth(t, func(t *testing.T, store *storage.Store) {
		for name, ends := range endings {
			ctx, h := t.Context(), furnish(t, store, name)
			g := h.grant
			g.ID, g.OrganizationID = lanyard.NewGrantID(), h.org.ID
			g.Refresh = &lanyard.RefreshFamily{Sequence: 2, KeyID: "mac", Current: hash("one"), IdleUntil: now.Add(time.Hour)}
			ok(t, h.InsertGrant(ctx, g))
			step := storage.Rotation{Grant: g.ID, Presented: hash("one"), Successor: hash("two"), KeyID: "mac", At: now, IdleUntil: now.Add(time.Hour)}
			if won, err := h.Rotate(ctx, step); !won || err != nil {
				t.Fatalf("alive: %v %v", won, err)
			}
			if again, err := h.ConfirmRetry(ctx, step, now.Add(-time.Minute)); !again || err != nil {
				t.Fatalf("alive: %v %v", again, err)
			}
			standing, err := h.Standing(ctx, g.ID)
			if err != nil || !standing.Live(now) {
				t.Fatalf("alive: %v %v", standing, err)
			}
			ends(t, h)
			if standing, err = h.Standing(ctx, g.ID); err != nil || standing.Live(now) {
				t.Errorf("%s: it lives: %v", name, err)
			}
			if again, err := h.ConfirmRetry(ctx, step, now.Add(-time.Minute)); again || err != nil {
				t.Errorf("%s: confirmed: %v %v", name, again, err)
			}
			if err := h.HoldMembership(ctx, h.org.ID, h.user.ID); !errors.Is(err, lanyard.ErrNotFound) { // what a code is spent under
				t.Errorf("%s: the membership was held: %v", name, err)
			}
			step.Presented, step.Successor = hash("two"), hash("three")
			if won, err := h.Rotate(ctx, step); won || err != nil {
				t.Errorf("%s: rotated: %v %v", name, won, err)
			}
			if standing, err = h.Standing(ctx, h.grant.ID); err != nil || !standing.Live(now) {
				t.Errorf("%s: the grant without an organization died: %v", name, err)
			}
		}
	})
}

// Who becomes a member again gets new grants; the old ones stay dead.
func TestJoiningAgainRevivesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "acme")
		g := h.grant
		g.ID, g.OrganizationID, g.Refresh = lanyard.NewGrantID(), h.org.ID, nil
		ok(t, h.InsertGrant(ctx, g))
		ok(t, h.DeleteMembership(ctx, h.org.ID, h.user.ID, now))
		ok(t, h.InsertMembership(ctx, lanyard.Membership{OrganizationID: h.org.ID, UserID: h.user.ID, Roles: []string{"owner"}, CreatedAt: now}))
		if s, err := h.Standing(ctx, g.ID); err != nil || s.Live(now) || s.Grant.RevokeReason != lanyard.RevokedMembership {
			t.Errorf("%v %v", s.Grant, err)
		}
	})
}

func TestRoleHoldersAreMembersMachinesAndTheInvited(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "acme")
		holders := func(role string, want int64) {
			t.Helper()
			if n, err := h.RoleHolders(ctx, h.org.ID, role, now, 10); n != want || err != nil {
				t.Errorf("%s: %d, want %d: %v", role, n, want, err)
			}
		}
		holders("a_b", 0)
		ok(t, h.PutMembership(ctx, lanyard.Membership{OrganizationID: h.org.ID, UserID: h.user.ID, Roles: []string{"owner", "a_b", "axb-c"}, CreatedAt: now}))
		holders("a_b", 1)
		holders("axb", 0) // no part of a name, and _ is no wildcard
		holders("a_b-c", 0)
		ok(t, h.PutMachineRoles(ctx, "web", h.org.ID, []string{"a_b"}, now))
		holders("a_b", 2)
		invitation := lanyard.Invitation{ID: lanyard.NewInvitationID(), OrganizationID: h.org.ID, CodeHash: hash("code"), Roles: []string{"a_b"}, MaxUses: 1, CreatedAt: now, ExpiresAt: now.Add(time.Hour)}
		ok(t, h.InsertInvitation(ctx, invitation))
		holders("a_b", 3)
		if _, err := h.RevokeInvitation(ctx, h.org.ID, invitation.ID, now); err != nil {
			t.Fatal(err)
		}
		holders("a_b", 2)
	})
}
