package servers

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/fullcast/sfauth/internal/needs"
)

// MariaDB is a MariaDB server with a data directory of its own, a binary log and a privileged user root without a password.
// What it writes need not survive the machine.
type MariaDB struct {
	server
}

// StartMariaDB makes a new data directory and starts a server on it. Settings are as in "binlog-format=ROW"; a server-id
// is among them.
func StartMariaDB(t testing.TB, settings ...string) *MariaDB {
	t.Helper()
	program, install := needs.Program(t, "mariadbd", "/usr/sbin/mariadbd"), needs.Program(t, "mariadb-install-db")
	m := &MariaDB{server{t: t, port: freePort(t)}}
	dir := folder(t)
	data := "--datadir=" + filepath.Join(dir, "data")
	temporary := "--tmpdir=" + dir // a server that starts removes the temporary tables of others
	if out, err := unprivileged(t, install, "--no-defaults", data, temporary, "--auth-root-authentication-method=normal",
		"--innodb-log-file-size=4M").CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", install, err, out)
	}
	args := []string{"--no-defaults", data, temporary, "--bind-address=127.0.0.1", "--port=" + m.Port(),
		"--socket=" + filepath.Join(dir, "socket"), "--pid-file=" + filepath.Join(dir, "pid"), "--log-bin=log", "--innodb-buffer-pool-size=16M",
		"--innodb-flush-log-at-trx-commit=0"}
	for _, s := range settings {
		args = append(args, "--"+s)
	}
	m.launch(unprivileged(t, program, args...), m.accepts)
	t.Cleanup(func() { m.stop(syscall.SIGTERM) })
	return m
}

// DSN returns what the driver is told.
func (m *MariaDB) DSN() string { return fmt.Sprintf("root@tcp(%s)/test", m.Addr()) }
