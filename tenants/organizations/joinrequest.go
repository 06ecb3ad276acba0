package organizations

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// maxRequests bounds the requests of an organization that are shown.
const maxRequests = 200

// askRule is how often one person asks to join organizations.
var askRule = storage.AttemptRule{Free: 20, Delay: time.Hour, Longest: 24 * time.Hour, Memory: 24 * time.Hour}

// Joinable lists the organizations that a proved address of a user lets them into, by
// themselves or by asking, and that they are not in.
func (o *Organizations) Joinable(ctx context.Context, t accounts.Tenancy, user lanyard.UserID, _ time.Time) ([]Joinable, error) {
	proved, err := accounts.ProvedAddresses(ctx, t.Scope, user)
	if err != nil {
		return nil, err
	}
	domains, err := joinable(ctx, t.Scope, proved)
	if err != nil {
		return nil, err
	}
	var out []Joinable
	for _, d := range domains {
		j, err := joinableOf(ctx, t.Scope, user, d)
		if err == nil {
			out = append(out, j)
		}
		if err := ignoring(err, lanyard.ErrNotFound); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// joinable are the domains that let people in, one for each organization: the one
// that does most. They are in the order in which organizations are locked.
func joinable(ctx context.Context, scope storage.Scope, proved []string) ([]lanyard.Domain, error) {
	all, err := scope.JoinableDomains(ctx, proved)
	slices.SortStableFunc(all, func(a, b lanyard.Domain) int {
		return cmp.Or(cmp.Compare(a.OrganizationID, b.OrganizationID), cmp.Compare(a.Joining, b.Joining)) // automatic before request
	})
	return slices.CompactFunc(all, func(a, b lanyard.Domain) bool { return a.OrganizationID == b.OrganizationID }), err
}

// joinableOf is what a domain offers to a user; lanyard.ErrNotFound to a member.
func joinableOf(ctx context.Context, scope storage.Scope, user lanyard.UserID, d lanyard.Domain) (Joinable, error) {
	_, err := scope.Membership(ctx, d.OrganizationID, user)
	if err == nil {
		return Joinable{}, lanyard.ErrNotFound
	}
	if !errors.Is(err, lanyard.ErrNotFound) {
		return Joinable{}, err
	}
	out := Joinable{}
	if out.Organization, err = scope.Organization(ctx, d.OrganizationID); err != nil {
		return Joinable{}, err
	}
	if out.Requested, err = scope.JoinRequested(ctx, d.OrganizationID, user); err != nil {
		return Joinable{}, err
	}
	out.Joining, err = joiningFor(ctx, scope, user, d)
	return out, err
}

// joiningFor is what a domain does for a user: who was a member and is none any more
// has to ask, so that nobody comes back by signing in.
func joiningFor(ctx context.Context, scope storage.Scope, user lanyard.UserID, d lanyard.Domain) (lanyard.Joining, error) {
	if d.Joining != lanyard.JoiningAutomatic {
		return d.Joining, nil
	}
	left, err := scope.LeftBefore(ctx, d.OrganizationID, user)
	if left {
		return lanyard.JoiningRequest, err
	}
	return d.Joining, err
}

// JoinByDomain makes a user, inside the transaction of the caller, a member of every
// organization that takes people of a proved domain by itself. An organization without
// a seat gets a request instead, once.
func (o *Organizations) JoinByDomain(ctx context.Context, tx storage.Scope, _ accounts.Tenancy, user lanyard.User, proved []string, now time.Time) error {
	return tx.InTx(ctx, func(tx storage.Scope) error {
		domains, err := joinable(ctx, tx, proved)
		if err != nil {
			return err
		}
		for _, d := range domains {
			offered, err := joinableOf(ctx, tx, user.ID, d)
			if err == nil && offered.Joining == lanyard.JoiningAutomatic {
				err = o.joinBy(ctx, tx, user.ID, "", d, proved, now)
			}
			if errors.Is(err, lanyard.ErrNoSeat) {
				err = ask(ctx, tx, accounts.Actor{User: user}, d, now)
			}
			if err := ignoring(err, lanyard.ErrNotFound); err != nil {
				return err
			}
		}
		return nil
	})
}

// joinBy makes a user a member by an automatic domain. It looks again once the
// organization is locked: lanyard.ErrNotFound if the domain does not do that any more,
// or the user is in.
func (o *Organizations) joinBy(ctx context.Context, tx storage.Scope, user lanyard.UserID, session lanyard.SessionID, d lanyard.Domain, proved []string, now time.Time) error {
	organization, err := tx.HoldOrganization(ctx, d.OrganizationID)
	if err != nil {
		return err
	}
	current, err := joinable(ctx, tx, proved)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(current, func(c lanyard.Domain) bool { return c.OrganizationID == d.OrganizationID })
	if i < 0 || current[i].Joining != lanyard.JoiningAutomatic {
		return lanyard.ErrNotFound
	}
	err = checkSeat(ctx, tx, organization, user)
	if errors.Is(err, lanyard.ErrAlreadyMember) {
		err = lanyard.ErrNotFound
	}
	if err != nil {
		return err
	}
	return o.admit(ctx, tx, admission{
		organization: organization, user: user, roles: []string{lanyard.RoleMember}, actor: string(user), session: session, detail: map[string]string{"domain": current[i].Name},
	}, now)
}

// AskToJoin asks the administrators of an organization to be let in, because of a
// proved address in one of its domains; where that lets people in by itself, they are
// in. Asking again changes nothing. Without such an address the organization is
// lanyard.ErrNotFound, whether it is there or not.
func (o *Organizations) AskToJoin(ctx context.Context, t accounts.Tenancy, a accounts.Actor, organization lanyard.OrganizationID, now time.Time) error {
	if err := accounts.Limit(ctx, t.Scope, "join_request", string(a.User.ID), askRule, now); err != nil {
		return err
	}
	return t.Scope.InTx(ctx, func(tx storage.Scope) error {
		if _, err := tx.HoldOrganization(ctx, organization); err != nil {
			return err
		}
		proved, err := accounts.ProvedAddresses(ctx, tx, a.User.ID)
		if err != nil {
			return err
		}
		domains, err := joinable(ctx, tx, proved)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(domains, func(d lanyard.Domain) bool { return d.OrganizationID == organization })
		if i < 0 {
			return lanyard.ErrNotFound
		}
		_, err = tx.Membership(ctx, organization, a.User.ID)
		if err == nil {
			return lanyard.ErrAlreadyMember
		}
		if !errors.Is(err, lanyard.ErrNotFound) {
			return err
		}
		joining, err := joiningFor(ctx, tx, a.User.ID, domains[i])
		if err != nil {
			return err
		}
		if joining == lanyard.JoiningAutomatic {
			return o.joinBy(ctx, tx, a.User.ID, a.Session.ID, domains[i], proved, now)
		}
		return ask(ctx, tx, a, domains[i], now)
	})
}

func ask(ctx context.Context, tx storage.Scope, a accounts.Actor, d lanyard.Domain, now time.Time) error {
	fresh, err := tx.InsertJoinRequest(ctx, d.OrganizationID, a.User.ID, now)
	if err != nil || !fresh {
		return err
	}
	return tx.InsertEvent(ctx, lanyard.Event{
		Type: lanyard.EventJoinRequested, At: now, Actor: string(a.User.ID), UserID: a.User.ID, SessionID: a.Session.ID,
		OrganizationID: d.OrganizationID, Detail: map[string]string{"domain": d.Name},
	})
}

// JoinRequests lists who wants to join the organization, oldest first, 200 at most.
func (o *Organizations) JoinRequests(ctx context.Context, s Seat) ([]lanyard.JoinRequest, error) {
	if !s.May(lanyard.MayManageMembers) {
		return nil, lanyard.ErrNotAllowed
	}
	return s.Tenancy.Scope.JoinRequests(ctx, s.Organization.ID, maxRequests)
}

// AnswerJoinRequest lets somebody in who asked, with roles (none for member) that the
// person of the seat may give, or does not. A request that is gone is lanyard.ErrNotFound.
func (o *Organizations) AnswerJoinRequest(ctx context.Context, s Seat, user lanyard.UserID, roles []string, admit bool, now time.Time) error {
	if roles = unique(roles); len(roles) == 0 {
		roles = []string{lanyard.RoleMember}
	}
	return o.inside(ctx, s, lanyard.MayManageMembers, func(tx storage.Scope, seat Seat) error {
		asked, err := tx.JoinRequested(ctx, seat.Organization.ID, user)
		if err == nil && !asked {
			err = lanyard.ErrNotFound
		}
		if err != nil {
			return err
		}
		if admit {
			return o.letIn(ctx, tx, seat, user, roles, now)
		}
		if err := tx.TakeJoinRequest(ctx, seat.Organization.ID, user); err != nil {
			return err
		}
		refused := seat.event(lanyard.EventJoinRefused, now, nil)
		refused.UserID = user
		return tx.InsertEvent(ctx, refused)
	})
}

func (o *Organizations) letIn(ctx context.Context, tx storage.Scope, s Seat, user lanyard.UserID, roles []string, now time.Time) error {
	if err := s.mayOffer(roles); err != nil {
		return err
	}
	if err := checkSeat(ctx, tx, s.Organization, user); err != nil {
		return err
	}
	return o.admit(ctx, tx, admission{
		organization: s.Organization, user: user, roles: roles, actor: s.by(), session: s.Actor.Session.ID, detail: map[string]string{"reason": "request"},
	}, now)
}
