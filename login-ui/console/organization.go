package console

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// organizations are the pages of the tenant's customers.
func (c *Console) organizations() {
	const (
		area = "/organizations"
		read = lanyard.MayReadOrganizations
		do   = lanyard.MayManageOrganizations
	)
	c.page(screen{path: area, area: area, permission: read, show: c.organizationList})
	c.editor(deed{path: "/new/organization", area: area, permission: do, from: newOrganization, do: c.createOrganization})
	c.page(screen{path: "/organization", area: area, permission: read, show: c.organization})
	c.editor(deed{path: "/organization/edit", area: area, permission: do, from: c.editOrganization, do: c.changeOrganization})
	c.editor(deed{path: "/organization/member", area: area, permission: do, from: c.editMember, do: c.changeMember})
	c.editor(deed{path: "/organization/invite", area: area, permission: do, from: c.newInvitation, do: c.createInvitation})
	c.editor(deed{path: "/organization/role", area: area, permission: do, from: c.editOrganizationRole, do: c.changeOrganizationRole})
	c.removal(removal{path: "/organization/remove", area: area, permission: do, verb: "Delete", subject: c.organizationToRemove, do: func(x *visit) (outcome, error) {
		if err := c.Management.RemoveOrganization(x.ctx(), x.Administrator, x.id(), nil); err != nil {
			return outcome{}, err
		}
		return x.done("removed", "/organization", "id", x.id())
	}})
	for path, act := range map[string]func(x *visit) (string, error){
		"/organization/suspend":    c.onOrganization("suspended", func(o *management.Organization) { o.Suspended = true }),
		"/organization/resume":     c.onOrganization("resumed", func(o *management.Organization) { o.Suspended = false }),
		"/organization/keep":       c.onOrganization("kept", func(o *management.Organization) { o.DeleteAt = time.Time{} }),
		"/organization/member/add": c.addMember, "/organization/member/remove": c.removeMember, "/organization/request/admit": c.answerRequest(true), "/organization/request/refuse": c.answerRequest(false),
		"/organization/invitation/resend": c.resendInvitation, "/organization/invitation/revoke": c.revokeInvitation,
		"/organization/domain/add": c.addDomain, "/organization/domain/verify": c.verifyDomain, "/organization/domain/remove": c.removeDomain,
		"/organization/role/remove": c.removeOrganizationRole, "/organization/connection/remove": c.removeOrganizationConnection,
	} {
		c.form(deed{path: path, area: area, permission: do, from: c.organization, do: func(x *visit) (outcome, error) {
			word, err := act(x)
			if err != nil {
				return outcome{}, err
			}
			return x.done(word, "/organization", "id", x.id())
		}})
	}
}

func organizationState(o management.Organization) cell {
	switch {
	case !o.DeleteAt.IsZero():
		return tag("Being deleted", "bad")
	case o.Suspended:
		return tag("Suspended", "warn")
	}
	return tag("Open", "good")
}

func (c *Console) organizationList(x *visit) (*view, error) {
	add := link{"Add an organization", x.at("/new/organization")}
	t, err := listOf(x, listing[management.Organization]{
		path: "/organizations", columns: management.OrganizationColumns, search: "Search by name or slug", deed: newestFirst(c.Management.ListOrganizations),
		selects: []field{
			choose("suspended", "Status", "", option{Text: "All"}, option{Value: "false", Text: "Not suspended"}, option{Value: "true", Text: "Suspended"}),
			choose("sort", "Order", "", option{Value: "-created", Text: "Newest first"}, option{Value: "created", Text: "Oldest first"}, option{Value: "name", Text: "Name"}),
		},
		heads: []string{"Name", "Slug", "Plan", "Status", "Created"},
		row: func(o management.Organization) []cell {
			return []cell{to(o.Name, x.at("/organization", "id", string(o.ID))), code(o.Slug), or(o.Plan, "none"), organizationState(o), x.moment(o.CreatedAt, "")}
		},
		empty: empty{"Organizations are your customers: each has members with roles, its own sign-in, and sees what its people do.", x.onlyFor(lanyard.MayManageOrganizations, add)},
	})
	if err != nil {
		return nil, err
	}
	v := &view{Title: "Organizations", Actions: x.whoMay(lanyard.MayManageOrganizations, add), Copy: []command{{CLI: "lanyard org list", Method: "GET", Path: "/organizations?sort=-created"}}}
	return v.add(t), nil
}

func newOrganization(x *visit) (*view, error) {
	v := &view{Title: "Add an organization", Crumbs: []link{{"Organizations", x.at("/organizations")}}, Copy: []command{{
		CLI: "lanyard org create name=Acme", Method: "POST", Path: "/organizations", Body: `{"name":"Acme"}`,
	}}}
	return v.add(form{Action: x.at("/new/organization"), Submit: "Add", Cancel: x.at("/organizations"), Fields: append([]field{
		required(input("name", "Name", "", "")), input("slug", "Slug", "", "Its name in addresses, such as acme. Empty for one that is made of the name. It can not be changed later."),
		input("owner", "Owner", "", "E-mail address or id of a user, who becomes its first member. Empty for nobody; invite somebody afterwards."),
	}, termsFields(management.Organization{})...)}), nil
}

func termsFields(o management.Organization) []field {
	seats, trial := "", ""
	if o.Seats > 0 {
		seats = strconv.FormatInt(o.Seats, 10)
	}
	if !o.TrialEnd.IsZero() {
		trial = o.TrialEnd.UTC().Format(time.DateOnly)
	}
	number := input("seats", "Seats", seats, "The most members; empty for any number.")
	number.Kind = kindNumber
	return []field{input("plan", "Plan", o.Plan, "What it pays for, as your applications call it."), number, input("trial_end", "Trial ends", trial, "A date such as 2027-01-31; empty for no trial.")}
}

func (x *visit) readTerms(o *management.Organization) error {
	o.Plan, o.Seats, o.TrialEnd = x.field("plan"), 0, time.Time{}
	var seats, trial error
	if text := x.field("seats"); text != "" {
		o.Seats, seats = strconv.ParseInt(text, 10, 64)
	}
	if text := x.field("trial_end"); text != "" {
		o.TrialEnd, trial = time.Parse(time.DateOnly, text)
	}
	switch {
	case seats != nil || o.Seats < 0:
		return badInput("seats is a whole number")
	case trial != nil:
		return badInput("the end of the trial is a date such as 2027-01-31")
	}
	return nil
}

// person finds the user that a field names, by id or address.
func (c *Console) person(x *visit, named string) (lanyard.UserID, error) {
	if named == "" || strings.HasPrefix(named, "usr_") {
		return lanyard.UserID(named), nil
	}
	found, err := c.Management.Users(x.ctx(), x.Administrator, management.Query{Filter: map[string]string{"email": named}})
	if err == nil && len(found.Items) != 1 {
		err = badInput("there is no user with this address")
	}
	if err != nil {
		return "", err
	}
	return found.Items[0].ID, nil
}

func (c *Console) createOrganization(x *visit) (outcome, error) {
	var terms management.Organization
	owner, err := c.person(x, x.field("owner"))
	if err := errors.Join(err, x.readTerms(&terms)); err != nil {
		return outcome{}, err
	}
	made, err := c.Management.CreateOrganization(x.ctx(), x.Administrator, management.NewOrganization{
		Name: x.field("name"), Slug: x.field("slug"), Owner: owner, Plan: terms.Plan, Seats: terms.Seats, TrialEnd: terms.TrialEnd,
	})
	if err != nil {
		return outcome{}, err
	}
	return x.done("created", "/organization", "id", string(made.ID))
}

// methodNames are the first factors in words.
var methodNames = map[lanyard.Method]string{lanyard.MethodPassword: "Password", lanyard.MethodPasskey: "Passkey", lanyard.MethodEmailCode: "Code by e-mail", lanyard.MethodFederated: "Another provider"}

func (c *Console) editOrganization(x *visit) (*view, error) {
	o, err := c.Management.Organization(x.ctx(), x.Administrator, x.id())
	if err != nil {
		return nil, err
	}
	var methods []option
	for _, m := range lanyard.OrganizationMethods {
		methods = append(methods, option{Value: string(m), Text: methodNames[m]})
	}
	var chosen []string
	for _, m := range o.Policy.Methods {
		chosen = append(chosen, string(m))
	}
	allowed := several("methods", "Ways to sign in that count here", chosen, methods...)
	allowed.Hint = "None for all."
	fields := append([]field{required(input("name", "Name", o.Name, "")), input("language", "Language", o.Language, "Such as en or de; empty for the tenant's.")}, termsFields(o)...)
	fields = append(fields, check("second_factor", "A second factor is required", o.Policy.SecondFactor == lanyard.SecondFactorRequired, ""), allowed,
		check("own_connection_only", "Only by its own company sign-in", o.Policy.OwnConnectionOnly, ""),
		input("session_lifetime", "A sign-in counts for", lifetime(time.Duration(o.Policy.SessionLifetime)), "Such as 12h; empty for what the tenant says."),
		input("session_idle", "A session that nobody uses ends after", lifetime(time.Duration(o.Policy.SessionIdle)), "Such as 30m; empty for never."))
	v := &view{Title: "Change " + o.Name, Crumbs: organizationCrumbs(x, o), Copy: []command{{
		CLI: "lanyard org update " + o.Slug + " seats=50", Method: "PATCH", Path: "/organizations/" + o.Slug, Body: `{"seats":50}`,
	}}}
	f, err := versioned(form{Action: x.at("/organization/edit", "id", x.id()), Submit: "Save", Fields: fields, Cancel: x.at("/organization", "id", x.id())}, o)
	return v.add(f), err
}

func organizationCrumbs(x *visit, o management.Organization) []link {
	return []link{{"Organizations", x.at("/organizations")}, {o.Name, x.at("/organization", "id", x.id())}}
}

func (x *visit) readOrganization(o management.Organization) (management.Organization, error) {
	o.Name, o.Language = x.field("name"), x.field("language")
	terms := x.readTerms(&o)
	o.Policy.SecondFactor, o.Policy.Methods, o.Policy.OwnConnectionOnly = "", nil, x.ticked("own_connection_only")
	if x.ticked("second_factor") {
		o.Policy.SecondFactor = lanyard.SecondFactorRequired
	}
	for _, m := range x.form["methods"] {
		o.Policy.Methods = append(o.Policy.Methods, lanyard.Method(m))
	}
	var life, idle error
	o.Policy.SessionLifetime, life = x.duration("session_lifetime", "how long a sign-in counts")
	o.Policy.SessionIdle, idle = x.duration("session_idle", "how long a session may lie unused")
	return o, errors.Join(terms, life, idle)
}

func (c *Console) changeOrganization(x *visit) (outcome, error) {
	if _, err := c.Management.ChangeOrganization(x.ctx(), x.Administrator, x.id(), changed(x, x.readOrganization)); err != nil {
		return outcome{}, err
	}
	return x.done("saved", "/organization", "id", x.id())
}

func (c *Console) onOrganization(word string, change func(*management.Organization)) func(x *visit) (string, error) {
	return func(x *visit) (string, error) {
		_, err := c.Management.ChangeOrganization(x.ctx(), x.Administrator, x.id(), func(o management.Organization) (management.Organization, error) {
			change(&o)
			return o, nil
		})
		return word, err
	}
}

func (c *Console) organizationToRemove(x *visit) (string, []string, link, error) {
	o, err := c.Management.Organization(x.ctx(), x.Administrator, x.id())
	grace := x.Live.Tenant.Policy.GraceOfOrganizations()
	return o.Slug, []string{
		"It is closed at once: members can not sign in to it, and tokens do not name it any more.",
		"In " + counted(int(grace/(24*time.Hour)), "day") + " it is erased with its memberships, roles, invitations and connections. Until then it can be kept after all. People keep their accounts.",
	}, link{o.Name, x.at("/organization", "id", x.id())}, err
}
