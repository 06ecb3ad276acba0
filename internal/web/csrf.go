package web

import (
	"net/http"

	"github.com/lanyard-id/lanyard"
)

// checkOrigin refuses a request that changes something and was not sent from our
// own pages: by Sec-Fetch-Site, else by Origin (net/http CrossOriginProtection).
// An Origin header must name the issuer's origin, scheme and port included.
func checkOrigin(guard *http.CrossOriginProtection, r *http.Request) error {
	if err := guard.Check(r); err != nil {
		return lanyard.ErrForgedForm
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil
	}
	own, origin := SiteOf(r.Context()).Origin(), r.Header.Get("Origin")
	if own != "" && origin != "" && origin != "null" && origin != own {
		return lanyard.ErrForgedForm
	}
	return nil
}
