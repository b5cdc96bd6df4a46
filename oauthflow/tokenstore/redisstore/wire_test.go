package redisstore_test

import (
	"errors"
	"testing"

	"github.com/fullcast/sfauth/internal/servers"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/redis/go-redis/v9"
)

func TestALostAnswerIsNoConflictAndIsNotAskedForAgain(t *testing.T) {
	srv := start(t, safe...)
	clusterAddr := cluster(t)
	for name, connect := range map[string]func(w *servers.Wire) redis.UniversalClient{
		"a server": func(w *servers.Wire) redis.UniversalClient {
			return redis.NewClient(&redis.Options{Addr: srv.Addr(), Dialer: w.Dial, MaxRetries: 5})
		},
		"a cluster": func(w *servers.Wire) redis.UniversalClient {
			return redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{clusterAddr}, Dialer: w.Dial})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := &servers.Wire{}
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
				w.Lose.Store(1)
				if err := do(); err == nil || errors.Is(err, tokenstore.ErrConflict) {
					t.Errorf("%s: got %v, want an error that is no conflict", name, err)
				}
				got, err := s.Load(t.Context(), r.ID)
				if name == "Delete" && !errors.Is(err, tokenstore.ErrNotFound) || name == "Save" && got.Version != r.Version+1 {
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
	w := &servers.Wire{}
	c := client(t, &redis.Options{Addr: srv.Addr(), Dialer: w.Dial, PoolSize: 1})
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
			before := w.Trips.Load()
			if err := step.do(); err != nil {
				t.Fatalf("%s: %v", step.name, err)
			}
			if n := w.Trips.Load() - before; round > 0 && n != 1 { // at first, the server knows no script
				t.Errorf("%s takes %d round trips, want 1", step.name, n)
			}
		}
	}
}
