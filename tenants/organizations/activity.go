package organizations

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

const (
	// activityPage is how many facts are on a page; an export reads more at a time.
	activityPage = 50
	exportPage   = 500
	// maxExport is how many facts an export has at most.
	maxExport = 10_000
)

// Fact is an event with the names of the people in it; empty for those who are gone,
// and for what is not done by a person.
type Fact struct {
	Event     lanyard.Event
	ActorName string
	UserName  string
}

// Activity is a page of what happened in the organization, newest first, before an
// event (empty for the newest), and whether there is more. It needs activity:read.
func (o *Organizations) Activity(ctx context.Context, s Seat, before lanyard.EventID) ([]Fact, bool, error) {
	if !s.May(lanyard.MayReadActivity) {
		return nil, false, lanyard.ErrNotAllowed
	}
	all, err := facts(ctx, s, before, activityPage+1)
	if err != nil || len(all) <= activityPage {
		return all, false, err
	}
	return all[:activityPage], true, nil
}

func facts(ctx context.Context, s Seat, before lanyard.EventID, limit int) ([]Fact, error) {
	events, err := s.Tenancy.Scope.OrganizationEvents(ctx, s.Organization.ID, before, limit)
	if err != nil {
		return nil, err
	}
	names, err := namesIn(ctx, s.Tenancy.Scope, events)
	if err != nil {
		return nil, err
	}
	out := make([]Fact, 0, len(events))
	for _, e := range events {
		out = append(out, Fact{Event: e, ActorName: names[lanyard.UserID(e.Actor)], UserName: names[e.UserID]})
	}
	return out, nil
}

// namesIn are the names of the people that events are about, by id.
func namesIn(ctx context.Context, scope storage.Scope, events []lanyard.Event) (map[lanyard.UserID]string, error) {
	ids := map[lanyard.UserID]bool{}
	for _, e := range events {
		for _, id := range []lanyard.UserID{lanyard.UserID(e.Actor), e.UserID} {
			if lanyard.IsUserID(string(id)) {
				ids[id] = true
			}
		}
	}
	users, err := scope.Users(ctx, slices.Collect(maps.Keys(ids)))
	out := map[lanyard.UserID]string{}
	for _, u := range users {
		out[u.ID] = u.DisplayName()
	}
	return out, err
}

// ExportActivity writes the newest facts as CSV (RFC 4180), newest first, at most
// 10,000. Every cell is quoted, and none is read as a formula. It needs activity:read.
func (o *Organizations) ExportActivity(ctx context.Context, s Seat, w io.Writer, _ time.Time) error {
	if !s.May(lanyard.MayReadActivity) {
		return lanyard.ErrNotAllowed
	}
	out := bufio.NewWriter(w)
	writeRow(out, "time", "event", "organization", "actor", "actor_id", "user", "user_id", "client_id", "detail")
	var before lanyard.EventID
	for range maxExport / exportPage {
		page, err := facts(ctx, s, before, exportPage)
		if err != nil {
			return err
		}
		for _, f := range page {
			e := f.Event
			writeRow(out, e.At.UTC().Format(time.RFC3339), string(e.Type), s.Organization.Name, f.ActorName, e.Actor, f.UserName, string(e.UserID),
				string(e.ClientID), detailText(e.Detail))
			before = e.ID
		}
		if len(page) < exportPage {
			break
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing the export: %w", err)
	}
	return nil
}

// detailText writes a detail as name=value, by name.
func detailText(detail map[string]string) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(detail)) {
		out = append(out, name+"="+detail[name])
	}
	return strings.Join(out, "; ")
}

// writeRow writes a row; an error stays in the writer until it is flushed.
func writeRow(w *bufio.Writer, cells ...string) {
	for i, c := range cells {
		if i > 0 {
			_ = w.WriteByte(',')
		}
		_, _ = w.WriteString(cell(c))
	}
	_, _ = w.WriteString("\r\n")
}

// cell writes a cell that no spreadsheet takes for a formula or for two cells: control
// characters are spaces, and what could begin a formula has an apostrophe before it.
func cell(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	if bare := strings.TrimLeftFunc(text, unicode.IsSpace); bare != text || strings.ContainsAny(firstRunes(bare, 1), "=+-@|%＝＋－＠") {
		text = "'" + text
	}
	return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
}
