package adminapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"

	"github.com/lanyard-id/lanyard"
	"github.com/lanyard-id/lanyard/internal/web"
)

// Problem is the answer to a request that failed (RFC 9457). It never repeats what was sent.
type Problem struct {
	// Type is a URI of the code; Code is stable, and what programs look at.
	Type      string  `json:"type"`
	Title     string  `json:"title"`
	Status    int     `json:"status"`
	Code      string  `json:"code"`
	Detail    string  `json:"detail,omitempty"`
	RequestID string  `json:"request_id,omitempty"`
	Errors    []Fault `json:"errors,omitempty"`
}

// Fault is one thing that is wrong with a body or a parameter.
type Fault struct {
	// Location says where: body.redirect_uris[0], query.limit.
	Location string `json:"location,omitempty"`
	Message  string `json:"message"`
}

// Error implements error.
func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return mediaProblem }

const (
	mediaProblem = "application/problem+json"
	problemTypes = "urn:lanyard:problem:"
	codeInvalid  = "invalid"
)

// faults is a body that is not valid in more than one way.
type faults []Fault

// Error implements error.
func (f faults) Error() string { return codeInvalid }

func invalid(errs []error) error {
	var out faults
	for _, err := range errs {
		out = append(out, faultOf(err))
	}
	return out
}

// faultOf drops the value from what the library says of it.
func faultOf(err error) Fault {
	var ours *lanyard.Error
	if errors.As(err, &ours) {
		return Fault{Message: ours.Message}
	}
	var detailer huma.ErrorDetailer
	if !errors.As(err, &detailer) {
		return Fault{Message: "it can not be read"}
	}
	d := detailer.ErrorDetail()
	message := strings.TrimPrefix(d.Message, lanyard.ErrBadInput.Code+": ")
	if text, isText := d.Value.(string); isText && text != "" {
		message = strings.ReplaceAll(message, text, "…")
	}
	return Fault{Location: d.Location, Message: message}
}

// newProblem makes the library's own errors ours.
func newProblem(ctx huma.Context, status int, message string, errs ...error) huma.StatusError {
	p := problem(status, codeOf(status), message)
	p.RequestID = web.RequestID(ctx.Context())
	web.Note(humagin.Unwrap(ctx), &lanyard.Error{Kind: lanyard.Invalid, Code: p.Code})
	for _, err := range errs {
		if err != nil {
			p.Errors = append(p.Errors, faultOf(err))
		}
	}
	return p
}

// codeOf is the code of a fault that the library found.
func codeOf(status int) string {
	switch status {
	case http.StatusUnprocessableEntity:
		return codeInvalid
	case http.StatusBadRequest:
		return lanyard.ErrBadInput.Code
	case http.StatusUnsupportedMediaType:
		return web.ErrMedia.Code
	case http.StatusRequestEntityTooLarge:
		return web.ErrTooLarge.Code
	}
	return "server_error"
}

func problem(status int, code, detail string) *Problem {
	return &Problem{Type: problemTypes + code, Title: http.StatusText(status), Status: status, Code: code, Detail: detail}
}

// problemOf translates an error of a deed.
func problemOf(g *gin.Context, err error) *Problem {
	var p *Problem
	var several faults
	switch {
	case errors.As(err, &several):
		p = problem(http.StatusUnprocessableEntity, codeInvalid, "the result would not be valid")
		p.Errors = several
	default:
		e := web.Public(err)
		status := web.StatusOf(e)
		if e.Code == lanyard.ErrStale.Code {
			status = http.StatusPreconditionFailed
		}
		p = problem(status, e.Code, e.Message)
		web.RetryAfter(g.Writer.Header(), e)
		challenge(g, e)
	}
	p.RequestID = web.RequestID(g.Request.Context())
	return p
}

// challenge says what kind of token is needed (RFC 6750 §3).
func challenge(g *gin.Context, e *lanyard.Error) {
	switch {
	case e.Code == errNoToken.Code:
		g.Writer.Header().Set("WWW-Authenticate", "Bearer")
	case e.Kind == lanyard.Unauthenticated || e.Code == lanyard.ErrInsufficientScope.Code:
		g.Writer.Header().Set("WWW-Authenticate", `Bearer error="`+e.Code+`"`)
	}
}

// writeProblem answers a request that no operation saw.
func writeProblem(g *gin.Context, err error) error {
	web.Note(g, err)
	RenderError(g, 0, web.Public(err), "")
	return nil
}

// RenderError writes an error of the engine below the API's path; the status is that of the problem.
func RenderError(g *gin.Context, _ int, e *lanyard.Error, _ string) {
	p := problemOf(g, e)
	body, _ := json.Marshal(p) // strings and numbers always marshal
	h := g.Writer.Header()
	h.Set("Content-Type", mediaProblem)
	web.NoStore(h)
	g.Writer.WriteHeader(p.Status)
	_, _ = g.Writer.Write(append(body, '\n'))
}

// Serves tells whether the path, below the tenant's prefix, is one of the API.
func Serves(path string) bool {
	return path == lanyard.PathManagement || strings.HasPrefix(path, lanyard.PathManagement+"/")
}
