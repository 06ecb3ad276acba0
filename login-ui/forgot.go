package loginui

import (
	"context"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants"
)

// forgotView is the page that asks for a link that sets a new password (L13).
type forgotView struct {
	*step
	Username string
	Sent     bool
}

func (p *Pages) forgot(ctx context.Context, live *tenants.Live, f posted, v flow.Visitor) (flow.Moved, error) {
	name := strings.TrimSpace(f.value("username"))
	switch {
	case name == "":
		return flow.Moved{}, errEmptyField
	case len(name) > maxTyped:
		return flow.Moved{}, lanyard.ErrBadInput
	}
	return flow.Moved{}, p.Flow.Forgot(ctx, live, f.id, v, f.token, name)
}

// forgotSent answers alike for every name.
func (p *Pages) forgotSent(c *gin.Context, id lanyard.AuthRequestID, _ flow.Moved) error {
	return p.showStep(c, id, flow.StepForgot, func(s *step) error {
		text, err := s.T("forgot.sent", "Name", typedName(c, s.Page))
		s.Notice = text
		return err
	}, http.StatusOK)
}

func renderForgot(p *Pages, c *gin.Context, s *step, status int) error {
	view := forgotView{step: s, Username: typedName(c, s.Page), Sent: s.Notice != ""}
	key := "forgot.heading"
	if view.Sent {
		key = "forgot.heading_sent"
	}
	if err := s.heading(key); err != nil {
		return err
	}
	return p.show(c, status, "forgot.html", view)
}
