package web

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"unicode"
)

// Proxies are the reverse proxies whose X-Forwarded-For is believed. The zero
// value trusts nobody. No other forwarding header is read anywhere.
type Proxies struct{ trusted []netip.Prefix }

// NewProxies trusts the given networks.
func NewProxies(trusted ...netip.Prefix) Proxies { return Proxies{trusted} }

// Address is the client's address as text without port: the direct peer, unless
// that is a trusted proxy; then the rightmost entry of X-Forwarded-For that is
// not one. A list that does not parse is believed no further than it does.
func (p Proxies) Address(r *http.Request) string {
	peer, ok := parseHop(r.RemoteAddr)
	if !ok {
		return ""
	}
	found := peer
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && p.trusts(found); i-- {
		hop, ok := parseHop(strings.TrimSpace(hops[i]))
		if !ok {
			break
		}
		found = hop
	}
	return found.String()
}

func (p Proxies) trusts(a netip.Addr) bool {
	for _, prefix := range p.trusted {
		if prefix.Contains(a) {
			return true
		}
	}
	return false
}

func parseHop(s string) (netip.Addr, bool) {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	return a.Unmap().WithZone(""), err == nil
}

// Neighbourhood is the key under which attempts from an address are counted: the
// address itself, or the /64 of an IPv6 address, because one person has all of it.
func Neighbourhood(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if a = a.Unmap(); a.Is4() {
		return a.String()
	}
	prefix, err := a.Prefix(64)
	if err != nil {
		return address
	}
	return prefix.String()
}

// AddressOf is the client's address of a request that the engine serves.
func AddressOf(ctx context.Context) string {
	if x := exchangeIn(ctx); x != nil {
		return x.address
	}
	return ""
}

// maxUserAgent bounds what is kept of the User-Agent header, in bytes.
const maxUserAgent = 512

// UserAgent is what the browser calls itself, cut to a sane length, valid UTF-8
// and without control characters, so that it can be stored and shown.
func UserAgent(r *http.Request) string {
	ua := r.UserAgent()
	if len(ua) > maxUserAgent {
		ua = ua[:maxUserAgent]
	}
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || c == unicode.ReplacementChar {
			return -1
		}
		return c
	}, strings.ToValidUTF8(ua, ""))
}
