package loginui

import (
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
)

// orgDeleteView is the page that asks before an organization is deleted.
type orgDeleteView struct {
	*orgPage
	Slug, Typed string
	// Grace is for how many days it can be kept after all.
	Grace int
}

func (p *Pages) orgDeleteScreen() orgScreen {
	return orgScreen{path: orgDelete, area: orgDelete, heading: "org.delete.heading", template: "orgdelete.html", view: p.viewOrgDelete}
}

func (p *Pages) orgDeleteForms() []orgForm {
	return []orgForm{{path: orgDelete, at: p.orgDeleteScreen(), do: p.deleteOrg, explain: either(wrongFields, among(
		mistake{lanyard.ErrBadInput, "slug", "org.delete.other_name", nil},
	))}}
}

func (p *Pages) deleteOrg(c *gin.Context, d desk, f posted) (web.Handler, error) {
	typed := strings.TrimSpace(f.value("slug"))
	if typed != d.seat.Organization.Slug {
		return nil, wrongField{mistake{field: "slug", key: "org.delete.other_name"}}
	}
	return done(pathMyOrgs, "org_deleted"), p.Organizations.Delete(c.Request.Context(), d.seat, typed, p.Clock.Now())
}

func (p *Pages) viewOrgDelete(c *gin.Context, v *orgPage) (any, error) {
	const day = 24 * time.Hour
	grace := live(c).Tenant.Policy.GraceOfOrganizations()
	return orgDeleteView{orgPage: v, Slug: v.seat.Organization.Slug, Typed: typed(c, "slug", ""), Grace: int((grace + day - 1) / day)}, nil
}
