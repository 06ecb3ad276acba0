package loginui

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/provider/flow"
)

// mistake is what a person can do something about: the error, the input that it is
// about, and the message with its arguments.
type mistake struct {
	err        error
	field, key string
	args       []any
}

// explain finds the words for an error; nil if it is not for the person at the page.
type explain func(err error) words

// among explains the mistakes of a page, in their order.
func among(all ...mistake) explain {
	return func(err error) words {
		for _, m := range all {
			if errors.Is(err, m.err) {
				return m.say
			}
		}
		return nil
	}
}

func (m mistake) say(s *step) error { return s.problem(m.field, m.key, m.args...) }

// errEmptyField is a form sent without what it asks for. No deed sees such a form.
var errEmptyField = &lanyard.Error{Kind: lanyard.Invalid, Code: "empty_field", Message: "a field of the form is empty"}

// errLongField is no mistake of a person: the fields take no more.
var errLongField = lanyard.ErrInvalidRequest.Saying("a field of the form is too long")

// everywhere explains what any page of a sign-in may meet.
var everywhere = among(
	mistake{err: lanyard.ErrUserDisabled, key: "problem.disabled"},
	mistake{err: lanyard.ErrNotOffered, key: "problem.not_offered"},
)

// noComplaint is for forms without anything that a person could mistype.
func noComplaint(*gin.Context, posted, error) (bool, error) { return false, nil }

// complain shows a step again with what was wrong with its form: 200, or 429 when
// there were too many tries.
func (p *Pages) complain(at flow.Step, page explain) complaint {
	return func(c *gin.Context, f posted, err error) (bool, error) {
		say, status := p.explain(c, page, err)
		if say == nil {
			return false, nil
		}
		return true, p.showStep(c, f.id, at, say, status)
	}
}

// explain finds the words and the status for an error; nil words if it is not for
// the person. It notes what the person is told.
func (p *Pages) explain(c *gin.Context, page explain, err error) (words, int) {
	status := http.StatusOK
	say := page(err)
	if say == nil {
		say = everywhere(err)
	}
	var e *lanyard.Error
	if errors.As(err, &e) && e.Kind == lanyard.Throttled {
		status = http.StatusTooManyRequests
		web.RetryAfter(c.Writer.Header(), e)
		if say == nil {
			say = tooMany(e.RetryAfter)
		}
	}
	if say != nil {
		web.Note(c, err)
	}
	return say, status
}

// tooMany says how long to wait, and that a passkey does not have to.
func tooMany(wait time.Duration) words {
	return func(s *step) error {
		what := "throttled"
		other := s.Offers(lanyard.WaySecurityKey) && s.Page.Way != lanyard.WaySecurityKey
		if s.Offers(lanyard.WayPasskey) || other {
			what = "throttled_passkey"
		}
		text, err := s.wait(what, wait)
		s.Problem = &problem{Text: text}
		return err
	}
}

// waitText says how long to wait.
func (f *frame) waitText(wait time.Duration) (string, error) { return f.wait("throttled", wait) }

// wait is one of a family of messages with a time, rounded up to seconds or minutes.
func (f *frame) wait(what string, wait time.Duration) (string, error) {
	switch {
	case wait <= 0:
		return f.T(what + ".later")
	case wait <= time.Minute:
		return f.T(what+".seconds", "Count", int((wait+time.Second-1)/time.Second))
	default:
		return f.T(what+".minutes", "Count", int((wait+time.Minute-1)/time.Minute))
	}
}

// either explains by the first of several that has words.
func either(all ...explain) explain {
	return func(err error) words {
		for _, e := range all {
			if say := e(err); say != nil {
				return say
			}
		}
		return nil
	}
}

// otherWay is a button that leads to another way through the step.
type otherWay struct {
	Way  string
	Text string
	// Script says that the way needs script.
	Script bool
}

// Others are the other ways through the step, without the one that the page shows.
func (s *step) Others() ([]otherWay, error) {
	var out []otherWay
	for _, way := range s.Page.Ways {
		shown := way == s.Page.Way || way.Connection() != "" || s.Page.Step == flow.StepIdentify && way == lanyard.WayPasskey
		if shown {
			continue
		}
		text, err := s.T("way." + string(way))
		if err != nil {
			return nil, err
		}
		needs := slices.Contains([]lanyard.Way{lanyard.WayPasskey, lanyard.WaySecurityKey}, way)
		out = append(out, otherWay{Way: string(way), Text: text, Script: needs})
	}
	return out, nil
}
