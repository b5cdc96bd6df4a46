package bench

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/filestore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/sqlstore"
)

// crowd is many adopted connections of as many tenants as a Manager leaves them in a store: each a connection and the record
// of its refresh token's adoption.
type crowd struct {
	seal              bareSeal
	connection, claim []byte // what one holds
	hash              string // of the one refresh token
	claimDue          time.Time
}

const firstTenant = "t0000000"

func newCrowd(t *testing.T) crowd {
	t.Helper()
	plain, err := base64.StdEncoding.DecodeString(benchKey.Key.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	c := crowd{seal: bareSeal{benchKey.ID, plain}}
	s := tokenstore.NewMemory()
	adopt(t, manager(t, &transport{}, s), oauthflow.Key{Tenant: firstTenant, Name: "main"})
	for r, err := range s.List(t.Context(), "", time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)) {
		if err != nil {
			t.Fatal(err)
		}
		if hash, found := strings.CutPrefix(r.ID, "adopted/"); found {
			c.claim, c.hash, c.claimDue = c.seal.open(r), hash, r.Due
		} else {
			c.connection = c.seal.open(r)
		}
	}
	if c.claim == nil || c.connection == nil {
		t.Fatal("an adoption leaves no connection or no claim")
	}
	return c
}

// records yields those of n connections, of which the i-th is due at due(i).
func (c crowd) records(n int, due func(i int) time.Time) iter.Seq[tokenstore.Record] {
	return func(yield func(tokenstore.Record) bool) {
		for i := range n {
			k, sum := scaleKey(i), sha256.Sum256(fmt.Append(nil, i))
			other := strings.NewReplacer(firstTenant, k.Tenant, c.hash, hex.EncodeToString(sum[:]))
			for _, r := range []struct {
				id    string
				plain []byte
				due   time.Time
			}{{"connection/" + k.Tenant + "/" + k.Name, c.connection, due(i)}, {"adopted/" + hex.EncodeToString(sum[:]), c.claim, c.claimDue}} {
				data := c.seal.seal(r.id, 1, []byte(other.Replace(string(r.plain))))
				if !yield(tokenstore.Record{ID: r.id, Version: 1, Due: r.due, Data: data}) {
					return
				}
			}
		}
	}
}

// into stores the records, some at once.
func (c crowd) into(t *testing.T, b backEnd, n int, due func(i int) time.Time) {
	t.Helper()
	ctx := context.Background()
	jobs := make(chan []tokenstore.Record)
	var crew sync.WaitGroup
	for range 4 {
		crew.Go(func() {
			for rows := range jobs {
				if err := b.insert(ctx, rows); err != nil {
					t.Error(err)
				}
			}
		})
	}
	var rows []tokenstore.Record
	for r := range c.records(n, due) {
		if rows = append(rows, r); len(rows) == 100 {
			jobs <- rows
			rows = nil
		}
	}
	jobs <- rows
	close(jobs)
	crew.Wait()
	if analyze := map[string]string{"PostgreSQL": "ANALYZE ", "MariaDB": "ANALYZE TABLE "}[b.kind()]; analyze != "" {
		if _, err := b.db.Exec(analyze + b.table); err != nil {
			t.Error(err)
		}
	}
}

func (b backEnd) kind() string { return strings.TrimSuffix(b.name, notDurable) }

// insert stores new records: in a database many in one statement.
func (b backEnd) insert(ctx context.Context, records []tokenstore.Record) error {
	if b.db == nil {
		for _, r := range records {
			r.Version = 0
			if err := b.store.Save(ctx, r); err != nil {
				return err
			}
		}
		return nil
	}
	var text bytes.Buffer
	var args []any
	for i, r := range records {
		if i > 0 {
			text.WriteString(", ")
		}
		if b.kind() == "PostgreSQL" {
			fmt.Fprintf(&text, "($%d, 1, $%d, $%d)", 3*i+1, 3*i+2, 3*i+3)
		} else {
			text.WriteString("(?, 1, ?, ?)")
		}
		args = append(args, r.ID, r.Due.UnixMicro(), r.Data)
	}
	if len(records) == 0 {
		return nil
	}
	_, err := b.db.ExecContext(ctx, "INSERT INTO "+b.table+" (id, version, due, data) VALUES "+text.String(), args...)
	return err
}

// inMemory is a folder that waits for no disk where the system has one: lists do not.
func inMemory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "bench")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// crowded are the stores whose lists are measured, each empty.
func crowded(t *testing.T) map[string]func(t *testing.T) backEnd {
	return map[string]func(t *testing.T) backEnd{
		"memory": func(*testing.T) backEnd { return backEnd{name: "memory", store: tokenstore.NewMemory()} },
		"filestore": func(t *testing.T) backEnd {
			dir := inMemory(t)
			s, err := filestore.Open(filestore.Config{Dir: filepath.Join(dir, "records")})
			if err == nil {
				t.Cleanup(func() { _ = s.Close() })
			}
			return backEnd{name: "filestore", store: s, drop: func() { _ = os.RemoveAll(dir) }, err: err}
		},
		"SQLite": func(t *testing.T) backEnd {
			b := database(t, "SQLite", sqlstore.SQLite, "sqlite",
				"file:"+filepath.Join(inMemory(t), "records.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)")
			if b.err == nil {
				b.db.SetMaxOpenConns(4) // one writes at a time
			}
			return b
		},
		"PostgreSQL": postgres,
		"MariaDB":    mariadb,
		"Redis":      redisServer,
	}
}
