package web

import (
	"context"
	"net/url"

	"github.com/lanyard-id/lanyard"
)

// Site is where a request arrived: the tenant and the issuer it is served under.
type Site struct {
	Tenant lanyard.TenantID
	Slug   string
	// Issuer is the tenant's issuer without a trailing slash, https://id.example or http://localhost:8080/t/acme.
	Issuer string
	// Prefix is the path of the issuer, "" or "/t/acme". It was cut off the path of the request.
	Prefix string
	// Loopback says that the issuer is plain http on a loopback host.
	Loopback bool
	// Dev says that this is the development server.
	Dev bool
}

type siteKey struct{}

// WithSite puts the site into the context of a request.
func WithSite(ctx context.Context, s Site) context.Context {
	return context.WithValue(ctx, siteKey{}, s)
}

// SiteOf is the site of a request; the zero Site before it was resolved.
func SiteOf(ctx context.Context) Site {
	s, _ := ctx.Value(siteKey{}).(Site)
	return s
}

// URL is the absolute address of a path of the site. The path begins with a slash.
func (s Site) URL(path string) string { return s.Issuer + path }

// Path is the path of the site as a browser sees it, with the prefix.
func (s Site) Path(path string) string { return s.Prefix + path }

// Origin is scheme, host and port of the issuer.
func (s Site) Origin() string { return lanyard.Origin(s.Issuer) }

// port is the port of the issuer, given or implied.
func (s Site) port() string {
	u, err := url.Parse(s.Issuer)
	if err != nil {
		return ""
	}
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http":
		return "80"
	default:
		return "443"
	}
}

// secured tells whether browsers may be told to insist on https for the host.
// A loopback host is left out even with a certificate: the promise would hold
// for every port, and so for other programs that a developer runs.
func (s Site) secured() bool {
	u, err := url.Parse(s.Issuer)
	return err == nil && u.Scheme == "https" && !lanyard.IsLoopbackHost(u.Hostname())
}
