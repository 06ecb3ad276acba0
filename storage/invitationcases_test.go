package storage_test

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/storage"
)

// invitationTo is an invitation to the organization of a house; its secrets are everybody's.
func invitationTo(h *house) lanyard.Invitation {
	return lanyard.Invitation{
		ID: "inv_same", TenantID: h.TenantID(), OrganizationID: h.org.ID, CodeHash: hash("invite"), Email: "grace@example.test", Roles: []string{"admin", "member"},
		ClientID: "web", MaxUses: 1, ExpiresAt: now.Add(time.Hour), InviterID: h.user.ID, CreatedAt: now, SentAt: now,
	}
}

func domainOf(h *house) lanyard.Domain {
	return lanyard.Domain{
		OrganizationID: h.org.ID, Name: "example.test", Token: "token", Joining: lanyard.JoiningAutomatic, VerifiedAt: now, CreatedAt: now,
	}
}

// invitationCases are the calls of a stranger on the invitations, domains and requests of the victim.
func invitationCases(t *testing.T, s stranger) (calls, own cases) {
	ctx, victim := t.Context(), s.victim
	invitation, domain := invitationTo(victim), domainOf(victim)
	ok(t, victim.InsertInvitation(ctx, invitation))
	ok(t, victim.InsertDomain(ctx, domain))
	ok(t, first(victim.InsertJoinRequest(ctx, victim.org.ID, victim.user.ID, now)))
	ok(t, victim.InsertEvent(ctx, lanyard.Event{Type: lanyard.EventMemberLeft, At: now, UserID: victim.user.ID, OrganizationID: victim.org.ID}))
	// untouched looks at the victim's rows after a call.
	untouched := func(err error) error {
		got, missing := victim.Invitation(ctx, invitation.ID)
		domains, lost := victim.Domains(ctx, victim.org.ID)
		asked, gone := victim.JoinRequested(ctx, victim.org.ID, victim.user.ID)
		diff := cmp.Diff(invitation, got) + cmp.Diff([]lanyard.Domain{domain}, domains)
		if missing != nil || lost != nil || gone != nil || !asked || diff != "" {
			return fmt.Errorf("the rows of the victim: %w %w %w %v\n%s", missing, lost, gone, asked, diff)
		}
		return err
	}
	org, user, one := victim.org.ID, victim.user.ID, func(n int, err error) error { return touched(n, err) }
	return cases{
			"Invitation":       func() error { return first(s.Invitation(ctx, invitation.ID)) },
			"InvitationByCode": func() error { return first(s.InvitationByCode(ctx, hash("invite"))) },
			"Invitations":      func() error { all, err := s.Invitations(ctx, org, "", 10); return one(len(all), err) },
			"InvitationsTo": func() error {
				all, err := s.InvitationsTo(ctx, []string{"grace@example.test"}, now, 10)
				return one(len(all), err)
			},
			"CountInvitations": func() error { return touched(s.CountInvitations(ctx, org, now.Add(-time.Hour))) },
			"UnusedInvitation": func() error { return first(s.UnusedInvitation(ctx, org, "grace@example.test")) },
			"InvitedBefore":    func() error { return touched(s.InvitedBefore(ctx, org, "grace@example.test")) },
			"MemberAt":         func() error { return touched(s.MemberAt(ctx, org, "ada@example.test")) },
			"SpendInvitation":  func() error { return untouched(s.SpendInvitation(ctx, invitation.ID, user, now)) },
			"RevokeInvitation": func() error { return untouched(touched(s.RevokeInvitation(ctx, org, invitation.ID, now))) },
			"RenewInvitation": func() error {
				renewed := invitation
				renewed.CodeHash = hash("renewed")
				return untouched(s.RenewInvitation(ctx, renewed, now))
			},
			"InvitationUses": func() error { all, err := s.InvitationUses(ctx, org, invitation.ID, 10); return one(len(all), err) },
			"Domains":        func() error { all, err := s.Domains(ctx, org); return one(len(all), err) },
			"JoinableDomains": func() error {
				all, err := s.JoinableDomains(ctx, []string{"a@example.test"})
				return one(len(all), err)
			},
			"VerifyDomain":      func() error { return untouched(s.VerifyDomain(ctx, org, domain.Name, now.Add(time.Hour))) },
			"SetJoining":        func() error { return untouched(s.SetJoining(ctx, org, domain.Name, lanyard.JoiningOff)) },
			"DeleteDomain":      func() error { return untouched(s.DeleteDomain(ctx, org, domain.Name)) },
			"TakeJoinRequest":   func() error { return untouched(s.TakeJoinRequest(ctx, org, user)) },
			"JoinRequests":      func() error { all, err := s.JoinRequests(ctx, org, 10); return one(len(all), err) },
			"JoinRequested":     func() error { return touched(s.JoinRequested(ctx, org, user)) },
			"LeftBefore":        func() error { return touched(s.LeftBefore(ctx, org, user)) },
			"InsertJoinRequest": func() error { return untouched(touched(s.InsertJoinRequest(ctx, org, user, now))) },
			"InsertDomain":      func() error { return untouched(s.InsertDomain(ctx, domain)) },
		}, cases{
			"InsertInvitation": func() error { // the same id and code, to the platform
				i := invitation
				i.OrganizationID = ""
				return untouched(s.InsertInvitation(ctx, i))
			},
		}
}

// colleague is another user of a house.
func colleague(t *testing.T, h *house, name string) lanyard.UserID {
	t.Helper()
	id := lanyard.UserID("usr_" + name)
	ok(t, h.InsertUser(t.Context(), lanyard.User{ID: id, Subject: name, Username: name, UpdatedAt: now, CreatedAt: now}))
	return id
}

func another(t *testing.T, h *house, slug string) lanyard.OrganizationID {
	t.Helper()
	id := lanyard.NewOrganizationID()
	ok(t, h.InsertOrganization(t.Context(), lanyard.Organization{ID: id, TenantID: h.TenantID(), Slug: slug, Name: slug, CreatedAt: now}))
	return id
}

func TestInvitationIsWhatWasStored(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "acme")
		full := invitationTo(h)
		platform := lanyard.Invitation{
			ID: "inv_to_all", TenantID: h.TenantID(), CodeHash: hash("other"), Domain: "example.test", Plan: "pro", TrialDays: 14, MaxUses: 7, ExpiresAt: now.Add(time.Hour), CreatedAt: now,
		}
		ok(t, h.InsertInvitation(ctx, full))
		ok(t, h.InsertInvitation(ctx, platform))
		for _, want := range []lanyard.Invitation{full, platform} {
			got, err := h.Invitation(ctx, want.ID)
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			byCode, err := h.InvitationByCode(ctx, want.CodeHash)
			if err != nil || byCode.ID != want.ID {
				t.Errorf("by code: %v %v", byCode.ID, err)
			}
			listed, err := h.Invitations(ctx, want.OrganizationID, "", 10)
			if err != nil || len(listed) != 1 || listed[0].ID != want.ID {
				t.Errorf("listed: %v %v", listed, err)
			}
		}
		ok(t, h.SpendInvitation(ctx, platform.ID, h.user.ID, now))
		again := full
		again.ID = "inv_again"
		wantErr(t, h.InsertInvitation(ctx, again), lanyard.ErrConflict)
	})
}

func TestInvitationsComeInPagesNewestFirst(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "acme")
		for n := range 5 {
			i := invitationTo(h)
			i.ID, i.CodeHash = lanyard.InvitationID("inv_"+strconv.Itoa(n)), hash(strconv.Itoa(n))
			ok(t, h.InsertInvitation(ctx, i))
		}
		var got []lanyard.InvitationID
		for before := lanyard.InvitationID(""); ; before = got[len(got)-1] {
			page, err := h.Invitations(ctx, h.org.ID, before, 2)
			ok(t, err)
			for _, i := range page {
				got = append(got, i.ID)
			}
			if len(page) < 2 {
				break
			}
		}
		if diff := cmp.Diff([]lanyard.InvitationID{"inv_4", "inv_3", "inv_2", "inv_1", "inv_0"}, got); diff != "" {
			t.Error(diff)
		}
	})
}

// The statement that spends has every condition.
func TestOnlyLiveInvitationsAreSpent(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "acme")
		second := colleague(t, h, "second")
		for _, c := range []struct {
			what  string
			uses  int64
			spoil func(id lanyard.InvitationID) error
			at    time.Time
			want  error
		}{
			{what: "alive", uses: 1, at: now.Add(time.Hour - time.Microsecond)},
			{what: "expired at this moment", uses: 1, at: now.Add(time.Hour), want: lanyard.ErrNotFound},
			{what: "without uses", at: now, want: lanyard.ErrNotFound},
			{what: "used up", uses: 1, spoil: func(id lanyard.InvitationID) error { return h.SpendInvitation(ctx, id, h.user.ID, now) }, at: now, want: lanyard.ErrNotFound},
			{what: "revoked", uses: 1, spoil: func(id lanyard.InvitationID) error { return first(h.RevokeInvitation(ctx, h.org.ID, id, now)) }, at: now, want: lanyard.ErrNotFound},
			{what: "used by the same before", uses: 5, spoil: func(id lanyard.InvitationID) error { return h.SpendInvitation(ctx, id, second, now) }, at: now, want: lanyard.ErrConflict},
		} {
			i := invitationTo(h)
			i.ID, i.CodeHash, i.MaxUses = lanyard.NewInvitationID(), lanyard.NewSecret().Hash(), c.uses
			ok(t, h.InsertInvitation(ctx, i))
			if c.spoil != nil {
				ok(t, c.spoil(i.ID))
			}
			before, err := h.Invitation(ctx, i.ID)
			ok(t, err)
			if err := h.SpendInvitation(ctx, i.ID, second, c.at); !errors.Is(err, c.want) {
				t.Errorf("%s: got %v, want %v", c.what, err, c.want)
			}
			after, err := h.Invitation(ctx, i.ID)
			ok(t, err)
			if c.want != nil && after.Uses != before.Uses {
				t.Errorf("%s: it counts %d uses after %d", c.what, after.Uses, before.Uses)
			}
		}
	})
}

// Another organization of the same tenant, and the operators, have no hand in it.
func TestInvitationsBelongToTheirOrganization(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "acme")
		i, other := invitationTo(h), another(t, h, "other")
		ok(t, h.InsertInvitation(ctx, i))
		ok(t, h.SpendInvitation(ctx, i.ID, h.user.ID, now))
		ok(t, first(h.RevokeInvitation(ctx, h.org.ID, i.ID, now)))
		open := i
		open.ID, open.CodeHash = "inv_open", hash("open")
		ok(t, h.InsertInvitation(ctx, open))
		for _, place := range []lanyard.OrganizationID{other, ""} {
			ended, err := h.RevokeInvitation(ctx, place, open.ID, now)
			if err != nil || ended {
				t.Errorf("from %q: revoked %v %v", place, ended, err)
			}
			moved := open
			moved.OrganizationID, moved.CodeHash = place, hash("moved")
			wantErr(t, h.RenewInvitation(ctx, moved, now), lanyard.ErrNotFound)
			uses, err := h.InvitationUses(ctx, place, i.ID, 10)
			if err != nil || len(uses) != 0 {
				t.Errorf("from %q: uses %v %v", place, uses, err)
			}
			listed, err := h.Invitations(ctx, place, "", 10)
			if err != nil || len(listed) != 0 {
				t.Errorf("from %q: listed %v %v", place, listed, err)
			}
			wantErr(t, first(h.UnusedInvitation(ctx, place, open.Email)), lanyard.ErrNotFound)
			in, err := h.MemberAt(ctx, place, "ada@example.test")
			if err != nil || in {
				t.Errorf("from %q: member %v %v", place, in, err)
			}
			before, err := h.InvitedBefore(ctx, place, open.Email)
			if err != nil || before {
				t.Errorf("from %q: invited %v %v", place, before, err)
			}
		}
		got, err := h.Invitation(ctx, open.ID)
		if diff := cmp.Diff(open, got); err != nil || diff != "" {
			t.Errorf("it changed: %v\n%s", err, diff)
		}
		in, err := h.MemberAt(ctx, h.org.ID, "ada@example.test")
		if err != nil || !in {
			t.Errorf("the member is none: %v %v", in, err)
		}
		before, err := h.InvitedBefore(ctx, h.org.ID, "grace@example.test")
		if err != nil || !before {
			t.Errorf("nobody was invited: %v %v", before, err)
		}
	})
}

func TestRenewedInvitationHasAnotherCodeAndCounts(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "acme")
		i, day := invitationTo(h), 24*time.Hour
		ok(t, h.InsertInvitation(ctx, i))
		for _, step := range []struct {
			code  string
			after time.Duration
			want  int64
		}{{"a", time.Hour, 2}, {"b", 2 * time.Hour, 3}, {"c", 2 * day, 1}} {
			old := i.CodeHash
			i.CodeHash, i.SentAt, i.Roles, i.InviterID, i.ClientID = hash(step.code), now.Add(step.after), []string{step.code}, "usr_x", ""
			i.ExpiresAt = i.SentAt.Add(day)
			ok(t, h.RenewInvitation(ctx, i, i.SentAt.Add(-day)))
			wantErr(t, first(h.InvitationByCode(ctx, old)), lanyard.ErrNotFound)
			got, err := h.InvitationByCode(ctx, i.CodeHash)
			if diff := cmp.Diff(i, got); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			n, err := h.CountInvitations(ctx, h.org.ID, i.SentAt.Add(-day))
			if err != nil || n != step.want {
				t.Errorf("after %s it counts %d, want %d: %v", step.after, n, step.want, err)
			}
		}
		n, err := h.CountInvitations(ctx, h.org.ID, i.SentAt)
		if err != nil || n != 0 {
			t.Errorf("later it counts %d: %v", n, err)
		}
		ok(t, h.SpendInvitation(ctx, i.ID, h.user.ID, now))
		wantErr(t, h.RenewInvitation(ctx, i, now), lanyard.ErrNotFound)
		wantErr(t, first(h.UnusedInvitation(ctx, h.org.ID, i.Email)), lanyard.ErrNotFound)
	})
}

func TestInvitationsToAddressesAreLive(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "acme")
		closed := another(t, h, "closed")
		put := func(id lanyard.InvitationID, change func(i *lanyard.Invitation)) {
			i := invitationTo(h)
			i.ID, i.CodeHash = id, hash(string(id))
			change(&i)
			ok(t, h.InsertInvitation(ctx, i))
		}
		put("inv_1_live", func(*lanyard.Invitation) {})
		put("inv_2_other", func(i *lanyard.Invitation) { i.Email = "grace@example.test.evil.test" })
		put("inv_3_expired", func(i *lanyard.Invitation) { i.ExpiresAt = now })
		put("inv_4_revoked", func(*lanyard.Invitation) {})
		ok(t, first(h.RevokeInvitation(ctx, h.org.ID, "inv_4_revoked", now)))
		put("inv_5_used", func(*lanyard.Invitation) {})
		ok(t, h.SpendInvitation(ctx, "inv_5_used", h.user.ID, now))
		put("inv_6_platform", func(i *lanyard.Invitation) { i.OrganizationID = "" })
		put("inv_7_closed", func(i *lanyard.Invitation) { i.OrganizationID = closed })
		ok(t, h.ScheduleOrganizationDeletion(ctx, closed, now.Add(time.Hour)))
		put("inv_8_live", func(i *lanyard.Invitation) { i.Email = "hopper@example.test" })
		got, err := h.InvitationsTo(ctx, []string{"grace@example.test", "hopper@example.test"}, now, 10)
		ok(t, err)
		var ids []lanyard.InvitationID
		for _, i := range got {
			ids = append(ids, i.ID)
		}
		if diff := cmp.Diff([]lanyard.InvitationID{"inv_8_live", "inv_1_live"}, ids); diff != "" {
			t.Error(diff)
		}
		none, err := h.InvitationsTo(ctx, nil, now, 10)
		if err != nil || len(none) != 0 {
			t.Errorf("without an address: %v %v", none, err)
		}
	})
}

// TestInvitationIsSpentOnce races many users for one use, and for five.
func TestInvitationIsSpentOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "acme")
		users := make([]lanyard.UserID, 32)
		for n := range users {
			users[n] = colleague(t, h, strconv.Itoa(n))
		}
		for round := range testkit.Rounds(10, 1000) {
			i := invitationTo(h)
			i.ID, i.CodeHash, i.MaxUses = lanyard.NewInvitationID(), lanyard.NewSecret().Hash(), 1+int64(round%2)*4
			ok(t, h.InsertInvitation(ctx, i))
			var group sync.WaitGroup
			errs := make([]error, len(users))
			for n, user := range users {
				group.Go(func() { errs[n] = h.SpendInvitation(ctx, i.ID, user, now) })
			}
			group.Wait()
			won := int64(0)
			for _, err := range errs {
				if err == nil {
					won++
				} else {
					wantErr(t, err, lanyard.ErrNotFound)
				}
			}
			got, err := h.Invitation(ctx, i.ID)
			ok(t, err)
			uses, err := h.InvitationUses(ctx, h.org.ID, i.ID, 100)
			ok(t, err)
			if won != i.MaxUses || got.Uses != i.MaxUses || int64(len(uses)) != i.MaxUses {
				t.Fatalf("%d winners, %d uses, %d in the list, of %d", won, got.Uses, len(uses), i.MaxUses)
			}
		}
	})
}

// ATTACKS K 215: many claim a domain, one can prove it.
func TestDomainIsProvedOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "acme")
		claims := make([]lanyard.OrganizationID, 32)
		for n := range claims {
			claims[n] = another(t, h, "org-"+strconv.Itoa(n))
		}
		for round := range testkit.Rounds(10, 500) {
			name := "d" + strconv.Itoa(round) + ".example.test"
			for _, organization := range claims {
				ok(t, h.InsertDomain(ctx, lanyard.Domain{OrganizationID: organization, Name: name, Token: "t", Joining: lanyard.JoiningOff, CreatedAt: now}))
			}
			var group sync.WaitGroup
			errs := make([]error, len(claims))
			for n, organization := range claims {
				group.Go(func() { errs[n] = h.VerifyDomain(ctx, organization, name, now) })
			}
			group.Wait()
			won := 0
			for _, err := range errs {
				if err == nil {
					won++
				} else {
					wantErr(t, err, lanyard.ErrConflict)
				}
			}
			if won != 1 {
				t.Fatalf("%d organizations have proved the domain", won)
			}
		}
	})
}

func TestOnlyVerifiedDomainsOfOpenOrganizationsLetPeopleIn(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "acme")
		closed, claimant := another(t, h, "closed"), another(t, h, "claimant")
		for _, d := range []lanyard.Domain{
			{OrganizationID: h.org.ID, Name: "automatic.test", Joining: lanyard.JoiningAutomatic, VerifiedAt: now},
			{OrganizationID: h.org.ID, Name: "request.test", Joining: lanyard.JoiningRequest, VerifiedAt: now},
			{OrganizationID: h.org.ID, Name: "off.test", Joining: lanyard.JoiningOff, VerifiedAt: now},
			{OrganizationID: claimant, Name: "automatic.test", Joining: lanyard.JoiningAutomatic},
			{OrganizationID: claimant, Name: "claimed.test", Joining: lanyard.JoiningAutomatic},
			{OrganizationID: closed, Name: "closed.test", Joining: lanyard.JoiningAutomatic, VerifiedAt: now},
		} {
			d.Token, d.CreatedAt = "t", now
			ok(t, h.InsertDomain(ctx, d))
		}
		ok(t, h.ScheduleOrganizationDeletion(ctx, closed, now.Add(time.Hour)))
		got, err := h.JoinableDomains(ctx, []string{
			"a@automatic.test", "a@request.test", "a@off.test", "a@claimed.test", "a@closed.test", "a@sub.automatic.test", "automatic.test",
		})
		ok(t, err)
		var names []string
		for _, d := range got {
			names = append(names, string(d.OrganizationID)+" "+d.Name)
		}
		if diff := cmp.Diff([]string{"org_same automatic.test", "org_same request.test"}, names); diff != "" {
			t.Error(diff)
		}
		wantErr(t, h.InsertDomain(ctx, got[0]), lanyard.ErrConflict)
		for _, change := range []error{
			h.VerifyDomain(ctx, closed, "off.test", now), h.SetJoining(ctx, closed, "off.test", lanyard.JoiningAutomatic), h.DeleteDomain(ctx, closed, "off.test"),
		} {
			wantErr(t, change, lanyard.ErrNotFound)
		}
	})
}

func TestRequestToJoinIsAnsweredOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "acme")
		other := another(t, h, "other")
		for _, want := range []bool{true, false} {
			fresh, err := h.InsertJoinRequest(ctx, h.org.ID, h.user.ID, now)
			if err != nil || fresh != want {
				t.Errorf("asked: %v %v", fresh, err)
			}
		}
		wantErr(t, h.TakeJoinRequest(ctx, other, h.user.ID), lanyard.ErrNotFound)
		all, err := h.JoinRequests(ctx, h.org.ID, 10)
		if err != nil || len(all) != 1 || all[0].User.ID != h.user.ID || !all[0].CreatedAt.Equal(now) {
			t.Errorf("listed: %+v %v", all, err)
		}
		ok(t, h.TakeJoinRequest(ctx, h.org.ID, h.user.ID))
		wantErr(t, h.TakeJoinRequest(ctx, h.org.ID, h.user.ID), lanyard.ErrNotFound)
	})
}

func TestWhoLeftIsKnown(t *testing.T) {
	onBoth(t, func(t *testing.T, store *storage.Store) {
		ctx, h := t.Context(), furnish(t, store, "acme")
		other, removed := another(t, h, "other"), colleague(t, h, "removed")
		ok(t, h.InsertEvent(ctx, lanyard.Event{Type: lanyard.EventMemberAdded, At: now, UserID: h.user.ID, OrganizationID: h.org.ID}))
		ok(t, h.InsertEvent(ctx, lanyard.Event{Type: lanyard.EventMemberRemoved, At: now, UserID: removed, OrganizationID: h.org.ID}))
		for _, c := range []struct {
			organization lanyard.OrganizationID
			user         lanyard.UserID
			want         bool
		}{{h.org.ID, removed, true}, {h.org.ID, h.user.ID, false}, {other, removed, false}} {
			left, err := h.LeftBefore(ctx, c.organization, c.user)
			if err != nil || left != c.want {
				t.Errorf("%s in %s: %v %v", c.user, c.organization, left, err)
			}
		}
	})
}
