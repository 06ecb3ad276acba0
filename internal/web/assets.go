package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
)

const hashDigits = 12

// assetTypes are the kinds of files that pages need.
var assetTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// Asset is one file under the name that its content gives it.
type Asset struct {
	contentType string
	plain       []byte
	gzipped     []byte
	etag        string
}

// Assets finds embedded files by their own name and by the name with the hash.
type Assets struct {
	base   string
	hashed map[string]string
	served map[string]*Asset
}

// NewAssets reads the files of a folder, without those below it. Base is the path
// below the issuer where they are served, with a slash at its end.
func NewAssets(files fs.FS, folder, base string) (*Assets, error) {
	entries, err := fs.ReadDir(files, folder)
	if err != nil {
		return nil, fmt.Errorf("list assets: %w", err)
	}
	out := &Assets{base: base, hashed: map[string]string{}, served: map[string]*Asset{}}
	for _, f := range entries {
		ext := path.Ext(f.Name())
		if f.IsDir() || ext == ".txt" { // licences
			continue
		}
		data, err := fs.ReadFile(files, path.Join(folder, f.Name()))
		if err != nil {
			return nil, fmt.Errorf("read asset: %w", err)
		}
		a, err := newAsset(f.Name(), data)
		if err != nil {
			return nil, err
		}
		name := strings.TrimSuffix(f.Name(), ext) + "." + ContentHash(data) + ext
		out.hashed[f.Name()] = name
		out.served[name] = a
	}
	return out, nil
}

func newAsset(name string, data []byte) (*Asset, error) {
	contentType := assetTypes[path.Ext(name)]
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
	return &Asset{contentType: contentType, plain: data, gzipped: zipped.Bytes(), etag: `"` + ContentHash(data) + `"`}, nil
}

// Stylesheet is one that is made when it is asked for.
func Stylesheet(css []byte) *Asset {
	return &Asset{contentType: assetTypes[".css"], plain: css, etag: `"` + ContentHash(css) + `"`}
}

// ContentHash is the part of a file's name that changes with its content.
func ContentHash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])[:hashDigits]
}

// Path is where a file is served, below the tenant's prefix.
func (a *Assets) Path(name string) string { return a.base + a.hashed[name] }

// Find is the file of a name with the hash; nil if there is none.
func (a *Assets) Find(name string) *Asset { return a.served[name] }

// Serve answers with the file. A name never changes its content, so it is cached for
// ever; nothing in it is secret.
func (a *Asset) Serve(c *gin.Context) {
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
