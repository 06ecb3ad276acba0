package fetch

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// rules decide, without any I/O, which URLs and addresses may be called.
type rules struct {
	allowed map[string]bool // host:port of the operator's peers
	port    string          // the only port of everybody else
	public  func(netip.Addr) bool
}

func (r *rules) allows(peer string) bool { return r.allowed[peer] }

// parse reads a URL and refuses what is not plainly public by its text. The host
// of the answer is in lower case.
func (r *rules) parse(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("the URL cannot be read")
	}
	if u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("the scheme is neither https nor http")
	}
	if u.User != nil {
		return nil, errors.New("the URL has userinfo")
	}
	u.Host = strings.ToLower(u.Host)
	u.Fragment, u.RawFragment = "", ""
	if r.allows(peerOf(u)) {
		return u, nil
	}
	if u.Scheme != "https" {
		return nil, errors.New("the scheme is not https")
	}
	if port := u.Port(); port != "" && port != r.port {
		return nil, fmt.Errorf("the port is not %s", r.port)
	}
	return u, r.host(u.Hostname())
}

// host refuses every host that is not a canonical public address or a name of
// the public DNS.
func (r *rules) host(host string) error {
	if addr, err := netip.ParseAddr(host); err == nil {
		if !r.public(addr) {
			return errNotPublic
		}
		return nil
	}
	labels := strings.Split(host, ".")
	for _, label := range labels {
		if !plainLabel(label) {
			return errors.New("the host is not a plain name")
		}
	}
	last := labels[len(labels)-1]
	if len(labels) == 1 || last == "localhost" || numeric(last) {
		return errors.New("the host is not a public name")
	}
	return nil
}

// plainLabel accepts letters, digits, hyphens and underscores. An empty label is
// not plain, so neither a doubled nor a trailing dot passes; nor does anything
// outside ASCII, which resolvers may fold into digits.
func plainLabel(label string) bool {
	if label == "" || len(label) > 63 {
		return false
	}
	for _, c := range []byte(label) {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}

// numeric tells a last label that some resolvers read as part of an IPv4
// address: decimal, octal or hexadecimal.
func numeric(label string) bool {
	if hex, ok := strings.CutPrefix(label, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(label, "0123456789") == ""
}

// peerOf is host:port of a URL whose host is in lower case.
func peerOf(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

func parseAllow(peers []string) (map[string]bool, error) {
	allowed := make(map[string]bool, len(peers))
	for _, peer := range peers {
		host, port, err := net.SplitHostPort(peer)
		number, portErr := strconv.ParseUint(port, 10, 16)
		if err != nil || portErr != nil || host == "" || number == 0 || strings.ContainsAny(host, "/@ ") {
			return nil, fmt.Errorf("outbound peer %q: want host:port", peer)
		}
		allowed[net.JoinHostPort(strings.ToLower(host), port)] = true
	}
	return allowed, nil
}
