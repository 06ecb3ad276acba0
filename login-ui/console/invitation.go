package console

import (
	"net/http"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// invitations are the pages of invitations to sign up.
func (c *Console) invitations() {
	const (
		area = "/users"
		do   = lanyard.MayManageUsers
	)
	c.page(screen{path: "/invitations", area: area, permission: lanyard.MayReadUsers, show: c.invitationList})
	c.editor(deed{path: "/new/invitation", area: area, permission: do, from: newPlatformInvitation, do: c.createPlatformInvitation})
	c.form(deed{path: "/invitation/resend", area: area, permission: do, from: c.invitationList, do: func(x *visit) (outcome, error) {
		if _, err := c.Management.ResendPlatformInvitation(x.ctx(), x.Administrator, lanyard.InvitationID(x.q("item"))); err != nil {
			return outcome{}, err
		}
		return x.done("sent", "/invitations")
	}})
	c.form(deed{path: "/invitation/revoke", area: area, permission: do, from: c.invitationList, do: func(x *visit) (outcome, error) {
		if err := c.Management.RevokePlatformInvitation(x.ctx(), x.Administrator, lanyard.InvitationID(x.q("item")), nil); err != nil {
			return outcome{}, err
		}
		return x.done("revoked", "/invitations")
	}})
}

func (c *Console) invitationList(x *visit) (*view, error) {
	add := link{"Invite somebody", x.at("/new/invitation")}
	t, err := listOf(x, listing[management.Invitation]{
		path: "/invitations", columns: management.InvitationColumns, heads: []string{"For", "Status", "Ends", ""}, deed: c.Management.PlatformInvitations,
		row: func(i management.Invitation) []cell {
			var can []button
			state := invitationState(x, i)
			if state.Tone == "good" {
				if i.Email != "" {
					can = x.press(lanyard.MayManageUsers, "Send again", "/invitation/resend", string(i.ID), i.Email)
				}
				can = append(can, x.press(lanyard.MayManageUsers, "Revoke", "/invitation/revoke", string(i.ID), "the invitation of "+i.Email+i.Domain)...)
			}
			return []cell{or(i.Email+i.Domain, "whoever has the code").below(invitationUses(i)), state, x.moment(i.ExpiresAt, ""), buttons(can...)}
		},
		empty: empty{"Nobody is invited. Who is invited may make an account, also where nobody else may.", x.onlyFor(lanyard.MayManageUsers, add)},
	})
	if err != nil {
		return nil, err
	}
	v := &view{Title: "Invitations to sign up", Crumbs: []link{{"Users", x.at("/users")}}, Actions: x.whoMay(lanyard.MayManageUsers, add), Copy: []command{{CLI: "lanyard invite list", Method: http.MethodGet, Path: "/invitations"}}}
	return v.add(t), nil
}

func newPlatformInvitation(x *visit) (*view, error) {
	uses := input("max_uses", "How often", "1", "How many people can use it, if it is for nobody in particular.")
	uses.Kind = kindNumber
	v := &view{Title: "Invite somebody", Crumbs: []link{{"Users", x.at("/users")}, {"Invitations", x.at("/invitations")}}, Copy: []command{{
		CLI: "lanyard invite create email=ada@example.com", Method: http.MethodPost, Path: "/invitations", Body: `{"email":"ada@example.com"}`,
	}}}
	return v.add(form{Action: x.at("/new/invitation"), Submit: "Invite", Cancel: x.at("/invitations"), Fields: []field{
		{Name: "email", Label: "E-mail address", Kind: kindEmail, Hint: "The code is sent there. Without an address you get a link to pass on."},
		input("domain", "Domain", "", "Only for people with an address there; empty for anybody."), uses,
		input("client_id", "Application", "", "The client id of where they land afterwards; empty for their account."),
	}}), nil
}

func (c *Console) createPlatformInvitation(x *visit) (outcome, error) {
	n := management.NewPlatformInvitation{Email: x.field("email"), Domain: x.field("domain"), ClientID: lanyard.ClientID(x.field("client_id"))}
	if text := x.field("max_uses"); text != "" && n.Email == "" {
		var err error
		if n.MaxUses, err = number(text); err != nil {
			return outcome{}, badInput("how often is a whole number")
		}
	}
	made, err := c.Management.CreatePlatformInvitation(x.ctx(), x.Administrator, n)
	if err != nil {
		return outcome{}, err
	}
	if made.Link == "" {
		return x.done("sent", "/invitations")
	}
	v := &view{Title: "The invitation is ready", Crumbs: []link{{"Invitations", x.at("/invitations")}}, Actions: []link{{"Go on", x.at("/invitations")}}}
	return outcome{view: v.add(secret{"Link", made.Link, "Whoever has it can use it. It is shown now and never again."})}, nil
}
