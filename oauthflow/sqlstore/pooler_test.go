package sqlstore_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/jackc/pgx/v5"
)

// The pooler gives out two connections by transaction: what one statement leaves in a session, the next one of the same
// handle does not find.
func TestBehindATransactionPoolerTheStoreKeepsTheContract(t *testing.T) {
	address := pooler(t)
	keepsTheContract(t, func(t testing.TB) place {
		p := unprepared(t)
		c, err := pgx.ParseConfig(p.dsn)
		if err != nil {
			t.Fatal(err)
		}
		p.dsn = (&url.URL{Scheme: "postgres", User: url.UserPassword(c.User, c.Password), Host: address, Path: c.Database,
			RawQuery: "default_query_exec_mode=exec"}).String()
		return p
	})
}

// pooler starts PgBouncer before the PostgreSQL server and returns its address.
func pooler(t *testing.T) string {
	t.Helper()
	p := postgres(t)
	c, err := pgx.ParseConfig(p.dsn)
	if err != nil {
		t.Fatal(err)
	}
	path := needs.Program(t, "pgbouncer", "/usr/sbin/pgbouncer")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	password := ""
	if c.Password != "" {
		password = " password=" + c.Password
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "pgbouncer.ini")
	err = os.WriteFile(config, fmt.Appendf(nil, `[databases]
%s = host=%s port=%d dbname=%[1]s user=%[4]s%[5]s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %[6]d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
max_client_conn = 200
`, c.Database, c.Host, c.Port, c.User, password, port), 0o644)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, config)
	unprivileged(t, cmd, dir)
	start(t, cmd)
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	for range 200 {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			return address
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("PgBouncer does not answer")
	return ""
}

// unprivileged makes a command that refuses to run as root run as somebody else, who can read dirs.
func unprivileged(t *testing.T, cmd *exec.Cmd, dirs ...string) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	cmd.Dir = "/"
	for _, dir := range dirs {
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
		for d := filepath.Dir(dir); len(d) > len(os.TempDir()); d = filepath.Dir(d) { // a test's folders are the test's alone
			if err := os.Chmod(d, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// start starts a server that is ended with the test.
func start(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	var output strings.Builder
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
		_ = cmd.Process.Signal(syscall.SIGINT)
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(output.String())
		}
	})
}
