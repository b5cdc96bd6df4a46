package sqlstore

import (
	"errors"
	"fmt"
	"strings"
)

// A grammar is what differs between the dialects.
type grammar struct {
	name  func(string) string // a quoted name
	value func(*statement, any)

	ranges bool // it finds no place in an index by a comparison of rows, but by one of two ranges

	insert, otherwise string // around an insertion that does nothing when the id has a record

	settings string                // a query of names and values: version, and what else the next ones look at
	product  string                // how the version begins
	unfit    func(settings) error  // why the store cannot work like that at all; nil where nothing is known
	volatile func(settings) string // by what acknowledged writes may be lost, or nothing

	facts   string                       // a query of tableFacts
	columns string                       // a query of columns
	hides   string                       // whether rows of the table are hidden from who asks; empty where there is no such thing
	data    string                       // expression of the column of that name, %s, in a form that no setting of a session changes
	decode  func([]byte) ([]byte, error) // what the expression returned; nil where that is the data
	echo    []string                     // pieces of a query that returns bytes, text and number as they came

	timeline string // the history that the server is in; empty where there is no such thing
	writable string // a condition of every write; empty where the database itself refuses it everywhere

	settle string // a statement that has happen what else waits for the commit; empty where nothing does
	why    string // a query of why a statement took no row, which need not tell

	made   string              // a query of a number, 0 unless the table and its index are there; see Store.made
	lock   string              // a statement that lets one transaction at a time migrate; %d is a number of the table
	schema string              // file with the table
	judge  func(error) verdict // what an error of the driver says
}

// settings are what a database says of itself.
type settings map[string]string

var grammars = map[Dialect]*grammar{
	PostgreSQL: {
		name:      func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` },
		value:     func(s *statement, v any) { fmt.Fprintf(&s.text, "$%d", s.bind(v)) },
		insert:    "INSERT INTO",
		otherwise: "ON CONFLICT (id) DO NOTHING",
		settings: "SELECT 'version', version() UNION ALL SELECT 'fsync', current_setting('fsync') " +
			"UNION ALL SELECT 'synchronous_commit', current_setting('synchronous_commit') " +
			"UNION ALL SELECT 'schema', COALESCE(CAST(current_schema() AS text), '')",
		product: "PostgreSQL ",
		volatile: func(is settings) string {
			switch {
			case is["fsync"] == "off":
				return "fsync is off"
			case is["synchronous_commit"] == "off":
				return "synchronous_commit is off"
			}
			return ""
		},
		facts:   factsPostgreSQL,
		columns: columnsPostgreSQL,
		hides:   "row_security_active('{table}')",
		// bytea_output changes how bytes are written where the driver asks for text.
		data:   "encode(%s, 'base64')",
		decode: decodeBase64,
		echo:   []string{"SELECT encode(CAST(", " AS bytea), 'base64'), CAST(", " AS text), CAST(", " AS bigint)"},
		// A standby that is promoted begins a new one, and so does a restoration to a point in time. No setting makes sure that
		// nothing was lost: of two standbys the other may be promoted, and any session may commit without waiting for one.
		timeline: "CASE WHEN pg_is_in_recovery() THEN '' ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END",
		// Where nothing can be written, the statements shall say so.
		settle: "SET CONSTRAINTS ALL IMMEDIATE",
		made: "SELECT COUNT(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = to_regclass('{table}') " +
			"AND c.relname = '{index}' AND current_setting('transaction_read_only') = 'off'",
		lock:   "SELECT pg_advisory_xact_lock(%d)",
		schema: "schema/postgresql.sql",
		judge:  judgePostgreSQL,
	},
	SQLite: {
		name:      func(s string) string { return `"` + s + `"` },
		value:     func(s *statement, v any) { fmt.Fprintf(&s.text, "?%d", s.bind(v)) },
		insert:    "INSERT INTO",
		otherwise: "ON CONFLICT (id) DO NOTHING",
		settings: "SELECT 'version', 'SQLite ' || sqlite_version() UNION ALL SELECT 'synchronous', synchronous FROM pragma_synchronous " +
			"UNION ALL SELECT 'journal_mode', journal_mode FROM pragma_journal_mode",
		product: "SQLite ",
		volatile: func(is settings) string {
			synchronous, journal := is["synchronous"], is["journal_mode"]
			switch {
			case synchronous != "2" && synchronous != "3":
				return "synchronous is " + synchronous + ", less than FULL"
			case journal == "off" || journal == "memory":
				return "journal_mode is " + journal
			case journal == "delete" && synchronous != "3":
				// A commit deletes the journal. If the deletion is lost, the journal is there and undoes the commit.
				return "journal_mode is delete and synchronous is less than EXTRA; WAL does with FULL"
			}
			return ""
		},
		facts:   factsSQLite,
		columns: columnsSQLite,
		data:    "%s",
		echo:    []string{"SELECT CAST(", " AS BLOB), CAST(", " AS TEXT), CAST(", " AS INTEGER)"},
		made:    "SELECT COUNT(*) FROM sqlite_master WHERE type = 'index' AND tbl_name = '{name}' AND name = '{index}'",
		schema:  "schema/sqlite.sql",
		judge:   judgeSQLite,
	},
	MySQL: {
		name: func(s string) string { return "`" + s + "`" },
		// The driver would prepare a statement with arguments, at the cost of another round trip. Hexadecimal digits
		// and numbers cannot be taken for anything else.
		value: func(s *statement, v any) {
			if n, ok := v.(int64); ok {
				fmt.Fprint(&s.text, n)
			} else {
				fmt.Fprintf(&s.text, "X'%x'", v)
			}
		},
		// EXPLAIN shows a range over due and id for either of the two, and for a comparison of rows one over due alone.
		ranges: true,
		// What IGNORE would also hide cannot occur: every value was checked to fit. ON DUPLICATE KEY UPDATE would do,
		// but then the number of affected rows depends on the driver's clientFoundRows.
		insert: "INSERT IGNORE INTO",
		// Not every version has each of them.
		settings: "SHOW VARIABLES WHERE Variable_name IN ('version', 'autocommit', 'read_only', 'transaction_isolation', " +
			"'tx_isolation', 'innodb_flush_log_at_trx_commit', 'log_bin', 'sync_binlog', 'binlog_format')",
		unfit:   unfitMySQL,
		facts:   factsMySQL,
		columns: columnsMySQL,
		data:    "%s",
		echo:    []string{"SELECT ", ", ", ", ", ""},
		// With a binary log, that log decides after a crash what was committed.
		volatile: func(is settings) string {
			switch {
			case is["innodb_flush_log_at_trx_commit"] != "1":
				return "innodb_flush_log_at_trx_commit is " + is["innodb_flush_log_at_trx_commit"]
			case is["log_bin"] == "ON" && is["sync_binlog"] != "1":
				return "there is a binary log and sync_binlog is " + is["sync_binlog"]
			}
			return ""
		},
		// The server itself does not hold a privileged user to it. As text it is a number in MySQL and a word in MariaDB.
		why:      "SHOW WARNINGS LIMIT 1",
		writable: "CONCAT(@@global.read_only) IN ('0', 'OFF')",
		made: "SELECT COUNT(*) FROM information_schema.statistics WHERE table_schema = COALESCE(NULLIF('{schema}', ''), DATABASE()) " +
			"AND table_name = '{name}' AND index_name = '{index}'",
		schema: "schema/mysql.sql",
		judge:  judgeMySQL,
	},
}

// unfitMySQL refuses what would make nonsense of the contract, whatever a Config says.
func unfitMySQL(is settings) error {
	switch {
	case is["autocommit"] == "OFF":
		return fmt.Errorf("%w: autocommit is off, so that every change is undone when its connection ends; set autocommit=1 in the DSN, "+
			"init_connect or the server", ErrVolatile)
	case is["read_only"] != "" && is["read_only"] != "OFF":
		return fmt.Errorf("%w: read_only is %s", ErrReadOnly, is["read_only"])
	case is["transaction_isolation"] == "READ-UNCOMMITTED" || is["tx_isolation"] == "READ-UNCOMMITTED":
		return errors.New("the transaction isolation is READ-UNCOMMITTED, in which a Load sees what may be undone; " +
			"take READ-COMMITTED or a higher one")
	}
	return nil
}

// quoted returns a name that may have a schema.
func (g *grammar) quoted(name string) string {
	schema, table, found := strings.Cut(name, ".")
	if !found {
		return g.name(name)
	}
	return g.name(schema) + "." + g.name(table)
}
