package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// errNotPublic is the cause behind [ErrRefused] when the address, not the text
// of the URL, was at fault.
var errNotPublic = errors.New("the address is not public")

// dialer opens connections. What the operator named is dialled as it is, and for
// everything else the address is checked in the last moment.
type dialer struct {
	rules    *rules
	resolver *net.Resolver
	proxy    string // host:port, empty without a proxy
}

func (d *dialer) dial(ctx context.Context, network, peer string) (net.Conn, error) {
	plain := net.Dialer{Timeout: Timeout, Resolver: d.resolver}
	if !d.rules.allows(peer) && (d.proxy == "" || d.proxy != peer) {
		plain.Control = d.check
	}
	return plain.DialContext(ctx, network, peer)
}

// check runs between the creation of a socket and its connect, once for each
// address a name resolves to.
func (d *dialer) check(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("read the address to dial: %w", err)
	}
	if fmt.Sprint(to.Port()) != d.rules.port || !d.rules.public(to.Addr()) {
		return errNotPublic
	}
	return nil
}
