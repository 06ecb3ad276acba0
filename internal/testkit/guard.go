package testkit

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// child is a started program that does not outlive the test binary. A guard
// waits on a pipe that only the test binary holds: when the pipe closes without
// a word, the binary is gone, and the guard kills the program's process group
// and removes its folder. (A death signal set on the child would be tied to the
// thread that started it, and Go's threads come and go.)
type child struct {
	cmd    *exec.Cmd
	guard  *exec.Cmd
	pipe   io.WriteCloser
	exited chan struct{} // closed once cmd has been waited for
}

const guardScript = `read -r _ || kill -s KILL -- "-$1" 2>/dev/null; [ -z "$2" ] || rm -rf -- "$2"`

// start starts cmd in a process group of its own. The folder, if one is given,
// is removed when the child has ended, however that came about.
func start(cmd *exec.Cmd, folder string) (*child, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &child{cmd: cmd, exited: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		close(c.exited)
	}()
	c.guard = exec.Command("sh", "-c", guardScript, "guard", strconv.Itoa(cmd.Process.Pid), folder)
	c.guard.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipe, err := c.guard.StdinPipe()
	if err == nil {
		err = c.guard.Start()
	}
	if err != nil {
		c.signal(syscall.SIGKILL)
		return nil, fmt.Errorf("start the guard of %s: %w", cmd.Path, err)
	}
	c.pipe = pipe
	return c, nil
}

// signal reaches the whole process group; one that is gone is no error.
func (c *child) signal(sig syscall.Signal) {
	if err := syscall.Kill(-c.cmd.Process.Pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		panic(fmt.Sprintf("signal %s: %v", c.cmd.Path, err))
	}
}

// end sends sig, kills the child if it is still there after the patience, and
// dismisses the guard.
func (c *child) end(sig syscall.Signal, patience time.Duration) {
	if !c.gone() {
		c.signal(sig)
	}
	select {
	case <-c.exited:
	case <-time.After(patience):
		c.signal(syscall.SIGKILL)
		<-c.exited
	}
	_, _ = io.WriteString(c.pipe, "ended\n")
	_ = c.pipe.Close()
	_ = c.guard.Wait()
}

func (c *child) gone() bool {
	select {
	case <-c.exited:
		return true
	default:
		return false
	}
}

func isRoot() bool { return os.Geteuid() == 0 }
