package loginui

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// inviteDeeds make and end the invitations of an organization.
type inviteDeeds interface {
	Invite(ctx context.Context, s organizations.Seat, form organizations.Invite, now time.Time) (organizations.Invited, error)
	InviteMany(ctx context.Context, s organizations.Seat, emails []string, form organizations.Invite, now time.Time) ([]organizations.BulkRow, error)
	Invitations(ctx context.Context, s organizations.Seat, before lanyard.InvitationID) ([]lanyard.Invitation, error)
	Resend(ctx context.Context, s organizations.Seat, id lanyard.InvitationID, now time.Time) error
	Revoke(ctx context.Context, s organizations.Seat, id lanyard.InvitationID, now time.Time) error
	Uses(ctx context.Context, s organizations.Seat, id lanyard.InvitationID) ([]lanyard.InvitationUse, error)
}

// invitationPage is how many invitations are on one page.
const invitationPage = 50

// orgInvitationsView is the page of the invitations.
type orgInvitationsView struct {
	*orgPage
	Invitations []invitation
	// Older leads to those before; empty at the end. Newest leads back.
	Older, Newest string
	// MayInvite shows the forms; Forms are what they have in common, by the prefix of their ids.
	MayInvite        bool
	Mail, Link, Bulk inviteForm
	// Made is the link of an invitation that was just made; empty for none.
	Made string
	// Rows is what became of many.
	Rows []bulkRow
}

// inviteForm is what the forms of an invitation have in common.
type inviteForm struct {
	Prefix                                  string
	Roles                                   []roleBox
	Email, Domain, Uses, Days, Client, List string
}

// formOf is a form together with its page, for the parts that the forms share.
type formOf struct {
	Page *orgInvitationsView
	Form inviteForm
}

// Of is one of the forms for its parts.
func (v *orgInvitationsView) Of(f inviteForm) formOf { return formOf{v, f} }

// invitation is one entry of the list.
type invitation struct {
	ID string
	// For is the address or the domain; Anyone says that it is for whoever has the link.
	For              string
	Domain, Anyone   bool
	Roles            string
	Waiting, Revoked bool
	UsedUp, Expired  bool
	Uses, MaxUses    int64
	Expires          string
	Created          moment
	// MayResend says that it goes by mail; History leads to who used it, empty for nobody.
	MayResend bool
	History   string
}

func (p *Pages) orgInvitationsScreen() orgScreen {
	return orgScreen{path: orgInvitations, area: orgInvitations, heading: "org.invitations.heading", template: "orginvitations.html", view: p.viewOrgInvitations}
}

func (p *Pages) orgInvitationForms() []orgForm {
	at := p.orgInvitationsScreen()
	made := either(wrongFields, quota, among(
		mistake{lanyard.ErrAlreadyMember, "mail-email", "org.invitations.already", nil},
		mistake{lanyard.ErrBadInput, "", "org.invitations.bad", nil},
	))
	large := among(mistake{errLargeFile, "bulk-list", "org.bulk.large", nil})
	return []orgForm{
		{path: orgInvitations, at: at, do: p.inviteByMail, explain: made},
		{path: orgInvitations + "/link", at: at, do: p.inviteByLink, explain: made},
		{path: orgInvitations + "/bulk", at: at, do: p.inviteMany, explain: either(large, made), upload: maxBulkFile},
		{path: orgInvitations + "/resend", at: at, do: p.resendInvitation, explain: quota},
		{path: orgInvitations + "/revoke", at: at, do: p.revokeInvitation, explain: noMistakes},
	}
}

// quota says that no more invitations can be sent for now.
func quota(err error) words {
	if say := among(mistake{lanyard.ErrQuota, "", "org.invitations.quota", nil})(err); say != nil {
		return say
	}
	return tooSoon(err)
}

const (
	maxDays = int64(lanyard.MaxInviteLifetime / (24 * time.Hour))
	// usualDays is what the forms suggest.
	usualDays = int64(lanyard.InviteLifetime / (24 * time.Hour))
)

// readInvite reads what the forms have in common. Ids of the fields begin with the prefix.
func (p *Pages) readInvite(c *gin.Context, f posted, prefix string) (organizations.Invite, error) {
	roles, err := f.roles()
	if err != nil {
		return organizations.Invite{}, err
	}
	days, err := f.number("days", usualDays, maxDays)
	if err != nil {
		return organizations.Invite{}, wrongField{mistake{field: prefix + "days", key: "org.invitations.bad_days", args: []any{"Most", int(maxDays)}}}
	}
	client := lanyard.ClientID(strings.TrimSpace(f.value("client_id")))
	out := organizations.Invite{Roles: roles, Lifetime: time.Duration(days) * 24 * time.Hour, ClientID: client}
	if client == "" {
		return out, nil
	}
	known, err := live(c).Client(c.Request.Context(), client)
	if err == nil && known.Disabled {
		err = lanyard.ErrUnknownClient
	}
	if lanyard.KindOf(err) == lanyard.Invalid {
		return out, wrongField{mistake{field: prefix + "client", key: "org.invitations.bad_client"}}
	}
	return out, err
}

// number is a whole number of a form from 1 on, or the usual one where nothing was typed.
func (f posted) number(field string, usual, most int64) (int64, error) {
	typed := strings.TrimSpace(f.value(field))
	if typed == "" {
		return usual, nil
	}
	n, err := strconv.ParseInt(typed, 10, 64)
	if err != nil || n < 1 || n > most {
		return 0, lanyard.ErrBadInput
	}
	return n, nil
}

func (p *Pages) inviteByMail(c *gin.Context, d desk, f posted) (web.Handler, error) {
	form, err := p.readInvite(c, f, "mail-")
	if err != nil {
		return nil, err
	}
	form.Email = strings.TrimSpace(f.value("email"))
	if _, err := lanyard.CanonicalEmail(form.Email); err != nil {
		return nil, wrongField{mistake{field: "mail-email", key: "org.invitations.bad_email"}}
	}
	_, err = p.Organizations.Invite(c.Request.Context(), d.seat, form, p.Clock.Now())
	return d.done(orgInvitations, "invitation_sent"), err
}

func (p *Pages) inviteByLink(c *gin.Context, d desk, f posted) (web.Handler, error) {
	form, err := p.readInvite(c, f, "link-")
	if err != nil {
		return nil, err
	}
	if form.Domain = strings.TrimSpace(f.value("domain")); len(form.Domain) > maxAddress {
		return nil, wrongField{mistake{field: "link-domain", key: "org.domains.bad"}}
	}
	if form.MaxUses, err = f.number("uses", 1, lanyard.MaxInviteUses); err != nil {
		return nil, wrongField{mistake{field: "link-uses", key: "org.invitations.bad_uses", args: []any{"Most", lanyard.MaxInviteUses}}}
	}
	made, err := p.Organizations.Invite(c.Request.Context(), d.seat, form, p.Clock.Now())
	if err != nil {
		return nil, err
	}
	return p.shown(p.orgInvitationsScreen(), d, made), nil
}

func (p *Pages) resendInvitation(c *gin.Context, d desk, f posted) (web.Handler, error) {
	id, err := f.invitation()
	if err != nil {
		return nil, err
	}
	return d.done(orgInvitations, "invitation_sent"), p.Organizations.Resend(c.Request.Context(), d.seat, id, p.Clock.Now())
}

func (p *Pages) revokeInvitation(c *gin.Context, d desk, f posted) (web.Handler, error) {
	id, err := f.invitation()
	if err != nil {
		return nil, err
	}
	return d.done(orgInvitations, "invitation_revoked"), p.Organizations.Revoke(c.Request.Context(), d.seat, id, p.Clock.Now())
}

func (p *Pages) viewOrgInvitations(c *gin.Context, v *orgPage) (any, error) {
	before := lanyard.InvitationID(c.Query(beforeParam))
	if len(before) > maxID {
		return nil, lanyard.ErrNotFound
	}
	all, err := p.Organizations.Invitations(c.Request.Context(), v.seat, before)
	if err != nil {
		return nil, err
	}
	out := &orgInvitationsView{orgPage: v, MayInvite: v.May(lanyard.MayManageInvitations)}
	for _, i := range all {
		entry, err := v.invitation(i)
		if err != nil {
			return nil, err
		}
		out.Invitations = append(out.Invitations, entry)
	}
	if before != "" {
		out.Newest = v.At(orgInvitations)
	}
	if len(all) == invitationPage {
		out.Older = v.with(orgInvitations, url.Values{beforeParam: {string(all[len(all)-1].ID)}})
	}
	if err := out.forms(c); err != nil {
		return nil, err
	}
	return out, out.tell()
}

// forms fills the forms with what was typed into the one that was sent.
func (v *orgInvitationsView) forms(c *gin.Context) error {
	for prefix, into := range map[string]*inviteForm{"mail-": &v.Mail, "link-": &v.Link, "bulk-": &v.Bulk} {
		*into = inviteForm{Prefix: prefix, Days: strconv.FormatInt(usualDays, 10), Uses: "1"}
		has := []string{lanyard.RoleMember}
		sent := c.Request.PostForm.Get("form") == prefix && v.Problem != nil
		if sent {
			into.Email, into.Domain, into.List = typed(c, "email", ""), typed(c, "domain", ""), c.Request.PostForm.Get("list")
			into.Uses, into.Days, into.Client = typed(c, "uses", ""), typed(c, "days", ""), typed(c, "client_id", "")
			has, _ = posted{values: c.Request.PostForm}.roles() // what is odd stays unticked
		}
		var err error
		if into.Roles, err = v.roleBoxes(prefix, has); err != nil {
			return err
		}
	}
	return nil
}

// tell shows what a form brought about.
func (v *orgInvitationsView) tell() error {
	switch result := v.result.(type) {
	case organizations.Invited:
		v.Made = v.Site.URL(pathInvite + "/" + result.Code.Reveal())
	case []organizations.BulkRow:
		return v.bulk(result)
	}
	return nil
}

func (v *orgPage) invitation(i lanyard.Invitation) (invitation, error) {
	out := invitation{
		ID: string(i.ID), For: plain(i.Email + i.Domain), Domain: i.Domain != "", Anyone: i.Email == "" && i.Domain == "",
		Waiting: i.Live(v.now), Revoked: !i.RevokedAt.IsZero(), UsedUp: i.Uses >= i.MaxUses, Uses: i.Uses, MaxUses: i.MaxUses,
	}
	out.Expired = !out.Waiting && !out.Revoked && !out.UsedUp
	out.MayResend = i.Email != "" && !out.Revoked && !out.UsedUp
	if i.Uses > 0 {
		out.History = v.with(orgInvitation, url.Values{"id": {string(i.ID)}})
	}
	var err error
	if out.Roles, err = v.roleNames(i.Roles); err != nil {
		return out, err
	}
	if out.Expires, err = v.date(i.ExpiresAt); err != nil {
		return out, err
	}
	out.Created, err = v.moment(i.CreatedAt)
	return out, err
}

// orgUsesView is the page of who used an invitation.
type orgUsesView struct {
	*orgPage
	Uses []invitationUse
}

type invitationUse struct {
	account
	When moment
}

func (p *Pages) orgUsesScreen() orgScreen {
	return orgScreen{path: orgInvitation, area: orgInvitations, heading: "org.uses.heading", template: "orguses.html", view: p.viewOrgUses}
}

func (p *Pages) viewOrgUses(c *gin.Context, v *orgPage) (any, error) {
	id := lanyard.InvitationID(c.Query("id"))
	if id == "" || len(id) > maxID {
		return nil, lanyard.ErrNotFound
	}
	all, err := p.Organizations.Uses(c.Request.Context(), v.seat, id)
	if err != nil {
		return nil, err
	}
	out := orgUsesView{orgPage: v}
	for _, u := range all {
		entry := invitationUse{account: personOf(u.User)}
		if entry.When, err = v.moment(u.UsedAt); err != nil {
			return nil, err
		}
		out.Uses = append(out.Uses, entry)
	}
	return out, nil
}
