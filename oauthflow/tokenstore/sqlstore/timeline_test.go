package sqlstore_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/internal/servers"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/sqlstore"
)

func TestLoadTellsTheTimelineWhereAFailoverMayLoseWrites(t *testing.T) {
	needs.Patience(t)
	primary := servers.StartPostgres(t)
	standby := primary.Standby()
	at := func(s *servers.Postgres) string {
		t.Helper()
		store := open(t, place{sqlstore.PostgreSQL, "pgx", s.DSN(), "sfauth_records"})
		r, err := store.Load(t.Context(), "connection/acme/main")
		for range 300 { // a standby lags, and settings take a moment
			if err == nil {
				break
			}
			time.Sleep(20 * time.Millisecond)
			r, err = store.Load(t.Context(), "connection/acme/main")
		}
		if err != nil {
			t.Fatal(err)
		}
		none, err := store.Load(t.Context(), "connection/acme/other")
		if !errors.Is(err, tokenstore.ErrNotFound) || none.Timeline != r.Timeline {
			t.Errorf("without a record: %q and %v, want ErrNotFound with the timeline %q", none.Timeline, err, r.Timeline)
		}
		return r.Timeline
	}
	s := migrated(t, place{sqlstore.PostgreSQL, "pgx", primary.DSN(), "sfauth_records"})
	if err := s.Save(t.Context(), record("connection/acme/main")); err != nil {
		t.Fatal(err)
	}
	if got := at(primary); got != "00000001" {
		t.Errorf("the primary is in %q", got)
	}
	if got := at(standby); got != "" {
		t.Errorf("a standby tells %q", got)
	}
	primary.Exec("ALTER SYSTEM SET synchronous_standby_names = '*'")
	primary.Exec("SELECT pg_reload_conf()")
	time.Sleep(300 * time.Millisecond)
	if got := at(primary); got != "00000001" { // another one may be promoted, and not every commit waits
		t.Errorf("a primary whose commits wait for a standby is in %q", got)
	}
	primary.Abort()
	standby.Promote()
	if got := at(standby); got != "00000002" {
		t.Errorf("the promoted standby is in %q", got)
	}
}

// answer is an error of PostgreSQL.
type answer string

func (a answer) Error() string    { return "the database says " + string(a) }
func (a answer) SQLState() string { return string(a) }

func TestNothingButAMissingFunctionKeepsLoadFromTellingTheTimeline(t *testing.T) {
	tests := []struct {
		name    string
		fail    error
		rewrite [2]string
		opens   bool
		tells   bool
	}{
		{name: "a serialization failure", fail: answer("40001"), opens: true, tells: true},
		{name: "the end of the server", fail: answer("57P01")},
		{name: "the end of the connection", fail: errors.New("unexpected EOF")},
		{name: "a relative without the function", rewrite: [2]string{"pg_current_wal_lsn", "pg_no_such_function"}, opens: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := postgres(t)
			r := record("connection/acme/main")
			if err := migrated(t, p).Save(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			failed := false
			w := &watch{rewrite: test.rewrite, fail: func(statement string) error {
				if failed || test.fail == nil || !strings.Contains(statement, "pg_walfile_name") {
					return nil
				}
				failed = true
				return test.fail
			}}
			s, err := sqlstore.Open(t.Context(), sqlstore.Config{
				DB: w.connect(t, p), Dialect: p.dialect, Table: p.table, Durability: sqlstore.AcknowledgedWritesMayBeLost,
			})
			if test.opens != (err == nil) {
				t.Fatalf("got %v", err)
			}
			if err != nil {
				if !errors.Is(err, test.fail) || !strings.Contains(err.Error(), "timeline") {
					t.Errorf("got %v, want an error wrapping %v", err, test.fail)
				}
				return
			}
			if got, err := s.Load(t.Context(), r.ID); err != nil || test.tells != (got.Timeline != "") {
				t.Errorf("it tells %q, %v", got.Timeline, err)
			}
		})
	}
}

func TestOtherDatabasesTellNoTimeline(t *testing.T) {
	for _, p := range []place{sqlite(t), mariadb(t)} {
		s := migrated(t, p)
		r := record("connection/acme/main")
		if err := s.Save(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Load(t.Context(), r.ID); err != nil || got.Timeline != "" {
			t.Errorf("%s tells %q, %v", p.dialect, got.Timeline, err)
		}
	}
}
