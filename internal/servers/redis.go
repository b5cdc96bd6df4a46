package servers

import (
	"context"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
)

// Redis is a Redis server with a data directory of its own.
type Redis struct {
	server
	program, dir string
	settings     []string
}

// StartRedis starts a server. Settings are as on its command line: "--appendonly", "yes".
func StartRedis(t testing.TB, settings ...string) *Redis {
	t.Helper()
	r := &Redis{server: server{t: t, port: freePort(t)}, program: needs.Program(t, "redis-server"), dir: folder(t), settings: settings}
	r.Launch()
	t.Cleanup(r.Stop)
	return r
}

// Launch starts a server that was killed or stopped, on the same port and data.
func (r *Redis) Launch() {
	r.t.Helper()
	args := []string{"--bind", "127.0.0.1", "--port", fmt.Sprint(r.port), "--dir", r.dir, "--save", "", "--daemonize", "no",
		"--loglevel", "warning", "--repl-diskless-sync-delay", "0", "--shutdown-timeout", "0"}
	r.launch(unprivileged(r.t, r.program, append(args, r.settings...)...), r.pongs)
}

// Stop ends the server in an orderly way.
func (r *Redis) Stop() { r.stop(syscall.SIGTERM) }

// Signal sends the server a signal.
func (r *Redis) Signal(sig syscall.Signal) { _ = r.cmd.Process.Signal(sig) }

// Promote makes a replica a master.
func (r *Redis) Promote() {
	r.t.Helper()
	if answer := r.ask(r.t.Context(), "REPLICAOF NO ONE"); answer != "+OK" {
		r.t.Fatalf("REPLICAOF NO ONE: %s", answer)
	}
}

func (r *Redis) pongs(ctx context.Context) bool { return r.ask(ctx, "PING") == "+PONG" }

// ask sends one command and returns the first line of the answer.
func (r *Redis) ask(ctx context.Context, command string) string {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", r.Addr())
	if err != nil {
		return ""
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	if _, err := fmt.Fprintf(conn, "%s\r\n", command); err != nil {
		return ""
	}
	answer := make([]byte, 256)
	n, _ := conn.Read(answer)
	line, _, _ := strings.Cut(string(answer[:n]), "\r\n")
	return line
}
