package loginui

import (
	"context"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// newPasswordView is the page that replaces a password that must not stay.
type newPasswordView struct {
	*step
	Username    string
	MinPassword int
}

// newPasswordMistakes explains what is wrong with a new password.
func newPasswordMistakes(shortest int) explain {
	return among(
		mistake{errEmptyField, "password", "new_password.empty", nil},
		mistake{lanyard.ErrShortPassword, "password", "new_password.short", []any{"Count", shortest}},
		mistake{lanyard.ErrLongPassword, "password", "new_password.long", nil},
		mistake{lanyard.ErrPersonalPassword, "password", "new_password.personal", nil},
		mistake{lanyard.ErrBreachedPassword, "password", "new_password.breached", nil},
		mistake{lanyard.ErrWeakPassword, "password", "new_password.weak", nil},
		mistake{lanyard.ErrSamePassword, "password", "new_password.same", nil},
	)
}

func (p *Pages) newPassword(ctx context.Context, live *tenants.Live, f posted, v flow.Visitor) (flow.Moved, error) {
	password, err := f.password()
	if err != nil {
		return flow.Moved{}, err
	}
	return p.Flow.NewPassword(ctx, live, f.id, v, f.token, password)
}

// changeMistakes knows from the page how long the password has to be.
func changeMistakes(err error) words {
	if newPasswordMistakes(0)(err) == nil {
		return nil
	}
	return func(s *step) error { return newPasswordMistakes(shortestFor(s.Page.Factors))(err)(s) }
}

func shortestFor(f lanyard.Factors) int {
	if f.Second() {
		return accounts.ShortestSecond
	}
	return accounts.ShortestAlone
}

func renderNewPassword(p *Pages, c *gin.Context, s *step, status int) error {
	if err := s.heading("new_password.heading"); err != nil {
		return err
	}
	return p.show(c, status, "newpassword.html", newPasswordView{s, s.Name(), shortestFor(s.Page.Factors)})
}
