package management

import (
	"context"
	"slices"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// Member is a person in an organization.
type Member struct {
	UserID   lanyard.UserID `json:"user_id"`
	Name     string         `json:"name,omitempty" readOnly:"true"`
	Username string         `json:"username,omitempty" readOnly:"true"`
	Email    string         `json:"email,omitempty" readOnly:"true"`
	Disabled bool           `json:"disabled,omitempty" readOnly:"true"`
	// Roles are those in the organization; owner, admin and member are built in.
	Roles    []string  `json:"roles" nullable:"false"`
	JoinedAt time.Time `json:"joined_at,omitzero" readOnly:"true"`
}

// MemberColumns are those of Members.
var MemberColumns = Columns{Sorts: []string{"user_id"}}

func memberOf(m lanyard.Member) Member {
	return Member{
		UserID: m.User.ID, Name: m.User.Profile.Name, Username: m.User.Username, Email: m.User.Profile.Email, Disabled: m.User.Disabled,
		Roles: m.Membership.Roles, JoinedAt: m.Membership.CreatedAt,
	}
}

// Members lists the members of an organization. The search is part of a name, username or address.
func (m *Management) Members(ctx context.Context, a Administrator, organization string, q Query) (List[Member], error) {
	seat, err := m.reading(ctx, a, organization, lanyard.MayReadMembers)
	if err != nil {
		return List[Member]{}, err
	}
	list := "members " + string(seat.Organization.ID)
	w, err := q.window(a, list, MemberColumns)
	if err != nil {
		return List[Member]{}, err
	}
	if w.Descending {
		return List[Member]{}, lanyard.ErrBadInput.Saying("members are sorted by user_id, in one way")
	}
	found, err := a.Scope().Members(ctx, storage.MemberQuery{
		Organization: seat.Organization.ID, Search: q.Search, After: lanyard.UserID(w.After.ID), Limit: w.Limit,
	})
	if err != nil {
		return List[Member]{}, err
	}
	return pageOf(a, &q, list, found, func(m lanyard.Member) storage.Position { return storage.Position{ID: string(m.User.ID)} }, memberOf)
}

// Member is one member of an organization.
func (m *Management) Member(ctx context.Context, a Administrator, organization string, user lanyard.UserID) (Member, error) {
	seat, err := m.reading(ctx, a, organization, lanyard.MayReadMembers)
	if err != nil {
		return Member{}, err
	}
	out, err := memberIn(ctx, a.Scope(), seat.Organization.ID, user)
	return out, gone(err)
}

func memberIn(ctx context.Context, scope storage.Scope, organization lanyard.OrganizationID, user lanyard.UserID) (Member, error) {
	membership, err := scope.Membership(ctx, organization, user)
	if err != nil {
		return Member{}, err
	}
	person, err := scope.User(ctx, user)
	return memberOf(lanyard.Member{Membership: membership, User: person}), err
}

// AddMember makes a user of the tenant a member of an organization, for administrators of
// the tenant. Others invite.
func (m *Management) AddMember(ctx context.Context, a Administrator, organization string, n Member) (Member, error) {
	var out Member
	err := m.inOrganization(ctx, a, organization, func(within Administrator, tx storage.Scope, seat organizations.Seat) error {
		if err := within.Need(lanyard.MayManageOrganizations); err != nil {
			return err
		}
		if err := m.Organizations.AddMember(ctx, seat, n.UserID, n.Roles, a.Now); err != nil {
			return missing(err, "there is no such user")
		}
		var err error
		out, err = memberIn(ctx, tx, seat.Organization.ID, n.UserID)
		return err
	})
	return out, err
}

// ChangeMember changes the roles of a member. The only owner stays one (lanyard.ErrLastOwner).
func (m *Management) ChangeMember(ctx context.Context, a Administrator, organization string, user lanyard.UserID, change Change[Member]) (Member, error) {
	var out Member
	err := m.inOrganization(ctx, a, organization, func(_ Administrator, tx storage.Scope, seat organizations.Seat) error {
		if err := mayIn(seat, nil, lanyard.MayManageMembers); err != nil {
			return err
		}
		before, err := memberIn(ctx, tx, seat.Organization.ID, user)
		if err != nil {
			return gone(err)
		}
		after, err := change(before)
		if err != nil {
			return err
		}
		if after.UserID != before.UserID {
			return lanyard.ErrBadInput.Saying("only the roles of a member change")
		}
		if !slices.Equal(after.Roles, before.Roles) {
			if err := m.Organizations.SetRoles(ctx, seat, user, after.Roles, a.Now); err != nil {
				return err
			}
		}
		out, err = memberIn(ctx, tx, seat.Organization.ID, user)
		return err
	})
	return out, err
}

// RemoveMember takes a member out; what applications may do for them there ends at once.
func (m *Management) RemoveMember(ctx context.Context, a Administrator, organization string, user lanyard.UserID, when Condition[Member]) error {
	return m.inOrganization(ctx, a, organization, func(_ Administrator, tx storage.Scope, seat organizations.Seat) error {
		before, err := memberIn(ctx, tx, seat.Organization.ID, user)
		if err != nil {
			return gone(err)
		}
		if err := when.met(before); err != nil {
			return err
		}
		return m.Organizations.Remove(ctx, seat, user, a.Now)
	})
}

// JoinRequest is a person who wants to become a member.
type JoinRequest struct {
	UserID    lanyard.UserID `json:"user_id"`
	Name      string         `json:"name,omitempty"`
	Email     string         `json:"email,omitempty"`
	CreatedAt time.Time      `json:"created_at,omitzero"`
}

// JoinAnswer answers a request to join.
type JoinAnswer struct {
	Admit bool `json:"admit" required:"true"`
	// Roles are those that the new member gets; none for member.
	Roles []string `json:"roles,omitempty"`
}

// JoinRequests lists who wants to join an organization, 200 at most.
func (m *Management) JoinRequests(ctx context.Context, a Administrator, organization string, q Query) (List[JoinRequest], error) {
	seat, err := m.reading(ctx, a, organization, lanyard.MayManageMembers)
	if err != nil {
		return List[JoinRequest]{}, err
	}
	all, err := m.Organizations.JoinRequests(ctx, seat)
	if err != nil {
		return List[JoinRequest]{}, err
	}
	return fewOf(a, q, "join requests "+string(seat.Organization.ID), all, func(r lanyard.JoinRequest) JoinRequest {
		return JoinRequest{UserID: r.User.ID, Name: r.User.Profile.Name, Email: r.User.Profile.Email, CreatedAt: r.CreatedAt}
	}, func(r JoinRequest) string { return string(r.UserID) }, func(r lanyard.JoinRequest) string { return instant(r.CreatedAt) })
}

// AnswerJoinRequest lets somebody in who asked, or does not.
func (m *Management) AnswerJoinRequest(ctx context.Context, a Administrator, organization string, user lanyard.UserID, answer JoinAnswer) error {
	return m.inOrganization(ctx, a, organization, func(_ Administrator, _ storage.Scope, seat organizations.Seat) error {
		return m.Organizations.AnswerJoinRequest(ctx, seat, user, answer.Roles, answer.Admit, a.Now)
	})
}
