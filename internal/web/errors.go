package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
)

// statusOfKind translates kinds; statusOfCode is for the codes that have a status of their own.
var (
	statusOfKind = map[lanyard.Kind]int{
		lanyard.Internal:        http.StatusInternalServerError,
		lanyard.Invalid:         http.StatusBadRequest,
		lanyard.NotFound:        http.StatusNotFound,
		lanyard.Conflict:        http.StatusConflict,
		lanyard.Denied:          http.StatusForbidden,
		lanyard.Unauthenticated: http.StatusUnauthorized,
		lanyard.Throttled:       http.StatusTooManyRequests,
		lanyard.Unavailable:     http.StatusServiceUnavailable,
	}
	statusOfCode = map[string]int{
		ErrMethod.Code:   http.StatusMethodNotAllowed,
		ErrTooLarge.Code: http.StatusRequestEntityTooLarge,
		ErrMedia.Code:    http.StatusUnsupportedMediaType,
	}
)

var errInternal = &lanyard.Error{Kind: lanyard.Internal, Code: "server_error", Message: "something went wrong on our side"}

// StatusGone is logged for a client that hung up before it was answered.
const StatusGone = 499

// Public is the part of an error that may be shown: the catalogue's error in the
// chain, or server_error for anything else.
func Public(err error) *lanyard.Error {
	var e *lanyard.Error
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &e) && e.Kind != lanyard.Internal:
		return e
	case errors.As(err, &tooLarge):
		return ErrTooLarge
	case errors.Is(err, context.DeadlineExceeded):
		return lanyard.ErrUnavailable
	default:
		return errInternal
	}
}

// StatusOf is the HTTP status of an error of the catalogue.
func StatusOf(e *lanyard.Error) int {
	if status, found := statusOfCode[e.Code]; found {
		return status
	}
	return statusOfKind[e.Kind]
}

// RetryAfter sets the header from the time that the error asks to wait, in whole
// seconds rounded up. Throttled and unavailable always carry it.
func RetryAfter(h http.Header, e *lanyard.Error) {
	if e.Kind != lanyard.Throttled && e.Kind != lanyard.Unavailable && e.RetryAfter <= 0 {
		return
	}
	seconds := int64((e.RetryAfter + time.Second - 1) / time.Second)
	h.Set("Retry-After", strconv.FormatInt(max(1, seconds), 10))
}

// WriteError answers with an error and notes it for the request's log line.
// Nothing is written when the answer has begun or the client has gone.
func WriteError(c *gin.Context, err error) {
	e := Public(err)
	note(c, e, err)
	if c.Writer.Written() {
		return
	}
	if errors.Is(err, context.Canceled) && c.Request.Context().Err() != nil {
		c.Status(StatusGone)
		return
	}
	RetryAfter(c.Writer.Header(), e)
	renderError(c, StatusOf(e), e)
}

// JSONError writes an error for programs, in the form of RFC 6749 §5.2 with the request id.
func JSONError(c *gin.Context, status int, e *lanyard.Error, requestID string) {
	body, _ := json.Marshal(struct {
		Error       string `json:"error"`
		Description string `json:"error_description,omitempty"`
		RequestID   string `json:"request_id,omitempty"`
	}{e.Code, e.Message, requestID}) // three strings always marshal
	h := c.Writer.Header()
	h.Set("Content-Type", "application/json")
	NoStore(h)
	c.Writer.WriteHeader(status)
	_, _ = c.Writer.Write(append(body, '\n'))
}

// WantsPage tells whether the answer is for people: by the route, or where there
// is none by what the caller accepts.
func WantsPage(c *gin.Context) bool {
	if x := exchangeOf(c); x != nil && x.route.Kind != "" {
		return x.route.Kind == Page
	}
	return strings.Contains(c.Request.Header.Get("Accept"), "text/html")
}

// ErrorRenderer writes the answer to an error, as Options.RenderError.
type ErrorRenderer func(c *gin.Context, status int, e *lanyard.Error, requestID string)

// PathErrors is how errors look at some paths, below the tenant's prefix.
type PathErrors struct {
	Serves func(path string) bool
	Render ErrorRenderer
}

// RenderByPath writes errors as the first of those does that serves the path, else as the usual one.
func RenderByPath(usual ErrorRenderer, special ...PathErrors) ErrorRenderer {
	return func(c *gin.Context, status int, e *lanyard.Error, requestID string) {
		for _, s := range special {
			if s.Serves(c.Request.URL.Path) {
				s.Render(c, status, e, requestID)
				return
			}
		}
		usual(c, status, e, requestID)
	}
}
