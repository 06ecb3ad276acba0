package loginui

import (
	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
)

// orgOverviewView is the first page of an organization.
type orgOverviewView struct {
	*orgPage
	Slug, Code, Plan string
	// TrialEnd is a day; empty without a trial. Seats is the most members; zero for any number.
	TrialEnd string
	Seats    int64
	Used     int64
	Roles    string
}

func (p *Pages) orgOverviewScreen() orgScreen {
	return orgScreen{path: "", area: "", heading: "org.overview.heading", template: "orgoverview.html", view: p.viewOrgOverview}
}

func (p *Pages) orgOverviewForms() []orgForm {
	return []orgForm{{path: "/leave", at: p.orgOverviewScreen(), do: p.leaveOrg, explain: among(
		mistake{lanyard.ErrLastOwner, "", "account.organizations.last_owner", nil},
	)}}
}

func (p *Pages) leaveOrg(c *gin.Context, d desk, _ posted) (web.Handler, error) {
	t := live(c).Tenancy()
	return done(pathMyOrgs, "org_left"), p.Organizations.Leave(c.Request.Context(), t, d.person.Actor, d.seat.Organization.ID, p.Clock.Now())
}

func (p *Pages) viewOrgOverview(c *gin.Context, v *orgPage) (any, error) {
	o := v.seat.Organization
	out := orgOverviewView{orgPage: v, Slug: o.Slug, Code: o.Code, Plan: plain(o.Plan), Seats: o.Seats}
	var err error
	if out.Used, err = p.Organizations.SeatsUsed(c.Request.Context(), v.seat); err != nil {
		return nil, err
	}
	if !o.TrialEnd.IsZero() {
		if out.TrialEnd, err = v.date(o.TrialEnd); err != nil {
			return nil, err
		}
	}
	out.Roles, err = v.roleNames(v.seat.Membership.Roles)
	return out, err
}
