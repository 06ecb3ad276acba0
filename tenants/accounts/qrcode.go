package accounts

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// quiet is the light margin around a QR code, in modules (ISO/IEC 18004 §9.1).
const quiet = 4

// qrModule is the side of a module of the PNG, in pixels.
const qrModule = 6

// pattern is a QR code with its margin: true is dark.
type pattern [][]bool

func qrPattern(text string) (pattern, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return nil, fmt.Errorf("draw a QR code: %w", err)
	}
	bounds := code.Bounds()
	out := make(pattern, bounds.Dy()+2*quiet)
	for y := range out {
		out[y] = make([]bool, bounds.Dx()+2*quiet)
	}
	for y := range bounds.Dy() {
		for x := range bounds.Dx() {
			gray, _ := color.GrayModel.Convert(code.At(bounds.Min.X+x, bounds.Min.Y+y)).(color.Gray)
			out[y+quiet][x+quiet] = gray.Y < 128
		}
	}
	return out, nil
}

// svg draws the pattern as one path, without styles.
func (p pattern) svg() string {
	var path strings.Builder
	for y, row := range p {
		for x := 0; x < len(row); x++ {
			from := x
			for x < len(row) && row[x] {
				x++
			}
			if x > from {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", from, y, x-from, x-from)
			}
		}
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]d %[1]d" width="240" height="240" shape-rendering="crispEdges">`+
		`<rect width="%[1]d" height="%[1]d" fill="#fff"/><path fill="#000" d="%[2]s"/></svg>`, len(p), path.String())
}

// png draws the pattern in black and white.
func (p pattern) png() []byte {
	side := len(p) * qrModule
	img := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for y := range side {
		for x := range side {
			if p[y/qrModule][x/qrModule] {
				img.SetColorIndex(x, y, 1)
			}
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		panic(fmt.Sprintf("accounts: a picture in memory does not encode: %v", err))
	}
	return out.Bytes()
}
