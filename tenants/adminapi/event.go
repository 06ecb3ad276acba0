package adminapi

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/tenants/management"
)

// events are the operations on the record of what happened.
func (a *API) events() {
	m := a.management
	list(a, operation{Path: "/events", ID: "listEvents", Summary: "List what happened", Permission: lanyard.MayReadEvents},
		management.EventColumns, func(ctx context.Context, c call, q management.Query) (management.List[management.Event], error) {
			return m.Events(ctx, c.Administrator, q)
		})
	list(a, operation{
		Path: "/organizations/{organization}/events", ID: "listOrganizationEvents", Summary: "List what happened in an organization",
		Permission: lanyard.MayReadEvents, InOrganization: lanyard.MayReadActivity,
	}, management.OrganizationEventColumns, func(ctx context.Context, c call, q management.Query) (management.List[management.Event], error) {
		return m.OrganizationEvents(ctx, c.Administrator, c.organization(), q)
	})
	a.exportEvents()
}

// exportEvents registers the export: a body of any length, in memory only by batches.
func (a *API) exportEvents() {
	op := operation{Method: http.MethodGet, Path: "/events/export", ID: "exportEvents", Summary: "Export what happened, as CSV or JSON lines", Permission: lanyard.MayReadEvents}.of()
	for _, name := range append([]string{"format"}, management.EventColumns.Filters...) {
		op.Parameters = append(op.Parameters, &huma.Param{Name: name, In: "query", Schema: &huma.Schema{Type: huma.TypeString}})
	}
	op.Description = "format is csv or jsonl. The trailer Export-Complete says that nothing is missing."
	op.Responses = map[string]*huma.Response{"200": {Description: "The events, the oldest first", Content: map[string]*huma.MediaType{"text/csv": {}, "application/jsonl": {}}}}
	huma.Register(a.huma, op, func(ctx context.Context, _ *struct{}) (*huma.StreamResponse, error) {
		c := callOf(ctx)
		format, filter, err := exportOf(c)
		if err != nil {
			return nil, c.problem(err)
		}
		if err := a.management.ExportEvents(ctx, c.Administrator, maps.Clone(filter), func([]management.Event) error { return errFirst }); err != errFirst { //nolint:errorlint // it is passed through as it is
			return nil, c.problem(err)
		}
		return &huma.StreamResponse{Body: func(huma.Context) { a.stream(ctx, c, format, filter) }}, nil
	})
}

// errFirst ends the look at whether an export can begin.
var errFirst = &lanyard.Error{Code: "first"}

func exportOf(c call) (string, map[string]string, error) {
	format, filter := "csv", map[string]string{}
	for name, values := range c.gin.Request.URL.Query() {
		switch {
		case len(values) > 1:
			return "", nil, lanyard.ErrBadInput.Saying("a parameter stands there twice")
		case name == "format":
			format = values[0]
		case slices.Contains(management.EventColumns.Filters, name):
			filter[name] = values[0]
		default:
			return "", nil, lanyard.ErrBadInput.Saying("the export has no parameter of this name")
		}
	}
	if format != "csv" && format != "jsonl" {
		return "", nil, lanyard.ErrBadInput.Saying("format is csv or jsonl")
	}
	return format, filter, nil
}

// stream writes an export. One that breaks off lacks its trailer.
func (a *API) stream(ctx context.Context, c call, format string, filter map[string]string) {
	w := c.gin.Writer
	h := w.Header()
	media, name, write := "text/csv; charset=utf-8; header=present", "events.csv", writeCSV
	if format == "jsonl" {
		media, name, write = "application/jsonl", "events.jsonl", writeLines
	}
	h.Set("Content-Type", media)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Trailer", "Export-Complete")
	web.NoStore(h)
	w.WriteHeader(http.StatusOK)
	controller, first := http.NewResponseController(w), true
	_ = controller.SetWriteDeadline(time.Time{}) // whoever reads slowly holds one connection, and no more than a batch
	err := a.management.ExportEvents(ctx, c.Administrator, filter, func(batch []management.Event) error {
		err := write(w, batch, first)
		first = false
		if err == nil {
			err = controller.Flush()
		}
		return err
	})
	if err != nil {
		web.Note(c.gin, err)
		return
	}
	h.Set("Export-Complete", "true")
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
		detail, err := json.Marshal(e.Detail)
		if err != nil {
			return err
		}
		if len(e.Detail) == 0 {
			detail = nil
		}
		row := []string{
			string(e.ID), string(e.Type), e.At.Format(time.RFC3339Nano), e.Actor, string(e.UserID), string(e.ClientID), string(e.SessionID), string(e.GrantID),
			string(e.OrganizationID), string(detail),
		}
		for i := range row {
			row[i] = defused(row[i])
		}
		_ = out.Write(row) // Error tells
	}
	out.Flush()
	return out.Error()
}

// defused is a cell that no program of tables takes for a formula.
func defused(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
