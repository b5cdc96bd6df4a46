package sqlstore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strings"
	"sync"
	"testing"
)

// A watch is a driver around a real one that notes what is asked of it. It has what all three drivers have: contexts,
// direct execution and transactions.
type watch struct {
	rewrite [2]string          // replaces the first by the second in every statement
	setting map[string]string  // answers these settings with other values
	fail    func(string) error // may answer a query in the database's place

	driver driver.Driver
	dsn    string

	mu    sync.Mutex
	calls []string            // "exec", "query", "prepare", "begin", "ping"
	last  string              // statement
	args  []driver.NamedValue // of the last query
}

// connect opens the place's database through the watch.
func (w *watch) connect(t testing.TB, p place) *sql.DB {
	t.Helper()
	plain := connect(t, p)
	w.driver, w.dsn = plain.Driver(), p.dsn
	db := sql.OpenDB(w)
	t.Cleanup(func() { db.Close() })
	return db
}

// take returns the calls since the last time.
func (w *watch) take() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	calls := strings.Join(w.calls, " ")
	w.calls = nil
	return calls
}

func (w *watch) note(call, statement string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, call)
	w.last = statement
	if w.rewrite[0] != "" {
		return strings.ReplaceAll(statement, w.rewrite[0], w.rewrite[1])
	}
	return statement
}

func (w *watch) Driver() driver.Driver { return w.driver }

func (w *watch) Connect(context.Context) (driver.Conn, error) {
	c, err := w.driver.Open(w.dsn)
	if err != nil {
		return nil, err
	}
	return &watched{c, w}, nil
}

type watched struct {
	driver.Conn
	watch *watch
}

func (c *watched) Ping(ctx context.Context) error {
	c.watch.note("ping", "")
	return c.Conn.(driver.Pinger).Ping(ctx)
}

func (c *watched) ExecContext(ctx context.Context, statement string, args []driver.NamedValue) (driver.Result, error) {
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, c.watch.note("exec", statement), args)
}

func (c *watched) QueryContext(ctx context.Context, statement string, args []driver.NamedValue) (driver.Rows, error) {
	c.watch.mu.Lock()
	c.watch.args = args
	c.watch.mu.Unlock()
	statement = c.watch.note("query", statement)
	if c.watch.fail != nil {
		if err := c.watch.fail(statement); err != nil {
			return nil, err
		}
	}
	rows, err := c.Conn.(driver.QueryerContext).QueryContext(ctx, statement, args)
	if err == nil && c.watch.setting != nil {
		rows = answers{rows, c.watch.setting}
	}
	return rows, err
}

// answers are rows of names and values of which some are others.
type answers struct {
	driver.Rows
	other map[string]string
}

func (a answers) Next(row []driver.Value) error {
	err := a.Rows.Next(row)
	if err != nil || len(row) != 2 {
		return err
	}
	if value, ok := a.other[fmt.Sprintf("%s", row[0])]; ok {
		row[1] = value
	}
	return nil
}

func (c *watched) PrepareContext(ctx context.Context, statement string) (driver.Stmt, error) {
	return c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, c.watch.note("prepare", statement))
}

func (c *watched) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	c.watch.note("begin", "")
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, options)
}
