package loginui

import (
	"embed"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
)

//go:embed assets/*
var assetFiles embed.FS

const assetsPath = "/assets/"

// getAsset serves a file or a tenant's colours.
func (p *Pages) getAsset(c *gin.Context) error {
	name := c.Param("name")
	a := p.assets.Find(name)
	if a == nil {
		css, ok := themeCSS(name)
		if !ok {
			return lanyard.ErrNotFound
		}
		a = web.Stylesheet(css)
	}
	a.Serve(c)
	return nil
}
