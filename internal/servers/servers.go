// Package servers starts software of others for tests, on free ports of the loopback interface. Each server ends with its
// test, runs as somebody who is not root, and is asked [needs] for, so that a machine without it skips.
package servers

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A server is a process that answers on a port.
type server struct {
	t      testing.TB
	port   int
	output bytes.Buffer
	cmd    *exec.Cmd
	ended  func()
}

// Addr returns host and port.
func (s *server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Port returns the port alone.
func (s *server) Port() string { return strconv.Itoa(s.port) }

// Kill ends the server at once, as kill -9 does.
func (s *server) Kill() {
	_ = s.cmd.Process.Kill()
	s.ended()
}

// launch starts the command and waits until the server answers.
func (s *server) launch(cmd *exec.Cmd, answers func(context.Context) bool) {
	s.t.Helper()
	cmd.Stdout, cmd.Stderr = &s.output, &s.output
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.cmd, s.ended = cmd, sync.OnceFunc(func() { _ = cmd.Wait() })
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	for !answers(ctx) {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			s.Kill()
			s.t.Fatalf("%s does not answer on %s\n%s", cmd.Path, s.Addr(), s.output.String())
		}
	}
}

// stop asks the server to end, also when it was stopped, and kills it when that takes long.
func (s *server) stop(with syscall.Signal) {
	late := time.AfterFunc(10*time.Second, func() { _ = s.cmd.Process.Kill() })
	defer late.Stop()
	_ = s.cmd.Process.Signal(with)
	_ = s.cmd.Process.Signal(syscall.SIGCONT)
	s.ended()
	if s.t.Failed() {
		s.t.Log(s.output.String())
	}
}

// accepts reports whether somebody listens.
func (s *server) accepts(ctx context.Context) bool {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", s.Addr())
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// freePort returns a port that nobody has now.
func freePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// folder makes a folder with a short path, since some hold sockets, that the server's user owns.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sfauth-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if u := servant(t); u != nil {
		if err := os.Chown(dir, int(u.Uid), int(u.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// unprivileged returns a command that does not run as root, which many servers refuse.
func unprivileged(t testing.TB, program string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(program, args...)
	if u := servant(t); u != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: u}
		cmd.Dir = "/"
	}
	return cmd
}

// servant is whom a server runs as; nil for the user who runs the test, who is not root.
func servant(t testing.TB) *syscall.Credential {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		t.Fatal(err)
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}
