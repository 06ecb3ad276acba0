package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/internal/clock"
	"github.com/lanyard-id/lanyard/internal/testkit"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // as main does
	testkit.Main(m)
}

// master is a master key for tests.
var master = base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))

// lockedBuffer is written by a command and read by its test.
type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

// commandTimeout ends a server that should have refused to start.
const commandTimeout = 20 * time.Second

// command runs a command to its end.
func command(t *testing.T, environ []string, args ...string) (code int, out, errOut string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandTimeout)
	defer cancel()
	var stdout, stderr lockedBuffer
	p := &program{out: &stdout, errOut: &stderr, clock: clock.Real(), environ: environ}
	code = p.run(ctx, args)
	return code, stdout.String(), stderr.String()
}

// running is a server in the process of the test.
type running struct {
	*testing.T
	lines  *bufio.Reader
	errOut *lockedBuffer
	stop   context.CancelFunc
	done   chan int
}

// run starts a command that keeps running.
func run(t *testing.T, c clock.Clock, environ []string, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	r := &running{T: t, lines: bufio.NewReader(out), errOut: &lockedBuffer{}, stop: cancel, done: make(chan int, 1)}
	p := &program{out: in, errOut: r.errOut, clock: c, environ: environ}
	go func() {
		code := p.run(ctx, args)
		_ = in.Close()
		r.done <- code
		close(r.done)
	}()
	t.Cleanup(func() {
		cancel()
		<-r.done
		if t.Failed() {
			t.Logf("%s wrote:\n%s", args[0], r.errOut)
		}
	})
	return r
}

// end stops the command and gives its exit code.
func (r *running) end() int {
	r.Helper()
	r.stop()
	select {
	case code := <-r.done:
		return code
	case <-time.After(30 * time.Second):
		r.Fatal("it does not stop")
		return -1
	}
}

// serving waits for the line of the log that says where the server listens.
func (r *running) serving() (public, ops string) {
	r.Helper()
	for range 1000 {
		for line := range strings.SplitSeq(r.errOut.String(), "\n") {
			var entry struct{ Msg, Listen, Operations string }
			if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "serving" {
				return "http://" + entry.Listen, "http://" + entry.Operations
			}
		}
		select {
		case code := <-r.done:
			r.Fatalf("it ended with %d:\n%s", code, r.errOut)
		case <-time.After(10 * time.Millisecond):
		}
	}
	r.Fatalf("it does not serve:\n%s", r.errOut)
	return "", ""
}

// get gives status and body of an answer; status 0 if there is none.
func get(t *testing.T, url string) (int, string) {
	t.Helper()
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// write puts a file into a temporary folder.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExitCodes(t *testing.T) {
	cases := []struct {
		args []string
		code int
		want string // in standard output or error
	}{
		{[]string{"version"}, exitOK, "lanyard dev"},
		{[]string{"--help"}, exitOK, "Usage: lanyard"},
		{[]string{"serve", "--help"}, exitOK, "--migrate"},
		{[]string{}, exitUsage, "expected one of"},
		{[]string{"bogus"}, exitUsage, "unexpected argument bogus"},
		{[]string{"migrate"}, exitUsage, "expected one of"},
		{[]string{"serve", "--bogus"}, exitUsage, "unknown flag --bogus"},
		{[]string{"apply"}, exitUsage, "missing flags: --file"},
		{[]string{"dev", "--tls-cert", "x"}, exitUsage, "--tls-cert and --tls-key go together"},
		{[]string{"dev", "--listen", "8080"}, exitUsage, "is not host:port"},
		{[]string{"dev", "--redirect", "javascript:alert(1)"}, exitUsage, "is not an acceptable redirect URI"},
		{[]string{"serve"}, exitFailure, "keys.master_key is missing"},
		{[]string{"serve", "--config", "missing.yaml"}, exitFailure, "no such file"},
		{[]string{"apply", "-f", "missing.yaml"}, exitFailure, "database.url is missing"},
		{[]string{"migrate", "status"}, exitFailure, "database.url is missing"},
		{[]string{"setup-link"}, exitFailure, "server.issuer is missing"},
		{[]string{"config", "check"}, exitFailure, "database.url is missing"},
		{[]string{"config", "print"}, exitOK, "listen:"},
		{[]string{"config", "schema"}, exitOK, `"additionalProperties": false`},
	}
	t.Chdir(t.TempDir())
	for _, c := range cases {
		code, out, errOut := command(t, nil, c.args...)
		if code != c.code || !strings.Contains(out+errOut, c.want) {
			t.Errorf("%v: got %d\n%s%s", c.args, code, out, errOut)
		}
	}
}
