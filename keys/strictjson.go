package keys

import (
	"bytes"
	"encoding/json"
	"io"
	"unicode/utf8"
)

// maxDepth bounds the nesting of JSON in tokens.
const maxDepth = 16

// strictObject tells whether data is exactly one JSON object in valid UTF-8 in
// which no object, at any depth, has a member twice: two readers of such text
// can not see two different things.
func strictObject(data []byte) bool {
	if !utf8.Valid(data) {
		return false
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	first, err := d.Token()
	if err != nil || first != json.Delim('{') || !uniqueMembers(d, 1) {
		return false
	}
	_, err = d.Token()
	return err == io.EOF
}

// uniqueMembers reads to the end of an object whose brace was read.
func uniqueMembers(d *json.Decoder, depth int) bool {
	seen := map[string]bool{}
	for d.More() {
		name, err := d.Token()
		text, ok := name.(string)
		if err != nil || !ok || seen[text] {
			return false
		}
		seen[text] = true
		if !strictValue(d, depth) {
			return false
		}
	}
	_, err := d.Token()
	return err == nil
}

func strictValue(d *json.Decoder, depth int) bool {
	token, err := d.Token()
	if err != nil || depth > maxDepth {
		return false
	}
	switch token {
	case json.Delim('{'):
		return uniqueMembers(d, depth+1)
	case json.Delim('['):
		for d.More() {
			if !strictValue(d, depth+1) {
				return false
			}
		}
		_, err = d.Token()
		return err == nil
	}
	return true
}
