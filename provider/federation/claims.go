package federation

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// claims are the members of one JSON object.
type claims map[string]json.RawMessage

// readClaims reads exactly one object in valid UTF-8 that has no member twice, so that
// nobody else can read something else in it.
func readClaims(data []byte) (claims, error) {
	bad := errors.New("it is not one plain JSON object")
	d := json.NewDecoder(bytes.NewReader(data))
	first, err := d.Token()
	if err != nil || first != json.Delim('{') || !utf8.Valid(data) {
		return nil, bad
	}
	all := claims{}
	for d.More() {
		name, err := d.Token()
		text, isText := name.(string)
		var value json.RawMessage
		if err != nil || !isText || all[text] != nil || d.Decode(&value) != nil {
			return nil, bad
		}
		all[text] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, bad
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, bad
	}
	return all, nil
}

// has tells whether there is a claim, whatever it is.
func (c claims) has(name string) bool { return c[name] != nil }

// text is a claim that is a text; empty if it is anything else.
func (c claims) text(name string) string {
	var text *string
	if json.Unmarshal(c[name], &text) != nil || text == nil {
		return ""
	}
	return *text
}

// truth tells whether a claim is the literal true.
func (c claims) truth(name string) bool { return string(c[name]) == "true" }

// list is a claim that is a list of texts, or one text.
func (c claims) list(name string) []string {
	var list []string
	if one := c.text(name); one != "" {
		return []string{one}
	}
	if json.Unmarshal(c[name], &list) != nil {
		return nil
	}
	return list
}

// maxSeconds bounds times in tokens, so that none is beyond what time.Time can compare.
const maxSeconds = math.MaxInt32 * 16

// moment is a claim that is a time in seconds since 1970 (RFC 7519 §2, NumericDate); ok is false for anything else.
func (c claims) moment(name string) (at time.Time, ok bool) {
	seconds, err := strconv.ParseFloat(string(c[name]), 64)
	if err != nil || math.IsNaN(seconds) || seconds <= 0 || seconds > maxSeconds {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0).UTC(), true
}
