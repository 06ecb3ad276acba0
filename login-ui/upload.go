package loginui

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
)

const (
	// fileField is the field of a form that brings a file.
	fileField = "file"
	// maxUploadFields bounds what such a form says besides, in bytes.
	maxUploadFields = 96 << 10
	// maxUploadParts bounds how many fields it has.
	maxUploadParts = 64
)

// errLargeFile is a file that is larger than the form takes.
var errLargeFile = &lanyard.Error{Kind: lanyard.Invalid, Code: "large_file", Message: "the file is too large"}

// uploaded reads a form that may bring a file of at most so many bytes, as
// multipart/form-data. Each field is given at most once, and nothing touches a disk.
// The file's content, which need not be text, is the value of fileField; its name is
// not looked at.
func uploaded(c *gin.Context, most int64) (url.Values, error) {
	media, _, err := mime.ParseMediaType(c.GetHeader("Content-Type"))
	if err != nil || media != "multipart/form-data" {
		return singleFields(c)
	}
	reader, err := c.Request.MultipartReader()
	if err != nil {
		return nil, badUpload(err)
	}
	out := url.Values{}
	for range maxUploadParts {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			c.Request.PostForm = withoutFile(out)
			return out, nil
		}
		if err != nil {
			return nil, badUpload(err)
		}
		if err := readPart(out, part.FormName(), part, most); err != nil {
			return nil, err
		}
	}
	return nil, lanyard.ErrBadInput.Saying("the form has too many fields")
}

func readPart(out url.Values, name string, content io.Reader, most int64) error {
	limit := int64(maxUploadFields)
	if name == fileField {
		limit = most
	}
	data, err := io.ReadAll(io.LimitReader(content, limit+1))
	switch {
	case err != nil:
		return badUpload(err)
	case int64(len(data)) > limit && name == fileField:
		return errLargeFile
	case int64(len(data)) > limit:
		return web.ErrTooLarge
	case out.Has(name):
		return lanyard.ErrBadInput.Saying("a field of the form is repeated")
	case !validText(name) || name != fileField && !validText(string(data)):
		return lanyard.ErrBadInput.Saying("a parameter is not valid text")
	}
	out.Set(name, string(data))
	return nil
}

func validText(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

// withoutFile is what a page shows again of a form.
func withoutFile(values url.Values) url.Values {
	out := url.Values{}
	for name, list := range values {
		if name != fileField {
			out[name] = list
		}
	}
	return out
}

func badUpload(err error) error {
	if web.Public(err).Code == web.ErrTooLarge.Code {
		return web.ErrTooLarge
	}
	return fmt.Errorf("read a form with a file: %w", lanyard.ErrBadInput.Saying("the form is malformed"))
}
