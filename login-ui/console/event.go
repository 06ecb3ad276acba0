package console

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// events are the pages of what happened.
func (c *Console) events() {
	c.page(screen{path: "/events", area: "/events", permission: lanyard.MayReadEvents, show: c.eventList})
	c.file(file{path: "/events/export", permission: lanyard.MayReadEvents, serve: c.exportEvents})
}

// eventFilters are the fields above the list.
func eventFilters() []field {
	out := []field{{Name: "type", Label: "What", Kind: kindText}, {Name: "user", Label: "User id", Kind: kindText}, {Name: "client", Label: "Client id", Kind: kindText},
		{Name: "organization", Label: "Organization id", Kind: kindText}, {Name: "since", Label: "Since", Kind: kindDate}}
	return out
}

func (c *Console) eventList(x *visit) (*view, error) {
	t, err := listOf(x, listing[management.Event]{
		path: "/events", columns: management.EventColumns, selects: eventFilters(), heads: []string{"What", "When", "By", "About", "Details"}, deed: c.Management.Events,
		row: func(e management.Event) []cell {
			return []cell{code(string(e.Type)), x.moment(e.At, ""), x.actor(e.Actor), x.about(e), eventDetails(e)}
		},
		empty: empty{Text: "Nothing has happened yet."},
	})
	if err != nil {
		return nil, err
	}
	v := &view{Title: "Events", Lead: "Everything that happened in the tenant, newest first.", Copy: []command{{CLI: "lanyard event list", Method: http.MethodGet, Path: "/events"}, {Method: http.MethodGet, Path: "/events/export?format=csv"}}}
	var kept []string
	for _, name := range management.EventColumns.Filters {
		kept = append(kept, name, x.q(name))
	}
	v.Actions = []link{{"Why was a request refused?", x.at("/trace")}, {"Export as CSV", x.at("/events/export", append(kept, "format", "csv")...)}, {"as JSON lines", x.at("/events/export", append(kept, "format", "jsonl")...)}}
	return v.add(t), nil
}

// actor is who did something.
func (x *visit) actor(id string) cell {
	switch {
	case id == "":
		return soft("nobody")
	case strings.HasPrefix(id, "usr_") && x.may(lanyard.MayReadUsers):
		return to(short(id), x.at("/user", "id", id))
	case strings.HasPrefix(id, "usr_"):
		return code(short(id))
	}
	return text(id)
}

// short is an id that people tell from others by its end.
func short(id string) string {
	const long = 16
	if len(id) <= long {
		return id
	}
	return id[:4] + "\u2060…\u2060" + id[len(id)-8:] // word joiners: it stays on one line
}

func (x *visit) about(e management.Event) cell {
	var out []cell
	if e.UserID != "" && string(e.UserID) != e.Actor {
		out = append(out, x.actor(string(e.UserID)))
	}
	if e.ClientID != "" && string(e.ClientID) != e.Actor {
		out = append(out, x.clientLink(short(string(e.ClientID)), e.ClientID))
	}
	if e.OrganizationID != "" {
		if x.may(lanyard.MayReadOrganizations) {
			out = append(out, to(short(string(e.OrganizationID)), x.at("/organization", "id", string(e.OrganizationID))))
		} else {
			out = append(out, code(short(string(e.OrganizationID))))
		}
	}
	return tags(out...)
}

func eventDetails(e management.Event) cell {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(e.Detail)) {
		out = append(out, name+": "+e.Detail[name])
	}
	return soft(strings.Join(out, ", "))
}

// exportEvents writes all events that the filters mean, batch by batch.
func (c *Console) exportEvents(x *visit) error {
	filter := map[string]string{}
	for _, name := range management.EventColumns.Filters {
		if value := x.q(name); value != "" {
			filter[name] = momentOf(value)
		}
	}
	w := x.c.Writer
	write, media, name := writeCSV, "text/csv; charset=utf-8; header=present", "events.csv"
	if x.q("format") == "jsonl" {
		write, media, name = writeLines, "application/jsonl", "events.jsonl"
	}
	begun := false
	err := c.Management.ExportEvents(x.ctx(), x.Administrator, filter, func(batch []management.Event) error {
		if !begun {
			w.Header().Set("Content-Type", media)
			w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
			web.NoStore(w.Header())
			_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // whoever reads slowly holds one connection, and no more than a batch
		}
		err := write(w, batch, !begun)
		begun = true
		return err
	})
	if begun {
		web.Note(x.c, err)
		return nil
	}
	return err
}

func writeLines(w io.Writer, batch []management.Event, _ bool) error {
	encoder := json.NewEncoder(w)
	for _, e := range batch {
		if err := encoder.Encode(e); err != nil {
			return err
		}
	}
	return nil
}

func writeCSV(w io.Writer, batch []management.Event, first bool) error {
	out := csv.NewWriter(w)
	if first {
		_ = out.Write([]string{"id", "type", "at", "actor", "user_id", "client_id", "session_id", "grant_id", "organization_id", "detail"}) // Error tells
	}
	for _, e := range batch {
		detail := url.Values{}
		for name, value := range e.Detail {
			detail.Set(name, value)
		}
		row := []string{string(e.ID), string(e.Type), e.At.Format(time.RFC3339Nano), e.Actor, string(e.UserID), string(e.ClientID), string(e.SessionID), string(e.GrantID), string(e.OrganizationID), detail.Encode()}
		for i := range row {
			row[i] = defused(row[i])
		}
		_ = out.Write(row)
	}
	out.Flush()
	return out.Error()
}

// defused keeps a spreadsheet from taking text for a formula.
func defused(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
