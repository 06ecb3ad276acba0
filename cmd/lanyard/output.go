package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/goccy/go-yaml"
)

// show prints an answer of the API in the form that was asked for: the columns of a
// noun as a table, or all of it.
func (p *program) show(form string, answer any, columns []string) error {
	switch form {
	case "json":
		return writeJSON(p.out, answer)
	case "yaml":
		return writeYAML(p.out, answer)
	}
	rows, isList := answer.([]any)
	if !isList {
		return writeMembers(p.out, answer)
	}
	return writeTable(p.out, rows, columns)
}

func writeJSON(w io.Writer, answer any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(answer)
}

func writeYAML(w io.Writer, answer any) error {
	data, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	text, err := yaml.JSONToYAML(data)
	if err != nil {
		return fmt.Errorf("write YAML: %w", err)
	}
	_, err = w.Write(text)
	return err
}

func writeTable(w io.Writer, rows []any, columns []string) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, strings.ToUpper(strings.Join(columns, "\t")))
	for _, row := range rows {
		cells := make([]string, len(columns))
		for i, column := range columns {
			cells[i] = cell(memberOf(row, column))
		}
		fmt.Fprintln(table, strings.Join(cells, "\t"))
	}
	return table.Flush()
}

// writeMembers prints one thing, a member to a line.
func writeMembers(w io.Writer, answer any) error {
	members, isObject := answer.(map[string]any)
	if !isObject {
		_, err := fmt.Fprintln(w, cell(answer))
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, name := range sortedNames(members) {
		fmt.Fprintf(table, "%s\t%s\n", name, cell(members[name]))
	}
	return table.Flush()
}

// memberOf finds a member by a path like profile.name.
func memberOf(row any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		members, _ := row.(map[string]any)
		row = members[name]
	}
	return row
}

// cell is a value in one line without control characters, which a terminal would obey,
// those that turn the direction of text included.
func cell(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return strings.Map(printable, v)
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = cell(v[i])
		}
		return strings.Join(parts, ",")
	case map[string]any:
		data, _ := json.Marshal(v) // it was JSON before
		return strings.Map(printable, string(data))
	}
	return fmt.Sprint(value)
}

func printable(r rune) rune {
	if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
		return ' '
	}
	return r
}
