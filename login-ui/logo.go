package loginui

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
	"github.com/lanyard-id/lanyard/tenants/accounts"
)

// logoDeeds give the logos of organizations out.
type logoDeeds interface {
	Logo(ctx context.Context, t accounts.Tenancy, id lanyard.OrganizationID, dark bool) ([]byte, error)
}

const pathLogo = "/org-logo/"

var (
	logoForm     = regexp.MustCompile(`^/org-logo/org_[0-9a-z]{26}/[0-9a-f]{12}\.png$`)
	logoFileForm = regexp.MustCompile(`^[0-9a-f]{12}\.png$`)
)

// ownLogo is the path of a logo that we serve ourselves; empty for any other address.
func ownLogo(path string) string {
	if !logoForm.MatchString(path) {
		return ""
	}
	return path
}

// logoRoute serves logos. They are for everybody: a sign-in shows them before
// anybody is known.
func (p *Pages) logoRoute() web.Route {
	return web.Route{
		Method: "GET", Path: pathLogo + ":id/:file", Kind: web.File, Access: web.Anyone, CSRF: web.CSRFExempt("files change nothing"),
		CORS: web.CORSNone, Head: true, Handler: p.getLogo,
	}
}

// getLogo serves a logo under the name that its content gives it, which is cached
// for ever. A name that fits no content is not found, whosever it is.
func (p *Pages) getLogo(c *gin.Context) error {
	id, file := lanyard.OrganizationID(c.Param("id")), c.Param("file")
	if len(id) > maxID || !logoFileForm.MatchString(file) {
		return lanyard.ErrNotFound
	}
	for _, dark := range []bool{false, true} {
		content, err := p.Organizations.Logo(c.Request.Context(), live(c).Tenancy(), id, dark)
		if errors.Is(err, lanyard.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		if strings.HasPrefix(hex.EncodeToString(sum[:]), strings.TrimSuffix(file, ".png")) {
			sendLogo(c, content)
			return nil
		}
	}
	return lanyard.ErrNotFound
}

func sendLogo(c *gin.Context, content []byte) {
	h := c.Writer.Header()
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Content-Type", "image/png")
	h.Set("Content-Length", strconv.Itoa(len(content)))
	c.Writer.WriteHeader(http.StatusOK)
	if c.Request.Method != http.MethodHead {
		_, _ = c.Writer.Write(content) // the reader may have gone
	}
}

// paint gives a page the colours and the logo of a branding, where it has them.
func (f *frame) paint(b lanyard.Branding) {
	if accentForm.MatchString(b.Accent) {
		f.accent = b.Accent
	}
	if logo := ownLogo(b.LogoURL); logo != "" {
		f.logo, f.logoDark = logo, ownLogo(b.LogoDarkURL)
	}
}

// Logo is the address of the logo that stands for the initial; empty without one.
func (f *frame) Logo() string { return f.own(f.logo) }

// LogoDark is that on a dark background; empty where it is the same.
func (f *frame) LogoDark() string { return f.own(f.logoDark) }

func (f *frame) own(path string) string {
	if path == "" {
		return ""
	}
	return f.Site.Path(path)
}
