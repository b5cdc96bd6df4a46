package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strings"
)

// ErrTable is the reason of every [TableError].
var ErrTable = errors.New("the table is not fit to hold the records")

// TableError says why the table of a [Config] is not fit for the records: the database would hide some, change some on the way,
// or not keep some. It wraps [ErrTable].
type TableError struct {
	Table   string // with its schema, where the database has one
	Role    string // the database's user; empty where it does not matter
	Problem string // what is wrong with the table
	Remedy  string // what to do about it
}

// Error returns one line with table, role, problem and remedy.
func (e *TableError) Error() string {
	role := ""
	if e.Role != "" {
		role = " for the role " + e.Role
	}
	return fmt.Sprintf("sqlstore: %v: %s%s %s; %s", ErrTable, e.Table, role, e.Problem, e.Remedy)
}

// Unwrap returns [ErrTable].
func (e *TableError) Unwrap() error { return ErrTable }

// tableFacts are what a database says of the relation that a name stands for. The zero value says that there is none.
type tableFacts struct {
	Schema, Name string
	Role         string // who asks
	Kind         string // "table", or what it is instead
	Engine       string // of MySQL
	Temporary    bool   // it is this session's alone
	Unlogged     bool   // a crash empties it
	RowSecurity  bool   // rows are hidden from the role
	Children     bool   // other tables are parts of it
	Part         bool   // it is a part of another table
	KeyMissing   bool   // no unique index is on id alone
	Rewriting    string // triggers and rules that may change or drop what is written, by name
	Columns      int    // how many of id, version, due and data it has

	Dialect   Dialect
	Described []column // these columns; none where the database does not tell
}

// qualified returns the relation's name with its schema.
func (f tableFacts) qualified() string {
	if f.Schema == "" {
		return f.Name
	}
	return f.Schema + "." + f.Name
}

// problem returns all that makes the relation unfit, the most telling first: one [TableError], or several joined. It is nil
// where nothing does.
func (f tableFacts) problem() error {
	table := f.qualified()
	unfit := func(problem, remedy string) *TableError {
		return &TableError{Table: table, Problem: problem, Remedy: remedy}
	}
	switch {
	case f.Name == "", f.Kind == "table" && f.Columns < 4: // none, or one of another, which Migrate refuses
		return nil
	case f.Kind != "table":
		return unfit("is a "+f.Kind, "name the table itself: through something else rows may be hidden or changed")
	case f.Temporary:
		return unfit("is a temporary table, which one session has alone", "drop it, or name the schema of the real one in Config.Table")
	}
	var found []error
	if f.RowSecurity {
		e := unfit("has row level security, which hides records instead of refusing them",
			fmt.Sprintf("ALTER TABLE %s DISABLE ROW LEVEL SECURITY, ALTER ROLE %s BYPASSRLS, or make that role the owner without FORCE", table, f.Role))
		e.Role = f.Role
		found = append(found, e)
	}
	found = append(found, f.columnProblems(unfit)...)
	if f.Children {
		found = append(found, unfit("has partitions or tables that inherit from it, over which no key is unique and whose detachment hides records",
			"take a table of its own"))
	}
	if f.Part {
		found = append(found, unfit("is a part of another table, which others may write to", "take a table of its own"))
	}
	if f.Rewriting != "" {
		found = append(found, unfit("has triggers or rules that may change or drop what is written: "+f.Rewriting, "drop them; triggers that run after the change and only note it elsewhere may stay"))
	}
	if f.Engine != "" && !strings.EqualFold(f.Engine, "InnoDB") {
		found = append(found, unfit("has the engine "+f.Engine+", which is not transactional or loses records in a crash", "ALTER TABLE "+table+" ENGINE = InnoDB"))
	}
	if f.KeyMissing {
		remedy := "ALTER TABLE " + table + " ADD PRIMARY KEY (id)"
		if f.Dialect == SQLite {
			remedy = "CREATE UNIQUE INDEX " + f.Name + "_id ON " + table + " (id COLLATE BINARY)"
		}
		found = append(found, unfit("has no unique index on id alone, whole and byte by byte, so that two records may have one id, or two ids one record", remedy))
	}
	return errors.Join(found...)
}

// volatile says by what the relation loses acknowledged writes, or nothing.
func (f tableFacts) volatile() string {
	if f.Unlogged {
		return "the table " + f.Name + " is unlogged: a crash empties it, and a standby has nothing of it"
	}
	return ""
}

// inspected asks the database what the configured name stands for.
func (s *Store) inspected(ctx context.Context) (tableFacts, error) {
	var f tableFacts
	err := s.retry(ctx, func() error {
		var err error
		f, err = scanFacts(s.db.QueryRowContext(ctx, s.names().Replace(s.grammar.facts)))
		return err
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return tableFacts{}, nil
	case err != nil && (s.grammar.judge(err) == unsupported || errors.Is(err, ErrNoTable)): // a relative without these catalogs
		return tableFacts{}, nil
	}
	if f.Dialect = s.dialect; err == nil && f.Kind == "table" && f.Columns == 4 {
		f.Described, err = s.described(ctx)
	}
	if err != nil {
		return tableFacts{}, fmt.Errorf("sqlstore: asking the database about the table: %w", contextFirst(ctx, err))
	}
	return f, nil
}

func scanFacts(row *sql.Row) (f tableFacts, err error) {
	var temporary, unlogged, hidden, children, part, keyless int64
	err = row.Scan(&f.Schema, &f.Name, &f.Role, &f.Kind, &f.Engine, &temporary, &unlogged, &hidden, &children, &part, &keyless,
		&f.Rewriting, &f.Columns)
	f.Temporary, f.Unlogged, f.RowSecurity = temporary != 0, unlogged != 0, hidden != 0
	f.Children, f.Part, f.KeyMissing = children != 0, part != 0, keyless != 0
	return f, err
}

// resolve has the statements name the table with its schema, so that neither another search_path nor a temporary table
// stands for it later.
func (s *Store) resolve(schema string) {
	if s.grammar.hides == "" || schema == "" || strings.Contains(s.name, ".") {
		return
	}
	s.table = s.grammar.name(schema) + "." + s.asNamed
}

// hiddenFrom returns the error of rows that are hidden since Open.
func (s *Store) hiddenFrom(ctx context.Context) error {
	f := tableFacts{Name: s.name, Kind: "table", Columns: 4, RowSecurity: true, Role: "current_user"}
	if now, err := s.inspected(ctx); err == nil && now.RowSecurity {
		f = now
	}
	return f.problem()
}

// echoes sees that what is sent comes back as it was, through the driver in the mode that it is set to.
func (s *Store) echoes(ctx context.Context) error {
	data := make([]byte, 256)
	for i := range data {
		data[i] = byte(i)
	}
	const id, number = `a'b"c\\d` + "`e", int64(math.MaxInt64 - 2)
	e := s.grammar.echo
	q := s.grammar.sql(e[0], data, e[1], key(id), e[2], number, e[3])
	var gotData, gotID []byte
	var gotNumber int64
	err := s.retry(ctx, func() error {
		return s.db.QueryRowContext(ctx, q.text.String(), q.args...).Scan(&gotData, &gotID, &gotNumber)
	})
	if err == nil {
		gotData, err = s.decoded(gotData)
	}
	if err == nil && (!bytes.Equal(gotData, data) || string(gotID) != id || gotNumber != number) {
		err = errors.New("it comes back changed")
	}
	if err != nil {
		return fmt.Errorf("sqlstore: the driver, as it is set, does not carry bytes, text and numbers to the database and back; "+
			"look at the DSN's settings of encoding and execution: %w", contextFirst(ctx, err))
	}
	return nil
}

// decodeBase64 takes the line breaks that PostgreSQL writes.
func decodeBase64(text []byte) ([]byte, error) {
	data := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(data, text)
	return data[:n], err
}

// factsPostgreSQL asks for tableFacts. Triggers are those that run before a change of a row.
const factsPostgreSQL = `SELECT n.nspname::text, c.relname::text, current_user::text,
	CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
		WHEN 'f' THEN 'foreign table' ELSE 'relation of another kind' END, '',
	CASE WHEN c.relpersistence = 't' THEN 1 ELSE 0 END, CASE WHEN c.relpersistence = 'u' THEN 1 ELSE 0 END,
	CASE WHEN row_security_active(c.oid) THEN 1 ELSE 0 END,
	(SELECT COUNT(*) FROM pg_inherits i WHERE i.inhparent = c.oid), (SELECT COUNT(*) FROM pg_inherits i WHERE i.inhrelid = c.oid),
	CASE WHEN EXISTS (SELECT 1 FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'id' WHERE i.indrelid = c.oid
		AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indnatts = 1 AND i.indkey[0] = a.attnum) THEN 0 ELSE 1 END,
	COALESCE((SELECT string_agg(w.name, ', ' ORDER BY w.name) FROM (
		SELECT t.tgname::text AS name FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D' AND t.tgtype & 3 = 3
		UNION ALL SELECT r.rulename::text FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN') w), ''),
	(SELECT COUNT(*) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname IN ('id', 'version', 'due', 'data') AND NOT a.attisdropped)
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass('{table}')`

// factsMySQL asks for tableFacts. Triggers are seen by who has the privilege TRIGGER.
const factsMySQL = `SELECT t.table_schema, t.table_name, '', CASE t.table_type WHEN 'BASE TABLE' THEN 'table' ELSE LOWER(t.table_type) END,
	COALESCE(t.engine, ''), 0, 0, 0, 0, 0,
	(SELECT CASE WHEN EXISTS (SELECT 1 FROM information_schema.statistics i WHERE i.table_schema = t.table_schema AND i.table_name = t.table_name
		AND i.non_unique = 0 GROUP BY i.index_name HAVING COUNT(*) = 1 AND MAX(i.column_name) = 'id' AND MAX(i.sub_part) IS NULL) THEN 0 ELSE 1 END),
	COALESCE((SELECT GROUP_CONCAT(w.trigger_name ORDER BY w.trigger_name SEPARATOR ', ') FROM information_schema.triggers w
		WHERE w.event_object_schema = t.table_schema AND w.event_object_table = t.table_name AND w.action_timing = 'BEFORE'), ''),
	(SELECT COUNT(*) FROM information_schema.columns c WHERE c.table_schema = t.table_schema AND c.table_name = t.table_name
		AND c.column_name IN ('id', 'version', 'due', 'data'))
	FROM information_schema.tables t WHERE t.table_schema = COALESCE(NULLIF('{schema}', ''), DATABASE()) AND t.table_name = '{name}'`

// factsSQLite asks for tableFacts. A temporary table or view of the name comes before the file's own.
const factsSQLite = `SELECT '', m.name, '', CASE WHEN m.type = 'table' AND m.sql LIKE 'CREATE VIRTUAL%' THEN 'virtual table' ELSE m.type END, '',
	m.temporary, 0, 0, 0, 0, CASE WHEN EXISTS (SELECT 1 FROM pragma_index_list('{name}') l WHERE l."unique" = 1 AND l.partial = 0 AND
		(SELECT COUNT(*) FROM pragma_index_xinfo(l.name) k WHERE k."key" = 1) = 1 AND
		EXISTS (SELECT 1 FROM pragma_index_xinfo(l.name) k WHERE k."key" = 1 AND k.name = 'id' AND k.coll = 'BINARY')) THEN 0 ELSE 1 END,
	COALESCE((SELECT group_concat(w.name, ', ') FROM (SELECT name, tbl_name, type, upper(replace(sql, char(10), ' ')) AS sql FROM sqlite_master UNION ALL
		SELECT name, tbl_name, type, upper(replace(sql, char(10), ' ')) FROM sqlite_temp_master) w WHERE w.type = 'trigger' AND w.tbl_name = '{name}'
		AND substr(w.sql, 1, instr(w.sql, ' ON ')) NOT LIKE '% AFTER %'), ''),
	(SELECT COUNT(*) FROM pragma_table_xinfo('{name}') WHERE lower(name) IN ('id', 'version', 'due', 'data'))
	FROM (SELECT name, type, sql, 1 AS temporary FROM sqlite_temp_master WHERE type IN ('table', 'view')
		UNION ALL SELECT name, type, sql, 0 FROM sqlite_master WHERE type IN ('table', 'view')) m
	WHERE m.name = '{name}' ORDER BY m.temporary DESC LIMIT 1`
