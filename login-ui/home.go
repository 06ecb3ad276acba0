package loginui

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// messageView is a page that says something and leads somewhere.
type messageView struct {
	*frame
	Texts []string
	// Link and LinkText lead on; empty if there is nowhere to go.
	Link     string
	LinkText string
}

// getHome is what stands at the issuer itself: under dev the overview, else a word of explanation.
func (p *Pages) getHome(c *gin.Context) error {
	if site(c).Dev && p.Development != nil {
		return p.getOverview(c)
	}
	f := p.frame(c, nil)
	if err := f.heading("home.heading", "Tenant", f.Tenant); err != nil {
		return err
	}
	text, err := f.T("home.explain", "Tenant", f.Tenant)
	if err != nil {
		return err
	}
	return p.show(c, http.StatusOK, "message.html", messageView{frame: f, Texts: []string{text}})
}

// startAtApp explains a sign-in page that was opened by itself.
func (p *Pages) startAtApp(c *gin.Context) error {
	f := p.frame(c, nil)
	if err := f.heading("start.heading"); err != nil {
		return err
	}
	text, err := f.T("start.explain")
	if err != nil {
		return err
	}
	return p.show(c, http.StatusOK, "message.html", messageView{frame: f, Texts: []string{text}})
}
