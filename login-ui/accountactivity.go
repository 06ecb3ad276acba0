package loginui

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/nicksnyder/go-i18n/v2/i18n"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// activityDeeds tell what happened to an account.
type activityDeeds interface {
	Activity(ctx context.Context, t accounts.Tenancy, user lanyard.UserID, before lanyard.EventID) ([]lanyard.Event, lanyard.EventID, error)
	NotMe(ctx context.Context, t accounts.Tenancy, actor accounts.Actor, now time.Time) (int64, error)
}

const beforeParam = "before"

// activityView is the page of what happened (A8).
type activityView struct {
	*accountPage
	Entries []activity
	// Older leads to what happened before; empty at the end. Newest leads back.
	Older, Newest string
	// Advise says that the person has just said that something was not theirs.
	Advise bool
}

type activity struct {
	When moment
	Text string
	// Code is the name of an event that there are no words for.
	Code string
	// Device is where it was done, if the person is still signed in there.
	Device string
}

func (p *Pages) activityScreen() screen {
	return screen{path: pathActivity, area: pathActivity, heading: "account.activity.heading", template: "accountactivity.html", view: p.viewActivity}
}

func (p *Pages) activityForms() []accountForm {
	return []accountForm{{path: pathActivity + "/not-me", at: p.activityScreen(), do: p.notMe, explain: noMistakes}}
}

func (p *Pages) notMe(c *gin.Context, me self, _ posted) (web.Handler, error) {
	n, err := p.Accounts.NotMe(c.Request.Context(), live(c).Tenancy(), me.Actor, p.Clock.Now())
	return done(pathActivity, "not_me", n), err
}

func (p *Pages) viewActivity(c *gin.Context, v *accountPage) (any, error) {
	ctx, tenancy := c.Request.Context(), live(c).Tenancy()
	before := lanyard.EventID(c.Query(beforeParam))
	if len(before) > maxID {
		return nil, lanyard.ErrNotFound
	}
	events, next, err := p.Accounts.Activity(ctx, tenancy, v.me.User.ID, before)
	if err != nil {
		return nil, err
	}
	devices, err := p.Accounts.Devices(ctx, tenancy, v.me.User.ID, v.now)
	if err != nil {
		return nil, err
	}
	out := activityView{accountPage: v, Advise: v.Notice != "" && c.Query(doneParam) == "not_me"}
	if next != "" {
		out.Older = web.Local(v.Site, pathActivity, url.Values{beforeParam: {string(next)}}).Location()
	}
	if before != "" {
		out.Newest = v.Path(pathActivity)
	}
	out.Entries, err = v.activity(events, devices)
	return out, err
}

func (v *accountPage) activity(events []lanyard.Event, devices []lanyard.Device) ([]activity, error) {
	agents := map[lanyard.SessionID]string{}
	for _, d := range devices {
		agents[d.Session.ID] = d.Browser.UserAgent
	}
	var out []activity
	for _, e := range events {
		entry, err := v.eventInWords(e)
		if err != nil {
			return nil, err
		}
		if agent, found := agents[e.SessionID]; found {
			if entry.Device, err = v.deviceName(agent); err != nil {
				return nil, err
			}
		}
		out = append(out, entry)
	}
	return out, nil
}

func (v *accountPage) eventInWords(e lanyard.Event) (activity, error) {
	when, err := v.moment(e.At)
	if err != nil {
		return activity{}, err
	}
	text, err := v.T("account.event." + string(e.Type))
	var unknown *i18n.MessageNotFoundErr
	if errors.As(err, &unknown) {
		return activity{When: when, Code: string(e.Type)}, nil
	}
	return activity{When: when, Text: text}, err
}
