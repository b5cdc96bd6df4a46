//go:build cgo

package faults

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/sqlstore"
	_ "github.com/lib/pq"
	_ "github.com/mattn/go-sqlite3"
)

// Drivers that sqlstore's own tests leave out, since who downloads that module would download them, too.
func TestTheStoreWorksWithOtherDrivers(t *testing.T) {
	file := func(t *testing.T) string { return "file:" + filepath.Join(t.TempDir(), "records.db") }
	server := func(t *testing.T) string {
		return cmp.Or(os.Getenv("SFAUTH_POSTGRES"), "postgres://postgres@127.0.0.1:5432/test?connect_timeout=3") + "&sslmode=disable"
	}
	tests := []struct {
		name, driver string
		dialect      sqlstore.Dialect
		dsn          func(t *testing.T) string
		with         string
	}{
		{"mattn/go-sqlite3", "sqlite3", sqlstore.SQLite, file, "?_journal_mode=WAL&_synchronous=FULL&_busy_timeout=1"},
		{"mattn/go-sqlite3 with immediate transactions", "sqlite3", sqlstore.SQLite, file, "?_journal_mode=WAL&_synchronous=FULL&_txlock=immediate&_loc=auto"},
		{"lib/pq", "postgres", sqlstore.PostgreSQL, server, ""},
		{"lib/pq with bytes escaped", "postgres", sqlstore.PostgreSQL, server, "&bytea_output=escape"},
		{"lib/pq with binary parameters", "postgres", sqlstore.PostgreSQL, server, "&binary_parameters=yes"},
		{"lib/pq with backslashes that escape", "postgres", sqlstore.PostgreSQL, server, "&standard_conforming_strings=off"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, _ := otherDriver(t, test.driver, test.dialect, test.dsn(t)+test.with)
			ctx := t.Context()
			r := tokenstore.Record{ID: `connection/acme/it's "a" \ %`, Due: time.Date(2026, 7, 14, 9, 30, 0, 123456000, time.UTC)}
			for _, data := range [][]byte{[]byte("sealed"), {}, bytes.Repeat([]byte{0, 0xff, '\\', '\''}, tokenstore.MaxRecordData/4)} {
				r.Data = data
				if err := s.Save(ctx, r); err != nil {
					t.Fatal(err)
				}
				got, err := s.Load(ctx, r.ID)
				if err != nil || got.Version != r.Version+1 || !got.Due.Equal(r.Due) || !bytes.Equal(got.Data, data) {
					t.Fatalf("version %d, due %v, %d bytes, %v", got.Version, got.Due, len(got.Data), err)
				}
				r = got
				for listed, err := range s.List(ctx, "connection/", r.Due.Add(time.Hour)) {
					if err != nil || listed.ID != r.ID || !bytes.Equal(listed.Data, data) {
						t.Errorf("List: %q with %d bytes, %v", listed.ID, len(listed.Data), err)
					}
				}
			}
			old := r
			old.Version--
			if err := s.Save(ctx, old); !errors.Is(err, tokenstore.ErrConflict) {
				t.Errorf("Save at an old version: got %v, want an error wrapping ErrConflict", err)
			}
			if err := s.DeleteIn(ctx, r.Timeline, r.ID, r.Version); err != nil {
				t.Error(err)
			}
		})
	}
}

// otherDriver opens a store in a table of its own.
func otherDriver(t *testing.T, driver string, dialect sqlstore.Dialect, dsn string) (*sqlstore.Store, *sql.DB) {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.PingContext(t.Context()); err != nil {
		needs.Missing(t, "no %s: %v", dialect, err)
	}
	table := "sfauth_" + strings.ToLower(rand.Text())
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{DB: db, Dialect: dialect, Table: table, Durability: sqlstore.AcknowledgedWritesMayBeLost})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = db.ExecContext(context.Background(), "DROP TABLE IF EXISTS "+table) })
	if _, err := s.Load(t.Context(), "connection/acme/main"); !errors.Is(err, sqlstore.ErrNoTable) {
		t.Errorf("without a table: got %v, want an error wrapping ErrNoTable", err)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, db
}

func TestABusyFileIsTriedAgainWhateverTheDriver(t *testing.T) {
	s, db := otherDriver(t, "sqlite3", sqlstore.SQLite, "file:"+filepath.Join(t.TempDir(), "records.db")+"?_journal_mode=WAL&_synchronous=FULL&_busy_timeout=1")
	other, err := db.Conn(t.Context())
	must(t, err)
	defer other.Close()
	_, err = other.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	must(t, err)
	saved := make(chan error, 1)
	go func() {
		saved <- s.Save(t.Context(), tokenstore.Record{ID: "connection/acme/main", Due: time.Unix(0, 0), Data: []byte("sealed")})
	}()
	select {
	case err := <-saved:
		t.Fatalf("got %v while the file was busy, want to wait", err)
	case <-time.After(300 * time.Millisecond):
	}
	_, err = other.ExecContext(t.Context(), "COMMIT")
	must(t, err)
	if err := <-saved; err != nil {
		t.Error(err)
	}
}

func TestAFileThatTakesNoWritesIsReadOnlyWhateverTheDriver(t *testing.T) {
	path := "file:" + filepath.Join(t.TempDir(), "records.db") + "?_journal_mode=WAL&_synchronous=FULL"
	db, err := sql.Open("sqlite3", path)
	must(t, err)
	defer db.Close()
	open := func(db *sql.DB) *sqlstore.Store {
		s, err := sqlstore.Open(t.Context(), sqlstore.Config{DB: db, Dialect: sqlstore.SQLite})
		must(t, err)
		return s
	}
	must(t, open(db).Migrate(t.Context()))
	readOnly, err := sql.Open("sqlite3", path+"&mode=ro&_query_only=1")
	must(t, err)
	defer readOnly.Close()
	err = open(readOnly).Save(t.Context(), tokenstore.Record{ID: "connection/acme/main", Due: time.Unix(0, 0), Data: []byte("sealed")})
	if !errors.Is(err, sqlstore.ErrReadOnly) {
		t.Errorf("got %v, want an error wrapping ErrReadOnly", err)
	}
}
