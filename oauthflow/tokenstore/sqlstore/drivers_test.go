package sqlstore_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/sqlstore"
)

// Settings of a driver, a session or a server that change how statements, values or answers are written.
func TestEveryMethodWorksWithEachDriverHoweverItIsSet(t *testing.T) {
	type setting struct {
		name  string
		place func(testing.TB) place
		with  []string
	}
	tests := []setting{{"SQLite, times as text", sqlite, []string{"_time_format=sqlite", "_texttotime=1"}}}
	for _, mode := range []string{"cache_statement", "cache_describe", "describe_exec", "exec", "simple_protocol"} {
		for _, bytea := range []string{"escape", "hex"} {
			tests = append(tests, setting{"PostgreSQL, " + mode + ", " + bytea, postgres, []string{"default_query_exec_mode=" + mode, "bytea_output=" + bytea,
				"DateStyle=SQL%2C%20DMY", "TimeZone=Asia%2FKathmandu", "quote_all_identifiers=on", "backslash_quote=off", "plan_cache_mode=force_generic_plan"}})
		}
	}
	for _, session := range []string{
		"parseTime=true", "parseTime=false", "loc=Asia%2FKathmandu&parseTime=true", "interpolateParams=true", "clientFoundRows=true",
		"sql_mode=%27ANSI_QUOTES%27", "sql_mode=%27NO_BACKSLASH_ESCAPES%27", "sql_mode=%27%27", "sql_mode=%27ORACLE%27",
		"sql_mode=%27TRADITIONAL%2CPAD_CHAR_TO_FULL_LENGTH%27", "sql_safe_updates=1", "time_zone=%27%2B05%3A45%27", "charset=latin1",
		"collation=utf8mb4_bin", "columnsWithAlias=true", "multiStatements=true", "maxAllowedPacket=0", "tx_isolation=%27SERIALIZABLE%27",
		"rejectReadOnly=true", "compress=true", "group_concat_max_len=4",
	} {
		tests = append(tests, setting{"MariaDB, " + session, mariadb, []string{session}})
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := test.place(t)
			for _, with := range test.with {
				p = p.with(with)
			}
			worksWhole(t, migrated(t, p))
		})
	}
}

// worksWhole has the store do all that a Manager asks of one, with every byte there is.
func worksWhole(t *testing.T, s *sqlstore.Store) {
	t.Helper()
	ctx := t.Context()
	r := record("connection/acme/it's \"a\" \\ `b` % _ ? $1 :x")
	r.Data = nil
	for i := range 3 * 256 {
		r.Data = append(r.Data, byte(i))
	}
	for _, data := range [][]byte{r.Data, {}, []byte(`\x00`), []byte("\\"), []byte("\\000"), bytes.Repeat([]byte{0xff, 0, '\\', '\''}, tokenstore.MaxRecordData/4)} {
		r.Data = data
		if err := s.Save(ctx, r); err != nil {
			t.Fatalf("Save at version %d: %v", r.Version, err)
		}
		r.Version++
		got, err := s.Load(ctx, r.ID)
		if err != nil || got.Version != r.Version || !got.Due.Equal(r.Due) || !bytes.Equal(got.Data, data) {
			t.Fatalf("Load at version %d: version %d, due %v, %d bytes, %v", r.Version, got.Version, got.Due, len(got.Data), err)
		}
		r = got
		for _, prefix := range []string{"", "connection/acme/it's"} {
			n := 0
			for listed, err := range s.List(ctx, prefix, r.Due.Add(time.Hour)) {
				if n++; err != nil || listed.ID != r.ID || listed.Version != r.Version || !listed.Due.Equal(r.Due) || !bytes.Equal(listed.Data, data) {
					t.Fatalf("List of %q at version %d: %s, %v", prefix, r.Version, fmt.Sprint(listed.ID, listed.Version, listed.Due, len(listed.Data)), err)
				}
			}
			if n != 1 {
				t.Errorf("List of %q yields %d records, want one", prefix, n)
			}
		}
	}
	if err := s.DeleteIn(ctx, r.Timeline, r.ID, r.Version); err != nil {
		t.Errorf("Delete: %v", err)
	}
}

// What a driver cannot carry, Open says: else every Save or every Load would fail.
func TestOpenRefusesADriverThatCarriesNoValues(t *testing.T) {
	p := postgres(t)
	migrated(t, p)
	p = p.with("default_query_exec_mode=simple_protocol").with("standard_conforming_strings=off")
	_, err := sqlstore.Open(t.Context(), sqlstore.Config{DB: connect(t, p), Dialect: p.dialect, Table: p.table})
	if err == nil || !bytes.Contains([]byte(err.Error()), []byte("standard_conforming_strings")) {
		t.Errorf("got %v, want an error that names the setting", err)
	}
}
