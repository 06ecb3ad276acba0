package loginui

import (
	"context"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants"
)

// verifyEmailView is the page that has an address proved before a sign-in ends (L12).
type verifyEmailView struct {
	*step
	Email string
}

func (p *Pages) verifyEmail(ctx context.Context, live *tenants.Live, f posted, v flow.Visitor) (flow.Moved, error) {
	code, err := f.code()
	if err != nil {
		return flow.Moved{}, err
	}
	return p.Flow.VerifyEmail(ctx, live, f.id, v, f.token, code)
}

func renderVerifyEmail(p *Pages, c *gin.Context, s *step, status int) error {
	if err := s.heading("verify_email.heading"); err != nil {
		return err
	}
	view := verifyEmailView{step: s}
	if s.Page.Person != nil {
		view.Email = s.Page.Person.Profile.Email
	}
	return p.show(c, status, "verifyemail.html", view)
}
