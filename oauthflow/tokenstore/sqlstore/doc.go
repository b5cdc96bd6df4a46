// Package sqlstore keeps the records of package oauthflow in one table of a database: PostgreSQL, SQLite, MySQL or MariaDB. Many
// goroutines, processes and machines may use it at the same time. The caller opens the [database/sql.DB] with a driver of its
// choice; this package imports no driver:
//
//	db, err := sql.Open("pgx", dsn) // with github.com/jackc/pgx/v5/stdlib
//	…
//	db.SetMaxOpenConns(16)
//	db.SetMaxIdleConns(16)
//	db.SetConnMaxLifetime(5 * time.Minute)
//	store, err := sqlstore.Open(ctx, sqlstore.Config{DB: db, Dialect: sqlstore.PostgreSQL})
//	…
//	err = store.Migrate(ctx)
//
// The package is tested with these drivers: jackc/pgx/v5 in all of its execution modes, lib/pq, modernc.org/sqlite,
// mattn/go-sqlite3 and go-sql-driver/mysql. It is also tested with session settings that change how values are written, for
// example bytea_output, DateStyle and sql_mode. Open sends bytes, text and a number to the database and reads them back. If a
// driver changes them, Open refuses it.
//
// # What it promises
//
// A Load, Save or Delete is one statement and one round trip. It keeps no transaction and no connection afterwards. A List is one
// round trip. If it finds more than 32 records, it needs one more round trip for every 128 records. (When a connection executes a
// statement for the first time, pgx needs one more round trip, unless you configure it not to prepare statements.)
//
// ErrConflict means: the database answered that no row had the version. With MySQL and MariaDB, one more round trip then asks
// whether the server accepts writes. If the database says that it has undone a statement (deadlock, serialization failure, busy
// file), the store repeats the statement for up to 5 seconds. After any other error the change may or may not be made. Call Load
// to find out.
//
// Ids are compared byte by byte, for every collation of the database. Due times are exact to the microsecond. Neither depends on
// a time zone or an encoding of the server or the connection. PostgreSQL sends data as base64, for every value of bytea_output.
//
// If the database has a timeline, Save and DeleteIn compare it in the same statement as the version; see
// tokenstore.TimelineStore.
//
// # What it refuses
//
// [Open] refuses a database whose settings allow it to lose acknowledged writes, unless [Config] accepts that; see [Durability].
//
// If a database accepts no writes, for example a read replica, every write returns an error that wraps [ErrReadOnly]. In MySQL
// and MariaDB a privileged user (SUPER, READ ONLY ADMIN, CONNECTION_ADMIN) can write to a replica. So Open refuses a server whose
// read_only is set, and each write checks read_only in the same statement. A server that becomes a replica later therefore also
// refuses. The exception is binlog_format=STATEMENT, because its replicas would repeat the check: there only Open checks, and the
// user should have no such privilege. Load and List do not notice that they read from a replica: connect the store to the
// primary.
//
// Open also refuses a table that may hide, change or lose records. The error is a [TableError]. It concerns: a view; a temporary,
// partitioned or foreign table; tables that inherit; row level security that applies to the role; triggers and rules that run
// before or instead of a change, or that change what was saved; a table without a unique index on id alone; and in MySQL an
// engine other than InnoDB. For an unlogged table the error wraps ErrVolatile. Open also checks the columns, because somebody may
// have altered them or created them with another tool:
//
//	column        PostgreSQL               MySQL, MariaDB                                        SQLite
//	id            text, varchar(255) or    varbinary(255) or longer; varchar(255) or longer in   of text affinity, with the
//	              longer, in a collation   a NO PAD _bin collation (utf8mb4_0900_bin,            collation BINARY
//	              of bytes (C, POSIX, …)   utf8mb4_nopad_bin, …)
//	version, due  bigint                   bigint                                                of integer affinity
//	data          bytea                    mediumblob, longblob                                  blob, or no type
//
// Some collations treat "bank" and "Bank" as the same id: utf8mb4_general_ci, NOCASE, nondeterministic ICU collations, and the
// type citext. They would give one customer the record of another. A collation that pads does the same with trailing blanks. A
// collation in the order of a language makes List leave records out. None of the columns may be generated. Open reports all
// problems in one error: one TableError, or several joined, each with its Remedy. In PostgreSQL, Load and List check row level
// security in their own statement. If somebody switches it on later, they return an error instead of no record. All statements
// name the schema that Open found.
//
// Open and Migrate test all other unique indexes, checks, columns and triggers by a trial. They save, change and delete three
// records in a transaction, and undo the transaction. The ids of these records are long, and differ only in case or in a trailing
// blank. Example: a trigger that logs each change in another table is accepted. A unique index on lower(id) is refused, because
// with it "Bank" could not connect beside "bank". If the user may not write, Open accepts the table and makes no trial. The undo
// does not reach what a trigger does outside of the database, or in a table without transactions.
//
// Open checks the table once. If somebody alters the table later, the next Open notices it, and each new process calls Open.
// Until then the effect is:
//
//	row level security is switched on          Load and List: an error (PostgreSQL)
//	a collation that treats two ids as one     tokenstore.ErrForeignRecord for the other id: the Manager compares the requested id
//	                                           with the id of the record, and the record opens only under its own id. The
//	                                           ids that are spelled as stored still work
//	a column is changed or dropped             an error of the database, unless the values fit
//	a collation in a language's order          not noticed: List may leave records out
//	another unique index, a check              Save: an error of the database that names it; in MySQL tokenstore.ErrConflict, if
//	                                           the index treats two records as one
//	a trigger, a rule, a view, inheritance     not noticed
//
// Source: PostgreSQL documentation, "Row Security Policies", "System Information Functions" (row_security_active) and "CREATE
// TABLE" (UNLOGGED).
//
// # Connections
//
// By default, [database/sql] opens any number of connections at the same time and keeps two. With PostgreSQL, 300 simultaneous
// Loads then took 1.8 s, or failed with "too many clients". With 16 connections that are kept, they took 10 ms. So set the three
// limits shown above.
//
// After a switchover a pool may hold connections to the former primary, which is now a replica, until their lifetime ends. For
// pgx with several hosts, add target_session_attrs=read-write to the DSN. For go-sql-driver/mysql, add rejectReadOnly=true: the
// driver then drops such a connection at once, unless the user is privileged. If there is no other connection, its error is "bad
// connection".
//
// # Errors
//
// Test for errors with errors.Is. The driver's error is wrapped, too:
//
//	error                               when                                                       what to do
//	tokenstore.ErrNotFound              Load: there is no such record                              connect first
//	tokenstore.ErrConflict              Save, Delete: the record has another version               load it and decide again, as a Manager does
//	ErrNoTable                          the table is missing                                       call Migrate, or let an administrator execute Schema
//	ErrTable (a TableError)             the table may hide, change or lose records                 follow the Remedy
//	ErrReadOnly                         the database accepts no writes; with MySQL also from Open  connect to the primary
//	ErrVolatile                         Open: the settings let acknowledged writes be lost         change what the text names
//	context.Canceled, DeadlineExceeded  ctx is done; a change may have been made                   call Load to find out
//	of Open, naming fields of Config    DB, Dialect, Table or Durability is wrong                  correct all that the text names
//	of Open, naming the isolation       MySQL: Load would return uncommitted data                  use READ-COMMITTED or a higher one
//	any other                           the database or the network failed                         check the database; call Load to find out
//
// # Databases
//
// PostgreSQL, from 9.6: any isolation level. If a pooler such as PgBouncer assigns connections by transaction, configure the
// driver not to prepare statements. For pgx, add default_query_exec_mode=exec to the DSN. With asynchronous replication, a
// failover may lose acknowledged writes; use synchronous_standby_names.
//
// From PostgreSQL 10, Load returns the timeline of the server. A failover or a point-in-time restore begins another timeline.
// Then a Manager sends no refresh token before Salesforce has said that the token is unspent. This also happens after a
// switchover that lost nothing. It costs each connection two questions and a wait; its access token is served meanwhile. Some
// relatives of PostgreSQL lack pg_walfile_name or pg_current_wal_lsn, or do not let the user call them. They have no timeline.
//
// MySQL, MariaDB: InnoDB, autocommit, any sql_mode, and any isolation level except READ UNCOMMITTED. With asynchronous
// replication a failover loses the last writes, and there is no timeline that shows it. Change ManagerConfig.StoreEpoch after
// such a failover.
//
// SQLite, from 3.37: one machine and a local disk. Use WAL and a short busy timeout in every connection, so that a call returns
// soon after its context is done: file:PATH?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(100). A file
// accepts one change at a time. The changes of one Store wait in the order of their calls. The changes of several Stores compete.
package sqlstore
