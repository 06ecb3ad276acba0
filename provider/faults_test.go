package provider

import "testing"

// TestDescriptionsHaveTheCharactersOfTheStandard is RFC 6749 §5.2, whatever a message says.
func TestDescriptionsHaveTheCharactersOfTheStandard(t *testing.T) {
	for text, want := range map[string]string{
		"the code has expired": "the code has expired", `a "quoted" \ text`: "a  quoted    text",
		"two\r\nlines\tand a tab": "two  lines and a tab", "sch\u00f6n\x7f\x00": "sch n  ",
	} {
		if got := plainText(text); got != want {
			t.Errorf("%q became %q", text, got)
		}
	}
}
