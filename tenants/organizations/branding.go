package organizations

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"image"
	"image/color"
	"image/draw"
	_ "image/jpeg" // read by image.Decode
	"image/png"
	"time"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/storage"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

const (
	// MaxLogo bounds the file of a logo, in bytes.
	MaxLogo = 256 << 10
	// maxLogoPixels bounds width and height of what is decoded, logoSize of what is kept.
	maxLogoPixels = 1024
	logoSize      = 512
)

// Brand changes how the organization's pages look, and returns it as it is stored: the
// accent is corrected until it can be seen. A logo stays as it is or is taken away with
// an empty URL; new ones come by SetLogo. It needs organization:update.
func (o *Organizations) Brand(ctx context.Context, s Seat, b lanyard.Branding, now time.Time) (lanyard.Branding, error) {
	accent, err := lanyard.ReadableAccent(b.Accent)
	if err != nil {
		return lanyard.Branding{}, err
	}
	var stored lanyard.Branding
	err = o.inside(ctx, s, lanyard.MayUpdateOrganization, func(tx storage.Scope, s Seat) error {
		before, after := s.Organization, s.Organization
		after.Branding = lanyard.Branding{Accent: accent, LogoURL: b.LogoURL, LogoDarkURL: b.LogoDarkURL}
		for _, logo := range []struct {
			was, is string
			dark    bool
		}{{before.Branding.LogoURL, b.LogoURL, false}, {before.Branding.LogoDarkURL, b.LogoDarkURL, true}} {
			if logo.is != "" && logo.is != logo.was {
				return lanyard.ErrBadInput.Saying("a logo is a file that is uploaded")
			}
			if logo.is == "" && logo.was != "" {
				if err := tx.DeleteOrganizationLogo(ctx, s.Organization.ID, logo.dark); err != nil {
					return err
				}
			}
		}
		stored = after.Branding
		return rebrand(ctx, tx, s, after, now)
	})
	return stored, err
}

func rebrand(ctx context.Context, tx storage.Scope, s Seat, after lanyard.Organization, now time.Time) error {
	detail := Differences(s.Organization, after)
	if len(detail) == 0 {
		return nil
	}
	if err := tx.UpdateOrganization(ctx, after); err != nil {
		return err
	}
	return tx.InsertEvent(ctx, s.event(lanyard.EventOrganizationUpdated, now, detail))
}

// SetLogo stores the logo for light or dark pages. It takes a PNG or JPEG file of at
// most 256 KiB and 1024×1024 pixels, and keeps what it shows as a PNG of its own of at
// most 512×512: nothing else of the file is ever served. Anything else is
// lanyard.ErrBadInput. It needs organization:update.
func (o *Organizations) SetLogo(ctx context.Context, s Seat, dark bool, content []byte, now time.Time) error {
	if !s.May(lanyard.MayUpdateOrganization) { // before any work
		return lanyard.ErrNotAllowed
	}
	picture, err := drawLogo(content)
	if err != nil {
		return err
	}
	return o.inside(ctx, s, lanyard.MayUpdateOrganization, func(tx storage.Scope, s Seat) error {
		if err := tx.PutOrganizationLogo(ctx, s.Organization.ID, dark, picture); err != nil {
			return err
		}
		after, url := s.Organization, logoURL(s.Organization.ID, picture)
		if dark {
			after.Branding.LogoDarkURL = url
		} else {
			after.Branding.LogoURL = url
		}
		return rebrand(ctx, tx, s, after, now)
	})
}

// Logo is the logo of an open organization as PNG; lanyard.ErrNotFound if there is none.
func (o *Organizations) Logo(ctx context.Context, t accounts.Tenancy, id lanyard.OrganizationID, dark bool) ([]byte, error) {
	return t.Scope.OrganizationLogo(ctx, id, dark)
}

// logoURL is where the pages find a logo: it changes with the content.
func logoURL(id lanyard.OrganizationID, content []byte) string {
	sum := sha256.Sum256(content)
	return "/org-logo/" + string(id) + "/" + hex.EncodeToString(sum[:6]) + ".png"
}

var errLogo = lanyard.ErrBadInput.Saying("a logo is a PNG or JPEG file of at most 256 KiB and 1024×1024 pixels")

// drawLogo reads a file that a stranger made, and writes what it shows anew.
func drawLogo(content []byte) ([]byte, error) {
	if len(content) == 0 || len(content) > MaxLogo {
		return nil, errLogo
	}
	header, format, err := image.DecodeConfig(bytes.NewReader(content))
	if err != nil || (format != "png" && format != "jpeg") ||
		header.Width < 1 || header.Height < 1 || header.Width > maxLogoPixels || header.Height > maxLogoPixels {
		return nil, errLogo
	}
	picture, again, err := image.Decode(bytes.NewReader(content))
	if err != nil || again != format || picture.Bounds().Dx() > maxLogoPixels || picture.Bounds().Dy() > maxLogoPixels {
		return nil, errLogo
	}
	var out bytes.Buffer
	if err := png.Encode(&out, fit(picture)); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// fit makes a picture small enough: each pixel is the mean of those that it stands for.
func fit(picture image.Image) image.Image {
	from := image.NewRGBA(image.Rect(0, 0, picture.Bounds().Dx(), picture.Bounds().Dy()))
	draw.Draw(from, from.Bounds(), picture, picture.Bounds().Min, draw.Src)
	width, height := from.Rect.Dx(), from.Rect.Dy()
	larger := max(width, height)
	if larger <= logoSize {
		return from
	}
	to := image.NewRGBA(image.Rect(0, 0, max(1, width*logoSize/larger), max(1, height*logoSize/larger)))
	for y := range to.Rect.Dy() {
		for x := range to.Rect.Dx() {
			to.SetRGBA(x, y, mean(from, image.Rect(
				x*width/to.Rect.Dx(), y*height/to.Rect.Dy(), (x+1)*width/to.Rect.Dx(), (y+1)*height/to.Rect.Dy())))
		}
	}
	return to
}

func mean(of *image.RGBA, area image.Rectangle) color.RGBA {
	var sums [4]int
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			for i, v := range of.Pix[of.PixOffset(x, y):][:4] {
				sums[i] += int(v)
			}
		}
	}
	n := area.Dx() * area.Dy()
	return color.RGBA{uint8(sums[0] / n), uint8(sums[1] / n), uint8(sums[2] / n), uint8(sums[3] / n)} //nolint:gosec // the mean of bytes
}
