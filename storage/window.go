package storage

import "strings"

// Window is a part of a sorted list: the rows after a position.
type Window struct {
	// Sort is the name of an order that the list has; the list says which column that is.
	Sort       string
	Descending bool
	// After is the last row that was seen; zero for the beginning.
	After Position
	Limit int
}

// Position is where a row stands in an order: the value it is sorted by, empty where that is the id, and its id.
type Position struct{ Key, ID string }

// order adds the window to a query over rows sorted by a column and the id (the same
// for an order by id alone). It gives the end of the WHERE clause with its arguments, and
// what comes after that.
func (w Window) order(column, id string) (where string, args []any, tail string) {
	than, direction := ">", " ASC"
	if w.Descending {
		than, direction = "<", " DESC"
	}
	if column == id {
		if w.After.ID != "" {
			where, args = ` AND `+id+` `+than+` ?`, []any{w.After.ID}
		}
		return where, args, ` ORDER BY ` + id + direction + ` LIMIT ?`
	}
	if w.After.ID != "" {
		where, args = ` AND (`+column+`, `+id+`) `+than+` (?, ?)`, []any{w.After.Key, w.After.ID}
	}
	return where, args, ` ORDER BY ` + column + direction + `, ` + id + direction + ` LIMIT ?`
}

// likeParts is the pattern of LIKE … ESCAPE '\' for text anywhere in a column in lower case.
func likeParts(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.ToLower(text)) + "%"
}
