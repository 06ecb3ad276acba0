package loginui

import (
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// linkView is the page behind a link in a mail that has a code, too (L5). In the
// browser where the code is waited for, its form is that of the waiting page; in
// any other the page shows the code to type. It spends nothing.
type linkView struct {
	*step
	// Post is where the code is sent; empty when it has to be typed elsewhere.
	Post string
	Code string
}

// waitingFor is the step that waits for the code of a purpose.
var waitingFor = map[string]flow.Step{
	accounts.PurposeSignIn:   flow.StepEmailCode,
	accounts.PurposeRecovery: flow.StepFactor,
	accounts.PurposeSignUp:   flow.StepSignUpCode,
	accounts.PurposeVerify:   flow.StepVerifyEmail,
}

func (p *Pages) getLink(c *gin.Context) error {
	token, err := linkToken(c.Query(linkTokenParam))
	if err != nil {
		return p.deadLink(c, "", err)
	}
	about, err := p.Recovery.LinkOf(c.Request.Context(), live(c).Tenancy(), token, p.Clock.Now())
	if err != nil {
		return p.deadLink(c, "", err)
	}
	v := linkView{step: &step{frame: p.frame(c, nil)}, Code: about.Code.Reveal()}
	page, here := p.begun(c, requestParam(about.Holder))
	if here && waits(page, about.Purpose) {
		if v.step, err = p.step(c, page); err != nil {
			return err
		}
		v.Post = v.step.Action(pathOf[page.Step])
		web.FormTo(c.Writer.Header(), formOrigins(page)...)
	}
	key := "link.heading_type"
	if v.Post != "" {
		key = "link.heading"
	}
	if err := v.heading(key); err != nil {
		return err
	}
	return p.show(c, http.StatusOK, "link.html", v)
}

// waits tells whether a page waits for a code of the purpose.
func waits(page flow.Page, purpose string) bool {
	if page.Step == flow.StepFactor && page.Way != lanyard.WayEmailRecovery {
		return false
	}
	return page.Step == waitingFor[purpose]
}

// getChangePassword leads password managers to the page that changes a password
// (W3C "A Well-Known URL for Changing Passwords").
func (p *Pages) getChangePassword(c *gin.Context) error {
	web.Redirect(c.Writer, c.Request, web.Local(site(c), accountSecurity, nil))
	return nil
}

// getPasskeyEndpoints tells password managers where passkeys are made and looked
// after (W3C "Passkey Endpoints").
func (p *Pages) getPasskeyEndpoints(c *gin.Context) error {
	return marshalTo(c, map[string]string{"enroll": site(c).URL(accountSecurity), "manage": site(c).URL(accountSecurity)})
}

// getRelatedOrigins lists the other hosts of the tenant, on which its passkeys work
// too (WebAuthn §5.11.1). On a shared host there are none.
func (p *Pages) getRelatedOrigins(c *gin.Context) error {
	tenant := live(c).Tenant
	if tenant.Host == "" || len(tenant.RedirectHosts) == 0 {
		return lanyard.ErrNotFound
	}
	origins := []string{site(c).Origin()}
	for _, host := range tenant.RedirectHosts {
		u := url.URL{Scheme: "https", Host: host}
		origins = append(origins, u.String())
	}
	return marshalTo(c, map[string][]string{"origins": origins})
}
