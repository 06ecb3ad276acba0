package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
)

// Handler answers a request or returns why it can not; the engine renders the error.
type Handler func(*gin.Context) error

// Access says who may call a route.
type Access string

// Who may call a route. Only Development is enforced by the engine (404
// elsewhere); the others are enforced by the handler and tested from the table.
const (
	// Anyone may call it without proof.
	Anyone Access = "anyone"
	// Flow needs the binding cookie of the authorization request that the URL names.
	Flow Access = "flow"
	// Client needs client authentication, or the id of a public client.
	Client Access = "client"
	// Bearer needs an access token.
	Bearer Access = "bearer"
	// Session needs a signed-in person.
	Session Access = "session"
	// OneTime needs a one-time token, such as that of the set-up link.
	OneTime Access = "one-time token"
	// Development exists on a development server only.
	Development Access = "development"
)

// CSRFMode says how a route is guarded against forged forms.
type CSRFMode string

// CSRFSameOrigin refuses requests that change something and come from another
// origin (net/http CrossOriginProtection).
const CSRFSameOrigin CSRFMode = "same origin"

// CSRFExempt leaves a route unguarded, for the reason given: what authorizes the
// call is not something that a browser adds by itself.
func CSRFExempt(reason string) CSRFMode {
	if reason == "" {
		return ""
	}
	return CSRFMode("exempt: " + reason)
}

// CORSMode says which origins may read the answers of a route. Credentials are
// never allowed, an origin is never echoed without being known.
type CORSMode string

// The modes.
const (
	// CORSNone lets no other origin read the answer.
	CORSNone CORSMode = "none"
	// CORSPublic lets every origin read the answer.
	CORSPublic CORSMode = "public"
	// CORSRegistered lets the origins read the answer that Options.RegisteredOrigin knows.
	CORSRegistered CORSMode = "registered"
)

// Kind says what a route answers with, and so how its errors look.
type Kind string

// The kinds of answer.
const (
	// Page is HTML for people.
	Page Kind = "page"
	// Data is JSON or another format for programs.
	Data Kind = "data"
	// File is a static file.
	File Kind = "file"
)

// DefaultMaxBody bounds the body of a route that does not say otherwise, in bytes.
const DefaultMaxBody = 64 << 10

// Route is one line of a route table. Access, Kind, CSRF and CORS have no default.
type Route struct {
	Method string
	// Path is the pattern below the tenant's prefix, in the form of gin.
	Path   string
	Kind   Kind
	Access Access
	CSRF   CSRFMode
	CORS   CORSMode
	// MaxBody bounds the request's body in bytes; zero means DefaultMaxBody.
	MaxBody int64
	// Head answers HEAD as well. Only for a GET that changes nothing.
	Head bool
	// Popup lets an application that opened the page in a window of its own keep
	// talking to that window afterwards, as popup sign-in needs. Other pages are
	// cut off from their opener (Cross-Origin-Opener-Policy).
	Popup   bool
	Handler Handler
}

var routeMethods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// check finds what a route leaves undeclared.
func (r Route) check() error {
	checks := []struct {
		ok   bool
		what string
	}{
		{slices.Contains(routeMethods, r.Method), "method"},
		{strings.HasPrefix(r.Path, "/"), "path"},
		{slices.Contains([]Kind{Page, Data, File}, r.Kind), "kind"},
		{slices.Contains([]Access{Anyone, Flow, Client, Bearer, Session, OneTime, Development}, r.Access), "access"},
		{r.CSRF == CSRFSameOrigin || strings.HasPrefix(string(r.CSRF), "exempt: "), "CSRF mode"},
		{slices.Contains([]CORSMode{CORSNone, CORSPublic, CORSRegistered}, r.CORS), "CORS mode"},
		{r.MaxBody >= 0, "body limit"},
		{!r.Head || r.Method == http.MethodGet, "HEAD beside a method other than GET"},
		{r.Handler != nil, "handler"},
	}
	for _, c := range checks {
		if !c.ok {
			return fmt.Errorf("route %s %s: %s is missing or unknown", r.Method, r.Path, c.what)
		}
	}
	return nil
}

func (r Route) maxBody() int64 {
	if r.MaxBody == 0 {
		return DefaultMaxBody
	}
	return r.MaxBody
}
