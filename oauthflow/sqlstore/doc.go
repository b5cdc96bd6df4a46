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
// It is tested with the drivers jackc/pgx/v5, modernc.org/sqlite and go-sql-driver/mysql.
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
// depends on a time zone or an encoding of the server or connection.
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
//	oauthflow.ErrNotFound               Load: there is no such record                       connect first
//	oauthflow.ErrConflict               Save, Delete: the record has another version        load it and decide again; a Manager does
//	ErrNoTable                          the table is missing                                call Migrate, or have Schema run
//	ErrReadOnly                         the database takes no writes; of MySQL also Open    connect to the primary
//	ErrVolatile                         Open: the settings let acknowledged writes be lost  change what the text names
//	context.Canceled, DeadlineExceeded  the caller left; a change may have been made        Load tells
//	of Open, naming fields of Config    DB, Dialect, Table or Durability will not do        mend all that the text names
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
// connection: file:PATH?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(100).
package sqlstore
