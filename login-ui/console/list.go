package console

import (
	"context"
	"slices"
	"time"

	"github.com/lanyard-id/lanyard/tenants/management"
)

// listing is a list of things, page by page.
type listing[T any] struct {
	// path is the page that it stands on, with the parameters that stay.
	path  string
	about []string
	// title is that of the block; empty where the page is the list.
	title   string
	columns management.Columns
	// search is the label of the search; empty for none.
	search  string
	selects []field
	heads   []string
	deed    func(ctx context.Context, a management.Administrator, q management.Query) (management.List[T], error)
	row     func(T) []cell
	empty   empty
	actions []link
	// limit is how many things are on a page; 0 for the usual.
	limit int
}

// listOf asks for the page of a list that the address names.
func listOf[T any](x *visit, l listing[T]) (table, error) {
	q := management.Query{Limit: l.limit, Cursor: x.q("cursor"), Filter: map[string]string{}}
	var kept []string
	if l.search != "" {
		q.Search = x.q("search")
		kept = append(kept, "search", q.Search)
	}
	for i, s := range l.selects {
		value := x.q(s.Name)
		if s.Name == "sort" {
			q.Sort = value
		} else if slices.Contains(l.columns.Filters, s.Name) {
			q.Filter[s.Name] = value
			if s.Kind == kindDate {
				q.Filter[s.Name] = momentOf(value)
			}
		}
		l.selects[i].Value = value
		kept = append(kept, s.Name, value)
	}
	found, err := l.deed(x.ctx(), x.Administrator, q)
	if err != nil {
		return table{}, err
	}
	at := func(cursor string) string {
		return x.at(l.path, slices.Concat(l.about, kept, []string{"cursor", cursor})...)
	}
	t := table{ID: "list", Title: l.title, Columns: l.heads, Empty: l.empty, Actions: l.actions}
	for _, each := range found.Items {
		t.Rows = append(t.Rows, l.row(each))
	}
	if found.Next != "" {
		t.Next = at(found.Next)
	}
	if q.Cursor != "" {
		t.First = at("")
	}
	if l.search != "" || len(l.selects) > 0 {
		t.Filter = &filter{Action: x.at(l.path), Label: l.search, Search: q.Search, Selects: l.selects}
		for i := 0; i+1 < len(l.about); i += 2 {
			t.Filter.Hidden = append(t.Filter.Hidden, [2]string{l.about[i], l.about[i+1]})
		}
	}
	if x.asked(kept) && len(t.Rows) == 0 {
		t.Empty = empty{Text: "Nothing matches. Search for less, or show everything.", Action: link{"Show everything", x.at(l.path, l.about...)}}
	}
	return t, nil
}

// momentOf is the beginning of a day that a form names; anything else stays as it is.
func momentOf(value string) string {
	if _, err := time.Parse(time.DateOnly, value); err == nil {
		return value + "T00:00:00Z"
	}
	return value
}

// asked tells whether somebody searches or filters.
func (x *visit) asked(kept []string) bool {
	for i := 1; i < len(kept); i += 2 {
		if kept[i] != "" && kept[i-1] != "sort" {
			return true
		}
	}
	return false
}

// removal is the page that asks before something is taken away for good.
type removal struct {
	path, area string
	permission string
	// name is what has to be typed; what says what is lost, as a sentence for each thing.
	subject func(x *visit) (name string, consequences []string, back link, err error)
	verb    string
	do      func(x *visit) (outcome, error)
	copy    func(x *visit) []command
}

// errOtherName is a confirmation that names something else.
var errOtherName = badInput("type the name exactly as it is shown")

// removal adds a page that asks for the name of the thing before its deed is done.
func (c *Console) removal(r removal) {
	ask := func(x *visit) (*view, error) {
		name, consequences, back, err := r.subject(x)
		if err != nil {
			return nil, err
		}
		v := &view{Title: r.verb + " " + name, Crumbs: []link{back}}
		if r.copy != nil {
			v.Copy = r.copy(x)
		}
		f := form{Danger: true, Submit: r.verb, Action: x.at(r.path, x.same()...), Cancel: back.Href, Fields: []field{
			required(input("name", "Type "+name+" to confirm", "", "")),
		}}
		for _, consequence := range consequences {
			v.add(note{Text: consequence, Tone: "warn"})
		}
		return v.add(f), nil
	}
	c.editor(deed{path: r.path, area: r.area, permission: r.permission, from: ask, do: func(x *visit) (outcome, error) {
		name, _, _, err := r.subject(x)
		if err != nil {
			return outcome{}, err
		}
		if x.field("name") != name {
			return outcome{}, errOtherName
		}
		return r.do(x)
	}})
}

// same are the parameters of this page, to stand on one that belongs to it.
func (x *visit) same() []string {
	var out []string
	for _, name := range []string{"id", "org", "item"} {
		out = append(out, name, x.q(name))
	}
	return out
}

// only makes a list of everything one of what has a filter's value.
func only[T any](deed func(context.Context, management.Administrator, management.Query) (management.List[T], error), filter, value string) func(context.Context, management.Administrator, management.Query) (management.List[T], error) {
	return func(ctx context.Context, a management.Administrator, q management.Query) (management.List[T], error) {
		q.Filter[filter] = value
		return deed(ctx, a, q)
	}
}
