// Package sqlstore keeps the records of package oauthflow in one table of a database, for any number of goroutines,
// processes and machines at once: PostgreSQL, SQLite, and MySQL or MariaDB. It works over the caller's [database/sql.DB]
// and brings no driver:
//
//	db, err := sql.Open("pgx", dsn) // with github.com/jackc/pgx/v5/stdlib
//	…
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
// A conflict is the database's own answer that no row had the version. A statement that the database says it has undone
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
// wrapping [ErrReadOnly]. Load and List do not find out that they read from a replica: give the store the primary.
//
// # Errors
//
// What errors.Is tells; the driver's error is wrapped, too:
//
//	error                               when                                                what to do
//	oauthflow.ErrNotFound               Load: there is no such record                       connect first
//	oauthflow.ErrConflict               Save, Delete: the record has another version        load it and decide again; a Manager does
//	ErrNoTable                          the table is missing                                call Migrate, or have Schema run
//	ErrReadOnly                         the database takes no writes                        connect to the primary
//	ErrVolatile                         Open: the settings let acknowledged writes be lost  change what the text names, or set Config.Durability
//	context.Canceled, DeadlineExceeded  the caller left; a change may have been made        Load tells
//	of Open, naming fields of Config    DB, Dialect, Table or Durability will not do        mend all that the text names
//	any other                           the database or the way to it failed                look after the database; Load tells
//
// # Databases
//
// PostgreSQL: any isolation level. Behind a pooler that hands out connections by transaction, such as PgBouncer, tell
// the driver not to prepare statements; for pgx, add default_query_exec_mode=exec to the DSN. With asynchronous replication, a failover may lose what was acknowledged before it;
// use synchronous_standby_names. Where that is empty, Load tells the timeline that the server is in, so that after a
// failover or a restoration to a point in time no refresh token is sent before Salesforce has said that it is unspent.
//
// MySQL, MariaDB: InnoDB, any isolation level and sql_mode. With asynchronous replication the same holds; also set
// sync_binlog=1.
//
// SQLite: one machine and a local disk. Use WAL and a short busy timeout, so that contexts are heard, in every
// connection: file:PATH?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(100).
package sqlstore
