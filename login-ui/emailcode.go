package loginui

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants"
)

// maxCode is the longest code that is looked at, in bytes.
const maxCode = 64

// code is what was typed into the field for one.
func (f posted) code() (string, error) {
	code := strings.TrimSpace(f.value("code"))
	switch {
	case code == "":
		return "", errEmptyField
	case len(code) > maxCode:
		return "", lanyard.ErrWrongCode
	}
	return code, nil
}

// codeView is a page that asks for a code that was sent.
type codeView struct {
	*step
	Keep bool
}

var emailCodeMistakes = among(
	mistake{errEmptyField, "code", "code.empty", nil},
	mistake{lanyard.ErrWrongCode, "code", "code.wrong", nil},
	mistake{lanyard.ErrCodeExpired, "code", "code.expired", nil},
)

// renderEmailCode asks for the code that was sent to sign in with (L5).
func renderEmailCode(p *Pages, c *gin.Context, s *step, status int) error {
	if err := s.heading("email_code.heading"); err != nil {
		return err
	}
	return p.show(c, status, "emailcode.html", codeView{s, c.Request.PostForm.Get("keep") != ""})
}

func (p *Pages) emailCode(ctx context.Context, live *tenants.Live, f posted, v flow.Visitor) (flow.Moved, error) {
	code, err := f.code()
	if err != nil {
		return flow.Moved{}, err
	}
	return p.Flow.EmailCode(ctx, live, f.id, v, f.token, code, f.ticked("keep"))
}

// resend sends the code of the page once more; the page says so at once, because
// an address says nothing about what was done.
func (p *Pages) resend(ctx context.Context, live *tenants.Live, f posted, v flow.Visitor) (flow.Moved, error) {
	return p.Flow.Resend(ctx, live, f.id, v, f.token)
}

func (p *Pages) resent(c *gin.Context, id lanyard.AuthRequestID, m flow.Moved) error {
	return p.showStep(c, id, m.Next, func(s *step) error {
		text, err := s.T("code.sent")
		s.Notice = text
		return err
	}, http.StatusOK)
}

// tooSoon says when another code can be sent.
func tooSoon(err error) words {
	var e *lanyard.Error
	if !errors.As(err, &e) || e.Kind != lanyard.Throttled {
		return nil
	}
	return func(s *step) error {
		text, err := s.wait("resend", e.RetryAfter)
		s.Problem = &problem{Text: text}
		return err
	}
}
