package fetch

import "net/netip"

// notPublic lists what is not reachable from everywhere on the Internet, or is
// another way to write such an address: the IANA special-purpose registries
// (RFC 6890), multicast, and one cloud's host agent that has a public number.
var notPublic = prefixes(
	"0.0.0.0/8",         // this network
	"10.0.0.0/8",        // private
	"100.64.0.0/10",     // carrier-grade NAT
	"127.0.0.0/8",       // loopback
	"168.63.129.16/32",  // the host agent of Azure's virtual machines
	"169.254.0.0/16",    // link-local, instance metadata
	"172.16.0.0/12",     // private
	"192.0.0.0/24",      // protocol assignments, instance metadata
	"192.0.2.0/24",      // documentation
	"192.88.99.0/24",    // 6to4 relays
	"192.168.0.0/16",    // private
	"198.18.0.0/15",     // benchmarking
	"198.51.100.0/24",   // documentation
	"203.0.113.0/24",    // documentation
	"224.0.0.0/4",       // multicast
	"240.0.0.0/4",       // reserved, broadcast
	"2001::/23",         // protocol assignments: Teredo, ORCHID, benchmarking
	"2001:db8::/32",     // documentation
	"2002::/16",         // 6to4, which holds an IPv4 address
	"2620:4f:8000::/48", // AS112
	"3fff::/20",         // documentation
)

// globalUnicast is all that is assigned of IPv6. Loopback, unspecified,
// link-local, site-local, unique local, multicast, NAT64 and IPv4-mapped or
// -compatible addresses are outside of it.
var globalUnicast = netip.MustParsePrefix("2000::/3")

// public reports whether an address is one that anybody can reach. An address
// with a zone is in no prefix, and so is not public.
func public(addr netip.Addr) bool {
	if addr.Is6() && !globalUnicast.Contains(addr) {
		return false
	}
	for _, prefix := range notPublic {
		if prefix.Contains(addr) {
			return false
		}
	}
	return addr.IsValid()
}

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		list[i] = netip.MustParsePrefix(text)
	}
	return list
}
