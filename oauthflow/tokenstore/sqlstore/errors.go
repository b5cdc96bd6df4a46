package sqlstore

import (
	"context"
	"errors"
	"regexp"
	"strings"
)

// Errors of this package, in addition to ErrNotFound and ErrConflict of package tokenstore. Test for them with errors.Is.
var (
	ErrReadOnly = errors.New("the database takes no writes; it may be a replica, connect to the primary")
	ErrNoTable  = errors.New("the table does not exist; call Migrate, or have its Schema run")
	ErrVolatile = errors.New("the database may lose acknowledged writes")
)

// A verdict is what an error of the database means for the statement.
type verdict int

const (
	unknown  verdict = iota // it may have been done or not
	undone                  // it was not done, and may be tried again
	readOnly                // it is not done here
	noTable
	hiddenRows  // some may be hidden from who asks
	rowRefused  // the table does not take the row, or the change of it
	unsupported // the database has no such thing, or does not let this user have it
)

// contextFirst returns ctx's error when that is why err happened; drivers have words of their own for it.
func contextFirst(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// judgePostgreSQL goes by the SQLSTATE, which the errors of pgx and lib/pq tell.
//
// Source: PostgreSQL documentation, Appendix A, "PostgreSQL Error Codes".
func judgePostgreSQL(err error) verdict {
	var e interface{ SQLState() string }
	if !errors.As(err, &e) {
		return unknown
	}
	switch e.SQLState() {
	case "0A000": // feature not supported
		// A driver has prepared the statement before the table was altered, and prepares it again after this error.
		if strings.Contains(err.Error(), "cached plan must not change result type") {
			return undone
		}
		return unsupported
	case "40001", "40P01", "55P03": // serialization failure, deadlock, lock not available
		return undone
	case "25006": // read only transaction
		return readOnly
	case "22012": // division by zero, of which there is one: see andVisible
		return hiddenRows
	case "42P01", "3F000": // undefined table, invalid schema name
		return noTable
	case "42883", "42501": // undefined function, insufficient privilege
		return unsupported
	}
	switch e.SQLState()[:min(2, len(e.SQLState()))] {
	case "22", "23", "27", "P0": // data exception, integrity constraint violation, triggered data change, PL/pgSQL
		return rowRefused
	}
	return unknown
}

// judgeSQLite goes by the result code, which modernc.org/sqlite tells, and else by SQLite's own words, which every driver
// passes on: mattn/go-sqlite3 has the code in a field of its own type.
//
// Source: SQLite documentation, "Result and Error Codes" and sqlite3_errstr.
func judgeSQLite(err error) verdict {
	code, text := 0, err.Error()
	if e := interface{ Code() int }(nil); errors.As(err, &e) {
		code = e.Code() & 0xff
	}
	says := func(words string) bool { return code == 0 && strings.Contains(text, words) }
	switch {
	case code == 5 || code == 6 || says("database is locked") || says("database table is locked") || says("database schema is locked"):
		return undone
	case code == 8 || says("attempt to write a readonly database"):
		return readOnly
	case code <= 1 && strings.Contains(text, "no such table"):
		return noTable
	case code == 19 || says("constraint failed"):
		return rowRefused
	}
	return unknown
}

// mysqlNumber finds the error number in the text, as go-sql-driver/mysql writes it.
var mysqlNumber = regexp.MustCompile(`\bError (\d{4})\b`)

// judgeMySQL goes by the error number.
//
// Source: MySQL 8.0 Error Message Reference, "Server Error Message Reference"; MariaDB documentation, "MariaDB Error Codes".
func judgeMySQL(err error) verdict {
	m := mysqlNumber.FindStringSubmatch(err.Error())
	if m == nil {
		return unknown
	}
	switch m[1] {
	case "1205", "1213", "1020": // lock wait timeout, deadlock, record has changed since it was read
		return undone
	case "1290", "1792", "1836": // --read-only, read only transaction, read only mode
		return readOnly
	case "1146", "1049": // no such table, unknown database
		return noTable
	case "1142", "1143": // command or column denied to the user
		return unsupported
	case "1048", "1062", "1364", "1406", "1442", "1451", "1452", "1644", "3819", "4025": // keys, checks, and what triggers do
		return rowRefused
	}
	return unknown
}
