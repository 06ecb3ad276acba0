package loginui

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// brandingDeeds change what an organization says of itself, and how it looks.
type brandingDeeds interface {
	logoDeeds
	Describe(ctx context.Context, s organizations.Seat, d organizations.Details, now time.Time) error
	Brand(ctx context.Context, s organizations.Seat, b lanyard.Branding, now time.Time) (lanyard.Branding, error)
	SetLogo(ctx context.Context, s organizations.Seat, dark bool, content []byte, now time.Time) error
}

// orgBrandingView is the page of name, language and looks.
type orgBrandingView struct {
	*orgPage
	OrgName, Language, Accent string
	Languages                 []option
	// Light and Dark are the logos that there are; empty for none.
	Light, Dark string
}

func (p *Pages) orgBrandingScreen() orgScreen {
	return orgScreen{path: orgBranding, area: orgBranding, heading: "org.branding.heading", template: "orgbranding.html", view: p.viewOrgBranding}
}

func (p *Pages) orgBrandingForms() []orgForm {
	at := p.orgBrandingScreen()
	logo := among(
		mistake{errLargeFile, "", "org.branding.bad_logo", nil},
		mistake{errEmptyField, "", "org.branding.no_logo", nil},
		mistake{lanyard.ErrBadInput, "", "org.branding.bad_logo", nil},
	)
	return []orgForm{
		{path: orgBranding, at: at, do: p.describeOrg, explain: either(wrongFields, among(mistake{lanyard.ErrBadInput, "name", "org.bad_name", nil}))},
		{path: orgBranding + "/accent", at: at, do: p.setAccent, explain: among(mistake{lanyard.ErrBadInput, "accent", "org.branding.bad_accent", nil})},
		{path: orgBranding + "/logo", at: at, do: p.setLogo, explain: logo, upload: organizations.MaxLogo},
		{path: orgBranding + "/logo/remove", at: at, do: p.removeLogo, explain: noMistakes},
	}
}

func (p *Pages) describeOrg(c *gin.Context, d desk, f posted) (web.Handler, error) {
	details := organizations.Details{Name: strings.TrimSpace(f.value("name")), Language: f.value("language")}
	if err := checkOrgName(details.Name); err != nil {
		return nil, err
	}
	if len(details.Language) > maxLocale {
		return nil, errLongField
	}
	return d.done(orgBranding, "org_saved"), p.Organizations.Describe(c.Request.Context(), d.seat, details, p.Clock.Now())
}

func (p *Pages) setAccent(c *gin.Context, d desk, f posted) (web.Handler, error) {
	branding := d.seat.Organization.Branding
	branding.Accent = strings.ToLower(strings.TrimSpace(f.value("accent")))
	if branding.Accent != "" && !accentForm.MatchString(branding.Accent) {
		return nil, lanyard.ErrBadInput
	}
	_, err := p.Organizations.Brand(c.Request.Context(), d.seat, branding, p.Clock.Now())
	return d.done(orgBranding, "org_saved"), err
}

func (p *Pages) setLogo(c *gin.Context, d desk, f posted) (web.Handler, error) {
	content := f.value(fileField)
	if content == "" {
		return nil, errEmptyField
	}
	return d.done(orgBranding, "logo_saved"), p.Organizations.SetLogo(c.Request.Context(), d.seat, f.ticked("dark"), []byte(content), p.Clock.Now())
}

func (p *Pages) removeLogo(c *gin.Context, d desk, f posted) (web.Handler, error) {
	branding := d.seat.Organization.Branding
	if f.ticked("dark") {
		branding.LogoDarkURL = ""
	} else {
		branding.LogoURL = ""
	}
	_, err := p.Organizations.Brand(c.Request.Context(), d.seat, branding, p.Clock.Now())
	if errors.Is(err, lanyard.ErrNotFound) { // it is gone already
		err = nil
	}
	return d.done(orgBranding, "logo_removed"), err
}

func (p *Pages) viewOrgBranding(c *gin.Context, v *orgPage) (any, error) {
	o := v.seat.Organization
	return orgBrandingView{
		orgPage: v, OrgName: typed(c, "name", o.Name), Language: typed(c, "language", o.Language), Accent: typed(c, "accent", o.Branding.Accent),
		Languages: p.localeOptions(o.Language), Light: v.own(ownLogo(o.Branding.LogoURL)), Dark: v.own(ownLogo(o.Branding.LogoDarkURL)),
	}, nil
}
