package organizations_test

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/testkit"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// accepts is by the code that the invitation has.
func (h *town) accepts(a accounts.Actor, id lanyard.InvitationID) error {
	i, err := h.t.Scope.Invitation(h.Context(), id)
	if err == nil {
		_, err = h.Accept(h.Context(), h.t, a, id, i.CodeHash, h.now)
	}
	return err
}

// shown is what somebody has who looked at the invitation by its code.
func (h *town) shown(id lanyard.InvitationID) []byte {
	h.Helper()
	i, err := h.t.Scope.Invitation(h.Context(), id)
	h.must(err)
	return i.CodeHash
}

// ATTACKS J 185, 190, 191: whatever is wrong with a code, the answer is one and the
// same, and nothing is changed.
func TestUselessCodesAnswerAlike(t *testing.T) {
	inTown(t, func(h *town) {
		grace := h.person("grace")
		n := 0
		// each spoils an invitation to an organization of its own.
		for what, spoil := range map[string]func(o lanyard.Organization, s organizations.Seat, i lanyard.Invitation){
			"expired a second ago": func(_ lanyard.Organization, _ organizations.Seat, i lanyard.Invitation) {
				h.now = i.ExpiresAt.Add(time.Second)
			},
			"expiring now": func(_ lanyard.Organization, _ organizations.Seat, i lanyard.Invitation) { h.now = i.ExpiresAt },
			"revoked": func(_ lanyard.Organization, s organizations.Seat, i lanyard.Invitation) {
				h.must(h.Revoke(h.Context(), s, i.ID, h.now))
			},
			"used up": func(_ lanyard.Organization, _ organizations.Seat, i lanyard.Invitation) {
				h.must(h.accepts(h.person("user"+strconv.Itoa(n)), i.ID))
			},
			"of a suspended organization": func(o lanyard.Organization, _ organizations.Seat, _ lanyard.Invitation) {
				o.Suspended = true
				h.must(h.t.Scope.UpdateOrganization(h.Context(), o))
			},
			"of an organization that goes": func(o lanyard.Organization, _ organizations.Seat, _ lanyard.Invitation) {
				h.must(h.t.Scope.ScheduleOrganizationDeletion(h.Context(), o.ID, h.now.Add(time.Hour)))
			},
			"whose inviter was removed": func(o lanyard.Organization, s organizations.Seat, _ lanyard.Invitation) {
				h.must(h.t.Scope.DeleteMembership(h.Context(), o.ID, s.Actor.User.ID, h.now))
			},
			"of another tenant": nil,
		} {
			n++
			acme := h.organization("acme-" + strconv.Itoa(n))
			olga := h.seated("olga"+strconv.Itoa(n), acme, lanyard.RoleOwner)
			made := h.invited(olga, organizations.Invite{})
			here := h.t
			if spoil == nil {
				here = h.tenant("elsewhere")
			} else {
				spoil(acme, olga, made.Invitation)
			}
			before := h.usesOf(made.Invitation.ID)
			_, byCode := h.Look(h.Context(), here, made.Code.Reveal(), accounts.From{Address: what}, h.now)
			_, byID := h.OfferOf(h.Context(), here, made.Invitation.ID, h.shown(made.Invitation.ID), h.now)
			_, accepted := h.Accept(h.Context(), here, grace, made.Invitation.ID, h.shown(made.Invitation.ID), h.now)
			for way, err := range map[string]error{
				"by code": byCode, "by id": byID, "accepted": accepted, "declined": h.Decline(h.Context(), here, grace, made.Invitation.ID, h.now),
			} {
				if err != error(lanyard.ErrNotFound) { //nolint:errorlint // the same value, so the same text
					t.Errorf("%s, %s: %v", what, way, err)
				}
			}
			if got := h.usesOf(made.Invitation.ID); got != before || h.rolesOf(grace.User.ID, acme) != nil {
				t.Errorf("%s: %d uses after %d, roles %v", what, got, before, h.rolesOf(grace.User.ID, acme))
			}
		}
		for what, code := range map[string]string{
			"never made": lanyard.NewInviteCode().Reveal(), "short": "abc", "empty": "", "not ours": "'; DROP TABLE invitations; --", "a NUL": "\x00", "long": string(make([]byte, 1<<16)),
		} {
			if _, err := h.looks(code); err != error(lanyard.ErrNotFound) { //nolint:errorlint // as above
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

// An invitation of the operators has nobody whose right could lapse, and still ends
// with its organization.
func TestNobodyJoinsAClosedOrganization(t *testing.T) {
	inTown(t, func(h *town) {
		for slug, closeIt := range map[string]func(o lanyard.Organization) error{
			"suspended": func(o lanyard.Organization) error {
				o.Suspended = true
				return h.t.Scope.UpdateOrganization(h.Context(), o)
			},
			"going": func(o lanyard.Organization) error {
				return h.t.Scope.ScheduleOrganizationDeletion(h.Context(), o.ID, h.now.Add(time.Hour))
			},
		} {
			o, grace := h.organization(slug), h.person("grace-"+slug)
			made, err := h.InviteToPlatform(h.Context(), h.t.Scope, h.t, lanyard.Invitation{OrganizationID: o.ID, Roles: []string{"owner"}}, lanyard.Secret{}, h.now)
			h.must(err)
			if _, err := h.looks(made.Code.Reveal()); err != nil {
				t.Errorf("%s, before: %v", slug, err)
			}
			h.must(closeIt(o))
			_, err = h.looks(made.Code.Reveal())
			h.wants(slug+", looked at", err, lanyard.ErrNotFound)
			h.wants(slug+", accepted", h.accepts(grace, made.Invitation.ID), lanyard.ErrNotFound)
		}
	})
}

// TestIdOpensNothing: without the code there is only what is bound to an address, and
// an id with the code of another invitation, or of before it was sent again, is no better.
func TestIdOpensNothing(t *testing.T) {
	inTown(t, func(h *town) {
		acme := h.organization("acme")
		olga, grace := h.seated("olga", acme, lanyard.RoleOwner), h.person("grace")
		bound := h.invited(olga, organizations.Invite{Email: "grace@example.test"}).Invitation.ID
		before := h.shown(bound)
		h.must(h.Resend(h.Context(), olga, bound, h.now))
		open := h.invited(olga, organizations.Invite{}).Invitation.ID
		domain := h.invited(olga, organizations.Invite{Domain: "example.test"}).Invitation.ID
		for _, c := range []struct {
			what  string
			id    lanyard.InvitationID
			shown []byte
		}{
			{"an open one", open, nil}, {"one for a domain", domain, nil}, {"an open one, empty", open, []byte{}},
			{"another code", open, h.shown(domain)}, {"part of a code", open, h.shown(open)[:16]}, {"a code that was replaced", bound, before},
		} {
			_, looked := h.OfferOf(h.Context(), h.t, c.id, c.shown, h.now)
			h.wants(c.what+", looked at", looked, lanyard.ErrNotFound)
			_, accepted := h.Accept(h.Context(), h.t, grace, c.id, c.shown, h.now)
			h.wants(c.what+", accepted", accepted, lanyard.ErrNotFound)
			admitted := h.t.Scope.InTx(h.Context(), func(tx storage.Scope) error {
				guest := organizations.Guest{Invitation: c.id, Shown: c.shown, User: grace.User, Proved: []string{"grace@example.test"}}
				return h.Admit(h.Context(), tx, h.t, guest, h.now)
			})
			h.wants(c.what+", admitted", admitted, lanyard.ErrNotFound)
			if h.usesOf(c.id) != 0 || h.rolesOf(grace.User.ID, acme) != nil {
				t.Fatalf("%s was used", c.what)
			}
		}
		offer, err := h.OfferOf(h.Context(), h.t, bound, nil, h.now)
		if err != nil || offer.Shown != nil {
			t.Errorf("the one that waits: %+v %v", offer, err)
		}
		_, err = h.Accept(h.Context(), h.t, h.person("ines"), bound, nil, h.now)
		h.wants("of somebody else", err, lanyard.ErrOtherAddress)
		_, err = h.Accept(h.Context(), h.t, grace, bound, nil, h.now)
		h.must(err)
	})
}

// Whoever has an account needs no invitation to make one: it stays for somebody else.
func TestMembersDoNotSpendInvitationsToThePlatform(t *testing.T) {
	inTown(t, func(h *town) {
		made, err := h.InviteToPlatform(h.Context(), h.t.Scope, h.t, lanyard.Invitation{Email: "grace@example.test"}, lanyard.Secret{}, h.now)
		h.must(err)
		_, err = h.Accept(h.Context(), h.t, h.person("grace"), made.Invitation.ID, nil, h.now)
		h.wants("accepted", err, lanyard.ErrHasAccount)
		if h.usesOf(made.Invitation.ID) != 0 {
			t.Error("it was used")
		}
	})
}

// ATTACKS J 185: guessing is slow, and in nobody's way who has a code.
func TestWrongCodesAreCounted(t *testing.T) {
	inTown(t, func(h *town) {
		olga := h.seated("olga", h.organization("acme"), lanyard.RoleOwner)
		right, from := h.invited(olga, organizations.Invite{}).Code.Reveal(), accounts.From{Address: "198.51.100.1"}
		look := func(code string) error { _, err := h.Look(h.Context(), h.t, code, from, h.now); return err }
		for range 25 {
			h.must(look(right))
		}
		for i := range 20 {
			code := lanyard.NewInviteCode().Reveal()
			if i%2 == 0 {
				code = "nonsense"
			}
			h.wants("wrong", look(code), lanyard.ErrNotFound)
		}
		h.must(look(right))
		err := look("nonsense")
		h.wants("a wrong one after twenty", err, lanyard.ErrThrottled)
		var limited *lanyard.Error
		if !errors.As(err, &limited) || limited.RetryAfter <= 0 {
			t.Errorf("it does not say how long to wait: %v", err)
		}
		_, err = h.looks("nonsense")
		h.wants("a wrong one from another address", err, lanyard.ErrNotFound)
		h.now = h.now.Add(2 * time.Hour)
		h.wants("a wrong one, later", look("nonsense"), lanyard.ErrNotFound)
	})
}

// ATTACKS J 187: an invitation is for who proved its address, in whatever spelling.
func TestInvitationIsForItsAddress(t *testing.T) {
	inTown(t, func(h *town) {
		acme := h.organization("acme")
		olga := h.seated("olga", acme, lanyard.RoleOwner)
		n := 0
		for _, c := range []struct {
			what          string
			form          organizations.Invite
			has           string
			verified      bool
			want          error
			secondaryToo  string
			secondarySeen bool
		}{
			{what: "another", form: organizations.Invite{Email: "i1@example.test"}, has: "m1@example.test", verified: true, want: lanyard.ErrOtherAddress},
			{what: "not proved", form: organizations.Invite{Email: "i2@example.test"}, has: "i2@example.test", want: lanyard.ErrOtherAddress},
			{what: "none", form: organizations.Invite{Email: "i3@example.test"}, want: lanyard.ErrOtherAddress},
			{what: "a Cyrillic twin", form: organizations.Invite{Email: "adam@example.test"}, has: "аdam@example.test", verified: true, want: lanyard.ErrOtherAddress},
			{what: "a dotless twin", form: organizations.Invite{Email: "ines@example.test"}, has: "ınes@example.test", verified: true, want: lanyard.ErrOtherAddress},
			{what: "a twin domain", form: organizations.Invite{Email: "i4@example.test"}, has: "i4@exаmple.test", verified: true, want: lanyard.ErrOtherAddress},
			{what: "a plus part", form: organizations.Invite{Email: "i5@example.test"}, has: "i5+x@example.test", verified: true, want: lanyard.ErrOtherAddress},
			{what: "other case", form: organizations.Invite{Email: "I6@Example.Test"}, has: "i6@eXample.test", verified: true},
			{what: "composed otherwise", form: organizations.Invite{Email: "rene\u0301@bücher.test"}, has: "ren\u00e9@xn--bcher-kva.test", verified: true},
			{what: "the domain", form: organizations.Invite{Domain: "Domain.test"}, has: "x@domain.test", verified: true},
			{what: "the domain, not proved", form: organizations.Invite{Domain: "domain2.test"}, has: "x@domain2.test", want: lanyard.ErrOtherAddress},
			{what: "a subdomain", form: organizations.Invite{Domain: "domain3.test"}, has: "x@sub.domain3.test", verified: true, want: lanyard.ErrOtherAddress},
			{what: "a longer domain", form: organizations.Invite{Domain: "domain4.test"}, has: "x@evildomain4.test", verified: true, want: lanyard.ErrOtherAddress},
			{what: "the domain as a name", form: organizations.Invite{Domain: "domain5.test"}, has: "domain5.test@evil.test", verified: true, want: lanyard.ErrOtherAddress},
			{what: "whoever has the code", has: "whoever@example.test"},
		} {
			n++
			made := h.invited(olga, c.form)
			who := h.personAt("who"+strconv.Itoa(n), c.has, c.verified)
			err := h.accepts(who, made.Invitation.ID)
			h.wants(c.what, err, c.want)
			if joined := h.rolesOf(who.User.ID, acme) != nil; joined != (c.want == nil) || (h.usesOf(made.Invitation.ID) == 1) != joined {
				t.Errorf("%s: joined %v, %d uses", c.what, joined, h.usesOf(made.Invitation.ID))
			}
		}
	})
}

func TestAnyProvedAddressCounts(t *testing.T) {
	inTown(t, func(h *town) {
		acme := h.organization("acme")
		olga, grace := h.seated("olga", acme, lanyard.RoleOwner), h.person("grace")
		made := h.invited(olga, organizations.Invite{Email: "hopper@example.test"})
		h.must(h.t.Scope.AddEmail(h.Context(), grace.User.ID, "Hopper@example.test", h.now))
		h.wants("not proved yet", h.accepts(grace, made.Invitation.ID), lanyard.ErrOtherAddress)
		_, err := h.t.Scope.VerifyEmail(h.Context(), grace.User.ID, "hopper@example.test", false)
		h.must(err)
		h.must(h.accepts(grace, made.Invitation.ID))
	})
}

// What an invitation gives is in its row: roles, organization, and what is recorded.
func TestAcceptanceGivesWhatTheInvitationSays(t *testing.T) {
	inTown(t, func(h *town) {
		acme := h.organization("acme")
		olga, grace := h.seated("olga", acme, lanyard.RoleOwner), h.person("grace")
		made := h.invited(olga, organizations.Invite{Roles: []string{"dispatcher", "admin"}, MaxUses: 3})
		_, err := h.t.Scope.InsertJoinRequest(h.Context(), acme.ID, grace.User.ID, h.now)
		h.must(err)
		offer, err := h.Accept(h.Context(), h.t, grace, made.Invitation.ID, h.shown(made.Invitation.ID), h.now)
		h.must(err)
		if diff := cmp.Diff([]string{"dispatcher", "admin"}, h.rolesOf(grace.User.ID, acme)); diff != "" || offer.Organization.ID != acme.ID {
			t.Errorf("roles (-want +got):\n%s in %s", diff, offer.Organization.ID)
		}
		for kind, detail := range map[lanyard.EventType]map[string]string{
			lanyard.EventInvitationAccepted: {"invitation": string(made.Invitation.ID)},
			lanyard.EventMemberAdded:        {"invitation": string(made.Invitation.ID), "roles_after": "dispatcher admin"},
		} {
			got := h.events(kind, acme.ID)
			if len(got) != 1 || cmp.Diff(detail, got[0].Detail) != "" || got[0].UserID != grace.User.ID || got[0].Actor != string(grace.User.ID) || got[0].SessionID != grace.Session.ID {
				t.Errorf("%s: %+v", kind, got)
			}
		}
		asked, err := h.t.Scope.JoinRequested(h.Context(), acme.ID, grace.User.ID)
		if err != nil || asked {
			t.Errorf("the request to join is still there: %v %v", asked, err)
		}
		h.wants("again", h.accepts(grace, made.Invitation.ID), lanyard.ErrAlreadyMember)
		if got := h.usesOf(made.Invitation.ID); got != 1 {
			t.Errorf("%d uses", got)
		}
		h.must(h.Remove(h.Context(), olga, grace.User.ID, h.now))
		h.wants("once removed, by the same code", h.accepts(grace, made.Invitation.ID), lanyard.ErrNotFound)
		if h.rolesOf(grace.User.ID, acme) != nil || h.usesOf(made.Invitation.ID) != 1 {
			t.Error("who was removed came back by the code of before")
		}
	})
}

// ATTACKS J 188: the right of who invited is looked at when somebody accepts. The
// invitation stays, and counts again when they have it again.
func TestInvitersRightIsCheckedAtAcceptance(t *testing.T) {
	inTown(t, func(h *town) {
		ctx, n := h.Context(), 0
		for what, c := range map[string]struct {
			roles, gives []string
			loses        func(o lanyard.Organization, inviter lanyard.User)
		}{
			"demoted": {[]string{"admin"}, nil, func(o lanyard.Organization, u lanyard.User) {
				h.must(h.t.Scope.PutMembership(ctx, lanyard.Membership{OrganizationID: o.ID, UserID: u.ID, Roles: []string{"member"}, CreatedAt: h.now}))
			}},
			"below what it gives": {[]string{"owner"}, []string{"owner"}, func(o lanyard.Organization, u lanyard.User) {
				h.must(h.t.Scope.PutMembership(ctx, lanyard.Membership{OrganizationID: o.ID, UserID: u.ID, Roles: []string{"admin"}, CreatedAt: h.now}))
			}},
			"removed": {[]string{"owner"}, nil, func(o lanyard.Organization, u lanyard.User) {
				h.must(h.t.Scope.DeleteMembership(ctx, o.ID, u.ID, h.now))
			}},
			"whose role can do less": {[]string{"host"}, nil, func(o lanyard.Organization, _ lanyard.User) {
				h.must(h.t.Scope.PutRole(ctx, o.ID, "host", []string{lanyard.MayReadMembers}, h.now))
			}},
			"turned off": {[]string{"owner"}, nil, func(_ lanyard.Organization, u lanyard.User) {
				u.Disabled = true
				h.must(h.t.Scope.UpdateUser(ctx, u))
			}},
		} {
			n++
			acme := h.organization("acme-" + strconv.Itoa(n))
			h.must(h.t.Scope.PutRole(ctx, acme.ID, "host", []string{lanyard.MayManageInvitations}, h.now))
			host, grace := h.seated("host"+strconv.Itoa(n), acme, c.roles...), h.person("grace"+strconv.Itoa(n))
			made := h.invited(host, organizations.Invite{Roles: c.gives})
			c.loses(acme, host.Actor.User)
			h.wants(what, h.accepts(grace, made.Invitation.ID), lanyard.ErrNotFound)
			_, err := h.looks(made.Code.Reveal())
			h.wants(what+", looked at", err, lanyard.ErrNotFound)
			if h.usesOf(made.Invitation.ID) != 0 || h.rolesOf(grace.User.ID, acme) != nil {
				t.Errorf("%s: it was used", what)
			}
			user := host.Actor.User
			h.must(h.t.Scope.UpdateUser(ctx, user))
			h.must(h.t.Scope.PutRole(ctx, acme.ID, "host", []string{lanyard.MayManageInvitations}, h.now))
			h.must(h.t.Scope.PutMembership(ctx, lanyard.Membership{OrganizationID: acme.ID, UserID: user.ID, Roles: c.roles, CreatedAt: h.now}))
			h.must(h.accepts(grace, made.Invitation.ID))
		}
	})
}

// An invitation to sign up is used inside the transaction that makes the account.
func TestInvitationToPlatformIsOnlySpent(t *testing.T) {
	inTown(t, func(h *town) {
		for round := range testkit.Rounds(5, 100) {
			made, err := h.InviteToPlatform(h.Context(), h.t.Scope, h.t, lanyard.Invitation{Domain: "example.test", Plan: "pro"}, lanyard.Secret{}, h.now)
			h.must(err)
			people, shown := h.people(round), h.shown(made.Invitation.ID)
			admit := func(a accounts.Actor, proved ...string) error {
				return h.t.Scope.InTx(h.Context(), func(tx storage.Scope) error {
					guest := organizations.Guest{Invitation: made.Invitation.ID, Shown: shown, User: a.User, Proved: proved}
					return h.Admit(h.Context(), tx, h.t, guest, h.now)
				})
			}
			h.wants("without a proved address", admit(people[0]), lanyard.ErrOtherAddress)
			won := h.race(func(i int) error { return admit(people[i], people[i].User.Profile.Email) }, lanyard.ErrNotFound)
			uses, err := h.t.Scope.InvitationUses(h.Context(), "", made.Invitation.ID, 10)
			h.must(err)
			if won != 1 || len(uses) != 1 || h.usesOf(made.Invitation.ID) != 1 {
				t.Fatalf("%d winners, %d uses", won, len(uses))
			}
			facts, err := h.t.Scope.UserEvents(h.Context(), uses[0].User.ID, "", 10)
			h.must(err)
			if len(facts) != 1 || facts[0].Type != lanyard.EventInvitationAccepted || facts[0].OrganizationID != "" {
				t.Fatalf("the facts are %+v", facts)
			}
			all, err := h.All(h.Context(), h.t, uses[0].User.ID)
			if err != nil || len(all) != 0 {
				t.Fatalf("they are in %v: %v", all, err)
			}
		}
	})
}

func TestPendingInvitationsAreThoseToProvedAddresses(t *testing.T) {
	inTown(t, func(h *town) {
		acme, other, third := h.organization("acme"), h.organization("other"), h.organization("third")
		olga, paul := h.seated("olga", acme, lanyard.RoleOwner), h.seated("paul", other, lanyard.RoleOwner)
		adam := h.seated("adam", third, lanyard.RoleAdmin)
		grace, unproved := h.person("grace"), h.personAt("uwe", "uwe@example.test", false)
		pending := func(a accounts.Actor) []string {
			all, err := h.Pending(h.Context(), h.t, a.User.ID, h.now)
			h.must(err)
			var out []string
			for _, o := range all {
				out = append(out, o.Organization.Slug+" by "+o.Inviter)
			}
			return out
		}
		first := h.invited(olga, organizations.Invite{Email: "Grace@example.test"}).Invitation.ID
		h.invited(paul, organizations.Invite{Email: "grace@example.test"})
		h.invited(adam, organizations.Invite{Email: "grace@example.test"})
		h.invited(olga, organizations.Invite{Email: "uwe@example.test"})
		h.invited(olga, organizations.Invite{Domain: "example.test"})
		h.must(h.t.Scope.DeleteMembership(h.Context(), third.ID, adam.Actor.User.ID, h.now)) // whose right is gone
		if diff := cmp.Diff([]string{"other by paul", "acme by olga"}, pending(grace)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if got := pending(unproved); got != nil {
			t.Errorf("for an address that was not proved: %v", got)
		}
		h.must(h.accepts(grace, first))
		if diff := cmp.Diff([]string{"other by paul"}, pending(grace)); diff != "" {
			t.Errorf("after one was accepted (-want +got):\n%s", diff)
		}
		h.joins(grace, other, "member")
		if got := pending(grace); got != nil {
			t.Errorf("to organizations of their own: %v", got)
		}
	})
}

func TestOnlyTheInvitedDecline(t *testing.T) {
	inTown(t, func(h *town) {
		acme := h.organization("acme")
		olga, grace, ines := h.seated("olga", acme, lanyard.RoleOwner), h.person("grace"), h.person("ines")
		bound, open := h.invited(olga, organizations.Invite{Email: "grace@example.test"}).Invitation.ID, h.invited(olga, organizations.Invite{}).Invitation.ID
		domain := h.invited(olga, organizations.Invite{Domain: "example.test"}).Invitation.ID
		decline := func(a accounts.Actor, id lanyard.InvitationID) error {
			return h.Decline(h.Context(), h.t, a, id, h.now)
		}
		h.wants("of somebody else", decline(ines, bound), lanyard.ErrNotFound)
		h.wants("for whoever has the code", decline(grace, open), lanyard.ErrNotFound)
		h.wants("for a domain", decline(grace, domain), lanyard.ErrNotFound)
		h.must(decline(grace, bound))
		h.wants("again", decline(grace, bound), lanyard.ErrNotFound)
		h.wants("accepted after all", h.accepts(grace, bound), lanyard.ErrNotFound)
		h.must(h.accepts(grace, open))
		h.must(h.accepts(ines, domain))
		facts := h.events(lanyard.EventInvitationRevoked, acme.ID)
		if len(facts) != 1 || facts[0].UserID != grace.User.ID || facts[0].Detail["reason"] != "declined" {
			t.Errorf("the facts are %+v", facts)
		}
	})
}
