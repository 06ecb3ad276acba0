package loginui

import (
	"context"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants"
)

// identifierView is the page that asks who signs in (L1).
type identifierView struct {
	*step
	Username string
}

func (p *Pages) identify(ctx context.Context, live *tenants.Live, f posted, v flow.Visitor) (flow.Moved, error) {
	name := strings.TrimSpace(f.value("username"))
	if name == "" {
		return flow.Moved{}, errEmptyField
	}
	return p.Flow.Identify(ctx, live, f.id, v, f.token, name)
}

var identifierMistakes = among(
	mistake{errEmptyField, "username", "identify.empty", nil},
	mistake{lanyard.ErrBadInput, "username", "identify.invalid", nil},
)

func renderIdentifier(p *Pages, c *gin.Context, s *step, status int) error {
	if err := s.heading("identify.heading", "App", s.App); err != nil {
		return err
	}
	return p.show(c, status, "identifier.html", identifierView{step: s, Username: typedName(c, s.Page)})
}

// maxTyped bounds what is shown again of what was typed, in bytes.
const maxTyped = 254

// typedName is what stands in the field: what was typed now, or before, or hinted by the application.
func typedName(c *gin.Context, page flow.Page) string {
	for _, name := range []string{c.Request.PostForm.Get("username"), page.Request.Identifier, page.Request.Params.LoginHint} {
		if name != "" && len(name) <= maxTyped {
			return name
		}
	}
	return ""
}
