package console

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// view is a page as its noun describes it.
type view struct {
	Title string
	// Lead is a sentence below the title.
	Lead   string
	Crumbs []link
	// Actions lead on from here: the first is the main one.
	Actions []link
	Blocks  []block
	// Copy is the same as commands and calls.
	Copy []command
	// Notice says what was done, Problem what was wrong with the form.
	Notice, Problem string
}

// block is a part of a page; the template of its name draws it.
type block interface{ Template() string }

// add puts further blocks at the end of the page.
func (v *view) add(blocks ...block) *view {
	v.Blocks = append(v.Blocks, blocks...)
	return v
}

// link leads somewhere; all addresses are made by visit.at or are those of others.
type link struct{ Text, Href string }

// cell is one value: text, with what it is.
type cell struct {
	Text string
	// Href leads to what it names; empty for none.
	Href string
	// Tone makes a tag of it: good, warn, bad or plain.
	Tone string
	// Code is a value that people copy; Copy adds the button for it.
	Code, Copy bool
	Soft       bool
	// At is a moment, with the text for how long ago it is.
	At time.Time
	// Stacked tags stand below each other.
	Stacked bool
	// Tags stand beside the text, Buttons are what can be done.
	Tags    []cell
	Buttons []button
	// Below stands under the text, small.
	Below string
}

// Stamp is the moment for machines, Full for people who want to know exactly.
func (c cell) Stamp() string { return c.At.UTC().Format(time.RFC3339) }

// Full is the moment in full.
func (c cell) Full() string { return c.At.UTC().Format("2 January 2006, 15:04:05 UTC") }

func text(s string) cell              { return cell{Text: s} }
func code(s string) cell              { return cell{Text: s, Code: true} }
func copyable(s string) cell          { return cell{Text: s, Code: true, Copy: true} }
func tag(s, tone string) cell         { return cell{Text: s, Tone: tone} }
func to(s, href string) cell          { return cell{Text: s, Href: href} }
func soft(s string) cell              { return cell{Text: s, Soft: true} }
func tags(cells ...cell) cell         { return cell{Tags: cells} }
func buttons(list ...button) cell     { return cell{Buttons: list} }
func (c cell) below(s string) cell    { c.Below = s; return c }
func (c cell) with(tags ...cell) cell { c.Tags = append(c.Tags, tags...); return c }

// or says something where there is nothing.
func or(s, otherwise string) cell {
	if s == "" {
		return soft(otherwise)
	}
	return text(s)
}

// named is a cell for each name, as tags.
func named(names []string, none string) cell {
	if len(names) == 0 {
		return soft(none)
	}
	var out []cell
	for _, name := range names {
		out = append(out, tag(name, "plain"))
	}
	return tags(out...)
}

func yesNo(yes bool) cell {
	if yes {
		return text("Yes")
	}
	return text("No")
}

// moment is how long ago or from now something is; soft words where it never was.
func (x *visit) moment(at time.Time, never string) cell {
	if at.IsZero() {
		return soft(never)
	}
	return cell{Text: distance(at.Sub(x.Now)), At: at}
}

// distance is a span of time in words.
func distance(d time.Duration) string {
	past := d <= 0
	if past {
		d = -d
	}
	const day = 24 * time.Hour
	var words string
	switch {
	case d < time.Minute && past:
		return "just now"
	case d < time.Minute:
		return "in a moment"
	case d < time.Hour:
		words = counted(int(d/time.Minute), "minute")
	case d < day:
		words = counted(int(d/time.Hour), "hour")
	case d < 60*day:
		words = counted(int(d/day), "day")
	case d < 730*day:
		words = counted(int(d/(30*day)), "month")
	default:
		words = counted(int(d/(365*day)), "year")
	}
	if past {
		return words + " ago"
	}
	return "in " + words
}

// counted is a number with its noun, whose plural has an s.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// sentence makes a sentence of a message of the catalogue.
func sentence(message string) string {
	if message == "" {
		return ""
	}
	out := strings.ToUpper(message[:1]) + message[1:]
	if !strings.HasSuffix(out, ".") && !strings.HasSuffix(out, "?") {
		out += "."
	}
	return out
}

// facts is what there is to know about a thing, as names and values.
type facts struct {
	Title string
	Rows  []fact
	// Actions stand at the title.
	Actions []link
}

type fact struct {
	Name  string
	Value cell
}

func (facts) Template() string { return "facts" }

// put adds a fact.
func (f *facts) put(name string, value cell) *facts {
	f.Rows = append(f.Rows, fact{name, value})
	return f
}

// table is a list of things.
type table struct {
	// ID is that of the element which the script replaces when it searches or pages.
	ID, Title string
	Columns   []string
	Rows      [][]cell
	Filter    *filter
	Empty     empty
	// Part is a list on the page of something else.
	Part bool
	// Next is the address of the next page, First that of the first one; empty where it is this one.
	Next, First string
	Actions     []link
}

func (table) Template() string { return "table" }

// Cells are the cells of a row with the names of their columns.
func (t table) Cells(row []cell) []fact {
	out := make([]fact, 0, len(row))
	for i, c := range row {
		out = append(out, fact{t.Columns[i], c})
	}
	return out
}

// filter is the form above a list.
type filter struct {
	Action, Label, Search string
	// Hidden are parameters that stay as they are.
	Hidden  [][2]string
	Selects []field
}

// empty is what stands in place of a list of nothing.
type empty struct {
	Text   string
	Action link
}

// note is a sentence that stands by itself.
type note struct {
	Text string
	// Tone is warn or bad; empty for neither.
	Tone string
	Link link
}

func (note) Template() string { return "note" }

// snippet is text to take along.
type snippet struct {
	Title, Text string
	// Folded hides it until somebody wants to see it.
	Folded bool
	Hint   string
}

func (snippet) Template() string { return "snippet" }

// secret is a value that is shown once.
type secret struct{ Name, Value, Hint string }

func (secret) Template() string { return "secret" }

// checklist is what is left to do.
type checklist struct {
	Title string
	Items []item
}

type item struct {
	Done       bool
	Text, Hint string
	Link       link
}

func (checklist) Template() string { return "checklist" }

// Left is how many things are left.
func (c checklist) Left() int {
	return len(slices.DeleteFunc(slices.Clone(c.Items), func(i item) bool { return i.Done }))
}

// tiles are numbers to see at one glance.
type tiles struct{ Items []tile }

type tile struct {
	Name string
	cell
}

func (tiles) Template() string { return "tiles" }

// cards are things to choose from.
type cards struct {
	Title string
	Items []card
}

type card struct{ Title, Text, Href string }

func (cards) Template() string { return "cards" }

// section is a heading with a text, for the blocks that follow.
type section struct {
	Title, Text string
}

func (section) Template() string { return "section" }

// picture is a drawing of ours: templates make it, never somebody else's text.
type picture struct {
	Title   string
	Parts   []preview
	Actions []link
}

func (picture) Template() string { return "picture" }

// preview is how a sign-in page looks in one scheme.
type preview struct {
	Name                                                 string
	Page, Card, Text, Soft, Line, Accent, OnAccent, Link string
	Tenant, Mark, Score                                  string
}

// command is the same thing by hand: as a command, and as a call of the API.
type command struct {
	CLI, Method, Path string
	// Body is that of the call; empty for none.
	Body string
	curl string
}

// Curl is the call as a command line; the token stands in a variable.
func (c command) Curl() string { return c.curl }

// commands finishes the calls of a page for its tenant.
func (x *visit) commands(v *view) {
	for i, c := range v.Copy {
		address := x.Home.Issuer + "/api/v1"
		if x.elsewhere() {
			address += "/tenants/" + x.Live.Tenant.Slug
		}
		out := "curl "
		if c.Method != "GET" {
			out += "-X " + c.Method + " "
		}
		out += "-H \"Authorization: Bearer $TOKEN\" "
		switch {
		case c.Body != "" && c.Method == "PATCH":
			out += "-H 'Content-Type: application/merge-patch+json' -d '" + c.Body + "' "
		case c.Body != "":
			out += "-H 'Content-Type: application/json' -d '" + c.Body + "' "
		}
		v.Copy[i].curl = out + "'" + address + c.Path + "'"
		if x.elsewhere() && c.CLI != "" {
			v.Copy[i].CLI += " --tenant " + x.Live.Tenant.Slug
		}
	}
}

// page is everything that the layout shows.
type page struct {
	*view
	Nav     []group
	Tenant  string
	Home    string
	Person  string
	Account string
	SignOut string
	// Across is the other tenant that the page is about; empty on one's own.
	Across  string
	Back    string
	Version string
	Policy  string
	asset   func(string) string
}

// Asset is the address of an embedded file.
func (p page) Asset(name string) string { return p.asset(name) }

// group is a part of the navigation.
type group struct {
	Title string
	Links []navLink
}

type navLink struct {
	link
	Current bool
}
