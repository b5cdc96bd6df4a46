package sqlstore_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/sqlstore"
)

// The tests start this binary again as other processes; the variable tells them the place.
const workerVariable = "SFAUTH_SQLSTORE_WORKER"

const (
	processes     = 4
	perProcess    = 40
	records       = 3
	counterPrefix = "counter/"
)

func TestMain(m *testing.M) {
	if task := os.Getenv(workerVariable); task != "" {
		if err := work(strings.Split(task, " ")); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// work migrates, and then adds to counters against others who do the same.
func work(task []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	p := place{sqlstore.Dialect(task[0]), task[1], task[2], task[3]}
	db, err := sql.Open(p.driver, p.dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(4)
	db.SetMaxIdleConns(4)
	s, err := sqlstore.Open(ctx, sqlstore.Config{DB: db, Dialect: p.dialect, Table: p.table, Durability: sqlstore.AcknowledgedWritesMayBeLost})
	if err != nil {
		return err
	}
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	var all sync.WaitGroup
	errs := make([]error, records)
	for i := range records {
		all.Go(func() { errs[i] = count(ctx, s, fmt.Sprint(counterPrefix, i)) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// count adds to a counter, which it creates when it is the first, until it has won perProcess times.
func count(ctx context.Context, s *sqlstore.Store, id string) error {
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

func TestProcessesThatStartAtOnceMigrateAndLoseNoChange(t *testing.T) {
	eachDatabase(t, func(t *testing.T, p place) {
		var all sync.WaitGroup
		for range processes {
			all.Go(func() {
				cmd := exec.CommandContext(t.Context(), os.Args[0])
				cmd.Env = append(os.Environ(), workerVariable+"="+strings.Join([]string{string(p.dialect), p.driver, p.dsn, p.table}, " "), "GOMAXPROCS=1")
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("%v: %s", err, bytes.TrimSpace(out))
				}
			})
		}
		all.Wait()
		s := open(t, p)
		for i := range records {
			r, err := s.Load(t.Context(), fmt.Sprint(counterPrefix, i))
			if want := processes * perProcess; err != nil || r.Version != uint64(want) || len(r.Data) != want {
				t.Errorf("got version %d with %d changes and %v, want %d of both", r.Version, len(r.Data), err, want)
			}
		}
	})
}
