// Package sqlstore keeps the records of package oauthflow in one table of a database, for any number of goroutines,
// processes and machines at once: PostgreSQL, SQLite, and MySQL or MariaDB. It works over the caller's [database/sql.DB]
// and brings no driver:
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
// It is tested with the drivers jackc/pgx/v5 in all of its execution modes, lib/pq, modernc.org/sqlite, mattn/go-sqlite3 and
// go-sql-driver/mysql, and with the settings of sessions that change how values are written (bytea_output, DateStyle, sql_mode
// and others). Open sends bytes, text and a number to the database and back, so that a driver that cannot carry them is
// refused there.
//
// # What it promises
//
// A Load, Save or Delete is one statement and one round trip, and holds no transaction and no connection afterwards; a
// List does one, and one more for every 128 records where there are more than 32. (pgx takes one more when a connection
// executes a statement for the first time, unless it is told not to prepare.)
//
// A conflict is the database's own answer that no row had the version; MySQL and MariaDB are asked then, with one more round
// trip, whether they take writes. A statement that the database says it has undone
// (a deadlock, a serialization failure, a busy file) is tried again for up to 5 seconds. Any other error leaves open
// whether the change was made; Load tells.
//
// Ids are compared byte by byte whatever the database's collation, due times are exact to the microsecond, and neither
// depends on a time zone or an encoding of the server or connection. PostgreSQL sends data as base64, whatever bytea_output is.
//
// Where the database tells a timeline, a Save or Delete compares it in the same statement as the version; see
// tokenstore.TimelineStore.
//
// # What it refuses
//
// [Open] refuses a database whose settings let it lose what it has acknowledged, unless [Config] says that this is
// wanted; see [Durability]. Every write is refused by a database that takes none, such as a read replica, with an error
// wrapping [ErrReadOnly]. MySQL and MariaDB let a privileged user (SUPER, READ ONLY ADMIN, CONNECTION_ADMIN) write to a
// replica. Open refuses one whose read_only is set, and each write looks for it in the same statement, so that also a server
// that becomes a replica later refuses. Not so with binlog_format=STATEMENT, whose replicas would repeat the question:
// there only Open looks, and the user should have no such privilege. Load and List do not find out that they read from a
// replica: give the store the primary.
//
// Open also refuses, with a [TableError], what may hide, change or lose records: a view, a temporary, partitioned or foreign
// table, tables that inherit, row level security that applies to the role, triggers and rules that run before or instead of a
// change or change what was saved, a table without a unique index on id alone, in MySQL an engine other than InnoDB; and, with an error wrapping
// ErrVolatile, an unlogged table. It looks at the columns, too, which somebody may have altered, or made by a tool of their own:
//
//	column        PostgreSQL               MySQL, MariaDB                                        SQLite
//	id            text, varchar(255) or    varbinary(255) or longer; varchar(255) or longer in   of text affinity, with the
//	              longer, in a collation   a NO PAD _bin collation (utf8mb4_0900_bin,            collation BINARY
//	              of bytes (C, POSIX, …)   utf8mb4_nopad_bin, …)
//	version, due  bigint                   bigint                                                of integer affinity
//	data          bytea                    mediumblob, longblob                                  blob, or no type
//
// A collation that takes "bank" and "Bank" for one id (utf8mb4_general_ci, NOCASE, a nondeterministic one of ICU, the type
// citext) would give one customer another's record; one that pads does so with trailing blanks; one in a language's order leaves
// records out of a list. None of the columns may be generated. All that is wrong comes in one error: a TableError, or several
// joined, each with its Remedy. In PostgreSQL, Load and List ask for row level security in their own statement, so that one that is
// switched on later is an error and not an absence, and all statements name the schema that Open has found.
//
// Other unique indexes, checks, columns and triggers are judged by what they do: Open, and Migrate, saves, changes and deletes three
// records in a transaction that it undoes. Their ids are long and differ in case or in a trailing blank alone. So a trigger that
// notes each change elsewhere is accepted, and a unique index on lower(id) is not, by which "Bank" could not connect beside "bank".
// A user who may not write is accepted, and nothing is tried. What such a trigger does outside of the database, or in a table
// without transactions, is not undone.
//
// Open looks once. What somebody alters while the store is open is noticed by the next Open, which each new process makes, and
// until then:
//
//	row level security is switched on          Load and List: an error (PostgreSQL)
//	a collation that takes two ids for one     tokenstore.ErrForeignRecord where the other id is asked for: the Manager compares
//	                                           the id that it asked for with the one of the record, and the record opens under
//	                                           no other; the ids that are spelled as stored go on working
//	a column of another type, or gone          an error of the database, unless the values fit
//	a collation in a language's order          not noticed: List may leave records out
//	another unique index, a check              Save: an error of the database that names it; in MySQL tokenstore.ErrConflict for what
//	                                           the index takes for another record
//	a trigger, a rule, a view, inheritance     not noticed
//
// Source: PostgreSQL documentation, "Row Security Policies", "System Information Functions" (row_security_active) and "CREATE
// TABLE" (UNLOGGED).
//
// # Connections
//
// [database/sql] opens as many connections as are asked for at once and keeps two. Of PostgreSQL, 300 Loads at once took
// 1.8 s like that, or failed for too many clients, and 10 ms with 16 connections that are kept. So set the three limits shown
// above. After a switchover a pool may hold connections to what is a replica now, until their lifetime ends: for pgx, add
// target_session_attrs=read-write to a DSN of several hosts; for go-sql-driver/mysql, add rejectReadOnly=true, which leaves
// such a connection at once, unless the user is privileged, and says "bad connection" where there is no other.
//
// # Errors
//
// What errors.Is tells; the driver's error is wrapped, too:
//
//	error                               when                                                what to do
//	tokenstore.ErrNotFound              Load: there is no such record                       connect first
//	tokenstore.ErrConflict              Save, Delete: the record has another version        load it and decide again; a Manager does
//	ErrNoTable                          the table is missing                                call Migrate, or have Schema run
//	ErrTable (a TableError)             the table may hide, change or lose records           do what the Remedy says
//	ErrReadOnly                         the database takes no writes; of MySQL also Open    connect to the primary
//	ErrVolatile                         Open: the settings let acknowledged writes be lost  change what the text names
//	context.Canceled, DeadlineExceeded  the caller left; a change may have been made        Load tells
//	of Open, naming fields of Config    DB, Dialect, Table or Durability will not do        correct all that the text names
//	of Open, naming the isolation       MySQL: loads would see what is not committed        take READ-COMMITTED or a higher one
//	any other                           the database or the way to it failed                look after the database; Load tells
//
// # Databases
//
// PostgreSQL, from 9.6: any isolation level. Behind a pooler that hands out connections by transaction, such as PgBouncer,
// tell the driver not to prepare statements; for pgx, add default_query_exec_mode=exec to the DSN. With asynchronous
// replication, a failover may lose what was acknowledged before it; use synchronous_standby_names. From 10, Load tells the
// timeline that the server is in. A failover or a restoration to a point in time begins another, and then no refresh token
// is sent before Salesforce has said that it is unspent: also after a switchover that lost nothing, which costs each
// connection two questions and a wait, while its access token is served. A relative of PostgreSQL that lacks
// pg_walfile_name or pg_current_wal_lsn, or does not let the user call them, tells no timeline.
//
// MySQL, MariaDB: InnoDB, autocommit, any sql_mode and any isolation level but READ UNCOMMITTED. With asynchronous
// replication a failover loses the last writes, too, and no timeline tells: change the ManagerConfig's StoreEpoch then.
//
// SQLite, from 3.37: one machine and a local disk. Use WAL and a short busy timeout, so that contexts are heard, in every
// connection: file:PATH?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(100). A file takes one change at a
// time: those of one Store wait in the order in which they come, those of several compete.
package sqlstore
