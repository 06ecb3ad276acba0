package loginui

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// maxPassword is the longest password that is looked at, in bytes.
const maxPassword = accounts.MaxPassword

// passwordView is the page that asks for the password (L3).
type passwordView struct {
	*step
	Username string
	Keep     bool
}

func (p *Pages) password(ctx context.Context, live *tenants.Live, f posted, v flow.Visitor) (flow.Moved, error) {
	password := f.value("password")
	switch {
	case password == "":
		return flow.Moved{}, errEmptyField
	case len(password) > maxPassword:
		return flow.Moved{}, errLongPassword
	}
	return p.Flow.Password(ctx, live, f.id, v, f.token, lanyard.SecretOf(password), f.value("keep") != "")
}

// back lets the person type another sign-in name.
func (p *Pages) back(ctx context.Context, live *tenants.Live, f posted, v flow.Visitor) (flow.Moved, error) {
	return p.Flow.Back(ctx, live, f.id, v, f.token)
}

// errLongPassword is no mistake of a person: the field takes no more.
var errLongPassword = lanyard.ErrInvalidRequest.Saying("the password is longer than 1024 bytes")

func (p *Pages) complainPassword(c *gin.Context, f posted, err error) (bool, error) {
	var e *lanyard.Error
	if !errors.As(err, &e) {
		return false, nil
	}
	problem, status := passwordProblem(e), http.StatusOK
	if problem == nil {
		return false, nil
	}
	web.Note(c, err)
	if e.Kind == lanyard.Throttled {
		status = http.StatusTooManyRequests
		web.RetryAfter(c.Writer.Header(), e)
	}
	return true, p.showStep(c, f.id, flow.StepPassword, renderPassword, problem, status)
}

// passwordProblem is the text for what a person can do something about; nil for
// everything else. A wrong password and an unknown name are one and the same.
func passwordProblem(e *lanyard.Error) func(*step) error {
	switch {
	case e == errEmptyField:
		return func(s *step) error { return s.problem("password", "password.empty") }
	case errors.Is(e, lanyard.ErrWrongCredentials), errors.Is(e, lanyard.ErrBadInput):
		return func(s *step) error { return s.problem("password", "password.wrong") }
	case errors.Is(e, lanyard.ErrUserDisabled):
		return func(s *step) error { return s.problem("", "password.disabled") }
	case e.Kind == lanyard.Throttled:
		return func(s *step) error {
			text, err := s.waitText(e.RetryAfter)
			s.Problem = &problem{Text: text}
			return err
		}
	default:
		return nil
	}
}

// waitText says how long to wait, rounded up to seconds or minutes.
func (f *frame) waitText(wait time.Duration) (string, error) {
	switch {
	case wait <= 0:
		return f.T("throttled.later")
	case wait <= time.Minute:
		return f.T("throttled.seconds", "Count", int((wait+time.Second-1)/time.Second))
	default:
		return f.T("throttled.minutes", "Count", int((wait+time.Minute-1)/time.Minute))
	}
}

func renderPassword(p *Pages, c *gin.Context, s *step, problem func(*step) error, status int) error {
	view := passwordView{step: s, Username: signInName(s.Page), Keep: c.Request.PostForm.Get("keep") != ""}
	key := "password.heading"
	if s.Page.Reproof {
		key = "password.heading_again"
	}
	title, err := s.T("password.title", "App", s.App)
	s.title = title
	if err := errors.Join(err, s.heading(key, "App", s.App)); err != nil {
		return err
	}
	if problem != nil {
		if err := problem(s); err != nil {
			return err
		}
	}
	return p.show(c, status, "password.html", view)
}

// signInName is whose password is asked for: as typed, or of the account at hand.
func signInName(page flow.Page) string {
	if page.Account != nil {
		return page.Account.User.SignInName()
	}
	return page.Request.Identifier
}
