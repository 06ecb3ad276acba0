package provider

import (
	"net/url"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/flow"
)

// deliver sends the answer of an authorization request to the client: the one
// place that does. The issuer stands in every answer (RFC 9207 §2), and the
// redirect URI is checked once more against the registration.
func (p *Provider) deliver(c *gin.Context, a *flow.Answer) error {
	params := url.Values{"iss": {live(c).Issuer}}
	if a.Params.State != "" {
		params.Set("state", a.Params.State)
	}
	if a.Err != nil {
		web.Note(c, a.Err)
		params.Set("error", a.Err.Code)
		params.Set("error_description", plainText(a.Err.Message))
	} else {
		params.Set("code", a.Code.Reveal())
	}
	answer, err := web.NewAnswer(a.Client.Redirects(), a.Params.RedirectURI, params)
	if err != nil {
		return p.Pages.Error(c, err)
	}
	if a.Params.ResponseMode == "form_post" {
		return p.Pages.FormPost(c, answer, a.Client, a.Params.UILocales)
	}
	web.Redirect(c.Writer, c.Request, answer.Query())
	return nil
}
