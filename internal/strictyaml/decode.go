package strictyaml

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxDepth bounds the nesting of a file.
const maxDepth = 64

// Document is a file that was read, with the place of each value.
type Document struct {
	places     map[string]token.Position
	complaints Complaints
}

// Decode reads data into dest, a pointer to a struct. What could be read is in
// dest even when the Document has complaints.
func Decode(data []byte, dest any) *Document {
	d := &Document{places: map[string]token.Position{}}
	file, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		d.syntax(err)
		return d
	}
	var bodies []ast.Node
	for _, doc := range file.Docs {
		if doc.Body != nil {
			bodies = append(bodies, doc.Body)
		}
	}
	if len(bodies) > 1 {
		d.complain(bodies[1], "a second document begins here; one file holds one")
	}
	if len(bodies) > 0 {
		d.value(bodies[0], reflect.ValueOf(dest).Elem(), "", 0)
	}
	return d
}

// Complain adds a complaint about the value at a path, like
// "tenants[0].clients[2].redirect_uris". The nearest value around it that
// stands in the file gives the position.
func (d *Document) Complain(path, text string) {
	c := Complaint{Text: text}
	for at := path; at != ""; at = parent(at) {
		if p, ok := d.places[at]; ok {
			c.Line, c.Column = p.Line, p.Column
			break
		}
	}
	d.complaints = append(d.complaints, c)
}

// Has tells whether the file gives the value at a path.
func (d *Document) Has(path string) bool {
	_, ok := d.places[path]
	return ok
}

// Err is everything that was complained about, as Complaints, or nil.
func (d *Document) Err() error { return d.complaints.OrNil() }

// parent cuts the last part off a path.
func parent(path string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '.' || path[i] == '[' {
			return path[:i]
		}
	}
	return ""
}

func (d *Document) syntax(err error) {
	c := Complaint{Text: err.Error()}
	var located yaml.Error
	if errors.As(err, &located) {
		c.Text = located.GetMessage()
		if t := located.GetToken(); t != nil && t.Position != nil {
			c.Line, c.Column = t.Position.Line, t.Position.Column
		}
	}
	d.complaints = append(d.complaints, c)
}

func (d *Document) complain(node ast.Node, format string, args ...any) {
	p := position(node)
	d.complaints = append(d.complaints, Complaint{p.Line, p.Column, fmt.Sprintf(format, args...)})
}

func position(node ast.Node) token.Position {
	t := node.GetToken()
	if m, ok := node.(*ast.MappingNode); ok && len(m.Values) > 0 && !m.IsFlowStyle {
		t = m.Values[0].Key.GetToken()
	}
	if t == nil || t.Position == nil {
		return token.Position{}
	}
	return *t.Position
}

var (
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	rawMessage      = reflect.TypeFor[json.RawMessage]()
)

// value reads a node into v. A null leaves v as it is. A type that reads itself
// from text does so from a scalar; one that is a struct as well also takes a mapping.
func (d *Document) value(node ast.Node, v reflect.Value, path string, depth int) {
	if depth > maxDepth {
		d.complain(node, "nested too deeply")
		return
	}
	switch n := node.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		d.complain(node, "anchors, aliases and merge keys are not supported")
		return
	case *ast.TagNode:
		d.complain(node, "tags are not supported")
		return
	case *ast.NullNode:
		return
	case *ast.MappingValueNode:
		node = &ast.MappingNode{BaseNode: &ast.BaseNode{}, Start: n.Start, Values: []*ast.MappingValueNode{n}}
	}
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		v = v.Elem()
	}
	d.typed(node, v, path, depth)
}

func (d *Document) typed(node ast.Node, v reflect.Value, path string, depth int) {
	text, isScalar := scalar(node)
	readsText := v.CanAddr() && v.Addr().Type().Implements(textUnmarshaler)
	switch {
	case v.Type() == rawMessage:
		d.raw(node, v, depth)
	case isScalar && readsText:
		if err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text)); err != nil {
			d.complain(node, "%s: %s", last(path), reason(err))
		}
	case v.Kind() == reflect.Struct:
		d.structure(node, v, path, depth)
	case v.Kind() == reflect.Map:
		d.table(node, v, path, depth)
	case v.Kind() == reflect.Slice:
		d.list(node, v, path, depth)
	case !isScalar:
		d.complain(node, "%s has to be %s", last(path), kindName(v.Type()))
	default:
		d.plain(node, text, v, path)
	}
}

func (d *Document) plain(node ast.Node, text string, v reflect.Value, path string) {
	_, isBool := node.(*ast.BoolNode)
	_, isNumber := node.(*ast.IntegerNode)
	wrong := v.Kind() == reflect.Bool && !isBool || (v.Kind() == reflect.Int || v.Kind() == reflect.Int64) && !isNumber
	if wrong || setPlain(v, text) != nil {
		d.complain(node, "%s has to be %s", last(path), kindName(v.Type()))
	}
}

// setPlain reads text into a plain value.
func setPlain(v reflect.Value, text string) error {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return err
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int64:
		i, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil {
			return err
		}
		v.SetInt(i)
	default:
		return fmt.Errorf("strictyaml does not read %s", v.Type())
	}
	return nil
}

func (d *Document) structure(node ast.Node, v reflect.Value, path string, depth int) {
	mapping, ok := node.(*ast.MappingNode)
	if !ok {
		d.complain(node, "%s has to be %s", last(path), kindName(v.Type()))
		return
	}
	fields := fieldsOf(v.Type())
	for _, entry := range d.entries(mapping, path) {
		field, known := fields[entry.name]
		if !known {
			d.complain(entry.key, "%s", Unknown("key", entry.name, fields.names()))
			continue
		}
		d.value(entry.node, v.FieldByIndex(field), entry.path, depth+1)
	}
}

func (d *Document) table(node ast.Node, v reflect.Value, path string, depth int) {
	mapping, ok := node.(*ast.MappingNode)
	if !ok {
		d.complain(node, "%s has to be %s", last(path), kindName(v.Type()))
		return
	}
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	for _, entry := range d.entries(mapping, path) {
		item := reflect.New(v.Type().Elem()).Elem()
		d.value(entry.node, item, entry.path, depth+1)
		v.SetMapIndex(reflect.ValueOf(entry.name).Convert(v.Type().Key()), item)
	}
}

func (d *Document) list(node ast.Node, v reflect.Value, path string, depth int) {
	sequence, ok := node.(*ast.SequenceNode)
	if !ok {
		d.complain(node, "%s has to be %s", last(path), kindName(v.Type()))
		return
	}
	v.SetZero() // a list replaces what was there before
	for i, item := range sequence.Values {
		item = rejoined(item)
		at := fmt.Sprintf("%s[%d]", path, i)
		d.places[at] = position(item)
		v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
		d.value(item, v.Index(v.Len()-1), at, depth+1)
	}
}

// entry is one key of a mapping with its value.
type entry struct {
	name string
	path string
	key  ast.Node
	node ast.Node
}

// entries lists the keys of a mapping, each once.
func (d *Document) entries(mapping *ast.MappingNode, path string) []entry {
	var out []entry
	first := map[string]int{}
	for _, pair := range mapping.Values {
		name, ok := scalar(pair.Key)
		if !ok {
			d.complain(pair.Key, "a key has to be plain text")
			continue
		}
		if line, twice := first[name]; twice {
			d.complain(pair.Key, "%q stands here a second time, first in line %d", name, line)
			continue
		}
		first[name] = position(pair.Key).Line
		at := join(path, name)
		d.places[at] = position(pair.Key)
		out = append(out, entry{name, at, pair.Key, pair.Value})
	}
	return out
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// raw keeps a part of the file as JSON.
func (d *Document) raw(node ast.Node, v reflect.Value, depth int) {
	data, err := json.Marshal(d.plainValue(node, depth))
	if err != nil {
		d.complain(node, "this can not be written as JSON")
		return
	}
	v.SetBytes(data)
}

func (d *Document) plainValue(node ast.Node, depth int) any {
	switch n := node.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		d.complain(node, "anchors, aliases and tags are not supported")
		return nil
	case *ast.MappingValueNode:
		return d.plainValue(&ast.MappingNode{BaseNode: &ast.BaseNode{}, Start: n.Start, Values: []*ast.MappingValueNode{n}}, depth)
	case *ast.MappingNode:
		out := map[string]any{}
		for _, entry := range d.entries(n, "") {
			out[entry.name] = d.deeper(entry.node, depth)
		}
		return out
	case *ast.SequenceNode:
		out := make([]any, 0, len(n.Values))
		for _, item := range n.Values {
			out = append(out, d.deeper(rejoined(item), depth))
		}
		return out
	case ast.ScalarNode:
		return n.GetValue()
	}
	d.complain(node, "this is not a value")
	return nil
}

func (d *Document) deeper(node ast.Node, depth int) any {
	if depth >= maxDepth {
		d.complain(node, "nested too deeply")
		return nil
	}
	return d.plainValue(node, depth+1)
}

// scalar is the text of a scalar as it was typed, without its quotes.
func scalar(node ast.Node) (string, bool) {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// rejoined puts a plain scalar with a colon in it together again: in a list
// within braces the parser takes http://host:port/path for a mapping, although
// only a colon before a space separates (YAML 1.2.2 §7.3.3).
func rejoined(item ast.Node) ast.Node {
	mapping, ok := item.(*ast.MappingNode)
	if !ok || mapping.IsFlowStyle || len(mapping.Values) != 1 {
		return item
	}
	pair := mapping.Values[0]
	key, colon, value := pair.Key.GetToken(), pair.Start, pair.Value.GetToken()
	left, kok := scalar(pair.Key)
	right, vok := scalar(pair.Value)
	if !kok || !vok || quoted(key) || quoted(value) || colon.Position.Line != value.Position.Line || value.Position.Column != colon.Position.Column+1 {
		return item
	}
	whole := *key
	whole.Value = left + ":" + right
	return ast.String(&whole)
}

func quoted(t *token.Token) bool {
	return t.Type == token.SingleQuoteType || t.Type == token.DoubleQuoteType
}
