package loginui

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
)

var (
	accentForm = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)
	themeForm  = regexp.MustCompile(`^theme-([0-9a-f]{6})\.[0-9a-f]{12}\.css$`)
)

// themePath is where the stylesheet of an accent colour is served; empty for what is no colour.
func themePath(accent string) string {
	if !accentForm.MatchString(accent) {
		return ""
	}
	return assetsPath + themeName(strings.ToLower(accent[1:]))
}

func themeName(digits string) string {
	return "theme-" + digits + "." + web.ContentHash(themeOf(parseColour(digits))) + ".css"
}

// themeCSS is the stylesheet that a name stands for. It is computed from the name
// alone, and the name must be the one that the computation gives.
func themeCSS(name string) ([]byte, bool) {
	m := themeForm.FindStringSubmatch(name)
	if m == nil || themeName(m[1]) != name {
		return nil, false
	}
	return themeOf(parseColour(m[1])), true
}

// themeOf writes an accent into the variables of pages.css, corrected until it can be read in light and dark.
func themeOf(accent lanyard.Colour) []byte {
	light, dark := palette(accent, lanyard.LightSurface), palette(accent, lanyard.DarkSurface)
	return fmt.Appendf(nil, ":root{%s}\n@media (prefers-color-scheme:dark){:root{%s}}\n", light, dark)
}

func palette(accent lanyard.Colour, on lanyard.Surface) string {
	button := lanyard.Readable(accent, on.Card, lanyard.ShapeContrast)
	return fmt.Sprintf("--accent:%s;--on-accent:%s;--link:%s", button, lanyard.TextOn(button), lanyard.Readable(accent, on.Fill, lanyard.TextContrast))
}

// parseColour reads six hexadecimal digits; the forms above allow nothing else.
func parseColour(digits string) lanyard.Colour {
	c, _ := lanyard.ParseColour("#" + digits)
	return c
}
