package testkit

import (
	"os"
	"syscall"
	"testing"
	"time"
)

// OwnPostgres is a PostgreSQL server that belongs to one test, which may kill it
// and start it again. It is as durable as a real one.
type OwnPostgres struct {
	cluster  *cluster
	binary   string
	password string
	owner    *syscall.Credential
}

// StartPostgres starts a server of the test's own with an empty database.
func StartPostgres(t testing.TB) *OwnPostgres {
	t.Helper()
	binary := Need(t, "postgres")
	folder, err := os.MkdirTemp("", "lanyard-postgres-")
	if err != nil {
		t.Fatal(err)
	}
	p := &OwnPostgres{cluster: &cluster{settings: durable.settings, kept: true, folder: folder}, binary: binary, password: "of-one-test"}
	t.Cleanup(func() {
		p.cluster.stop()
		_ = os.RemoveAll(folder)
	})
	if p.owner, err = unprivileged(folder); err != nil {
		t.Fatal(err)
	}
	if err := p.cluster.initialize(binary, p.password, p.owner); err != nil {
		t.Fatal(err)
	}
	p.Restart(t)
	return p
}

// URL is the connection string of the server's database.
func (p *OwnPostgres) URL() string { return p.cluster.dsn("postgres") }

// Kill ends the server as a crash would: nothing is written, nobody is told.
func (p *OwnPostgres) Kill() {
	p.cluster.server.end(syscall.SIGKILL, patience)
	p.cluster.server = nil
}

// Restart starts the server on the port and with the data that it had. The
// processes of a killed one may take a moment to go; until then it is refused.
func (p *OwnPostgres) Restart(t testing.TB) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if err = p.cluster.serve(p.binary, p.password, p.owner); err == nil {
			return
		}
	}
	t.Fatalf("start PostgreSQL: %v", err)
}
