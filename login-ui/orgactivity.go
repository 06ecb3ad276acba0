package loginui

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/nicksnyder/go-i18n/v2/i18n"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// factDeeds tell what happened in an organization.
type factDeeds interface {
	Activity(ctx context.Context, s organizations.Seat, before lanyard.EventID) ([]organizations.Fact, bool, error)
	ExportActivity(ctx context.Context, s organizations.Seat, w io.Writer, now time.Time) error
}

// orgActivityView is the page of what happened.
type orgActivityView struct {
	*orgPage
	Facts         []orgFact
	Older, Newest string
}

// orgFact is one thing that happened.
type orgFact struct {
	When moment
	Text string
	// Code is the name of an event that there are no words for.
	Code          string
	Actor, Person string
	Changes       []orgChange
}

// orgChange is what was different before and after.
type orgChange struct{ What, Before, After string }

func (p *Pages) orgActivityScreen() orgScreen {
	return orgScreen{path: orgActivity, area: orgActivity, heading: "org.activity.heading", template: "orgactivity.html", view: p.viewOrgActivity}
}

func (p *Pages) viewOrgActivity(c *gin.Context, v *orgPage) (any, error) {
	before := lanyard.EventID(c.Query(beforeParam))
	if len(before) > maxID {
		return nil, lanyard.ErrNotFound
	}
	facts, more, err := p.Organizations.Activity(c.Request.Context(), v.seat, before)
	if err != nil {
		return nil, err
	}
	out := orgActivityView{orgPage: v}
	for _, f := range facts {
		entry, err := v.fact(f)
		if err != nil {
			return nil, err
		}
		out.Facts = append(out.Facts, entry)
	}
	if before != "" {
		out.Newest = v.At(orgActivity)
	}
	if more && len(facts) > 0 {
		out.Older = v.with(orgActivity, url.Values{beforeParam: {string(facts[len(facts)-1].Event.ID)}})
	}
	return out, nil
}

func (v *orgPage) fact(f organizations.Fact) (orgFact, error) {
	out := orgFact{Actor: plain(f.ActorName), Person: plain(f.UserName), Changes: changesOf(f.Event.Detail)}
	if f.Event.Actor == string(f.Event.UserID) {
		out.Person = ""
	}
	var err error
	if out.When, err = v.moment(f.Event.At); err != nil {
		return out, err
	}
	if out.Text, err = v.T("org.event." + string(f.Event.Type)); err != nil {
		var unknown *i18n.MessageNotFoundErr
		if !errors.As(err, &unknown) {
			return out, err
		}
		out.Code = string(f.Event.Type)
	}
	if out.Actor == "" {
		out.Actor, err = v.T("org.activity.system")
		return out, err
	}
	return out, nil
}

// changesOf are the details of an event: what was before and after, and what is only said.
func changesOf(detail map[string]string) []orgChange {
	var out []orgChange
	for _, key := range slices.Sorted(maps.Keys(detail)) {
		if what, found := strings.CutSuffix(key, "_before"); found {
			if _, both := detail[what+"_after"]; both {
				continue
			}
			out = append(out, orgChange{What: plain(what), Before: plain(detail[key])})
			continue
		}
		what, after := strings.CutSuffix(key, "_after")
		change := orgChange{What: plain(what), After: plain(detail[key])}
		if after {
			change.Before = plain(detail[what+"_before"])
		}
		out = append(out, change)
	}
	return out
}

// getOrgActivityFile hands the activity out as a table. It is made completely before
// the first byte is sent.
func (p *Pages) getOrgActivityFile(c *gin.Context) error {
	d, led, err := p.enter(c, orgActivity)
	if led || err != nil {
		return err
	}
	var table bytes.Buffer
	if err := p.Organizations.ExportActivity(c.Request.Context(), d.seat, &table, p.Clock.Now()); err != nil {
		return err
	}
	h := c.Writer.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="activity-`+d.seat.Organization.Slug+`.csv"`)
	h.Set("Content-Length", strconv.Itoa(table.Len()))
	web.NoStore(h)
	c.Writer.WriteHeader(http.StatusOK)
	_, _ = c.Writer.Write(table.Bytes()) // the reader may have gone
	return nil
}
