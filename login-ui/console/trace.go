package console

import (
	"maps"
	"slices"

	"github.com/lanyard-id/lanyard"
)

// traces is the page that says why a request was refused.
func (c *Console) traces() {
	c.page(screen{path: "/trace", area: "/events", permission: lanyard.MayReadEvents, show: c.trace})
}

func (c *Console) trace(x *visit) (*view, error) {
	v := &view{Title: "Why was it refused?", Lead: "Error pages and logs name a request by a number such as 7F3K-29QD.", Crumbs: []link{{"Events", x.at("/events")}}}
	find := table{Filter: &filter{Action: x.at("/trace"), Selects: []field{{Name: "id", Label: "Number of the request", Kind: kindText, Value: x.id()}}}}
	if x.id() == "" {
		find.Empty = empty{Text: "Type the number that somebody quotes. Traces are kept for a week."}
		return v.add(find), nil
	}
	v.Copy = []command{{CLI: "lanyard refusal get " + x.id(), Method: "GET", Path: "/refusals/" + x.escaped()}}
	r, err := c.Management.Refusal(x.ctx(), x.Administrator, x.id())
	if lanyard.KindOf(err) == lanyard.NotFound {
		find.Empty = empty{Text: "Nothing is kept of this request: it was not refused, it is longer than a week ago, or it belongs to another tenant."}
		return v.add(find), nil
	}
	if err != nil {
		return nil, err
	}
	find.Columns = []string{"What", "Value"}
	find.Rows = append(find.Rows, []cell{text("Error"), code(r.Code)}, []cell{text("When"), x.moment(r.At, "")})
	if r.ClientID != "" {
		find.Rows = append(find.Rows, []cell{text("Application"), x.clientLink(string(r.ClientID), r.ClientID)})
	}
	for _, name := range slices.Sorted(maps.Keys(r.Detail)) {
		find.Rows = append(find.Rows, []cell{text(name), code(r.Detail[name])})
	}
	return v.add(find), nil
}
