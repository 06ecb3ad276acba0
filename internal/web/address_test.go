package web_test

import (
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/internal/web"
)

func TestAddressBelievesTrustedProxiesOnly(t *testing.T) {
	trusted := web.NewProxies(netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48"))
	for _, c := range []struct {
		name, peer, want string
		forwarded        []string
		proxies          web.Proxies
	}{
		{"direct", "203.0.113.9:1234", "203.0.113.9", nil, trusted},
		{"stranger's header", "203.0.113.9:1234", "203.0.113.9", []string{"198.51.100.1"}, trusted},
		{"nobody trusted", "10.0.0.1:1234", "10.0.0.1", []string{"198.51.100.1"}, web.Proxies{}},
		{"one proxy", "10.0.0.1:1234", "198.51.100.1", []string{"198.51.100.1"}, trusted},
		{"forged left part", "10.0.0.1:1234", "198.51.100.1", []string{"1.1.1.1, 198.51.100.1"}, trusted},
		{"two proxies", "10.0.0.1:1234", "198.51.100.1", []string{"1.1.1.1, 198.51.100.1, 10.0.0.2"}, trusted},
		{"two headers", "10.0.0.1:1234", "198.51.100.1", []string{"1.1.1.1, 198.51.100.1", "10.0.0.2"}, trusted},
		{"junk", "10.0.0.1:1234", "10.0.0.1", []string{"198.51.100.1, junk"}, trusted},
		{"junk behind a proxy", "10.0.0.1:1234", "10.0.0.2", []string{"<script>, 10.0.0.2"}, trusted},
		{"all proxies", "10.0.0.1:1234", "10.0.0.3", []string{"10.0.0.3, 10.0.0.2"}, trusted},
		{"with port", "10.0.0.1:1234", "198.51.100.1", []string{"198.51.100.1:99"}, trusted},
		{"IPv6", "[2001:db8:1::1]:1234", "2001:db8:9::5", []string{"[2001:db8:9::5]:99"}, trusted},
		{"mapped", "[::ffff:10.0.0.1]:1234", "198.51.100.1", []string{"::ffff:198.51.100.1"}, trusted},
		{"zone", "[fe80::1%eth0]:1", "fe80::1", nil, trusted},
		{"no peer", "@", "", nil, trusted},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.peer
		for _, f := range c.forwarded {
			r.Header.Add("X-Forwarded-For", f)
		}
		for _, other := range []string{"X-Real-IP", "True-Client-IP", "CF-Connecting-IP"} {
			r.Header.Set(other, "6.6.6.6")
		}
		r.Header.Set("Forwarded", "for=6.6.6.6")
		if got := c.proxies.Address(r); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestNeighbourhoodOfIPv6IsTheSlash64(t *testing.T) {
	for address, want := range map[string]string{
		"203.0.113.9":            "203.0.113.9",
		"2001:db8:1:2:3:4:5:6":   "2001:db8:1:2::/64",
		"2001:db8:1:2:ffff::1":   "2001:db8:1:2::/64",
		"":                       "",
		"::ffff:203.0.113.9":     "203.0.113.9",
		"not an address at all!": "not an address at all!",
	} {
		if got := web.Neighbourhood(address); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}

func TestUserAgentIsShortPlainText(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("User-Agent", "Moz\x1b[31m\xffilla/5.0\u0085"+strings.Repeat("ä", 600))
	got := web.UserAgent(r)
	if !strings.HasPrefix(got, "Moz[31milla/5.0ä") || len(got) > 512 {
		t.Errorf("%q", got)
	}
}
