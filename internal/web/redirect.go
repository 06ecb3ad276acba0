package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/lanyard-id/lanyard"
)

// Target is a place that may be redirected to. It is made by [Local], [AtIssuer],
// [StartOf] or [Answer.Query] only, so that no text of a request can become one.
type Target struct{ location string }

// Location is the value of the Location header.
func (t Target) Location() string { return t.location }

// Local is a path of the site, with its query.
func Local(s Site, path string, query url.Values) Target {
	return Target{s.Prefix + ownPath(path) + encoded(query)}
}

// AtIssuer is a path of the site as an absolute URL, for a browser that came by another host.
func AtIssuer(s Site, path string, query url.Values) Target {
	return Target{s.Issuer + ownPath(path) + encoded(query)}
}

// StartOf is where somebody begins to use a registered client (lanyard.Client.StartPage);
// a client that has no such place leads to the site's own path.
func StartOf(s Site, client *lanyard.Client, organization lanyard.OrganizationID, otherwise string) Target {
	if start := client.StartPage(s.Issuer, organization); start != "" {
		return Target{start}
	}
	return Local(s, otherwise, nil)
}

// ownPath makes sure that a path can not be read as another host.
func ownPath(path string) string {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n\t?#") {
		return "/"
	}
	return (&url.URL{Path: path}).EscapedPath()
}

func encoded(query url.Values) string {
	if len(query) == 0 {
		return ""
	}
	return "?" + query.Encode()
}

// Answer is what goes to a client: a redirect URI that was checked against the
// client's registration, and the parameters for it.
type Answer struct {
	uri    string
	params url.Values
}

// NewAnswer checks the URI against the registered ones (lanyard.RedirectAllowed);
// it is lanyard.ErrBadRedirect otherwise.
func NewAnswer(registered []string, uri string, params url.Values) (Answer, error) {
	if !lanyard.RedirectAllowed(registered, uri) {
		return Answer{}, lanyard.ErrBadRedirect
	}
	return Answer{uri, params}, nil
}

// URI is the redirect URI without the parameters.
func (a Answer) URI() string { return a.uri }

// Params are the parameters of the answer.
func (a Answer) Params() url.Values { return a.params }

// Origin is the origin of the redirect URI.
func (a Answer) Origin() string { return lanyard.Origin(a.uri) }

// Query is the target that carries the parameters in the query; what the
// registered URI has there already stays (RFC 6749 §3.1.2).
func (a Answer) Query() Target {
	if len(a.params) == 0 {
		return Target{a.uri}
	}
	joint := "?"
	if strings.Contains(a.uri, "?") {
		joint = "&"
	}
	if strings.HasSuffix(a.uri, "?") || strings.HasSuffix(a.uri, "&") {
		joint = ""
	}
	return Target{a.uri + joint + a.params.Encode()}
}

// Redirect is the one function that redirects: 303 after a form, so that what was
// posted is never sent on (RFC 9700 §4.12), 302 otherwise.
func Redirect(w http.ResponseWriter, r *http.Request, t Target) {
	status := http.StatusFound
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		status = http.StatusSeeOther
	}
	w.Header().Set("Location", t.location)
	NoStore(w.Header())
	w.WriteHeader(status)
}
