package loginui

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

const (
	pathInvite  = "/invite"
	inviteRoute = "/invite/:code"
	// maxTypedCode is the longest code that is looked at, in bytes.
	maxTypedCode = 200
)

// What the form of an invitation wants.
const (
	actionAccept = "accept"
	actionSignIn = "sign_in"
	actionSignUp = "sign_up"
)

// inviteRoutes are the pages behind the link or the code of an invitation. Opening
// one consumes nothing.
func (p *Pages) inviteRoutes() []web.Route {
	return []web.Route{
		page("GET", pathInvite, web.OneTime, p.getInviteCode),
		page("POST", pathInvite, web.OneTime, p.postInviteCode),
		page("GET", inviteRoute, web.OneTime, p.getInvite),
		page("POST", inviteRoute, web.OneTime, p.postInvite),
	}
}

// inviteCodeView is the page on which a code is typed.
type inviteCodeView struct {
	*frame
	Typed string
}

func (p *Pages) getInviteCode(c *gin.Context) error { return p.showInviteCode(c, "", "") }

func (p *Pages) showInviteCode(c *gin.Context, typed, wrong string) error {
	v := inviteCodeView{frame: p.frame(c, nil), Typed: typed}
	if err := v.heading("invite.type_heading"); err != nil {
		return err
	}
	if wrong != "" {
		if err := v.problem("code", wrong); err != nil {
			return err
		}
	}
	return p.show(c, http.StatusOK, "invitecode.html", v)
}

func (p *Pages) postInviteCode(c *gin.Context) error {
	values, err := singleFields(c)
	if err != nil {
		return err
	}
	typed := strings.TrimSpace(values.Get("code"))
	switch {
	case typed == "":
		return p.showInviteCode(c, "", "invite.type_empty")
	case len(typed) > maxTypedCode:
		return p.showInviteCode(c, "", "invite.type_wrong")
	}
	code, err := lanyard.ParseInviteCode(typed)
	if err != nil { // it can be no code at all
		return p.showInviteCode(c, typed, "invite.type_wrong")
	}
	return leadTo(pathInvite+"/"+code.Reveal(), nil)(c)
}

// invite is an invitation in front of somebody.
type invite struct {
	code  string
	offer organizations.Offer
	// me is who is signed in; nil for nobody.
	me *self
	// member says that they are in already, other that it is for another address.
	member, other bool
}

// inviteView is the page of an invitation (L14).
type inviteView struct {
	*frame
	Offer  offerText
	Action string
	// Me is who is signed in; empty for nobody.
	Me string
	// Member, Other and OwnConnection say why the person can not accept: in already,
	// another address, only by the organization's own sign-in.
	Member, Other, OwnConnection bool
	// MaySignUp says that accounts are made here for who is invited.
	MaySignUp bool
	// Link leads on for who is a member already, to what App names.
	Link string
}

// invite looks at the code of the address.
func (p *Pages) invite(c *gin.Context) (invite, error) {
	i := invite{code: c.Param("code")}
	if len(i.code) > maxTypedCode {
		return i, lanyard.ErrNotFound
	}
	ctx, tenancy, now := c.Request.Context(), live(c).Tenancy(), p.Clock.Now()
	var err error
	if i.offer, err = p.Organizations.Look(ctx, tenancy, i.code, p.from(c), now); err != nil {
		return i, err
	}
	me, err := p.self(c)
	if errors.Is(err, lanyard.ErrLoginRequired) {
		return i, nil
	}
	if err != nil {
		return i, err
	}
	i.me = &me
	all, err := p.Organizations.All(ctx, tenancy, me.User.ID)
	if err != nil {
		return i, err
	}
	i.member = slices.ContainsFunc(all, func(j lanyard.Joined) bool { return j.Organization.ID == i.offer.Organization.ID })
	fits, err := p.admits(c, me.User.ID, i.offer.Invitation)
	i.other = !fits
	return i, err
}

func (p *Pages) getInvite(c *gin.Context) error {
	i, err := p.invite(c)
	if err != nil {
		return p.inviteFault(c, err)
	}
	return p.showInvite(c, i, nil)
}

// inviteFault answers every code that opens nothing alike: wrong, used, expired,
// revoked, of another tenant.
func (p *Pages) inviteFault(c *gin.Context, err error) error {
	if !errors.Is(err, lanyard.ErrNotFound) {
		return err
	}
	web.Note(c, err)
	v, err := p.faultView(c, fault{"invitation.gone_heading", "invitation.gone"})
	if err != nil {
		return err
	}
	if v.LinkText, err = v.T("invite.type_again"); err != nil {
		return err
	}
	v.Link = v.Path(pathInvite)
	return p.showFault(c, http.StatusNotFound, v)
}

// showInvite renders an invitation, with the words for what was wrong.
func (p *Pages) showInvite(c *gin.Context, i invite, say words) error {
	v, err := p.inviteView(c, i)
	if err != nil {
		return err
	}
	if say != nil {
		if err := say(&step{frame: v.frame}); err != nil {
			return err
		}
	}
	status := http.StatusOK
	if v.Other {
		status = http.StatusForbidden
	}
	landing, err := p.landing(c, i.offer)
	if err != nil {
		return err
	}
	web.FormTo(c.Writer.Header(), lanyard.Origin(landing))
	return p.show(c, status, "invite.html", v)
}

func (p *Pages) inviteView(c *gin.Context, i invite) (*inviteView, error) {
	v := &inviteView{frame: p.frame(c, nil), Member: i.member, Other: i.other && !i.member}
	if i.me != nil {
		v.frame = p.frame(c, []string{i.me.User.Profile.Locale})
		v.Me = plain(i.me.User.SignInName())
	}
	v.paint(i.offer.Organization.Branding)
	v.Action = web.Local(v.Site, pathInvite+"/"+i.code, nil).Location()
	v.OwnConnection = i.offer.Organization.Policy.OwnConnectionOnly
	v.MaySignUp = live(c).Tenant.Policy.WhoSignsUp() != lanyard.SignUpClosed
	var err error
	if v.Offer, err = p.offerText(c, v.frame, i.offer); err != nil {
		return nil, err
	}
	if v.Member {
		if v.Link, err = p.onward(c, i); err != nil {
			return nil, err
		}
	}
	return v, v.offerHeading(v.Offer)
}

// onward is where a member goes on: the application of the invitation, or their organizations.
func (p *Pages) onward(c *gin.Context, i invite) (string, error) {
	landing, err := p.landing(c, i.offer)
	if err != nil || landing != "" {
		return landing, err
	}
	return site(c).Path(pathMyOrgs), nil
}

func (p *Pages) postInvite(c *gin.Context) error {
	values, err := singleFields(c)
	if err != nil {
		return err
	}
	i, err := p.invite(c)
	if err != nil {
		return p.inviteFault(c, err)
	}
	action := values.Get("action")
	switch {
	case action == actionAccept && i.me != nil && i.offer.Organization.ID != "":
		return p.acceptInvite(c, i)
	case action == actionAccept || action == actionSignIn || action == actionSignUp:
		o, err := p.Entrance.BeginInvitation(c.Request.Context(), live(c), i.offer, action == actionSignUp, p.newcomer(c))
		if err != nil {
			return p.inviteFault(c, err)
		}
		return p.lead(c, o)
	default:
		return errUndecided
	}
}

// acceptInvite makes the person at hand a member, and leads to where the invitation
// says. What the form says besides is not looked at: roles are those of the invitation.
func (p *Pages) acceptInvite(c *gin.Context, i invite) error {
	_, err := p.Organizations.Accept(c.Request.Context(), live(c).Tenancy(), i.me.Actor, i.offer.Invitation.ID, i.offer.Shown, p.Clock.Now())
	switch {
	case errors.Is(err, lanyard.ErrOtherAddress):
		web.Note(c, err)
		i.other = true
		return p.showInvite(c, i, nil)
	case errors.Is(err, lanyard.ErrAlreadyMember):
		web.Note(c, err)
		i.member = true
		return p.showInvite(c, i, nil)
	case errors.Is(err, lanyard.ErrNoSeat):
		web.Note(c, err)
		return p.showInvite(c, i, joining(err))
	case err != nil:
		return p.inviteFault(c, err)
	}
	client, err := live(c).Landing(c.Request.Context(), i.offer.Invitation)
	if err != nil {
		return err
	}
	if client == nil {
		return done(pathMyOrgs, "org_joined")(c)
	}
	web.Redirect(c.Writer, c.Request, web.StartOf(site(c), client, i.offer.Organization.ID, pathMyOrgs))
	return nil
}
