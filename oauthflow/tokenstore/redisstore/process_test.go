package redisstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/redisstore"
	"github.com/redis/go-redis/v9"
)

// The tests start this binary again as other processes; the variable tells them the server's address.
const workerVariable = "SFAUTH_REDISSTORE_WORKER"

const (
	processes  = 4
	perProcess = 100
	records    = 3
)

func TestMain(m *testing.M) {
	if addr := os.Getenv(workerVariable); addr != "" {
		if err := work(addr); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// work adds to counters against others who do the same.
func work(addr string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	c := redis.NewClient(&redis.Options{Addr: addr})
	defer c.Close()
	s, err := redisstore.Open(ctx, redisstore.Config{Client: c})
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	errs := make([]error, records)
	for i := range records {
		all.Go(func() { errs[i] = count(ctx, s, fmt.Sprint("counter/", i)) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// count adds to a counter, which it creates when it is the first, until it has won perProcess times.
func count(ctx context.Context, s *redisstore.Store, id string) error {
	for won := 0; won < perProcess; {
		r, err := s.Load(ctx, id)
		if errors.Is(err, tokenstore.ErrNotFound) {
			r, err = tokenstore.Record{ID: id, Due: time.UnixMicro(1)}, nil
		}
		if err != nil {
			return err
		}
		r.Data = append(r.Data, '+')
		switch err := s.Save(ctx, r); {
		case err == nil:
			won++
		case !errors.Is(err, tokenstore.ErrConflict):
			return err
		}
	}
	return nil
}

func TestProcessesLoseNoChange(t *testing.T) {
	srv := start(t, safe...)
	var all sync.WaitGroup
	for range processes {
		all.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), workerVariable+"="+srv.Addr(), "GOMAXPROCS=1")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, bytes.TrimSpace(out))
			}
		})
	}
	all.Wait()
	s := open(t, srv.client())
	for i := range records {
		r, err := s.Load(t.Context(), fmt.Sprint("counter/", i))
		if want := processes * perProcess; err != nil || r.Version != uint64(want) || len(r.Data) != want {
			t.Errorf("got version %d with %d changes and %v, want %d of both", r.Version, len(r.Data), err, want)
		}
	}
}
