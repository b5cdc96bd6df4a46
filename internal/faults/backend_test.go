package faults

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/redis/go-redis/v9"
	_ "modernc.org/sqlite"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/filestore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/redisstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/sqlstore"
)

// backEnd is a kind of store.
type backEnd string

const (
	files    backEnd = "filestore"
	sqlite   backEnd = "SQLite"
	postgres backEnd = "PostgreSQL"
	mariadb  backEnd = "MariaDB"
	redisKV  backEnd = "Redis"
)

// chosen is the store of the rows that do not name one.
func chosen() backEnd { return backEnd(cmp.Or(os.Getenv("SFAUTH_FAULTS_STORE"), string(files))) }

// place is where the records of a scene are. It is told to worker processes.
type place struct {
	On       backEnd
	DSN      string
	Name     string // directory, table or prefix
	Replicas int    // of Redis that a save waits for
}

// newPlace makes an empty place, which is gone after the test.
func newPlace(t *testing.T, on backEnd) place {
	t.Helper()
	ranOn(t, string(on))
	p := place{On: on, Name: "drill_" + strings.ToLower(rand.Text())}
	switch on {
	case files:
		p.Name = filepath.Join(t.TempDir(), "store")
		return p
	case sqlite:
		p.DSN = "file:" + filepath.Join(t.TempDir(), "records.db") + "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(100)"
	case postgres:
		p.DSN = cmp.Or(os.Getenv("SFAUTH_POSTGRES"), "postgres://postgres@127.0.0.1:5432/test?connect_timeout=3")
	case mariadb:
		p.DSN = cmp.Or(os.Getenv("SFAUTH_MARIADB"), "root@tcp(127.0.0.1:3306)/test?timeout=3s")
	case redisKV:
		p.DSN = cmp.Or(os.Getenv("SFAUTH_REDIS"), "redis://127.0.0.1:6379")
	default:
		t.Fatalf("there is no store %q", on)
	}
	if err := p.make(t.Context()); err != nil {
		needs.Missing(t, "%s: %v", on, err)
	}
	t.Cleanup(func() {
		if err := p.drop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return p
}

var drivers = map[backEnd]struct {
	driver  string
	dialect sqlstore.Dialect
}{
	sqlite:   {"sqlite", sqlstore.SQLite},
	postgres: {"pgx", sqlstore.PostgreSQL},
	mariadb:  {"mysql", sqlstore.MySQL},
}

// open opens the place as one more process would, with so many connections at most to a database. Durability is not what
// is drilled: servers for tests are made fast.
func (p place) open(ctx context.Context, connections int) (tokenstore.Store, io.Closer, error) {
	switch p.On {
	case files:
		s, err := filestore.Open(filestore.Config{Dir: p.Name})
		return s, s, err
	case redisKV:
		client, err := p.redis()
		if err != nil {
			return nil, nil, err
		}
		s, err := redisstore.Open(ctx, redisstore.Config{Client: client, Prefix: p.Name, Replicas: p.Replicas, Durability: redisstore.AcknowledgedWritesMayBeLost})
		return s, client, err
	}
	db, err := sql.Open(drivers[p.On].driver, p.DSN)
	if err != nil {
		return nil, nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxIdleTime(time.Second) // a scene may open it a hundred times
	s, err := sqlstore.Open(ctx, sqlstore.Config{DB: db, Dialect: drivers[p.On].dialect, Table: p.Name, Durability: sqlstore.AcknowledgedWritesMayBeLost})
	return s, db, err
}

func (p place) redis() (*redis.Client, error) {
	options, err := redis.ParseURL(p.DSN)
	if err != nil {
		return nil, err
	}
	return redis.NewClient(options), nil
}

func (p place) make(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	s, c, err := p.open(ctx, 1)
	if c != nil {
		defer c.Close()
	}
	if database, ok := s.(*sqlstore.Store); ok && err == nil {
		return database.Migrate(ctx)
	}
	return err
}

func (p place) drop(ctx context.Context) error {
	if p.On == redisKV {
		client, err := p.redis()
		if err != nil {
			return err
		}
		defer client.Close()
		keys := client.Scan(ctx, 0, "{"+p.Name+"}*", 1000).Iterator()
		for keys.Next(ctx) {
			err = errors.Join(err, client.Del(ctx, keys.Val()).Err())
		}
		return errors.Join(err, keys.Err())
	}
	return p.exec(ctx, "DROP TABLE "+p.Name)
}

func (p place) exec(ctx context.Context, statements ...string) error {
	db, err := sql.Open(drivers[p.On].driver, p.DSN)
	if err != nil {
		return err
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.ExecContext(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// copyTo makes the other place's records those of this one, as a backup that is restored does.
func (p place) copyTo(t *testing.T, other place) {
	t.Helper()
	if p.On == files {
		copyFiles(t, p.Name, other.Name)
		return
	}
	if p.On == redisKV {
		if err := p.copyKeys(t.Context(), other); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := p.exec(t.Context(), "DELETE FROM "+other.Name, fmt.Sprintf("INSERT INTO %s SELECT * FROM %s", other.Name, p.Name)); err != nil {
		t.Fatal(err)
	}
}

func (p place) copyKeys(ctx context.Context, other place) error {
	if err := other.drop(ctx); err != nil {
		return err
	}
	client, err := p.redis()
	if err != nil {
		return err
	}
	defer client.Close()
	keys := client.Scan(ctx, 0, "{"+p.Name+"}*", 1000).Iterator()
	for keys.Next(ctx) {
		_, rest, _ := strings.Cut(keys.Val(), "}")
		err = errors.Join(err, client.Copy(ctx, keys.Val(), "{"+other.Name+"}"+rest, client.Options().DB, true).Err())
	}
	return errors.Join(err, keys.Err())
}

// eachOther runs a row on every store but the chosen one, at the same time: most of it is waiting.
func eachOther(t *testing.T, drill func(t *testing.T, on backEnd)) {
	for _, on := range []backEnd{files, sqlite, postgres, mariadb, redisKV} {
		if on != chosen() {
			t.Run(string(on), func(t *testing.T) {
				t.Parallel()
				drill(t, on)
			})
		}
	}
}
