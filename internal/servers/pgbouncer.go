package servers

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/fullcast/sfauth/internal/needs"
)

// StartPgBouncer starts a pooler by transaction before a PostgreSQL server, which gives out so many of its connections,
// and returns the URL for drivers: what one statement leaves in a session, the next one does not find.
func StartPgBouncer(t testing.TB, dsn string, connections int) string {
	t.Helper()
	program := needs.Program(t, "pgbouncer", "/usr/sbin/pgbouncer")
	behind, err := url.Parse(dsn)
	if err != nil || behind.Host == "" || len(behind.Path) < 2 {
		t.Fatal("the server's address must be a URL with host and database")
	}
	s := &server{t: t, port: freePort(t)}
	password := ""
	if p, ok := behind.User.Password(); ok {
		password = " password=" + p
	}
	port := behind.Port()
	if port == "" {
		port = "5432"
	}
	name := behind.Path[1:]
	config := filepath.Join(folder(t), "pgbouncer.ini")
	err = os.WriteFile(config, fmt.Appendf(nil, `[databases]
%s = host=%s port=%s dbname=%[1]s user=%[4]s%[5]s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %[6]d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = %[7]d
max_client_conn = 200
`, name, behind.Hostname(), port, behind.User.Username(), password, s.port, connections), 0o644)
	if err != nil {
		t.Fatal(err)
	}
	s.launch(unprivileged(t, program, config), s.accepts)
	t.Cleanup(func() { s.stop(syscall.SIGINT) })
	front := *behind
	front.Host, front.RawQuery = s.Addr(), "default_query_exec_mode=exec"
	return front.String()
}
