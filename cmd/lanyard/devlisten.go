package main

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"github.com/lanyard-id/lanyard"
)

const (
	devPort           = 8080
	devOperationsPort = 8081
	// portTries bounds the search for a port that is free on both loopback addresses, and next to another.
	portTries = 20
)

// listen opens the public listeners and tells their port. A loopback address is
// listened on in both families, since a browser may take either for localhost.
func (c devCommand) listen() ([]net.Listener, int, error) {
	host, port := "127.0.0.1", devPort
	if c.Listen != "" {
		given, text, err := net.SplitHostPort(c.Listen)
		if err == nil {
			host = given
			port, err = strconv.Atoi(text)
		}
		if err != nil || port < 0 || port > 65535 {
			return nil, 0, usageError("--listen " + c.Listen + " is not host:port")
		}
	}
	if !lanyard.IsLoopbackHost(host) {
		return listenOn(net.JoinHostPort(host, strconv.Itoa(port)))
	}
	var err error
	for range portTries {
		var listeners []net.Listener
		var found int
		if listeners, found, err = listenLoopback(port); err == nil {
			return listeners, found, nil
		}
		if port != 0 || !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	return nil, 0, fmt.Errorf("%w (another port: --listen 127.0.0.1:PORT)", err)
}

func listenOn(address string) ([]net.Listener, int, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, 0, fmt.Errorf("listen: %w", err)
	}
	return []net.Listener{l}, portOf(l), nil
}

// listenLoopback listens on 127.0.0.1 and, where the machine has IPv6, on [::1] with the same port.
func listenLoopback(port int) ([]net.Listener, int, error) {
	listeners, found, err := listenOn(net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, 0, err
	}
	six, _, err := listenOn(net.JoinHostPort("::1", strconv.Itoa(found)))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, 0, errors.Join(err, closeAll(listeners))
	}
	return append(listeners, six...), found, nil
}

// listenNear listens on a loopback port, or the next one that is free.
func listenNear(port int) (net.Listener, error) {
	var err error
	for i := range portTries {
		var l []net.Listener
		if l, _, err = listenOn(net.JoinHostPort("127.0.0.1", strconv.Itoa(port+i))); err == nil {
			return l[0], nil
		}
	}
	l, _, err := listenOn("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return l[0], nil
}

func portOf(l net.Listener) int {
	if a, ok := l.Addr().(*net.TCPAddr); ok {
		return a.Port
	}
	return 0
}

func closeAll(listeners []net.Listener) error {
	var errs []error
	for _, l := range listeners {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}
