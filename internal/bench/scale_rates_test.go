package bench

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/redis/go-redis/v9"
	_ "modernc.org/sqlite"

	"github.com/fullcast/sfauth/internal/servers"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/filestore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/redisstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/sqlstore"
)

// backEnd is a store that is to be measured.
type backEnd struct {
	name   string
	store  tokenstore.Store
	db     *sql.DB       // of a database
	table  string        // in it
	client *redis.Client // of Redis
	prefix string        // of its keys
	drop   func()        // forgets the records before the test ends; may be nil
	err    error         // why there is none here
}

// rates are what a store does in a second, asked by several at once.
type rates struct {
	backEnd
	loads, saves float64
	list         time.Duration // one look at what is due among 512 records, when nothing is
}

const (
	askers        = 16
	storedForEach = 32 // records of each asker
)

func backEnds(t *testing.T) []backEnd {
	t.Helper()
	files, err := filestore.Open(filestore.Config{Dir: filepath.Join(t.TempDir(), "records")})
	all := []backEnd{{name: "filestore", store: files, err: err}}
	if err == nil {
		t.Cleanup(func() { _ = files.Close() })
	}
	return append(all, sqlite(t), postgres(t),
		mariadb(t), redisServer(t), durableRedis(t))
}

func sqlite(t *testing.T) backEnd {
	path := filepath.Join(t.TempDir(), "records.db")
	return database(t, "SQLite", sqlstore.SQLite, "sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)")
}

func postgres(t *testing.T) backEnd {
	return database(t, "PostgreSQL", sqlstore.PostgreSQL, "pgx", cmp.Or(os.Getenv("SFAUTH_POSTGRES"), "postgres://postgres@127.0.0.1:5432/test?connect_timeout=3"))
}

func mariadb(t *testing.T) backEnd {
	return database(t, "MariaDB", sqlstore.MySQL, "mysql", cmp.Or(os.Getenv("SFAUTH_MARIADB"), "root@tcp(127.0.0.1:3306)/test?timeout=3s"))
}

// notDurable marks a server that was made fast for tests.
const notDurable = " (not durable)"

// database opens a table of its own.
func database(t *testing.T, name string, d sqlstore.Dialect, driver, dsn string) backEnd {
	t.Helper()
	b := backEnd{name: name}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		b.err = err
		return b
	}
	db.SetMaxOpenConns(askers)
	db.SetMaxIdleConns(askers)
	t.Cleanup(func() { db.Close() })
	c := sqlstore.Config{DB: db, Dialect: d, Table: "sfauth_" + strings.ToLower(rand.Text())}
	s, err := sqlstore.Open(t.Context(), c)
	if errors.Is(err, sqlstore.ErrVolatile) {
		c.Durability = sqlstore.AcknowledgedWritesMayBeLost
		b.name += notDurable
		s, err = sqlstore.Open(t.Context(), c)
	}
	if err == nil {
		err = s.Migrate(t.Context())
		t.Cleanup(func() { _, _ = db.Exec("DROP TABLE " + c.Table) })
	}
	b.store, b.db, b.table, b.err = s, db, c.Table, err
	return b
}

func redisServer(t *testing.T) backEnd {
	return redisAt(t, cmp.Or(os.Getenv("SFAUTH_REDIS"), "redis://127.0.0.1:6379"))
}

// durableRedis is a server with the settings that the store asks for.
func durableRedis(t *testing.T) backEnd {
	server := servers.StartRedis(t, "--appendonly", "yes", "--appendfsync", "always")
	return redisAt(t, "redis://"+server.Addr())
}

func redisAt(t *testing.T, address string) backEnd {
	t.Helper()
	b := backEnd{name: "Redis"}
	options, err := redis.ParseURL(address)
	if err != nil {
		b.err = err
		return b
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { client.Close() })
	c := redisstore.Config{Client: client, Prefix: "bench-" + rand.Text()}
	s, err := redisstore.Open(t.Context(), c)
	if errors.Is(err, redisstore.ErrVolatile) {
		c.Durability = redisstore.AcknowledgedWritesMayBeLost
		b.name += notDurable
		s, err = redisstore.Open(t.Context(), c)
	}
	t.Cleanup(func() {
		keys := client.Scan(context.Background(), 0, "{"+c.Prefix+"}*", 1000).Iterator()
		for keys.Next(context.Background()) {
			client.Del(context.Background(), keys.Val())
		}
	})
	b.store, b.client, b.prefix, b.err = s, client, c.Prefix, err
	return b
}

// measureRates lets all stores take turns, so that what disturbs the machine disturbs all of them.
func measureRates(t *testing.T, all []backEnd) []rates {
	t.Helper()
	out := make([]rates, len(all))
	loads, saves := make([][]float64, len(all)), make([][]float64, len(all))
	for i, b := range all {
		if out[i].backEnd = b; b.err == nil {
			fillStore(t, b.store)
		}
	}
	for range 5 {
		for i, b := range all {
			if b.err == nil {
				loads[i] = append(loads[i], rate(t, b.store, func(ctx context.Context, r *tokenstore.Record) error {
					_, err := b.store.Load(ctx, r.ID)
					return err
				}))
				saves[i] = append(saves[i], rate(t, b.store, func(ctx context.Context, r *tokenstore.Record) error {
					err := b.store.Save(ctx, *r)
					r.Version++
					return err
				}))
			}
		}
	}
	for i, b := range all {
		if b.err != nil {
			continue
		}
		out[i].loads, out[i].saves = median(loads[i]), median(saves[i])
		begin, n := time.Now(), 0
		for ; n < 3 || time.Since(begin) < 100*time.Millisecond; n++ {
			for _, err := range b.store.List(t.Context(), "connection/", time.Unix(0, 0)) {
				t.Fatal(err)
			}
		}
		out[i].list = time.Since(begin) / time.Duration(n)
	}
	return out
}

func fillStore(t *testing.T, s tokenstore.Store) {
	t.Helper()
	var crew sync.WaitGroup
	for a := range askers {
		crew.Go(func() {
			for n := range storedForEach {
				if err := s.Save(t.Context(), stored(a, n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	crew.Wait()
}

// stored is a record of the size that connections have.
func stored(asker, n int) tokenstore.Record {
	return tokenstore.Record{ID: fmt.Sprintf("connection/t%d-%d/main", asker, n), Due: time.Now().Add(time.Hour), Data: make([]byte, 1100)}
}

// rate returns how often all askers together do something in a second, each with records of its own.
func rate(t *testing.T, s tokenstore.Store, do func(context.Context, *tokenstore.Record) error) float64 {
	t.Helper()
	ctx := context.Background()
	records := make([][]tokenstore.Record, askers)
	for a := range records {
		for n := range storedForEach {
			r, err := s.Load(ctx, stored(a, n).ID)
			if err != nil {
				t.Fatal(err)
			}
			records[a] = append(records[a], r)
		}
	}
	var done atomic.Int64
	var crew sync.WaitGroup
	begin := time.Now()
	for a := range askers {
		crew.Go(func() {
			for n := 0; time.Since(begin) < 200*time.Millisecond; n++ {
				if err := do(ctx, &records[a][n%storedForEach]); err != nil {
					t.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	crew.Wait()
	return float64(done.Load()) / time.Since(begin).Seconds()
}
