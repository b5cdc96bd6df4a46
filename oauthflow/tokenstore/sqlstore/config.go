package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/fullcast/sfauth/internal/badfields"
)

// Config names the database and the table for the records.
type Config struct {
	// DB is the database. Required. The caller closes it. If there are replicas, DB must reach the primary.
	DB *sql.DB

	// Dialect is the kind of the database. Required: one of the constants.
	Dialect Dialect

	// Table is the name of the table. Use the table for nothing else. The name has lower-case letters, digits and _, begins with
	// a letter, and has at most 59 bytes. In PostgreSQL and MySQL a schema may precede it, as in "salesforce.records". Optional;
	// the default is "sfauth_records".
	Table string

	// Durability says whether Open accepts a database that may lose acknowledged writes. Optional; the default is that Open
	// refuses it.
	Durability Durability
}

// Dialect is a kind of database.
type Dialect string

// The dialects.
const (
	PostgreSQL Dialect = "PostgreSQL"
	SQLite     Dialect = "SQLite"
	MySQL      Dialect = "MySQL" // and MariaDB
)

// Durability says which settings of the database Open accepts.
type Durability int

const (
	// AcknowledgedWritesSurvive refuses settings with which the end of the server or the machine may undo an acknowledged write.
	// In PostgreSQL: fsync=off and synchronous_commit=off. In MySQL: innodb_flush_log_at_trx_commit other than 1; if there is a
	// binary log, also sync_binlog other than 1. In SQLite: synchronous below FULL; synchronous below EXTRA if the journal is
	// deleted at each commit; a journal that is off or in memory. Open checks the settings of one connection, once.
	//
	// Source: PostgreSQL documentation, "Write Ahead Log" settings; MySQL 8.0 Reference Manual, "InnoDB Startup Options and
	// System Variables" and "Binary Logging Options and Variables"; SQLite documentation, "PRAGMA synchronous".
	AcknowledgedWritesSurvive Durability = iota

	// AcknowledgedWritesMayBeLost accepts all of these settings. With refresh token rotation, a lost write is a lost connection.
	AcknowledgedWritesMayBeLost
)

var tableName = regexp.MustCompile(`^([a-z][a-z0-9_]{0,58}\.)?[a-z][a-z0-9_]{0,58}$`)

// Open connects to the database, checks it and its table, and returns the store. Open does not create the table; see
// [Store.Migrate]. If the table is missing, Open returns no error. The caller may open several stores on one table. Open is safe
// for concurrent use.
//
// If fields of c are wrong, the error wraps a *tokenstore.FieldError for each. If the database may lose acknowledged writes, it
// wraps [ErrVolatile]. If the server is a replica of MySQL or MariaDB, it wraps [ErrReadOnly]. If the table is not fit, it wraps
// [ErrTable]. If the database cannot be reached, it wraps the driver's error. When ctx is done, it wraps the error of ctx.
func Open(ctx context.Context, c Config) (*Store, error) {
	if c.Table == "" {
		c.Table = "sfauth_records"
	}
	g, known := grammars[c.Dialect]
	var bad badfields.List
	if c.DB == nil {
		bad.Add("Config.DB", "is required; sql.Open makes one")
	}
	if !known {
		bad.Add("Config.Dialect", fmt.Sprintf("is %+q, must be one of PostgreSQL, SQLite and MySQL", string(c.Dialect)))
	}
	if !tableName.MatchString(c.Table) || c.Dialect == SQLite && strings.Contains(c.Table, ".") {
		bad.Add("Config.Table", fmt.Sprintf("is %+q, must be a name of lower-case letters, digits and _ that begins with a letter, at most 59 bytes", c.Table))
	}
	if c.Durability != AcknowledgedWritesSurvive && c.Durability != AcknowledgedWritesMayBeLost {
		bad.Add("Config.Durability", fmt.Sprintf("is %d, must be one of its constants", c.Durability))
	}
	if err := bad.Err(); err != nil {
		return nil, fmt.Errorf("sqlstore: %w", err)
	}
	s := &Store{db: c.DB, dialect: c.Dialect, grammar: g, name: c.Table, asNamed: g.quoted(c.Table), table: g.quoted(c.Table), index: g.quoted(indexName(c.Table))}
	if c.Dialect == SQLite {
		s.turn = make(chan struct{}, 1)
	}
	if err := s.examine(ctx, c); err != nil {
		return nil, err
	}
	return s, nil
}

// indexName returns the name of a table's index, which lies in the table's schema without saying so.
func indexName(table string) string {
	return table[strings.LastIndex(table, ".")+1:] + "_due"
}

// examine refuses a database of another dialect, one that the store cannot work with, or one that is not as durable as
// asked.
func (s *Store) examine(ctx context.Context, c Config) error {
	// A connection's first statements are the DSN's pragmas: a file that another process just turns to WAL is busy.
	if err := s.retry(ctx, func() error { return c.DB.PingContext(ctx) }); err != nil {
		return fmt.Errorf("sqlstore: connecting to the database: %w", contextFirst(ctx, err))
	}
	is, err := s.settings(ctx)
	if ctx.Err() != nil {
		return fmt.Errorf("sqlstore: asking the database for its settings: %w", ctx.Err())
	}
	if err != nil {
		return fmt.Errorf("sqlstore: Config.Dialect is %s, but the database does not answer like that: %w", c.Dialect, err)
	}
	if !strings.HasPrefix(is["version"], s.grammar.product) {
		return fmt.Errorf("sqlstore: Config.Dialect is %s, but the database is %.80q", c.Dialect, is["version"])
	}
	if s.grammar.unfit != nil {
		if err := s.grammar.unfit(is); err != nil {
			return fmt.Errorf("sqlstore: %w", err)
		}
	}
	if is["binlog_format"] != "STATEMENT" { // in which a replica, read-only as it is, would not repeat the statement
		s.writable = s.grammar.writable
	}
	facts, err := s.inspected(ctx)
	if err != nil {
		return err
	}
	if problem := facts.problem(); problem != nil {
		return problem
	}
	s.resolve(cmp.Or(facts.Schema, is["schema"]))
	if err := s.echoes(ctx); err != nil {
		return err
	}
	if s.hides, err = s.knownHides(ctx); err != nil {
		return fmt.Errorf("sqlstore: asking the database for row level security: %w", err)
	}
	if s.timeline, err = s.knownTimeline(ctx); err != nil {
		return fmt.Errorf("sqlstore: asking the database for its timeline: %w", err)
	}
	if problem := cmp.Or(s.grammar.volatile(is), facts.volatile()); problem != "" && c.Durability == AcknowledgedWritesSurvive {
		return fmt.Errorf("sqlstore: %w: %s; change that, or set Config.Durability to AcknowledgedWritesMayBeLost", ErrVolatile, problem)
	}
	return s.try(ctx, facts)
}

// settings asks the database who it is and what it is set to.
func (s *Store) settings(ctx context.Context) (settings, error) {
	is := settings{}
	err := s.retry(ctx, func() error {
		rows, err := s.db.QueryContext(ctx, s.grammar.settings)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var name, value string
			if err := rows.Scan(&name, &value); err != nil {
				return err
			}
			is[name] = value
		}
		return rows.Err()
	})
	return is, err
}

// knownHides returns the expression of whether rows are hidden, or nothing for a relative of PostgreSQL that cannot tell.
func (s *Store) knownHides(ctx context.Context) (string, error) {
	if s.grammar.hides == "" {
		return "", nil
	}
	const question = "SELECT COUNT(row_security_active(oid)) FROM pg_class WHERE FALSE"
	err := s.retry(ctx, func() error { return s.db.QueryRowContext(ctx, question).Scan(new(int64)) })
	if err != nil && (s.grammar.judge(err) == unsupported || errors.Is(err, ErrNoTable)) {
		return "", nil
	}
	return s.names().Replace(s.grammar.hides), err
}

// knownTimeline returns the expression of the timeline, or that of none for a relative of PostgreSQL that has no such
// functions. A question that merely failed must not be the end of it.
func (s *Store) knownTimeline(ctx context.Context) (string, error) {
	if s.grammar.timeline == "" {
		return noTimeline, nil
	}
	err := s.retry(ctx, func() error { return s.db.QueryRowContext(ctx, "SELECT "+s.grammar.timeline).Scan(new(string)) })
	if err != nil && s.grammar.judge(err) == unsupported {
		return noTimeline, nil
	}
	return s.grammar.timeline, err
}
