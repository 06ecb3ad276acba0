package loginui

import (
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
)

// formPostView sends the answer on (OAuth 2.0 Form Post Response Mode §2).
type formPostView struct {
	*frame
	URI    string
	Fields []field
	App    string
}

// FormPost answers the client by a form that a script of our own submits; without
// script there is a button. The page can send its form nowhere else, is never
// stored, and names no one but the client, which may be nil.
func (p *Pages) FormPost(c *gin.Context, answer web.Answer, client *lanyard.Client, uiLocales []string) error {
	f := p.frame(c, uiLocales)
	app, err := f.app(client)
	if err != nil {
		return err
	}
	if err := f.heading("form_post.heading", "App", app); err != nil {
		return err
	}
	f.Scripts = nil
	f.Script("form-post.js")
	f.Switches = nil // the answer can be sent once; there is no page to come back to
	web.FormOnlyTo(c.Writer.Header(), answer.Origin())
	return p.show(c, http.StatusOK, "form_post.html", formPostView{f, answer.URI(), fieldsOf(answer.Params()), app})
}

func sortedKeys(values url.Values) []string { return slices.Sorted(maps.Keys(values)) }
