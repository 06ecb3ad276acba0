package manifest

import (
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/goccy/go-yaml"

	"github.com/lanyard-id/lanyard"
)

// Write is a file as text: the form that Parse reads, without what says nothing. The
// same file is always the same text.
func (f File) Write() ([]byte, error) {
	tree, err := plain(reflect.ValueOf(f))
	if err != nil {
		return nil, err
	}
	out, err := yaml.MarshalWithOptions(tree, yaml.Indent(2), yaml.IndentSequence(true), yaml.UseLiteralStyleIfMultiline(true), yaml.CustomMarshaler(quoted.yaml))
	if err != nil {
		return nil, fmt.Errorf("write the file: %w", err)
	}
	return out, nil
}

// plain is a value as YAML writes it: members in the order of the type, without those
// that are zero. A pointer that is set is written even when it points to nothing.
func plain(v reflect.Value) (any, error) {
	switch value := v.Interface().(type) {
	case Secret:
		return value.reference()
	case Hash:
		return value.Value.Reveal(), nil
	case Moment:
		return value.UTC().Format(time.RFC3339Nano), nil
	case Scope:
		if value.Description == "" {
			return value.Name, nil
		}
	case json.RawMessage:
		var tree any
		err := json.Unmarshal(value, &tree)
		return sorted(tree), err
	case encoding.TextMarshaler:
		text, err := value.MarshalText()
		return written(string(text)), err
	}
	switch v.Kind() {
	case reflect.Pointer:
		return plain(v.Elem())
	case reflect.Struct:
		return members(v)
	case reflect.Slice:
		out := make([]any, 0, v.Len())
		for i := range v.Len() {
			element, err := plain(v.Index(i))
			if err != nil {
				return nil, err
			}
			out = append(out, element)
		}
		return out, nil
	case reflect.Map:
		return mapping(v)
	case reflect.String:
		return written(v.String()), nil
	}
	return v.Interface(), nil
}

// quoted is text that is written between quotes, since it would else be read as something
// other than itself. Much of a file was chosen by strangers.
type quoted string

// tame is text that reads the same without quotes, or with those of the library.
var tame = regexp.MustCompile(`^[\p{L}\p{N}/_$+]([\pL\pN\pP\pS ]*[\pL\pN\pP\pS])?(\n+[\p{L}\p{N}/_$+<{(]([\pL\pN\pP\pS ]*[\pL\pN\pP\pS])?)*\n?$`)

// written is text as the library may write it.
func written(text string) any {
	if text == "" || tame.MatchString(text) {
		return text
	}
	return quoted(text)
}

// yaml is the text in the double-quoted style (YAML 1.2 §5.7, §7.3.1).
func (q quoted) yaml() ([]byte, error) {
	var out strings.Builder
	out.WriteByte('"')
	for _, r := range string(q) {
		switch {
		case r == '"' || r == '\\':
			out.WriteString(`\` + string(r))
		case r == '\n':
			out.WriteString(`\n`)
		case unicode.IsPrint(r) && r <= 0xffff:
			out.WriteRune(r)
		default:
			fmt.Fprintf(&out, `\U%08x`, r)
		}
	}
	out.WriteByte('"')
	return []byte(out.String()), nil
}

// members lists those of a struct, embedded ones in their place; an outer one hides those of the same name.
func members(v reflect.Value) (yaml.MapSlice, error) {
	out := yaml.MapSlice{}
	for _, f := range flat(v) {
		if f.value.IsZero() || (f.value.Kind() == reflect.Slice && f.value.Len() == 0) || (f.value.Kind() == reflect.Map && f.value.Len() == 0) {
			continue
		}
		tree, err := plain(f.value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		out = append(out, yaml.MapItem{Key: f.name, Value: tree})
	}
	return out, nil
}

type member struct {
	name  string
	value reflect.Value
}

func flat(v reflect.Value) []member {
	var out []member
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Anonymous && name == "":
			for _, inner := range flat(v.Field(i)) {
				if !declares(v.Type(), inner.name) {
					out = append(out, inner)
				}
			}
		case name != "" && name != "-":
			out = append(out, member{name, v.Field(i)})
		}
	}
	return out
}

// declares tells whether a struct has a member of its own of that name.
func declares(t reflect.Type, name string) bool {
	for i := range t.NumField() {
		own, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if !t.Field(i).Anonymous && own == name {
			return true
		}
	}
	return false
}

func mapping(v reflect.Value) (yaml.MapSlice, error) {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	out := yaml.MapSlice{}
	for _, key := range keys {
		tree, err := plain(v.MapIndex(key))
		if err != nil {
			return nil, err
		}
		out = append(out, yaml.MapItem{Key: written(fmt.Sprint(key)), Value: tree})
	}
	return out, nil
}

// sorted gives the members of JSON an order.
func sorted(tree any) any {
	switch t := tree.(type) {
	case map[string]any:
		out := yaml.MapSlice{}
		for _, key := range slices.Sorted(maps.Keys(t)) {
			out = append(out, yaml.MapItem{Key: written(key), Value: sorted(t[key])})
		}
		return out
	case []any:
		for i := range t {
			t[i] = sorted(t[i])
		}
	case string:
		return written(t)
	}
	return tree
}

// reference is a secret as it may be written: never itself.
func (s Secret) reference() (any, error) {
	switch {
	case s.Env != "":
		return yaml.MapSlice{{Key: "env", Value: s.Env}}, nil
	case s.File != "":
		return yaml.MapSlice{{Key: "file", Value: s.File}}, nil
	}
	return nil, lanyard.ErrBadInput.Saying("a secret without a reference can not be written")
}
