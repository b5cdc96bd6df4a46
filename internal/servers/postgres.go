package servers

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/fullcast/sfauth/internal/needs"
)

// Postgres is a PostgreSQL server with a data directory of its own. What it writes need not survive the machine.
type Postgres struct {
	server
	bin, data string
	settings  []string
}

// StartPostgres makes a new data directory and starts a server on it. Settings are as in "max_connections=20".
func StartPostgres(t testing.TB, settings ...string) *Postgres {
	t.Helper()
	p := &Postgres{server: server{t: t}, bin: postgresPrograms(t), data: filepath.Join(folder(t), "data"), settings: settings}
	p.run("initdb", "-D", p.data, "-U", "postgres", "-A", "trust", "--no-sync", "--no-locale")
	p.Launch()
	t.Cleanup(func() { p.stop(syscall.SIGINT) })
	return p
}

// Standby starts a hot standby of the server, with the same settings.
func (p *Postgres) Standby() *Postgres {
	p.t.Helper()
	return p.StandbyThrough(p.Addr())
}

// StandbyThrough is Standby of a server that is reached at another address, such as a relay's.
func (p *Postgres) StandbyThrough(addr string) *Postgres {
	p.t.Helper()
	s := &Postgres{server: server{t: p.t}, bin: p.bin, data: filepath.Join(folder(p.t), "data"), settings: p.settings}
	s.run("pg_basebackup", "-D", s.data, "-R", "-X", "stream", "-c", "fast", "--no-sync", "-d", dsn(addr))
	s.Launch()
	p.t.Cleanup(func() { s.stop(syscall.SIGINT) })
	return s
}

// DSN returns a URL for drivers.
func (p *Postgres) DSN() string { return dsn(p.Addr()) }

func dsn(addr string) string { return fmt.Sprintf("postgres://postgres@%s/postgres", addr) }

// Launch starts a server that was killed, on a new port.
func (p *Postgres) Launch() {
	p.t.Helper()
	p.port = freePort(p.t)
	args := []string{"-D", p.data, "-p", fmt.Sprint(p.port), "-h", "127.0.0.1", "-k", filepath.Dir(p.data), "-c", "fsync=off", "-c", "shared_buffers=16MB"}
	for _, s := range p.settings {
		args = append(args, "-c", s)
	}
	p.launch(unprivileged(p.t, filepath.Join(p.bin, "postgres"), args...), func(ctx context.Context) bool {
		return exec.CommandContext(ctx, filepath.Join(p.bin, "pg_isready"), "-q", "-h", "127.0.0.1", "-p", fmt.Sprint(p.port)).Run() == nil
	})
}

// Abort ends the server without a word to its clients, as the end of a machine does.
func (p *Postgres) Abort() {
	_ = p.cmd.Process.Signal(syscall.SIGQUIT)
	p.ended()
}

// Promote makes a standby the primary.
func (p *Postgres) Promote() {
	p.t.Helper()
	p.run("pg_ctl", "promote", "-D", p.data, "-w")
}

// Exec executes a statement as the superuser.
func (p *Postgres) Exec(statement string) {
	p.t.Helper()
	p.run("psql", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement, p.DSN())
}

func (p *Postgres) run(program string, args ...string) {
	p.t.Helper()
	if out, err := unprivileged(p.t, filepath.Join(p.bin, program), args...).CombinedOutput(); err != nil {
		p.t.Fatalf("%s: %v: %s", program, err, out)
	}
}

// postgresPrograms returns the folder of PostgreSQL's server programs, as Debian and others have it.
func postgresPrograms(t testing.TB) string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/pg_basebackup")
	if err != nil {
		t.Fatal(err)
	}
	if path, err := exec.LookPath("pg_basebackup"); err == nil {
		found = append(found, path)
	}
	for _, path := range slices.Backward(found) {
		bin := filepath.Dir(path)
		if _, err := os.Stat(filepath.Join(bin, "initdb")); err == nil {
			return bin
		}
	}
	needs.Missing(t, "no PostgreSQL server programs")
	return ""
}
