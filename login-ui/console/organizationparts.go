package console

import (
	"slices"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// rolesHere are the roles that members of the organization can have.
func (c *Console) rolesHere(x *visit) []option {
	out := of(lanyard.BuiltInRoles...)
	known := slices.Clone(lanyard.BuiltInRoles)
	add := func(name string) {
		if !slices.Contains(known, name) {
			out, known = append(out, option{Value: name, Text: name}), append(known, name)
		}
	}
	for _, r := range x.Live.Roles {
		add(r.Name)
	}
	own, err := c.Management.OrganizationRoles(x.ctx(), x.Administrator, x.id(), management.Query{Limit: management.MaxLimit})
	if err == nil { // without them there are fewer to choose from
		for _, r := range own.Items {
			add(r.Name)
		}
	}
	return out
}

func (c *Console) addMember(x *visit) (string, error) {
	user, err := c.person(x, x.field("user"))
	if err == nil {
		_, err = c.Management.AddMember(x.ctx(), x.Administrator, x.id(), management.Member{UserID: user, Roles: x.form["roles"]})
	}
	return "saved", err
}

func (c *Console) removeMember(x *visit) (string, error) {
	return "removed", c.Management.RemoveMember(x.ctx(), x.Administrator, x.id(), lanyard.UserID(x.q("item")), nil)
}

func (c *Console) editMember(x *visit) (*view, error) {
	o, err := c.Management.Organization(x.ctx(), x.Administrator, x.id())
	if err != nil {
		return nil, err
	}
	m, err := c.Management.Member(x.ctx(), x.Administrator, x.id(), lanyard.UserID(x.q("item")))
	if err != nil {
		return nil, err
	}
	v := &view{Title: "Roles of " + memberName(m), Crumbs: organizationCrumbs(x, o), Copy: []command{{
		CLI: "lanyard member update " + string(m.UserID) + " --org " + o.Slug + " roles=admin", Method: "PATCH", Path: "/organizations/" + o.Slug + "/members/" + string(m.UserID), Body: `{"roles":["admin"]}`,
	}}}
	f, err := versioned(form{Action: x.at("/organization/member", "id", x.id(), "item", x.q("item")), Submit: "Save", Cancel: x.at("/organization", "id", x.id()), Fields: []field{
		several("roles", "Roles in "+o.Name, m.Roles, c.rolesHere(x)...),
	}}, m)
	return v.add(f), err
}

func memberName(m management.Member) string {
	for _, name := range []string{m.Name, m.Username, m.Email} {
		if name != "" {
			return name
		}
	}
	return string(m.UserID)
}

func (c *Console) changeMember(x *visit) (outcome, error) {
	_, err := c.Management.ChangeMember(x.ctx(), x.Administrator, x.id(), lanyard.UserID(x.q("item")), changed(x, func(m management.Member) (management.Member, error) {
		m.Roles = x.form["roles"]
		return m, nil
	}))
	if err != nil {
		return outcome{}, err
	}
	return x.done("saved", "/organization", "id", x.id())
}

func (c *Console) answerRequest(admit bool) func(x *visit) (string, error) {
	return func(x *visit) (string, error) {
		return "saved", c.Management.AnswerJoinRequest(x.ctx(), x.Administrator, x.id(), lanyard.UserID(x.q("item")), management.JoinAnswer{Admit: admit})
	}
}

func (c *Console) newInvitation(x *visit) (*view, error) {
	o, err := c.Management.Organization(x.ctx(), x.Administrator, x.id())
	if err != nil {
		return nil, err
	}
	uses := input("max_uses", "How often", "1", "How many people can use it, if it is for nobody in particular.")
	uses.Kind = kindNumber
	v := &view{Title: "Invite to " + o.Name, Crumbs: organizationCrumbs(x, o), Copy: []command{{
		CLI: "lanyard org-invite create --org " + o.Slug + " email=ada@example.com", Method: "POST", Path: "/organizations/" + o.Slug + "/invitations", Body: `{"email":"ada@example.com"}`,
	}}}
	return v.add(form{Action: x.at("/organization/invite", "id", x.id()), Submit: "Invite", Cancel: x.at("/organization", "id", x.id()), Fields: []field{
		{Name: "email", Label: "E-mail address", Kind: kindEmail, Hint: "The code is sent there. Without an address you get a link to pass on."},
		input("domain", "Domain", "", "Only for people with an address there; empty for anybody."), uses, several("roles", "Roles", []string{lanyard.RoleMember}, c.rolesHere(x)...),
	}}), nil
}

func (c *Console) createInvitation(x *visit) (outcome, error) {
	n := management.NewInvitation{Email: x.field("email"), Domain: x.field("domain"), Roles: x.form["roles"]}
	if text := x.field("max_uses"); text != "" && n.Email == "" {
		var err error
		if n.MaxUses, err = number(text); err != nil {
			return outcome{}, badInput("how often is a whole number")
		}
	}
	made, err := c.Management.CreateInvitation(x.ctx(), x.Administrator, x.id(), n)
	if err != nil {
		return outcome{}, err
	}
	if made.Link == "" {
		return x.done("sent", "/organization", "id", x.id())
	}
	v := &view{Title: "The invitation is ready", Crumbs: []link{{"Organizations", x.at("/organizations")}}, Actions: []link{{"Go on", x.at("/organization", "id", x.id())}}}
	return outcome{view: v.add(secret{"Link", made.Link, "Whoever has it can use it. It is shown now and never again."})}, nil
}

func (c *Console) resendInvitation(x *visit) (string, error) {
	_, err := c.Management.ResendInvitation(x.ctx(), x.Administrator, x.id(), lanyard.InvitationID(x.q("item")))
	return "sent", err
}

func (c *Console) revokeInvitation(x *visit) (string, error) {
	return "revoked", c.Management.RevokeInvitation(x.ctx(), x.Administrator, x.id(), lanyard.InvitationID(x.q("item")), nil)
}

func (c *Console) addDomain(x *visit) (string, error) {
	_, err := c.Management.AddDomain(x.ctx(), x.Administrator, x.id(), management.NewDomain{Name: x.field("domain")})
	return "saved", err
}

func (c *Console) verifyDomain(x *visit) (string, error) {
	_, err := c.Management.VerifyDomain(x.ctx(), x.Administrator, x.id(), x.q("item"))
	return "verified", err
}

func (c *Console) removeDomain(x *visit) (string, error) {
	return "removed", c.Management.RemoveDomain(x.ctx(), x.Administrator, x.id(), x.q("item"), nil)
}

func (c *Console) editOrganizationRole(x *visit) (*view, error) {
	o, err := c.Management.Organization(x.ctx(), x.Administrator, x.id())
	if err != nil {
		return nil, err
	}
	name := x.q("item")
	v := &view{Title: "Add a role to " + o.Name, Crumbs: organizationCrumbs(x, o), Copy: []command{{
		CLI: "lanyard org-role create --org " + o.Slug + " name=inviter permissions=invitations:manage", Method: "POST", Path: "/organizations/" + o.Slug + "/roles", Body: `{"name":"inviter","permissions":["invitations:manage"]}`,
	}}}
	var r management.OrganizationRole
	f := form{Action: x.at("/organization/role", "id", x.id(), "item", name), Submit: "Save", Cancel: x.at("/organization", "id", x.id())}
	if name == "" {
		f.Fields = []field{required(input("name", "Name", "", "Lower-case letters, digits and _ : . -"))}
	} else {
		v.Title = "Change the role " + name
		if r, err = c.Management.OrganizationRole(x.ctx(), x.Administrator, x.id(), name); err != nil {
			return nil, err
		}
		if f, err = versioned(f, r); err != nil {
			return nil, err
		}
	}
	f.Fields = append(f.Fields, several("permissions", "What it allows", r.Permissions, worded(c.organizationPermissions(x))...))
	return v.add(f), nil
}

// organizationPermissions are those that a role of an organization can have.
func (c *Console) organizationPermissions(x *visit) []string {
	out := slices.Clone(lanyard.OwnPermissions)
	for _, resource := range x.Live.Resources() {
		for _, s := range resource.Catalogue() {
			if !resource.Management && !slices.Contains(out, s.Name) {
				out = append(out, s.Name)
			}
		}
	}
	return out
}

func (c *Console) changeOrganizationRole(x *visit) (outcome, error) {
	var err error
	if name := x.q("item"); name == "" {
		_, err = c.Management.CreateOrganizationRole(x.ctx(), x.Administrator, x.id(), management.OrganizationRole{Name: x.field("name"), Permissions: x.form["permissions"]})
	} else {
		_, err = c.Management.ChangeOrganizationRole(x.ctx(), x.Administrator, x.id(), name, changed(x, func(r management.OrganizationRole) (management.OrganizationRole, error) {
			r.Permissions = x.form["permissions"]
			return r, nil
		}))
	}
	if err != nil {
		return outcome{}, err
	}
	return x.done("saved", "/organization", "id", x.id())
}

func (c *Console) removeOrganizationRole(x *visit) (string, error) {
	return "removed", c.Management.RemoveOrganizationRole(x.ctx(), x.Administrator, x.id(), x.q("item"), nil)
}

func (c *Console) removeOrganizationConnection(x *visit) (string, error) {
	return "removed", c.Management.RemoveOrganizationConnection(x.ctx(), x.Administrator, x.id(), lanyard.ConnectionID(x.q("item")), nil)
}
