package web

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/lanyard-id/lanyard"
)

// Failures of HTTP itself.
var (
	ErrMethod   = &lanyard.Error{Kind: lanyard.Invalid, Code: "method_not_allowed", Message: "the method is not allowed here"}
	ErrTooLarge = &lanyard.Error{Kind: lanyard.Invalid, Code: "too_large", Message: "the request is too large"}
	ErrMedia    = &lanyard.Error{Kind: lanyard.Invalid, Code: "unsupported_media_type", Message: "the content type or encoding is not supported"}
)

// checkPath refuses every path that could be read in two ways: percent signs in
// front of what needs none, empty and dot segments, backslashes.
func checkPath(u *url.URL) error {
	p := u.Path
	if strings.ContainsRune(p, 0) || !utf8.ValidString(p) {
		return lanyard.ErrBadInput.Saying("the path is not valid text")
	}
	odd := u.RawPath != "" || !strings.HasPrefix(p, "/") || strings.ContainsRune(p, '\\') ||
		strings.Contains(p, "//") || strings.Contains(p+"/", "/./") || strings.Contains(p+"/", "/../")
	if odd {
		return lanyard.ErrNotFound
	}
	return nil
}

// checkQuery refuses a query that does not parse or is not text. A semicolon is
// data, as browsers have it, and is made so for whoever parses the query again.
func checkQuery(u *url.URL) error {
	u.RawQuery = strings.ReplaceAll(u.RawQuery, ";", "%3B")
	if u.RawQuery == "" {
		return nil
	}
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return lanyard.ErrBadInput.Saying("the query is malformed")
	}
	return checkText(values)
}

func checkText(values url.Values) error {
	for name, list := range values {
		for _, text := range append(list, name) {
			if strings.ContainsRune(text, 0) || !utf8.ValidString(text) {
				return lanyard.ErrBadInput.Saying("a parameter is not valid text")
			}
		}
	}
	return nil
}

// checkEncoding refuses compressed requests: nothing that we accept is large.
func checkEncoding(r *http.Request) error {
	for _, v := range r.Header.Values("Content-Encoding") {
		if v != "" && !strings.EqualFold(v, "identity") {
			return ErrMedia
		}
	}
	return nil
}

// PostForm is the body of a form: application/x-www-form-urlencoded, within the
// route's limit, valid text. Parameters of the query are not part of it.
func PostForm(r *http.Request) (url.Values, error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return nil, ErrMedia
	}
	if err := r.ParseForm(); err != nil {
		return nil, bodyFault(err)
	}
	if err := checkText(r.PostForm); err != nil {
		return nil, err
	}
	return r.PostForm, nil
}

func bodyFault(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return ErrTooLarge
	}
	return fmt.Errorf("read form: %w", lanyard.ErrBadInput.Saying("the form is malformed"))
}
