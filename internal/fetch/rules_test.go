package fetch

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

// notCalled is every spelling of a URL that must be refused before anything is
// resolved, with the reason it stands here.
var notCalled = map[string]string{
	"https://127.0.0.1/":                           "loopback",
	"https://127.0.0.1:443/":                       "loopback with its port",
	"https://127.8.9.10/":                          "the rest of loopback",
	"https://[::1]/":                               "IPv6 loopback",
	"https://0.0.0.0/":                             "unspecified",
	"https://[::]/":                                "IPv6 unspecified",
	"https://169.254.169.254/latest":               "instance metadata",
	"https://[fd00:ec2::254]/latest":               "instance metadata over IPv6",
	"https://168.63.129.16/":                       "a cloud's host agent",
	"https://10.1.2.3/":                            "private",
	"https://172.16.0.1/":                          "private",
	"https://172.31.255.255/":                      "private",
	"https://192.168.1.1/":                         "private",
	"https://100.64.0.1/":                          "carrier-grade NAT",
	"https://100.100.100.200/":                     "instance metadata in carrier-grade NAT",
	"https://192.0.0.192/":                         "instance metadata in protocol assignments",
	"https://192.0.2.1/":                           "documentation",
	"https://198.51.100.1/":                        "documentation",
	"https://203.0.113.1/":                         "documentation",
	"https://198.18.0.1/":                          "benchmarking",
	"https://192.88.99.1/":                         "6to4 relay",
	"https://224.0.0.1/":                           "multicast",
	"https://240.0.0.1/":                           "reserved",
	"https://255.255.255.255/":                     "broadcast",
	"https://[fc00::1]/":                           "unique local",
	"https://[fdff::1]/":                           "unique local",
	"https://[fe80::1]/":                           "link-local",
	"https://[fec0::1]/":                           "site-local",
	"https://[ff02::1]/":                           "IPv6 multicast",
	"https://[::ffff:127.0.0.1]/":                  "IPv4-mapped",
	"https://[::ffff:7f00:1]/":                     "IPv4-mapped in hexadecimal",
	"https://[::ffff:8.8.8.8]/":                    "IPv4-mapped, even of a public address",
	"https://[::127.0.0.1]/":                       "IPv4-compatible",
	"https://[64:ff9b::7f00:1]/":                   "NAT64",
	"https://[64:ff9b:1::a00:1]/":                  "local NAT64",
	"https://[2002:7f00:1::]/":                     "6to4",
	"https://[2001::1]/":                           "Teredo",
	"https://[2001:db8::1]/":                       "IPv6 documentation",
	"https://[2620:4f:8000::1]/":                   "AS112",
	"https://[3fff::1]/":                           "IPv6 documentation",
	"https://[100::1]/":                            "discard",
	"https://[fe80::1%25eth0]/":                    "IPv6 zone",
	"https://[::1%25lo]/":                          "IPv6 zone",
	"https://[2606:4700::1%25eth0]/":               "IPv6 zone on a public address",
	"https://2130706433/":                          "decimal number",
	"https://0x7f000001/":                          "hexadecimal number",
	"https://0x7f.1/":                              "hexadecimal and short",
	"https://0x7F.0.0.0x1/":                        "hexadecimal, upper case",
	"https://017700000001/":                        "octal number",
	"https://0177.0.0.1/":                          "octal part",
	"https://127.1/":                               "short",
	"https://127.0.1/":                             "short",
	"https://127.0.0.1./":                          "trailing dot",
	"https://1.2.3.4.5/":                           "too many parts",
	"https://08.8.8.8/":                            "leading zero",
	"https://8.8.8.8.0x/":                          "empty hexadecimal part",
	"https://localhost/":                           "localhost",
	"https://LOCALHOST/":                           "localhost, upper case",
	"https://localhost./":                          "localhost with a trailing dot",
	"https://foo.localhost/":                       "below localhost",
	"https://foo.localhost./":                      "below localhost with a trailing dot",
	"https://metadata/":                            "single label",
	"https://example.com./":                        "trailing dot",
	"https://example..com/":                        "empty label",
	"https://.example.com/":                        "leading dot",
	"https://１２７.０.０.１/":                           "full-width digits",
	"https://127。0。0。1/":                           "ideographic dots",
	"https://ex%61mple.com/":                       "escaped host",
	"https://%31%32%37.0.0.1/":                     "escaped digits",
	"https://exa\u00admple.com/":                   "soft hyphen",
	"https://bücher.example/":                      "a name that is not in its ASCII form",
	"https://user:pass@example.com/":               "userinfo",
	"https://user@example.com/":                    "userinfo without password",
	"https://@example.com/":                        "empty userinfo",
	"https://example.com@127.0.0.1/":               "userinfo that looks like a host",
	"https://example.com:22/":                      "port of another service",
	"https://example.com:80/":                      "port of plain http",
	"https://example.com:8443/":                    "another port",
	"https://example.com:0443/":                    "another spelling of the port",
	"https://example.com:65979/":                   "a port that wraps around",
	"http://example.com/":                          "plain http",
	"http://example.com:443/":                      "plain http on the port of https",
	"HTTP://example.com/":                          "plain http, upper case",
	"file:///etc/passwd":                           "file",
	"file://example.com/etc/passwd":                "file with a host",
	"gopher://example.com:443/_x":                  "gopher",
	"ftp://example.com/":                           "ftp",
	"dict://example.com:443/":                      "dict",
	"unix:///var/run/docker.sock":                  "unix",
	"data:text/plain,x":                            "data",
	"javascript:alert(1)":                          "script",
	"https:example.com":                            "opaque",
	"https:///path":                                "no host",
	"https://":                                     "no host",
	"https://:443/":                                "no host but a port",
	"//example.com/":                               "no scheme",
	"example.com":                                  "no scheme at all",
	"":                                             "empty",
	"https://example.com\\@127.0.0.1/":             "backslash",
	"https://exam ple.com/":                        "blank",
	"https://example.com\x00.internal/":            "NUL",
	"https://example.com\r\nHost: x/":              "line break",
	"https://[::1/":                                "open bracket",
	"https://[127.0.0.1]/":                         "IPv4 in brackets",
	"https://" + strings.Repeat("a", 64) + ".com/": "label that is too long",
}

func TestURLsThatAreNotPublicAreRefusedByTheirText(t *testing.T) {
	client := newClient(t, Options{})
	for raw, why := range notCalled {
		if err := client.Check(raw); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: Check(%q) = %v", why, raw, err)
		}
		answer, err := client.Get(t.Context(), raw, "*/*")
		if !errors.Is(err, ErrRefused) || answer.Status != 0 {
			t.Errorf("%s: Get(%q) = %v, %v", why, raw, answer, err)
		}
	}
}

func TestPublicURLsPassTheirText(t *testing.T) {
	client := newClient(t, Options{})
	for _, raw := range []string{
		"https://example.com",
		"https://EXAMPLE.com/jwks?x=1#part",
		"https://example.com:443/.well-known/jwks.json",
		"https://xn--bcher-kva.example/",
		"https://login_eu.example.com/",
		"https://8.8.8.8/",
		"https://[2606:4700:4700::1111]/",
		"HTTPS://example.com/",
	} {
		if err := client.Check(raw); err != nil {
			t.Errorf("Check(%q) = %v", raw, err)
		}
	}
}

func TestNoAddressIsNotPublic(t *testing.T) {
	if public(netip.Addr{}) {
		t.Error("the zero address is public")
	}
}

func TestOnlyTheExactPeerIsAllowed(t *testing.T) {
	client := newClient(t, Options{Allow: []string{"localhost:9000", "10.0.0.7:443", "[::1]:8443", "Idp.Corp:443"}})
	for raw, allowed := range map[string]bool{
		"http://localhost:9000/jwks":     true,
		"https://localhost:9000/jwks":    true,
		"http://LOCALHOST:9000/":         true,
		"https://10.0.0.7/":              true,
		"http://10.0.0.7:443/":           true,
		"https://[::1]:8443/":            true,
		"https://idp.corp/":              true,
		"http://localhost:9001/":         false,
		"http://localhost/":              false,
		"http://127.0.0.1:9000/":         false,
		"http://localhost.:9000/":        false,
		"http://10.0.0.7/":               false,
		"https://10.0.0.8/":              false,
		"http://user@localhost:9000/":    false,
		"gopher://localhost:9000/":       false,
		"https://[::1]/":                 false,
		"https://x.idp.corp:8443/":       false,
		"http://localhost:9000.evil.com": false,
	} {
		if err := client.Check(raw); (err == nil) != allowed {
			t.Errorf("Check(%q) = %v, allowed should be %v", raw, err, allowed)
		}
	}
}

func TestOptionsThatCannotBeReadAreErrors(t *testing.T) {
	for name, options := range map[string]Options{
		"peer without port":   {Allow: []string{"localhost"}},
		"peer without host":   {Allow: []string{":80"}},
		"peer that is a URL":  {Allow: []string{"http://x"}},
		"peer with odd port":  {Allow: []string{"localhost:70000"}},
		"peer as URL":         {Allow: []string{"http://localhost:80"}},
		"proxy without host":  {Proxy: "proxy"},
		"proxy of other kind": {Proxy: "socks5://proxy:1080"},
		"roots without PEM":   {ExtraRoots: []byte("nothing")},
	} {
		if _, err := New(options); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	_, err := New(Options{Proxy: "ftp://user:hunter2@proxy"})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error shows the proxy's password: %v", err)
	}
}

func FuzzAcceptedURLsArePlainlyPublic(f *testing.F) {
	for raw := range notCalled {
		f.Add(raw)
	}
	f.Add("https://example.com:443/x?y#z")
	r := rules{port: "443", public: public}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := r.parse(raw)
		if err != nil {
			return
		}
		again, err := url.Parse(u.String())
		if err != nil || again.Host != u.Host {
			t.Fatalf("%q is read as %q and then as %v, %v", raw, u.Host, again, err)
		}
		if u.Scheme != "https" || u.User != nil || (u.Port() != "" && u.Port() != "443") {
			t.Fatalf("%q was accepted as %s", raw, u)
		}
		host := u.Hostname()
		if addr, err := netip.ParseAddr(host); err == nil && !public(addr) {
			t.Fatalf("%q was accepted as %s", raw, addr)
		}
		if strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789-_.:") != "" {
			t.Fatalf("%q was accepted with the host %q", raw, host)
		}
	})
}
