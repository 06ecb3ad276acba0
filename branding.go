package lanyard

import (
	"encoding/hex"
	"fmt"
	"math"
	"regexp"
)

// Contrasts of WCAG 2.2: what text needs on its background (1.4.3), and what makes a
// shape stand out from what it is on (1.4.11).
const (
	TextContrast  = 4.5
	ShapeContrast = 3.0
)

// Surface is what an accent stands on: the card, and the fill of fields, which is
// nearer to it and so decides about text.
type Surface struct{ Card, Fill Colour }

// The surfaces of the pages' stylesheet.
var (
	LightSurface = Surface{Colour{0xff, 0xff, 0xff}, Colour{0xf3, 0xf4, 0xf7}}
	DarkSurface  = Surface{Colour{0x1b, 0x1f, 0x27}, Colour{0x24, 0x2a, 0x34}}
)

// What stands on an accent.
var (
	white = Colour{0xff, 0xff, 0xff}
	ink   = Colour{0x0b, 0x0d, 0x12}
	black = Colour{}
)

// Colour is an sRGB colour.
type Colour [3]uint8

var (
	accentForm = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)
	logoForm   = regexp.MustCompile(`^(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+$`)
)

// ParseColour reads a colour of the form #rrggbb; anything else is ErrBadInput.
func ParseColour(text string) (Colour, error) {
	if !accentForm.MatchString(text) {
		return Colour{}, ErrBadInput.Saying("a colour is written like #0a5fd8")
	}
	var out Colour
	_, _ = hex.Decode(out[:], []byte(text[1:]))
	return out, nil
}

// String is the colour as CSS has it.
func (c Colour) String() string { return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2]) }

// ReadableAccent is the accent as it is stored: corrected until a button of it stands
// out from the light card. For the dark one, and for text, pages correct it further.
func ReadableAccent(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	c, err := ParseColour(text)
	if err != nil {
		return "", err
	}
	return Readable(c, LightSurface.Card, ShapeContrast).String(), nil
}

// ValidLogoPath tells whether s names a file of our own origin: a path, without a query.
func ValidLogoPath(s string) bool { return len(s) <= 200 && logoForm.MatchString(s) }

// TextOn is the first of white, ink and black that can be read; where white can not, black always can.
func TextOn(background Colour) Colour {
	for _, text := range []Colour{white, ink} {
		if Contrast(text, background) >= TextContrast {
			return text
		}
	}
	return black
}

// Readable moves a colour away from its background until the contrast is reached.
func Readable(c, background Colour, wanted float64) Colour {
	target := black
	if luminance(background) < 0.18 {
		target = white
	}
	const steps = 100
	for i := range steps {
		if mixed := mix(c, target, float64(i)/steps); Contrast(mixed, background) >= wanted {
			return mixed
		}
	}
	return target
}

func mix(a, b Colour, share float64) Colour {
	var out Colour
	for i := range out {
		out[i] = uint8(math.Round(float64(a[i])*(1-share) + float64(b[i])*share))
	}
	return out
}

// Contrast is the contrast ratio of WCAG 2.2, from 1 to 21.
func Contrast(a, b Colour) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(c Colour) float64 {
	return 0.2126*linear(c[0]) + 0.7152*linear(c[1]) + 0.0722*linear(c[2])
}

func linear(v uint8) float64 {
	s := float64(v) / 255
	if s <= 0.04045 {
		return s / 12.92
	}
	return math.Pow((s+0.055)/1.055, 2.4)
}
