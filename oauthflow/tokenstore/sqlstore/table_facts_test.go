package sqlstore

import (
	"errors"
	"strings"
	"testing"
)

// sound are the facts of a table as Migrate makes it.
func sound(dialect Dialect) tableFacts {
	f := tableFacts{Schema: "public", Name: "records", Role: "app", Kind: "table", Columns: 4, Dialect: dialect}
	switch dialect {
	case PostgreSQL:
		f.Described = []column{{Name: "id", Type: "text", Collation: "C"}, {Name: "version", Type: "int8"}, {Name: "due", Type: "int8"}, {Name: "data", Type: "bytea"}}
	case MySQL:
		f.Engine = "InnoDB"
		f.Described = []column{
			{Name: "id", Type: "varbinary", Length: 255}, {Name: "version", Type: "bigint"}, {Name: "due", Type: "bigint"},
			{Name: "data", Type: "mediumblob", Length: 1<<24 - 1},
		}
	case SQLite:
		f.Described = []column{{Name: "id", Type: "text"}, {Name: "version", Type: "integer"}, {Name: "due", Type: "integer"}, {Name: "data", Type: "blob"}}
	}
	return f
}

// having changes the column of a name.
func having(name string, change func(c *column)) func(*tableFacts) {
	return func(f *tableFacts) {
		for i := range f.Described {
			if f.Described[i].Name == name {
				change(&f.Described[i])
			}
		}
	}
}

func typed(name, typ string) func(*tableFacts) {
	return having(name, func(c *column) { c.Type = typ })
}

// What is judged by its facts alone; that the databases tell them is tested with the databases.
func TestEachFactThatHidesChangesOrLosesRecordsIsAProblem(t *testing.T) {
	tests := []struct {
		name    string
		dialect Dialect
		change  func(*tableFacts)
		want    string // part of the problem or remedy; empty where there is none
	}{
		{"a table of our own", PostgreSQL, func(*tableFacts) {}, ""},
		{"a table of our own in MySQL", MySQL, func(*tableFacts) {}, ""},
		{"a table of our own in SQLite", SQLite, func(*tableFacts) {}, ""},
		{"no table yet", PostgreSQL, func(f *tableFacts) { *f = tableFacts{} }, ""},
		{"another's table, which Migrate refuses", PostgreSQL, func(f *tableFacts) { f.Columns, f.KeyMissing = 2, true }, ""},
		{"a relative that does not describe its columns", PostgreSQL, func(f *tableFacts) { f.Described = nil }, ""},
		{"a view", PostgreSQL, func(f *tableFacts) { f.Kind = "view" }, "is a view"},
		{"a partitioned table", PostgreSQL, func(f *tableFacts) { f.Kind = "partitioned table" }, "is a partitioned table"},
		{"a temporary table", PostgreSQL, func(f *tableFacts) { f.Temporary = true }, "temporary"},
		{"row level security", PostgreSQL, func(f *tableFacts) { f.RowSecurity = true }, "ALTER ROLE app BYPASSRLS"},
		{"tables that inherit", PostgreSQL, func(f *tableFacts) { f.Children = true }, "inherit"},
		{"a partition", PostgreSQL, func(f *tableFacts) { f.Part = true }, "part of another table"},
		{"a trigger before the change", PostgreSQL, func(f *tableFacts) { f.Rewriting = "mask" }, "mask"},
		{"an engine without transactions", MySQL, func(f *tableFacts) { f.Engine = "MyISAM" }, "ENGINE = InnoDB"},
		{"the engine InnoDB in other letters", MySQL, func(f *tableFacts) { f.Engine = "InnoDb" }, ""},
		{"no key", PostgreSQL, func(f *tableFacts) { f.KeyMissing = true }, "ADD PRIMARY KEY (id)"},
		{"no key in SQLite", SQLite, func(f *tableFacts) { f.KeyMissing = true }, "CREATE UNIQUE INDEX"},
		{"an unlogged table, which is a matter of durability", PostgreSQL, func(f *tableFacts) { f.Unlogged = true }, ""},

		{"PostgreSQL, ids of limited length", PostgreSQL, having("id", func(c *column) { c.Type, c.Length = "varchar", 255 }), ""},
		{"PostgreSQL, ids of too little length", PostgreSQL, having("id", func(c *column) { c.Type, c.Length = "varchar", 254 }), "length of 254"},
		{"PostgreSQL, padded ids", PostgreSQL, having("id", func(c *column) { c.Type, c.Length, c.Pads = "bpchar", 255, true }), "trailing blanks"},
		{"PostgreSQL, ids without case", PostgreSQL, having("id", func(c *column) { c.Type, c.Folds = "citext", true }), `TYPE text COLLATE "C"`},
		{"PostgreSQL, a nondeterministic collation", PostgreSQL, having("id", func(c *column) { c.Collation, c.Folds = "nocase", true }), `collation nocase`},
		{"PostgreSQL, the order of a language", PostgreSQL, having("id", func(c *column) { c.Collation, c.Unordered = "en-x-icu", true }), "order of bytes"},
		{"PostgreSQL, a generated id", PostgreSQL, having("id", func(c *column) { c.Generated = true }), "computes"},
		{"PostgreSQL, a smaller version", PostgreSQL, typed("version", "int4"), "version int4"},
		{"PostgreSQL, a version with a fraction", PostgreSQL, typed("version", "float8"), "want bigint"},
		{"PostgreSQL, a due time as a timestamp", PostgreSQL, typed("due", "timestamptz"), "due timestamptz"},
		{"PostgreSQL, data as text", PostgreSQL, typed("data", "text"), "want bytea"},
		{"PostgreSQL, a generated due time", PostgreSQL, having("due", func(c *column) { c.Generated = true }), "make it again"},

		{"MySQL, ids without case", MySQL, having("id", func(c *column) { c.Type, c.Collation, c.Folds, c.Pads = "varchar", "utf8mb4_general_ci", true, true }), "utf8mb4_general_ci"},
		{"MySQL, ids as padded bytes", MySQL, having("id", func(c *column) { c.Type, c.Collation, c.Pads = "varchar", "utf8mb4_bin", true }), "MODIFY id VARBINARY(255) NOT NULL"},
		{"MySQL, ids as bytes without padding", MySQL, having("id", func(c *column) { c.Type, c.Collation = "varchar", "utf8mb4_0900_bin" }), ""},
		{"MySQL, ids of fixed length", MySQL, having("id", func(c *column) { c.Type, c.Pads = "binary", true }), "id binary"},
		{"MySQL, ids of too little length", MySQL, having("id", func(c *column) { c.Length = 191 }), "length of 191"},
		{"MySQL, ids in a blob", MySQL, typed("id", "blob"), "id blob"},
		{"MySQL, a smaller version", MySQL, typed("version", "int"), "MODIFY version BIGINT NOT NULL"},
		{"MySQL, a due time as a time", MySQL, typed("due", "datetime"), "due datetime"},
		{"MySQL, 64 KiB less one byte of data", MySQL, having("data", func(c *column) { c.Type, c.Length = "blob", 65535 }), "MODIFY data MEDIUMBLOB NOT NULL"},
		{"MySQL, 255 bytes of data", MySQL, having("data", func(c *column) { c.Type, c.Length = "tinyblob", 255 }), "data tinyblob"},
		{"MySQL, more data", MySQL, having("data", func(c *column) { c.Type, c.Length = "longblob", 1<<32-1 }), ""},
		{"MySQL, data as text", MySQL, having("data", func(c *column) { c.Type, c.Length = "longtext", 1<<32-1 }), "data longtext"},
		{"MySQL, a generated version", MySQL, having("version", func(c *column) { c.Generated = true }), "computes"},

		{"SQLite, ids without case", SQLite, having("id", func(c *column) { c.Folds = true }), "bank"},
		{"SQLite, ids without trailing blanks", SQLite, having("id", func(c *column) { c.Pads = true }), "trailing blanks"},
		{"SQLite, ids in an order of the application's", SQLite, having("id", func(c *column) { c.Unordered = true }), "order of bytes"},
		{"SQLite, ids as varchar", SQLite, typed("id", "varchar(255)"), ""},
		{"SQLite, ids that may become numbers", SQLite, typed("id", "numeric"), "id numeric"},
		{"SQLite, ids that are points", SQLite, typed("id", "charint"), "id charint"},
		{"SQLite, a version as bigint", SQLite, typed("version", "bigint"), ""},
		{"SQLite, a version with a fraction", SQLite, typed("version", "real"), "version real"},
		{"SQLite, data without a type", SQLite, typed("data", ""), ""},
		{"SQLite, data as text", SQLite, typed("data", "text"), "want BLOB"},
		{"SQLite, generated data", SQLite, having("data", func(c *column) { c.Generated = true }), "computes"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := sound(test.dialect)
			test.change(&f)
			err := f.problem()
			e := new(TableError)
			switch {
			case test.want == "" && err != nil:
				t.Errorf("got %v, want no problem", err)
			case test.want != "" && err == nil:
				t.Error("no problem is seen")
			case test.want != "" && (!strings.Contains(err.Error(), test.want) || !errors.As(err, &e) || e.Table != "public.records" || e.Remedy == "" || !errors.Is(err, ErrTable)):
				t.Errorf("got %v, want it to name the table, %q and a remedy", err, test.want)
			}
		})
	}
}

func TestAllThatIsWrongWithATableIsSaidAtOnceAndEachWithItsRemedy(t *testing.T) {
	f := sound(PostgreSQL)
	f.RowSecurity, f.KeyMissing, f.Rewriting = true, true, "mask"
	having("id", func(c *column) { c.Type, c.Folds = "citext", true })(&f)
	typed("version", "int4")(&f)
	typed("data", "text")(&f)
	joined, ok := f.problem().(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("got %v, want several errors", f.problem())
	}
	if n := len(joined.Unwrap()); n != 7 { // the id has two: its type and its comparison
		t.Errorf("%d errors, want 7: %v", n, f.problem())
	}
	for _, err := range joined.Unwrap() {
		if e := new(TableError); !errors.As(err, &e) || e.Problem == "" || e.Remedy == "" || e.Table != "public.records" {
			t.Errorf("got %#v, want a TableError with problem and remedy", err)
		}
	}
}
