package strictyaml_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/strictyaml"
)

type base struct {
	Name string `json:"name"`
	Flag bool   `json:"flag"`
}

type secret struct {
	Env    string `json:"env"`
	Inline string `json:"-"`
}

func (s *secret) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return errors.New("it is empty")
	}
	s.Inline = string(text)
	return nil
}

type file struct {
	base
	Flag    *bool             `json:"flag"`
	Age     int               `json:"age"`
	Max     *int64            `json:"max"`
	Wait    lanyard.Duration  `json:"wait"`
	Tags    []string          `json:"tags"`
	Secret  secret            `json:"secret"`
	Raw     json.RawMessage   `json:"raw"`
	Map     map[string]string `json:"map"`
	Parts   []base            `json:"parts"`
	Ignored string            `json:"-"`
}

func TestFileIsReadByItsNames(t *testing.T) {
	const text = `
# a comment
name: 01234
flag: true
age: 7
max: 9
wait: 10m
tags: [a, 1.50, "x: y", true]
secret: {env: NAME}
raw: {b: [1, two, null], a: true}
map:
  k: v
parts:
  - name: first
    flag: true
  -
    name: |
      second
`
	var got file
	if err := strictyaml.Decode([]byte(text), &got).Err(); err != nil {
		t.Fatal(err)
	}
	yes, nine := true, int64(9)
	want := file{
		base: base{Name: "01234"}, Flag: &yes, Age: 7, Max: &nine, Wait: lanyard.Duration(10 * time.Minute),
		Tags: []string{"a", "1.50", "x: y", "true"}, Secret: secret{Env: "NAME"},
		Raw: json.RawMessage(`{"a":true,"b":[1,"two",null]}`), Map: map[string]string{"k": "v"},
		Parts: []base{{Name: "first", Flag: true}, {Name: "second\n"}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(file{}, base{})); diff != "" {
		t.Error(diff)
	}
}

func TestEmptyIsAbsent(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "---\n", "tags:\nparts:\nage: ~\nsecret:\n"} {
		var got file
		if err := strictyaml.Decode([]byte(text), &got).Err(); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if got.Tags != nil || got.Parts != nil {
			t.Errorf("%q: got %+v", text, got)
		}
	}
}

func TestScalarAndMappingForOneType(t *testing.T) {
	var got file
	if err := strictyaml.Decode([]byte("secret: inline"), &got).Err(); err != nil || got.Secret.Inline != "inline" {
		t.Errorf("got %+v, %v", got.Secret, err)
	}
}

func TestColonWithoutSpaceStaysInTheText(t *testing.T) {
	const text = `{tags: [http://127.0.0.1:3000/callback, audit:read, b:c:d, "q:r", x], raw: {list: [a:1, b]}}`
	var got file
	if err := strictyaml.Decode([]byte(text), &got).Err(); err != nil {
		t.Fatal(err)
	}
	want := []string{"http://127.0.0.1:3000/callback", "audit:read", "b:c:d", "q:r", "x"}
	if diff := cmp.Diff(want, got.Tags); diff != "" {
		t.Error(diff)
	}
	if string(got.Raw) != `{"list":["a:1","b"]}` {
		t.Errorf("got %s", got.Raw)
	}
	if err := strictyaml.Decode([]byte("{tags: [a: b]}"), &got).Err(); err == nil {
		t.Error("a mapping was taken for text")
	}
}

func TestComplaintsSayWhereAndWhat(t *testing.T) {
	cases := map[string]string{
		"nmae: x":                      `1:1: unknown key "nmae"; did you mean "name"?`,
		"\n  zzzzzz: x":                `2:3: unknown key "zzzzzz"; known are age, flag, map, max, name, parts, raw, secret, tags, wait`,
		"Ignored: x":                   `1:1: unknown key "Ignored"`,
		"-: x":                         `1:1: unknown key "-"`,
		"parts:\n  - flagg: true":      `2:5: unknown key "flagg"; did you mean "flag"?`,
		"name: a\nage: 1\nname: b":     `3:1: "name" stands here a second time, first in line 1`,
		"age: seven":                   `1:6: age has to be a whole number`,
		`age: "7"`:                     `1:6: age has to be a whole number`,
		"age: 7.5":                     `1:6: age has to be a whole number`,
		"age: 99999999999999999999999": `1:6: age has to be a whole number`,
		"flag: yes":                    `1:7: flag has to be true or false`,
		`flag: "true"`:                 `1:7: flag has to be true or false`,
		"tags: a":                      `1:7: tags has to be a list`,
		"tags:\n  - a: b":              `2:5: tags[0] has to be text`,
		"name: [a]":                    `1:7: name has to be text`,
		"wait: soon":                   `1:7: wait: a duration is written like 10m or 720h`,
		"parts: {name: x}":             `parts has to be a list`,
		"map: [a]":                     `1:6: map has to be a mapping of keys to values`,
		"raw: {a: 1, a: 2}":            `1:13: "a" stands here a second time, first in line 1`,
		"secret: ''":                   `1:9: secret: it is empty`,
		"[a, b]":                       `1:1: the file has to be a mapping of keys to values`,
		"text":                         `1:1: the file has to be a mapping of keys to values`,
		"name: a\n---\nname: b":        `3:1: a second document begins here; one file holds one`,
		"name: &a x\nmap: {k: *a}":     `anchors, aliases and merge keys are not supported`,
		"name: !!str 7":                `tags are not supported`,
		"raw: {a: &a 1}":               `anchors, aliases and tags are not supported`,
		"name: [":                      `1:`,
		"name: \"x":                    `1:7: `,
		"{a: b":                        `1:`,
	}
	for text, want := range cases {
		var got file
		err := strictyaml.Decode([]byte(text), &got).Err()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q:\n got %v\nwant %s", text, err, want)
		}
	}
}

func TestAllComplaintsComeAtOnceInOrder(t *testing.T) {
	var got file
	d := strictyaml.Decode([]byte("age: x\nnmae: y\nparts:\n  - name: ok\n  - flag: 3\n"), &got)
	d.Complain("parts[0].name", "not this name")
	d.Complain("parts[1].missing.deep", "something is missing")
	d.Complain("", "and nothing in general")
	var complaints strictyaml.Complaints
	if !errors.As(d.Err(), &complaints) {
		t.Fatal(d.Err())
	}
	want := strings.Join([]string{
		"and nothing in general",
		"1:6: age has to be a whole number",
		`2:1: unknown key "nmae"; did you mean "name"?`,
		"4:5: not this name",
		"5:5: something is missing",
		"5:11: flag has to be true or false",
	}, "\n")
	if diff := cmp.Diff(want, complaints.Error()); diff != "" {
		t.Error(diff)
	}
	if !d.Has("parts[1].flag") || d.Has("parts[1].name") {
		t.Error("the document does not know what it has")
	}
}

func TestDeepNestingIsRefused(t *testing.T) {
	var got file
	text := "raw: " + strings.Repeat("[", 200) + strings.Repeat("]", 200)
	if err := strictyaml.Decode([]byte(text), &got).Err(); err == nil || !strings.Contains(err.Error(), "nested too deeply") {
		t.Errorf("got %v", err)
	}
}

func TestNearestName(t *testing.T) {
	known := []string{"redirect_uris", "client_id", "grant_types"}
	for name, want := range map[string]string{
		"redirect_uri": "redirect_uris", "redirecturis": "redirect_uris", "clientId": "client_id", "cleint_id": "client_id", "zebra": "", "": "",
	} {
		if got := strictyaml.Nearest(name, known); got != want {
			t.Errorf("%q: got %q", name, got)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, text := range []string{"name: x", "a: [", "- b", "raw: {a: *b}", "? a\n: b", "<<: {a: b}", "\xff", "name: |\n  x"} {
		f.Add(text)
	}
	f.Fuzz(func(_ *testing.T, text string) {
		var got file
		_ = strictyaml.Decode([]byte(text), &got).Err()
	})
}
