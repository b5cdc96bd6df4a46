package sqlstore_test

import (
	"errors"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/servers"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/sqlstore"
)

func TestLoadTellsTheTimelineWhereAFailoverMayLoseWrites(t *testing.T) {
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
		if !errors.Is(err, oauthflow.ErrNotFound) || none.Timeline != r.Timeline {
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
	if got := at(primary); got != "" {
		t.Errorf("a primary whose commits wait for a standby tells %q", got)
	}
	primary.Abort()
	standby.Promote()
	if got := at(standby); got != "00000002" {
		t.Errorf("the promoted standby is in %q", got)
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
