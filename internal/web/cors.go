package web

import (
	"net/http"
	"strings"
)

// corsHeaders are the request headers that a script of another origin may set.
const corsHeaders = "Authorization, Content-Type, DPoP"

// corsExposed are the answer headers that such a script may read.
const corsExposed = "WWW-Authenticate, DPoP-Nonce, Retry-After, " + RequestIDHeader

// allowOrigin sets the CORS headers of an answer and reports whether the asking
// origin may read it. Credentials are never allowed.
func (e *engine) allowOrigin(h http.Header, r *http.Request, mode CORSMode) bool {
	origin := r.Header.Get("Origin")
	switch mode {
	case CORSPublic:
		h.Set("Access-Control-Allow-Origin", "*")
	case CORSRegistered:
		h.Add("Vary", "Origin")
		if origin == "" || origin == "null" || !e.RegisteredOrigin(r.Context(), origin) {
			return false
		}
		h.Set("Access-Control-Allow-Origin", origin)
	default:
		return false
	}
	h.Set("Access-Control-Expose-Headers", corsExposed)
	return true
}

// preflight answers the question that browsers ask before a cross-origin call.
func (e *engine) preflight(h http.Header, r *http.Request, mode CORSMode, methods []string) {
	if !e.allowOrigin(h, r, mode) {
		return
	}
	h.Del("Access-Control-Expose-Headers")
	h.Set("Access-Control-Allow-Methods", strings.Join(methods, ", "))
	h.Set("Access-Control-Allow-Headers", corsHeaders)
	h.Set("Access-Control-Max-Age", "600")
}
