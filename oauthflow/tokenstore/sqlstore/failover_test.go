package sqlstore_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/internal/servers"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/sqlstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/storetest"
)

// A pair is a PostgreSQL server and its standby, reached by one DSN that follows the one that takes writes.
type pair struct {
	primary, standby *servers.Postgres
	place            place
}

func startPair(t *testing.T) pair {
	t.Helper()
	needs.Patience(t)
	p := pair{primary: servers.StartPostgres(t)}
	p.standby = p.primary.Standby()
	p.place = place{sqlstore.PostgreSQL, "pgx", fmt.Sprintf(
		"postgres://postgres@%s,%s/postgres?target_session_attrs=read-write&connect_timeout=3", p.primary.Addr(), p.standby.Addr()), "sfauth_records"}
	return p
}

// failOver aborts the primary, promotes the standby, and waits until the store tells so.
func (p pair) failOver(ctx context.Context, s *sqlstore.Store) error {
	before, err := s.Load(ctx, "connection/acme/none")
	if !errors.Is(err, tokenstore.ErrNotFound) {
		return err
	}
	p.primary.Abort()
	p.standby.Promote()
	for ctx.Err() == nil {
		now, err := s.Load(ctx, "connection/acme/none")
		if errors.Is(err, tokenstore.ErrNotFound) && now.Timeline != "" && now.Timeline != before.Timeline {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return ctx.Err()
}

// caughtUp waits until the standby has the record.
func (p pair) caughtUp(t *testing.T, id string, version uint64) {
	t.Helper()
	s := open(t, place{p.place.dialect, p.place.driver, p.standby.DSN(), p.place.table})
	r, err := s.Load(t.Context(), id)
	for begin := time.Now(); err != nil || r.Version != version; r, err = s.Load(t.Context(), id) {
		if time.Since(begin) > 30*time.Second {
			t.Fatalf("the standby has version %d and %v, want %d", r.Version, err, version)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// cut has the standby hear no more of the primary.
func (p pair) cut(t *testing.T) {
	t.Helper()
	p.standby.Exec("ALTER SYSTEM SET primary_conninfo = ''")
	p.standby.Exec("SELECT pg_reload_conf()")
	db := connect(t, place{p.place.dialect, p.place.driver, p.primary.DSN(), p.place.table})
	for listening := true; listening; time.Sleep(20 * time.Millisecond) {
		if err := db.QueryRowContext(t.Context(), "SELECT EXISTS (SELECT FROM pg_stat_replication)").Scan(&listening); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAChangeThatWaitsInThePoolThroughAFailoverIsAConflict(t *testing.T) {
	p := startPair(t)
	ctx := t.Context()
	db := connect(t, p.place)
	db.SetMaxOpenConns(1)
	s := over(t, db, p.place)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s.Migrate(ctx))
	ids := []string{"connection/acme/saved", "connection/acme/deleted", "connection/acme/unclaimed"}
	loaded := map[string]tokenstore.Record{}
	for _, id := range ids {
		must(s.Save(ctx, record(id)))
		r, err := s.Load(ctx, id)
		must(err)
		loaded[id] = r
	}
	made := record("connection/acme/made")
	none, err := s.Load(ctx, made.ID)
	if made.Timeline = none.Timeline; !errors.Is(err, tokenstore.ErrNotFound) || made.Timeline == "" {
		t.Fatalf("got the timeline %q and %v", made.Timeline, err)
	}
	p.caughtUp(t, ids[len(ids)-1], 1)
	// Another process's Save, of which the standby hears nothing.
	p.cut(t)
	other := open(t, place{p.place.dialect, p.place.driver, p.primary.DSN(), p.place.table})
	must(other.Save(ctx, loaded["connection/acme/saved"]))

	held, err := db.Conn(ctx)
	must(err)
	changes := map[string]func() error{
		"a Save": func() error { return s.Save(ctx, loaded["connection/acme/saved"]) },
		"a Delete": func() error {
			r := loaded["connection/acme/deleted"]
			return s.DeleteIn(ctx, r.Timeline, r.ID, r.Version)
		},
		"a Save of a new record": func() error { return s.Save(ctx, made) },
		"a Save that claims no history": func() error {
			r := loaded["connection/acme/unclaimed"]
			r.Timeline = ""
			return s.Save(ctx, r)
		},
	}
	results := map[string]chan error{}
	for name, change := range changes {
		result := make(chan error, 1)
		results[name] = result
		go func() { result <- change() }()
	}
	for db.Stats().WaitCount < int64(len(changes)) {
		time.Sleep(5 * time.Millisecond)
	}
	p.primary.Abort()
	p.standby.Promote()
	_ = held.Raw(func(any) error { return driver.ErrBadConn })
	held.Close()
	for name, result := range results {
		err := <-result
		if name == "a Save that claims no history" {
			if err != nil {
				t.Errorf("%s: got %v, want nil", name, err)
			}
		} else if !errors.Is(err, tokenstore.ErrConflict) {
			t.Errorf("%s that waited through the failover: got %v, want an error wrapping ErrConflict", name, err)
		}
	}
	for _, id := range ids[:2] {
		r, err := s.Load(ctx, id)
		if err != nil || r.Version != 1 || r.Timeline == loaded[id].Timeline {
			t.Errorf("%s: version %d in the timeline %q, %v; want version 1 in a new one", id, r.Version, r.Timeline, err)
			continue
		}
		if err := s.Save(ctx, r); err != nil {
			t.Errorf("a Save that was decided in the new timeline: %v", err)
		}
	}
}

// failing is a store of a pair that can fail over.
type failing struct {
	*sqlstore.Store
	pair pair
}

func (f failing) FailOver(ctx context.Context) error { return f.pair.failOver(ctx, f.Store) }

func TestPostgreSQLKeepsTheClauseOfFailovers(t *testing.T) {
	for _, c := range storetest.Clauses() {
		if c.Name != "No Save that was decided before a failover is made after it" {
			continue
		}
		p := startPair(t)
		migrated(t, p.place)
		p.primary.Exec("ALTER SYSTEM SET synchronous_standby_names = '*'") // so that what was saved before is kept
		p.primary.Exec("SELECT pg_reload_conf()")
		if err := c.Check(t.Context(), func() tokenstore.Store { return failing{open(t, p.place), p} }); err != nil {
			t.Error(err)
		}
		return
	}
	t.Error("there is no such clause")
}
