package lanyard

import (
	"net/url"
	"slices"
	"strings"
)

// RedirectAllowed tells whether a presented redirect URI is one of the registered
// ones: equal byte for byte, except that the port of a literal loopback address
// may differ for native clients (RFC 8252 §7.3, RFC 9700 §2.1).
func RedirectAllowed(registered []string, presented string) bool {
	if CheckRedirectURI(presented) != nil {
		return false
	}
	if slices.Contains(registered, presented) {
		return true
	}
	bare, ok := withoutLoopbackPort(presented)
	return ok && slices.ContainsFunc(registered, func(r string) bool {
		other, ok := withoutLoopbackPort(r)
		return ok && other == bare
	})
}

// CheckRedirectURI refuses what can never be a redirect target: not absolute, a
// fragment, user information, a wildcard, a script or data scheme, odd
// characters, or plain http off loopback.
func CheckRedirectURI(uri string) error {
	bad := ErrBadRedirect.Saying("redirect_uri is not acceptable")
	u, err := url.Parse(uri)
	if err != nil || u.Scheme == "" || u.User != nil || strings.ContainsAny(uri, "#*\\<>\"`{}|^ ") || !printableASCII(uri) {
		return bad
	}
	switch u.Scheme { // in lower case, as url.Parse gives it
	case "https":
		if u.Host == "" {
			return bad
		}
	case "http":
		if !IsLoopbackHost(u.Hostname()) {
			return bad
		}
	default:
		if !customScheme(u.Scheme) {
			return bad
		}
	}
	return nil
}

// IsLoopbackHost tells whether a host name can only be this machine.
func IsLoopbackHost(host string) bool {
	return host == "127.0.0.1" || host == "::1" || host == "localhost"
}

// PrivateRedirect tells whether the redirect URI is a loopback or custom-scheme
// one, that any program on the device may own (RFC 8252 §8.6).
func PrivateRedirect(uri string) bool {
	u, err := url.Parse(uri)
	return err != nil || u.Scheme != "https"
}

// Origin is scheme and host of a URL, the form of Content-Security-Policy and
// CORS; a custom scheme is given as "scheme:".
func Origin(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme == "" {
		return ""
	}
	if u.Scheme != "https" && u.Scheme != "http" {
		return u.Scheme + ":"
	}
	return u.Scheme + "://" + u.Host
}

var scriptSchemes = []string{"javascript", "data", "blob", "file", "vbscript", "about", "filesystem", "view-source", "ws", "wss", "ftp", "mailto", "tel", "intent"}

// customScheme accepts private-use schemes (RFC 8252 §7.1), in lower case.
func customScheme(scheme string) bool {
	return !slices.Contains(scriptSchemes, scheme)
}

func printableASCII(s string) bool {
	for i := range len(s) {
		if s[i] <= 0x20 || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// withoutLoopbackPort cuts the port off a literal loopback redirect; ok is false for all others.
func withoutLoopbackPort(uri string) (string, bool) {
	rest, found := strings.CutPrefix(uri, "http://127.0.0.1")
	prefix := "http://127.0.0.1"
	if !found {
		if rest, found = strings.CutPrefix(uri, "http://[::1]"); !found {
			return "", false
		}
		prefix = "http://[::1]"
	}
	if port, ok := strings.CutPrefix(rest, ":"); ok {
		digits := len(port) - len(strings.TrimLeft(port, "0123456789"))
		if digits == 0 || digits > 5 {
			return "", false
		}
		rest = port[digits:]
	}
	if rest != "" && rest[0] != '/' && rest[0] != '?' {
		return "", false
	}
	return prefix + rest, true
}
