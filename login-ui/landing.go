package loginui

import (
	"errors"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// landingClient is the application that an invitation leads to; nil for our own pages.
func (p *Pages) landingClient(c *gin.Context, o organizations.Offer) (*lanyard.Client, error) {
	if o.Invitation.ClientID == "" {
		return nil, nil //nolint:nilnil // an invitation need not name one
	}
	client, err := live(c).Client(c.Request.Context(), o.Invitation.ClientID)
	if errors.Is(err, lanyard.ErrUnknownClient) || err == nil && (client.Disabled || client.StartPage(site(c).Issuer, o.Organization.ID) == "") {
		return nil, nil //nolint:nilnil // one that is gone is none
	}
	return client, err
}

// landing is where that application begins; empty for our own pages.
func (p *Pages) landing(c *gin.Context, o organizations.Offer) (string, error) {
	client, err := p.landingClient(c, o)
	if err != nil || client == nil {
		return "", err
	}
	return client.StartPage(site(c).Issuer, o.Organization.ID), nil
}
