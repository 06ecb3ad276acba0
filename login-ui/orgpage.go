package loginui

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/tenants/accounts"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// orgDeeds let people into an organization, and end it.
type orgDeeds interface {
	Enter(ctx context.Context, t accounts.Tenancy, actor accounts.Actor, slug string, now time.Time) (organizations.Seat, error)
	SetPolicy(ctx context.Context, s organizations.Seat, policy lanyard.OrganizationPolicy, now time.Time) error
	Delete(ctx context.Context, s organizations.Seat, typedSlug string, now time.Time) error
}

// Paths of the pages of an organization, below /org/{slug}.
const (
	pathOrg         = "/org/"
	orgRoute        = "/org/:slug"
	orgMembers      = "/members"
	orgInvitations  = "/invitations"
	orgInvitation   = "/invitations/uses"
	orgRoles        = "/roles"
	orgDomains      = "/domains"
	orgPolicy       = "/policy"
	orgBranding     = "/branding"
	orgActivity     = "/activity"
	orgActivityFile = "/activity.csv"
	orgDelete       = "/delete"
	orgSignOut      = "/sign-out"
)

// orgArea is an entry of the navigation, for those who may do any of may.
type orgArea struct {
	path, key string
	may       []string
}

var orgAreas = []orgArea{
	{"", "org.nav.overview", nil},
	{orgMembers, "org.nav.members", []string{lanyard.MayReadMembers}},
	{orgInvitations, "org.nav.invitations", []string{lanyard.MayReadMembers, lanyard.MayManageInvitations}},
	{orgRoles, "org.nav.roles", []string{lanyard.MayManageRoles}},
	{orgDomains, "org.nav.domains", []string{lanyard.MayManageDomains}},
	{orgConnections, "org.nav.connections", []string{lanyard.MayManageConnections}},
	{orgPolicy, "org.nav.policy", []string{lanyard.MayManagePolicy}},
	{orgBranding, "org.nav.branding", []string{lanyard.MayUpdateOrganization}},
	{orgActivity, "org.nav.activity", []string{lanyard.MayReadActivity}},
	{orgDelete, "org.nav.delete", []string{lanyard.MayDeleteOrganization}},
}

// mayAny tells whether somebody may do one of the things; nothing is for every member.
func mayAny(s organizations.Seat, permissions []string) bool {
	return len(permissions) == 0 || slices.ContainsFunc(permissions, s.May)
}

// desk is a person at work in an organization.
type desk struct {
	person self
	seat   organizations.Seat
	// result is what a form brought about, for the page that shows it.
	result any
}

// at is a path of the organization.
func (d desk) at(path string) string { return pathOrg + d.seat.Organization.Slug + path }

// done leads back to a page of the organization, with a word for what was done.
func (d desk) done(path, word string, count ...int64) web.Handler {
	return done(d.at(path), word, count...)
}

// orgScreen is one of the pages of an organization.
type orgScreen struct {
	// path is below /org/{slug}, area the entry of the navigation that it belongs to.
	path, area        string
	heading, template string
	view              func(c *gin.Context, v *orgPage) (any, error)
}

// orgForm is a form on one of these pages.
type orgForm struct {
	path string
	// at is the page that it stands on: shown again with what was wrong.
	at      orgScreen
	do      func(c *gin.Context, d desk, f posted) (web.Handler, error)
	explain explain
	// upload is the largest file that the form may bring, in bytes; zero for none.
	upload int64
}

// orgPage is what every page of an organization has. Views embed it.
type orgPage struct {
	*accountPage
	Org orgHead
	desk
}

// orgHead tells people which organization they are looking at.
type orgHead struct{ Name, Mark, Logo string }

func headOf(o lanyard.Organization) orgHead {
	return orgHead{Name: plain(o.Name), Mark: initial(o.Name), Logo: ownLogo(o.Branding.LogoURL)}
}

// At is the address of a path of the organization.
func (v *orgPage) At(path string) string { return v.Path(v.at(path)) }

// OrgLogo is the address of the organization's logo; empty without one.
func (v *orgPage) OrgLogo() string { return v.own(v.Org.Logo) }

// with is such an address with a query.
func (v *orgPage) with(path string, query url.Values) string {
	return web.Local(v.Site, v.at(path), query).Location()
}

// May tells whether the person may do what the permission names.
func (v *orgPage) May(permission string) bool { return v.seat.May(permission) }

func (p *Pages) orgScreens() []orgScreen {
	return []orgScreen{
		p.orgOverviewScreen(), p.orgMembersScreen(), p.orgInvitationsScreen(), p.orgUsesScreen(), p.orgRolesScreen(), p.orgDomainsScreen(),
		p.orgConnectionsScreen(), p.orgConnectionScreen(), p.orgPolicyScreen(), p.orgBrandingScreen(), p.orgActivityScreen(), p.orgDeleteScreen(),
	}
}

func (p *Pages) orgForms() []orgForm {
	return slices.Concat(
		p.orgOverviewForms(), p.orgMemberForms(), p.orgInvitationForms(), p.orgRoleForms(), p.orgDomainForms(), p.orgPolicyForms(),
		p.orgConnectionForms(), p.orgBrandingForms(), p.orgDeleteForms(), p.orgSignOutForms(),
	)
}

// orgRoutes is the table of the pages of organizations.
func (p *Pages) orgRoutes() []web.Route {
	var out []web.Route
	seen := map[string]bool{}
	for _, s := range p.orgScreens() {
		out, seen[s.path] = append(out, page("GET", orgRoute+s.path, web.Session, p.getOrg(s))), true
	}
	for _, f := range p.orgForms() {
		route := page("POST", orgRoute+f.path, web.Session, p.postOrg(f))
		if f.upload > 0 {
			route.MaxBody = f.upload + maxUploadFields
		}
		out = append(out, route)
		if !seen[f.path] {
			out = append(out, page("GET", orgRoute+f.path, web.Session, p.leadBackToOrg(f.at.path)))
		}
	}
	return append(out, page("GET", orgRoute+orgActivityFile, web.Session, p.getOrgActivityFile))
}

// leadBackToOrg is what stands at the address of a form without a page.
func (p *Pages) leadBackToOrg(path string) web.Handler {
	return func(c *gin.Context) error {
		slug := c.Param("slug")
		if !lanyard.ValidSlug(slug) {
			return lanyard.ErrNotFound
		}
		return p.leadBack(pathOrg + slug + path)(c)
	}
}

// getOrg shows a page to members who may see it.
func (p *Pages) getOrg(s orgScreen) web.Handler {
	return func(c *gin.Context) error {
		d, led, err := p.enter(c, s.path)
		if led || err != nil {
			return err
		}
		return p.showOrg(c, s, d, nil, http.StatusOK)
	}
}

// postOrg does the deed of a form.
func (p *Pages) postOrg(f orgForm) web.Handler {
	return func(c *gin.Context) error {
		values, wrong := f.read(c)
		if wrong != nil && !errors.Is(wrong, errLargeFile) { // that one the page explains
			return wrong
		}
		d, led, err := p.enter(c, f.at.path)
		if led || err != nil {
			return err
		}
		answer, err := f.answer(c, d, values, wrong)
		if errors.Is(err, lanyard.ErrFreshProof) {
			d, answer, err = p.answerFresher(c, f, d, values)
		}
		back := here(c, screen{path: d.at(f.at.path)})
		switch {
		case err == nil:
			return answer(c)
		case errors.Is(err, lanyard.ErrFreshProof):
			return p.proveIn(c, back, d)
		}
		say, status := p.explain(c, f.explain, err)
		if say == nil {
			return err
		}
		return p.showOrg(c, f.at, d, say, status)
	}
}

// answer does the deed, unless the form was wrong already.
func (f orgForm) answer(c *gin.Context, d desk, values url.Values, wrong error) (web.Handler, error) {
	if wrong != nil {
		return nil, wrong
	}
	return f.do(c, d, posted{values: values})
}

// read is the form, with the file that it may bring in the field "file".
func (f orgForm) read(c *gin.Context) (url.Values, error) {
	if f.upload > 0 {
		return uploaded(c, f.upload)
	}
	return singleFields(c)
}

// showOrg renders a page, with the words for what was wrong with its form.
func (p *Pages) showOrg(c *gin.Context, s orgScreen, d desk, say words, status int) error {
	forbidden := func(a orgArea) bool { return a.path == s.area && !mayAny(d.seat, a.may) }
	if slices.ContainsFunc(orgAreas, forbidden) {
		return lanyard.ErrNotAllowed
	}
	v, err := p.orgPage(c, s, d)
	if err != nil {
		return err
	}
	if say != nil {
		if err := say(&step{frame: v.frame}); err != nil {
			return err
		}
		v.Notice = ""
	}
	view, err := s.view(c, v)
	if err != nil {
		return err
	}
	return p.show(c, status, s.template, view)
}

func (p *Pages) orgPage(c *gin.Context, s orgScreen, d desk) (*orgPage, error) {
	account, err := p.accountPage(c, screen{}, d.person)
	if err != nil {
		return nil, err
	}
	v := &orgPage{accountPage: account, Org: headOf(d.seat.Organization), desk: d}
	v.paint(lanyard.Branding{Accent: d.seat.Organization.Branding.Accent}) // the logo stands beside the organization's name
	v.Nav = nil
	for _, a := range orgAreas {
		if !mayAny(d.seat, a.may) {
			continue
		}
		text, err := v.T(a.key)
		if err != nil {
			return nil, err
		}
		v.Nav = append(v.Nav, navLink{Href: v.At(a.path), Text: text, Current: a.path == s.area})
	}
	return v, v.heading(s.heading, "Organization", v.Org.Name)
}

// shown answers a form with its page, that tells of the result.
func (p *Pages) shown(s orgScreen, d desk, result any) web.Handler {
	d.result = result
	return func(c *gin.Context) error { return p.showOrg(c, s, d, nil, http.StatusOK) }
}
