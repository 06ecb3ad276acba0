package organizations_test

import (
	"bytes"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/mail"
	"github.com/lanyard-id/lanyard/tenants/accounts"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// invited makes an invitation by the person of a seat.
func (h *town) invited(s organizations.Seat, form organizations.Invite) organizations.Invited {
	h.Helper()
	out, err := h.Invite(h.Context(), s, form, h.now)
	h.must(err)
	return out
}

// codeTo is the code in the last mail to an address, of those since the last look.
func (h *town) codeTo(address string) string {
	h.Helper()
	code := ""
	for _, l := range h.letters() {
		if l.Kind == lanyard.MailInvitation && l.To == address {
			code = strings.TrimPrefix(l.Link, h.t.Issuer+organizations.InvitePath)
		}
	}
	if code == "" {
		h.Fatalf("no invitation went to %s", address)
	}
	return code
}

// looks shows what a code opens, for a browser at an address of its own.
func (h *town) looks(code string) (organizations.Offer, error) {
	h.Helper()
	return h.Look(h.Context(), h.t, code, accounts.From{Address: lanyard.NewSecret().Reveal()}, h.now)
}

func (h *town) usesOf(id lanyard.InvitationID) int64 {
	h.Helper()
	i, err := h.t.Scope.Invitation(h.Context(), id)
	h.must(err)
	return i.Uses
}

func TestInvitationGoesToItsAddressAlone(t *testing.T) {
	inTown(t, func(h *town) {
		acme := h.organization("acme")
		acme.Language, acme.Name = "de", "Acme <b>"
		h.must(h.t.Scope.UpdateOrganization(h.Context(), acme))
		olga := h.seated("olga", acme, lanyard.RoleOwner)
		got := h.invited(olga, organizations.Invite{Email: " Grace@Example.TEST ", Roles: []string{"admin", "admin"}})
		if !got.Code.IsZero() || got.Invitation.CodeHash != nil {
			t.Error("the code of an invitation to an address is told to who made it")
		}
		letters := h.letters()
		if len(letters) != 1 {
			h.Fatalf("%d letters", len(letters))
		}
		code := strings.TrimPrefix(letters[0].Link, h.t.Issuer+"/invite/")
		want := []mail.Letter{{
			Kind: lanyard.MailInvitation, To: "grace@example.test", Languages: []string{"de", "en"}, Organization: "Acme <b>", Inviter: "olga",
			Link: h.t.Issuer + "/invite/" + code, Expires: h.now.Add(lanyard.InviteLifetime),
		}}
		if diff := cmp.Diff(want, letters); diff != "" {
			t.Errorf("letters (-want +got):\n%s", diff)
		}
		offer, err := h.looks(code)
		h.must(err)
		if offer.Invitation.ID != got.Invitation.ID || offer.Organization.ID != acme.ID || offer.Inviter != "olga" ||
			!bytes.Equal(offer.Shown, lanyard.SecretOf(code).Hash()) || offer.Invitation.CodeHash != nil ||
			!cmp.Equal(offer.Invitation.Roles, []string{"admin"}) || h.usesOf(offer.Invitation.ID) != 0 {
			t.Errorf("the offer is %+v", offer)
		}
		facts := h.events(lanyard.EventInvitationCreated, acme.ID)
		detail := map[string]string{"invitation": string(got.Invitation.ID), "bound": "address", "roles": "admin", "max_uses": "1"}
		if len(facts) != 1 || cmp.Diff(detail, facts[0].Detail) != "" || facts[0].Actor != string(olga.Actor.User.ID) {
			t.Errorf("the facts are %+v", facts)
		}
		listed, err := h.Invitations(h.Context(), olga, "")
		h.must(err)
		if len(listed) != 1 || listed[0].CodeHash != nil || listed[0].Email != "grace@example.test" || !listed[0].SentAt.Equal(h.now) {
			t.Errorf("the list is %+v", listed)
		}
	})
}

// ATTACKS J 188: nobody gives more than they may.
func TestNobodyInvitesAboveTheirOwnRole(t *testing.T) {
	inTown(t, func(h *town) {
		acme := h.organization("acme")
		h.must(h.t.Scope.PutRole(h.Context(), acme.ID, "host", []string{lanyard.MayManageInvitations}, h.now))
		h.must(h.t.Scope.PutRole(h.Context(), acme.ID, "lighter", []string{lanyard.MayManageInvitations, "lamps:light"}, h.now))
		seats := map[string]organizations.Seat{}
		for _, role := range []string{"owner", "admin", "member", "host", "lighter", "dispatcher"} {
			seats[role] = h.seated("the-"+role, acme, role)
		}
		for _, c := range []struct {
			inviter, role string
			want          error
		}{
			{"owner", "owner", nil}, {"owner", "host", nil}, {"admin", "admin", nil}, {"admin", "owner", lanyard.ErrNotAllowed},
			{"host", "member", nil}, {"host", "host", nil}, {"host", "admin", lanyard.ErrNotAllowed}, {"host", "owner", lanyard.ErrNotAllowed},
			{"host", "dispatcher", lanyard.ErrNotAllowed}, {"lighter", "dispatcher", nil}, {"host", "lighter", lanyard.ErrNotAllowed},
			{"member", "member", lanyard.ErrNotAllowed}, {"dispatcher", "member", lanyard.ErrNotAllowed},
			{"owner", "nobody", lanyard.ErrBadInput}, {"owner", "", nil}, {"owner", "owner member", lanyard.ErrBadInput},
		} {
			_, err := h.Invite(h.Context(), seats[c.inviter], organizations.Invite{Roles: []string{"member", c.role}}, h.now)
			h.wants(c.inviter+" invites as "+c.role, err, c.want)
			if rows, err := h.InviteMany(h.Context(), seats[c.inviter], []string{"x@example.test"}, organizations.Invite{Roles: []string{c.role}}, h.now); c.want != nil {
				h.wants(c.inviter+" invites many as "+c.role, err, c.want)
			} else if err != nil || len(rows) != 1 || rows[0].Err != nil {
				t.Errorf("%s invites many as %s: %v %v", c.inviter, c.role, rows, err)
			}
			h.now = h.now.Add(25 * time.Hour)
		}
	})
}

func TestInvitationsHaveBounds(t *testing.T) {
	inTown(t, func(h *town) {
		acme := h.organization("acme")
		olga := h.seated("olga", acme, lanyard.RoleOwner)
		h.must(h.t.Scope.PutClient(h.Context(), lanyard.Client{ID: "web", Name: "Lamps", CreatedAt: h.now}))
		for what, c := range map[string]struct {
			form organizations.Invite
			want error
		}{
			"nothing said":         {organizations.Invite{}, nil},
			"the most":             {organizations.Invite{MaxUses: lanyard.MaxInviteUses, Lifetime: lanyard.MaxInviteLifetime, ClientID: "web"}, nil},
			"a domain":             {organizations.Invite{Domain: "Bücher.Example.", MaxUses: 3}, nil},
			"too many uses":        {organizations.Invite{MaxUses: lanyard.MaxInviteUses + 1}, lanyard.ErrBadInput},
			"negative uses":        {organizations.Invite{MaxUses: -1}, lanyard.ErrBadInput},
			"too long":             {organizations.Invite{Lifetime: lanyard.MaxInviteLifetime + 1}, lanyard.ErrBadInput},
			"no time":              {organizations.Invite{Lifetime: -time.Second}, lanyard.ErrBadInput},
			"two uses, an address": {organizations.Invite{Email: "a@example.test", MaxUses: 2}, lanyard.ErrBadInput},
			"address and domain":   {organizations.Invite{Email: "a@example.test", Domain: "example.test"}, lanyard.ErrBadInput},
			"no address":           {organizations.Invite{Email: "a@example.test\r\nBcc: b@example.test"}, lanyard.ErrBadInput},
			"no domain":            {organizations.Invite{Domain: "localhost"}, lanyard.ErrBadInput},
			"no such application":  {organizations.Invite{ClientID: "none"}, lanyard.ErrBadInput},
		} {
			got, err := h.Invite(h.Context(), olga, c.form, h.now)
			h.wants(what, err, c.want)
			if c.want != nil {
				continue
			}
			if _, err := h.looks(got.Code.Reveal()); err != nil || len(got.Code.Reveal()) < lanyard.MinInviteCode {
				t.Errorf("%s: the code opens %v", what, err)
			}
			if what == "a domain" && got.Invitation.Domain != "xn--bcher-kva.example" {
				t.Errorf("the domain is %s", got.Invitation.Domain)
			}
		}
		if n := len(h.letters()); n != 0 {
			t.Errorf("%d mails about invitations without an address", n)
		}
	})
}

func TestInvitingAgainReplacesTheInvitationBefore(t *testing.T) {
	inTown(t, func(h *town) {
		acme := h.organization("acme")
		olga, adam := h.seated("olga", acme, lanyard.RoleOwner), h.seated("adam", acme, lanyard.RoleAdmin)
		first := h.invited(olga, organizations.Invite{Email: "grace@example.test", Roles: []string{"owner"}})
		old := h.codeTo("grace@example.test")
		h.now = h.now.Add(time.Hour)
		second := h.invited(adam, organizations.Invite{Email: "GRACE@example.test", Lifetime: time.Hour})
		if first.Invitation.ID != second.Invitation.ID {
			t.Error("there are two invitations to one address")
		}
		_, err := h.looks(old)
		h.wants("the code before", err, lanyard.ErrNotFound)
		offer, err := h.looks(h.codeTo("grace@example.test"))
		h.must(err)
		if diff := cmp.Diff([]string{"member"}, offer.Invitation.Roles); diff != "" || offer.Inviter != "adam" || !offer.Invitation.ExpiresAt.Equal(h.now.Add(time.Hour)) {
			t.Errorf("the offer is %+v", offer)
		}
		if created, sent := len(h.events(lanyard.EventInvitationCreated, acme.ID)), len(h.events(lanyard.EventInvitationSent, acme.ID)); created != 1 || sent != 1 {
			t.Errorf("%d made, %d sent again", created, sent)
		}
	})
}

func TestMembersAreNotInvited(t *testing.T) {
	inTown(t, func(h *town) {
		acme := h.organization("acme")
		olga := h.seated("olga", acme, lanyard.RoleOwner)
		unproved := h.personAt("uwe", "uwe@example.test", false)
		h.joins(unproved, acme, "member")
		h.person("stranger")
		for address, want := range map[string]error{
			"OLGA@example.test": lanyard.ErrAlreadyMember, "uwe@example.test": nil, "stranger@example.test": nil, "nobody@example.test": nil,
		} {
			_, err := h.Invite(h.Context(), olga, organizations.Invite{Email: address}, h.now)
			h.wants(address, err, want)
		}
	})
}

// ATTACKS J 196: ten thousand strangers are not reached.
func TestOrganizationHasAQuotaOfInvitations(t *testing.T) {
	inTown(t, func(h *town) {
		h.t.Tenant.Policy.InvitationQuota = 4
		acme, other := h.organization("acme"), h.organization("other")
		olga, paul := h.seated("olga", acme, lanyard.RoleOwner), h.seated("paul", other, lanyard.RoleOwner)
		made := h.invited(olga, organizations.Invite{Email: "a@example.test"})
		h.invited(olga, organizations.Invite{})
		h.must(h.Resend(h.Context(), olga, made.Invitation.ID, h.now))
		h.invited(olga, organizations.Invite{Email: "a@example.test"})
		_, err := h.Invite(h.Context(), olga, organizations.Invite{}, h.now)
		h.wants("the fifth", err, lanyard.ErrQuota)
		h.wants("sent again as the fifth", h.Resend(h.Context(), olga, made.Invitation.ID, h.now), lanyard.ErrQuota)
		h.must(h.Revoke(h.Context(), olga, made.Invitation.ID, h.now))
		_, err = h.Invite(h.Context(), olga, organizations.Invite{Email: "b@example.test"}, h.now)
		h.wants("after one was revoked", err, lanyard.ErrQuota)
		h.invited(paul, organizations.Invite{})
		h.now = h.now.Add(24 * time.Hour)
		h.invited(olga, organizations.Invite{})
	})
}

func TestQuotaHoldsAgainstManyAtOnce(t *testing.T) {
	inTown(t, func(h *town) {
		h.t.Tenant.Policy.InvitationQuota = 5
		olga := h.seated("olga", h.organization("acme"), lanyard.RoleOwner)
		if won := h.race(func(i int) error {
			_, err := h.Invite(h.Context(), olga, organizations.Invite{Email: "p" + strconv.Itoa(i) + "@example.test"}, h.now)
			return err
		}, lanyard.ErrQuota); won != 5 || len(h.letters()) != 5 {
			t.Errorf("%d invitations, %d mails", won, len(h.letters()))
		}
	})
}

func TestOneAddressIsNotFlooded(t *testing.T) {
	inTown(t, func(h *town) {
		olga := h.seated("olga", h.organization("acme"), lanyard.RoleOwner)
		for range 5 {
			h.invited(olga, organizations.Invite{Email: "a@example.test"})
		}
		_, err := h.Invite(h.Context(), olga, organizations.Invite{Email: "A@example.test"}, h.now)
		h.wants("the sixth", err, lanyard.ErrThrottled)
		h.invited(olga, organizations.Invite{Email: "b@example.test"})
		if n := len(h.letters()); n != 6 {
			t.Errorf("%d mails", n)
		}
	})
}

func TestEachOfManyAddressesIsOnItsOwn(t *testing.T) {
	inTown(t, func(h *town) {
		h.t.Tenant.Policy.InvitationQuota = 2
		olga := h.seated("olga", h.organization("acme"), lanyard.RoleOwner)
		rows, err := h.InviteMany(h.Context(), olga, []string{
			" a@example.test ", "", "nonsense", "olga@example.test", "A@EXAMPLE.test", "b@example.test", "c@example.test",
		}, organizations.Invite{}, h.now)
		h.must(err)
		want := []struct {
			email string
			err   error
		}{{"a@example.test", nil}, {"nonsense", lanyard.ErrBadInput}, {"olga@example.test", lanyard.ErrAlreadyMember}, {"b@example.test", nil}, {"c@example.test", lanyard.ErrQuota}}
		if len(rows) != len(want) {
			t.Fatalf("the rows are %v", rows)
		}
		for i, w := range want {
			h.wants(w.email, rows[i].Err, w.err)
			if rows[i].Email != w.email {
				t.Errorf("row %d is of %s", i, rows[i].Email)
			}
		}
		if n := len(h.letters()); n != 2 {
			t.Errorf("%d mails", n)
		}
		many := make([]string, 201)
		for i := range many {
			many[i] = strconv.Itoa(i) + "@example.test"
		}
		_, err = h.InviteMany(h.Context(), olga, many, organizations.Invite{}, h.now)
		h.wants("too many", err, lanyard.ErrBadInput)
		for what, form := range map[string]organizations.Invite{"uses": {MaxUses: 2}, "lifetime": {Lifetime: -1}, "application": {ClientID: "none"}} {
			_, err = h.InviteMany(h.Context(), olga, []string{"d@example.test"}, form, h.now)
			h.wants(what, err, lanyard.ErrBadInput)
		}
	})
}

// What was sent again is another code, and the right of whoever sent it.
func TestSendingAgainKillsTheCodeBefore(t *testing.T) {
	inTown(t, func(h *town) {
		acme := h.organization("acme")
		olga, adam := h.seated("olga", acme, lanyard.RoleOwner), h.seated("adam", acme, lanyard.RoleAdmin)
		made := h.invited(olga, organizations.Invite{Email: "grace@example.test", Roles: []string{"admin"}, Lifetime: time.Hour})
		old := h.codeTo("grace@example.test")
		h.now = h.now.Add(3 * time.Hour) // it has expired meanwhile
		h.must(h.Resend(h.Context(), adam, made.Invitation.ID, h.now))
		_, err := h.looks(old)
		h.wants("the code before", err, lanyard.ErrNotFound)
		offer, err := h.looks(h.codeTo("grace@example.test"))
		h.must(err)
		if offer.Inviter != "adam" || !offer.Invitation.ExpiresAt.Equal(h.now.Add(time.Hour)) || !cmp.Equal(offer.Invitation.Roles, []string{"admin"}) {
			t.Errorf("the offer is %+v", offer)
		}
	})
}

func TestOnlyUnusedInvitationsOfOnesOwnAreSentAgain(t *testing.T) {
	inTown(t, func(h *town) {
		acme, other := h.organization("acme"), h.organization("other")
		olga, adam, paul := h.seated("olga", acme, lanyard.RoleOwner), h.seated("adam", acme, lanyard.RoleAdmin), h.seated("paul", other, lanyard.RoleOwner)
		grace := h.person("grace")
		byOwner := h.invited(olga, organizations.Invite{Email: "ines@example.test", Roles: []string{"owner"}}).Invitation.ID
		h.wants("above the own role", h.Resend(h.Context(), adam, byOwner, h.now), lanyard.ErrNotAllowed)
		h.wants("of another organization", h.Resend(h.Context(), paul, byOwner, h.now), lanyard.ErrNotFound)
		h.wants("never there", h.Resend(h.Context(), olga, "inv_none", h.now), lanyard.ErrNotFound)
		h.wants("without an address", h.Resend(h.Context(), olga, h.invited(olga, organizations.Invite{}).Invitation.ID, h.now), lanyard.ErrBadInput)
		used := h.invited(olga, organizations.Invite{Email: "grace@example.test"}).Invitation.ID
		_, err := h.Accept(h.Context(), h.t, grace, used, nil, h.now)
		h.must(err)
		h.wants("used", h.Resend(h.Context(), olga, used, h.now), lanyard.ErrNotFound)
		h.must(h.Revoke(h.Context(), olga, byOwner, h.now))
		h.wants("revoked", h.Resend(h.Context(), olga, byOwner, h.now), lanyard.ErrNotFound)
		h.wants("revoked again", h.Revoke(h.Context(), olga, byOwner, h.now), lanyard.ErrNotFound)
		if n := len(h.events(lanyard.EventInvitationRevoked, acme.ID)); n != 1 {
			t.Errorf("%d facts about one revocation", n)
		}
	})
}

func TestUsesOfAnInvitationAreListed(t *testing.T) {
	inTown(t, func(h *town) {
		acme, other := h.organization("acme"), h.organization("other")
		olga, paul := h.seated("olga", acme, lanyard.RoleOwner), h.seated("paul", other, lanyard.RoleOwner)
		made := h.invited(olga, organizations.Invite{MaxUses: 2})
		for _, name := range []string{"grace", "ines"} {
			h.now = h.now.Add(time.Minute)
			_, err := h.Accept(h.Context(), h.t, h.person(name), made.Invitation.ID, h.shown(made.Invitation.ID), h.now)
			h.must(err)
		}
		uses, err := h.Uses(h.Context(), olga, made.Invitation.ID)
		h.must(err)
		if len(uses) != 2 || uses[0].User.Username != "ines" || !uses[0].UsedAt.Equal(h.now) || uses[1].User.Username != "grace" {
			t.Errorf("the uses are %+v", uses)
		}
		_, err = h.Uses(h.Context(), paul, made.Invitation.ID)
		h.wants("from another organization", err, lanyard.ErrNotFound)
		h.wants("revoked from another organization", h.Revoke(h.Context(), paul, made.Invitation.ID, h.now), lanyard.ErrNotFound)
	})
}

func TestOperatorsInviteToPlatformAndOrganizations(t *testing.T) {
	inTown(t, func(h *town) {
		acme, closed := h.organization("acme"), h.organization("closed")
		h.must(h.t.Scope.ScheduleOrganizationDeletion(h.Context(), closed.ID, h.now))
		typed := lanyard.SecretOf("ABCD-efgh-2345-6789-jkmn-pqrs-tv")
		for what, c := range map[string]struct {
			i    lanyard.Invitation
			code lanyard.Secret
			want error
		}{
			"to sign up":       {lanyard.Invitation{Plan: "pro", TrialDays: 14, MaxUses: 5}, typed, nil},
			"a fresh code":     {lanyard.Invitation{Domain: "Example.test"}, lanyard.Secret{}, nil},
			"to an address":    {lanyard.Invitation{Email: "New@example.test"}, lanyard.Secret{}, nil},
			"to own":           {lanyard.Invitation{OrganizationID: acme.ID, Roles: []string{"owner"}}, lanyard.Secret{}, nil},
			"roles of nothing": {lanyard.Invitation{Roles: []string{"owner"}}, lanyard.Secret{}, lanyard.ErrBadInput},
			"no such role":     {lanyard.Invitation{OrganizationID: acme.ID, Roles: []string{"none"}}, lanyard.Secret{}, lanyard.ErrBadInput},
			"without a role":   {lanyard.Invitation{OrganizationID: acme.ID}, lanyard.Secret{}, lanyard.ErrBadInput},
			"a plan in one":    {lanyard.Invitation{OrganizationID: acme.ID, Roles: []string{"owner"}, Plan: "pro"}, lanyard.Secret{}, lanyard.ErrBadInput},
			"a short code":     {lanyard.Invitation{}, lanyard.SecretOf("welcome"), lanyard.ErrBadInput},
			"to a closed one":  {lanyard.Invitation{OrganizationID: closed.ID, Roles: []string{"owner"}}, lanyard.Secret{}, lanyard.ErrNotFound},
			"an old end":       {lanyard.Invitation{ExpiresAt: h.now}, lanyard.Secret{}, lanyard.ErrBadInput},
		} {
			got, err := h.InviteToPlatform(h.Context(), h.t.Scope, h.t, c.i, c.code, h.now)
			h.wants(what, err, c.want)
			if err != nil {
				continue
			}
			code := got.Code.Reveal()
			if got.Invitation.Email != "" {
				code = h.codeTo("new@example.test")
			}
			offer, err := h.looks(code)
			if err != nil || offer.Invitation.ID != got.Invitation.ID || offer.Inviter != "" || offer.Organization.ID != c.i.OrganizationID {
				t.Errorf("%s: the code opens %+v: %v", what, offer, err)
			}
		}
		_, err := h.InviteToPlatform(h.Context(), h.t.Scope, h.t, lanyard.Invitation{}, typed, h.now)
		h.wants("the same code again", err, lanyard.ErrConflict)
		if _, err := h.looks("abcd efgh 2345 6789 jkmn pqrs tv"); err != nil {
			t.Errorf("the code as somebody else types it: %v", err)
		}
	})
}
