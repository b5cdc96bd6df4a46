package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// A column is what a database says of one of the four columns. The last five are of the column id alone.
type column struct {
	Name      string
	Type      string // as the database names it, in lower case and without its length
	Length    int64  // greatest length in bytes or characters; 0 for no limit
	Collation string // empty where the database has none for it
	Folds     bool   // two ids that differ, as by case, may be equal
	Pads      bool   // two ids that differ by trailing blanks are equal
	Unordered bool   // ids are not in the order of their bytes
	Generated bool   // the database computes the column
}

// A demand is what a column must be like.
type demand struct {
	name  string
	takes func(typ string) bool
	least int64  // of the length
	made  string // its type as Migrate makes it
}

// demands are those of each dialect, in the order of the columns.
var demands = map[Dialect][]demand{
	PostgreSQL: {
		{"id", oneOf("text", "varchar"), maxID, `text COLLATE "C"`}, {"version", oneOf("int8"), 0, "bigint"},
		{"due", oneOf("int8"), 0, "bigint"}, {"data", oneOf("bytea"), 0, "bytea"},
	},
	MySQL: {
		{"id", oneOf("varbinary", "varchar"), maxID, "VARBINARY(255) NOT NULL"}, {"version", oneOf("bigint"), 0, "BIGINT NOT NULL"},
		{"due", oneOf("bigint"), 0, "BIGINT NOT NULL"},
		{"data", oneOf("mediumblob", "longblob"), tokenstore.MaxRecordData, "MEDIUMBLOB NOT NULL"},
	},
	SQLite: {
		{"id", textual, 0, "TEXT COLLATE BINARY"}, {"version", integral, 0, "INTEGER"},
		{"due", integral, 0, "INTEGER"}, {"data", oneOf("blob", ""), 0, "BLOB"},
	},
}

func oneOf(types ...string) func(string) bool {
	return func(typ string) bool {
		for _, t := range types {
			if t == typ {
				return true
			}
		}
		return false
	}
}

// integral and textual are SQLite's affinities.
//
// Source: SQLite documentation, "Datatypes In SQLite", §3.1.
func integral(typ string) bool { return strings.Contains(typ, "int") }

func textual(typ string) bool {
	return !integral(typ) && (strings.Contains(typ, "char") || strings.Contains(typ, "clob") || strings.Contains(typ, "text"))
}

// problems returns what makes the column unfit.
func (d demand) problems(c column) (found []string) {
	is := "the column " + strings.TrimSpace(c.Name+" "+c.Type)
	if !d.takes(c.Type) {
		found = append(found, fmt.Sprintf("has %s, want %s", is, d.made))
	}
	if c.Length > 0 && c.Length < d.least {
		found = append(found, fmt.Sprintf("has %s for a length of %d, want at least %d: what is longer is refused or cut off", is, c.Length, d.least))
	}
	if c.Generated {
		found = append(found, "has "+is+", which the database computes")
	}
	with := is
	if c.Collation != "" {
		with += " with the collation " + c.Collation
	}
	switch {
	case c.Folds:
		found = append(found, "has "+with+", which takes different ids for one, such as \"bank\" and \"Bank\": one customer would be given another's record")
	case c.Pads:
		found = append(found, "has "+with+", which takes ids that differ by trailing blanks for one")
	case c.Unordered:
		found = append(found, "has "+with+", which is not in the order of bytes, so that a list of a prefix leaves records out")
	}
	return found
}

// change returns what makes the column fit.
func (d demand) change(dialect Dialect, table string) string {
	switch dialect {
	case PostgreSQL:
		return fmt.Sprintf("ALTER TABLE %s ALTER COLUMN %s TYPE %s", table, d.name, d.made)
	case MySQL:
		return fmt.Sprintf("ALTER TABLE %s MODIFY %s %s", table, d.name, d.made)
	}
	return "let Migrate make a table of another name, and copy the records into it"
}

// columnProblems returns what is wrong with the columns, one error for each.
func (f tableFacts) columnProblems(unfit func(problem, remedy string) *TableError) (found []error) {
	for _, d := range demands[f.Dialect] {
		for _, c := range f.Described {
			if c.Name != d.name {
				continue
			}
			remedy := d.change(f.Dialect, f.qualified())
			if c.Generated {
				remedy = "drop the column and make it again as " + d.made
			}
			for _, problem := range d.problems(c) {
				found = append(found, unfit(problem, remedy))
			}
		}
	}
	return found
}

// described asks the database for the columns of the table, or returns none where it cannot tell.
func (s *Store) described(ctx context.Context) ([]column, error) {
	var out []column
	err := s.retry(ctx, func() error {
		out = nil
		rows, err := s.db.QueryContext(ctx, s.names().Replace(s.grammar.columns))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var c column
			var folds, pads, unordered, generated int64
			if err := rows.Scan(&c.Name, &c.Type, &c.Length, &c.Collation, &folds, &pads, &unordered, &generated); err != nil {
				return err
			}
			c.Folds, c.Pads, c.Unordered, c.Generated = folds != 0, pads != 0, unordered != 0, generated != 0
			out = append(out, c)
		}
		return rows.Err()
	})
	if err != nil && (s.grammar.judge(err) == unsupported || errors.Is(err, ErrNoTable)) { // a relative without these catalogs
		return nil, nil
	}
	return out, err
}

// columnsPostgreSQL asks for columns. Fields of catalogs that older versions lack are read out of JSON. Of the providers of
// collations, ICU (i) has no order of bytes, and the built-in one (b) no other; of the C library (c) only these names have it.
//
// Source: PostgreSQL documentation, "Collation Support" and "pg_collation".
const columnsPostgreSQL = `SELECT a.attname::text, y.typname::text,
	CASE WHEN y.typname IN ('varchar', 'bpchar') AND a.atttypmod > 4 THEN a.atttypmod - 4 ELSE 0 END, COALESCE(l.name, ''),
	CASE WHEN y.typname = 'citext' OR l.deterministic = 'false' THEN 1 ELSE 0 END, CASE WHEN y.typname = 'bpchar' THEN 1 ELSE 0 END,
	CASE WHEN l.provider IS NULL OR l.provider = 'b' OR l.provider = 'c' AND l.locale ~* '^(c|posix)([.]utf-?8)?$' THEN 0 ELSE 1 END,
	CASE WHEN COALESCE(to_jsonb(a)->>'attgenerated', '') <> '' OR COALESCE(to_jsonb(a)->>'attidentity', '') <> '' THEN 1 ELSE 0 END
	FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid LEFT JOIN (
		SELECT co.oid, co.collname::text AS name, to_jsonb(co)->>'collisdeterministic' AS deterministic,
			CASE WHEN co.collname = 'default' THEN COALESCE(to_jsonb(d)->>'datlocprovider', 'c') ELSE COALESCE(to_jsonb(co)->>'collprovider', 'c') END AS provider,
			CASE WHEN co.collname = 'default' THEN d.datcollate::text ELSE COALESCE(to_jsonb(co)->>'collcollate', '') END AS locale
			FROM pg_collation co JOIN pg_database d ON d.datname = current_database()) l ON l.oid = a.attcollation AND a.attname = 'id'
	WHERE a.attrelid = to_regclass('{table}') AND a.attname IN ('id', 'version', 'due', 'data') AND NOT a.attisdropped`

// columnsMySQL asks for columns. A collation that ends in _bin compares bytes; only those of these names see trailing blanks.
//
// Source: MySQL 8.0 Reference Manual, "The binary Collation Compared to _bin Collations"; MariaDB documentation, "Supported
// Character Sets and Collations" (NO PAD).
const columnsMySQL = `SELECT LOWER(c.column_name), LOWER(c.data_type), COALESCE(c.character_maximum_length, 0), COALESCE(c.collation_name, ''),
	CASE WHEN c.collation_name IS NULL OR RIGHT(c.collation_name, 4) = '_bin' THEN 0 ELSE 1 END,
	CASE WHEN LOWER(c.data_type) IN ('char', 'binary')
		OR c.collation_name IS NOT NULL AND RIGHT(c.collation_name, 10) <> '_nopad_bin' AND RIGHT(c.collation_name, 9) <> '_0900_bin' THEN 1 ELSE 0 END,
	0, CASE WHEN UPPER(c.extra) LIKE '%STORED GENERATED%' OR UPPER(c.extra) LIKE '%VIRTUAL GENERATED%' OR UPPER(c.extra) LIKE '%PERSISTENT%' THEN 1 ELSE 0 END
	FROM information_schema.columns c WHERE c.table_schema = COALESCE(NULLIF('{schema}', ''), DATABASE()) AND c.table_name = '{name}'
	AND c.column_name IN ('id', 'version', 'due', 'data')`

// columnsSQLite asks for columns. No table tells the collation of a column, so values are compared as the column does.
const columnsSQLite = `SELECT lower(x.name), lower(x.type), 0, '',
	CASE WHEN lower(x.name) = 'id' THEN (SELECT MAX(l.id = 'A') FROM (SELECT id FROM {table} WHERE 0 UNION ALL SELECT 'a') l) ELSE 0 END,
	CASE WHEN lower(x.name) = 'id' THEN (SELECT MAX(l.id = 'a ') FROM (SELECT id FROM {table} WHERE 0 UNION ALL SELECT 'a') l) ELSE 0 END,
	CASE WHEN lower(x.name) = 'id' THEN (SELECT MAX(l.id > 'b') FROM (SELECT id FROM {table} WHERE 0 UNION ALL SELECT 'C') l) ELSE 0 END,
	CASE WHEN x.hidden IN (2, 3) THEN 1 ELSE 0 END
	FROM pragma_table_xinfo('{name}') x WHERE lower(x.name) IN ('id', 'version', 'due', 'data')`
