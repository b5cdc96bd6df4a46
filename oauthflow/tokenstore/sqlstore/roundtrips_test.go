package sqlstore_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/servers"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/sqlstore"
	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// record returns a record to be saved for the first time.
func record(id string) tokenstore.Record {
	return tokenstore.Record{ID: id, Due: time.Date(2026, 7, 14, 9, 30, 0, 123456000, time.UTC), Data: []byte("sealed")}
}

// steps are the methods by name, in an order in which each can succeed.
func steps(ctx context.Context, s *sqlstore.Store) []struct {
	name string
	do   func() error
} {
	r := record("connection/acme/main")
	return []struct {
		name string
		do   func() error
	}{
		{"Save of a new record", func() error { return s.Save(ctx, r) }},
		{"Load", func() error {
			got, err := s.Load(ctx, r.ID)
			if err == nil {
				r = got
			}
			return err
		}},
		{"Save", func() error { return s.Save(ctx, r) }},
		{"List", func() error {
			for _, err := range s.List(ctx, "connection/", r.Due.Add(time.Hour)) {
				if err != nil {
					return err
				}
			}
			return nil
		}},
		{"Delete", func() error { return s.Delete(ctx, r.ID, r.Version+1) }},
	}
}

func TestEachMethodIsOneStatementThatIsNotPrepared(t *testing.T) {
	eachDatabase(t, func(t *testing.T, p place) {
		migrated(t, p)
		w := &watch{}
		db := w.connect(t, p)
		s := over(t, db, p)
		w.take()
		for _, step := range steps(t.Context(), s) {
			if err := step.do(); err != nil {
				t.Fatalf("%s: %v", step.name, err)
			}
			want := "exec"
			if step.name == "Load" || step.name == "List" {
				want = "query"
			}
			if got := w.take(); got != want {
				t.Errorf("%s asks the driver for %q, want one %q", step.name, got, want)
			}
			if n := db.Stats().InUse; n != 0 {
				t.Errorf("%s keeps %d connections", step.name, n)
			}
		}
	})
}

// wire is a servers.Wire for the drivers.
type wire struct{ servers.Wire }

// connect opens the place's database over the wire, with one connection.
func (w *wire) connect(t *testing.T, p place) *sql.DB {
	t.Helper()
	var db *sql.DB
	if p.dialect == sqlstore.PostgreSQL {
		c, err := pgx.ParseConfig(p.dsn)
		if err != nil {
			t.Fatal(err)
		}
		c.DialFunc = w.Dial
		db = stdlib.OpenDB(*c)
	} else {
		c, err := mysql.ParseDSN(p.dsn)
		if err != nil {
			t.Fatal(err)
		}
		c.DialFunc = w.Dial
		connector, err := mysql.NewConnector(c)
		if err != nil {
			t.Fatal(err)
		}
		db = sql.OpenDB(connector)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

func TestEachMethodIsOneRoundTripOnTheWire(t *testing.T) {
	tests := []struct {
		name  string
		place func(testing.TB) place
		first int64 // round trips of a connection's first statement of each kind
	}{
		{"PostgreSQL, preparing", postgres, 2},
		{"PostgreSQL, not preparing", unprepared, 1},
		{"MariaDB", mariadb, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := test.place(t)
			migrated(t, p)
			w := &wire{}
			db := w.connect(t, p)
			s := over(t, db, p)
			db.SetMaxIdleConns(0) // the connection of Open knows the statements
			db.SetMaxIdleConns(1)
			for range 2 { // pgx itself looks at a connection that is used for the second time
				if err := db.PingContext(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			for _, want := range []int64{test.first, 1} {
				for _, step := range steps(t.Context(), s) {
					before := w.Trips.Load()
					if err := step.do(); err != nil {
						t.Fatalf("%s: %v", step.name, err)
					}
					if n := w.Trips.Load() - before; n != want {
						t.Errorf("%s takes %d round trips, want %d", step.name, n, want)
					}
				}
			}
		})
	}
}

// unprepared is PostgreSQL with a driver that prepares nothing.
func unprepared(t testing.TB) place { return postgres(t).with("default_query_exec_mode=exec") }

func TestALongListTakesOneRoundTripForEvery128Records(t *testing.T) {
	for name, fresh := range map[string]func(testing.TB) place{"PostgreSQL": unprepared, "MariaDB": mariadb} {
		t.Run(name, func(t *testing.T) { listsInPages(t, fresh(t)) })
	}
}

func listsInPages(t *testing.T, p place) {
	s := migrated(t, p)
	for i := range 300 {
		if err := s.Save(t.Context(), record("connection/acme/"+strings.Repeat("x", i%50)+string(rune('a'+i/50)))); err != nil {
			t.Fatal(err)
		}
	}
	w := &wire{}
	s = over(t, w.connect(t, p), p)
	before, records := w.Trips.Load(), 0
	for _, err := range s.List(t.Context(), "connection/", time.Now().AddDate(100, 0, 0)) {
		if err != nil {
			t.Fatal(err)
		}
		records++
	}
	if n := w.Trips.Load() - before; records != 300 || n != 4 {
		t.Errorf("%d records take %d round trips, want 300 in 4, of which one looks whether the prefix has few", records, n)
	}
}
