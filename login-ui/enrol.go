package loginui

import (
	"context"
	"html/template"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/provider/flow"
	"github.com/lanyard-id/lanyard/tenants"
)

// enrolView is the page that sets up a second factor (L7).
type enrolView struct {
	*step
	// QR is the picture of the secret.
	QR template.HTML
	// Deadline is the day from which there is no sign-in without; empty for none.
	Deadline string
}

func (p *Pages) enrolTOTP(ctx context.Context, live *tenants.Live, f posted, v flow.Visitor) (flow.Moved, error) {
	code, err := f.code()
	if err != nil {
		return flow.Moved{}, err
	}
	return p.Flow.EnrolTOTP(ctx, live, f.id, v, f.token, code)
}

// maxPasskeyName is how much of a typed name is looked at, in bytes.
const maxPasskeyName = 1 << 10

func (p *Pages) enrolPasskey(ctx context.Context, live *tenants.Live, f posted, v flow.Visitor) (flow.Moved, error) {
	credential, err := f.credential()
	if err != nil {
		return flow.Moved{}, err
	}
	name := f.value("name")
	if len(name) > maxPasskeyName {
		return flow.Moved{}, errLongField
	}
	return p.Flow.EnrolPasskey(ctx, live, f.id, v, f.token, credential, name)
}

func (p *Pages) skipEnrolment(ctx context.Context, live *tenants.Live, f posted, v flow.Visitor) (flow.Moved, error) {
	return p.Flow.SkipEnrolment(ctx, live, f.id, v, f.token)
}

var enrolMistakes = among(
	mistake{errEmptyField, "code", "code.empty", nil},
	mistake{lanyard.ErrWrongCode, "code", "factor.totp.wrong", nil},
	mistake{lanyard.ErrCodeExpired, "code", "enrol.expired", nil},
)

var enrolPasskeyMistakes = among(
	mistake{errEmptyField, "", "passkey.none", nil},
	mistake{lanyard.ErrNoPasskey, "", "enrol.passkey_refused", nil},
)

func renderEnrol(p *Pages, c *gin.Context, s *step, status int) error {
	if err := s.heading("enrol.heading"); err != nil {
		return err
	}
	view := enrolView{step: s, QR: template.HTML(s.Page.TOTP.QRSVG)} //nolint:gosec // drawn by us, from nothing but a pattern
	if s.Page.MaySkip && s.Page.Policy.SecondFactor == lanyard.SecondFactorRequired {
		day, err := s.day(s.Page.Policy.SecondFactorDeadline)
		if err != nil {
			return err
		}
		view.Deadline = day
	}
	return p.show(c, status, "enrol.html", view)
}

// day is a date like 2027-01-31 in words; empty for what is none.
func (f *frame) day(date string) (string, error) {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return "", nil //nolint:nilerr // there is no such day to tell
	}
	month, err := f.T("month." + strconv.Itoa(int(t.Month())))
	if err != nil {
		return "", err
	}
	return f.T("date.day", "Day", strconv.Itoa(t.Day()), "Month", month, "Year", strconv.Itoa(t.Year()))
}
