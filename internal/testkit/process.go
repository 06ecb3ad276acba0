package testkit

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a program may take for one line or for its end.
const patience = 30 * time.Second

// Command is a program to start.
type Command struct {
	Path string
	Args []string
	Env  []string // name=value, added to the environment of the test
	Dir  string
}

// Process is a running program that speaks in lines of JSON on its standard
// output. It is ended after the test; what it wrote is shown if the test failed.
type Process struct {
	command Command
	child   *child
	lines   chan string // closed at the end of standard output
	log     transcript
}

// Run starts a program.
func Run(t testing.TB, command Command) *Process {
	t.Helper()
	p := &Process{command: command, lines: make(chan string, 1024)}
	cmd := exec.Command(command.Path, command.Args...)
	cmd.Dir = command.Dir
	cmd.Env = append(os.Environ(), command.Env...)
	out, in := io.Pipe()
	cmd.Stdout = io.MultiWriter(in, &p.log)
	cmd.Stderr = &p.log
	running, err := start(cmd, "")
	if err != nil {
		t.Fatal(err)
	}
	p.child = running
	go func() {
		<-running.exited
		_ = in.Close()
	}()
	go p.read(out)
	t.Cleanup(func() { p.finish(t) })
	return p
}

// Next reads the next line that is a JSON object into v, or fails the test.
// Other lines are passed over.
func (p *Process) Next(t testing.TB, v any) {
	t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case line, open := <-p.lines:
			if !open {
				t.Fatalf("%s ended without a further line", p.command.Path)
			}
			if !strings.HasPrefix(line, "{") {
				continue
			}
			if err := json.Unmarshal([]byte(line), v); err != nil {
				t.Fatalf("%s wrote %q: %v", p.command.Path, line, err)
			}
			return
		case <-deadline:
			t.Fatalf("%s wrote no line in %v", p.command.Path, patience)
		}
	}
}

// Log is all that the program has written, standard output and error.
func (p *Process) Log() string { return p.log.String() }

// Stop asks the program to end, waits for it, and returns its exit code; -1 if a
// signal ended it.
func (p *Process) Stop() int {
	p.child.end(syscall.SIGTERM, patience)
	return p.child.cmd.ProcessState.ExitCode()
}

// Kill ends the program as a crash of the machine would, in the middle of
// whatever it does.
func (p *Process) Kill() { p.child.end(syscall.SIGKILL, patience) }

// Signal sends a signal and does not wait. One that has ended gets none.
func (p *Process) Signal(sig syscall.Signal) {
	if !p.child.gone() {
		p.child.signal(sig)
	}
}

// Wait waits for the program to end by itself and returns its exit code.
func (p *Process) Wait(t testing.TB) int {
	t.Helper()
	select {
	case <-p.child.exited:
		return p.child.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		t.Fatalf("%s still runs after %v", p.command.Path, patience)
		return -1
	}
}

// PID is the id of the process, for tests that measure it.
func (p *Process) PID() int { return p.child.cmd.Process.Pid }

// read passes lines on and never blocks the program for a test that does not
// read them.
func (p *Process) read(out io.Reader) {
	defer close(p.lines)
	scanner := bufio.NewScanner(out)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		select {
		case p.lines <- scanner.Text():
		default:
		}
	}
	_, _ = io.Copy(io.Discard, out)
}

func (p *Process) finish(t testing.TB) {
	p.child.end(syscall.SIGTERM, patience)
	for _, sign := range []string{"WARNING: DATA RACE", "panic: ", "fatal error: "} {
		if strings.Contains(p.Log(), sign) {
			t.Errorf("%s wrote %q", p.command.Path, sign)
		}
	}
	if t.Failed() {
		t.Logf("%s %s wrote:\n%s", p.command.Path, strings.Join(p.command.Args, " "), p.Log())
	}
}

// transcript is a buffer that a program writes and a test reads. It keeps the
// beginning and drops what would make a failure unreadable.
type transcript struct {
	mu   sync.Mutex
	text strings.Builder
}

const longestTranscript = 1 << 20

func (b *transcript) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if room := longestTranscript - b.text.Len(); room > 0 {
		b.text.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

func (b *transcript) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
