package management

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
)

// How many things are on a page of a list.
const (
	DefaultLimit = 50
	MaxLimit     = 200
)

// Query asks for a page of a list.
type Query struct {
	// Limit is how many; 0 for DefaultLimit.
	Limit int
	// Cursor is what the page before gave; empty for the first page.
	Cursor string
	// Search is part of a name, as each list says.
	Search string
	// Sort is the name of an order that the list has, with - in front for the other way; empty for the first of them.
	Sort string
	// Filter are further conditions by name; empty ones do not count.
	Filter map[string]string
}

// List is a page of a list.
type List[T any] struct {
	Items []T `json:"items" nullable:"false"`
	// Next is the cursor of the page after this one; empty on the last.
	Next string `json:"next,omitempty"`
}

// Columns say what a list can be asked for: sorts and filters by name. The first sort is the default.
type Columns struct {
	Sorts   []string
	Filters []string
}

// cursor is what a cursor holds: the question that it belongs to and the last thing that was seen.
type cursor struct {
	Question string `json:"q"`
	Key      string `json:"k"`
	ID       string `json:"i"`
}

// window checks the question to the list of that name and gives the rows to look at: one
// more than the limit, so that it shows whether there are more. Bad input is
// lanyard.ErrBadInput, a cursor that was not made for exactly this question lanyard.ErrForgedCursor.
func (q *Query) window(a Administrator, list string, c Columns) (storage.Window, error) {
	switch {
	case q.Limit == 0:
		q.Limit = DefaultLimit
	case q.Limit < 1 || q.Limit > MaxLimit:
		return storage.Window{}, lanyard.ErrBadInput.Saying(fmt.Sprintf("limit is 1 to %d", MaxLimit))
	}
	q.Search = strings.TrimSpace(q.Search)
	if len(q.Search) > maxSearch {
		return storage.Window{}, lanyard.ErrBadInput.Saying("the search is too long")
	}
	if q.Sort == "" {
		q.Sort = c.Sorts[0]
	}
	name, descending := strings.CutPrefix(q.Sort, "-")
	if !slices.Contains(c.Sorts, name) && !slices.Contains(c.Sorts, q.Sort) {
		return storage.Window{}, lanyard.ErrBadInput.Saying("the list can be sorted by " + strings.Join(c.Sorts, ", "))
	}
	for filter, value := range q.Filter {
		if !slices.Contains(c.Filters, filter) {
			return storage.Window{}, lanyard.ErrBadInput.Saying("the list can be filtered by " + strings.Join(c.Filters, ", "))
		}
		if len(value) > maxSearch {
			return storage.Window{}, lanyard.ErrBadInput.Saying("a filter is too long")
		}
		if value == "" {
			delete(q.Filter, filter)
		}
	}
	w := storage.Window{Sort: name, Descending: descending, Limit: q.Limit + 1}
	if q.Cursor == "" {
		return w, nil
	}
	at, err := q.open(a, list)
	w.After = storage.Position{Key: at.Key, ID: at.ID}
	return w, err
}

// maxSearch is the longest search or filter, in bytes.
const maxSearch = 200

// question is what a cursor is bound to.
func (q *Query) question(list string) string {
	data, _ := json.Marshal([]any{list, q.Search, q.Sort, q.Filter}) // strings marshal always
	sum := sha256.Sum256(data)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// seal makes a cursor: readable for nobody's use, and ours by its MAC.
func (q *Query) seal(a Administrator, list string, at storage.Position) (string, error) {
	id, key := a.Live.Ring.CurrentMAC()
	data, err := json.Marshal(cursor{Question: q.question(list), Key: at.Key, ID: at.ID})
	if err != nil {
		return "", err
	}
	body := base64.RawURLEncoding.EncodeToString(data) + "." + string(id)
	return body + "." + base64.RawURLEncoding.EncodeToString(cursorMAC(a, key, body)), nil
}

func (q *Query) open(a Administrator, list string) (cursor, error) {
	body, mac, found := cutLast(q.Cursor)
	data, id, whole := cutLast(body)
	key, known := a.Live.Ring.MAC(lanyard.KeyID(id))
	presented, err := base64.RawURLEncoding.DecodeString(mac)
	if !found || !whole || !known || err != nil || !hmac.Equal(presented, cursorMAC(a, key, body)) {
		return cursor{}, lanyard.ErrForgedCursor
	}
	var out cursor
	plain, err := base64.RawURLEncoding.DecodeString(data)
	if err != nil || json.Unmarshal(plain, &out) != nil || out.Question != q.question(list) {
		return cursor{}, lanyard.ErrForgedCursor
	}
	return out, nil
}

func cursorMAC(a Administrator, key []byte, body string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("cursor " + string(a.Live.Tenant.ID) + " " + body))
	return h.Sum(nil)
}

func cutLast(s string) (before, after string, found bool) {
	i := strings.LastIndexByte(s, '.')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// pageOf cuts what a window gave to the page, with the cursor of the next one. where says where a row stands.
func pageOf[R, T any](a Administrator, q *Query, list string, rows []R, where func(R) storage.Position, as func(R) T) (List[T], error) {
	out := List[T]{Items: []T{}}
	more := len(rows) > q.Limit
	if more {
		rows = rows[:q.Limit]
	}
	for _, row := range rows {
		out.Items = append(out.Items, as(row))
	}
	if !more {
		return out, nil
	}
	var err error
	out.Next, err = q.seal(a, list, where(rows[len(rows)-1]))
	return out, err
}

// few says how to page through things of which a tenant has few, all in memory.
type few[R, T any] struct {
	// key is what a row is sorted by; id is its id.
	key func(row R, sort string) string
	id  func(R) string
	// words are searched; keep tells whether a filter lets a row pass, nil without filters.
	words func(R) []string
	keep  func(row R, filter, value string) bool
	as    func(R) T
}

// pageOfAll pages through a whole list.
func pageOfAll[R, T any](a Administrator, q *Query, list string, c Columns, all []R, f few[R, T]) (List[T], error) {
	w, err := q.window(a, list, c)
	if err != nil {
		return List[T]{}, err
	}
	rows := slices.DeleteFunc(all, func(r R) bool { return !f.wanted(r, q) })
	at := func(r R) storage.Position { return storage.Position{Key: f.key(r, w.Sort), ID: f.id(r)} }
	compare := func(x, y storage.Position) int {
		order := cmp.Or(strings.Compare(x.Key, y.Key), strings.Compare(x.ID, y.ID))
		if w.Descending {
			return -order
		}
		return order
	}
	slices.SortFunc(rows, func(x, y R) int { return compare(at(x), at(y)) })
	if w.After.ID != "" {
		rows = slices.DeleteFunc(rows, func(r R) bool { return compare(at(r), w.After) <= 0 })
	}
	return pageOf(a, q, list, rows[:min(len(rows), w.Limit)], at, f.as)
}

func (f few[R, T]) wanted(row R, q *Query) bool {
	for name, value := range q.Filter {
		if !f.keep(row, name, value) {
			return false
		}
	}
	return q.Search == "" || slices.ContainsFunc(f.words(row), func(word string) bool {
		return strings.Contains(strings.ToLower(word), strings.ToLower(q.Search))
	})
}
