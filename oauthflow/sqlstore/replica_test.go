package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow/sqlstore"
)

func TestAHotStandbyRefusesTheWrites(t *testing.T) {
	bin := postgresPrograms(t)
	root, err := os.MkdirTemp("", "sfauth-standby-") // short, as it holds a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	run := func(program string, args ...string) {
		cmd := exec.Command(filepath.Join(bin, program), args...)
		unprivileged(t, cmd, root)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", program, err, out)
		}
	}
	primary, standby := filepath.Join(root, "primary"), filepath.Join(root, "standby")
	run("initdb", "-D", primary, "-U", "postgres", "-A", "trust", "--no-sync", "--no-locale")
	p := serve(t, bin, root, primary)
	run("pg_basebackup", "-D", standby, "-R", "-X", "stream", "-c", "fast", "--no-sync", "-d", p.dsn)
	s := migrated(t, p)
	r := record("connection/acme/main")
	if err := s.Save(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	replica := open(t, serve(t, bin, root, standby))
	got, err := replica.Load(t.Context(), r.ID)
	for range 300 { // it lags
		if err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
		got, err = replica.Load(t.Context(), r.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"Save of a new record": replica.Save(t.Context(), record("connection/acme/other")),
		"Save":                 replica.Save(t.Context(), got),
		"Delete":               replica.Delete(t.Context(), got.ID, got.Version),
		"Migrate":              replica.Migrate(t.Context()),
	} {
		if !errors.Is(err, sqlstore.ErrReadOnly) {
			t.Errorf("%s: got %v, want an error wrapping ErrReadOnly", name, err)
		}
	}
	if got, err := s.Load(t.Context(), r.ID); err != nil || got.Version != 1 {
		t.Errorf("the primary holds version %d and %v, want 1", got.Version, err)
	}
}

// postgresPrograms returns the folder of PostgreSQL's server programs, as Debian and others have it.
func postgresPrograms(t *testing.T) string {
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

// serve starts a server on a data directory and waits until it answers. It need not survive the machine.
func serve(t *testing.T, bin, root, data string) place {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	cmd := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-p", fmt.Sprint(port), "-h", "127.0.0.1", "-k", root,
		"-c", "fsync=off", "-c", "shared_buffers=16MB")
	unprivileged(t, cmd, root)
	start(t, cmd)
	p := place{sqlstore.PostgreSQL, "pgx", fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres", port), "sfauth_records"}
	db := connect(t, p)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for err = db.PingContext(ctx); err != nil; err = db.PingContext(ctx) {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("the server on %s does not answer: %v", data, err)
		}
	}
	return p
}
