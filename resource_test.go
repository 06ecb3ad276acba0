package lanyard_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard"
)

func TestResourcesAreComparedBySchemeAndHostInAnyCase(t *testing.T) {
	for indicator, want := range map[string]string{
		"https://api.example":            "https://api.example",
		"HTTPS://API.Example/Path":       "https://api.example/Path",
		"https://API.Example:8443?Query": "https://api.example:8443?Query",
		"https://API.Example/A?B":        "https://api.example/A?B",
		"URN:example:Ledger":             "urn:example:Ledger",
		"urn:example:ledger":             "urn:example:ledger",
		"file:///Path":                   "file:///Path",
	} {
		if got, err := lanyard.ResourceKey(indicator); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", indicator, got, err, want)
		}
	}
	for _, indicator := range []string{"", "api", "/api", "//api.example", "https://api.example/#", "https://api.example/#f", "urn:example#f", "https://", "https:", "%", "https://api.example/\x7f", "https://[::1", "https://\u0130.example/", "https://\u212a.example/", "https://api.example/a b"} {
		if got, err := lanyard.ResourceKey(indicator); !errors.Is(err, lanyard.ErrInvalidTarget) {
			t.Errorf("%q: %q, %v", indicator, got, err)
		}
	}
}

// FuzzResourceKey: nothing panics, and the key is its own key.
func FuzzResourceKey(f *testing.F) {
	for _, seed := range []string{"https://api.example/x?y", "urn:a:B", "HTTP:a", "a:/", "a://", "a://?", "A:%", "https://\u0130.example/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, indicator string) {
		key, err := lanyard.ResourceKey(indicator)
		if err != nil {
			return
		}
		if again, err := lanyard.ResourceKey(key); err != nil || again != key {
			t.Errorf("%q has the key %q, and that %q (%v)", indicator, key, again, err)
		}
		if strings.Contains(key, "#") || !strings.EqualFold(key, indicator) {
			t.Errorf("%q has the key %q", indicator, key)
		}
	})
}
