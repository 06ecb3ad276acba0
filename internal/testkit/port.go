package testkit

import (
	"net"
	"strconv"
	"testing"
)

// FreePort returns a port that is free on 127.0.0.1 and, where the machine has
// it, on [::1]. Somebody else may take it before it is used; a port that the
// program picks itself is better where it can.
func FreePort(t testing.TB) int {
	t.Helper()
	for range 50 {
		if port, free := tryPort(); free {
			return port
		}
	}
	t.Fatal("found no free port on both loopback addresses")
	return 0
}

func tryPort() (int, bool) {
	four, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, false
	}
	defer func() { _ = four.Close() }()
	port := four.Addr().(*net.TCPAddr).Port
	if !hasIPv6() {
		return port, true
	}
	six, err := net.Listen("tcp6", net.JoinHostPort("::1", strconv.Itoa(port)))
	if err != nil {
		return 0, false
	}
	_ = six.Close()
	return port, true
}

func hasIPv6() bool {
	listener, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		return false
	}
	_ = listener.Close()
	return true
}
