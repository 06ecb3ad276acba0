package testkit

import (
	"net"
	"os"
	"strconv"
	"sync"
	"testing"
)

// FreePort returns a port that is free on 127.0.0.1 and, where the machine has
// it, on [::1]. It never returns one twice, and only ports below those that
// systems give to outgoing connections, so that nobody else takes it before it is used.
func FreePort(t testing.TB) int {
	t.Helper()
	given.Lock()
	defer given.Unlock()
	if given.next == 0 {
		given.next = firstPort + os.Getpid()*portsPerProcess%(lastPort-firstPort)
	}
	for range lastPort - firstPort {
		port := given.next
		if given.next++; given.next > lastPort {
			given.next = firstPort
		}
		if isFree(port) {
			return port
		}
	}
	t.Fatal("found no free port on both loopback addresses")
	return 0
}

// The ports that tests use, and how far apart the processes of a run begin.
const (
	firstPort       = 20_000
	lastPort        = 31_999
	portsPerProcess = 97
)

// given is where the search goes on: what was given is not given again for a long time.
var given struct {
	sync.Mutex
	next int
}

func isFree(port int) bool {
	four, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	_ = four.Close()
	if !hasIPv6() {
		return true
	}
	six, err := net.Listen("tcp6", net.JoinHostPort("::1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	_ = six.Close()
	return true
}

func hasIPv6() bool {
	listener, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		return false
	}
	_ = listener.Close()
	return true
}
