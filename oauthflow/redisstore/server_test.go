package redisstore_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/redisstore"
	"github.com/redis/go-redis/v9"
)

// running is the server that the tests use unless the environment names another; how it is set up is its own affair.
var running = cmp.Or(os.Getenv("SFAUTH_REDIS"), "redis://127.0.0.1:6379")

// safe are the settings by which a server loses nothing that it has acknowledged.
var safe = []string{"--appendonly", "yes", "--appendfsync", "always"}

// server is a Redis server of a test's own.
type server struct {
	t    testing.TB
	port int
	dir  string
	args []string
	cmd  *exec.Cmd
}

// start starts a server with settings, which ends with the test.
func start(t testing.TB, args ...string) *server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, port: listener.Addr().(*net.TCPAddr).Port, dir: t.TempDir(), args: args}
	listener.Close()
	s.launch()
	t.Cleanup(s.stop)
	return s
}

func (s *server) launch() {
	s.t.Helper()
	base := []string{"--bind", "127.0.0.1", "--port", fmt.Sprint(s.port), "--dir", s.dir, "--save", "", "--daemonize", "no",
		"--loglevel", "warning", "--repl-diskless-sync-delay", "0", "--shutdown-timeout", "0"}
	s.cmd = exec.Command(needs.Program(s.t, "redis-server"), append(base, s.args...)...)
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	c := s.client()
	for range 500 {
		if c.Ping(s.t.Context()).Err() == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.t.Fatal("the server does not answer")
}

// stop ends the server and its children, also when it was stopped.
func (s *server) stop() {
	late := time.AfterFunc(5*time.Second, func() { _ = s.cmd.Process.Kill() })
	defer late.Stop()
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	_ = s.cmd.Process.Signal(syscall.SIGCONT)
	_ = s.cmd.Wait()
}

// kill ends the server at once, as kill -9 does.
func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

func (s *server) addr() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

func (s *server) client() *redis.Client { return client(s.t, &redis.Options{Addr: s.addr()}) }

// client returns a client that is closed at the end.
func client(t testing.TB, o *redis.Options) *redis.Client {
	c := redis.NewClient(o)
	t.Cleanup(func() { c.Close() })
	return c
}

// open opens a store that asks for what a default store asks.
func open(t testing.TB, c redis.UniversalClient) *redisstore.Store {
	t.Helper()
	return openWith(t, redisstore.Config{Client: c})
}

func openWith(t testing.TB, c redisstore.Config) *redisstore.Store {
	t.Helper()
	s, err := redisstore.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// shared returns options for the server that is running, and a prefix of which nothing is left at the end.
func shared(t testing.TB) (o *redis.Options, prefix string) {
	t.Helper()
	o, err := redis.ParseURL(running)
	if err != nil {
		t.Fatal(err)
	}
	c := client(t, o)
	if err := c.Ping(t.Context()).Err(); err != nil {
		needs.Missing(t, "no Redis server: %v", err)
	}
	prefix = "sfauth-test:" + strings.ToLower(rand.Text())
	t.Cleanup(func() {
		ctx := context.Background()
		keys := c.Scan(ctx, 0, "{"+prefix+"}*", 1000).Iterator()
		for keys.Next(ctx) {
			if err := c.Del(ctx, keys.Val()).Err(); err != nil {
				t.Error(err)
			}
		}
		if err := keys.Err(); err != nil {
			t.Error(err)
		}
	})
	return o, prefix
}

// record returns a record to be saved for the first time.
func record(id string) oauthflow.Record {
	return oauthflow.Record{ID: id, Due: time.Date(2026, 7, 14, 9, 30, 0, 123456000, time.UTC), Data: []byte("sealed")}
}
