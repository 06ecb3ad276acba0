package organizations

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/mail"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// memberPage is how many members are on a page.
const memberPage = 50

// Members is a page of the members, by id, after one of them (empty for the first
// page), and whether there are more. It needs members:read. The search is part of a
// name, username or address; empty for everybody.
func (o *Organizations) Members(ctx context.Context, s Seat, search string, after lanyard.UserID) ([]lanyard.Member, bool, error) {
	if !s.May(lanyard.MayReadMembers) {
		return nil, false, lanyard.ErrNotAllowed
	}
	all, err := s.Tenancy.Scope.Members(ctx, storage.MemberQuery{
		Organization: s.Organization.ID, Search: strings.TrimSpace(search), After: after, Limit: memberPage + 1,
	})
	if err != nil || len(all) <= memberPage {
		return all, false, err
	}
	return all[:memberPage], true, nil
}

// SetRoles gives a member exactly these roles. It needs members:manage and, for each
// role that the member has or gets, the right to give it. The only owner stays one
// (lanyard.ErrLastOwner); no role at all, and one that there is not, are lanyard.ErrBadInput.
func (o *Organizations) SetRoles(ctx context.Context, s Seat, user lanyard.UserID, roles []string, now time.Time) error {
	roles = unique(roles)
	if len(roles) == 0 {
		return lanyard.ErrBadInput.Saying("a member has at least one role")
	}
	return o.inside(ctx, s, lanyard.MayManageMembers, func(tx storage.Scope, s Seat) error {
		member, err := tx.Membership(ctx, s.Organization.ID, user)
		if err != nil {
			return err
		}
		if sameRoles(member.Roles, roles) {
			return nil
		}
		if !s.mayGiveAll(member.Roles) || !s.mayGiveAll(roles) {
			return lanyard.ErrNotAllowed
		}
		for _, role := range roles {
			if !slices.Contains(member.Roles, role) && !known(role, s.Tenancy.Roles, s.OwnRoles) {
				return lanyard.ErrBadInput.Saying("the role " + role + " does not exist")
			}
		}
		if err := keepOwner(ctx, tx, member, roles); err != nil {
			return err
		}
		return setRoles(ctx, tx, s, member, roles, now)
	})
}

// setRoles writes the roles of a member and records them.
func setRoles(ctx context.Context, tx storage.Scope, s Seat, m lanyard.Membership, roles []string, now time.Time) error {
	detail := RolesDetail(m.Roles, roles)
	m.Roles = roles
	if err := tx.PutMembership(ctx, m); err != nil {
		return err
	}
	fact := s.event(lanyard.EventMemberUpdated, now, detail)
	fact.UserID = m.UserID
	return tx.InsertEvent(ctx, fact)
}

// keepOwner is lanyard.ErrLastOwner when a member who is the only owner would be none
// with these roles. The organization is held.
func keepOwner(ctx context.Context, tx storage.Scope, m lanyard.Membership, roles []string) error {
	if !m.Owner() || slices.Contains(roles, lanyard.RoleOwner) {
		return nil
	}
	n, err := tx.CountOwners(ctx, m.OrganizationID)
	if err == nil && n <= 1 {
		err = lanyard.ErrLastOwner
	}
	return err
}

// Remove takes a member out; what apps may do for them in the organization ends at
// once. It needs members:manage and the right to give each of the member's roles.
func (o *Organizations) Remove(ctx context.Context, s Seat, user lanyard.UserID, now time.Time) error {
	return o.inside(ctx, s, lanyard.MayManageMembers, func(tx storage.Scope, s Seat) error {
		member, err := tx.Membership(ctx, s.Organization.ID, user)
		if err != nil {
			return err
		}
		if !s.mayGiveAll(member.Roles) {
			return lanyard.ErrNotAllowed
		}
		if err := remove(ctx, tx, s, member, lanyard.EventMemberRemoved, now); err != nil {
			return err
		}
		return o.tellRemoved(ctx, tx, s, user, now)
	})
}

// removedLives is how long the mail to a removed member may wait.
const removedLives = 7 * 24 * time.Hour

// tellRemoved tells a person, if they have an address, that they are no member any more.
func (o *Organizations) tellRemoved(ctx context.Context, tx storage.Scope, s Seat, user lanyard.UserID, now time.Time) error {
	person, err := tx.User(ctx, user)
	if err != nil || person.Profile.Email == "" || !person.Profile.EmailVerified {
		return err
	}
	return o.Accounts.Post(ctx, tx, user, mail.Letter{
		Kind: lanyard.MailMemberRemoved, To: person.Profile.Email, Name: person.DisplayName(), Languages: []string{person.Profile.Locale, s.Organization.Language},
		Organization: s.Organization.Name, At: now,
	}, now, now.Add(removedLives))
}

// Leave takes a person out of an organization, a closed one too. The only owner is
// lanyard.ErrLastOwner: somebody has to take over first, or the organization is deleted.
func (o *Organizations) Leave(ctx context.Context, t accounts.Tenancy, a accounts.Actor, id lanyard.OrganizationID, now time.Time) error {
	return t.Scope.InTx(ctx, func(tx storage.Scope) error {
		held, err := tx.LockOrganization(ctx, id)
		if err != nil {
			return err
		}
		m, err := tx.Membership(ctx, id, a.User.ID)
		if err != nil {
			return err
		}
		s := Seat{Tenancy: t, Actor: a, Joined: lanyard.Joined{Organization: held, Membership: m}}
		return remove(ctx, tx, s, m, lanyard.EventMemberLeft, now)
	})
}

// remove is the one way out of an organization, which is held.
func remove(ctx context.Context, tx storage.Scope, s Seat, m lanyard.Membership, kind lanyard.EventType, now time.Time) error {
	if err := keepOwner(ctx, tx, m, nil); err != nil {
		return err
	}
	if err := tx.DeleteMembership(ctx, m.OrganizationID, m.UserID, now); err != nil {
		return err
	}
	fact := s.event(kind, now, RolesDetail(m.Roles, nil))
	fact.UserID = m.UserID
	return tx.InsertEvent(ctx, fact)
}

// Transfer makes another member the owner; whoever was it becomes an admin. It is for
// owners, with a fresh proof.
func (o *Organizations) Transfer(ctx context.Context, s Seat, to lanyard.UserID, now time.Time) error {
	switch {
	case !s.Membership.Owner():
		return lanyard.ErrNotAllowed
	case to == s.Actor.User.ID:
		return lanyard.ErrBadInput.Saying("you are the owner already")
	}
	if err := o.Accounts.CheckFresh(ctx, s.Tenancy, s.Actor, now); err != nil {
		return err
	}
	return o.inside(ctx, s, "", func(tx storage.Scope, s Seat) error {
		if !s.Membership.Owner() {
			return lanyard.ErrNotAllowed
		}
		heir, err := tx.Membership(ctx, s.Organization.ID, to)
		if err != nil {
			return err
		}
		if !heir.Owner() {
			if err := setRoles(ctx, tx, s, heir, exchanged(heir.Roles, lanyard.RoleAdmin, lanyard.RoleOwner), now); err != nil {
				return err
			}
		}
		if err := setRoles(ctx, tx, s, s.Membership, exchanged(s.Membership.Roles, lanyard.RoleOwner, lanyard.RoleAdmin), now); err != nil {
			return err
		}
		fact := s.event(lanyard.EventOwnershipTransferred, now, map[string]string{"from": string(s.Actor.User.ID)})
		fact.UserID = to
		return tx.InsertEvent(ctx, fact)
	})
}

// exchanged is a list of roles with one in the place of another, at its head if that was not there.
func exchanged(roles []string, old, replacement string) []string {
	rest := slices.DeleteFunc(slices.Clone(roles), func(role string) bool { return role == old || role == replacement })
	return append([]string{replacement}, rest...)
}

// All lists the organizations of a person by name, closed ones too.
func (o *Organizations) All(ctx context.Context, t accounts.Tenancy, user lanyard.UserID) ([]lanyard.Joined, error) {
	return t.Scope.AllJoined(ctx, user, maxJoined)
}

// Choose notes the organization that a person wants to work in from now on in this
// session and, with always, in every new one. It is lanyard.ErrNotFound unless it is
// open and they are in it.
func (o *Organizations) Choose(ctx context.Context, t accounts.Tenancy, a accounts.Actor, id lanyard.OrganizationID, always bool, now time.Time) error {
	err := t.Scope.InTx(ctx, func(tx storage.Scope) error {
		if err := tx.HoldMembership(ctx, id, a.User.ID); err != nil {
			return err
		}
		if err := tx.ChooseOrganization(ctx, a.Session.ID, a.User.ID, id, always); err != nil {
			return err
		}
		fact := lanyard.Event{
			Type: lanyard.EventOrganizationChosen, At: now, Actor: string(a.User.ID), UserID: a.User.ID, SessionID: a.Session.ID, OrganizationID: id,
		}
		if always {
			fact.Detail = map[string]string{"always": "true"}
		}
		return tx.InsertEvent(ctx, fact)
	})
	if errors.Is(err, lanyard.ErrConflict) {
		return lanyard.ErrNotFound // the session is not theirs, or the person is gone
	}
	return err
}

// mayGiveAll tells whether the person of the seat may give, or take, all of the roles.
func (s Seat) mayGiveAll(roles []string) bool {
	return !slices.ContainsFunc(roles, func(role string) bool { return !s.Powers.MayGive(role, s.Tenancy.Roles, s.OwnRoles) })
}

// unique is the list without what stands in it before.
func unique(words []string) []string {
	var out []string
	for _, word := range words {
		if word != "" && !slices.Contains(out, word) {
			out = append(out, word)
		}
	}
	return out
}

func sameRoles(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// RolesDetail is what an event says of a change of roles: what is not there is none.
func RolesDetail(before, after []string) map[string]string {
	out := map[string]string{}
	if len(before) > 0 {
		out["roles_before"] = strings.Join(before, " ")
	}
	if len(after) > 0 {
		out["roles_after"] = strings.Join(after, " ")
	}
	return out
}
