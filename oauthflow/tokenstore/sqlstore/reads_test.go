package sqlstore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/sqlstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/storetest"
	modernc "modernc.org/sqlite"
)

// counted is a store whose database is asked how many rows and entries of an index it has read.
type counted struct {
	*sqlstore.Store
	reads func(context.Context) (int, error)
}

func (s counted) Reads(ctx context.Context) (int, error) { return s.reads(ctx) }

// rowsSeen are the rows of which SQLite has evaluated the condition of a page. It has no counter of its own.
var rowsSeen atomic.Int64

var registered = sync.OnceValue(func() error {
	return modernc.RegisterScalarFunction("sfauth_seen", 1, func(*modernc.FunctionContext, []driver.Value) (driver.Value, error) {
		rowsSeen.Add(1)
		return int64(1), nil
	})
})

// countedOver returns a function that opens counted stores over one connection each.
func countedOver(t *testing.T, p place) func() tokenstore.Store {
	migrated(t, p)
	if p.dialect == sqlstore.SQLite {
		if err := registered(); err != nil {
			t.Fatal(err)
		}
		return func() tokenstore.Store {
			w := &watch{rewrite: [2]string{"WHERE TRUE", "WHERE sfauth_seen(id)"}}
			return counted{over(t, w.connect(t, p), p), func(context.Context) (int, error) { return int(rowsSeen.Load()), nil }}
		}
	}
	return func() tokenstore.Store {
		db := connect(t, p)
		if p.dialect == sqlstore.MySQL {
			db.SetMaxOpenConns(1) // it counts for each
		}
		return counted{over(t, db, p), func(ctx context.Context) (int, error) { return serverReads(ctx, db, p) }}
	}
}

// serverReads asks a server what it has read for the table, or for the connection. The server counts the rows of the table first, as it
// does by itself within a minute: of a table that was empty when it last counted, it may sort all that is left for each page.
func serverReads(ctx context.Context, db *sql.DB, p place) (n int, err error) {
	analyze := "ANALYZE "
	if p.dialect == sqlstore.MySQL {
		analyze = "ANALYZE TABLE "
	}
	if _, err := db.ExecContext(ctx, analyze+p.table); err != nil {
		return 0, err
	}
	if p.dialect == sqlstore.PostgreSQL {
		if _, err := db.ExecContext(ctx, "SELECT pg_stat_force_next_flush()"); err != nil {
			return 0, err
		}
		err = db.QueryRowContext(ctx, "SELECT seq_tup_read + (SELECT SUM(idx_tup_read) FROM pg_stat_user_indexes i WHERE i.relid = t.relid)::bigint "+
			"FROM pg_stat_user_tables t WHERE relname = $1", p.table).Scan(&n)
		return n, err
	}
	err = db.QueryRowContext(ctx, "SELECT SUM(variable_value) FROM information_schema.session_status "+
		"WHERE variable_name LIKE 'HANDLER_READ%' OR variable_name = 'HANDLER_ICP_ATTEMPTS'").Scan(&n)
	return n, err
}

func TestAListReadsWhatItYields(t *testing.T) {
	clauses := slices.DeleteFunc(storetest.Clauses(), func(c storetest.Clause) bool { return !strings.Contains(c.Name, " read") })
	if len(clauses) != 2 {
		t.Fatalf("%d clauses are about reading, want 2", len(clauses))
	}
	for _, c := range clauses {
		t.Run(c.Name, func(t *testing.T) {
			eachDatabase(t, func(t *testing.T, p place) {
				if err := c.Check(t.Context(), countedOver(t, p)); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
