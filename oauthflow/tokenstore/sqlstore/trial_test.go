package sqlstore_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/fullcast/sfauth/oauthflow/tokenstore/sqlstore"
)

// What no catalog tells in a way that can be judged: what another index, a check or a trigger does to records.
func TestOpenRefusesATableThatDoesNotKeepWhatIsSaved(t *testing.T) {
	const function = "CREATE FUNCTION {table}_f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN %s; RETURN NULL; END $$"
	pg := func(body, when string) []string {
		return []string{strings.Replace(function, "%s", body, 1), "CREATE " + when + " ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_f()"}
	}
	tests := []struct {
		name  string
		place func(testing.TB) place
		do    []string
		want  []string // parts of the error; none where it is accepted
	}{
		{"PostgreSQL, a second key without case", postgres, []string{"CREATE UNIQUE INDEX {table}_lower ON {table} (lower(id))"}, []string{"_lower"}},
		{"PostgreSQL, a second key without trailing blanks", postgres, []string{"CREATE UNIQUE INDEX {table}_trim ON {table} (rtrim(id))"}, []string{"_trim"}},
		{"PostgreSQL, a second key of the beginning", postgres, []string{"CREATE UNIQUE INDEX {table}_left ON {table} (left(id, 200))"}, []string{"_left"}},
		{"PostgreSQL, a key of the due time", postgres, []string{"CREATE UNIQUE INDEX {table}_once ON {table} (due)"}, []string{"_once"}},
		{"PostgreSQL, a check of the case", postgres, []string{"ALTER TABLE {table} ADD CONSTRAINT {table}_small CHECK (id = lower(id))"}, []string{"_small"}},
		{"PostgreSQL, a check of the data's length", postgres, []string{"ALTER TABLE {table} ADD CONSTRAINT {table}_short CHECK (length(data) < 1000)"}, []string{"_short"}},
		{"PostgreSQL, a column that must be given", postgres, []string{"ALTER TABLE {table} ADD owner text NOT NULL"}, []string{"owner"}},
		{"PostgreSQL, a second key of id alone, too", postgres, []string{"CREATE UNIQUE INDEX {table}_again ON {table} (id)"}, nil},
		{"PostgreSQL, a trigger that deletes what was inserted", postgres, pg("DELETE FROM {table} WHERE id = NEW.id", "TRIGGER t AFTER INSERT"), []string{"not there"}},
		{"PostgreSQL, one that deletes when it commits", postgres, pg("DELETE FROM {table} WHERE id = NEW.id", "CONSTRAINT TRIGGER t AFTER INSERT"), []string{"not there"}},
		{"PostgreSQL, one that is deferred", postgres, []string{strings.Replace(function, "%s", "DELETE FROM {table} WHERE id = NEW.id", 1),
			"CREATE CONSTRAINT TRIGGER t AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {table}_f()"}, []string{"not there"}},
		{"PostgreSQL, a trigger that changes what was saved", postgres, pg("UPDATE {table} SET due = 1 WHERE id = NEW.id AND due <> 1", "TRIGGER t AFTER UPDATE"), []string{"changed"}},
		{"PostgreSQL, a trigger that brings back what was deleted", postgres, pg("INSERT INTO {table} SELECT OLD.*", "TRIGGER t AFTER DELETE"), []string{"still there"}},
		{"PostgreSQL, a trigger that cleans up others", postgres, pg("DELETE FROM {table} WHERE id <> NEW.id AND lower(id) = lower(NEW.id)", "TRIGGER t AFTER INSERT"), []string{"not there"}},
		{"PostgreSQL, an audit", postgres,
			pg("PERFORM pg_notify('changes', md5(COALESCE(NEW.id, OLD.id)))", "TRIGGER t AFTER INSERT OR UPDATE OR DELETE"), nil},
		{"MariaDB, a second key without case", mariadb, []string{
			"ALTER TABLE {table} ADD folded VARCHAR(255) AS (LOWER(CONVERT(id USING utf8mb4))) STORED, ADD UNIQUE KEY {table}_lower (folded)"}, []string{"_lower"}},
		{"MariaDB, a second key of the beginning", mariadb, []string{"ALTER TABLE {table} ADD UNIQUE KEY {table}_left (id(200))"}, []string{"_left"}},
		{"MariaDB, a key of the due time", mariadb, []string{"ALTER TABLE {table} ADD UNIQUE KEY {table}_once (due)"}, []string{"_once"}},
		{"MariaDB, a check of the case", mariadb, []string{"ALTER TABLE {table} ADD CONSTRAINT {table}_small CHECK (id = LOWER(CONVERT(id USING utf8mb4)) COLLATE utf8mb4_bin)"}, []string{"_small"}},
		{"MariaDB, a column that has no default", mariadb, []string{"ALTER TABLE {table} ADD owner VARCHAR(20) NOT NULL"}, nil}, // which takes the type's own
		{"MariaDB, a trigger that changes what was saved", mariadb, []string{"CREATE TRIGGER {table}_t AFTER UPDATE ON {table} FOR EACH ROW DELETE FROM {table} WHERE id = NEW.id"}, []string{"{table}"}},
		{"MariaDB, an audit", mariadb, []string{"CREATE TRIGGER {table}_t AFTER INSERT ON {table} FOR EACH ROW SET @last = NEW.id"}, nil},
		{"SQLite, a second key without case", sqlite, []string{"CREATE UNIQUE INDEX {table}_lower ON {table} (lower(id))"}, []string{"_lower"}},
		{"SQLite, a second key by another collation", sqlite, []string{"CREATE UNIQUE INDEX {table}_nocase ON {table} (id COLLATE NOCASE)"}, []string{"a new record is refused"}},
		{"SQLite, a key of the due time", sqlite, []string{"CREATE UNIQUE INDEX {table}_once ON {table} (due)"}, []string{"due"}},
		{"SQLite, a trigger that deletes what was inserted", sqlite, []string{"CREATE TRIGGER t AFTER INSERT ON {table} BEGIN DELETE FROM {table} WHERE id = NEW.id; END"}, []string{"not there"}},
		{"SQLite, a trigger that changes what was saved", sqlite, []string{"CREATE TRIGGER t AFTER UPDATE ON {table} BEGIN UPDATE {table} SET data = x'00' WHERE id = NEW.id; END"}, []string{"changed"}},
		{"SQLite, a trigger that brings back what was deleted", sqlite, []string{"CREATE TRIGGER t AFTER DELETE ON {table} BEGIN INSERT INTO {table} VALUES (OLD.id, OLD.version, OLD.due, OLD.data); END"}, []string{"still there"}},
		{"SQLite, an audit", sqlite, []string{"CREATE TABLE changes (id TEXT)", "CREATE TRIGGER t AFTER INSERT ON {table} BEGIN INSERT INTO changes VALUES (NEW.id); END"}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := test.place(t)
			s := migrated(t, p)
			if p.dialect == sqlstore.PostgreSQL {
				t.Cleanup(func() {
					if _, err := connect(t, p).ExecContext(context.Background(), "DROP TABLE "+p.table+"; DROP FUNCTION IF EXISTS "+p.table+"_f()"); err != nil {
						t.Error(err)
					}
				})
			}
			executed(t, p, test.do...)
			before := contents(t, p)
			_, err := sqlstore.Open(t.Context(), sqlstore.Config{DB: connect(t, p), Dialect: p.dialect, Table: p.table})
			if after := contents(t, p); after != before {
				t.Errorf("Open leaves %d rows, there were %d", after, before)
			}
			if test.want == nil {
				if err != nil {
					t.Fatal(err)
				}
				worksWhole(t, s)
				return
			}
			e := new(sqlstore.TableError)
			if !errors.Is(err, sqlstore.ErrTable) || !errors.As(err, &e) || e.Remedy == "" {
				t.Fatalf("got %v, want a TableError", err)
			}
			for _, want := range test.want {
				if want = strings.ReplaceAll(want, "{table}", p.table); !strings.Contains(err.Error(), want) {
					t.Errorf("got %q, want it to name %q", err, want)
				}
			}
			if err := s.Migrate(t.Context()); !errors.Is(err, sqlstore.ErrTable) {
				t.Errorf("Migrate: got %v, want a TableError", err)
			}
		})
	}
}

// contents is how many rows the table has.
func contents(t *testing.T, p place) (n int) {
	t.Helper()
	if err := connect(t, p).QueryRowContext(t.Context(), "SELECT COUNT(*) FROM "+p.table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestProcessesThatOpenOneTableAtOnceDoNotWaitForEachOther(t *testing.T) {
	eachDatabase(t, func(t *testing.T, p place) {
		s := migrated(t, p)
		if err := s.Save(t.Context(), record("connection/acme/main")); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 8 {
			db := connect(t, p)
			all.Go(func() {
				if _, err := sqlstore.Open(t.Context(), sqlstore.Config{DB: db, Dialect: p.dialect, Table: p.table}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := contents(t, p); n != 1 {
			t.Errorf("%d rows are there, want the one that was saved", n)
		}
	})
}

func TestOpenTakesAUserThatMayOnlyRead(t *testing.T) {
	p := postgres(t)
	if err := migrated(t, p).Save(t.Context(), record("connection/acme/main")); err != nil {
		t.Fatal(err)
	}
	reader := asRole(t, p)
	executed(t, p, "REVOKE ALL ON {table} FROM {table}_app", "GRANT SELECT ON {table} TO {table}_app")
	if _, err := open(t, reader).Load(t.Context(), "connection/acme/main"); err != nil {
		t.Error(err)
	}
}
