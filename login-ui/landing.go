package loginui

import (
	"errors"
	"net/url"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// Landing is where somebody who joined an organization begins at an application: its
// page that begins a sign-in, told our issuer and the organization (OpenID Connect
// Core §4), else its home page. It tells whether there is such a place.
func Landing(s web.Site, client *lanyard.Client, organization string) (web.Target, bool) {
	if client == nil || client.Disabled {
		return web.Target{}, false
	}
	params, uri := url.Values{}, safeLink(client.InitiateLoginURI)
	if uri != "" {
		params.Set("iss", s.Issuer)
		if organization != "" {
			params.Set("organization", organization)
		}
	} else {
		uri = safeLink(client.URI)
	}
	answer, err := web.NewAnswer([]string{uri}, uri, params)
	return answer.Query(), err == nil
}

// landingClient is the application that an invitation leads to; nil for none.
func (p *Pages) landingClient(c *gin.Context, offer *organizations.Offer) (*lanyard.Client, error) {
	if offer == nil || offer.Invitation.ClientID == "" {
		return nil, nil //nolint:nilnil // an invitation need not name one
	}
	client, err := live(c).Client(c.Request.Context(), offer.Invitation.ClientID)
	if errors.Is(err, lanyard.ErrUnknownClient) || err == nil && client.Disabled {
		return nil, nil //nolint:nilnil // one that is gone is none
	}
	return client, err
}

// landingOrigins are where the redirects after a form may lead to when the
// invitation is accepted. An outage leaves them out: the page is shown all the same.
func (p *Pages) landingOrigins(c *gin.Context, offer *organizations.Offer) []string {
	client, err := p.landingClient(c, offer)
	if err != nil || client == nil {
		return nil
	}
	return []string{lanyard.Origin(homeOf(client))}
}
