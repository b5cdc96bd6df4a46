package sqlstore_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore/sqlstore"
)

func TestOpenNamesTheFieldAtFault(t *testing.T) {
	db := connect(t, sqlite(t))
	name60 := strings.Repeat("x", 60)
	tests := []struct {
		name   string
		config sqlstore.Config
		want   []string
	}{
		{"nothing is given", sqlstore.Config{}, []string{"Config.DB", "Config.Dialect"}},
		{"an unknown dialect", sqlstore.Config{DB: db, Dialect: "Oracle"}, []string{"Config.Dialect", "Oracle"}},
		{"a table that ends the name", sqlstore.Config{DB: db, Dialect: sqlstore.SQLite, Table: `x"; DROP TABLE y; --`}, []string{"Config.Table"}},
		{"a table in upper case", sqlstore.Config{DB: db, Dialect: sqlstore.SQLite, Table: "Records"}, []string{"Config.Table"}},
		{"a table that begins with a digit", sqlstore.Config{DB: db, Dialect: sqlstore.SQLite, Table: "1st"}, []string{"Config.Table"}},
		{"a table with a line break", sqlstore.Config{DB: db, Dialect: sqlstore.SQLite, Table: "records\n"}, []string{"Config.Table"}},
		{"a table whose index would have no room", sqlstore.Config{DB: db, Dialect: sqlstore.PostgreSQL, Table: name60}, []string{"Config.Table"}},
		{"a table in two schemas", sqlstore.Config{DB: db, Dialect: sqlstore.PostgreSQL, Table: "a.b.c"}, []string{"Config.Table"}},
		{"a schema in SQLite", sqlstore.Config{DB: db, Dialect: sqlstore.SQLite, Table: "main.records"}, []string{"Config.Table"}},
		{"a durability that is none", sqlstore.Config{DB: db, Dialect: sqlstore.SQLite, Durability: 2}, []string{"Config.Durability"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := sqlstore.Open(t.Context(), test.config)
			if err == nil {
				t.Fatal("it is accepted")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %q, want it to name %s", err, want)
				}
			}
		})
	}
}

func TestOpenRefusesADatabaseOfAnotherDialect(t *testing.T) {
	eachDatabase(t, func(t *testing.T, p place) {
		for _, dialect := range []sqlstore.Dialect{sqlstore.PostgreSQL, sqlstore.SQLite, sqlstore.MySQL} {
			_, err := sqlstore.Open(t.Context(), sqlstore.Config{
				DB: connect(t, p), Dialect: dialect, Table: p.table, Durability: sqlstore.AcknowledgedWritesMayBeLost,
			})
			switch {
			case dialect == p.dialect && err != nil:
				t.Errorf("%s: %v", dialect, err)
			case dialect != p.dialect && err == nil:
				t.Errorf("%s is accepted", dialect)
			case dialect != p.dialect && !strings.Contains(err.Error(), "Config.Dialect is "+string(dialect)):
				t.Errorf("got %q, want it to name Config.Dialect and %s", err, dialect)
			}
		}
	})
}

func TestOpenOfADatabaseThatIsDownSaysSo(t *testing.T) {
	for _, p := range []place{
		{sqlstore.PostgreSQL, "pgx", "postgres://postgres@127.0.0.1:1/test", ""},
		{sqlstore.MySQL, "mysql", "root@tcp(127.0.0.1:1)/test", ""},
		{sqlstore.SQLite, "sqlite", "file:/no/such/folder/records.db", ""},
	} {
		_, err := sqlstore.Open(t.Context(), sqlstore.Config{DB: connect(t, p), Dialect: p.dialect})
		if err == nil || !strings.Contains(err.Error(), "connecting") {
			t.Errorf("%s: got %v, want an error about connecting", p.dialect, err)
		}
	}
}

func TestOpenReturnsItsContextsError(t *testing.T) {
	eachDatabase(t, func(t *testing.T, p place) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := sqlstore.Open(ctx, sqlstore.Config{DB: connect(t, p), Dialect: p.dialect})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want an error wrapping context.Canceled", err)
		}
	})
}

func TestSettingsThatLoseAcknowledgedWritesAreRefusedUnlessAskedFor(t *testing.T) {
	sqliteWith := func(pragmas string) func(testing.TB) place {
		return func(t testing.TB) place {
			return place{sqlstore.SQLite, "sqlite", "file:" + t.TempDir() + "/records.db?" + pragmas, "records"}
		}
	}
	tests := []struct {
		name    string
		place   func(testing.TB) place
		setting map[string]string // what the database shall say of itself
		want    string            // part of the error; empty when it is accepted
	}{
		{name: "PostgreSQL, as it is made", place: postgres},
		{name: "PostgreSQL with synchronous_commit=local", place: func(t testing.TB) place { return postgres(t).with("synchronous_commit=local") }},
		{name: "PostgreSQL with synchronous_commit=off", place: func(t testing.TB) place { return postgres(t).with("synchronous_commit=off") },
			want: "synchronous_commit is off"},
		{name: "PostgreSQL with fsync=off", place: postgres, setting: map[string]string{"fsync": "off"}, want: "fsync is off"},
		{name: "MariaDB, as it is made", place: mariadb},
		{name: "MariaDB with innodb_flush_log_at_trx_commit=2", place: mariadb, setting: map[string]string{"innodb_flush_log_at_trx_commit": "2"},
			want: "innodb_flush_log_at_trx_commit is 2"},
		{name: "MariaDB with a binary log that is not synchronous", place: mariadb, setting: map[string]string{"log_bin": "ON", "sync_binlog": "0"},
			want: "sync_binlog is 0"},
		{name: "MariaDB without a binary log", place: mariadb, setting: map[string]string{"log_bin": "OFF", "sync_binlog": "0"}},
		{name: "SQLite with WAL and FULL", place: sqlite},
		{name: "SQLite, as it is made", place: sqliteWith(""), want: "less than EXTRA"},
		{name: "SQLite with a journal that is truncated and FULL", place: sqliteWith("_pragma=journal_mode(TRUNCATE)&_pragma=synchronous(FULL)")},
		{name: "SQLite with a journal that stays and FULL", place: sqliteWith("_pragma=journal_mode(PERSIST)&_pragma=synchronous(FULL)")},
		{name: "SQLite with EXTRA", place: sqliteWith("_pragma=synchronous(EXTRA)")},
		{name: "SQLite with WAL and NORMAL", place: sqliteWith("_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)"), want: "synchronous is 1"},
		{name: "SQLite with synchronous OFF", place: sqliteWith("_pragma=synchronous(OFF)"), want: "synchronous is 0"},
		{name: "SQLite without a journal", place: sqliteWith("_pragma=journal_mode(OFF)"), want: "journal_mode is off"},
		{name: "SQLite with its journal in memory", place: sqliteWith("_pragma=journal_mode(MEMORY)"), want: "journal_mode is memory"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := test.place(t)
			w := &watch{setting: test.setting}
			db := w.connect(t, p)
			c := sqlstore.Config{DB: db, Dialect: p.dialect, Table: p.table}
			_, err := sqlstore.Open(t.Context(), c)
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, sqlstore.ErrVolatile) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error wrapping ErrVolatile that says %q", err, test.want)
			}
			c.Durability = sqlstore.AcknowledgedWritesMayBeLost
			if _, err := sqlstore.Open(t.Context(), c); err != nil {
				t.Errorf("asked for by name: %v", err)
			}
		})
	}
}

func TestWhatMakesNonsenseOfTheContractIsRefusedWhateverTheDurability(t *testing.T) {
	tests := []struct {
		name    string
		with    string // of the driver
		rewrite [2]string
		setting map[string]string // what the database shall say of itself
		is      error
		want    string
	}{
		{name: "changes that are not committed", with: "autocommit=0", is: sqlstore.ErrVolatile, want: "set autocommit=1"},
		{name: "loads of what is not committed", with: "tx_isolation='READ-UNCOMMITTED'", want: "READ-COMMITTED"},
		{name: "the same in MySQL", rewrite: [2]string{"SHOW VARIABLES WHERE",
			"SELECT 'transaction_isolation', 'READ-UNCOMMITTED' FROM (SELECT 'version' AS Variable_name) AS v WHERE"}, want: "READ-COMMITTED"},
		{name: "a replica", setting: map[string]string{"read_only": "ON"}, is: sqlstore.ErrReadOnly, want: "read_only is ON"},
		{name: "a replica of a later MariaDB", setting: map[string]string{"read_only": "NO_LOCK"}, is: sqlstore.ErrReadOnly,
			want: "read_only is NO_LOCK"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := mariadb(t)
			if test.with != "" {
				p = p.with(test.with)
			}
			w := &watch{setting: test.setting, rewrite: test.rewrite}
			for _, d := range []sqlstore.Durability{sqlstore.AcknowledgedWritesSurvive, sqlstore.AcknowledgedWritesMayBeLost} {
				_, err := sqlstore.Open(t.Context(), sqlstore.Config{DB: w.connect(t, p), Dialect: p.dialect, Table: p.table, Durability: d})
				if err == nil || test.is != nil && !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.want) {
					t.Errorf("durability %d: got %v, want an error that says %q", d, err, test.want)
				}
			}
		})
	}
}

func TestADatabaseThatTakesNoWritesRefusesThemWithErrReadOnly(t *testing.T) {
	tests := map[string]struct {
		place   func(testing.TB) place
		setting string
	}{
		"PostgreSQL": {postgres, "default_transaction_read_only=on"},
		"MariaDB":    {mariadb, "tx_read_only=1"},
		"SQLite":     {sqlite, "mode=ro"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := test.place(t)
			r := record("connection/acme/main")
			if err := migrated(t, p).Save(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			s := open(t, p.with(test.setting))
			next := r
			next.Version = 1
			for name, err := range map[string]error{
				"Save of a new record": s.Save(t.Context(), record("connection/acme/other")),
				"Save":                 s.Save(t.Context(), next),
				"Delete":               s.Delete(t.Context(), r.ID, 1),
			} {
				if !errors.Is(err, sqlstore.ErrReadOnly) {
					t.Errorf("%s: got %v, want an error wrapping ErrReadOnly", name, err)
				}
			}
			if got, err := s.Load(t.Context(), r.ID); err != nil || got.Version != 1 {
				t.Errorf("Load: got version %d and %v, want 1", got.Version, err)
			}
		})
	}
}

func TestOpenWaitsForAFileThatAnotherProcessIsChanging(t *testing.T) {
	p := sqlite(t)
	rollback := p
	rollback.dsn, _, _ = strings.Cut(p.dsn, "?") // as it was before anybody turned it to WAL
	other, err := connect(t, rollback).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{"CREATE TABLE another (id TEXT)", "BEGIN EXCLUSIVE"} {
		if _, err := other.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	opened := make(chan error, 1)
	go func() {
		_, err := sqlstore.Open(t.Context(), sqlstore.Config{DB: connect(t, p), Dialect: p.dialect})
		opened <- err
	}()
	select {
	case err := <-opened:
		t.Fatalf("got %v while the file was locked, want to wait", err)
	case <-time.After(500 * time.Millisecond): // five times what SQLite itself waits
	}
	if _, err := other.ExecContext(t.Context(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Error(err)
	}
}
