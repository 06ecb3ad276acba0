package loginui

import (
	"context"
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/accounts"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

const pathInvitation = "/login/invitation"

// offerText is an invitation in words.
type offerText struct {
	orgHead
	// Platform says that it is to the tenant, not to an organization.
	Platform bool
	// By says who invites and as what, App what it leads to; empty where there is nothing to say.
	By  string
	App string
}

func (p *Pages) offerText(c *gin.Context, f *frame, o organizations.Offer) (offerText, error) {
	out := offerText{orgHead: headOf(o.Organization), Platform: o.Organization.ID == ""}
	client, err := live(c).Landing(c.Request.Context(), o.Invitation)
	if err != nil {
		return out, err
	}
	if client != nil {
		out.App = appName(client)
	}
	if !out.Platform {
		out.By, err = f.invitedBy(o)
	}
	return out, err
}

// admits tells whether a person has proved an address that the invitation is for.
// Whether they really may is decided when they accept.
func (p *Pages) admits(c *gin.Context, user lanyard.UserID, i lanyard.Invitation) (bool, error) {
	if i.Email == "" && i.Domain == "" || p.Accounts == nil {
		return true, nil
	}
	all, err := p.Accounts.Emails(c.Request.Context(), live(c).Tenancy(), user)
	return i.Admits(accounts.Proved(all)), err
}

// invitationView is the step that asks whoever signed in for an invitation whether
// they accept it (L14).
type invitationView struct {
	*step
	Offer offerText
	// Gone says that the invitation can not be used any more, Other that it is for
	// another address, OwnConnection that the organization lets nobody in this way.
	Gone, Other, OwnConnection bool
}

// complainInvitation shows the invitation again; that it is for another address is 403.
func (p *Pages) complainInvitation(c *gin.Context, f posted, err error) (bool, error) {
	if errors.Is(err, lanyard.ErrOtherAddress) {
		web.Note(c, err)
		return true, p.showStep(c, f.id, flow.StepInvitation, func(*step) error { return nil }, http.StatusForbidden)
	}
	return p.complain(flow.StepInvitation, either(joining, among(mistake{lanyard.ErrNotFound, "", "invitation.gone", nil})))(c, f, err)
}

func (p *Pages) invitation(ctx context.Context, live *tenants.Live, f posted, v flow.Visitor) (flow.Moved, error) {
	decision := f.value("decision")
	if decision != "accept" && decision != "decline" {
		return flow.Moved{}, errUndecided
	}
	return p.Entrance.AcceptInvitation(ctx, live, f.id, v, f.token, decision == "accept")
}

func renderInvitation(p *Pages, c *gin.Context, s *step, status int) error {
	v := invitationView{step: s, Gone: s.Page.Offer == nil, Other: status == http.StatusForbidden}
	if v.Gone {
		return errors.Join(s.heading("invitation.gone_heading"), p.show(c, status, "invitation.html", v))
	}
	offer := *s.Page.Offer
	v.OwnConnection = offer.Organization.Policy.OwnConnectionOnly
	if user := s.user(); user != nil && !v.Other {
		fits, err := p.admits(c, user.ID, offer.Invitation)
		if err != nil {
			return err
		}
		v.Other = !fits
	}
	if v.Other {
		status = http.StatusForbidden
	}
	var err error
	if v.Offer, err = p.offerText(c, s.frame, offer); err != nil {
		return err
	}
	if err := s.offerHeading(v.Offer); err != nil {
		return err
	}
	return p.show(c, status, "invitation.html", v)
}

// offerHeading names what the invitation is to.
func (f *frame) offerHeading(o offerText) error {
	if o.Platform {
		return f.heading("invite.heading_platform", "Tenant", f.Tenant)
	}
	return f.heading("invite.heading", "Organization", o.Name)
}

// user is whose sign-in it is; nil before that is known.
func (s *step) user() *lanyard.User {
	switch {
	case s.Page.Person != nil:
		return s.Page.Person
	case s.Page.Account != nil:
		return &s.Page.Account.User
	default:
		return nil
	}
}
