package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds the nesting.
const maxDepth = 16

// Object tells whether data is exactly one JSON object in valid UTF-8 in
// which no object, at any depth, has a member twice: two readers of such text
// can not see two different things.
func Object(data []byte) bool { return object(data, func(string) bool { return false }) }

// Whole is Object without any text that has the replacement character U+FFFD, which is
// also what half of a surrogate pair is read as.
func Whole(data []byte) bool {
	return object(data, func(text string) bool { return strings.ContainsRune(text, utf8.RuneError) })
}

// reader walks the tokens of one text.
type reader struct {
	*json.Decoder
	refuse func(text string) bool
}

func object(data []byte, refuse func(string) bool) bool {
	r := reader{Decoder: json.NewDecoder(bytes.NewReader(data)), refuse: refuse}
	r.UseNumber()
	first, err := r.Token()
	if !utf8.Valid(data) || err != nil || first != json.Delim('{') || !r.members(1) {
		return false
	}
	_, err = r.Token()
	return errors.Is(err, io.EOF)
}

// members reads to the end of an object whose brace was read.
func (r reader) members(depth int) bool {
	seen := map[string]bool{}
	for r.More() {
		name, err := r.Token()
		text, ok := name.(string)
		if err != nil || !ok || seen[text] || r.refuse(text) {
			return false
		}
		seen[text] = true
		if !r.value(depth) {
			return false
		}
	}
	_, err := r.Token()
	return err == nil
}

func (r reader) value(depth int) bool {
	token, err := r.Token()
	if err != nil || depth > maxDepth {
		return false
	}
	if text, isText := token.(string); isText {
		return !r.refuse(text)
	}
	switch token {
	case json.Delim('{'):
		return r.members(depth + 1)
	case json.Delim('['):
		for r.More() {
			if !r.value(depth + 1) {
				return false
			}
		}
		_, err = r.Token()
		return err == nil
	}
	return true
}
