package tenants

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/lanyard-id/lanyard"
)

// Warning is something in a registration that is allowed, or refused, and hardly meant.
type Warning struct {
	// Location says where: redirect_uris[0].
	Location string `json:"location"`
	Code     string `json:"code"`
	Message  string `json:"message"`
}

// What a redirect URI is warned of.
const (
	warnPlain    = "http"
	warnWildcard = "wildcard"
	warnFragment = "fragment"
	warnLoopback = "localhost"
	warnSlash    = "trailing_slash"
	warnHosts    = "mixed_hosts"
	warnInvalid  = "not_acceptable"
)

// LintClient finds what is probably wrong with the redirect URIs of a registration. It
// refuses nothing: CheckClient does.
func LintClient(c *lanyard.Client) []Warning {
	out := []Warning{}
	for _, list := range []struct {
		name string
		uris []string
	}{{"redirect_uris", c.RedirectURIs}, {"post_logout_redirect_uris", c.PostLogoutRedirectURIs}} {
		for i, uri := range list.uris {
			out = append(out, lintURI(fmt.Sprintf("%s[%d]", list.name, i), uri, list.uris)...)
		}
	}
	return append(out, lintHosts(c.RedirectURIs)...)
}

func lintURI(at, uri string, all []string) []Warning {
	var out []Warning
	warn := func(code, message string) { out = append(out, Warning{Location: at, Code: code, Message: message}) }
	u, err := url.Parse(uri)
	if err != nil || lanyard.CheckRedirectURI(uri) != nil {
		warn(warnInvalid, "this can not be registered")
	}
	if err != nil {
		return out
	}
	if strings.Contains(uri, "#") {
		warn(warnFragment, "a redirect URI has no fragment: put the route of the page into its path or keep it in state")
	}
	if strings.Contains(uri, "*") {
		warn(warnWildcard, "an asterisk is a character like any other here: list each address")
	}
	if u.Scheme == "http" && !lanyard.IsLoopbackHost(u.Hostname()) {
		warn(warnPlain, "codes that travel over plain http can be read on the way: use https")
	}
	if u.Hostname() == "localhost" && u.Scheme == "http" {
		warn(warnLoopback, "localhost matches this port only, and may be another machine's: for native apps register http://127.0.0.1, where any port matches (RFC 8252 §8.3)")
	}
	if twin, has := strings.CutSuffix(uri, "/"); has && slices.Contains(all, twin) {
		warn(warnSlash, "the same address without the slash at the end is there too: one of them is probably never used")
	}
	return out
}

// lintHosts warns of a registration for several sites: whoever takes one over gets codes for all.
func lintHosts(uris []string) []Warning {
	var hosts []string
	for _, uri := range uris {
		u, err := url.Parse(uri)
		if err == nil && u.Scheme == "https" && !slices.Contains(hosts, u.Host) {
			hosts = append(hosts, u.Host)
		}
	}
	if len(hosts) < 2 {
		return nil
	}
	return []Warning{{Location: "redirect_uris", Code: warnHosts, Message: "this is for several sites: give each site, and each stage of it, a client of its own"}}
}
