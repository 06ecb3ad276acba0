package console

import (
	"context"
	"fmt"
	"net/http"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

func (c *Console) organization(x *visit) (*view, error) {
	o, err := c.Management.Organization(x.ctx(), x.Administrator, x.id())
	if err != nil {
		return nil, err
	}
	v := &view{Title: o.Name, Crumbs: []link{{"Organizations", x.at("/organizations")}}, Copy: []command{
		{CLI: "lanyard org get " + o.Slug, Method: http.MethodGet, Path: "/organizations/" + o.Slug},
		{CLI: "lanyard member list --org " + o.Slug, Method: http.MethodGet, Path: "/organizations/" + o.Slug + "/members"},
	}}
	manages := x.may(lanyard.MayManageOrganizations)
	if manages {
		v.Actions = []link{{"Invite somebody", x.at("/organization/invite", "id", x.id())}, {"Change", x.at("/organization/edit", "id", x.id())}, {"Delete", x.at("/organization/remove", "id", x.id())}}
	}
	v.add(organizationFacts(x, o))
	for _, more := range []func(*visit) (block, error){c.organizationMembers, c.organizationRequests, c.organizationInvitations, c.organizationDomains, c.organizationRoles, c.organizationConnections} {
		b, err := more(x)
		if err != nil {
			return nil, err
		}
		if b != nil {
			v.add(b)
		}
	}
	if !manages {
		return v, nil
	}
	v.add(form{Title: "Add a member", Folded: true, Action: x.at("/organization/member/add", "id", x.id()), Submit: "Add", Fields: []field{
		required(input("user", "User", "", "E-mail address or id of somebody who has an account. Invite everybody else.")), several("roles", "Roles", []string{lanyard.RoleMember}, c.rolesHere(x)...),
	}})
	v.add(form{Title: "Add a domain", Folded: true, Text: "A domain that the organization proves lets its people in by their addresses.", Action: x.at("/organization/domain/add", "id", x.id()), Submit: "Add", Fields: []field{
		required(input("domain", "Domain", "", "Such as acme.com.")),
	}})
	return v.add(organizationSwitch(x, o)), nil
}

func organizationFacts(x *visit, o management.Organization) facts {
	f := facts{Title: "Organization"}
	f.put("Status", organizationState(o)).put("Slug", copyable(o.Slug)).put("Id", copyable(string(o.ID))).put("Display code", code(o.Code)).put("Plan", or(o.Plan, "none"))
	if o.Seats > 0 {
		f.put("Seats", text(counted(int(o.Seats), "member")))
	}
	if !o.TrialEnd.IsZero() {
		f.put("Trial ends", x.moment(o.TrialEnd, ""))
	}
	if !o.DeleteAt.IsZero() {
		f.put("Will be erased", x.moment(o.DeleteAt, ""))
	}
	var demands []string
	if o.Policy.SecondFactor == lanyard.SecondFactorRequired {
		demands = append(demands, "second factor")
	}
	if o.Policy.OwnConnectionOnly {
		demands = append(demands, "own company sign-in")
	}
	for _, m := range o.Policy.Methods {
		demands = append(demands, methodNames[m])
	}
	f.put("Demands", named(demands, "nothing beyond the tenant's policy")).put("Created", x.moment(o.CreatedAt, ""))
	f.Actions = []link{{"Its own pages", x.Live.Issuer + "/org/" + o.Slug}}
	if x.may(lanyard.MayReadEvents) {
		f.Actions = append(f.Actions, link{"What happened", x.at("/events", "organization", x.id())})
	}
	return f
}

func organizationSwitch(x *visit, o management.Organization) form {
	switch {
	case !o.DeleteAt.IsZero():
		return form{Title: "Keep it after all", Action: x.at("/organization/keep", "id", x.id()), Submit: "Keep"}
	case o.Suspended:
		return form{Title: "Open it again", Action: x.at("/organization/resume", "id", x.id()), Submit: "Open"}
	}
	return form{Title: "Suspend", Text: "Nobody signs in to it until you open it again. Nothing is deleted.", Action: x.at("/organization/suspend", "id", x.id()), Submit: "Suspend", Danger: true}
}

// inOrganization makes a list of what belongs to an organization one that needs no organization.
func inOrganization[T any](x *visit, deed func(context.Context, management.Administrator, string, management.Query) (management.List[T], error)) func(context.Context, management.Administrator, management.Query) (management.List[T], error) {
	return func(ctx context.Context, a management.Administrator, q management.Query) (management.List[T], error) {
		return deed(ctx, a, x.id(), q)
	}
}

const mayOrganize = lanyard.MayManageOrganizations

func (c *Console) organizationMembers(x *visit) (block, error) {
	return partOf(x, part[management.Member]{
		title: "Members", none: "Nobody is a member yet. Invite somebody, or add a user below.", heads: []string{"Name", "Address", "Roles", "Since", ""}, deed: inOrganization(x, c.Management.Members),
		row: func(m management.Member) []cell {
			name := m.Name
			if name == "" {
				name = m.Username
			}
			if name == "" {
				name = string(m.UserID)
			}
			who := text(name)
			if x.may(lanyard.MayReadUsers) {
				who = to(name, x.at("/user", "id", string(m.UserID)))
			}
			if m.Disabled {
				who = who.with(tag("turned off", "bad"))
			}
			can := cell{Buttons: x.press(mayOrganize, "Remove", "/organization/member/remove", string(m.UserID), name)}
			if x.may(mayOrganize) {
				can.Tags = []cell{to("Change roles", x.at("/organization/member", "id", x.id(), "item", string(m.UserID)))}
			}
			return []cell{who, or(m.Email, "none"), named(m.Roles, "none"), x.moment(m.JoinedAt, ""), can}
		},
	})
}

func (c *Console) organizationRequests(x *visit) (block, error) {
	b, err := partOf(x, part[management.JoinRequest]{
		title: "Asking to join", heads: []string{"Name", "Address", "Since", ""}, deed: inOrganization(x, c.Management.JoinRequests),
		row: func(r management.JoinRequest) []cell {
			return []cell{or(r.Name, string(r.UserID)), or(r.Email, "none"), x.moment(r.CreatedAt, ""), buttons(append(
				x.press(mayOrganize, "Admit", "/organization/request/admit", string(r.UserID), r.Name), x.press(mayOrganize, "Refuse", "/organization/request/refuse", string(r.UserID), r.Name)...)...)}
		},
	})
	if t, ok := b.(table); ok && len(t.Rows) == 0 {
		return nil, err
	}
	return b, err
}

func invitationState(x *visit, i management.Invitation) cell {
	switch {
	case !i.RevokedAt.IsZero():
		return tag("Revoked", "bad")
	case i.MaxUses > 0 && i.Uses >= i.MaxUses:
		return tag("Used", "plain")
	case !x.Now.Before(i.ExpiresAt):
		return tag("Expired", "warn")
	}
	return tag("Open", "good")
}

func (c *Console) organizationInvitations(x *visit) (block, error) {
	return partOf(x, part[management.Invitation]{
		title: "Invitations", none: "Nobody is invited.", heads: []string{"For", "Roles", "Status", "Ends", ""}, deed: inOrganization(x, c.Management.Invitations),
		row: func(i management.Invitation) []cell {
			var can []button
			state := invitationState(x, i)
			if state.Tone == "good" {
				if i.Email != "" {
					can = x.press(mayOrganize, "Send again", "/organization/invitation/resend", string(i.ID), i.Email)
				}
				can = append(can, x.press(mayOrganize, "Revoke", "/organization/invitation/revoke", string(i.ID), "the invitation of "+i.Email+i.Domain)...)
			}
			return []cell{or(i.Email+i.Domain, "whoever has the code").below(invitationUses(i)), named(i.Roles, "member"), state, x.moment(i.ExpiresAt, ""), buttons(can...)}
		},
	})
}

func invitationUses(i management.Invitation) string {
	if i.MaxUses <= 1 {
		return ""
	}
	return fmt.Sprintf("used %d of %d times", i.Uses, i.MaxUses)
}

func (c *Console) organizationDomains(x *visit) (block, error) {
	return partOf(x, part[management.Domain]{
		title: "Domains", none: "No domain is proved.", heads: []string{"Domain", "Status", "TXT record", "People with addresses there", ""}, deed: inOrganization(x, c.Management.Domains),
		row: func(d management.Domain) []cell {
			state, can := tag("Proved", "good"), []button(nil)
			record := cell{}
			if d.VerifiedAt.IsZero() {
				state, record = tag("Not proved", "warn"), copyable(d.RecordValue).below(d.RecordName)
				can = x.press(mayOrganize, "Look it up", "/organization/domain/verify", d.Name, d.Name)
			}
			can = append(can, x.press(mayOrganize, "Remove", "/organization/domain/remove", d.Name, d.Name)...)
			return []cell{text(d.Name), state, record, or(joiningWords[d.Joining], "nothing special"), buttons(can...)}
		},
	})
}

var joiningWords = map[lanyard.Joining]string{lanyard.JoiningRequest: "may ask to join", lanyard.JoiningAutomatic: "become members"}

func (c *Console) organizationRoles(x *visit) (block, error) {
	p := part[management.OrganizationRole]{
		title: "Roles of its own", none: "It uses the roles of the tenant.", heads: []string{"Name", "Permissions", ""}, deed: inOrganization(x, c.Management.OrganizationRoles),
		row: func(r management.OrganizationRole) []cell {
			name := text(r.Name)
			if x.may(mayOrganize) {
				name = to(r.Name, x.at("/organization/role", "id", x.id(), "item", r.Name))
			}
			return []cell{name, named(r.Permissions, "none"), buttons(x.press(mayOrganize, "Remove", "/organization/role/remove", r.Name, r.Name)...)}
		},
	}
	p.actions = x.whoMay(mayOrganize, link{"Add a role", x.at("/organization/role", "id", x.id())})
	return partOf(x, p)
}

func (c *Console) organizationConnections(x *visit) (block, error) {
	return partOf(x, part[management.OrganizationConnection]{
		title: "Company sign-in", none: "There is none. Its owners set it up on their own pages.", heads: []string{"Name", "Kind", "Status", ""}, deed: inOrganization(x, c.Management.OrganizationConnections),
		row: func(each management.OrganizationConnection) []cell {
			return []cell{text(each.Name).below(each.Issuer), text(kindNames[each.Kind]), connectionState(each.Enabled, each.Tested), buttons(x.press(mayOrganize, "Remove", "/organization/connection/remove", string(each.ID), each.Name)...)}
		},
	})
}

// kindNames are the kinds of connections in words.
var kindNames = map[lanyard.ConnectionKind]string{
	lanyard.ConnectionGoogle: "Google", lanyard.ConnectionMicrosoft: "Microsoft", lanyard.ConnectionOIDC: "OpenID Connect", lanyard.ConnectionTelegram: "Telegram",
}

func connectionState(enabled, tested bool) cell {
	switch {
	case enabled:
		return tag("On", "good")
	case tested:
		return tag("Tested, off", "plain")
	}
	return tag("Off, not tested", "warn")
}
