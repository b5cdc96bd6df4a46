package sqlstore_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/sqlstore"
	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
)

// A place is a table of its own in one of the databases.
type place struct {
	dialect sqlstore.Dialect
	driver  string
	dsn     string
	table   string
}

// with returns the place reached with one more setting of the driver.
func (p place) with(setting string) place {
	separator := "?"
	if strings.Contains(p.dsn, "?") {
		separator = "&"
	}
	p.dsn += separator + setting
	return p
}

// eachDatabase runs a test on all three, each with a place that is gone afterwards.
func eachDatabase(t *testing.T, test func(t *testing.T, p place)) {
	for name, make := range map[string]func(testing.TB) place{"PostgreSQL": postgres, "MariaDB": mariadb, "SQLite": sqlite} {
		t.Run(name, func(t *testing.T) { test(t, make(t)) })
	}
}

func postgres(t testing.TB) place {
	return server(t, place{dialect: sqlstore.PostgreSQL, driver: "pgx", dsn: needs.Service(t, "SFAUTH_POSTGRES")})
}

func mariadb(t testing.TB) place {
	return server(t, place{dialect: sqlstore.MySQL, driver: "mysql", dsn: needs.Service(t, "SFAUTH_MARIADB")})
}

func sqlite(t testing.TB) place {
	path := filepath.Join(t.TempDir(), "records.db")
	return place{sqlstore.SQLite, "sqlite", "file:" + path + "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(100)", "sfauth_records"}
}

// server chooses a table that is dropped at the end, on a server that must answer.
func server(t testing.TB, p place) place {
	t.Helper()
	p.table = "sfauth_" + strings.ToLower(rand.Text())
	db := connect(t, p)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := db.PingContext(ctx); err != nil {
		t.Fatalf("the %s server does not answer: %v", p.dialect, err)
	}
	t.Cleanup(func() {
		if _, err := db.ExecContext(context.Background(), "DROP TABLE IF EXISTS "+p.table); err != nil {
			t.Error(err)
		}
	})
	return p
}

// connect opens the place's database, which is closed at the end.
func connect(t testing.TB, p place) *sql.DB {
	t.Helper()
	db, err := sql.Open(p.driver, p.dsn)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(6)
	db.SetMaxIdleConns(6) // a new connection costs PostgreSQL a process
	t.Cleanup(func() { db.Close() })
	return db
}

// open opens a store as another process would, over connections of its own. Durability is the matter of tests of their
// own: servers for tests are often made fast.
func open(t testing.TB, p place) *sqlstore.Store {
	t.Helper()
	return over(t, connect(t, p), p)
}

func over(t testing.TB, db *sql.DB, p place) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{
		DB: db, Dialect: p.dialect, Table: p.table, Durability: sqlstore.AcknowledgedWritesMayBeLost,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// migrated opens a store whose table exists.
func migrated(t testing.TB, p place) *sqlstore.Store {
	t.Helper()
	s := open(t, p)
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}
