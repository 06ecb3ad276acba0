package loginui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
)

//go:embed assets/*
var assetFiles embed.FS

const (
	assetsPath = "/assets/"
	hashDigits = 12
)

var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// asset is one file under the name that its content gives it.
type asset struct {
	contentType string
	plain       []byte
	gzipped     []byte
	etag        string
}

// assets finds files by their own name and by the name with the hash.
type assets struct {
	hashed map[string]string
	served map[string]*asset
}

func newAssets() (*assets, error) {
	files, err := assetFiles.ReadDir("assets")
	if err != nil {
		return nil, fmt.Errorf("list assets: %w", err)
	}
	out := &assets{hashed: map[string]string{}, served: map[string]*asset{}}
	for _, f := range files {
		data, err := assetFiles.ReadFile("assets/" + f.Name())
		if err != nil {
			return nil, fmt.Errorf("read asset: %w", err)
		}
		a, err := newAsset(f.Name(), data)
		if err != nil {
			return nil, err
		}
		ext := path.Ext(f.Name())
		name := strings.TrimSuffix(f.Name(), ext) + "." + contentHash(data) + ext
		out.hashed[f.Name()] = name
		out.served[name] = a
	}
	return out, nil
}

func newAsset(name string, data []byte) (*asset, error) {
	contentType := contentTypes[path.Ext(name)]
	if contentType == "" {
		return nil, fmt.Errorf("asset %s: no content type for its extension", name)
	}
	var zipped bytes.Buffer
	z, err := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
	if err != nil {
		return nil, fmt.Errorf("compress asset: %w", err)
	}
	if _, err := z.Write(data); err != nil {
		return nil, fmt.Errorf("compress asset: %w", err)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("compress asset: %w", err)
	}
	return &asset{contentType: contentType, plain: data, gzipped: zipped.Bytes(), etag: `"` + contentHash(data) + `"`}, nil
}

func contentHash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])[:hashDigits]
}

// path is where a file is served, below the tenant's prefix.
func (a *assets) path(name string) string { return assetsPath + a.hashed[name] }

// getAsset serves a file or a tenant's colours. A name never changes its content,
// so it is cached for ever; nothing in it is secret.
func (p *Pages) getAsset(c *gin.Context) error {
	name := c.Param("name")
	a := p.assets.served[name]
	if a == nil {
		css, ok := themeCSS(name)
		if !ok {
			return lanyard.ErrNotFound
		}
		a = &asset{contentType: contentTypes[".css"], plain: css, etag: `"` + contentHash(css) + `"`}
	}
	a.serve(c)
	return nil
}

func (a *asset) serve(c *gin.Context) {
	h, body := c.Writer.Header(), a.plain
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Content-Type", a.contentType)
	h.Set("ETag", a.etag)
	h.Set("Vary", "Accept-Encoding")
	if matchesETag(c.Request.Header.Get("If-None-Match"), a.etag) {
		c.Writer.WriteHeader(http.StatusNotModified)
		return
	}
	if a.gzipped != nil && strings.Contains(c.Request.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = a.gzipped
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	c.Writer.WriteHeader(http.StatusOK)
	if c.Request.Method != http.MethodHead {
		_, _ = c.Writer.Write(body) // the reader may have gone
	}
}

// matchesETag compares weakly (RFC 9110 §13.1.2): proxies that compress mark tags as weak.
func matchesETag(header, etag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		if candidate = strings.TrimSpace(candidate); candidate == "*" || strings.TrimPrefix(candidate, "W/") == etag {
			return true
		}
	}
	return false
}
