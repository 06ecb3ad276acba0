package e2e

import (
	"net"
	"net/url"
	"sync"
	"testing"
	"time"
)

// line is what lies between a server and its database; it can be disturbed.
type line struct {
	listener net.Listener
	target   string

	mu    sync.Mutex
	state state
	// changed is closed when the state changes.
	changed chan struct{}
	conns   map[*lineConn]bool
}

// state is how the line is.
type state struct {
	// silent passes nothing on and keeps everything.
	silent bool
	// delay is how long everything takes.
	delay time.Duration
	// cut ends what is open and refuses what is new.
	cut bool
}

// lineConn is one connection through the line. A dead one never says anything
// again, not even that it is gone.
type lineConn struct {
	near, far net.Conn
	dead      bool
}

// lay puts a line in front of the database and gives the URL through it.
func lay(t *testing.T, database string) (*line, string) {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{listener: listener, target: u.Host, changed: make(chan struct{}), conns: map[*lineConn]bool{}}
	go l.accept()
	t.Cleanup(func() {
		_ = listener.Close()
		l.set(state{cut: true})
	})
	u.Host = listener.Addr().String()
	return l, u.String()
}

// set changes how the line is.
func (l *line) set(s state) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = s
	close(l.changed)
	l.changed = make(chan struct{})
	if s.cut {
		for c := range l.conns {
			c.close()
		}
	}
}

// abandon makes everything that is open dead, as after a failover whose old
// primary was unplugged; what is new passes.
func (l *line) abandon() {
	l.mu.Lock()
	for c := range l.conns {
		c.dead = true
	}
	l.mu.Unlock()
	l.set(state{})
}

func (c *lineConn) close() {
	_ = c.near.Close()
	_ = c.far.Close()
}

func (l *line) accept() {
	for {
		near, err := l.listener.Accept()
		if err != nil {
			return
		}
		go l.join(near)
	}
}

func (l *line) join(near net.Conn) {
	far, err := net.Dial("tcp4", l.target)
	if err != nil {
		_ = near.Close()
		return
	}
	c := &lineConn{near: near, far: far}
	l.mu.Lock()
	cut := l.state.cut
	l.conns[c] = true
	l.mu.Unlock()
	if cut {
		c.close()
	}
	var group sync.WaitGroup
	group.Go(func() { l.carry(c, near, far) })
	group.Go(func() { l.carry(c, far, near) })
	group.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
}

// carry passes on what one side says, as the line is at that moment.
func (l *line) carry(c *lineConn, from, to net.Conn) {
	defer c.close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && !l.passes(c) {
			return
		}
		if _, werr := to.Write(buffer[:n]); err != nil || werr != nil {
			return
		}
	}
}

// passes waits until the line lets something through; false if it was cut.
func (l *line) passes(c *lineConn) bool {
	for waited := false; ; {
		l.mu.Lock()
		s, changed, dead := l.state, l.changed, c.dead
		l.mu.Unlock()
		switch {
		case s.cut:
			return false
		case s.silent || dead:
			<-changed
		case s.delay > 0 && !waited:
			waited = true
			select {
			case <-time.After(s.delay):
			case <-changed:
			}
		default:
			return true
		}
	}
}
