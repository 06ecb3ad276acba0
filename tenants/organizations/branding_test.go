package organizations_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"runtime"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/tenants/organizations"
)

// pngOf is a picture of one colour.
func pngOf(width, height int) []byte {
	var out bytes.Buffer
	_ = png.Encode(&out, plain(width, height))
	return out.Bytes()
}

func plain(width, height int) image.Image {
	picture := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := range picture.Pix {
		picture.Pix[i] = []uint8{200, 100, 50, 255}[i%4]
	}
	return picture
}

func jpegOf(width, height int) []byte {
	var out bytes.Buffer
	_ = jpeg.Encode(&out, plain(width, height), nil)
	return out.Bytes()
}

// withComment puts a text chunk before the end of a PNG.
func withComment(picture []byte, text string) []byte {
	end := len(picture) - 12
	chunk := append([]byte{0, 0, 0, byte(len(text))}, "tEXt"+text...)
	sum := crcOf(chunk[4:])
	chunk = append(chunk, byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum))
	return append(append(bytes.Clone(picture[:end]), chunk...), picture[end:]...)
}

func TestLogosAreDrawnAnew(t *testing.T) {
	inTown(t, func(h *town) {
		ctx, acme := h.Context(), h.organization("acme")
		s := h.seated("olga", acme, lanyard.RoleOwner)
		for name, given := range map[string]struct {
			content       []byte
			width, height int
		}{
			"small png": {pngOf(40, 20), 40, 20}, "jpeg": {jpegOf(64, 64), 64, 64}, "as large as can be": {pngOf(1024, 1024), 512, 512},
			"wide": {pngOf(1000, 10), 512, 5}, "thin": {pngOf(1, 1024), 1, 512}, "with a comment": {withComment(pngOf(9, 9), "x\x00<script>"), 9, 9},
		} {
			h.must(h.SetLogo(ctx, s, false, given.content, h.now))
			stored, err := h.Logo(ctx, h.t, acme.ID, false)
			h.must(err)
			picture, err := png.Decode(bytes.NewReader(stored))
			h.must(err)
			if b := picture.Bounds(); b.Dx() != given.width || b.Dy() != given.height {
				h.Errorf("%s: it is %v", name, b)
			}
			r, g, b, _ := picture.At(0, 0).RGBA()
			if near := func(got uint32, want int) bool { return int(got>>8)-want < 4 && want-int(got>>8) < 4 }; !near(r, 200) || !near(g, 100) || !near(b, 50) {
				h.Errorf("%s: its colour is %v", name, color.RGBA64Model.Convert(picture.At(0, 0)))
			}
			if bytes.Contains(stored, []byte("script")) {
				h.Errorf("%s: what the file said besides is served", name)
			}
			sum := sha256.Sum256(stored)
			if got := h.seat(s.Actor, acme).Organization.Branding.LogoURL; got != "/org-logo/"+string(acme.ID)+"/"+hex.EncodeToString(sum[:])[:12]+".png" || !lanyard.ValidLogoPath(got) {
				h.Errorf("%s: the URL is %s", name, got)
			}
		}
		_, err := h.Logo(ctx, h.t, acme.ID, true)
		h.wants("the dark one", err, lanyard.ErrNotFound)
		h.t = h.tenant("other")
		_, err = h.Logo(ctx, h.t, acme.ID, false)
		h.wants("from another tenant", err, lanyard.ErrNotFound)
	})
}

func TestLogosAreSmallPictures(t *testing.T) {
	var animated, broken bytes.Buffer
	_ = gif.Encode(&animated, plain(8, 8), nil)
	broken.Write(pngOf(200, 200)[:100])
	bomb := bytes.Clone(pngOf(8, 8))
	copy(bomb[16:24], []byte{0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff}) // the header promises more
	fixSum(bomb)
	inTown(t, func(h *town) {
		acme := h.organization("acme")
		s := h.seated("olga", acme, lanyard.RoleOwner)
		for name, content := range map[string][]byte{
			"nothing": nil, "svg": []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), "gif": animated.Bytes(),
			"cut": broken.Bytes(), "html": []byte("<html>"), "too wide": pngOf(1025, 1), "too high": pngOf(1, 1025), "wide jpeg": jpegOf(1025, 2),
			"a bomb": bomb, "too many bytes": append(pngOf(8, 8), make([]byte, organizations.MaxLogo)...),
		} {
			h.wants(name, h.SetLogo(h.Context(), s, true, content, h.now), lanyard.ErrBadInput)
		}
		if got := h.seat(s.Actor, acme).Organization.Branding; got != (lanyard.Branding{}) {
			h.Errorf("the branding is %v", got)
		}
	})
}

// The header of a file is looked at before anything is made of it.
func TestLogoThatPromisesMuchCostsLittle(t *testing.T) {
	inTown(t, func(h *town) {
		s := h.seated("olga", h.organization("acme"), lanyard.RoleOwner)
		bomb := bytes.Clone(pngOf(8, 8))
		copy(bomb[16:24], []byte{0, 0, 0x40, 0, 0, 0, 0x40, 0}) // 16384×16384, a gigabyte
		fixSum(bomb)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		h.wants("a bomb", h.SetLogo(h.Context(), s, false, bomb, h.now), lanyard.ErrBadInput)
		if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > 16<<20 {
			h.Errorf("it cost %d bytes", after.TotalAlloc-before.TotalAlloc)
		}
	})
}

func TestBrandingIsCorrectedAndKeepsUploadedLogos(t *testing.T) {
	inTown(t, func(h *town) {
		ctx, acme := h.Context(), h.organization("acme")
		s := h.seated("olga", acme, lanyard.RoleOwner)
		h.must(h.SetLogo(ctx, s, false, pngOf(8, 8), h.now))
		uploaded := h.seat(s.Actor, acme).Organization.Branding
		for _, foreign := range []string{"https://evil.example/x.png", "//evil.example/x.png", "/logout", "x.png"} {
			_, err := h.Brand(ctx, s, lanyard.Branding{LogoURL: foreign}, h.now)
			h.wants(foreign, err, lanyard.ErrBadInput)
		}
		for _, odd := range []string{"red", "#fff", "#fff;}x{"} {
			_, err := h.Brand(ctx, s, lanyard.Branding{Accent: odd, LogoURL: uploaded.LogoURL}, h.now)
			h.wants(odd, err, lanyard.ErrBadInput)
		}
		got, err := h.Brand(ctx, s, lanyard.Branding{Accent: "#FFFF00", LogoURL: uploaded.LogoURL}, h.now)
		h.must(err)
		c, err := lanyard.ParseColour(got.Accent)
		h.must(err)
		if lanyard.Contrast(c, lanyard.LightSurface.Card) < lanyard.ShapeContrast || got.LogoURL != uploaded.LogoURL || got != h.seat(s.Actor, acme).Organization.Branding {
			h.Errorf("stored: %v", got)
		}
		before := len(h.events(lanyard.EventOrganizationUpdated, acme.ID))
		h.must(first(h.Brand(ctx, s, got, h.now)))
		if after := h.events(lanyard.EventOrganizationUpdated, acme.ID); len(after) != before || !strings.HasPrefix(after[0].Detail["accent_after"], "#") {
			h.Errorf("events: %v", after)
		}
		h.must(first(h.Brand(ctx, s, lanyard.Branding{}, h.now)))
		_, err = h.Logo(ctx, h.t, acme.ID, false)
		h.wants("taken away", err, lanyard.ErrNotFound)
	})
}

func crcOf(b []byte) uint32 { return crc32.ChecksumIEEE(b) }

// fixSum makes the checksum of a PNG's header right again.
func fixSum(picture []byte) {
	sum := crcOf(picture[12:29])
	copy(picture[29:33], []byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})
}
