package sqlstore_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/sqlstore"
)

// executed runs statements as the tests' own user. {table} is the table's name.
func executed(t *testing.T, p place, statements ...string) {
	t.Helper()
	db := connect(t, p)
	db.SetMaxOpenConns(1)
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), strings.ReplaceAll(statement, "{table}", p.table)); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// asRole returns the place as a role without privileges of its own reaches it.
func asRole(t *testing.T, p place) place {
	t.Helper()
	role := p.table + "_app"
	executed(t, p, "CREATE ROLE "+role+" LOGIN", "GRANT ALL ON {table} TO "+role)
	t.Cleanup(func() {
		db := connect(t, p)
		for _, statement := range []string{"DROP OWNED BY " + role, "DROP ROLE " + role} {
			if _, err := db.ExecContext(context.Background(), statement); err != nil {
				t.Error(err)
			}
		}
	})
	return p.with("options=-c%20role%3D" + role)
}

// remade makes the table of SQLite with other columns.
func remade(columns string) []string {
	return []string{"DROP TABLE {table}", "CREATE TABLE {table} (" + columns + ")"}
}

func TestOpenRefusesATableThatHidesChangesOrLosesRecords(t *testing.T) {
	tests := []struct {
		name  string
		place func(testing.TB) place
		do    []string
		role  bool // whether the store works with another role
		is    error
		want  []string // parts of the error; none where it is accepted
	}{
		{name: "PostgreSQL, as Migrate makes it", place: postgres, role: true},
		{name: "PostgreSQL, row level security", place: postgres, role: true, do: []string{"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"},
			is: sqlstore.ErrTable, want: []string{"row level security", "_app", "BYPASSRLS", "public.sfauth_"}},
		{name: "PostgreSQL, row level security with a policy", place: postgres, role: true, do: []string{
			"CREATE POLICY p ON {table} USING (due > 0)", "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"}, is: sqlstore.ErrTable, want: []string{"row level security"}},
		{name: "PostgreSQL, row level security that the role is free of", place: postgres, do: []string{"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"}},
		{name: "PostgreSQL, a view with a condition", place: postgres, do: []string{"ALTER TABLE {table} RENAME TO {table}_all",
			"CREATE VIEW {table} AS SELECT * FROM {table}_all WHERE due < 1"}, is: sqlstore.ErrTable, want: []string{"is a view"}},
		{name: "PostgreSQL, unlogged", place: postgres, do: []string{"ALTER TABLE {table} SET UNLOGGED"}, is: sqlstore.ErrVolatile, want: []string{"unlogged"}},
		{name: "PostgreSQL, a table that inherits", place: postgres, do: []string{"CREATE TABLE {table}_child () INHERITS ({table})"},
			is: sqlstore.ErrTable, want: []string{"inherit"}},
		{name: "PostgreSQL, partitions", place: postgres, do: []string{"ALTER TABLE {table} RENAME TO {table}_all",
			`CREATE TABLE {table} (id text COLLATE "C" PRIMARY KEY, version bigint NOT NULL, due bigint NOT NULL, data bytea NOT NULL) PARTITION BY LIST (id)`},
			is: sqlstore.ErrTable, want: []string{"partitioned table"}},
		{name: "PostgreSQL, a trigger that drops the change", place: postgres, do: []string{
			"CREATE TRIGGER drops BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()"},
			is: sqlstore.ErrTable, want: []string{"drops"}},
		{name: "PostgreSQL, a rule", place: postgres, do: []string{"CREATE RULE nothing AS ON DELETE TO {table} DO INSTEAD NOTHING"},
			is: sqlstore.ErrTable, want: []string{"nothing"}},
		{name: "PostgreSQL, no key", place: postgres, do: []string{"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey"},
			is: sqlstore.ErrTable, want: []string{"unique index"}},
		{name: "PostgreSQL, a smaller number", place: postgres, do: []string{"ALTER TABLE {table} ALTER version TYPE integer"},
			is: sqlstore.ErrTable, want: []string{"version int4"}},
		{name: "PostgreSQL, ids without case", place: postgres, do: []string{
			"CREATE COLLATION {table}_nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
			"ALTER TABLE {table} ALTER id TYPE text COLLATE {table}_nocase"}, is: sqlstore.ErrTable, want: []string{"_nocase", "bank", `TYPE text COLLATE "C"`}},
		{name: "PostgreSQL, ids in the order of a language", place: postgres, do: []string{`ALTER TABLE {table} ALTER id TYPE text COLLATE "en-x-icu"`},
			is: sqlstore.ErrTable, want: []string{"en-x-icu", "order of bytes"}},
		{name: "PostgreSQL, ids with another collation of bytes", place: postgres, do: []string{`ALTER TABLE {table} ALTER id TYPE varchar(255) COLLATE "C.utf8"`}},
		{name: "PostgreSQL, ids with the database's collation", place: postgres, do: []string{`ALTER TABLE {table} ALTER id TYPE text COLLATE "default"`}},
		{name: "PostgreSQL, padded ids", place: postgres, do: []string{`ALTER TABLE {table} ALTER id TYPE char(255) COLLATE "C"`},
			is: sqlstore.ErrTable, want: []string{"bpchar", "trailing blanks"}},
		{name: "PostgreSQL, short ids", place: postgres, do: []string{`ALTER TABLE {table} ALTER id TYPE varchar(100) COLLATE "C"`},
			is: sqlstore.ErrTable, want: []string{"length of 100"}},
		{name: "PostgreSQL, a key of short ids and data as text", place: postgres, do: []string{
			"ALTER TABLE {table} ALTER data TYPE text USING ''", `ALTER TABLE {table} ALTER version TYPE numeric`},
			is: sqlstore.ErrTable, want: []string{"data text", "version numeric"}},
		{name: "PostgreSQL, a generated due time", place: postgres, do: []string{"ALTER TABLE {table} DROP due",
			"ALTER TABLE {table} ADD due bigint GENERATED ALWAYS AS (version) STORED"}, is: sqlstore.ErrTable, want: []string{"computes"}},
		{name: "MariaDB, as Migrate makes it", place: mariadb},
		{name: "MariaDB, ids without case", place: mariadb, do: []string{"ALTER TABLE {table} MODIFY id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL"},
			is: sqlstore.ErrTable, want: []string{"utf8mb4_general_ci", "bank", "MODIFY id VARBINARY(255)"}},
		{name: "MariaDB, a table of another character set", place: mariadb, do: []string{
			"ALTER TABLE {table} MODIFY id VARCHAR(255) NOT NULL", "ALTER TABLE {table} CONVERT TO CHARACTER SET latin1"}, is: sqlstore.ErrTable, want: []string{"latin1_swedish_ci"}},
		{name: "MariaDB, ids as padded bytes", place: mariadb, do: []string{"ALTER TABLE {table} MODIFY id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL"},
			is: sqlstore.ErrTable, want: []string{"utf8mb4_bin", "trailing blanks"}},
		{name: "MariaDB, ids as bytes without padding", place: mariadb, do: []string{"ALTER TABLE {table} MODIFY id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL"}},
		{name: "MariaDB, ids of fixed length", place: mariadb, do: []string{"ALTER TABLE {table} MODIFY id BINARY(255) NOT NULL"}, is: sqlstore.ErrTable, want: []string{"id binary"}},
		{name: "MariaDB, short ids", place: mariadb, do: []string{"ALTER TABLE {table} MODIFY id VARBINARY(191) NOT NULL"}, is: sqlstore.ErrTable, want: []string{"length of 191"}},
		{name: "MariaDB, a key of the first bytes", place: mariadb, do: []string{"ALTER TABLE {table} DROP PRIMARY KEY, ADD UNIQUE KEY (id(20))"},
			is: sqlstore.ErrTable, want: []string{"unique index"}},
		{name: "MariaDB, too little data", place: mariadb, do: []string{"ALTER TABLE {table} MODIFY data BLOB NOT NULL, MODIFY version INT NOT NULL"},
			is: sqlstore.ErrTable, want: []string{"data blob", "version int", "MEDIUMBLOB"}},
		{name: "MariaDB, versions without sign", place: mariadb, do: []string{"ALTER TABLE {table} MODIFY version BIGINT UNSIGNED NOT NULL"}},
		{name: "MariaDB, a generated due time", place: mariadb, do: []string{"ALTER TABLE {table} DROP due, ADD due BIGINT AS (version) STORED"},
			is: sqlstore.ErrTable, want: []string{"computes"}},
		{name: "MariaDB, a view with a condition", place: mariadb, do: []string{"RENAME TABLE {table} TO {table}_all",
			"CREATE VIEW {table} AS SELECT * FROM {table}_all WHERE due < 1"}, is: sqlstore.ErrTable, want: []string{"is a view"}},
		{name: "MariaDB, an engine that loses records", place: mariadb, do: []string{"ALTER TABLE {table} ENGINE = Aria"},
			is: sqlstore.ErrTable, want: []string{"Aria", "InnoDB"}},
		{name: "MariaDB, a trigger before the change", place: mariadb, do: []string{
			"CREATE TRIGGER {table}_masks BEFORE UPDATE ON {table} FOR EACH ROW SET NEW.due = 1"}, is: sqlstore.ErrTable, want: []string{"_masks"}},
		{name: "MariaDB, no key", place: mariadb, do: []string{"ALTER TABLE {table} DROP PRIMARY KEY"}, is: sqlstore.ErrTable, want: []string{"unique index"}},
		{name: "SQLite, as Migrate makes it", place: sqlite},
		{name: "SQLite, ids without case", place: sqlite, do: remade("id TEXT COLLATE NOCASE PRIMARY KEY, version INTEGER, due INTEGER, data BLOB"),
			is: sqlstore.ErrTable, want: []string{"bank", "copy the records"}},
		{name: "SQLite, ids without trailing blanks", place: sqlite, do: remade("id TEXT COLLATE RTRIM PRIMARY KEY, version INTEGER, due INTEGER, data BLOB"),
			is: sqlstore.ErrTable, want: []string{"trailing blanks"}},
		{name: "SQLite, a key without case", place: sqlite, do: append(remade("id TEXT, version INTEGER, due INTEGER, data BLOB"),
			"CREATE UNIQUE INDEX by_id ON {table} (id COLLATE NOCASE)"), is: sqlstore.ErrTable, want: []string{"unique index"}},
		{name: "SQLite, no key", place: sqlite, do: remade("id TEXT, version INTEGER, due INTEGER, data BLOB"), is: sqlstore.ErrTable, want: []string{"unique index"}},
		{name: "SQLite, ids that may become numbers", place: sqlite, do: remade("id NUMERIC PRIMARY KEY, version INTEGER, due INTEGER, data BLOB"),
			is: sqlstore.ErrTable, want: []string{"id numeric"}},
		{name: "SQLite, versions and due times as text", place: sqlite, do: remade("id TEXT PRIMARY KEY, version TEXT, due DATETIME, data BLOB"),
			is: sqlstore.ErrTable, want: []string{"version text", "due datetime"}},
		{name: "SQLite, a generated due time", place: sqlite, do: remade("id TEXT PRIMARY KEY, version INTEGER, due INTEGER AS (version), data BLOB"),
			is: sqlstore.ErrTable, want: []string{"computes"}},
		{name: "SQLite, a table of an ORM's", place: sqlite, do: remade("id VARCHAR(255) NOT NULL, version BIGINT, due BIGINT, data BLOB, PRIMARY KEY (id)")},
		{name: "SQLite, a view with a condition", place: sqlite, do: []string{"ALTER TABLE {table} RENAME TO {table}_all",
			"CREATE VIEW {table} AS SELECT * FROM {table}_all WHERE due < 1"}, is: sqlstore.ErrTable, want: []string{"is a view"}},
		{name: "SQLite, a trigger before the change", place: sqlite, do: []string{
			"CREATE TRIGGER drops BEFORE UPDATE ON {table} BEGIN SELECT RAISE(IGNORE); END"}, is: sqlstore.ErrTable, want: []string{"drops"}},
		{name: "SQLite, a trigger after the change", place: sqlite, do: []string{
			"CREATE TABLE changes (id TEXT)", "CREATE TRIGGER notes\nAFTER UPDATE ON {table} BEGIN INSERT INTO changes VALUES (NEW.id); END"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := test.place(t)
			migrated(t, p)
			if strings.Contains(strings.Join(test.do, " "), "{table}_all") {
				t.Cleanup(func() {
					_, _ = connect(t, p).ExecContext(context.Background(), "DROP VIEW IF EXISTS "+p.table)
					_, _ = connect(t, p).ExecContext(context.Background(), "DROP TABLE IF EXISTS "+p.table+"_all")
				})
			}
			if strings.Contains(strings.Join(test.do, " "), "{table}_child") {
				t.Cleanup(func() { _, _ = connect(t, p).ExecContext(context.Background(), "DROP TABLE "+p.table+"_child") })
			}
			if strings.Contains(strings.Join(test.do, " "), "{table}_nocase") {
				t.Cleanup(func() {
					_, _ = connect(t, p).ExecContext(context.Background(), "DROP TABLE IF EXISTS "+p.table)
					_, _ = connect(t, p).ExecContext(context.Background(), "DROP COLLATION "+p.table+"_nocase")
				})
			}
			executed(t, p, test.do...)
			if test.role {
				p = asRole(t, p)
			}
			s, err := sqlstore.Open(t.Context(), sqlstore.Config{DB: connect(t, p), Dialect: p.dialect, Table: p.table})
			if test.want == nil {
				if err == nil {
					err = s.Migrate(t.Context())
				}
				if err != nil {
					t.Fatal(err)
				}
				worksWhole(t, s)
				return
			}
			if !errors.Is(err, test.is) {
				t.Fatalf("got %v, want an error wrapping %v", err, test.is)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %q, want it to name %q", err, want)
				}
			}
			if e := new(sqlstore.TableError); test.is == sqlstore.ErrTable && (!errors.As(err, &e) || e.Table == "" || e.Remedy == "") {
				t.Errorf("got %v, want a TableError that names table and remedy", err)
			}
		})
	}
}

func TestRowLevelSecurityThatIsSwitchedOnLaterIsAnErrorAndNotAnAbsence(t *testing.T) {
	for name, p := range map[string]place{"preparing": postgres(t), "not preparing": unprepared(t)} {
		t.Run(name, func(t *testing.T) {
			sound := migrated(t, p)
			r := record("connection/acme/main")
			if err := sound.Save(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			s := open(t, asRole(t, p))
			list := func(prefix string) error {
				for _, err := range s.List(t.Context(), prefix, time.Now().AddDate(100, 0, 0)) {
					if err != nil {
						return err
					}
				}
				return nil
			}
			calls := map[string]func() error{
				"Load":                  func() error { _, err := s.Load(t.Context(), r.ID); return err },
				"a List of all":         func() error { return list("") },
				"a List with a prefix":  func() error { return list("connection/") },
				"a List without a find": func() error { return list("host/") },
			}
			for name, call := range calls {
				if err := call(); err != nil {
					t.Fatalf("%s before: %v", name, err)
				}
			}
			executed(t, p, "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
			for name, call := range calls {
				err := call()
				e := new(sqlstore.TableError)
				if !errors.As(err, &e) || errors.Is(err, tokenstore.ErrNotFound) || !strings.HasSuffix(e.Role, "_app") || !strings.Contains(e.Remedy, "BYPASSRLS") {
					t.Errorf("%s: got %v, want a TableError that names the role and what to do", name, err)
				}
			}
			executed(t, p, "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
			for name, call := range calls {
				if err := call(); err != nil {
					t.Errorf("%s afterwards: %v", name, err)
				}
			}
		})
	}
}

// A session may have another search_path than the one that Open met, or a temporary table of the same name.
func TestNoOtherTableStandsForTheOneThatOpenHasFound(t *testing.T) {
	p := postgres(t)
	migrated(t, p)
	r := record("connection/acme/main")
	db := connect(t, p)
	db.SetMaxOpenConns(1)
	s := over(t, db, p)
	if err := s.Save(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"CREATE TEMPORARY TABLE {table} (id text PRIMARY KEY, version bigint, due bigint, data bytea)", "SET search_path = pg_catalog",
	} {
		if _, err := db.ExecContext(t.Context(), strings.ReplaceAll(statement, "{table}", p.table)); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Load(t.Context(), r.ID); err != nil || got.Version != 1 {
			t.Errorf("after %s: version %d and %v, want 1", statement, got.Version, err)
		}
	}
	if _, err := db.ExecContext(t.Context(), "SET search_path = public"); err != nil {
		t.Fatal(err)
	}
	_, err := sqlstore.Open(t.Context(), sqlstore.Config{DB: db, Dialect: p.dialect, Table: p.table})
	if !errors.Is(err, sqlstore.ErrTable) || !strings.Contains(err.Error(), "temporary") {
		t.Errorf("Open in a session with a temporary table of that name: got %v, want an error that says so", err)
	}
}
