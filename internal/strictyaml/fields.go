package strictyaml

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/lanyard-id/lanyard"
)

// fieldTable says where in a struct the value of each key goes.
type fieldTable map[string][]int

func (f fieldTable) names() []string {
	out := make([]string, 0, len(f))
	for name := range f {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// fieldsOf reads the json tags. Embedded structs lend their fields unless an
// outer one has the same name.
func fieldsOf(t reflect.Type) fieldTable {
	out := fieldTable{}
	for _, field := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" || name == "-" || !field.IsExported() {
			continue
		}
		if known, ok := out[name]; !ok || len(field.Index) < len(known) {
			out[name] = field.Index
		}
	}
	return out
}

// SetText reads text into the field of a struct, as an environment variable or a
// flag gives it. A list is separated by commas.
func SetText(v reflect.Value, text string) error {
	if v.CanAddr() && v.Addr().Type().Implements(textUnmarshaler) {
		return v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text))
	}
	if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.String {
		v.Set(reflect.Zero(v.Type()))
		for part := range strings.SplitSeq(text, ",") {
			if part = strings.TrimSpace(part); part != "" {
				v.Set(reflect.Append(v, reflect.ValueOf(part).Convert(v.Type().Elem())))
			}
		}
		return nil
	}
	if setPlain(v, text) != nil {
		return fmt.Errorf("it has to be %s", kindName(v.Type()))
	}
	return nil
}

func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Slice:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "a mapping of keys to values"
	default:
		return "text"
	}
}

// reason is what to tell about a value that did not read: the safe message of an error of ours.
func reason(err error) string {
	if e, ok := err.(*lanyard.Error); ok { //nolint:errorlint // a wrapped one says more than its message
		return e.Message
	}
	return err.Error()
}

// last is the name at the end of a path, for a complaint; the top of a file has none.
func last(path string) string {
	if path == "" {
		return "the file"
	}
	return path[strings.LastIndex(path, ".")+1:]
}
