package console

import (
	"net/url"
	"slices"
	"strings"

	"github.com/lanyard-id/lanyard/tenants/management"
)

// form is a form of a page.
type form struct {
	Title, Text string
	// Action is where it is sent to.
	Action string
	Submit string
	Fields []field
	// Danger is a form that takes something away.
	Danger bool
	// Folded hides a form of a page about something else until somebody wants it.
	Folded bool
	// Cancel leads back without doing anything.
	Cancel string
	// Live is the address that looks at the form while it is filled in; LiveInto the id of what it fills.
	Live, LiveInto string
	// Version is that of what was shown.
	Version string
}

func (form) Template() string { return "form" }

// The kinds of fields.
const (
	kindText     = "text"
	kindArea     = "textarea"
	kindSelect   = "select"
	kindCheck    = "checkbox"
	kindChoice   = "choice" // several boxes
	kindPassword = "password"
	kindHidden   = "hidden"
	kindColour   = "color"
	kindEmail    = "email"
	kindNumber   = "number"
	kindDate     = "date"
)

// field is one field of a form.
type field struct {
	Name, Label, Kind, Value, Hint string
	Options                        []option
	Required, Checked, Wrong       bool
	// Chosen are the values of a choice.
	Chosen []string
	// Autocomplete is off for nearly everything that one types about others.
	Autocomplete string
	// Prefix keeps the ids of several choices of one name apart.
	Prefix string
	// Into is the id of the element that the live look at the form fills.
	Into string
}

type option struct{ Value, Text, Hint string }

// Is tells whether an option is chosen.
func (f field) Is(value string) bool {
	return f.Value == value || slices.Contains(f.Chosen, value)
}

// Rows is the height of a large field.
func (f field) Rows() int { return min(12, max(3, strings.Count(f.Value, "\n")+2)) }

// Completes is the value of autocomplete.
func (f field) Completes() string {
	if f.Autocomplete == "" {
		return "off"
	}
	return f.Autocomplete
}

func input(name, label, value, hint string) field {
	return field{Name: name, Label: label, Kind: kindText, Value: value, Hint: hint}
}

func required(f field) field { f.Required = true; return f }

func area(name, label string, lines []string, hint string) field {
	return field{Name: name, Label: label, Kind: kindArea, Value: strings.Join(lines, "\n"), Hint: hint}
}

func check(name, label string, checked bool, hint string) field {
	return field{Name: name, Label: label, Kind: kindCheck, Checked: checked, Value: "1", Hint: hint}
}

func choose(name, label, value string, options ...option) field {
	return field{Name: name, Label: label, Kind: kindSelect, Value: value, Options: options}
}

func several(name, label string, chosen []string, options ...option) field {
	return field{Name: name, Label: label, Kind: kindChoice, Chosen: chosen, Options: options}
}

func hidden(name, value string) field { return field{Name: name, Kind: kindHidden, Value: value} }

// of is an option for each value.
func of(values ...string) []option {
	var out []option
	for _, v := range values {
		out = append(out, option{Value: v, Text: v})
	}
	return out
}

// button is a form of one button.
type button struct {
	Text, Action string
	Hidden       [][2]string
	Danger       bool
	// Label says for screen readers which thing it is about.
	Label string
}

// versionField is where a form carries the version of what was shown.
const versionField = "version"

// versioned makes a form carry the version of what it shows.
func versioned(f form, thing any) (form, error) {
	var err error
	f.Version, err = management.Version(thing)
	return f, err
}

// changed is a change that is made only to what the form showed.
func changed[T any](x *visit, change func(T) (T, error)) management.Change[T] {
	return func(current T) (T, error) {
		if err := asShown[T](x)(current); err != nil {
			return current, err
		}
		return change(current)
	}
}

// asShown is the condition that something is still what the form showed.
func asShown[T any](x *visit) management.Condition[T] {
	return management.AtVersion[T](x.form.Get(versionField))
}

// keep puts what was typed back into the form that was sent, without passwords.
func (v *view) keep(action string, typed url.Values) {
	for i, b := range v.Blocks {
		f, ok := b.(form)
		if !ok || !sameForm(f.Action, action) {
			continue
		}
		f.Fields = slices.Clone(f.Fields)
		for n, in := range f.Fields {
			f.Fields[n] = in.keep(typed)
		}
		f.Version, f.Folded = typed.Get(versionField), false
		v.Blocks[i] = f
	}
}

// sameForm compares where two forms go, without what they are about.
func sameForm(a, b string) bool {
	a, _, _ = strings.Cut(a, "?")
	b, _, _ = strings.Cut(b, "?")
	return a == b
}

func (f field) keep(typed url.Values) field {
	switch f.Kind {
	case kindPassword:
	case kindCheck:
		f.Checked = typed.Get(f.Name) != ""
	case kindChoice:
		f.Chosen = slices.DeleteFunc(slices.Clone(typed[f.Name]), func(v string) bool {
			return !slices.ContainsFunc(f.Options, func(o option) bool { return o.Value == v })
		})
	default:
		f.Value = typed.Get(f.Name)
	}
	return f
}

// chosen are the values of a choice that it offers.
func (f field) chosen() []string {
	var out []string
	for _, o := range f.Options {
		if slices.Contains(f.Chosen, o.Value) {
			out = append(out, o.Value)
		}
	}
	return out
}

// shown is a value of a field as people read it.
func (f field) shown() string {
	switch f.Kind {
	case kindCheck:
		if f.Checked {
			return "yes"
		}
		return "no"
	case kindChoice:
		return strings.Join(f.chosen(), ", ")
	}
	return strings.ReplaceAll(strings.TrimSpace(f.Value), "\r\n", "\n")
}

// conflict shows what somebody else made of a thing beside what was typed, where they
// differ, with a form that says what was typed once more about the thing as it is now.
func conflict(x *visit, current *view, path string) *view {
	action := x.at(path)
	out := &view{Title: current.Title, Crumbs: current.Crumbs, Problem: "Somebody else changed this while you were at it. Nothing of yours was saved yet."}
	for _, b := range current.Blocks {
		f, ok := b.(form)
		if !ok || !sameForm(f.Action, action) {
			continue
		}
		differences := table{Title: "What differs", Columns: []string{"Field", "As it is now", "As you typed it"}, Empty: empty{Text: "Nothing: both of you made the same of it."}}
		again := f
		again.Title, again.Text, again.Submit, again.Cancel = "", "You can save yours over theirs, or keep theirs.", "Save mine", f.Action
		again.Fields = nil
		for _, theirs := range f.Fields {
			mine := theirs.keep(x.form)
			if theirs.shown() != mine.shown() && theirs.Kind != kindPassword && theirs.Kind != kindHidden {
				differences.Rows = append(differences.Rows, []cell{text(theirs.Label), or(theirs.shown(), "nothing"), or(mine.shown(), "nothing")})
			}
			again.Fields = append(again.Fields, mine.asHidden()...)
		}
		out.add(differences, again)
	}
	return out
}

// asHidden says the same without being seen.
func (f field) asHidden() []field {
	switch f.Kind {
	case kindCheck:
		if !f.Checked {
			return nil
		}
		return []field{hidden(f.Name, "1")}
	case kindChoice:
		var out []field
		for _, v := range f.chosen() {
			out = append(out, hidden(f.Name, v))
		}
		return out
	case kindPassword:
		return nil
	}
	return []field{hidden(f.Name, f.Value)}
}
