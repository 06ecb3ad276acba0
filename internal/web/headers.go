package web

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/lanyard-id/lanyard"
)

// fixedHeaders go with every answer.
var fixedHeaders = [][2]string{
	{"X-Content-Type-Options", "nosniff"},
	{"X-Frame-Options", "DENY"},
	{"Referrer-Policy", "same-origin"},
	{"Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"},
	{"Cache-Control", "no-store"},
}

const (
	headerCSP  = "Content-Security-Policy"
	headerCOOP = "Cross-Origin-Opener-Policy"
	headerHSTS = "Strict-Transport-Security"
	hsts       = "max-age=63072000"
	// dataCSP is for answers that are not meant to be looked at.
	dataCSP = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
	// pageCSP allows script, style and images of our own origin, nothing in line and nothing evaluated.
	pageCSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
		"object-src 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'; form-action "
)

// secure sets the headers that every answer of a route has before its handler runs.
func secure(h http.Header, s Site, r Route) {
	for _, kv := range fixedHeaders {
		h[kv[0]] = []string{kv[1]}
	}
	h.Set("Cross-Origin-Resource-Policy", resourcePolicy(r.CORS))
	h.Set(headerCSP, policyOf(r.Kind))
	h.Set(headerCOOP, "same-origin")
	if r.Popup {
		h.Del(headerCOOP)
	}
	if s.secured() {
		h.Set(headerHSTS, hsts)
	}
}

func policyOf(k Kind) string {
	if k == Page {
		return pageCSP + "'self'"
	}
	return dataCSP
}

func resourcePolicy(m CORSMode) string {
	if m == CORSPublic {
		return "cross-origin"
	}
	return "same-origin"
}

// PageHeaders sets the headers of a page of the site, for a page that is served
// outside of a page route, such as the error page of a protocol endpoint.
func PageHeaders(h http.Header) {
	h.Set(headerCSP, policyOf(Page))
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/html; charset=utf-8")
}

// FormTo lets the forms of a page lead to further places besides our own. Browsers
// check all redirects that follow a form, also those of the application after its
// callback, which may lead from auth.app.example to app.example: each origin
// stands for its whole site, and a loopback one for every port of this machine. An
// origin is scheme://host or "scheme:", as lanyard.Origin gives it; anything else
// is left out.
func FormTo(h http.Header, origins ...string) {
	setFormAction(h, append([]string{"'self'"}, siteSources(origins...)...))
}

func setFormAction(h http.Header, sources []string) {
	h.Set(headerCSP, pageCSP+strings.Join(sources, " "))
}

// siteSources are the sources for origins and for what belongs to them.
func siteSources(origins ...string) []string {
	var out []string
	for _, origin := range origins {
		for _, s := range append([]string{source(origin)}, neighbours(origin)...) {
			if s != "" && !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	return out
}

// neighbours are the sources for the rest of an origin's site.
func neighbours(origin string) []string {
	u, err := url.Parse(origin)
	if source(origin) == "" || err != nil || u.Host == "" {
		return nil
	}
	if u.Scheme == "http" && lanyard.IsLoopbackHost(u.Hostname()) {
		return []string{"http://localhost:*", "http://127.0.0.1:*"}
	}
	domain, err := publicsuffix.EffectiveTLDPlusOne(u.Hostname())
	if err != nil || u.Scheme != "https" {
		return nil
	}
	return []string{"https://" + domain, "https://*." + domain}
}

// FormOnlyTo is FormTo without our own origin, for a page that sends an answer on.
// The other side is told our origin: browsers would send it "Origin: null" under
// the policy of other pages.
func FormOnlyTo(h http.Header, origin string) {
	h.Set("Referrer-Policy", "strict-origin")
	allowed := siteSources(origin)
	if len(allowed) == 0 {
		allowed = []string{"'none'"}
	}
	setFormAction(h, allowed)
}

// ParseHTML lets the script of a page parse HTML that it fetched from our own origin,
// through the one Trusted Types policy of that name. Nothing else may.
func ParseHTML(h http.Header, policy string) {
	h.Set(headerCSP, strings.Replace(h.Get(headerCSP), "trusted-types 'none'", "trusted-types "+policy, 1))
}

// source is an origin in the grammar of CSP, which knows no IPv6 addresses: such
// a loopback origin is widened to its scheme. Empty for what is no origin.
func source(origin string) string {
	if strings.ContainsAny(origin, " ;,'\"*\r\n\t") {
		return ""
	}
	if scheme, found := strings.CutSuffix(origin, ":"); found {
		if !isScheme(scheme) {
			return ""
		}
		return origin
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || u.Scheme+"://"+u.Host != origin {
		return ""
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil && a.Is6() {
		return u.Scheme + ":"
	}
	return origin
}

func isScheme(s string) bool {
	u, err := url.Parse(s + ":x")
	return err == nil && u.Scheme != "" && u.Opaque == "x"
}

// NoStore keeps an answer out of every cache (RFC 6749 §5.1).
func NoStore(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
}
