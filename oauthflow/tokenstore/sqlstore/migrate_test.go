package sqlstore_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/sqlstore"
)

func TestMigrateAgainKeepsTheRecords(t *testing.T) {
	eachDatabase(t, func(t *testing.T, p place) {
		s := migrated(t, p)
		r := record("connection/acme/main")
		if err := s.Save(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got, err := migrated(t, p).Load(t.Context(), r.ID); err != nil || got.Version != 1 || string(got.Data) != string(r.Data) {
				t.Errorf("got %v and %v, want the record", got, err)
			}
		}
	})
}

func TestMigrateTakesNoLockWhereThereIsNothingToMake(t *testing.T) {
	p := postgres(t)
	s := migrated(t, p)
	r := record("connection/acme/main")
	if err := s.Save(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	r.Version = 1
	tx, err := connect(t, p).BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(t.Context(), "LOCK TABLE "+p.table+" IN SHARE UPDATE EXCLUSIVE MODE"); err != nil { // as VACUUM does
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.Migrate(ctx) }()
	time.Sleep(200 * time.Millisecond)
	if err := s.Save(ctx, r); err != nil {
		t.Errorf("Save beside it: %v", err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestMigrateNeedsNoRightToMakeTablesWhereThereIsNothingToMake(t *testing.T) {
	for name, fresh := range map[string]func(testing.TB) place{"PostgreSQL": postgres, "MariaDB": mariadb} {
		t.Run(name, func(t *testing.T) {
			p := fresh(t)
			migrated(t, p)
			db, user := connect(t, p), "user_"+p.table[len(p.table)-10:]
			rights := []string{
				"CREATE ROLE " + user + " LOGIN",
				"GRANT SELECT, INSERT, UPDATE, DELETE ON " + p.table + " TO " + user,
			}
			forget := []string{"DROP OWNED BY " + user, "DROP ROLE " + user}
			restricted := p
			restricted.dsn = strings.Replace(p.dsn, "postgres@", user+"@", 1)
			if p.dialect == sqlstore.MySQL {
				rights = []string{
					"CREATE USER " + user,
					"GRANT SELECT, INSERT, UPDATE, DELETE ON " + p.table + " TO " + user,
				}
				forget = []string{"DROP USER " + user}
				restricted.dsn = strings.Replace(p.dsn, "root@", user+"@", 1)
			}
			for _, statement := range rights {
				if _, err := db.ExecContext(t.Context(), statement); err != nil {
					needs.Missing(t, "the tests' user may not make others: %v", err)
				}
			}
			t.Cleanup(func() {
				for _, statement := range forget {
					if _, err := db.Exec(statement); err != nil {
						t.Error(err)
					}
				}
			})
			for _, step := range steps(t.Context(), migrated(t, restricted)) {
				if err := step.do(); err != nil {
					t.Errorf("%s: %v", step.name, err)
				}
			}
		})
	}
}

func TestMigrateMakesAnIndexThatIsMissing(t *testing.T) {
	for _, fresh := range []func(testing.TB) place{postgres, sqlite} { // MySQL makes it with the table
		p := fresh(t)
		db := connect(t, p)
		s := over(t, db, p)
		table, _, _ := strings.Cut(s.Schema(), ";\n")
		if _, err := db.ExecContext(t.Context(), table); err != nil {
			t.Fatal(err)
		}
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), "DROP INDEX "+p.table+"_due"); err != nil {
			t.Errorf("%s: %v", p.dialect, err)
		}
	}
}

func TestWithoutTheTableEveryMethodSaysWhatToDo(t *testing.T) {
	eachDatabase(t, func(t *testing.T, p place) {
		s := open(t, p)
		for _, step := range steps(t.Context(), s) {
			err := step.do()
			if !errors.Is(err, sqlstore.ErrNoTable) || !strings.Contains(err.Error(), "Migrate") || strings.Count(err.Error(), "sqlstore: ") != 1 {
				t.Errorf("%s: got %v, want an error wrapping ErrNoTable that names Migrate, and the package once", step.name, err)
			}
		}
	})
}

func TestMigrateRefusesATableOfAnother(t *testing.T) {
	eachDatabase(t, func(t *testing.T, p place) {
		db := connect(t, p)
		if _, err := db.ExecContext(t.Context(), "CREATE TABLE "+p.table+" (due INT, id INT, name VARCHAR(20))"); err != nil {
			t.Fatal(err)
		}
		err := over(t, db, p).Migrate(t.Context())
		if err == nil || !strings.Contains(err.Error(), p.table) {
			t.Errorf("got %v, want an error that names the table", err)
		}
	})
}

func TestMigrateOnADatabaseThatTakesNoWritesReturnsErrReadOnly(t *testing.T) {
	s := open(t, postgres(t).with("default_transaction_read_only=on"))
	if err := s.Migrate(t.Context()); !errors.Is(err, sqlstore.ErrReadOnly) {
		t.Errorf("got %v, want an error wrapping ErrReadOnly", err)
	}
}

func TestTheSchemaCanBeRunByHand(t *testing.T) {
	eachDatabase(t, func(t *testing.T, p place) {
		db := connect(t, p)
		s := over(t, db, p)
		for _, statement := range strings.SplitAfter(strings.TrimSpace(s.Schema()), ";\n") {
			if _, err := db.ExecContext(t.Context(), statement); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}
		for _, step := range steps(t.Context(), s) {
			if err := step.do(); err != nil {
				t.Errorf("%s: %v", step.name, err)
			}
		}
	})
}

func TestATableMayLieInASchema(t *testing.T) {
	p := postgres(t)
	db := connect(t, p)
	schema := p.table + "_schema"
	if _, err := db.ExecContext(t.Context(), "CREATE SCHEMA "+schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := db.Exec("DROP SCHEMA " + schema + " CASCADE"); err != nil {
			t.Error(err)
		}
	})
	p.table = schema + ".order" // which is no name without quotes
	for _, step := range steps(t.Context(), migrated(t, p)) {
		if err := step.do(); err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
	}
}

func TestSaveRefusesWhatIsNoRecord(t *testing.T) {
	s := migrated(t, sqlite(t))
	tests := []struct {
		name   string
		change func(r *tokenstore.Record)
		want   string
	}{
		{"no id", func(r *tokenstore.Record) { r.ID = "" }, "ID"},
		{"an id of 256 bytes", func(r *tokenstore.Record) { r.ID = strings.Repeat("x", 256) }, "ID"},
		{"an id with a zero byte", func(r *tokenstore.Record) { r.ID = "a\x00b" }, "ID"},
		{"an id that is no ASCII", func(r *tokenstore.Record) { r.ID = "connection/ä" }, "ID"},
		{"a due time before 1970", func(r *tokenstore.Record) { r.Due = r.Due.AddDate(-100, 0, 0) }, "Due"},
		{"a due time after 9999", func(r *tokenstore.Record) { r.Due = r.Due.AddDate(8000, 0, 0) }, "Due"},
		{"too much data", func(r *tokenstore.Record) { r.Data = make([]byte, tokenstore.MaxRecordData+1) }, "Data"},
		{"the last version", func(r *tokenstore.Record) { r.Version = 1<<64 - 1 }, "Version"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := record("connection/acme/main")
			test.change(&r)
			err := s.Save(t.Context(), r)
			if err == nil || errors.Is(err, tokenstore.ErrConflict) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error that names %s", err, test.want)
			}
		})
	}
}
