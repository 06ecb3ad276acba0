package strictyaml

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Complaint is one thing that is wrong with a file. Line and Column count from
// one; both are zero for a complaint that has no place in it.
type Complaint struct {
	Line, Column int
	Text         string
}

// String is line:column: text.
func (c Complaint) String() string {
	if c.Line == 0 {
		return c.Text
	}
	return fmt.Sprintf("%d:%d: %s", c.Line, c.Column, c.Text)
}

// Complaints are all that is wrong with a file, as an error.
type Complaints []Complaint

// Error lists the complaints, one per line.
func (c Complaints) Error() string {
	lines := make([]string, len(c))
	for i, complaint := range c {
		lines[i] = complaint.String()
	}
	return strings.Join(lines, "\n")
}

// OrNil is the complaints in the order of the file, or no error when there are none.
func (c Complaints) OrNil() error {
	if len(c) == 0 {
		return nil
	}
	slices.SortStableFunc(c, func(a, b Complaint) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return c
}

// Nearest is the known name that a mistyped one probably meant; empty if none is near.
func Nearest(name string, known []string) string {
	best, distance := "", max(2, len(name)/3)+1
	for _, candidate := range known {
		if d := apart(strings.ToLower(name), strings.ToLower(candidate)); d < distance {
			best, distance = candidate, d
		}
	}
	return best
}

// Unknown is the text of a complaint about a name that is not known.
func Unknown(what, name string, known []string) string {
	if near := Nearest(name, known); near != "" {
		return fmt.Sprintf("unknown %s %q; did you mean %q?", what, name, near)
	}
	if len(known) == 0 || len(known) > 12 {
		return fmt.Sprintf("unknown %s %q", what, name)
	}
	return fmt.Sprintf("unknown %s %q; known are %s", what, name, strings.Join(known, ", "))
}

// apart is how far two names are from each other. A name that begins with the
// other is near however much follows.
func apart(a, b string) int {
	d := edits(a, b)
	if len(a) > 2 && len(b) > 2 && (strings.HasPrefix(a, b) || strings.HasPrefix(b, a)) {
		return min(d, 2)
	}
	return d
}

// edits is the Levenshtein distance, swaps of neighbours counted as one edit.
func edits(a, b string) int {
	before, last, row := []int(nil), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, make([]int, len(b)+1)
	}
	return last[len(b)]
}
