package loginui

import (
	"context"
	"errors"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants"
)

// factorView is the page that asks for a second factor (L6).
type factorView struct {
	*step
	Remember bool
}

func (p *Pages) factor(ctx context.Context, live *tenants.Live, f posted, v flow.Visitor) (flow.Moved, error) {
	code, err := f.code()
	if err != nil {
		return flow.Moved{}, err
	}
	return p.Flow.Factor(ctx, live, f.id, v, f.token, code, f.ticked("remember"))
}

// factorMistakes are told in the words of the factor that the page asks for.
func factorMistakes(err error) words {
	switch {
	case errors.Is(err, lanyard.ErrWrongCode):
		return func(s *step) error { return s.problem("code", "factor."+string(s.Page.Way)+".wrong") }
	default:
		return emailCodeMistakes(err)
	}
}

func renderFactor(p *Pages, c *gin.Context, s *step, status int) error {
	key := "factor.none"
	switch s.Page.Way {
	case lanyard.WayTOTP, lanyard.WaySecurityKey, lanyard.WayRecoveryCode, lanyard.WayEmailRecovery:
		key = "factor." + string(s.Page.Way)
	}
	if err := s.heading(key + ".heading"); err != nil {
		return err
	}
	return p.show(c, status, "factor.html", factorView{s, c.Request.PostForm.Get("remember") != ""})
}

// Asks tells whether the page asks for a factor.
func (v factorView) Asks(way string) bool { return v.Page.Way == lanyard.Way(way) }
