package loginui

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/lanyard-id/lanyard"
)

// Whatever accent a tenant has, its pages can be read.
func TestEveryAccentIsReadable(t *testing.T) {
	variables := regexp.MustCompile(`--accent:#([0-9a-f]{6});--on-accent:#([0-9a-f]{6});--link:#([0-9a-f]{6})`)
	rapid.Check(t, func(t *rapid.T) {
		accent := lanyard.Colour{rapid.Uint8().Draw(t, "r"), rapid.Uint8().Draw(t, "g"), rapid.Uint8().Draw(t, "b")}
		found := variables.FindAllStringSubmatch(string(themeOf(accent)), -1)
		if len(found) != 2 {
			t.Fatalf("%s", themeOf(accent))
		}
		for i, on := range []lanyard.Surface{lanyard.LightSurface, lanyard.DarkSurface} {
			button, text, link := parseColour(found[i][1]), parseColour(found[i][2]), parseColour(found[i][3])
			for what, ratio := range map[string]float64{
				"text on the button": lanyard.Contrast(text, button), "link on the card": lanyard.Contrast(link, on.Card), "link on a field": lanyard.Contrast(link, on.Fill),
			} {
				if ratio < lanyard.TextContrast {
					t.Errorf("%v: %s has %.2f", accent, what, ratio)
				}
			}
			if ratio := lanyard.Contrast(button, on.Card); ratio < lanyard.ShapeContrast {
				t.Errorf("%v: the button has %.2f", accent, ratio)
			}
		}
	})
}

func TestGoodAccentIsNotChanged(t *testing.T) {
	if css := string(themeOf(parseColour("2b4a9b"))); !strings.HasPrefix(css, ":root{--accent:#2b4a9b;--on-accent:#ffffff;--link:#2b4a9b}") {
		t.Error(css)
	}
}

// The colours that accents are corrected against are those of the stylesheet.
func TestSurfacesAreThoseOfTheStylesheet(t *testing.T) {
	data, err := os.ReadFile("assets/pages.css")
	if err != nil {
		t.Fatal(err)
	}
	light, dark, found := strings.Cut(string(data), "prefers-color-scheme: dark")
	if !found {
		t.Fatal("the stylesheet has no dark part")
	}
	for part, on := range map[string]lanyard.Surface{light: lanyard.LightSurface, dark: lanyard.DarkSurface} {
		for name, c := range map[string]lanyard.Colour{"--card": on.Card, "--fill": on.Fill} {
			long := name + ": " + c.String() + ";"
			short := name + ": #" + c.String()[1:2] + c.String()[3:4] + c.String()[5:6] + ";"
			if !strings.Contains(part, long) && !strings.Contains(part, short) {
				t.Errorf("%s is not in the stylesheet", long)
			}
		}
	}
}

func TestOnlyColoursHaveATheme(t *testing.T) {
	for _, odd := range []string{"", "red", "#fff", "#12345g", "#1234567", "#123456;}", "url(x)"} {
		if got := themePath(odd); got != "" {
			t.Errorf("%q: %s", odd, got)
		}
	}
	path := themePath("#AbCdEf")
	if css, ok := themeCSS(strings.TrimPrefix(path, assetsPath)); !ok || len(css) == 0 {
		t.Errorf("%s is not served", path)
	}
}
