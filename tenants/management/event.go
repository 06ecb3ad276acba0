package management

import (
	"context"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// Event is a fact: what happened, by whom, to what.
type Event struct {
	ID   lanyard.EventID   `json:"id" readOnly:"true"`
	Type lanyard.EventType `json:"type" readOnly:"true"`
	At   time.Time         `json:"at" readOnly:"true"`
	// Actor is a user id, a client id, operator or system.
	Actor          string                 `json:"actor" readOnly:"true"`
	UserID         lanyard.UserID         `json:"user_id,omitempty" readOnly:"true"`
	ClientID       lanyard.ClientID       `json:"client_id,omitempty" readOnly:"true"`
	SessionID      lanyard.SessionID      `json:"session_id,omitempty" readOnly:"true"`
	GrantID        lanyard.GrantID        `json:"grant_id,omitempty" readOnly:"true"`
	OrganizationID lanyard.OrganizationID `json:"organization_id,omitempty" readOnly:"true"`
	Detail         map[string]string      `json:"detail,omitempty" readOnly:"true"`
}

// EventColumns are those of Events: the newest first, and those of OrganizationEvents.
var (
	EventColumns             = Columns{Sorts: []string{"-at", "at"}, Filters: []string{"type", "user", "client", "organization", "actor", "since", "until"}}
	OrganizationEventColumns = Columns{Sorts: []string{"-at", "at"}, Filters: []string{"type", "user", "client", "actor", "since", "until"}}
)

func eventOf(e lanyard.Event) Event {
	return Event{
		ID: e.ID, Type: e.Type, At: e.At, Actor: e.Actor, UserID: e.UserID, ClientID: e.ClientID, SessionID: e.SessionID, GrantID: e.GrantID,
		OrganizationID: e.OrganizationID, Detail: e.Detail,
	}
}

// eventFilter reads the filters of a question.
func (q *Query) eventFilter() (storage.EventFilter, error) {
	f := storage.EventFilter{
		Type: q.Filter["type"], UserID: lanyard.UserID(q.Filter["user"]), ClientID: lanyard.ClientID(q.Filter["client"]),
		OrganizationID: lanyard.OrganizationID(q.Filter["organization"]), Actor: q.Filter["actor"],
	}
	if q.Search != "" {
		return f, lanyard.ErrBadInput.Saying("events have filters and no search")
	}
	for name, into := range map[string]*time.Time{"since": &f.Since, "until": &f.Until} {
		if text := q.Filter[name]; text != "" {
			at, err := time.Parse(time.RFC3339, text)
			if err != nil {
				return f, lanyard.ErrBadInput.Saying(name + " is a moment like 2027-01-31T12:00:00Z")
			}
			*into = at
		}
	}
	return f, nil
}

// Events lists what happened in the tenant, the newest first.
func (m *Management) Events(ctx context.Context, a Administrator, q Query) (List[Event], error) {
	if err := a.Need(lanyard.MayReadEvents); err != nil {
		return List[Event]{}, err
	}
	return events(ctx, a, q, "events", EventColumns, "", eventOf)
}

// OrganizationEvents lists what happened in an organization, named by id or slug, for whoever reads
// the tenant's events or the organization's own activity. Sessions and grants are not
// the organization's to know.
func (m *Management) OrganizationEvents(ctx context.Context, a Administrator, organization string, q Query) (List[Event], error) {
	seat, err := m.seat(ctx, a, lanyard.MayReadEvents, organization)
	if err := mayIn(seat, err, lanyard.MayReadActivity); err != nil {
		return List[Event]{}, err
	}
	id := seat.Organization.ID
	return events(ctx, a, q, "events of "+string(id), OrganizationEventColumns, id, func(e lanyard.Event) Event {
		e.SessionID, e.GrantID = "", ""
		return eventOf(e)
	})
}

func events(ctx context.Context, a Administrator, q Query, list string, c Columns, organization lanyard.OrganizationID, as func(lanyard.Event) Event) (List[Event], error) {
	w, err := q.window(a, list, c)
	if err != nil {
		return List[Event]{}, err
	}
	f, err := q.eventFilter()
	if err != nil {
		return List[Event]{}, err
	}
	if organization != "" {
		f.OrganizationID = organization
	}
	rows, err := a.Scope().EventWindow(ctx, f, w)
	if err != nil {
		return List[Event]{}, err
	}
	return pageOf(a, &q, list, rows, func(e lanyard.Event) storage.Position { return storage.Position{ID: string(e.ID)} }, as)
}

// exportBatch is how many events of an export are in memory at a time.
const exportBatch = 500

// ExportEvents gives all events that the filters mean, the oldest first, in batches. It
// ends when the function it calls fails. Those that come meanwhile may be in it or not.
func (m *Management) ExportEvents(ctx context.Context, a Administrator, filter map[string]string, batch func([]Event) error) error {
	if err := a.Need(lanyard.MayReadEvents); err != nil {
		return err
	}
	q := Query{Sort: "at", Filter: filter}
	w, err := q.window(a, "export", EventColumns)
	if err != nil {
		return err
	}
	f, err := q.eventFilter()
	if err != nil {
		return err
	}
	w.Limit = exportBatch
	for {
		rows, err := a.Scope().EventWindow(ctx, f, w)
		if err != nil {
			return err
		}
		out := make([]Event, 0, len(rows))
		for _, e := range rows {
			out = append(out, eventOf(e))
		}
		if err := batch(out); err != nil || len(rows) < exportBatch {
			return err
		}
		w.After = storage.Position{ID: string(rows[len(rows)-1].ID)}
	}
}
