package redisstore_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/redis/go-redis/v9"
)

// A wire counts round trips: reads that follow a write. While it is cut, answers are lost.
type wire struct {
	trips atomic.Int64
	cut   atomic.Bool
}

type wireConn struct {
	net.Conn
	wire *wire

	mu    sync.Mutex
	wrote bool
}

func (w *wire) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, addr)
	return &wireConn{Conn: c, wire: w}, err
}

func (c *wireConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	c.wrote = true
	c.mu.Unlock()
	return c.Conn.Write(b)
}

func (c *wireConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.wrote && c.wire.cut.CompareAndSwap(true, false) {
		c.Conn.Close()
		return 0, net.ErrClosed
	}
	if c.wrote && n > 0 {
		c.wire.trips.Add(1)
		c.wrote = false
	}
	return n, err
}

func TestALostAnswerIsNoConflictAndIsNotAskedForAgain(t *testing.T) {
	srv := start(t, safe...)
	clusterAddr := cluster(t)
	for name, connect := range map[string]func(w *wire) redis.UniversalClient{
		"a server": func(w *wire) redis.UniversalClient {
			return redis.NewClient(&redis.Options{Addr: srv.Addr(), Dialer: w.dial, MaxRetries: 5})
		},
		"a cluster": func(w *wire) redis.UniversalClient {
			return redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{clusterAddr}, Dialer: w.dial})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := &wire{}
			c := connect(w)
			defer c.Close()
			s := open(t, c)
			r := save(t, s, record("connection/acme/main"))
			if err := s.Delete(t.Context(), r.ID, r.Version); err != nil { // now the server knows both scripts
				t.Fatal(err)
			}
			r = save(t, s, record(r.ID))
			for name, do := range map[string]func() error{
				"Save":   func() error { return s.Save(t.Context(), r) },
				"Delete": func() error { return s.Delete(t.Context(), r.ID, r.Version) },
			} {
				w.cut.Store(true)
				if err := do(); err == nil || errors.Is(err, oauthflow.ErrConflict) {
					t.Errorf("%s: got %v, want an error that is no conflict", name, err)
				}
				got, err := s.Load(t.Context(), r.ID)
				if name == "Delete" && !errors.Is(err, oauthflow.ErrNotFound) || name == "Save" && got.Version != r.Version+1 {
					t.Errorf("after a %s whose answer was lost: got version %d and %v", name, got.Version, err)
				}
				if name == "Delete" {
					got = save(t, s, record(r.ID))
				}
				r = got
			}
		})
	}
}

func TestEachMethodIsOneRoundTrip(t *testing.T) {
	srv := start(t, safe...)
	w := &wire{}
	c := client(t, &redis.Options{Addr: srv.Addr(), Dialer: w.dial, PoolSize: 1})
	s := open(t, c)
	for round := range 2 {
		r := record("connection/acme/main")
		for _, step := range []struct {
			name string
			do   func() error
		}{
			{"Save of a new record", func() error { return s.Save(t.Context(), r) }},
			{"Load", func() (err error) { r, err = s.Load(t.Context(), r.ID); return err }},
			{"Save", func() error { return s.Save(t.Context(), r) }},
			{"Delete", func() error { return s.Delete(t.Context(), r.ID, r.Version+1) }},
		} {
			before := w.trips.Load()
			if err := step.do(); err != nil {
				t.Fatalf("%s: %v", step.name, err)
			}
			if n := w.trips.Load() - before; round > 0 && n != 1 { // at first, the server knows no script
				t.Errorf("%s takes %d round trips, want 1", step.name, n)
			}
		}
	}
}
