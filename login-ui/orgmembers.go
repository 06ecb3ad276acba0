package loginui

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// memberDeeds are about the people of an organization.
type memberDeeds interface {
	Members(ctx context.Context, s organizations.Seat, search string, after lanyard.UserID) ([]lanyard.Member, bool, error)
	SeatsUsed(ctx context.Context, s organizations.Seat) (int64, error)
	SetRoles(ctx context.Context, s organizations.Seat, user lanyard.UserID, roles []string, now time.Time) error
	Remove(ctx context.Context, s organizations.Seat, user lanyard.UserID, now time.Time) error
	Transfer(ctx context.Context, s organizations.Seat, to lanyard.UserID, now time.Time) error
	JoinRequests(ctx context.Context, s organizations.Seat) ([]lanyard.JoinRequest, error)
	AnswerJoinRequest(ctx context.Context, s organizations.Seat, user lanyard.UserID, roles []string, admit bool, now time.Time) error
}

const (
	userField  = "user"
	rolePrefix = "role."
	afterParam = "after"
)

// orgMembersView is the page of the members.
type orgMembersView struct {
	*orgPage
	Query    string
	Members  []member
	Requests []joinRequest
	// More leads to the following page, First back to the beginning; empty for nowhere.
	More, First string
}

type member struct {
	account
	ID   string
	This bool
	// Roles are the boxes of the form; MayChange says that there is one.
	Roles     []roleBox
	RoleNames string
	MayChange bool
	// MayTransfer offers to make them the owner.
	MayTransfer bool
}

type joinRequest struct {
	account
	ID    string
	When  moment
	Roles []roleBox
}

// roleBox is a role that a form gives or takes away.
type roleBox struct {
	Field, ID, Text string
	Checked         bool
	// Fixed is a role that the person at hand may neither give nor take away.
	Fixed bool
}

func (p *Pages) orgMembersScreen() orgScreen {
	return orgScreen{path: orgMembers, area: orgMembers, heading: "org.members.heading", template: "orgmembers.html", view: p.viewOrgMembers}
}

func (p *Pages) orgMemberForms() []orgForm {
	at := p.orgMembersScreen()
	changed := among(
		mistake{lanyard.ErrLastOwner, "", "org.members.last_owner", nil},
		mistake{lanyard.ErrBadInput, "", "org.members.bad_roles", nil},
		mistake{lanyard.ErrNoSeat, "", "org.members.no_seat", nil},
		mistake{lanyard.ErrAlreadyMember, "", "org.invitations.already", nil},
	)
	return []orgForm{
		{path: orgMembers + "/roles", at: at, do: p.setRoles, explain: changed},
		{path: orgMembers + "/remove", at: at, do: p.removeMember, explain: changed},
		{path: orgMembers + "/transfer", at: at, do: p.transferOrg, explain: changed},
		{path: orgMembers + "/request", at: at, do: p.answerJoin, explain: changed},
	}
}

// user is the member that a form is about.
func (f posted) user() (lanyard.UserID, error) {
	id := f.value(userField)
	if id == "" || len(id) > maxID {
		return "", lanyard.ErrNotFound
	}
	return lanyard.UserID(id), nil
}

// roles are the roles that are ticked, sorted.
func (f posted) roles() ([]string, error) {
	var out []string
	for name := range f.values {
		role, found := strings.CutPrefix(name, rolePrefix)
		if !found {
			continue
		}
		if !lanyard.ValidRoleName(role) {
			return nil, lanyard.ErrBadInput
		}
		out = append(out, role)
	}
	slices.Sort(out)
	return out, nil
}

func (p *Pages) setRoles(c *gin.Context, d desk, f posted) (web.Handler, error) {
	user, err := f.user()
	if err != nil {
		return nil, err
	}
	roles, err := f.roles()
	if err != nil {
		return nil, err
	}
	return d.done(orgMembers, "member_saved"), p.Organizations.SetRoles(c.Request.Context(), d.seat, user, roles, p.Clock.Now())
}

func (p *Pages) removeMember(c *gin.Context, d desk, f posted) (web.Handler, error) {
	user, err := f.user()
	if err != nil {
		return nil, err
	}
	return d.done(orgMembers, "member_removed"), p.Organizations.Remove(c.Request.Context(), d.seat, user, p.Clock.Now())
}

func (p *Pages) transferOrg(c *gin.Context, d desk, f posted) (web.Handler, error) {
	user, err := f.user()
	if err != nil {
		return nil, err
	}
	return d.done(orgMembers, "org_transferred"), p.Organizations.Transfer(c.Request.Context(), d.seat, user, p.Clock.Now())
}

func (p *Pages) answerJoin(c *gin.Context, d desk, f posted) (web.Handler, error) {
	user, err := f.user()
	if err != nil {
		return nil, err
	}
	roles, err := f.roles()
	if err != nil {
		return nil, err
	}
	word, admit := "join_admitted", false
	switch f.value("decision") {
	case "admit":
		admit = true
	case "refuse":
		word = "join_refused"
	default:
		return nil, errUndecided
	}
	return d.done(orgMembers, word), p.Organizations.AnswerJoinRequest(c.Request.Context(), d.seat, user, roles, admit, p.Clock.Now())
}

func (p *Pages) viewOrgMembers(c *gin.Context, v *orgPage) (any, error) {
	after := lanyard.UserID(c.Query(afterParam))
	if len(after) > maxID {
		return nil, lanyard.ErrNotFound
	}
	out := orgMembersView{orgPage: v, Query: searched(c)}
	members, more, err := p.Organizations.Members(c.Request.Context(), v.seat, out.Query, after)
	if err != nil {
		return nil, err
	}
	for n, m := range members {
		entry, err := v.member(n, m)
		if err != nil {
			return nil, err
		}
		out.Members = append(out.Members, entry)
	}
	query := url.Values{}
	if out.Query != "" {
		query.Set(searchParam, out.Query)
	}
	if after != "" {
		out.First = v.with(orgMembers, query)
	}
	if more && len(members) > 0 {
		query.Set(afterParam, string(members[len(members)-1].User.ID))
		out.More = v.with(orgMembers, query)
	}
	out.Requests, err = p.joinRequests(c, v)
	return out, err
}

func (v *orgPage) member(n int, m lanyard.Member) (member, error) {
	out := member{account: personOf(m.User), ID: string(m.User.ID), This: m.User.ID == v.me.User.ID}
	out.MayTransfer = v.seat.Membership.Owner() && !out.This
	var err error
	if out.RoleNames, err = v.roleNames(m.Membership.Roles); err != nil {
		return out, err
	}
	above := func(role string) bool { return !v.mayGive(role) }
	if out.MayChange = v.May(lanyard.MayManageMembers) && !slices.ContainsFunc(m.Membership.Roles, above); !out.MayChange {
		return out, nil
	}
	out.Roles, err = v.roleBoxes("member-"+strconv.Itoa(n)+"-", m.Membership.Roles)
	return out, err
}

// personOf is how lists show somebody.
func personOf(u lanyard.User) account {
	return accountsOf([]lanyard.Account{{User: u}}, time.Time{})[0]
}

// mayGive tells whether the person at hand may give a role or take it away.
func (v *orgPage) mayGive(role string) bool {
	return v.seat.Powers.MayGive(role, v.seat.Tenancy.Roles, v.seat.OwnRoles)
}

// roleBoxes are boxes for the roles that the person may give, ticked as somebody has them.
func (v *orgPage) roleBoxes(prefix string, has []string) ([]roleBox, error) {
	var out []roleBox
	for n, role := range v.allRoles() {
		box := roleBox{Field: rolePrefix + role, ID: prefix + strconv.Itoa(n), Checked: slices.Contains(has, role), Fixed: !v.mayGive(role)}
		if box.Fixed && !box.Checked {
			continue
		}
		var err error
		if box.Text, err = v.roleName(role); err != nil {
			return nil, err
		}
		out = append(out, box)
	}
	return out, nil
}

// allRoles are the names of all roles that there are: built in, the tenant's, the organization's.
func (v *orgPage) allRoles() []string {
	out := slices.Clone(lanyard.BuiltInRoles)
	for _, r := range slices.Concat(v.seat.Tenancy.Roles, v.seat.OwnRoles) {
		if !slices.Contains(out, r.Name) {
			out = append(out, r.Name)
		}
	}
	return out
}

func (p *Pages) joinRequests(c *gin.Context, v *orgPage) ([]joinRequest, error) {
	if !v.May(lanyard.MayManageMembers) {
		return nil, nil
	}
	all, err := p.Organizations.JoinRequests(c.Request.Context(), v.seat)
	if err != nil {
		return nil, err
	}
	var out []joinRequest
	for n, r := range all {
		entry := joinRequest{account: personOf(r.User), ID: string(r.User.ID)}
		if entry.When, err = v.moment(r.CreatedAt); err != nil {
			return nil, err
		}
		if entry.Roles, err = v.roleBoxes("request-"+strconv.Itoa(n)+"-", []string{lanyard.RoleMember}); err != nil {
			return nil, err
		}
		out = append(out, entry)
	}
	return out, nil
}
