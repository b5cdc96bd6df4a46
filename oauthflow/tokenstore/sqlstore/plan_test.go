package sqlstore_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore/sqlstore"
)

// plan returns how the database would execute the last query that the watch saw.
func plan(t *testing.T, w *watch, p place) string {
	t.Helper()
	var out []string
	db := connect(t, p)
	explain := map[sqlstore.Dialect]string{sqlstore.PostgreSQL: "EXPLAIN ", sqlstore.SQLite: "EXPLAIN QUERY PLAN ", sqlstore.MySQL: "EXPLAIN "}
	args := make([]any, len(w.args))
	for i, a := range w.args {
		args[i] = a.Value
	}
	rows, err := db.QueryContext(t.Context(), explain[p.dialect]+w.last, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new([]byte)
		}
		if err := rows.Scan(values...); err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			out = append(out, string(*v.(*[]byte)))
		}
	}
	return strings.Join(out, " | ")
}

// A keep-alive often looks for what is due; that must cost what is due, not what is stored.
func TestListsGoByAnIndex(t *testing.T) {
	eachDatabase(t, func(t *testing.T, p place) {
		migrated(t, p)
		db := connect(t, p)
		empty := map[sqlstore.Dialect]string{sqlstore.PostgreSQL: "''", sqlstore.SQLite: "x''", sqlstore.MySQL: "''"}[p.dialect]
		for n := range 40 { // of which few are due and few belong to a tenant
			var rows []string
			for i := range 100 {
				rows = append(rows, fmt.Sprintf("('connection/%d/main', 1, %d, "+empty+")", 100*n+i, int64(1e15)+int64(1e9)*int64(100*n+i)))
			}
			if _, err := db.ExecContext(t.Context(), "INSERT INTO "+p.table+" (id, version, due, data) VALUES "+strings.Join(rows, ", ")); err != nil {
				t.Fatal(err)
			}
		}
		analyze := map[sqlstore.Dialect]string{sqlstore.PostgreSQL: "ANALYZE ", sqlstore.SQLite: "ANALYZE ", sqlstore.MySQL: "ANALYZE TABLE "}
		for _, analyzed := range []bool{false, true} {
			if analyzed {
				if _, err := db.ExecContext(t.Context(), analyze[p.dialect]+p.table); err != nil {
					t.Fatal(err)
				}
			}
			w := &watch{}
			s := over(t, w.connect(t, p), p)
			records := 0
			for _, err := range s.List(t.Context(), "connection/", time.UnixMicro(1e15+300*1e9)) {
				if err != nil {
					t.Fatal(err)
				}
				records++
			}
			got := plan(t, w, p)
			if records != 300 || !strings.Contains(got, p.table+"_due") {
				t.Errorf("analyzed %v: %d records of what is due come by the plan %q, want 300 by the index on due", analyzed, records, got)
			}
			records = 0
			for range s.List(t.Context(), "connection/", time.Now().AddDate(1000, 0, 0)) {
				if records++; records == 1000 { // where the next page is one of many
					break
				}
			}
			got = plan(t, w, p)
			if analyzed && (!strings.Contains(got, p.table+"_due") || strings.Contains(got, "Sort") || strings.Contains(got, "filesort")) {
				t.Errorf("all records come by the plan %q, want them along the index on due", got)
			}
			w.take()
			for r, err := range s.List(t.Context(), "connection/77/", time.Now().AddDate(1000, 0, 0)) {
				if err != nil || r.ID != "connection/77/main" {
					t.Fatal(r.ID, err)
				}
			}
			got = plan(t, w, p)
			if n := w.take(); n != "query" || !strings.Contains(got, "utoindex") && !strings.Contains(got, "PRIMARY") && !strings.Contains(got, "_pkey") {
				t.Errorf("analyzed %v: the records of a tenant come by %q and the plan %q, want one query by id", analyzed, n, got)
			}
			records = 0
			for _, err := range s.List(t.Context(), "connection/1", time.Now().AddDate(1000, 0, 0)) { // 1, 1x, 1xx and 1xxx
				if err != nil {
					t.Fatal(err)
				}
				records++
			}
			got = plan(t, w, p)
			if records != 1111 || strings.Contains(got, p.table+"_due") {
				t.Errorf("analyzed %v: %d records of a large tenant come by the plan %q, want 1,111 by id", analyzed, records, got)
			}
		}
	})
}
