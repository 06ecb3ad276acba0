package strictjson

import "testing"

func TestOnlyOneReadingPasses(t *testing.T) {
	for text, want := range map[string][2]bool{
		`{}`:                                 {true, true},
		`{"a":[1,{"b":"ü","c":null}]}`:       {true, true},
		`{"a":1,"a":1}`:                      {},
		`{"a":{"b":1,"b":2}}`:                {},
		`{"a":[{"b":1},{"b":1,"\u0062":2}]}`: {},
		`{"a":1}{}`:                          {},
		`{"a":1} x`:                          {},
		`[1]`:                                {},
		`"a"`:                                {},
		``:                                   {},
		`{"a":`:                              {},
		"{\"a\":\"\xff\"}":                   {},
		`{"a":"\ud83d\ude00"}`:               {true, true},
		`{"a":"\ud83d"}`:                     {true, false},
		`{"a\udc00":1}`:                      {true, false},
		`{"a":["\udc00"]}`:                   {true, false},
		`{"a":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}`: {},
	} {
		if got := [2]bool{Object([]byte(text)), Whole([]byte(text))}; got != want {
			t.Errorf("%s: object and whole are %v, not %v", text, got, want)
		}
	}
}
