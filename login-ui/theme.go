package loginui

import (
	"encoding/hex"
	"fmt"
	"math"
	"regexp"
	"strings"
)

// Contrast that text needs on its background (WCAG 2.2, 1.4.3), and what makes a
// button stand out from the card (1.4.11).
const (
	textContrast  = 4.5
	shapeContrast = 3.0
)

// surface is what a tenant's colour stands on: the card, and --fill, which is
// nearer to it and so decides about text.
type surface struct{ card, fill colour }

// The surfaces of pages.css.
var (
	lightSurface = surface{colour{0xff, 0xff, 0xff}, colour{0xf3, 0xf4, 0xf7}}
	darkSurface  = surface{colour{0x1b, 0x1f, 0x27}, colour{0x24, 0x2a, 0x34}}
)

// What stands on a tenant's colour.
var (
	white = colour{0xff, 0xff, 0xff}
	ink   = colour{0x0b, 0x0d, 0x12}
	black = colour{}
)

// colour is an sRGB colour.
type colour [3]uint8

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
	return "theme-" + digits + "." + contentHash(themeOf(parseColour(digits))) + ".css"
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
func themeOf(accent colour) []byte {
	light, dark := palette(accent, lightSurface), palette(accent, darkSurface)
	return fmt.Appendf(nil, ":root{%s}\n@media (prefers-color-scheme:dark){:root{%s}}\n", light, dark)
}

func palette(accent colour, on surface) string {
	button := readable(accent, on.card, shapeContrast)
	return fmt.Sprintf("--accent:%s;--on-accent:%s;--link:%s", button, textOn(button), readable(accent, on.fill, textContrast))
}

// textOn is the first of white, ink and black that can be read; where white can not, black always can.
func textOn(background colour) colour {
	for _, text := range []colour{white, ink} {
		if contrast(text, background) >= textContrast {
			return text
		}
	}
	return black
}

// readable moves a colour away from its background until the contrast is reached.
func readable(c, background colour, wanted float64) colour {
	target := black
	if luminance(background) < 0.18 {
		target = white
	}
	const steps = 100
	for i := range steps {
		if mixed := mix(c, target, float64(i)/steps); contrast(mixed, background) >= wanted {
			return mixed
		}
	}
	return target
}

func mix(a, b colour, share float64) colour {
	var out colour
	for i := range out {
		out[i] = uint8(math.Round(float64(a[i])*(1-share) + float64(b[i])*share))
	}
	return out
}

// contrast and luminance are those of WCAG 2.2.
func contrast(a, b colour) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(c colour) float64 {
	return 0.2126*linear(c[0]) + 0.7152*linear(c[1]) + 0.0722*linear(c[2])
}

func linear(v uint8) float64 {
	s := float64(v) / 255
	if s <= 0.04045 {
		return s / 12.92
	}
	return math.Pow((s+0.055)/1.055, 2.4)
}

// parseColour reads six hexadecimal digits; the forms above allow nothing else.
func parseColour(digits string) colour {
	var out colour
	_, _ = hex.Decode(out[:], []byte(digits))
	return out
}

// String is the colour as CSS has it.
func (c colour) String() string { return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2]) }
