package faults

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/redis/go-redis/v9"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/filestore"
	"github.com/fullcast/sfauth/oauthflow/redisstore"
	"github.com/fullcast/sfauth/oauthflow/sqlstore"
)

// Servers that the drills use unless the environment names others. How they are set up is their own affair: it is our
// processes that die here.
var (
	postgres = cmp.Or(os.Getenv("SFAUTH_POSTGRES"), "postgres://postgres@127.0.0.1:5432/test?connect_timeout=3")
	cache    = cmp.Or(os.Getenv("SFAUTH_REDIS"), "redis://127.0.0.1:6379")
)

// shelf is where a scene keeps its records: a directory, a table of PostgreSQL, or a prefix in Redis. Worker processes
// are told it.
type shelf struct{ Dir, Table, Prefix string }

func (s shelf) String() string {
	switch {
	case s.Table != "":
		return "PostgreSQL"
	case s.Prefix != "":
		return "Redis"
	}
	return "files"
}

// open opens the shelf as one more process would.
func (s shelf) open() (oauthflow.Store, func() error, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	switch {
	case s.Table != "":
		db, err := sql.Open("pgx", postgres)
		if err != nil {
			return nil, nil, err
		}
		db.SetMaxOpenConns(2)
		store, err := sqlstore.Open(ctx, sqlstore.Config{DB: db, Dialect: sqlstore.PostgreSQL, Table: s.Table, Durability: sqlstore.AcknowledgedWritesMayBeLost})
		if err != nil {
			return nil, nil, errors.Join(err, db.Close())
		}
		return store, db.Close, nil
	case s.Prefix != "":
		options, err := redis.ParseURL(cache)
		if err != nil {
			return nil, nil, err
		}
		client := redis.NewClient(options)
		store, err := redisstore.Open(ctx, redisstore.Config{Client: client, Prefix: s.Prefix, Durability: redisstore.AcknowledgedWritesMayBeLost})
		if err != nil {
			return nil, nil, errors.Join(err, client.Close())
		}
		return store, client.Close, nil
	}
	store, err := filestore.Open(filestore.Config{Dir: s.Dir})
	if err != nil {
		return nil, nil, err
	}
	return store, store.Close, nil
}

// shelves returns one of each kind, which are gone afterwards. A server that is missing skips the test.
func shelves(t *testing.T) []shelf {
	t.Helper()
	name := "faults_" + strings.ToLower(rand.Text())
	inTable, inRedis := shelf{Table: name}, shelf{Prefix: name}
	store, done, err := inTable.open()
	if err == nil {
		err = store.(*sqlstore.Store).Migrate(t.Context())
	}
	if err != nil {
		needs.Missing(t, "no PostgreSQL server: %v", err)
	}
	t.Cleanup(func() {
		db, err := sql.Open("pgx", postgres)
		if err == nil {
			_, err = db.Exec("DROP TABLE " + name)
			err = errors.Join(err, db.Close(), done())
		}
		if err != nil {
			t.Error(err)
		}
	})
	options, err := redis.ParseURL(cache)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	if err := client.Ping(t.Context()).Err(); err != nil {
		needs.Missing(t, "no Redis server: %v", err)
	}
	t.Cleanup(func() {
		ctx := context.Background()
		keys, err := client.Keys(ctx, fmt.Sprintf("*%s*", name)).Result()
		if err == nil && len(keys) > 0 {
			err = client.Del(ctx, keys...).Err()
		}
		if err = errors.Join(err, client.Close()); err != nil {
			t.Error(err)
		}
	})
	return []shelf{{Dir: t.TempDir() + "/store"}, inTable, inRedis}
}
