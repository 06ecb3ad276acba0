package lanyard_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/lanyard-id/lanyard"
)

// Whatever colour somebody wants, what is stored makes a button that stands out, and
// storing it again changes nothing.
func TestStoredAccentIsReadable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		wanted := lanyard.Colour{rapid.Uint8().Draw(t, "r"), rapid.Uint8().Draw(t, "g"), rapid.Uint8().Draw(t, "b")}
		stored, err := lanyard.ReadableAccent(wanted.String())
		if err != nil {
			t.Fatal(err)
		}
		c, err := lanyard.ParseColour(stored)
		if err != nil || lanyard.Contrast(c, lanyard.LightSurface.Card) < lanyard.ShapeContrast {
			t.Fatalf("%v became %s: %v", wanted, stored, err)
		}
		if again, err := lanyard.ReadableAccent(stored); err != nil || again != stored {
			t.Errorf("%s became %s: %v", stored, again, err)
		}
		if lanyard.Contrast(lanyard.TextOn(c), c) < lanyard.TextContrast {
			t.Errorf("nothing can be read on %s", stored)
		}
	})
}

func TestAccentsAreColours(t *testing.T) {
	for _, odd := range []string{"red", "#fff", "#12345g", "#1234567", "#123456;}", "url(x)"} {
		if _, err := lanyard.ReadableAccent(odd); !errors.Is(err, lanyard.ErrBadInput) {
			t.Errorf("%q: %v", odd, err)
		}
	}
	if got, err := lanyard.ReadableAccent("#2B4A9B"); got != "#2b4a9b" || err != nil {
		t.Errorf("a good accent became %s: %v", got, err)
	}
}

func TestLogosAreFilesOfOurOrigin(t *testing.T) {
	for path, fine := range map[string]bool{
		"/org-logo/org_x/0123456789ab.png": true, "/assets/logo.svg": true,
		"": false, "//evil.example/x.png": false, `/\evil.example/x.png`: false, "https://evil.example/x.png": false, "x.png": false,
		"/../x": false, "/a/./b": false, "/logout?x=1": false, "/a b": false, "/a#b": false, "/": false, "/a//b": false,
	} {
		if lanyard.ValidLogoPath(path) != fine {
			t.Errorf("%q", path)
		}
	}
}
