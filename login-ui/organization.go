package loginui

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

const (
	pathOrganization = "/login/organization"
	pathOffer        = "/login/organization/accept"
	pathAskToJoin    = "/login/organization/join"
	pathDeny         = "/login/organization/cancel"
	pathNotMember    = "/login/not-member"
)

const (
	organizationField = "organization"
	invitationField   = "invitation"
	searchParam       = "q"
	// manyOrganizations is from how many on the list can be searched.
	manyOrganizations = 8
	// maxSearch is the longest text that is looked for, in bytes.
	maxSearch = 100
)

// pickerView is the page that asks which organization a sign-in is for (L9).
type pickerView struct {
	*step
	Choices  []choice
	Offers   []offered
	Joinable []joinable
	// Search says that the list can be searched, Query what for; None that there is nothing to choose at all.
	Search   bool
	Query    string
	None     bool
	Remember bool
}

// choice is one organization of the list.
type choice struct {
	ID string
	orgHead
	Roles   string
	Checked bool
}

// offered is an invitation that waits.
type offered struct {
	ID string
	orgHead
	Text string
}

// joinable is an organization that the person may ask to join.
type joinable struct {
	ID string
	orgHead
	Asked bool
}

// organizationRoutes are the choice of the organization and what goes with it; empty
// without organizations.
func (p *Pages) organizationRoutes() []web.Route {
	if p.Entrance == nil {
		return nil
	}
	whichever := p.complain(whicheverStep, organizationMistakes)
	return slices.Concat(
		p.stepRoutes(flow.StepOrganization, p.stepForm(p.organization, p.complain(flow.StepOrganization, organizationMistakes))),
		p.stepRoutes(flow.StepInvitation, p.stepForm(p.invitation, p.complainInvitation)),
		[]web.Route{page("GET", pathNotMember, web.Flow, p.stepPage(flow.StepNotMember))},
		p.formRoutes(pathOffer, p.stepForm(p.acceptOffer, whichever)),
		p.formRoutes(pathAskToJoin, p.formThen(p.askToJoin, whichever, p.askedToJoin)),
		p.formRoutes(pathDeny, p.stepForm(p.deny, noComplaint)),
	)
}

// joining is what may be wrong with becoming a member.
var joining = among(
	mistake{lanyard.ErrNoSeat, "", "invitation.no_seat", nil},
	mistake{lanyard.ErrAlreadyMember, "", "invitation.already", nil},
	mistake{lanyard.ErrOtherAddress, "", "invitation.other_address", nil},
	mistake{lanyard.ErrHasAccount, "", "invitation.has_account", nil},
)

var organizationMistakes = either(joining, among(
	mistake{errEmptyField, "", "organization.empty", nil},
	mistake{lanyard.ErrNotFound, "", "organization.gone", nil},
))

func (p *Pages) organization(ctx context.Context, live *tenants.Live, f posted, v flow.Visitor) (flow.Moved, error) {
	id := f.value(organizationField)
	switch {
	case id == "":
		return flow.Moved{}, errEmptyField
	case len(id) > maxID:
		return flow.Moved{}, lanyard.ErrNotFound
	}
	return p.Entrance.Organization(ctx, live, f.id, v, f.token, lanyard.OrganizationID(id), f.ticked("remember"))
}

func (p *Pages) acceptOffer(ctx context.Context, live *tenants.Live, f posted, v flow.Visitor) (flow.Moved, error) {
	id := f.value(invitationField)
	if id == "" || len(id) > maxID {
		return flow.Moved{}, lanyard.ErrNotFound
	}
	return p.Entrance.AcceptOffer(ctx, live, f.id, v, f.token, lanyard.InvitationID(id))
}

func (p *Pages) askToJoin(ctx context.Context, live *tenants.Live, f posted, v flow.Visitor) (flow.Moved, error) {
	id := f.value(organizationField)
	if id == "" || len(id) > maxID {
		return flow.Moved{}, lanyard.ErrNotFound
	}
	return p.Entrance.AskToJoin(ctx, live, f.id, v, f.token, lanyard.OrganizationID(id))
}

// askedToJoin says that the wish was passed on, unless the sign-in goes on with it.
func (p *Pages) askedToJoin(c *gin.Context, id lanyard.AuthRequestID, _ flow.Moved) error {
	return p.showStep(c, id, whicheverStep, func(s *step) error {
		text, err := s.T("organization.asked")
		s.Notice = text
		return err
	}, http.StatusOK)
}

func (p *Pages) deny(ctx context.Context, live *tenants.Live, f posted, v flow.Visitor) (flow.Moved, error) {
	return p.Entrance.Deny(ctx, live, f.id, v, f.token)
}

func renderOrganization(p *Pages, c *gin.Context, s *step, status int) error {
	query := searched(c)
	v := pickerView{step: s, Query: query, Search: len(s.Page.Joined) >= manyOrganizations, Remember: c.Request.PostForm.Get("remember") != ""}
	var err error
	if v.Choices, err = s.choices(query, c.Request.PostForm.Get(organizationField)); err != nil {
		return err
	}
	if v.Offers, err = s.offered(s.Page.Offers); err != nil {
		return err
	}
	v.Joinable = joinables(s.Page.Joinable)
	v.None = len(s.Page.Joined)+len(v.Offers)+len(v.Joinable) == 0
	if err := s.heading("organization.heading", "App", s.App); err != nil {
		return err
	}
	return p.show(c, status, "organization.html", v)
}

// searched is what the list of a page is searched for.
func searched(c *gin.Context) string {
	query := strings.TrimSpace(c.Query(searchParam))
	if len(query) > maxSearch {
		return ""
	}
	return query
}

// choices are the organizations whose name, slug or code has the text in it.
func (s *step) choices(query, checked string) ([]choice, error) {
	wanted := strings.ToLower(query)
	var out []choice
	for _, j := range s.Page.Joined {
		o := j.Organization
		has := func(text string) bool { return strings.Contains(strings.ToLower(text), wanted) }
		if !slices.ContainsFunc([]string{o.Name, o.Slug, o.Code}, has) {
			continue
		}
		roles, err := s.roleNames(j.Membership.Roles)
		if err != nil {
			return nil, err
		}
		out = append(out, choice{ID: string(o.ID), orgHead: headOf(o), Roles: roles, Checked: string(o.ID) == checked})
	}
	return out, nil
}

// roleNames puts roles into words, in one line.
func (f *frame) roleNames(roles []string) (string, error) {
	var out []string
	for _, r := range roles {
		name, err := f.roleName(r)
		if err != nil {
			return "", err
		}
		out = append(out, name)
	}
	return strings.Join(out, ", "), nil
}

// roleName is what a role is called: the built-in ones in the person's language.
func (f *frame) roleName(role string) (string, error) {
	if slices.Contains(lanyard.BuiltInRoles, role) {
		return f.T("role." + role)
	}
	return plain(role), nil
}

// offered puts waiting invitations into words; those to the platform are for others.
func (f *frame) offered(all []organizations.Offer) ([]offered, error) {
	var out []offered
	for _, o := range all {
		if o.Organization.ID == "" {
			continue
		}
		text, err := f.invitedBy(o)
		if err != nil {
			return nil, err
		}
		out = append(out, offered{ID: string(o.Invitation.ID), orgHead: headOf(o.Organization), Text: text})
	}
	return out, nil
}

// invitedBy says who invites and as what.
func (f *frame) invitedBy(o organizations.Offer) (string, error) {
	roles, err := f.roleNames(o.Invitation.Roles)
	if err != nil {
		return "", err
	}
	if inviter := plain(o.Inviter); inviter != "" {
		return f.T("invitation.by", "Inviter", inviter, "Roles", roles)
	}
	return f.T("invitation.as", "Roles", roles)
}

func joinables(all []organizations.Joinable) []joinable {
	var out []joinable
	for _, j := range all {
		out = append(out, joinable{ID: string(j.Organization.ID), orgHead: headOf(j.Organization), Asked: j.Requested})
	}
	return out
}

// notMemberView is the page of an organization that is not to be had (L9). It knows
// no more of that than what was typed.
type notMemberView struct {
	*step
	Organization string
	Joinable     []joinable
}

func renderNotMember(p *Pages, c *gin.Context, s *step, status int) error {
	v := notMemberView{step: s, Organization: plain(s.Page.AskedFor), Joinable: joinables(s.Page.Joinable)}
	if err := s.heading("not_member.heading", "Organization", v.Organization); err != nil {
		return err
	}
	return p.show(c, status, "notmember.html", v)
}
