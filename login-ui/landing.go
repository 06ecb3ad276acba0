package loginui

import (
	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// landing is where the application begins that an invitation leads to; empty for our own pages.
func (p *Pages) landing(c *gin.Context, o organizations.Offer) (string, error) {
	client, err := live(c).Landing(c.Request.Context(), o.Invitation)
	if err != nil || client == nil {
		return "", err
	}
	return client.StartPage(live(c).Issuer, o.Organization.ID), nil
}
