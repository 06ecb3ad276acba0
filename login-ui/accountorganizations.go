package loginui

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/tenants/accounts"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// myOrgsView is the page of the organizations of a person (A7).
type myOrgsView struct {
	*accountPage
	Memberships []membership
	Offers      []offered
	Joinable    []joinable
	// MayCreate says that people make organizations themselves; OrgName and OrgSlug are what was typed for one.
	MayCreate        bool
	OrgName, OrgSlug string
}

// membership is one organization of the list.
type membership struct {
	ID string
	orgHead
	Roles string
	// Href is its page; empty while it is closed.
	Href string
	// Current says that it is the one chosen in this session.
	Current, Suspended bool
	// Deletion is the day on which it is erased; empty for never. MayKeep offers to stop that.
	Deletion string
	MayKeep  bool
}

func (p *Pages) myOrgsScreen() screen {
	return screen{
		path: pathMyOrgs, area: pathMyOrgs, heading: "account.organizations.heading", template: "accountorganizations.html", view: p.viewMyOrgs,
	}
}

func (p *Pages) myOrgForms() []accountForm {
	at := p.myOrgsScreen()
	leaving := among(
		mistake{lanyard.ErrLastOwner, "", "account.organizations.last_owner", nil},
		mistake{lanyard.ErrPolicyUnmet, "", "account.organizations.keep_policy", nil},
		mistake{lanyard.ErrNotFound, "", "organization.gone", nil},
	)
	created := either(wrongFields, among(
		mistake{lanyard.ErrSlugTaken, "slug", "org.create.slug_taken", nil},
		mistake{lanyard.ErrBadInput, "slug", "org.create.bad_slug", nil},
		mistake{lanyard.ErrNotOffered, "", "org.create.too_many", nil},
	))
	return []accountForm{
		{path: pathMyOrgs, at: at, do: p.createOrg, explain: created},
		{path: pathMyOrgs + "/choose", at: at, do: p.chooseOrg, explain: organizationMistakes},
		{path: pathMyOrgs + "/leave", at: at, do: p.onOrg(p.Organizations.Leave, "org_left"), explain: leaving},
		{path: pathMyOrgs + "/keep", at: at, do: p.onOrg(p.Organizations.Keep, "org_kept"), explain: leaving},
		{path: pathMyOrgs + "/join", at: at, do: p.onOrg(p.Organizations.AskToJoin, "org_asked"), explain: organizationMistakes},
		{path: pathMyOrgs + "/accept", at: at, do: p.acceptPending, explain: organizationMistakes},
		{path: pathMyOrgs + "/decline", at: at, do: p.declinePending, explain: organizationMistakes},
	}
}

// onOrg is a form with an organization of the list in it.
func (p *Pages) onOrg(do func(context.Context, accounts.Tenancy, accounts.Actor, lanyard.OrganizationID, time.Time) error, word string) func(*gin.Context, self, posted) (web.Handler, error) {
	return func(c *gin.Context, me self, f posted) (web.Handler, error) {
		id, err := f.organization()
		if err != nil {
			return nil, err
		}
		return done(pathMyOrgs, word), do(c.Request.Context(), live(c).Tenancy(), me.Actor, id, p.Clock.Now())
	}
}

// organization is the one that a form names.
func (f posted) organization() (lanyard.OrganizationID, error) {
	id := f.value(organizationField)
	if id == "" || len(id) > maxID {
		return "", lanyard.ErrNotFound
	}
	return lanyard.OrganizationID(id), nil
}

func (f posted) invitation() (lanyard.InvitationID, error) {
	id := f.value(invitationField)
	if id == "" || len(id) > maxID {
		return "", lanyard.ErrNotFound
	}
	return lanyard.InvitationID(id), nil
}

func (p *Pages) chooseOrg(c *gin.Context, me self, f posted) (web.Handler, error) {
	id, err := f.organization()
	if err != nil {
		return nil, err
	}
	always, word := f.ticked("remember"), "org_chosen"
	if always {
		word = "org_chosen_always"
	}
	return done(pathMyOrgs, word), p.Organizations.Choose(c.Request.Context(), live(c).Tenancy(), me.Actor, id, always, p.Clock.Now())
}

func (p *Pages) acceptPending(c *gin.Context, me self, f posted) (web.Handler, error) {
	id, err := f.invitation()
	if err != nil {
		return nil, err
	}
	_, err = p.Organizations.Accept(c.Request.Context(), live(c).Tenancy(), me.Actor, id, nil, p.Clock.Now())
	if errors.Is(err, lanyard.ErrAlreadyMember) {
		return done(pathMyOrgs, "org_member"), nil
	}
	return done(pathMyOrgs, "org_joined"), err
}

func (p *Pages) declinePending(c *gin.Context, me self, f posted) (web.Handler, error) {
	id, err := f.invitation()
	if err != nil {
		return nil, err
	}
	return done(pathMyOrgs, "org_declined"), p.Organizations.Decline(c.Request.Context(), live(c).Tenancy(), me.Actor, id, p.Clock.Now())
}

func (p *Pages) createOrg(c *gin.Context, me self, f posted) (web.Handler, error) {
	founding := organizations.Founding{Name: strings.TrimSpace(f.value("name")), Slug: strings.TrimSpace(f.value("slug"))}
	if err := checkOrgName(founding.Name); err != nil {
		return nil, err
	}
	if founding.Slug != "" && !lanyard.ValidSlug(founding.Slug) {
		return nil, wrongField{mistake{field: "slug", key: "org.create.bad_slug"}}
	}
	o, err := p.Organizations.Create(c.Request.Context(), live(c).Tenancy(), me.Actor, founding, p.Clock.Now())
	if err != nil {
		return nil, err
	}
	return done(pathOrg+o.Slug, "org_created"), nil
}

func checkOrgName(name string) error {
	if _, err := organizations.CheckName(name); err != nil || plain(name) == "" {
		return wrongField{mistake{field: "name", key: "org.bad_name"}}
	}
	return nil
}

func (p *Pages) viewMyOrgs(c *gin.Context, v *accountPage) (any, error) {
	ctx, tenancy, me := c.Request.Context(), live(c).Tenancy(), v.me.User.ID
	all, err := p.Organizations.All(ctx, tenancy, me)
	if err != nil {
		return nil, err
	}
	out := myOrgsView{accountPage: v, MayCreate: tenancy.Tenant.Policy.CreateOrganizations, OrgName: typed(c, "name", ""), OrgSlug: typed(c, "slug", "")}
	for _, j := range all {
		entry, err := v.membership(j, tenancy.Roles)
		if err != nil {
			return nil, err
		}
		out.Memberships = append(out.Memberships, entry)
	}
	offers, err := p.Organizations.Pending(ctx, tenancy, me, v.now)
	if err != nil {
		return nil, err
	}
	if out.Offers, err = v.offered(offers); err != nil {
		return nil, err
	}
	open, err := p.Organizations.Joinable(ctx, tenancy, me, v.now)
	out.Joinable = joinables(open)
	return out, err
}

func (v *accountPage) membership(j lanyard.Joined, tenant []lanyard.Role) (membership, error) {
	o := j.Organization
	out := membership{ID: string(o.ID), orgHead: headOf(o), Current: o.ID == v.me.Session.OrganizationID, Suspended: o.Suspended}
	if o.Open() {
		out.Href = v.Path(pathOrg + o.Slug)
	}
	var err error
	if out.Roles, err = v.roleNames(j.Membership.Roles); err != nil || o.DeleteAt.IsZero() {
		return out, err
	}
	out.MayKeep = j.Powers(tenant).May(lanyard.MayDeleteOrganization)
	out.Deletion, err = v.date(o.DeleteAt)
	return out, err
}
