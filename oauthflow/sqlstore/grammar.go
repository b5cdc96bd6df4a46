package sqlstore

import (
	"fmt"
	"strings"
)

// A grammar is what differs between the dialects.
type grammar struct {
	name  func(string) string // a quoted name
	value func(*statement, any)

	insert, otherwise string // around an insertion that does nothing when the id has a record

	settings string                       // a query of who the database is, and of two settings
	product  string                       // how the first begins
	volatile func(one, two string) string // what is wrong with the settings, or nothing

	timeline string // the history that the server is in; empty where there is no such thing

	lock   string              // a statement that lets one transaction at a time migrate; %d is a number of the table
	schema string              // file with the table
	judge  func(error) verdict // what an error of the driver says
}

var grammars = map[Dialect]*grammar{
	PostgreSQL: {
		name:      func(s string) string { return `"` + s + `"` },
		value:     func(s *statement, v any) { fmt.Fprintf(&s.text, "$%d", s.bind(v)) },
		insert:    "INSERT INTO",
		otherwise: "ON CONFLICT (id) DO NOTHING",
		settings:  "SELECT version(), current_setting('fsync'), current_setting('synchronous_commit')",
		product:   "PostgreSQL ",
		volatile: func(fsync, commit string) string {
			switch {
			case fsync == "off":
				return "fsync is off"
			case commit == "off":
				return "synchronous_commit is off"
			}
			return ""
		},
		// A standby that is promoted begins a new one, and so does a restoration to a point in time. Where a commit waits for
		// a standby nothing is lost.
		timeline: "CASE WHEN pg_is_in_recovery() OR current_setting('synchronous_standby_names') <> '' THEN '' " +
			"ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END",
		lock:   "SELECT pg_advisory_xact_lock(%d)",
		schema: "schema/postgresql.sql",
		judge:  judgePostgreSQL,
	},
	SQLite: {
		name:      func(s string) string { return `"` + s + `"` },
		value:     func(s *statement, v any) { fmt.Fprintf(&s.text, "?%d", s.bind(v)) },
		insert:    "INSERT INTO",
		otherwise: "ON CONFLICT (id) DO NOTHING",
		settings:  "SELECT 'SQLite ' || sqlite_version(), synchronous, journal_mode FROM pragma_synchronous, pragma_journal_mode",
		product:   "SQLite ",
		volatile: func(synchronous, journal string) string {
			switch {
			case synchronous != "2" && synchronous != "3":
				return "synchronous is " + synchronous + ", less than FULL"
			case journal == "off" || journal == "memory":
				return "journal_mode is " + journal
			}
			return ""
		},
		schema: "schema/sqlite.sql",
		judge:  judgeSQLite,
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
		// What IGNORE would also hide cannot occur: every value was checked to fit. ON DUPLICATE KEY UPDATE would do,
		// but then the number of affected rows depends on the driver's clientFoundRows.
		insert: "INSERT IGNORE INTO",
		// With a binary log, that log decides after a crash what was committed.
		settings: "SELECT CONCAT('MySQL ', VERSION()), @@innodb_flush_log_at_trx_commit, IF(@@log_bin, @@sync_binlog, 1)",
		product:  "MySQL ",
		volatile: func(flush, binlog string) string {
			switch {
			case flush != "1":
				return "innodb_flush_log_at_trx_commit is " + flush
			case binlog != "1":
				return "there is a binary log and sync_binlog is " + binlog
			}
			return ""
		},
		schema: "schema/mysql.sql",
		judge:  judgeMySQL,
	},
}

// quoted returns a name that may have a schema.
func (g *grammar) quoted(name string) string {
	schema, table, found := strings.Cut(name, ".")
	if !found {
		return g.name(name)
	}
	return g.name(schema) + "." + g.name(table)
}
