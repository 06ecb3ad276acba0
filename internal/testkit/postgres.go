package testkit

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// The server reports times in a zone of odd minutes, so that code which forgets
// to convert to UTC is found out.
const oddZone = "<+0545>-5:45"

// Main runs the tests of a package and then stops what they share. Without it
// the same happens, but only after the test binary has ended:
//
//	func TestMain(m *testing.M) { testkit.Main(m) }
//
// A prepare function makes every database of [FastPostgres] a copy of one that it
// was called with: a schema is then migrated once and not for each test.
func Main(m *testing.M, prepare ...func(dsn string) error) {
	fast.prepare = prepare
	code := m.Run()
	durable.stop()
	fast.stop()
	os.Exit(code)
}

// Postgres returns the connection string of a new, empty database that is
// dropped after the test. All of one test binary are in one cluster, which is as
// durable as a real one.
func Postgres(t testing.TB) string {
	t.Helper()
	return durable.database(t)
}

// FastPostgres is [Postgres] in a cluster that never waits for the disk. It is
// for tests that make many rows and lose nothing of interest in a crash.
func FastPostgres(t testing.TB) string {
	t.Helper()
	return fast.database(t)
}

var (
	durable = cluster{settings: []string{"fsync=on", "synchronous_commit=on"}}
	fast    = cluster{settings: []string{"fsync=off", "synchronous_commit=off", "full_page_writes=off"}}
)

// cluster is one PostgreSQL server, started by its first use.
type cluster struct {
	settings []string
	// kept says that the folder outlives the server, which is always on the same port.
	kept bool
	// prepare makes the database that all others are copies of.
	prepare []func(dsn string) error

	mu      sync.Mutex
	server  *child
	failure error
	url     url.URL
	folder  string
	made    int
}

func (c *cluster) database(t testing.TB) string {
	t.Helper()
	binary := Need(t, "postgres")
	name, err := c.create(binary)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return c.dsn(name)
}

func (c *cluster) create(binary string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server == nil && c.failure == nil {
		c.failure = c.start(binary)
	}
	if c.failure != nil {
		return "", fmt.Errorf("start PostgreSQL: %w", c.failure)
	}
	if c.made == 0 && len(c.prepare) > 0 {
		if c.failure = c.exec("CREATE DATABASE prepared"); c.failure == nil {
			c.failure = c.prepare[0](c.dsn("prepared"))
		}
		if c.failure != nil {
			return "", fmt.Errorf("prepare a database: %w", c.failure)
		}
	}
	c.made++
	name, template := fmt.Sprintf("test_%d", c.made), ""
	if len(c.prepare) > 0 {
		template = " TEMPLATE prepared STRATEGY FILE_COPY"
	}
	return name, c.exec("CREATE DATABASE " + name + template)
}

// exec runs one statement outside of any test's database.
func (c *cluster) exec(sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.dsn("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, sql)
	return err
}

func (c *cluster) dsn(database string) string {
	u := c.url
	u.Path = "/" + database
	return u.String()
}

func (c *cluster) start(binary string) error {
	folder, err := os.MkdirTemp("", "lanyard-postgres-")
	if err != nil {
		return err
	}
	c.folder = folder
	owner, err := unprivileged(folder)
	if err != nil {
		return err
	}
	password := rand.Text()
	if err := c.initialize(binary, password, owner); err != nil {
		return errors.Join(err, os.RemoveAll(folder))
	}
	for attempt := 1; ; attempt++ { // the port may be taken while the server starts
		err := c.serve(binary, password, owner)
		if err == nil {
			return nil
		}
		if attempt == 3 {
			return errors.Join(err, os.RemoveAll(folder))
		}
	}
}

func (c *cluster) initialize(binary, password string, owner *syscall.Credential) error {
	passwords := filepath.Join(c.folder, "password")
	if err := os.WriteFile(passwords, []byte(password), 0o600); err != nil {
		return err
	}
	if err := give(passwords, owner); err != nil {
		return err
	}
	initdb := exec.Command(filepath.Join(filepath.Dir(realPath(binary)), "initdb"),
		"-D", filepath.Join(c.folder, "data"), "-U", "lanyard", "--pwfile", passwords,
		"-A", "password", "-E", "UTF8", "--locale", "C", "--no-sync", "--no-instructions")
	initdb.Dir = c.folder
	initdb.SysProcAttr = &syscall.SysProcAttr{Credential: owner}
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return nil
}

func (c *cluster) serve(binary, password string, owner *syscall.Credential) error {
	address, err := c.address()
	if err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(address)

	log := &bytes.Buffer{}
	server := exec.Command(realPath(binary), "-D", filepath.Join(c.folder, "data"), "-p", port)
	server.Dir, server.Stdout, server.Stderr = c.folder, log, log
	server.SysProcAttr = &syscall.SysProcAttr{Credential: owner}
	for _, setting := range append(c.settings,
		"listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200",
		"dynamic_shared_memory_type=mmap", "timezone="+oddZone, "log_min_messages=warning") {
		server.Args = append(server.Args, "-c", setting)
	}
	removed := c.folder
	if c.kept {
		removed = ""
	}
	running, err := start(server, removed)
	if err != nil {
		return err
	}
	c.url = url.URL{Scheme: "postgres", User: url.UserPassword("lanyard", password), Host: address, RawQuery: "sslmode=disable"}
	if err := c.await(running); err != nil {
		running.end(syscall.SIGQUIT, time.Second)
		return fmt.Errorf("%w\n%s", err, log)
	}
	c.server = running
	return nil
}

// address is where the server listens: a port that is free, or the one it had before.
func (c *cluster) address() (string, error) {
	if c.kept && c.url.Host != "" {
		return c.url.Host, nil
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// await returns when the server answers.
func (c *cluster) await(server *child) error {
	deadline := time.After(time.Minute)
	for {
		err := c.exec("SELECT 1")
		if err == nil {
			return nil
		}
		select {
		case <-server.exited:
			return errors.New("the server ended")
		case <-deadline:
			return fmt.Errorf("the server does not answer: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop ends the server at once; the guard removes its folder.
func (c *cluster) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server == nil {
		return
	}
	c.server.end(syscall.SIGQUIT, 10*time.Second)
	c.server, c.failure = nil, errors.New("it was stopped")
}

// unprivileged gives the folder to a user that PostgreSQL runs as; it refuses to
// run as root. For anybody else the answer is nil: stay who you are.
func unprivileged(folder string) (*syscall.Credential, error) {
	if !isRoot() {
		return nil, nil // os/exec takes nil for "the same user"
	}
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUID := strconv.ParseUint(account.Uid, 10, 32)
		gid, errGID := strconv.ParseUint(account.Gid, 10, 32)
		if errUID != nil || errGID != nil {
			continue
		}
		owner := &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		return owner, give(folder, owner)
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
}

func give(path string, owner *syscall.Credential) error {
	if owner == nil {
		return nil
	}
	return os.Chown(path, int(owner.Uid), int(owner.Gid))
}

// realPath follows links: initdb and the server look for their files next to
// themselves.
func realPath(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}
